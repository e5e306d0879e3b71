"""The cost of a switch: delayed operations, messages, simulated time.

Nobody is faulty here. Clients ask one thing after the other; then messages arrive at all replicas that nobody
signed, as in an attack, until the cluster has moved to BFT; then nothing more, until it has moved back. Hosts
keep the usual times (`Times`), messages take 1 to 5 ms, and computing takes no time.
"""

import statistics
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs

from impl import hybrid
from property_tests.hybrid.host import Ask, HybridCore, Times, configs_of, keep_old, replica_step
from property_tests.hybrid.invariants import Safety
from property_tests.hybrid.protocol import HYBRID
from tlacheck.harness import Run, Size
from tlacheck.sim import Flight, Network, StepRecord, Uniform

__all__ = ["Costs", "NoSwitch", "Steady", "Switch", "costs"]

#: Timers fire late and not often, so that what is counted is the switch.
_TIMES: Final = Times(heartbeat_ms=50, tick_ms=50, again_ms=400, retry_ms=400)
_STEADY_MS: Final = 1_000
#: How long a client thinks before it asks for the next thing.
_THINK_MS: Final = 50
_STEP_MS: Final = 1
_LIMIT_MS: Final = 10_000


class NoSwitch(AssertionError):
    """Raised if the cluster did not do what is measured."""


@attrs.frozen(kw_only=True)
class Steady:
    """A protocol that serves undisturbed.

    Attributes:
        protocol: which.
        latency_ms: from a request to its accepted result, the median.
        worst_ms: the longest.
        messages: between replicas and to clients for each operation, by the median of their number.
    """

    protocol: str
    latency_ms: float
    worst_ms: int
    messages: float


@attrs.frozen(kw_only=True)
class Switch:
    """One switch.

    Attributes:
        into: the protocol that it leads to.
        duration_ms: from the first abort or switch-back vote of a replica to the first operation that a
            client accepts of the new epoch.
        committed_ms: of that, until the last replica has entered the new epoch.
        delayed: how many of the operations that were under way took twice as long as usual, or longer.
        longest_ms: the longest that one took.
        messages: what was sent in that time, by kind.
        asked: how many clients had asked for something when it began.
    """

    into: str
    duration_ms: int
    committed_ms: int
    delayed: int
    longest_ms: int
    messages: Counter[str]
    asked: int


@attrs.frozen(kw_only=True)
class Costs:
    """The costs for one number of replicas."""

    replicas: int
    raft: Steady
    bft: Steady
    there: Switch
    back: Switch


class _Tally:
    """Counts of messages, and of replicas that entered the new epoch."""

    def __init__(self, replicas: int) -> None:
        self.sent: Counter[str] = Counter()
        self.first_farewell = False
        self.entered: set[str] = set()
        self._others = replicas - 1

    def on_step(self, record: StepRecord) -> None:
        """Count the messages of a replica."""
        taken = replica_step(record)
        for effect in taken.effects if taken is not None else ():
            match effect:
                case hybrid.Send(message=message, to=to):
                    self.sent[type(message).__name__] += self._others if to is None else 1
                    self.first_farewell |= isinstance(message, hybrid.SwitchbackVote)
                case hybrid.EpochAborted():
                    self.first_farewell = True
                case hybrid.EpochBegan():
                    self.entered.add(record.node)

    def on_restart(self, node: str, state: object) -> None:
        """No node crashes here."""

    def on_lost(self, flight: Flight[Any]) -> None:
        """No message is lost here."""

    def on_double(self, flight: Flight[Any]) -> None:
        """No message has a second copy here."""


class _Run:
    """A cluster, clients with one pending request each, and the latency of each request."""

    def __init__(self, replicas: int, *, clients: int, seed: int) -> None:
        names = tuple(f"c{number}" for number in range(clients))
        self._replicas = tuple(f"r{number}" for number in range(replicas))
        size = Size((*self._replicas, *names))
        limits = {"prefix_max": 100_000, "window": 20, "interval": 10, "batch_max": 64}
        configs = configs_of(size, **limits, stall_ticks=40, cooldown_ticks=60)
        self.tally = _Tally(replicas)
        measured = attrs.evolve(
            HYBRID,
            core=lambda _: HybridCore(configs, clients=names, times=_TIMES),
            judges=[lambda size: Safety(size, configs)],
            network=Network(delay=Uniform(1, 5)),
            tear=keep_old,
        )
        self.run = Run(measured, size, seed=seed, oracle=None, listener=self.tally)
        self.latencies: list[tuple[int, int]] = []
        self.last: dict[str, hybrid.Accepted] = {}
        self._since: dict[str, int] = {}
        self._thinks = dict.fromkeys(names, 0)
        self._names = names

    @property
    def now_ms(self) -> int:
        """Virtual time."""
        return self.run.cluster.world.now_ms

    def node(self, name: str) -> hybrid.Node:
        """A replica as it is."""
        node: hybrid.Node = self.run.view[name].node
        return node

    @property
    def protocol(self) -> set[str]:
        """The protocols of the replicas."""
        return {hybrid.current_protocol(self.node(name)) for name in self._replicas}

    def advance(self) -> bool:
        """A millisecond passes; whether a client accepted something."""
        self.run.advance(_STEP_MS)
        accepted = False
        for name in self._names:
            if not self.run.view[name].is_done:
                continue
            if name in self._since:
                self.latencies.append((self._since[name], self.now_ms - self._since.pop(name)))
                self.last[name] = self.run.judge(Safety).last_accepted[name]
                self._thinks[name] = self.now_ms + _THINK_MS
                accepted = True
            if self.now_ms >= self._thinks[name]:
                self._since[name] = self.now_ms
                self.run.request(name, Ask(("put", name, self.now_ms)))
        return accepted

    @property
    def asked(self) -> int:
        """The number of waiting clients."""
        return len(self._since)

    def steady(self, protocol: str) -> Steady:
        """Measure how the cluster serves for a while."""
        begin, sent = len(self.latencies), self.tally.sent.total()
        until = self.now_ms + _STEADY_MS
        while self.now_ms < until and self.protocol == {protocol}:
            self.advance()
        taken = [each for _, each in self.latencies[begin:]]
        return Steady(
            protocol=protocol,
            latency_ms=statistics.median(taken),
            worst_ms=max(taken),
            messages=(self.tally.sent.total() - sent) / len(taken),
        )

    def attack(self) -> None:
        """Something that nobody signed comes to each replica."""
        for name in self._replicas:
            forged = hybrid.SwitchbackVote(epoch=self.node(name).epoch, source=self._other(name))
            self.run.request(name, hybrid.Receive(forged))

    def _other(self, name: str) -> str:
        return next(other for other in self._replicas if other != name)

    def switch(self, into: str, *, attacked: bool, usual_ms: float) -> Switch:
        """From one protocol to the other.

        Raises:
            NoSwitch: if that does not happen.
        """
        self.tally.first_farewell = False
        self.tally.entered.clear()

        sent = Counter[str]()

        def leaves() -> bool:
            nonlocal sent
            sent = self.tally.sent.copy()  # before the first farewell is said
            if attacked:
                self.attack()
            self.advance()
            return self.tally.first_farewell

        self._until(leaves, f"nobody leaves for {into}")
        begin, asked, first = self.now_ms, self.asked, len(self.latencies)
        target = max(self.node(name).epoch for name in self._replicas) + 1
        committed = 0

        def serves() -> bool:
            nonlocal committed
            self.advance()
            if not committed and self.tally.entered >= set(self._replicas):
                committed = self.now_ms - begin
            return committed > 0 and any(each.epoch >= target for each in self.last.values())

        self._until(serves, f"nobody is served in {into}")
        duration, messages = self.now_ms - begin, self.tally.sent - sent
        if self.protocol != {into}:
            raise NoSwitch(f"the replicas are in {self.protocol}, not in {into}")

        def is_caught_up() -> bool:
            self.advance()
            return all(since > begin for since in self._since.values())

        self._until(is_caught_up, "somebody who asked before the switch waits")
        taken = [each for _, each in self.latencies[first:]]
        return Switch(
            into=into,
            duration_ms=duration,
            committed_ms=committed,
            delayed=sum(each >= 2 * usual_ms for each in taken),
            longest_ms=max(taken),
            messages=messages,
            asked=asked,
        )

    def _until(self, is_so: Callable[[], bool], otherwise: str) -> None:
        limit = self.now_ms + _LIMIT_MS
        while not is_so():
            if self.now_ms >= limit:
                raise NoSwitch(f"{otherwise} within {_LIMIT_MS:,} ms")


def costs(replicas: int, *, clients: int = 8, seed: int = 1) -> Costs:
    """Run a cluster there and back.

    Args:
        replicas: how many.
        clients: how many ask, each one thing at a time.
        seed: decides how long messages take.

    Raises:
        NoSwitch: it does not switch, or does not serve afterwards.
        tlacheck.conform.lockstep.Diverged: a property of the cluster breaks.
    """
    run = _Run(replicas, clients=clients, seed=seed)
    while not any(each.term for each in run.last.values()):  # the first leader is elected
        run.advance()
    run.steady("raft")  # all that waited for the first leader is done
    raft = run.steady("raft")
    there = run.switch("bft", attacked=True, usual_ms=raft.latency_ms)
    bft = run.steady("bft")
    back = run.switch("raft", attacked=False, usual_ms=bft.latency_ms)
    return Costs(replicas=replicas, raft=raft, bft=bft, there=there, back=back)
