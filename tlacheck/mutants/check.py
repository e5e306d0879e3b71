"""Mutation testing as a check that a project's `verify.toml` calls, for any protocol."""

from collections import Counter
from collections.abc import Sequence

from immutabledict import immutabledict

from tlacheck.mutants.trial import Layer, Result, declared, try_mutants
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["all_caught", "caught"]


def caught(context: Context, *, of: str, which: str = "MUTANTS") -> Outcome:
    """Check that some layer catches every mutant of a package or a protocol; equivalent ones are not tried.

    Args:
        context: what `verify` gives.
        of: the package, whose `mutants` has the mutants and `layers:LAYERS` the layers; or `MODULE:PROTOCOL`.
        which: the name of the mutants there.
    """
    mutants, layers = declared(of, which=which)
    return all_caught(context, mutants, layers)


def all_caught(context: Context, mutants: str, layers: Sequence[Layer]) -> Outcome:
    """Check that some layer catches every wrong implementation. Equivalent ones are not tried.

    Args:
        context: what `verify` gives.
        mutants: `MODULE:NAME` of a tuple of mutants, or of a protocol that declares them.
        layers: the layers, the quickest first.
    """
    caught: Counter[str] = Counter()

    def watch(result: Result) -> None:
        caught["survived" if result.first is None else result.first.layer] += 1
        context.progress(f"{caught.total()} tried, {caught['survived']} survived")

    results = try_mutants(
        mutants, layers, folder=context.folder, seed=context.seed, controls=False, on_result=watch
    )
    figures = immutabledict(
        {"mutants": len(results), **{layer.name.replace(" ", "_"): caught[layer.name] for layer in layers}}
    )
    unnoticed = [result.mutant.name for result in results if not result.is_as_expected]
    if unnoticed:
        reason = f"not noticed for what they are: {', '.join(unnoticed)}"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures, command="make mutants")
    return Outcome(
        verdict=Verdict.sampled(len(results), context.seed), figures=figures, command="make mutants"
    )
