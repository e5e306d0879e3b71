"""Link proxies: a relay for each ordered pair of nodes, between TLS and TLS, without a key.

On the connection that n1 dialled to n2 only n1 sends. A proxy that *stalls* passes nothing on, in either
direction, and closes nothing: to both ends the other one has gone silent, and what was written arrives
late, when the stall ends. A proxy that *resets* closes what is open. Neither needs rights that a user has
not.
"""

import asyncio
import contextlib

__all__ = ["Proxy"]

_CHUNK: int = 1 << 16


class Proxy:
    """A relay from one node to another.

    Args:
        dest: host and port of the receiver.

    Attributes:
        port: where the sender dials.
        delay_s: how late each chunk is passed on.
    """

    def __init__(self, dest: tuple[str, int]) -> None:
        self.port = 0
        self.delay_s = 0.0
        self._dest = dest
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def stall(self) -> None:
        """Pass nothing on, until `flow`."""
        self._flows.clear()

    def flow(self) -> None:
        """Pass everything on, at once."""
        self.delay_s = 0.0
        self._flows.set()

    def reset(self) -> None:
        """Close what is open."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def close(self) -> None:
        """End."""
        if self._server is not None:
            self._server.close()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        try:
            await self._flows.wait()
            far_reader, far_writer = await asyncio.open_connection(*self._dest)
        except (OSError, asyncio.CancelledError):
            self._writers.discard(writer)
            writer.transport.abort()
            return
        self._writers.add(far_writer)
        pumps = [
            asyncio.create_task(self._pump(reader, far_writer)),
            asyncio.create_task(self._pump(far_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for each in (writer, far_writer):
                self._writers.discard(each)
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._flows.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()
