"""The statements that voters sign, and the proofs made of them.

A signature covers the statement's type name and the ballot: no vote passes for a confirmation, nor for a vote
in another ballot.
"""

from typing import Any, Final, TypeAlias, TypeVar

import attrs

from impl.common.encoding import encode
from impl.common.identities import NodeId
from impl.common.keys import Keys

__all__ = [
    "APPROVE",
    "CHOICES",
    "REJECT",
    "Certificate",
    "Choice",
    "Confirm",
    "Equivocation",
    "Opening",
    "Retry",
    "Statement",
    "Verdict",
    "Vote",
    "content",
    "is_signed",
    "signed",
]

Choice: TypeAlias = str

APPROVE: Final = "APPROVE"
REJECT: Final = "REJECT"
CHOICES: Final = (APPROVE, REJECT)


@attrs.frozen(kw_only=True)
class Vote:
    """A voter wants this choice, in this round."""

    ballot: str
    round: int
    choice: Choice
    source: NodeId
    signature: bytes = b""


@attrs.frozen(kw_only=True)
class Confirm:
    """A voter has seen a certificate for this choice in this round, and was still in it."""

    ballot: str
    round: int
    choice: Choice
    source: NodeId
    signature: bytes = b""


@attrs.frozen
class Certificate:
    """Votes of a quorum in one round for one choice."""

    votes: tuple[Vote, ...]

    @property
    def round(self) -> int:
        """The round of the votes."""
        return self.votes[0].round

    @property
    def choice(self) -> Choice:
        """The choice that they are for."""
        return self.votes[0].choice


@attrs.frozen(kw_only=True)
class Retry:
    """A voter has given up all rounds before this one, and asks for it.

    Attributes:
        ballot: which one.
        round: the one that is asked for.
        lock: the certificate that it confirmed last; None if it confirmed none.
        source: the voter.
        signature: on all this.
    """

    ballot: str
    round: int
    lock: Certificate | None
    source: NodeId
    signature: bytes = b""


@attrs.frozen
class Opening:
    """A quorum asks for a round: it may be entered."""

    retries: tuple[Retry, ...]

    @property
    def round(self) -> int:
        """The round that they ask for."""
        return self.retries[0].round


@attrs.frozen
class Verdict:
    """Confirmations of a quorum in one round for one choice: the ballot is decided."""

    confirms: tuple[Confirm, ...]

    @property
    def round(self) -> int:
        """The round of the confirmations."""
        return self.confirms[0].round

    @property
    def choice(self) -> Choice:
        """The decision."""
        return self.confirms[0].choice


#: What a voter signs.
Statement: TypeAlias = Vote | Confirm | Retry


@attrs.frozen
class Equivocation:
    """Proof of equivocation: two different statements of one kind and one round by one voter.

    A correct voter signs at most one of them.
    """

    first: Statement
    second: Statement

    @property
    def source(self) -> NodeId:
        """The voter that signed both."""
        return self.first.source


AnyStatement = TypeVar("AnyStatement", Vote, Confirm, Retry)


def content(statement: Any) -> bytes:
    """The bytes that are signed: all but the signature. The fields must be of the right types."""
    return encode(statement, without="signature")


def signed(statement: AnyStatement, keys: Keys) -> AnyStatement:
    """The statement, signed with these keys."""
    return attrs.evolve(statement, signature=keys.sign(content(statement)))


def is_signed(statement: Statement, keys: Keys) -> bool:
    """Return whether its source signed it."""
    return keys.verify(statement.source, content(statement), statement.signature)
