"""A replica of PBFT or HotStuff as a node: its records, its messages as bytes, its keys, its clients."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from impl import hotstuff, pbft
from node import bft_core, hotstuff_core, pbft_core
from node.api import peer_message
from node.bft_core import BftCore
from node.cluster import init_cluster, loopback
from node.disk import SimulatedDisk
from node.errors import BadFrame, DamagedLog, NodeError
from node.hotstuff_core import HotStuffCore
from node.pbft_core import PbftCore
from node.protocols import engine_of
from node.service import MACHINE
from node.settings import BFT, Settings
from node.signing import make_keys, read_keys
from node.stamps import Stamp, Stamped
from node.storage import Storage
from node.wal import Identity

NAMES = ("n1", "n2", "n3", "n4")
REGISTER = json.dumps({"propose": json.dumps({"register": "x"})})


def asked(timestamp: int, operation: pbft.Value = REGISTER) -> pbft.Request:
    plain = pbft.Request(client="c1", timestamp=timestamp, operation=operation)
    return pbft.signed(plain, pbft.SymbolicKeys("c1"))


class Cluster:
    """Four replicas, each with a disk, that hear of each other at once."""

    def __init__(self, kind: type[PbftCore | HotStuffCore]) -> None:
        self.cores = {name: kind(name, NAMES, pbft.SymbolicKeys(name), 1) for name in NAMES}
        self.states: dict[str, Any] = {name: core.first() for name, core in self.cores.items()}
        self.disks = {name: SimulatedDisk() for name in NAMES}
        self.storages = {name: self.storage(name) for name in NAMES}
        self.results: list[pbft.Value] = []
        self.kinds: set[type[Any]] = set()
        self.deaf: set[str] = set()
        for name, storage in self.storages.items():
            storage.stage(None, self.states[name].durable)
            storage.commit()

    def storage(self, name: str) -> Storage:
        return Storage(self.cores[name], self.disks[name], Identity("cluster", name))

    def give(self, name: str, inp: Any) -> None:
        """Step a replica, and all others by what it sends; those that are deaf hear nothing."""
        todo = [(name, inp)]
        while todo:
            at, given = todo.pop(0)
            core, before = self.cores[at], self.states[at]
            read = core.codec.decode(core.codec.encode(given))
            assert read == given
            self.kinds.add(type(core.message_in(read)))
            self.states[at], effects = core.step(before, read)
            self.storages[at].stage(before.durable, self.states[at].durable)
            self.storages[at].commit()
            todo += [
                (dest, core.received(message))
                for dest, message in core.sends(effects)
                if dest == at or not {dest, at} & self.deaf
            ]
            self.results += [
                each.message.result
                for each in effects
                if isinstance(each, core.impl.Send) and isinstance(each.message, pbft.Reply)
            ]

    def ask(self, timestamp: int) -> pbft.Request:
        """Give all a request of a client."""
        request = asked(timestamp)
        for name in NAMES:
            self.give(name, self.cores[name].received(request))
        return request


def run_of_pbft() -> Cluster:
    """A run with two checkpoints and a view change."""
    cluster = Cluster(PbftCore)

    def order(timestamp: int) -> None:
        request = cluster.ask(timestamp)
        primary = next(name for name, state in cluster.states.items() if state.is_primary)
        cluster.give(primary, pbft.Propose((request,)))

    for timestamp in range(1, 12):
        order(timestamp)
    cluster.give("n2", pbft.Receive(asked(20)))
    for name in ("n2", "n3", "n4"):
        cluster.give(name, pbft.Timeout())
    for timestamp in range(30, 37):
        order(timestamp)
    durable = cluster.states["n1"].durable
    assert durable.view >= 1
    assert durable.stable.seq >= 2 * pbft_core.INTERVAL
    return cluster


def run_of_hotstuff() -> Cluster:
    """A run in which one replica hears nothing for a while, twice: views end by time-outs."""
    cluster = Cluster(HotStuffCore)

    def order(timestamp: int) -> None:
        cluster.ask(timestamp)
        hearing = [name for name in NAMES if name not in cluster.deaf]
        while any(hotstuff.is_waiting(cluster.states[name]) for name in hearing):
            batches = {name: hotstuff.ready(cluster.states[name]) for name in hearing}
            leader = next((name for name, batch in batches.items() if batch is not None), "")
            if leader:
                cluster.give(leader, hotstuff.Propose(batches[leader] or ()))
                continue
            view = min(cluster.states[name].view for name in hearing)
            for name in hearing:
                if cluster.states[name].view == view:
                    cluster.give(name, hotstuff.TimerFired())

    for timestamp in range(1, 4):
        order(timestamp)
    for first, count in ((10, 1), (20, hotstuff_core.RETAINED // 2)):  # it gets blocks, then a state
        cluster.deaf = {"n4"}
        for timestamp in range(first, first + count):
            order(timestamp)
        cluster.deaf = set()
        cluster.give("n4", hotstuff.TimerFired())
    for timestamp in range(200, 203):
        order(timestamp)
    assert cluster.states["n1"].durable.entry is not None
    assert len({state.durable.state for state in cluster.states.values()}) == 1
    assert cluster.kinds >= {*HotStuffCore.messages, type(None)}
    return cluster


@pytest.fixture(scope="module", params=[run_of_pbft, run_of_hotstuff])
def run(request: pytest.FixtureRequest) -> Cluster:
    """A run of one of the protocols."""
    cluster: Cluster = request.param()
    return cluster


@pytest.fixture
def core() -> PbftCore:
    """The core of a replica."""
    return PbftCore("n1", NAMES, pbft.SymbolicKeys("n1"), 1)


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


def test_a_log_that_does_not_say_all_is_refused(core: BftCore) -> None:
    with pytest.raises(DamagedLog, match="does not say leaving"):
        core.restored([bft_core.Set("view", 1)])


def test_a_record_that_removes_nothing_is_refused(core: BftCore) -> None:
    with pytest.raises(DamagedLog, match="record 1"):
        core.restored([bft_core.Removed("accepted", (1,))])


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


def test_a_message_between_replicas_is_no_reply(core: BftCore) -> None:
    reply = pbft.Reply(view=0, client="c1", timestamp=1, result=None, source="n2")
    body = core.codec.encode(Stamped(Stamp("n2", 1, 1, 0), reply))
    with pytest.raises(BadFrame, match="no message between replicas"):
        peer_message(core, body, "n2")


@pytest.mark.parametrize("digits", ["0", "xx", "AB", 5])
def test_bytes_are_hexadecimal_digits_in_one_form(core: BftCore, digits: object) -> None:
    with pytest.raises(BadFrame):
        core.codec.value({"bytes": digits})


@pytest.mark.parametrize("protocol", BFT)
def test_a_cluster_of_three_is_too_small(tmp_path: Path, protocol: str) -> None:
    with pytest.raises(NodeError, match="use 4 nodes or more"):
        init_cluster(tmp_path / "c", loopback(3, protocol=protocol))
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
