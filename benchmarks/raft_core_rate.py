"""Operations a second of the pure Raft core: a cluster in one process, no network, no disk, no time.

A burst of clients' requests reaches the leader, messages are handed over until none is left, and so on:
this measures the protocol itself, in CPU seconds of all servers together. Baselines in the same run:
requests that carry one entry, each sent when the one before was acknowledged; and the same batches
without pipelining, which costs nothing here, where no message takes time (`raft_scale.py` has delays).
Logs are compacted, every 1,000 entries or at 10,000, which is the documents' default (RAFT-3): the core
keeps a log as a tuple and copies it for each request that it appends.

With the machine, each server applies real operations of `impl.machine` (a session's `Custom` writes to a
hundred records, and a case for each hundredth), and what it holds is the snapshot. Every run ends by
comparing what all servers hold.
"""

import statistics
import sys
import time
from collections import deque
from collections.abc import Hashable

import attrs

from benchmarks._machine import begin, leave, sized
from impl import machine, raft
from property_tests.raft.settings import server_names

#: The target of the source document (KN).
OPERATIONS_A_SECOND = 10_000
OPERATIONS, BURST, ROUNDS = sized((12_288, 256, 3), (256, 256, 1))
RECORDS = 100


@attrs.frozen
class Measured:
    """One way to run the core."""

    entries_max: int
    pipelining: bool
    compact_after: int = 1_000
    with_machine: bool = False

    @property
    def name(self) -> str:
        """The row in words."""
        words = f"{self.entries_max} a request" + (", pipelined" if self.pipelining else "")
        return words + (", machine" if self.with_machine else "")


ROWS = [
    Measured(1, pipelining=False),
    Measured(64, pipelining=False),
    Measured(64, pipelining=True),
    Measured(256, pipelining=True),
    Measured(256, pipelining=True, compact_after=10_000),
    Measured(1, pipelining=False, with_machine=True),
    Measured(64, pipelining=True, with_machine=True),
    Measured(256, pipelining=True, with_machine=True),
]


def requests(count: int) -> list[Hashable]:
    """Return this many operations of one session; each is carried out."""
    versions = dict.fromkeys(range(RECORDS), 0)
    made: list[Hashable] = [machine.Register()]
    for number in range(1, count):
        operation: machine.Operation
        if number % 100 == 0:
            operation = machine.CreateCase(f"case-{number}", "spec-1", "{}")
        else:
            record = number * 7 % RECORDS
            versions[record] += 1
            operation = machine.Custom(f"record-{record}", versions[record], "data")
        # The first entry is the leader's no-op, so that the log index of `Register` is 2.
        made.append(machine.Request(2, number, operation))
    return made


class Servers:
    """A cluster in memory.

    Args:
        count: how many servers.
        row: how they run.

    Attributes:
        messages: how many messages were handed over.
        steps: how many steps the cores took.
    """

    def __init__(self, count: int, row: Measured) -> None:
        self.messages = 0
        self.steps = 0
        self._row = row
        names = server_names(count)
        self.nodes = {
            name: raft.first_start(
                raft.Config(
                    name,
                    names,
                    entries_max=row.entries_max,
                    unacknowledged_max=16 * row.entries_max,
                    pipelining=row.pipelining,
                    conflict_term=True,
                )
            )
            for name in names
        }
        self.machines = dict.fromkeys(names, machine.initial())
        self._flying: deque[raft.Message] = deque()
        self._leader, *self._others = names
        self._take(self._leader, raft.Timeout())
        self.replicate()

    def request(self, value: Hashable) -> None:
        """Give the leader a client's request, sent when `replicate` is called."""
        self._take(self._leader, raft.ClientRequest(value))

    def replicate(self) -> None:
        """Send to all others until they hold all, and know it."""
        for _ in range(2):  # the second time tells what is committed
            for peer in self._others:
                self._send(peer)
            self._deliver()

    @property
    def committed(self) -> list[int]:
        """Return up to where each server knows the log to be committed."""
        return [node.commit_index for node in self.nodes.values()]

    def _take(self, name: str, inp: raft.Input) -> None:
        node, effects = raft.step(self.nodes[name], inp)
        self.nodes[name] = node
        self.steps += 1
        with_machine = self._row.with_machine
        for effect in effects:
            match effect:
                case raft.Send(message=message):
                    self._flying.append(message)
                case raft.Apply(value=value) if with_machine:
                    self.machines[name], _ = machine.apply(self.machines[name], value)
        if len(node.durable.log) > self._row.compact_after and node.commit_index == node.durable.last_index:
            state = machine.snapshot(self.machines[name]) if with_machine else ()
            self.nodes[name], _ = raft.step(node, raft.Compact(state))
            self.steps += 1

    def _send(self, peer: str) -> None:
        """Send the entries that the peer lacks; pipelined, as many as may be under way at once."""
        while True:
            before = len(self._flying)
            self._take(self._leader, raft.AppendEntries(peer))
            last = self._flying[-1]
            is_empty = isinstance(last, raft.AppendEntriesRequest) and not last.entries
            if not self._row.pipelining or is_empty or len(self._flying) == before:
                return
            progress = self._progress(peer)
            if progress is None or progress.next_index > self.nodes[self._leader].durable.last_index:
                return

    def _progress(self, peer: str) -> raft.Progress | None:
        role = self.nodes[self._leader].role
        return role.of(peer) if isinstance(role, raft.Leader) else None

    def _deliver(self) -> None:
        """Hand messages over until there is none; a peer that lacks entries is sent the next ones."""
        flying = self._flying
        while flying:
            message = flying.popleft()
            self.messages += 1
            self._take(message.dest, raft.Receive(message))
            if message.dest == self._leader and isinstance(message, raft.AppendEntriesResponse):
                progress = self._progress(message.source)
                if (
                    progress is not None
                    and progress.next_index <= self.nodes[self._leader].durable.last_index
                ):
                    self._send(message.source)


def measured(count: int, row: Measured, values: list[Hashable]) -> tuple[float, float, float]:
    """Operations a second, messages an operation, steps a second."""
    servers = Servers(count, row)
    messages, steps = servers.messages, servers.steps
    started = time.process_time()
    for first in range(0, len(values), BURST):
        for value in values[first : first + BURST]:
            servers.request(value)
        servers.replicate()
    seconds = time.process_time() - started
    if set(servers.committed) != {len(values) + 1}:
        raise SystemExit(
            f"{servers.committed} entries are committed, and not {len(values) + 1} at all servers"
        )
    if row.with_machine:
        held = {machine.snapshot(state) for state in servers.machines.values()}
        written = [record.version for _, record in servers.machines["n1"].content.records.items()]
        if len(held) != 1 or sum(written) < len(values) * 98 // 100:
            raise SystemExit("the machines differ, or did not carry out what was asked")
    operations = len(values)
    return operations / seconds, (servers.messages - messages) / operations, (servers.steps - steps) / seconds


def main(operations: int = OPERATIONS) -> None:
    """Measure and print."""
    begin(
        f"The pure Raft core: {operations:,} operations in bursts of {BURST}, CPU of all servers in one "
        "process, "
        f"median of {ROUNDS} rounds"
    )
    header = ("servers", "log to", "operations/s", "messages/op", "steps/s")
    print(f"{'entries':<36}" + "".join(f"{name:>14}" for name in header), flush=True)
    values = requests(operations)
    rates: dict[tuple[int, Measured], float] = {}
    for count in (3, 5):
        for row in ROWS:
            rounds = [measured(count, row, values) for _ in range(ROUNDS)]
            rate, messages, steps = (statistics.median(column) for column in zip(*rounds, strict=True))
            rates[count, row] = rate
            cells = (f"{count}", f"{row.compact_after:,}", f"{rate:,.0f}", f"{messages:.3f}", f"{steps:,.0f}")
            print(f"{row.name:<36}" + "".join(f"{text:>14}" for text in cells), flush=True)
    for count in (3, 5):
        for with_machine in (False, True):
            one = max(
                rates[count, row] for row in ROWS if row.entries_max == 1 and row.with_machine == with_machine
            )
            best = max(rates[count, row] for row in ROWS if row.with_machine == with_machine)
            print(
                f"KN  throughput > {OPERATIONS_A_SECOND:,} op/s, {count} servers"
                f"{', with the machine' if with_machine else ''}: {best:,.0f}, "
                f"{best / one:.1f} times one entry a request; "
                + ("met" if best > OPERATIONS_A_SECOND else "missed")
                + " (CPU of all servers, no network and no disk)"
            )
    greatest = {
        count: max(rate for (servers, _), rate in rates.items() if servers == count) for count in (3, 5)
    }
    print(
        f"raft_core_rate: best_3={greatest[3]:.0f} best_5={greatest[5]:.0f} slowest={min(rates.values()):.0f}"
    )
    leave()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
