"""Every action of the spec is taken in some model, as `tlacheck verify` calls it.

A property that holds because an action is never taken holds for nothing. No single model has every
feature on, so that the small models are looked at together.

TLC knows the steps of `MCRaft.tla` as the disjuncts of `MCNext`, each by its place in the file. Each
names one event of `RaftEvents.tla`, and that is the name of the action.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from property_tests.raft.adapter import spec_for
from tlacheck.tlc import Checker
from tlacheck.tlc.spec import Spec
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["MODELS", "every_action_is_taken", "never_taken"]

#: Small configurations that take all actions between them; a witness counts up to where it is found.
MODELS: Final = (
    "witness_leader_steps_down.cfg",
    "witness_append_below_snapshot.cfg",
    "witness_snapshot_installed.cfg",
    "witness_commit_before_sync.cfg",
    "witness_read_answered.cfg",
    "witness_transfer_completes.cfg",
    "witness_lease_read.cfg",
    "witness_leader_restarts.cfg",
    "pipelining.cfg",
)


def never_taken(checker: Checker, configs: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """All actions of the spec, and those that none of these configurations takes.

    Args:
        checker: runs TLC.
        configs: configurations of `MCRaft.tla`. One that violates its property counts up to there.

    Returns:
        The names of all actions, and of those among them that were never taken.
    """
    every: set[str] = set()
    taken: set[str] = set()
    for name, times in _actions(checker, configs):
        every.add(name)
        if times:
            taken.add(name)
    return frozenset(every), frozenset(every - taken)


def _actions(checker: Checker, configs: Sequence[str]) -> Iterator[tuple[str, int]]:
    folder = spec_for(3).path.parent
    for config in configs:
        spec = Spec.load(folder / "MCRaft.tla", folder / config)
        result = checker.check(spec, deadlock=False, coverage=True)
        if result.coverage is None:
            continue
        lines = spec.path.read_text(encoding="utf-8").splitlines()
        for part in result.coverage.actions:
            named = re.search(r"\b(\w+)Event\b", "\n".join(lines[part.where.line - 1 :]))
            if named is not None:
                yield named[1], part.taken or 0


def every_action_is_taken(context: Context) -> Outcome:
    """Explore the models together, and name the actions that none takes."""
    with Checker() as checker:
        context.progress("exploring")
        every, never = never_taken(checker, MODELS)
    if never:
        names = ", ".join(sorted(never))
        return Outcome(
            verdict=Verdict.violated("EveryActionIsTaken", f"never taken: {names}"),
            message=f"no model takes {names}: widen one, or remove the action",
            figures={"actions": len(every), "taken": len(every) - len(never)},
        )
    return Outcome(verdict=Verdict.exhausted(), figures={"actions": len(every), "models": len(MODELS)})
