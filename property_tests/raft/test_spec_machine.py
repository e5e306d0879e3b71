"""Raft under a machine that is made from its spec: each action is a rule, no cluster and no clock between."""

from pathlib import Path

import hypothesis
import pytest

from impl.raft import rules
from property_tests.raft.adapter import RaftSystem
from property_tests.raft.settings import oracle_for
from tlacheck import itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.stateful import SpecMachine, run
from tlacheck.tlc import SpecOracle

_LIMITS = hypothesis.settings(
    max_examples=50,
    stateful_step_count=40,
    database=None,
    deadline=None,
    print_blob=False,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


class RaftSpecMachine(SpecMachine):
    """Three servers; the spec proposes, so that every step is one that it allows."""

    required = frozenset(
        {
            "Timeout",
            "HandleRequestVoteRequest",
            "HandleRequestVoteResponse",
            "AppendEntries",
            "Restart",
            "DropMessage",
            "DuplicateMessage",
        }
    )

    def make_system(self) -> RaftSystem:
        """A cluster without a clock."""
        return RaftSystem()

    @classmethod
    def oracle(cls) -> SpecOracle:
        """The oracle that all tests of Raft share."""
        return oracle_for(3)


def test_the_implementation_follows_whatever_the_spec_proposes() -> None:
    tally = run(RaftSpecMachine, seed=0, limits=_LIMITS)
    assert tally.failure is None
    assert tally.steps > 300


def test_a_server_that_votes_for_everybody_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rules, "may_vote_for", lambda *_: True)
    machine = type("Wrong", (RaftSpecMachine,), {"traces": tmp_path})
    with pytest.raises(Diverged, match="after HandleRequestVoteRequest"):
        run(machine, seed=0, limits=hypothesis.settings(_LIMITS, max_examples=200))
    assert itf.read(tmp_path / "Wrong.itf.json").violation is not None
