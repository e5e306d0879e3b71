"""Messages and bytes a decision of HotStuff beside PBFT's, for 4 to 100 replicas, in one run (HOTSTUFF-2).

The cores take messages from a queue in the order in which they were sent; nothing is lost, one request is
proposed in each block or batch. Counted is what goes from a replica to another; what it sends to itself,
requests and replies are not. Bytes are those of the canonical encoding, with 64 for each signature, and a
batch as its digest.

The exponents are slopes of log(messages) over log(n), fitted by least squares, with their standard error.
Arithmetic says 2(n - 1) messages a block of HotStuff, and 2n(n - 1) a batch of PBFT. A view change: a
time-out of everybody goes to everybody in HotStuff, and so do PBFT's view changes, with the certificates in
them.

A list of signatures is linear in n, and goes to n replicas: HotStuff's bytes are quadratic unless signatures
are aggregated.
"""

import math
import statistics
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from benchmarks._machine import begin, leave, sized
from impl import hotstuff, pbft
from impl.common import SymbolicKeys, encode, signed

REPLICAS = sized((4, 7, 10, 31, 100), (4, 7, 10))
DECISIONS = sized(20, 5)
_SIGNATURE_BYTES = 64
_SYMBOLIC_BYTES = 2 * 16  # in hexadecimal


@attrs.frozen
class Cost:
    """The cost of a decision: messages between replicas, and their bytes."""

    messages: float
    bytes: float


class Cluster:
    """Cores with a queue of messages between them.

    Args:
        nodes: by name.
        step: of the core.
    """

    def __init__(self, nodes: dict[str, Any], step: Callable[[Any, Any], tuple[Any, Any]]) -> None:
        self.nodes, self._step = nodes, step
        self.flights: deque[tuple[str, Any]] = deque()
        self.sent: Counter[str] = Counter()
        self._sizes: dict[int, tuple[Any, int]] = {}

    def hand(self, name: str, inp: Any, *, to_itself: bool) -> tuple[Any, ...]:
        """Hand a replica an input, and queue what it sends."""
        self.nodes[name], effects = self._step(self.nodes[name], inp)
        for effect in effects:
            message = getattr(effect, "message", None)
            if type(effect).__name__ != "Send" or isinstance(message, pbft.Reply | pbft.Request):
                continue
            for dest in self.nodes if effect.to is None else (effect.to,):
                if dest != name:
                    self.sent["messages"] += 1
                    self.sent["bytes"] += self._size(message)
                if dest != name or to_itself:
                    self.flights.append((dest, message))
        return tuple(effects)

    def _size(self, message: Any) -> int:
        known = self._sizes.get(id(message))
        if known is None:
            text = encode(message)
            signatures = text.count(b'{"bytes":"')
            size = len(text) + signatures * (_SIGNATURE_BYTES * 2 - _SYMBOLIC_BYTES) // 2
            known = self._sizes[id(message)] = (message, size)
        return known[1]


def _names(n: int) -> tuple[str, ...]:
    return tuple(f"r{place}" for place in range(n))


def _request(number: int) -> pbft.Request:
    made = pbft.Request(client="c", timestamp=number, operation="op")
    return signed(made, SymbolicKeys("c"))


def _hotstuff(n: int) -> Cost:
    nodes = {
        name: hotstuff.first_start(hotstuff.Config(name, _names(n), SymbolicKeys(name))) for name in _names(n)
    }
    cluster = Cluster(nodes, hotstuff.step)
    proposed = committed = 0
    while committed < DECISIONS:
        for name, node in cluster.nodes.items():
            if node.is_leader and node.durable.proposed < node.view and _may(node):
                proposed += 1
                cluster.hand(name, hotstuff.Propose((_request(proposed),)), to_itself=True)
        dest, message = cluster.flights.popleft()
        effects = cluster.hand(dest, hotstuff.Receive(message), to_itself=True)
        if dest == "r0":
            committed += sum(isinstance(effect, hotstuff.Committed) for effect in effects)
    return Cost(cluster.sent["messages"] / proposed, cluster.sent["bytes"] / proposed)


def _may(node: hotstuff.Node) -> bool:
    return node.durable.high.view == node.view - 1


def _pbft(n: int) -> Cost:
    nodes = {name: pbft.first_start(pbft.Config(name, _names(n), SymbolicKeys(name))) for name in _names(n)}
    cluster = Cluster(nodes, pbft.step)
    for number in range(1, DECISIONS + 1):
        cluster.hand("r0", pbft.Propose((_request(number),)), to_itself=False)
        while cluster.flights:
            dest, message = cluster.flights.popleft()
            cluster.hand(dest, pbft.Receive(message), to_itself=False)
    return Cost(cluster.sent["messages"] / DECISIONS, cluster.sent["bytes"] / DECISIONS)


def _view_change(n: int) -> tuple[int, int]:
    """The messages of a view that everybody gives up at once: of HotStuff, of PBFT."""
    ours = Cluster(
        {
            name: hotstuff.first_start(hotstuff.Config(name, _names(n), SymbolicKeys(name)))
            for name in _names(n)
        },
        hotstuff.step,
    )
    for name in ours.nodes:
        ours.hand(name, hotstuff.TimerFired(), to_itself=True)
    while ours.flights:
        dest, message = ours.flights.popleft()
        ours.hand(dest, hotstuff.Receive(message), to_itself=True)
    theirs = Cluster(
        {name: pbft.first_start(pbft.Config(name, _names(n), SymbolicKeys(name))) for name in _names(n)},
        pbft.step,
    )
    for name in theirs.nodes:
        theirs.hand(name, pbft.Timeout(), to_itself=False)
    while theirs.flights:
        dest, message = theirs.flights.popleft()
        theirs.hand(dest, pbft.Receive(message), to_itself=False)
    return ours.sent["messages"], theirs.sent["messages"]


def exponent(sizes: Sequence[int], values: Iterable[float]) -> tuple[float, float]:
    """The slope of log(value) over log(size) by least squares, and its standard error."""
    xs, ys = [math.log(size) for size in sizes], [math.log(value) for value in values]
    mean_x, mean_y = statistics.mean(xs), statistics.mean(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in zip(xs, ys, strict=True))
    return slope, math.sqrt(rest / max(1, len(xs) - 2) / spread)


def main() -> None:
    """Print a line for each number of replicas, and the exponents."""
    begin(f"messages and bytes a decision, {DECISIONS} decisions, one request each")
    found: dict[str, list[float]] = {}
    for n in REPLICAS:
        ours, theirs = _hotstuff(n), _pbft(n)
        views = _view_change(n)
        for name, value in (
            ("hotstuff messages", ours.messages),
            ("pbft messages", theirs.messages),
            ("hotstuff bytes", ours.bytes),
            ("pbft bytes", theirs.bytes),
            ("hotstuff view change", views[0]),
            ("pbft view change", views[1]),
        ):
            found.setdefault(name, []).append(value)
        print(
            f"{n:>4} replicas  messages: hotstuff {ours.messages:>8,.1f}  pbft {theirs.messages:>10,.1f}   "
            f"kB: hotstuff {ours.bytes / 1000:>8,.1f}  pbft {theirs.bytes / 1000:>9,.1f}   "
            f"messages of a view change: hotstuff {views[0]:>7,}  pbft {views[1]:>7,}"
        )
    for name, values in found.items():
        slope, error = exponent(REPLICAS, values)
        print(f"{name:<22} grows like n^{slope:.2f} (standard error {error:.2f})")
    leave()


if __name__ == "__main__":
    main()
