"""The write-ahead log: what a crash leaves, what damage does, whose it is."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.disk import Disk, ForgetfulDisk, RealDisk, SimulatedDisk
from node.errors import DamagedLog, NodeError
from node.wal import Identity, Log

ME = Identity("cluster", "n1")
GROUPS = st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=4), max_size=6)


def opened(disk: Disk, *, segment_bytes: int = 100) -> Log:
    return Log(disk, ME, segment_bytes=segment_bytes)


def flat(groups: Sequence[Sequence[bytes]]) -> list[bytes]:
    return [record for group in groups for record in group]


@given(GROUPS)
def test_a_log_has_what_was_committed_in_order(groups: list[list[bytes]]) -> None:
    disk = SimulatedDisk()
    for group in groups:
        opened(disk).commit(group)
    assert opened(disk).records == flat(groups)


@given(GROUPS, st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.integers(0, 400))
@settings(max_examples=200)
def test_a_crash_within_a_commit_leaves_all_before_it(
    groups: list[list[bytes]], last: list[bytes], kept: int
) -> None:
    class Stops(SimulatedDisk):
        stops = False

        def sync(self, name: str) -> None:
            if not self.stops:
                super().sync(name)

    disk = Stops()
    log = opened(disk)
    for group in groups:
        log.commit(group)
    disk.stops = True
    log.commit(last)
    disk.crash(kept)
    disk.stops = False
    found = opened(disk).records
    assert found in (flat(groups), flat([*groups, last]))
    assert opened(disk).records == found


@given(st.lists(st.lists(st.binary(min_size=1, max_size=40), min_size=1), min_size=1, max_size=5), st.data())
@settings(max_examples=300)
def test_one_flipped_bit_is_never_read_as_other_records(
    groups: list[list[bytes]], data: st.DataObject
) -> None:
    disk = SimulatedDisk()
    log = opened(disk)
    for group in groups:
        log.commit(group)
    name = data.draw(st.sampled_from(disk.names()))
    disk.flip(name, data.draw(st.integers(0, 8 * len(disk.read(name)) - 1)))
    with pytest.raises(DamagedLog):
        opened(disk)


def test_a_sector_that_was_never_written_is_torn() -> None:
    disk = SimulatedDisk()
    log = opened(disk, segment_bytes=1 << 20)
    log.commit([b"kept"])
    size = len(disk.read(disk.names()[0]))
    log.commit([b"x" * 3000])
    content = bytearray(disk.read(disk.names()[0]))
    content[1024:1536] = bytes(512)
    disk.truncate(disk.names()[0], 0)
    disk.append(disk.names()[0], bytes(content))
    again = opened(disk, segment_bytes=1 << 20)
    assert (again.records, again.torn_bytes) == ([b"kept"], len(content) - size)


def test_a_segment_that_is_missing_is_refused() -> None:
    disk = SimulatedDisk()
    log = opened(disk)
    for _ in range(6):
        log.commit([b"x" * 60])
    assert log.segments > 2
    del disk._seen["wal-00000002.log"]
    with pytest.raises(DamagedLog, match=r"wal-00000002.log should be"):
        opened(disk)


@pytest.mark.parametrize("other", [Identity("cluster", "n2"), Identity("another", "n1")])
def test_the_log_of_another_node_is_refused(other: Identity) -> None:
    disk = SimulatedDisk()
    Log(disk, other)
    with pytest.raises(NodeError, match="belongs to node"):
        opened(disk)


def test_a_commit_of_many_records_is_one_sync() -> None:
    disk = SimulatedDisk()
    log = opened(disk, segment_bytes=1 << 20)
    before = disk.syncs
    log.commit([b"x"] * 100)
    assert disk.syncs == before + 1


@pytest.mark.parametrize("kind", [RealDisk, ForgetfulDisk])
def test_a_folder_holds_what_was_committed(tmp_path: Path, kind: type[RealDisk]) -> None:
    disk = kind(tmp_path / "data")
    opened(disk).commit([b"a", b"b"])
    opened(disk).commit([b"c"])
    disk.close()
    assert opened(RealDisk(tmp_path / "data")).records == [b"a", b"b", b"c"]


def test_a_forgetful_disk_loses_what_was_not_synced(tmp_path: Path) -> None:
    disk = ForgetfulDisk(tmp_path / "data")
    opened(disk).commit([b"a"])
    disk.append("wal-00000001.log", b"never synced")
    disk.close()
    assert opened(RealDisk(tmp_path / "data")).records == [b"a"]


def test_a_folder_serves_one_process(tmp_path: Path) -> None:
    disk = RealDisk(tmp_path / "data")
    with pytest.raises(NodeError, match="in use"):
        RealDisk(tmp_path / "data")
    disk.close()
