"""The audit trail: every later change shows, except those that no hash chain can show."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from impl.guard import Append, Break, Entry, Late, first_start, genesis, step, trail, verify_chain
from impl.pbft import digest
from tests.impl.pbft_nodes import config, names, only


def written(count: int = 12, node: str = "r2") -> list[Entry]:
    """The trail of a guard that observed late replicas."""
    guard, found = first_start(config(node)), []
    for number in range(count):
        guard, effects = step(guard, Late(names(4)[number % 4], 1 + number))
        found += [effect.entry for effect in only(effects, Append)]
    assert guard.head == (digest(found[-1]) if found else genesis(node))
    return found


WHOLE = written()
HEAD = digest(WHOLE[-1])


def test_a_guards_trail_is_whole_and_begins_at_one() -> None:
    assert len(WHOLE) == 12
    assert [entry.number for entry in WHOLE] == list(range(1, 13))
    assert verify_chain(WHOLE, node="r2") is None
    assert verify_chain(WHOLE, node="r2", head=HEAD) is None
    assert verify_chain([], node="r2") is None


def test_every_earlier_head_is_in_the_trail() -> None:
    for head in (genesis("r2"), *map(digest, WHOLE)):
        assert verify_chain(WHOLE, node="r2", head=head) is None


def _altered(entries: Sequence[Entry], place: int) -> list[Entry]:
    return [*entries[:place], attrs.evolve(entries[place], score=50), *entries[place + 1 :]]


def _removed(entries: Sequence[Entry], place: int) -> list[Entry]:
    return [*entries[:place], *entries[place + 1 :]]


def _doubled(entries: Sequence[Entry], place: int) -> list[Entry]:
    return [*entries[: place + 1], *entries[place:]]


def _exchanged(entries: Sequence[Entry], place: int) -> list[Entry]:
    return [*entries[:place], entries[place + 1], entries[place], *entries[place + 2 :]]


def _renumbered(entries: Sequence[Entry], place: int) -> list[Entry]:
    """Remove an entry and renumber its successors."""
    return [*entries[:place], *(attrs.evolve(each, number=each.number - 1) for each in entries[place + 1 :])]


def _cut_off(entries: Sequence[Entry], place: int) -> list[Entry]:
    return list(entries[place + 1 :])


#: Manipulation of an entry -> distance behind it at which the break shows.
HARM: dict[Callable[[Sequence[Entry], int], list[Entry]], int] = {
    _altered: 1,
    _removed: 0,
    _doubled: 1,
    _exchanged: 0,
    _renumbered: 0,
}


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
def test_the_first_broken_link_is_found(harm: Callable[[Sequence[Entry], int], list[Entry]]) -> None:
    for place in range(len(WHOLE) - 1):
        found = verify_chain(harm(WHOLE, place), node="r2")
        assert found is not None
        assert found.place == place + HARM[harm]


def test_a_cut_off_beginning_breaks_the_chain_at_once() -> None:
    for place in range(len(WHOLE) - 1):
        assert verify_chain(_cut_off(WHOLE, place), node="r2") == Break(
            0, f"entry {place + 2} stands where 1 belongs"
        )


def test_the_trail_of_another_replica_is_refused() -> None:
    found = verify_chain(WHOLE, node="r1")
    assert found == Break(0, "entry 1 does not follow the one before it, or that was altered")


def _rewritten(entries: Sequence[Entry], place: int) -> list[Entry]:
    """Alter an entry and chain all its successors to it anew."""
    found = list(entries[:place])
    for entry in entries[place:]:
        previous = digest(found[-1]) if found else genesis("r2")
        found.append(attrs.evolve(entry, previous=previous, score=1))
    return found


@pytest.mark.parametrize("place", range(12))
def test_a_cut_or_rewritten_end_shows_only_against_a_known_head(place: int) -> None:
    """The limit that `impl.guard.trail` documents: no chain can show this by itself."""
    for forged in (WHOLE[:place], _rewritten(WHOLE, place)):
        assert verify_chain(forged, node="r2") is None
        found = verify_chain(forged, node="r2", head=HEAD)
        assert found is not None
        assert found.place == len(forged)


def test_an_altered_last_entry_shows_only_against_the_head() -> None:
    forged = _altered(WHOLE, 11)
    assert verify_chain(forged, node="r2") is None
    assert verify_chain(forged, node="r2", head=HEAD) is not None


@pytest.mark.parametrize("junk", [None, 1, "x", (), object(), object.__new__(Entry)])
def test_an_object_that_is_no_entry_breaks_the_chain(junk: Any) -> None:
    found = verify_chain([*WHOLE[:3], junk], node="r2")
    assert found is not None
    assert found.place == 3


@pytest.mark.parametrize(
    ("field", "junk"),
    [("number", True), ("number", 1 << 70), ("detail", "\ud800"), ("score", "1"), ("previous", None)],
)
def test_a_malformed_field_breaks_the_chain(field: str, junk: Any) -> None:
    found = verify_chain([attrs.evolve(WHOLE[0], **{field: junk}), *WHOLE[1:]], node="r2")
    assert found == Break(0, f"{field} is not as it should be")


def _forged(entries: Sequence[Entry], field: str, hashed: Callable[[object], str]) -> list[Entry]:
    """Change a field of one entry and chain the next one to it."""
    changed: dict[str, Any] = {"score": 3} if field in {"score", "previous"} else {field: "other"}
    altered = attrs.evolve(entries[4], **changed)
    return [*entries[:4], altered, attrs.evolve(entries[5], previous=hashed(altered)), *entries[6:]]


@pytest.mark.parametrize("field", ["previous", "score", "detail", "subject", "event", "evidence"])
def test_a_hash_without_a_field_misses_its_alteration(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its predecessor's hash, an altered entry is hidden by altering the next one too."""
    assert verify_chain(_forged(WHOLE, field, digest), node="r2", head=HEAD) == Break(
        6, "entry 7 does not follow the one before it, or that was altered"
    )

    def short(entry: object) -> str:
        return digest(tuple(getattr(entry, one.name) for one in attrs.fields(Entry) if one.name != field))

    chained: list[Entry] = []
    for entry in WHOLE:
        chained.append(attrs.evolve(entry, previous=short(chained[-1]) if chained else genesis("r2")))
    monkeypatch.setattr(
        trail, "digest", lambda value: short(value) if type(value) is Entry else digest(value)
    )
    assert verify_chain(_forged(chained, field, short), node="r2", head=short(chained[-1])) is None
