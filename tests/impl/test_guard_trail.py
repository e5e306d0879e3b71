"""The audit trail: whatever is done to it afterwards shows, but for what no chain can show."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from impl.guard import Append, Break, Entry, Late, first_start, genesis, step, trail, verify_chain
from impl.pbft import digest
from tests.impl.pbft_nodes import config, names


def written(count: int = 12, node: str = "r2") -> list[Entry]:
    """The trail of a guard to whom others came late."""
    guard, found = first_start(config(node)), []
    for number in range(count):
        guard, effects = step(guard, Late(names(4)[number % 4], 1 + number))
        found += [effect.entry for effect in effects if isinstance(effect, Append)]
    assert guard.head == (digest(found[-1]) if found else genesis(node))
    return found


WHOLE = written()
HEAD = digest(WHOLE[-1])


def test_what_a_guard_writes_is_whole_and_begins_at_one() -> None:
    assert len(WHOLE) == 12
    assert [entry.number for entry in WHOLE] == list(range(1, 13))
    assert verify_chain(WHOLE, node="r2") is None
    assert verify_chain(WHOLE, node="r2", head=HEAD) is None
    assert verify_chain([], node="r2") is None


def test_a_head_of_any_time_before_is_still_in_it() -> None:
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
    """An entry is taken out, and those behind it get other numbers."""
    return [*entries[:place], *(attrs.evolve(each, number=each.number - 1) for each in entries[place + 1 :])]


def _cut_off(entries: Sequence[Entry], place: int) -> list[Entry]:
    return list(entries[place + 1 :])


#: What is done to an entry -> how far behind it the break shows.
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


def test_a_beginning_that_was_cut_off_shows_at_once() -> None:
    for place in range(len(WHOLE) - 1):
        assert verify_chain(_cut_off(WHOLE, place), node="r2") == Break(
            0, f"entry {place + 2} stands where 1 belongs"
        )


def test_another_replicas_trail_is_none() -> None:
    found = verify_chain(WHOLE, node="r1")
    assert found == Break(0, "entry 1 does not follow the one before it, or that was altered")


def _rewritten(entries: Sequence[Entry], place: int) -> list[Entry]:
    """An entry is altered, and all behind it are chained to it anew."""
    found = list(entries[:place])
    for entry in entries[place:]:
        previous = digest(found[-1]) if found else genesis("r2")
        found.append(attrs.evolve(entry, previous=previous, score=1))
    return found


@pytest.mark.parametrize("place", range(12))
def test_an_end_that_was_cut_off_or_written_anew_shows_only_against_a_head_that_is_known(place: int) -> None:
    """Docstring of `impl.guard.trail`: this is what no chain can show by itself."""
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
def test_what_is_no_entry_breaks_the_chain(junk: Any) -> None:
    found = verify_chain([*WHOLE[:3], junk], node="r2")
    assert found is not None
    assert found.place == 3


@pytest.mark.parametrize(
    ("field", "junk"),
    [("number", True), ("number", 1 << 70), ("detail", "\ud800"), ("score", "1"), ("previous", None)],
)
def test_a_field_that_is_not_as_it_should_be_breaks_the_chain(field: str, junk: Any) -> None:
    found = verify_chain([attrs.evolve(WHOLE[0], **{field: junk}), *WHOLE[1:]], node="r2")
    assert found == Break(0, f"{field} is not as it should be")


def _forged(entries: Sequence[Entry], field: str, hashed: Callable[[object], str]) -> list[Entry]:
    """One entry has another value in a field, and the next one follows it; for `previous` that is all there is to it."""
    changed: dict[str, Any] = {"score": 3} if field in {"score", "previous"} else {field: "other"}
    altered = attrs.evolve(entries[4], **changed)
    return [*entries[:4], altered, attrs.evolve(entries[5], previous=hashed(altered)), *entries[6:]]


@pytest.mark.parametrize("field", ["previous", "score", "detail", "subject", "event", "evidence"])
def test_a_hash_that_leaves_out_a_field_would_miss_what_the_real_one_shows(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the hash of the entry before, an altered one is hidden by altering the next one too."""
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
