"""A PBFT replica as a node: its records, its messages as bytes, its keys, its clients."""

import json
import random
from pathlib import Path

import pytest

from impl import pbft
from node import pbft_core
from node.api import peer_message
from node.cluster import init_cluster, loopback
from node.disk import SimulatedDisk
from node.errors import BadFrame, DamagedLog, NodeError
from node.pbft_core import CODEC, MACHINE, PbftCore
from node.protocols import engine_of
from node.settings import Settings
from node.signing import make_keys, read_keys
from node.stamps import Stamp, Stamped
from node.storage import Storage
from node.wal import Identity

NAMES = ("n1", "n2", "n3", "n4")
REGISTER = json.dumps({"propose": json.dumps({"register": "x"})})


def cores() -> dict[str, PbftCore]:
    return {name: PbftCore(name, NAMES, pbft.SymbolicKeys(name), 1) for name in NAMES}


def asked(timestamp: int, operation: pbft.Value = REGISTER) -> pbft.Request:
    plain = pbft.Request(client="c1", timestamp=timestamp, operation=operation)
    return pbft.signed(plain, pbft.SymbolicKeys("c1"))


class Cluster:
    """Four replicas, each with a disk, that hear of each other at once, or with `leaves` change views."""

    def __init__(self) -> None:
        self.cores = cores()
        self.states = {name: core.first() for name, core in self.cores.items()}
        self.disks = {name: SimulatedDisk() for name in NAMES}
        self.storages = {name: self.storage(name) for name in NAMES}
        self.results: list[pbft.Value] = []
        self.bytes: list[bytes] = []
        for name, storage in self.storages.items():
            storage.stage(None, self.states[name].durable)
            storage.commit()

    def storage(self, name: str) -> Storage:
        return Storage(self.cores[name], self.disks[name], Identity("cluster", name))

    def give(self, name: str, inp: pbft.Input) -> None:
        """Step a replica, and all others by what it sends."""
        todo = [(name, inp)]
        while todo:
            at, given = todo.pop(0)
            core, before = self.cores[at], self.states[at]
            read = CODEC.decode(CODEC.encode(given))
            assert read == given
            self.states[at], effects = core.step(before, read)
            self.storages[at].stage(before.durable, self.states[at].durable)
            self.storages[at].commit()
            todo += [(dest, core.received(message)) for dest, message in core.sends(effects)]
            self.results += [
                each.message.result
                for each in effects
                if isinstance(each, pbft.Send) and isinstance(each.message, pbft.Reply)
            ]

    def order(self, timestamp: int) -> None:
        """Let a request be ordered, beyond each checkpoint and a view change."""
        request = asked(timestamp)
        for name in NAMES:
            self.give(name, pbft.Receive(request))
        primary = next(name for name, state in self.states.items() if state.is_primary)
        self.give(primary, pbft.Propose((request,)))


@pytest.fixture(scope="module")
def run() -> Cluster:
    """A run with two checkpoints and a view change."""
    cluster = Cluster()
    for timestamp in range(1, 12):
        cluster.order(timestamp)
    cluster.give("n2", pbft.Receive(asked(20)))
    for name in ("n2", "n3", "n4"):
        cluster.give(name, pbft.Timeout())
    for timestamp in range(30, 37):
        cluster.order(timestamp)
    return cluster


def test_a_run_meets_checkpoints_and_a_view_change(run: Cluster) -> None:
    durable = run.states["n1"].durable
    assert durable.view >= 1
    assert durable.stable.seq >= 2 * pbft_core.INTERVAL


@pytest.mark.parametrize("name", NAMES)
def test_a_replica_comes_back_with_all_that_it_held(run: Cluster, name: str) -> None:
    core = run.cores[name]
    found = run.storage(name).durable
    assert found == run.states[name].durable
    assert core.durable_digest(found) == core.durable_digest(run.states[name].durable)


def test_replicas_answer_a_request_alike(run: Cluster) -> None:
    first = run.results[:4]
    assert len(set(first)) == 1
    assert json.loads(str(first[0])) == {"answer": {"Registered": {"client": 1}}}


def test_a_log_that_does_not_say_all_is_refused() -> None:
    with pytest.raises(DamagedLog, match="does not say leaving"):
        pbft_core.restored([pbft_core.Set("view", 1)])


def test_a_record_that_removes_nothing_is_refused() -> None:
    with pytest.raises(DamagedLog, match="record 1"):
        pbft_core.restored([pbft_core.Removed("accepted", (1,))])


@pytest.mark.parametrize(
    "operation",
    [
        None,
        5,
        b"x",
        "",
        "[]",
        '{"propose": "x"}',
        '{"read": 1}',
        '{"propose": "{\\"operation\\": 5}"}',
        '{"propose": "{\\"client\\": 1, \\"sequence\\": 1, \\"operation\\": {\\"Custom\\": 5}}"}',
    ],
)
def test_the_service_refuses_what_is_no_request(operation: pbft.Value) -> None:
    """A client may ask for anything: no replica may end of it, and the state stays."""
    value, result = MACHINE.apply(MACHINE.initial, asked(1, operation))
    assert value == MACHINE.initial
    assert json.loads(str(result))["is_wrong"]


def test_a_message_between_replicas_is_no_reply() -> None:
    reply = pbft.Reply(view=0, client="c1", timestamp=1, result=None, source="n2")
    body = CODEC.encode(Stamped(Stamp("n2", 1, 1, 0), reply))
    with pytest.raises(BadFrame, match="no message between replicas"):
        peer_message(cores()["n1"], body, "n2")


@pytest.mark.parametrize("digits", ["0", "xx", "AB", 5])
def test_bytes_are_hexadecimal_digits_in_one_form(digits: object) -> None:
    with pytest.raises(BadFrame):
        CODEC.value({"bytes": digits})


def test_a_cluster_of_three_is_too_small_for_pbft(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="use 4 nodes or more"):
        init_cluster(tmp_path / "c", loopback(3, protocol="pbft"))
    assert not (tmp_path / "c").exists()


def test_a_node_without_keys_is_told_who_makes_them(tmp_path: Path) -> None:
    settings = loopback(4, protocol="pbft")
    with pytest.raises(NodeError, match="python -m node init"):
        engine_of(settings, "n1", tmp_path, random.Random(0))


def test_a_secret_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    make_keys({"n1": tmp_path})
    (tmp_path / "signing.key").chmod(0o644)
    with pytest.raises(NodeError, match="chmod 600"):
        read_keys(tmp_path, ["n1"])


def test_a_node_whose_public_key_is_missing_is_named(tmp_path: Path) -> None:
    make_keys({"n1": tmp_path})
    with pytest.raises(NodeError, match="no public key of n2"):
        read_keys(tmp_path, ["n1", "n2"])


def test_the_threshold_is_what_so_many_nodes_tolerate() -> None:
    places = loopback(7).places
    assert Settings(places, protocol="pbft").faults == 2
