"""PBFT at work: the timers and duties of a replica, and its clients.

| timer       | fires                                                                                   |
|-------------|-----------------------------------------------------------------------------------------|
| VIEW_CHANGE | when the primary has had its time, a multiple of the first timeout (paper, 4.5.2)       |
| BATCH       | a little after a request waits at the primary: all that wait then are one batch         |
| RETRANSMIT  | now and then, and at once after a start: what others may have missed is said again      |

A client asks all replicas. Each answers with its own signed reply once it has executed the request, and the
client believes f + 1 equal ones (paper, 4.1).
"""

import asyncio
import enum
from collections.abc import Mapping
from typing import Any, Final

from impl import pbft
from node.engine import Effects, Engine, Timing, Unanswered, fail
from node.errors import BadFrame, NodeError
from node.pbft_core import CODEC, PbftCore

__all__ = ["PbftEngine"]

_BATCH_S: Final = 0.002
#: How often it retransmits, as a multiple of the first view-change timeout.
_RETRANSMIT: Final = 1.5
#: Reasons for a refusal for which somebody has broken the protocol.
_ACCUSING: Final = frozenset(
    {pbft.Why.MALFORMED, pbft.Why.FORGED, pbft.Why.UNPROVEN, pbft.Why.EQUIVOCATION, pbft.Why.STRANGER}
)


class Due(enum.Enum):
    """The purpose of a timer."""

    VIEW_CHANGE = "view change"
    BATCH = "batch"
    RETRANSMIT = "retransmit"


class PbftEngine(Engine):
    """A PBFT replica at work.

    Args:
        core: its core.
        timing: the cluster's; the election timeout is the first view-change timeout.
    """

    state: pbft.Node

    def __init__(self, core: PbftCore, timing: Timing) -> None:
        super().__init__(core)
        self._timeout_s = timing.election_ms / 1000
        self._waiting: dict[str, tuple[int, list[asyncio.Future[Any]]]] = {}
        self._is_batching = False

    # --- clients and operators

    def wanted(self, request: Mapping[str, Any]) -> Any:
        """Return the signed request of a client; None if there is none.

        Raises:
            BadFrame: it is no request of PBFT.
        """
        if "request" not in request:
            return None
        found = CODEC.value(request["request"])
        if not isinstance(found, pbft.Request):
            raise BadFrame(f"a {type(found).__name__} is no request")
        return found

    def said(self, what: Any, answer: Any) -> dict[str, Any]:
        """Return the signed reply as JSON."""
        del what
        return {"reply": CODEC.plain(answer)}

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

    # --- what comes in

    def begin(self) -> None:
        """Retransmit at once, and give the primary its time if something waits."""
        self.host.set_timer(Due.RETRANSMIT, 0)
        self.host.counts.applied = self.state.durable.executed
        if pbft.is_waiting(self.state):
            self.host.set_timer(Due.VIEW_CHANGE, self.state.multiplier * self._timeout_s)

    def before_input(self) -> None:
        """Nothing comes before an input: no clock of the core ticks."""

    def heard(self, message: Any) -> None:
        """Note nothing: the core has all."""

    def fire(self, due: Due) -> None:
        """Leave the view, propose a batch, or retransmit."""
        match due:
            case Due.VIEW_CHANGE:
                self.host.give(pbft.Timeout())
            case Due.RETRANSMIT:
                self.host.set_timer(Due.RETRANSMIT, _RETRANSMIT * self._timeout_s)
                self.host.give(pbft.Retransmit())
            case Due.BATCH:
                self._is_batching = False
                if batch := _unproposed(self.state)[: self.state.config.batch_max]:
                    self.host.give(pbft.Propose(batch))

    def ask(self, what: Any, future: asyncio.Future[Any]) -> None:
        """Take a client's request; a later one of the same client takes the place of an earlier one."""
        self.host.counts.proposals_submitted += 1
        timestamp, futures = self._waiting.get(what.client, (0, []))
        if timestamp == what.timestamp:
            futures.append(future)
        else:
            for each in futures:
                fail(each, "a later request of this client came", may_happen=True)
            self._waiting[what.client] = (what.timestamp, [future])
        for effect in self.host.give(pbft.Receive(what)):
            if isinstance(effect, pbft.Refused) and effect.why is not pbft.Why.REPEATED:
                fail(future, effect.reason, may_happen=effect.why not in _ACCUSING)

    def settle(self) -> None:
        """A primary makes a batch a little after something waits."""
        if not self._is_batching and _unproposed(self.state):
            self._is_batching = True
            self.host.set_timer(Due.BATCH, _BATCH_S)

    # --- what it asks for

    def stepped(self, effects: Effects) -> None:
        """Set the view-change timer, and count."""
        for effect in effects:
            match effect:
                case pbft.ResetTimer(multiplier=multiplier):
                    self.host.set_timer(Due.VIEW_CHANGE, multiplier * self._timeout_s)
                case pbft.StopTimer():
                    self.host.stop_timer(Due.VIEW_CHANGE)
                case pbft.EnteredView(primary=primary):
                    self.host.counts.leader_elections += primary == self.core.node
                case pbft.Refused(why=why):
                    self.host.counts.byzantine_failures += why in _ACCUSING

    def carry_out(self, effects: Effects) -> None:
        """Answer clients. What is executed was executed by the core, for its state is what is agreed on.

        Raises:
            NodeError: a quorum has another state than this replica.
        """
        for effect in effects:
            match effect:
                case pbft.Executed(seq=seq):
                    self.host.point.reach("before apply")
                    self.host.counts.applied = seq
                    self.host.point.reach("after apply")
                case pbft.Send(message=pbft.Reply() as reply):
                    self._answer(reply)
                case pbft.Diverged(seq=seq):
                    raise NodeError(
                        f"{self.core.node} has another state at sequence number {seq} than a quorum: its "
                        "disk or its program is faulty. Take it out of service, and add a new node"
                    )

    def _answer(self, reply: pbft.Reply) -> None:
        timestamp, futures = self._waiting.get(reply.client, (0, []))
        if timestamp != reply.timestamp:
            return
        del self._waiting[reply.client]
        self.host.counts.proposals_committed += 1
        for future in futures:
            if not future.done():
                self.host.point.reach("before answer")
                future.set_result(reply)

    def end(self, reason: Unanswered) -> None:
        """Tell all who wait that there will be no answer."""
        for _, futures in self._waiting.values():
            for future in futures:
                fail(future, str(reason), may_happen=reason.may_happen)


def _unproposed(node: pbft.Node) -> pbft.Batch:
    """Waiting requests of a primary that no proposal of its view contains, in order of arrival."""
    durable = node.durable
    if not node.waiting or durable.changing or not node.is_primary:
        return ()
    proposed = {
        request for seq, made in durable.accepted.items() if seq > durable.executed for request in made.batch
    }
    return tuple(request for request in node.waiting.values() if request not in proposed)
