"""Logs of simulated Raft runs are judged by the spec, although they show few variables.

Tampered logs and wrong servers are refused.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs
import pytest

from impl import raft
from impl.raft import rules
from property_tests.raft.protocol import RAFT
from property_tests.raft.runs import HEADER, HIDDEN, NOTHING, log_of, simulate
from property_tests.raft.settings import oracle_for
from property_tests.raft.validation import validation
from tlacheck import itf, runlog
from tlacheck.conform.validate import Hidden, Validation, validate
from tlacheck.runlog import Event, Run
from tlacheck.verdict import Verdict
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep

#: A run that elects a leader, commits, and has a restart.
SEED, STEPS = 3, 70


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="smoke", seed=0, command="repeat me", progress=lambda _: None)


def _log(*, received: tuple[str, ...] = HEADER) -> Run:
    return log_of(simulate(RAFT, SEED, steps=STEPS), received=received)


def _validated(run: Run, events: Sequence[Event] | None = None) -> Validation:
    """Validate the log with other events, renumbered, because the checks of `Reader` are not tested here."""
    events = run.events if events is None else events
    numbered = tuple(attrs.evolve(event, number=number) for number, event in enumerate(events, start=1))
    return validate(attrs.evolve(run, events=numbered), oracle_for(3), hidden=HIDDEN, witness=True)


# --- logs of runs


def test_the_same_seed_makes_the_same_log() -> None:
    assert _log() == _log()


def test_a_log_shows_of_a_server_only_what_it_knows_of_itself() -> None:
    """Otherwise the validation would show less than it says."""
    run = _log()
    assert {event.action for event in run.events} > {"Timeout", "AppendEntries"}
    for event in run.events:
        assert event.action not in HIDDEN
        assert not event.state
        if event.action != "DuplicateMessage":
            assert event.node is not None
            assert set(event.local) == {"currentTerm", "votedFor", "role", "log", "commitIndex"}
            assert "message" not in event.arguments


def test_logs_of_runs_with_faults_fit_the_spec(context: Context) -> None:
    outcome = validation(context, runs=3)
    assert outcome.verdict == Verdict.sampled(3, 0)
    assert outcome.figures["runs"] == 3
    assert outcome.figures["a_leader_is_elected"]


def test_runs_in_which_nothing_happened_establish_nothing(context: Context) -> None:
    outcome = validation(context, runs=1, steps=3)
    assert outcome.verdict.is_unknown
    assert "fault: restart" in (outcome.verdict.reason or "")


def test_more_is_to_be_tracked_where_less_is_logged() -> None:
    """Received messages are not logged: any message in transit may have been the one."""
    known, unknown = (_validated(_log(received=received)) for received in (HEADER, NOTHING))
    assert known.verdict.is_established
    assert unknown.verdict.is_established
    assert unknown.candidates_peak >= known.candidates_peak


# --- traps


def _lost(events: Sequence[Event], place: int) -> list[Event]:
    return [*events[:place], *events[place + 1 :]]


def _swapped(events: Sequence[Event], place: int) -> list[Event]:
    return [*events[:place], events[place + 1], events[place], *events[place + 2 :]]


def _places(events: Sequence[Event]) -> Iterator[int]:
    """Some places of the log, the same in every run of the test."""
    return iter(random.Random(1).sample(range(len(events) - 1), 5))  # noqa: S311 - reproducible on purpose


def test_a_log_that_is_cut_short_is_not_accepted_as_whole() -> None:
    run = _log()
    found = _validated(attrs.evolve(run, ended=False), run.events[:40])
    assert found.verdict.is_unknown
    assert "all 40 events fit so far, and the log is not ended" in found.reason


@pytest.mark.parametrize(
    ("field", "value"), [("currentTerm", 9), ("commitIndex", 9), ("role", "Observer"), ("log", (1, 2, 3))]
)
def test_a_changed_field_is_rejected_where_it_is(field: str, value: object) -> None:
    run = _log()
    place = next(place for place in range(20, len(run.events)) if run.events[place].local)
    event = run.events[place]
    wrong = attrs.evolve(event, local=event.local.set(field, value))
    found = _validated(run, [*run.events[:place], wrong, *run.events[place + 1 :]])
    assert found.verdict.is_violated
    assert found.rejection is not None
    assert found.rejection.number == place + 1
    assert any(each.part.startswith(field) for each in found.rejection.differences)
    assert found.trace is not None
    assert len(found.trace) == place + 1
    assert found.hidden_where is Hidden.ANYWHERE


@pytest.mark.parametrize("trap", [_lost, _swapped], ids=["lost", "reordered"])
def test_a_lost_or_reordered_event_is_rejected_unless_nobody_can_tell(
    trap: Callable[[Sequence[Event], int], list[Event]],
) -> None:
    """A behaviour remains if a request is sent twice unobserved, or if two servers act side by side.

    It is given, and is replayed here step by step.
    """
    run = _log()
    rejected = 0
    for place in _places(run.events):
        events = trap(run.events, place)
        found = _validated(run, events)
        assert not found.verdict.is_unknown
        if found.verdict.is_violated:
            rejected += 1
            assert found.rejection is not None
            assert found.rejection.number > place
        else:
            assert found.trace is not None
            _follows(found, events)
    assert rejected >= 2


def _follows(found: Validation, events: Sequence[Event]) -> None:
    assert found.trace is not None
    oracle = oracle_for(3)
    (state,) = oracle.initial_states()
    for step in found.trace.steps:
        state = next(
            each.state
            for each in oracle.successors(state, step.action, step.arguments)
            if each.state.values == step.state
        )
    steps = [step for step in found.trace.steps if step.action not in HIDDEN]
    assert [step.action for step in steps] == [event.action for event in events]
    for step, event in zip(steps, events, strict=True):
        assert all(step.state[name][event.node] == value for name, value in event.local.items())


# --- wrong servers


def _no_consistency_check(snapshot: raft.Snapshot, log: tuple[raft.Entry, ...], prev: int, _: int) -> bool:
    """RC-10: the entry before the new ones is there, whatever it is."""
    return prev <= snapshot.index + len(log)


def _truncates_without_conflict(
    snapshot: raft.Snapshot, log: tuple[raft.Entry, ...], prev: int, entries: tuple[raft.Entry, ...]
) -> tuple[raft.Entry, ...]:
    """Late duplicates remove what came after them (raftos 26)."""
    return log[: prev - snapshot.index] + entries


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [("previous_entry_matches", _no_consistency_check), ("accept", _truncates_without_conflict)],
)
def test_the_log_of_a_wrong_server_is_rejected(
    rule: str, wrong: object, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, rule, wrong)
    outcome = validation(context, runs=30)
    assert outcome.verdict.is_violated
    assert outcome.trace is not None
    assert itf.read(outcome.trace).violation is not None
    assert "fits nowhere" in outcome.message
    kept = validate(runlog.read(context.folder / "rejected.run.ndjson"), oracle_for(3), hidden=HIDDEN)
    assert kept.verdict == outcome.verdict
