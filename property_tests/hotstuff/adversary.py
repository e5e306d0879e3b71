"""Byzantine HotStuff replicas: whatever they can sign in their own names, and make of what others signed.

All of a run share what they hear and each other's keys. They hear what reaches any of them.

| behaviour      | does                                                                                      |
|----------------|-------------------------------------------------------------------------------------------|
| silent         | says nothing                                                                              |
| replaying      | says again what it said long ago                                                          |
| equivocating   | when it leads, proposes different blocks to different replicas                            |
| forking        | when it leads, extends an old certified block, and the last one too: the forking attack   |
| withholding    | when it leads, proposes to some only, and says nothing to the others                      |
| double-voting  | votes for every block that it hears of, and tells everybody                               |
| inflating      | gives up far views, and proposes for them                                                 |
| hiding         | gives up each view, and claims to know no certificate but genesis                         |
| altering       | changes one part of what somebody signed, under the old signature                         |
| counterfeiting | certificates and blocks that prove nothing: of too few, of one signer twice, of another   |
|                | view                                                                                      |
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from impl import hotstuff
from impl.common import SymbolicKeys, signed
from impl.common.requests import Request
from impl.hotstuff import Block, Certificate, Proposal, Timeout, Vote, proofs
from property_tests.hotstuff.host import Arrived, config_of
from tlacheck.sim import ByzantineAction, ByzantineContext, Replay, Send, Silent
from tlacheck.sim.byzantine import ActiveBehaviour, Behaviour

__all__ = ["BEHAVIOURS", "Adversary"]

#: How likely a Byzantine replica lies at a step of its own, and how much of what it heard it remembers of
# each kind.
_LIES: Final = 0.4
_REMEMBERED: Final = 200


@attrs.frozen
class _Lying:
    """Goes on as an honest replica would, or only listens, and says something else besides."""

    adversary: "Adversary"
    says: Callable[["Adversary", ByzantineContext], Iterator[Send]]
    is_honest_too: bool = True
    chance: float = _LIES

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one node."""

        def act(context: ByzantineContext) -> ByzantineAction:
            self.adversary.hear(context)
            lies = self.says(self.adversary, context) if context.random.random() < self.chance else ()
            honest = context.honest.sent if self.is_honest_too else ()
            return ByzantineAction(context.honest.state, (*honest, *lies))

        return act


class Adversary:
    """The Byzantine replicas of one run.

    Args:
        names: theirs.
        replicas: the names of all.
    """

    def __init__(self, names: Sequence[str], replicas: Sequence[str]) -> None:
        self.names, self.replicas = tuple(names), tuple(replicas)
        self.configs = {name: config_of(name, self.replicas) for name in self.names}
        self.heard: dict[type[Any], list[Any]] = {}
        self.certificates: dict[str, Certificate] = {}

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Their behaviours by name."""
        return {
            "silent": Silent(),
            "replaying": Replay(chance=0.3),
            "equivocating": _Lying(self, Adversary._equivocating, is_honest_too=False, chance=1.0),
            "forking": _Lying(self, Adversary._forking, is_honest_too=False, chance=1.0),
            "withholding": _Lying(self, Adversary._withholding, is_honest_too=False, chance=1.0),
            "double-voting": _Lying(self, Adversary._double_voting),
            "inflating": _Lying(self, Adversary._inflating),
            "hiding": _Lying(self, Adversary._hiding, is_honest_too=False),
            "altering": _Lying(self, Adversary._altering),
            "counterfeiting": _Lying(self, Adversary._counterfeiting),
        }

    def hear(self, context: ByzantineContext) -> None:
        """Remember what came in, and the certificates in it."""
        if not isinstance(context.input, Arrived):
            return
        said = context.input.message
        known = self.heard.setdefault(type(said), [])
        if said not in known:
            known.append(said)
            del known[:-_REMEMBERED]
        match said:
            case Proposal(block=block):
                self.certificates[block.justify.block] = block.justify
            case Timeout(high=high):
                self.certificates[high.block] = high

    # --- what they say

    def _equivocating(self, context: ByzantineContext) -> Iterator[Send]:
        config, node = self.configs[context.node], context.honest.state.node
        if config.leader(node.view) != context.node:
            return
        for place, dest in enumerate(self._others(context)):
            client = f"liar{place % 2}"
            yield Send(dest, self._proposal(context.node, node, node.durable.high, client))

    def _forking(self, context: ByzantineContext) -> Iterator[Send]:
        config, node = self.configs[context.node], context.honest.state.node
        if config.leader(node.view) != context.node:
            return
        old = sorted(self.certificates.values(), key=lambda each: each.view)[-6:]
        chosen = context.random.choice([*old, node.durable.high])
        for certificate in (chosen, node.durable.high):
            proposal = self._proposal(context.node, node, certificate, "liar")
            yield from (Send(dest, proposal) for dest in self._others(context))

    def _withholding(self, context: ByzantineContext) -> Iterator[Send]:
        others = list(self._others(context))
        chosen = context.random.sample(others, context.random.randint(1, len(others)))
        yield from (send for send in context.honest.sent if send.dest in chosen)

    def _double_voting(self, context: ByzantineContext) -> Iterator[Send]:
        blocks = [said.block for said in self.heard.get(Proposal, [])[-4:]]
        for block in blocks:
            for name in self.names:
                vote = proofs.sign_vote(self.configs[name], block.view, proofs.block_digest(block))
                yield from (Send(dest, vote) for dest in self._others(context))

    def _inflating(self, context: ByzantineContext) -> Iterator[Send]:
        node, rng = context.honest.state.node, context.random
        view = node.view + rng.choice((1, 2, 10, 1000))
        yield from self._times_out(context, view, node.durable.high)
        far = Block(
            view=view,
            parent=node.durable.high.block,
            batch=(),
            justify=node.durable.high,
            proposer=context.node,
        )
        proposal = Proposal(
            block=proofs.sign_block(self.configs[context.node], far), entry=node.durable.entry
        )
        yield from (Send(dest, proposal) for dest in self._others(context))

    def _hiding(self, context: ByzantineContext) -> Iterator[Send]:
        node = context.honest.state.node
        genesis = Certificate(view=0, block=node.config.genesis)
        yield from self._times_out(context, node.view, genesis)

    def _times_out(self, context: ByzantineContext, view: int, high: Certificate) -> Iterator[Send]:
        for name in self.names:
            timeout = proofs.sign_timeout(self.configs[name], view, high, None)
            yield from (Send(dest, timeout) for dest in self._others(context))

    def _altering(self, context: ByzantineContext) -> Iterator[Send]:
        rng = context.random
        said = [each for kind in (Vote, Timeout, Proposal) for each in self.heard.get(kind, [])[-8:]]
        if not said:
            return
        one = rng.choice(said)
        changes: dict[str, Any] = {"view": 1 + rng.randrange(40), "source": rng.choice(self.replicas)}
        if isinstance(one, Proposal):
            block = rng.choice(
                [
                    attrs.evolve(one.block, view=one.block.view + 1),
                    attrs.evolve(one.block, batch=(self._request("altered"),)),
                    attrs.evolve(one.block, proposer=rng.choice(self.replicas)),
                    attrs.evolve(one.block, justify=rng.choice([*self.certificates.values()])),
                ]
            )
            one = rng.choice((attrs.evolve(one, block=block), attrs.evolve(one, entry=None)))
        else:
            name = rng.choice(sorted(changes))
            one = attrs.evolve(one, **{name: changes[name]})
        yield from (Send(dest, one) for dest in self._others(context))

    def _counterfeiting(self, context: ByzantineContext) -> Iterator[Send]:
        config, node, rng = self.configs[context.node], context.honest.state.node, context.random
        blocks = [said.block for said in self.heard.get(Proposal, [])[-4:]]
        if not blocks:
            return
        target = rng.choice(blocks)
        digest = proofs.block_digest(target)
        view = rng.choice((target.view, target.view + 1))
        vote = proofs.sign_vote(config, view, digest)
        signers = proofs.bitmap(config, range(config.n))
        forged = Certificate(
            view=view, block=digest, signers=signers, signatures=(vote.signature,) * config.n
        )
        few = Certificate(
            view=view,
            block=digest,
            signers=proofs.bitmap(config, [config.replicas.index(context.node)]),
            signatures=(vote.signature,),
        )
        justify = rng.choice((forged, few))
        yield from self._times_out(context, max(node.view, view + 1), justify)
        if config.leader(node.view) == context.node:
            proposal = self._proposal(context.node, node, justify, "liar")
            yield from (Send(dest, proposal) for dest in self._others(context))

    # --- what of

    def _others(self, context: ByzantineContext) -> Iterator[str]:
        return (name for name in self.replicas if name != context.node)

    def _request(self, client: str) -> Request:
        return signed(Request(client=client, timestamp=1, operation=client), SymbolicKeys(client))

    def _proposal(self, name: str, node: hotstuff.Node, justify: Certificate, client: str) -> Proposal:
        block = Block(
            view=node.view,
            parent=justify.block,
            batch=(self._request(client),),
            justify=justify,
            proposer=name,
        )
        return Proposal(block=proofs.sign_block(self.configs[name], block), entry=node.durable.entry)


#: The names of all behaviours.
BEHAVIOURS: Final = tuple(Adversary((), ()).behaviours())
