"""The cost of a switch of the hybrid for clusters of 4, 5, 7 and 10 replicas (THREAT-3, THREAT-4).

In simulated time, messages take 1 to 5 ms; clients ask one thing after the other, 50 ms after the last
answer. A switch is timed from the first stop (or calm) of a replica to the first operation that a
client accepts of the new epoch: until all replicas have entered it, and until it serves. The rise and
fall of the level that leads to it is not included.

The baseline in the same run is the same cluster undisturbed, in a Raft epoch and in a BFT epoch.
"""

import statistics
from collections.abc import Callable, Sequence

from benchmarks._machine import begin, leave, sized
from property_tests.hybrid.costs import Costs, Switch, costs

REPLICAS = sized((4, 5, 7, 10), (4,))
SEEDS = range(1, sized(6, 2))


def _median(found: Sequence[Costs], of: Callable[[Costs], float]) -> float:
    return statistics.median(map(of, found))


def _steady(found: Sequence[Costs]) -> None:
    n = found[0].replicas
    for name in ("raft", "bft"):
        latency = _median(found, lambda each: getattr(each, name).latency_ms)  # noqa: B023 - called at once
        messages = _median(found, lambda each: getattr(each, name).messages)  # noqa: B023 - called at once
        worst = max(getattr(each, name).worst_ms for each in found)
        print(
            f"{n:>3}  undisturbed {name:<5} latency {latency:>4.0f} ms, worst {worst:>4} ms, "
            f"{messages:>6.1f} messages an operation"
        )


def _switch(found: Sequence[Costs], pick: Callable[[Costs], Switch]) -> None:
    switches = [pick(each) for each in found]
    durations = sorted(each.duration_ms for each in switches)
    committed = statistics.median(each.committed_ms for each in switches)
    delayed = statistics.median(each.delayed for each in switches)
    longest = max(each.longest_ms for each in switches)
    messages = statistics.median(each.messages.total() for each in switches)
    print(
        f"{found[0].replicas:>3}  to {switches[0].into:<5} agreed after {committed:>4.0f} ms, serves after "
        f"{statistics.median(durations):>4.0f} ms ({durations[0]} to {durations[-1]}), {messages:>6.0f} "
        "messages, "
        f"{delayed:>3.0f} operations delayed, the longest {longest} ms"
    )


def main() -> None:
    """Print a line for each number of replicas and each direction."""
    begin("what a switch costs, 8 clients, medians of 5 seeds")
    for n in REPLICAS:
        found = [costs(n, seed=seed) for seed in SEEDS]
        _steady(found)
        _switch(found, lambda each: each.there)
        _switch(found, lambda each: each.back)
    leave()


if __name__ == "__main__":
    main()
