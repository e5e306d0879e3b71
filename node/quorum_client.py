"""A client of a Byzantine cluster: it asks all nodes, and believes f + 1 equal answers (paper, 4.1).

A request is signed and has a timestamp, greater than that of the one before: nanoseconds of the clock, or one
more than the last. The same request is sent again until the client knows, and is executed once. So no two
processes may use the keys of one client at the same time: the later request makes the earlier one too old.
"""

import asyncio
import contextlib
import json
import time
from collections import defaultdict
from typing import Any

from impl.common import Value, is_signed_by, signed
from impl.common.requests import Reply, Request
from node.authority import Credentials
from node.bft_core import CLIENT_CODEC, name_of
from node.client import PAUSE_S, Client, Unknown
from node.codec import parsed
from node.errors import BadFrame
from node.settings import BFT, Settings
from node.signing import read_keys
from node.stamps import Reached

__all__ = ["QuorumClient", "client_of"]


class QuorumClient(Client):
    """A client with one request at work at a time.

    Args:
        settings: of the cluster.
        credentials: of the client; its signing keys are in the same folder.
        further: as of `Client`.

    Raises:
        NodeError: the keys cannot be used.
    """

    def __init__(self, settings: Settings, credentials: Credentials, **further: Any) -> None:
        super().__init__(settings, credentials, **further)
        self._name = credentials.key.parent.name
        self._keys = read_keys(credentials.key.parent, (*settings.names, self._name))
        self._enough = settings.faults + 1
        self._each = {
            name: Client(settings, credentials, **{**further, "addresses": {name: address}})
            for name, address in self._addresses.items()
        }
        self._timestamp = 0

    def close(self) -> None:
        """Close all connections."""
        super().close()
        for client in self._each.values():
            client.close()

    async def _until_answered(self, request: dict[str, Any]) -> dict[str, Any]:
        self._timestamp = max(self._timestamp + 1, time.time_ns())
        operation = json.dumps(request, sort_keys=True, separators=(",", ":"))
        plain = Request(client=self._name, timestamp=self._timestamp, operation=operation)
        made = signed(plain, self._keys)
        replies: asyncio.Queue[tuple[str, Reply, Reached]] = asyncio.Queue()
        tasks = [asyncio.create_task(self._ask_on(name, made, replies)) for name in self._each]
        said: defaultdict[Value, set[str]] = defaultdict(set)
        try:
            async with asyncio.timeout(self._patience_s):
                while True:
                    name, reply, reached = await replies.get()
                    said[reply.result].add(name)
                    self._answered(name_of(reply.client, reply.timestamp), reached)
                    if len(said[reply.result]) >= self._enough:
                        return self._result(reply)
        except TimeoutError:
            raise Unknown(f"no {self._enough} equal answers within {self._patience_s:g} s") from None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _result(self, reply: Reply) -> dict[str, Any]:
        found = parsed(str(reply.result).encode())
        if not isinstance(found, dict):
            raise BadFrame(f"{reply.result!r} is no answer")
        return self._checked(found)

    async def _ask_on(
        self, name: str, request: Request, replies: "asyncio.Queue[tuple[str, Reply, Reached]]"
    ) -> None:
        """Ask one node until it has given a reply that it signed."""
        while True:
            found = await self._each[name].attempt({"request": CLIENT_CODEC.plain(request)}, self._attempt_s)
            if found is not None and "reply" in found:
                with contextlib.suppress(BadFrame, KeyError, TypeError):
                    reply = CLIENT_CODEC.value(found["reply"])
                    if self._is_right(name, reply, request):
                        await replies.put((name, reply, Reached(**found["reached"])))
                        return
            await asyncio.sleep(PAUSE_S)

    def _is_right(self, name: str, reply: object, request: Request) -> bool:
        """Return whether a node gave a reply to this request, and signed it."""
        return (
            isinstance(reply, Reply)
            and (reply.source, reply.client, reply.timestamp) == (name, request.client, request.timestamp)
            and is_signed_by(name, reply, self._keys)
        )


def client_of(settings: Settings, credentials: Credentials, **further: Any) -> Client:
    """Return a client for the protocol of a cluster; the arguments are those of `Client`."""
    kind = QuorumClient if settings.protocol in BFT else Client
    return kind(settings, credentials, **further)
