"""PBFT in an asynchronous network: without any fault or wrong timer, nothing is decided.

A document says that progress is guaranteed under asynchronous conditions. No deterministic consensus can
promise that (Fischer, Lynch and Paterson, 1985). Here is how it looks with `impl.pbft`: proposals and votes
take a little longer than the replicas wait, and view changes are quick. Each view is left before its
proposal arrives. The proposal does arrive, and nobody has a use for it any more. The timeout doubles with
each view, up to a configured limit; delays double with it, and each of them is finite.

The run repeats for ever. Once the timeout has reached its limit, and as many views have passed as there are
replicas, the replicas and the messages in flight are as they were one round of primaries before, except for
view numbers and the time. The next step depends on nothing else, so the round repeats.

If the network becomes timely at some view, the request is executed: that is what PBFT does promise.

    python -m property_tests.claims.asynchrony traces/claims/asynchrony.itf.json

writes the round as a trace with a loop.
"""

import heapq
import itertools
from collections import Counter
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
import click
from immutabledict import immutabledict

from impl import pbft
from property_tests.pbft.host import unproposed
from tlacheck import itf
from tlacheck.errors import ConfigError
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import Function, ModelValue, Value
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["Asynchronous", "no_progress", "round_of", "trace_of"]

#: How long the first primary has to get something executed.
_TIMEOUT_MS: Final = 300
_SOON_MS: Final = 1
#: What is late: the three phases.
_PHASES: Final = (pbft.PrePrepare, pbft.Prepare, pbft.Commit)
_CLIENT: Final = "c0"


@attrs.frozen
class _Fires:
    """A replica's timer, unless it was started anew or stopped since."""

    number: int


_Arriving: TypeAlias = pbft.Message | _Fires


@attrs.frozen
class Taken:
    """One thing that happened.

    Attributes:
        at_ms: when.
        node: to which replica.
        what: the message that arrived, or the timeout.
    """

    at_ms: int
    node: str
    what: pbft.Message | None


class Asynchronous:
    """A cluster of correct replicas, and a network that delivers all that is sent.

    Args:
        n: how many replicas.
        multiplier_max: up to which multiple of its duration the timer doubles; that of `pbft.Config` unless
            given.
        timely_from: the view from which on proposals and votes are as quick as all else; None for never.

    Attributes:
        nodes: the replicas by name.
        sent: how many messages were sent.
        delivered: how many have arrived.
        now_ms: the virtual time.
        executed: the replicas that have executed the request.
        under_way: what will happen: when, in which order, to whom, what.
    """

    def __init__(self, n: int = 4, *, multiplier_max: int = 1 << 16, timely_from: int | None = None) -> None:
        if n < 4:
            raise ConfigError(f"{n} replicas: take 4 or more, so that a faulty one could be allowed for")
        names = tuple(f"r{number}" for number in range(n))
        self.nodes = {
            name: pbft.first_start(
                pbft.Config(name, names, pbft.SymbolicKeys(name), multiplier_max=multiplier_max)
            )
            for name in names
        }
        self.sent = self.delivered = 0
        self.now_ms = 0
        self.executed: set[str] = set()
        self.under_way: list[tuple[int, int, str, _Arriving]] = []
        self._timely_from = timely_from
        self._timers = dict.fromkeys(names, 0)
        self._order = itertools.count()
        request = pbft.Request(client=_CLIENT, timestamp=1, operation="x")
        for name in names:
            self._send(name, pbft.signed(request, pbft.SymbolicKeys(_CLIENT)))

    @property
    def view(self) -> int:
        """The first view that no replica has left."""
        return max(node.durable.view for node in self.nodes.values())

    @property
    def is_settled(self) -> bool:
        """True if all replicas have entered the same view, and its proposal is under way."""
        views = {(node.durable.view, node.durable.changing) for node in self.nodes.values()}
        return views == {(self.view, False)} and any(
            isinstance(what, pbft.PrePrepare) and what.view == self.view for *_, what in self.under_way
        )

    @property
    def messages(self) -> list[tuple[str, pbft.Message]]:
        """The messages under way, each with its receiver."""
        return [(name, what) for *_, name, what in self.under_way if not isinstance(what, _Fires)]

    def go_on(self) -> Taken | None:
        """The next thing happens; None if that was a timer that runs no more."""
        self.now_ms, _, name, what = heapq.heappop(self.under_way)
        if isinstance(what, _Fires):
            if what.number != self._timers[name]:
                return None
            self._step(name, pbft.Timeout())
            return Taken(self.now_ms, name, None)
        self.delivered += 1
        self._step(name, pbft.Receive(what))
        node = self.nodes[name]
        if node.is_primary and not node.durable.changing and (waiting := unproposed(node)):
            self._step(name, pbft.Propose(tuple(waiting)))
        return Taken(self.now_ms, name, what)

    def until_settled(self, view: int) -> None:
        """Let things happen until all replicas have entered that view.

        Raises:
            ConfigError: a replica has executed the request: nobody leaves its view any more.
        """
        while not (self.view == view and self.is_settled):
            if self.executed:
                raise ConfigError(f"the request was executed in view {self.view}: the network is timely")
            self.go_on()

    def picture(self) -> Any:
        """All that decides what happens next, but for the numbers of views and the time of day.

        Equal pictures of one cluster, a multiple of n views apart, have the same future.
        """
        futures = sorted(
            (at_ms - self.now_ms, order, name, _without_views(what, self.view))
            for at_ms, order, name, what in self.under_way
            if not isinstance(what, _Fires)
        )
        timers = sorted(
            (at_ms - self.now_ms, name)
            for at_ms, _, name, what in self.under_way
            if isinstance(what, _Fires) and what.number == self._timers[name]
        )
        replicas = {
            # `futile` is read through `multiplier` alone, which has a limit.
            name: (_without_views(attrs.evolve(node, futile=0), self.view), node.multiplier)
            for name, node in self.nodes.items()
        }
        # Of what arrives at the same time, the order counts, and not its numbers.
        return [(in_ms, name, what) for in_ms, _, name, what in futures], timers, replicas

    def _step(self, name: str, inp: pbft.Input) -> None:
        self.nodes[name], effects = pbft.step(self.nodes[name], inp)
        for effect in effects:
            match effect:
                case pbft.Send(message=message, to=to) if not isinstance(message, pbft.Reply):
                    for receiver in (other for other in self.nodes if to in (None, other) and other != name):
                        self._send(receiver, message)
                case pbft.ResetTimer(multiplier=multiplier):
                    self._timers[name] += 1
                    self._push(multiplier * _TIMEOUT_MS, name, _Fires(self._timers[name]))
                case pbft.StopTimer():
                    self._timers[name] += 1
                case pbft.Executed():
                    self.executed.add(name)
                case _:
                    pass

    def _send(self, to: str, message: pbft.Message) -> None:
        self.sent += 1
        late = isinstance(message, _PHASES) and (
            self._timely_from is None or message.view < self._timely_from
        )
        self._push(self._longer_than_timeout() if late else _SOON_MS, to, message)

    def _longer_than_timeout(self) -> int:
        """Delay messages beyond the timer of a replica that enters its view a little after the sender."""
        return max(node.multiplier for node in self.nodes.values()) * _TIMEOUT_MS + 10 * _SOON_MS

    def _push(self, in_ms: int, name: str, what: _Arriving) -> None:
        heapq.heappush(self.under_way, (self.now_ms + in_ms, next(self._order), name, what))


def _without_views(value: Any, base: int) -> Any:
    """A value as nested tuples, with views counted from `base` on.

    Signatures are left out: they repeat the rest.
    """
    if isinstance(value, pbft.Config):
        return value.node
    if attrs.has(type(value)):
        fields = [field.name for field in attrs.fields(type(value)) if field.name != "signature"]
        return type(value).__name__, *(
            getattr(value, name) - base if name == "view" else _without_views(getattr(value, name), base)
            for name in fields
        )
    if isinstance(value, dict | immutabledict):
        return tuple(sorted((key, _without_views(each, base)) for key, each in value.items()))
    if isinstance(value, tuple | list):
        return tuple(_without_views(each, base) for each in value)
    if isinstance(value, frozenset | set):
        return tuple(sorted(_without_views(each, base) for each in value))
    return value


def round_of(cluster: Asynchronous, *, views_max: int = 100) -> tuple[int, int]:
    """Two views, a round of primaries apart, at which the cluster is in the same picture.

    Raises:
        ConfigError: there are none within so many views, or the request was executed.
    """
    pictures: dict[int, Any] = {}
    for view in range(1, views_max + 1):
        cluster.until_settled(view)
        pictures[view] = cluster.picture()
        first = view - len(cluster.nodes)
        if pictures.get(first) == pictures[view]:
            return first, view
    raise ConfigError(f"no round within {views_max} views: allow for more")


def no_progress(context: Context) -> Outcome:
    """That a network which delivers everything can keep correct replicas from deciding, for ever.

    It must be violated: progress is not guaranteed without timeliness.
    """
    cluster = Asynchronous()
    first, last = round_of(cluster)
    multiplier = max(node.multiplier for node in cluster.nodes.values())
    path = context.folder / "asynchrony.itf.json"
    itf.write(trace_of(command=context.command), path)
    return Outcome(
        verdict=Verdict.violated(
            "Answered", f"from view {first} on each round of primaries is like the one before"
        ),
        figures={
            "loop_from_view": first,
            "loop_to_view": last,
            "multiplier": multiplier,
            "delivered": cluster.delivered,
        },
        trace=path,
    )


# --- as a trace ---------------------------------------------------------------------------------


def trace_of(command: str = "") -> Trace:
    """A run with a small limit of the multiplier, as a lasso: the steps up to the round, and the round.

    Views are shown by their primaries, so that the round comes back to the same state. `late` says of a
    message that the view of which it speaks was left by its receiver.
    """
    cluster = Asynchronous(multiplier_max=2)
    first, last = round_of(Asynchronous(multiplier_max=2))
    initial = _state(cluster)
    steps: list[Step] = []
    loop = 0
    while not (cluster.view == last and cluster.is_settled):
        if taken := cluster.go_on():
            steps.append(_shown(taken, _state(cluster)))
        if not loop and cluster.view == first and cluster.is_settled:
            loop = len(steps)
    return Trace(
        initial=initial,
        steps=tuple(steps),
        loop=loop,
        origin=Origin(
            source="simulation", command=command or "python -m property_tests.claims.asynchrony FILE"
        ),
        violation=Violation(
            property="Answered",
            step=None,
            explanation=(
                "no replica is faulty, every message arrives, and no timer fires before its time",
                "each view is left before its proposal arrives; once around the primaries, all is as it was",
            ),
        ),
    )


def _shown(taken: Taken, state: State) -> Step:
    node = ModelValue(taken.node)
    if taken.what is None:
        return Step("Timeout", immutabledict(node=node), state)
    return Step(f"Receive{type(taken.what).__name__}", immutabledict(node=node), state)


def _state(cluster: Asynchronous) -> State:
    nodes = {ModelValue(name): node for name, node in cluster.nodes.items()}
    messages: Counter[Value] = Counter(_message(cluster, name, message) for name, message in cluster.messages)
    return State(
        {
            "primary": Function({key: ModelValue(_primary(node)) for key, node in nodes.items()}),
            "changing": Function({key: node.durable.changing for key, node in nodes.items()}),
            "multiplier": Function({key: node.multiplier for key, node in nodes.items()}),
            "waiting": Function({key: len(node.waiting) for key, node in nodes.items()}),
            "executed": Function({key: node.durable.executed for key, node in nodes.items()}),
            "messages": Function(messages),
        }
    )


def _primary(node: pbft.Node) -> str:
    return node.config.primary(node.durable.view)


def _message(cluster: Asynchronous, to: str, message: pbft.Message) -> Value:
    view = getattr(message, "view", cluster.view)
    return Function(
        {
            "type": type(message).__name__,
            "source": ModelValue(getattr(message, "source", _CLIENT)),
            "dest": ModelValue(to),
            "late": view < cluster.nodes[to].durable.view,
        }
    )


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def main(file: Path) -> None:
    """Write the trace to FILE."""
    trace = trace_of(command=f"python -m property_tests.claims.asynchrony {file.as_posix()}")
    itf.write(trace, file)
    click.echo(f"wrote {file}: {len(trace)} steps, then back to state {trace.loop}")


if __name__ == "__main__":
    main()
