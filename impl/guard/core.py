"""One step of a guard. Pure and total: what makes no sense is `Refused`, and nothing is raised."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

import attrs

from impl import hotstuff
from impl.common.encoding import digest, kind_of, rejection_of
from impl.common.identities import NodeId
from impl.common.results import Refused, StepResult
from impl.guard import evidence as proof
from impl.guard.effects import Alarm, Append, Effect, Gossip, Quarantined, Released
from impl.guard.evidence import Evidence
from impl.guard.inputs import Input, Late, Observed, Progressed, Release, Reported
from impl.guard.reputation import FALSE_REPORT, SCORE_MAX, WEIGHTS, lateness, lowered, raised
from impl.guard.state import Guard
from impl.guard.trail import DETAIL_MAX, BrokenTrail, Entry, Event, verify_chain
from impl.pbft import Config, Receive, Why
from impl.pbft import Refused as ReplicaRefused

__all__ = ["first_start", "recover", "step"]

#: Refusals that may hold a proof.
_TELLING: Final = frozenset({Why.EQUIVOCATION, Why.UNPROVEN, Why.STRANGER})
_NUMBER_END: Final = 1 << 62

_Result: TypeAlias = StepResult[Guard, Effect]


def first_start(config: Config | hotstuff.Config) -> Guard:
    """A guard without evidence or suspicions, with an empty trail."""
    return Guard(config, dict.fromkeys(config.replicas, SCORE_MAX))


def recover(config: Config | hotstuff.Config, trail: Sequence[Entry], kept: Iterable[Evidence]) -> Guard:
    """The guard as it comes back from a crash.

    Args:
        config: of its replica.
        trail: all entries that were written.
        kept: the evidence that was kept; what proves nothing, or was forgiven, is left out.

    Returns:
        The guard, with the scores of the trail.

    Raises:
        BrokenTrail: if the trail is not whole.
    """
    if found := verify_chain(trail, node=config.node):
        raise BrokenTrail(f"entry {found.place + 1} of the audit trail of {config.node!r}: {found.what}")
    guard = first_start(config)
    scores = {each.subject: each.score for each in trail if each.subject in config.replicas}
    forgiven = frozenset(each.evidence for each in trail if each.event == Event.RELEASED.value)
    by_digest = {digest(each): each for each in kept if not proof.verify(each, config)}
    proofs: dict[NodeId, Evidence] = {}
    for entry in trail:
        if entry.event == Event.PROVED.value and entry.evidence in by_digest.keys() - forgiven:
            proofs.setdefault(entry.subject, by_digest[entry.evidence])
    return attrs.evolve(
        guard,
        scores={**guard.scores, **scores},
        proofs=tuple(proofs.values()),
        forgiven=forgiven,
        length=len(trail),
        head=digest(trail[-1]) if trail else guard.head,
    )


def step(guard: Guard, inp: Input) -> tuple[Guard, tuple[Effect, ...]]:
    """One step of a guard.

    Args:
        guard: before the step.
        inp: what it is told; any object at all.

    Returns:
        The guard after the step, and what the host must do, in order.
    """
    kind: type[Any] = type(inp)
    if type(kind) is not type or kind not in _HANDLERS:
        return _refused(guard, inp, f"a {kind_of(inp)} is no input")
    return _HANDLERS[kind](guard, inp)


def _observed(guard: Guard, inp: Observed) -> _Result:
    """Take what its replica refused as proof against its signer, or else as a suspicion of its sender."""
    refused, sender = _field(inp, "refused"), _field(inp, "sender")
    why = _field(refused, "why") if type(refused) is ReplicaRefused else None
    if type(why) is not Why:
        return _refused(guard, inp, "nothing was refused")
    received = _field(refused, "input")
    message = _field(received, "message") if type(received) is Receive else None
    if found := _proof_of(guard.config, why, message, _field(refused, "conflicting")):
        return _convicted(guard, found)
    weight = WEIGHTS.get(why, 0)
    return _suspected(guard, inp, sender, weight, why.value) if weight else StepResult(guard)


def _proof_of(config: Config | hotstuff.Config, why: Why, message: Any, conflicting: Any) -> Evidence | None:
    """The proof in a refused message, by itself or together with what was said before."""
    if why not in _TELLING:
        return None
    if conflicting is not None:
        return proof.evidence_of(config, message, conflicting)
    return proof.evidence_of(config, message)


def _reported(guard: Guard, inp: Reported) -> _Result:
    """Judge evidence by what it proves, whoever brings it.

    If it proves nothing, it counts against its sender.
    """
    found, reporter = _field(inp, "evidence"), _field(inp, "reporter")
    if flaw := proof.verify(found, guard.config):
        return _suspected(guard, inp, reporter, FALSE_REPORT, f"it reports what proves nothing: {flaw}")
    return _convicted(guard, proof.ordered(found))


def _convicted(guard: Guard, found: Evidence) -> _Result:
    """Quarantine a replica on proof and tell all, unless that would exceed f."""
    accused, mark = found.accused, digest(found)
    if accused in guard.proved or mark in guard.forgiven:
        return StepResult(guard)
    offence = proof.offence(found.messages, guard.config)
    before = guard
    guard = attrs.evolve(guard, proofs=(*guard.proofs, found), scores={**guard.scores, accused: 0})
    guard, effects = _noted(guard, Event.PROVED, accused, offence.value if offence else "", mark)
    settled = _settled(before, StepResult(guard, (Gossip(found), *effects)))
    if len(settled.state.proofs) <= guard.config.f:
        return settled
    said = f"{len(guard.proofs)} are proved faulty, and f is {guard.config.f}"
    guard, alarm = _noted(settled.state, Event.ALARM, accused, said, mark)
    return StepResult(guard, (*settled.effects, *alarm, Alarm(guard.proved)))


def _settled(before: Guard, result: _Result) -> _Result:
    """The replicas that are quarantined now and were not before."""
    guard, effects = result
    for name in guard.quarantined:
        if name not in before.quarantined:
            mark = digest(guard.proofs[guard.proved.index(name)])
            guard, more = _noted(guard, Event.QUARANTINED, name, "there is proof against it", mark)
            effects = (*effects, *more, Quarantined(name))
    return StepResult(guard, effects)


def _released(guard: Guard, inp: Release) -> _Result:
    """Release a replica for an operator; a proved replica beyond the first f takes its place."""
    name, reason = _field(inp, "replica"), _field(inp, "reason")
    if type(reason) is not str or not reason or rejection_of(reason):
        return _refused(guard, inp, "say why it is released: the audit trail keeps it")
    if type(name) is not str or name not in guard.proved:
        return _refused(guard, inp, "there is no proof against such a replica, so it is not quarantined")
    before, old = guard, guard.proofs[guard.proved.index(name)]
    guard = attrs.evolve(
        guard,
        proofs=tuple(each for each in guard.proofs if each is not old),
        forgiven=guard.forgiven | {digest(old)},
    )
    guard, effects = _noted(guard, Event.RELEASED, name, reason, digest(old))
    return _settled(before, StepResult(guard, (*effects, Released(name))))


def _progressed(guard: Guard, inp: Progressed) -> _Result:
    """Raise the scores of the replicas that helped, by one point for a batch."""
    seq, helped = _field(inp, "seq"), _field(inp, "participants")
    if type(seq) is not int or not guard.credited < seq < _NUMBER_END:
        return _refused(guard, inp, f"batches are credited once, in order, beyond {guard.credited}")
    if not any(type(helped) is kind for kind in (tuple, list, set, frozenset)):
        return _refused(guard, inp, "participants are a collection of names")
    names = {each for each in helped if type(each) is str} - set(guard.proved)
    scores = {name: raised(score) if name in names else score for name, score in guard.scores.items()}
    return StepResult(attrs.evolve(guard, scores=scores, credited=seq))


def _late(guard: Guard, inp: Late) -> _Result:
    """Lower the score of a replica that is late; perhaps the network delays it."""
    by_ms = _field(inp, "by_ms")
    if type(by_ms) is not int or by_ms < 1:
        return _refused(guard, inp, "lateness is a number of milliseconds, at least 1")
    shown = min(by_ms, _NUMBER_END)
    return _suspected(guard, inp, _field(inp, "replica"), lateness(shown), f"it is {shown} ms late")


def _suspected(guard: Guard, inp: Input, name: object, weight: int, reason: str) -> _Result:
    """Lower a score.

    A score at its minimum stays there and nothing is written, so a flood cannot fill the disk.
    """
    if type(name) is not str or name not in guard.scores:
        return _refused(guard, inp, "it is not known whom to suspect")
    score = lowered(guard.scores[name], weight)
    if score == guard.scores[name]:
        return StepResult(guard)
    guard = attrs.evolve(guard, scores={**guard.scores, name: score})
    return _noted(guard, Event.SUSPECTED, name, reason)


def _noted(guard: Guard, event: Event, subject: NodeId, detail: str, mark: str = "") -> _Result:
    """Append an entry to the audit trail."""
    entry = Entry(
        number=guard.length + 1,
        previous=guard.head,
        event=event.value,
        subject=subject,
        detail=detail[:DETAIL_MAX],
        evidence=mark,
        score=guard.scores[subject],
    )
    return StepResult(attrs.evolve(guard, length=entry.number, head=digest(entry)), (Append(entry),))


def _refused(guard: Guard, inp: object, reason: str) -> _Result:
    return StepResult(guard, (Refused(inp, reason),))


def _field(record: object, name: str) -> Any:
    """A field of a record whose type was checked; None if the field is missing."""
    return getattr(record, name, None)


_HANDLERS: Final[dict[type[Any], Callable[[Guard, Any], _Result]]] = {
    Observed: _observed,
    Reported: _reported,
    Progressed: _progressed,
    Late: _late,
    Release: _released,
}
