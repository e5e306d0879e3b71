"""Action coverage of models, for `verify.toml`: each action of a spec is taken in some model.

A property that holds because an action is never taken holds for nothing. Seldom has one small model all that
a spec can do, so several are looked at together:

    [[check]]
    name = "raft/actions-taken"
    layer = "TLC"
    call = "tlacheck.conform.actions:every_action_is_taken"
    expect = "exhausted"
    with = { module = "specs/raft/MCRaft.tla", configs = ["smoke.cfg", "snapshots.cfg"] }

TLC counts the disjuncts of the next-state relation by their places in the files. Each names one event,
`TimeoutEvent` for the action `Timeout`.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tlacheck.tlc import Checker
from tlacheck.tlc.spec import Spec
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome
from tlacheck.verify.outcome import Figures

__all__ = ["every_action_is_taken", "never_taken"]


def never_taken(
    checker: Checker, module: Path, configs: Sequence[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Find the actions of a spec that none of some models takes.

    Args:
        checker: runs TLC.
        module: the root module.
        configs: its configurations, files beside it or derived. One that violates its property counts up to
            there.

    Returns:
        The names of all actions, and of those among them that were never taken.

    Raises:
        SpecError: a configuration is missing, or the spec cannot be checked.
    """
    every: set[str] = set()
    taken: set[str] = set()
    for name, times in _actions(checker, module, configs):
        every.add(name)
        if times:
            taken.add(name)
    return frozenset(every), frozenset(every - taken)


def _actions(checker: Checker, module: Path, configs: Sequence[str]) -> Iterator[tuple[str, int]]:
    for config in configs:
        spec = Spec.load(module, module.parent / config)
        result = checker.check(spec, deadlock=False, coverage=True)
        if result.coverage is None:
            continue
        for part in result.coverage.actions:
            lines = Path(part.where.file).read_text(encoding="utf-8").splitlines()
            named = re.search(r"\b(\w+)Event\b", "\n".join(lines[part.where.line - 1 :]))
            if named is not None:
                yield named[1], part.taken or 0


def every_action_is_taken(context: Context, *, module: str, configs: Sequence[str]) -> Outcome:
    """Explore the models together, and name the actions that none takes.

    Args:
        context: given by `verify`.
        module: the root module, from where `verify` runs.
        configs: its configurations, as `never_taken` has them.

    Raises:
        SpecError: as `never_taken`.
    """
    with Checker() as checker:
        context.progress("exploring")
        every, never = never_taken(checker, Path(module).resolve(), configs)
    figures = Figures(actions=len(every), taken=len(every) - len(never), models=len(configs))
    if never:
        names = ", ".join(sorted(never))
        return Outcome(
            verdict=Verdict.violated("EveryActionIsTaken", f"never taken: {names}"),
            message=f"no model takes {names}: widen one, or remove the action",
            figures=figures,
        )
    if not every:
        reason = f"{Path(module).name} names no event: TLC counted nothing that is called ...Event"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    return Outcome(verdict=Verdict.exhausted(), figures=figures)
