"""One step of a threat machine. Pure and total: what makes no sense is `Refused`, and nothing is raised."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import attrs

from impl.common.encoding import kind_of, rejection_of
from impl.common.results import Refused, StepResult
from impl.threat import rules
from impl.threat.configuration import Config
from impl.threat.effects import Because, Effect, LevelChanged, Persist, State
from impl.threat.inputs import Input, Observed, Proof, ProofKind, Statement, Suspicion, Tick
from impl.threat.levels import Level
from impl.threat.state import Durable, Threat, cluster_score, own_score

__all__ = ["first_start", "recover", "step"]

#: Numbers of statements are below this, so that they can be signed.
_NUMBER_END: Final = 1 << 62

#: As long as a SHA-256 in hexadecimal, so that what is remembered is bounded.
_DIGEST_MAX: Final = 64

_Result: TypeAlias = StepResult[Threat, Effect]


def first_start(config: Config) -> Threat:
    """A machine without observations, at level None."""
    return Threat(config)


def recover(config: Config, durable: Durable) -> Threat:
    """The machine as it comes back from a crash.

    It knows no scores, and its calm begins anew: so the level is not left sooner than without the crash.

    Args:
        config: of this replica.
        durable: what was persisted last; what it holds of replicas that the configuration does not name is
            left out.
    """
    known = attrs.evolve(
        durable,
        heard={name: number for name, number in durable.heard.items() if name in config.replicas},
        proved={name: proof for name, proof in durable.proved.items() if name in config.replicas},
    )
    return Threat(config, known)


def step(threat: Threat, inp: Input) -> tuple[Threat, tuple[Effect, ...]]:
    """One step of a machine.

    Args:
        threat: before the step.
        inp: what it is told; any object at all.

    Returns:
        The machine after the step, and what the host must do, in order.
    """
    kind: type[Any] = type(inp)
    if type(kind) is not type or kind not in _HANDLERS:
        return _refused(threat, inp, f"a {kind_of(inp)} is no input")
    after, effects = _HANDLERS[kind](threat, inp)
    if after.durable != threat.durable:
        effects = (Persist(after.durable), *effects)
    return StepResult(after, effects)


def _observed(threat: Threat, inp: Observed) -> _Result:
    """Add an observation to the replica's own score."""
    kind, config = _field(inp, "kind"), threat.config
    if type(kind) is not Suspicion:
        return _refused(threat, inp, "it is none of the kinds of suspicion")
    weight = config.weights.of(kind)
    if kind is Suspicion.TIMING:
        seen = attrs.evolve(threat, timing=rules.timed(config, threat.timing, weight))
    else:
        seen = attrs.evolve(threat, evidence=rules.weighed(config, threat.evidence, weight))
    if own_score(seen) > own_score(threat):
        return _settled(*_stated(seen))
    return _settled(seen)


def _heard(threat: Threat, inp: Statement) -> _Result:
    """Handle a replica's statement; only its latest one counts."""
    reporter, number, score = (_field(inp, name) for name in ("reporter", "number", "score"))
    if not _is_replica(threat, reporter) or reporter == threat.config.node:
        return _refused(threat, inp, "it is the statement of none of the other replicas")
    if type(number) is not int or not 0 < number < _NUMBER_END:
        return _refused(threat, inp, f"statements are numbered from 1 to {_NUMBER_END - 1}")
    if type(score) is not int:
        return _refused(threat, inp, "a score is an integer")
    if not rules.is_news(number, heard := threat.durable.heard.get(reporter, 0)):
        return _refused(threat, inp, f"it is no later than statement {heard}, which counted")
    durable = attrs.evolve(threat.durable, heard={**threat.durable.heard, reporter: number})
    scores = {**threat.scores, reporter: rules.clamped(threat.config, score)}
    return _settled(attrs.evolve(threat, durable=durable, scores=scores))


def _proved(threat: Threat, inp: Proof) -> _Result:
    """Raise the level at once for a proof that is new for the accused."""
    kind, accused, mark = (_field(inp, name) for name in ("kind", "accused", "digest"))
    if type(kind) is not ProofKind:
        return _refused(threat, inp, "it is none of the kinds of proof")
    if not _is_replica(threat, accused):
        return _refused(threat, inp, "it accuses none of the replicas")
    if type(mark) is not str or rejection_of(mark) or len(mark) > _DIGEST_MAX:
        return _refused(
            threat, inp, f"the digest of the evidence is a text of up to {_DIGEST_MAX} characters"
        )
    known = threat.durable.proved.get(accused)
    if not rules.is_worse(kind, known.kind if known else None):
        return _refused(threat, inp, "as much is proved of that replica already")
    durable = attrs.evolve(threat.durable, proved={**threat.durable.proved, accused: inp})
    shown = attrs.evolve(threat, durable=durable, calm=0)
    if (floor := rules.PROVED_LEVEL[kind]) > durable.level:
        return _settled(*_moved(shown, floor, Because.PROOF))
    return _settled(shown)


def _ticked(threat: Threat, _: Tick) -> _Result:
    """Decay all scores, repeat a pending statement, and lower a level that has been calm long enough."""
    config = threat.config
    faded = attrs.evolve(
        threat,
        evidence=rules.faded(config, threat.evidence),
        timing=rules.faded(config, threat.timing),
        scores={name: rules.faded(config, score) for name, score in threat.scores.items()},
        unstated=min(config.restate_ticks, threat.unstated + 1),
    )
    effects: tuple[Effect, ...] = ()
    if own_score(faded) and faded.unstated == config.restate_ticks:
        faded, effects = _stated(faded)
    settled = _settled(faded, effects)
    now = settled.state.durable.level
    if rules.stays(config, now, cluster_score(settled.state)):
        return settled
    waited = attrs.evolve(settled.state, calm=settled.state.calm + 1)
    if waited.calm < rules.dwell(config, now):
        return StepResult(waited, settled.effects)
    return _moved(waited, Level(now - 1), Because.CALM, settled.effects)


def _settled(threat: Threat, effects: tuple[Effect, ...] = ()) -> _Result:
    """Raise the level to that of the cluster score at once.

    A score that suffices for the current level interrupts its calm.
    """
    now, score = threat.durable.level, cluster_score(threat)
    if (target := rules.reached(threat.config, score)) > now:
        return _moved(threat, target, Because.SCORE, effects)
    if rules.stays(threat.config, now, score):
        return StepResult(attrs.evolve(threat, calm=0), effects)
    return StepResult(threat, effects)


def _moved(threat: Threat, new: Level, because: Because, effects: tuple[Effect, ...] = ()) -> _Result:
    """Another level, whose calm begins now."""
    changed = LevelChanged(threat.durable.level, new, because)
    durable = attrs.evolve(threat.durable, level=new)
    return StepResult(attrs.evolve(threat, durable=durable, calm=0), (*effects, changed))


def _stated(threat: Threat) -> _Result:
    """State this replica's score under the next number."""
    durable = attrs.evolve(threat.durable, number=threat.durable.number + 1)
    stating = attrs.evolve(threat, durable=durable, unstated=0)
    return StepResult(stating, (State(own_score(stating), durable.number),))


def _refused(threat: Threat, inp: object, reason: str) -> _Result:
    return StepResult(threat, (Refused(inp, reason),))


def _is_replica(threat: Threat, name: object) -> bool:
    return type(name) is str and name in threat.config.replicas


def _field(record: object, name: str) -> Any:
    """A field of a record whose type was checked; None if the field is missing."""
    return getattr(record, name, None)


_HANDLERS: Final[dict[type[Any], Callable[[Threat, Any], _Result]]] = {
    Observed: _observed,
    Statement: _heard,
    Proof: _proved,
    Tick: _ticked,
}
