"""The rules on which safety rests, named as in specs/vote/Vote.tla."""

from collections.abc import Collection
from typing import Protocol

from impl.vote.ballot import Ballot
from impl.vote.statements import Certificate, Choice, Retry, Statement, Vote, content

__all__ = [
    "askers_needed",
    "contradict",
    "heard_enough",
    "is_tellable",
    "latest",
    "may_choose",
    "may_confirm",
    "may_enter",
    "may_vote",
    "quorum_size",
]


class _Held(Protocol):
    """The part that the rules need of a voter's durable state."""

    @property
    def round(self) -> int: ...
    @property
    def waiting(self) -> bool: ...
    @property
    def bound(self) -> Choice | None: ...
    @property
    def vote(self) -> Vote | None: ...
    @property
    def lock(self) -> Certificate | None: ...


def quorum_size(ballot: Ballot) -> int:
    """The number of votes that make a certificate, and of confirmations that make a verdict."""
    return ballot.quorum


def askers_needed(ballot: Ballot) -> int:
    """The number of voters that must ask for a round before it is opened."""
    return ballot.quorum


def heard_enough(ballot: Ballot, voters: int) -> bool:
    """Return whether a counter has heard enough voters to judge: the other f may stay silent."""
    return voters >= ballot.n - ballot.f


def may_vote(held: _Held) -> bool:
    """A voter signs one vote in a round, and none in a round that it has given up."""
    return not held.waiting and held.vote is None


def may_choose(held: _Held, choice: Choice) -> bool:
    """The choice that it votes for: as it likes, unless the opening of its round binds it."""
    return held.bound is None or held.bound == choice


def may_confirm(held: _Held, certificate: Certificate) -> bool:
    """A voter confirms one certificate of its present round, and none of a round that it has given up."""
    confirmed = held.lock is not None and held.lock.round >= held.round
    return not held.waiting and certificate.round == held.round and not confirmed


def may_enter(held: _Held, number: int) -> bool:
    """Return whether it enters this round: the one that it asks for, or a later one; and none twice."""
    return number > held.round or (number == held.round and held.waiting)


def is_tellable(retry: Retry) -> bool:
    """Return whether its lock is of an earlier round than it asks for."""
    return retry.lock is None or retry.lock.round < retry.round


def latest(retries: Collection[Retry]) -> Certificate | None:
    """The latest lock that they tell of; None if they tell of none. Two of one round are for one choice."""
    return max((retry.lock for retry in retries if retry.lock), key=lambda lock: lock.round, default=None)


def contradict(first: Statement, second: Statement) -> bool:
    """Return whether two statements conflict: of one kind and one round, and different.

    A correct voter signs at most one of them.
    """
    same_place = type(first) is type(second) and first.round == second.round
    return same_place and first.source == second.source and content(first) != content(second)
