"""Every action of the spec is taken in some model, as `tlacheck verify` calls it.

A property that holds because an action is never taken holds for nothing. What TLC counts by its place in a file
is one disjunct of `MCNext`, or an event itself where all that it chooses from is constant; both name one event of
`PbftEvents.tla`, and that is the name of the action.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from property_tests.pbft.adapter import spec_for
from tlacheck.tlc import Checker
from tlacheck.tlc.spec import Spec
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["BYZANTINE_SUCCESSOR", "MODELS", "every_action_is_taken", "never_taken"]

#: Here no correct replica is ever primary of a view that is entered: every NEW-VIEW is a Byzantine one's.
BYZANTINE_SUCCESSOR: Final = "witness_byzantine_new_view.cfg"

#: Small configurations that take all actions between them; a witness counts up to where it is found.
MODELS: Final = (
    "witness_state_transfer.cfg",
    "witness_join.cfg",
    BYZANTINE_SUCCESSOR,
)


def never_taken(checker: Checker, configs: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """All actions of the spec, and those that none of these configurations takes.

    Args:
        checker: runs TLC.
        configs: configurations of `MCPbft.tla`. One that violates its property counts up to there.

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
    folder = spec_for(4).path.parent
    for config in configs:
        result = checker.check(
            Spec.load(folder / "MCPbft.tla", folder / config), deadlock=False, coverage=True
        )
        if result.coverage is None:
            continue
        for part in result.coverage.actions:
            lines = Path(part.where.file).read_text(encoding="utf-8").splitlines()
            named = re.search(r"\b(\w+)Event\b", "\n".join(lines[part.where.line - 1 :]))
            if named is not None:
                yield named[1], part.taken or 0


def every_action_is_taken(context: Context) -> Outcome:
    """Explore the models together, and name the actions that none takes."""
    with Checker() as checker:
        context.progress("exploring")
        every, never = never_taken(checker, MODELS)
        context.progress("the views of a Byzantine primary")
        _, without = never_taken(checker, (BYZANTINE_SUCCESSOR,))
    missing = sorted(never)
    if "EnterNewView" in without or "NewView" not in without:
        missing.append("EnterNewView of a Byzantine primary")
    if missing:
        names = ", ".join(missing)
        return Outcome(
            verdict=Verdict.violated("EveryActionIsTaken", f"never taken: {names}"),
            message=f"no model takes {names}: widen one, or remove the action",
            figures={"actions": len(every), "taken": len(every) - len(never)},
        )
    return Outcome(verdict=Verdict.exhausted(), figures={"actions": len(every), "models": len(MODELS)})
