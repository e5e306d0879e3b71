"""Coverage of an exploration, and the novelty of a step.

States of the spec are identified by their fingerprints (`OracleState.key`), without the variable
`event`, which says how a state was reached. In a protocol without bounds nearly every state is new, so
this alone gives no guidance. Four things count, in order of their weight:

* branches of the implementation, where they are measured: a pair of lines in the modules that are watched;
* the shape of a step: its action, and which variables it changed. There are few, and a new one means that
  an action had an effect that it never had;
* two shapes one after the other;
* the value of one variable. It counts the less the more values the variable has shown: a new role or a new
  commit index is news, the hundredth content of the network is not.

Fingerprints and what is made of them do not depend on Python's hashing of texts, so that what several
processes have seen can be put together.
"""

import zlib
from collections.abc import Iterable
from typing import Final, TypeAlias

import attrs

from tlacheck.tlc.oracle import OracleState, SpecOracle, Successor

__all__ = ["Branch", "Novelty", "Seen"]

#: A branch: the file, the line before and the line after; 0 stands for outside of the function.
Branch: TypeAlias = tuple[str, int, int]

_EVENT: Final = "event"
_BRANCH_WORTH, _SHAPE_WORTH, _PAIR_WORTH = 2.0, 2.0, 0.5

_Shape: TypeAlias = tuple[str, int]


@attrs.frozen
class Novelty:
    """The novelty of a step.

    Attributes:
        worth: 0 if nothing about it was new; 1 or more is worth going back to.
        initial: the initial state of its walk.
    """

    worth: float
    initial: OracleState


class Seen:
    """Everything that the walks of one exploration have seen.

    Attributes:
        states: the distinct states of the spec, as numbers.
        transitions: the distinct steps, as numbers.
        branches: the distinct branches of the implementation.
    """

    def __init__(self, oracle: SpecOracle) -> None:
        self.states: set[int] = set()
        self.transitions: set[int] = set()
        self.branches: set[Branch] = set()
        self._event = _event_index(oracle)
        self._values: list[set[int]] = []
        self._shapes: set[_Shape] = set()
        self._pairs: set[tuple[_Shape, _Shape]] = set()
        self._last: _Shape | None = None
        self._initial: OracleState | None = None

    def has_state(self, state: OracleState) -> bool:
        """Return whether some walk was in that state of the spec."""
        return hash(self._pure(state)) in self.states

    def begin(self, initial: OracleState) -> None:
        """Begin a walk there."""
        self._initial, self._last = initial, None
        self._note_state(self._pure(initial))

    def note(self, before: OracleState, step: Successor, branches: Iterable[Branch] = ()) -> Novelty:
        """Record the step from `before`, through these branches, and return its novelty."""
        old, new = self._pure(before), self._pure(step.state)
        worth = self._note_state(new)
        changed = sum(
            1 << index for index, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]
        )
        shape = (step.action, changed)
        if shape not in self._shapes:
            self._shapes.add(shape)
            worth += _SHAPE_WORTH
        if self._last is not None and (self._last, shape) not in self._pairs:
            self._pairs.add((self._last, shape))
            worth += _PAIR_WORTH
        self._last = shape
        self.transitions.add(hash((old, step.state.key, zlib.crc32(step.action.encode()))))
        if found := set(branches) - self.branches:
            self.branches |= found
            worth += _BRANCH_WORTH * len(found)
        return Novelty(worth, self._initial if self._initial is not None else before)

    def _note_state(self, pure: tuple[int, ...]) -> float:
        """Record the state; return the novelty of its variables' values."""
        known = hash(pure)
        if known in self.states:
            return 0.0
        self.states.add(known)
        if not self._values:
            self._values = [set() for _ in pure]
        worth = 0.0
        for value, values in zip(pure, self._values, strict=True):
            if value not in values:
                worth += 1.0 / (1 + len(values))
                values.add(value)
        return worth

    def _pure(self, state: OracleState) -> tuple[int, ...]:
        """Return the fingerprints of the variables except `event`."""
        key, event = state.key, self._event
        return key if event is None else key[:event] + key[event + 1 :]


def _event_index(oracle: SpecOracle) -> int | None:
    """Return the index of `event` in the keys of states; None if the spec has none."""
    if not oracle.has_event:
        return None
    empty, told = oracle.state({}).key, oracle.state({_EVENT: "?"}).key
    return next(index for index, pair in enumerate(zip(empty, told, strict=True)) if pair[0] != pair[1])
