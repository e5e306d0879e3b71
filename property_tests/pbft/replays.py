"""Replays of the specs of PBFT on its implementation: recorded traces, a model's every edge, random walks."""

from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from property_tests.pbft.adapter import PbftSystem
from tlacheck.conform.replays import Edges, Replays, Walks
from tlacheck.tlc.configuration import Constants
from tlacheck.trace import Trace

__all__ = ["REPLAYS", "system_for"]

_ROOT: Final = Path(__file__).resolve().parents[2]
_SIZES: Final = immutabledict(FourReplicas=4, FiveReplicas=5, SixReplicas=6, SevenReplicas=7)


def system_for(config: Path) -> PbftSystem:
    """A cluster with the constants of a configuration of `specs/pbft`.

    Raises:
        ConfigError: the configuration leaves one of them out.
    """
    constants = Constants.of(config)
    return PbftSystem(
        tuple(f"r{number}" for number in range(constants.choice("Rotation", _SIZES))),
        byzantine=frozenset(constants.names("Byzantine", ())),
        f=constants.number("MaxFaulty", 1),
        window=constants.number("Window", 1),
        interval=constants.number("Interval", 1),
    )


def _counted(run: Trace) -> dict[str, int]:
    last: Any = run.states[-1]
    return {"views": max(last["view"].values()), "decided": len(last["decided"])}


REPLAYS: Final = Replays(
    system_for=system_for,
    specs=_ROOT / "specs" / "pbft",
    traces=_ROOT / "traces" / "golden" / "pbft",
    root=_ROOT,
    # A Byzantine backup and a view change.
    edges=Edges(module="MCPbft.tla", config="edges.cfg", at_least=50_000),
    # Votes are chosen more often than timeouts, or the walks would change views for ever.
    walks=Walks(
        module="MCPbft.tla",
        config="Oracle4.cfg",
        weights=immutabledict(
            Propose=2.0,
            AcceptPrePrepare=2.0,
            CollectPrepares=4.0,
            CollectCommits=4.0,
            CollectCheckpoints=2.0,
            TransferState=2.0,
            Timeout=0.2,
            JoinViewChange=1.0,
            NewView=4.0,
            EnterNewView=3.0,
        ),
        counted=_counted,
    ),
)
