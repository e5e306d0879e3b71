"""Chain growth and quality of HotStuff while traitors fork the chain, beside none that do.

A forking leader drops the last block. It keeps the certificate of that block to itself until all others have
timed out, then extends the block's parent. They are locked on that parent, and vote. It gets no further: a
block must be justified by the view before, or come with time-outs of that view; and time-outs bring votes
along, so that everybody makes the certificate, and locks on the parent of its block.

Growth is the number of committed blocks for each view, quality the share of them that correct leaders
proposed. Every third leader is a traitor: next to each other they would drop their own blocks. Published for
HotStuff as in its paper, with n/3 traitors: growth falls to 4/9, quality to 12/17 of what they are without
attacks (Niu and Feng, arXiv 2107.04947).
"""

from collections.abc import Collection
from typing import Any, Final

import attrs

from benchmarks._machine import begin, leave, sized
from benchmarks.hotstuff_latency import Cluster
from impl import hotstuff
from impl.common import SymbolicKeys, signed
from impl.common.requests import Request
from impl.hotstuff import Certificate, Proposal, Timeout, proofs, tree
from impl.hybrid.engines import Said
from impl.hybrid.inputs import Receive

REPLICAS = sized((4, 7, 10, 16), (4,))
#: In so many views growth is measured.
VIEWS = sized(120, 30)
#: What traitors do; the first is the baseline.
KINDS: Final = ("nothing wrong", "silent", "forking")


@attrs.frozen
class Found:
    """The committed blocks a view of a run, the share of correct leaders' blocks, and delays a block."""

    growth: float
    quality: float
    delays: float


class Forked(Cluster):
    """Replicas that always have requests to order, some of which fork or are silent.

    Args:
        n: how many there are.
        traitors: the names of f of them.
        kind: what those do.
    """

    def __init__(self, n: int, traitors: Collection[str], kind: str) -> None:
        super().__init__("hotstuff", n)
        self._traitors, self._kind = frozenset(traitors), kind
        self._forked: dict[str, int] = {}

    def until(self, view: int) -> Found:
        """Let replicas order requests until a correct one has committed a block of this view or later."""
        for number in range(view):
            client = f"c{number}"
            request = signed(Request(client=client, timestamp=1, operation="op"), SymbolicKeys(client))
            for name in self._nodes:
                self._push(0, name, Receive(request))
        witness = min(self._nodes.keys() - self._traitors)
        while tree.view_of(durable := self._node(witness).durable, durable.committed) < view:
            self._next()
        chain = [block for _, block in tree.ancestors(durable, durable.committed)]
        quality = sum(block.proposer not in self._traitors for block in chain) / len(chain)
        return Found(len(chain) / chain[0].view, quality, self.now / len(chain))

    def _node(self, name: str) -> hotstuff.Node:
        node = self._nodes[name]
        if not isinstance(node, hotstuff.Node):
            raise TypeError(f"{name} runs no HotStuff")
        return node

    def _said(self, name: str, effects: tuple[Any, ...]) -> tuple[Any, ...]:
        """The effects that others notice: a traitor's fork in place of its block, a silent one's nothing."""
        if name not in self._traitors or self._kind == KINDS[0]:
            return effects
        if self._kind == "silent":
            return tuple(each for each in effects if not isinstance(each, Said))
        rest = tuple(each for each in effects if not (isinstance(each, Said) and _tells(each.message)))
        fork = self._fork(self._node(name))
        return rest if fork is None else (*rest, Said(fork, None))

    def _fork(self, node: hotstuff.Node) -> Proposal | None:
        """The block that drops the last one; None if it is not the turn of this replica, or it has forked."""
        view, config, high = node.view, node.config, node.durable.high
        told = {source: each for source, each in node.timeouts.items() if each.view == view - 1}
        is_turn = node.is_leader and self._forked.get(node.name, 0) < view
        if not is_turn or len(told) < config.quorum:
            return None
        self._forked[node.name] = view
        justify = tree.parent_certificate(config, node.durable, high.block)
        block = hotstuff.Block(view=view, parent=justify.block, batch=(), justify=justify, proposer=node.name)
        return Proposal(block=proofs.sign_block(config, block), entry=proofs.timed_out(config, told))


def _tells(message: object) -> bool:
    """Return whether a message would tell others a certificate that they are not to have."""
    return isinstance(message, Proposal | Timeout | Certificate)


def found(n: int, kind: str) -> Found:
    """The figures of a run in which every third leader is a traitor, f in all."""
    return Forked(n, [f"r{3 * place}" for place in range((n - 1) // 3)], kind).until(VIEWS)


def main() -> None:
    """Print growth and quality for each number of replicas and kind of traitors."""
    begin("chain growth of HotStuff with f traitors, each message takes one delay")
    for n in REPLICAS:
        base = found(n, KINDS[0])
        for kind in KINDS:
            one = base if kind == KINDS[0] else found(n, kind)
            print(
                f"{n:>4} replicas  f = {(n - 1) // 3:<2}  {kind:<13}  growth {one.growth:.3f} blocks a view, "
                f"{one.growth / base.growth:.2f} of the baseline  quality {one.quality:.3f}, "
                f"{one.quality / base.quality:.2f} of the baseline  {one.delays:>5.1f} delays a block"
            )
    print("published, n/3 forking: growth 0.44 of the baseline, quality 0.71")
    leave()


if __name__ == "__main__":
    main()
