"""Simulator events a second against SimPy, on the same workload; then Raft's cluster, with its spec.

The workload: 20 nodes, each with a timer of 10 ms that sends a message to the next three nodes; each
message takes 1 to 20 ms. An event is a timer that fires or a message that arrives. SimPy runs it
twice: with callbacks on timeouts, its fastest way, and with a process a node and a message, the way
its documentation shows. `World` alone is what corresponds to SimPy's queue; `Cluster` runs pure
cores with disks, faults and a log on top of it, which SimPy has not. Seconds are of this process's
CPU; the order of the contestants changes from round to round.
"""

import random
import time
from collections.abc import Callable, Iterable
from typing import Any

import simpy

from benchmarks._machine import begin, leave, show, sized
from property_tests.raft.protocol import RAFT
from tlacheck.harness import Run
from tlacheck.harness.run import oracle_of
from tlacheck.sim import Cluster, Command, Disk, Send, SetTimer, Timer, World

NODES = [f"n{number}" for number in range(20)]
PEERS = {name: [NODES[(place + step) % len(NODES)] for step in (1, 2, 3)] for place, name in enumerate(NODES)}
TIMER_MS = 10
UNTIL_MS = sized(8_000, 100)
ROUNDS = sized(5, 1)
RAFT_MS = sized(20_000, 500)


def world() -> int:
    """Run the workload in a `World`; return the number of events."""
    w: World[str] = World(seed=1)
    events = 0
    for name in NODES:
        w.set_timer(name, "t", TIMER_MS)
    while (due := w.next_event(UNTIL_MS)) is not None:
        events += 1
        if isinstance(due, Timer):
            for peer in PEERS[due.node]:
                w.send(due.node, peer, "hello")
            w.set_timer(due.node, "t", TIMER_MS)
        elif not w.reaches(due):
            raise SystemExit("a message was lost in a world without faults")
    return events


class Greeter:
    """The workload as a pure core."""

    def start(self, node: str, disk: Disk) -> tuple[str, Iterable[Command]]:
        """A node knows its name, and sets its timer."""
        del disk
        return node, (SetTimer("t", TIMER_MS),)

    def on_message(self, source: str, message: Any, clock_ms: int) -> Any:
        """A message is an input as it is."""
        del source, clock_ms
        return message

    def on_timer(self, name: Any, clock_ms: int) -> Any:
        """The timer is an input by its name."""
        del clock_ms
        return name

    def step(self, state: str, inp: Any) -> tuple[str, Iterable[Command]]:
        """Greet the peers when it is time."""
        if inp == "t":
            return state, (*(Send(peer, "hello") for peer in PEERS[state]), SetTimer("t", TIMER_MS))
        return state, ()

    def commands(self, effect: Command) -> Iterable[Command]:
        """Effects are commands already."""
        return (effect,)


def cluster() -> int:
    """Run the workload in a `Cluster` of pure cores; return the number of events."""
    simulated: Cluster[str, Any, Command] = Cluster(Greeter(), NODES, seed=1)
    simulated.advance(UNTIL_MS)
    return simulated.simulation.events


def simpy_callbacks() -> int:
    """Run the workload in SimPy with a callback on each timeout; return the number of events."""
    env, source, events = simpy.Environment(), random.Random(1), 0  # noqa: S311 - as the world's

    def arrive(_: Any) -> None:
        nonlocal events
        events += 1

    def fire(name: str) -> Callable[[Any], None]:
        def fired(_: Any) -> None:
            nonlocal events
            events += 1
            for peer in PEERS[name]:
                env.timeout(source.randint(1, 20), (name, peer, "hello")).callbacks.append(arrive)
            env.timeout(TIMER_MS).callbacks.append(fired)

        return fired

    for name in NODES:
        env.timeout(TIMER_MS).callbacks.append(fire(name))
    env.run(until=UNTIL_MS + 0.5)
    return events


def simpy_processes() -> int:
    """Run the workload in SimPy with a process per node and per message; return the number of events."""
    env, source, events = simpy.Environment(), random.Random(1), 0  # noqa: S311 - as the world's

    def message(delay: int) -> Any:
        nonlocal events
        yield env.timeout(delay)
        events += 1

    def node(name: str) -> Any:
        nonlocal events
        while True:
            yield env.timeout(TIMER_MS)
            events += 1
            for _ in PEERS[name]:
                env.process(message(source.randint(1, 20)))

    for name in NODES:
        env.process(node(name))
    env.run(until=UNTIL_MS + 0.5)
    return events


def rate(work: Callable[[], int]) -> tuple[int, float]:
    """Return the events, and how many per second of CPU."""
    started = time.process_time()
    events = work()
    return events, events / (time.process_time() - started)


def raft(*, judged: bool) -> float:
    """Return steps a second of a healthy Raft cluster of three."""
    size = RAFT.size(3)
    simulated = Run(RAFT, size, seed=1, oracle=oracle_of(RAFT, size) if judged else None)
    simulated.advance(1_000)
    started, before = time.process_time(), simulated.steps
    for _ in range(RAFT_MS // 1_000):
        simulated.advance(1_000)
    return (simulated.steps - before) / (time.process_time() - started)


def main() -> None:
    """Measure and print."""
    begin(f"simulator events a second of CPU: {len(NODES)} nodes, 3 messages a timer, {UNTIL_MS} ms")
    contestants = [world, cluster, simpy_callbacks, simpy_processes]
    rates: dict[str, list[float]] = {work.__name__: [] for work in contestants}
    counts: dict[str, int] = {}
    for number in range(ROUNDS):
        for work in contestants if number % 2 else reversed(contestants):
            counts[work.__name__], found = rate(work)
            rates[work.__name__].append(found)
    if counts["world"] != counts["cluster"] or max(counts.values()) - min(counts.values()) > 200:
        raise SystemExit(f"these are different workloads: {counts}")
    median = {
        name: show(f"{name}, {counts[name]:,} events", found, "events/s") for name, found in rates.items()
    }
    unjudged = show("Raft, 3 servers, without the spec", [raft(judged=False) for _ in range(3)], "steps/s")
    judged = show("Raft, 3 servers, judged by the spec", [raft(judged=True) for _ in range(3)], "steps/s")
    print(
        f"simulator_rate: world={median['world']:.0f} cluster={median['cluster']:.0f} "
        f"simpy_callbacks={median['simpy_callbacks']:.0f} simpy_processes={median['simpy_processes']:.0f} "
        f"world_to_simpy={median['world'] / median['simpy_callbacks']:.2f} "
        f"raft_unjudged={unjudged:.0f} raft_judged={judged:.0f}"
    )
    leave()


if __name__ == "__main__":
    main()
