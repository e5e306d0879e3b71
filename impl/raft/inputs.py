"""What can happen to a Raft server. Time is an input like any other."""

from collections.abc import Hashable
from typing import TypeAlias

import attrs

from impl.raft.messages import Message
from impl.raft.state import NodeId

__all__ = ["AppendEntries", "ClientRequest", "Input", "Receive", "Timeout"]


@attrs.frozen
class Timeout:
    """The election timer fired: no leader was heard for an election timeout (paper, 5.2)."""


@attrs.frozen
class AppendEntries:
    """It is time to send `peer` what it lacks, or a heartbeat (paper, 5.3)."""

    peer: NodeId


@attrs.frozen
class ClientRequest:
    """A client submits a value to be replicated (paper, 5.3)."""

    value: Hashable


@attrs.frozen
class Receive:
    """A message arrived."""

    message: Message


Input: TypeAlias = Timeout | AppendEntries | ClientRequest | Receive
