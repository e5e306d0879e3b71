"""The workload and the faults of a run, drawn from a seed."""

import random
from collections.abc import Iterable, Sequence
from typing import Final

from tlacheck.errors import ConfigError
from tlacheck.harness.judges import Expectation
from tlacheck.harness.protocol import Byzantine, Op, Protocol
from tlacheck.harness.run import Run
from tlacheck.sim.faults import Fault

__all__ = ["Schedule", "conclude", "demand", "fault_of", "make_byzantine", "schedule_of"]

#: A run that takes no steps any more ends after so many drawn events for each step that was wanted.
_EVENTS_MAX: Final = 20
#: How likely a drawn fault may take one node more than the protocol tolerates.
_ONE_MORE: Final = 0.1


class Schedule:
    """Draws what happens next in a run.

    A protocol may bring one of its own, with other phases (`Protocol.schedule`).

    Args:
        run: the run.
        protocol: the declaration.
        seed: decides what is drawn.
        faults: which faults there are; those of the declaration, if None.

    Attributes:
        run: the run.
        random: decides what is drawn.
    """

    def __init__(
        self, run: Run, protocol: Protocol, *, seed: int, faults: Iterable[str] | None = None
    ) -> None:
        self.run = run
        self.random = random.Random(f"{protocol.name}:{seed}")  # noqa: S311 - a reproducible run, no secret
        self._protocol = protocol
        self._faults = protocol.faults if faults is None else protocol.faults_named(faults)

    @property
    def has_faults(self) -> bool:
        """True if nodes, the network or clocks may fail."""
        return bool(self._faults)

    def begin(self) -> None:
        """Let Byzantine nodes behave otherwise from the start on; all alike, if they may act together.

        Raises:
            Diverged: as `Run.advance`, and so in what follows.
        """
        declared = self._protocol.byzantine
        together = declared is not None and declared.together > 0
        self._change_behaviour(sorted(self.run.size.byzantine), together=together)

    def round(self, until: int) -> None:
        """Let things happen until nodes have taken so many steps in all, or nothing moves any more."""
        events_left = _EVENTS_MAX * (until - self.run.steps)
        while self.run.steps < until and events_left and not self._protocol.is_over(self.run.view):
            self.happen()
            events_left -= 1

    def conclude(self) -> None:
        """End all faults, let the workload go on, and demand progress within its bound."""
        conclude(self.run, self._protocol, self)

    def happen(self) -> None:
        """Let one thing happen: time passes, a client asks, a fault comes."""
        pace = self._protocol.pace
        kinds = ("time", "workload", "fault")
        has_faults = self._faults or self.run.size.byzantine
        (kind,) = self.random.choices(kinds, (pace.time, pace.workload, pace.faults if has_faults else 0))
        match kind:
            case "time":
                self.run.advance(self.random.randint(1, pace.time_ms))
            case "workload":
                self.ask()
            case _:
                self._fail()

    def ask(self) -> bool:
        """Let a client ask for something. False if there was nothing to ask for."""
        return ask_any(self.run, self.random)

    def _fail(self) -> None:
        byzantine, declared = sorted(self.run.size.byzantine), self._protocol.byzantine
        if declared is not None and byzantine and (not self._faults or self.random.random() < declared.share):
            together = self.random.random() < declared.together
            self._change_behaviour(
                byzantine if together else [self.random.choice(byzantine)], together=together
            )
            return
        (name,) = self.random.choices(list(self._faults), list(self._faults.values()))
        fault = fault_of(name, self.run, self.random, self._protocol)
        if fault is not None:
            self.run.inflict(fault)

    def _change_behaviour(self, nodes: Sequence[str], *, together: bool) -> None:
        """Let these nodes behave otherwise; all alike, if they act together."""
        declared = self._protocol.byzantine
        if declared is None or not nodes:
            return
        behaviour = behaviour_of(declared, self.run, self.random)
        for node in nodes:
            self.run.inflict(Fault.of("make_byzantine", node=node, behaviour=behaviour))
            if not together:
                behaviour = behaviour_of(declared, self.run, self.random)


def schedule_of(run: Run, protocol: Protocol, *, seed: int, faults: Iterable[str] | None = None) -> Schedule:
    """The schedule of a run, of the protocol's own kind if it declares one.

    Raises:
        ConfigError: what it declares makes no `Schedule`.
    """
    made = (protocol.schedule or Schedule)(run, protocol, seed=seed, faults=faults)
    if not isinstance(made, Schedule):
        raise ConfigError(f"{protocol.name}.schedule makes a {type(made).__name__}, and no Schedule")
    return made


def ask(run: Run, op: Op, rng: random.Random) -> bool:
    """Let a client ask for this operation. False if there was nothing to ask for, or nobody took it."""
    found = op.make(rng, run.view)
    if found is None:
        return False
    requests = found if isinstance(found, list) else [found]
    taken = [run.request(node, inp) for node, inp in requests]
    return any(taken)


def ask_any(run: Run, rng: random.Random) -> bool:
    """Let a client ask for a drawn operation of the workload. False if there was nothing to ask for."""
    (op,) = rng.choices(run.ops, [op.weight for op in run.ops])
    return ask(run, op, rng)


def behaviour_of(declared: Byzantine, run: Run, rng: random.Random) -> str:
    """A drawn behaviour, by the weights of the declaration."""
    weights = [declared.weights.get(name, 1) for name in run.behaviours]
    (name,) = rng.choices(run.behaviours, weights)
    return name


def make_byzantine(run: Run, protocol: Protocol, node: str, rng: random.Random) -> None:
    """Let a Byzantine node behave otherwise from now on."""
    if protocol.byzantine is not None:
        behaviour = behaviour_of(protocol.byzantine, run, rng)
        run.inflict(Fault.of("make_byzantine", node=node, behaviour=behaviour))


def fault_of(name: str, run: Run, rng: random.Random, protocol: Protocol) -> Fault | None:
    """A fault of that name with drawn parameters; None if there is nothing that it could befall now.

    Of the honest nodes at most one is down or paused because of drawn faults; or as many as the declaration
    says that the protocol tolerates, and now and then one more, when only safety can be asked.

    Raises:
        ConfigError: there is no such fault in schedules.
    """
    nodes, honest, world = run.size.nodes, run.size.honest, run.cluster.world
    absent = world.down | world.paused
    victims = protocol.victims
    preferred = victims(run.view) if victims is not None and rng.random() < 0.5 else ()
    up = [node for node in honest if node not in absent]

    def one_of(anybody: Sequence[str]) -> str:
        return rng.choice(preferred or anybody)

    def may_leave() -> bool:
        if protocol.tolerated is None:
            return not absent
        one_more = rng.random() < _ONE_MORE
        return bool(up) and len(absent) < max(1, protocol.tolerated(run.size)) + one_more

    match name:
        case "drop" | "duplicate" | "reorder":
            return Fault.of(name, position=rng.randrange(1_000))
        case "delay":
            return Fault.of(name, position=rng.randrange(1_000), by_ms=rng.randint(10, 3_000))
        case "degrade":
            loss, duplication = rng.choice(((0, 0), (0, 0), (10, 5), (25, 20)))
            return Fault.of(name, loss=loss, duplication=duplication)
        case "partition":
            return Fault.of(name, group=sorted({one_of(nodes), rng.choice(nodes)}))
        case "cut":
            inside = one_of(nodes)
            outside = [node for node in nodes if node != inside]
            sources, dests = ([inside], outside) if rng.random() < 0.5 else (outside, [inside])
            return Fault.of(name, sources=sources, dests=dests)
        case "heal":
            return Fault.of(name)
        case "crash" | "crash_during" | "crash_writing" | "pause" if may_leave():
            preferred = [node for node in preferred if node not in absent]
            if name == "crash":
                return _crash(one_of(up), run, rng)
            if name == "pause":
                return Fault.of(name, node=one_of(up))
            torn = rng.random() < 0.25
            return Fault.of(name, node=one_of(up), done=rng.randint(0, 4), torn=torn)
        case "skew":
            return Fault.of(name, node=one_of(honest), by_ms=rng.randint(-300, 300))
        case "drift":
            return Fault.of(name, node=one_of(honest), ppm=rng.randint(-300_000, 500_000))
        case "restart" if world.down:
            return Fault.of(name, node=rng.choice(sorted(world.down)))
        case "resume" if world.paused:
            return Fault.of(name, node=rng.choice(sorted(world.paused)))
        case "crash" | "crash_during" | "crash_writing" | "pause" | "restart" | "resume":
            return None
        case _:
            raise ConfigError(f"a schedule draws no fault {name}")


def _crash(node: str, run: Run, rng: random.Random) -> Fault:
    """A crash that keeps some of the unsynced writes, if there are any, and may tear the next."""
    pending = len(run.cluster.disks[node].pending)
    kept = rng.randint(0, pending) if pending else 0
    return Fault.of("crash", node=node, kept=kept, torn=kept < pending and rng.random() < 0.5)


def conclude(run: Run, protocol: Protocol, schedule: Schedule) -> None:
    """End all faults, let the workload go on, and demand progress within its bound.

    Raises:
        Diverged: as `Run.advance`, or progress did not come about in time.
    """
    run.stabilise()
    for expectation in protocol.expectations:
        demand(run, expectation, schedule.random.randrange(1 << 32))


def demand(run: Run, expectation: Expectation, seed: int) -> None:
    """Demand progress within its bound; the goal `progress: NAME` is met when it comes about.

    Args:
        run: the run, all of whose faults have ended.
        expectation: the progress.
        seed: decides what clients ask for while they wait.

    Raises:
        Diverged: as `Run.advance`, or progress did not come about in time.
    """
    world, rng = run.cluster.world, random.Random(seed)  # noqa: S311 - a reproducible run, no secret
    with run.demanding(expectation, seed):
        demanded = expectation.begin(run, lambda: ask_any(run, rng))
        within_ms = demanded.within_ms
        end_ms = world.now_ms + within_ms
        while world.now_ms < end_ms:
            demanded.meanwhile()
            run.advance(min(demanded.every_ms, end_ms - world.now_ms))
            if demanded.is_reached():
                run.meet(f"progress: {expectation.name}")
                return
        where = demanded.where()
        reason = f"not reached within {within_ms} ms after all faults had ended"
        run.demand_failed(expectation.name, f"{reason}: {where}" if where else reason)
