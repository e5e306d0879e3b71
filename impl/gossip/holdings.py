"""All that a node holds of owners: copies, forgotten owners, accusations, and the hashes over them.

A step changes few copies of perhaps 10,000. So there is a base, shared by all values that come from it, and
the changes since; the hashes of buckets are sums, and they and the digests are kept up to date.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from impl.common.identities import NodeId
from impl.gossip.records import (
    UNKNOWN,
    Copy,
    Entry,
    Level,
    bucket_of,
    is_membership,
    level_of,
    mark_of,
    name_key,
)

__all__ = ["Holdings"]

_MODULUS: Final = 1 << 128
#: With fewer changes the base is kept.
_CHANGES_MIN: Final = 64


def _nothing() -> Mapping[NodeId, Copy]:
    return {}


@attrs.frozen(kw_only=True)
class Holdings:
    """All copies of a node. A value: `put` and `forget` give another one.

    Attributes:
        hashes: of each bucket of owners.
        digests: of each bucket, what a digest says of its owners, in the order of names.
        base: owner -> its copy, but for `changes`.
        changes: owner -> its copy, `UNKNOWN` of whom is forgotten.
        forgotten: owner -> its last generation that was forgotten.
        accusations: accused -> accuser -> at which level.
    """

    hashes: tuple[int, ...]
    digests: tuple[tuple[tuple[NodeId, Entry], ...], ...] = attrs.field(repr=False)
    base: Mapping[NodeId, Copy] = attrs.field(factory=_nothing, repr=False)
    changes: Mapping[NodeId, Copy] = attrs.field(factory=_nothing)
    forgotten: Mapping[NodeId, int] = attrs.field(factory=dict)
    accusations: Mapping[NodeId, Mapping[NodeId, Level]] = attrs.field(factory=dict)

    @classmethod
    def empty(cls, buckets: int, forgotten: Mapping[NodeId, int]) -> "Holdings":
        """Holdings of nobody, after these were forgotten."""
        made = cls(hashes=(0,) * buckets, digests=((),) * buckets)
        for owner, generation in forgotten.items():
            made = made.forget(owner, generation)
        return made

    @property
    def root(self) -> int:
        """The hash of all."""
        return sum(self.hashes) % _MODULUS

    def get(self, owner: NodeId) -> Copy:
        """The copy of an owner; `UNKNOWN` if there is none."""
        found = self.changes.get(owner)
        return self.base.get(owner, UNKNOWN) if found is None else found

    def level(self, owner: NodeId) -> Level:
        """The level at which an owner is known."""
        copy = self.get(owner)
        return Level(copy.generation, level_of(copy, owner).incarnation)

    def entry(self, owner: NodeId) -> Entry:
        """The part of a digest about an owner."""
        return _entry(self.get(owner), self.forgotten.get(owner, 0))

    def known(self) -> Iterator[NodeId]:
        """The owners of whom there is a copy."""
        for owner in self.base:
            if owner not in self.changes:
                yield owner
        for owner, copy in self.changes.items():
            if copy.generation:
                yield owner

    def digest(self, buckets: Iterable[int]) -> tuple[tuple[NodeId, Entry], ...]:
        """The digest of the owners in these buckets, bucket by bucket."""
        return tuple(itertools.chain.from_iterable(self.digests[bucket] for bucket in buckets))

    def accusers(self, accused: NodeId) -> list[NodeId]:
        """The nodes that suspect a node at its known level or a later one."""
        known, levels = self.level(accused), self.accusations.get(accused, {})
        return [accuser for accuser, level in levels.items() if accuser != accused and level >= known]

    def put(self, copies: Mapping[NodeId, Copy]) -> "Holdings":
        """The holdings with these copies of owners."""
        return self._changed(copies, self.forgotten)

    def forget(self, owner: NodeId, generation: int) -> "Holdings":
        """The holdings without an owner, but for its generation."""
        return self._changed({owner: UNKNOWN}, {**self.forgotten, owner: generation})

    def _changed(self, copies: Mapping[NodeId, Copy], forgotten: Mapping[NodeId, int]) -> "Holdings":
        hashes, digests, accusations = list(self.hashes), list(self.digests), dict(self.accusations)
        for owner, copy in copies.items():
            place = bucket_of(owner, len(hashes))
            before, now = self.entry(owner), _entry(copy, forgotten.get(owner, 0))
            if before != now:
                hashes[place] = _rehashed(hashes[place], owner, before, now)
                digests[place] = _with_entry(digests[place], owner, now)
            for accused, level in _accused_anew(owner, self.get(owner), copy):
                _accuse(accusations, owner, accused, level)
        base, changes = self.base, {**self.changes, **copies}
        if len(changes) > max(_CHANGES_MIN, len(base) // 8):
            merged = {**base, **changes}
            base, changes = {name: each for name, each in merged.items() if each.generation}, {}
        return Holdings(
            hashes=tuple(hashes),
            digests=tuple(digests),
            base=base,
            changes=changes,
            forgotten=forgotten,
            accusations=accusations,
        )


def _entry(copy: Copy, forgotten: int) -> Entry:
    if copy.generation:
        return Entry(copy.generation, copy.collected, copy.version)
    return Entry(forgotten, is_gone=forgotten > 0)


def _with_entry(
    digest: tuple[tuple[NodeId, Entry], ...], owner: NodeId, entry: Entry
) -> tuple[tuple[NodeId, Entry], ...]:
    others = [each for each in digest if each[0] != owner]
    return tuple(sorted([*others, (owner, entry)])) if entry.generation else tuple(others)


def _rehashed(value: int, owner: NodeId, before: Entry, after: Entry) -> int:
    taken = mark_of(owner, before) if before.generation else 0
    added = mark_of(owner, after) if after.generation else 0
    return (value - taken + added) % _MODULUS


def _accused_anew(owner: NodeId, before: Copy, after: Copy) -> Iterator[tuple[NodeId, Level]]:
    """Whom an owner accuses otherwise than before, and at which level now."""
    if before.records is after.records:
        return
    own = name_key(owner)
    for key in (*after.records, *(before.records.keys() - after.records.keys())):
        if is_membership(key) and key != own and before.records.get(key) != after.records.get(key):
            yield key[1:], level_of(after, key[1:])


def _accuse(
    accusations: dict[NodeId, Mapping[NodeId, Level]], owner: NodeId, accused: NodeId, level: Level
) -> None:
    others = {name: each for name, each in accusations.get(accused, {}).items() if name != owner}
    if level.generation:
        others[owner] = level
    if others:
        accusations[accused] = others
    else:
        accusations.pop(accused, None)
