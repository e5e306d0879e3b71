"""Logs of runs with all parts of Raft are judged by the spec; wrong lines and wrong servers are refused."""

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

import attrs
import pytest
from immutabledict import immutabledict

from property_tests.raft.mutants import MUTANTS
from property_tests.raft.protocol import RAFT_FULL, RAFT_SKEWED
from property_tests.raft.runs import (
    HEADER_OF_ALL_PARTS,
    HIDDEN,
    OWN_OF_ALL_PARTS,
    log_of,
    simulate,
)
from property_tests.raft.settings import oracle_for
from property_tests.raft.validation import INTERESTING_OF_ALL_PARTS, validation_all_parts
from tlacheck import itf, runlog
from tlacheck.conform.validate import Validation, validate
from tlacheck.mutants.mutation import mutated_source
from tlacheck.runlog import Event, Run
from tlacheck.values import ModelValue, Value
from tlacheck.verdict import Verdict
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep

#: A few runs, from this seed on, that meet all of INTERESTING_OF_ALL_PARTS between them.
SEED, RUNS, STEPS = 6, 3, 300
# : A short one that has a snapshot installed, a change committed, both kinds of reads answered, and a handing
# over.
SHORT_SEED, SHORT_STEPS = 6, 200


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="smoke", seed=SEED, command="repeat me", progress=lambda _: None)


@pytest.fixture(scope="session")
def log() -> Run:
    run = simulate(RAFT_FULL, SHORT_SEED, steps=SHORT_STEPS)
    return log_of(run, received=HEADER_OF_ALL_PARTS, own=OWN_OF_ALL_PARTS)


# --- logs of runs


def test_a_log_shows_of_a_server_only_what_it_knows_of_itself(log: Run) -> None:
    """Otherwise the validation would show less than it says."""
    for event in log.events:
        assert event.action not in HIDDEN
        assert set(event.state) <= {"reads"}
        if event.action != "DuplicateMessage":
            assert event.node is not None
            assert set(event.local) in (set(), set(OWN_OF_ALL_PARTS))
            assert event.local or event.action in {"Tick", "CheckQuorum"}
            assert "message" not in event.arguments


def test_a_log_says_of_reads_when_they_are_asked_for_and_answered_and_no_more(log: Run) -> None:
    """The answer of a leader to a client is not to be seen in what it knows of itself."""
    told = [event for event in log.events if event.state]
    asked = {event.action for event in told if event.action.endswith(("ReadIndex", "LeaseRead"))}
    assert asked == {"ReadIndex", "LeaseRead"}
    assert {event.action for event in told} - asked == {"HandleAppendEntriesResponse"}
    assert len(told) < len(log.events) / 20


def test_logs_of_runs_with_all_parts_and_all_faults_fit_the_spec(context: Context) -> None:
    outcome = validation_all_parts(context, runs=RUNS, steps=STEPS)
    assert outcome.verdict == Verdict.sampled(RUNS, SEED), outcome
    assert int(outcome.figures["events"]) > RUNS * STEPS
    assert int(outcome.figures["states_at_most"]) < 50
    assert outcome.figures["hidden"] == 0
    for name in ("a_snapshot_is_installed", "a_change_is_committed", "leadership_is_handed_over"):
        assert outcome.figures[name]


def test_clocks_that_keep_to_nothing_fit_the_spec_that_allows_it(context: Context) -> None:
    """Without the assumption on clocks all steps are still Raft's.

    What leases are worth then, histories say.
    """
    outcome = validation_all_parts(context, runs=1, steps=100, protocol=RAFT_SKEWED)
    assert not outcome.verdict.is_violated, outcome.message


def test_runs_in_which_a_part_was_not_met_establish_nothing(context: Context) -> None:
    outcome = validation_all_parts(context, runs=1, steps=30)
    assert outcome.verdict.is_unknown
    reason = outcome.verdict.reason or ""
    assert "a snapshot is installed" in reason
    assert "HandleInstallSnapshotRequest" in reason


def test_each_part_is_asked_for() -> None:
    """A part that is on and never met would be said to be validated."""
    for action in (
        "Compact",
        "ChangeMembership",
        "HandlePreVoteRequest",
        "CheckQuorum",
        "TransferLeadership",
    ):
        assert action in INTERESTING_OF_ALL_PARTS
    for action in ("ReadIndex", "LeaseRead", "DiskSynced", "HandleInstallSnapshotRequest"):
        assert action in INTERESTING_OF_ALL_PARTS


# --- wrong lines


def _validated(run: Run, events: tuple[Event, ...], *, hidden: tuple[str, ...] = ()) -> Validation:
    return validate(attrs.evolve(run, events=events), oracle_for(4, "OracleFull"), hidden=hidden)


def _own(name: str, change: Callable[[Any], Value]) -> Callable[[Event], Event]:
    return lambda event: attrs.evolve(event, local=event.local.set(name, change(event.local[name])))


def _argument(name: str, change: Callable[[Any], Value]) -> Callable[[Event], Event]:
    return lambda event: attrs.evolve(
        event, arguments=event.arguments.set(name, change(event.arguments[name]))
    )


def _answered_too_early(event: Event) -> Event:
    """The read that was just asked for is answered by no quorum."""
    reads = event.state["reads"]
    (new,) = (read for read, row in reads.items() if row["answer"] == -1)
    return attrs.evolve(event, state=immutabledict(reads=reads.set(new, reads[new].set("answer", 0))))


_ALONE: Final = immutabledict(
    voters=frozenset({ModelValue("n1")}), outgoing=frozenset(), learners=frozenset()
)


@pytest.mark.parametrize(
    ("action", "change", "part"),
    [
        ("Compact", _own("snapshot", lambda snapshot: snapshot.set("index", 1)), "snapshot"),
        ("DiskSynced", _own("synced", lambda synced: synced + 1), "synced"),
        ("ChangeMembership", _argument("configuration", lambda _: _ALONE), "log"),
        ("HandleInstallSnapshotRequest", _argument("message.snapshot.index", lambda _: 1), "snapshot.index"),
        ("HandleAppendEntriesResponse", _argument("message.round", lambda _: 100), "message.round"),
        (
            "HandleRequestVoteRequest",
            _argument("message.transfer", lambda transfer: not transfer),
            "transfer",
        ),
        ("ReadIndex", _answered_too_early, "reads"),
    ],
)
def test_a_wrong_line_is_refused_where_it_is(
    log: Run, action: str, change: Callable[[Event], Event], part: str
) -> None:
    place = [event.action for event in log.events].index(action)
    found = _validated(log, (*log.events[:place], change(log.events[place])))
    assert found.verdict.is_violated
    assert found.rejection is not None
    assert found.rejection.number == place + 1
    assert any(part in line for line in found.rejection.lines)


def test_whether_losses_are_tried_everywhere_makes_no_difference(log: Run) -> None:
    """A message that is lost may stay in flight for ever: no action of the spec asks that one is not."""
    start = log.events[:60]
    place = max(place for place, event in enumerate(start) if event.local)
    wrong = _own("currentTerm", lambda term: term + 1)(start[place])
    for events in (start, (*start[:place], wrong)):
        without, with_losses = (_validated(log, events, hidden=hidden) for hidden in ((), HIDDEN))
        assert without.verdict == with_losses.verdict
        assert without.events == with_losses.events


# --- wrong servers


def _make_wrong(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the right functions by those of a mutant's module, wherever those are called from."""
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == name)
    right = importlib.import_module(mutant.module)
    path = Path(str(right.__file__))
    source = mutated_source(mutant, path.read_text(encoding="utf-8"))
    wrong = ModuleType(mutant.module)
    exec(compile(source, str(path), "exec"), wrong.__dict__)  # noqa: S102 - our own source, a line changed
    for each, function in list(vars(right).items()):
        if isinstance(function, FunctionType) and function.__module__ == mutant.module:
            for module in [module for name, module in sys.modules.items() if name.startswith("impl.raft")]:
                if getattr(module, each, None) is function:
                    monkeypatch.setattr(module, each, getattr(wrong, each))


@pytest.mark.parametrize(
    ("name", "seed", "action"),
    [
        ("answers-before-its-disk", 0, "Restart"),
        ("snapshot-is-not-committed", 181, "HandleInstallSnapshotRequest"),
        ("changes-at-once", SHORT_SEED, "ChangeMembership"),
        ("read-without-a-quorum", 143, "ReadIndex"),
        ("lease-without-a-quorum", 181, "LeaseRead"),
        ("hands-over-too-early", 181, "HandleTimeoutNow"),
    ],
)
def test_the_log_of_a_wrong_server_is_refused(
    name: str, seed: int, action: str, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a seed that shows it soon.

    From seed 0 on, each shows within as many runs as `verify` validates.
    """
    _make_wrong(name, monkeypatch)
    outcome = validation_all_parts(attrs.evolve(context, seed=seed), runs=5, steps=SHORT_STEPS)
    assert outcome.verdict.is_violated
    assert re.search(rf"event \d+ fits nowhere: {action}\(", outcome.message)
    assert outcome.trace is not None
    shown = itf.read(outcome.trace)
    assert shown.violation is not None
    assert shown.violation.step == len(shown) <= 101


def test_the_log_of_a_wrong_server_is_kept(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any tool that reads logs can validate it again."""
    _make_wrong("answers-before-its-disk", monkeypatch)
    outcome = validation_all_parts(attrs.evolve(context, seed=0), runs=5, steps=SHORT_STEPS)
    kept = validate(runlog.read(context.folder / "rejected.run.ndjson"), oracle_for(4, "OracleFull"))
    assert kept.verdict == outcome.verdict
