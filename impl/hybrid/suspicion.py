"""Observations of a replica, and their effect: the guard keeps proof, the threat machine keeps the level."""

from typing import Any

import attrs

from impl import guard, hotstuff, pbft, threat
from impl.common.encoding import digest
from impl.common.identities import NodeId
from impl.guard import Evidence
from impl.hybrid.effects import Audit, Effect, LevelChanged, Send
from impl.hybrid.messages import Equivocation, Score, Vote
from impl.hybrid.results import Result, StepResult
from impl.hybrid.signing import is_signed, signed
from impl.hybrid.state import Node
from impl.threat import Proof, ProofKind, Statement, Suspicion

__all__ = [
    "compared",
    "convicted",
    "noticed",
    "receive_equivocation",
    "receive_score",
    "reported",
    "suspected",
    "ticked",
]


def suspected(node: Node, kind: Suspicion) -> Result:
    """Report a suspicion to the threat machine."""
    return _threat_step(node, threat.Observed(kind))


def ticked(node: Node) -> Result:
    """Advance the threat machine by one tick."""
    return _threat_step(node, threat.Tick())


def receive_score(node: Node, score: Score) -> Result:
    """Handle the score that a replica states."""
    return _threat_step(node, Statement(score.source, score.number, score.score))


def noticed(node: Node, refused: pbft.Refused | hotstuff.Refused, sender: NodeId | None) -> Result:
    """Handle a rejection by the BFT protocol: proof for the guard, or a suspicion."""
    result: Result = StepResult(node)
    if isinstance(refused, pbft.Refused):
        result = _guard_step(node, guard.Observed(refused, sender or ""))
    seen = threat.observed(refused.why)
    return result.then(_threat_step, seen) if seen is not None else result


def convicted(node: Node, accused: NodeId, messages: tuple[Any, Any]) -> Result:
    """Handle two messages of one replica that contradict each other: proof for the guard."""
    return _guard_step(node, guard.Reported(Evidence(accused=accused, messages=messages), node.name))


def reported(node: Node, evidence: Evidence, sender: NodeId | None) -> Result:
    """Handle evidence of the guard."""
    return _guard_step(node, guard.Reported(evidence, sender or ""))


def compared(node: Node, vote: Vote) -> Result:
    """Compare a vote with the same replica's last one.

    Votes for different prefixes at one place prove equivocation.
    """
    before = node.heard.get(vote.source)
    node = attrs.evolve(node, heard={**node.heard, vote.source: vote})
    if before is None or _place(before) != _place(vote) or before.digest == vote.digest:
        return StepResult(node)
    return _proved(node, Equivocation(before, vote))


def receive_equivocation(node: Node, equivocation: Equivocation) -> Result:
    """Handle a proof of equivocation. Two votes that prove nothing are a suspicion."""
    one, other = equivocation.one, equivocation.other
    is_proof = (
        one.source == other.source
        and one.source in node.config.replicas
        and _place(one) == _place(other)
        and one.digest != other.digest
        and all(is_signed(vote, node.config.keys) for vote in (one, other))
    )
    return _proved(node, equivocation) if is_proof else suspected(node, Suspicion.REFUSED)


def _place(vote: Vote) -> tuple[int, int, int]:
    return vote.epoch, vote.term, vote.index


def _proved(node: Node, equivocation: Equivocation) -> Result:
    """Report a proof of equivocation, and tell all the first time."""
    accused = equivocation.one.source
    if accused in node.threat.durable.proved:
        return StepResult(node)
    told = StepResult(node, (Send(equivocation),))
    mark = digest((equivocation.one.signature, equivocation.other.signature))
    return told.then(_threat_step, Proof(ProofKind.EQUIVOCATION, accused, mark))


def _guard_step(node: Node, inp: Any) -> Result:
    keeper, effects = guard.step(node.guard, inp)
    result: Result = StepResult(attrs.evolve(node, guard=keeper))
    for effect in effects:
        match effect:
            case guard.Gossip(evidence=evidence):
                result = result.then(_convicted, evidence)
            case guard.Append(entry=entry):
                result = result.with_effects(Audit(entry))
            case _:
                pass
    return result


def _convicted(node: Node, evidence: Evidence) -> Result:
    """Tell all of new evidence of the guard, and raise the level."""
    told = StepResult(node, (Send(evidence),))
    offence = guard.offence(evidence.messages, node.config.bft.config)
    if offence is None:
        return told
    return told.then(_threat_step, threat.proof(evidence, offence))


def _threat_step(node: Node, inp: threat.Input) -> Result:
    machine, done = threat.step(node.threat, inp)
    effects: list[Effect] = []
    for effect in done:
        match effect:
            case threat.State(score=score, number=number):
                stated = Score(number=number, score=score, source=node.name)
                effects.append(Send(signed(stated, node.config.keys)))
            case threat.LevelChanged(old=old, new=new, because=because):
                effects.append(LevelChanged(old.name, new.name, because.value))
            case _:
                pass
    return StepResult(attrs.evolve(node, threat=machine), tuple(effects))
