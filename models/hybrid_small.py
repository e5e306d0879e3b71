"""A small cluster of `models.hybrid`: wrong models lose what a client accepted, the right one does not.

A scenario fixes the actions and their order; Z3 chooses the replicas, terms and logs. The last
replicas are the Byzantine ones, as many as there may be: nothing else distinguishes replicas. The right
model has no violation in the same schedule.
"""

import itertools
from collections.abc import Sequence
from typing import Final

import z3

from impl.quorum import byzantine_faults_tolerated, byzantine_quorum, majority
from models.hybrid import Fault, Sorts, hybrid
from models.instance import members, numbered, ordered, quorums, servers
from tlacheck.smt import Clause, Scenario, TransitionSystem, enumeration, scenarios_found
from tlacheck.verify import Context, Outcome

__all__ = ["SCENARIOS", "behaviours_found", "cluster"]

#: The logs of an instance: none, one request, the other.
LOGS: Final = ("none", "x", "y")

#: The operations in them.
OPERATIONS: Final = ("x", "y")


def cluster(
    count: int,
    terms: int,
    *,
    qcs: int | None = None,
    answers: int | None = None,
    aborts: int | None = None,
    logs: Sequence[str] = LOGS,
    fault: Fault | None = None,
) -> TransitionSystem:
    """Build the model with this many replicas, as many Byzantine ones as they tolerate.

    Args:
        count: the replicas n1, n2, and so on; the last of them are Byzantine.
        terms: the terms t0, t1, and so on.
        qcs: how many votes make a QC; None for a Byzantine quorum.
        answers: how many answers are accepted; None for a Byzantine quorum.
        aborts: how many aborts make an epoch-end command; None for all but the Byzantine.
        logs: the logs, each the letters of its requests; the first is the empty one.
        fault: what is wrong; None for the rules as they are.
    """
    faulty = byzantine_faults_tolerated(count)
    quorum = byzantine_quorum(count, faulty)
    sorts = Sorts(
        replica=servers(count),
        term=numbered("Term", "t", terms - 1),
        log=enumeration("Log", logs),
        operation=enumeration("Operation", [f"op-{name}" for name in OPERATIONS]),
        vote_group=quorums(count, qcs or quorum),
        answer_group=quorums(count, answers or quorum),
        abort_group=quorums(count, aborts or count - faulty),
    )
    replicas, in_order = sorts.replica.elements or (), sorts.term.elements or ()
    of_requests = dict(zip(("", *logs[1:]), sorts.log.elements or (), strict=True))
    operations = dict(zip(OPERATIONS, sorts.operation.elements or (), strict=True))
    concrete = Clause(
        "Concrete",
        lambda s: z3.And(
            s.zero == in_order[0],
            s.root == of_requests[""],
            ordered(s.le, sorts.term),
            *(
                s.prefix(one, other) == z3.BoolVal(longer.startswith(shorter))
                for (shorter, one), (longer, other) in itertools.product(of_requests.items(), repeat=2)
            ),
            *(
                s.ends(log, operation) == z3.BoolVal(requests.endswith(name))
                for (requests, log), (name, operation) in itertools.product(
                    of_requests.items(), operations.items()
                )
            ),
            members(s.voting, sorts.replica, sorts.vote_group),
            members(s.answering, sorts.replica, sorts.answer_group),
            members(s.aborting, sorts.replica, sorts.abort_group),
            *(
                s.byzantine(replica) == z3.BoolVal(number >= count - faulty)
                for number, replica in enumerate(replicas)
            ),
        ),
    )
    return hybrid(sorts, fault=fault, axioms=[concrete])


def _times(count: int, action: str) -> tuple[str, ...]:
    return (action,) * count


def _certified(votes: int = 2) -> tuple[str, ...]:
    """The votes of so many correct replicas for a log, and its QC."""
    return (*_times(votes, "Vote"), "Certify")


def _accepted(answers: int = 2) -> tuple[str, ...]:
    """The locks and answers of so many correct replicas, and a client that accepts."""
    return (*_times(answers, "Lock"), *_times(answers, "Answer"), "Accept")


def _ended(aborts: int = 2) -> tuple[str, ...]:
    """The aborts of so many correct replicas, and the end of the epoch."""
    return (*_times(aborts, "Abort"), "EndEpoch")


def _scenario(fault: Fault, *schedule: str, terms: int = 3) -> Scenario[Fault]:
    """Four replicas, three of them correct."""
    return Scenario(
        fault=fault,
        breaks="AcceptedIsHandedOver",
        schedule=schedule,
        model=lambda each: cluster(4, terms, fault=each),
    )


#: One for each fault. All end where an epoch-end command does not contain what a client accepts.
SCENARIOS: Final = (
    # One replica votes for x, and for y as well, in one term, so that both get a QC.
    _scenario(
        Fault.VOTES_FOR_TWO_BRANCHES, *_certified(), *_certified(), "Lock", *_accepted(), *_ended(), terms=2
    ),
    # x is locked and accepted; a replica locked on it votes for y in the next term.
    _scenario(Fault.VOTES_AGAINST_ITS_LOCK, *_certified(), *_accepted(), *_certified(), *_ended()),
    # x has a QC that nobody locked yet; y gets one in the next term; then a voter for y locks x.
    _scenario(Fault.LOCKS_AFTER_LATER_VOTES, *_certified(), *_certified(), *_accepted(), *_ended()),
    # A replica locked on x goes back to a QC of y, of an earlier term.
    _scenario(Fault.LOCKS_EARLIER_QCS, *_certified(), *_certified(), *_accepted(), "Lock", *_ended()),
    # Nobody has locked x when the epoch ends.
    _scenario(Fault.LOCKS_AFTER_ITS_ABORT, *_certified(), *_ended(), *_accepted(), terms=2),
    # x is voted for again in the next term, and these votes make a QC of the empty log.
    _scenario(Fault.COUNTS_PREFIXES, *_certified(), *_accepted(), *_certified(), *_ended()),
    # x is answered in t1 by one, and in t3 by another; between, y had a QC, which the Byzantine replica
    # keeps to itself.
    _scenario(
        Fault.MIXES_TERMS,
        *(
            *_certified(),
            "Lock",
            "Answer",
            *_certified(),
            *_certified(),
            "Lock",
            "Answer",
            "Accept",
            *_ended(),
        ),
        terms=4,
    ),
    # The Byzantine replica aborts with a QC of y, of a term before x.
    _scenario(Fault.TAKES_ANY_TERM, *_certified(), *_certified(), *_accepted(), *_ended()),
    # It aborts with a QC of the empty log, of the same term as that of x.
    _scenario(Fault.TAKES_SHORTER, *_certified(), *_certified(), *_accepted(), *_ended(), terms=2),
    # It aborts with a QC that there is not.
    _scenario(Fault.TRUSTS_ABORTS, *_certified(), *_accepted(), *_ended()),
    _scenario(Fault.FORGETS_ITS_LOCK, *_certified(), *_accepted(), "Restart", *_ended(), terms=2),
    # As with H1 dropped: it voted for y in a later term, and forgot.
    _scenario(Fault.FORGETS_ITS_TERM, *_certified(), *_certified(), "Restart", *_accepted(), *_ended()),
    # Five replicas: x and y each get a QC of two correct replicas and the Byzantine one.
    Scenario(
        fault=Fault.QCS_OF_A_MAJORITY,
        breaks="AcceptedIsHandedOver",
        schedule=(*_certified(), *_certified(), *_accepted(3), *_ended(3)),
        model=lambda fault: cluster(5, 2, qcs=majority(5) if fault else None, fault=fault),
    ),
    # Seven replicas: the two correct ones whose answers were accepted are those whose aborts do not count.
    Scenario(
        fault=Fault.FEW_ANSWERS,
        breaks="AcceptedIsHandedOver",
        schedule=(*_certified(3), *_accepted(2), *_ended(3)),
        model=lambda fault: cluster(7, 2, answers=majority(7) if fault else None, fault=fault),
    ),
    # Two aborts of four: one of a correct replica that knows nothing.
    Scenario(
        fault=Fault.FEW_ABORTS,
        breaks="AcceptedIsHandedOver",
        schedule=(*_certified(), *_accepted(), *_ended(1)),
        model=lambda fault: cluster(4, 2, aborts=2 if fault else None, fault=fault),
    ),
)


def behaviours_found(context: Context) -> Outcome:
    """Check that each scenario is a behaviour of its wrong model, and of the right one in no case.

    The behaviours are left in the folder of the check.
    """
    return scenarios_found(context, SCENARIOS)
