"""HotStuff view by view: the code does what `HotStuffViews.tla` says, and its runs are behaviours of it.

`ViewsSystem` lets correct replicas take part in one view after the other. Somebody proposes to each of them
the block that the spec has it vote for, with whatever proof is needed that the view has begun; who leads is
not asked, since the spec does not ask: any leader's signature is at hand. A spectator, who votes for nothing,
is handed all certificates; what it commits is what could be committed.

`played` says what a state of the message grain is, view by view; `every_behaviour_is_one` compares all states
of a model of the message grain with all states of the view-ordered one.
"""

import copy
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

from immutabledict import immutabledict

from impl import hotstuff
from impl.common import SymbolicKeys
from impl.hotstuff import Block, Certificate, Receive, proofs
from tlacheck.conform.adapter import Adapter, action, variable
from tlacheck.conform.system import NotPossible
from tlacheck.tlc.graph import Node, stream_graph
from tlacheck.trace import State
from tlacheck.values import Value
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["ViewsSystem", "every_behaviour_is_one", "played"]

_SPECS: Final = Path(__file__).resolve().parents[3] / "specs" / "hotstuff"
_NOTHING: Final = -1


class ViewsSystem(Adapter):
    """Correct replicas that take part in one view after the other.

    Args:
        size: how many replicas there are; the last of them are Byzantine.
        liars: how many are.
        f: how many liars are allowed for.
    """

    def __init__(self, size: int = 4, *, liars: int = 1, f: int = 1) -> None:
        names = tuple(f"r{place}" for place in range(size))
        self._configs = {
            name: hotstuff.Config(name, names, SymbolicKeys(name), f, variants_max=1 << 10, retained=1 << 10)
            for name in names
        }
        self._any = self._configs[names[0]]
        self._correct, self._liars = names[: size - liars], names[size - liars :]
        self.nodes: dict[str, hotstuff.Node] = {}
        self._views_max = 0
        self._certificates: dict[int, Certificate] = {}
        self._blocks: dict[int, Block] = {}
        self._parents: tuple[int, ...] = ()
        self._committed: frozenset[int] = frozenset()

    def reset(self, initial: State) -> None:
        """Start all replicas."""
        if initial["locks"][0] != len(self._correct):
            raise NotPossible(f"there are {len(self._correct)} correct replicas here; the trace has others")
        self.nodes = {name: hotstuff.first_start(self._configs[name]) for name in self._correct}
        self._views_max = len(initial["locks"]) - 1
        self._certificates = {0: Certificate(view=0, block=self._any.genesis)}
        self._blocks, self._parents, self._committed = {}, (), frozenset()

    @action("PlayView")
    def play(self, block: Value, locks: Value) -> None:
        """Votes are given, and perhaps a child of the block of view `block` is certified."""
        view = len(self._parents) + 1
        votes = {}
        for name, parent in self._chosen(view, block, locks).items():
            made = self._child(view, parent)
            self._proposes(name, made)
            vote = self.nodes[name].durable.vote
            if vote is not None and vote.view == view:
                votes[name] = vote
        self._parents = (*self._parents, _NOTHING)
        if block != _NOTHING:
            self._certify(view, block, votes)

    @variable("parents", "locks", "committed")
    def shown(self) -> State:
        """The spec state that the replicas stand for."""
        held = Counter(self.nodes[name].durable.lock.view for name in self._correct)
        locks = immutabledict({view: held[view] for view in range(self._views_max + 1)})
        return immutabledict(parents=self._parents, locks=locks, committed=self._committed)

    def fork(self) -> Self:
        """A cluster in the same state, with replicas of its own."""
        twin = copy.copy(self)
        twin.nodes = self.nodes.copy()
        twin._certificates = self._certificates.copy()  # noqa: SLF001 - a copy of oneself
        twin._blocks = self._blocks.copy()  # noqa: SLF001 - as above
        return twin

    # --- who votes for what

    def _chosen(self, view: int, block: int, locks: Any) -> dict[str, int]:
        """Votes of correct replicas, by the parent, that lead to this state; the locks choose if they can."""
        found: dict[str, int] | None = None
        needed = self._any.quorum - len(self._liars)
        options = [[_NOTHING, *sorted(self._certificates)] for _ in self._correct]
        for choice in itertools.product(*options):
            if block != _NOTHING and choice.count(block) < needed:
                continue
            votes = {
                name: parent for name, parent in zip(self._correct, choice, strict=True) if parent != _NOTHING
            }
            found = votes if found is None else found
            if self._locks_after(votes) == locks:
                return votes
        if found is None:
            raise NotPossible(f"no votes certify a child of view {block} in view {view}")
        return found

    def _locks_after(self, votes: Mapping[str, int]) -> Value:
        """The locks that these votes lead to, by the rule of three."""
        held: Counter[int] = Counter()
        for name in self._correct:
            lock = self.nodes[name].durable.lock.view
            parent = votes.get(name, _NOTHING)
            above = self._parents[parent - 1] if parent > 0 else 0
            held[max(lock, above)] += 1
        return immutabledict({view: held[view] for view in range(self._views_max + 1)})

    # --- blocks and proofs

    def _child(self, view: int, parent: int) -> Block:
        certificate = self._certificates[parent]
        leader = self._any.leader(view)
        block = Block(view=view, parent=certificate.block, batch=(), justify=certificate, proposer=leader)
        return proofs.sign_block(self._configs[leader], block)

    def _entry(self, view: int) -> hotstuff.TimeoutCertificate:
        genesis = self._certificates[0]
        timeouts = {
            name: proofs.sign_timeout(config, view, genesis, None) for name, config in self._configs.items()
        }
        return proofs.timed_out(self._any, timeouts)

    def _path(self, view: int) -> Iterator[Block]:
        """The certified blocks up to this one, the first first."""
        if view:
            yield from self._path(self._parents[view - 1])
            yield self._blocks[view]

    def _proposes(self, name: str, block: Block) -> None:
        for each in self._path(block.justify.view):
            self._hands(name, hotstuff.Blocks((each,)))
        entry = None if block.justify.view == block.view - 1 else self._entry(block.view - 1)
        self._hands(name, hotstuff.Proposal(block=block, entry=entry))

    def _certify(self, view: int, parent: int, votes: Mapping[str, hotstuff.Vote]) -> None:
        """Make the certificate of the child, if the votes are enough, and show it to a spectator."""
        made = self._child(view, parent)
        digest = proofs.block_digest(made)
        given = {name: vote for name, vote in votes.items() if vote.block == digest}
        given |= {name: proofs.sign_vote(self._configs[name], view, digest) for name in self._liars}
        if len(given) < self._any.quorum:
            return
        self._certificates[view], self._blocks[view] = proofs.certified(self._any, given), made
        self._parents = (*self._parents[:-1], parent)
        spectator = hotstuff.first_start(self._any)
        heard: list[hotstuff.Message] = [hotstuff.Blocks((each,)) for each in self._path(view)]
        for message in (*heard, *given.values()):
            spectator, effects = hotstuff.step(spectator, Receive(message))
            self._committed |= {each.view for each in effects if isinstance(each, hotstuff.Committed)}

    def _hands(self, name: str, message: hotstuff.Message) -> None:
        self.nodes[name], _ = hotstuff.step(self.nodes[name], Receive(message))


# --- the message grain, view by view --------------------------------------------------------------


def played(votes: Mapping[str, frozenset[Any]], *, needed: int, views: int) -> Value:
    """The state of the view-ordered spec in which these votes end.

    Args:
        votes: of each correct replica the blocks that it voted for, as the chains of the spec.
        needed: how many votes of correct replicas make a certificate.
        views: how many views there are.

    Returns:
        `parents` and `locks`, as the spec has them.
    """
    counts = Counter(block for voted in votes.values() for block in voted)
    parents = [_NOTHING] * views
    for block, count in counts.items():
        if count >= needed:
            parents[block[-1]["view"] - 1] = block[-2]["view"] if len(block) > 1 else 0
    locks: Counter[int] = Counter()
    for voted in votes.values():
        locks[max((block[-3]["view"] for block in voted if len(block) > 2), default=0)] += 1
    return immutabledict(
        parents=tuple(parents), locks=immutabledict({view: locks[view] for view in range(views + 1)})
    )


def every_behaviour_is_one(
    context: Context, *, grain: str = "three.cfg", module: str = "MCHotStuff.tla", views: int = 3
) -> Outcome:
    """Check that all states of a model of the message grain are, view by view, states of `views_six.cfg`.

    Args:
        context: given by `verify`.
        grain: the configuration of the message grain.
        module: its module.
        views: how many views it has.
    """
    ordered: set[Value] = set()
    with stream_graph(_SPECS / "HotStuffViews.tla", _SPECS / "views_six.cfg", memory_mb=512) as stream:
        for part in stream:
            if isinstance(part, Node) and len(part.state["parents"]) == views:
                locks = {view: part.state["locks"][view] for view in range(views + 1)}
                ordered.add(immutabledict(parents=part.state["parents"], locks=immutabledict(locks)))
    found: set[Value] = set()
    states = 0
    with stream_graph(_SPECS / module, _SPECS / grain, memory_mb=1024) as stream:
        for part in stream:
            if not isinstance(part, Node):
                continue
            states += 1
            if states % 5_000 == 0:
                context.progress(f"{states:,} states of the message grain")
            votes: dict[str, set[Any]] = {name.name: set() for name in part.state["view"]}
            for message in part.state["messages"]:
                if message["type"] == "Vote":
                    votes[message["source"].name].add(message["block"])
            found.add(played({name: frozenset(each) for name, each in votes.items()}, needed=2, views=views))
    figures = {"message_grain": states, "outcomes": len(found), "view_ordered": len(ordered)}
    if wrong := found - ordered:
        reason = f"{len(wrong)} outcomes are none of the view-ordered spec, one of them {next(iter(wrong))}"
        return Outcome(verdict=Verdict.violated("ViewOrdered", reason), figures=figures, message=reason)
    return Outcome(verdict=Verdict.exhausted(), figures=figures)
