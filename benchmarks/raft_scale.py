"""Raft clusters of 3 to 1,000 servers in simulated time, beside the targets of the source documents (RAFT-7).

What is measured, in a simulated cluster with the documents' timeouts (150 to 300 ms, heartbeat 50 ms):
the time to elect the first leader, from a request to its commit and to its application everywhere, and
from the leader's crash to the next leader and to the next commit; and the messages of a commit. These
are simulated milliseconds: they count timers and the network, whose delays are stated, and neither
computing nor disks. Seconds are of this process's CPU, for all servers of the cluster together.

Then, in processor time and without any network: how many operations a second the pure core commits, for
3 and 5 servers, by the entries that a request carries at most. The log is not compacted, and the core
copies it for each entry: figures are given for a log that ends at 1,024 entries and at 10,240, which
is just beyond where the documents take a snapshot (RAFT-3).

Why the documents' timeouts do not carry 1,000 servers: nobody knows of a candidate before its request
arrives, and meanwhile `servers * delay / range` others stand as well, 20 for 3 ms and a range of 150 ms.
They split the votes, term after term. A range that grows with the number of servers costs no time, for
the first of a thousand timers fires soon however wide the range is.
"""

import statistics
import time
from collections.abc import Sequence

import attrs

from benchmarks._machine import begin, leave
from impl import raft
from property_tests.raft.adapter import server_names
from property_tests.raft.scale import Figures, Timers, commit_without, measure
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
GIVEN, WIDENED = Timers(), Timers(election_ms=(150, 150 + 10 * SERVERS))


@attrs.frozen
class Row:
    """Clusters of one size to be measured."""

    servers: int
    delay: Uniform
    timers: Timers
    seeds: int
    within_ms: int = 5_000


ROWS = [
    *(Row(servers, delay, GIVEN, 20) for servers in (3, 5, 14) for delay in (NEAR, FAR)),
    *(Row(100, delay, GIVEN, 5) for delay in (NEAR, FAR)),
    Row(500, NEAR, GIVEN, 3),
    Row(1_000, NEAR, GIVEN, 1, within_ms=ELECTION_MS),
    *(Row(1_000, delay, WIDENED, 2) for delay in (NEAR, FAR)),
]
#: How long a log is at the end of a measurement of the core, and how many entries a request carries at most.
LOGS, BATCHES = (1_024, 10_240), (1, 64, 1_024)


def cell(values: Sequence[int | None]) -> str:
    """The median and the worst of some figures."""
    there = [value for value in values if value is not None]
    if not there:
        return "none"
    missing = len(values) - len(there)
    return f"{statistics.median(there):,.0f}/{max(there):,}" + (f" -{missing}" if missing else "")


def against(rows: dict[Row, list[Figures]], name: str, target_ms: int, delay: Uniform) -> str:
    """The worst figure of each size beside a target, and which sizes miss it."""
    cells, missed = [], []
    for row, found in rows.items():
        if row.delay != delay:
            continue
        size = f"{row.servers:,}" + ("" if row.timers == GIVEN else "*")
        values: list[int | None] = [getattr(figures, name) for figures in found]
        there = [value for value in values if value is not None]
        cells.append(f"{size}: {max(there):,}" if len(there) == len(values) else f"{size}: none")
        if len(there) < len(values) or max(there) >= target_ms:
            missed.append(size)
    return f"{', '.join(cells)} ms; " + (f"missed by {', '.join(missed)}" if missed else "met")


def clusters() -> dict[Row, list[Figures]]:
    """Measure all rows, and print the table."""
    header = (
        "servers", "delay ms", "timeouts ms", "seeds", "elected", "terms", "committed", "everywhere",
        "elected again", "recovered", "messages", "everywhere", "CPU s",
    )  # fmt: skip
    print("simulated ms and messages, as median/worst over the seeds; -k: k seeds in which it did not come")
    print("".join(f"{name:>14}" for name in header), flush=True)
    found: dict[Row, list[Figures]] = {}
    for row in ROWS:
        cpu_s = []
        found[row] = []
        for seed in range(row.seeds):
            started = time.process_time()
            found[row].append(
                measure(row.servers, seed=seed, delay=row.delay, timers=row.timers, within_ms=row.within_ms)
            )
            cpu_s.append(time.process_time() - started)
        figures = found[row]
        cells = (
            f"{row.servers:,}",
            f"{row.delay.least_ms}-{row.delay.greatest_ms}",
            f"{row.timers.election_ms[0]}-{row.timers.election_ms[1]:,}",
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


def committed_a_second(servers: int, *, entries_max: int, log: int) -> float:
    """Operations that a cluster of pure cores commits, a second of CPU: messages are handed over at once."""
    names = server_names(servers)
    nodes = {
        name: raft.recover(raft.Config(name, names, entries_max=entries_max), raft.Durable())
        for name in names
    }
    first = names[0]

    def take(name: str, inp: raft.Input) -> None:
        """A step of a server, and all that follows from its messages."""
        waiting = [(name, inp)]
        while waiting:
            at, what = waiting.pop(0)
            nodes[at], effects = raft.step(nodes[at], what)
            waiting += [
                (effect.message.dest, raft.Receive(effect.message))
                for effect in effects
                if isinstance(effect, raft.Send)
            ]

    def replicate() -> None:
        for peer in names[1:]:
            take(first, raft.AppendEntries(peer))

    take(first, raft.Timeout())
    replicate()
    started, done = time.process_time(), 0
    while done < log:
        for number in range(done, done + entries_max):
            take(first, raft.ClientRequest(number))
        done += entries_max
        replicate()
    seconds = time.process_time() - started
    if nodes[first].commit_index != done + 1:
        raise SystemExit(f"{nodes[first].commit_index} entries are committed, and not {done + 1}")
    return done / seconds


def throughput() -> dict[tuple[int, int, int], float]:
    """Measure the pure core, and print the table: servers, batch, log -> operations a second."""
    print(
        "\noperations a second of CPU, the pure cores of all servers in one process, no network and no disk"
    )
    columns = [f"{entries:,} a request" for entries in BATCHES]
    print(f"{'servers':>8}{'log':>10}" + "".join(f"{name:>20}" for name in columns))
    rates = {}
    for servers in (3, 5):
        for log in LOGS:
            for entries_max in BATCHES:
                rates[servers, entries_max, log] = committed_a_second(
                    servers, entries_max=entries_max, log=log
                )
            cells = (f"{rates[servers, entries_max, log]:,.0f}" for entries_max in BATCHES)
            print(f"{servers:>8}{log:>10,}" + "".join(f"{text:>20}" for text in cells), flush=True)
    return rates


def throughput_against(rates: dict[tuple[int, int, int], float]) -> str:
    """The operations a second with the greatest batch beside the target."""
    best = {
        f"{servers} servers, log to {log:,}": rate
        for (servers, entries_max, log), rate in rates.items()
        if entries_max == max(BATCHES)
    }
    missed = [name for name, rate in best.items() if rate <= OPERATIONS_A_SECOND]
    return (
        "; ".join(f"{name}: {rate:,.0f}" for name, rate in best.items())
        + f"; {max(BATCHES):,} entries a request, CPU of all servers, no network and no disk; "
        + (f"missed by {', '.join(missed)}" if missed else "met")
    )


def main() -> None:
    """Measure and print."""
    begin("Raft clusters in simulated time, and the pure core in processor time")
    found = clusters()
    fourteen()
    rates = throughput()
    print(
        "\nthe targets (RAFT-7), in simulated time: the worst of the seeds by number of servers; "
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
                f"{source}  {what} < {target_ms:,} ms, messages take {delay.least_ms} to {delay.greatest_ms} ms: "
                + against(found, name, target_ms, delay)
            )
    print(f"KN  throughput > {OPERATIONS_A_SECOND:,} op/s: {throughput_against(rates)}")
    figures = " ".join(
        f"elected_{row.servers}_{row.delay.greatest_ms}_{row.timers.election_ms[1]}="
        f"{cell([each.elected_ms for each in measured])}"
        for row, measured in found.items()
    )
    print(f"raft_scale: {figures} core_slowest={min(rates.values()):.0f}")
    leave()


if __name__ == "__main__":
    main()
