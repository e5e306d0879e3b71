"""The durable state of a replica, as records of the write-ahead log; its core says which there are."""

from typing import Any

from node.disk import Disk
from node.engine import Core
from node.wal import SEGMENT_BYTES, Identity, Log

__all__ = ["Storage"]


class Storage:
    """The durable state of one replica.

    Args:
        core: of the replica.
        disk: where its log is.
        identity: who it is.
        segment_bytes: how large a segment of the log may grow.

    Attributes:
        durable: the state that is found; None if it never started.
        torn_bytes: how many bytes at the end of the log were cut off.

    Raises:
        NodeError: as `Log`.
    """

    def __init__(
        self, core: Core, disk: Disk, identity: Identity, *, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self._core = core
        self._log = Log(disk, identity, segment_bytes=segment_bytes)
        self._staged: list[bytes] = []
        self.torn_bytes = self._log.torn_bytes
        self.durable: Any = core.restored(core.record_codec.decode(each) for each in self._log.records)
        self._log.records.clear()

    @property
    def is_staged(self) -> bool:
        """True if something waits for `commit`."""
        return bool(self._staged)

    def stage(self, before: Any, after: Any) -> None:
        """Stage a change of the durable state; from None the first one."""
        self._staged += [self._core.record_codec.encode(each) for each in self._core.changes(before, after)]

    def commit(self) -> None:
        """Write what is staged, and return when it is safe.

        Raises:
            OSError: the disk failed; the process must end.
        """
        staged, self._staged = self._staged, []
        self._log.commit(staged)
