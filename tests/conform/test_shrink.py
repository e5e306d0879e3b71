"""Shrinking: the shorter run stays legal up to its last step and fails there in the same way."""

from collections.abc import Callable, Mapping

import attrs
import pytest

from tests.conform import relay
from tests.conform.relay import A, B, C, LosesOfB, Relay, SendsOnce, letter
from tests.conform.toys import Crashes, P, Q, Refuses, Shows, Tally, Wraps, oracle, run
from tlacheck import itf
from tlacheck.conform.comparison import deviations
from tlacheck.conform.failing import StateProperty
from tlacheck.conform.lockstep import Diverged, Lockstep
from tlacheck.conform.replay import replay
from tlacheck.conform.shrink import Shrunk, shrink
from tlacheck.conform.walk import walk_and_replay
from tlacheck.tlc import OracleState
from tlacheck.trace import State, Trace, Violation
from tlacheck.values import Value

#: Raising is as likely as all else, so that walks get far.
_WEIGHTS = {"Raise": 2.0, "Reset": 0.3, "Knock": 3.0}


def _failing(make: Callable[[], Tally], *, longer_than: int = 15) -> Trace:
    """A long walk from which the system diverges."""
    for seed in range(200):
        found = walk_and_replay(oracle(), make(), seed=seed, steps=60, weights=_WEIGHTS)
        if found.violation is not None and len(found) > longer_than:
            return found
    raise AssertionError("no walk fails so late")


def _check_legal_up_to_its_last_step(trace: Trace, make: Callable[[], Tally]) -> None:
    """Check the run again with the oracle and a fresh system, step by step."""
    judge, system = oracle(), make()
    (at,) = judge.initial_states()
    system.reset(at.values)
    for number, step in enumerate(trace.steps, start=1):
        allowed = judge.successors(at, step.action, step.arguments)
        assert allowed, f"the spec does not take step {number}, {step.action}"
        matching: list[OracleState] = [
            each.state for each in allowed if not deviations(each.state.values, step.state)
        ]
        if number == len(trace):
            assert not matching, "the last step conforms"
            assert trace.violation is not None
            assert trace.violation.step == number
            assert trace.violation.expected == allowed[0].state.values
        else:
            (at,) = matching
            system.perform(step.action, step.arguments)
            assert system.observe() == step.state


@pytest.mark.parametrize(
    ("make", "steps"),
    [(Wraps, 3), (Refuses, 3), (Crashes, 4), (lambda: Shows("odd", odd=True), 1)],
    ids=["wrong value", "not possible", "falls over", "wrong at 2"],
)
def test_a_long_failing_run_becomes_a_shortest_one(make: Callable[[], Tally], steps: int) -> None:
    """Wraps and Refuses need a total above 4 (three raises), Crashes one more, `Shows` one raise."""
    failing = _failing(make, longer_than=15 if steps > 1 else 3)
    shrunk = shrink(failing, oracle(), make).trace
    assert len(shrunk) == steps
    assert {step.action for step in shrunk.steps} == {"Raise"}
    _check_legal_up_to_its_last_step(shrunk, make)


def test_the_shrunk_run_keeps_the_property_and_the_origin_of_the_long_one() -> None:
    failing = _failing(Wraps)
    shrunk = shrink(failing, oracle(), Wraps).trace
    assert shrunk.origin == failing.origin
    assert shrunk.violation is not None
    assert failing.violation is not None
    assert shrunk.violation.property == failing.violation.property
    assert shrunk.violation.explanation[0] == "after Raise, 2 part(s) of the state differ:"


def test_the_same_failing_run_is_shrunk_to_the_same_one() -> None:
    failing = _failing(Wraps)
    first, again = (itf.to_json(shrink(failing, oracle(), Wraps).trace) for _ in range(2))
    assert first == again


def test_a_shortest_run_stays_as_it_is() -> None:
    trace = run(*[("Raise", {"by": 2})] * 3)
    failing = replay(trace, Wraps())
    shrunk = shrink(failing, oracle(), Wraps).trace
    assert [step.action for step in shrunk.steps] == ["Raise"] * 3
    _check_legal_up_to_its_last_step(shrunk, Wraps)


def test_without_tries_the_run_is_returned_unchanged() -> None:
    failing = _failing(Wraps)
    assert shrink(failing, oracle(), Wraps, tries_max=0).trace == failing


def test_more_tries_never_give_a_longer_run() -> None:
    failing = _failing(Wraps)
    lengths = [shrink(failing, oracle(), Wraps, tries_max=tries).steps_after for tries in (0, 2, 5, 20, 400)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] < lengths[0]


def test_a_flaky_run_is_returned_unchanged() -> None:
    """A flaky failure must not be attributed to a shorter run."""
    failing = _failing(Wraps)
    length = len(failing)
    assert shrink(failing, oracle(), Tally) == Shrunk(
        trace=failing, steps_before=length, steps_after=length, tries=1, reproduced=False
    )


def test_a_passing_run_is_returned_unchanged() -> None:
    good = attrs.evolve(_failing(Wraps), violation=None)
    assert shrink(good, oracle(), Wraps).trace == good


def _small(limit: int) -> StateProperty:
    """A property that legal behaviours of the spec violate."""
    return StateProperty(
        "TotalIsSmall", lambda state: (f"the total is {state['total']}",) if state["total"] > limit else ()
    )


def test_a_run_breaking_a_custom_property_is_shrunk_legally() -> None:
    calls: list[tuple[str, dict[str, Value]]] = [
        ("Raise", {"by": 1}),
        ("Raise", {"by": 2}),
        ("Reset", {}),
        ("Raise", {"by": 2}),
        ("Raise", {"by": 2}),
    ]
    whole = replay(run(*calls), Tally())
    assert whole.violation is None
    broken = Violation(property="TotalIsSmall", step=len(whole))
    shrunk = shrink(attrs.evolve(whole, violation=broken), oracle(), Tally, prop=_small(3)).trace
    assert [step.action for step in shrunk.steps] == ["Raise", "Raise"]
    assert shrunk.violation == Violation(property="TotalIsSmall", step=2, explanation=("the total is 4",))


def test_a_property_that_holds_leaves_the_run_unchanged() -> None:
    whole = replay(run(("Raise", {"by": 2})), Tally())
    said = attrs.evolve(whole, violation=Violation(property="TotalIsSmall", step=1))
    shrunk = shrink(said, oracle(), Tally, prop=_small(100))
    assert shrunk.trace == said
    assert not shrunk.reproduced


# --- the same failure, and no other ---------------------------------------------------------------


class _TwoBugs(Tally):
    """Raises an exception on a knock at 0, and resets to 1 from 5 on."""

    before = 0

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Perform the action."""
        if action == "Knock" and self.total == 0:
            raise RuntimeError("nobody is at home")
        super().perform(action, arguments)
        if action == "Reset" and self.before >= 5:
            self.total = 1
        self.before = self.total

    def reset(self, initial: State) -> None:
        """Start where the spec does."""
        super().reset(initial)
        self.before = 0


def test_shrinking_does_not_switch_to_another_bug() -> None:
    """Without the first raise the knock would fail, in one step: shorter, and another bug."""
    raises = [("Raise", {"by": 2})] * 3
    failing = replay(run(("Raise", {"by": 1}), ("Knock", {"who": Q}), *raises, ("Reset", {})), _TwoBugs())
    shrunk = shrink(failing, oracle(), _TwoBugs).trace
    assert [step.action for step in shrunk.steps] == ["Raise", "Raise", "Raise", "Reset"]
    assert shrunk.violation is not None
    assert shrunk.violation.explanation[0].startswith("after Reset")


def test_a_crash_stays_a_crash_of_the_same_kind() -> None:
    failing = replay(run(("Raise", {"by": 1}), ("Reset", {}), ("Knock", {"who": P})), _TwoBugs())
    shrunk = shrink(failing, oracle(), _TwoBugs).trace
    assert [step.action for step in shrunk.steps] == ["Knock"]
    assert shrunk.violation is not None
    assert "RuntimeError: nobody is at home" in shrunk.violation.explanation[0]


# --- dependencies between steps ---------------------------------------------------------------------


def _relayed(failing: Trace, make: Callable[[], Relay]) -> Trace:
    """The shrunk run; tests/tlc/test_legal.py has TLC confirm that such runs are legal."""
    return shrink(failing, oracle("Relay", "Relay"), make).trace


def test_arguments_follow_when_earlier_steps_are_dropped() -> None:
    """The letter of b is number 3; without the letters before it, it is number 1."""
    failing = relay.run(
        LosesOfB(),
        ("Send", {"node": A}),
        ("Send", {"node": C}),
        ("Deliver", letter(C, 2)),
        ("Send", {"node": B}),
        ("Deliver", letter(A, 1)),
        ("Deliver", letter(B, 3)),
    )
    shrunk = _relayed(failing, LosesOfB)
    assert [(step.action, dict(step.arguments)) for step in shrunk.steps] == [
        ("Send", {"node": B}),
        ("Deliver", letter(B, 1)),
    ]


def test_several_steps_are_replaced_by_an_equivalent_one() -> None:
    """Poll and answer make the node ready; so does a restart, which is shorter."""
    failing = relay.run(
        SendsOnce(),
        ("Send", {"node": A}),
        ("Poll", {"node": A}),
        ("Answer", {"node": A}),
        ("Send", {"node": A}),
    )
    shrunk = _relayed(failing, SendsOnce)
    assert [step.action for step in shrunk.steps] == ["Send", "Restart", "Send"]


def test_the_first_of_equivalent_nodes_is_chosen() -> None:
    failing = relay.run(SendsOnce(), ("Send", {"node": C}), ("Restart", {"node": C}), ("Send", {"node": C}))
    shrunk = _relayed(failing, SendsOnce)
    assert {step.arguments["node"] for step in shrunk.steps} == {A}


def test_an_illegal_last_step_stays_last() -> None:
    """The spec allows no raise above 8; a system that takes one is wrong outside any behaviour."""
    lockstep = Lockstep(Tally(), oracle())
    for _ in range(8):
        lockstep.perform("Raise", {"by": 1})
        lockstep.perform("Knock", {"who": Q})
    with pytest.raises(Diverged) as caught:
        lockstep.perform("Raise", {"by": 1})
    shrunk = shrink(caught.value.trace, oracle(), Tally).trace
    assert [step.action for step in shrunk.steps] == ["Raise"] * 9
    assert shrunk.violation is not None
    assert shrunk.violation.expected is None
    assert shrunk.violation.explanation[0] == "the spec allows no Raise(by = 1) here."


# --- systems that are not what they should be -----------------------------------------------------


class _Worn(Tally):
    """Resets incompletely: once it has failed, it fails at the first raise."""

    worn = False

    def raise_by(self, by: int) -> None:
        """Add to the total; overridden by wrong systems."""
        self.worn = self.worn or self.total + by > 4
        self.total = 0 if self.worn else self.total + by


def test_an_incomplete_reset_does_not_affect_the_result() -> None:
    """The shrunk run must fail on a fresh system."""
    knock: tuple[str, dict[str, Value]] = ("Knock", {"who": P})
    failing = replay(run(*[knock, ("Raise", {"by": 1})] * 5), _Worn())
    shrunk = shrink(failing, oracle(), _Worn)
    assert shrunk.reproduced
    assert shrunk.steps_after == 3
    assert replay(
        run(*((step.action, dict(step.arguments)) for step in shrunk.trace.steps)), _Worn()
    ).violation


def test_every_system_is_closed() -> None:

    class Closable(Wraps):
        closed = False

        def close(self) -> None:
            self.closed = True

    made: list[Closable] = []

    def make() -> Closable:
        made.append(Closable())
        return made[-1]

    shrink(_failing(Wraps), oracle(), make)
    assert len(made) >= 2
    assert all(system.closed for system in made)
