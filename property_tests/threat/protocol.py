"""A cluster of threat machines under test: four replicas exchange their scores, and one of them lies.

`specs/threat` speaks of one replica, Self, and of whatever arrives there. So the spec judges each step of r0,
whatever the others do, and the invariants judge all honest replicas.

Of the numbers of statements only their order matters, and the spec has few of them at a time. So a statement
that counts at r0 is there the next one of its reporter, however many were lost before it; the invariant
`OnlyNewsCounts` looks at the numbers themselves.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
from immutabledict import immutabledict

from impl import threat
from property_tests.threat.adapter import PROOFS, SUSPICIONS, Setting, to_spec
from property_tests.threat.layers import NONSENSE
from property_tests.threat.mutants import MUTANTS
from tlacheck.harness import (
    Byzantine,
    Eventually,
    Invariant,
    Op,
    Protocol,
    ScenarioSyntax,
    Size,
    SpecStep,
    View,
    sometimes,
    spec_step,
)
from tlacheck.sim import (
    Command,
    Disk,
    Network,
    Notify,
    Replay,
    Send,
    SetTimer,
    Silent,
    StepRecord,
    Sync,
    Tamper,
    Uniform,
    Write,
    text_of,
)
from tlacheck.values import ModelValue, Value

__all__ = ["THREAT"]

_SELF: Final = "r0"
_TICK: Final = "tick"
_TICK_MS: Final = 100
_KEPT: Final = "kept"


@attrs.frozen
class Replica:
    """A threat machine on its host.

    Attributes:
        machine: the core.
        stated: the score that it stated last.
        counted: reporter -> how many of its statements counted, and the number of the last of them.
        stale: a statement that counted though a later one had; None if there was none.

    The last three lie on disk beside the machine's own state, for whoever judges.
    """

    machine: threat.Threat
    stated: int = 0
    counted: immutabledict[str, tuple[int, int]] = attrs.field(factory=immutabledict)
    stale: threat.Statement | None = None


Input: TypeAlias = threat.Input


class Hosts:
    """The core of a cluster of threat machines.

    Args:
        replicas: the names of all.
    """

    def __init__(self, replicas: tuple[str, ...]) -> None:
        self._replicas = replicas
        self._config = Setting(replicas=replicas).config()

    def start(self, node: str, disk: Disk) -> tuple[Replica, list[Command]]:
        """A machine with what its disk holds."""
        durable, *judged = disk.read(_KEPT, (threat.Durable(), 0, immutabledict(), None))
        machine = threat.recover(attrs.evolve(self._config, node=node), durable)
        return Replica(machine, *judged), [SetTimer(_TICK, _TICK_MS)]

    def on_message(self, source: str, message: Any, clock_ms: int) -> Any:
        """A statement, in the name of who brought it: links are authenticated.

        Nothing else is taken from a link.
        """
        del clock_ms
        if isinstance(message, threat.State):
            return threat.Statement(source, message.number, message.score)
        return None if isinstance(message, threat.Input) else message

    def on_timer(self, name: str, clock_ms: int) -> Input:
        """A tick."""
        del name, clock_ms
        return threat.Tick()

    def commands(self, effect: Command) -> tuple[Command, ...]:
        """`step` gives commands already."""
        return (effect,)

    def step(self, state: Replica, inp: Input) -> tuple[Replica, list[Command]]:
        """One step of a host."""
        machine, effects = threat.step(state.machine, inp)
        stated = [effect.score for effect in effects if isinstance(effect, threat.State)]
        after = attrs.evolve(state, machine=machine, stated=stated[-1] if stated else state.stated)
        if isinstance(inp, threat.Statement) and machine != state.machine:
            count, latest = state.counted.get(inp.reporter, (0, 0))
            counted = state.counted.set(inp.reporter, (count + 1, inp.number))
            after = attrs.evolve(after, counted=counted, stale=inp if inp.number <= latest else state.stale)
        commands = [command for effect in effects for command in self._commands(after, effect)]
        return after, [*commands, *([SetTimer(_TICK, _TICK_MS)] if isinstance(inp, threat.Tick) else [])]

    def _commands(self, after: Replica, effect: threat.Effect) -> Iterator[Command]:
        match effect:
            case threat.Persist(durable=durable):
                yield Write(_KEPT, (durable, after.stated, after.counted, after.stale))
                yield Sync()
            case threat.State():
                others = (name for name in self._replicas if name != after.machine.config.node)
                yield from (Send(name, effect) for name in others)
            case threat.LevelChanged():
                yield Notify(effect)
            case _:
                pass


# --- what the spec sees


def observe(view: View) -> dict[str, Value]:
    """The variables of `specs/threat`, of r0."""
    replica: Replica = view[_SELF]
    shown = to_spec(replica.machine)
    heard = {name: replica.counted.get(name.name, (0, 0))[0] for name in shown["heard"]}
    return {**shown, "heard": immutabledict(heard), "stated": replica.stated}


def steps(record: StepRecord) -> Iterator[SpecStep]:
    """The step of the spec that a step of r0 is; none if the machine ignored its input, or is another one."""
    if record.node != _SELF or record.after.machine == record.before.machine:
        return
    match record.input:
        case threat.Observed(kind=kind):
            yield spec_step("Observe", kind=_word(SUSPICIONS, kind))
        case threat.Statement(reporter=reporter, score=score):
            number, _ = record.after.counted[reporter]
            greatest = record.after.machine.config.score_max
            shown = max(-1, min(greatest + 1, score))  # the spec has one score beyond each end
            yield spec_step("Hear", reporter=ModelValue(reporter), number=number, score=shown)
        case threat.Proof(kind=kind, accused=accused):
            yield spec_step("Prove", kind=_word(PROOFS, kind), accused=ModelValue(accused))
        case threat.Tick():
            yield spec_step("Tick")


def _word(words: Any, kind: object) -> str:
    return str(next(word for word, known in words.items() if known is kind))


# --- what happens


def _sees(rng: random.Random, view: View) -> tuple[str, Any]:
    return rng.choice(sorted(view)), threat.Observed(rng.choice(tuple(threat.Suspicion)))


def _attack(rng: random.Random, view: View) -> tuple[str, Any]:
    """Tampering at r0 or at the next one: together they are more than may lie."""
    return sorted(view)[rng.randrange(2)], threat.Observed(threat.Suspicion.TAMPERING)


def _is_shown(rng: random.Random, view: View) -> tuple[str, Any]:
    accused = rng.choice(view[_SELF].machine.config.replicas)
    return rng.choice(sorted(view)), threat.Proof(rng.choice(tuple(threat.ProofKind)), accused, "digest")


def _hears_nonsense(rng: random.Random, _: View) -> tuple[str, Any]:
    return _SELF, rng.choice(NONSENSE)  # some of it is so at r0 only: a statement of its own


def _tampered(message: Any, rng: random.Random) -> Any:
    """Another score, another number, or nonsense."""
    if not isinstance(message, threat.State):
        return message
    number = max(1, message.number + rng.choice((0, 0, 0, 1, -1, 5)))
    return rng.choice((threat.State(rng.choice((0, 3, 6, 7, -1)), number), rng.choice(NONSENSE)))


def _levels(view: View) -> dict[str, int]:
    return {name: int(threat.level(replica.machine)) for name, replica in view.items()}


def _moved(is_such: Callable[[int, int], bool]) -> Callable[[View, View], bool]:
    """A level changes in this step, from one to another one such."""

    def is_met(before: View, after: View) -> bool:
        was = _levels(before)
        return any(
            old != now and is_such(old, now) for name, now in _levels(after).items() for old in [was[name]]
        )

    return is_met


# --- what must hold


def _only_news_counts(view: View) -> str | None:
    for name, replica in view.items():
        if replica.stale is not None:
            return f"{replica.stale} counted at {name}, where a later one had"
        for reporter, number in replica.machine.durable.heard.items():
            if number != replica.counted[reporter][1]:
                return (
                    f"{name} has heard statement {number} of {reporter}, and {replica.counted[reporter][1]} "
                    "counted"
                )
    return None


def _heard_was_stated(view: View) -> str | None:
    for name, replica in view.items():
        for reporter, number in replica.machine.durable.heard.items():
            if reporter in view and number > view[reporter].machine.durable.number:
                made = view[reporter].machine.durable.number
                return f"{name} has heard statement {number} of {reporter}, which made {made}"
    return None


def _timing_is_bounded(view: View) -> str | None:
    for name, replica in view.items():
        if replica.machine.timing > replica.machine.config.timing_max:
            return f"the timing of {name} is {replica.machine.timing}"
    return None


def _all_heard_again(begin: View, now: View) -> bool:
    """Each honest replica has heard a new statement of each other one."""
    return all(
        now[one].machine.durable.heard.get(other, 0) > begin[one].machine.durable.heard.get(other, 0)
        for one in now
        for other in now
        if one != other
    )


def _text(value: Any) -> str:
    if isinstance(value, Replica):
        machine = value.machine
        own, others = threat.own_score(machine), text_of(machine.scores)
        return f"Replica(level={threat.level(machine).name}, own={own}, others={others}, calm={machine.calm})"
    if isinstance(value, tuple) and value and isinstance(value[0], threat.Durable):
        held: threat.Durable = value[0]
        proved = ", ".join(sorted(held.proved)) or "nobody"
        return f"level={held.level.name}, number={held.number}, heard={text_of(held.heard)}, proved={proved}"
    return text_of(value)


THREAT = Protocol(
    name="threat",
    core=lambda size: Hosts(size.nodes),
    spec="MCThreat.tla",
    folder=Path(__file__).resolve().parents[2] / "specs" / "threat",
    sizes=[Size(("r0", "r1", "r2", "r3"), "Oracle4.cfg", byzantine=["r3"])],
    byzantine=Byzantine(
        lambda _: {"silent": Silent(), "replaying": Replay(chance=0.3), "lying": Tamper(_tampered)}
    ),
    observe=observe,
    steps=steps,
    restart=lambda node: spec_step("Restart") if node == _SELF else None,
    workload=[
        Op("something is suspicious", 12, _sees),
        Op("an attack", 6, _attack),
        Op("nonsense", 4, _hears_nonsense),
        Op("a proof", 1, _is_shown),
    ],
    invariants=[
        Invariant("OnlyNewsCounts", _only_news_counts),
        Invariant("HeardWasStated", _heard_was_stated),
        Invariant("TimingIsBounded", _timing_is_bounded),
    ],
    goals=[
        sometimes("a level rises", _moved(lambda old, now: now > old)),
        sometimes("a level is left", _moved(lambda old, now: now < old)),
        sometimes("Critical", _moved(lambda _, now: now == threat.Level.CRITICAL)),
        sometimes("Critical is left", _moved(lambda old, _: old == threat.Level.CRITICAL)),
        sometimes(
            "a proof counts",
            lambda before, after: any(
                after[name].machine.durable.proved != before[name].machine.durable.proved for name in after
            ),
        ),
    ],
    progress=Eventually("all hear each other again", _all_heard_again, 20_000),
    network=Network(delay=Uniform(1, 150)),
    mutants=MUTANTS,
    tear=lambda old, _: old,  # a host keeps two copies, and writes them in turn
    scenario_syntax=ScenarioSyntax(
        inputs={
            "sees": lambda kind: threat.Observed(SUSPICIONS[kind]),
            "proof": lambda kind, accused: threat.Proof(PROOFS[kind], accused, f"{kind} of {accused}"),
        },
        messages={"state": threat.State},
        text=_text,
    ),
)
