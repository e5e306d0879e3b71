"""The messages of the hybrid beside those of PBFT, and its answers to clients. All of it is signed.

An epoch is named in each message of it, under the signature: what was said in one counts in no other.
"""

import enum
from typing import TypeAlias

import attrs

from impl import raft
from impl.common.encoding import Digest, Value
from impl.common.identities import ClientId, NodeId
from impl.pbft.messages import Request

__all__ = [
    "Ack",
    "Answer",
    "Calm",
    "Carried",
    "Exposure",
    "Link",
    "Message",
    "Reason",
    "Score",
    "Seal",
    "Stop",
    "Stopped",
]

#: What stands at one index of a chain: a client's request, or None for the no-op with which a leader opens its term.
Link: TypeAlias = Request | None


class Reason(enum.StrEnum):
    """Why a replica stops an epoch."""

    THREAT = "threat"
    STANDSTILL = "standstill"
    LONG = "long"
    JOINED = "joined"


@attrs.frozen(kw_only=True)
class Carried:
    """A message of Raft in an epoch, from its `source`, whose signature it has as `impl.hybrid.carrying` says."""

    epoch: int
    message: raft.Message
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class Ack:
    """The log of `source` holds in `term` the chain with this digest up to `index`, at least 1."""

    epoch: int
    term: int
    index: int
    digest: Digest
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class Seal:
    """A quorum of acks that say the same: nothing else is sealed in that term but prefixes of that chain, and longer ones.

    It proves itself, and so has no signature of its own.
    """

    epoch: int
    term: int
    index: int
    digest: Digest
    acks: tuple[Ack, ...]


@attrs.frozen(kw_only=True)
class Stop:
    """From here on `source` acks and holds nothing in this epoch; `held` is what it holds, None if nothing."""

    epoch: int
    reason: str
    held: Seal | None
    source: NodeId
    signature: bytes = b""


@attrs.frozen
class Stopped:
    """A stop, and the chain that its seal is for; the seal's digest proves the chain."""

    stop: Stop
    chain: tuple[Link, ...]


@attrs.frozen(kw_only=True)
class Calm:
    """`source` wants to leave this BFT epoch."""

    epoch: int
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class Score:
    """The cluster's health as `source` sees it: its score, the later the greater `number`."""

    number: int
    score: int
    source: NodeId
    signature: bytes = b""


@attrs.frozen
class Exposure:
    """Two acks of one replica for different chains at one index of one term: no correct one signs both (rule A1)."""

    one: Ack
    other: Ack


@attrs.frozen(kw_only=True)
class Answer:
    """The outcome of the operation `sequence` of a client, outside of what PBFT answers.

    Attributes:
        epoch: of the replica.
        term: of the seal that it holds, under which the operation was executed; 0 if the operation is in the book.
        sequence: which operation of the client.
        result: of the service.
    """

    epoch: int
    term: int
    client: ClientId
    sequence: int
    result: Value
    source: NodeId
    signature: bytes = b""


Message: TypeAlias = Carried | Ack | Seal | Stopped | Calm | Score | Exposure | Answer
