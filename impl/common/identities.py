"""Names of nodes and clients. Each is unique in its cluster."""

from typing import TypeAlias

__all__ = ["ClientId", "NodeId"]

#: The name of a node: a server, a replica or a voter.
NodeId: TypeAlias = str
#: The name of a client.
ClientId: TypeAlias = str
