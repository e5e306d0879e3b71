"""Snapshots of the replicated state machine: equal states give equal bytes; anything else is refused."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impl.machine import (
    CreateCase,
    Custom,
    DamagedSnapshot,
    OrderedMap,
    Register,
    Request,
    initial,
    restore,
    snapshot,
)
from impl.machine.snapshot import _checksum
from tests.impl.machines import SMALL, logs, played

_THOROUGH = settings(max_examples=100, deadline=None)


@given(logs(), st.integers(0, 30))
@_THOROUGH
def test_a_restored_machine_continues_like_one_never_down(log: list[Any], place: int) -> None:
    before, _ = played(log[:place], initial(SMALL))
    restored = restore(snapshot(before))
    assert restored == before
    assert played(log[place:], restored) == played(log[place:], before)
    assert snapshot(restored) == snapshot(before)


def test_equal_content_gives_equal_bytes_whatever_its_history() -> None:
    """Servers compare checksums of their snapshots, whatever the histories behind them."""
    first, _ = played(
        [Register(), *(Request(1, k, CreateCase(str(k), "s")) for k in range(1, 30))], initial()
    )
    again = restore(snapshot(first))
    assert again.content.cases._root != first.content.cases._root  # trees of other shapes
    assert snapshot(again) == snapshot(first)


def test_the_snapshot_format_is_pinned() -> None:
    """If this fails, old snapshots cannot be read: a new format has a new version."""
    state, _ = played([Register(), Request(1, 1, Custom("r", 1, "ż"))], initial(SMALL))
    assert snapshot(state).hex() == PINNED
    assert restore(bytes.fromhex(PINNED)) == state


#: Head; limits and `applied`; then the maps, of which records and sessions have an item; the checksum.
PINNED = (
    "4b4e484b2d534d52000000010000000000000074"
    "000000000000000200000000000000080000000000000002"
    "00000000000000000000000000000000000000000000000000000000000000000000000000000001"
    "0000000172000000000000000100000002c5bc000000000000000100000000000000010000000000"
    "000002000000000000000101352ca535a80b2ff2"
)


@given(logs(), st.data())
@_THOROUGH
def test_a_snapshot_with_any_changed_byte_is_refused(log: list[Any], data: st.DataObject) -> None:
    good = snapshot(played(log, initial(SMALL))[0])
    place = data.draw(st.integers(0, len(good) - 1))
    flipped = good[place] ^ data.draw(st.integers(1, 255))
    with pytest.raises(DamagedSnapshot):
        restore(good[:place] + bytes([flipped]) + good[place + 1 :])


@given(logs(), st.integers(1, 400), st.binary(min_size=1, max_size=9))
@_THOROUGH
def test_a_truncated_or_extended_snapshot_is_refused(log: list[Any], cut: int, more: bytes) -> None:
    good = snapshot(played(log, initial(SMALL))[0])
    for bad in (good[:-cut], good + more, more + good):
        with pytest.raises(DamagedSnapshot):
            restore(bad)


@given(logs(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_restored_state_has_that_snapshot_despite_a_forged_checksum(
    log: list[Any], data: st.DataObject
) -> None:
    """Nothing but `DamagedSnapshot` is raised, and no state has two snapshots."""
    good = bytearray(snapshot(played(log, initial(SMALL))[0])[:-8])
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(20, len(good) - 1))] = data.draw(
            st.sampled_from([0, 1, 2, 3, 7, 97, 195, 255])
        )
    forged = bytes(good) + _checksum(bytes(good))
    try:
        state = restore(forged)
    except DamagedSnapshot:
        return
    assert snapshot(state) == forged


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"", "0 bytes are too few: a snapshot has 28 or more"),
        (b"GIF89a.." + bytes(30), "it begins with b'GIF89a..', and a snapshot with b'KNHK-SMR'"),
        (b"KNHK-SMR" + (2).to_bytes(4, "big") + bytes(30), "version 2: this program reads version 1 only"),
        (snapshot(initial())[:-3], "it has 97 bytes, and 100 by its own account"),
        (snapshot(initial())[:-1] + b"?", "the checksum is .* some of them have changed"),
    ],
)
def test_a_damaged_snapshot_is_refused_with_its_defect(bad: bytes, says: str) -> None:
    with pytest.raises(DamagedSnapshot, match=says):
        restore(bad)


# --- the map beneath ----------------------------------------------------------------------------


def _depth(node: Any) -> int:
    return 0 if node is None else 1 + max(_depth(node.left), _depth(node.right))


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=120))
@_THOROUGH
def test_a_map_is_an_ordered_persistent_dictionary(steps: list[tuple[int, bool]]) -> None:
    now: OrderedMap[int, str] = OrderedMap()
    twin: dict[int, str] = {}
    versions = [(now, dict(twin))]
    for number, (key, is_put) in enumerate(steps):
        if is_put:
            now, twin[key] = now.put(key, str(number)), str(number)
        else:
            now = now.remove(key)
            twin.pop(key, None)
        versions.append((now, dict(twin)))
    for version, expected in versions:
        assert list(version.items()) == sorted(expected.items())
        assert len(version) == len(expected)
        assert all(version.get(key) == expected.get(key) for key in range(61))
        assert version == OrderedMap.of_sorted(sorted(expected.items())) == OrderedMap.of(expected.items())


@pytest.mark.parametrize("step", [1, -1, 7])
def test_a_map_stays_shallow_for_any_key_order(step: int) -> None:
    """Case ids often count up: a tree that followed them would be a list."""
    keys = [number * step % 1_009 for number in range(1_000)]
    full = OrderedMap.of((key, "x") for key in keys)
    assert _depth(full._root) <= 20
    for key in keys[:900]:
        full = full.remove(key)
    assert _depth(full._root) <= 15
