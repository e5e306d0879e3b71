"""Replays of the specs of the hybrid on its implementation: recorded traces, every edge, random walks."""

from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from property_tests.hybrid.adapter import HybridSystem
from property_tests.hybrid.weakened import led_to
from tlacheck.conform.replays import Edges, Replays, Walks
from tlacheck.tlc.configuration import Constants
from tlacheck.trace import Trace

__all__ = ["REPLAYS", "system_for"]

_ROOT: Final = Path(__file__).resolve().parents[2]


def system_for(config: Path) -> HybridSystem:
    """A cluster with the constants of a configuration of `specs/hybrid`.

    Raises:
        ConfigError: the configuration leaves one of them out.
    """
    constants = Constants.of(config)
    return HybridSystem(
        constants.names("Replica"),
        byzantine=frozenset(constants.names("Byzantine")),
        f=constants.number("MaxFaulty"),
    )


def _counted(run: Trace) -> dict[str, int]:
    last: Any = run.states[-1]
    switches = sum(entry["kind"] != "Operation" for entry in last["controlLog"])
    return {"switches": switches, "accepted": len(last["accepted"])}


def _led_to(trace: Trace) -> list[Trace]:
    config = _ROOT / trace.origin.config
    return led_to(trace, config, system_for(config))


REPLAYS: Final = Replays(
    system_for=system_for,
    specs=_ROOT / "specs" / "hybrid",
    traces=_ROOT / "traces" / "golden" / "hybrid",
    root=_ROOT,
    led_to=_led_to,
    # A Raft epoch and its end, with a Byzantine replica.
    edges=Edges(module="MCHybrid.tla", config="edges.cfg", at_least=4_000),
    # Steps that advance an epoch are drawn more often than those that end it.
    walks=Walks(
        module="HybridRuns.tla",
        config="Oracle4.cfg",
        weights=immutabledict(
            Vote=1.0,
            Lock=6.0,
            Accept=3.0,
            Abort=0.3,
            EndEpoch=3.0,
            Decide=0.6,
            VoteSwitchback=3.0,
            StartEpoch=4.0,
            Learn=3.0,
            Raise=0.1,
            Lower=1.0,
            CoolDown=2.0,
            Restart=0.1,
        ),
        counted=_counted,
    ),
)
