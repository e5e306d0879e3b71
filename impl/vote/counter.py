"""One step of a counter. Pure and total: what makes no sense is `Refused`, and nothing is raised.

A counter may crash and begin anew: its messages prove themselves, so it has nothing that it must not forget.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs

from impl.common.encoding import kind_of
from impl.common.identities import NodeId
from impl.common.results import Refused, StepResult
from impl.vote import rules
from impl.vote.ballot import Ballot
from impl.vote.effects import Convicted, CounterEffect, Decided, NoConsensus, Send
from impl.vote.inputs import CounterInput, Receive, Repeat
from impl.vote.statements import (
    APPROVE,
    REJECT,
    Certificate,
    Confirm,
    Equivocation,
    Opening,
    Retry,
    Statement,
    Verdict,
    Vote,
)
from impl.vote.validation import rejection_reason

__all__ = ["Counter", "first_start", "step"]


@attrs.frozen(kw_only=True)
class Counter:
    """One counter.

    It is bounded: for each voter it keeps the statement of each kind of its latest round, or the proof
    against it.

    Attributes:
        ballot: what it counts.
        votes: by voter.
        confirms: by voter.
        retries: by voter.
        convicted: the proof against who contradicted itself; nothing else is kept of such a voter.
        certificate: the latest that it made.
        opening: the latest that it made.
        reported: the latest round in which it found no consensus; 0 for none.
        verdict: what the ballot has come to, once it has.
    """

    ballot: Ballot
    votes: Mapping[NodeId, Vote] = attrs.field(factory=dict)
    confirms: Mapping[NodeId, Confirm] = attrs.field(factory=dict)
    retries: Mapping[NodeId, Retry] = attrs.field(factory=dict)
    convicted: Mapping[NodeId, Equivocation] = attrs.field(factory=dict)
    certificate: Certificate | None = None
    opening: Opening | None = None
    reported: int = 0
    verdict: Verdict | None = None


_Result: TypeAlias = StepResult[Counter, CounterEffect]


def first_start(ballot: Ballot) -> Counter:
    """A counter that has heard nothing. The ballot needs public keys only."""
    return Counter(ballot=ballot)


def step(counter: Counter, inp: CounterInput) -> tuple[Counter, tuple[CounterEffect, ...]]:
    """One step of a counter.

    Args:
        counter: before the step.
        inp: what it is told; any object at all.

    Returns:
        The counter after the step, and what the host must do, in order.
    """
    kind = type(inp)
    if kind is Repeat:
        made = (counter.verdict, counter.opening, counter.certificate)
        return counter, tuple(Send(each) for each in made if each is not None)
    if kind is not Receive or not isinstance(inp, Receive):
        return _refused(counter, inp, f"a {kind_of(inp)} is no input of a counter")
    message: Any = getattr(inp, "message", None)
    if said := rejection_reason(message, counter.ballot):
        return _refused(counter, inp, said)
    match message:
        case Verdict():
            return _decided(counter, message)
        case Equivocation():
            return _convicted(counter, inp, message)
        case Vote():
            return _heard(counter, inp, message, "votes")
        case Confirm():
            return _heard(counter, inp, message, "confirms")
        case Retry():
            return _heard(counter, inp, message, "retries")
        case _:
            return _refused(counter, inp, f"a {kind_of(message)} is for voters")


def _heard(counter: Counter, inp: Receive, said: Statement, kind: str) -> _Result:
    """Store a voter's statement in place of one of an earlier round; it may complete a quorum."""
    if said.source in counter.convicted:
        return _refused(counter, inp, f"{said.source!r} has contradicted itself, and is counted no longer")
    held: Mapping[NodeId, Statement] = getattr(counter, kind)
    before = held.get(said.source)
    if before is not None:
        if rules.contradict(before, said):
            return _convicted(counter, inp, Equivocation(before, said))
        if said.round <= before.round:
            return _refused(counter, inp, f"{said.source!r} has said so, or something later")
    changes: dict[str, Any] = {kind: {**held, said.source: said}}
    counter = attrs.evolve(counter, **changes)
    if isinstance(said, Vote):
        return _counted(counter, said)
    if isinstance(said, Confirm):
        return _confirmed(counter, said)
    return _asked(counter, said)


def _counted(counter: Counter, vote: Vote) -> _Result:
    """Make a certificate of a quorum of votes, or report that n - f voters gave none."""
    ballot, number = counter.ballot, vote.round
    of_round = [each for each in counter.votes.values() if each.round == number]
    alike = tuple(each for each in of_round if each.choice == vote.choice)
    is_new = counter.certificate is None or counter.certificate.round < number
    if is_new and len(alike) >= rules.quorum_size(ballot):
        certificate = Certificate(alike)
        return StepResult(attrs.evolve(counter, certificate=certificate), (Send(certificate),))
    is_open = counter.verdict is None and is_new and number > counter.reported
    if not is_open or not rules.heard_enough(ballot, len(of_round)):
        return StepResult(counter)
    approve, reject = (
        tuple(sorted(each.source for each in of_round if each.choice == choice))
        for choice in (APPROVE, REJECT)
    )
    missing = tuple(name for name in ballot.voters if name not in {*approve, *reject})
    report = NoConsensus(round=number, approve=approve, reject=reject, missing=missing)
    return StepResult(attrs.evolve(counter, reported=number), (report,))


def _confirmed(counter: Counter, confirm: Confirm) -> _Result:
    """Make a verdict of a quorum of confirmations."""
    alike = tuple(
        each
        for each in counter.confirms.values()
        if (each.round, each.choice) == (confirm.round, confirm.choice)
    )
    if len(alike) < rules.quorum_size(counter.ballot):
        return StepResult(counter)
    return _decided(counter, Verdict(alike))


def _decided(counter: Counter, verdict: Verdict) -> _Result:
    """Decide once; another verdict for the same choice is nothing new (`Decide`)."""
    if counter.verdict is not None:
        return StepResult(counter)
    return StepResult(attrs.evolve(counter, verdict=verdict), (Decided(verdict), Send(verdict)))


def _asked(counter: Counter, retry: Retry) -> _Result:
    """Make an opening once enough voters ask for this round."""
    alike = tuple(each for each in counter.retries.values() if each.round == retry.round)
    is_new = counter.opening is None or counter.opening.round < retry.round
    if not is_new or len(alike) < rules.askers_needed(counter.ballot):
        return StepResult(counter)
    opening = Opening(alike)
    return StepResult(attrs.evolve(counter, opening=opening), (Send(opening),))


def _convicted(counter: Counter, inp: Receive, proof: Equivocation) -> _Result:
    """Convict a voter that contradicted itself, and drop its other statements (`Convict`)."""
    name = proof.source
    if name in counter.convicted:
        return _refused(counter, inp, f"there is a proof against {name!r}")
    counter = attrs.evolve(
        counter,
        votes={source: each for source, each in counter.votes.items() if source != name},
        confirms={source: each for source, each in counter.confirms.items() if source != name},
        retries={source: each for source, each in counter.retries.items() if source != name},
        convicted={**counter.convicted, name: proof},
    )
    return StepResult(counter, (Convicted(proof), Send(proof)))


def _refused(counter: Counter, inp: object, reason: str) -> _Result:
    return StepResult(counter, (Refused(inp, reason),))
