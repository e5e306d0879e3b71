"""The check of the Byzantine guard, as `tlacheck verify` calls it."""

from property_tests.guard.machine import INTERESTING, run_machine
from property_tests.guard.world import Broken
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["accuracy"]


def accuracy(context: Context, *, examples: int = 200, steps: int = 40) -> Outcome:
    """No guard of a correct replica quarantines a correct one, whatever f liars say; and quarantine costs no quorum.

    A run that fails is shown shrunk, in the message.
    """
    try:
        met = run_machine(seed=context.seed, examples=examples, steps=steps)
    except Broken as error:
        notes = "\n".join(getattr(error, "__notes__", ()))
        return Outcome(verdict=Verdict.violated("Accuracy", str(error)), message=notes)
    figures = {
        "examples": examples,
        "accusations_of_correct": met["an accusation of a correct replica"],
        "proofs_against_liars": sum(count for what, count in met.items() if what.startswith("proved: ")),
        "executed": met["a batch is executed"],
    }
    if missing := [what for what in INTERESTING if not met[what]]:
        return Outcome(verdict=Verdict.unknown(f"never met: {', '.join(missing)}"), figures=figures)
    return Outcome(verdict=Verdict.sampled(examples, context.seed), figures=figures)
