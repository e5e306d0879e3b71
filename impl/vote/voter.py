"""One step of a voter. Pure and total: what makes no sense is `Refused`, and nothing is raised."""

from typing import Any, TypeAlias

import attrs

from impl.common.encoding import kind_of
from impl.common.identities import NodeId
from impl.common.results import Refused, StepResult
from impl.vote import rules
from impl.vote.ballot import Ballot, InvalidBallot
from impl.vote.durable import Durable
from impl.vote.effects import Entered, Persist, Send, VoterEffect
from impl.vote.inputs import Cast, GiveUp, Receive, Repeat, VoterInput
from impl.vote.statements import CHOICES, Certificate, Confirm, Opening, Retry, Vote, signed
from impl.vote.validation import rejection_reason

__all__ = ["Voter", "first_start", "recover", "step"]


@attrs.frozen
class Voter:
    """One voter; all of its state is durable but its identity.

    Attributes:
        name: who it is.
        ballot: with its secret key.
        durable: what survives a crash.
    """

    name: NodeId
    ballot: Ballot
    durable: Durable = attrs.field(factory=Durable)


_Result: TypeAlias = StepResult[Voter, VoterEffect]


def first_start(name: NodeId, ballot: Ballot) -> Voter:
    """A voter that has signed nothing, in the first round.

    Raises:
        InvalidBallot: it is none of the voters.
    """
    return recover(name, ballot, Durable())


def recover(name: NodeId, ballot: Ballot, durable: Durable) -> Voter:
    """The voter as it comes back from a crash, with what it wrote last.

    Raises:
        InvalidBallot: as `first_start`.
    """
    if name not in ballot.voters:
        raise InvalidBallot(f"{name!r} is none of the voters {ballot.voters}: name it among them")
    return Voter(name, ballot, durable)


def step(voter: Voter, inp: VoterInput) -> tuple[Voter, tuple[VoterEffect, ...]]:
    """One step of a voter.

    Args:
        voter: before the step.
        inp: what it is told; any object at all.

    Returns:
        The voter after the step, and what the host must do, in order.
    """
    kind = type(inp)
    if kind is Cast and isinstance(inp, Cast):
        return _cast(voter, inp)
    if kind is GiveUp:
        return _give_up(voter)
    if kind is Repeat:
        held = voter.durable
        said = (held.vote, held.confirm, held.retry)
        return voter, tuple(Send(each) for each in said if each is not None)
    if kind is Receive and isinstance(inp, Receive):
        return _received(voter, inp)
    return _refused(voter, inp, f"a {kind_of(inp)} is no input of a voter")


def _cast(voter: Voter, inp: Cast) -> _Result:
    """Vote, once in a round (`Vote`)."""
    held = voter.durable
    choice: Any = getattr(inp, "choice", None)
    if type(choice) is not str or choice not in CHOICES:
        return _refused(voter, inp, f"the choice is between {' and '.join(CHOICES)}")
    if not rules.may_vote(held):
        why = "asks for it" if held.waiting else "has voted in it"
        return _refused(voter, inp, f"{voter.name!r} is at round {held.round}, and {why}")
    if not rules.may_choose(held, choice):
        return _refused(voter, inp, f"the opening of round {held.round} binds it to {held.bound}")
    vote = Vote(ballot=voter.ballot.name, round=held.round, choice=choice, source=voter.name)
    vote = signed(vote, voter.ballot.keys)
    return _kept(voter, attrs.evolve(held, vote=vote), Send(vote))


def _give_up(voter: Voter) -> _Result:
    """Ask for the next round, and state the lock (`GiveUp`)."""
    held = voter.durable
    retry = Retry(ballot=voter.ballot.name, round=held.round + 1, lock=held.lock, source=voter.name)
    retry = signed(retry, voter.ballot.keys)
    later = attrs.evolve(held, round=retry.round, bound=None, vote=None, retry=retry)
    return _kept(voter, later, Send(retry))


def _received(voter: Voter, inp: Receive) -> _Result:
    message: Any = getattr(inp, "message", None)
    if said := rejection_reason(message, voter.ballot):
        return _refused(voter, inp, said)
    if isinstance(message, Certificate):
        return _confirm(voter, inp, message)
    if isinstance(message, Opening):
        return _enter(voter, inp, message)
    return _refused(voter, inp, f"a {kind_of(message)} is for counters")


def _confirm(voter: Voter, inp: Receive, certificate: Certificate) -> _Result:
    """Lock a certificate of the present round, and confirm it (`Confirm`)."""
    held = voter.durable
    if not rules.may_confirm(held, certificate):
        return _refused(voter, inp, f"it is of round {certificate.round}, of no use at round {held.round}")
    confirm = Confirm(
        ballot=voter.ballot.name, round=certificate.round, choice=certificate.choice, source=voter.name
    )
    confirm = signed(confirm, voter.ballot.keys)
    return _kept(voter, attrs.evolve(held, lock=certificate, confirm=confirm), Send(confirm))


def _enter(voter: Voter, inp: Receive, opening: Opening) -> _Result:
    """Enter a round that a quorum asks for, bound by the latest lock in its opening (`Enter`)."""
    held = voter.durable
    if not rules.may_enter(held, opening.round):
        return _refused(voter, inp, f"it opens round {opening.round}, of no use at round {held.round}")
    lock = rules.latest(opening.retries)
    bound = lock.choice if lock is not None else None
    later = attrs.evolve(held, round=opening.round, bound=bound, vote=None, retry=None)
    return _kept(voter, later, Entered(opening.round, bound))


def _kept(voter: Voter, durable: Durable, effect: VoterEffect) -> _Result:
    return StepResult(attrs.evolve(voter, durable=durable), (Persist(durable), effect))


def _refused(voter: Voter, inp: object, reason: str) -> _Result:
    return StepResult(voter, (Refused(inp, reason),))
