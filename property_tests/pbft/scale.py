"""PBFT clusters of any size in simulated time, to measure messages, bytes, latency and processor time.

A light host: no disks, no faults but those asked for, and clients that ask again as soon as they are
answered. Each message takes a delay drawn from a seed. Time is virtual; what a replica computes takes none of
it, unless `computing` is asked for: then every step takes as long as it took this process, and a replica
takes one step after the other, as it would with a processor of its own. Without it all figures but seconds
are a function of the arguments.

Processor time is measured around the core's steps alone, for each replica. It holds all that a replica does,
with its signatures and those that it verifies; clients' signatures, the queue of messages and the counting of
bytes are not in it.
"""

import functools
import hashlib
import heapq
import itertools
import random
import re
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from impl import pbft
from impl.common.ed25519 import Ed25519Keys, public_key
from property_tests.pbft.host import unproposed
from tlacheck.errors import ConfigError
from tlacheck.sim import Uniform

__all__ = [
    "CountedKeys",
    "Figures",
    "Register",
    "ScaledCluster",
    "binary_bytes",
    "measure",
    "messages_of_a_batch",
    "messages_of_a_view_change",
    "prepared_then_changed",
    "size_in_memory",
    "wire_bytes",
]

#: Message types between replicas in the normal case.
_NORMAL: Final = ("PrePrepare", "Prepare", "Commit")
_DIGEST: Final = re.compile("[0-9a-f]{64}")


# --- keys, a service, sizes ---------------------------------------------------------------------


@functools.cache
def _seed_of(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


class CountedKeys:
    """The keys of a node, with a count of their uses.

    Attributes:
        signs: how many signatures were made.
        verifies: how many were verified.
    """

    def __init__(self, keys: pbft.Keys) -> None:
        self.signs = 0
        self.verifies = 0
        self._keys = keys

    def sign(self, content: bytes) -> bytes:
        """As the keys do."""
        self.signs += 1
        return self._keys.sign(content)

    def verify(self, signer: str, content: bytes, signature: bytes) -> bool:
        """As the keys do."""
        self.verifies += 1
        return self._keys.verify(signer, content, signature)


@attrs.frozen
class Register:
    """A service whose state does not grow: how many operations there were, and the last one."""

    @property
    def initial(self) -> pbft.Value:
        """Nothing was written."""
        return (0, "")

    def apply(self, value: pbft.Value, request: pbft.Request) -> tuple[pbft.Value, pbft.Value]:
        """Write the operation; the result is which it was, from 1."""
        count = value[0] if isinstance(value, tuple) else 0
        number = count + 1 if isinstance(count, int) else 1
        return (number, request.operation), number


def wire_bytes(message: object) -> int:
    """The size of a message in canonical bytes, with all that it carries and its signature.

    What a signature covers by its digest is sent beside it, and is counted in its place.
    """
    if isinstance(message, tuple):
        return 2 + sum(map(wire_bytes, message)) + max(0, len(message) - 1)
    if not attrs.has(type(message)):
        return len(pbft.encode(message))
    kind: Any = type(message)
    fields = attrs.fields(kind)
    inside = sum(len(field.name) + 3 + wire_bytes(getattr(message, field.name)) for field in fields)
    return len(kind.__name__) + 7 + inside + len(fields) - 1


def binary_bytes(message: object) -> int:
    """The size of a message in a plain binary encoding, with all that it carries and its signature.

    The encoding is that of bincode, which HM names: fields without names, 8 bytes for an integer and for each
    length, 4 for which of several kinds a value is, a digest as its 32 bytes.
    """
    if isinstance(message, tuple):
        return 8 + sum(map(binary_bytes, message))
    if attrs.has(type(message)):
        kind: Any = type(message)
        return 4 + sum(binary_bytes(getattr(message, field.name)) for field in attrs.fields(kind))
    match message:
        case bool() | None:
            return 1
        case int():
            return 8
        case str() if _DIGEST.fullmatch(message):
            return 32
        case str():
            return 8 + len(message.encode())
        case bytes():
            return 8 + len(message)
        case _:
            raise TypeError(f"a {type(message).__name__} is no part of a message")


def size_in_memory(value: Any) -> int:
    """The bytes that the objects of a replica take up, each once, without its configuration and keys."""
    seen: set[int] = set()
    pending, total = [value], 0
    while pending:
        item = pending.pop()
        if id(item) in seen or isinstance(item, pbft.Config):
            continue
        seen.add(id(item))
        total += sys.getsizeof(item)
        if isinstance(item, Mapping):
            pending += [*item.keys(), *item.values()]
        elif isinstance(item, tuple):
            pending += item
        elif attrs.has(type(item)):
            pending += [getattr(item, field.name) for field in attrs.fields(type(item))]
    return total


# --- the cluster --------------------------------------------------------------------------------


@attrs.frozen
class _Fires:
    """A replica's view-change timer, if it was not started anew since."""

    number: int


_Arriving: TypeAlias = pbft.Message | _Fires


class ScaledCluster:
    """Replicas that follow the protocol, and clients.

    Args:
        n: how many replicas.
        seed: decides the delays.
        delay: how long each message takes, in virtual milliseconds.
        batch: how many requests a batch has at most.
        clients: how many clients there are.
        symbolic: whether signatures only stand for some; else they are Ed25519.
        computing: whether processor time takes virtual time.
        ahead: how many batches a primary has under way at most; meanwhile requests gather for the next (TOCS,
            5.4).
        timeout_ms: how long the first primary has to get something executed.
        settings: further fields of `pbft.Config`.
        lost: which messages are lost, by receiver and message.

    Attributes:
        nodes: the replicas by name.
        keys: what each has signed and verified.
        now_ms: the virtual time.
        cpu_s: of each replica, the seconds of processor time that its steps took.
        sent: by type, how many messages were sent; one to all counts once for each.
        bytes: by type, how many bytes they had.
        executed: how many requests were executed by the first replica.
        largest_bytes: how large the second replica was at most, as far as `weigh_every` says when to look.
        down: replicas that take no more steps.
    """

    def __init__(
        self,
        n: int,
        *,
        seed: int,
        delay: Uniform,
        batch: int = 64,
        clients: int = 1,
        symbolic: bool = False,
        computing: bool = False,
        ahead: int = 2,
        timeout_ms: float = 60_000.0,
        settings: Mapping[str, Any] | None = None,
        lost: Callable[[str, pbft.Message], bool] = lambda _to, _message: False,
        size: Callable[[pbft.Message], int] = wire_bytes,
    ) -> None:
        if n < 1 or clients < 1 or batch < 1:
            raise ConfigError(
                f"{n} replicas, {clients} clients and batches of {batch}: give at least 1 of each"
            )
        names = tuple(f"r{number}" for number in range(n))
        self.clients = tuple(f"c{number}" for number in range(clients))
        public = {} if symbolic else {name: public_key(_seed_of(name)) for name in (*names, *self.clients)}

        def keys(name: str) -> pbft.Keys:
            return pbft.SymbolicKeys(name) if symbolic else Ed25519Keys(_seed_of(name), public)

        self.keys = {name: CountedKeys(keys(name)) for name in names}
        self._client_keys = {name: keys(name) for name in self.clients}
        self.nodes = {
            name: pbft.first_start(
                pbft.Config(
                    name,
                    names,
                    self.keys[name],
                    batch_max=batch,
                    waiting_max=max(1024, clients),
                    service=Register(),
                    **(settings or {}),
                )
            )
            for name in names
        }
        self.now_ms = 0.0
        self.cpu_s = dict.fromkeys(names, 0.0)
        self.sent: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.executed = 0
        self.largest_bytes = 0
        self.weigh_every = 0
        self.down: set[str] = set()
        self._draw = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self._delay, self._lost, self._size_of = delay, lost, size
        self._computing = computing
        self._batch, self._ahead, self._timeout_ms = batch, ahead, timeout_ms
        self._order = itertools.count()
        self._queue: list[tuple[float, int, str, _Arriving]] = []
        self._under_way = 0
        self._free_ms = dict.fromkeys(names, 0.0)
        self._timers = dict.fromkeys(names, 0)
        self._gathered: dict[str, deque[pbft.Request]] = {name: deque() for name in names}
        self._proposed: dict[str, set[tuple[str, int]]] = {name: set() for name in names}
        self._timestamps: Counter[str] = Counter()
        self._replies: defaultdict[tuple[str, int, pbft.Value], set[str]] = defaultdict(set)
        self._answered: set[tuple[str, int]] = set()
        self._sizes: dict[int, tuple[pbft.Message, int]] = {}
        #: Called with the client and its timestamp once f + 1 replicas have answered the same.
        self.on_answer: Callable[[str, int], None] = lambda _client, _timestamp: None

    @property
    def primary(self) -> str:
        """The primary of the latest view that some replica is in."""
        latest = max(self.nodes.values(), key=lambda node: node.durable.view)
        return latest.config.primary(latest.durable.view)

    @property
    def verifies(self) -> int:
        """The number of signatures that all replicas have verified."""
        return sum(keys.verifies for keys in self.keys.values())

    @property
    def signs(self) -> int:
        """The number of signatures that all replicas have made."""
        return sum(keys.signs for keys in self.keys.values())

    def ask(self, client: str, operation: pbft.Value, *, of_all: bool = False) -> int:
        """A client sends a request to the primary, or to all replicas; its timestamp."""
        self._timestamps[client] += 1
        timestamp = self._timestamps[client]
        request = pbft.Request(client=client, timestamp=timestamp, operation=operation)
        request = pbft.signed(request, self._client_keys[client])
        for name in self.nodes if of_all else (self.primary,):
            self._send(name, request)
        return timestamp

    def run(self, until: Callable[[], bool] = lambda: False, *, within_ms: float = 1e9) -> bool:
        """Let things happen until something is so; False if it did not come, or nothing is left to happen."""
        end_ms = self.now_ms + within_ms
        while not until():
            if not self._queue or self._queue[0][0] > end_ms:
                return False
            self._go_on()
        return True

    def settle(self) -> None:
        """Let all messages arrive that are under way, and those that follow from them."""
        while self._under_way:
            self._go_on()

    def time_out(self) -> None:
        """The timers of all replicas fire now."""
        for name in self.nodes:
            self._step(name, pbft.Timeout())

    # --- one thing

    def _go_on(self) -> None:
        """The next thing happens."""
        self.now_ms, _, name, what = heapq.heappop(self._queue)
        self._under_way -= not isinstance(what, _Fires)
        self._arrives(name, what)

    def _arrives(self, name: str, what: _Arriving) -> None:
        if name in self.down:
            return
        match what:
            case pbft.Reply():
                self._answer(what)
            case _Fires(number=number):
                if self._timers[name] == number:
                    self._step(name, pbft.Timeout())
            case _:
                effects = self._step(name, pbft.Receive(what))
                if isinstance(what, pbft.Request) and not any(isinstance(e, pbft.Refused) for e in effects):
                    self._gathered[name].append(what)
                self._propose(name)

    def _is_new(self, name: str, request: pbft.Request) -> bool:
        """Return whether a request waits and is in no proposal of this primary."""
        about = request.client, request.timestamp
        return about not in self._proposed[name] and self.nodes[name].waiting.get(request.client) == request

    def _propose(self, name: str) -> None:
        """Propose waiting requests at a primary while few enough batches are in progress."""
        gathered, node = self._gathered[name], self.nodes[name]
        if not node.is_primary or node.durable.changing:
            return
        while gathered:
            durable = self.nodes[name].durable
            if max(durable.accepted, default=0) - durable.executed >= self._ahead:
                return
            if not self._is_new(name, gathered[0]):
                gathered.popleft()
                continue
            batch = tuple(itertools.islice((r for r in gathered if self._is_new(name, r)), self._batch))
            effects = self._step(name, pbft.Propose(batch))
            if any(isinstance(effect, pbft.Refused) for effect in effects):
                return
            self._proposed[name].update((request.client, request.timestamp) for request in batch)
            for _ in batch:
                gathered.popleft()

    def _step(self, name: str, inp: pbft.Input) -> tuple[pbft.Effect, ...]:
        started = time.process_time()
        self.nodes[name], effects = pbft.step(self.nodes[name], inp)
        took_s = time.process_time() - started
        self.cpu_s[name] += took_s
        done_ms = self.now_ms
        if self._computing:
            done_ms = max(done_ms, self._free_ms[name]) + 1_000 * took_s
            self._free_ms[name] = done_ms
        for effect in effects:
            self._carry_out(name, effect, done_ms)
        return effects

    def _carry_out(self, name: str, effect: pbft.Effect, at_ms: float) -> None:
        match effect:
            case pbft.Send(message=message, to=to):
                receivers = [other for other in self.nodes if other != name] if to is None else [to]
                for receiver in receivers:
                    self._send(receiver, message, at_ms, is_own=receiver == name)
            case pbft.Executed(seq=seq, batch=batch):
                self._proposed[name].difference_update((each.client, each.timestamp) for each in batch)
                names = list(self.nodes)
                if name == names[0]:
                    self.executed += len(batch)
                if name == names[min(1, len(names) - 1)] and self.weigh_every and seq % self.weigh_every == 0:
                    self.largest_bytes = max(self.largest_bytes, size_in_memory(self.nodes[name]))
            case pbft.EnteredView():
                node = self.nodes[name]
                self._gathered[name] = deque(unproposed(node))
                self._proposed[name] = {
                    (each.client, each.timestamp)
                    for made in node.durable.accepted.values()
                    for each in made.batch
                }
            case pbft.ResetTimer(multiplier=multiplier):
                self._timers[name] += 1
                self._push(at_ms + multiplier * self._timeout_ms, name, _Fires(self._timers[name]))
            case pbft.StopTimer():
                self._timers[name] += 1
            case _:
                pass

    def _send(
        self, to: str, message: pbft.Message, at_ms: float | None = None, *, is_own: bool = False
    ) -> None:
        """Send a message; those of a replica to itself bypass the network."""
        at_ms = self.now_ms if at_ms is None else at_ms
        if is_own:
            self._push(at_ms, to, message)
            return
        kind = type(message).__name__
        self.sent[kind] += 1
        self.bytes[kind] += self._size(message)
        if not self._lost(to, message):
            self._push(at_ms + self._draw.uniform(self._delay.least_ms, self._delay.greatest_ms), to, message)

    def _size(self, message: pbft.Message) -> int:
        """The size of a message, once for all receivers."""
        known = self._sizes.get(id(message))
        if known is None or known[0] is not message:
            self._sizes.clear()
            known = message, self._size_of(message)
            self._sizes[id(message)] = known
        return known[1]

    def _push(self, at_ms: float, name: str, what: _Arriving) -> None:
        self._under_way += not isinstance(what, _Fires)
        heapq.heappush(self._queue, (at_ms, next(self._order), name, what))

    def _answer(self, reply: pbft.Reply) -> None:
        """Deliver a reply to its client, which accepts f + 1 equal ones."""
        about = reply.client, reply.timestamp
        voters = self._replies[*about, reply.result]
        voters.add(reply.source)
        enough = next(iter(self.nodes.values())).config.f + 1
        if len(voters) >= enough and about not in self._answered:
            self._answered.add(about)
            self.on_answer(*about)


# --- a load -------------------------------------------------------------------------------------


def messages_of_a_batch(n: int) -> dict[str, int]:
    """The number of messages, by type, that a batch of one request needs without faults (paper, 4.2).

    The primary proposes to all others, each of these agrees to all others, all commit to all others, and each
    replica answers the client.
    """
    return {"PrePrepare": n - 1, "Prepare": (n - 1) ** 2, "Commit": n * (n - 1), "Reply": n}


def messages_of_a_view_change(n: int, proposals: int) -> dict[str, int]:
    """The number of messages, by type, of a view change, until prepared batches are committed again (4.4).

    Each replica tells all others that it wants the view, its primary begins it by a message to all others,
    which brings the proposals along, and these go through the two other phases.
    """
    phases = messages_of_a_batch(n)
    return {
        "ViewChange": n * (n - 1),
        "NewView": n - 1,
        "Prepare": proposals * phases["Prepare"],
        "Commit": proposals * phases["Commit"],
        "Reply": proposals * n,
    }


@attrs.frozen(kw_only=True)
class Figures:
    """Measurements of a load of requests.

    Attributes:
        requests: how many were asked for and answered.
        latency_ms: for each, from when the client asked to when it had f + 1 same answers; virtual.
        virtual_s: how long all of it took in virtual time.
        wall_s: how long it took in this process, hosts and clients included.
        cpu_s: the processor time of all replicas' steps.
        busiest_cpu_s: that of the replica with the most.
        sent: by type, how many messages were sent.
        bytes: by type, how many bytes they had.
        payload_bytes: how many bytes the operations had.
        signs: how many signatures replicas made.
        verifies: how many they verified.
        replica_bytes: how large a replica was at most in memory; 0 if that was not asked for.
    """

    requests: int
    latency_ms: tuple[float, ...]
    virtual_s: float
    wall_s: float
    cpu_s: float
    busiest_cpu_s: float
    sent: Mapping[str, int]
    bytes: Mapping[str, int]
    payload_bytes: int
    signs: int
    verifies: int
    replica_bytes: int = 0

    @property
    def virtual_rate(self) -> float:
        """Requests per virtual second: the rate with one processor per replica, if computing takes time."""
        return self.requests / self.virtual_s

    @property
    def cpu_rate(self) -> float:
        """Requests a second of processor time, that of all replicas added up."""
        return self.requests / self.cpu_s

    @property
    def normal_messages(self) -> int:
        """The number of messages sent in the three phases."""
        return sum(self.sent.get(kind, 0) for kind in _NORMAL)

    @property
    def between_replicas_bytes(self) -> int:
        """The number of bytes that replicas sent each other."""
        return sum(count for kind, count in self.bytes.items() if kind not in {"Reply", "Request"})


def measure(
    n: int,
    *,
    requests: int,
    seed: int,
    delay: Uniform,
    batch: int = 64,
    ahead: int = 2,
    clients: int = 1,
    payload_bytes: int = 100,
    symbolic: bool = False,
    computing: bool = False,
    weigh_every: int = 0,
    settings: Mapping[str, Any] | None = None,
    within_ms: float = 600_000,
    size: Callable[[pbft.Message], int] = wire_bytes,
) -> Figures:
    """Let clients ask, each again as soon as it is answered, until all requests are.

    Args:
        n: how many replicas.
        requests: how many requests there are, 1 or more.
        seed: decides the delays.
        delay: how long each message takes.
        batch: how many requests a batch has at most.
        ahead: how many batches are under way at most.
        clients: how many clients ask at the same time.
        payload_bytes: how large the operation of each request is, enough for its number.
        symbolic: whether signatures only stand for some.
        computing: whether processor time takes virtual time.
        weigh_every: after how many sequence numbers a replica's size is looked at; 0: never.
        settings: further fields of `pbft.Config`.
        within_ms: how long is waited for the last answer, in virtual milliseconds.
        size: how many bytes a message has: `wire_bytes` or `binary_bytes`.

    Raises:
        ConfigError: if nothing is asked for, or not all is answered.
    """
    if requests < 1:
        raise ConfigError(f"{requests} requests are no load: give 1 or more")
    scaled = ScaledCluster(
        n,
        seed=seed,
        delay=delay,
        batch=batch,
        ahead=ahead,
        clients=min(clients, requests),
        symbolic=symbolic,
        computing=computing,
        settings=settings,
        size=size,
    )
    scaled.weigh_every = weigh_every
    asked_ms: dict[str, float] = {}
    latency_ms: list[float] = []
    left = requests

    def ask(client: str) -> None:
        nonlocal left
        if left:
            left -= 1
            asked_ms[client] = scaled.now_ms
            scaled.ask(client, f"{left:0{payload_bytes}}")  # each its own: none is held once for all

    def answered(client: str, _: int) -> None:
        latency_ms.append(scaled.now_ms - asked_ms[client])
        ask(client)

    scaled.on_answer = answered
    started = time.perf_counter()
    for client in scaled.clients:
        ask(client)
    if not scaled.run(lambda: len(latency_ms) == requests, within_ms=within_ms):
        raise ConfigError(
            f"{len(latency_ms)} of {requests} requests were answered within {within_ms:,.0f} ms"
        )
    virtual_s = scaled.now_ms / 1_000
    scaled.settle()
    return Figures(
        requests=requests,
        latency_ms=tuple(latency_ms),
        virtual_s=virtual_s,
        wall_s=time.perf_counter() - started,
        cpu_s=sum(scaled.cpu_s.values()),
        busiest_cpu_s=max(scaled.cpu_s.values()),
        sent=dict(scaled.sent),
        bytes=dict(scaled.bytes),
        payload_bytes=requests * payload_bytes,
        signs=scaled.signs,
        verifies=scaled.verifies,
        replica_bytes=scaled.largest_bytes,
    )


def prepared_then_changed(
    n: int, *, requests: int, seed: int, delay: Uniform, symbolic: bool = True
) -> ScaledCluster:
    """Have requests prepared everywhere, one a batch, lose all commits, and let all timers fire.

    Returns:
        The cluster when all is answered in the next view, and nothing is under way any more; of `sent` is
        left what
        was sent from when the timers fired.

    Raises:
        ConfigError: if not all is answered then.
    """
    is_lossy = True
    scaled = ScaledCluster(
        n,
        seed=seed,
        delay=delay,
        batch=1,
        ahead=requests,
        clients=requests,
        symbolic=symbolic,
        lost=lambda _, message: is_lossy and isinstance(message, pbft.Commit),
    )
    answered: list[str] = []
    scaled.on_answer = lambda client, _: answered.append(client)
    for client in scaled.clients:
        scaled.ask(client, "x")
    scaled.settle()
    is_lossy = False
    scaled.sent.clear()
    scaled.time_out()
    scaled.settle()
    if len(answered) != requests:
        raise ConfigError(f"{len(answered)} of {requests} requests were answered after a view change")
    return scaled
