"""Replays of the threat level: recorded traces, every edge of a model, random walks."""

import itertools
from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from property_tests.threat.adapter import Setting, ThreatSystem
from tlacheck.conform.replays import Edges, Replays, Walks
from tlacheck.tlc.configuration import Constants
from tlacheck.trace import Trace

__all__ = ["REPLAYS", "system_for"]

_ROOT: Final = Path(__file__).resolve().parents[2]


def system_for(config: Path) -> ThreatSystem:
    """A machine with the constants of a configuration of `specs/threat`.

    Raises:
        ConfigError: the configuration leaves one of them out.
    """
    constants = Constants.of(config)
    return ThreatSystem(
        Setting(
            replicas=constants.names("Replica"),
            f=constants.number("MaxFaulty"),
            decay=constants.number("Decay"),
            dwell=constants.number("Dwell"),
            calm=constants.number("Calm"),
            restate=constants.number("Restate"),
        )
    )


def _counted(run: Trace) -> dict[str, int]:
    levels: list[Any] = [state["level"] for state in run.states]
    pairs = list(itertools.pairwise(levels))
    return {"raised": sum(old < new for old, new in pairs), "lowered": sum(old > new for old, new in pairs)}


REPLAYS: Final = Replays(
    system_for=system_for,
    specs=_ROOT / "specs" / "threat",
    traces=_ROOT / "traces" / "golden" / "threat",
    root=_ROOT,
    # All kinds of inputs; numbers are bounded.
    edges=Edges(module="MCThreat.tla", config="edges.cfg", at_least=10_000),
    # Walks tick, see and hear; crashes and proofs are rare, or the level would never fall.
    walks=Walks(
        module="MCThreat.tla",
        config="Oracle4.cfg",
        weights=immutabledict(Observe=1.0, Hear=3.0, Prove=0.15, Tick=6.0, Restart=0.1),
        counted=_counted,
        needed=("raised", "lowered"),
    ),
)
