"""Run logs of simulated clusters: what servers would write of themselves, under clients and faults.

Two kinds of cluster run, seeded and judged by nobody that knows the spec:

* `simulate`: plain Raft. Time passes, clients submit, messages are lost, doubled, servers crash and come
  back, the network parts and heals.
* `simulate_all_parts`: Raft with all its parts, under the script of the soak (`script.py`). Clients also
  read, operators change the membership and hand over, servers crash within a step, links fail one way,
  clocks go wrong; `Safety` watches.

`log_of` makes of a run what its servers could have written:

* each event has its action, the server, and of the server only what it knows of itself: `OWN`, or
  `OWN_OF_ALL_PARTS`. No network, no other server, nothing of what a leader knows of its peers, of its
  rounds and of its lease;
* a tick of a clock has only its action and its server: whoever writes a line a tick writes a short one;
* of a received message it has a few fields, by default those of `HEADER`;
* of reads it has what clients see, which who simulates the clients writes: when one was asked for, and
  from which log index it was answered (`reads` of the spec, where it changed);
* a lost message leaves no trace: `DropMessage` is hidden. A doubled one is logged by who doubles it,
  the simulator.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs
from immutabledict import immutabledict

from property_tests.raft.adapter import server_names
from property_tests.raft.cluster import Cluster
from property_tests.raft.features import FULL, Setting
from property_tests.raft.machine import oracle_for
from property_tests.raft.script import endure
from tlacheck import __version__
from tlacheck.conform.lockstep import Diverged
from tlacheck.runlog import Event, Header, Run
from tlacheck.trace import Origin, State, Step, Trace
from tlacheck.values import Value

__all__ = [
    "HEADER",
    "HEADER_OF_ALL_PARTS",
    "HIDDEN",
    "NOTHING",
    "OWN",
    "OWN_OF_ALL_PARTS",
    "Simulated",
    "log_of",
    "simulate",
    "simulate_all_parts",
]

#: What the logs never show.
HIDDEN: Final = ("DropMessage",)
#: What a server knows of itself.
OWN: Final = ("currentTerm", "votedFor", "role", "log", "commitIndex")
#: The same where logs are compacted and disks take their time.
OWN_OF_ALL_PARTS: Final = (*OWN, "snapshot", "synced")
#: The fields of a received message that tell it from others in flight; its entries are not among them.
HEADER: Final = ("source", "term", "prevLogIndex", "matchIndex", "success", "voteGranted")
#: The same where there are more types of message, and rounds; a snapshot's contents are not among them.
HEADER_OF_ALL_PARTS: Final = (*HEADER, "lastLogIndex", "transfer", "round", "snapshot.index")
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


def simulate_all_parts(seed: int, *, steps: int, setting: Setting = FULL, command: str = "") -> Simulated:
    """A run with all parts of Raft on and all faults, which end at its end; the same for the same seed.

    Args:
        seed: decides all that happens.
        steps: how many steps of the spec it takes at least, those of clocks not counted.
        setting: which parts are on, and the limits of the spec's configuration.
        command: the command that makes this run again.
    """
    run = endure(seed, steps=steps, setting=setting, recorded=True, rest_every=steps, command=command)
    if run.trace is None:
        raise RuntimeError(f"the run of seed {seed} was recorded, and has no trace")
    violation = run.trace.violation
    return Simulated(
        trace=attrs.evolve(run.trace, violation=None, loop=None),
        sometimes=run.sometimes,
        broken=violation.property if violation else "",
    )


def log_of(trace: Trace, *, received: tuple[str, ...] = HEADER, own: tuple[str, ...] = OWN) -> Run:
    """What the servers of a run could have written.

    Args:
        trace: the run.
        received: which fields of a received message are written; of `snapshot.index` that field of a field.
        own: which variables a server writes of itself.
    """
    events = [
        _event(before, step, received, own)
        for before, step in zip(trace.states, trace.steps, strict=False)
        if step.action not in HIDDEN
    ]
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


def _event(before: State, step: Step, received: tuple[str, ...], own: tuple[str, ...]) -> Event:
    node = step.arguments.get("node")
    if node is None:  # the network's own doing: the simulator logs what it does
        return Event(number=0, action=step.action, arguments=step.arguments)
    if step.action == "Tick":
        return Event(number=0, action=step.action, arguments=step.arguments, node=node)
    reads = step.state["reads"]
    return Event(
        number=0,
        action=step.action,
        arguments=immutabledict(_known(step, received)),
        node=node,
        state=immutabledict() if reads == before["reads"] else immutabledict(reads=reads),
        local=immutabledict((name, step.state[name][node]) for name in own),
    )


def _known(step: Step, received: tuple[str, ...]) -> dict[str, Value]:
    known = {name: value for name, value in step.arguments.items() if name != "message"}
    message = step.arguments.get("message", {})
    return known | {f"message.{path}": value for path in received for value in _at(message, path)}


def _at(message: Value, path: str) -> Iterator[Value]:
    """The field of a message at a path, if it has one."""
    for name in path.split("."):
        if not isinstance(message, Mapping) or name not in message:
            return
        message = message[name]
    yield message


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
