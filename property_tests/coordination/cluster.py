"""A cluster of agents and coordinators in simulated time, all of them real cores.

| node        | runs                                                                       |
|-------------|----------------------------------------------------------------------------|
| agent       | `impl.gossip`, `impl.manager.barrier`                                      |
| coordinator | the same, `impl.raft` (A102: 50 ms, 150 to 300 ms) and `impl.coordination` |
| client      | `impl.coordination.client`                                                 |

Agents begin with copies of each other, which they share, as copies are values. Rounds of gossip take 1 s.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from impl import coordination, gossip, raft
from impl.coordination import client as clients
from impl.coordination import coordinator as coordinators
from impl.gossip.holdings import Holdings
from impl.gossip.ring import with_ring
from impl.manager import barrier
from tlacheck.sim import Network, Timer, Uniform, World, text_of

__all__ = ["A102_SIZES", "CHASE_MS", "CLIENT", "KEY", "SILENT_MS", "Done", "Flow", "topology"]

CLIENT: Final = "client"
KEY: Final = "q"
#: Agents of each of 14 categories: 20 to 80 each (A102), 593 in all.
A102_SIZES: Final = (20, 25, 30, 32, 35, 38, 40, 42, 44, 46, 48, 53, 60, 80)

_FANOUT: Final = 3
_HEARTBEAT_MS: Final = 50
_ELECTION: Final = (150, 300)
#: Ten ticks are the shortest election timeout.
_CLOCK_MS: Final = 15
#: A coordinator that collects parts asks a deputy for what is missing, so often.
CHASE_MS: Final = 300
#: A client asks the next coordinator after this.
SILENT_MS: Final = 2_000
_EXPIRE_MS, _TICK_MS = 1_500, 200
_BARRIER_MS: Final = 10_000


def topology(sizes: tuple[int, ...], spare: int = 0) -> coordination.Topology:
    """Categories of such sizes, with a coordinator each, and spare ones."""
    names = [f"k{number}" for number in range(len(sizes))]
    agents = {
        name: tuple(f"{name}-a{i}" for i in range(size)) for name, size in zip(names, sizes, strict=True)
    }
    return coordination.Topology(agents, tuple(f"c{number}" for number in range(len(sizes) + spare)))


@attrs.frozen
class Done:
    """An answer, and when the question was asked and answered, ms."""

    query: coordination.Query
    answer: coordination.Answer
    asked_ms: int
    done_ms: int

    @property
    def took_ms(self) -> int:
        """The time that the client waited, ms."""
        return self.done_ms - self.asked_ms


@attrs.frozen
class _Forwarded:
    """A request on its way to the leader: a value to be decided, or an agent's question."""

    value: Any
    requester: str


class Flow:
    """The cluster.

    Args:
        shape: categories and coordinators.
        seed: decides phases, draws, delays and losses.
        loss: the chance that a message is lost.
        avoids: for how many queries the client avoids a coordinator that was silent.

    Attributes:
        done: the answers, in order.
        handled: coordinator -> what it did, by kind of message.
        ended: the barriers that ended, with the time, ms.
        tell: is told, as text, of each step of a coordinator and of the client.
    """

    def __init__(
        self, shape: coordination.Topology, *, seed: int = 0, loss: float = 0.0, avoids: int = 64
    ) -> None:
        self.shape = shape
        self.agents = tuple(name for members in shape.categories.values() for name in members)
        self.world: World[Any] = World(seed=seed, network=Network(delay=Uniform(1, 20), loss=loss))
        self.draws = random.Random(f"draws {seed}")  # noqa: S311 - a reproducible run, no secret
        self.done: list[Done] = []
        self.handled: dict[str, Counter[str]] = {name: Counter() for name in shape.coordinators}
        self.ended: list[tuple[int, barrier.Ended]] = []
        self.tell: Callable[[str], None] = lambda _: None
        self.client = clients.start(shape, avoids=avoids)
        self._asked: dict[int, tuple[coordination.Query, int]] = {}
        self.gossips = dict(self._gossips())
        self.barriers = {name: barrier.first_start(self._barrier_config(name)) for name in self.gossips}
        self.rafts = {name: raft.first_start(self._raft_config(name)) for name in shape.coordinators}
        self.flows = {name: self._coordinator(name) for name in shape.coordinators}
        self._leaders: dict[str, str] = {}
        for name in self.gossips:
            self._begin(name)

    def _gossips(self) -> Iterator[tuple[str, gossip.Node]]:
        """All nodes of gossip, each of which has a copy of each: the same values."""
        everybody = {name: gossip.Copy(1) for name in self.shape.coordinators}
        for name in self.agents:
            value = coordination.stamped(0, name)
            everybody[name] = gossip.Copy(1, 0, 1, {KEY: gossip.Record(1, value)})
        holdings = Holdings.empty(128, {})
        for name, copy in everybody.items():
            holdings = holdings.put({name: copy})
        holdings = attrs.evolve(holdings, base=everybody, changes={})
        seeds = self.shape.coordinators[:2]
        first = gossip.Node(config=gossip.Config(node=seeds[0], seeds=seeds), holdings=holdings)
        ring = with_ring(first).ring
        for name in everybody:
            config = gossip.Config(node=name, seeds=seeds)
            yield name, gossip.Node(config=config, holdings=holdings, ring=ring)

    def _barrier_config(self, name: str) -> barrier.Config:
        return barrier.Config(node=name, is_coordinator=name in self.shape.coordinators)

    def _raft_config(self, name: str) -> raft.Config:
        return raft.Config(node=name, founders=self.shape.coordinators, pre_vote=True)

    def _coordinator(self, name: str) -> coordinators.Coordinator:
        return coordinators.start(coordinators.Config(node=name, topology=self.shape))

    def _begin(self, name: str) -> None:
        self.world.set_timer(name, "round", self.draws.randrange(1_000))
        self.world.set_timer(name, "tick", self.draws.randrange(_TICK_MS))
        if name in self.rafts:
            self.world.set_timer(name, "clock", _CLOCK_MS)
            self._reset_election(name)

    # --- what a test does

    def ask(self, kind: str, categories: tuple[str, ...]) -> int:
        """The client asks; the number of the query."""
        number = len(self._asked)
        query = coordination.Query(CLIENT, number, kind, KEY, categories)
        self._asked[number] = query, self.world.now_ms
        self._client(clients.Ask(query))
        return number

    def write(self, agent: str, value: Any) -> None:
        """The state of an agent changes."""
        stamped = coordination.stamped(self.barriers[agent].applied, value)
        self._gossip(agent, gossip.Write(KEY, stamped))

    def own(self, agent: str) -> tuple[int, Any]:
        """The index and the value of what an agent wrote last."""
        content: Any = gossip.own_copy(self.gossips[agent]).records[KEY].value
        return content[0], content[1]

    def propose(self, entry: barrier.Entry) -> None:
        """Somebody wants a decision; it goes to the leader."""
        self._to_leader(self.leader() or self.shape.coordinators[0], _Forwarded(entry, CLIENT))

    def open(self, name: str, concerned: tuple[str, ...]) -> None:
        """A coordinator opens a barrier for agents, in the lives that gossip knows."""
        for agent in concerned:
            copy = self.gossips[name].holdings.get(agent)
            self._barrier(name, barrier.Heard(agent, barrier.Record(copy.generation, copy.version, 0)))
        self._barrier(name, barrier.Open(concerned))

    def leader(self) -> str | None:
        """The leader of the latest term that is up."""
        leading = [
            (node.durable.current_term, name)
            for name, node in self.rafts.items()
            if isinstance(node.role, raft.Leader) and name not in self.world.down
        ]
        return max(leading)[1] if leading else None

    def crash(self, name: str) -> None:
        """A node crashes."""
        self.world.crash(name)

    def restart(self, name: str) -> None:
        """It comes back with its disk: Raft's state, its keys of gossip, its generations."""
        self.world.restart(name)
        self.gossips[name] = gossip.recover(self.gossips[name].config, self.gossips[name].durable)
        self.barriers[name] = barrier.restart(self._barrier_config(name), self.barriers[name].generation)
        if name in self.rafts:
            self.rafts[name] = raft.recover(self.rafts[name].config, self.rafts[name].durable)
            self.flows[name] = self._coordinator(name)
        self._begin(name)

    def advance(self, for_ms: int, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass."""
        end = self.world.now_ms + for_ms
        while not until() and (due := self.world.next_event(end)) is not None:
            if isinstance(due, Timer):
                self._fired(due.node, due.name)
            elif self.world.reaches(due):
                self._arrived(due.dest, due.source, due.message)

    # --- events

    def _fired(self, name: str, timer: Any) -> None:
        match timer:
            case "round":
                drawn = tuple(self.draws.randrange(len(self.gossips)) for _ in range(_FANOUT))
                self._gossip(name, gossip.Round(self._now_ns(), drawn))
                self._hear(name)
                self.world.set_timer(name, "round", 1_000)
            case "tick":
                self._barrier(name, barrier.Tick())
                self.world.set_timer(name, "tick", _TICK_MS)
            case "clock":
                self._raft(name, raft.Tick())
                self.world.set_timer(name, "clock", _CLOCK_MS)
            case "election":
                self._raft(name, raft.Timeout())
            case "send":
                self._append(name)
                self.world.set_timer(name, "send", _HEARTBEAT_MS)
            case "silent", number:
                self._client(clients.TimedOut(number))
            case "barrier", number:
                self._barrier(name, barrier.Expire(number))
            case "chase", key:
                self._flow(name, coordinators.Chase(key))
                if key in self.flows[name].pending:
                    self.world.set_timer(name, ("chase", key), CHASE_MS)
            case "expire", key:
                self._flow(name, coordinators.Expire(key))

    def _arrived(self, name: str, source: str, message: Any) -> None:
        if name in self.handled:
            self.handled[name][type(message).__name__] += 1
        if name == CLIENT:
            self._client(clients.Heard(source, message))
        elif isinstance(message, gossip.Message):
            self._gossip(name, gossip.Receive(source, message, self._now_ns()))
        elif isinstance(message, barrier.Ask):
            self._to_leader(name, _Forwarded(message, source))
        elif isinstance(message, barrier.Message):
            self._barrier(name, barrier.Receive(source, message))
        elif isinstance(message, coordination.Query):
            self._flow(name, coordinators.Asked(message, self._view(name)))
        elif isinstance(message, coordinators.Part | coordinators.PartRequest):
            self._flow(name, coordinators.Receive(source, message, self._view(name)))
        elif isinstance(message, _Forwarded):
            self._to_leader(name, message)
        else:
            if isinstance(message, raft.AppendEntriesRequest):
                self._leaders[name] = source
            self._raft(name, raft.Receive(message))

    def _now_ns(self) -> int:
        return self.world.now_ms * 1_000_000

    def _view(self, name: str) -> coordination.View:
        return coordination.View(self.gossips[name], self.barriers[name])

    # --- the cores

    def _gossip(self, name: str, inp: gossip.Input) -> None:
        self.gossips[name], effects = gossip.step(self.gossips[name], inp)
        for effect in effects:
            if isinstance(effect, gossip.Send):
                self.world.send(name, effect.dest, effect.message)

    def _barrier(self, name: str, inp: barrier.Input) -> None:
        self.barriers[name], effects = barrier.step(self.barriers[name], inp)
        for effect in effects:
            match effect:
                case barrier.Send(dest=dest, message=message):
                    self.world.send(name, dest, message)
                case barrier.ToCoordinator(message=message):
                    others = [each for each in self.shape.coordinators if each != name]
                    self.world.send(name, self.draws.choice(others), message)
                case barrier.Spread():
                    self._renew(name)
                case barrier.Opened(number=number):
                    self.world.set_timer(name, ("barrier", number), _BARRIER_MS)
                case barrier.Ended():
                    self.ended.append((self.world.now_ms, effect))

    def _renew(self, name: str) -> None:
        """A node has applied a fence: it writes what it has anew. Of coordinators that is the index alone."""
        record = gossip.own_copy(self.gossips[name]).records.get(KEY)
        content = None if record is None else record.value
        self.write(name, content[1] if isinstance(content, tuple) else None)

    def _hear(self, name: str) -> None:
        """Look how far coordinators are, by gossip: who is behind fetches."""
        for other in self.shape.coordinators:
            copy = self.gossips[name].holdings.get(other)
            record = copy.records.get(KEY)
            if record is not None and isinstance(record.value, tuple):
                heard = barrier.Record(copy.generation, record.version, int(str(record.value[0])))
                self._barrier(name, barrier.Heard(other, heard))

    def _flow(self, name: str, inp: coordinators.Input) -> None:
        self.flows[name], effects = coordinators.step(self.flows[name], inp)
        pending = text_of(self.flows[name].pending)
        self.tell(f"{name} takes {type(inp).__name__}: {text_of(effects)} -> {pending}")
        for effect in effects:
            match effect:
                case coordinators.Reply(client=dest, answer=answer):
                    self.world.send(name, dest, answer)
                case coordinators.Send(dest=dest, message=message):
                    self.world.send(name, dest, message)
                case coordinators.Opened(key=key):
                    self.world.set_timer(name, ("chase", key), CHASE_MS)
                    self.world.set_timer(name, ("expire", key), _EXPIRE_MS)
                case coordinators.Replicate(ordered=ordered):
                    self._to_leader(name, _Forwarded(ordered, name))

    def _client(self, inp: clients.Input) -> None:
        self.client, effects = clients.step(self.client, inp)
        left = text_of((self.client.open, self.client.silent))
        self.tell(f"{CLIENT} takes {text_of(inp)}: {text_of(effects)} -> {left}")
        for effect in effects:
            match effect:
                case clients.Send(dest=dest, query=query):
                    self.world.send(CLIENT, dest, query)
                    self.world.set_timer(CLIENT, ("silent", query.number), SILENT_MS)
                case clients.Done(answer=answer):
                    query, asked_ms = self._asked[answer.number]
                    self.world.stop_timer(CLIENT, ("silent", answer.number))
                    self.done.append(Done(query, answer, asked_ms, self.world.now_ms))

    # --- Raft

    def _to_leader(self, name: str, request: _Forwarded) -> None:
        """Hand a request to Raft here, if this is the leader; else to the leader that was heard last."""
        if isinstance(self.rafts[name].role, raft.Leader):
            if isinstance(request.value, barrier.Ask):
                self._raft(name, raft.ReadIndex((request.requester, request.value.generation)))
            else:
                self._raft(name, raft.ClientRequest(request.value))
            self._append(name)
        elif (leader := self._leaders.get(name)) is not None and leader != name:
            self.world.send(name, leader, request)

    def _append(self, name: str) -> None:
        for peer in self.shape.coordinators:
            if peer != name and isinstance(self.rafts[name].role, raft.Leader):
                self._raft(name, raft.AppendEntries(peer))

    def _reset_election(self, name: str) -> None:
        self.world.set_timer(name, "election", self.draws.randint(*_ELECTION))

    def _raft(self, name: str, inp: raft.Input) -> None:
        self.rafts[name], effects = raft.step(self.rafts[name], inp)
        for effect in effects:
            match effect:
                case raft.Send(message=message):
                    self.world.send(name, message.dest, message)
                case raft.ResetElectionTimer():
                    self._reset_election(name)
                case raft.BecameLeader():
                    self.world.stop_timer(name, "election")
                    self.world.set_timer(name, "send", 0)
                case raft.SteppedDown():
                    self.world.stop_timer(name, "send")
                    self._reset_election(name)
                case raft.ReadReady(read=(str(requester), int(generation)), index=index):
                    self.world.send(name, requester, barrier.Welcome(generation, index))
                case raft.Apply(index=index, value=value):
                    self._barrier(name, barrier.Committed(index, value))
                    if isinstance(value, coordinators.Ordered):
                        self._flow(name, coordinators.Decided(index, value, self._view(name)))

    # --- figures

    def load(self, kinds: tuple[str, ...]) -> Mapping[str, int]:
        """Coordinator -> how many messages of these kinds it took."""
        return {name: sum(counts[kind] for kind in kinds) for name, counts in self.handled.items()}
