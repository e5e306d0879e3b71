"""The declaration of a protocol: all that the harness needs to know of it.

A declaration is data and functions. It opens no file and starts no JVM: `tlacheck soak` reads it in each of
its processes.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.errors import ConfigError
from tlacheck.harness.judges import Expectation, Goal, Invariant, Judge
from tlacheck.harness.size import Size, View
from tlacheck.harness.spec_run import SpecRecorder, SpecRun
from tlacheck.harness.steps import SpecStep, SpecSteps
from tlacheck.harness.syntax import ScenarioSyntax
from tlacheck.mutants import Layer, Mutant
from tlacheck.sim.byzantine import Behaviour
from tlacheck.sim.cluster import Core, StepRecord
from tlacheck.sim.disk import torn
from tlacheck.sim.world import Network
from tlacheck.trace import Trace
from tlacheck.values import Value

__all__ = ["USUAL_FAULTS", "Byzantine", "Op", "Pace", "Protocol", "Requests"]

#: A trace of a failure shows at most so many steps, the last ones.
_TRACE_MAX: Final = 2_000

#: Fault -> its weight in a drawn schedule.
USUAL_FAULTS: Mapping[str, int] = immutabledict(
    drop=4,
    duplicate=4,
    reorder=4,
    delay=4,
    degrade=1,
    partition=1,
    cut=1,
    heal=4,
    crash=1,
    crash_during=3,
    restart=6,
    pause=1,
    resume=3,
)

#: The same, with faults of clocks, which only some protocols read.
_DRAWN: Final[Mapping[str, int]] = immutabledict(USUAL_FAULTS, crash_writing=3, skew=1, drift=1)

#: A node and the input that a client gives it; a list of them if clients speak to several nodes at once.
Requests: TypeAlias = tuple[str, Any] | list[tuple[str, Any]]


@attrs.frozen
class Op:
    """An operation of the workload.

    Attributes:
        name: for people.
        weight: how often it is drawn, beside the others.
        make: from random numbers and the view to a node and the input that a client gives it, or to a list of
            such pairs; None if there is nothing to ask for.
    """

    name: str
    weight: int = attrs.field(validator=attrs.validators.ge(1))
    make: Callable[[random.Random, View], Requests | None]


@attrs.frozen(kw_only=True)
class Pace:
    """The mixture of a drawn schedule.

    Attributes:
        time: the weight of time that passes.
        workload: the weight of the whole workload.
        faults: the weight of all faults and Byzantine nodes together.
        time_ms: at most so many milliseconds pass at once.
    """

    time: int = 50
    workload: int = 30
    faults: int = 20
    time_ms: int = 60


@attrs.frozen
class Byzantine:
    """The behaviours of nodes that do not follow the protocol, and what the spec makes of them.

    A specification either counts whatever a Byzantine node might say as said, and then none of its steps is a
    step of the spec; or it has actions for what they do.

    Attributes:
        behaviours: from a size to behaviours by name; made anew for each run, so that nodes may share what
            they know.
        steps: from a step of a Byzantine node to the steps of the spec that it stands for; none unless given.
        share: the probability that a drawn fault is a Byzantine node that changes its behaviour.
        together: the probability that all of them change to the same behaviour then.
        weights: behaviour -> how often it is drawn; 1 unless given.
    """

    behaviours: Callable[[Size], Mapping[str, Behaviour]]
    steps: Callable[[StepRecord], Iterable[SpecSteps]] = lambda _: ()
    share: float = 0.3
    together: float = 0.0
    weights: Mapping[str, int] = immutabledict()


def _no_steps(_: StepRecord) -> Iterable[SpecSteps]:
    return ()


def _nothing(_: View) -> Mapping[str, Value]:
    return immutabledict()


@attrs.frozen(kw_only=True)
class Protocol:
    """A protocol under test.

    Attributes:
        name: for people and files.
        core: from a size to the core, which the simulated cluster hosts.
        spec: the root module, relative to `folder`.
        folder: where the spec lies; the folder of the declaring module, if it says `Path(__file__).parent`.
        sizes: the clusters; the first is the usual one.
        observe: from the view, which has no Byzantine nodes, to values of spec variables. Those that it
            leaves out may have any value.
        steps: from a step of an honest node to the steps of the spec that it stands for, in order; none if
            the spec's state stays as it is.
        restart: from a node to the step of the spec that its restart is; None if the spec does not notice.
        recorder: made for each run, instead of `observe`, `steps` and `restart`: for a recorder that needs a
            memory, or to whom observing everything after each step costs too much.
        workload: what clients ask for; or from a size to that, made anew for each run, so that clients have a
            memory.
        machine_rules: more rules of the state machine: name -> a function of run and random numbers, which
            lets happen what short examples would seldom meet.
        invariants: what must hold in every view.
        judges: judges with a memory, made anew for each run.
        goals: what a campaign must meet.
        faults: fault -> weight.
        pace: how time, workload and faults are mixed.
        schedule: made of a run, the protocol, a seed and names of faults: a `tlacheck.harness.Schedule` of
            one's own.
        rest_every: after so many steps all faults end, and progress is demanded, then they go on; only at the
            end, if None.
        is_over: from the view to whether a run ends early; never unless given.
        progress: what must come about once faults have ended, one after the other; None if nothing.
        byzantine: what nodes do that need not follow the protocol; None if all follow it.
        mutants: wrong versions of the core that the checks must catch.
        layers: the checks that `tlacheck mutants` asks, the quickest first; a soak test unless given.
        network: what the network does by itself.
        clocks_within_ms: from a size to how far a clock may be from the virtual time, whatever faults say of
            it; any distance, if None.
        victims: from the view to the nodes of which a fault of nodes befalls one, half of the time; any node
            else.
        tolerated: from a size to how many nodes may be down or paused while the protocol makes progress:
            drawn faults keep to that, and now and then exceed it by one; one node, if None.
        tear: from what was on disk and what was being written to what a torn write leaves.
        scenario_syntax: the names of its inputs and messages in scenario files, and its own directives.
        trace_max: a trace shows at most so many steps of the spec, the last ones.
        shorten: from a trace of a failure to a shorter one, for properties that are expected to break.

    Raises:
        ConfigError: there is no size, no operation, a fault that nobody knows, or a size with Byzantine nodes
            and no behaviours.
    """

    name: str
    core: Callable[[Size], Core[Any, Any, Any]]
    spec: str
    folder: Path
    sizes: Sequence[Size]
    observe: Callable[[View], Mapping[str, Value]] = _nothing
    steps: Callable[[StepRecord], Iterable[SpecSteps]] = _no_steps
    restart: Callable[[str], SpecStep | None] = lambda _: None
    recorder: Callable[[Size, SpecRun], SpecRecorder] | None = None
    workload: Sequence[Op] | Callable[[Size], Sequence[Op]]
    machine_rules: Mapping[str, Callable[[Any, random.Random], None]] = immutabledict()
    invariants: Sequence[Invariant] = ()
    judges: Sequence[Callable[[Size], Judge]] = ()
    goals: Sequence[Goal] = ()
    faults: Mapping[str, int] = USUAL_FAULTS
    pace: Pace = attrs.field(factory=Pace)
    schedule: Callable[..., Any] | None = None
    rest_every: int | None = None
    is_over: Callable[[View], bool] = lambda _: False
    progress: Expectation | Sequence[Expectation] | None = None
    byzantine: Byzantine | None = None
    mutants: Sequence[Mutant] = ()
    layers: Sequence[Layer] = ()
    network: Network = attrs.field(factory=Network)
    clocks_within_ms: Callable[[Size], int | None] | None = None
    victims: Callable[[View], Sequence[str]] | None = None
    tolerated: Callable[[Size], int] | None = None
    tear: Callable[[Any, Any], Any] = torn
    scenario_syntax: ScenarioSyntax = attrs.field(factory=ScenarioSyntax)
    trace_max: int = _TRACE_MAX
    shorten: Callable[[Trace], Trace] | None = None

    def __attrs_post_init__(self) -> None:
        operations = len(self.ops(self.sizes[0])) if self.sizes else 0
        if not operations:
            raise ConfigError(
                f"{self.name} declares {len(self.sizes)} sizes and {operations} operations; "
                "a protocol needs at least one of each"
            )
        if self.byzantine is None and any(size.byzantine for size in self.sizes):
            raise ConfigError(f"{self.name} declares a size with Byzantine nodes, and no behaviours for them")
        self.faults_named(self.faults)

    def ops(self, size: Size) -> Sequence[Op]:
        """The workload of one run."""
        return self.workload(size) if callable(self.workload) else self.workload

    @property
    def expectations(self) -> tuple[Expectation, ...]:
        """The progress that is demanded, one after the other."""
        if self.progress is None:
            return ()
        return tuple(self.progress) if isinstance(self.progress, Sequence) else (self.progress,)

    def goals_of(self, size: Size) -> tuple[str, ...]:
        """The names of the goals that a cluster of this size must meet."""
        return tuple(goal.name for goal in self.goals if size.byzantine or not goal.needs_byzantine)

    def faults_named(self, names: Iterable[str]) -> Mapping[str, int]:
        """Those faults with their weights.

        Raises:
            ConfigError: one is not among those that a schedule draws.
        """
        chosen = list(names)
        if strangers := [name for name in chosen if name not in _DRAWN]:
            raise ConfigError(
                f"a schedule draws no fault {', '.join(strangers)}: there are {', '.join(_DRAWN)}"
            )
        return immutabledict((name, self.faults.get(name, _DRAWN[name])) for name in chosen)

    def size(self, nodes: int | None, byzantine: int | None = None) -> Size:
        """The first size with so many nodes, so many of them Byzantine; any number of them, if None.

        Raises:
            ConfigError: there is none.
        """
        for size in self.sizes:
            if nodes in (None, len(size.nodes)) and byzantine in (None, len(size.byzantine)):
                return size
        of = "" if byzantine is None else f" of which {byzantine} are Byzantine"
        wanted = f"nodes{of}" if nodes is None else f"{nodes} nodes{of}"
        known = ", ".join(f"{len(size.nodes)} ({len(size.byzantine)} Byzantine)" for size in self.sizes)
        raise ConfigError(f"{self.name} declares no size of {wanted}; it declares {known}")

    def mutant(self, name: str) -> Mutant:
        """The mutant of that name.

        Raises:
            ConfigError: there is none.
        """
        for mutant in self.mutants:
            if mutant.name == name:
                return mutant
        known = ", ".join(mutant.name for mutant in self.mutants) or "none"
        raise ConfigError(f"{self.name} has no mutant {name!r}; it has {known}")
