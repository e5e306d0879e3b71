"""PBFT's core as a node runs it: its messages, its settings, and where it is."""

from typing import Any, ClassVar, Final

from impl import pbft
from impl.common.requests import Batch
from node.bft_core import BftCore
from node.service import MACHINE

__all__ = ["PbftCore"]

#: How far beyond its stable checkpoint a replica goes, and how often it makes one.
WINDOW: Final = 16
INTERVAL: Final = 8
BATCH_MAX: Final = 16
#: The longest view-change timeout, as a multiple of the first.
MULTIPLIER_MAX: Final = 16


class PbftCore(BftCore):
    """The core of a PBFT replica.

    Args:
        node: its name.
        nodes: all replicas, in the order in which they become primary.
        keys: the secret key of this one, and the public keys of replicas and clients.
        f: how many replicas may be Byzantine.

    Raises:
        InvalidConfig: there are not more than 3f replicas.
    """

    protocol = "pbft"
    impl: ClassVar[Any] = pbft
    messages = (
        pbft.Request,
        pbft.PrePrepare,
        pbft.Prepare,
        pbft.Commit,
        pbft.Checkpoint,
        pbft.StateRequest,
        pbft.StateResponse,
        pbft.ViewChange,
        pbft.NewView,
    )
    parts = (pbft.CheckpointCertificate, pbft.PreparedCertificate)
    inputs = (pbft.Receive, pbft.Propose, pbft.Timeout, pbft.Retransmit, pbft.Tick)
    mappings = ("accepted", "prepared", "committed", "snapshots")

    def __init__(self, node: str, nodes: tuple[str, ...], keys: pbft.Keys, f: int) -> None:
        super().__init__(
            pbft.Config(
                node,
                nodes,
                keys,
                f=f,
                window=WINDOW,
                interval=INTERVAL,
                batch_max=BATCH_MAX,
                multiplier_max=MULTIPLIER_MAX,
                service=MACHINE,
            )
        )

    def executed(self, effect: Any) -> Batch | None:
        """Return the requests that an effect tells to be executed: none by itself if a state came."""
        if isinstance(effect, pbft.Executed):
            return effect.batch
        return () if isinstance(effect, pbft.Transferred) else None

    def place(self, state: pbft.Node) -> tuple[object, ...]:
        """Return the view, how far it has executed, and how many requests wait."""
        durable = state.durable
        return (durable.view, durable.changing, durable.executed, durable.stable.seq, len(state.waiting))
