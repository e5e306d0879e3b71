"""Inputs of a Raft server. Time is an input like any other."""

from collections.abc import Hashable
from typing import TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.raft.configuration import Configuration
from impl.raft.messages import Message

__all__ = [
    "AbortTransfer",
    "AppendEntries",
    "ChangeMembership",
    "CheckQuorum",
    "ClientRequest",
    "Compact",
    "DiskSynced",
    "Input",
    "LeaseRead",
    "ReadIndex",
    "Receive",
    "RenewLease",
    "Tick",
    "Timeout",
    "TransferLeadership",
]


@attrs.frozen
class Timeout:
    """The election timer fired: no leader was heard for an election timeout (paper, 5.2)."""


@attrs.frozen
class ClientRequest:
    """A client submits a value to be replicated (paper, 5.3).

    A `Configuration` is none, and is refused, as is what `Config.size_limits` does not let in.
    """

    value: Hashable


@attrs.frozen
class AppendEntries:
    """A send to `peer` is due: the entries that it lacks, or a heartbeat (paper, 5.3).

    A peer that lacks what was compacted is sent the snapshot (paper, section 7).
    """

    peer: NodeId


@attrs.frozen
class Compact:
    """The host wants the log shorter (paper, section 7).

    `state` is what its state machine holds now, which must be after the entry at the commit index:
    hand this in only when all `Apply` effects so far are carried out.
    """

    state: Hashable


@attrs.frozen
class ChangeMembership:
    """The operator asks for another configuration, one that may follow the one in force (thesis, 4.1)."""

    configuration: Configuration


@attrs.frozen
class CheckQuorum:
    """An election timeout of the leader's has passed: did a quorum answer meanwhile (thesis, 6.2)?"""


@attrs.frozen
class TransferLeadership:
    """The operator asks the leader to hand over to `peer`, a voter (thesis, 3.10)."""

    peer: NodeId


@attrs.frozen
class AbortTransfer:
    """The peer did not take over within an election timeout: the leader serves again (thesis, 3.10)."""


@attrs.frozen
class ReadIndex:
    """A client asks for a linearizable read; `read` names it in the answer (thesis, 6.4).

    It is answered by `ReadReady` once a quorum answered a request that is sent after this; so send
    `AppendEntries` to all soon.
    """

    read: Hashable


@attrs.frozen
class LeaseRead:
    """A client asks for a linearizable read that is answered at once, by the lease (thesis, 6.4.1)."""

    read: Hashable


@attrs.frozen
class RenewLease:
    """A new lease is due in place of the present one; send `AppendEntries` to all next."""


@attrs.frozen
class Tick:
    """This server's clock ticked: `election_ticks` and `lease_ticks` are counted in these."""


@attrs.frozen
class DiskSynced:
    """The last `Write` is on disk, up to log index `index` (thesis, 10.2.1).

    Writes and `Persist`s reach the disk in their order. A host that is asked to `Persist` forgets what
    it was still to report of earlier writes: a report of another log's entries would be false.
    """

    index: int


@attrs.frozen
class Receive:
    """A message arrived."""

    message: Message


Input: TypeAlias = (
    Timeout
    | ClientRequest
    | AppendEntries
    | Compact
    | ChangeMembership
    | CheckQuorum
    | TransferLeadership
    | AbortTransfer
    | ReadIndex
    | LeaseRead
    | RenewLease
    | Tick
    | DiskSynced
    | Receive
)
