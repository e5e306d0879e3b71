"""PBFT under test: Byzantine replicas, faults and clients, checked by `specs/pbft` and by judges."""

from pathlib import Path
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from property_tests.pbft.adapter import PbftSystem
from property_tests.pbft.adversary import Adversary
from property_tests.pbft.clients import Clients, Progress
from property_tests.pbft.goals import ACTIONS, GOALS, Situations
from property_tests.pbft.host import PbftCore, Times, configs_of, keep_old
from property_tests.pbft.invariants import Safety
from property_tests.pbft.layers import LAYERS
from property_tests.pbft.mutants import MUTANTS
from property_tests.pbft.recorder import PbftRecorder
from property_tests.pbft.scenario_syntax import SYNTAX
from property_tests.pbft.timing import Timing
from tlacheck.conform.failing import StateProperty
from tlacheck.conform.shrink import shrink
from tlacheck.harness import Byzantine, Pace, Protocol, Size, SpecRecorder, SpecRun, View, counted
from tlacheck.sim import Network, Uniform
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State, Trace
from tlacheck.values import Value, ordered, to_tla

__all__ = ["AGREEMENT", "OVERFAULTED", "PBFT", "overfaulted_system"]

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "pbft"
_TIMES: Final = Times()


def _size(replicas: int, config: str = "", *, byzantine: int) -> Size:
    """A cluster in which it is drawn when the Byzantine replicas are primary."""
    names = [f"r{number}" for number in range(replicas)]
    return Size(names, config, byzantine=names[:byzantine], is_shuffled=True)


def _recorder(size: Size, spec: SpecRun) -> SpecRecorder:
    return PbftRecorder(size, spec, configs=configs_of(size.nodes))


PBFT: Final = Protocol(
    name="pbft",
    core=lambda size: PbftCore(configs_of(size.nodes), times=_TIMES),
    spec="PbftRuns.tla",
    folder=_SPECS,
    sizes=[
        _size(4, "OracleTraitor.cfg", byzantine=1),
        _size(5, "OracleTraitorOfFive.cfg", byzantine=1),
        _size(7, "OracleTwoTraitors.cfg", byzantine=2),
        _size(4, byzantine=0),
        _size(6, byzantine=1),
    ],
    recorder=_recorder,
    workload=lambda size: Clients(size).ops,
    judges=[
        lambda size: Safety(size, configs_of(size.nodes)[size.nodes[0]]),
        Timing,
        Situations,
    ],
    goals=(*GOALS, *counted(*ACTIONS)),
    faults=immutabledict(
        drop=4,
        duplicate=4,
        reorder=3,
        delay=4,
        degrade=1,
        partition=3,
        cut=3,
        heal=8,
        crash=3,
        crash_during=4,
        restart=8,
        pause=2,
        resume=5,
    ),
    pace=Pace(time=60, workload=49, faults=58),
    rest_every=3_000,
    progress=Progress(timeout_ms=_TIMES.timeout_ms, every_ms=_TIMES.again_ms),
    # One behaviour is drawn more often than others: the one that could lead to two decisions.
    byzantine=Byzantine(
        lambda size: Adversary(configs_of(size.nodes), size.byzantine).behaviours(),
        share=0.1,
        together=0.5,
        weights={"split proposals": 7},
    ),
    mutants=MUTANTS,
    layers=LAYERS,
    network=Network(delay=Uniform(1, 20)),
    tear=keep_old,
    trace_max=150,
    scenario_syntax=SYNTAX,
)


# --- one Byzantine replica too many: f + 1 of them make honest replicas disagree, or the adversary would be
# weak

#: Requests are proposed one by one, so that the spec has a value for each batch.
_LIMITS: Final[dict[str, Any]] = {"window": 4, "interval": 2, "batch_max": 2, "f": 1}
#: How many clients there are, each of which asks for one thing only: `Requests` of PbftOverfaulted.tla.
_CLIENTS: Final = 24
#: How many shorter runs are tried: the oracle takes its time over two Byzantine replicas.
_TRIES_MAX: Final = 60


def _has_left_its_view(view: View) -> bool:
    return any(hosted.node.durable.view > 0 for hosted in view.values())


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


def overfaulted_system() -> PbftSystem:
    """The implementation as runs with two Byzantine replicas of four show it."""
    (size,) = OVERFAULTED.sizes
    return PbftSystem(size.nodes, byzantine=size.byzantine, window=4, interval=2, value_of=str)


def _shortened(trace: Trace) -> Trace:
    """The trace, shrunk in a spec that lists its steps, and in which the order of primaries is a constant."""
    spec = Spec.load(_SPECS / "PbftOverfaulted.tla", _SPECS / "OracleShrink.cfg")

    def state(values: State) -> State:
        return immutabledict({name: value for name, value in values.items() if name != "rotation"})

    fixed = attrs.evolve(
        trace,
        initial=state(trace.initial),
        steps=tuple(attrs.evolve(step, state=state(step.state)) for step in trace.steps),
        origin=attrs.evolve(trace.origin, spec=str(spec.path), config=str(spec.config)),
    )
    shrunk = shrink(
        fixed,
        SpecOracle(spec),
        overfaulted_system,
        prop=AGREEMENT,
        tries_max=_TRIES_MAX,
        search_max=0,
    )
    return shrunk.trace


OVERFAULTED: Final = attrs.evolve(
    PBFT,
    name="pbft-overfaulted",
    core=lambda size: PbftCore(configs_of(size.nodes, **_LIMITS), times=Times(batch_max=1)),
    sizes=[Size(("r0", "r1", "r2", "r3"), "OracleOverfaulted.cfg", byzantine=("r0", "r1"))],
    recorder=lambda size, spec: PbftRecorder(
        size, spec, configs=configs_of(size.nodes, **_LIMITS), name=lambda client, _: client
    ),
    workload=lambda size: Clients(size, count=_CLIENTS, once=True).ops[:1],
    judges=[lambda size: Safety(size, configs_of(size.nodes, **_LIMITS)[size.nodes[0]])],
    goals=(),
    faults=immutabledict(duplicate=4, reorder=3, delay=1),
    pace=Pace(time=60, workload=40, faults=12),
    rest_every=None,
    is_over=_has_left_its_view,
    progress=None,
    byzantine=Byzantine(
        lambda size: Adversary(configs_of(size.nodes, **_LIMITS), size.byzantine).behaviours(),
        share=0.33,
        together=0.75,
        weights={"split proposals": 28},
    ),
    trace_max=250,
    shorten=_shortened,
)
