"""One run of a protocol: a simulated cluster, its recorder, and the judges that look at every step."""

import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
from immutabledict import immutabledict

from tlacheck import __version__, itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.errors import ConfigError
from tlacheck.harness.judges import Broken, Expectation, Finding, Judge
from tlacheck.harness.protocol import Protocol
from tlacheck.harness.recorder import OwnRecorder, Recorder, Violated, is_kept
from tlacheck.harness.size import Size, View
from tlacheck.sim.byzantine import ActiveBehaviour, Behaviour, ByzantineAction, ByzantineContext
from tlacheck.sim.cluster import Cluster, Core, Observer, StepRecord
from tlacheck.sim.faults import Fault
from tlacheck.sim.world import Flight
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Origin, State, Trace, Violation

__all__ = ["TOTAL", "Event", "Run", "oracle_of", "spec_of"]

#: The property that a core answers every input, malformed ones included, and never raises.
TOTAL: Final = "Total"

_T = TypeVar("_T")
_J = TypeVar("_J", bound=Judge)


def spec_of(protocol: Protocol, size: Size) -> Spec:
    """The spec that speaks of a cluster of this size.

    Raises:
        ConfigError: no configuration speaks of it.
        SpecError: a file is missing.
    """
    if not size.config:
        raise ConfigError(
            f"no configuration of {protocol.spec} speaks of {len(size.nodes)} nodes of which "
            f"{len(size.byzantine)} are Byzantine; with --not-judged they run without the spec"
        )
    return Spec.load(protocol.folder / protocol.spec, protocol.folder / size.config)


def oracle_of(protocol: Protocol, size: Size) -> SpecOracle:
    """The oracle of the spec for a cluster of this size; loaded once a process.

    Raises:
        ConfigError, SpecError: as `spec_of`.
    """
    spec = spec_of(protocol, size)
    return _loaded(spec.path, spec.config)


@functools.lru_cache(maxsize=8)
def _loaded(path: Path, config: Path) -> SpecOracle:
    return SpecOracle(Spec.load(path, config))


@attrs.frozen
class Event:
    """One thing that happened to a cluster.

    Attributes:
        kind: "demand", or the method of `Run`: "advance", "inflict", "request", "deliver", "fire" or
            "stabilise".
        what: milliseconds, a fault, a node and an input, a message on its way, or a node and its timer; None
            for the last.
    """

    kind: str
    what: Any = None


class Run:
    """A cluster of one protocol in which every step is judged.

    Args:
        protocol: the declaration.
        size: of the cluster; shuffled by the seed, if it says so.
        seed: decides delays and losses.
        oracle: judges each step by the spec; None leaves the spec out.
        command: the command that repeats the run.
        listener: told of each step and restart once it is judged; of one that breaks something as well.
        only: the properties that end the run when they break; all if None. That the core raises, or leaves
            the spec, always ends it.

    Attributes:
        size: of the cluster.
        cluster: the cluster.
        recorder: the run, as the spec has it.
        listener: as the argument; it may be set until the first step.
        judges: the judges of this run, in the order of the declaration.
        ops: the workload of this run.
        steps: how many steps nodes took.
        found: the properties that broke, each with the first reason.
        behaviours: the names of the ways in which its Byzantine nodes may behave.
        events: what happened so far, for the run to be played again.
        has_failed: True once a step was refused or a property broke that ends the run.

    Raises:
        Diverged: the nodes do not start as the spec does.
    """

    def __init__(
        self,
        protocol: Protocol,
        size: Size,
        *,
        seed: int,
        oracle: SpecOracle | None,
        command: str = "",
        listener: Observer | None = None,
        only: Collection[str] | None = None,
    ) -> None:
        self.size = size = size.drawn(seed)
        self.steps = 0
        self.has_failed = False
        self.found: dict[str, str] = {}
        self.events: list[Event] = []
        self._is_recorded = True
        self.judges = tuple(judge(size) for judge in protocol.judges)
        self.ops = tuple(protocol.ops(size))
        wanted = [goal for goal in protocol.goals_of(size) if oracle or not goal.startswith("step: ")]
        self._goals: Counter[str] = Counter(dict.fromkeys(wanted, 0))
        self._undone = 0
        self._mattered: Counter[str] = Counter()
        declared = protocol.byzantine
        behaviours = declared.behaviours(size) if declared is not None and size.byzantine else {}
        self.behaviours = tuple(sorted(behaviours))
        self._protocol = protocol
        self.listener = listener
        self._only = only
        self._origin = Origin(
            source="simulation",
            spec=protocol.spec,
            config=size.config,
            seed=seed,
            command=command,
            versions=immutabledict({"tlacheck": __version__}),
        )
        self.cluster = Cluster(
            _Guarded(protocol.core(size)),
            size.nodes,
            seed=seed,
            network=protocol.network,
            clocks_within_ms=None if protocol.clocks_within_ms is None else protocol.clocks_within_ms(size),
            behaviours={name: _Watched(name, each, self._mattered) for name, each in behaviours.items()},
            tear=protocol.tear,
            observer=self,
        )
        recorder = Recorder if protocol.recorder is None else OwnRecorder
        self.recorder = recorder(protocol, size, oracle, self.cluster.states, self._origin)

    @property
    def view(self) -> View:
        """Node -> its state, of those that follow the protocol."""
        return self.recorder.view

    @property
    def goals(self) -> Counter[str]:
        """Goal -> how often it was met; with 0 those that nobody met.

        All behaviours that made a difference are counted as well.
        """
        goals = Counter(self._goals)
        for kind, counts in (
            ("behaviour", self._mattered),
            ("fault", {**self.cluster.simulation.met, "a step undone": self._undone}),
            ("step", self.recorder.actions),
        ):
            for name, count in counts.items():
                goal = f"{kind}: {name}"
                if count and (goal in goals or kind == "behaviour"):
                    goals[goal] += count
        return goals

    def judge(self, kind: type[_J]) -> _J:
        """The judge of this kind.

        Raises:
            LookupError: there is none.
        """
        for judge in self.judges:
            if isinstance(judge, kind):
                return judge
        raise LookupError(f"no judge of this run is a {kind.__name__}")

    def meet(self, goal: str) -> None:
        """Count a situation that came up."""
        self._goals[goal] += 1

    # --- what happens

    def advance(self, for_ms: int) -> None:
        """Let so many virtual milliseconds pass.

        Raises:
            Diverged: a step is not the spec's, an invariant breaks, or the core raises.
        """
        self._record("advance", for_ms)
        self._judged(lambda: self.cluster.advance(for_ms))

    def inflict(self, fault: Fault) -> bool:
        """Let a fault happen. False if it found nothing to do.

        Raises:
            Diverged: as `advance`.
        """
        self._record("inflict", fault)
        return self._judged(lambda: self.cluster.inflict(fault))

    def request(self, node: str, inp: object) -> bool:
        """Give a node a client's input. False if the node is down or paused.

        Raises:
            Diverged: as `advance`.
        """
        self._record("request", (node, inp))
        for judge in self.judges:
            self._weigh(judge.on_request(node, inp))
        return self._judged(lambda: self.cluster.request(node, inp))

    def deliver(self, flight: Flight[Any]) -> bool:
        """Let a message come due now, before all others. False if its receiver is paused.

        Raises:
            ConfigError: it is not on its way.
            Diverged: as `advance`.
        """
        self._record("deliver", flight)
        return self._judged(lambda: self.cluster.simulation.deliver(flight))

    def fire(self, node: str, timer: object) -> bool:
        """Let a timer fire now. False if it does not run, or its node is down or paused.

        Raises:
            Diverged: as `advance`.
        """
        self._record("fire", (node, timer))
        return self._judged(lambda: self.cluster.simulation.fire(node, timer))

    def stabilise(self) -> None:
        """End all faults.

        Raises:
            Diverged: as `advance`.
        """
        self._record("stabilise")
        self._judged(self.cluster.simulation.stabilise)

    def finish(self) -> None:
        """Judge the run as a whole: it has ended.

        Raises:
            Diverged: a property of it is broken, or it does not end as the spec does.
        """
        for judge in self.judges:
            self._weigh(judge.on_end())
        try:
            self.recorder.finish()
        except Diverged:
            self.has_failed = True
            raise

    def demand_failed(self, name: str, why: str) -> None:
        """Progress did not come about.

        Raises:
            Violated: such failures end the run.
        """
        self._break(name, why)

    @contextlib.contextmanager
    def demanding(self, expectation: Expectation, seed: int) -> Iterator[None]:
        """Record a demand of progress as one event, whatever clients ask meanwhile."""
        self._record("demand", (expectation, seed))
        self._is_recorded = False
        try:
            yield
        finally:
            self._is_recorded = True

    def _record(self, kind: str, what: Any = None) -> None:
        if self._is_recorded:
            self.events.append(Event(kind, what))

    def _judged(self, happen: Callable[[], _T]) -> _T:
        try:
            return happen()
        except _StepRaised as failure:
            raise self.broken(TOTAL, str(failure)) from failure.__cause__

    def broken(self, name: str, why: str) -> Violated:
        """The failure that a property does not hold after the last step."""
        trace = self.recorder.trace(name, (why,))
        if trace is None:
            observed = State(self._protocol.observe(self.recorder.view))
            violation = Violation(property=name, step=None, explanation=(why,))
            trace = Trace(initial=observed, steps=(), origin=self._origin, violation=violation)
        self.has_failed = True
        return Violated(trace)

    def _break(self, name: str, why: str) -> None:
        self.found.setdefault(name, why)
        if self._only is None or name in self._only:
            raise self.broken(name, why)

    def keep(self, trace: Trace, folder: Path, stem: str) -> tuple[Path | None, Path]:
        """Write a trace and the cluster's log; their files.

        A trace without variables shows nothing: there is no file.
        """
        folder.mkdir(parents=True, exist_ok=True)
        file, log = folder / f"{stem}.itf.json", folder / f"{stem}.log"
        log.write_text(self.cluster.simulation.log_text, encoding="utf-8")
        file.unlink(missing_ok=True)
        if not trace.initial:
            return None, log
        itf.write(trace, file)
        return file, log

    # --- what the cluster tells

    def on_step(self, record: StepRecord) -> None:
        """A node took a step."""
        self.steps += 1
        is_honest = record.node not in self.size.byzantine
        self._undone += is_kept(record) is not True and bool(record.commands)
        try:
            self._judge(
                lambda: self.recorder.on_step(record),
                (lambda: self._findings(record)) if is_honest else _nothing,
            )
        finally:
            if self.listener is not None:
                self.listener.on_step(record)

    def on_restart(self, node: str, state: object) -> None:
        """A node came back."""
        is_byzantine = node in self.size.byzantine
        try:
            self._judge(
                lambda: self.recorder.on_restart(node, state),
                _nothing if is_byzantine else lambda: self._findings_of_restart(node, state),
            )
        finally:
            if self.listener is not None:
                self.listener.on_restart(node, state)

    def on_lost(self, flight: Flight[object]) -> None:
        """A copy of a message is lost."""
        self._follow(lambda: self.recorder.on_lost(flight.message))
        for judge in self.judges:
            self._weigh(judge.on_lost(flight.message))

    def on_double(self, flight: Flight[object]) -> None:
        """A message gets a second copy."""
        self._follow(lambda: self.recorder.on_double(flight.message))
        for judge in self.judges:
            self._weigh(judge.on_double(flight.message))

    def _findings(self, record: StepRecord) -> Iterable[Finding]:
        if is_kept(record) is not True:
            for judge in self.judges:
                yield from judge.on_undone(record)
            return
        for goal in self._protocol.goals:
            if goal.is_met_in is not None:
                self._goals[goal.name] += bool(goal.is_met_in(record))
        for judge in self.judges:
            yield from judge.on_step(record)

    def _findings_of_restart(self, node: str, state: object) -> Iterable[Finding]:
        for judge in self.judges:
            yield from judge.on_restart(node, state)

    def _judge(self, follow: Callable[[], None], findings: Callable[[], Iterable[Finding]]) -> None:
        before = self.view
        self._follow(follow)
        self._weigh(findings())
        self._judge_view(before, self.view)

    def _follow(self, follow: Callable[[], None]) -> None:
        try:
            follow()
        except Diverged:
            self.has_failed = True
            raise

    def _weigh(self, findings: Iterable[Finding]) -> None:
        broken = []
        for finding in findings:
            if isinstance(finding, Broken):
                broken.append(finding)
            else:
                self._goals[finding.goal] += 1
        for each in broken:
            self._break(each.property, each.why)

    def _judge_view(self, before: View, view: View) -> None:
        for goal in self._protocol.goals:
            if goal.is_met is not None:
                self._goals[goal.name] += bool(goal.is_met(before, view))
        if view is before and self.steps > 1:  # the first step is judged for the state in which the run began
            return
        for invariant in self._protocol.invariants:
            if why := invariant.broken(view):
                self._break(invariant.name, why)


def _nothing() -> Iterable[Finding]:
    return ()


@attrs.frozen
class _Watched:
    """A behaviour under its name, with a count of its messages that differ from an honest node's."""

    name: str
    behaviour: Behaviour
    mattered: Counter[str] = attrs.field(eq=False)

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one node."""
        act = self.behaviour.begin()

        def watched(context: ByzantineContext) -> ByzantineAction:
            action = act(context)
            self.mattered[self.name] += action.sent != context.honest.sent
            return action

        return watched


class _StepRaised(Exception):
    """The core raised an exception in a step; its cause is that exception."""


class _Guarded:
    """A core whose exceptions are told from those of the declaration."""

    def __init__(self, core: Core[Any, Any, Any]) -> None:
        self._core = core
        self.start, self.commands = core.start, core.commands
        self.on_message, self.on_timer = core.on_message, core.on_timer
        self.on_request = getattr(core, "on_request", lambda inp, _: inp)

    def step(self, state: Any, inp: Any) -> tuple[Any, Iterable[Any]]:
        """Take one step of the core.

        Raises:
            _StepRaised: the core raised.
        """
        try:
            after, effects = self._core.step(state, inp)
            return after, list(effects)
        except Exception as error:
            raise _StepRaised(f"the core raised {type(error).__name__}: {error} on {inp!r}") from error
