"""Raft clusters of any size in simulated time: `impl.raft` in a `tlacheck.sim.Cluster`, with no spec beside it.

`cluster.py` runs a few servers in lockstep with the spec; this module runs a thousand of them, for what
only numbers tell: how long an election takes, how many messages an entry costs. `RaftCore` is to the
simulator what a server's process is to the core: timers, disk and network. The timeouts are those of the
source documents (RAFT-1), 150 to 300 ms for elections and 50 ms for heartbeats, unless a test asks
for others.

A leader sends to all its peers when it is elected and every heartbeat, and to those that lack nothing else when a
client asks (pipelined: to all); a peer that is behind gets the next entries as soon as it has answered. Followers learn that an entry is
committed from the next message of the leader, as in the paper. What a server computes takes no
simulated time: simulated times are of timers and the network alone.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final, TypeAlias

import attrs

from impl import raft
from property_tests.raft.adapter import server_names
from property_tests.raft.cluster import ELECTION_TIMEOUT_MS, HEARTBEAT_MS
from tlacheck.errors import ConfigError
from tlacheck.sim import (
    Cluster,
    Command,
    Delay,
    Disk,
    Fault,
    Network,
    Send,
    SetTimer,
    StopTimer,
    Sync,
    Tell,
    Uniform,
    Write,
)

__all__ = ["Figures", "RaftCore", "ScaledCluster", "Stream", "Timers", "commit_without", "measure", "stream"]

_ELECTION: Final = "election"
_HEARTBEAT: Final = "heartbeat"
_DISK: Final = "durable"
#: How many full requests may be under way to a peer, if they are pipelined.
_REQUESTS_AHEAD: Final = 16


@attrs.frozen
class _ElectionTimer:
    """The election timer fired."""


@attrs.frozen
class _HeartbeatTimer:
    """It is time for a leader to send to all its peers."""


_Input: TypeAlias = raft.Input | _ElectionTimer | _HeartbeatTimer


@attrs.frozen(kw_only=True)
class Timers:
    """The durations of a server's timers, in milliseconds."""

    election_ms: tuple[int, int] = ELECTION_TIMEOUT_MS
    heartbeat_ms: int = HEARTBEAT_MS


class RaftCore:
    """A Raft server, as a simulated cluster hosts it.

    Args:
        servers: the names of all servers.
        timers: the durations of its timers.
        entries_max: how many entries a request carries at most.
        pipelining: whether requests are sent before earlier ones are acknowledged (thesis, 10.2.2).

    Attributes:
        sent: how many messages were sent, by their kind.
        entries_sent: how many entries they carried.
    """

    def __init__(
        self, servers: tuple[str, ...], *, timers: Timers, entries_max: int = 64, pipelining: bool = False
    ) -> None:
        self.sent: Counter[str] = Counter()
        self.entries_sent = 0
        self._configs = {
            server: raft.Config(
                server,
                servers,
                entries_max=entries_max,
                unacknowledged_max=_REQUESTS_AHEAD * entries_max,
                pipelining=pipelining,
                conflict_term=pipelining,
            )
            for server in servers
        }
        self._heartbeat_ms = timers.heartbeat_ms
        self._reset = SetTimer(_ELECTION, Uniform(*timers.election_ms))

    def start(self, node: str, disk: Disk) -> tuple[raft.Node, Iterable[Command]]:
        """A server with what its disk holds; its election timer runs."""
        config, durable = self._configs[node], disk.read(_DISK)
        if durable is not None:
            return raft.recover(config, durable), (self._reset,)
        first = raft.first_start(config)
        return first, (Write(_DISK, first.durable), Sync(), self._reset)

    def on_message(self, source: str, message: Any, clock_ms: int) -> _Input:
        """A message is the core's own."""
        del source, clock_ms
        return raft.Receive(message)

    def on_timer(self, name: Any, clock_ms: int) -> _Input:
        """One of the two timers."""
        del clock_ms
        return _ElectionTimer() if name == _ELECTION else _HeartbeatTimer()

    def step(self, state: raft.Node, inp: _Input) -> tuple[raft.Node, list[Command]]:
        """One input of the host, which may be several of the core."""
        match inp:
            case _ElectionTimer() if isinstance(state.role, raft.Leader):
                return state, [self._reset]
            case _ElectionTimer():
                return self._taken(state, raft.Timeout())
            case _HeartbeatTimer():
                return self._sent_to_all(state, [])
            case raft.ClientRequest():
                return self._sent_on(*self._taken(state, inp))
            case raft.Receive(message=raft.AppendEntriesResponse(source=source)):
                after, commands = self._taken(state, inp)
                known, learnt = _progress(state, source), _progress(after, source)
                # An answer that says nothing new is one of two to the same entries: the other one goes on.
                if learnt is not None and learnt != known and learnt.next_index <= after.durable.last_index:
                    after, more = self._taken(after, raft.AppendEntries(source))
                    commands += more
                return after, commands
            case _:
                return self._taken(state, inp)

    def commands(self, effect: Command) -> Iterable[Command]:
        """`step` gives commands already."""
        return (effect,)

    def _sent_to_all(self, node: raft.Node, commands: list[Command]) -> tuple[raft.Node, list[Command]]:
        """A leader's request to each of its peers, and the timer for the next ones."""
        if isinstance(node.role, raft.Leader):
            for progress in node.role.progress:
                node, more = self._taken(node, raft.AppendEntries(progress.peer))
                commands += more
            commands.append(SetTimer(_HEARTBEAT, self._heartbeat_ms))
        return node, commands

    def _sent_on(self, node: raft.Node, commands: list[Command]) -> tuple[raft.Node, list[Command]]:
        """A new entry to each peer; without pipelining only to who holds all before it, for others follow their answers."""
        role = node.role
        if not isinstance(role, raft.Leader):
            return node, commands
        free = [
            progress.peer
            for progress in role.progress
            if node.config.pipelining or progress.next_index == node.durable.last_index
        ]
        if len(free) == len(role.progress):
            return self._sent_to_all(node, commands)
        for peer in free:
            node, more = self._taken(node, raft.AppendEntries(peer))
            commands += more
        return node, commands

    def _taken(self, node: raft.Node, inp: raft.Input) -> tuple[raft.Node, list[Command]]:
        after, effects = raft.step(node, inp)
        return after, [command for effect in effects for command in self._carried_out(effect)]

    def _carried_out(self, effect: raft.Effect) -> tuple[Command, ...]:
        match effect:
            case raft.Send(message=message):
                self.sent[type(message).__name__] += 1
                if isinstance(message, raft.AppendEntriesRequest):
                    self.entries_sent += len(message.entries)
                return (Send(message.dest, message),)
            case raft.Persist(durable=durable):
                return Write(_DISK, durable), Sync()
            case raft.ResetElectionTimer():
                return (self._reset,)
            case raft.BecameLeader():
                return SetTimer(_HEARTBEAT, 0), Tell(effect)
            case raft.SteppedDown():
                return (StopTimer(_HEARTBEAT),)
            case _:
                return (Tell(effect),)


def _progress(node: raft.Node, peer: str) -> raft.Progress | None:
    """What a leader knows of a peer; None if it does not lead."""
    return node.role.of(peer) if isinstance(node.role, raft.Leader) else None


class ScaledCluster:
    """A simulated cluster of servers that follow the protocol, with one client.

    Args:
        n: how many servers, 1 or more.
        seed: decides delays and election timeouts.
        delay: how long each message takes.
        timers: the durations of the servers' timers.
        entries_max: how many entries a request carries at most.
        pipelining: whether requests are sent before earlier ones are acknowledged.

    Attributes:
        servers: their names.
        cluster: the simulated cluster, with its virtual time and its log.
    """

    def __init__(
        self,
        n: int,
        *,
        seed: int,
        delay: Delay,
        timers: Timers | None = None,
        entries_max: int = 64,
        pipelining: bool = False,
    ) -> None:
        self.servers = server_names(n)
        self._core = RaftCore(
            self.servers, timers=timers or Timers(), entries_max=entries_max, pipelining=pipelining
        )
        self.cluster = Cluster(self._core, self.servers, seed=seed, network=Network(delay=delay))
        self._read = 0
        self._elected: dict[int, str] = {}
        self._applied: defaultdict[Hashable, set[str]] = defaultdict(set)

    @property
    def now_ms(self) -> int:
        """The virtual time."""
        return self.cluster.world.now_ms

    @property
    def messages(self) -> int:
        """How many messages were sent so far."""
        return self._core.sent.total()

    @property
    def entries(self) -> int:
        """How many entries the messages carried so far."""
        return self._core.entries_sent

    @property
    def term(self) -> int:
        """The greatest term that a server has reached."""
        return max(node.durable.current_term for node in self.cluster.states.values())

    @property
    def leader(self) -> str | None:
        """Who was elected last, while it is up and believes that it leads; else None."""
        self._listen()
        if not self._elected:
            return None
        last = self._elected[max(self._elected)]
        is_up = last not in self.cluster.world.down
        return last if is_up and isinstance(self.cluster.states[last].role, raft.Leader) else None

    def submit(self, value: Hashable) -> bool:
        """Give a value to the leader. False if there is none."""
        leader = self.leader
        return leader is not None and self.cluster.request(leader, raft.ClientRequest(value))

    def crash(self, server: str) -> None:
        """Let a server stop, for good."""
        self.cluster.inflict(Fault.of("crash", node=server))

    def applied_at(self, value: Hashable) -> frozenset[str]:
        """The servers that have applied a value."""
        self._listen()
        return frozenset(self._applied[value])

    def is_committed(self, value: Hashable) -> bool:
        """Return whether some server has applied a value; the leader is the first that can."""
        return bool(self.applied_at(value))

    def is_everywhere(self, value: Hashable) -> bool:
        """Return whether all servers that are up have applied a value."""
        return self.applied_at(value) >= set(self.servers) - self.cluster.world.down

    def wait(self, until: Callable[[], bool], *, within_ms: int) -> int | None:
        """Let time pass until something is so.

        Returns:
            The virtual milliseconds that it took; None if it did not come within `within_ms`.
        """
        begin_ms = self.now_ms
        while not until():
            if self.now_ms - begin_ms >= within_ms:
                return None
            self.cluster.advance(1)
        return self.now_ms - begin_ms

    def _listen(self) -> None:
        """Read what the servers have told since the last time."""
        told = self.cluster.told
        for _, node, what in told[self._read :]:
            match what:
                case raft.BecameLeader(term=term):
                    self._elected[term] = node
                case raft.Apply(value=value):
                    self._applied[value].add(node)
        self._read = len(told)


@attrs.frozen(kw_only=True)
class Figures:
    """What one run of `measure` found. Times are simulated milliseconds; None for what did not come.

    Attributes:
        elected_ms: from the start to the first leader.
        elected_term: the term in which that was, or that was reached without one; 1 if no vote was split.
        committed_ms: from a client's request to its commit at the leader.
        committed_messages: how many messages were sent meanwhile, by all servers.
        everywhere_ms: from the request to the last server that applied it.
        everywhere_messages: how many messages were sent meanwhile.
        elected_again_ms: from the leader's crash to the next leader.
        recovered_ms: from the leader's crash to the commit of a request to the next leader.
    """

    elected_ms: int | None
    elected_term: int
    committed_ms: int | None = None
    committed_messages: int | None = None
    everywhere_ms: int | None = None
    everywhere_messages: int | None = None
    elected_again_ms: int | None = None
    recovered_ms: int | None = None


def measure(n: int, *, seed: int, delay: Delay, timers: Timers | None = None, within_ms: int) -> Figures:
    """Elect a leader, commit an entry, crash the leader, and commit another one.

    The entry is asked for in the middle between two heartbeats, so that the messages are its own as far
    as delays are shorter than that.

    Args:
        n: how many servers, 3 or more, so that one can crash.
        seed: decides delays and election timeouts.
        delay: how long each message takes.
        timers: the durations of the servers' timers.
        within_ms: how long each of the three is waited for, in virtual milliseconds.

    Returns:
        The figures; a function of the arguments. After the first that did not come, none comes.

    Raises:
        ConfigError: if there are fewer than 3 servers.
    """
    if n < 3:
        raise ConfigError(f"{n} servers cannot go on without their leader: give 3 or more")
    scaled = ScaledCluster(n, seed=seed, delay=delay, timers=timers)
    elected_ms = scaled.wait(lambda: scaled.leader is not None, within_ms=within_ms)
    figures = Figures(elected_ms=elected_ms, elected_term=scaled.term)
    if (
        elected_ms is None
        or scaled.wait(lambda: scaled.is_everywhere(raft.NOOP), within_ms=within_ms) is None
    ):
        return figures
    scaled.cluster.advance((timers or Timers()).heartbeat_ms // 2)
    first, sent = scaled.leader, scaled.messages
    if first is None or not scaled.submit("first"):
        return figures
    committed_ms = scaled.wait(lambda: scaled.is_committed("first"), within_ms=within_ms)
    committed_messages = scaled.messages - sent
    more_ms = scaled.wait(lambda: scaled.is_everywhere("first"), within_ms=within_ms)
    if committed_ms is None or more_ms is None:
        return figures
    figures = attrs.evolve(
        figures,
        committed_ms=committed_ms,
        committed_messages=committed_messages,
        everywhere_ms=committed_ms + more_ms,
        everywhere_messages=scaled.messages - sent,
    )
    scaled.crash(first)
    elected_again_ms = scaled.wait(lambda: scaled.leader is not None, within_ms=within_ms)
    if elected_again_ms is None or not scaled.submit("second"):
        return figures
    more_ms = scaled.wait(lambda: scaled.is_committed("second"), within_ms=within_ms)
    if more_ms is None:
        return figures
    return attrs.evolve(figures, elected_again_ms=elected_again_ms, recovered_ms=elected_again_ms + more_ms)


@attrs.frozen(kw_only=True)
class Stream:
    """What a stream of requests met. Times are simulated milliseconds.

    Attributes:
        committed_ms: for each request, from the request to its commit at the leader.
        everywhere_ms: from the last request until all servers have applied all; None if that did not come.
        messages: how many messages were sent meanwhile, by all servers.
        entries: how many entries they carried.
    """

    committed_ms: tuple[int, ...]
    everywhere_ms: int | None
    messages: int
    entries: int


def stream(n: int, *, requests: int, seed: int, delay: Delay, pipelining: bool, within_ms: int) -> Stream:
    """Ask for an entry every millisecond.

    Args:
        n: how many servers.
        requests: how many entries are asked for, 1 or more.
        seed: decides delays and election timeouts.
        delay: how long each message takes.
        pipelining: whether the leader sends before earlier requests are acknowledged.
        within_ms: how long is waited for a leader, and for the end, in virtual milliseconds.

    Raises:
        ConfigError: if nothing is asked for, or there is no leader to begin with, or it is lost on the way.
    """
    if requests < 1:
        raise ConfigError(f"{requests} requests are no stream: give 1 or more")
    scaled = ScaledCluster(n, seed=seed, delay=delay, pipelining=pipelining)
    scaled.wait(lambda: scaled.is_everywhere(raft.NOOP), within_ms=within_ms)
    messages, entries = scaled.messages, scaled.entries
    asked_ms: dict[int, int] = {}
    committed_ms: dict[int, int] = {}

    def note() -> None:
        for number, since_ms in asked_ms.items():
            if number not in committed_ms and scaled.is_committed(number):
                committed_ms[number] = scaled.now_ms - since_ms

    for number in range(requests):
        if not scaled.submit(number):
            raise ConfigError(
                f"{n} servers have no leader at {scaled.now_ms} ms, with seed {seed}: wait longer"
            )
        asked_ms[number] = scaled.now_ms
        scaled.cluster.advance(1)
        note()
    last_ms = scaled.now_ms

    def is_done() -> bool:
        note()
        return scaled.is_everywhere(requests - 1)

    done_ms = scaled.wait(is_done, within_ms=within_ms)
    return Stream(
        committed_ms=tuple(committed_ms[number] for number in sorted(committed_ms)),
        everywhere_ms=None if done_ms is None else scaled.now_ms - last_ms,
        messages=scaled.messages - messages,
        entries=scaled.entries - entries,
    )


def commit_without(
    n: int, *, crashed: int, with_leader: bool, seed: int, delay: Delay, within_ms: int
) -> int | None:
    """Crash several servers at once, and ask for an entry.

    Args:
        n: how many servers.
        crashed: how many of them crash, 1 or more and less than n.
        with_leader: whether the leader is one of them.
        seed: decides delays and election timeouts.
        delay: how long each message takes.
        within_ms: how long is waited for a leader to ask, and for the commit, in virtual milliseconds.

    Returns:
        The virtual milliseconds from the crash to the commit; None if it does not come.

    Raises:
        ConfigError: if nobody crashes or nobody is left, or there is no leader to begin with: `within_ms`
            is too short.
    """
    if not 1 <= crashed < n:
        raise ConfigError(f"{crashed} of {n} servers cannot crash and leave others: give 1 to {n - 1}")
    scaled = ScaledCluster(n, seed=seed, delay=delay)
    scaled.wait(lambda: scaled.is_everywhere(raft.NOOP), within_ms=within_ms)
    leader = scaled.leader
    if leader is None:
        raise ConfigError(
            f"{n} servers have no leader {scaled.now_ms} ms after their start, with seed {seed}: wait longer"
        )
    others = [server for server in scaled.servers if server != leader]
    for server in ([leader, *others] if with_leader else others)[:crashed]:
        scaled.crash(server)
    elected_ms = scaled.wait(lambda: scaled.leader is not None, within_ms=within_ms)
    if elected_ms is None or not scaled.submit("asked"):
        return None
    committed_ms = scaled.wait(lambda: scaled.is_committed("asked"), within_ms=within_ms)
    return None if committed_ms is None else elected_ms + committed_ms
