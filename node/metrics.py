"""The metrics of a node, by the names of the source document (KN, "Metrics"), for Prometheus and for clients.

| KN                    | Prometheus                               |
|-----------------------|------------------------------------------|
| `proposals_submitted` | `consensus_proposals_submitted_total`    |
| `proposals_committed` | `consensus_proposals_committed_total`    |
| `avg_latency_ms`      | `consensus_latency_seconds`, a histogram |
| `p99_latency_ms`      | the same                                 |
| `throughput`          | rate of the second                       |
| `leader_elections`    | `consensus_leader_elections_total`       |
| `byzantine_failures`  | `consensus_byzantine_failures_total`     |

Raft tolerates no Byzantine failure and notices none: that number is 0 there. Where a node is, in the words of
its protocol, is a gauge each: `consensus_term`, `consensus_view`.
"""

import time
from collections import deque
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from node.driver import Driver
from node.engine import Counts

__all__ = ["Metrics"]

_WINDOW: Final = 1000
_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_COUNTERS: Final = {
    "proposals_submitted": "Proposals that clients gave this node",
    "proposals_committed": "Proposals of this node that were committed and answered",
    "leader_elections": "Elections that this node won",
    "byzantine_failures": "Messages whose sender, or a client, had broken the protocol",
    "messages_lost": "Messages that this node could not send, or had no room for",
    "steps": "Steps of the core",
    "batches": "Batches, each with at most one sync",
    "sync_seconds": "Time in which the disk was asked to hold a batch",
}


class Metrics(Collector):
    """Collects the numbers of one node.

    Attributes:
        driver: whose numbers they are; None before it runs.
    """

    def __init__(self) -> None:
        self.driver: Driver | None = None
        self._begun = time.monotonic()
        self._last: deque[float] = deque(maxlen=_WINDOW)
        self._registry = CollectorRegistry(auto_describe=False)
        self._latency = Histogram(
            "consensus_latency_seconds",
            "From a proposal to its answer",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(self)

    def note_latency(self, seconds: float) -> None:
        """Note how long a proposal took to its answer."""
        self._last.append(seconds)
        self._latency.observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)

    def named(self) -> dict[str, int | float]:
        """Return the metrics by KN's names; latencies are those of the last 1,000 proposals."""
        counts = Counts() if self.driver is None else self.driver.counts
        latencies = sorted(self._last)
        average = sum(latencies) / len(latencies) if latencies else 0.0
        last = latencies[int(0.99 * (len(latencies) - 1))] if latencies else 0.0
        return {
            "proposals_submitted": counts.proposals_submitted,
            "proposals_committed": counts.proposals_committed,
            "avg_latency_ms": round(1000 * average, 3),
            "p99_latency_ms": round(1000 * last, 3),
            "throughput": round(counts.proposals_committed / (time.monotonic() - self._begun), 3),
            "leader_elections": counts.leader_elections,
            "byzantine_failures": counts.byzantine_failures,
        }

    def collect(self) -> Iterator[Metric]:
        """Give the numbers as Prometheus wants them."""
        driver = self.driver
        if driver is None:
            return
        for name, text in _COUNTERS.items():
            yield CounterMetricFamily(f"consensus_{name}", text, value=getattr(driver.counts, name))
        engine = driver.engine
        leads = engine.leader == engine.core.node
        yield GaugeMetricFamily("consensus_is_leader", "1 if this node leads", value=leads)
        for name, number in engine.numbers().items():
            yield GaugeMetricFamily(f"consensus_{name}", name.replace("_", " "), value=number)
