"""The declaration of a protocol: all that the harness needs to know of it.

A declaration is data and functions. It opens no file and starts no JVM: `tlacheck soak` reads it in each of its
processes.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.errors import ConfigError
from tlacheck.mutants import Mutant
from tlacheck.sim.byzantine import Behaviour
from tlacheck.sim.cluster import Core, StepRecord
from tlacheck.sim.world import Network
from tlacheck.values import Value

__all__ = [
    "USUAL_FAULTS",
    "Byzantine",
    "Eventually",
    "Goal",
    "Invariant",
    "Op",
    "Protocol",
    "Size",
    "SpecStep",
    "View",
    "sometimes",
    "spec_step",
]

#: Node -> its state, as the recorder has it: of a node that is down, what it will come back from.
View: TypeAlias = Mapping[str, Any]
#: An action of the spec with its arguments.
SpecStep: TypeAlias = tuple[str, Mapping[str, Value]]

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


def spec_step(action: str, /, **arguments: Value) -> SpecStep:
    """One step of the spec: an action with some of its arguments, or all."""
    return action, immutabledict(arguments)


@attrs.frozen
class Size:
    """A size of the cluster.

    Attributes:
        nodes: the names of the nodes.
        config: the configuration of the spec that speaks of them.
    """

    nodes: tuple[str, ...] = attrs.field(converter=tuple)
    config: str


@attrs.frozen
class Op:
    """An operation of the workload.

    Attributes:
        name: for people.
        weight: how often it is drawn, beside the others.
        make: from random numbers and the view to a node and the input that a client gives it; None if there is
            nothing to ask for.
    """

    name: str
    weight: int = attrs.field(validator=attrs.validators.ge(1))
    make: Callable[[random.Random, View], tuple[str, Any] | None]


@attrs.frozen
class Invariant:
    """A property of every view.

    Attributes:
        name: as the spec calls it, if it does.
        broken: from the view to why it does not hold, in words; None or an empty text if it holds.
    """

    name: str
    broken: Callable[[View], str | None]


@attrs.frozen
class Goal:
    """A situation that a campaign must meet, or it says nothing.

    Attributes:
        name: for people.
        is_met: from the view before a step and the view after it.
    """

    name: str
    is_met: Callable[[View, View], bool]


def sometimes(name: str, is_met: Callable[[View, View], bool]) -> Goal:
    """A coverage goal: a situation that must come up, told by the views before and after a step."""
    return Goal(name, is_met)


@attrs.frozen
class Eventually:
    """Progress: once all faults have ended it comes about in time.

    Attributes:
        name: for people.
        is_reached: from the view at the end of the faults and the view now.
        within_ms: in so many virtual milliseconds.
    """

    name: str
    is_reached: Callable[[View, View], bool]
    within_ms: int = attrs.field(validator=attrs.validators.ge(1))


@attrs.frozen
class Byzantine:
    """The nodes that may be Byzantine, and their behaviours.

    Attributes:
        behaviours: by name.
        faulty: from a size to the nodes that may be; a soak takes as many of them as it is told.
    """

    behaviours: Mapping[str, Behaviour]
    faulty: Callable[[Size], Sequence[str]]


@attrs.frozen(kw_only=True)
class Protocol:
    """A protocol under test.

    Attributes:
        name: for people and files.
        core: makes the core, which the simulated cluster hosts.
        spec: the root module, relative to `folder`.
        folder: where the spec lies; the folder of the declaring module, if it says `Path(__file__).parent`.
        sizes: the clusters; the first is the usual one.
        observe: from the view to values of spec variables. Those that it leaves out may have any value.
        steps: from a step of a node to the steps of the spec that it stands for, in order; none if the spec's state
            stays as it is.
        restart: from a node to the step of the spec that its restart is; None if the spec does not notice.
        workload: what clients ask for.
        invariants: what must hold in every view.
        goals: what a campaign must meet.
        faults: fault -> weight.
        progress: what must come about once faults have ended; None if nothing.
        byzantine: nodes that may not follow the protocol; None if all do.
        mutants: wrong versions of the core that the checks must catch.
        network: what the network does by itself.

    Raises:
        ConfigError: there is no size, no operation, or a fault that nobody knows.
    """

    name: str
    core: Callable[[], Core[Any, Any, Any]]
    spec: str
    folder: Path
    sizes: Sequence[Size]
    observe: Callable[[View], Mapping[str, Value]]
    steps: Callable[[StepRecord], Iterable[SpecStep]]
    restart: Callable[[str], SpecStep | None] = lambda _: None
    workload: Sequence[Op]
    invariants: Sequence[Invariant] = ()
    goals: Sequence[Goal] = ()
    faults: Mapping[str, int] = USUAL_FAULTS
    progress: Eventually | None = None
    byzantine: Byzantine | None = None
    mutants: Sequence[Mutant] = ()
    network: Network = attrs.field(factory=Network)

    def __attrs_post_init__(self) -> None:
        if not self.sizes or not self.workload:
            raise ConfigError(
                f"{self.name} declares {len(self.sizes)} sizes and {len(self.workload)} operations; "
                "a protocol needs at least one of each"
            )
        self.faults_named(self.faults)

    def faults_named(self, names: Iterable[str]) -> Mapping[str, int]:
        """Those faults with their weights.

        Raises:
            ConfigError: one is not among those that a schedule draws.
        """
        chosen = list(names)
        if strangers := [name for name in chosen if name not in USUAL_FAULTS]:
            raise ConfigError(
                f"a schedule draws no fault {', '.join(strangers)}: there are {', '.join(USUAL_FAULTS)}"
            )
        return immutabledict((name, self.faults.get(name, USUAL_FAULTS[name])) for name in chosen)

    def size(self, nodes: int | None) -> Size:
        """The size with so many nodes; the usual one, if None.

        Raises:
            ConfigError: there is none.
        """
        found = [size for size in self.sizes if nodes is None or len(size.nodes) == nodes]
        if not found:
            known = ", ".join(str(len(size.nodes)) for size in self.sizes)
            raise ConfigError(f"{self.name} has no size of {nodes} nodes; it has {known}")
        return found[0]

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
