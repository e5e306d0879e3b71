"""Raft clusters of 3 to 1,000 servers in simulated time, beside the targets of the source documents (RAFT-7).

Measured in a simulated cluster with the documents' timeouts (150 to 300 ms, heartbeat 50 ms): the time
to elect the first leader, from a request to its commit and to its application everywhere, and from the
leader's crash to the next leader and to the next commit; and the messages of a commit. These are
simulated milliseconds: they count timers and the network, whose delays are stated, and neither
computing nor disks. Seconds are of this process's CPU, for all servers of the cluster together.

A stream of one request a millisecond shows what pipelining changes. In processor time, without any
network: how many operations a second the pure core commits, batched and pipelined
(`benchmarks/raft_core_rate.py` has more of that, and the baselines).

The documents' timeouts do not carry 1,000 servers: nobody knows of a candidate before its request
arrives, and meanwhile `servers * delay / range` others stand as well, 20 for 3 ms and a range of 150
ms. They split the votes, term after term. A range that grows with the number of servers costs no time,
because the first of a thousand timers fires soon however wide the range is.
"""

import statistics
import time
from collections.abc import Sequence

import attrs

from benchmarks import raft_core_rate
from benchmarks._machine import begin, leave, sized
from property_tests.raft.host import Timing
from property_tests.raft.scale import Figures, commit_without, measure, stream
from tlacheck.sim import Uniform

#: The targets: A2 for the first three, KN for the others.
ELECTION_MS = 2_000
REPLICATION_MS = 500
SERVERS = 1_000
CONSENSUS_MS = 10
OPERATIONS_A_SECOND = 10_000
RECOVERY_MS = 5_000

#: One data centre, and several that are near.
NEAR, FAR = Uniform(1, 5), Uniform(1, 20)
#: The documents' timers; and timers whose range grows with the cluster, 10 ms a server.
GIVEN, WIDENED = Timing(), Timing(election_ms=(150, 150 + 10 * SERVERS))


@attrs.frozen
class Measured:
    """Clusters of one size to be measured."""

    servers: int
    delay: Uniform
    timing: Timing
    seeds: int
    within_ms: int = 5_000


ROWS = sized(
    [
        *(Measured(servers, delay, GIVEN, 20) for servers in (3, 5, 14) for delay in (NEAR, FAR)),
        *(Measured(100, delay, GIVEN, 5) for delay in (NEAR, FAR)),
        Measured(500, NEAR, GIVEN, 3),
        Measured(1_000, NEAR, GIVEN, 1, within_ms=ELECTION_MS),
        *(Measured(1_000, delay, WIDENED, 2) for delay in (NEAR, FAR)),
    ],
    [Measured(3, delay, GIVEN, 1) for delay in (NEAR, FAR)],
)
#: The pure core without a machine, and with it.
CORES = [
    raft_core_rate.Measured(256, pipelining=True, with_machine=with_machine) for with_machine in (False, True)
]
STREAM, CORE_OPERATIONS = sized((300, 4_096), (10, 256))


def cell(values: Sequence[int | None]) -> str:
    """The median and the worst of some figures."""
    there = [value for value in values if value is not None]
    if not there:
        return "none"
    missing = len(values) - len(there)
    return f"{statistics.median(there):,.0f}/{max(there):,}" + (f" -{missing}" if missing else "")


def against(rows: dict[Measured, list[Figures]], name: str, target_ms: int, delay: Uniform) -> str:
    """Format the worst figure of each size beside a target, and the sizes that miss it."""
    cells, missed = [], []
    for row, found in rows.items():
        if row.delay != delay:
            continue
        size = f"{row.servers:,}" + ("" if row.timing == GIVEN else "*")
        values: list[int | None] = [getattr(figures, name) for figures in found]
        there = [value for value in values if value is not None]
        cells.append(f"{size}: {max(there):,}" if len(there) == len(values) else f"{size}: none")
        if len(there) < len(values) or max(there) >= target_ms:
            missed.append(size)
    return f"{', '.join(cells)} ms; " + (f"missed by {', '.join(missed)}" if missed else "met")


def clusters() -> dict[Measured, list[Figures]]:
    """Measure all rows, and print the table."""
    header = (
        "servers", "delay ms", "timeouts ms", "seeds", "elected", "terms", "committed", "everywhere",
        "elected again", "recovered", "messages", "everywhere", "CPU s",
    )  # fmt: skip
    print("simulated ms and messages, as median/worst over the seeds; -k: k seeds in which it did not come")
    print("".join(f"{name:>14}" for name in header), flush=True)
    found: dict[Measured, list[Figures]] = {}
    for row in ROWS:
        cpu_s = []
        found[row] = []
        for seed in range(row.seeds):
            started = time.process_time()
            found[row].append(
                measure(row.servers, seed=seed, delay=row.delay, timing=row.timing, within_ms=row.within_ms)
            )
            cpu_s.append(time.process_time() - started)
        figures = found[row]
        cells = (
            f"{row.servers:,}",
            f"{row.delay.least_ms}-{row.delay.greatest_ms}",
            f"{row.timing.election_ms[0]}-{row.timing.election_ms[1]:,}",
            f"{row.seeds}",
            cell([each.elected_ms for each in figures]),
            cell([each.elected_term for each in figures]),
            cell([each.committed_ms for each in figures]),
            cell([each.everywhere_ms for each in figures]),
            cell([each.elected_again_ms for each in figures]),
            cell([each.recovered_ms for each in figures]),
            cell([each.committed_messages for each in figures]),
            cell([each.everywhere_messages for each in figures]),
            f"{statistics.median(cpu_s):.2f}",
        )
        print("".join(f"{text:>14}" for text in cells), flush=True)
    return found


def fourteen() -> None:
    """14 coordinators with as many crashed as they tolerate, and one more (RAFT-5)."""
    for crashed in (6, 7):
        for with_leader in (False, True):
            took_ms = [
                commit_without(
                    14, crashed=crashed, with_leader=with_leader, seed=seed, delay=NEAR, within_ms=5_000
                )
                for seed in range(5)
            ]
            print(
                f"14 servers, {crashed} crash, {'the leader too' if with_leader else 'the leader stays'}: "
                + (
                    f"next commit after {cell(took_ms)} ms (simulated, 5 seeds)"
                    if any(took_ms)
                    else "no further commit within 5,000 ms (simulated, 5 seeds)"
                ),
                flush=True,
            )


def streams() -> None:
    """One request a millisecond, with and without pipelining."""
    print(f"\n{STREAM} requests, one a simulated millisecond: simulated ms as median/worst of all requests")
    header = ("servers", "delay ms", "pipelined", "committed", "everywhere", "messages/op", "entries/op")
    print("".join(f"{name:>14}" for name in header))
    for servers in (3, 5, 14):
        for delay in (NEAR, FAR):
            for pipelining in (False, True):
                found = stream(
                    servers, requests=STREAM, seed=1, delay=delay, pipelining=pipelining, within_ms=5_000
                )
                cells = (
                    f"{servers}",
                    f"{delay.least_ms}-{delay.greatest_ms}",
                    "yes" if pipelining else "no",
                    cell(found.committed_ms),
                    "none" if found.everywhere_ms is None else f"{found.everywhere_ms}",
                    f"{found.messages / STREAM:.1f}",
                    f"{found.entries / STREAM:.1f}",
                )
                print("".join(f"{text:>14}" for text in cells), flush=True)


def throughput() -> list[tuple[str, float]]:
    """Operations a second of the pure core, by what was measured."""
    values = raft_core_rate.requests(CORE_OPERATIONS)
    return [
        (
            f"{servers} servers{' with the machine' if row.with_machine else ''}",
            statistics.median(raft_core_rate.measured(servers, row, values)[0] for _ in range(3)),
        )
        for servers in (3, 5)
        for row in CORES
    ]


def main() -> None:
    """Measure and print."""
    begin("Raft clusters in simulated time, and the pure core in processor time")
    found = clusters()
    fourteen()
    streams()
    rates = throughput()
    print(
        "\nthe targets (RAFT-7) beside what was measured. Times are simulated: they count timers and a "
        "network "
        "whose delays are given, no computing and no disk.\nThe worst of the seeds by number of servers; "
        f"* with election timeouts of {WIDENED.election_ms[0]} to {WIDENED.election_ms[1]:,} ms"
    )
    for source, what, target_ms, name in (
        ("A2", "election", ELECTION_MS, "elected_ms"),
        ("A2", "replication", REPLICATION_MS, "everywhere_ms"),
        ("KN", "consensus", CONSENSUS_MS, "committed_ms"),
        ("KN", "recovery", RECOVERY_MS, "recovered_ms"),
    ):
        for delay in (NEAR, FAR):
            print(
                f"{source}  {what} < {target_ms:,} ms, messages take {delay.least_ms} to "
                f"{delay.greatest_ms} ms "
                f"(simulated time): {against(found, name, target_ms, delay)}"
            )
    electing = [row for row, measured in found.items() if all(each.elected_ms for each in measured)]
    print(
        f"A2  up to {SERVERS:,} servers (simulated time): {max(row.servers for row in electing):,} "
        "elect a leader, "
        f"{max(row.servers for row in electing if row.timing == GIVEN):,} with the documents' timeouts"
    )
    for what, rate in rates:
        print(
            f"KN  throughput > {OPERATIONS_A_SECOND:,} op/s, {what}: {rate:,.0f} "
            f"{'met' if rate > OPERATIONS_A_SECOND else 'missed'} (CPU of all servers in one process, "
            "256 entries a request, pipelined, no network and no disk)"
        )
    figures = " ".join(
        f"elected_{row.servers}_{row.delay.greatest_ms}_{row.timing.election_ms[1]}="
        f"{cell([each.elected_ms for each in measured])}"
        for row, measured in found.items()
    )
    print(f"raft_scale: {figures} core_slowest={min(rate for _, rate in rates):.0f}")
    leave()


if __name__ == "__main__":
    main()
