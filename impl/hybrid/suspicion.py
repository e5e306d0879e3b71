"""Things that a replica notices, and what it makes of them: the guard keeps proof, the threat machine keeps the level."""

from typing import Any

import attrs

from impl import guard, pbft, threat
from impl.common.encoding import digest
from impl.common.identities import NodeId
from impl.guard import Evidence
from impl.hybrid.effects import Audit, Effect, LevelChanged, Send
from impl.hybrid.messages import Ack, Exposure, Score
from impl.hybrid.outcome import Outcome
from impl.hybrid.signing import is_signed, signed
from impl.hybrid.state import Node
from impl.threat import Proof, ProofKind, Statement, Suspicion

__all__ = ["compared", "exposed", "noticed", "receive_score", "reported", "suspected", "ticked"]


def suspected(node: Node, kind: Suspicion) -> Outcome:
    """Something is not as it should be."""
    return _threat_step(node, threat.Observed(kind))


def ticked(node: Node) -> Outcome:
    """Time goes by."""
    return _threat_step(node, threat.Tick())


def receive_score(node: Node, score: Score) -> Outcome:
    """A replica states its score."""
    return _threat_step(node, Statement(score.source, score.number, score.score))


def noticed(node: Node, refused: pbft.Refused, sender: NodeId | None) -> Outcome:
    """PBFT refused a message: proof for the guard, or a suspicion."""
    outcome = _guard_step(node, guard.Observed(refused, sender or ""))
    seen = threat.observed(refused.why)
    return outcome.then(_threat_step, seen) if seen is not None else outcome


def reported(node: Node, evidence: Evidence, sender: NodeId | None) -> Outcome:
    """Somebody sends a proof of the guard."""
    return _guard_step(node, guard.Reported(evidence, sender or ""))


def compared(node: Node, ack: Ack) -> Outcome:
    """An ack beside the last one of the same replica: two for different chains at one place are proof against it."""
    before = node.heard.get(ack.source)
    node = attrs.evolve(node, heard={**node.heard, ack.source: ack})
    if before is None or _place(before) != _place(ack) or before.digest == ack.digest:
        return Outcome(node)
    return _proved(node, Exposure(before, ack))


def exposed(node: Node, exposure: Exposure) -> Outcome:
    """Somebody shows two acks of one replica. If they prove nothing, nothing happens."""
    one, other = exposure.one, exposure.other
    is_proof = (
        one.source == other.source
        and one.source in node.config.replicas
        and _place(one) == _place(other)
        and one.digest != other.digest
        and all(is_signed(ack, node.config.keys) for ack in (one, other))
    )
    return _proved(node, exposure) if is_proof else suspected(node, Suspicion.REFUSED)


def _place(ack: Ack) -> tuple[int, int, int]:
    return ack.epoch, ack.term, ack.index


def _proved(node: Node, exposure: Exposure) -> Outcome:
    """There is proof of equivocation: tell all, the first time."""
    accused = exposure.one.source
    if accused in node.threat.durable.proved:
        return Outcome(node)
    told = Outcome(node, (Send(exposure),))
    mark = digest((exposure.one.signature, exposure.other.signature))
    return told.then(_threat_step, Proof(ProofKind.EQUIVOCATION, accused, mark))


def _guard_step(node: Node, inp: Any) -> Outcome:
    keeper, effects = guard.step(node.guard, inp)
    outcome = Outcome(attrs.evolve(node, guard=keeper))
    for effect in effects:
        match effect:
            case guard.Gossip(evidence=evidence):
                outcome = outcome.then(_convicted, evidence)
            case guard.Append(entry=entry):
                outcome = outcome.saying(Audit(entry))
            case _:
                pass
    return outcome


def _convicted(node: Node, evidence: Evidence) -> Outcome:
    """The guard has proof: tell all, and raise the level."""
    told = Outcome(node, (Send(evidence),))
    offence = guard.offence(evidence.messages, node.config.pbft)
    if offence is None:
        return told
    return told.then(_threat_step, threat.proof(evidence, offence))


def _threat_step(node: Node, inp: threat.Input) -> Outcome:
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
    return Outcome(attrs.evolve(node, threat=machine), tuple(effects))
