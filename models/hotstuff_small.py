"""Small clusters of `models.hotstuff`: states that TLC finds as well, and commits.

`engines_agree` compares two replicas and four blocks, all of whose states TLC lists for
`models/HotStuffVotes.tla`, and Z3 for the formulas that the proof is about. What is compared is what was
proposed, certified, voted for, left and locked. `Leave` and `Commit` are left out: a replica that leaves a
view only votes less, and commits are read off.

`commit_reached` is a behaviour of four replicas, at most one of them Byzantine, that ends in a commit, so
that the proof is not about a system in which nothing happens. `behaviours_found` gives one in which a wrong
model ends in two commits of which neither extends the other. Z3 chooses who does what; the right model has no
such behaviour in the same schedule.
"""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import z3
from immutabledict import immutabledict

from impl.quorum import byzantine_quorum
from models.hotstuff import Fault, Sorts, chained
from models.instance import members, numbered, ordered, quorums, servers
from models.raft_small import compared
from tlacheck import itf
from tlacheck.smt import (
    Clause,
    Expression,
    Scenario,
    TransitionSystem,
    View,
    enumeration,
    reachable,
    scenarios_found,
    scheduled,
)
from tlacheck.tlc.graph import Node, stream_graph
from tlacheck.values import Function, Value
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = [
    "COMMIT",
    "MODULE",
    "SCENARIOS",
    "behaviours_found",
    "cluster",
    "commit_reached",
    "engines_agree",
    "states_by_tlc",
    "states_by_z3",
]

#: The module with which the model is compared.
MODULE: Final = Path(__file__).with_name("HotStuffVotes.tla")

#: Block -> its parent and its view. The chain and the fork of `MODULE`.
_FORK: Final = {"g": ("g", 0), "a": ("g", 1), "b": ("a", 2), "c": ("b", 3), "e": ("g", 4)}

#: Two chains that part at genesis and take turns; who votes for both has to leave a lock.
_TWO_CHAINS: Final = {
    "g": ("g", 0),
    "a": ("g", 1),
    "b": ("a", 2),
    "d": ("g", 3),
    "e": ("d", 4),
}
#: Three blocks in a row.
_CHAIN: Final = {"g": ("g", 0), "a": ("g", 1), "b": ("a", 2), "c": ("b", 3)}


def cluster(
    blocks: Mapping[str, tuple[str, int]],
    count: int,
    *,
    liars: int = 1,
    fault: Fault | None = None,
) -> TransitionSystem:
    """Build the model with these blocks and replicas.

    Args:
        blocks: block -> its parent and its view; genesis, the first, is its own parent.
        count: the replicas n1, n2, and so on.
        liars: at most so many of them are Byzantine.
        fault: what is wrong; None for HotStuff.
    """
    sorts = Sorts(
        replica=servers(count),
        quorum=quorums(count, byzantine_quorum(count, liars)),
        view=numbered("View", "v", max(view for _, view in blocks.values())),
        block=enumeration("Block", list(blocks)),
    )
    views = sorts.view.elements or ()
    of = dict(zip(blocks, sorts.block.elements or (), strict=True))

    def is_ancestor(one: str, other: str) -> bool:
        while one != other and blocks[other][1]:
            other = blocks[other][0]
        return one == other

    def fixed(s: View) -> Expression:
        pairs = list(itertools.product(blocks, repeat=2))
        steps = itertools.product(enumerate(views), repeat=2)
        return z3.And(
            s.zero == views[0],
            s.genesis == next(iter(of.values())),
            ordered(s.le, sorts.view),
            members(s.member, sorts.replica, sorts.quorum),
            *(s.succ(v, w) == z3.BoolVal(b == a + 1) for (a, v), (b, w) in steps),
            *(s.view(of[name]) == views[view] for name, (_, view) in blocks.items()),
            *(s.prev(of[b], of[p]) == z3.BoolVal(blocks[b][1] > 0 and blocks[b][0] == p) for b, p in pairs),
            *(s.anc(of[a], of[b]) == z3.BoolVal(is_ancestor(a, b)) for a, b in pairs),
            z3.AtMost(*map(s.byzantine, sorts.replica.elements or ()), liars),
        )

    return chained(sorts, fault=fault, axioms=[Clause("Concrete", fixed)])


# --- the same states -----------------------------------------------------------------------------

_COMPARED: Final = ("Propose", "Certify", "Vote", "Learn")


def states_by_z3(fault: Fault | None = None) -> tuple[frozenset[Function], Verdict]:
    """The reachable states of two replicas without faults, found by Z3."""
    system = cluster(_FORK, 2, liars=0, fault=fault)
    kept = [action for action in system.actions if action.name in _COMPARED]
    reached = reachable(attrs.evolve(system, actions=kept))
    return frozenset(map(_projected, reached.states)), reached.verdict


def _projected(state: Mapping[str, Any]) -> Function:
    def names(name: str) -> Value:
        return frozenset(block.name for block in state[name])

    left: dict[str, int] = {}
    for replica, view in state["left"]:
        left[replica.name] = max(left.get(replica.name, 0), int(view.name.removeprefix("v")))
    return immutabledict(
        proposed=names("proposed"),
        cert=names("cert"),
        voted=frozenset((replica.name, block.name) for replica, block in state["voted"]),
        left=immutabledict(left),
        locked=frozenset((replica.name, block.name) for replica, block in state["locked"]),
    )


def states_by_tlc(*, memory_mb: int = 512) -> tuple[frozenset[Function], Verdict]:
    """The reachable states of the same replicas, found by TLC.

    Args:
        memory_mb: the heap of TLC's process.
    """
    found = set()
    with stream_graph(MODULE, MODULE.with_suffix(".cfg"), memory_mb=memory_mb) as stream:
        for part in stream:
            if isinstance(part, Node):
                state = part.state
                found.add(
                    immutabledict(
                        proposed=state["proposed"],
                        cert=state["cert"],
                        voted=frozenset((replica.name, block) for replica, block in state["voted"]),
                        left=immutabledict((each.name, view) for each, view in state["left"].items()),
                        locked=frozenset((each.name, block) for each, block in state["locked"].items()),
                    )
                )
        verdict = stream.summary.verdict
    return frozenset(found), verdict


def engines_agree(context: Context) -> Outcome:
    """Two replicas, a chain of three and a fork have the same states for TLC and for Z3."""
    context.progress("TLC lists the states")
    by_tlc, told = states_by_tlc()
    context.progress("Z3 lists the states")
    by_z3, found = states_by_z3()
    return compared(by_tlc, told, by_z3, found)


# --- what is reached -----------------------------------------------------------------------------


def _block(count: int = 2) -> tuple[str, ...]:
    """A block is proposed, so many correct replicas vote for it, and it is certified."""
    return ("Propose", *("Vote",) * count, "Certify")


#: What commits a block: three in a row, with the help of the Byzantine replica.
COMMIT: Final = (*_block(), *_block(), *_block(), "Commit")


def commit_reached(context: Context) -> Outcome:
    """Check that something is committed: else the proof would be about nothing.

    The behaviour is left in the folder of the check. Proved means that it was found.
    """
    context.progress(f"a commit in {len(COMMIT)} steps")
    system = cluster(_CHAIN, 4)
    blocks = next(variable for variable in system.variables if variable.name == "cert").arguments[0].elements
    nothing = Clause(
        "NothingDecided",
        lambda s: z3.And(*(z3.Not(s.decided(*three)) for three in itertools.product(blocks or (), repeat=3))),
    )
    found = scheduled(system, nothing, COMMIT)
    file = context.folder / "commit.itf.json"
    if found.trace is not None:
        itf.write(found.trace, file)
    is_reached = found.verdict.is_violated
    return Outcome(
        verdict=Verdict.proved() if is_reached else Verdict.unknown(f"no commit was found: {found.verdict}"),
        figures={"steps": len(COMMIT)},
        trace=None,
        command=context.command,
    )


def _scenario(fault: Fault, blocks: Mapping[str, tuple[str, int]], *schedule: str) -> Scenario[Fault]:
    return Scenario(
        fault=fault,
        breaks="Agreement",
        schedule=schedule,
        model=lambda one: cluster(blocks, 4, fault=one),
    )


#: Behaviours in which wrong rules commit two blocks of which neither extends the other. That of the other
#: rules take
#: six views, which specs/hotstuff/HotStuffViews.tla has exhausted: here they would take minutes.
SCENARIOS: Final = (_scenario(Fault.TWO_CHAIN, _TWO_CHAINS, *_block() * 4, "Commit", "Commit"),)


def behaviours_found(context: Context) -> Outcome:
    """Check that wrong rules commit two forks among four replicas, and the right ones in no such schedule."""
    return scenarios_found(context, SCENARIOS)
