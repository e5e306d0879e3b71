"""The write-ahead log: frames with chained checksums, in segments, one frame a sync.

    segment   = frame*, the first one its header
    frame     = length of the body (4 bytes) | checksum of length and chain (4) | checksum of body (4) | body
    body      = a header: JSON with format, cluster, node, number of the segment
              | a group: records, each with its length (4 bytes) before it

The chain is the body's checksum of the frame before, across segments: a frame that is missing, or stands in
another place, does not fit. Checksums are CRC-32: they find damage, not forgery.

**What a crash leaves.** All records that share a sync are one frame, so only the last frame of the last
segment may be in part on disk. It is *torn*, and cut off, if the file ends before it does, or if a sector
of it was never written (all zeros); nobody was told of what it holds. Anything else that does not fit was
synced once and has changed since: the log refuses to open (`DamagedLog`). A sync that fails ends the
process, for nobody knows what the disk holds then.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import attrs

from node.disk import Disk
from node.errors import DamagedLog, NodeError

__all__ = ["FORMAT", "SEGMENT_BYTES", "Identity", "Log"]

#: The format of segments; another number is another format.
FORMAT: Final = 1
#: A segment that has grown to so many bytes is followed by a new one.
SEGMENT_BYTES: Final = 1 << 24
_HEAD: Final = struct.Struct(">III")
_LENGTH: Final = struct.Struct(">I")
_SECTOR: Final = 512
_ADVICE: Final = (
    "A part that was safe has changed, and with it perhaps a vote or an entry that others rely on. Keep the "
    "folder for inspection, and remove this "
    "node from the cluster and add a new one. Do not start it with an empty folder under the same id"
)


@attrs.frozen
class Identity:
    """The node that a log belongs to, and its cluster."""

    cluster: str
    node: str


class _Frame(NamedTuple):
    """A frame: its body, and where it ends."""

    body: bytes
    end: int


class Log:
    """A write-ahead log, open for more.

    Args:
        disk: the disk with its segments, and nothing else.
        identity: whose it is.
        segment_bytes: how large a segment may grow.

    Attributes:
        records: what it held when it was opened, in order.
        torn_bytes: how many bytes were cut off at its end.

    Raises:
        DamagedLog: something in it has changed since it was synced.
        NodeError: it belongs to another node, or is of another format.
    """

    def __init__(self, disk: Disk, identity: Identity, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.records: list[bytes] = []
        self.torn_bytes = 0
        self._disk = disk
        self._identity = identity
        self._segment_bytes = segment_bytes
        self._chain = 0
        self._number = 0
        self._size = 0
        self._read()
        if self._number == 0:
            self._begin_segment()

    @property
    def segments(self) -> int:
        """The number of segments."""
        return self._number

    def commit(self, records: Sequence[bytes]) -> None:
        """Append records, and return when they are safe.

        Raises:
            OSError: the disk failed. The process must end: what the disk holds is not known.
        """
        if not records:
            return
        if self._size >= self._segment_bytes:
            self._begin_segment()
        self._append(b"".join(_LENGTH.pack(len(record)) + record for record in records))
        self._disk.sync(self._name)

    @property
    def _name(self) -> str:
        return _name_of(self._number)

    def _append(self, body: bytes) -> None:
        frame = _framed(body, self._chain)
        self._disk.append(self._name, frame)
        self._chain = zlib.crc32(body, self._chain)
        self._size += len(frame)

    def _begin_segment(self) -> None:
        self._number += 1
        self._size = 0
        header = {"format": FORMAT, "segment": self._number, **attrs.asdict(self._identity)}
        self._disk.create(self._name)
        self._append(json.dumps(header, sort_keys=True).encode())
        self._disk.sync(self._name)
        self._disk.sync_folder()

    # --- reading

    def _read(self) -> None:
        names = self._disk.names()
        for number, name in enumerate(names, start=1):
            if name != _name_of(number):
                raise DamagedLog(f"there is a file {name} where {_name_of(number)} should be. {_ADVICE}")
            self._read_segment(number, is_last=number == len(names))

    def _read_segment(self, number: int, *, is_last: bool) -> None:
        name = _name_of(number)
        content = self._disk.read(name)
        place, count = 0, 0
        while place < len(content):
            frame = _frame_at(content, place, self._chain)
            if frame is None:
                if not is_last or not _is_torn(content, place, self._chain):
                    raise DamagedLog(
                        f"{name} is damaged at byte {place} of {len(content)}, behind {count} whole frames"
                        f". {_ADVICE}"
                    )
                self.torn_bytes = len(content) - place
                break
            if count == 0:
                self._check_header(name, frame.body, number)
            else:
                self.records.extend(_records(name, frame.body))
            self._chain = zlib.crc32(frame.body, self._chain)
            place, count = frame.end, count + 1
        self._number, self._size = number, place
        if count == 0:
            self._make_header_again(name, number, is_last=is_last)
        elif self.torn_bytes:
            self._disk.truncate(name, place)

    def _make_header_again(self, name: str, number: int, *, is_last: bool) -> None:
        """A crash while a segment was begun left it without a header; nothing is in it."""
        if not is_last:
            raise DamagedLog(f"{name} is empty, and is not the last segment. {_ADVICE}")
        self._disk.truncate(name, 0)
        header = {"format": FORMAT, "segment": number, **attrs.asdict(self._identity)}
        self._append(json.dumps(header, sort_keys=True).encode())
        self._disk.sync(name)
        self._disk.sync_folder()

    def _check_header(self, name: str, body: bytes, number: int) -> None:
        header = json.loads(body)
        if header.get("format") != FORMAT:
            raise NodeError(
                f"{name} has the format {header.get('format')}, and this program writes {FORMAT}: "
                "use the version of the program that wrote it"
            )
        found = Identity(header.get("cluster", ""), header.get("node", ""))
        if found != self._identity:
            raise NodeError(
                f"{name} belongs to node {found.node!r} of cluster {found.cluster!r}, and this is node "
                f"{self._identity.node!r} of {self._identity.cluster!r}: give each node its own data folder"
            )
        if header.get("segment") != number:
            raise DamagedLog(f"{name} says that it is segment {header.get('segment')}. {_ADVICE}")


def _name_of(number: int) -> str:
    return f"wal-{number:08d}.log"


def _framed(body: bytes, chain: int) -> bytes:
    length = len(body)
    return _HEAD.pack(length, zlib.crc32(_LENGTH.pack(length), chain), zlib.crc32(body, chain)) + body


def _frame_at(content: bytes, place: int, chain: int) -> _Frame | None:
    """The frame at a place; None if there is none that is whole."""
    if len(content) - place < _HEAD.size:
        return None
    length, head_sum, body_sum = _HEAD.unpack_from(content, place)
    start = place + _HEAD.size
    if zlib.crc32(_LENGTH.pack(length), chain) != head_sum or start + length > len(content):
        return None
    body = content[start : start + length]
    return _Frame(body, start + length) if zlib.crc32(body, chain) == body_sum else None


def _is_torn(content: bytes, place: int, chain: int) -> bool:
    """Return whether a frame that is not whole was never synced."""
    rest = content[place:]
    if len(rest) < _HEAD.size or not any(rest):
        return True
    length, head_sum, _ = _HEAD.unpack_from(content, place)
    if zlib.crc32(_LENGTH.pack(length), chain) != head_sum:
        return False
    end = place + _HEAD.size + length
    return end > len(content) or (end == len(content) and any(_unwritten_sectors(content, place)))


def _unwritten_sectors(content: bytes, place: int) -> Iterator[bool]:
    for start in range(-(-place // _SECTOR) * _SECTOR, len(content), _SECTOR):
        yield not any(content[start : start + _SECTOR])


def _records(name: str, body: bytes) -> Iterable[bytes]:
    place = 0
    while place < len(body):
        (length,) = _LENGTH.unpack_from(body, place)
        place += _LENGTH.size + length
        if place > len(body):
            raise DamagedLog(f"{name} holds a frame whose records do not fit into it. {_ADVICE}")
        yield body[place - length : place]
