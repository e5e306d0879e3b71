"""Coverage goals of PBFT: situations that runs must meet, or else they are inconclusive."""

from collections.abc import Iterator
from typing import Any, Final

from impl import pbft
from property_tests.pbft.adapter import PbftSystem
from property_tests.pbft.adversary import BEHAVIOURS
from property_tests.pbft.host import replica_step
from tlacheck.harness import Goal, Judge, Met, Size, counted
from tlacheck.sim import StepRecord

__all__ = ["GOALS", "Situations"]

GOALS: Final[tuple[Goal, ...]] = (
    *counted(
        "a batch is executed",
        "a checkpoint is stable",
        "a view is entered",
        "a view change carries a batch over",
        "a null batch fills a gap",
        "a state is transferred",
        "a timer fires",
        "a replica comes back from a crash",
        "fault: a step undone",
        "progress: Progress",
    ),
    *counted(
        "a Byzantine primary begins a view",
        "refused: MALFORMED",
        "refused: FORGED",
        "refused: STRANGER",
        "refused: UNPROVEN",
        "refused: EQUIVOCATION",
        "refused: OLD_VIEW",
        "refused: OUTSIDE_WINDOW",
        *(f"behaviour: {name}" for name in BEHAVIOURS),
        needs_byzantine=True,
    ),
)

#: Every action of the spec must be taken by runs that it judges.
ACTIONS: Final = tuple(f"step: {name}" for name in PbftSystem.declaration.actions)


class Situations(Judge):
    """Says which situations a step meets."""

    def __init__(self, size: Size) -> None:
        self._byzantine = size.byzantine

    def on_restart(self, node: str, state: Any) -> Iterator[Met]:
        """A replica comes back."""
        del node, state
        yield Met("a replica comes back from a crash")

    def on_step(self, record: StepRecord) -> Iterator[Met]:
        """The situations of a step."""
        step = replica_step(record)
        if isinstance(step.input, pbft.Timeout):
            yield Met("a timer fires")
        if step.before.durable.stable is not step.after.durable.stable:
            yield Met("a checkpoint is stable")
        for effect in step.effects:
            match effect:
                case pbft.EnteredView(view=view):
                    yield from self._entered(step.after, view)
                case pbft.Executed():
                    yield Met("a batch is executed")
                case pbft.Transferred():
                    yield Met("a state is transferred")
                case pbft.Refused(why=why):
                    yield Met(f"refused: {why.name}")

    def _entered(self, after: pbft.Node, view: int) -> Iterator[Met]:
        yield Met("a view is entered")
        entered = after.durable.entered
        batches = [made.batch for made in entered.proposals] if entered is not None else []
        if any(batches):
            yield Met("a view change carries a batch over")
        if not all(batches):
            yield Met("a null batch fills a gap")
        if after.config.primary(view) in self._byzantine:
            yield Met("a Byzantine primary begins a view")
