"""The adapter of `impl/hotstuff` to `specs/hotstuff`: the one file that knows both vocabularies.

A step of the spec is the input that completes something; so a replica is handed in one step all that it
takes: the votes of a certificate, the time-outs of a quorum, those of Byzantine replicas signed with their
own keys. A block of the spec is its chain; its digest in the code covers the same.
"""

import copy
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Self

from immutabledict import immutabledict

from impl import hotstuff
from impl.common import SymbolicKeys, signed
from impl.common.requests import Batch, Request
from impl.hotstuff import Block, Certificate, Receive, Timeout, Vote, proofs
from tlacheck.conform.adapter import Adapter, action, variable
from tlacheck.conform.system import NotPossible
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = ["Chains", "HotStuffSystem", "batch_to_spec", "function_of", "observed", "spec_for"]

#: Clients whose batches the spec calls `y`: it has two, to tell a leader's two blocks apart.
_SECOND: Final = frozenset({"y", "liar1", "altered"})

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "hotstuff"


def spec_for(replicas: int) -> Spec:
    """The unbounded spec of so many replicas, for the oracle."""
    return Spec.load(_SPECS / "MCHotStuff.tla", _SPECS / f"Oracle{replicas}.cfg")


def function_of(values: dict[str, Value]) -> Value:
    """The function from names; without any it is the empty sequence."""
    return immutabledict({ModelValue(name): value for name, value in values.items()}) if values else ()


def batch_to_spec(batch: Batch) -> Value:
    """The batch of the spec: `y` if that, or a liar's second choice, is its first client.

    `x` for any other.
    """
    return ModelValue("y" if batch and batch[0].client in _SECOND else "x")


class Chains:
    """The chains of the spec that digests stand for.

    Args:
        genesis: the digest of genesis.
    """

    def __init__(self, genesis: str) -> None:
        self._of: dict[str, tuple[Value, ...]] = {genesis: ()}
        self._forgotten: set[str] = set()

    def add(self, block: Block) -> tuple[Value, ...]:
        """Add a block whose parent is known; its chain.

        Raises:
            NotPossible: its parent is not.
        """
        own = (*self[block.parent], immutabledict(view=block.view, batch=batch_to_spec(block.batch)))
        self._of[proofs.block_digest(block)] = own
        return own

    def cut(self, base: tuple[Value, ...]) -> None:
        """Let the chains begin with the last block of this one, and forget those without it."""
        kept: dict[str, tuple[Value, ...]] = {}
        for digest, chain in self._of.items():
            if after := self.after_cut(chain, base):
                kept[digest] = after
            else:
                self._forgotten.add(digest)
        self._of = kept

    @staticmethod
    def after_cut(chain: tuple[Value, ...], base: tuple[Value, ...]) -> tuple[Value, ...]:
        """The chain after `cut`; empty if it is forgotten."""
        return chain[len(base) - 1 :] if chain[: len(base)] == base else ()

    def is_forgotten(self, block: Block) -> bool:
        """Return whether a block is forgotten, perhaps now, because its parent is."""
        digest = proofs.block_digest(block)
        if digest not in self._of and block.parent in self._forgotten:
            self._forgotten.add(digest)
        return digest in self._forgotten

    def knows(self, digest: str) -> bool:
        """Return whether the chain of a digest is known."""
        return digest in self._of

    def __getitem__(self, digest: str) -> tuple[Value, ...]:
        if digest not in self._of:
            why = "conflicts with what all have committed" if digest in self._forgotten else "nobody has"
            raise NotPossible(f"it is about a block that {why}: {digest}")
        return self._of[digest]


def observed(nodes: dict[str, hotstuff.Node], chains: Chains) -> dict[str, Value]:
    """The variables of the spec that the states of correct replicas stand for."""

    def each(part: Any) -> Value:
        return function_of({name: part(node) for name, node in nodes.items()})

    return {
        "view": each(lambda node: node.view),
        "voted": each(lambda node: node.durable.voted),
        "timed": each(lambda node: node.durable.timed),
        "high": each(lambda node: chains[node.durable.high.block]),
        "lock": each(lambda node: chains[node.durable.lock.block]),
        "committed": each(lambda node: chains[node.durable.committed]),
    }


class HotStuffSystem(Adapter):
    """The correct replicas of a cluster, and all that they ever sent; no clock.

    Args:
        replicas: the names of all, in the order in which they lead.
        byzantine: those that lie, which this class speaks for.
        f: how many liars are allowed for.
    """

    def __init__(
        self,
        replicas: tuple[str, ...] = ("r0", "r1", "r2", "r3"),
        *,
        byzantine: frozenset[str] = frozenset({"r2"}),
        f: int = 1,
    ) -> None:
        self._configs = {
            name: hotstuff.Config(
                name, replicas, SymbolicKeys(name), f, variants_max=1 << 10, retained=1 << 10
            )
            for name in replicas
        }
        self._any = self._configs[replicas[0]]
        self._byzantine = byzantine
        self.nodes: dict[str, hotstuff.Node] = {}
        self.chains = Chains(self._any.genesis)
        self._blocks: dict[Value, Block] = {}
        self._stored: dict[str, frozenset[Value]] = {}
        self._said: dict[Value, Any] = {}

    def reset(self, initial: State) -> None:
        """Start all correct replicas for the first time."""
        correct = [name for name in self._configs if name not in self._byzantine]
        if set(initial["view"]) != {ModelValue(name) for name in correct}:
            raise NotPossible(f"the correct replicas here are {', '.join(correct)}; the trace has others")
        self.nodes = {name: hotstuff.first_start(self._configs[name]) for name in correct}
        self.chains = Chains(self._any.genesis)
        self._blocks, self._said = {}, {}
        self._stored = dict.fromkeys(correct, frozenset({()}))

    # --- steps

    @action("Propose")
    def propose(self, node: Value, batch: Value) -> None:
        """It is the leader's turn, and the time-outs that it needs have arrived."""
        name = node.name
        view, high = self.nodes[name].view, self.nodes[name].durable.high.view
        if high < view - 1:
            for timeout in self._timeouts(view - 1, name):
                if timeout.high.view <= high:
                    self._step(name, Receive(timeout))
        self._step(name, hotstuff.Propose(self._batch(batch)))

    @action("Store")
    def store(self, node: Value, block: Value) -> None:
        """A block arrives, with the certificate of its parent."""
        self._step(node.name, Receive(hotstuff.Blocks((self._block(block),))))

    @action("Vote")
    def vote(self, node: Value, block: Value) -> None:
        """A proposal arrives of a block that it has."""
        made = self._block(block)
        entry = None if made.justify.view == made.view - 1 else self._entry(made.view - 1)
        self._step(node.name, Receive(hotstuff.Proposal(block=made, entry=entry)))

    @action("Learn")
    def learn(self, node: Value, block: Value) -> None:
        """The votes for a block arrive."""
        for vote in self._votes(block).values():
            self._step(node.name, Receive(vote))

    @action("TimeOut")
    def time_out(self, node: Value) -> None:
        """Its timer fires."""
        self._step(node.name, hotstuff.TimerFired())

    @action("Join")
    def join(self, node: Value, view: Value) -> None:
        """Time-outs of f + 1 others arrive, one of which is of this view, and none of an earlier one."""
        at_view = {said.source: said for said in self._timeouts(view, node.name)}
        beyond = {
            said.source: said
            for said in self._said.values()
            if isinstance(said, Timeout) and said.view >= view and said.source != node.name
        }
        chosen = [*at_view.values(), *(said for source, said in beyond.items() if source not in at_view)]
        for timeout in sorted(chosen[: self._any.f + 1], key=lambda each: -each.view):
            self._step(node.name, Receive(timeout))

    @action("Enter")
    def enter(self, node: Value, view: Value) -> None:
        """A time-out certificate arrives."""
        entry = self._entry(view - 1)
        if entry is not None:
            self._step(node.name, Receive(entry))

    @action("Restart")
    def restart(self, node: Value) -> None:
        """It comes back with what is durable."""
        self.nodes[node.name] = hotstuff.recover(self._configs[node.name], self.nodes[node.name].durable)

    # --- what there is to see

    @variable("messages", "view", "voted", "timed", "high", "lock", "committed", "blocks")
    def shown(self) -> State:
        """The spec state that the replicas stand for."""
        return immutabledict(
            messages=frozenset(self._said),
            blocks=function_of(dict(self._stored)),
            **observed(self.nodes, self.chains),
        )

    def fork(self) -> Self:
        """A cluster in the same state, with replicas of its own."""
        twin = copy.copy(self)
        twin.nodes, twin._stored = self.nodes.copy(), self._stored.copy()  # noqa: SLF001 - a copy of oneself
        twin._said, twin._blocks = self._said.copy(), self._blocks.copy()  # noqa: SLF001 - as above
        twin.chains = copy.deepcopy(self.chains)
        return twin

    # --- carried out

    def _step(self, name: str, inp: hotstuff.Input) -> None:
        self.nodes[name], effects = hotstuff.step(self.nodes[name], inp)
        for effect in effects:
            match effect:
                case hotstuff.Stored(block=block):
                    self._stored[name] |= {self.chains.add(block)}
                case hotstuff.Proposed(block=block):
                    self._blocks[self.chains.add(block)] = block
                    self._say("Proposal", name, block, block=self.chains.add(block))
                case hotstuff.Send(message=Vote() as vote):
                    self._say("Vote", name, vote, block=self.chains[vote.block])
                case hotstuff.Send(message=Timeout() as said):
                    self._say("Timeout", name, said, view=said.view, high=self.chains[said.high.block])

    def _say(self, kind: str, name: str, message: Any, **fields: Value) -> None:
        self._said[immutabledict(type=kind, source=ModelValue(name), **fields)] = message

    # --- what replicas say, the Byzantine ones among them

    def _batch(self, batch: Value) -> Batch:
        request = Request(client=batch.name, timestamp=1, operation=batch.name)
        return (signed(request, SymbolicKeys(batch.name)),)

    def _block(self, chain: Any) -> Block:
        """The block of a chain: as its leader proposed it, or as a Byzantine leader might."""
        if (known := self._blocks.get(chain)) is not None:
            return known
        parent, last = chain[:-1], chain[-1]
        certificate = self._certificate(parent)
        proposer = self._any.leader(last["view"])
        block = Block(
            view=last["view"],
            parent=certificate.block,
            batch=self._batch(last["batch"]),
            justify=certificate,
            proposer=proposer,
        )
        if proposer in self._byzantine:
            block = proofs.sign_block(self._configs[proposer], block)
        self._blocks[chain] = block
        self.chains.add(block)
        return block

    def _digest(self, chain: Any) -> str:
        return self._any.genesis if not chain else proofs.block_digest(self._block(chain))

    def _votes(self, chain: Any) -> dict[str, Vote]:
        """The votes that there are for a block, and those that Byzantine replicas might give."""
        view, digest = (chain[-1]["view"], self._digest(chain)) if chain else (0, self._any.genesis)
        said = (vote for vote in self._said.values() if isinstance(vote, Vote) and vote.block == digest)
        forged = (proofs.sign_vote(self._configs[name], view, digest) for name in sorted(self._byzantine))
        return {vote.source: vote for vote in (*said, *forged)}

    def _certificate(self, chain: Any) -> Certificate:
        """The certificate of a block, of as many votes as there are."""
        if not chain:
            return Certificate(view=0, block=self._any.genesis)
        votes = self._votes(chain)
        if not votes:
            return Certificate(view=chain[-1]["view"], block=self._digest(chain))
        return proofs.certified(self._any, votes)

    def _timeouts(self, view: int, but: str) -> list[Timeout]:
        """The time-outs of a view: of Byzantine replicas with genesis for the highest certificate."""
        genesis = Certificate(view=0, block=self._any.genesis)
        said: Iterable[Any] = (
            each
            for each in self._said.values()
            if isinstance(each, Timeout) and each.view == view and each.source != but
        )
        forged: Iterator[Timeout] = (
            proofs.sign_timeout(self._configs[name], view, genesis, None)
            for name in sorted(self._byzantine)
            if name != but
        )
        return [*said, *forged]

    def _entry(self, view: int) -> hotstuff.TimeoutCertificate | None:
        """The time-out certificate of a view, of as many time-outs as there are."""
        timeouts = {timeout.source: timeout for timeout in self._timeouts(view, "")}
        return proofs.timed_out(self._any, timeouts) if timeouts else None
