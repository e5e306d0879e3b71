"""Raft clusters of any size in simulated time, without a spec: the usual hosts, and one client.

The harness holds a few servers against the spec; this module runs a thousand of them, for what only numbers
tell: how long an election takes, how many messages an entry costs. The timeouts are those of the source
documents (RAFT-1), 150 to 300 ms for elections and 50 ms for heartbeats, unless a test asks for others.

A peer that is behind gets the next entries as soon as it has answered (`Timing.paces_peers`). Followers learn
that an entry is committed from the next message of the leader, as in the paper. What a server computes takes
no simulated time: simulated times are of timers and the network alone.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable
from typing import Any, Final

import attrs

from impl import raft
from property_tests.raft.host import Applied, Input, RaftHost, Server, Timing
from property_tests.raft.settings import PLAIN, server_names
from tlacheck.errors import ConfigError
from tlacheck.sim import Cluster, Command, Delay, Fault, Network, Send

__all__ = ["Figures", "ScaledCluster", "Stream", "commit_without", "measure", "stream"]

#: How many full requests may be under way to a peer, if they are pipelined.
_REQUESTS_AHEAD: Final = 16


class _CountingHost(RaftHost):
    """Hosts that count what they send.

    Attributes:
        sent: how many messages were sent, by their kind.
        entries_sent: how many entries they carried.
    """

    def __init__(
        self, servers: tuple[str, ...], timing: Timing, *, entries_max: int, pipelining: bool
    ) -> None:
        setting = attrs.evolve(
            PLAIN,
            founders=servers,
            features=frozenset({"Pipelining", "ConflictTerm"} if pipelining else ()),
            entries_max=entries_max,
            unacknowledged_max=_REQUESTS_AHEAD * entries_max,
        )
        super().__init__(setting, timing=attrs.evolve(timing, paces_peers=True))
        self.sent: Counter[str] = Counter()
        self.entries_sent = 0

    def step(self, state: Server, inp: Input) -> tuple[Server, list[Command]]:
        """A step like any other."""
        after, commands = super().step(state, inp)
        for command in commands:
            if isinstance(command, Send):
                self.sent[type(command.message).__name__] += 1
                if isinstance(command.message, raft.AppendEntriesRequest):
                    self.entries_sent += len(command.message.entries)
        return after, commands


class ScaledCluster:
    """A simulated cluster of servers that follow the protocol, with one client.

    Args:
        n: how many servers, 1 or more.
        seed: decides delays and election timeouts.
        delay: how long each message takes.
        timing: the durations of the servers' timers.
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
        timing: Timing | None = None,
        entries_max: int = 64,
        pipelining: bool = False,
    ) -> None:
        self.servers = server_names(n)
        self._host = _CountingHost(
            self.servers, timing or Timing(), entries_max=entries_max, pipelining=pipelining
        )
        self.cluster: Cluster[Server, Any, Command] = Cluster(
            self._host, self.servers, seed=seed, network=Network(delay=delay)
        )
        self._read = 0
        self._elected: dict[int, str] = {}
        self._applied: defaultdict[Hashable, set[str]] = defaultdict(set)

    @property
    def now_ms(self) -> int:
        """The virtual time."""
        return self.cluster.world.now_ms

    @property
    def messages(self) -> int:
        """The number of messages sent so far."""
        return self._host.sent.total()

    @property
    def entries(self) -> int:
        """The number of entries in the messages sent so far."""
        return self._host.entries_sent

    @property
    def term(self) -> int:
        """The greatest term that a server has reached."""
        return max(server.term for server in self.cluster.states.values())

    @property
    def leader(self) -> str | None:
        """The server elected last, if it is up and believes that it leads; else None."""
        self._listen()
        if not self._elected:
            return None
        last = self._elected[max(self._elected)]
        is_up = last not in self.cluster.world.down
        return last if is_up and self.cluster.states[last].role == "Leader" else None

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
        """Read the notifications of the servers since the last call."""
        told = self.cluster.notifications
        for _, node, what in told[self._read :]:
            match what:
                case raft.BecameLeader(term=term):
                    self._elected[term] = node
                case Applied(value=value):
                    self._applied[value].add(node)
        self._read = len(told)


@attrs.frozen(kw_only=True)
class Figures:
    """Measurements of one run of `measure`.

    Times are simulated milliseconds, None if the event did not happen.

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


def measure(n: int, *, seed: int, delay: Delay, timing: Timing | None = None, within_ms: int) -> Figures:
    """Elect a leader, commit an entry, crash the leader, and commit another one.

    The entry is asked for in the middle between two heartbeats, so that the messages are its own as far
    as delays are shorter than that.

    Args:
        n: how many servers, 3 or more, so that one can crash.
        seed: decides delays and election timeouts.
        delay: how long each message takes.
        timing: the durations of the servers' timers.
        within_ms: how long each of the three is waited for, in virtual milliseconds.

    Returns:
        The figures; a function of the arguments. After the first that did not come, none comes.

    Raises:
        ConfigError: if there are fewer than 3 servers.
    """
    if n < 3:
        raise ConfigError(f"{n} servers cannot go on without their leader: give 3 or more")
    scaled = ScaledCluster(n, seed=seed, delay=delay, timing=timing)
    elected_ms = scaled.wait(lambda: scaled.leader is not None, within_ms=within_ms)
    figures = Figures(elected_ms=elected_ms, elected_term=scaled.term)
    if (
        elected_ms is None
        or scaled.wait(lambda: scaled.is_everywhere(raft.NOOP), within_ms=within_ms) is None
    ):
        return figures
    scaled.cluster.advance((timing or Timing()).heartbeat_ms // 2)
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
    """Measurements of a stream of requests.

    Times are simulated milliseconds.

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
