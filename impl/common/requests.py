"""Requests of clients, batches of them, and replies; the same whichever BFT protocol orders them.

Source: Castro and Liskov, "Practical Byzantine Fault Tolerance", OSDI 1999, 4.1.
"""

from typing import TypeAlias

import attrs

from impl.common.encoding import Value
from impl.common.identities import ClientId, NodeId

__all__ = ["Batch", "Reply", "Request"]


@attrs.frozen(kw_only=True)
class Request:
    """A client asks for an operation.

    Attributes:
        timestamp: at least 1, and greater in each further request of the client: an operation is
            executed once.
    """

    client: ClientId
    timestamp: int
    operation: Value
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class Reply:
    """A replica's result for a client's request; the client believes f + 1 equal ones."""

    view: int
    client: ClientId
    timestamp: int
    result: Value
    source: NodeId
    signature: bytes = b""


#: What is proposed at once: requests, in the order of their execution.
Batch: TypeAlias = tuple[Request, ...]
