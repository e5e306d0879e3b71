"""A client of a cluster: it finds the leader, opens a session, and asks again until it knows.

    async with Client(settings, credentials) as client:
        await client.propose(machine.Custom("colour", 1, "red"))
        await client.read("record/colour")

A request that brought no answer is sent again with the same number, and the state machine carries it out
once (thesis, 6.3). After `patience_s` without an answer the client gives up (`Unknown`): the request may
have been done, or may still be. Then it goes on with a new session, for in the old one nothing may
follow.
"""

import asyncio
import itertools
import json
import secrets
import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from impl import machine
from node.authority import Credentials, holder_of
from node.codec import parsed
from node.errors import BadFrame, NodeError
from node.proposals import Proposal, proposal_of
from node.settings import Settings
from node.stamps import Reached
from node.transport import framed, read_frame

__all__ = ["PAUSE_S", "Client", "Unknown"]

_CONNECT_S: Final = 2.0
#: Between two attempts.
PAUSE_S: Final = 0.05


class Unknown(Exception):
    """No answer came in time. What was asked for may have been done, may still be, or never will."""


class Client:
    """A client, with one request at work at a time.

    Args:
        settings: of the cluster.
        credentials: of the client.
        patience_s: how long it waits for an answer, all attempts together.
        attempt_s: how long it waits for one node.
        addresses: node -> host and port, if not those of the settings.
        answered: is told the name of each request that was answered, and the step that the node had reached.
    """

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        *,
        patience_s: float = 10.0,
        attempt_s: float = 2.0,
        addresses: Mapping[str, tuple[str, int]] | None = None,
        answered: Callable[[str, Reached], None] = lambda *_: None,
    ) -> None:
        self._cluster = settings.cluster
        self._addresses = dict(addresses or {each.name: (each.host, each.port) for each in settings.places})
        self._context = credentials.client_context()
        self._answered = answered
        self._patience_s = patience_s
        self._attempt_s = attempt_s
        self._names = itertools.cycle(self._addresses)
        self._at = next(self._names)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._number = 0
        self._session: int | None = None
        self._sequence = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def propose(self, operation: machine.Operation) -> dict[str, Any]:
        """Return the state machine's answer: `{"Applied": {}}`, or `{"Refused": {"reason": ...}}`.

        Raises:
            Unknown: no answer came in time.
        """
        session = await self.session()
        self._sequence += 1
        command = machine.Request(session, self._sequence, operation)
        try:
            return await self._propose(proposal_of(command))
        except Unknown:
            self._session = None
            raise

    async def session(self) -> int:
        """Open a session unless there is one, and return its number.

        Raises:
            Unknown: no answer came in time.
        """
        if self._session is None:
            command = proposal_of(machine.Register(), nonce=secrets.token_hex(8))
            answer = await self._propose(command)
            self._session, self._sequence = int(answer["Registered"]["client"]), 0
        return self._session

    async def read(self, key: str) -> str | int | None:
        """Return the value of a key, as of some moment since the call.

        Raises:
            Unknown: no answer came in time.
        """
        found = await self._until_answered({"read": key})
        value: str | int | None = found["value"]
        return value

    async def ask(self, node: str, what: str) -> dict[str, Any]:
        """Return what one node says: its `status` or its `metrics`.

        Raises:
            Unknown: it does not answer.
        """
        self._turn_to(node)
        found = await self.attempt({what: True})
        if found is None:
            raise Unknown(f"{node} does not answer")
        answer: dict[str, Any] = found[what]
        return answer

    async def _propose(self, proposal: Proposal) -> dict[str, Any]:
        found = await self._until_answered({"propose": proposal.text})
        answer: dict[str, Any] = found["answer"]
        return answer

    async def _until_answered(self, request: dict[str, Any]) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience_s
        while (left := until - loop.time()) > 0:
            found = await self.attempt(request, min(left, self._attempt_s))
            if found is not None and ("answer" in found or "value" in found or found.get("is_wrong")):
                if "answer" in found:
                    self._answered(str(Proposal(request["propose"])), Reached(**found["reached"]))
                return self._checked(found)
            leader = None if found is None else found.get("leader")
            self._turn_to(leader if leader in self._addresses and leader != self._at else next(self._names))
            await asyncio.sleep(PAUSE_S)
        raise Unknown(f"no answer within {self._patience_s:g} s")

    def _checked(self, found: dict[str, Any]) -> dict[str, Any]:
        """An answer, unless it says that the request was wrong."""
        if found.get("is_wrong"):
            raise NodeError(found["refused"])
        return found

    def _turn_to(self, node: str) -> None:
        if node != self._at:
            self.close()
            self._at = node

    async def attempt(self, request: dict[str, Any], within_s: float = _CONNECT_S) -> dict[str, Any] | None:
        """Return the answer of the node that it is turned to; None if it gives none."""
        self._number += 1
        try:
            async with asyncio.timeout(within_s):
                reader, writer = await self._connected()
                writer.write(framed(json.dumps({"id": self._number, **request}).encode()))
                while (body := await read_frame(reader)) is not None:
                    found = parsed(body)
                    if isinstance(found, dict) and found.get("id") == self._number:
                        return found
        except (TimeoutError, OSError, ssl.SSLError, BadFrame):
            pass
        self.close()
        return None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            host, port = self._addresses[self._at]
            reader, writer = await asyncio.open_connection(host, port, ssl=self._context)
            holder = holder_of(writer.get_extra_info("peercert"))
            if holder is None or (holder.cluster, holder.role) != (self._cluster, "node"):
                writer.transport.abort()
                raise BadFrame(f"{host}:{port} is no node of {self._cluster}")
            self._streams = reader, writer
        return self._streams
