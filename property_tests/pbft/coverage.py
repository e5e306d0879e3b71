"""The views of a Byzantine primary are entered in a model of PBFT, for `tlacheck verify`."""

from typing import Final

from property_tests.pbft.adapter import spec_for
from tlacheck.conform.actions import never_taken
from tlacheck.tlc import Checker
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["BYZANTINE_SUCCESSOR", "views_of_a_byzantine_primary"]

#: Here no correct replica is ever primary of a view that is entered: every NEW-VIEW is a Byzantine one's.
BYZANTINE_SUCCESSOR: Final = "witness_byzantine_new_view.cfg"


def views_of_a_byzantine_primary(context: Context, *, config: str = BYZANTINE_SUCCESSOR) -> Outcome:
    """Correct replicas enter a view in a model in which none of them ever begins one.

    Args:
        context: given by `verify`.
        config: the configuration of `MCPbft.tla`.
    """
    with Checker() as checker:
        context.progress("exploring")
        every, never = never_taken(checker, spec_for(4).path.parent / "MCPbft.tla", [config])
    figures = {"actions": len(every), "taken": len(every) - len(never)}
    if "EnterNewView" in never or "NewView" not in never:
        reason = "no view of a Byzantine primary is entered, or a correct one begins a view"
        return Outcome(verdict=Verdict.violated("ByzantinePrimaryIsFollowed", reason), figures=figures)
    return Outcome(verdict=Verdict.exhausted(), figures=figures)
