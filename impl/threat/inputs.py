"""Inputs of a threat machine. Fields may hold anything at all: what makes no sense is `Refused`."""

import enum
from typing import TypeAlias

import attrs

from impl.common.identities import NodeId

__all__ = ["Input", "Observed", "Proof", "ProofKind", "Statement", "Suspicion", "Tick"]


class Suspicion(enum.Enum):
    """An observation that may be an attack but proves nothing.

    Other replicas or the network may have caused it.
    """

    SIGNATURE = "a signature does not hold"
    REFUSED = "a message is malformed, unproven or of a stranger"
    TAMPERING = "contents were altered on the way"
    TIMING = "an answer is late"


class ProofKind(enum.Enum):
    """The kind of a proof, which stands by itself."""

    TAMPERING = "it signed contents that its own evidence contradicts"
    EQUIVOCATION = "it signed two things where a correct replica signs one"


@attrs.frozen
class Observed:
    """This replica saw something suspicious."""

    kind: Suspicion


@attrs.frozen
class Statement:
    """A replica stated its score. The host has verified the signature, which is `reporter`'s.

    Attributes:
        reporter: whose score it is.
        number: of this statement, from 1; the reporter's statements have growing numbers.
        score: cut off at 0 and the greatest score.
    """

    reporter: NodeId
    number: int
    score: int


@attrs.frozen
class Proof:
    """A proof against a replica, verified by the host (`impl.guard.verify`), whoever brought it.

    Attributes:
        kind: what is proved.
        accused: against whom.
        digest: of the evidence, for operators.
    """

    kind: ProofKind
    accused: NodeId
    digest: str


@attrs.frozen
class Tick:
    """A tick of the clock: at equal intervals, and at about the same rate on all replicas."""


Input: TypeAlias = Observed | Statement | Proof | Tick
