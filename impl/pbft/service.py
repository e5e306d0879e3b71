"""The service that is replicated: any deterministic state machine (paper, section 2)."""

from typing import Final, Protocol

import attrs

from impl.common.encoding import Value
from impl.pbft.messages import Request

__all__ = ["LEDGER", "Ledger", "Service"]


class Service(Protocol):
    """A state machine whose states and results are canonical values."""

    @property
    def initial(self) -> Value:
        """The state before the first request."""
        ...

    def apply(self, value: Value, request: Request) -> tuple[Value, Value]:
        """The state after a request, and the result for its client.

        A function of its arguments alone, for every state and every operation: a client may ask for
        anything. It does not raise; what it cannot do it says in the result.
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
        """The request is behind all others."""
        executed = value if isinstance(value, tuple) else ()
        return (*executed, (request.client, request.timestamp, request.operation)), len(executed) + 1


#: The one ledger.
LEDGER: Final = Ledger()
