"""The workload and the faults of a run, drawn from a seed."""

import itertools
import random
from collections.abc import Iterable, Mapping
from typing import Final

from tlacheck.errors import ConfigError
from tlacheck.harness.protocol import Op, Protocol
from tlacheck.harness.run import Run
from tlacheck.sim.faults import Fault

__all__ = ["Schedule", "betray", "conclude", "fault_of"]

#: The weight of time that passes, and of the whole workload, beside the faults' together.
_TIME, _WORKLOAD, _FAULTS = 50, 30, 20
#: How likely a fault is a Byzantine node that changes its behaviour.
_BETRAYAL: Final = 0.3


class Schedule:
    """Draws what happens next in a run.

    Args:
        run: the run.
        seed: decides what is drawn.
        faults: which faults there are; those of the declaration, if None.
    """

    def __init__(
        self, run: Run, protocol: Protocol, *, seed: int, faults: Iterable[str] | None = None
    ) -> None:
        self._run = run
        self._random = random.Random(f"{protocol.name}:{seed}")  # noqa: S311 - a reproducible run, no secret
        self._ops = protocol.workload
        self._op_weights = list(itertools.accumulate(op.weight for op in protocol.workload))
        self._faults = protocol.faults if faults is None else protocol.faults_named(faults)
        for node in sorted(run.size.byzantine):
            betray(run, node, self._random)

    def happen(self) -> None:
        """Let one thing happen: time passes, a client asks, a fault comes.

        Raises:
            Diverged: as `Run.advance`.
        """
        kinds = ("time", "workload", "fault")
        weights = (_TIME, _WORKLOAD, _FAULTS if self._faults or self._run.size.byzantine else 0)
        (kind,) = self._random.choices(kinds, weights)
        match kind:
            case "time":
                self._run.advance(self._random.randint(1, 60))
            case "workload":
                self.ask()
            case _:
                self._fail()

    def ask(self) -> bool:
        """Let a client ask for something. False if there was nothing to ask for."""
        (op,) = self._random.choices(self._ops, cum_weights=self._op_weights)
        return ask(self._run, op, self._random)

    def _fail(self) -> None:
        byzantine = sorted(self._run.size.byzantine)
        if byzantine and (not self._faults or self._random.random() < _BETRAYAL):
            betray(self._run, self._random.choice(byzantine), self._random)
            return
        (name,) = self._random.choices(list(self._faults), list(self._faults.values()))
        fault = fault_of(name, self._run, self._random)
        if fault is not None:
            self._run.inflict(fault)


def ask(run: Run, op: Op, rng: random.Random) -> bool:
    """Let a client ask for this operation. False if there was nothing to ask for, or nobody took it."""
    request = op.make(rng, run.view)
    return request is not None and run.request(*request)


def betray(run: Run, node: str, rng: random.Random) -> None:
    """Let a Byzantine node behave otherwise from now on."""
    run.inflict(Fault.of("betray", node=node, behaviour=rng.choice(run.behaviours)))


def fault_of(name: str, run: Run, rng: random.Random) -> Fault | None:
    """A fault of that name with drawn parameters; None if there is nothing that it could befall now.

    At most one honest node is down or paused because of drawn faults: more would only wait.

    Raises:
        ConfigError: there is no such fault in schedules.
    """
    nodes, honest, world = run.size.nodes, run.size.honest, run.cluster.world
    absent = world.down | world.paused
    match name:
        case "drop" | "duplicate" | "reorder":
            return Fault.of(name, position=rng.randrange(1_000))
        case "delay":
            return Fault.of(name, position=rng.randrange(1_000), by_ms=rng.randint(10, 3_000))
        case "degrade":
            loss, duplication = rng.choice(((0, 0), (0, 0), (10, 5), (25, 20)))
            return Fault.of(name, loss=loss, duplication=duplication)
        case "partition":
            return Fault.of(name, island=sorted({rng.choice(nodes), rng.choice(nodes)}))
        case "cut":
            inside = rng.choice(nodes)
            outside = [node for node in nodes if node != inside]
            sources, dests = ([inside], outside) if rng.random() < 0.5 else (outside, [inside])
            return Fault.of(name, sources=sources, dests=dests)
        case "heal":
            return Fault.of(name)
        case "crash" if not absent:
            return Fault.of(name, node=rng.choice(honest), kept=0, torn=False)
        case "crash_during" if not absent:
            torn = rng.random() < 0.25
            return Fault.of(name, node=rng.choice(honest), done=rng.randint(0, 4), torn=torn)
        case "pause" if not absent:
            return Fault.of(name, node=rng.choice(honest))
        case "restart" if world.down:
            return Fault.of(name, node=rng.choice(sorted(world.down)))
        case "resume" if world.paused:
            return Fault.of(name, node=rng.choice(sorted(world.paused)))
        case "crash" | "crash_during" | "pause" | "restart" | "resume":
            return None
        case _:
            raise ConfigError(f"a schedule draws no fault {name}")


def conclude(run: Run, protocol: Protocol, schedule: Schedule) -> None:
    """End all faults, let the workload go on, and demand progress within its bound.

    Raises:
        Diverged: as `Run.advance`, or progress did not come about in time.
    """
    run.cluster.simulation.stabilise()
    progress = protocol.progress
    if progress is None:
        return
    begin: Mapping[str, object] = run.view
    end_ms = run.cluster.world.now_ms + progress.within_ms
    while run.cluster.world.now_ms < end_ms:
        schedule.ask()
        run.advance(min(25, end_ms - run.cluster.world.now_ms))
        if progress.is_reached(begin, run.view):
            return
    raise run.broken(progress.name, f"not reached within {progress.within_ms} ms after all faults had ended")
