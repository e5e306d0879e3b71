"""Proofs on single actions: wrong actions fail them, and no clause, axiom or invariant is there for nothing.

The whole proofs are checks of `tlacheck verify`; one action of a model takes a second.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from models import hybrid, pbft, raft_log
from tlacheck import itf
from tlacheck.smt import NOT_REACHED, Need, TransitionSystem, each_dropped, inductive
from tlacheck.verdict import Verdict

pytestmark = pytest.mark.sweep

Make = Callable[..., TransitionSystem]

#: Each wrong rule, and the action that it breaks.
WRONG: Final[dict[Make, dict[Any, str]]] = {
    hybrid.hybrid: {
        hybrid.Fault.VOTES_FOR_TWO_BRANCHES: "Vote",
        hybrid.Fault.VOTES_AGAINST_ITS_LOCK: "Vote",
        hybrid.Fault.LOCKS_AFTER_LATER_VOTES: "Lock",
        hybrid.Fault.LOCKS_EARLIER_QCS: "Lock",
        hybrid.Fault.LOCKS_AFTER_ITS_ABORT: "Lock",
        hybrid.Fault.COUNTS_PREFIXES: "Certify",
        hybrid.Fault.MIXES_TERMS: "Accept",
        hybrid.Fault.TAKES_ANY_TERM: "EndEpoch",
        hybrid.Fault.TAKES_SHORTER: "EndEpoch",
        hybrid.Fault.TRUSTS_ABORTS: "EndEpoch",
        hybrid.Fault.FORGETS_ITS_LOCK: "Restart",
        hybrid.Fault.FORGETS_ITS_TERM: "Restart",
        hybrid.Fault.QCS_OF_A_MAJORITY: "Certify",
        hybrid.Fault.FEW_ANSWERS: "Certify",
        hybrid.Fault.FEW_ABORTS: "EndEpoch",
    },
    pbft.pbft: {
        pbft.Fault.PRIMARY_COUNTS_TWICE: "CertifyVotes",
        pbft.Fault.ANY_CERTIFICATE: "EnterCarrying",
        pbft.Fault.QUORUMS_SHARE_THE_FAULTY: "CertifyVotes",
        pbft.Fault.FORGETS_CERTIFICATES: "Leave",
        pbft.Fault.ACCEPTS_TWICE: "AcceptPrePrepare",
        pbft.Fault.TRUSTS_NEW_VIEW: "EnterCarrying",
        pbft.Fault.DISCARDS_EARLY: "Checkpoint",
        pbft.Fault.COMMITS_AFTER_LEAVING: "CollectPrepares",
        pbft.Fault.BELIEVES_CHECKPOINTS: "EnterCovered",
    },
    raft_log.logs: {
        raft_log.Fault.VOTE_NOT_DURABLE: "Restart",
        raft_log.Fault.VOTES_IGNORING_LOGS: "GrantVote",
        raft_log.Fault.SKIPS_THE_CHECK: "StoreEntries",
        raft_log.Fault.COMMITS_OLD_TERMS: "Commit",
    },
}
#: A sample; each model's `clauses_needed` drops each clause.
CLAUSES: Final = [
    (hybrid.hybrid, "LaterVotesExtendTheKept", "Certify"),
    (hybrid.hybrid, "KeptIsLockedOrDead", "EndEpoch"),
    (hybrid.hybrid, "AnswersOfATermAgree", "Accept"),
    (pbft.pbft, "CommitsAreTold", "EnterCarrying"),
    (pbft.pbft, "CommitsAreHeld", "Leave"),
    (pbft.pbft, "CoversAreStable", "EnterCovered"),
    (raft_log.logs, "LedgersLackTheDead", "GrantVote"),
]
AXIOMS: Final = [
    (hybrid.hybrid, "QCsShareACorrectReplica", "Certify"),
    (hybrid.hybrid, "QCsAndAnswersShareOne", "Certify"),
    (hybrid.hybrid, "AnswersAndAbortsShareOne", "EndEpoch"),
    (hybrid.hybrid, "AppliedOnce", "Answer"),
]


def _id(value: object) -> str:
    return value if isinstance(value, str) else str(getattr(value, "name", getattr(value, "__name__", value)))


def _only(system: TransitionSystem, action: str) -> TransitionSystem:
    """The model with only this action."""
    return attrs.evolve(system, actions=[one for one in system.actions if one.name == action])


@pytest.mark.parametrize(
    ("make", "fault", "action"),
    [(make, fault, action) for make, faults in WRONG.items() for fault, action in faults.items()],
    ids=_id,
)
def test_a_wrong_action_breaks_the_invariant(make: Make, fault: Any, action: str, tmp_path: Path) -> None:
    system = _only(make(fault=fault), action)
    trace = inductive(system, system.properties, stop_early=True).trace
    assert trace is not None
    assert trace.violation is not None
    assert trace.violation.explanation == (NOT_REACHED,)
    assert [step.action for step in trace.steps] == [action]
    itf.write(trace, tmp_path / "step.itf.json")
    assert itf.read(tmp_path / "step.itf.json") == trace


def test_the_right_action_preserves_the_invariant() -> None:
    system = _only(raft_log.logs(), "GrantVote")
    assert inductive(system, system.properties, stop_early=True).verdict == Verdict.proved()


@pytest.mark.parametrize(
    ("make", "goals", "action"),
    [(hybrid.hybrid, hybrid.PROOF.goals, "Certify"), (pbft.pbft, pbft.GOALS, "CertifyVotes")],
    ids=_id,
)
def test_the_goals_alone_are_not_inductive(make: Make, goals: Any, action: str) -> None:
    assert inductive(_only(make(), action), goals, stop_early=True).verdict.is_unknown


@pytest.mark.parametrize(("make", "clause", "action"), CLAUSES, ids=_id)
def test_without_a_clause_the_proof_fails_on_a_step(make: Make, clause: str, action: str) -> None:
    system = _only(make(), action)
    others = [one.name for one in system.properties if one.name != clause]
    found = each_dropped(system, system.properties, goals=others)
    assert [one.need for one in found] == [Need.NEEDED]


@pytest.mark.parametrize(("make", "axiom", "action"), AXIOMS, ids=_id)
def test_the_proof_needs_each_axiom(make: Make, axiom: str, action: str) -> None:
    system = _only(make(), action)
    less = attrs.evolve(system, axioms=[one for one in system.axioms if one.name != axiom])
    assert inductive(less, less.properties, stop_early=True).verdict.is_unknown
