"""One traitor too many: that f + 1 of them make correct replicas disagree shows how strong the adversary of these tests is.

Two of four replicas conspire (`strategies.py`), mostly by proposing two batches under one number and voting for both. Nothing
else goes wrong but delays. A run that ends in a disagreement is

1. found without the spec, by `Safety`;
2. played again with the same seed, each step held against the spec with both traitors in it: it allows the run;
3. shrunk to the steps of the spec that it takes, each of which the implementation takes as well;
4. written as a trace. The proposals that contradict each other are arguments of its steps.
"""

import functools
from typing import Final

import attrs
from immutabledict import immutabledict

from impl import pbft
from property_tests.judged import Violated, failed
from property_tests.pbft import recording
from property_tests.pbft.adapter import PbftSystem
from property_tests.pbft.cluster import Cluster, Setting
from property_tests.pbft.hosting import Times
from property_tests.pbft.journal import SPECS
from property_tests.pbft.script import CALM, Script
from tlacheck.conform.failing import StateProperty
from tlacheck.conform.lockstep import Diverged
from tlacheck.conform.shrink import Shrunk, shrink
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State, Trace
from tlacheck.values import Value, ordered, to_tla

__all__ = ["AGREEMENT", "CONFIGS", "SETTING", "Disagreement", "disagrees", "oracle", "recorded", "system"]

#: How many steps correct replicas take before the traitors give up.
STEPS: Final = 1_000
#: How many clients there are, each of which asks for one thing only: `Requests` of PbftOverfaulted.tla.
CLIENTS: Final = 24

#: Configurations of `specs/pbft`: what runs are held against, and in what they are made shorter.
CONFIGS: Final = ("OracleOverfaulted", "OracleShrink")

#: Four replicas, two traitors among them; requests are proposed one by one, so that the spec has a value for each batch.
SETTING: Final = Setting(
    traitors=frozenset({"r0", "r1"}),
    window=4,
    interval=2,
    batch_max=2,
    service=pbft.LEDGER,
    times=Times(batch_max=1),
)

#: How many shorter runs are tried: the oracle takes its time over two traitors.
_TRIES_MAX: Final = 60


def _disagreement(state: State) -> tuple[str, ...]:
    """Two decisions under one number."""
    seen: dict[Value, Value] = {}
    for decision in ordered(state["decided"]):
        seq, batch = decision["seq"], decision["batch"]
        if seen.setdefault(seq, batch) != batch:
            return (f"at number {seq} {to_tla(seen[seq])} and {to_tla(batch)} were committed",)
    return ()


#: `Agreement` of the spec, on what the implementation shows.
AGREEMENT: Final = StateProperty("Agreement", _disagreement)


@attrs.frozen(kw_only=True)
class Disagreement:
    """What a run came to.

    Attributes:
        seed: of the run.
        steps: how many steps correct replicas took.
        broken: what `Safety` says; empty if the replicas agreed all along.
    """

    seed: int
    steps: int
    broken: str


def disagrees(seed: int, *, steps: int = STEPS) -> Disagreement:
    """Return whether two traitors of four make the others disagree; the same for the same seed."""
    cluster = Cluster(SETTING, seed=seed, only=frozenset({"Agreement"}))
    script = _calm(cluster, seed)
    try:
        while cluster.steps < steps and not _has_left_its_view(cluster):
            script.move()
    except Violated as violated:
        return Disagreement(seed=seed, steps=cluster.steps, broken=violated.explanation)
    return Disagreement(seed=seed, steps=cluster.steps, broken="")


def _calm(cluster: Cluster, seed: int) -> Script:
    """Only messages are late, and traitors conspire."""
    return Script(cluster, seed, moves=CALM, clients=CLIENTS, once=True, split=0.6)


def _has_left_its_view(cluster: Cluster) -> bool:
    return any(cluster.node(name).durable.view > 0 for name in cluster.correct)


def recorded(seed: int, *, steps: int = STEPS, command: str = "") -> Shrunk:
    """The run of a seed that `disagrees`, held against the spec, and shrunk.

    Raises:
        ValueError: the correct replicas of this seed agree.
    """
    cluster, journal = recording.recorded(
        SETTING,
        seed=seed,
        only=frozenset({"Agreement"}),
        command=command,
        config=CONFIGS[0],
        name=lambda client, _: client,
    )
    script = _calm(cluster, seed)
    try:
        while cluster.steps < steps and not _has_left_its_view(cluster):
            script.move()
    except (Violated, Diverged) as failure:
        _, trace = failed(failure, journal)
        return shrink(_fixed(trace), oracle(), system, prop=AGREEMENT, tries_max=_TRIES_MAX, search_max=0)
    raise ValueError(
        f"with seed {seed} the correct replicas agree: take one for which `disagrees` says what is broken"
    )


def _fixed(trace: Trace) -> Trace:
    """The same, of a spec in which the order of primaries is a constant."""

    def state(values: State) -> State:
        return immutabledict({name: value for name, value in values.items() if name != "rotation"})

    steps = tuple(attrs.evolve(step, state=state(step.state)) for step in trace.steps)
    spec = oracle().spec
    origin = attrs.evolve(trace.origin, spec=str(spec.path), config=str(spec.config))
    return attrs.evolve(trace, initial=state(trace.initial), steps=steps, origin=origin)


@functools.cache
def oracle() -> SpecOracle:
    """The spec with both traitors, which lists its steps; loaded once a process."""
    return SpecOracle(Spec.load(SPECS / "PbftOverfaulted.tla", SPECS / f"{CONFIGS[1]}.cfg"))


def system() -> PbftSystem:
    """The implementation as runs with two traitors of four show it."""
    return PbftSystem(
        SETTING.names,
        byzantine=SETTING.traitors,
        window=SETTING.window,
        interval=SETTING.interval,
        value_of=str,
    )
