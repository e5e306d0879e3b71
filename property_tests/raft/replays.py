"""Replays of the spec of Raft on its implementation: recorded traces, every edge of two models, walks."""

from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict

from property_tests.raft.adapter import RaftSystem
from property_tests.raft.settings import PLAIN, SPECS
from tlacheck.conform.replays import Edges, Replays, Walks
from tlacheck.tlc.configuration import Constants
from tlacheck.trace import Trace

__all__ = ["EDGES", "EDGES_FULL", "REPLAYS", "REPLAYS_FULL", "system_for"]

_ROOT: Final = Path(__file__).resolve().parents[2]
#: Two servers that crash and lose messages; the same with snapshots and a server that joins.
EDGES: Final = Edges(module="MCRaft.tla", config="edges.cfg", at_least=50_000)
EDGES_FULL: Final = Edges(module="MCRaft.tla", config="edges_full.cfg", at_least=40_000)


def system_for(config: Path) -> RaftSystem:
    """A cluster with the constants of a configuration of `specs/raft`.

    Raises:
        ConfigError: there is no such configuration.
    """
    constants = Constants.of(config)
    return RaftSystem(
        attrs.evolve(
            PLAIN,
            features=frozenset(constants.names("Features", ())),
            entries_max=constants.number("MaxEntries", 2),
            unacknowledged_max=constants.number("MaxUnacknowledged", 1),
            election_ticks=constants.number("ElectionTicks", 1),
            lease_ticks=constants.number("LeaseTicks", 0),
        )
    )


def _counted(run: Trace) -> dict[str, int]:
    return {name: len(run.states[-1][name]) for name in ("elected", "committed")}


REPLAYS: Final = Replays(
    system_for=system_for,
    specs=SPECS,
    traces=_ROOT / "traces" / "golden" / "raft",
    root=_ROOT,
    edges=EDGES,
    # Messages are chosen more often than faults and new elections, or the walks would seldom commit anything.
    walks=Walks(
        module="RaftEvents.tla",
        config="Oracle3.cfg",
        weights=immutabledict(
            HandleRequestVoteRequest=6.0,
            HandleRequestVoteResponse=6.0,
            HandleAppendEntriesRequest=5.0,
            HandleAppendEntriesResponse=5.0,
            AppendEntries=2.5,
            Timeout=0.6,
            Restart=0.3,
            DropMessage=0.3,
            DuplicateMessage=0.5,
        ),
        counted=_counted,
        needed=("committed",),
    ),
)
REPLAYS_FULL: Final = attrs.evolve(REPLAYS, edges=EDGES_FULL)
