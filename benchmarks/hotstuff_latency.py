"""Latency and computing of HotStuff beside PBFT, with and without a faulty leader, in one run (HOTSTUFF-2).

Both run behind the hybrid's interface (`impl.hybrid.engines`), in simulated time in which each message takes
one unit, a delay, and computing nothing. One client sends a request to all replicas, waits for f + 1 equal
replies, and sends the next one. Latency is from sending to the last of these replies. A timer of a view
lasts for `TIMER` delays.

With a faulty leader one replica is silent from the start: the first primary of PBFT, who is replaced for
good; and one of HotStuff's leaders, whose turn comes again and again.

CPU is that of the whole cluster, divided by its replicas, with symbolic signatures: it compares the cores.
`--plot FILE` draws the latencies.
"""

import heapq
import itertools
import math
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import attrs

from benchmarks._machine import begin, leave, sized
from benchmarks.hotstuff_messages import exponent
from impl.common import SymbolicKeys, signed
from impl.common.requests import Reply, Request
from impl.common.service import LEDGER
from impl.hybrid.engines import ENGINES, Effect, Said, Settings, Timer
from impl.hybrid.inputs import Receive, ViewTimeout

REPLICAS = sized((4, 7, 10, 31, 100), (4, 7))
#: The duration of a view's timer at first, in delays: more than a decision takes.
TIMER: Final = 20
#: What one delay is in the tables of milliseconds: messages take 1 to 5 ms in the other benchmarks.
DELAY_MS: Final = 3
#: The replica that is silent, by protocol: PBFT's first primary, HotStuff's first leader.
_SILENT: Final = {"pbft": "r0", "hotstuff": "r1"}


@attrs.frozen
class Found:
    """The means of one run: latency in delays, messages between replicas, and seconds of CPU of a replica."""

    delays: float
    worst: float
    messages: float
    cpu_s: float


class Cluster:
    """Replicas of one protocol, and one client, in simulated time.

    Args:
        protocol: its name.
        n: how many replicas there are.
        silent: the one that says and hears nothing; empty for none.
    """

    def __init__(self, protocol: str, n: int, silent: str = "") -> None:
        names = tuple(f"r{place}" for place in range(n))
        self._engines = {
            name: ENGINES[protocol](
                Settings(
                    node=name,
                    replicas=names,
                    keys=SymbolicKeys(name),
                    f=(n - 1) // 3,
                    window=200,
                    interval=100,
                    batch_max=1,
                    multiplier_max=64,
                    request_bytes_max=1 << 16,
                    waiting_max=1024,
                    service=LEDGER,
                )
            )
            for name in names
            if name != silent
        }
        self._nodes = {name: engine.first_start() for name, engine in self._engines.items()}
        self._names, self._f = names, (n - 1) // 3
        self._events: list[tuple[int, int, str, Any]] = []
        self._order = itertools.count()
        self._timers: Counter[str] = Counter()
        self._replied: Counter[int] = Counter()
        self.now, self.messages = 0, 0

    def decide(self, number: int) -> int:
        """Let the client ask, and return after how many delays it has f + 1 replies."""
        begin_at = self.now
        request = signed(Request(client="c", timestamp=number, operation="op"), SymbolicKeys("c"))
        for name in self._nodes:
            self._push(self.now + 1, name, Receive(request))
        while self._replied[number] <= self._f:
            self._next()
        return self.now - begin_at

    def _next(self) -> None:
        """Let the next message arrive, or the next timer fire."""
        self.now, _, name, inp = heapq.heappop(self._events)
        if name == "c":
            self._replied[inp.message.timestamp] += 1
        elif not isinstance(inp, _Fired):
            self._step(name, inp)
        elif inp.number == self._timers[name]:
            self._step(name, ViewTimeout())

    def _said(self, name: str, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
        """The effects of a step that others notice: all of them here."""
        del name
        return effects

    def _step(self, name: str, inp: Any) -> None:
        self._nodes[name], effects = self._engines[name].step(self._nodes[name], inp)
        for effect in self._said(name, effects):
            match effect:
                case Said(message=Reply() as reply):
                    self._push(self.now + 1, "c", Receive(reply))
                case Said(message=message, to=to):
                    for dest in self._names if to is None else (to,):
                        if dest != name:
                            self.messages += 1
                            self._push(self.now + 1, dest, Receive(message))
                case Timer(multiplier=multiplier):
                    self._timers[name] += 1
                    if multiplier is not None:
                        self._push(self.now + multiplier * TIMER, name, _Fired(self._timers[name]))

    def _push(self, at: int, name: str, inp: Any) -> None:
        if name == "c" or name in self._nodes:
            heapq.heappush(self._events, (at, next(self._order), name, inp))


@attrs.frozen
class _Fired:
    number: int


def found(protocol: str, n: int, decisions: int, silent: str = "") -> Found:
    """The means over so many decisions, one after the other."""
    cluster = Cluster(protocol, n, silent)
    begin_s = time.process_time()
    delays = [cluster.decide(number) for number in range(1, decisions + 1)]
    cpu_s = (time.process_time() - begin_s) / decisions / n
    return Found(statistics.mean(delays), max(delays), cluster.messages / decisions, cpu_s)


def plot(points: dict[str, list[tuple[int, float]]], path: Path) -> None:
    """Draw latencies in delays, on a logarithmic axis, over the numbers of replicas."""
    width, height, left, low = 640, 340, 60, 290
    top = math.log(max(value for line in points.values() for _, value in line) * 1.3)
    step_x = (width - left - 190) / (len(REPLICAS) - 1)
    colours = ("#1b6ca8", "#1b6ca8", "#c0562b", "#c0562b")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
    lines = [
        f'{head} font-size="12"><rect width="100%" height="100%" fill="white"/>',
        f'<path d="M{left} 20V{low}H{width - 190}" fill="none" stroke="#444"/>',
        f'<text x="{left}" y="14">message delays until a client has f + 1 replies, mean</text>',
        f'<text x="{(left + width - 190) / 2 - 25:.0f}" y="{height - 10}">replicas</text>',
    ]
    for place, n in enumerate(REPLICAS):
        lines.append(f'<text x="{left + place * step_x:.0f}" y="{low + 18}" text-anchor="middle">{n}</text>')
    for mark in (1, 2, 5, 10, 20, 50, 100, 200, 500):
        if math.log(mark) > top:
            break
        y = low - math.log(mark) / top * (low - 20)
        lines.append(f'<text x="{left - 8}" y="{y + 4:.0f}" text-anchor="end">{mark}</text>')
        lines.append(f'<path d="M{left} {y:.0f}H{width - 190}" stroke="#ddd"/>')
    for (name, line), colour in zip(points.items(), colours, strict=True):
        dash = ' stroke-dasharray="6 4"' if "silent" in name else ""
        below = 12 if name == "PBFT" else 4
        spots = [
            (left + REPLICAS.index(n) * step_x, low - math.log(value) / top * (low - 20)) for n, value in line
        ]
        path_text = "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in spots)
        lines.append(f'<path d="{path_text}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        lines.append(
            f'<text x="{spots[-1][0] + 8:.0f}" y="{spots[-1][1] + below:.0f}" fill="{colour}">{name}</text>'
        )
    path.write_text("\n".join([*lines, "</svg>", ""]), encoding="utf-8")


def main() -> None:
    """Print a table for each number of replicas, and the growth of messages with a faulty leader."""
    begin("latency of HotStuff and PBFT, one request at a time, each message takes one delay")
    points: dict[str, list[tuple[int, float]]] = {
        f"{name}{fault}": [] for name in ("PBFT", "HotStuff") for fault in ("", ", one silent")
    }
    messages: dict[str, list[float]] = {}
    for n in REPLICAS:
        normal, faulty = (20, n + 20) if n < 100 else (5, 60)
        for protocol, title in (("pbft", "PBFT"), ("hotstuff", "HotStuff")):
            one = found(protocol, n, normal)
            other = found(
                protocol, n, min(faulty, 20) if protocol == "pbft" and n > 10 else faulty, _SILENT[protocol]
            )
            points[title].append((n, one.delays))
            points[f"{title}, one silent"].append((n, other.delays))
            messages.setdefault(title, []).append(other.messages)
            print(
                f"{n:>4} replicas  {title:<8} {one.delays:>5.1f} delays ({one.delays * DELAY_MS:>5.1f} ms)  "
                f"{1 / one.cpu_s:>7,.0f} operations a second of CPU of a replica   "
                f"one silent: {other.delays:>5.1f} delays on average, {other.worst:>5.0f} at most, "
                f"{other.messages:>8,.1f} messages a decision"
            )
    for title, values in messages.items():
        slope, error = exponent(REPLICAS, values)
        print(
            f"{title:<8} messages a decision with a silent leader grow like n^{slope:.2f} "
            f"(standard error {error:.2f})"
        )
    if "--plot" in sys.argv:
        plot(points, Path(sys.argv[sys.argv.index("--plot") + 1]))
    leave()


if __name__ == "__main__":
    main()
