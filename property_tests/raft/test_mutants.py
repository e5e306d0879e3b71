"""The wrong implementations fit the code that is there, and the layers without a JVM notice what they are for."""

import importlib.util
from pathlib import Path
from typing import Any

import attrs
import pytest

from impl import raft
from impl.raft import elections, rules
from property_tests.raft.adapter import spec_for
from property_tests.raft.feature_checks import (
    all_parts_system,
    follows_runs,
    follows_weakened,
    record_runs,
    recorded_runs,
)
from property_tests.raft.journal import Journal, Record
from property_tests.raft.mutants import MUTANTS
from property_tests.raft.soak import MUTANTS as SOAKED
from tlacheck import itf
from tlacheck.conform.replay import replay
from tlacheck.errors import TraceError
from tlacheck.mutants.mutation import mutated_source
from tlacheck.tlc import Checker, Spec
from tlacheck.verify import Context


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="tests", seed=0, command="", progress=lambda _: None)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one recorded run."""
    folder = tmp_path_factory.mktemp("runs")
    record_runs(
        folder / "runs.pickle", seed=0, seeds=1, steps=250, required=("LeaseRead", "TransferLeadership")
    )
    return folder


# --- the mutants --------------------------------------------------------------------------------


def test_a_mutant_of_the_soak_that_has_the_name_of_another_one_is_that_one() -> None:
    names = {mutant.name: mutant for mutant in MUTANTS}
    shared = [mutant for mutant in SOAKED if mutant.name in names]
    assert shared
    for mutant in shared:
        found = importlib.util.find_spec(mutant.module)
        assert found is not None
        assert found.origin is not None
        source = Path(found.origin).read_text(encoding="utf-8")
        assert mutated_source(mutant, source) == mutated_source(names[mutant.name], source)


# --- runs that the spec has judged --------------------------------------------------------------


def test_the_implementation_follows_recorded_runs_and_does_nothing_that_it_must_not(
    tmp_path: Path, runs: Path
) -> None:
    outcome = follows_runs(_context(tmp_path), folder=runs)
    assert str(outcome.verdict).startswith("sampled(1 ")
    assert int(outcome.figures["tried"]) > 100


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("follower_commit_index", lambda _commit, leader, _last: leader), "part(s) of the state differ"),
        (("may_read", lambda _node: True), "the spec allows no ReadIndex"),
        (("may_change", lambda _node: True), "the spec allows no ChangeMembership"),
    ],
    ids=["a wrong step", "a read that is not allowed", "a change that is not allowed"],
)
def test_a_wrong_rule_is_noticed_by_a_recorded_run(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, wrong: tuple[str, Any], said: str
) -> None:
    monkeypatch.setattr(rules, *wrong)
    outcome = follows_runs(_context(tmp_path), folder=runs)
    assert outcome.verdict.violates == "conforms to RaftEvents"
    assert said in outcome.message
    assert outcome.trace is not None
    trace = itf.read(outcome.trace)
    assert trace.violation is not None
    assert trace.violation.step == len(trace)


def test_a_late_message_that_is_believed_is_noticed_in_a_run_that_is_right_up_to_there(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = elections.handle_pre_vote_response

    def believes(node: raft.Node, response: raft.PreVoteResponse) -> Any:
        term = node.durable.current_term + 1 if response.vote_granted else response.term
        return handle(node, attrs.evolve(response, term=term))

    with monkeypatch.context() as patch:
        patch.setattr(elections, "handle_pre_vote_response", believes)
        outcome = follows_runs(_context(tmp_path), folder=runs)
    assert "after HandlePreVoteResponse of a late message" in outcome.message
    assert outcome.trace is not None
    trace = itf.read(outcome.trace)
    right = replay(trace, all_parts_system())
    assert right.violation is not None
    assert right.violation.step == len(trace)


@pytest.mark.parametrize(
    ("owner", "wrong"),
    [(Journal, {"recover": lambda journal: vars(journal)["_first"]}), (Record, {"is_whole": True})],
    ids=["a disk that is empty again", "a torn record that is believed"],
)
def test_a_host_that_forgets_is_noticed_where_a_server_comes_back(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, owner: type, wrong: dict[str, Any]
) -> None:
    for name, value in wrong.items():
        monkeypatch.setattr(owner, name, value)
    outcome = follows_runs(_context(tmp_path), folder=runs)
    assert outcome.verdict.violates == "conforms to RaftEvents"
    assert outcome.message.startswith("after Restart")


def test_runs_that_miss_what_they_are_for_are_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="no run takes ChangeMembership, Compact: record more runs"):
        record_runs(
            tmp_path / "runs.pickle", seed=0, seeds=1, steps=5, required=("Compact", "ChangeMembership")
        )
    assert not list(tmp_path.iterdir())


def test_runs_that_cannot_be_recorded_are_an_error_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(TraceError, match="the runs could not be recorded"):
        recorded_runs(tmp_path, seed=0, seeds=1, steps=5)


# --- counterexamples of weakened specs ----------------------------------------------------------


@pytest.fixture(scope="session")
def weakened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one counterexample of TLC: votes are granted whatever the candidate's log."""
    specs = spec_for(3).path.parent
    with Checker() as checker:
        found = checker.check(
            Spec.load(specs / "MCRaftMutants.tla", specs / "mutant_any_log.cfg"), deadlock=False
        )
    folder = tmp_path_factory.mktemp("weakened")
    assert found.trace is not None
    itf.write(found.trace, folder / "mutant_any_log.itf.json")
    return folder


def test_the_implementation_leaves_the_counterexample_of_a_weakened_spec(
    tmp_path: Path, weakened: Path
) -> None:
    assert str(follows_weakened(_context(tmp_path), folder=weakened).verdict).startswith("sampled(1 ")


def test_an_implementation_with_the_fault_of_the_spec_follows_its_counterexample_to_the_end(
    tmp_path: Path, weakened: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "log_is_up_to_date", lambda *_: True)
    outcome = follows_weakened(_context(tmp_path), folder=weakened)
    assert outcome.verdict.violates == "LeaderCompleteness"
    assert outcome.trace is not None
    assert len(itf.read(outcome.trace)) == 10


def test_no_counterexamples_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="there is no recorded trace here"):
        follows_weakened(_context(tmp_path), folder=tmp_path)
