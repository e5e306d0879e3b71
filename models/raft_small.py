"""One small cluster, in which the model of `models.raft` and a TLA+ module have the same states.

The module is `models/RaftElections.tla`. TLC lists its states; Z3 lists those of the formulas that the
proof is about, with three enumerations in the place of the sorts: some servers, their majorities, the
terms from 0 on. The states compared are those of servers, as in the spec: term, vote, role. The
messages and histories behind them need not be alike. So the model goes without `Drop...` here: each
action asks for messages and none for the lack of one, so that losing them leads to no other state of
the servers. TLC's module does lose them, and the states are the same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import z3
from immutabledict import immutabledict

from impl.quorum import majority
from models.instance import members, numbered, ordered, quorums, servers
from models.raft import Fault, Sorts, elections
from tlacheck.smt import Clause, TransitionSystem, reachable
from tlacheck.tlc.graph import Node, stream_graph
from tlacheck.values import Function, to_tla
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["MODULE", "Instance", "compared", "engines_agree", "projected", "states_by_tlc"]

#: The spec with which the model is compared.
MODULE: Final = Path(__file__).with_name("RaftElections.tla")


@attrs.frozen
class Instance:
    """A finite instance.

    Attributes:
        servers: how many servers there are: n1, n2, and so on.
        terms: the greatest term.
        quorum_size: how many servers make a quorum; None for a majority.
    """

    servers: int
    terms: int
    quorum_size: int | None = None

    def system(self, *, fault: Fault | None = None) -> TransitionSystem:
        """Build the model with these servers, all quorums of this size, and these terms."""
        sorts = Sorts(
            server=servers(self.servers),
            quorum=quorums(self.servers, self.quorum_size or majority(self.servers)),
            term=numbered("Term", "t", self.terms),
        )
        zero, *_ = sorts.term.elements or ()
        concrete = Clause(
            "Concrete",
            lambda s: z3.And(
                s.zero == zero,
                ordered(s.le, sorts.term),
                members(s.member, sorts.server, sorts.quorum),
            ),
        )
        return elections(sorts, fault=fault, axioms=[concrete])

    def states(self, *, fault: Fault | None = None) -> tuple[frozenset[Function], Verdict]:
        """The states of the servers in each reachable state that Z3 finds."""
        system = self.system(fault=fault)
        lossless = [action for action in system.actions if not action.name.startswith("Drop")]
        reached = reachable(attrs.evolve(system, actions=lossless))
        return frozenset(map(projected, reached.states)), reached.verdict


def projected(state: Mapping[str, Any]) -> Function:
    """The state of each server in the spec's terms: its term, its vote, its role."""
    votes = {voter: candidate.name for voter, candidate in state["votedFor"]}
    candidates, leaders = state["candidate"], {leader for leader, _ in state["leads"]}
    return immutabledict(
        {
            server.name: (
                int(term.name.removeprefix("t")),
                votes.get(server, "none"),
                "Leader" if server in leaders else "Candidate" if server in candidates else "Follower",
            )
            for server, term in state["currentTerm"].items()
        }
    )


def states_by_tlc(config: Path, *, memory_mb: int = 512) -> tuple[frozenset[Function], Verdict]:
    """The states of the servers in each reachable state that TLC finds.

    Args:
        config: the configuration of `MODULE`.
        memory_mb: the heap of TLC's process.
    """
    found = set()
    with stream_graph(MODULE, config, memory_mb=memory_mb) as stream:
        for part in stream:
            if isinstance(part, Node):
                state = part.state
                found.add(
                    immutabledict(
                        {
                            server.name: (
                                state["currentTerm"][server],
                                state["votedFor"][server].name,
                                state["role"][server],
                            )
                            for server in state["currentTerm"]
                        }
                    )
                )
        verdict = stream.summary.verdict
    return frozenset(found), verdict


def engines_agree(context: Context) -> Outcome:
    """Two servers and the terms 0 to 2 have the same states for TLC and for Z3."""
    context.progress("TLC lists the states")
    by_tlc, told = states_by_tlc(MODULE.with_suffix(".cfg"))
    context.progress("Z3 lists the states")
    by_z3, found = Instance(2, 2).states()
    return compared(by_tlc, told, by_z3, found)


def compared(
    by_tlc: frozenset[Function], told: Verdict, by_z3: frozenset[Function], found: Verdict
) -> Outcome:
    """Check that two complete lists of states are the same set.

    Args:
        by_tlc: what the servers' states are for TLC.
        told: whether these are all.
        by_z3: what they are for Z3.
        found: whether these are all.
    """
    figures = {"states_by_tlc": len(by_tlc), "states_by_z3": len(by_z3)}
    for who, verdict in (("TLC", told), ("Z3", found)):
        if verdict.kind is not Kind.EXHAUSTED:
            return Outcome(
                verdict=Verdict.unknown(f"{who} did not list all states: {verdict}"), figures=figures
            )
    lines = [
        f"reached by {who} only: {to_tla(state)}"
        for who, only in (("TLC", by_tlc - by_z3), ("Z3", by_z3 - by_tlc))
        for state in sorted(only, key=to_tla)
    ]
    verdict = (
        Verdict.violated("SameStates", f"{len(lines)} states differ, the first {lines[0]}")
        if lines
        else Verdict.exhausted()
    )
    return Outcome(verdict=verdict, figures=figures, message="\n".join(lines[:20]))
