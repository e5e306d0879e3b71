"""Validation finds a behaviour of the spec that fits a log, or explains why there is none."""

import random

import attrs
import pytest
from immutabledict import immutabledict

from tests.conform.logs import HIDDEN, A, B, changed, event, fits_naively, log, shown, walk, wire, witnesses
from tests.conform.toys import P, oracle
from tlacheck import itf, runlog
from tlacheck.conform.validate import Hidden, Validation, Validator, validate
from tlacheck.errors import ConfigError, TraceError
from tlacheck.runlog import Event, Run
from tlacheck.verdict import Verdict

#: Enough in a row for the wire: it carries four letters at most.
MANY = 12


def _raise(by: int, **after: int) -> Event:
    return event("Raise", arguments={"by": by}, state=after)


#: The counter: 0, 1, 1, 3, 0.
COUNTED = (_raise(1), event("Knock", arguments={"who": P}), _raise(2, total=3), event("Reset"))


def _rejected(run: Run, **options: object) -> Validation:
    found = validate(run, oracle(), **options)  # type: ignore[arg-type]  # options of several types
    assert found.verdict.is_violated
    assert found.rejection is not None
    assert found.trace is not None
    assert itf.from_json(itf.to_json(found.trace)) == found.trace
    assert found.trace.violation is not None
    assert found.trace.violation.step == len(found.trace)
    assert found.trace.violation.explanation == found.rejection.lines
    return found


# --- accepted logs


def test_a_partial_log_is_accepted() -> None:
    found = validate(log(*COUNTED), oracle(), witness=True)
    assert found.verdict == Verdict.bounded(4)
    assert (found.candidates, found.hidden, found.rejection) == (1, 0, None)
    assert found.trace is not None
    assert [state["total"] for state in found.trace.states] == [0, 1, 1, 3, 0]
    assert found.reason == "the spec has a behaviour that fits all 4 events"


def test_unlogged_values_are_free_until_logged() -> None:
    run = log(event("Raise"), event("Raise"), event("Raise"))
    assert validate(run, oracle()).candidates == 4
    assert validate(log(*run.events, _raise(1, total=5)), oracle()).candidates == 1


def test_an_event_without_an_action_fits_at_once_or_after_one_step() -> None:
    def lit(total: int) -> Event:
        return event(state={"total": total})

    assert validate(log(lit(0), lit(0), lit(2), lit(2), lit(4)), oracle()).verdict == Verdict.bounded(5)
    assert _rejected(log(lit(0), lit(3))).events == 2


def test_an_event_with_only_a_note_is_no_step() -> None:
    noted = attrs.evolve(event(), note="the operator pulled the plug")
    assert validate(log(noted, _raise(1), noted, _raise(1, total=2)), oracle()).verdict == Verdict.bounded(4)


def test_a_single_field_of_an_argument_may_be_logged() -> None:
    run = (event("Send", arguments={"node": A}), event("Send", arguments={"node": A}))
    for number, count in ((1, 1), (2, 1), (3, 0)):
        taken = event("Take", arguments={"letter.number": number})
        found = validate(log(*run, taken), wire())
        assert found.verdict.is_established == bool(count)
    assert found.rejection is not None
    assert [str(each) for each in found.rejection.differences] == [
        "letter.number: the spec has 1, the log has 3"
    ]


def test_the_header_chooses_among_the_initial_states() -> None:
    assert validate(log(_raise(1), total=0), oracle()).verdict == Verdict.bounded(1)
    with pytest.raises(TraceError, match="Tally never begins with: total is 1, not 0"):
        validate(log(_raise(1), total=1), oracle())


def test_a_run_and_its_file_get_the_same_verdict(tmp_path: pytest.TempPathFactory) -> None:
    path = str(tmp_path) + "/run.ndjson"
    runlog.write(shown(3, 12), path)
    for run in (shown(3, 12), path):
        assert validate(run, wire(), hidden=HIDDEN).verdict.is_established


# --- rejected logs


def test_a_wrong_value_is_reported_with_the_expected_one() -> None:
    found = _rejected(log(*COUNTED[:2], _raise(2, total=4), event("Reset")))
    rejection = found.rejection
    assert rejection is not None
    assert (rejection.number, rejection.candidates, rejection.nearest) == (3, 1, "Raise(by = 2)")
    assert [str(each) for each in rejection.differences] == ["total: the spec has 3, the log has 4"]
    assert rejection.enabled == ("Raise(by = 1)", "Raise(by = 2)")
    assert rejection.explanation is not None
    assert rejection.explanation.action == "RaiseEvent"
    assert rejection.explanation.conjunct == "total' = n"
    assert rejection.lines[:5] == (
        "event 3 fits nowhere: Raise(by = 2), after it total = 4",
        "1 state of the spec fits the 2 event(s) before",
        "enabled there: Raise(by = 1), Raise(by = 2)",
        "nearest is Raise(by = 2); 1 part(s) differ:",
        "  total: the spec has 3, the log has 4",
    )
    assert rejection.lines[5].startswith("by the spec: RaiseEvent(by |-> 2) ")


def test_a_rejected_log_has_its_longest_prefix_as_trace() -> None:
    trace = _rejected(log(*COUNTED[:2], _raise(2, total=4), event("Reset"))).trace
    assert trace is not None
    assert [(step.action, step.state["total"]) for step in trace.steps] == [
        ("Raise", 1),
        ("Knock", 1),
        ("Raise", 4),
    ]
    assert trace.violation is not None
    assert trace.violation.property == "conforms to Tally"
    assert trace.violation.expected is not None
    assert trace.violation.expected["total"] == 3
    assert trace.origin.source == "validate"


def test_an_illegal_argument_is_reported() -> None:
    rejection = _rejected(log(_raise(7))).rejection
    assert rejection is not None
    assert [str(each) for each in rejection.differences] == ["by: the spec has 1, the log has 7"]
    assert "nearest is Raise(by = 1); of its arguments differ:" in rejection.lines


def test_a_disabled_action_is_reported_with_its_guard() -> None:
    rejection = _rejected(log(event("Reset"))).rejection
    assert rejection is not None
    assert (rejection.is_enabled, rejection.nearest) == (False, "")
    assert "Reset is not enabled there; enabled are: Knock, Raise" in rejection.lines
    assert rejection.explanation is not None
    assert rejection.explanation.conjunct == "total > 0"


def test_the_nearest_of_several_fitting_states_is_reported() -> None:
    """After two raises the total is 2, 3 or 4. Two more make it odd only from 3, and 7 from none."""
    rejection = _rejected(log(event("Raise"), event("Raise"), _raise(2, total=7, odd=True))).rejection
    assert rejection is not None
    assert rejection.candidates == 3
    assert rejection.lines[1] == "3 states of the spec fit the 2 event(s) before; this is about the nearest"
    assert rejection.state["total"] == 3
    assert [each.part for each in rejection.differences] == ["total"]


# --- inconclusive logs


def test_a_log_without_its_end_line_is_accepted_only_as_a_prefix() -> None:
    run = attrs.evolve(log(*COUNTED), ended=False)
    found = validate(run, oracle())
    assert found.verdict.is_unknown
    assert "all 4 events fit so far, and the log is not ended" in found.reason
    assert validate(run, oracle(), allow_prefix=True).verdict == Verdict.bounded(4)


def test_an_empty_log_is_unknown() -> None:
    for run in (log(), log(attrs.evolve(event(), note="started"))):
        found = validate(run, oracle())
        assert found.verdict == Verdict.unknown("no event of the log says anything of the spec")


def test_too_many_states_give_unknown() -> None:
    run = log(*(event("Raise") for _ in range(4)))
    found = validate(run, oracle(), candidates_max=3)
    assert found.verdict.is_unknown
    assert found.reason.startswith("more than 3 states fit the first 3 event(s).")
    assert found.rejection is None
    assert validate(run, oracle(), candidates_max=5).verdict == Verdict.bounded(4)


# --- hidden steps


SENT = event("Send", arguments={"node": A})
TAKEN = event("Take", arguments={"node": B})
CLEARED = event("Clear", arguments={"node": A})


def test_a_hidden_step_that_an_event_needs_is_taken_and_reported() -> None:
    assert validate(log(SENT, CLEARED), wire()).verdict.is_violated
    found = validate(log(SENT, SENT, CLEARED), wire(), hidden=HIDDEN, witness=True)
    assert (found.verdict, found.hidden) == (Verdict.bounded(3), 2)
    assert [(step.before, step.action) for step in found.hidden_steps] == [(3, "Lose"), (3, "Lose")]
    assert "with 2 hidden step(s): Lose(letter = [from |-> a, number |-> " in found.reason
    assert found.trace is not None
    assert witnesses(found.trace, log(SENT, SENT, CLEARED), HIDDEN)


def test_consecutive_hidden_steps_are_limited() -> None:
    run = log(SENT, SENT, CLEARED)
    assert validate(run, wire(), hidden=HIDDEN, hidden_max=1).verdict.is_violated


def test_a_hidden_step_needed_much_earlier_is_found() -> None:
    """A letter is taken twice, so it was doubled before its first taking, long before that shows."""
    run = log(SENT, TAKEN, event("Send", arguments={"node": B}), TAKEN, TAKEN)
    found = validate(log(*run.events[:4]), wire(), hidden=HIDDEN, witness=True)
    assert (found.verdict, found.hidden, found.hidden_where) == (Verdict.bounded(4), 1, Hidden.ANYWHERE)
    assert found.trace is not None
    assert witnesses(found.trace, log(*run.events[:4]), HIDDEN)
    live = Validator(wire(), hidden=HIDDEN)
    assert [live.feed(each) for each in run.events] == [True, True, True, False, False]
    assert live.validation().verdict.is_unknown
    assert "validate the whole log" in live.validation().reason


def test_a_stream_is_not_rejected_while_actions_are_hidden() -> None:
    run = log(SENT, TAKEN, TAKEN)
    once = validate(run, wire(), hidden=HIDDEN, again=False)
    assert once.verdict.is_unknown
    assert once.rejection is not None
    assert validate(run, wire(), hidden=("Lose",)).verdict.is_violated


@pytest.mark.parametrize("seed", range(5))
def test_validation_agrees_with_a_naive_search(seed: int) -> None:
    """The naive search takes hidden steps anywhere; postponing them must not change the verdict."""
    rng = random.Random(seed)
    whole = shown(seed, 9)
    for run in (whole, *_spoilt(whole, rng)):
        found = validate(run, wire(), hidden=HIDDEN, hidden_max=MANY, witness=True, candidates_max=100_000)
        assert found.verdict.is_established == fits_naively(run, HIDDEN)
        if found.verdict.is_established:
            assert found.trace is not None
            assert witnesses(found.trace, run, HIDDEN)


# --- traps: a log that was tampered with is rejected, or accepted with a behaviour that shows why it may be


def _spoilt(run: Run, rng: random.Random) -> list[Run]:
    """Corruptions: a lost event, two swapped, one with another value, one with another node."""
    events = list(run.events)
    place = rng.randrange(len(events) - 1)
    lost = events[:place] + events[place + 1 :]
    swapped = [*events[:place], events[place + 1], events[place], *events[place + 2 :]]
    at = events[place]
    wrong = attrs.evolve(at, local=at.local.set("sent", (at.local["sent"] + 1) % 3))
    other = B if at.node == A else A
    moved = attrs.evolve(at, node=other, arguments=at.arguments.set("node", other))
    return [
        changed(run, each)
        for each in (
            lost,
            swapped,
            [*events[:place], wrong, *events[place + 1 :]],
            [*events[:place], moved, *events[place + 1 :]],
        )
    ]


def test_a_corrupted_log_is_rejected_or_fits_another_behaviour() -> None:
    verdicts = []
    for seed in range(20, 24):
        for run in _spoilt(shown(seed, 14), random.Random(seed)):
            found = validate(run, wire(), hidden=HIDDEN, hidden_max=4, witness=True)
            assert not found.verdict.is_unknown
            if found.verdict.is_established:
                assert found.trace is not None
                assert witnesses(found.trace, run, HIDDEN)
            verdicts.append(found.verdict.is_violated)
    assert verdicts.count(True) >= 8


def test_in_a_full_log_every_changed_value_is_noticed() -> None:
    trace = walk(5, 20)
    full = log(
        *(
            Event(number=0, action=step.action, arguments=step.arguments, state=step.state)
            for step in trace.steps
        )
    )
    assert validate(full, wire()).verdict == Verdict.bounded(20)
    for place in range(0, len(full.events), 4):
        each = full.events[place]
        wrong = attrs.evolve(each, state=each.state.set("sent", immutabledict({A: 7, B: 7})))
        found = validate(changed(full, [*full.events[:place], wrong, *full.events[place + 1 :]]), wire())
        assert found.verdict.is_violated
        assert found.events == place + 1


def test_in_a_full_log_every_lost_change_is_noticed() -> None:
    trace = walk(5, 20)
    full = [
        Event(number=0, action=step.action, arguments=step.arguments, state=step.state)
        for step in trace.steps
    ]
    for place in range(len(full) - 1):
        found = validate(log(*full[:place], *full[place + 1 :]), wire())
        assert found.verdict.is_violated == (
            {**trace.states[place], "event": 0} != {**trace.states[place + 1], "event": 0}
        )


# --- long logs


def test_only_the_last_states_are_kept() -> None:
    run = log(*(each for _ in range(60) for each in COUNTED), _raise(1, total=9))
    found = _rejected(run, kept_max=10)
    trace = found.trace
    assert trace is not None
    assert (len(trace), found.begins_after, found.events) == (11, 230, 241)
    assert trace.initial["total"] == 1  # event 230 is a knock after a raise
    assert _rejected(run).begins_after == 0


def test_after_a_rejection_no_more_events_are_read() -> None:
    validator = Validator(oracle())
    assert not validator.feed(event("Reset"))
    assert not validator.is_open
    assert not validator.feed(_raise(1))
    assert validator.events == 1


def test_an_observer_sees_every_event() -> None:
    seen: list[tuple[int, int]] = []
    validate(log(*COUNTED), oracle(), watch=lambda each: seen.append((each.events, each.candidates)))
    assert seen == [(1, 1), (2, 1), (3, 1), (4, 1)]


# --- mistakes of whoever wrote the log, or asked


@pytest.mark.parametrize(
    ("each", "message"),
    [
        (
            event("Rise"),
            (
                "event 1: the action Rise is none of Tally, which has Raise, Reset, Knock. "
                "Do you mean Raise or Reset?"
            ),
        ),
        (
            event("Raise", state={"totel": 1}),
            "event 1: Tally has no variable totel; it has total, odd, event",
        ),
        (
            event("Raise", node=P, local={"totel": 1}),
            "event 1: Tally has no variable totel; it has total, odd",
        ),
        (
            event("Raise", node=P, local={"total": 1}),
            'event 1: "local" gives a value of total at p, and total is',
        ),
    ],
    ids=["action", "variable", "local variable", "no function"],
)
def test_a_name_missing_from_the_spec_is_a_mistake(each: Event, message: str) -> None:
    with pytest.raises(TraceError) as caught:
        validate(log(each), oracle())
    assert message in str(caught.value)


def test_a_string_for_a_model_value_is_explained() -> None:
    with pytest.raises(TraceError, match='event 1: its node is the string "a".*write {"#model": "a"}'):
        validate(log(event("Send", node="a", local={"sent": 1})), wire())


def test_a_hidden_action_must_be_of_the_spec() -> None:
    with pytest.raises(ConfigError, match="the hidden action Loose is none of Wire.*Do you mean Lose?"):
        Validator(wire(), hidden=["Loose"])


@pytest.mark.parametrize("name", ["hidden_max", "candidates_max", "kept_max"])
def test_bounds_must_be_positive(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is 0; it should be 1 or more"):
        Validator(wire(), **{name: 0})  # type: ignore[arg-type]  # one of several options


# --- support by the oracle


def test_the_oracle_knows_the_possible_names_of_steps() -> None:
    assert oracle().step_names == ("Raise", "Reset", "Knock")
    assert oracle("MailEvents", "MailEvents").step_names is None


def test_a_single_value_of_a_state_can_be_read() -> None:
    (state,) = wire().initial_states()
    assert state.value("sent") == immutabledict({A: 0, B: 0})
    with pytest.raises(TraceError, match="Wire has no variable lost"):
        state.value("lost")
    with pytest.raises(TraceError, match="got has no value in this state"):
        wire().state({"sent": immutabledict({A: 0, B: 0})}).value("got")


def test_states_that_differ_in_the_event_alone_are_merged() -> None:
    (state,) = oracle().initial_states()
    knocked = [step.state for step in oracle().successors(state, "Knock")]
    assert {each.place for each in knocked} == {state.place}
    assert state not in knocked
