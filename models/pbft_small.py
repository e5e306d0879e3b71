"""A small cluster of `models.pbft`: no short behaviour breaks it; wrong models fail along known lines.

`bounded_agreement` examines all behaviours of four replicas, any one of them Byzantine, up to a depth.

The failures of wrong models take more steps than an exhaustive search can cover. A scenario therefore
fixes the actions and their order; Z3 chooses who takes them, with what, and who is Byzantine. The right
model has no violation in the same schedule.
"""

import itertools
from typing import Final

import attrs
import z3

from impl.quorum import byzantine_quorum
from models.instance import members, numbered, ordered, quorums, servers
from models.pbft import GOALS, Fault, Sorts, pbft
from tlacheck import itf
from tlacheck.smt import Clause, Scenario, TransitionSystem, bounded, scenarios_found
from tlacheck.verify import Context, Outcome

__all__ = ["DEPTH", "SCENARIOS", "behaviours_found", "bounded_agreement", "cluster"]

#: The depth of the exhaustive search: enough for a commit, and for a view change after a vote.
DEPTH: Final = 8

#: The name in `cluster` of all goals of the proof together.
ALL_GOALS: Final = "AllGoals"


def cluster(
    count: int, views: int, *, quorum_size: int | None = None, fault: Fault | None = None
) -> TransitionSystem:
    """Build the model with these replicas, at most one Byzantine, views, and a batch beside the null one.

    Its properties are those of the model, and all goals together.

    Args:
        count: the replicas n1, n2, and so on, which are primaries in this order.
        views: the views v0, v1, and so on.
        quorum_size: how many make a quorum; None for the Byzantine quorum.
        fault: what is wrong; None for PBFT.
    """
    sorts = Sorts(
        replica=servers(count),
        quorum=quorums(count, quorum_size or byzantine_quorum(count, 1)),
        view=numbered("View", "v", views - 1),
        batch=numbered("Batch", "b", 1),
    )
    replicas, in_order = sorts.replica.elements or (), sorts.view.elements or ()
    null, *_ = sorts.batch.elements or ()
    concrete = Clause(
        "Concrete",
        lambda s: z3.And(
            s.zero == in_order[0],
            s.null == null,
            ordered(s.le, sorts.view),
            members(s.member, sorts.replica, sorts.quorum),
            *(
                s.primary(v, i) == z3.BoolVal(place % count == number)
                for (place, v), (number, i) in itertools.product(enumerate(in_order), enumerate(replicas))
            ),
            z3.AtMost(*map(s.byzantine, replicas), 1),
        ),
    )
    system = pbft(sorts, fault=fault, axioms=[concrete])
    together = Clause(ALL_GOALS, lambda s: z3.And(*(system.find(goal).formula(s) for goal in GOALS)))
    return attrs.evolve(system, properties=[*system.properties, together])


def _times(count: int, action: str) -> tuple[str, ...]:
    return (action,) * count


def _decision(commits: int) -> tuple[str, ...]:
    """Votes are there: a batch is decided by so many COMMITs of correct replicas."""
    return ("CertifyVotes", *_times(commits, "CollectPrepares"), "CertifyCommits", "CollectCommits")


_PROPOSED: Final = ("Propose", "AcceptPrePrepare")

#: One for each fault. All but the last end where two batches are committed by correct replicas.
SCENARIOS: Final = (
    # The primary says one thing to two replicas and another one to the third, which it helps to a
    # certificate.
    Scenario(
        fault=Fault.PRIMARY_COUNTS_TWICE,
        breaks="Agreement",
        schedule=(
            *(*_times(3, "AcceptPrePrepare"), *_decision(2)),
            *("CertifyVotes", *_times(2, "Leave"), *_times(3, "EnterCarrying"), *_decision(2)),
        ),
        model=lambda fault: cluster(4, 2, fault=fault),
    ),
    # A certificate of v0 that only the Byzantine replica tells of, and not before v2; v1 has decided
    # otherwise.
    Scenario(
        fault=Fault.ANY_CERTIFICATE,
        breaks="Agreement",
        schedule=(
            *(*_PROPOSED, "CertifyVotes"),
            *(*_times(2, "Leave"), *_times(2, "EnterFilling"), *_decision(2)),
            *(*_times(2, "Leave"), *_times(2, "EnterCarrying"), *_decision(2)),
        ),
        model=lambda fault: cluster(4, 3, fault=fault),
    ),
    # One correct replica and the Byzantine one decide; the two others know nothing of it.
    Scenario(
        fault=Fault.COMMIT_QUORUM_SHORT,
        breaks="Agreement",
        schedule=(
            *(*_PROPOSED, *_decision(1)),
            *(*_times(2, "Leave"), *_times(2, "EnterFilling"), *_decision(1)),
        ),
        model=lambda fault: cluster(4, 2, fault=fault),
    ),
    # Five replicas, quorums of 2f + 1 = 3: two of them share the Byzantine one, and decide in the same view.
    Scenario(
        fault=Fault.QUORUMS_SHARE_THE_FAULTY,
        breaks="Agreement",
        schedule=(*_times(4, "AcceptPrePrepare"), *_decision(2), *_decision(2)),
        model=lambda fault: cluster(5, 1, quorum_size=3 if fault else None, fault=fault),
    ),
    Scenario(
        fault=Fault.FORGETS_CERTIFICATES,
        breaks="Agreement",
        schedule=(
            *(*_PROPOSED, *_decision(2)),
            *(*_times(2, "Leave"), *_times(2, "EnterFilling"), *_decision(2)),
        ),
        model=lambda fault: cluster(4, 2, fault=fault),
    ),
    Scenario(
        fault=Fault.ACCEPTS_TWICE,
        breaks="Agreement",
        schedule=(*_times(4, "AcceptPrePrepare"), *_decision(2), *_decision(2)),
        model=lambda fault: cluster(4, 1, fault=fault),
    ),
    Scenario(
        fault=Fault.TRUSTS_NEW_VIEW,
        breaks="Agreement",
        schedule=(
            *(*_PROPOSED, *_decision(2)),
            *(*_times(2, "Leave"), *_times(2, "EnterCarrying"), *_decision(2)),
        ),
        model=lambda fault: cluster(4, 2, fault=fault),
    ),
    # It has executed the batch, discards what it had of it, and helps the next view to another one.
    Scenario(
        fault=Fault.DISCARDS_EARLY,
        breaks="Agreement",
        schedule=(
            *(*_PROPOSED, *_decision(2), "Execute", "Checkpoint"),
            *(*_times(2, "Leave"), *_times(2, "EnterFilling"), *_decision(2)),
        ),
        model=lambda fault: cluster(4, 2, fault=fault),
    ),
    # It tells of no certificate, since it has none, and gets one afterwards.
    Scenario(
        fault=Fault.COMMITS_AFTER_LEAVING,
        breaks="Agreement",
        schedule=(
            *(*_PROPOSED, *_times(2, "Leave"), *_decision(2)),
            *(*_times(2, "EnterFilling"), *_decision(2)),
        ),
        model=lambda fault: cluster(4, 2, fault=fault),
    ),
    Scenario(
        fault=Fault.BELIEVES_CERTIFICATES,
        breaks="Agreement",
        schedule=(
            *(*_PROPOSED, *_decision(2)),
            *(*_times(2, "Leave"), *_times(2, "EnterCarrying"), *_decision(2)),
        ),
        model=lambda fault: cluster(4, 2, fault=fault),
    ),
    # Nobody has executed what the new view begins behind, and nobody ever will.
    Scenario(
        fault=Fault.BELIEVES_CHECKPOINTS,
        breaks="StableIsExecuted",
        schedule=(*_times(2, "Leave"), "EnterCovered"),
        model=lambda fault: cluster(4, 2, fault=fault),
    ),
)


def bounded_agreement(context: Context, *, fault: Fault | None = None, depth: int = DEPTH) -> Outcome:
    """Check that no behaviour of four replicas in two views, up to this length, breaks a goal of the proof.

    A behaviour that does is left in the folder of the check.
    """
    context.progress(f"all behaviours of up to {depth} steps")
    result = bounded(cluster(4, 2, fault=fault), ALL_GOALS, depth, timeout_seconds=200)
    file = context.folder / "broken.itf.json"
    if result.trace is not None:
        itf.write(result.trace, file)
    return Outcome(
        verdict=result.verdict,
        figures={"replicas": 4, "byzantine": 1, "views": 2, "depth": depth},
        trace=file if result.trace is not None else None,
        command=context.command,
    )


def behaviours_found(context: Context) -> Outcome:
    """Check that each scenario is a behaviour of its wrong model, and of the right one in no case.

    The behaviours are left in the folder of the check.
    """
    return scenarios_found(context, SCENARIOS)
