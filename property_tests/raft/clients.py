"""Clients of the service: each has a session, one operation at a time, and patience.

What they do is noted as a history of the model `kv` of `tlacheck.histories`, which knows nothing of
`impl.machine`. Each operation on the machine is one of that model, exactly:

| operation of the machine                        | noted as                      | carried out if                        |
|-------------------------------------------------|-------------------------------|---------------------------------------|
| `CreateCase(case)`                              | `cas(case, null, CREATED)`    | there is no such case                 |
| `UpdateCaseState(case, RUNNING)`, `COMPLETED`   | `cas(case, CREATED, RUNNING)` ... | it is in the one state before (clients suspend no case) |
| `Custom(record, n)`                             | `cas(record, n - 1, n)`       | the record has version n - 1          |
| `DeployOverlay(overlay, spec, base)`            | `cas(spec, base, overlay)`    | `base` is the latest; overlays have names of their own |
| a read of the machine                           | `get(key)`                    | always                                |

A request is sent again, the same one, until it is answered; the machine carries it out once (thesis,
6.3). A client that waited too long gives up: what it asked for may be done later, or never. It goes on
with a new session, for in the old one nothing may follow a request that has no answer.
"""

import random
from collections import Counter
from collections.abc import Hashable
from typing import Any, Final

import attrs

from impl import machine, raft
from property_tests.raft.cluster import ELECTION_TIMEOUT_MS
from property_tests.raft.service import Answered, Ask, Look, Server, TurnedAway
from tlacheck.histories import Recorder
from tlacheck.sim import Cluster, Command

__all__ = ["Clients", "operation_of"]

#: How long a client waits before it sends again, to whoever leads then, virtual milliseconds.
_AGAIN_MS: Final = 200
#: How long a client waits before it gives up, virtual milliseconds: some until the next leader serves, some not.
_PATIENCE_MS: Final = (ELECTION_TIMEOUT_MS[0], 3 * ELECTION_TIMEOUT_MS[1])
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
    """The operation of the machine that changes what is held under a key from `old` to `new`."""
    match key.partition("-")[0]:
        case "case" if old is None:
            return machine.CreateCase(key, "spec-1")
        case "case":
            return machine.UpdateCaseState(key, machine.CaseState[new])
        case "record":
            return machine.Custom(key, new)
        case _:
            return machine.DeployOverlay(new, key, old or "")


@attrs.define
class _Client:
    """One client.

    Attributes:
        name: the process in the history.
        session: the client's id at the machine; None while it has none.
        sequence: the number of its latest request.
        token: of what it waits for; None if it waits for nothing. The operation's number, or a text
            while it registers.
        asked: what it sends: a command, or the key that it reads.
        is_change: whether it asks for a change rather than a read.
        new: what a change would make of the key.
        until_ms: when it gives up.
        sent_ms: when it sent last; None if it must send again.
        copies: how many servers have its request, as far as it knows.
    """

    name: str
    session: int | None = None
    sequence: int = 0
    token: Hashable | None = None
    asked: machine.Command | str = ""
    key: str = ""
    is_change: bool = False
    new: Any = None
    until_ms: int = 0
    sent_ms: int | None = None
    copies: int = 0


class Clients:
    """The clients of a cluster.

    Args:
        cluster: whom they ask.
        count: how many they are.
        rng: whom they ask, and what for.

    Attributes:
        recorder: what they saw.
        answered_by: operation -> the way in which a server came to the answer.
        given_up: the requests that they gave up on.
        met: how often each interesting situation was met.
    """

    def __init__(self, cluster: Cluster[Server, Any, Command], count: int, rng: random.Random) -> None:
        self.recorder = Recorder()
        self.answered_by: dict[int, str] = {}
        self.given_up: list[machine.Request] = []
        self.met: Counter[str] = Counter()
        self._cluster = cluster
        self._rng = rng
        self._clients = [_Client(f"c{number}") for number in range(1, count + 1)]
        self._waiting: dict[Hashable, _Client] = {}
        self._believed: dict[str, Any] = {}
        self._keys: set[str] = set()
        self._registrations = 0
        self._read = 0

    @property
    def idle(self) -> list[int]:
        """The clients that wait for nothing, by their places."""
        return [place for place, client in enumerate(self._clients) if client.token is None]

    @property
    def waiting(self) -> bool:
        """True if some client waits for an answer."""
        return bool(self._waiting)

    @property
    def keys(self) -> list[str]:
        """The keys about which anybody asked so far."""
        return sorted(self._keys)

    def call(self, place: int, key: str | None = None) -> bool:
        """Let a client begin something: an operation, of its own choice or a read of `key`, or a session.

        Returns:
            Whether it is an operation.
        """
        client = self._clients[place]
        if client.session is None and key is None:
            self._registrations += 1
            self._begin(client, f"{client.name} registers, {self._registrations}", machine.Register())
            return False
        self.met["operations overlap"] += bool(self._waiting)
        client.key = key or self._key()
        self._keys.add(client.key)
        ended = self._believed.get(client.key) == _CASE_STATES[-1]
        if key is not None or ended or self._rng.random() < _READ_CHANCE:
            client.is_change = False
            self._begin(client, self.recorder.invoke(client.name, "get", key=client.key), client.key)
            return True
        self._change(client)
        return True

    def look(self) -> None:
        """Clients take their answers, send again, or give up."""
        self._listen()
        now_ms = self._cluster.world.now_ms
        for client in list(self._waiting.values()):
            if now_ms > client.until_ms:
                self._give_up(client)
            elif client.sent_ms is None or now_ms - client.sent_ms > _AGAIN_MS:
                self.met["a request is sent again"] += client.is_change and client.copies > 0
                self._send(client)

    # --- asking

    def _change(self, client: _Client) -> None:
        """A request to go on from what somebody saw last under the key; others may have gone on since."""
        number, old = self.recorder.calls + 1, self._believed.get(client.key)
        client.is_change, client.new = True, _next(client.key, old, number)
        client.sequence += 1
        operation = operation_of(client.key, old, client.new)
        request = machine.Request(client.session or 0, client.sequence, operation)
        self.recorder.invoke(client.name, "cas", key=client.key, old=old, new=client.new)
        self._begin(client, number, request)

    def _key(self) -> str:
        kind = self._rng.choice(("case", "record", "record", "spec"))
        if kind == "case":
            return f"case-{self.recorder.calls // _CASES_LAST * _CASES + self._rng.randrange(_CASES)}"
        return f"{kind}-{self._rng.randrange(_RECORDS if kind == 'record' else _SPECS)}"

    def _begin(self, client: _Client, token: Hashable, asked: machine.Command | str) -> None:
        client.token, client.asked = token, asked
        client.until_ms = self._cluster.world.now_ms + self._rng.randint(*_PATIENCE_MS)
        client.sent_ms, client.copies = None, 0
        self._waiting[token] = client
        self._send(client)

    def _send(self, client: _Client) -> None:
        """Ask one of the servers that believe that they lead, deposed ones among them."""
        cluster = self._cluster
        leading = [
            server
            for server, state in cluster.states.items()
            if isinstance(state.node.role, raft.Leader) and server not in cluster.world.down
        ]
        client.sent_ms = None
        if not leading:
            return
        server = self._rng.choice(leading)
        clock_ms = cluster.world.clock_ms(server)
        asked = client.asked
        inp = (
            Look(client.token, asked, clock_ms)
            if isinstance(asked, str)
            else Ask(client.token, asked, clock_ms)
        )
        if cluster.request(server, inp):
            client.sent_ms = cluster.world.now_ms
            client.copies += 1
        self._listen()

    # --- being answered

    def _listen(self) -> None:
        told = self._cluster.told
        while self._read < len(told):
            what = told[self._read][2]
            self._read += 1
            if not isinstance(what, Answered | TurnedAway):
                continue
            client = self._waiting.get(what.token)
            if client is None:
                continue  # an answer that came twice, or too late
            if isinstance(what, TurnedAway):
                client.sent_ms = None
                client.copies -= 1
                self.met["a client is turned away"] += 1
            else:
                self._answered(client, what)

    def _answered(self, client: _Client, answered: Answered) -> None:
        answer = answered.answer
        match answer:
            case machine.Registered(client=session):
                client.session, client.sequence = session, 0
                self._done(client)
            case machine.Refused(reason=machine.Reason.ALREADY_ANSWERED):
                pass  # a copy of a request that this client asks no more
            case machine.Refused(reason=machine.Reason.NO_SESSION | machine.Reason.OUT_OF_ORDER):
                self._give_up(client)  # the session is closed, or an answer in it was a lie
            case machine.Refused(reason=reason) if reason not in _NO:
                raise RuntimeError(
                    f"{client.name} asked {client.asked} and is told {answer}: it asked wrongly"
                )
            case machine.Applied():
                self._note(client, answered.by, answer=True)
                self._believed[client.key] = client.new
            case machine.Refused():
                self._note(client, answered.by, answer=False)
                self._believed.pop(client.key, None)
            case _:
                self._note(client, answered.by, answer=answer)
                self._believed[client.key] = answer

    def _note(self, client: _Client, by: str, *, answer: object) -> None:
        number = client.token
        if not isinstance(number, int):
            raise TypeError(f"{client.name} is told {answer} while it registers")
        self.met[f"answered by {by}"] += 1
        self.answered_by[number] = by
        self.recorder.answer(number, answer)
        self._done(client)

    def _give_up(self, client: _Client) -> None:
        if isinstance(client.token, int):
            if client.is_change and client.copies > 0:
                self.recorder.give_up(client.token)
                if isinstance(client.asked, machine.Request):
                    self.given_up.append(client.asked)
            else:
                self.recorder.fail(client.token)
            if client.is_change:
                client.session = None
        self._done(client)

    def _done(self, client: _Client) -> None:
        del self._waiting[client.token]
        client.token = None


def _next(key: str, old: Any, number: int) -> Any:
    """What a client makes of a key under which it believes `old` to be held."""
    match key.partition("-")[0]:
        case "case":
            return _CASE_STATES[_CASE_STATES.index(old) + 1]
        case "record":
            return (old or 0) + 1
        case _:
            return f"overlay-{number}"
