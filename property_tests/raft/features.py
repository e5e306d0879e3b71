"""Which parts of Raft are on in a simulated cluster, with their limits; the oracle that has the same.

| setting  | parts | clocks                                              | oracle           |
|----------|-------|-----------------------------------------------------|------------------|
| `PLAIN`  | none  | count nothing                                       | `Oracle3/4/5`    |
| `FULL`   | all   | keep to `MaxSkew`, so that `LeasesAreSafe` holds    | `OracleFull4`    |
| `SOAKED` | all   | as above                                            | `OracleFull5`    |
| `SKEWED` | all   | keep to nothing: `MaxSkew` is out of reach          | `OracleSkewed4`  |

What clocks may do is a constant of the spec, and so is part of a setting. A cluster whose clocks keep
to nothing is judged by the spec that allows just that: each of its steps is one of Raft's, and that its
reads by lease may be stale is for a history to show (`property_tests/raft/histories.py`).
"""

import functools
import re
from pathlib import Path
from typing import Final

import attrs

from property_tests.raft.adapter import RaftSystem, server_names, spec_for
from tlacheck.tlc.configuration import configuration_text
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace

__all__ = ["ALL", "FULL", "PLAIN", "SKEWED", "SOAKED", "Setting", "oracle_of", "system_of"]

_ROOT: Final = Path(__file__).resolve().parents[2]

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


@attrs.frozen(kw_only=True)
class Setting:
    """What a cluster is started with; the constants of a configuration of the spec.

    Attributes:
        servers: how many servers there are, those that may join later among them.
        config: the configuration of the spec with the same constants, without `.cfg`.
        features: `Features`.
        entries_max: `MaxEntries`.
        unacknowledged_max: `MaxUnacknowledged`.
        election_ticks: `ElectionTicks`.
        lease_ticks: `LeaseTicks`.
        skew_max: `MaxSkew`: by so many ticks may one clock be ahead of another.
        compact_at: a server compacts its log when it holds so many committed entries.
        values: how many values clients submit, over and over: v1, v2, ...
        reads: how many reads they may ask for: r1, r2, ...
    """

    servers: int
    config: str
    features: frozenset[str] = frozenset()
    entries_max: int = 2
    unacknowledged_max: int = 1
    election_ticks: int = 1
    lease_ticks: int = 0
    skew_max: int = 1
    compact_at: int = 8
    values: int = 3
    reads: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the servers."""
        return server_names(self.servers)

    @property
    def counts_time(self) -> bool:
        """True if servers count ticks: `Timed` of the spec."""
        return not self.features.isdisjoint({"PreVote", "CheckQuorum", "Leases"})

    @property
    def leases_are_safe(self) -> bool:
        """True if clocks keep to what leases assume of them: `LeasesAreSafe` of the spec."""
        return self.lease_ticks + 2 * self.skew_max <= self.election_ticks

    def has(self, feature: str) -> bool:
        """Return whether a part is on."""
        return feature in self.features


#: No part but the core, for any number of servers.
PLAIN: Final = Setting(servers=3, config="Oracle3")

#: All parts. A lease ends six ticks after it began, four before any promise that it rests on may end:
#: two clocks may be two ticks apart, one way and then the other.
FULL: Final = Setting(
    servers=4,
    config="OracleFull4",
    features=ALL,
    entries_max=4,
    unacknowledged_max=8,
    election_ticks=10,
    lease_ticks=6,
    skew_max=2,
    values=6,
    reads=20,
)

#: The same with five servers, three of them founders. Its runs are not judged by the spec, so that there
#: are more values and reads than the spec has names for.
SOAKED: Final = attrs.evolve(FULL, servers=5, config="OracleFull5", values=40, reads=1_000_000)

#: The same with clocks that keep to nothing.
SKEWED: Final = attrs.evolve(FULL, config="OracleSkewed4", skew_max=1_000_000)


@functools.cache
def oracle_of(setting: Setting) -> SpecOracle:
    """The oracle with a setting's constants; loaded once a process."""
    path = spec_for(3).path
    return SpecOracle(Spec.load(path, path.parent / f"{setting.config}.cfg"))


def system_of(trace: Trace) -> RaftSystem:
    """A cluster with the constants of the configuration that a recorded trace comes from."""
    text = configuration_text(_ROOT / trace.origin.config) if trace.origin.config else ""

    def constant(name: str, default: int) -> int:
        found = re.search(rf"^ *{name} = (\d+)", text, re.MULTILINE)
        return int(found[1]) if found else default

    features = re.search(r"^ *Features = \{([^}]*)\}", text, re.MULTILINE)
    return RaftSystem(
        features=frozenset(re.findall(r'"(\w+)"', features[1])) if features else frozenset(),
        entries_max=constant("MaxEntries", 2),
        unacknowledged_max=constant("MaxUnacknowledged", 1),
        election_ticks=constant("ElectionTicks", 1),
        lease_ticks=constant("LeaseTicks", 0),
    )
