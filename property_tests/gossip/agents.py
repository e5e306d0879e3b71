"""Hundreds to thousands of real cores of gossip in simulated time, with the configuration of A102.

The harness keeps a view of all nodes and asks every invariant of it after each step, which is right for
three nodes. Here only the node that took a step is looked at.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs
from immutabledict import immutabledict

from impl import gossip
from impl.gossip.holdings import Holdings
from impl.gossip.records import size_of
from impl.gossip.ring import with_ring
from tlacheck.sim import Delay, Network, Timer, Uniform, World

__all__ = ["FANOUT", "Cores", "phases_of"]

FANOUT = 3
#: Is told of a step: the node's name, and the node before it.
Watch: TypeAlias = Callable[[str, gossip.Node], None]
Tell: TypeAlias = Callable[[gossip.Node, gossip.Input, gossip.Node, tuple[gossip.Effect, ...]], None]

_HEADER, _HASH, _ENTRY = 60, 16, 24


def bytes_of(message: gossip.Message) -> int:
    """About how many bytes a message takes."""
    size = _HEADER
    match message:
        case gossip.Hello():
            size += _HASH
        case gossip.Buckets(hashes=hashes):
            size += _HASH * len(hashes)
        case gossip.Heartbeat():
            size += 8
    if isinstance(message, gossip.Syn | gossip.Reply):
        size += 2 * len(message.buckets) + _ENTRY * len(message.digest)
        size += len("".join([owner for owner, _ in message.digest]))
    if isinstance(message, gossip.Reply | gossip.Ack):
        for owner, delta in message.deltas:
            size += 40 + len(owner) + sum(size_of(key, record) for key, record in delta.records)
    return size


def phases_of(rng: random.Random, count: int) -> list[int]:
    """When in a second each node has its rounds, ms: all at different times, if there are not too many."""
    if count <= 1_000:
        return rng.sample(range(1_000), count)
    return [rng.randrange(1_000) for _ in range(count)]


class Cores:
    """A cluster of real cores that know each other.

    Args:
        count: how many nodes.
        seed: decides phases, draws, delays and losses.
        loss: the chance that a message is lost.
        delay: of messages.
        config: fields of `gossip.Config` that differ from its defaults.

    Attributes:
        bytes: sent by all.
        suspicions: of whom, by whom, when, ms.
        tell: is told of each step, whatever it was about: the node before it, input, node, effects.
    """

    def __init__(
        self,
        count: int,
        *,
        seed: int,
        loss: float = 0.0,
        delay: Delay | None = None,
        config: Mapping[str, Any] = immutabledict(),
    ) -> None:
        self.names = [f"n{number}" for number in range(count)]
        self.world: World[gossip.Message] = World(
            seed=seed, network=Network(delay=delay or Uniform(1, 20), loss=loss)
        )
        self.draws = random.Random(f"draws {seed}")  # noqa: S311 - a reproducible run, no secret
        self.nodes = dict(self._known(config))
        self.bytes, self.messages = 0, 0
        self.suspicions: list[tuple[str, str, int]] = []
        self.tell: Tell = lambda *_: None
        phases = random.Random(f"phases {seed}")  # noqa: S311 - as above
        starts = phases_of(phases, count)
        for name, start in zip(self.names, starts, strict=True):
            self.world.set_timer(name, "round", start)

    def _known(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, gossip.Node]]:
        """All nodes, each of which has a copy of each: the same values."""
        everybody = {name: gossip.Copy(1) for name in self.names}
        holdings = Holdings.empty(128, {})
        for name, copy in everybody.items():
            holdings = holdings.put({name: copy})
        holdings = attrs.evolve(holdings, base=everybody, changes={})
        config = gossip.Config(node=self.names[0], seeds=tuple(self.names[:2]), **settings)
        ring = with_ring(gossip.Node(config=config, holdings=holdings)).ring
        for name in self.names:
            own = attrs.evolve(config, node=name)
            yield name, gossip.Node(config=own, holdings=holdings, ring=ring)

    def write(self, name: str) -> None:
        """A node writes."""
        self.step(name, gossip.Write("q", "value"))

    def step(self, name: str, inp: gossip.Input) -> None:
        """A node takes an input, and what it sends is on its way."""
        before = self.nodes[name]
        node, effects = gossip.step(before, inp)
        self.nodes[name] = node
        self.tell(before, inp, node, effects)
        for effect in effects:
            if isinstance(effect, gossip.Send):
                self.bytes += bytes_of(effect.message)
                self.messages += 1
                self.world.send(name, effect.dest, effect.message)
            elif isinstance(effect, gossip.Changed) and effect.standing is gossip.Standing.SUSPECTED:
                self.suspicions.append((effect.node, name, self.world.now_ms))

    def advance(self, for_ms: int, watch: Watch = lambda _, __: None) -> None:
        """Let time pass; `watch` is told of each step: which node took it, and what it was before."""
        until = self.world.now_ms + for_ms
        while (due := self.world.next_event(until)) is not None:
            now_ns = self.world.now_ms * 1_000_000
            if isinstance(due, Timer):
                draws = tuple(self.draws.randrange(len(self.names)) for _ in range(FANOUT))
                before = self.nodes[due.node]
                self.step(due.node, gossip.Round(now_ns, draws))
                self.world.set_timer(due.node, "round", 1_000)
                watch(due.node, before)
            elif self.world.reaches(due):
                before = self.nodes[due.dest]
                self.step(due.dest, gossip.Receive(due.source, due.message, now_ns))
                watch(due.dest, before)

    def live(self) -> list[gossip.Node]:
        """The nodes that are up."""
        return [self.nodes[name] for name in self.names if name not in self.world.down]
