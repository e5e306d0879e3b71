"""A lock service with fencing tokens: a pure core, `step(state, input) -> (state, commands)`."""

from dataclasses import dataclass, replace

from tlacheck.sim import Command, Disk, Send, Sync, Write

SERVER = "s"


@dataclass(frozen=True)
class Server:
    """Whom the lock is granted, and the token of the last grant. Both are durable."""

    owner: str | None = None
    token: int = 0


@dataclass(frozen=True)
class Client:
    """The token with which a client holds the lock, and the highest that it has taken, which is durable."""

    held: int = 0
    seen: int = 0


State = Server | Client


@dataclass(frozen=True)
class Acquire:
    """A client's wish, and its message to the server."""

    client: str


@dataclass(frozen=True)
class Grant:
    """The server's answer."""

    token: int


@dataclass(frozen=True)
class Release:
    """A client's wish (with token 0), and its message to the server."""

    client: str
    token: int = 0


Input = Acquire | Grant | Release


class Lock:
    """The core, as the simulated cluster hosts it."""

    def start(self, node: str, disk: Disk) -> tuple[State, list[Command]]:
        if node == SERVER:
            return disk.read("lock", Server()), []
        return Client(seen=disk.read("seen", 0)), []

    def on_message(self, source: str, message: Input, clock_ms: int) -> Input:
        return message

    def on_timer(self, name: str, clock_ms: int) -> Input:
        raise ValueError(f"there is no timer {name}")

    def step(self, state: State, inp: Input) -> tuple[State, list[Command]]:
        match state, inp:
            case Server(owner, token), Acquire(client) if owner in (None, client):
                granted = Server(client, token + 1)
                return granted, [Write("lock", granted), Sync(), Send(client, Grant(granted.token))]
            case Server(owner, token), Release(client, returned) if owner == client and returned == token:
                free = replace(state, owner=None)
                return free, [Write("lock", free), Sync()]
            case Client(held=0), Acquire():
                return state, [Send(SERVER, inp)]
            case Client(seen=seen), Grant(token) if token > seen:
                return Client(token, token), [Write("seen", token), Sync()]
            case Client(held=held, seen=seen), Release(client) if held:
                return Client(0, seen), [Send(SERVER, Release(client, held))]
        return state, []

    def commands(self, effect: Command) -> tuple[Command, ...]:
        return (effect,)
