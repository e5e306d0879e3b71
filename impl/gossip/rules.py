"""The rules on which safety rests, named as in specs/gossip/Gossip.tla.

For each of them the spec has a wrong variant that the checks must catch. The spec's `Copy` has fields `gen`,
`gc`, `max` and `recs`, here `generation`, `collected`, `version` and `records`.
"""

from impl.gossip.records import Copy, Delta, Entry, Key, Level, Record, without_tombstones

__all__ = [
    "after_reset",
    "applied",
    "connects",
    "has_more",
    "is_news",
    "may_apply",
    "may_lack_tombstone",
    "may_reset",
    "may_take_generation",
    "next_generation",
    "outdone",
    "starts_at",
]


def has_more(copy: Copy, entry: Entry) -> bool:
    """Return whether a copy has something for the sender of this digest."""
    if copy.generation != entry.generation:
        return copy.generation > entry.generation
    return not entry.is_gone and (copy.version > entry.version or copy.collected > entry.collected)


def may_lack_tombstone(copy: Copy, entry: Entry) -> bool:
    """Return whether the sender may lack a collected tombstone, so that only a reset helps."""
    return copy.collected > entry.collected and copy.collected > entry.version


def starts_at(copy: Copy, entry: Entry) -> int:
    """The version above which a delta begins."""
    if entry.is_gone or copy.generation != entry.generation or may_lack_tombstone(copy, entry):
        return 0
    return entry.version


def may_take_generation(delta: Delta, forgotten: int) -> bool:
    """Return whether a generation may be accepted: a forgotten one must not come back."""
    return delta.generation > forgotten


def connects(copy: Copy, delta: Delta) -> bool:
    """Return whether there is no gap between copy and delta."""
    return delta.begin <= copy.version


def may_apply(copy: Copy, delta: Delta) -> bool:
    """Return whether a delta may be added to a copy: no collected tombstone can be missing between the two.

    The sender has collected as far as this copy, or further but within the reach of this copy. It may also
    have collected less, unless the copy is within a reset: then a record that the sender still has may have
    been deleted since.
    """
    if delta.generation != copy.generation or not connects(copy, delta):
        return False
    if delta.collected >= copy.collected:
        return delta.collected == copy.collected or delta.collected <= copy.version
    return copy.version >= copy.collected


def may_reset(copy: Copy, delta: Delta) -> bool:
    """Return whether a delta may replace a copy: it is whole from below, and the copy is older."""
    older = delta.generation > copy.generation or (
        delta.generation == copy.generation and delta.collected > copy.collected
    )
    return delta.begin == 0 and older


def is_news(copy: Copy, record: Record) -> bool:
    """Return whether a copy takes this record of a delta."""
    return record.version > copy.version


def applied(copy: Copy, delta: Delta) -> Copy:
    """The copy with a delta added to it."""
    collected = max(copy.collected, delta.collected)
    news: dict[Key, Record] = {key: record for key, record in delta.records if is_news(copy, record)}
    records = without_tombstones({**copy.records, **news}, collected)
    return Copy(copy.generation, collected, max(copy.version, delta.end), records, delta.signature)


def after_reset(delta: Delta) -> Copy:
    """The copy that a delta alone makes."""
    return Copy(delta.generation, delta.collected, delta.end, dict(delta.records), delta.signature)


def outdone(level: Level) -> Level:
    """The level of a node after a refutation."""
    return Level(level.generation, level.incarnation + 1)


def next_generation(generation: int) -> int:
    """The generation in which a node goes on after it lost its keys or was forgotten."""
    return generation + 1
