"""Properties of runs: invariants of views, judges with a memory, coverage goals, and progress.

| declared     | sees                                   | says                                        |
|--------------|----------------------------------------|---------------------------------------------|
| `Invariant`  | each view                              | why it does not hold                        |
| `Judge`      | each step of an honest node, in order  | which properties it breaks, which goals it meets |
| `Goal`       | the views before and after a step, or the step | that a situation came up            |
| `Eventually` | the view, once all faults have ended   | that the cluster made progress              |

A goal may also be met by what the harness counts by itself: `behaviour: NAME` when a Byzantine node sent
something else than an honest one would have, `fault: NAME` when a fault found something to do, `fault: a step
undone` when a crash came before its writes were safe, `step: NAME` for a step of the spec, if it is asked,
and `progress: NAME`.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias

import attrs

from tlacheck.harness.size import Size, View
from tlacheck.sim.cluster import Cluster, StepRecord
from tlacheck.sim.faults import Fault

__all__ = [
    "Broken",
    "Demand",
    "Eventually",
    "Expectation",
    "Finding",
    "Goal",
    "Invariant",
    "Judge",
    "Met",
    "Running",
    "counted",
    "sometimes",
    "sometimes_in_step",
]


@attrs.frozen
class Invariant:
    """A property of every view.

    Attributes:
        name: as the spec calls it, if it does.
        broken: from the view to why it does not hold, in words; None or an empty text if it holds.
    """

    name: str
    broken: Callable[[View], str | None]


@attrs.frozen
class Broken:
    """A property that does not hold, and why, in words."""

    property: str
    why: str


@attrs.frozen
class Met:
    """A situation that came up; the goal of that name is met."""

    goal: str


#: What a judge says of a step.
Finding: TypeAlias = Broken | Met


class Judge:
    """A judge of one run, with whatever memory it needs; made anew for each run. Knows nothing of the spec.

    It is told the steps of honest nodes in the order in which they happen. A step that a crash cut short
    before its writes were safe never happened (`on_undone`).
    """

    def on_step(self, record: StepRecord) -> Iterable[Finding]:
        """Judge a step of an honest node."""
        del record
        return ()

    def on_undone(self, record: StepRecord) -> Iterable[Finding]:
        """Judge what a step did that a crash cut short and undid: what it had sent by then is on its way."""
        del record
        return ()

    def on_restart(self, node: str, state: Any) -> Iterable[Finding]:
        """Judge the state in which an honest node comes back."""
        del node, state
        return ()

    def on_lost(self, message: Any) -> Iterable[Finding]:
        """Take note of a copy of a message that the network lost."""
        del message
        return ()

    def on_double(self, message: Any) -> Iterable[Finding]:
        """Take note of a second copy of a message that the network made."""
        del message
        return ()

    def on_request(self, node: str, inp: Any) -> Iterable[Finding]:
        """Take note of what a client is about to ask of a node, which may be Byzantine, paused or down."""
        del node, inp
        return ()

    def on_end(self) -> Iterable[Finding]:
        """Judge the run as a whole."""
        return ()


# --- goals


@attrs.frozen
class Goal:
    """A situation that a campaign must meet, or it says nothing.

    Attributes:
        name: for people.
        is_met: from the view before a step and the view after it; None if that does not tell.
        is_met_in: from a step of an honest node; None if that does not tell.
        needs_byzantine: True if only a cluster with Byzantine nodes can meet it; of others it is not
            demanded.
    """

    name: str
    is_met: Callable[[View, View], bool] | None = None
    is_met_in: Callable[[StepRecord], bool] | None = None
    needs_byzantine: bool = False


def sometimes(name: str, is_met: Callable[[View, View], bool]) -> Goal:
    """A coverage goal: a situation that must come up, told by the views before and after a step."""
    return Goal(name, is_met)


def sometimes_in_step(name: str, is_met_in: Callable[[StepRecord], bool]) -> Goal:
    """A coverage goal that a step of an honest node tells, its input and effects among it."""
    return Goal(name, is_met_in=is_met_in)


def counted(*names: str, needs_byzantine: bool = False) -> tuple[Goal, ...]:
    """Coverage goals met by a `Judge`, or counted by the harness, such as `behaviour: NAME`."""
    return tuple(Goal(name, needs_byzantine=needs_byzantine) for name in names)


# --- progress


class Running(Protocol):
    """A run, as declarations see it."""

    @property
    def size(self) -> Size:
        """The size of the cluster."""

    @property
    def view(self) -> View:
        """Node -> its state, of those that follow the protocol."""

    @property
    def cluster(self) -> Cluster[Any, Any, Any]:
        """The cluster."""

    @property
    def steps(self) -> int:
        """The number of steps that nodes took."""

    @property
    def judges(self) -> tuple[Judge, ...]:
        """The judges of this run, in the order of the declaration."""

    @property
    def behaviours(self) -> tuple[str, ...]:
        """The names of the ways in which its Byzantine nodes may behave."""

    def advance(self, for_ms: int) -> None:
        """Let so many virtual milliseconds pass."""

    def inflict(self, fault: Fault) -> bool:
        """Let a fault happen. False if it found nothing to do."""

    def request(self, node: str, inp: object) -> bool:
        """Give a node a client's input. False if the node is down or paused."""


class Demand(Protocol):
    """A demand on a healed cluster, begun."""

    @property
    def within_ms(self) -> int:
        """The bound, from the begin on, in virtual milliseconds."""

    @property
    def every_ms(self) -> int:
        """The time between two looks."""

    def meanwhile(self) -> None:
        """Let clients ask for something while they wait."""

    def is_reached(self) -> bool:
        """Return whether it has come about."""

    def where(self) -> str:
        """Say how far the cluster is, for the message that it did not come about."""


class Expectation(Protocol):
    """Progress: what must come about once all faults have ended."""

    @property
    def name(self) -> str:
        """A name for people."""

    def begin(self, run: Running, ask: Callable[[], object]) -> Demand:
        """Begin to wait, faults having ended. `ask` lets a client ask for something of the workload."""


@attrs.frozen
class Eventually:
    """Progress: once all faults have ended it comes about in time.

    Attributes:
        name: for people.
        is_reached: from the view at the end of the faults and the view now.
        within_ms: in so many virtual milliseconds, which may depend on the run.
        prepare: brings the run into the situation from which on it is waited for.
        is_idle: True if nobody asks for anything meanwhile.
    """

    name: str
    is_reached: Callable[[View, View], bool]
    within_ms: int | Callable[[Running], int] = attrs.field()
    prepare: Callable[[Running], None] = attrs.field(default=lambda _: None, kw_only=True)
    is_idle: bool = attrs.field(default=False, kw_only=True)

    @within_ms.validator
    def _is_positive(self, _: Any, value: object) -> None:
        if isinstance(value, int) and value < 1:
            raise ValueError(f"within_ms must be 1 or more, not {value}")

    def begin(self, run: Running, ask: Callable[[], object]) -> Demand:
        """Begin to wait: the workload goes on, unless it is idle."""
        self.prepare(run)
        within_ms = self.within_ms if isinstance(self.within_ms, int) else self.within_ms(run)
        return _Waiting(self, run, ask, run.view, within_ms)


@attrs.frozen
class _Waiting:
    """An `Eventually`, begun."""

    wanted: Eventually
    run: Running
    ask: Callable[[], object]
    first: View
    within_ms: int
    every_ms: int = 25

    def meanwhile(self) -> None:
        if not self.wanted.is_idle:
            self.ask()

    def is_reached(self) -> bool:
        return self.wanted.is_reached(self.first, self.run.view)

    def where(self) -> str:
        return ""
