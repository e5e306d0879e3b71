"""Clients of simulated PBFT clusters, and the progress that they demand of a healed one."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from impl import pbft
from property_tests.pbft.invariants import Safety
from tlacheck.harness import Demand, Op, Running, Size, View

__all__ = ["Clients", "Progress", "bound_ms", "request_by", "views_ahead"]

#: How likely a client asks again for what it asked before.
_AGAIN: Final = 0.2


def request_by(client: str, timestamp: int, operation: pbft.Value) -> pbft.Request:
    """A request signed by its client."""
    request = pbft.Request(client=client, timestamp=timestamp, operation=operation)
    return pbft.signed(request, pbft.SymbolicKeys(client))


def _told(request: pbft.Request, replicas: Iterable[str]) -> list[tuple[str, pbft.Receive]]:
    return [(name, pbft.Receive(request)) for name in replicas]


class Clients:
    """The clients of one run, whose timestamps grow. Now and then one asks for the same again.

    Args:
        size: of the cluster.
        count: how many there are.
        once: True if each asks for one thing only, and then for the same again.
    """

    def __init__(self, size: Size, *, count: int = 6, once: bool = False) -> None:
        self._replicas, self._once = size.nodes, once
        self._names = [f"c{number}" for number in range(count)]
        self._asked: dict[str, pbft.Request] = {}
        self._timestamps: Counter[str] = Counter()

    @property
    def ops(self) -> Sequence[Op]:
        """The workload: clients ask, and view-change timers fire too early."""
        return (
            Op("clients ask", 40, self.several_ask),
            Op("a client asks one replica", 6, self.one_asks),
            Op("timers fire early", 3, timers_fire),
        )

    def several_ask(self, rng: random.Random, view: View) -> list[tuple[str, pbft.Receive]]:
        """Some clients ask all replicas."""
        del view
        names = rng.sample(self._names, rng.choice((1, 1, 2, 4)))
        return [each for name in names for each in self._ask(rng, name, self._replicas)]

    def one_asks(self, rng: random.Random, view: View) -> list[tuple[str, pbft.Receive]]:
        """A client asks one replica."""
        del view
        return self._ask(rng, rng.choice(self._names), (rng.choice(self._replicas),))

    def _ask(
        self, rng: random.Random, client: str, replicas: Iterable[str]
    ) -> list[tuple[str, pbft.Receive]]:
        known = self._asked.get(client)
        if known is None or not (self._once or rng.random() < _AGAIN):
            self._timestamps[client] += 1
            known = self._asked[client] = request_by(client, self._timestamps[client], rng.randrange(1_000))
        return _told(known, replicas)


def timers_fire(rng: random.Random, view: View) -> list[tuple[str, pbft.Timeout]]:
    """The view-change timers of a few replicas fire too early, or those of most."""
    names = sorted(view)
    chosen = rng.sample(names, rng.choice((1, len(names) - 1, len(names))))
    return [(name, pbft.Timeout()) for name in chosen]


# --- progress


def views_ahead(views: Iterable[int], f: int) -> int:
    """The number of views by which the most advanced honest replica is ahead of the one at place f + 1."""
    latest = sorted(views, reverse=True)
    return latest[0] - latest[f]


def bound_ms(byzantine: int, ahead: int, *, multiplier_max: int, timeout_ms: int) -> int:
    """The time in which a healed cluster answers a new request at all honest replicas, virtual milliseconds.

    The Byzantine replicas may be the next primaries one after the other, each of whom costs the longest
    timeout; as much again for honest primaries of whom too many others were still in another view; and once
    more for the checkpoint from which a replica that lags takes over the state.

    Args:
        byzantine: how many replicas are Byzantine.
        ahead: how many views some honest replicas are ahead of the others, too few for these to join them
            (paper, 4.5.2). It takes timers that fired too early. The others leave one view after the other
            until they are there.
        multiplier_max: the longest timeout, as a multiple of the first.
        timeout_ms: the first timeout.
    """
    return (2 * byzantine + 4 + ahead) * multiplier_max * timeout_ms


@attrs.frozen
class Progress:
    """After all faults have ended, all honest replicas execute a client's new request and answer it.

    Other clients go on asking, so that checkpoints are made, from which replicas that were left behind
    recover.

    Attributes:
        timeout_ms: the first timeout of a view.
        every_ms: how often clients ask again.
    """

    timeout_ms: int
    every_ms: int
    name: str = "Progress"

    def begin(self, run: Running, ask: Callable[[], object]) -> Demand:
        """Begin to wait."""
        del ask
        nodes = [hosted.node for hosted in run.view.values()]
        config: pbft.Config = nodes[0].config
        within_ms = bound_ms(
            len(run.size.byzantine),
            views_ahead((node.durable.view for node in nodes), config.f),
            multiplier_max=config.multiplier_max,
            timeout_ms=self.timeout_ms,
        )
        now_ms = run.cluster.world.now_ms
        known = max(node.durable.executed for node in nodes)
        (safety,) = (judge for judge in run.judges if isinstance(judge, Safety))
        request = request_by("healed", now_ms + 1, now_ms)
        return _Healed(run, safety, request, known, within_ms, self.every_ms)


@attrs.frozen
class _Healed:
    """A healed cluster, of which something was asked."""

    run: Running
    safety: Safety
    request: pbft.Request
    known: int
    within_ms: int
    every_ms: int

    def meanwhile(self) -> None:
        now_ms = self.run.cluster.world.now_ms
        for request in (self.request, request_by("meanwhile", now_ms + 1, now_ms)):
            for name, inp in _told(request, self.run.size.nodes):
                self.run.request(name, inp)

    def is_reached(self) -> bool:
        durables = [hosted.node.durable for hosted in self.run.view.values()]
        answers = [durable.state.last_answer(self.request.client) for durable in durables]
        return (
            self.safety.believes(self.request)
            and all(last is not None and last.timestamp >= self.request.timestamp for last in answers)
            and all(durable.executed > self.known for durable in durables)
        )

    def where(self) -> str:
        return ", ".join(
            f"{name} in view {node.durable.view}{' changing' if node.durable.changing else ''}, executed "
            f"{node.durable.executed}, stable {node.durable.stable.seq}"
            for name, node in ((name, hosted.node) for name, hosted in self.run.view.items())
        )
