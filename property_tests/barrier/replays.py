"""Replays of the spec of the barrier: recorded traces, a model's every edge, random walks."""

from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from property_tests.barrier.adapter import BarrierSystem
from tlacheck.conform.replays import Edges, Replays, Walks
from tlacheck.tlc.configuration import Constants
from tlacheck.trace import Trace

__all__ = ["REPLAYS", "system_for"]

_ROOT: Final = Path(__file__).resolve().parents[2]


def system_for(config: Path) -> BarrierSystem:
    """Nodes with the constants of a configuration of `specs/barrier`.

    Raises:
        ConfigError: the configuration leaves one of them out.
    """
    constants = Constants.of(config)
    return BarrierSystem(constants.names("Node"), constants.names("Coordinator"))


def _counted(run: Trace) -> dict[str, int]:
    last: Any = run.states[-1]
    return {
        "applied": sum(last["applied"].values()),
        "barriers": sum(each["status"] != "none" for each in last["barrier"].values()),
    }


REPLAYS: Final = Replays(
    system_for=system_for,
    specs=_ROOT / "specs" / "barrier",
    traces=_ROOT / "traces" / "golden" / "barrier",
    root=_ROOT,
    edges=Edges(module="MCBarrier.tla", config="edges.cfg", at_least=10_000),
    walks=Walks(
        module="MCBarrier.tla",
        config="Oracle4.cfg",
        weights=immutabledict(
            Write=0.5, Hear=3.0, Act=2.0, Propose=2.0, Commit=0.5, Apply=3.0, Welcome=0.5, Join=6.0,
            Restart=0.1, Open=2.0, Ack=0.5, Count=4.0, TimeOut=0.3,
        ),
        counted=_counted,
    ),
)  # fmt: skip
