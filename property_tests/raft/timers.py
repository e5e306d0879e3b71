"""What a Raft server's host does at which time: names and periods of its timers, and clocks that keep together.

Timeouts are those of the source documents: 150 to 300 ms for elections, 50 ms for heartbeats (RAFT-1).
"""

import enum
from collections.abc import Collection, Iterable
from typing import Final

__all__ = [
    "COMPACTION_MS",
    "DISK_MS",
    "ELECTION_TIMEOUT_MS",
    "HEARTBEAT_MS",
    "RENEWAL_MS",
    "TICK_MS",
    "Clocks",
    "Due",
]

#: The least and the greatest election timeout, virtual milliseconds (A102).
ELECTION_TIMEOUT_MS: Final = (150, 300)
#: The time between two requests of a leader to a peer, virtual milliseconds (A102).
HEARTBEAT_MS: Final = 50
#: The time between two ticks of a server's clock: ten ticks are the shortest election timeout.
TICK_MS: Final = ELECTION_TIMEOUT_MS[0] // 10
#: How long a disk takes for what a leader began to write, at least and at most, virtual milliseconds.
DISK_MS: Final = (1, 30)
#: How long a host waits with the compaction of a log that is too long, at most, virtual milliseconds.
COMPACTION_MS: Final = 40
#: The time between two leases of a leader, virtual milliseconds: one tick before the first ends.
RENEWAL_MS: Final = 5 * TICK_MS


class Due(enum.Enum):
    """What is due when a timer fires. The timer of a peer that is due a request has the peer's name."""

    ELECTION = "election"
    TICK = "tick"
    DUTIES = "duties"
    COMPACTION = "compaction"
    DISK = "disk"
    RENEWAL = "renewal"
    ABORT = "abort"

    def __str__(self) -> str:
        return self.value


class Clocks:
    """How far the servers' clocks are, in ticks, and that none gets too far ahead of another.

    Leases assume of clocks that they differ by no more than `MaxSkew` (thesis, 6.4.1). That is what a
    clock synchronisation promises, and `Clocks` stands for it: a clock that would get further ahead
    waits for the slowest. The clock of a server that is down or paused goes on without it, and the
    server finds it there when it runs again.

    Args:
        servers: whose clocks.
        skew_max: by so many ticks may one be ahead of another.
    """

    def __init__(self, servers: Iterable[str], skew_max: int) -> None:
        self._ticks = dict.fromkeys(servers, 0)
        self._skew_max = skew_max

    def tick(self, node: str, standing: Collection[str]) -> tuple[str, ...]:
        """A server's clock is due to tick.

        Args:
            node: the server.
            standing: the servers that are down or paused.

        Returns:
            Whose clocks tick now, in order: `node`, after those of servers that stand still and would
            fall behind too far. Nobody's if it would get too far ahead of one that runs.
        """
        ticks = self._ticks
        moved = ticks[node] + 1
        behind = [other for other, count in ticks.items() if moved - count > self._skew_max]
        if any(other not in standing for other in behind):
            return ()
        for other in (*behind, node):
            ticks[other] += 1
        return (*behind, node)
