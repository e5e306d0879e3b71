"""The adapter of `impl.coordination` to `specs/coordination`: a step of the spec is an input of one core.

What the spec keeps of the world this class keeps: Raft's log, who is up, and all messages that were ever
sent. A category has two agents. A record that may be read has for its value how much the coordinator had
applied when it was read; of one that rests on a later decision the reason says so, and so does an answer.
"""

import copy
import functools
import re
from pathlib import Path
from typing import Any, Final, Self

import attrs
from immutabledict import immutabledict

from impl import coordination, gossip
from impl.coordination import client
from impl.coordination import coordinator as coordinators
from impl.manager import barrier
from tlacheck.conform import Adapter, NotPossible, action, variable
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value, function

__all__ = ["FlowSystem", "spec_for"]

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "coordination"
_NOTHING: Final = ModelValue("none")
_KEY: Final = "q"
_AGENTS: Final = immutabledict({"1": ("1-a", "1-b"), "2": ("2-a", "2-b")})
#: The spec's names of what was read of the two agents of a category -> how many of them have a value.
_READINGS: Final = immutabledict(all=2, some=1, none=0)
_PENDING_MAX: Final = 2
#: The spec's names of reasons -> what the code says.
_FAILURES: Final = immutabledict(
    {
        "undecided": "Raft has not decided the query in time",
        "nobody": r"none of \d+ coordinators answered",
        "busy": r".* has \d+ queries open",
    }
)
_BEHIND: Final = re.compile(r"the record rests on decision \d+, and (\d+) are applied")
#: Queries by which a client finds out that a coordinator is silent have numbers from here on.
_PROBES: Final = 100


def spec_for(coordinators: int) -> Spec:
    """The unbounded spec of so many coordinators, for the oracle."""
    return Spec.load(_SPECS / "MCFlow.tla", _SPECS / f"Oracle{coordinators}.cfg")


@functools.lru_cache(maxsize=1024)
def _view(node: str, applied: int, reading: str) -> coordination.View:
    """The knowledge of a coordinator that has applied so much, and may read so many agents."""
    copies = {
        agent: gossip.Copy(
            1, version=1, records={_KEY: _record(applied, is_readable=place < _READINGS[reading])}
        )
        for agents in _AGENTS.values()
        for place, agent in enumerate(agents)
    }
    known = gossip.first_start(gossip.Config(node=node))
    known = attrs.evolve(known, holdings=known.holdings.put(copies))
    behind = barrier.first_start(barrier.Config(node=node, is_coordinator=True))
    return coordination.View(known, attrs.evolve(behind, floor=0, applied=applied))


def _record(applied: int, *, is_readable: bool) -> gossip.Record:
    index = applied if is_readable else applied + 1
    return gossip.Record(1, coordination.stamped(index, applied))


def _reading(values: int) -> str:
    return next(name for name, count in _READINGS.items() if count == values)


class FlowSystem(Adapter):
    """The clients, one a query, and the coordinators.

    Args:
        queries: the names of all queries; a client has the name of its query.
        by_raft: those that go by Raft. The query `q1` is for both categories, others are for the first one.
        names: of the coordinators.
        attempts: how many of them a client asks.
    """

    def __init__(
        self, queries: tuple[str, ...], by_raft: tuple[str, ...], names: tuple[str, ...], attempts: int
    ) -> None:
        self._shape = coordination.Topology(_AGENTS, names)
        self._queries = {
            name: coordination.Query(
                name,
                0,
                "dependency check" if name in by_raft else "Q-table sync",
                _KEY,
                ("1", "2") if name == "q1" else ("1",),
            )
            for name in queries
        }
        self._attempts = attempts
        self.reset(immutabledict())

    def reset(self, initial: State) -> None:
        """Start all of them."""
        names = self._shape.coordinators
        if initial and set(initial["applied"]) != set(map(ModelValue, names)):
            raise NotPossible(f"the coordinators here are {', '.join(names)}; the trace has others")
        self._clients = {name: client.start(self._shape, self._attempts) for name in self._queries}
        self._asked: dict[str, tuple[str, ...]] = dict.fromkeys(self._queries, ())
        self._answers: dict[str, tuple[Value, ...]] = dict.fromkeys(self._queries, ())
        self._up = frozenset(names)
        self._cores = {name: self._started(name) for name in names}
        self._log: tuple[coordinators.Ordered, ...] = ()
        self._applied = dict.fromkeys(names, 0)
        self._messages: dict[Value, Any] = {}

    def _started(self, name: str) -> coordinators.Coordinator:
        config = coordinators.Config(node=name, topology=self._shape, pending_max=_PENDING_MAX)
        return coordinators.start(config)

    # --- clients

    @action("Ask")
    def ask(self, query: Value, coordinator: Value) -> None:
        """The application asks."""
        self._prefer(query.name, coordinator.name)
        self._client(query.name, client.Ask(self._queries[query.name]))

    @action("AskNext")
    def ask_next(self, query: Value, coordinator: Value) -> None:
        """A coordinator was silent."""
        self._prefer(query.name, coordinator.name)
        self._client(query.name, client.TimedOut(0))

    @action("GiveUp")
    def give_up(self, query: Value) -> None:
        """The last one was silent."""
        self._client(query.name, client.TimedOut(0))

    @action("Hear")
    def hear(self, message: Value) -> None:
        """An answer arrives."""
        query = message["query"].name
        self._client(query, client.Heard(self._asked[query][-1], self._messages[message]))

    def _prefer(self, query: str, name: str) -> None:
        """The client hears from this coordinator, and finds that all others are silent."""
        stranger = coordination.Answer(_PROBES - 1, coordination.Outcome.FAILED)
        self._clients[query], _ = client.step(self._clients[query], client.Heard(name, stranger))
        names = self._shape.coordinators
        for place, other in enumerate(names):
            if other != name and other not in self._clients[query].silent:
                number = _PROBES + place - _PROBES % len(names)
                probe = coordination.Query(query, number, "dependency check", _KEY, ("1",))
                for inp in (client.Ask(probe), client.TimedOut(number)):
                    self._clients[query], _ = client.step(self._clients[query], inp)

    def _client(self, query: str, inp: client.Input) -> None:
        self._clients[query], effects = client.step(self._clients[query], inp)
        for effect in effects:
            if isinstance(effect, client.Send):
                self._asked[query] = (*self._asked[query], effect.dest)
                self._say("Query", query, effect.query, dest=ModelValue(effect.dest))
            else:
                self._answers[query] = (*self._answers[query], self._answer(query, effect.answer))

    # --- coordinators

    @action("AnswerByGossip")
    def answer_by_gossip(self, coordinator: Value, message: Value, reading: str) -> None:
        """A query comes that is for gossip."""
        self._asks(coordinator.name, self._messages[message], reading)

    @action("Propose")
    def propose(self, coordinator: Value, message: Value) -> None:
        """A query comes that is for Raft."""
        self._asks(coordinator.name, self._messages[message], "none")

    @action("Refuse")
    def refuse(self, coordinator: Value, message: Value) -> None:
        """It comes while as many queries of strangers are open as may be, which end at once."""
        name = coordinator.name
        before = self._cores[name]

        def stranger(number: int) -> coordination.Query:
            return coordination.Query("stranger", number, "dependency check", _KEY, ("1",))

        for number in range(_PENDING_MAX - len(before.pending)):
            self._asks(name, stranger(number), "none")
        self._asks(name, self._messages[message], "none")
        for key in self._cores[name].pending.keys() - before.pending.keys():
            self._step(name, coordinators.Expire(key))

    @action("Decide")
    def decide(self, message: Value) -> None:
        """Raft decides."""
        self._log = (*self._log, self._messages[message])

    @action("Apply")
    def apply(self, coordinator: Value, reading: str) -> None:
        """The next decision comes."""
        name = coordinator.name
        self._applied[name] += 1
        index = self._applied[name]
        self._step(name, coordinators.Decided(index, self._log[index - 1], self._view(name, reading)))

    @action("TakePart")
    def take_part(self, coordinator: Value, message: Value) -> None:
        """A part arrives."""
        self._receive(coordinator.name, coordinator.name, self._messages[message], "none")

    @action("Chase")
    def chase(self, coordinator: Value, query: Value) -> None:
        """The aggregator has waited."""
        self._step(coordinator.name, coordinators.Chase((query.name, 0)))

    @action("Deputise")
    def deputise(self, coordinator: Value, message: Value, reading: str) -> None:
        """A request arrives."""
        self._receive(coordinator.name, "aggregator", self._messages[message], reading)

    @action("Expire")
    def expire(self, coordinator: Value, query: Value) -> None:
        """The time is over."""
        self._step(coordinator.name, coordinators.Expire((query.name, 0)))

    @action("Crash")
    def crash(self, coordinator: Value) -> None:
        """It crashes, and forgets all."""
        self._up -= {coordinator.name}
        self._cores[coordinator.name] = self._started(coordinator.name)

    @action("Restart")
    def restart(self, coordinator: Value) -> None:
        """It is back."""
        self._up |= {coordinator.name}

    def _view(self, name: str, reading: str) -> coordination.View:
        return _view(name, self._applied[name], reading)

    def _asks(self, name: str, query: coordination.Query, reading: str) -> None:
        self._step(name, coordinators.Asked(query, self._view(name, reading)))

    def _receive(self, name: str, source: str, message: Any, reading: str) -> None:
        self._step(name, coordinators.Receive(source, message, self._view(name, reading)))

    def _step(self, name: str, inp: coordinators.Input) -> None:
        self._cores[name], effects = coordinators.step(self._cores[name], inp)
        for effect in effects:
            self._note(name, effect)

    def _note(self, name: str, effect: coordinators.Effect) -> None:
        match effect:
            case coordinators.Replicate(ordered=ordered) if ordered.query.client in self._queries:
                self._say("Proposal", ordered.query.client, ordered, by=ModelValue(name))
            case coordinators.Send(message=coordinators.Part() as part):
                spec = self._part(part)
                self._messages.setdefault(spec, part)
            case coordinators.Send(message=coordinators.PartRequest() as asked):
                category, index = int(asked.category), asked.index
                self._say("Request", asked.query.client, asked, category=category, index=index)
            case coordinators.Reply(client=query, answer=answer) if query in self._queries:
                self._say("Answer", query, answer, answer=self._answer(query, answer))

    # --- values

    def _say(self, kind: str, query: str, message: Any, **fields: Value) -> None:
        self._messages.setdefault(immutabledict(type=kind, query=ModelValue(query), **fields), message)

    def _part(self, part: coordinators.Part) -> Value:
        values = sum(not reading.missing for _, reading in part.readings)
        return _part_to_spec(part.key[0], part.category, part.index, _reading(values))

    def _answer(self, query: str, answer: coordination.Answer) -> Value:
        """The record that stands for an answer: what it says of each category, or why it says nothing."""
        of = {
            int(name): _of_category(query, name, answer, self._shape.categories[name])
            for name in self._queries[query].categories
            if any(
                agent in answer.values or agent in answer.missing for agent in self._shape.categories[name]
            )
        }
        reason = "read"
        if not of:
            reason = next((name for name, text in _FAILURES.items() if re.fullmatch(text, answer.reason)), "")
        outcome, index = answer.outcome.value, answer.index or 0
        return immutabledict(outcome=outcome, of=function(of), index=index, reason=reason)

    def _pending(self, name: str, query: str) -> Value:
        pending = self._cores[name].pending.get((query, 0))
        if pending is None:
            return _NOTHING
        parts = function((int(name), self._part(part)) for name, part in pending.parts.items())
        return immutabledict(index=pending.index or 0, parts=parts)

    # --- what there is to see

    @variable("asked", "answers", "up", "pending", "log", "applied", "messages")
    def shown(self) -> State:
        """The spec state that they stand for."""
        queries = {name: ModelValue(name) for name in self._queries}
        asked = {value: tuple(map(ModelValue, self._asked[name])) for name, value in queries.items()}
        pending = {
            ModelValue(core): immutabledict(
                (value, self._pending(core, name)) for name, value in queries.items()
            )
            for core in self._cores
        }
        log = tuple(
            immutabledict(query=ModelValue(each.query.client), by=ModelValue(each.aggregator))
            for each in self._log
        )
        return immutabledict(
            asked=immutabledict(asked),
            answers=immutabledict((value, self._answers[name]) for name, value in queries.items()),
            up=frozenset(map(ModelValue, self._up)),
            pending=immutabledict(pending),
            log=log,
            applied=immutabledict((ModelValue(name), count) for name, count in self._applied.items()),
            messages=frozenset(self._messages),
        )

    def fork(self) -> Self:
        """The same, in the same state."""
        twin = copy.copy(self)
        for part in ("_clients", "_asked", "_answers", "_cores", "_applied", "_messages"):
            setattr(twin, part, getattr(self, part).copy())
        return twin


def _part_to_spec(query: str, category: str, at: int, reading: str) -> Value:
    return immutabledict(type="Part", query=ModelValue(query), category=int(category), at=at, reading=reading)


def _of_category(query: str, category: str, answer: coordination.Answer, agents: tuple[str, ...]) -> Value:
    """The part of an answer about a category: what was read and when, or that nobody answered."""
    texts = [answer.missing[agent] for agent in agents if agent in answer.missing]
    if texts == [f"no coordinator answered for {category}"] * len(agents):
        return _part_to_spec(query, category, answer.index or 0, "silent")
    at: set[Any] = {answer.values[agent] for agent in agents if agent in answer.values}
    at |= {int(found[1]) for text in texts if (found := _BEHIND.fullmatch(text)) is not None}
    values = len(agents) - len(texts)
    told = 0 if answer.index is None else max(at, default=0)
    return _part_to_spec(query, category, told, _reading(values) if len(at) == 1 else "mixed")
