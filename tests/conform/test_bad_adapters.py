"""Bad adapters: each gets the one message that helps its author.

A faulty adapter makes every other check misleading.
"""

import itertools
import time
from collections.abc import Callable
from typing import Any, ClassVar, Self

import pytest
from immutabledict import immutabledict

from tests.conform.toys import Tally, oracle
from tlacheck.conform.adapter import Adapter, action, variable
from tlacheck.conform.system import System
from tlacheck.conform.vet import Fault, vet
from tlacheck.conform.vocabulary import Vocabulary
from tlacheck.trace import State

VOCABULARY = Vocabulary(
    source="Tally.tla",
    actions=immutabledict(Raise=(frozenset({"by"}),), Reset=(frozenset(),), Knock=(frozenset({"who"}),)),
    variables=("total", "odd", "event"),
)


class Good(Adapter):
    """The toy counter as a declared adapter."""

    def __init__(self) -> None:
        self.total = 0

    def reset(self, initial: State) -> None:
        self.total = initial["total"]

    @action("Raise")
    def raise_by(self, by: int) -> None:
        self.total += by

    @action("Reset")
    def back(self) -> None:
        self.total = 0

    @action(unused=["who"])
    def Knock(self) -> None:  # noqa: N802 - the action's name
        """Do nothing."""

    @variable("total", "odd")
    def shown(self) -> State:
        return immutabledict(total=self.total, odd=self.total % 2 == 1)

    def fork(self) -> Self:
        twin = type(self)()
        twin.total = self.total
        return twin


class ShowsAFloat(Good):
    """Shows a float, which is no TLA+ value."""

    @variable("total", "odd")
    def shown(self) -> State:
        return immutabledict(total=float(self.total), odd=self.total % 2 == 1)


class ShowsAList(Good):
    """Shows a list, which is no TLA+ value."""

    @variable("total", "odd")
    def shown(self) -> State:
        return immutabledict(total=[self.total], odd=self.total % 2 == 1)


class ForgetsAVariable(Good):
    """Shows other variables than it declares."""

    @variable("total", "odd")
    def shown(self) -> State:
        return immutabledict(total=self.total)


class ShowsOneMore(Tally):
    """Shows other variables than it declares."""

    def observe(self) -> State:
        return super().observe().set("colour", "red")


class Raises(Good):
    """Raises an exception when counting by 2."""

    @action("Raise")
    def raise_by(self, by: int) -> None:
        self.total += [0, 1][by]


class Hangs(Good):
    """Waits for ever."""

    @action("Reset")
    def back(self) -> None:
        while self.total:
            time.sleep(0.01)


class Random(Good):
    """Behaves randomly; here new systems alternate, so that the test is deterministic."""

    chance = itertools.cycle([0, 1])

    def __init__(self) -> None:
        super().__init__()
        self._more = next(self.chance)

    @action("Raise")
    def raise_by(self, by: int) -> None:
        self.total += by + self._more


class Shares(Good):
    """All instances share one counter."""

    totals: ClassVar[list[int]] = [0]

    def reset(self, initial: State) -> None:
        self.totals[0] = initial["total"]

    @action("Raise")
    def raise_by(self, by: int) -> None:
        self.totals[0] += by

    @action("Reset")
    def back(self) -> None:
        self.totals[0] = 0

    @variable("total", "odd")
    def shown(self) -> State:
        return immutabledict(total=self.totals[0], odd=self.totals[0] % 2 == 1)


class CountsLooks(Good):
    """Changes whenever it is observed."""

    @variable("total", "odd")
    def shown(self) -> State:
        self.total += 1
        return immutabledict(total=self.total, odd=self.total % 2 == 1)


class HandsItselfOut(Tally):
    """Returns its own mutable state."""

    def __init__(self) -> None:
        super().__init__()
        self._board: Any = {"total": 0, "odd": False}

    def observe(self) -> State:
        self._board.update(super().observe())
        board: State = self._board
        return board


class NamesAnArgumentWrongly(Good):
    """Takes `bye` where the spec has `by`."""

    @action("Raise")
    def raise_by(self, bye: int) -> None:
        self.total += bye


class LacksAnAction(Good):
    """Performs no Knock."""

    Knock = None  # type: ignore[assignment] # not performed any more


class DoesNotReset(Good):
    """Does not reset."""

    def reset(self, initial: State) -> None:
        """Do nothing."""


class ForksItself(Good):
    """Returns itself as its copy."""

    def fork(self) -> Self:
        return self


class FailsToObserve(Good):
    """Reads a missing attribute when observed."""

    @variable("total", "odd")
    def shown(self) -> State:
        return immutabledict(total=self.total, odd=self.odd)  # type: ignore[attr-defined] # that is its fault


class FailsToStart(Good):
    """Reads `sum` where the spec has `total`."""

    def reset(self, initial: State) -> None:
        self.total = initial["sum"]


BAD: dict[Callable[[], System], tuple[str, str]] = {
    ShowsAFloat: ("values", "at the start: total is 0.0, a float: no TLA+ value is like it. Use int, bool"),
    ShowsAList: ("values", "at the start: total is [0], a list: no TLA+ value is like it. Use int, bool"),
    ForgetsAVariable: ("variables", "shown shows odd, total, so it must return a mapping with these names"),
    ShowsOneMore: ("variables", "ShowsOneMore.observe() returns colour, which its `variables` do not name"),
    Raises: ("raises",
        "Raise(by = 2): it raised IndexError: list index out of range (test_bad_adapters.py:"),
    Hangs: ("hangs", "Reset(): it has not come back after 0.2 s"),
    Random: ("random", "a second system that took the same steps shows something else: total: first "),
    Shares: ("shared", "a system shows something else while another one takes steps: total: first "),
    CountsLooks: ("observing",
        "at the start, observing a second time shows something else: total: first 1, then 2"),
    HandsItselfOut: ("observing", "what was observed at the start has changed since: observe() hands out"),
    NamesAnArgumentWrongly: ("names", ("NamesAnArgumentWrongly.raise_by, for the action Raise, "
        "needs an argument bye, and the spec gives by")),
    LacksAnAction: ("names", "nothing performs the action Knock(who)"),
    DoesNotReset: ("reset",
        "at the start after a reset, the system shows something else than the first time"),
    ForksItself: ("fork", "a step of a copy made by fork() changes its original"),
    FailsToObserve: ("raises",
        "observe() raised AttributeError: 'FailsToObserve' object has no attribute 'odd'"),
    FailsToStart: ("raises", "at the start, reset(): it raised KeyError: 'sum'"),
}  # fmt: skip


def _faults(make_system: Callable[[], System]) -> tuple[Fault, ...]:
    """The faults found. Only `Hangs` gets a short limit, since a busy machine may pause for a second."""
    limit = 0.2 if make_system is Hangs else 60.0
    return vet(make_system, oracle(), vocabulary=VOCABULARY, limit_seconds=limit)


@pytest.mark.parametrize("make_system", [Good, Tally])
def test_a_good_adapter_has_no_faults(make_system: Callable[[], System]) -> None:
    assert _faults(make_system) == ()


@pytest.mark.parametrize("make_system", BAD, ids=lambda kind: kind.__name__)
def test_a_bad_adapter_gets_the_message_that_helps(make_system: Callable[[], System]) -> None:
    kind, words = BAD[make_system]
    first = _faults(make_system)[0]
    assert kind == first.kind, first
    assert words in first.message
    assert str(first).startswith(f"{kind}: ")


def test_a_system_that_differs_from_its_spec_is_no_bad_adapter() -> None:
    """Otherwise vetting would hide the findings of replay."""

    class Wrong(Good):
        @action("Raise")
        def raise_by(self, by: int) -> None:
            self.total += by + 1

    assert _faults(Wrong) == ()


def test_each_kind_of_fault_is_reported_once() -> None:
    class Twice(ForksItself):
        """Has a bad fork and a bad reset."""

        def reset(self, initial: State) -> None:
            """Do nothing."""

    assert [fault.kind for fault in _faults(Twice)] == ["reset", "fork"]


def test_without_a_vocabulary_names_are_checked_by_walks() -> None:
    faults = vet(NamesAnArgumentWrongly, oracle())
    assert faults[0].kind == "names"
    assert "needs an argument bye, and the spec gives by" in faults[0].message


def test_an_undeclared_system_is_told_what_it_lacks() -> None:
    class Ignorant(Tally):
        def perform(self, action: str, arguments: Any) -> None:
            super().perform("Dance" if action == "Knock" else action, arguments)

    (fault,) = _faults(Ignorant)
    assert fault.kind == "names"
    assert "the toy has no input for Dance" in fault.message


def test_vetting_is_deterministic() -> None:
    """A fault reported only now and then could not be reproduced."""
    assert _faults(Shares) == _faults(Shares)
