"""The service that is replicated, any deterministic state machine, and the state that replicas keep of it.

Sources: Castro and Liskov, "Practical Byzantine Fault Tolerance", OSDI 1999, section 2 ("paper"); the same
authors' "Practical Byzantine Fault Tolerance and Proactive Recovery", TOCS 2002 ("TOCS").
"""

import bisect
from typing import Final, Protocol

import attrs

from impl.common.encoding import Value
from impl.common.identities import ClientId
from impl.common.requests import Request

__all__ = ["LEDGER", "Answered", "Ledger", "Service", "State", "applied"]


class Service(Protocol):
    """A state machine whose states and results are canonical values."""

    @property
    def initial(self) -> Value:
        """The state before the first request."""
        ...

    def apply(self, value: Value, request: Request) -> tuple[Value, Value]:
        """The state after a request, and the result for its client.

        A function of its arguments alone, defined for every state and operation: a client may ask for
        anything. It does not raise; the result reports what it cannot do.
        """
        ...


@attrs.frozen
class Ledger:
    """The service of the spec: its state is the requests that were executed, in order.

    Each is `(client, timestamp, operation)`, and the result its position, from 1.
    """

    @property
    def initial(self) -> Value:
        """No request."""
        return ()

    def apply(self, value: Value, request: Request) -> tuple[Value, Value]:
        """The state with the request appended."""
        executed = value if isinstance(value, tuple) else ()
        return (*executed, (request.client, request.timestamp, request.operation)), len(executed) + 1


#: The one ledger.
LEDGER: Final = Ledger()


# --- the state that checkpoints tell of and transfers carry ---------------------------------------


@attrs.frozen(kw_only=True)
class Answered:
    """A client's last request that was executed, by its timestamp, and its result."""

    client: ClientId
    timestamp: int
    result: Value


@attrs.frozen
class State:
    """The state after execution, equal on replicas that executed the same batches.

    Attributes:
        value: the state of the service.
        answered: one item for each client of whom a request was executed, sorted by client (the paper's
            last-reply cache, which is part of the state: 4.1 and TOCS, 2.4.4).
    """

    value: Value
    answered: tuple[Answered, ...] = ()

    def last_answer(self, client: ClientId) -> Answered | None:
        """The last answer to the client; None if none of its requests was executed."""
        place = bisect.bisect_left(self.answered, client, key=lambda last: last.client)
        found = self.answered[place] if place < len(self.answered) else None
        return found if found is not None and found.client == client else None

    def with_answer(self, value: Value, answer: Answered) -> "State":
        """The state with the answer to a request in place of the client's last."""
        place = bisect.bisect_left(self.answered, answer.client, key=lambda last: last.client)
        behind = place + (self.last_answer(answer.client) is not None)
        return State(value, (*self.answered[:place], answer, *self.answered[behind:]))


def applied(service: Service, state: State, request: Request) -> tuple[State, Answered]:
    """The state after a request, and the answer for its client, which the state keeps."""
    value, result = service.apply(state.value, request)
    answered = Answered(client=request.client, timestamp=request.timestamp, result=result)
    return state.with_answer(value, answered), answered
