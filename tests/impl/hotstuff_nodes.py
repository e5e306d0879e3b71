"""Clusters of HotStuff replicas for tests: messages are handed on in order, and lost where a test says so."""

from collections import deque
from collections.abc import Callable
from typing import Any

from impl import hotstuff
from impl.common import SymbolicKeys, signed
from impl.common.requests import Reply, Request

__all__ = ["Net", "config", "request"]


def config(name: str, count: int = 4, **settings: Any) -> hotstuff.Config:
    """The settings of one of so many replicas r0, r1, and so on."""
    return hotstuff.Config(name, tuple(f"r{place}" for place in range(count)), SymbolicKeys(name), **settings)


def request(client: str, timestamp: int = 1, operation: str = "op") -> Request:
    """A request, signed by its client."""
    made = Request(client=client, timestamp=timestamp, operation=operation)
    return signed(made, SymbolicKeys(client))


class Net:
    """Replicas, and messages on their way in the order in which they were sent.

    Attributes:
        lost: from sender, receiver and message to whether it is lost.
    """

    def __init__(self, count: int = 4, **settings: Any) -> None:
        self.nodes = {
            name: hotstuff.first_start(config(name, count, **settings))
            for name in (f"r{place}" for place in range(count))
        }
        self.flights: deque[tuple[str, str, Any]] = deque()
        self.lost: Callable[[str, str, Any], bool] = lambda *_: False
        self.replies: list[Reply] = []
        self.effects: list[tuple[str, Any]] = []

    def step(self, name: str, inp: hotstuff.Input) -> tuple[Any, ...]:
        """One replica takes an input; what it sends is on its way."""
        self.nodes[name], effects = hotstuff.step(self.nodes[name], inp)
        for effect in effects:
            self.effects.append((name, effect))
            if isinstance(effect, hotstuff.Send):
                for dest in self.nodes if effect.to is None else (effect.to,):
                    if isinstance(effect.message, Reply):
                        self.replies.append(effect.message)
                    elif not self.lost(name, dest, effect.message):
                        self.flights.append((name, dest, effect.message))
        return effects

    def run(self, messages: int = 10_000) -> None:
        """Hand on messages until none is left, or so many have been; leaders propose when they may."""
        for _ in range(messages):
            for name, node in self.nodes.items():
                batch = hotstuff.ready(node)
                if batch is not None:
                    self.step(name, hotstuff.Propose(batch))
            if not self.flights:
                return
            _, dest, message = self.flights.popleft()
            if dest in self.nodes:
                self.step(dest, hotstuff.Receive(message))

    def ask(self, *requests: Request) -> None:
        """A client asks all replicas."""
        for name in self.nodes:
            for each in requests:
                self.step(name, hotstuff.Receive(each))

    def time_out(self, *but: str) -> None:
        """The timers of all replicas fire."""
        for name in self.nodes:
            if name not in but:
                self.step(name, hotstuff.TimerFired())

    def told(self, kind: type[Any], name: str) -> list[Any]:
        """The effects of a kind that a replica had."""
        return [effect for who, effect in self.effects if who == name and isinstance(effect, kind)]

    def logs(self) -> dict[str, list[str]]:
        """Of each replica the digests of what it has committed, in order."""
        return {name: [each.block for each in self.told(hotstuff.Committed, name)] for name in self.nodes}
