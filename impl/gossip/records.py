"""The records of owners, the copies that nodes keep of them, and what messages carry of both.

Versions count the writes of an owner within a generation. A deleted key leaves a tombstone, a record with the
value `DELETED`, until its owner collects it; `Copy.collected` says up to which version it has.
"""

import functools
import hashlib
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

import attrs

from impl.common.encoding import Value, digest, encode
from impl.common.identities import NodeId

__all__ = [
    "DELETED",
    "NEVER",
    "UNKNOWN",
    "Copy",
    "Delta",
    "Entry",
    "Key",
    "Level",
    "Record",
    "Signed",
    "is_membership",
    "level_of",
    "name_key",
    "size_of",
]

#: The name of a record. Those that begin with `@` are names of nodes: see `name_key`.
Key: TypeAlias = str


class _Deleted(NamedTuple):
    """The value of a tombstone. No application can write it: its type is not that of a plain tuple."""

    deleted: bool = True


DELETED: Final = _Deleted()


class Level(NamedTuple):
    """The progress of a node's life: generation, then incarnation.

    Levels are compared in this order.
    """

    generation: int
    incarnation: int


#: The level of whom nobody has accused or buried: below all others.
NEVER: Final = Level(0, 0)


class Record(NamedTuple):
    """One key of an owner.

    Attributes:
        version: the write that it is.
        value: what was written: of the application, a `Level`, or `DELETED`.
    """

    version: int
    value: Value | Level | _Deleted

    @property
    def is_tombstone(self) -> bool:
        """True if the key was deleted."""
        return self.value is DELETED


class Signed(NamedTuple):
    """The signed content of an owner where liars are feared: one state of all its keys (`Copy.content`)."""

    owner: NodeId
    generation: int
    collected: int
    version: int
    records: str


def _no_records() -> Mapping[Key, Record]:
    return {}


@attrs.frozen
class Copy:
    """A node's copy of one owner.

    Attributes:
        generation: of the owner; 0 if nothing is known of it.
        collected: the collection version: tombstones up to it are dropped.
        version: the version up to which this copy goes. Within a reset it is below `collected`.
        records: key -> its record.
        signature: the owner's, on `content`, where owners sign.
    """

    generation: int = 0
    collected: int = 0
    version: int = 0
    records: Mapping[Key, Record] = attrs.field(factory=_no_records)
    signature: bytes = b""

    def above(self, version: int) -> list[tuple[Key, Record]]:
        """The records above a version, in order of their versions."""
        found = [(key, record) for key, record in self.records.items() if record.version > version]
        return sorted(found, key=_version_of)

    def written(self, key: Key, value: Value | Level | _Deleted) -> "Copy":
        """The owner's copy after its next write. Its signature is gone."""
        version = self.version + 1
        records = {**self.records, key: Record(version, value)}
        return Copy(self.generation, self.collected, version, records)

    def collected_to(self, version: int) -> "Copy":
        """The copy without tombstones up to a version. Its signature is gone."""
        return Copy(self.generation, version, self.version, without_tombstones(self.records, version))

    def content(self, owner: NodeId) -> bytes:
        """The bytes that the owner signs: this state, whole."""
        records = tuple(
            (key, record.version, record.is_tombstone, () if record.is_tombstone else record.value)
            for key, record in sorted(self.records.items())
        )
        return encode(
            tuple(Signed(owner, self.generation, self.collected, self.version, digest(_plain(records))))
        )


def _version_of(pair: tuple[Key, Record]) -> int:
    return pair[1].version


def _plain(records: tuple[tuple[Key, int, bool, object], ...]) -> object:
    """Levels are encoded as plain tuples."""
    return tuple(
        (key, version, gone, tuple(value) if isinstance(value, Level) else value)
        for key, version, gone, value in records
    )


def without_tombstones(records: Mapping[Key, Record], version: int) -> Mapping[Key, Record]:
    """The records without tombstones up to a version."""
    if not version:
        return records
    return {
        key: record
        for key, record in records.items()
        if not (record.is_tombstone and record.version <= version)
    }


UNKNOWN: Final = Copy()


class Entry(NamedTuple):
    """The part of a digest about one owner.

    Attributes:
        generation: of the copy; the last forgotten one if `is_gone`; 0 if nothing is known.
        collected: as in `Copy`.
        version: as in `Copy`.
        is_gone: True if the owner was forgotten.
    """

    generation: int = 0
    collected: int = 0
    version: int = 0
    is_gone: bool = False


class Delta(NamedTuple):
    """The records of one owner that a peer lacks.

    Attributes:
        generation: of the owner.
        begin: the records are those above this version.
        end: and up to this one.
        collected: as in `Copy`, of the sender.
        records: (key, record) in the order of their versions.
        signature: the owner's, on its state after all these.
    """

    generation: int
    begin: int
    end: int
    collected: int
    records: tuple[tuple[Key, Record], ...]
    signature: bytes = b""


# --- the keys of membership


def name_key(node: NodeId) -> Key:
    """The key of a node's record about a node: its own incarnation, or its suspicion of another."""
    return f"@{node}"


def is_membership(key: Key) -> bool:
    """Return whether the key is the name of a node."""
    return key.startswith("@")


def level_of(copy: Copy, node: NodeId) -> Level:
    """The level that the owner of a copy gives for a node; `NEVER` if none."""
    record = copy.records.get(name_key(node))
    return record.value if record is not None and isinstance(record.value, Level) else NEVER


# --- sizes


#: Bytes of a record beside its key and value, and of an owner beside its records.
RECORD_BYTES: Final = 12
OWNER_BYTES: Final = 40


def size_of(key: Key, record: Record) -> int:
    """About how many bytes a record takes in a message."""
    value = record.value
    if value is DELETED or isinstance(value, Level):
        return RECORD_BYTES + len(key.encode()) + 16
    return RECORD_BYTES + len(key.encode()) + _value_bytes(value)


@functools.lru_cache(maxsize=1024, typed=True)
def _value_bytes(value: Value) -> int:
    return len(encode(value))


@functools.lru_cache(maxsize=1 << 16)
def mark_of(owner: NodeId, entry: Entry) -> int:
    """The hash of one owner's entry; the hash of several is the sum of theirs, modulo 2^128."""
    said = f"{owner}\n{entry.generation} {entry.collected} {entry.version} {int(entry.is_gone)}"
    return int.from_bytes(hashlib.blake2b(said.encode(), digest_size=16).digest(), "big")


@functools.lru_cache(maxsize=1 << 15)
def bucket_of(owner: NodeId, buckets: int) -> int:
    """The bucket of an owner."""
    return int.from_bytes(hashlib.blake2b(owner.encode(), digest_size=8).digest(), "big") % buckets


def total_size(records: Iterable[tuple[Key, Record]]) -> int:
    """About how many bytes the records of an owner take in a message."""
    return OWNER_BYTES + sum([size_of(key, record) for key, record in records])
