"""A small cluster of `models.hybrid`: wrong models lose what a client believed, the right one does not.

A scenario fixes the actions and their order; Z3 chooses the replicas, terms and chains. The last
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

#: The chains of an instance: none, one request, the other.
CHAINS: Final = ("none", "x", "y")

#: The operations in them.
OPERATIONS: Final = ("x", "y")


def cluster(
    count: int,
    terms: int,
    *,
    seals: int | None = None,
    answers: int | None = None,
    stops: int | None = None,
    chains: Sequence[str] = CHAINS,
    fault: Fault | None = None,
) -> TransitionSystem:
    """Build the model with this many replicas, as many Byzantine ones as they tolerate.

    Args:
        count: the replicas n1, n2, and so on; the last of them are Byzantine.
        terms: the terms t0, t1, and so on.
        seals: how many acks make a seal; None for a Byzantine quorum.
        answers: how many answers are believed; None for a Byzantine quorum.
        stops: how many stops make a close; None for all but the Byzantine.
        chains: the chains, each the letters of its requests; the first is the empty one.
        fault: what is wrong; None for the rules as they are.
    """
    faulty = byzantine_faults_tolerated(count)
    quorum = byzantine_quorum(count, faulty)
    sorts = Sorts(
        replica=servers(count),
        term=numbered("Term", "t", terms - 1),
        chain=enumeration("Chain", chains),
        operation=enumeration("Operation", [f"op-{name}" for name in OPERATIONS]),
        seal_group=quorums(count, seals or quorum),
        answer_group=quorums(count, answers or quorum),
        stop_group=quorums(count, stops or count - faulty),
    )
    replicas, in_order = sorts.replica.elements or (), sorts.term.elements or ()
    of_requests = dict(zip(("", *chains[1:]), sorts.chain.elements or (), strict=True))
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
                s.ends(chain, operation) == z3.BoolVal(requests.endswith(name))
                for (requests, chain), (name, operation) in itertools.product(
                    of_requests.items(), operations.items()
                )
            ),
            members(s.sealing, sorts.replica, sorts.seal_group),
            members(s.answering, sorts.replica, sorts.answer_group),
            members(s.stopping, sorts.replica, sorts.stop_group),
            *(
                s.byzantine(replica) == z3.BoolVal(number >= count - faulty)
                for number, replica in enumerate(replicas)
            ),
        ),
    )
    return hybrid(sorts, fault=fault, axioms=[concrete])


def _times(count: int, action: str) -> tuple[str, ...]:
    return (action,) * count


def _sealed(acks: int = 2) -> tuple[str, ...]:
    """This many correct replicas ack a chain, which makes a seal."""
    return (*_times(acks, "Ack"), "Seal")


def _believed(answers: int = 2) -> tuple[str, ...]:
    """This many correct replicas hold a seal and answer, and a client believes them."""
    return (*_times(answers, "Hold"), *_times(answers, "Answer"), "Believe")


def _closed(stops: int = 2) -> tuple[str, ...]:
    """This many correct replicas stop, and a close is made."""
    return (*_times(stops, "Stop"), "Close")


def _scenario(fault: Fault, *schedule: str, terms: int = 3) -> Scenario[Fault]:
    """Four replicas, three of them correct."""
    return Scenario(
        fault=fault,
        breaks="BelievedIsHandedOver",
        schedule=schedule,
        model=lambda each: cluster(4, terms, fault=each),
    )


#: One for each fault. All end where a close does not contain what a client believes.
SCENARIOS: Final = (
    # One replica acks x, and y as well, in one term, so that both get a seal.
    _scenario(Fault.ACKS_TWO_BRANCHES, *_sealed(), *_sealed(), "Hold", *_believed(), *_closed(), terms=2),
    # x is held and believed; one who holds it helps y to a seal in the next term.
    _scenario(Fault.ACKS_BESIDE_THE_HELD, *_sealed(), *_believed(), *_sealed(), *_closed()),
    # x has a seal that nobody holds yet; y gets one in the next term; then x is held by one who acked y.
    _scenario(Fault.HOLDS_AFTER_LATER_ACKS, *_sealed(), *_sealed(), *_believed(), *_closed()),
    # One who holds x goes back to a seal of y, of a term before.
    _scenario(Fault.HOLDS_EARLIER_SEALS, *_sealed(), *_sealed(), *_believed(), "Hold", *_closed()),
    # Nobody holds x when the epoch is closed.
    _scenario(Fault.HOLDS_AFTER_STOPPING, *_sealed(), *_closed(), *_believed(), terms=2),
    # x is acked again in the next term, and these acks make a seal of the empty chain.
    _scenario(Fault.COUNTS_PREFIXES, *_sealed(), *_believed(), *_sealed(), *_closed()),
    # x is answered in t1 by one, and in t3 by another; between, y had a seal, which the Byzantine replica
    # keeps to itself.
    _scenario(
        Fault.MIXES_TERMS,
        *(*_sealed(), "Hold", "Answer", *_sealed(), *_sealed(), "Hold", "Answer", "Believe", *_closed()),
        terms=4,
    ),
    # The Byzantine replica stops with a seal of y, of a term before x.
    _scenario(Fault.TAKES_ANY_TERM, *_sealed(), *_sealed(), *_believed(), *_closed()),
    # It stops with a seal of the empty chain, of the same term as that of x.
    _scenario(Fault.TAKES_SHORTER, *_sealed(), *_sealed(), *_believed(), *_closed(), terms=2),
    # It stops with a seal that there is not.
    _scenario(Fault.BELIEVES_STOPS, *_sealed(), *_believed(), *_closed()),
    _scenario(Fault.FORGETS_WHAT_IT_HELD, *_sealed(), *_believed(), "Restart", *_closed(), terms=2),
    # As with H1 dropped: it acked y in a later term, and forgot.
    _scenario(Fault.FORGETS_ITS_TERM, *_sealed(), *_sealed(), "Restart", *_believed(), *_closed()),
    # Five replicas: x and y each get a seal of two correct replicas and the Byzantine one.
    Scenario(
        fault=Fault.SEALS_OF_A_MAJORITY,
        breaks="BelievedIsHandedOver",
        schedule=(*_sealed(), *_sealed(), *_believed(3), *_closed(3)),
        model=lambda fault: cluster(5, 2, seals=majority(5) if fault else None, fault=fault),
    ),
    # Seven replicas: the two correct ones whose answers were believed are those whose stops do not count.
    Scenario(
        fault=Fault.FEW_ANSWERS,
        breaks="BelievedIsHandedOver",
        schedule=(*_sealed(3), *_believed(2), *_closed(3)),
        model=lambda fault: cluster(7, 2, answers=majority(7) if fault else None, fault=fault),
    ),
    # Two stops of four: one of a correct replica that knows nothing.
    Scenario(
        fault=Fault.FEW_STOPS,
        breaks="BelievedIsHandedOver",
        schedule=(*_sealed(), *_believed(), *_closed(1)),
        model=lambda fault: cluster(4, 2, stops=2 if fault else None, fault=fault),
    ),
)


def behaviours_found(context: Context) -> Outcome:
    """Check that each scenario is a behaviour of its wrong model, and of the right one in no case.

    The behaviours are left in the folder of the check.
    """
    return scenarios_found(context, SCENARIOS)
