"""The second run: the core, executed again on what a node logged.

It gives the whole state at every step, which no node had to log. It must be the run that the node had:

* **Deterministic**: each step has the digest that the node logged.
* **Durable**: a node comes back with the durable state that it had after one of its steps, and no step after
  that one had left the node. If it does, the disk lost what was synced, or something was never written.

Steps after that one never happened, as far as anybody can know: they are undone, and the messages that
they took are lost.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import attrs

from node.engine import Core, Effects
from node.stamps import Stamp
from property_tests.chaos.logs import Contradiction, Logged, Start

__all__ = ["CameBack", "Happened", "Taken", "Undone", "second_run"]


#: The core gives the same digests again.
DETERMINISTIC: Final = "Deterministic"
#: The disk holds what others were told.
DURABLE: Final = "Durable"


@attrs.frozen
class Taken:
    """A step that was taken.

    Attributes:
        node: who took it.
        start: in which of its starts.
        logged: how it was logged.
        before: the replica before it.
        after: the replica after it.
        effects: what it asked for.
        messages: what it sent, each with the node that it went to.
        is_out: whether its messages may have left.
    """

    node: str
    start: int
    logged: Logged
    before: Any
    after: Any
    effects: Effects
    messages: Sequence[tuple[str, Any]]
    is_out: bool

    @property
    def sent(self) -> tuple[tuple[Stamp, str, Any], ...]:
        """Its messages with their stamps and the nodes that they went to."""
        return tuple(
            (Stamp(self.node, self.start, self.logged.number, position), dest, message)
            for position, (dest, message) in enumerate(self.messages)
        )


@attrs.frozen
class Undone:
    """A step that a crash undid."""

    node: str
    start: int
    logged: Logged


@attrs.frozen
class CameBack:
    """A node started again.

    Attributes:
        node: which one.
        start: its new start.
        at: nanoseconds, about when.
        state: the replica then.
    """

    node: str
    start: int
    at: int
    state: Any


Happened: TypeAlias = Taken | Undone | CameBack


def second_run(starts: Sequence[Start], core: Core) -> list[Happened]:
    """Return what happened to one node, in order.

    Args:
        starts: its log.
        core: its core.

    Raises:
        Contradiction: its log is not that of the core.
    """
    happened: list[Happened] = []
    before: _Executed | None = None
    for start in starts:
        first = core.first()
        if before is None or start.is_first:
            _check_first(before, start, core.durable_digest(first.durable))
            state = first
            if before is not None:
                happened += before.kept(0)
        else:
            number = before.survived(start)
            happened += before.kept(number)
            state = core.recovered(before.durable_after(number))
            happened.append(CameBack(start.node, start.number, _begun_at(start, before), state))
        before = _Executed(start, state, core)
    if before is not None:
        happened += before.kept(before.start.out or 0)
    return happened


def _check_first(before: "_Executed | None", start: Start, first: str) -> None:
    """A node finds an empty disk at its first start, and again if it said nothing before it crashed."""
    if not start.is_first:
        raise Contradiction(DURABLE, f"{start.node} finds a durable state at its first start")
    if before is not None and before.start.out is not None:
        raise Contradiction(
            DURABLE, f"{start.node} finds an empty disk at start {start.number}: all that it held is lost"
        )
    if start.durable != first:
        raise Contradiction(DETERMINISTIC, f"{start.node} begins with another state than the core does")


def _begun_at(start: Start, before: "_Executed") -> int:
    if start.steps:
        return start.steps[0].at
    return before.start.steps[-1].at if before.start.steps else 0


class _Executed:
    """A start of a node, executed again.

    Raises:
        Contradiction: a step has another digest than was logged.
    """

    def __init__(self, start: Start, state: Any, core: Core) -> None:
        self.start = start
        self._core = core
        self._first = state
        self._steps: list[Taken] = []
        for logged in start.steps:
            after, effects = core.step(state, logged.input)
            if core.digest(after, effects) != logged.digest:
                raise Contradiction(
                    DETERMINISTIC,
                    f"step {logged.number} of start {start.number} of {start.node}, {logged.input}, did "
                    "something else when it was executed again",
                )
            is_out = start.out is not None and logged.number <= start.out
            messages = core.sends(effects)
            self._steps.append(
                Taken(start.node, start.number, logged, state, after, effects, messages, is_out)
            )
            state = after

    def durable_after(self, number: int) -> Any:
        """The durable state after a step; 0 is before the first."""
        return self._steps[number - 1].after.durable if number else self._first.durable

    def survived(self, later: Start) -> int:
        """The number of the step after which the node had the durable state that it came back with."""
        out = self.start.out or 0
        digests: dict[int, str] = {}
        for number in range(out, len(self._steps) + 1):
            durable = self.durable_after(number)
            if id(durable) not in digests:
                digests[id(durable)] = self._core.durable_digest(durable)
            if digests[id(durable)] == later.durable:
                return number
        raise Contradiction(
            DURABLE,
            f"{later.node} came back at start {later.number} without what it had told others: they may have "
            f"heard of its steps up to {out}, and the disk holds neither the state after that step nor a "
            "later one",
        )

    def kept(self, number: int) -> Iterator[Happened]:
        """The steps, of which those after the given one are undone."""
        for step in self._steps:
            if step.logged.number <= number:
                yield step
            else:
                yield Undone(step.node, step.start, step.logged)
