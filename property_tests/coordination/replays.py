"""Replays of the spec of the flow: recorded traces, a model's every edge, random walks."""

from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from property_tests.coordination.adapter import FlowSystem
from tlacheck.conform.replays import Edges, Replays, Walks
from tlacheck.tlc.configuration import Constants
from tlacheck.trace import Trace

__all__ = ["REPLAYS", "system_for"]

_ROOT: Final = Path(__file__).resolve().parents[2]


def system_for(config: Path) -> FlowSystem:
    """Clients and coordinators with the constants of a configuration of `specs/coordination`.

    Raises:
        ConfigError: the configuration leaves one of them out.
    """
    constants = Constants.of(config)
    return FlowSystem(
        constants.names("Query"),
        constants.names("ByRaft"),
        constants.names("Coordinator"),
        constants.number("Attempts"),
    )


def _counted(run: Trace) -> dict[str, int]:
    last: Any = run.states[-1]
    return {"decisions": len(last["log"]), "answers": sum(map(len, last["answers"].values()))}


REPLAYS: Final = Replays(
    system_for=system_for,
    specs=_ROOT / "specs" / "coordination",
    traces=_ROOT / "traces" / "golden" / "coordination",
    root=_ROOT,
    edges=Edges(module="MCFlow.tla", config="edges.cfg", at_least=10_000),
    walks=Walks(
        module="MCFlow.tla",
        config="Oracle3.cfg",
        weights=immutabledict(
            Ask=2.0, AskNext=0.2, GiveUp=0.1, Hear=0.1, AnswerByGossip=0.5, Propose=2.0, Refuse=0.1,
            Decide=1.0, Apply=3.0, TakePart=3.0, Chase=1.0, Deputise=1.0, Expire=0.1, Crash=0.1, Restart=1.0,
        ),
        counted=_counted,
    ),
)  # fmt: skip
