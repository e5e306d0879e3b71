"""Wrong models of `models.raft_log` on three servers: behaviours that end where a property is broken.

A counterexample to induction need not be reachable; these behaviours are. A scenario fixes the actions
and their order; Z3 chooses who takes them and with what. The right model has no violation in the same
schedule, whoever acts.

The longest is Figure 8 of Ongaro and Ousterhout, USENIX ATC 2014, with three servers in the place of five: an
entry of an earlier term is on a majority and counted, and the next leader removes it.
"""

from typing import Final

import attrs
import z3

from impl.quorum import majority
from models.instance import members, numbered, ordered, quorums, servers
from models.raft_log import Fault, Sorts, goals, logs
from tlacheck.smt import Clause, Scenario, TransitionSystem, scenarios_found
from tlacheck.verify import Context, Outcome

__all__ = ["SCENARIOS", "behaviours_found", "cluster"]

_ELECTION: Final = ("Timeout", "GrantVote", "WinElection")
_LEADER: Final = (*_ELECTION, "BecomeLeader")
_REPLICATED: Final = ("StoreEntries", "ConfirmEntries", "Commit")


def cluster(count: int, terms: int, indices: int, *, fault: Fault | None = None) -> TransitionSystem:
    """Build the model with these servers, their majorities, terms and indices from 0 up, and one value.

    Its properties are those of the model and of Figure 3.
    """
    sorts = Sorts(
        server=servers(count),
        quorum=quorums(count, majority(count)),
        term=numbered("Term", "t", terms),
        index=numbered("Index", "k", indices),
        value=numbered("Value", "v", 0),
    )
    zero, *_ = sorts.term.elements or ()
    start, *_ = sorts.index.elements or ()
    concrete = Clause(
        "Concrete",
        lambda s: z3.And(
            s.zero == zero,
            s.start == start,
            ordered(s.le, sorts.term),
            ordered(s.upto, sorts.index),
            members(s.member, sorts.server, sorts.quorum),
        ),
    )
    system = logs(sorts, fault=fault, axioms=[concrete])
    return attrs.evolve(system, properties=[*system.properties, *goals(sorts)])


#: A vote that a restart forgets elects two leaders; a vote for a log that lacks what is committed elects a
#: leader without it; an entry behind another one than the leader's makes logs that match at an index and not
#: below; a leader that has become one again counts its old entry, and a server with a later one is elected.
SCENARIOS: Final = (
    Scenario(
        fault=Fault.VOTE_NOT_DURABLE,
        breaks="ElectionSafety",
        schedule=(*_ELECTION, "Restart", *_ELECTION),
        model=lambda fault: cluster(3, 1, 0, fault=fault),
    ),
    Scenario(
        fault=Fault.VOTES_IGNORING_LOGS,
        breaks="LeaderCompleteness",
        schedule=(*_LEADER, "ClientRequest", *_REPLICATED, "MeetTerm", *_LEADER),
        model=lambda fault: cluster(3, 2, 1, fault=fault),
    ),
    Scenario(
        fault=Fault.SKIPS_THE_CHECK,
        breaks="LogMatching",
        schedule=(*_LEADER, "ClientRequest", *_LEADER, "ClientRequest", "ClientRequest", "StoreEntries"),
        model=lambda fault: cluster(3, 2, 2, fault=fault),
    ),
    # Figure 8, letter by letter: (a) an entry of term 1, (b) another server's of term 2, (c) the first leads
    # again, replicates its old entry and counts it, (d) the second leads again, without it.
    Scenario(
        fault=Fault.COMMITS_OLD_TERMS,
        breaks="LeaderCompleteness",
        schedule=(
            *(*_LEADER, "ClientRequest"),
            *(*_LEADER, "ClientRequest"),
            *("MeetTerm", *_LEADER, *_REPLICATED),
            *("MeetTerm", *_LEADER),
        ),
        model=lambda fault: cluster(3, 4, 1, fault=fault),
    ),
)


def behaviours_found(context: Context) -> Outcome:
    """Check that each scenario is a behaviour of its wrong model, and of the right one in no case.

    The behaviours are left in the folder of the check.
    """
    return scenarios_found(context, SCENARIOS)
