"""HotStuff at work: its roles, and what a leader proposes. Leaders take turns, with each view another one."""

from typing import Any

from impl import hotstuff
from node.bft_engine import BftEngine, Due

__all__ = ["HotStuffEngine"]


class HotStuffEngine(BftEngine):
    """A HotStuff replica at work."""

    state: hotstuff.Node
    repeated = hotstuff.Why.OLD
    ended = hotstuff.TimerFired()

    @property
    def leader(self) -> str:
        """The leader of its view."""
        return self.state.config.leader(self.state.view)

    @property
    def is_ready(self) -> bool:
        """True if it lacks no block that a quorum has voted for."""
        return self.state.wanted is None

    @property
    def role(self) -> str:
        """Leader of its view, or Replica."""
        return "Leader" if self.state.is_leader else "Replica"

    def numbers(self) -> dict[str, int]:
        """Return its view, and the views of what it has committed and is locked on."""
        durable = self.state.durable
        last = durable.blocks.get(durable.committed)
        committed = 0 if last is None else last.view
        return {"view": self.state.view, "committed": committed, "locked": durable.lock.view}

    def begin(self) -> None:
        """Begin, with a timer in any case: others may be in a later view."""
        super().begin()
        self.host.set_timer(Due.VIEW, self.timeout_s)
        self.host.counts.applied = self.numbers()["committed"]

    def proposal(self) -> hotstuff.Propose | None:
        """Return the proposal of a leader, perhaps an empty one that carries certificates on."""
        batch = hotstuff.ready(self.state)
        return None if batch is None else hotstuff.Propose(batch)

    def noted(self, effect: Any) -> None:
        """Count the views in which it leads after others gave up the one before, and proofs of faults."""
        if isinstance(effect, hotstuff.Entered):
            self.host.counts.leader_elections += self.state.config.leader(effect.view) == self.core.node
        elif isinstance(effect, hotstuff.Equivocated):
            self.host.counts.byzantine_failures += 1

    def carried_out(self, effect: Any) -> None:
        """Note how far it has committed: the view of the block."""
        if isinstance(effect, hotstuff.Committed):
            self.host.counts.applied = effect.view
