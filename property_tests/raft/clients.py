"""Clients of the service: each has a session, one pending operation, and a timeout.

What they do is noted as a history of the model `kv` of `tlacheck.histories`, which knows nothing of
`impl.machine`. Each operation on the machine is one of that model, exactly:

| operation of the machine          | noted as                          | carried out if                     |
|-----------------------------------|-----------------------------------|------------------------------------|
| `CreateCase(case)`                | `cas(case, null, CREATED)`        | there is no such case              |
| `UpdateCaseState(case, RUNNING)`, | `cas(case, CREATED, RUNNING)` ... | it is in the one state before      |
| `COMPLETED`                       |                                   | (clients suspend no case)          |
| `Custom(record, n)`               | `cas(record, n - 1, n)`           | the record has version n - 1       |
| `DeployOverlay(overlay, spec,     | `cas(spec, base, overlay)`        | `base` is the latest; overlays     |
| base)`                            |                                   | have names of their own            |
| a read of the machine             | `get(key)`                        | always                             |

A request is sent again, the same one, until it is answered; the machine carries it out once (thesis,
6.3). A client that waited too long gives up: what it asked for may be done later, or never. It goes on
with a new session, for in the old one nothing may follow a request that has no answer.

`Clients` is a judge of the run: it notes requests and hears answers (`HistoryNotes`), and at the end the
history must be linearizable. `ServiceSchedule` lets clients ask. A failing run that is played again without
them, with fewer requests, has a history all the same: so the harness can make it shorter.
"""

import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, Final

import attrs

from impl import machine
from property_tests.raft.host import ELECTION_TIMEOUT_MS, Applied
from property_tests.raft.service import Answered, Ask, Look, TurnedAway
from tlacheck.harness import Broken, Finding, Judge, Met, Run, Running, Schedule
from tlacheck.histories import Recorder, Result, check, key_value
from tlacheck.sim import Command, Fault, Notify, StepRecord

__all__ = [
    "SITUATIONS",
    "Clients",
    "EachKeyIsRead",
    "HistoryNotes",
    "ServiceSchedule",
    "SlowClockSchedule",
    "Token",
    "operation_of",
]

#: The situations that clients meet.
SITUATIONS: Final = (
    "operations overlap",
    "a client is turned away",
    "a request is sent again",
    "a request is in the log twice",
    "a request of unknown fate was carried out",
    "a request of unknown fate was lost",
    "a history is linearizable",
)

#: How long a client waits before it sends again, to whoever leads then, virtual milliseconds.
_AGAIN_MS: Final = 200
# : How long a client waits before it gives up, virtual milliseconds: some until the next leader serves, some
# not.
_WAIT_MS: Final = (ELECTION_TIMEOUT_MS[0], 3 * ELECTION_TIMEOUT_MS[1])
_READ_CHANCE: Final = 0.4
_RECORDS, _SPECS, _CASES = 4, 2, 2
#: How many operations are called before clients turn to new cases, for a case ends.
_CASES_LAST: Final = 40
_CASE_STATES: Final = (None, "CREATED", "RUNNING", "COMPLETED")

#: The refusals that say that something else was there than the client believed.
_NO: Final = frozenset(
    {
        machine.Reason.CASE_EXISTS,
        machine.Reason.NO_SUCH_CASE,
        machine.Reason.ILLEGAL_TRANSITION,
        machine.Reason.OVERLAY_EXISTS,
        machine.Reason.OTHER_BASE,
        machine.Reason.OTHER_VERSION,
    }
)


def operation_of(key: str, old: Any, new: Any) -> machine.Operation:
    """The operation of the machine that changes the value of a key from `old` to `new`."""
    match key.partition("-")[0]:
        case "case" if old is None:
            return machine.CreateCase(key, "spec-1")
        case "case":
            return machine.UpdateCaseState(key, machine.CaseState[new])
        case "record":
            return machine.Custom(key, new)
        case _:
            return machine.DeployOverlay(new, key, old or "")


@attrs.frozen
class Token:
    """Names what a client asks for, the same in each copy that it sends.

    Attributes:
        number: of the request, among those of all clients.
        client: the process in the history.
        key: what it reads or changes; empty if it registers.
        old: what a change builds on.
        new: what a change makes of the key; None if it reads.
    """

    number: int
    client: str
    key: str = ""
    old: Any = None
    new: Any = None

    @property
    def is_change(self) -> bool:
        """True if it is no read."""
        return self.new is not None


@attrs.define
class _Client:
    """One client.

    Attributes:
        name: the process in the history.
        session: the client's id at the machine; None while it has none.
        sequence: the number of its latest request.
        token: of what it waits for; None if it waits for nothing.
        asked: what it sends: a command, or the key that it reads.
        until_ms: when it gives up.
        sent_ms: when it sent last; None if it must send again.
        copies: how many servers have its request, as far as it knows.
        attempts: how often it has sent, reads each time under another name.
        is_answered: True if its latest operation was answered.
    """

    name: str
    session: int | None = None
    sequence: int = 0
    token: Token | None = None
    asked: machine.Command | str = ""
    until_ms: int = 0
    sent_ms: int | None = None
    copies: int = 0
    attempts: int = 0
    is_answered: bool = False


class HistoryNotes:
    """The history of a run, from requests and answers alone, whoever sends them.

    An operation begins with its first copy. It ends with its answer; or when its client asks for something
    else, and has given up. Then it did not happen if each copy was turned away, and else nobody knows.

    Attributes:
        recorder: the history.
        answered_by: operation -> the way in which a server came to the answer.
        given_up: the commands of unknown fate.
    """

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.answered_by: dict[int, str] = {}
        self.given_up: list[machine.Command] = []
        self._numbers: dict[Token, int] = {}
        self._copies: Counter[Token] = Counter()
        self._open: dict[str, tuple[Token, Ask | Look]] = {}

    @property
    def keys(self) -> list[str]:
        """The keys about which anybody asked so far."""
        return sorted({token.key for token in self._numbers})

    def sent(self, token: Token, request: Ask | Look) -> None:
        """A client sends a request, for the first time or again."""
        self._copies[token] += 1
        if token in self._numbers or not token.key:
            return
        self._give_up(token.client)
        if token.is_change:
            written = {"key": token.key, "old": token.old, "new": token.new}
            self._numbers[token] = self.recorder.invoke(token.client, "cas", **written)
        else:
            self._numbers[token] = self.recorder.invoke(token.client, "get", key=token.key)
        self._open[token.client] = token, request

    def turned_away(self, token: Token) -> None:
        """A server does nothing about a copy."""
        self._copies[token] -= 1

    def answered(self, token: Token, by: str, *, answer: object) -> None:
        """A server answers; the first answer counts, if the client still waits for it."""
        if self._open.get(token.client, (None, None))[0] != token:
            return
        del self._open[token.client]
        number = self._numbers[token]
        self.answered_by[number] = by
        self.recorder.answer(number, answer)

    def _give_up(self, client: str) -> None:
        if client not in self._open:
            return
        token, request = self._open.pop(client)
        if token.is_change and self._copies[token] > 0 and isinstance(request, Ask):
            self.recorder.give_up(self._numbers[token])
            self.given_up.append(request.command)
        else:
            self.recorder.fail(self._numbers[token])


class Clients(Judge):
    """The clients of one run.

    Args:
        count: how many they are.

    Attributes:
        notes: what they saw.
        met: how often each interesting situation was met.
        result: whether the history is linearizable; None before the end of the run.
    """

    def __init__(self, count: int) -> None:
        self.notes = HistoryNotes()
        self.met: Counter[str] = Counter()
        self.result: Result | None = None
        self._clients = [_Client(f"c{number}") for number in range(1, count + 1)]
        self._waiting: dict[Token, _Client] = {}
        self._believed: dict[str, Any] = {}
        self._requests = 0
        self._applied: dict[Hashable, set[int]] = {}

    # --- `tlacheck.harness.Judge`

    def on_request(self, node: str, inp: object) -> Iterator[Finding]:
        """Note what a client sends."""
        del node
        if isinstance(inp, Ask | Look):
            self.notes.sent(_named(inp.token), inp)
        yield from ()

    def on_step(self, record: StepRecord) -> Iterator[Finding]:
        """Hear the answers of a server."""
        self._hear(record.carried_out)
        yield from ()

    def on_undone(self, record: StepRecord) -> Iterator[Finding]:
        """Hear the answers that a server gave before it crashed."""
        self._hear(record.carried_out)
        yield from ()

    def on_end(self) -> Iterator[Finding]:
        """Judge the history."""
        self.result = check(self.notes.recorder.history(model="kv"), key_value())
        verdict = self.result.verdict()
        if verdict.is_violated:
            yield Broken(self.result.property_name, self.result.reason)
        self.met["a history is linearizable"] += verdict.is_established
        for command, indices in self._applied.items():
            self.met["a request is in the log twice"] += (
                isinstance(command, machine.Request) and len(indices) > 1
            )
        for request in self.notes.given_up:
            fate = "carried out" if request in self._applied else "lost"
            self.met[f"a request of unknown fate was {fate}"] += 1
        yield from (Met(name) for name in SITUATIONS if self.met[name])

    # --- asking

    @property
    def idle(self) -> list[int]:
        """The clients that wait for nothing, by their places."""
        return [place for place, client in enumerate(self._clients) if client.token is None]

    @property
    def waiting(self) -> bool:
        """True if some client waits for an answer."""
        return bool(self._waiting)

    def call(self, run: Run, rng: random.Random, place: int, key: str | None = None) -> None:
        """Let a client begin something: an operation, of its own choice or a read of `key`, or a session.

        Raises:
            Diverged: as `Run.request`, and so below.
        """
        client = self._clients[place]
        client.until_ms = run.cluster.world.now_ms + rng.randint(*_WAIT_MS)
        self._requests += 1
        if client.session is None and key is None:
            self._begin(client, Token(self._requests, client.name), machine.Register())
        else:
            self.met["operations overlap"] += bool(self._waiting)
            wanted = key or self._key(rng)
            ended = self._believed.get(wanted) == _CASE_STATES[-1]
            if key is not None or ended or rng.random() < _READ_CHANCE:
                self._begin(client, Token(self._requests, client.name, wanted), wanted)
            else:
                self._change(client, wanted)
        self._send(client, run, rng)

    def look(self, run: Run, rng: random.Random) -> None:
        """Clients send again, or give up."""
        now_ms = run.cluster.world.now_ms
        for client in list(self._waiting.values()):
            if client.token is None:
                continue  # answered since
            if now_ms > client.until_ms:
                self._give_up(client)
            elif client.sent_ms is None or now_ms - client.sent_ms > _AGAIN_MS:
                self.met["a request is sent again"] += client.token.is_change and client.copies > 0
                self._send(client, run, rng)

    def is_answered(self, place: int) -> bool:
        """Return whether a client's latest operation was answered, and not given up."""
        return self._clients[place].is_answered

    def _change(self, client: _Client, key: str) -> None:
        """A request that builds on the value last seen under the key; others may have changed it since."""
        old = self._believed.get(key)
        token = Token(self._requests, client.name, key, old, _next(key, old, self._requests))
        client.sequence += 1
        operation = operation_of(key, old, token.new)
        self._begin(client, token, machine.Request(client.session or 0, client.sequence, operation))

    def _key(self, rng: random.Random) -> str:
        kind = rng.choice(("case", "record", "record", "spec"))
        if kind == "case":
            return f"case-{self._requests // _CASES_LAST * _CASES + rng.randrange(_CASES)}"
        return f"{kind}-{rng.randrange(_RECORDS if kind == 'record' else _SPECS)}"

    def _begin(self, client: _Client, token: Token, asked: machine.Command | str) -> None:
        client.token, client.asked, client.is_answered = token, asked, False
        client.sent_ms, client.copies, client.attempts = None, 0, 0
        self._waiting[token] = client

    def _send(self, client: _Client, run: Run, rng: random.Random) -> None:
        """Ask one of the servers that believe that they lead, deposed ones among them."""
        view, world = run.view, run.cluster.world
        absent = world.down | world.paused
        leading = [name for name in view if view[name].role == "Leader" and name not in absent]
        client.sent_ms = None
        if not leading or client.token is None:
            return
        client.sent_ms = world.now_ms
        client.copies += 1
        client.attempts += 1
        asked, node = client.asked, rng.choice(leading)
        if isinstance(asked, str):
            run.request(node, Look((client.token, client.attempts), asked))
        else:
            run.request(node, Ask(client.token, asked))

    # --- being answered

    def _hear(self, commands: Iterable[Command]) -> None:
        for command in commands:
            match command:
                case Notify(what=Answered() | TurnedAway() as what):
                    self._told(what)
                case Notify(what=Applied(index=index, value=value)):
                    self._applied.setdefault(value, set()).add(index)

    def _told(self, what: Answered | TurnedAway) -> None:
        token = _named(what.token)
        client = self._waiting.get(token)
        if isinstance(what, TurnedAway):
            self.notes.turned_away(token)
            if client is not None:
                client.sent_ms = None
                client.copies -= 1
                self.met["a client is turned away"] += 1
            return
        match what.answer:
            case machine.Registered(client=session):
                if client is not None:
                    client.session, client.sequence = session, 0
                    self._done(client)
            case machine.Refused(reason=machine.Reason.ALREADY_ANSWERED):
                pass  # a copy of a request that this client asks no more
            case machine.Refused(reason=machine.Reason.NO_SESSION | machine.Reason.OUT_OF_ORDER):
                if client is not None:
                    self._give_up(client)  # the session is closed, or an answer in it was a lie
            case machine.Refused(reason=reason) if reason not in _NO:
                raise RuntimeError(f"{token} was asked for, and is told {what.answer}: it was asked wrongly")
            case machine.Applied():
                self._note(token, what.by, answer=True, seen=token.new)
            case machine.Refused():
                self._note(token, what.by, answer=False, seen=None)
            case answer:
                self._note(token, what.by, answer=answer, seen=answer)

    def _note(self, token: Token, by: str, *, answer: object, seen: Any) -> None:
        self.notes.answered(token, by, answer=answer)
        client = self._waiting.get(token)
        if client is None:
            return  # an answer that came twice, or too late
        self.met[f"answered by {by}"] += 1
        self._believed[token.key] = seen
        client.is_answered = True
        self._done(client)

    def _give_up(self, client: _Client) -> None:
        if client.token is not None and client.token.is_change:
            client.session = None
        self._done(client)

    def _done(self, client: _Client) -> None:
        if client.token is not None:
            del self._waiting[client.token]
        client.token = None


def _named(token: Any) -> Token:
    """The token of a request or an answer; each copy of a read has a name of its own around it."""
    found: Token = token[0] if isinstance(token, tuple) else token
    return found


def _next(key: str, old: Any, number: int) -> Any:
    """The value that a client writes next to a key that it believes to hold `old`."""
    match key.partition("-")[0]:
        case "case":
            return _CASE_STATES[_CASE_STATES.index(old) + 1]
        case "record":
            return (old or 0) + 1
        case _:
            return f"overlay-{number}"


# --- the schedule -------------------------------------------------------------------------------

#: How likely each idle client calls, when clients do.
_CALL_CHANCE: Final = 0.3
#: Of so many of them at most, so that a thousand clients do not all come at once.
_CALLS_MAX: Final = 100
#: How likely an operator asks for something instead.
_OPERATOR_CHANCE: Final = 0.1
#: How likely, each time that something happens, another clock is slow; and by how much.
_SLOW_CHANCE, _SLOW_PPM = 0.03, -900_000


class ServiceSchedule(Schedule):
    """The usual schedule, in which clients ask, send again and give up."""

    @property
    def clients(self) -> Clients:
        """The clients of the run."""
        return self.run.judge(Clients)

    def happen(self) -> None:
        """Let one thing happen, then clients look for answers.

        Raises:
            Diverged: as `Run.advance`, and so below.
        """
        super().happen()
        world = self.run.cluster.world
        if len(world.down | world.paused) > 1:
            self.run.meet("two servers are away at once")
        self.clients.look(self.run, self.random)

    def ask(self) -> bool:
        """Let idle clients call, or an operator ask for something."""
        if self.random.random() < _OPERATOR_CHANCE:
            return super().ask()
        idle = self.clients.idle
        for place in idle if len(idle) < _CALLS_MAX else self.random.sample(idle, _CALLS_MAX):
            if self.random.random() < _CALL_CHANCE:
                self.clients.call(self.run, self.random, place)
        return bool(idle)


@attrs.frozen
class EachKeyIsRead:
    """Progress of the service: once faults have ended, clients read each key, and are all answered."""

    name: str = "each key is read"

    def begin(self, run: Running, ask: Callable[[], object]) -> "_Reading":
        """Begin to wait."""
        del ask
        (clients,) = (judge for judge in run.judges if isinstance(judge, Clients))
        return _Reading(run, clients, clients.notes.keys)


@attrs.define
class _Reading:
    """The same, begun.

    Attributes:
        left: the keys that nobody reads yet.
        reading: by the place of a client, the key that it reads.
    """

    run: Any
    clients: Clients
    left: list[str]
    reading: dict[int, str] = attrs.field(factory=dict)
    rng: random.Random = attrs.field(factory=lambda: random.Random(0))  # noqa: S311 - a reproducible run
    within_ms: int = 30 * ELECTION_TIMEOUT_MS[1]
    every_ms: int = 10

    def meanwhile(self) -> None:
        """Clients look for answers, send again, and read what nobody has read."""
        clients = self.clients
        clients.look(self.run, self.rng)
        for place in clients.idle:
            if (key := self.reading.pop(place, None)) is not None and not clients.is_answered(place):
                self.left.append(key)  # it gave up: another one reads
            if self.left:
                self.reading[place] = self.left.pop()
                clients.call(self.run, self.rng, place, self.reading[place])

    def is_reached(self) -> bool:
        """True if each key was read, and no client waits."""
        return not self.left and not self.clients.waiting

    def where(self) -> str:
        """Say how many keys are left."""
        return f"{len(self.left) + len(self.reading)} keys are not read"


class SlowClockSchedule(ServiceSchedule):
    """The same, with one leader's clock at a time slower by nine tenths, so that its lease lasts too long."""

    _slow = ""

    def happen(self) -> None:
        """Let one thing happen; now and then another leader's clock is the slow one.

        Raises:
            Diverged: as `Run.advance`.
        """
        super().happen()
        leading = [name for name, server in self.run.view.items() if server.role == "Leader"]
        if leading and self.random.random() < _SLOW_CHANCE:
            if self._slow:
                self.run.inflict(Fault.of("drift", node=self._slow, ppm=0))
            self._slow = self.random.choice(leading)
            self.run.inflict(Fault.of("drift", node=self._slow, ppm=_SLOW_PPM))
            if self.random.random() < 0.5:  # cut off with a lease that lasts, while others elect a leader
                self.run.inflict(Fault.of("partition", group=[self._slow]))
