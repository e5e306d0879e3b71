"""Inputs of a guard. Their fields may hold anything at all: what makes no sense is `Refused`."""

from collections.abc import Iterable
from typing import TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.guard.evidence import Evidence
from impl.pbft import Refused as ReplicaRefused

__all__ = ["Input", "Late", "Observed", "Progressed", "Release", "Reported"]


@attrs.frozen
class Observed:
    """Its replica refused something.

    Attributes:
        refused: the effect.
        sender: who handed it over, as far as the link is authenticated; empty if that is not known. It need
            not be the one whom the message names.
    """

    refused: ReplicaRefused
    sender: NodeId = ""


@attrs.frozen
class Reported:
    """Somebody sends evidence: another guard's `Gossip`, or whatever a liar makes up."""

    evidence: Evidence
    reporter: NodeId = ""


@attrs.frozen
class Progressed:
    """The batch at `seq` was executed, with votes of these. Numbers grow; one that does not is ignored."""

    seq: int
    participants: Iterable[NodeId]


@attrs.frozen
class Late:
    """A replica's answer is so many milliseconds late by the host's clock."""

    replica: NodeId
    by_ms: int


@attrs.frozen
class Release:
    """An operator takes a replica out of quarantine, and says why: it was repaired, and has new keys.

    With its old keys it is quarantined again as soon as somebody shows another proof.
    """

    replica: NodeId
    reason: str


Input: TypeAlias = Observed | Reported | Progressed | Late | Release
