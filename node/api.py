"""The requests of clients, on a connection with a certificate of a client: one JSON object a frame.

| request                                | answer                                                           |
|----------------------------------------|------------------------------------------------------------------|
| `{"id": 1, "propose": TEXT}`           | `{"id": 1, "answer": ..., "reached": ...}`, when it is applied   |
| `{"id": 2, "read": "case/7"}`          | `{"id": 2, "value": ...}`; linearizable                          |
| `{"id": 3, "status": true}`            | `{"id": 3, "status": {...}}`                                     |
| `{"id": 4, "metrics": true}`           | `{"id": 4, "metrics": {...}}`                                    |

Instead of an answer there may be `{"id": 1, "refused": REASON, "leader": NAME}`: nothing was done, ask
the leader; or `{"id": 1, "unknown": REASON}`: it may have been done, may still be, or never. Answers come
in any order.

`reached` is the step that the node had reached when it answered: `{"node": "n1", "start": 1, "step": 93}`.
The event log tells whether the proposal was applied by then.
"""

import asyncio
import json
from typing import Any, Final

import attrs

from node.codec import parsed, shown
from node.driver import Driver
from node.engine import Core, Unanswered
from node.errors import BadFrame
from node.metrics import Metrics
from node.stamps import Stamped
from node.transport import Connection, Link

__all__ = ["Api", "status_of"]

#: So many requests of one connection are at work at once; the others wait unread.
_AT_ONCE: Final = 256


class Api:
    """Handles the connections that are made to a node.

    Args:
        driver: of the node.
        metrics: of the node.
        links: to the other nodes, for the status.
    """

    def __init__(self, driver: Driver, metrics: Metrics, links: dict[str, Link]) -> None:
        self._driver = driver
        self._metrics = metrics
        self._links = links

    async def handle(self, connection: Connection) -> None:
        """Serve a connection until it ends.

        Raises:
            BadFrame: what came is no message; the connection is to be closed.
        """
        if connection.holder.role == "node":
            await self._hear_peer(connection)
        elif connection.holder.role == "client":
            await self._serve_client(connection)
        else:
            raise BadFrame(f"a {connection.holder.role} may not connect")

    async def _hear_peer(self, connection: Connection) -> None:
        core = self._driver.engine.core
        while (body := await connection.read()) is not None:
            self._driver.receive(peer_message(core, body, connection.holder.name))

    async def _serve_client(self, connection: Connection) -> None:
        room = asyncio.Semaphore(_AT_ONCE)
        tasks: set[asyncio.Task[None]] = set()
        try:
            while (body := await connection.read()) is not None:
                request = parsed(body)
                if not isinstance(request, dict) or type(request.get("id")) is not int:
                    raise BadFrame(f"a request is an object with a number `id`, not {shown(request)}")
                await room.acquire()
                task = asyncio.create_task(self._answer(connection, request))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                task.add_done_callback(lambda _: room.release())
        finally:
            for task in list(tasks):
                task.cancel()

    async def _answer(self, connection: Connection, request: dict[str, Any]) -> None:
        try:
            said = await self._done(request)
        except Unanswered as reason:
            if reason.may_happen:
                said = {"unknown": str(reason)}
            else:
                said = {"refused": str(reason), "leader": self._driver.engine.leader}
        except BadFrame as error:
            said = {"refused": str(error), "leader": None, "is_wrong": True}
        connection.write(json.dumps({"id": request["id"], **said}).encode())

    async def _done(self, request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"status": True}:
                return {"status": status_of(self._driver, self._links)}
            case {"metrics": True}:
                return {"metrics": self._metrics.named()}
        engine = self._driver.engine
        what = engine.wanted(request)
        if what is None:
            raise BadFrame(f"there is no request {shown(sorted(set(request) - {'id'}))}")
        loop = asyncio.get_running_loop()
        begun = loop.time()
        said = engine.said(what, await self._driver.ask(what))
        if "answer" in said:
            self._metrics.note_latency(loop.time() - begun)
        return {**said, "reached": attrs.asdict(self._driver.reached)}


def peer_message(core: Core, body: bytes, sender: str) -> Stamped:
    """Return the message in a frame of a peer.

    Args:
        core: of this node.
        body: the body of the frame.
        sender: the name in the peer's certificate.

    Raises:
        BadFrame: it is none, or speaks of another sender or receiver.
    """
    found = core.codec.decode(body)
    if not isinstance(found, Stamped):
        raise BadFrame(f"a {type(found).__name__} is no message")
    if found.stamp.node != sender:
        raise BadFrame(f"{sender} sends a message of {found.stamp.node}: a node speaks for itself")
    core.check_message(found.message, sender)
    return found


def status_of(driver: Driver, links: dict[str, Link]) -> dict[str, Any]:
    """Return what a node says of itself."""
    engine = driver.engine
    return {
        "node": engine.core.node,
        "protocol": engine.core.protocol,
        "role": engine.role,
        "leader": engine.leader,
        "is_leader": engine.leader == engine.core.node,
        "is_ready": engine.is_ready,
        **engine.numbers(),
        "links": {name: "up" if link.is_up else "down" for name, link in links.items()},
    }
