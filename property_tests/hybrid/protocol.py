"""The hybrid under test: Byzantine replicas, clients, and a stranger; the spec judges each step.

    tlacheck soak property_tests.hybrid.protocol:HYBRID --seeds 100 --steps 10000 --jobs 2
    tlacheck soak property_tests.hybrid.protocol:HYBRID --seeds 20 --nodes 13

A run of a soak test has rounds (`AttackSchedule`): faults and clients; an attack that raises the level to the
top, so that the cluster switches to BFT; then a replica that is left behind, or views that change in a row;
faults and clients again. At the end of a round all faults end: the cluster must serve whatever Byzantine
replicas do (`Progress`), and when these turn quiet it must return to Raft and serve (`Return`).
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from impl import hotstuff, hybrid, pbft
from property_tests.hybrid import crafted
from property_tests.hybrid.adversary import LOUD, QUIET, STRATEGIES, Adversary, behaviours
from property_tests.hybrid.host import (
    CLIENTS,
    HEALED,
    STRANGER,
    Ask,
    Disturb,
    Hosted,
    HybridCore,
    Times,
    configs_of,
    keep_old,
    replica_step,
    replicas_of,
)
from property_tests.hybrid.invariants import THERE_AND_BACK, Linearizable, Safety
from property_tests.hybrid.layers import LAYERS
from property_tests.hybrid.mutants import MUTANTS
from property_tests.hybrid.recorder import HybridRecorder
from property_tests.hybrid.scenario_syntax import SYNTAX
from property_tests.pbft.clients import views_ahead
from tlacheck.harness import (
    Byzantine,
    Op,
    Pace,
    Protocol,
    Running,
    Schedule,
    Size,
    View,
    counted,
    sometimes_in_step,
)
from tlacheck.sim import Fault, Network, StepRecord, Uniform

__all__ = ["EACH_ACTION", "HYBRID", "AttackSchedule", "size_of"]

_TIMES: Final = Times()

#: The share of runs that begin with a replica that must undo: no behaviour leads to it often.
_OVERTURNS: Final = 0.25
#: The part of a round before the attack, and the time that an attack lasts at most, virtual milliseconds.
_BEFORE: Final = 0.4
_ATTACK_MS: Final = 6_000
#: The probability that a replica is left behind after an attack, and for how long, virtual milliseconds.
_BEHIND: Final = 0.25
_BEHIND_MS: Final = 1_500
#: The probability that views change in a row after an attack, and what Byzantine replicas do then.
_VIEWS: Final = 0.25
_OF_PRIMARIES: Final = (
    "pbft: stale certificates",
    "pbft: wrong new views",
    "pbft: tampered batches",
    "hotstuff: forking",
    "hotstuff: hiding",
    "hotstuff: counterfeiting",
)
#: What they do to a replica that was left behind.
_OF_TRANSFERS: Final = ("pbft: wrong states", "hotstuff: withholding")


def size_of(replicas: int, byzantine: int, config: str = "") -> Size:
    """A cluster of so many replicas, in an order that each run draws, with its clients and a stranger."""
    names = [f"r{number}" for number in range(replicas)]
    return Size((*names, *CLIENTS, HEALED, STRANGER), config, names[:byzantine], is_shuffled=True)


def _replicas(view: View) -> dict[str, hybrid.Node]:
    return {name: host.node for name, host in view.items() if isinstance(host, Hosted)}


# --- the workload


class Workload:
    """The clients, strangers and early timers of one run; lying clients remember how often they lied.

    Args:
        size: the cluster.
    """

    def __init__(self, size: Size) -> None:
        self._replicas = replicas_of(size)
        self._byzantine = sorted(size.byzantine)
        self._lies = 0

    def ops(self) -> list[Op]:
        """The operations with their weights."""
        candidates = (
            [Op("a Byzantine replica stands for election", 5, self._stand)] if self._byzantine else []
        )
        return [
            Op("clients ask", 45, self._ask),
            Op("a client lies", 2, self._lie),
            Op("a stranger disturbs", 1, self._disturb),
            Op("timers fire early", 2, self._fire),
            *candidates,
        ]

    def _ask(self, rng: random.Random, view: View) -> list[tuple[str, Any]]:
        del view
        count = rng.choice((1, 1, 2, len(CLIENTS)))
        return [(client, Ask(self._operation(rng))) for client in rng.sample(CLIENTS, count)]

    def _operation(self, rng: random.Random) -> pbft.Value:
        key, item = rng.choice(("a", "b")), rng.randrange(4)
        return rng.choice((("get", key), ("put", key, item), ("cas", key, item, rng.randrange(4))))

    def _lie(self, rng: random.Random, view: View) -> list[tuple[str, Any]]:
        """Sign different operations under one sequence number, or skip numbers, for some replicas only."""
        del view
        self._lies += rng.choice((0, 1, 5))
        what: pbft.Value = ("put", "x", rng.randrange(1_000))
        sequence = rng.choice((1, 2, self._lies + 1, 1 << 40))
        request = pbft.Request(
            client="x0" if sequence < 1 << 40 else f"x{self._lies}",
            timestamp=self._lies + 1,
            operation=("operate", sequence, what),
        )
        request = pbft.signed(request, pbft.SymbolicKeys(request.client))
        told = rng.sample(self._replicas, rng.randint(1, len(self._replicas)))
        return [(name, hybrid.Receive(request)) for name in told]

    def _disturb(self, rng: random.Random, view: View) -> tuple[str, Any]:
        del view
        return STRANGER, Disturb(rng.choice((1, 1, 4, 40)))

    def _fire(self, rng: random.Random, view: View) -> list[tuple[str, Any]]:
        """Let timers of a few replicas fire too early, or those of most."""
        names = sorted(_replicas(view))
        timer = rng.choice((hybrid.ViewTimeout(), hybrid.ElectionTimeout(), hybrid.ElectionTimeout()))
        return [(name, timer) for name in rng.sample(names, rng.choice((1, 1, len(names) - 1, len(names))))]

    def _stand(self, rng: random.Random, view: View) -> tuple[str, Any]:
        """Many of the lies are a leader's."""
        del view
        return rng.choice(self._byzantine), hybrid.ElectionTimeout()


# --- rounds with attacks


class AttackSchedule(Schedule):
    """Rounds of faults with an attack among them; see the module."""

    def begin(self) -> None:
        """Let Byzantine replicas begin, one of them as a candidate.

        Some runs begin with a replica that must undo.
        """
        if self.run.size.byzantine and self.random.random() < _OVERTURNS:
            self.overturn()
        super().begin()
        self._stand()

    def overturn(self) -> None:
        """As a Byzantine leader, show a QC to one replica.

        Then let others certify another prefix in a later term.
        """
        config = next(iter(_replicas(self.run.view).values())).config
        byzantine, correct = sorted(self.run.size.byzantine), sorted(_replicas(self.run.view))
        voters, victim, leader = config.quorum - len(byzantine), correct[0], byzantine[0]
        for term, what, chosen in ((1, "one", correct[:voters]), (2, "other", correct[-voters:])):
            request = crafted.request(what, what=("put", "undone", term))
            self.run.judge(Safety).asked(request)
            log = (None, request)
            for name in dict.fromkeys((*chosen, victim)):
                sent = crafted.entries(leader, to=name, log=log, term=term)
                self.run.request(name, hybrid.Receive(sent, leader))
            votes = tuple(crafted.vote(name, log=log, term=term) for name in (*byzantine, *chosen))
            qc = crafted.certificate(log=log, votes=votes, term=term)
            self.run.request(victim, hybrid.Receive(qc, leader))

    def round(self, until: int) -> None:
        """Let one round happen, up to so many steps in all or a few more."""
        super().round(self.run.steps + int(_BEFORE * (until - self.run.steps)))
        self.attack()
        drawn = self.random.random()
        if drawn < _BEHIND:
            self.leave_one_behind()
        elif drawn < _BEHIND + _VIEWS:
            self.change_views()
        self._all_behave(self._usual)
        self._stand()
        super().round(until)

    def conclude(self) -> None:
        """End all faults; demand progress, the return to Raft, and that this run switched both ways."""
        super().conclude()
        if not self.run.judge(Safety).is_there_and_back:
            self.run.demand_failed("SwitchesBothWays", "the attack led to no switch to BFT and back")

    def attack(self) -> None:
        """Be loud, strangers too, until all correct replicas are at the highest level.

        The wait is bounded.
        """
        self.run.stabilise()
        self._all_behave(LOUD)
        self._storm(_ATTACK_MS, noise=True, is_over=self._is_alarmed)

    def leave_one_behind(self) -> None:
        """Let PBFT go on without one correct replica, to which Byzantine ones then transfer a wrong state."""
        self._all_behave(self._of_bft(_OF_TRANSFERS))
        victim = self.random.choice(sorted(_replicas(self.run.view)))
        self.run.inflict(Fault.of("partition", group=[victim]))
        for for_ms in (_BEHIND_MS, _BEHIND_MS // 2):
            self._storm(for_ms)
            self.run.stabilise()

    def change_views(self) -> None:
        """Let PBFT's views change in a row, until each replica was primary once."""
        self._all_behave(self._of_bft(_OF_PRIMARIES))
        for _ in replicas_of(self.run.size):
            for _ in range(self.random.randint(1, 3)):
                self.ask()
                self.run.advance(self.random.randint(1, 60))
            for name in sorted(_replicas(self.run.view)):
                self.run.request(name, hybrid.ViewTimeout())
            self.run.advance(self.random.randint(1, 60))

    def _of_bft(self, names: Sequence[str]) -> Sequence[str]:
        """Those of these behaviours that there are; the only one, if a run has but one."""
        return (
            self._usual if len(self._usual) == 1 else [name for name in names if name in self.run.behaviours]
        )

    @property
    def _usual(self) -> list[str]:
        """The behaviours outside of attacks: those that the declaration gives a weight."""
        declared = self._protocol.byzantine
        weights = declared.weights if declared is not None else {}
        return [name for name in self.run.behaviours if weights.get(name, 1)]

    def _is_alarmed(self) -> bool:
        nodes = _replicas(self.run.view).values()
        return all(hybrid.threat_level(node) == "CRITICAL" and node.is_bft for node in nodes)

    def _storm(
        self, for_ms: int, *, noise: bool = False, is_over: Callable[[], bool] = lambda: False
    ) -> None:
        """Let only time, clients and late or doubled messages happen, which do not keep the level down."""
        end_ms = self.run.cluster.world.now_ms + for_ms
        while self.run.cluster.world.now_ms < end_ms and not is_over():
            (kind,) = self.random.choices(("time", "ask", "duplicate", "delay"), (60, 30, 2, 2))
            if noise:
                self.run.request(STRANGER, Disturb(1))
            match kind:
                case "time":
                    self.run.advance(self.random.randint(1, 60))
                case "ask":
                    self.ask()
                case _:
                    by_ms = {"by_ms": self.random.randint(10, 3_000)} if kind == "delay" else {}
                    self.run.inflict(Fault.of(kind, position=self.random.randrange(1_000), **by_ms))

    def _all_behave(self, behaviours: Sequence[str]) -> None:
        """Let all Byzantine replicas change to one of these behaviours."""
        behaviour = self.random.choice(behaviours) if behaviours else ""
        for name in sorted(self.run.size.byzantine):
            self.run.inflict(Fault.of("make_byzantine", node=name, behaviour=behaviour))

    def _stand(self) -> None:
        if byzantine := sorted(self.run.size.byzantine):
            self.run.request(self.random.choice(byzantine), hybrid.ElectionTimeout())


# --- progress


@attrs.frozen
class _Served:
    """A client repeats requests until it accepts the result of one that it made since; that is enough."""

    run: Running
    first: int
    within_ms: int
    needs_raft: bool
    every_ms: int = _TIMES.heartbeat_ms

    def meanwhile(self) -> None:
        """Let the client ask."""
        self.run.request(HEALED, Ask(("put", HEALED, self.run.cluster.world.now_ms)))

    def is_reached(self) -> bool:
        """Return whether the client accepted such a result."""
        (safety,) = (judge for judge in self.run.judges if isinstance(judge, Safety))
        accepted = safety.last_accepted.get(HEALED)
        if accepted is None or accepted.sequence < self.first:
            return False
        return accepted.term > 0 or not self.needs_raft

    def where(self) -> str:
        """Describe the correct replicas."""
        return "; ".join(_described(name, node) for name, node in sorted(_replicas(self.run.view).items()))


def _described(name: str, node: hybrid.Node) -> str:
    state, engine, server = hybrid.health(node), node.config.bft, node.raft
    term = f", term {server.durable.current_term} {type(server.role).__name__}" if server else ""
    return (
        f"{name} in {state.protocol} epoch {state.epoch}{'' if state.takes_part else ' aborted'}{term}, "
        "level "
        f"{state.level}, locked {state.locked}, aborts {state.aborts}, switch-back votes "
        f"{len(node.switchbacks)}, "
        f"view {_view_of(node)}{' waiting' if engine.is_waiting(node.bft) else ''}, "
        f"executed {engine.executed(node.bft)}, "
        f"waiting {state.waiting}"
    )


def _view_of(node: hybrid.Node) -> int:
    """The view of the BFT protocol."""
    return node.bft.view if isinstance(node.bft, hotstuff.Node) else int(node.bft.durable.view)


def _bft_ms(size: Size, config: hybrid.Config, ahead: int = 0) -> int:
    """The time in which the BFT protocol decides a new batch at all correct replicas.

    `property_tests.pbft.clients` says why for PBFT. HotStuff needs three correct leaders in a row, whom any
    n views in a row have, and as many views again until the last replica has the certificate.
    """
    views = 2 * len(size.byzantine) + 4 + ahead
    if config.bft_protocol == "hotstuff":
        views = 2 * config.n + 4 + ahead
    return views * config.multiplier_max * _TIMES.view_ms


@attrs.frozen
class Progress:
    """A healed cluster serves a client, whatever Byzantine replicas do.

    Its Raft epoch may stall, end, and be followed by a BFT epoch in which the operation is decided. What
    Byzantine replicas do may end that one before, once: then all of it again.
    """

    name: str = "Progress"

    def begin(self, run: Running, ask: Callable[[], object]) -> _Served:
        """Begin to wait."""
        del ask
        nodes = _replicas(run.view)
        config = next(iter(nodes.values())).config
        ahead = views_ahead([_view_of(node) for node in nodes.values()], config.f)
        stall_ms = config.stall_ticks * _TIMES.tick_ms
        within_ms = 2 * (stall_ms + 2 * _bft_ms(run.size, config, ahead))
        return _Served(run, run.cluster.states[HEALED].sequence + 1, within_ms, needs_raft=False)


@attrs.frozen
class Return:
    """When Byzantine replicas turn quiet, a Raft epoch serves.

    All scores fade, each level is left after its cooldown, the longest BFT epoch lasts for its cooldown, one
    Raft epoch may be fruitless, and each switch is a decision of PBFT.
    """

    name: str = "Return"

    def begin(self, run: Running, ask: Callable[[], object]) -> _Served:
        """Begin to wait."""
        del ask
        quiet = QUIET[run.cluster.world.now_ms % len(QUIET)]
        for name in sorted(run.size.byzantine):
            run.inflict(Fault.of("make_byzantine", node=name, behaviour=quiet))
        run.request(STRANGER, Disturb(0))
        config = next(iter(_replicas(run.view).values())).config
        fading = config.threat.score_max // config.threat.decay
        ticks = fading + 3 * config.threat.dwell_ticks + config.threat.calm_ticks
        ticks += 2 * config.cooldown_ticks * config.backoff_max + 2 * config.stall_ticks
        within_ms = ticks * _TIMES.tick_ms + 3 * _bft_ms(run.size, config)
        return _Served(run, run.cluster.states[HEALED].sequence + 1, within_ms, needs_raft=True)


# --- goals


def _in_replica(is_met: Callable[[Any], bool]) -> Callable[[StepRecord], bool]:
    def is_met_in(record: StepRecord) -> bool:
        taken = replica_step(record)
        return taken is not None and is_met(taken)

    return is_met_in


def _level(name: str) -> Callable[[StepRecord], bool]:
    return lambda record: any(
        isinstance(effect, hybrid.LevelChanged) and effect.new == name for effect in record.effects
    )


def _aborted(reason: str) -> Callable[[StepRecord], bool]:
    return lambda record: any(
        isinstance(effect, hybrid.EpochAborted) and effect.reason == reason for effect in record.effects
    )


def _proves(taken: Any) -> bool:
    before, after = taken.before, taken.after
    return bool(
        {*after.threat.durable.proved, *after.guard.proved}
        - {*before.threat.durable.proved, *before.guard.proved}
    )


def _enters_view(taken: Any) -> bool:
    entered = taken.after.bft.durable.entered
    return entered is not None and entered is not taken.before.bft.durable.entered


GOALS: Final = (
    *(
        sometimes_in_step(f"level: {level}", _level(level))
        for level in ("NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL")
    ),
    *(sometimes_in_step(f"aborted: {why}", _aborted(why)) for why in ("threat", "stalled", "long", "joined")),
    sometimes_in_step(
        "a leader is elected",
        _in_replica(lambda taken: taken.after.is_leader and not taken.before.is_leader),
    ),
    sometimes_in_step("a view is entered", _in_replica(_enters_view)),
    sometimes_in_step(
        "a state is transferred",
        _in_replica(lambda taken: taken.after.bft.durable.executed - taken.before.bft.durable.executed > 1),
    ),
    attrs.evolve(
        sometimes_in_step("a Byzantine replica is proved faulty", _in_replica(_proves)), needs_byzantine=True
    ),
    *counted(
        THERE_AND_BACK,
        "switch: raft to bft",
        "switch: bft to raft",
        "switch: raft to raft",
        "an operation is accepted by a QC",
        "an operation is accepted as committed",
        "a switch takes over a prefix",
        "a replica learns from a switch what it had not locked",
        "a replica skips an epoch",
        "a replica recovers from a crash",
        "a replica recovers aborted",
        "a history is linearizable",
        "fault: a step cut short",
        "progress: Progress",
        "progress: Return",
    ),
    *counted("a tentative execution is undone", needs_byzantine=True),
    *counted(*(f"behaviour: {name}" for name in STRATEGIES), needs_byzantine=True),
)


# --- the declaration


def _behaviours(size: Size) -> Any:
    return behaviours(Adversary(configs_of(size), size.byzantine))


HYBRID: Final = Protocol(
    name="hybrid",
    core=lambda size: HybridCore(configs_of(size), times=_TIMES),
    spec="HybridRuns.tla",
    folder=Path(__file__).resolve().parents[2] / "specs" / "hybrid",
    sizes=[
        size_of(4, 1, "OracleByzantine.cfg"),
        size_of(5, 1, "OracleByzantineOfFive.cfg"),
        size_of(7, 2, "OracleTwoByzantine.cfg"),
        size_of(4, 0),
        size_of(10, 3),
    ],
    recorder=HybridRecorder,
    workload=lambda size: Workload(size).ops(),
    judges=[Safety, Linearizable],
    goals=GOALS,
    faults={
        "drop": 4,
        "duplicate": 4,
        "reorder": 3,
        "delay": 4,
        "degrade": 1,
        "partition": 3,
        "cut": 3,
        "heal": 8,
        "crash": 6,
        "crash_during": 14,
        "restart": 14,
        "pause": 2,
        "resume": 5,
    },
    pace=Pace(time=60, workload=50, faults=50),
    schedule=AttackSchedule,
    rest_every=4_000,
    progress=[Progress(), Return()],
    byzantine=Byzantine(_behaviours, share=0.08, together=0.5),
    mutants=MUTANTS,
    layers=LAYERS,
    network=Network(delay=Uniform(1, 20)),
    tear=keep_old,
    scenario_syntax=SYNTAX,
)

#: The actions of the spec, each of which runs must take.
_ACTIONS: Final = (
    "Vote",
    "Lock",
    "Accept",
    "Abort",
    "EndEpoch",
    "Decide",
    "VoteSwitchback",
    "StartEpoch",
    "Learn",
    "Raise",
    "Lower",
    "CoolDown",
    "Restart",
)

#: The same, and runs must take each action of the spec.
EACH_ACTION: Final = attrs.evolve(
    HYBRID, goals=(*GOALS, *counted(*(f"step: {action}" for action in _ACTIONS)))
)
