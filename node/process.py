"""The process of one node: its parts put together, from start to stop.

It ends by itself: on SIGTERM or SIGINT (what is at work is made safe, open requests are answered or
failed), after `seconds`, when a sync fails, or when the process that started it is gone
(`ends_with_parent`). Exit status: 0 as told, 2 for a mistake of the operator, 74 if the disk failed.
"""

import asyncio
import ctypes
import json
import logging
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

import attrs

from node.admin import Admin
from node.api import Api, status_of
from node.authority import Credentials, Holder
from node.disk import Disk, ForgetfulDisk, RealDisk
from node.driver import Driver
from node.errors import NodeError
from node.events import EventLog, NoEvents
from node.metrics import Metrics
from node.points import FailPoint, armed
from node.protocols import engine_of
from node.settings import Settings
from node.storage import Storage
from node.transport import Link, serve
from node.wal import Identity

__all__ = ["DISK_FAILED", "NodeOptions", "credentials_in", "end_with_parent", "run_node"]

#: The exit status of a process whose disk failed: EX_IOERR.
DISK_FAILED: Final = 74
_PR_SET_PDEATHSIG: Final = 1
_TURN_S: Final = 0.5

_log = logging.getLogger("node")


@attrs.frozen(kw_only=True)
class NodeOptions:
    """The options of one node.

    Attributes:
        folder: its folder: certificates, data, event log.
        peers: peer -> where to reach it, if not at its address in the settings.
        seconds: it ends after so many; 0 for never.
        writes_events: whether it writes its event log.
        forgets: whether its disk loses at a kill what was not synced, as a power failure would.
        fail_point: where the process is to end, as `points.armed` reads it.
    """

    folder: Path
    peers: dict[str, tuple[str, int]] = attrs.field(factory=dict)
    seconds: float = 0
    writes_events: bool = True
    forgets: bool = False
    fail_point: str = ""


def credentials_in(folder: Path) -> Credentials:
    """Return the credentials that the authority issued into a folder."""
    return Credentials(folder / "authority.pem", folder / "own.pem", folder / "own.key")


def run_node(settings: Settings, name: str, options: NodeOptions) -> int:
    """Run one node until it is to end.

    Returns:
        The exit status of its process.

    Raises:
        NodeError: it cannot start.
    """
    try:
        asyncio.run(_Process(settings, name, options).run())
    except OSError as error:
        _log.critical("the disk or the network failed, and with it this node: %s", error)
        return DISK_FAILED
    return 0


def end_with_parent() -> None:
    """End this process as soon as the one that started it is gone, also if that was killed.

    The parent holds the other end of this process's standard input. On Linux the system ends it as well,
    which reaches a process that is stopped.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()


class _Process:
    """The parts of one node."""

    def __init__(self, settings: Settings, name: str, options: NodeOptions) -> None:
        self._settings = settings
        self._name = name
        self._options = options
        self._place = settings.place(name)
        credentials = credentials_in(options.folder)
        self._server_context = credentials.server_context()
        client_context = credentials.client_context()
        self._links = {
            each.name: Link(
                Holder(settings.cluster, "node", each.name),
                options.peers.get(each.name, (each.host, each.port)),
                client_context,
            )
            for each in settings.places
            if each.name != name
        }
        self._metrics = Metrics()

    async def run(self) -> None:
        """Run until the node is to end."""
        point = armed(self._options.fail_point)
        driver = self._metrics.driver = self._driver(point)
        api = Api(driver, self._metrics, self._links)
        address = (self._place.host, self._place.port)
        try:
            server = await serve(address, self._server_context, self._settings.cluster, api.handle)
        except OSError as error:
            raise NodeError(
                f"{self._name} cannot listen on {self._place.host}:{self._place.port}: {error.strerror}. Is "
                "another process there? `python -m node up --loopback` chooses free ports"
            ) from error
        admin = Admin(
            lambda: driver.engine.is_ready, lambda: status_of(driver, self._links), self._metrics.text
        )
        self._announce(admin)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, driver.stop)
        if self._options.seconds:
            loop.call_later(self._options.seconds, driver.stop)
        others = [asyncio.create_task(link.keep()) for link in self._links.values()]
        others.append(asyncio.create_task(_turn(admin)))
        try:
            await driver.run()
            await asyncio.sleep(0)  # answers of the last batch are written
        finally:
            for task in others:
                task.cancel()
            server.close()
            admin.close()

    def _driver(self, point: FailPoint) -> Driver:
        options, settings = self._options, self._settings
        data = options.folder / "data"
        disk: Disk = (
            ForgetfulDisk(data, lambda: point.reach("within sync")) if options.forgets else RealDisk(data)
        )
        engine = engine_of(settings, self._name, options.folder, random.SystemRandom())
        storage = Storage(engine.core, disk, Identity(settings.cluster, self._name))
        if storage.torn_bytes:
            _log.warning("%d bytes at the end of the log were never synced: cut off", storage.torn_bytes)
        events = (
            EventLog(options.folder / "events.ndjson", time.time_ns) if options.writes_events else NoEvents()
        )
        return Driver(
            engine,
            storage,
            self._links,
            events=events,
            point=point,
        )

    def _announce(self, admin: Admin) -> None:
        """Tell where the admin address is, in a file that appears whole."""
        path = self._options.folder / "running.json"
        said = {"pid": os.getpid(), "admin": admin.port, "node": self._name}
        new = path.with_suffix(".new")
        new.write_text(json.dumps(said), encoding="utf-8")
        new.rename(path)


async def _turn(admin: Admin) -> None:
    while True:
        admin.turned()
        await asyncio.sleep(_TURN_S)
