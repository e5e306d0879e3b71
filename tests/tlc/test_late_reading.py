"""A state of the oracle is the same whenever, and in whichever thread, it is read.

TLC's values are lazy: `tests/specs/Lazy.tla` has every kind of expression that TLC computes only when it is
looked at. A walk keeps all successors unread while other things happen, and reads them at the end.
"""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jpype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from property_tests.late_reading import SPECS, Late, audit, compare, walk
from tlacheck.errors import SpecError
from tlacheck.tlc import OracleState, Spec, SpecOracle
from tlacheck.tlc._convert import parse
from tlacheck.tlc.simulate import simulate
from tlacheck.trace import State

pytestmark = pytest.mark.sweep

#: How many states of each larger spec are read late, on walks of how many steps. Raft's values went wrong
#: after many steps only. `python -m property_tests.late_reading` reads more.
_STATES, _LONG, _SHORT = 300, 80, 25


def _between(oracle: SpecOracle, what: str, state: OracleState, other: OracleState) -> None:
    """Do something with a state that makes TLC look at its values, or at those of another state."""
    match what:
        case "invariants":
            oracle.violated_invariants(state)
        case "successors":
            oracle.successors(state)
        case "one action":
            oracle.successors(state, oracle.actions[0])
        case "explain":
            oracle.explain(state, other, count=1)
        case "evaluate":
            oracle.evaluate("Shape", state)
        case "read another":
            _ = other.values
        case "compare":
            _ = state == other


_ACTS = ("invariants", "successors", "one action", "explain", "evaluate", "read another", "compare")


@pytest.fixture(scope="module")
def lazy(load_lazy: Spec) -> tuple[SpecOracle, SpecOracle]:
    return SpecOracle(load_lazy), SpecOracle(load_lazy)


@pytest.fixture(scope="module")
def load_lazy(specs: Any) -> Spec:
    return Spec.load(specs / "Lazy.tla", specs / "Lazy.cfg")


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    steps=st.integers(1, 12),
    acts=st.lists(st.sampled_from(_ACTS), max_size=8),
    order=st.randoms(use_true_random=False),
    in_thread=st.booleans(),
)
def test_late_and_early_reading_agree_whatever_happens_between(  # noqa: PLR0917 - Hypothesis passes names
    lazy: tuple[SpecOracle, SpecOracle],
    seed: int,
    steps: int,
    acts: list[str],
    order: random.Random,
    in_thread: bool,  # noqa: FBT001 - Hypothesis passes it by name
) -> None:
    kept, told = lazy
    late = [state for group in walk(kept, seed, steps) for state in group]
    for what in acts:
        _between(kept, what, order.choice(late), order.choice(late))
    early = [state for group in walk(told, seed, steps, at_once=True) for state in group]
    pairs = list(zip(late, [state.values for state in early], strict=True))
    order.shuffle(pairs)  # parents after children, siblings in any order
    found = _compared([value for _, value in pairs], [state for state, _ in pairs], in_thread=in_thread)
    assert found.is_clean, found


def _compared(early: list[State], late: list[OracleState], *, in_thread: bool) -> Late:
    reads = [lambda state=state: state.values for state in late]
    if not in_thread:
        return compare(early, reads)
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(compare, early, reads).result()


@pytest.mark.parametrize("protocol", sorted(SPECS))
def test_late_and_early_reading_agree_on_protocols(protocol: str) -> None:
    steps = _LONG if protocol == "raft" else _SHORT
    found = audit(SPECS[protocol](), states=_STATES, steps=steps, seed=3)
    assert found.is_clean, found


@pytest.mark.parametrize("name", ["Lazy", "raft"])
def test_successors_of_a_kept_state_equal_those_of_a_copy(name: str, load_lazy: Spec) -> None:
    """A copy is made from Python values, none of which is lazy."""
    oracle = SpecOracle(load_lazy if name == "Lazy" else SPECS[name]())
    for current, *_ in walk(oracle, 5, 25):
        copied = oracle.successors(oracle.state(current.values))
        kept = oracle.successors(current)
        assert [each.state.values for each in kept] == [each.state.values for each in copied]


def test_states_that_are_not_made_whole_are_wrong_when_read_late(load_lazy: Spec) -> None:
    """The tests above would fail if the oracle kept TLC's states as TLC's evaluator returns them."""
    oracle = SpecOracle(load_lazy)
    early: list[State] = []
    reads: list[Callable[[], State]] = []
    for seed in range(10):
        for raw, state in _walked_twice(oracle, seed):
            early.append(state.values)
            reads.append(lambda raw=raw: _read(oracle, raw))  # type: ignore[misc]  # bound at once
    assert not compare(early, reads).is_clean


def _walked_twice(oracle: SpecOracle, seed: int) -> Iterator[tuple[Any, OracleState]]:
    """One walk by TLC's evaluator alone, each of its states beside the oracle's."""
    rng, evaluator, steps = random.Random(seed), oracle._tool, oracle._steps
    raw, state = evaluator.getInitStates().elementAt(0), oracle.initial_states()[0]
    for _ in range(60):
        yield raw, state
        vector = oracle._stage.classes["tlc2.tool.StateVec"](16)
        evaluator.getNextStates(vector, raw)
        found = steps.of(evaluator, state.java)
        number = rng.randrange(len(found))
        raw, state = vector.elementAt(number), OracleState(oracle, None, found, number)


def _read(oracle: SpecOracle, raw: Any) -> State:
    """The values of one of TLC's states, as it is now."""
    values = oracle._values_of(raw)
    try:
        return State((name, parse(str(values[index].toString()))) for name, index in oracle._order)
    except jpype.JException as error:
        raise SpecError(str(error)) from None


def test_simulated_states_are_those_of_the_spec(load_lazy: Spec) -> None:
    """Each state that the simulator prints is a successor of the one before it."""
    oracle = SpecOracle(load_lazy)
    with simulate(load_lazy, behaviours=10, depth=20, seed=1) as simulation:
        for trace in simulation:
            before = oracle.state(trace.initial)
            for step in trace.steps:
                assert oracle.allows(before, step.state), step
                before = oracle.state(step.state)
