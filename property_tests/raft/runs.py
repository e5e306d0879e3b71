"""Run logs of simulated clusters: what servers would write of themselves, under clients and faults.

`simulate` plays a seeded script (time passes, clients submit, messages are lost, doubled, servers crash
and come back, the network parts and heals) on a cluster that nobody judges. `log_of` makes of the run
what its servers could have written:

* each event has its action, the server, and of the server only its own `currentTerm`, `votedFor`,
  `role`, `log` and `commitIndex`; no network, no other server, no history, nothing of what a leader
  knows of its peers;
* of a received message it has a few fields, by default those of `HEADER`;
* a lost message leaves no trace: `DropMessage` is hidden. A doubled one is logged by who doubles it,
  the simulator.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Final

import attrs
from immutabledict import immutabledict

from property_tests.raft.adapter import server_names
from property_tests.raft.cluster import Cluster
from property_tests.raft.machine import oracle_for
from tlacheck import __version__
from tlacheck.conform.lockstep import Diverged
from tlacheck.runlog import Event, Header, Run
from tlacheck.trace import Origin, State, Step, Trace
from tlacheck.values import Value

__all__ = ["HEADER", "HIDDEN", "NOTHING", "OWN", "Simulated", "log_of", "simulate"]

#: What the logs never show.
HIDDEN: Final = ("DropMessage",)
#: What a server knows of itself.
OWN: Final = ("currentTerm", "votedFor", "role", "log", "commitIndex")
#: The fields of a received message that tell it from others in flight; its entries are not among them.
HEADER: Final = ("source", "term", "prevLogIndex", "matchIndex", "success", "voteGranted")
#: No field of it: then any message in flight may be the one that was received.
NOTHING: Final = ()

_VALUES: Final = ("v1", "v2", "v3")


@attrs.frozen(kw_only=True)
class Simulated:
    """A run of a simulated cluster.

    Attributes:
        trace: all of it, as the adapter saw it.
        sometimes: how often each interesting situation was met.
        broken: the property that the cluster's own judge saw broken, which ended the run; empty if none was.
    """

    trace: Trace
    sometimes: Counter[str]
    broken: str = ""


def simulate(seed: int, *, steps: int, servers: int = 3, command: str = "") -> Simulated:
    """A run with faults; the same for the same seed.

    Args:
        seed: decides the faults, the delays and the timeouts.
        steps: how many steps of the spec it takes at least.
        servers: how many servers the cluster has.
        command: the command that makes this run again.
    """
    cluster = Cluster(oracle_for(servers), server_names(servers), seed=seed, judged=False, command=command)
    rng = random.Random(seed)  # noqa: S311 - a reproducible run, no secret
    script = _Script(cluster, rng)
    names = tuple(_MOVES)
    weights = tuple(_MOVES.values())
    try:
        while len(cluster.lockstep.trace) < steps:
            (name,) = rng.choices(names, weights)
            move: Callable[[], None] = getattr(script, name)
            move()
    except Diverged as failure:
        violation = failure.trace.violation
        return Simulated(
            trace=attrs.evolve(failure.trace, violation=None),
            sometimes=cluster.sometimes,
            broken=violation.property if violation else "a property",
        )
    return Simulated(trace=cluster.lockstep.trace, sometimes=cluster.sometimes)


def log_of(trace: Trace, *, received: tuple[str, ...] = HEADER) -> Run:
    """What the servers of a run could have written.

    Args:
        trace: the run.
        received: which fields of a received message are written.
    """
    events = [_event(step, received) for step in trace.steps if step.action not in HIDDEN]
    return Run(
        header=Header(
            origin=Origin(
                source="simulation",
                spec=trace.origin.spec,
                config=trace.origin.config,
                seed=trace.origin.seed,
                command=trace.origin.command,
                versions=immutabledict({"tlacheck": __version__}),
            )
        ),
        events=tuple(attrs.evolve(event, number=number) for number, event in enumerate(events, start=1)),
    )


def _event(step: Step, received: tuple[str, ...]) -> Event:
    node = step.arguments.get("node")
    if node is None:  # the network's own doing: the simulator logs what it does
        return Event(number=0, action=step.action, arguments=step.arguments)
    return Event(
        number=0,
        action=step.action,
        arguments=immutabledict(_known(step, received)),
        node=node,
        local=_own(step.state, node),
    )


def _known(step: Step, received: tuple[str, ...]) -> dict[str, Value]:
    known = {name: value for name, value in step.arguments.items() if name != "message"}
    message = step.arguments.get("message", {})
    return known | {f"message.{name}": message[name] for name in received if name in message}


def _own(state: State, node: Value) -> immutabledict[str, Value]:
    return immutabledict((name, state[name][node]) for name in OWN)


#: What may happen next -> how often.
_MOVES: Final = {
    "time_passes": 50,
    "a_client_submits": 14,
    "a_message_is_lost": 6,
    "a_message_is_doubled": 5,
    "a_server_crashes": 8,
    "a_server_comes_back": 12,
    "the_network_parts": 8,
    "the_network_heals": 10,
}


class _Script:
    """What may happen to a cluster; each does nothing where it cannot."""

    def __init__(self, cluster: Cluster, rng: random.Random) -> None:
        self._cluster = cluster
        self._rng = rng
        self._down: list[str] = []

    def time_passes(self) -> None:
        self._cluster.advance(self._rng.randint(5, 180))

    def a_client_submits(self) -> None:
        self._cluster.client_request(self._rng.choice(_VALUES))

    def a_message_is_lost(self) -> None:
        if flights := self._cluster.world.flights:
            self._cluster.drop(self._rng.choice(flights))

    def a_message_is_doubled(self) -> None:
        if flights := self._cluster.world.flights:
            self._cluster.duplicate(self._rng.choice(flights))

    def a_server_crashes(self) -> None:
        if not self._down:
            self._down.append(self._victim())
            self._cluster.crash(self._down[0])

    def a_server_comes_back(self) -> None:
        if self._down:
            self._cluster.restart(self._down.pop())

    def the_network_parts(self) -> None:
        self._cluster.world.partition({self._victim()})

    def the_network_heals(self) -> None:
        self._cluster.world.heal()

    def _victim(self) -> str:
        """A server; half the time the leader, or there would be few elections."""
        leader = self._cluster.leader
        if leader is not None and self._rng.random() < 0.5:
            return leader
        return self._rng.choice(self._cluster.servers)
