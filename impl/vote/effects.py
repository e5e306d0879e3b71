"""Requests of voters and counters to their hosts, to be carried out in order."""

from typing import TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.common.results import Refused
from impl.vote.durable import Durable
from impl.vote.statements import Certificate, Choice, Equivocation, Opening, Statement, Verdict

__all__ = [
    "Convicted",
    "CounterEffect",
    "Decided",
    "Entered",
    "NoConsensus",
    "Persist",
    "Send",
    "VoterEffect",
]


@attrs.frozen
class Persist:
    """Write this before any later effect: a voter that forgets what it signed becomes a liar."""

    durable: Durable


@attrs.frozen
class Send:
    """Send a message: a voter's statement to all counters, a certificate or opening to all voters.

    The rest goes to everybody.
    """

    message: Statement | Certificate | Opening | Verdict | Equivocation


@attrs.frozen
class Entered:
    """A voter is in a round: let it vote, for `bound` if that is a choice, else as its reviewer likes."""

    round: int
    bound: Choice | None


@attrs.frozen(kw_only=True)
class NoConsensus:
    """No choice has a quorum among the n - f voters heard; no further vote is sure to come.

    This is not final: later votes may still make a certificate. Let the voters give up the round, at once or
    a little later.

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
    """A voter has signed two conflicting statements.

    It is no longer counted: tell an operator.
    """

    proof: Equivocation


VoterEffect: TypeAlias = Persist | Send | Entered | Refused
CounterEffect: TypeAlias = Send | NoConsensus | Decided | Convicted | Refused
