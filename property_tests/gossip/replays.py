"""Replays of the spec of gossip: recorded traces, a model's every edge, random walks."""

from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from property_tests.gossip.adapter import GossipSystem
from tlacheck.conform.replays import Edges, Replays, Walks
from tlacheck.tlc.configuration import Constants
from tlacheck.trace import Trace

__all__ = ["REPLAYS", "system_for"]

_ROOT: Final = Path(__file__).resolve().parents[2]
_NODES: Final = immutabledict(TwoNodes=("n1", "n2"), ThreeNodes=("n1", "n2", "n3"))


def system_for(config: Path) -> GossipSystem:
    """Nodes with the constants of a configuration of `specs/gossip`.

    Raises:
        ConfigError: the configuration leaves one of them out.
    """
    constants = Constants.of(config)
    return GossipSystem(
        constants.choice("Node", _NODES),
        liars=constants.names("Liar"),
        accusers=constants.number("AccusersNeeded"),
    )


def _counted(run: Trace) -> dict[str, int]:
    last: Any = run.states[-1]
    pairs = [(one, other) for one in last["copy"] for other in last["copy"] if one != other]
    return {
        "known": sum(bool(last["copy"][one][other]["max"]) for one, other in pairs),
        "collected": sum(bool(last["copy"][one][other]["gc"]) for one, other in pairs),
    }


REPLAYS: Final = Replays(
    system_for=system_for,
    specs=_ROOT / "specs" / "gossip",
    traces=_ROOT / "traces" / "golden" / "gossip",
    root=_ROOT,
    # Two nodes that do all that there is to do.
    edges=Edges(module="MCGossip.tla", config="edges.cfg", at_least=10_000),
    # Walks exchange and write; crashes are rare, or nobody would ever know anything.
    walks=Walks(
        module="MCGossip.tla",
        config="Oracle3.cfg",
        weights=immutabledict(
            Write=1.5,
            Delete=1.0,
            Collect=1.0,
            Start=2.0,
            HandleSyn=2.0,
            HandleReply=3.0,
            HandleAck=2.0,
            Suspect=0.7,
            Withdraw=4.0,
            Refute=2.0,
            Bury=0.7,
            Forget=1.0,
            Return=4.0,
            Recover=0.1,
            Restart=0.1,
        ),
        counted=_counted,
        needed=("known", "collected"),
    ),
)
