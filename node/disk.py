"""Disks: files of bytes in one folder, of which a crash loses what was not synced.

| disk            | what it is                                                                             |
|-----------------|----------------------------------------------------------------------------------------|
| `RealDisk`      | a folder of the machine, locked for one process                                        |
| `ForgetfulDisk` | the same, but bytes stay in this process until they are synced, so that a kill loses   |
|                 | exactly what a power failure would; a kill within a sync leaves the first half of it   |
| `SimulatedDisk` | a dictionary, with crashes and flipped bits at will                                    |

A new file exists for sure only after `sync_folder`, and its bytes only after `sync`.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from node.errors import NodeError

__all__ = ["Disk", "ForgetfulDisk", "RealDisk", "SimulatedDisk"]


class Disk(Protocol):
    """Files of bytes in one folder; any `OSError` of it ends the process that uses it."""

    def names(self) -> tuple[str, ...]:
        """Return the names of the files, in order."""

    def read(self, name: str) -> bytes:
        """Return the content of a file."""

    def create(self, name: str) -> None:
        """Make a new file, without content."""

    def append(self, name: str, data: bytes) -> None:
        """Write at the end of a file."""

    def truncate(self, name: str, size: int) -> None:
        """Cut a file to a size, and sync it."""

    def sync(self, name: str) -> None:
        """Return when the content of a file is safe."""

    def sync_folder(self) -> None:
        """Return when the files that were made are safe."""


class RealDisk:
    """A folder of the machine, made if it is not there.

    Args:
        folder: the folder.

    Raises:
        NodeError: another process uses it.
    """

    def __init__(self, folder: Path) -> None:
        is_new = not folder.exists()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder
        self._folder = os.open(folder, os.O_RDONLY)
        self._files: dict[str, int] = {}
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._folder)
            raise NodeError(
                f"{folder} is in use: another process runs this node. End that one first"
            ) from error
        if is_new:
            parent = os.open(folder.parent, os.O_RDONLY)
            try:
                os.fsync(parent)
            finally:
                os.close(parent)

    def close(self) -> None:
        """Give the folder free."""
        for file in self._files.values():
            os.close(file)
        os.close(self._folder)
        self._files = {}

    def names(self) -> tuple[str, ...]:
        """Return the names of the files, in order."""
        return tuple(sorted(path.name for path in self._path.iterdir()))

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return (self._path / name).read_bytes()

    def create(self, name: str) -> None:
        """Make a new file, without content."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND
        self._files[name] = os.open(name, flags, 0o600, dir_fd=self._folder)

    def append(self, name: str, data: bytes) -> None:
        """Write at the end of a file."""
        file, rest = self._file(name), memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]

    def truncate(self, name: str, size: int) -> None:
        """Cut a file to a size, and sync it."""
        os.ftruncate(self._file(name), size)
        os.fsync(self._file(name))

    def sync(self, name: str) -> None:
        """Return when the content of a file is safe."""
        os.fdatasync(self._file(name))

    def sync_folder(self) -> None:
        """Return when the files that were made are safe."""
        os.fsync(self._folder)

    def _file(self, name: str) -> int:
        if name not in self._files:
            self._files[name] = os.open(name, os.O_WRONLY | os.O_APPEND, dir_fd=self._folder)
        return self._files[name]


class ForgetfulDisk(RealDisk):
    """A folder of which a kill of the process loses what was not synced.

    Args:
        folder: the folder.
        midway: called within each sync, when the first half of what it is to make safe is written.
    """

    def __init__(self, folder: Path, midway: Callable[[], None] = lambda: None) -> None:
        super().__init__(folder)
        self._midway = midway
        self._pending: dict[str, bytearray] = {}
        self._unborn: list[str] = []

    def names(self) -> tuple[str, ...]:
        """Return the names of the files, in order."""
        return tuple(sorted({*super().names(), *self._unborn}))

    def read(self, name: str) -> bytes:
        """Return the content of a file, with what is not synced."""
        written = b"" if name in self._unborn else super().read(name)
        return written + bytes(self._pending.get(name, b""))

    def create(self, name: str) -> None:
        """Make a new file, which is lost unless the folder is synced."""
        self._unborn.append(name)

    def append(self, name: str, data: bytes) -> None:
        """Write at the end of a file, in memory."""
        self._pending.setdefault(name, bytearray()).extend(data)

    def sync(self, name: str) -> None:
        """Write what waits for it; that of a file whose folder was not synced waits on."""
        if name in self._unborn:
            return
        data = bytes(self._pending.pop(name, b""))
        half = len(data) // 2
        super().append(name, data[:half])
        self._midway()
        super().append(name, data[half:])
        super().sync(name)

    def sync_folder(self) -> None:
        """Make the new files."""
        born, self._unborn = self._unborn, []
        for name in born:
            super().create(name)
        super().sync_folder()
        for name in born:
            self.sync(name)


class SimulatedDisk:
    """A disk in memory.

    Attributes:
        syncs: how many syncs of files it has seen.
    """

    def __init__(self) -> None:
        self.syncs = 0
        self._safe: dict[str, bytes] = {}
        self._seen: dict[str, bytearray] = {}
        self._born: set[str] = set()

    def names(self) -> tuple[str, ...]:
        """Return the names of the files, in order."""
        return tuple(sorted(self._seen))

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return bytes(self._seen[name])

    def create(self, name: str) -> None:
        """Make a new file, without content."""
        if name in self._seen:
            raise FileExistsError(name)
        self._seen[name] = bytearray()
        self._safe[name] = b""

    def append(self, name: str, data: bytes) -> None:
        """Write at the end of a file."""
        self._seen[name] += data

    def truncate(self, name: str, size: int) -> None:
        """Cut a file to a size, and sync it."""
        del self._seen[name][size:]
        self.sync(name)

    def sync(self, name: str) -> None:
        """Make the content of a file safe."""
        self.syncs += 1
        self._safe[name] = bytes(self._seen[name])

    def sync_folder(self) -> None:
        """Make the files safe that were made."""
        self._born |= self._seen.keys()

    # --- faults

    def crash(self, kept: int = 0) -> None:
        """Lose what was not synced, but for the first `kept` bytes of what was written to each file."""
        self._seen = {
            name: bytearray(content[: len(self._safe[name]) + kept])
            for name, content in self._seen.items()
            if name in self._born
        }
        self._safe = {name: bytes(content) for name, content in self._seen.items()}

    def flip(self, name: str, bit: int) -> None:
        """Change one bit of a file."""
        self._seen[name][bit // 8] ^= 1 << bit % 8
        self._safe[name] = bytes(self._seen[name])
