"""Liveness on code: toys that livelock, deadlock or are merely slow, and inconclusive runs.

A run that is too short, or whose scheduler starves an action, is unknown.
"""

from collections.abc import Iterable
from typing import Any

import pytest
from immutabledict import immutabledict

from tlacheck.conform.liveness import (
    Bound,
    Fairness,
    Judgement,
    LeadsTo,
    TimedRun,
    eventually,
    judge,
    leads_to,
)
from tlacheck.errors import ConfigError, TraceError
from tlacheck.trace import Origin, State, Step, Trace

AT_MOST_20_MS = Bound(ms=20)


def at(**values: Any) -> State:
    return immutabledict(values)


def walk(places: Iterable[Any], *, every_ms: int = 1, **more: Any) -> TimedRun:
    """A run through states with these values of `at`, one every so many milliseconds."""
    return TimedRun.of_states([(n * every_ms, at(at=place)) for n, place in enumerate(places)], **more)


def actions(initial: Any, *steps: tuple[str, Any]) -> Trace:
    """A trace of these actions, each with the `at` after it."""
    return Trace(
        initial=at(at=initial),
        steps=tuple(Step(action, immutabledict(), at(at=place)) for action, place in steps),
        origin=Origin(source="toy"),
    )


home = eventually("ComesHome", lambda state: bool(state["at"] == "home"))
ping_pong: LeadsTo = leads_to(
    "PingPong", lambda state: bool(state["at"] == "ping"), lambda state: bool(state["at"] == "pong")
)


def story(found: Judgement) -> str:
    assert found.trace.violation is not None
    return "\n".join(found.trace.violation.explanation)


# --- in time, too late, and not known -----------------------------------------------------------


def test_a_goal_reached_in_time_is_a_sample_with_its_time() -> None:
    found = judge(home, walk([1, 2, 3, "home", 4]), bound=AT_MOST_20_MS)
    assert found.verdict.is_established
    assert (found.answered, found.slowest_ms, found.trace.violation) == (1, 3, None)


def test_the_bound_is_inclusive() -> None:
    assert judge(home, walk([*range(20), "home"]), bound=AT_MOST_20_MS).verdict.is_established
    late = judge(home, walk([*range(21), "home"]), bound=AT_MOST_20_MS)
    assert late.verdict.is_violated
    assert len(late.trace) == 21
    assert judge(home, walk([*range(21), "home"]), bound=Bound(ms=21)).verdict.is_established


def test_a_bound_may_count_steps() -> None:
    run = walk([1, 2, 3, 4, "home"], every_ms=100)
    assert judge(home, run, bound=Bound(steps=4)).verdict.is_established
    assert judge(home, run, bound=Bound(steps=3)).verdict.is_violated
    assert judge(home, run, bound=Bound(ms=400, steps=3)).verdict.is_violated
    assert judge(home, run, bound=Bound(ms=399, steps=4)).verdict.is_violated


def test_a_run_shorter_than_the_bound_is_unknown() -> None:
    """Such a check must never pass because its run was too short."""
    found = judge(home, walk(range(10)), bound=AT_MOST_20_MS)
    assert found.verdict.is_unknown
    assert found.verdict.reason == (
        "ComesHome: the run ends after 9 ms and 9 steps without it, within the bound of 20 ms: run longer"
    )


def test_nothing_is_demanded_while_faults_last() -> None:
    places = [*range(50), "home"]
    assert judge(home, walk(places), bound=AT_MOST_20_MS).verdict.is_violated
    assert judge(home, walk(places), bound=AT_MOST_20_MS, since_ms=30).verdict.is_established
    assert judge(home, walk(places), bound=AT_MOST_20_MS, since_ms=29).verdict.is_violated


def test_a_goal_before_the_end_of_faults_counts_only_if_it_lasts() -> None:
    gone = walk(["home", *range(40)])
    assert judge(home, gone, bound=AT_MOST_20_MS, since_ms=5).verdict.is_violated
    stays = walk(["home"] * 3, ends_ms=100)
    assert judge(home, stays, bound=AT_MOST_20_MS, since_ms=50).verdict.is_established


# --- runs without their goal --------------------------------------------------------------------


def test_a_livelock_is_a_lasso_with_the_steps_of_its_loop() -> None:
    """Two walkers step aside for each other for ever."""
    trace = actions(0, ("Meet", "left"), *[("Left", "right"), ("Right", "left")] * 15)
    found = judge(home, TimedRun.of_trace(trace), bound=AT_MOST_20_MS)
    assert found.verdict.is_violated
    loop = found.trace.loop
    assert loop is not None
    assert found.trace.violation is not None
    assert found.trace.violation.step is None
    states = found.trace.states
    assert states[-1] == states[loop - 1]
    assert {step.action for step in found.trace.steps[loop - 1 :]} == {"Left", "Right"}
    assert "the run repeats: state 19 comes back as state 21; it was there 11 times" in story(found)


def test_a_run_without_change_until_the_bound_is_stuck() -> None:
    run = walk([1, 2, 3], ends_ms=60)
    found = judge(home, run, bound=AT_MOST_20_MS)
    assert found.verdict.is_violated
    assert found.trace.loop is None
    assert story(found).splitlines() == [
        "due since state 0 (0 ms), it has not come by state 2, 60 ms on; the bound is 20 ms",
        "the run is stuck: state 2 (2 ms) is the last change: at = 3",
    ]


def test_stuttering_steps_are_no_loop() -> None:
    found = judge(home, walk([1, 2, *["wait"] * 30]), bound=AT_MOST_20_MS)
    assert found.trace.loop is None
    assert "the run is stuck: state 2 (2 ms) is the last change" in story(found)


def test_a_deadlocked_run_is_stuck_at_once() -> None:
    """A deadlock is decided before the bound passes."""
    found = judge(home, walk([1, 2, 3], is_over=True), bound=AT_MOST_20_MS)
    assert found.verdict.is_violated
    assert "nothing will happen any more" in story(found)
    dead = Fairness(["Go"], lambda _: [])
    found = judge(home, walk([1, 2, 3]), bound=AT_MOST_20_MS, fairness=dead)
    assert "enabled there: nothing" in story(found)


def test_a_stuck_state_lists_the_enabled_actions_if_known() -> None:
    run = walk([1, 2], ends_ms=50)
    found = judge(home, run, bound=AT_MOST_20_MS, fairness=Fairness([], lambda _: ["Go", "Drop"]))
    assert "enabled there: Drop, Go" in story(found)


def test_a_slow_run_is_distinguished_from_a_stuck_one() -> None:
    slow = walk([*range(40), "home"])
    found = judge(home, slow, bound=AT_MOST_20_MS)
    assert found.trace.loop is None
    assert "goes on through 22 different states: it may be only slow" in story(found)
    assert judge(home, slow, bound=Bound(ms=100)).verdict.is_established


def test_a_growing_counter_hides_a_loop_without_a_view() -> None:
    timed = [(n, at(at=n % 2, round=n)) for n in range(40)]
    run = TimedRun.of_states(timed)
    assert judge(home, run, bound=AT_MOST_20_MS).trace.loop is None
    assert judge(home, run, bound=AT_MOST_20_MS, view=lambda state: state["at"]).trace.loop is not None


# --- fairness -----------------------------------------------------------------------------------

#: In every state one may turn round or go home.
choice = Fairness(["GoHome"], lambda _: ["Turn", "GoHome"])


def test_a_loop_starving_a_fair_action_is_unfair_scheduling() -> None:
    trace = actions(0, *[("Turn", 1), ("Turn", 0)] * 20)
    found = judge(home, TimedRun.of_trace(trace), bound=AT_MOST_20_MS, fairness=choice)
    assert found.verdict.is_unknown
    assert "unfairly: GoHome could be taken all along and never is" in str(found.verdict.reason)
    assert judge(home, TimedRun.of_trace(trace), bound=AT_MOST_20_MS).verdict.is_violated


def test_a_fair_loop_is_a_counterexample_before_the_bound() -> None:
    """A fair loop can repeat for ever, so that waiting for the bound is unnecessary."""
    trace = actions(0, *[("Turn", 1), ("GoHome", 0)] * 3)
    found = judge(home, TimedRun.of_trace(trace), bound=Bound(ms=10_000), fairness=choice)
    assert found.verdict.is_violated
    assert found.trace.loop is not None
    assert "and the loop is fair" in story(found)
    assert judge(home, TimedRun.of_trace(trace), bound=Bound(ms=10_000)).verdict.is_unknown


def test_an_action_disabled_somewhere_in_a_loop_may_be_skipped() -> None:
    """Weak fairness demands only continuously enabled actions."""
    trace = actions(0, *[("Turn", 1), ("Turn", 0)] * 3)
    sometimes = Fairness(["GoHome"], lambda state: ["GoHome"] if state["at"] else ["Turn"])
    assert judge(home, TimedRun.of_trace(trace), bound=AT_MOST_20_MS, fairness=sometimes).verdict.is_violated


def test_a_longer_loop_may_be_fair_where_the_shortest_is_not() -> None:
    trace = actions(0, ("GoHome", 1), ("Turn", 0), ("Turn", 1), ("Turn", 0))
    found = judge(home, TimedRun.of_trace(trace), bound=AT_MOST_20_MS, fairness=choice)
    assert found.verdict.is_violated
    assert found.trace.loop == 1


# --- leads to -----------------------------------------------------------------------------------


def test_each_cause_needs_a_later_goal() -> None:
    found = judge(
        ping_pong, walk(["ping", 1, "pong", 2, "ping", 3, 4, "pong", "ping", "pong"]), bound=AT_MOST_20_MS
    )
    assert found.verdict.is_established
    assert (found.answered, found.slowest_ms) == (3, 3)


def test_the_first_cause_not_answered_in_time_is_named() -> None:
    found = judge(ping_pong, walk(["ping", "pong", "ping", *range(40)]), bound=AT_MOST_20_MS)
    assert found.verdict.is_violated
    assert story(found).startswith("due since state 2 (2 ms), it has not come by state 23")
    assert found.answered == 1


def test_a_second_cause_does_not_give_the_first_more_time() -> None:
    places = ["ping" if n % 5 == 0 else n for n in range(40)]
    assert judge(ping_pong, walk(places), bound=AT_MOST_20_MS).verdict.is_violated


def test_a_cause_before_the_end_of_faults_is_due_from_then_on() -> None:
    places = ["ping", *range(29), "pong", *range(30)]
    assert judge(ping_pong, walk(places), bound=AT_MOST_20_MS).verdict.is_violated
    assert judge(ping_pong, walk(places), bound=AT_MOST_20_MS, since_ms=15).verdict.is_established
    answered = ["ping", "pong", *range(60)]
    assert judge(ping_pong, walk(answered), bound=AT_MOST_20_MS, since_ms=15).verdict.is_unknown


def test_a_cause_at_the_end_of_the_run_is_undecided() -> None:
    found = judge(ping_pong, walk(["ping", "pong", "ping", 1]), bound=AT_MOST_20_MS)
    assert found.verdict.is_unknown
    assert found.answered == 1


def test_a_cause_that_never_holds_gives_unknown() -> None:
    found = judge(ping_pong, walk(range(90)), bound=AT_MOST_20_MS)
    assert found.verdict.is_unknown
    assert "its cause never held in 90 states" in str(found.verdict.reason)


# --- vacuous bounds -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (Bound, ConfigError, "a bound has ms, steps or both"),
        (lambda: Bound(ms=-1), ConfigError, "has passed before it begins"),
        (lambda: walk([]), TraceError, "a run without a state"),
        (lambda: TimedRun.of_trace(actions(0, ("Go", 1)), [0]), TraceError, "a run of 2 states has 1 times"),
        (
            lambda: TimedRun.of_trace(actions(0, ("Go", 1)), [5, 3]),
            TraceError,
            "back after state 0, from 5 to 3 ms",
        ),
        (lambda: walk([1, 2], ends_ms=0), TraceError, "back after state 1, from 1 to 0 ms"),
    ],
)
def test_a_vacuous_bound_is_refused(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


def test_a_bound_describes_itself() -> None:
    assert (str(Bound(ms=5)), str(Bound(steps=3)), str(Bound(ms=5, steps=3))) == (
        "5 ms",
        "3 steps",
        "5 ms and 3 steps",
    )
