"""Requests of voters and counters to their hosts, to be carried out in order."""

from typing import TYPE_CHECKING, TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.vote.statements import Certificate, Choice, Equivocation, Opening, Statement, Verdict

if TYPE_CHECKING:
    from impl.vote.voter import Durable

__all__ = [
    "Convicted",
    "CounterEffect",
    "Decided",
    "Entered",
    "NoConsensus",
    "Persist",
    "Refused",
    "Send",
    "VoterEffect",
]


@attrs.frozen
class Persist:
    """Write this before any later effect: a voter that forgets what it signed becomes a liar."""

    durable: "Durable"


@attrs.frozen
class Send:
    """A voter's statement is for all counters; a counter's certificate or opening for all voters, the rest for everybody."""

    message: Statement | Certificate | Opening | Verdict | Equivocation


@attrs.frozen
class Entered:
    """A voter is in a round: let it vote, for `bound` if that is a choice, else as its reviewer likes."""

    round: int
    bound: Choice | None


@attrs.frozen(kw_only=True)
class NoConsensus:
    """So many are heard that no others are sure to come, and no choice has a quorum of them.

    It is final for nobody: votes that come later may still make a certificate. Let the voters give up the round, at once
    or a little later.

    Attributes:
        round: in which.
        approve: who wants to approve.
        reject: who wants to reject.
        missing: who has not been heard, or is convicted.
    """

    round: int
    approve: tuple[NodeId, ...]
    reject: tuple[NodeId, ...]
    missing: tuple[NodeId, ...]


@attrs.frozen
class Decided:
    """The ballot has come to its end, here and everywhere."""

    verdict: Verdict


@attrs.frozen
class Convicted:
    """A voter has signed two things where a correct one signs one. It is counted no longer: tell an operator."""

    proof: Equivocation


@attrs.frozen
class Refused:
    """An input was of no use, and nothing has changed.

    Attributes:
        input: what it was.
        reason: what is wrong with it, for a human.
    """

    input: object
    reason: str


VoterEffect: TypeAlias = Persist | Send | Entered | Refused
CounterEffect: TypeAlias = Send | NoConsensus | Decided | Convicted | Refused
