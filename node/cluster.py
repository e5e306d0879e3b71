"""A cluster in a folder of this machine: its keys, its file, its processes.

FOLDER/cluster.yaml                 the settings
FOLDER/authority.pem, authority.key the authority
FOLDER/nodes/n1/                    a node: own.pem, own.key, data/, events.ndjson, log.txt, running.json
FOLDER/clients/admin/               the client of the commands
*/signing.key, */signing.json       of each node and client, where the protocol is Byzantine (`node.signing`)
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from node.authority import Authority, Credentials
from node.errors import NodeError
from node.process import credentials_in
from node.settings import Place, Settings, read_settings, settings_text
from node.signing import make_keys

__all__ = ["Cluster", "Running", "init_cluster", "loopback", "opened"]

#: Ports for nodes on this machine.
_PORTS: Final = range(10_000, 32_000)
#: So long a node may take to end after it was asked to.
_END_S: Final = 10.0


@attrs.frozen
class Cluster:
    """A cluster in a folder.

    Attributes:
        folder: the folder.
        settings: what its file says.
    """

    folder: Path
    settings: Settings

    def node_folder(self, name: str) -> Path:
        """Return the folder of a node."""
        return self.folder / "nodes" / name

    def client(self, name: str = "admin") -> Credentials:
        """Return the credentials of a client."""
        return credentials_in(self.folder / "clients" / name)


def loopback(
    count: int,
    *,
    cluster: str = "local",
    protocol: str = "raft",
    heartbeat_ms: int = 50,
    election_ms: int = 300,
) -> Settings:
    """Return the settings of a cluster on free ports of this machine."""
    places = tuple(Place(number, "127.0.0.1", port) for number, port in enumerate(free_ports(count), start=1))
    return Settings(
        places, cluster=cluster, protocol=protocol, heartbeat_ms=heartbeat_ms, election_ms=election_ms
    )


def free_ports(count: int) -> list[int]:
    """Return ports of loopback on which nobody listens now.

    They are below those that the system gives to outgoing connections, one of which might take the port of a
    node while that is down.
    """
    found: list[int] = []
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        with socket.socket() as own:
            try:
                own.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise NodeError(f"this machine has no {count} free ports from {_PORTS.start} to {_PORTS.stop - 1}")


def init_cluster(folder: Path, settings: Settings, *, clients: Sequence[str] = ("admin",)) -> Cluster:
    """Make the keys and certificates of a cluster, and put its file beside them.

    Raises:
        NodeError: the folder holds a cluster already, or so many nodes cannot run the protocol.
    """
    path = folder / "cluster.yaml"
    if path.exists():
        raise NodeError(f"{folder} holds a cluster already: give another folder, or remove this one")
    if settings.flaw:
        raise NodeError(settings.flaw)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = Authority(folder, settings.cluster)
    for name in settings.names:
        authority.issue(folder / "nodes" / name, "node", name)
    for name in clients:
        authority.issue(folder / "clients" / name, "client", name)
    if settings.protocol != "raft":
        nodes = {name: folder / "nodes" / name for name in settings.names}
        make_keys(nodes | {name: folder / "clients" / name for name in clients})
    path.write_text(settings_text(settings), encoding="utf-8")
    return Cluster(folder, settings)


def opened(folder: Path) -> Cluster:
    """Return the cluster in a folder.

    Raises:
        NodeError: there is none.
    """
    path = folder / "cluster.yaml"
    if not path.exists():
        raise NodeError(f"{folder} holds no cluster: `python -m node init --folder {folder}` makes one")
    return Cluster(folder, read_settings(path))


class Running:
    """A node as a process that this one has started.

    Args:
        cluster: its cluster.
        name: its name.
        options: further options of `python -m node run`.
        command: how Python is started and told to be a node.
    """

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        options: Sequence[str] = (),
        command: Sequence[str] = (sys.executable, "-m", "node"),
    ) -> None:
        self.name = name
        folder = cluster.node_folder(name)
        (folder / "running.json").unlink(missing_ok=True)
        words = [*command, "run", str(cluster.folder), name, "--end-with-parent", *options]
        root = Path(__file__).resolve().parents[1]
        with (folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=root,
                env={**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": "0"},
            )
        self._running = folder / "running.json"
        self._log = folder / "log.txt"

    @property
    def is_up(self) -> bool:
        """True unless it has ended."""
        return self.process.poll() is None

    def wait_until_up(self, seconds: float = 20.0) -> dict[str, Any]:
        """Return what the node tells when it listens.

        Raises:
            NodeError: it ended, or did not listen in time; with what it said.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.is_up:
            if self._running.exists():
                found: dict[str, Any] = json.loads(self._running.read_text(encoding="utf-8"))
                return found
            time.sleep(0.02)
        state = "does not listen" if self.is_up else f"ended with status {self.process.returncode}"
        last = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise NodeError(f"{self.name} {state}: {' / '.join(last) or 'it said nothing'}")

    def ends_within(self, seconds: float) -> bool:
        """Return whether it ends within so many seconds."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.is_up:
            self.process.send_signal(number)

    def end(self) -> int:
        """Ask it to end, end it if it does not, and return its exit status."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> int:
        """End it at once, and return its exit status."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def wait(self) -> int:
        """Return its exit status when it has ended; it is killed if that takes too long."""
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(_END_S)
        if self.process.stdin is not None:
            self.process.stdin.close()
        return self.process.returncode
