"""PBFT at work: its roles, what a primary proposes, and what a replica does that is out of order."""

from typing import Any

from impl import pbft
from node.bft_engine import BftEngine
from node.errors import NodeError

__all__ = ["PbftEngine"]


class PbftEngine(BftEngine):
    """A PBFT replica at work. The timeout of a view is that of a view change (paper, 4.5.2)."""

    state: pbft.Node
    repeated = pbft.Why.REPEATED
    ended = pbft.Timeout()

    @property
    def leader(self) -> str | None:
        """The primary of its view; None while it changes views."""
        durable = self.state.durable
        return None if durable.changing else self.state.config.primary(durable.view)

    @property
    def is_ready(self) -> bool:
        """True if it is in a view, and has the state of its stable checkpoint."""
        durable = self.state.durable
        return not durable.changing and durable.executed >= durable.stable.seq

    @property
    def role(self) -> str:
        """Primary or Backup of its view, or Changing."""
        if self.state.durable.changing:
            return "Changing"
        return "Primary" if self.state.is_primary else "Backup"

    def numbers(self) -> dict[str, int]:
        """Return the view, and up to which sequence number it has executed, and has a stable checkpoint."""
        durable = self.state.durable
        return {"view": durable.view, "executed": durable.executed, "stable": durable.stable.seq}

    def begin(self) -> None:
        """Begin, with what was executed before."""
        super().begin()
        self.host.counts.applied = self.state.durable.executed

    def proposal(self) -> pbft.Propose | None:
        """Return the proposal of the waiting requests that no proposal of the view contains."""
        batch = _unproposed(self.state)[: self.state.config.batch_max]
        return pbft.Propose(batch) if batch else None

    def noted(self, effect: Any) -> None:
        """Count the views in which it is primary."""
        if isinstance(effect, pbft.EnteredView):
            self.host.counts.leader_elections += effect.primary == self.core.node

    def carried_out(self, effect: Any) -> None:
        """Note how far it has executed.

        Raises:
            NodeError: a quorum has another state than this replica.
        """
        if isinstance(effect, pbft.Executed):
            self.host.counts.applied = effect.seq
        elif isinstance(effect, pbft.Diverged):
            raise NodeError(
                f"{self.core.node} has another state at sequence number {effect.seq} than a quorum: its "
                "disk or its program is faulty. Take it out of service, and add a new node"
            )


def _unproposed(node: pbft.Node) -> pbft.Batch:
    """Waiting requests of a primary that no proposal of its view contains, in order of arrival."""
    durable = node.durable
    if not node.waiting or durable.changing or not node.is_primary:
        return ()
    proposed = {
        request for seq, made in durable.accepted.items() if seq > durable.executed for request in made.batch
    }
    return tuple(request for request in node.waiting.values() if request not in proposed)
