"""One run of the service: a cluster, its clients, and all the faults there are; a function of its seed.

Servers crash, also in the middle of a step, pause and come back; the network loses, doubles and delays
messages, falls apart and is cut one way; clocks drift and are set; an operator changes the membership and
moves the leadership. Then all faults end, and every key is read once more.

A lease rests on how far two clocks part while a promise lasts: the spec leaves `2 * MaxSkew` for that
(`LeasesAreSafe`), here four ticks or 60 ms. Clocks that keep to it gain at most 2 % and are set by 5 ms, once within
a promise of 150 ms, so that two of them part by 11 ms. With `skewed_clock` one leader's clock at a time
runs at a tenth of the rate.

`Agreement` judges what the servers themselves show: one leader a term, one entry a log index.
"""

import random
from collections import Counter, deque
from collections.abc import Hashable
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import machine, raft
from property_tests.raft.adapter import server_names
from property_tests.raft.clients import Clients
from property_tests.raft.cluster import ELECTION_TIMEOUT_MS
from property_tests.raft.film import Film
from property_tests.raft.service import (
    ELECTION_TICKS,
    LEASE_TICKS,
    TICK_MS,
    Operate,
    Server,
    Service,
    ServiceCore,
    in_words,
)
from tlacheck import __version__
from tlacheck.errors import ConfigError
from tlacheck.histories import History, Invoke, Recorder
from tlacheck.histories.history import Event
from tlacheck.sim import Cluster, Command, Fault, Network, Uniform
from tlacheck.trace import Origin

__all__ = ["PARTED_MS_MAX", "PROMISE_MS", "Agreement", "Broken", "Simulated", "simulate"]

#: How often clients look whether they are answered, virtual milliseconds.
_TICK_MS: Final = 10
#: How long a cluster without faults gets to agree on a leader, and to answer the last reads, virtual milliseconds.
_CALM_MS: Final = 10 * ELECTION_TIMEOUT_MS[1]
#: How long a server that heard a leader stays with it, by its own clock, and how far two clocks may part meanwhile
#: so that leases are safe: `2 * MaxSkew` of the spec's `LeasesAreSafe`, virtual milliseconds.
PROMISE_MS: Final = ELECTION_TICKS * TICK_MS
PARTED_MS_MAX: Final = (ELECTION_TICKS - LEASE_TICKS) * TICK_MS
#: How likely an idle client calls, a fault comes, and one that lasts ends, each round.
_CALL_CHANCE, _FAULT_CHANCE, _END_CHANCE = 0.2, 0.4, 0.15
#: How many servers are down at most, of five.
_DOWN_MAX: Final = 2
#: The chances of the network, whatever other faults there are.
_LOSS, _DUPLICATION = 0.02, 0.02
#: Clocks that keep to the assumption: what they gain in a second, and by how much they are set, how often.
_DRIFT_PPM, _SKEW_MS, _SKEW_EVERY_MS = 20_000, 5, 300
#: A clock that does not: slower by nine tenths. It is one leader's at a time, for leaders have leases.
_WRONG_PPM: Final = -900_000
_FAULTS: Final = (
    "lose",
    "double",
    "part",
    "part",
    "crash",
    "crash",
    "pause",
    "cut",
    "clock",
    "member",
    "move",
)


class Broken(Exception):
    """A property of the servers themselves is broken, whatever clients saw."""

    def __init__(self, property_name: str, explanation: str) -> None:
        self.property_name = property_name
        super().__init__(explanation)


class Agreement:
    """One leader a term, and one entry a log index: a second opinion that needs no client.

    Attributes:
        leaders: term -> who was elected.
        applied: command -> the log indices at which it was applied.
        met: how often each interesting situation was met.
    """

    def __init__(self) -> None:
        self.leaders: dict[int, str] = {}
        self.applied: dict[Hashable, set[int]] = {}
        self.met: Counter[str] = Counter()
        self.asked_to_lead: set[str] = set()
        self._values: dict[int, Hashable] = {}
        self._read = 0

    def follow(self, told: list[tuple[int, str, Any]]) -> None:
        """Read what the servers have told since the last time.

        Raises:
            Broken: two servers were elected in a term, or applied different entries at a log index.
        """
        while self._read < len(told):
            at_ms, server, what = told[self._read]
            self._read += 1
            match what:
                case raft.BecameLeader(term=term):
                    first = self.leaders.setdefault(term, server)
                    if first != server:
                        raise Broken(
                            "ElectionSafety",
                            f"{first} and {server} were both elected in term {term}, at {at_ms} ms",
                        )
                    self.met["a second leader is elected"] += len(self.leaders) > 1
                    self.met["the leadership is handed over"] += server in self.asked_to_lead
                    self.asked_to_lead.clear()
                case raft.Apply(index=index, value=value):
                    if index not in self._values:
                        self._values[index] = value
                        self.applied.setdefault(value, set()).add(index)
                        self.met["a change of membership is committed"] += isinstance(
                            value, raft.Configuration
                        )
                    elif self._values[index] != value:
                        raise Broken(
                            "StateMachineSafety",
                            f"{server} applies {value} at log index {index}, at {at_ms} ms, where another applied "
                            f"{self._values[index]}",
                        )
                case raft.Restore():
                    self.met["a server is sent a snapshot"] += 1


@attrs.frozen(kw_only=True)
class Simulated:
    """One run of the service with clients and faults.

    Attributes:
        history: what the clients saw.
        answered_by: operation -> the way in which it was answered.
        sometimes: how often each interesting situation was met.
        events: how many timers fired and messages came.
        parted_ms: how far two clocks of servers parted at most while a promise to a leader lasts (`PROMISE_MS`).
        film: all events, if it was filmed.
        broken: the property of the servers themselves that failed, and how; None if none did.
    """

    history: History
    answered_by: immutabledict[int, str]
    sometimes: Counter[str]
    events: int
    parted_ms: int
    film: Film | None = None
    broken: tuple[str, str] | None = None


class _FilmedCore(ServiceCore):
    """The service, remembering the input that it was given last."""

    last: tuple[str, object] = ("", None)

    def step(self, state: Server, inp: Any) -> tuple[Server, list[Command]]:
        """A step like any other."""
        self.last = (state.node.config.node, inp)
        return super().step(state, inp)


class _Run:
    """A cluster, its clients, and the faults."""

    def __init__(
        self,
        seed: int,
        *,
        servers: int,
        clients: int,
        service: Service,
        skewed_clock: bool,
        film: bool,
        size_limits: raft.SizeLimits | None,
    ) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self.names = server_names(servers)
        self.film = Film() if film else None
        self.agreement = Agreement()
        self.met: Counter[str] = Counter()
        core = _FilmedCore(self.names, service=service, size_limits=size_limits)
        self._core = core
        network = Network(delay=Uniform(1, 20), loss=_LOSS, duplication=_DUPLICATION)
        self.cluster: Cluster[Server, Any, Command] = Cluster(
            core,
            self.names,
            seed=seed,
            network=network,
            tear=lambda old, _: old,
            watch=self._watch if film else None,
        )
        self.clients = Clients(self.cluster, clients, self.rng)
        if film:
            self.clients.recorder = Recorder(self._on_event)
        self._skewed_clock = skewed_clock
        self.parted_ms = 0
        self._readings: deque[list[int]] = deque(maxlen=PROMISE_MS // _TICK_MS + 1)
        self._set_ms = 0
        self._slow = ""

    # --- time and clients

    def wait(self, for_ms: int, *, until_idle: bool = False) -> None:
        """Let time pass; clients look for answers. It ends early when it is `until_idle` and all have theirs."""
        for _ in range(0, for_ms, _TICK_MS):
            if until_idle and not self.clients.waiting:
                return
            self.cluster.advance(_TICK_MS)
            self.clients.look()
            self.agreement.follow(self.cluster.told)
            self._read_clocks()
            self.met["two servers believe that they lead"] += len(self._leading()) > 1

    def _read_clocks(self) -> None:
        """How much more one clock has gained than another since a promise that ends now was made."""
        world = self.cluster.world
        self._readings.append([world.clock_ms(server) for server in self.names])
        gained = [now - then for now, then in zip(self._readings[-1], self._readings[0], strict=True)]
        self.parted_ms = max(self.parted_ms, max(gained) - min(gained))

    def play(self, operations: int) -> None:
        """Clients ask for so much, while faults come and go; then all faults end, and each key is read."""
        clients, rng = self.clients, self.rng
        self.wait(3 * ELECTION_TIMEOUT_MS[1])
        left = operations
        while left > 0:
            for place in clients.idle:
                if left > 0 and rng.random() < _CALL_CHANCE:
                    left -= clients.call(place)
            if rng.random() < _FAULT_CHANCE:
                self._fault(rng.choice(_FAULTS))
            self._end_faults()
            self.wait(rng.randint(_TICK_MS, 10 * _TICK_MS))
        self.cluster.simulation.stabilise()
        self.wait(_CALM_MS, until_idle=True)
        keys = clients.keys
        while keys:
            for place in clients.idle[: len(keys)]:
                clients.call(place, keys.pop())
            self.wait(_CALM_MS, until_idle=True)

    def _leading(self) -> list[str]:
        cluster = self.cluster
        return [
            server
            for server in self.names
            if isinstance(cluster.states[server].node.role, raft.Leader) and server not in cluster.world.down
        ]

    # --- faults

    def _fault(self, name: str) -> None:
        """One fault, if it can happen now."""
        rng, world = self.rng, self.cluster.world
        server = rng.choice(self.names)
        match name:
            case "lose" | "double":
                fault = "drop" if name == "lose" else "duplicate"
                self._inflict(fault, position=rng.randrange(100))
            case "part":
                leading = self._leading()
                island = {rng.choice(leading)} if leading and rng.random() < 0.7 else {server}
                if rng.random() < 0.5:
                    island.add(server)
                self.met["the network falls apart"] += self._inflict("partition", island=sorted(island))
            case "cut":
                self._inflict("cut", sources=[server], dests=self.names)
            case "crash" if len(world.down) < _DOWN_MAX:
                fault = rng.choice(("crash", "crash_during"))
                more = {"done": rng.randrange(4)} if fault == "crash_during" else {}
                self.met["a server crashes"] += self._inflict(
                    fault, node=server, torn=rng.random() < 0.5, **more
                )
            case "pause":
                self.met["a server is paused"] += self._inflict("pause", node=server)
            case "clock":
                self._disturb_clock(server)
            case "member":
                self._change_membership()
            case "move":
                self._move_leadership(server)

    def _end_faults(self) -> None:
        """What lasts ends some time: partitions, crashes, pauses."""
        rng, world = self.rng, self.cluster.world
        if (world.islands or world.cuts) and rng.random() < _END_CHANCE:
            self._inflict("heal")
        if world.down and rng.random() < _END_CHANCE:
            back = min(world.down)
            durable = self.cluster.disks[back].read("durable")
            self.met["a server comes back with a snapshot"] += durable.snapshot.index > 0
            self._inflict("restart", node=back)
        if world.paused and rng.random() < _END_CHANCE:
            self._inflict("resume", node=min(world.paused))

    def _inflict(self, name: str, **parameters: Any) -> bool:
        fault = Fault.of(name, **parameters)
        is_done = self.cluster.inflict(fault)
        if self.film is not None and is_done:
            self._note(f"Fault_{name}", parameters.get("node"), fault)
        return is_done

    def _disturb_clock(self, server: str) -> None:
        """A clock runs otherwise from now on, or is set a little."""
        rng, now_ms = self.rng, self.cluster.world.now_ms
        if self._skewed_clock:
            if self._slow:
                self._drift(self._slow, 0)
            self._slow = rng.choice(self._leading() or [server])
            self._drift(self._slow, _WRONG_PPM)
        elif rng.random() < 0.5 and now_ms - self._set_ms > _SKEW_EVERY_MS:
            self._set_ms = now_ms
            self._inflict("skew", node=server, by_ms=rng.choice((-_SKEW_MS, _SKEW_MS)))
        else:
            self._drift(server, rng.randint(-_DRIFT_PPM, _DRIFT_PPM))

    def _drift(self, server: str, ppm: int) -> None:
        if self.film is not None:
            self.film.drifts = self.film.drifts.set(server, ppm)
        self._inflict("drift", node=server, ppm=ppm)

    def _operate(self, inp: raft.Input) -> None:
        leading = self._leading()
        if leading:
            server = self.rng.choice(leading)
            self.cluster.request(server, Operate(inp, self.cluster.world.clock_ms(server)))

    def _change_membership(self) -> None:
        """A server leaves, or who left comes back: to learn first, then to vote."""
        leading = self._leading()
        if not leading:
            return
        now = self.cluster.states[self.rng.choice(leading)].node.configuration
        outside = [server for server in self.names if server not in now.members]
        if now.is_joint:
            after = raft.Configuration(now.voters, learners=now.learners)
        elif now.learners:
            joining = min(now.learners)
            after = raft.Configuration(now.voters | {joining}, learners=now.learners - {joining})
        elif outside:
            after = raft.Configuration(now.voters, learners=frozenset({self.rng.choice(outside)}))
        elif len(now.voters) > 1:
            after = raft.Configuration(now.voters - {self.rng.choice(sorted(now.voters))})
        else:
            return  # The only server there is cannot leave.
        self._operate(raft.ChangeMembership(after))

    def _move_leadership(self, server: str) -> None:
        self.agreement.asked_to_lead = {server}
        self._operate(raft.TransferLeadership(server))

    # --- the film

    def _note(self, action: str, node: str | None, about: object) -> None:
        if self.film is not None:
            self.film.note(action, node, about, servers=self.cluster.states, world=self.cluster.world)

    def _watch(self, now_ms: int) -> None:
        del now_ms
        node, inp = self._core.last
        action, about = in_words(inp)
        self._note(action, node, about)

    def _on_event(self, event: Event) -> None:
        self._note("Call" if isinstance(event, Invoke) else "Answer", None, event)


def simulate(
    seed: int,
    *,
    operations: int = 100,
    clients: int = 8,
    servers: int = 5,
    service: Service = Service.READ_INDEX,
    skewed_clock: bool = False,
    command: str = "",
    film: bool = False,
    size_limits: raft.SizeLimits | None = None,
) -> Simulated:
    """Let clients use the service while faults happen; then let all faults end, and read each key.

    Args:
        seed: decides everything: clients, faults, delays, timeouts.
        operations: how many operations clients call, the last reads not counted.
        clients: how many clients there are.
        servers: how many servers found the cluster.
        service: how servers answer.
        skewed_clock: whether clocks break the assumption on which leases rest.
        command: the command that repeats this run.
        film: whether to keep all events, for a trace. The run is the same.
        size_limits: how large commands and requests may be; any size, unless given.

    Raises:
        ConfigError: without an operation, a client or a server: the run would never end, or show nothing.
    """
    for name, value in (("operations", operations), ("clients", clients), ("servers", servers)):
        if value < 1:
            raise ConfigError(f"{name} is {value}: a run needs at least 1")
    run = _Run(
        seed,
        servers=servers,
        clients=clients,
        service=service,
        skewed_clock=skewed_clock,
        film=film,
        size_limits=size_limits,
    )
    broken = None
    try:
        run.play(operations)
    except Broken as failure:
        broken = (failure.property_name, str(failure))
    applied = run.agreement.applied
    given_up = run.clients.given_up
    sometimes = run.met + run.agreement.met + run.clients.met + run.cluster.simulation.met
    sometimes["leaders"] = len(run.agreement.leaders)
    sometimes["a request is in the log twice"] = sum(
        len(indices) > 1 for command_, indices in applied.items() if isinstance(command_, machine.Request)
    )
    sometimes["a request of unknown fate was carried out"] = sum(each in applied for each in given_up)
    sometimes["a request of unknown fate was lost"] = sum(each not in applied for each in given_up)
    origin = Origin(
        source="simulation", seed=seed, command=command, versions=immutabledict({"tlacheck": __version__})
    )
    return Simulated(
        history=run.clients.recorder.history(model="kv", origin=origin),
        answered_by=immutabledict(run.clients.answered_by),
        sometimes=sometimes,
        events=run.cluster.simulation.events,
        parted_ms=run.parted_ms,
        film=run.film,
        broken=broken,
    )
