"""Copies, digests and deltas at the bounds of each rule, worked out from specs/gossip/Gossip.tla.

Random play seldom meets a number at its bound, and a node that sends too much breaks no property: it is
merely slow. So each rule is asked on both sides of each of its comparisons.
"""

from collections.abc import Iterator
from typing import Final

import attrs

from impl.gossip import Copy, Delta, Entry, Record, rules
from impl.gossip.records import DELETED, Level
from tlacheck.verify import Context, Outcome

__all__ = ["near_misses"]

#: Generation 2, tombstones collected up to 4, version 7.
_COPY: Final = Copy(2, 4, 7, {"k": Record(3, "x"), "l": Record(7, "y")})
_ENTRY: Final = Entry(2, 4, 7)
#: Generation 2, the records above 7 and up to 9, collected up to 4.
_DELTA: Final = Delta(2, 7, 9, 4, (("k", Record(8, "z")), ("m", Record(9, DELETED))), b"signed")


def _sending() -> Iterator[tuple[str, bool]]:
    """The copy against what the digest of another node says."""
    for what, entry, more in (
        ("as much", _ENTRY, False),
        ("an earlier generation", _ENTRY._replace(generation=1), True),
        ("an earlier generation, with more in it", Entry(1, 9, 9), True),
        ("an earlier generation, forgotten", Entry(1, is_gone=True), True),
        ("a later generation", Entry(3, 0, 0), False),
        ("a version less", _ENTRY._replace(version=6), True),
        ("a version more", _ENTRY._replace(version=8), False),
        ("less collected", _ENTRY._replace(collected=3), True),
        ("less collected, a version more", Entry(2, 3, 8), True),
        ("more collected", _ENTRY._replace(collected=5), False),
        ("more collected, a version less", Entry(2, 5, 6), True),
        ("this generation, forgotten", Entry(2, is_gone=True), False),
    ):
        yield f"who has {what} lacks something: {more}", rules.has_more(_COPY, entry) is more
    for what, entry, begin in (
        ("as much", _ENTRY, 7),
        ("a version less", _ENTRY._replace(version=6), 6),
        ("less collected, all versions", _ENTRY._replace(collected=3), 7),
        ("less collected, a version beyond", Entry(2, 3, 5), 5),
        ("less collected, the versions up to there", Entry(2, 3, 4), 4),
        ("less collected, a version below", Entry(2, 3, 3), 0),
        ("as much collected, a version below", Entry(2, 4, 3), 3),
        ("another generation", Entry(1, 4, 6), 0),
        ("a later generation", Entry(3, 4, 6), 0),
        ("forgotten it", Entry(2, 4, 6, is_gone=True), 0),
    ):
        yield f"to who has {what}, a delta begins at {begin}", rules.starts_at(_COPY, entry) == begin
    for collected, version, may in ((3, 3, True), (4, 3, False), (3, 4, False), (5, 3, False), (3, 5, False)):
        lacks = rules.may_lack_tombstone(_COPY, Entry(2, collected, version))
        yield f"at {version}, collected to {collected}, it may lack a tombstone: {may}", lacks is may


def _taking() -> Iterator[tuple[str, bool]]:
    """The copy against a delta that came."""
    for forgotten, may in ((1, True), (2, False), (3, False)):
        yield (
            f"generation 2 after {forgotten} was forgotten: {may}",
            rules.may_take_generation(_DELTA, forgotten) is may,
        )
    for begin, connected in ((6, True), (7, True), (8, False)):
        found = rules.connects(_COPY, _DELTA._replace(begin=begin))
        yield f"a delta above {begin} connects to 7: {connected}", found is connected
    within = attrs.evolve(_COPY, version=3)
    for what, copy, delta, may in (
        ("as it is", _COPY, _DELTA, True),
        ("of a later generation", _COPY, _DELTA._replace(generation=3), False),
        ("of an earlier generation", _COPY, _DELTA._replace(generation=1), False),
        ("with a gap", _COPY, _DELTA._replace(begin=8), False),
        ("collected within reach", _COPY, _DELTA._replace(collected=7), True),
        ("collected beyond reach", _COPY, _DELTA._replace(collected=8), False),
        ("collected less", _COPY, _DELTA._replace(collected=3), True),
        ("collected as much, to a copy within a reset", within, _DELTA._replace(begin=3), True),
        ("collected less, to a copy within a reset", within, _DELTA._replace(begin=3, collected=3), False),
        (
            "collected less, to a copy that a reset has just filled",
            attrs.evolve(_COPY, version=4),
            _DELTA._replace(begin=3, collected=3),
            True,
        ),
    ):
        yield f"a delta {what} is added: {may}", rules.may_apply(copy, delta) is may
    whole = _DELTA._replace(begin=0)
    for what, delta, may in (
        ("collected as much", whole, False),
        ("collected more", whole._replace(collected=5), True),
        ("collected less", whole._replace(collected=3), False),
        ("of a later generation", whole._replace(generation=3, collected=0), True),
        ("of an earlier generation", whole._replace(generation=1, collected=9), False),
        ("of a later generation, not whole", whole._replace(generation=3, begin=1), False),
        ("collected more, not whole", whole._replace(collected=5, begin=1), False),
    ):
        yield f"a delta {what} replaces: {may}", rules.may_reset(_COPY, delta) is may


def _results() -> Iterator[tuple[str, bool]]:
    """The copies that deltas make."""
    added = Copy(2, 4, 9, {"k": Record(8, "z"), "l": Record(7, "y"), "m": Record(9, DELETED)}, b"signed")
    yield "a delta is added", rules.applied(_COPY, _DELTA) == added
    late = Delta(2, 0, 6, 3, (("k", Record(3, "old")), ("l", Record(6, "old"))), b"late")
    yield "a late one changes no record", rules.applied(_COPY, late) == attrs.evolve(_COPY, signature=b"late")
    same = Delta(2, 0, 7, 4, (("l", Record(7, "other")),), b"late")
    yield "nor does one up to the same version", rules.applied(_COPY, same).records == _COPY.records
    held = attrs.evolve(_COPY, collected=2, records={**_COPY.records, "d": Record(5, DELETED)})
    for collected, is_there in ((4, True), (5, False)):
        delta = Delta(2, 7, 7, collected, ())
        yield (
            f"collected to {collected}, a tombstone of 5 is there: {is_there}",
            ("d" in rules.applied(held, delta).records) is is_there
            and rules.applied(held, delta).collected == collected,
        )
    made = Copy(2, 4, 9, dict(_DELTA.records), b"signed")
    yield "a reset makes the copy of a delta", rules.after_reset(_DELTA) == made
    yield "a refutation outdoes by one", rules.outdone(Level(2, 3)) == Level(2, 4)
    yield "the next generation is the next", rules.next_generation(2) == 3


def near_misses(context: Context) -> Outcome:
    """The worked cases of what is sent, what is taken, and what it makes."""
    context.progress("worked cases")
    cases = [*_sending(), *_taking(), *_results()]
    return Outcome.of_cases("NearMisses", cases, context.seed)
