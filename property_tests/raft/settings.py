"""Settings of Raft clusters: optional parts and their limits, the constants of a configuration of the spec.

| setting  | parts | clocks                                                        | configurations |
|----------|-------|---------------------------------------------------------------|----------------|
| `PLAIN`  | none  | count nothing                                                 | `Oracle3/4/5`  |
| `FULL`   | all   | keep together, so that leases are safe                        | `OracleFull4/5` |
| `SKEWED` | all   | keep to nothing                                               | `OracleFull4`  |

How far clocks may part is not the servers' doing: the simulator keeps them together (`CLOCKS_WITHIN_MS`), or
does not. So the oracle allows any clocks; that reads by lease are right all the same is for the judges of the
code (`safety.py`) and for the clients (`histories.py`) to say.
"""

import functools
from pathlib import Path
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import raft
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec

__all__ = [
    "ALL",
    "CLOCKS_WITHIN_MS",
    "FULL",
    "PLAIN",
    "SPECS",
    "Setting",
    "oracle_for",
    "server_names",
    "spec_for",
]

SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "raft"

#: `AllFeatures` of the spec.
ALL: Final = frozenset(
    {
        "Snapshots",
        "Membership",
        "PreVote",
        "CheckQuorum",
        "Transfer",
        "Reads",
        "Leases",
        "Pipelining",
        "ConflictTerm",
        "AsyncDisk",
    }
)
#: The features of the spec that are settings of a server, by their names there.
_SETTINGS: Final = immutabledict(
    PreVote="pre_vote",
    CheckQuorum="check_quorum",
    Leases="leases",
    Pipelining="pipelining",
    ConflictTerm="conflict_term",
    AsyncDisk="async_disk",
)
# : How far a clock may be from true time, so that two are never more than two ticks of 15 ms apart. A lease
# ends six ticks : after it began, four before any promise that it rests on may end: `LeaseTicks + 2 * MaxSkew
# <= ElectionTicks` : (thesis, 6.4.1; `LeasesAreSafe` of the spec).
CLOCKS_WITHIN_MS: Final = 14


@attrs.frozen(kw_only=True)
class Setting:
    """The constants with which a cluster is started.

    Attributes:
        founders: the voters of the first configuration.
        features: `Features`.
        entries_max: `MaxEntries`.
        unacknowledged_max: `MaxUnacknowledged`.
        election_ticks: `ElectionTicks`.
        lease_ticks: `LeaseTicks`.
        compact_at: a server compacts its log when it holds so many committed entries.
        size_limits: how large commands and requests may be; any size, if None.
    """

    founders: tuple[str, ...] = ("n1", "n2", "n3")
    features: frozenset[str] = frozenset()
    entries_max: int = 2
    unacknowledged_max: int = 1
    election_ticks: int = 1
    lease_ticks: int = 0
    compact_at: int = 8
    size_limits: raft.SizeLimits | None = None

    @property
    def counts_time(self) -> bool:
        """True if servers count ticks: `Timed` of the spec."""
        return not self.features.isdisjoint({"PreVote", "CheckQuorum", "Leases"})

    def has(self, feature: str) -> bool:
        """Return whether a part is on."""
        return feature in self.features

    def config_for(self, server: str) -> raft.Config:
        """The configuration of a server."""
        parts: dict[str, Any] = {name: feature in self.features for feature, name in _SETTINGS.items()}
        return raft.Config(
            server,
            self.founders,
            entries_max=self.entries_max,
            unacknowledged_max=self.unacknowledged_max,
            election_ticks=self.election_ticks,
            lease_ticks=self.lease_ticks,
            size_limits=self.size_limits,
            **parts,
        )


#: No part but the core.
PLAIN: Final = Setting()
#: All parts.
FULL: Final = Setting(features=ALL, entries_max=4, unacknowledged_max=8, election_ticks=10, lease_ticks=6)


def server_names(servers: int) -> tuple[str, ...]:
    """The names that configurations give to the servers: n1, n2, ..."""
    return tuple(f"n{number}" for number in range(1, servers + 1))


def spec_for(servers: int, prefix: str = "Oracle") -> Spec:
    """The unbounded spec of a cluster of this size, for the oracle: plain, or `OracleFull` with all parts."""
    return Spec.load(SPECS / "RaftEvents.tla", SPECS / f"{prefix}{servers}.cfg")


@functools.cache
def oracle_for(servers: int, prefix: str = "Oracle") -> SpecOracle:
    """The oracle of that spec; loaded once a process."""
    return SpecOracle(spec_for(servers, prefix))
