"""HotStuff's core as a node runs it: its messages, its settings, and where it is."""

from typing import Any, ClassVar, Final

from impl import hotstuff
from impl.common.keys import Keys
from impl.common.requests import Batch, Request
from node.bft_core import BftCore
from node.service import MACHINE

__all__ = ["HotStuffCore"]

BATCH_MAX: Final = 16
#: How many committed blocks are kept for others, and how many are sent at once.
RETAINED: Final = 16
FETCH_MAX: Final = 8
#: The longest time for a view, as a multiple of the first.
MULTIPLIER_MAX: Final = 8


class HotStuffCore(BftCore):
    """The core of a HotStuff replica.

    Args:
        node: its name.
        nodes: all replicas, in the order in which they lead.
        keys: the secret key of this one, and the public keys of replicas and clients.
        f: how many replicas may be Byzantine.

    Raises:
        InvalidConfig: there are not more than 3f replicas.
    """

    protocol = "hotstuff"
    impl: ClassVar[Any] = hotstuff
    messages = (
        Request,
        hotstuff.Proposal,
        hotstuff.Vote,
        hotstuff.Timeout,
        hotstuff.Certificate,
        hotstuff.TimeoutCertificate,
        hotstuff.Fetch,
        hotstuff.Blocks,
        hotstuff.Snapshot,
    )
    parts = (hotstuff.Block,)
    inputs = (hotstuff.Receive, hotstuff.Propose, hotstuff.TimerFired, hotstuff.Retransmit)
    mappings = ("blocks",)
    hears_itself = True

    def __init__(self, node: str, nodes: tuple[str, ...], keys: Keys, f: int) -> None:
        super().__init__(
            hotstuff.Config(
                node,
                nodes,
                keys,
                f=f,
                batch_max=BATCH_MAX,
                retained=RETAINED,
                fetch_max=FETCH_MAX,
                multiplier_max=MULTIPLIER_MAX,
                service=MACHINE,
            )
        )

    def executed(self, effect: Any) -> Batch | None:
        """Return the requests that an effect tells to be executed."""
        return effect.batch if isinstance(effect, hotstuff.Committed) else None

    def place(self, state: hotstuff.Node) -> tuple[object, ...]:
        """Return the view, what is durable of it, what is committed, and how many requests wait."""
        durable = state.durable
        views = (state.view, durable.voted, durable.timed, durable.high.view, durable.lock.view)
        return (*views, durable.committed, len(state.waiting))
