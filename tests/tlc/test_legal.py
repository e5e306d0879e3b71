"""TLC itself, in a separate run, decides whether a trace is a behaviour of its spec."""

from collections.abc import Callable

import attrs
import pytest
from immutabledict import immutabledict

from tests.conform import relay
from tests.conform.relay import A, B, C, LosesOfB, Relay, letter
from tests.conform.toys import CALLS, Shows, oracle, run
from tlacheck.conform.replay import replay
from tlacheck.errors import TraceError
from tlacheck.tlc import Checker
from tlacheck.tlc.legal import check_behaviour, demanded
from tlacheck.trace import Step, Trace, Violation
from tlacheck.values import Value
from tlacheck.verdict import Verdict

_CALLS: tuple[tuple[str, dict[str, Value]], ...] = (
    ("Send", {"node": A}),
    ("Send", {"node": B}),
    ("Restart", {"node": A}),
    ("Send", {"node": A}),
    ("Deliver", letter(B, 2)),
)


@pytest.fixture
def legal(one_checker: Checker) -> Callable[[Trace], Verdict]:
    """TLC's verdict on a trace of Relay."""
    judge = oracle("Relay", "Relay")

    def ask(trace: Trace) -> Verdict:
        return check_behaviour(trace, judge.spec, checker=one_checker, variables=judge.variables)

    return ask


def _with_step(trace: Trace, number: int, step: Step) -> Trace:
    return attrs.evolve(trace, steps=(*trace.steps[: number - 1], step, *trace.steps[number:]))


def test_a_behaviour_beyond_the_constraint_is_confirmed(legal: Callable[[Trace], Verdict]) -> None:
    """Relay.cfg has a CONSTRAINT of two letters, for its state graph. The spec allows more."""
    assert legal(relay.run(Relay(), *_CALLS)) == Verdict.exhausted()


def test_a_behaviour_that_revisits_a_state_is_confirmed(checker: Checker) -> None:
    """Knocking changes nothing, and resetting leads back to the initial state."""
    judge = oracle()
    trace = run(*CALLS, *CALLS)
    assert check_behaviour(trace, judge.spec, checker=checker, variables=judge.variables).is_established


def test_an_empty_behaviour_is_confirmed_in_the_initial_state(legal: Callable[[Trace], Verdict]) -> None:
    start = relay.run(Relay())
    assert legal(start).is_established
    late = attrs.evolve(start, initial=immutabledict({**start.initial, "sent": 1}))
    assert legal(late).reason == "Relay does not begin in its initial state"


def test_the_first_illegal_step_is_named(legal: Callable[[Trace], Verdict]) -> None:
    trace = relay.run(Relay(), *_CALLS)
    shown = trace.steps[2]
    wrong = attrs.evolve(shown, state=immutabledict({**shown.state, "sent": 3}))
    verdict = legal(_with_step(trace, 3, wrong))
    assert (verdict.violates, verdict.reason) == (
        "is a behaviour of Relay",
        "Relay does not take step 3, Restart",
    )


@pytest.mark.parametrize(
    "step",
    [
        lambda step: attrs.evolve(step, action="Answer"),
        lambda step: attrs.evolve(step, arguments=immutabledict(letter(C, 2))),
        lambda step: attrs.evolve(step, arguments=immutabledict(parcel=1)),
    ],
    ids=["another action", "another argument", "an argument that there is not"],
)
def test_a_legal_state_reached_by_a_wrong_step_is_refused(
    legal: Callable[[Trace], Verdict], step: Callable[[Step], Step]
) -> None:
    trace = relay.run(Relay(), *_CALLS)
    verdict = legal(_with_step(trace, 5, step(trace.steps[4])))
    assert verdict.is_violated
    assert str(verdict.reason).startswith("Relay does not take step 5")


def test_variables_missing_from_the_trace_may_have_any_values(legal: Callable[[Trace], Verdict]) -> None:
    trace = relay.run(Relay(), *_CALLS)

    def only_got(state: immutabledict[str, Value]) -> immutabledict[str, Value]:
        return immutabledict(got=state["got"])

    steps = tuple(attrs.evolve(step, state=only_got(step.state)) for step in trace.steps)
    assert legal(attrs.evolve(trace, initial=only_got(trace.initial), steps=steps)).is_established


def test_a_failing_run_is_checked_as_the_spec_demanded(legal: Callable[[Trace], Verdict]) -> None:
    failing = relay.run(LosesOfB(), *_CALLS)
    assert failing.violation is not None
    assert legal(failing).is_established
    as_shown = attrs.evolve(failing, violation=None)
    assert legal(as_shown).reason == "Relay does not take step 5, Deliver"


def test_incomparable_values_give_an_unknown_verdict(legal: Callable[[Trace], Verdict]) -> None:
    trace = relay.run(Relay(), *_CALLS)
    shown = trace.steps[0]
    verdict = legal(
        _with_step(trace, 1, attrs.evolve(shown, state=immutabledict({**shown.state, "sent": "one"})))
    )
    assert verdict.is_unknown
    assert "TLC cannot compare the trace with Relay" in str(verdict.reason)


def test_a_trace_of_another_spec_is_refused(one_checker: Checker) -> None:
    with pytest.raises(TraceError, match="Relay has no variable odd, total; it has sent, box"):
        check_behaviour(run(*CALLS), oracle("Relay", "Relay").spec, checker=one_checker)


def test_the_demanded_behaviour_ends_in_the_specs_state() -> None:
    failing = replay(run(*CALLS), Shows("odd", odd=True))
    behaviour = demanded(failing)
    assert failing.steps[-1].state["odd"] is True
    assert behaviour.steps[-1].state == immutabledict(total=2, odd=False)
    assert behaviour.violation is None


def test_a_step_without_a_demanded_state_is_refused() -> None:
    trace = attrs.evolve(run(*CALLS), violation=Violation(property="conforms", step=5))
    with pytest.raises(TraceError, match="at step 5 the spec demands no state"):
        demanded(trace)
