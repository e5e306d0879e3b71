"""Clocks that are kept together: no fault takes one further from the virtual time than the world allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlacheck.sim import World

WITHIN_MS = 14


def _world() -> World[str]:
    return World(seed=1, clocks_within_ms=WITHIN_MS)


@given(st.lists(st.tuples(st.integers(-500, 500), st.integers(-900_000, 2_000_000), st.integers(1, 400))))
def test_no_fault_takes_a_clock_further_than_the_bound(faults: list[tuple[int, int, int]]) -> None:
    world = _world()
    for by_ms, ppm, for_ms in faults:
        world.skew("a", by_ms)
        world.drift("a", ppm)
        world.next_event(world.now_ms + for_ms)
        assert abs(world.clock_ms("a") - world.now_ms) <= WITHIN_MS


def test_without_a_bound_a_clock_goes_as_far_as_faults_take_it() -> None:
    world: World[str] = World(seed=1)
    world.skew("a", 300)
    assert world.clock_ms("a") == 300


@pytest.mark.parametrize(("by_ms", "due_ms"), [(300, 86), (-300, 114), (5, 95)])
def test_a_timer_goes_by_the_clock_that_is_kept_near(by_ms: int, due_ms: int) -> None:
    world = _world()
    world.set_timer("a", "t", 100)
    world.skew("a", by_ms)
    assert world.timers["a", "t"] == due_ms
