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
from tlacheck.sim.disk import torn
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


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


def _distinct_names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(names)


@attrs.frozen
class Size:
    """A size of the cluster.

    Attributes:
        nodes: the names of the nodes.
        config: the configuration of the spec that speaks of them.
        byzantine: those of them that need not follow the protocol. The configuration says the same of them.

    Raises:
        ConfigError: a Byzantine node is no node.
    """

    nodes: tuple[str, ...] = attrs.field(converter=_names)
    config: str
    byzantine: frozenset[str] = attrs.field(default=frozenset(), converter=_distinct_names)

    def __attrs_post_init__(self) -> None:
        if strangers := sorted(self.byzantine.difference(self.nodes)):
            raise ConfigError(
                f"Byzantine are {', '.join(strangers)}, and there are only {', '.join(self.nodes)}"
            )

    @property
    def honest(self) -> tuple[str, ...]:
        """The nodes that follow the protocol."""
        return tuple(node for node in self.nodes if node not in self.byzantine)


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
    """The behaviours of nodes that do not follow the protocol, and what the spec makes of them.

    A specification either counts whatever a Byzantine node might say as said, and then none of its steps is a step
    of the spec; or it has actions for what they do.

    Attributes:
        behaviours: from a size to behaviours by name; made anew for each run, so that nodes may share what they know.
        steps: from a step of a Byzantine node to the steps of the spec that it stands for; none unless given.
    """

    behaviours: Callable[[Size], Mapping[str, Behaviour]]
    steps: Callable[[StepRecord], Iterable[SpecStep]] = lambda _: ()


@attrs.frozen(kw_only=True)
class Protocol:
    """A protocol under test.

    Attributes:
        name: for people and files.
        core: from a size to the core, which the simulated cluster hosts.
        spec: the root module, relative to `folder`.
        folder: where the spec lies; the folder of the declaring module, if it says `Path(__file__).parent`.
        sizes: the clusters; the first is the usual one.
        observe: from the view, which has no Byzantine nodes, to values of spec variables. Those that it leaves out
            may have any value.
        steps: from a step of an honest node to the steps of the spec that it stands for, in order; none if the
            spec's state stays as it is.
        restart: from a node to the step of the spec that its restart is; None if the spec does not notice.
        workload: what clients ask for.
        invariants: what must hold in every view.
        goals: what a campaign must meet.
        faults: fault -> weight.
        progress: what must come about once faults have ended; None if nothing.
        byzantine: what nodes do that need not follow the protocol; None if all follow it.
        mutants: wrong versions of the core that the checks must catch.
        network: what the network does by itself.
        tear: from what was on disk and what was being written to what a torn write leaves.

    Raises:
        ConfigError: there is no size, no operation, a fault that nobody knows, or a size with Byzantine nodes and no
            behaviours.
    """

    name: str
    core: Callable[[Size], Core[Any, Any, Any]]
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
    tear: Callable[[Any, Any], Any] = torn

    def __attrs_post_init__(self) -> None:
        if not self.sizes or not self.workload:
            raise ConfigError(
                f"{self.name} declares {len(self.sizes)} sizes and {len(self.workload)} operations; "
                "a protocol needs at least one of each"
            )
        if self.byzantine is None and any(size.byzantine for size in self.sizes):
            raise ConfigError(f"{self.name} declares a size with Byzantine nodes, and no behaviours for them")
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
