"""A Byzantine protocol at work: what PBFT and HotStuff have alike of timers, duties and clients.

| timer      | fires                                                                                    |
|------------|------------------------------------------------------------------------------------------|
| VIEW       | when the view has had its time, a multiple of the first timeout                          |
| BATCH      | a little after there is something to propose: all that wait then are one batch           |
| RETRANSMIT | now and then, and at once after a start: what others may have missed is said again       |

A client asks all replicas. Each answers with its own signed reply once it has executed the request, and the
client believes f + 1 equal ones (PBFT's paper, 4.1).
"""

import abc
import asyncio
import enum
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from impl.common.requests import Reply, Request
from node.bft_core import CLIENT_CODEC, BftCore
from node.engine import Effects, Engine, Timing, Unanswered, fail
from node.errors import BadFrame

__all__ = ["BftEngine", "Due"]

_BATCH_S: Final = 0.002
#: How often it retransmits, as a multiple of the first timeout of a view.
_RETRANSMIT: Final = 1.5
#: Reasons for a refusal for which somebody has broken the protocol.
_ACCUSING: Final = frozenset({"MALFORMED", "FORGED", "UNPROVEN", "EQUIVOCATION", "STRANGER"})


class Due(enum.Enum):
    """The purpose of a timer."""

    VIEW = "view"
    BATCH = "batch"
    RETRANSMIT = "retransmit"


class BftEngine(Engine):
    """A replica at work.

    Args:
        core: its core.
        timing: the cluster's; the election timeout is the first one of a view.

    Attributes:
        repeated: why a request is refused that came before.
        ended: the input when a view has had its time.
    """

    repeated: ClassVar[enum.Enum]
    ended: ClassVar[Any]

    def __init__(self, core: BftCore, timing: Timing) -> None:
        super().__init__(core)
        self.timeout_s = timing.election_ms / 1000
        self._impl = core.impl
        self._waiting: dict[str, tuple[int, list[asyncio.Future[Any]]]] = {}
        self._is_batching = False

    # --- what the protocol says

    @abc.abstractmethod
    def proposal(self) -> Any:
        """Return the input by which it proposes what is to be proposed now; None if nothing is."""

    @abc.abstractmethod
    def noted(self, effect: Any) -> None:
        """Count what only this protocol tells of."""

    @abc.abstractmethod
    def carried_out(self, effect: Any) -> None:
        """Carry out what only this protocol asks for.

        Raises:
            NodeError: the replica is out of order, and the process must end.
        """

    # --- clients

    def wanted(self, request: Mapping[str, Any]) -> Any:
        """Return the signed request of a client; None if there is none.

        Raises:
            BadFrame: it is no request.
        """
        if "request" not in request:
            return None
        found = CLIENT_CODEC.value(request["request"])
        if not isinstance(found, Request):
            raise BadFrame(f"a {type(found).__name__} is no request")
        return found

    def said(self, what: Any, answer: Any) -> dict[str, Any]:
        """Return the signed reply as JSON."""
        del what
        return {"reply": CLIENT_CODEC.plain(answer)}

    # --- what comes in

    def begin(self) -> None:
        """Retransmit at once, and give the view its time if something waits."""
        self.host.set_timer(Due.RETRANSMIT, 0)
        if self._impl.is_waiting(self.state):
            self.host.set_timer(Due.VIEW, self.state.multiplier * self.timeout_s)

    def before_input(self) -> None:
        """Nothing comes before an input: no clock of the core ticks."""

    def heard(self, message: Any) -> None:
        """Note nothing: the core has all."""

    def fire(self, due: Due) -> None:
        """Leave the view, propose, or retransmit."""
        match due:
            case Due.VIEW:
                self.host.give(self.ended)
            case Due.RETRANSMIT:
                self.host.set_timer(Due.RETRANSMIT, _RETRANSMIT * self.timeout_s)
                self.host.give(self._impl.Retransmit())
            case Due.BATCH:
                self._is_batching = False
                if (proposal := self.proposal()) is not None:
                    self.host.give(proposal)

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
        for effect in self.host.give(self._impl.Receive(what)):
            if isinstance(effect, self._impl.Refused) and effect.why is not self.repeated:
                fail(future, effect.reason, may_happen=effect.why.name not in _ACCUSING)

    def settle(self) -> None:
        """A leader proposes a little after there is something to propose."""
        if not self._is_batching and self.proposal() is not None:
            self._is_batching = True
            self.host.set_timer(Due.BATCH, _BATCH_S)

    # --- what it asks for

    def stepped(self, effects: Effects) -> None:
        """Set the timer of the view, and count."""
        for effect in effects:
            if isinstance(effect, self._impl.ResetTimer):
                self.host.set_timer(Due.VIEW, effect.multiplier * self.timeout_s)
            elif isinstance(effect, self._impl.StopTimer):
                self.host.stop_timer(Due.VIEW)
            elif isinstance(effect, self._impl.Refused):
                self.host.counts.byzantine_failures += effect.why.name in _ACCUSING
            else:
                self.noted(effect)

    def carry_out(self, effects: Effects) -> None:
        """Answer clients. What is executed was executed by the core, for its state is what is agreed on.

        Raises:
            NodeError: the replica is out of order.
        """
        for effect in effects:
            if isinstance(effect, self._impl.Send):
                if isinstance(effect.message, Reply):
                    self._answer(effect.message)
            elif self.core.executed(effect) is not None:
                self.host.point.reach("before apply")
                self.carried_out(effect)
                self.host.point.reach("after apply")
            else:
                self.carried_out(effect)

    def _answer(self, reply: Reply) -> None:
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
