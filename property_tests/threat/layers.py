"""The layers that `tlacheck mutants` asks of the threat level, the quickest first.

| layer    | what drives the implementation                 | what judges it                                 |
|----------|------------------------------------------------|------------------------------------------------|
| replay   | recorded traces of TLC                         | the states of the trace                        |
| weakened | TLC's counterexamples of weakened specs        | that it leaves each of them                    |
| pairs    | random inputs, sense and nonsense, for two     | `Judge`; that more is never lower, and timing  |
|          | machines at a time                             | no matter                                      |
| oracle   | random walks of the spec                       | the states of the walk                         |
"""

import functools
import random
from collections.abc import Callable
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import guard, pbft, threat
from tlacheck.mutants import Layer
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["LAYERS", "NONSENSE", "BrokenProperty", "Judge", "pairs", "play"]

_REPLAYS: Final = {"of": "property_tests.threat.replays:REPLAYS"}

#: The layers that `tlacheck mutants` asks, the quickest first.
LAYERS: Final = (
    Layer("replay", "tlacheck.conform.replays:replay_witnesses", _REPLAYS),
    Layer("weakened", "tlacheck.conform.replays:replay_weakened", _REPLAYS),
    Layer("pairs", "property_tests.threat.layers:pairs"),
    Layer("oracle", "tlacheck.conform.replays:walks", {**_REPLAYS, "walks": 20}),
)

_REPLICAS: Final = ("r0", "r1", "r2", "r3")
_SCORES: Final = (0, 4, 5, 10, 19, 20, 30, 45, 59, 60, 75, 90, 100, 1000, -3)


class _Odd:
    """An object that has no answer to anything."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    __hash__ = None  # type: ignore[assignment]  # it is to be one that no dictionary takes


#: What makes no sense, and must be ignored.
NONSENSE: Final[tuple[Any, ...]] = (
    None,
    7,
    "tick",
    _Odd(),
    threat.Tick,
    threat.Observed("timing"),  # type: ignore[arg-type]  # nonsense
    threat.Observed(_Odd()),  # type: ignore[arg-type]  # nonsense
    threat.Statement("r0", 1, 5),
    threat.Statement("somebody", 1, 100),
    threat.Statement(_Odd(), 1, 100),  # type: ignore[arg-type]  # nonsense
    threat.Statement("r1", 0, 100),
    threat.Statement("r1", 1 << 62, 100),
    threat.Statement("r1", True, 100),
    threat.Statement("r1", 1 << 61, 5.5),  # type: ignore[arg-type]  # nonsense
    threat.Statement("r1", 1 << 61, "100"),  # type: ignore[arg-type]  # nonsense
    threat.Statement("r1", None, 100),  # type: ignore[arg-type]  # nonsense
    threat.Proof(threat.ProofKind.EQUIVOCATION, "somebody", "d"),
    threat.Proof("equivocation", "r1", "d"),  # type: ignore[arg-type]  # nonsense
    threat.Proof(threat.ProofKind.EQUIVOCATION, "r1", "\ud800"),
    threat.Proof(threat.ProofKind.EQUIVOCATION, "r1", 65 * "d"),
    threat.Proof(threat.ProofKind.EQUIVOCATION, "r1", 5),  # type: ignore[arg-type]  # nonsense
    threat.Proof(threat.ProofKind.TAMPERING, _Odd(), "d"),  # type: ignore[arg-type]  # nonsense
)


class BrokenProperty(Exception):
    """A property does not hold.

    Attributes:
        property: its name.
    """

    def __init__(self, property_: str, message: str) -> None:
        super().__init__(message)
        self.property = property_


class Judge:
    """One machine with its disk, and a judge of each of its steps, which knows scores by another way than it.

    Args:
        config: of the replica.
    """

    def __init__(self, config: threat.Config) -> None:
        self.machine = threat.first_start(config)
        self.disk = self.machine.durable
        self._told = 0

    def take(self, inp: Any, *, is_nonsense: bool = False) -> None:
        """Take an input.

        Raises:
            BrokenProperty: the step is wrong.
        """
        before = self.machine
        self.machine, effects = threat.step(before, inp)
        known = type(inp) is threat.Statement and not is_nonsense
        if known and (before.durable.heard.get(inp.reporter, 0) >= inp.number) != (self.machine is before):
            raise BrokenProperty("News", f"{inp} counts, or does not, after {before.durable.heard}")
        if is_nonsense or any(isinstance(effect, threat.Refused) for effect in effects):
            if self.machine != before or [type(effect) for effect in effects] != [threat.Refused]:
                raise BrokenProperty("Refused", f"{inp!r} makes a difference")
            return
        self._judge_disk(effects)
        self._judge_level(before, effects)
        self._judge_statements(before, inp, effects)

    def crash(self) -> None:
        """Come back from a crash.

        Raises:
            BrokenProperty: something is lost that must not be.
        """
        before = self.machine
        self.machine = threat.recover(before.config, self.disk)
        if self.machine.durable != before.durable or self.machine.calm:
            raise BrokenProperty("Durable", "a crash changes what is on the disk, or keeps the calm")

    def _judge_disk(self, effects: tuple[threat.Effect, ...]) -> None:
        told = False
        for effect in effects:
            match effect:
                case threat.Persist(durable=durable):
                    if told:
                        raise BrokenProperty("Durable", "it is persisted after somebody was told")
                    self.disk = durable
                case _:
                    told = True
        if self.disk != self.machine.durable:
            raise BrokenProperty("Durable", "what must survive a crash is not persisted")

    def _judge_level(self, before: threat.Threat, effects: tuple[threat.Effect, ...]) -> None:
        config, after = self.machine.config, self.machine
        now, then = threat.level(after), threat.level(before)
        told = [effect for effect in effects if isinstance(effect, threat.LevelChanged)]
        if [(then, now)] * (now != then) != [(one.old, one.new) for one in told]:
            raise BrokenProperty("Told", f"from {then.name} to {now.name}, and it tells {told}")
        scores = [max(after.evidence, after.timing), *after.scores.values()]
        for level, up, down in zip(tuple(threat.Level)[1:], config.up, config.down, strict=True):
            if sum(score >= up for score in scores) > config.f and now < level:
                raise BrokenProperty("Demanded", f"f + 1 have {up}, and the level is {now.name}")
            enough = (
                sum(score >= up for score in scores) > config.f
                or after.durable.proved != before.durable.proved
            )
            if then < level == now and not enough:
                raise BrokenProperty("NobodyAlone", f"{scores} lead to {now.name}")
            if now < level == then and sum(score >= down for score in scores) > config.f:
                raise BrokenProperty("Hysteresis", f"{scores} keep {level.name}, and it is left")
        for one in told:
            wanted = (
                threat.Because.CALM
                if one.new < one.old
                else threat.Because.PROOF
                if after.durable.proved != before.durable.proved
                else threat.Because.SCORE
            )
            if one.because is not wanted:
                raise BrokenProperty("Told", f"it says {one.because}, and the reason is {wanted}")

    def _judge_statements(self, before: threat.Threat, inp: Any, effects: tuple[threat.Effect, ...]) -> None:
        stated = [effect for effect in effects if isinstance(effect, threat.State)]
        own = threat.own_score(self.machine)
        rises = own > threat.own_score(before)
        for one in stated:
            if (one.score, one.number) != (own, self.machine.durable.number) or one.number <= self._told:
                raise BrokenProperty("States", f"it states {one}, having {own}")
            self._told = one.number
        due = (
            isinstance(inp, threat.Tick) and own and before.unstated + 1 >= self.machine.config.restate_ticks
        )
        if len(stated) != (rises or bool(due)):
            raise BrokenProperty(
                "States", f"it has {own} after {threat.own_score(before)}, and states {stated}"
            )


def _inputs(draw: random.Random, numbers: dict[str, int]) -> tuple[Any, Any]:
    """An input, and one that is more: the same score or a higher one."""
    match draw.randrange(12):
        case 0 | 1 | 2:
            kind = draw.choice(tuple(threat.Suspicion))
            return threat.Observed(kind), threat.Observed(kind)
        case 3 | 4 | 5:
            name = draw.choice(_REPLICAS[1:])
            numbers[name] += draw.choice((0, 1, 1, 2))
            low, high = sorted(draw.choices(_SCORES, k=2))
            return (
                threat.Statement(name, numbers[name], low),
                threat.Statement(name, numbers[name], high),
            )
        case 6 if not draw.randrange(12):
            proof = threat.Proof(draw.choice(tuple(threat.ProofKind)), draw.choice(_REPLICAS), "digest")
            return proof, proof
        case _:
            return threat.Tick(), threat.Tick()


def play(seed: int, steps: int = 400) -> int:
    """Random inputs for machines in pairs: one sees more than the other, or only one sees timing.

    Args:
        seed: where randomness begins.
        steps: how many inputs.

    Returns:
        How many inputs machines took.

    Raises:
        BrokenProperty: a property does not hold.
    """
    draw = random.Random(seed)  # noqa: S311 - a test
    weights = threat.Weights(timing=30)
    config = threat.Config(
        "r0", _REPLICAS, decay=3, dwell_ticks=3, calm_ticks=7, restate_ticks=2, weights=weights
    )
    less, more, timeless = Judge(config), Judge(config), Judge(config)
    numbers = dict.fromkeys(_REPLICAS[1:], 1)
    for _ in range(steps):
        if not draw.randrange(20):
            less.take(draw.choice(NONSENSE), is_nonsense=True)
        if not draw.randrange(60):
            for judge in (less, more, timeless):
                judge.crash()
        low, high = _inputs(draw, numbers)
        less.take(low)
        more.take(high)
        if not (isinstance(low, threat.Observed) and low.kind is threat.Suspicion.TIMING):
            timeless.take(low)
        if not draw.randrange(4):
            more.take(threat.Observed(draw.choice(tuple(threat.Suspicion))))
        if threat.level(less.machine) > threat.level(more.machine):
            raise BrokenProperty("MoreIsNeverLower", f"after {low}, {high}")
        protocols = {threat.protocol(threat.level(judge.machine)) for judge in (less, timeless)}
        if len(protocols) > 1:
            raise BrokenProperty("SlowIsNotHostile", f"timing decides the protocol, after {low}")
    return 3 * steps


def _tables() -> str:
    """The error in the tables of protocols by level and of proofs by offence; empty if there is none."""
    bft = [level.name for level in threat.Level if threat.protocol(level) == threat.BFT]
    if bft != ["HIGH", "CRITICAL"]:
        return f"BFT is the protocol of {bft}"
    told = [seen.kind for why in pbft.Why if (seen := threat.observed(why))]
    if threat.Suspicion.TIMING in told or threat.Suspicion.SIGNATURE not in told:
        return f"refusals are told as {told}"
    evidence = guard.Evidence(accused="r1", messages=())
    kinds = {offence: threat.proof(evidence, offence).kind for offence in guard.Offence}
    if kinds[guard.Offence.EQUIVOCATION] is not threat.ProofKind.EQUIVOCATION:
        return "equivocation is taken for something else"
    return ""


def _configs() -> str:
    """The invalid settings that are accepted; empty if there are none."""
    good = threat.Config("r0", _REPLICAS)
    wrong: tuple[dict[str, Any], ...] = (
        {"down": (5, 20, 60, 75)},
        {"down": (0, 20, 45, 75)},
        {"down": (5, 4, 45, 75)},
        {"up": (10, 30, 30, 90)},
        {"up": (10, 30, 90)},
        {"score_max": 89},
        {"timing_max": 45},
        {"timing_max": -1},
        {"calm_ticks": 20},
        {"dwell_ticks": 0},
        {"decay": 0},
        {"restate_ticks": 0},
        {"weights": threat.Weights(refused=0)},
        {"f": 2},
        {"f": -1},
        {"node": "somebody"},
        {"replicas": ()},
        {"replicas": ("r0", "r1", "r1", "r2", "r3")},
    )
    for change in wrong:
        try:
            attrs.evolve(good, **change)
        except threat.InvalidConfig:
            continue
        return f"{change} is taken"
    return ""


def pairs(context: Context, *, seeds: int = 30) -> Outcome:
    """Random runs, wrong settings, and tables."""
    taken = 0
    for property_, rejection in (("Tables", _tables()), ("Settings", _configs())):
        if rejection:
            return Outcome(verdict=Verdict.violated(property_, rejection))
    for number in range(seeds):
        context.progress(f"seed {number} of {seeds}, {taken:,} inputs")
        found = _attempt(functools.partial(play, context.seed + number))
        if isinstance(found, str):
            property_, _, message = found.partition(": ")
            verdict = Verdict.violated(property_, f"seed {context.seed + number}: {message}")
            return Outcome(verdict=verdict, figures=immutabledict(inputs=taken), message=message)
        taken += found
    return Outcome(verdict=Verdict.sampled(seeds, context.seed), figures=immutabledict(inputs=taken))


def _attempt(run: Callable[[], int]) -> int | str:
    """The number of inputs of a run, or the broken property and why."""
    try:
        return run()
    except BrokenProperty as wrong:
        return f"{wrong.property}: {wrong}"
    except Exception as raised:  # noqa: BLE001 - a step of a machine is total
        return f"Total: a step raises {type(raised).__name__}: {raised}"
