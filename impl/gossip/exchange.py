"""Exchanges: digests, deltas in answer to them, and what a copy becomes by a delta."""

from collections.abc import Iterator, Mapping

import attrs

from impl.common.identities import NodeId
from impl.gossip import ring, rules
from impl.gossip.configuration import Config
from impl.gossip.messages import Syn
from impl.gossip.node import Node
from impl.gossip.records import OWNER_BYTES, Copy, Delta, Entry, size_of, total_size
from impl.gossip.validation import ENTRY_BYTES

__all__ = ["answer", "merged", "syn_for", "with_copies"]

_NOTHING = Entry()


def syn_for(node: Node, buckets: tuple[int, ...]) -> Syn:
    """A digest of as many of these buckets as there is room for; buckets come first in turn."""
    begin = node.turn % len(buckets)
    room, chosen = node.config.room, list[int]()
    for bucket in buckets[begin:] + buckets[:begin]:
        digest = node.holdings.digests[bucket]
        room -= ENTRY_BYTES * len(digest) + len("".join([owner for owner, _ in digest]).encode())
        if room < 0 and chosen:
            break
        chosen.append(bucket)
    covered = tuple(sorted(chosen))
    return Syn(covered, node.holdings.digest(covered))


def answer(
    node: Node, buckets: tuple[int, ...], digest: Mapping[NodeId, Entry]
) -> tuple[tuple[tuple[NodeId, Delta], ...], NodeId]:
    """The records that the sender of a digest lacks, as far as there is room; and the owner that came first.

    The first place is for each owner in turn, so that none starves; the others come in the order of what
    there is of them, most first (Scuttlebutt, 3.2).
    """
    lacking = {owner: (copy, entry) for owner, copy, entry in _lacking(node, buckets, digest)}
    if not lacking:
        return (), node.first
    turn = min((owner for owner in lacking if owner > node.first), default=min(lacking))
    others = sorted(lacking.keys() - {turn}, key=lambda owner: (-_gap(*lacking[owner]), owner))
    room, deltas = node.config.room, list[tuple[NodeId, Delta]]()
    is_whole = node.config.keys is not None
    for owner in (turn, *others):
        # What may not be cut has room in the first place, where suspicions have made it grow, too.
        most = node.config.accepts if is_whole and owner == turn else room
        delta = delta_for(*lacking[owner], most, is_whole=is_whole)
        if delta is None:
            continue
        deltas.append((owner, delta))
        room -= total_size(delta.records)
        if room <= OWNER_BYTES:
            break
    return tuple(deltas), turn


def _gap(copy: Copy, entry: Entry) -> int:
    return copy.version - rules.starts_at(copy, entry)


def _lacking(
    node: Node, buckets: tuple[int, ...], digest: Mapping[NodeId, Entry]
) -> Iterator[tuple[NodeId, Copy, Entry]]:
    for owner, own in node.holdings.digest(buckets):
        entry = digest.get(owner, _NOTHING)
        if own != entry and rules.has_more(copy := node.holdings.get(owner), entry):
            yield owner, copy, entry


def delta_for(copy: Copy, entry: Entry, room: int, *, is_whole: bool) -> Delta | None:
    """The delta for the sender of a digest, as far as there is room; None if not even one record fits.

    Args:
        copy: what there is.
        entry: what the other one has.
        room: bytes.
        is_whole: True if it must not be cut, for its owner signed it.
    """
    begin = rules.starts_at(copy, entry)
    records = copy.above(begin)
    left, fitting = room - OWNER_BYTES, 0
    if left < 0:
        return None
    for key, record in records:
        left -= size_of(key, record)
        if left < 0:
            break
        fitting += 1
    end = max(copy.version, begin)
    if fitting < len(records):
        if is_whole or not fitting:
            return None
        end = reach(copy, begin, records[fitting - 1][1].version)
    return Delta(copy.generation, begin, end, copy.collected, tuple(records[:fitting]), copy.signature)


def reach(copy: Copy, begin: int, cut: int) -> int:  # noqa: ARG001 - the weakened rule of the spec reads them
    """The version up to which a delta that was cut behind this one goes (`Reach`)."""
    return cut


def merged(node: Node, owner: NodeId, delta: Delta) -> tuple[Copy, str]:
    """The copy of an owner after a delta, and the reason if it stays as it was.

    An owner takes nothing about itself from others. Where owners sign, what comes out must be what its owner
    signed.
    """
    copy = node.holdings.get(owner)
    if owner == node.name:
        return copy, "nobody else writes what is mine"
    if not rules.may_take_generation(delta, node.holdings.forgotten.get(owner, 0)):
        return copy, f"generation {delta.generation} of {owner!r} was forgotten"
    if rules.may_apply(copy, delta):
        after = rules.applied(copy, delta)
    elif rules.may_reset(copy, delta):
        after = rules.after_reset(delta)
    else:
        return copy, f"versions {delta.begin} to {delta.end} of {owner!r} do not fit to {copy.version}"
    if is_same(after, copy):
        return copy, f"nothing of {owner!r} is new"
    if not is_signed(after, owner, node.config):
        return copy, f"{owner!r} has not signed this"
    return after, ""


def is_same(one: Copy, other: Copy) -> bool:
    """Return whether two copies of an owner are equal but for their signatures."""
    return (one.generation, one.collected, one.version, one.records) == (
        other.generation,
        other.collected,
        other.version,
        other.records,
    )


def is_signed(copy: Copy, owner: NodeId, config: Config) -> bool:
    """Return whether the owner signed this state; True where owners sign nothing."""
    return config.keys is None or config.keys.verify(owner, copy.content(owner), copy.signature)


def with_copies(node: Node, copies: Mapping[NodeId, Copy]) -> Node:
    """The node with other copies of some owners, who perhaps come to the ring or leave it."""
    before = node.holdings
    after = attrs.evolve(node, holdings=before.put(copies))
    moved = [
        owner
        for owner, copy in copies.items()
        if before.get(owner).generation != copy.generation or owner in node.dead
    ]
    return ring.with_places(after, moved) if moved else after
