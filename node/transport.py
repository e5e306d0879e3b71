"""Connections: frames over mutual TLS 1.3, from nodes to nodes and from clients to nodes.

    frame = length of the body in bytes (4 bytes) | body, JSON

Each node dials each other one, and sends on the connection that it dialled; so a connection carries
messages one way. Who is at the other end is what the certificate says (`authority`), nothing else is
asked or believed. A link keeps nothing for later: a message is written to the connection at once, or is
lost, as the protocols allow. So a peer that is gone, or reads slowly, costs a bounded amount of memory
(`BUFFER_BYTES`).

A frame's length is looked at before its body is read, and its body before it is decoded. Bytes that are no
message close the connection on which they came.
"""

import asyncio
import contextlib
import logging
import ssl
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Final

from node.authority import Holder, holder_of
from node.errors import BadFrame

__all__ = [
    "BUFFER_BYTES",
    "CONNECTIONS_MAX",
    "FRAME_BYTES_MAX",
    "Connection",
    "Link",
    "framed",
    "read_frame",
    "serve",
]

#: The largest body of a frame, in bytes.
FRAME_BYTES_MAX: Final = 1 << 22
#: So many bytes may wait on a connection; what comes on top is lost.
BUFFER_BYTES: Final = 1 << 22
#: So many connections may be open to a node.
CONNECTIONS_MAX: Final = 256
#: A handshake ends within so many seconds, and a frame that has begun as well.
_PATIENCE_S: Final = 5.0
#: A link that could not write for so many seconds is dialled anew.
_STUCK_S: Final = 5.0
_REDIAL_S: Final = (0.05, 1.0)
_LENGTH: Final = struct.Struct(">I")

_log = logging.getLogger("node.transport")


def framed(body: bytes) -> bytes:
    """Return the frame of a body.

    Raises:
        BadFrame: the body is too long.
    """
    if len(body) > FRAME_BYTES_MAX:
        raise BadFrame(f"a message has {len(body)} bytes, and a frame at most {FRAME_BYTES_MAX}")
    return _LENGTH.pack(len(body)) + body


async def read_frame(reader: asyncio.StreamReader, *, limit: int = FRAME_BYTES_MAX) -> bytes | None:
    """Return the body of the next frame; None at the end of the connection.

    Raises:
        BadFrame: the frame is longer than `limit`, or took too long.
    """
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > limit:
            raise BadFrame(f"a frame of {length} bytes is announced, and {limit} are the most")
        async with asyncio.timeout(_PATIENCE_S):
            return await reader.readexactly(length)
    except TimeoutError as error:
        raise BadFrame(f"a frame did not end within {_PATIENCE_S:g} s") from error
    except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        return None


class Connection:
    """A connection that somebody made to this node.

    Attributes:
        holder: who is at the other end.
    """

    def __init__(self, holder: Holder, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.holder = holder
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes | None:
        """Return the body of the next frame; None at the end.

        Raises:
            BadFrame: as `read_frame`.
        """
        return await read_frame(self._reader)

    def write(self, body: bytes) -> None:
        """Send a frame; if the other end does not read, the connection is closed."""
        transport = self._writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > BUFFER_BYTES:
            transport.abort()
        else:
            self._writer.write(framed(body))


def admitted(certificate: Any, cluster: str) -> Holder | None:
    """Return the holder of a certificate that the authority signed; None if it is of another cluster."""
    holder = holder_of(certificate)
    return holder if holder is not None and holder.cluster == cluster else None


async def serve(
    address: tuple[str, int],
    context: ssl.SSLContext,
    cluster: str,
    handle: Callable[[Connection], Awaitable[None]],
) -> asyncio.Server:
    """Listen, and call `handle` for each connection of somebody of this cluster.

    Args:
        address: host and port.
        context: of this node.
        cluster: whose certificates count.
        handle: returns, or raises `BadFrame`, when the connection is to be closed.
    """
    open_now: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        holder = admitted(writer.get_extra_info("peercert"), cluster)
        if holder is None or len(open_now) >= CONNECTIONS_MAX:
            reason = "its certificate is of nobody here" if holder is None else "too many are open"
            _log.warning("a connection is refused: %s", reason)
            writer.transport.abort()
            return
        open_now.add(writer)
        try:
            await handle(Connection(holder, reader, writer))
        except BadFrame as error:
            _log.warning("the connection of %s is closed: %s", holder.name, error)
        except (ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass  # the other end has gone, or this node ends
        finally:
            open_now.discard(writer)
            writer.transport.abort()

    host, port = address
    return await asyncio.start_server(
        connected, host, port, ssl=context, ssl_handshake_timeout=_PATIENCE_S, limit=1 << 16
    )


class Link:
    """The connection to one other node, made again whenever it is lost.

    Args:
        peer: who must be at the other end.
        address: host and port.
        context: of this node.

    Attributes:
        is_up: True while it is connected.
        lost: how many frames could not be written.
    """

    def __init__(self, peer: Holder, address: tuple[str, int], context: ssl.SSLContext) -> None:
        self.peer = peer
        self.lost = 0
        self._address = address
        self._context = context
        self._writer: asyncio.StreamWriter | None = None
        self._stuck_at: float | None = None

    @property
    def is_up(self) -> bool:
        """True while it is connected."""
        return self._writer is not None

    def send(self, frame: bytes) -> bool:
        """Write a frame, made by `framed`. False if it is lost."""
        writer = self._writer
        if writer is None or writer.transport.is_closing() or self._is_stuck(writer):
            self.lost += 1
            return False
        writer.write(frame)
        return True

    def _is_stuck(self, writer: asyncio.StreamWriter) -> bool:
        if writer.transport.get_write_buffer_size() <= BUFFER_BYTES:
            self._stuck_at = None
            return False
        now = asyncio.get_running_loop().time()
        self._stuck_at = self._stuck_at or now
        if now - self._stuck_at > _STUCK_S:
            writer.transport.abort()
        return True

    async def keep(self) -> None:
        """Dial, and dial again, until this is cancelled."""
        pause = _REDIAL_S[0]
        while True:
            try:
                if await self._connected():
                    pause = _REDIAL_S[0]
            except (OSError, TimeoutError, ssl.SSLError) as error:
                _log.debug("%s cannot be reached: %s", self.peer.name, error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _REDIAL_S[1])

    async def _connected(self) -> bool:
        """Connect, and return when the connection is lost; False if it is not the peer who answers."""
        host, port = self._address
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=self._context)
        try:
            holder = holder_of(writer.get_extra_info("peercert"))
            if holder != self.peer:
                _log.warning("%s:%s is not %s: no message is sent there", host, port, self.peer.name)
                return False
            self._writer, self._stuck_at = writer, None
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await reader.read(1)  # nothing is ever sent this way: it returns at the end
            return True
        finally:
            self._writer = None
            writer.transport.abort()
