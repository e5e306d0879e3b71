"""The replicated state machine on Raft: whatever the network and crashes do, every server holds the same.

Three servers of `impl.raft` in a simulated world that loses and doubles messages; each applies what it
is told is committed to a machine of its own, from the beginning again after each restart. A client sends
every request to whoever believes that it leads, twice, and again until it is answered.
"""

import itertools
from typing import Any

import attrs
import pytest

from impl import raft
from impl.machine import (
    Answer,
    Applied,
    CaseState,
    Content,
    CreateCase,
    Custom,
    Operation,
    Reason,
    Record,
    Refused,
    Register,
    Registered,
    Request,
    State,
    UpdateCaseState,
    apply,
    core,
    initial,
    restore,
    rules,
    snapshot,
)
from property_tests.raft.host import Applied as AppliedAt
from property_tests.raft.host import RaftHost, Server
from property_tests.raft.settings import PLAIN
from tlacheck.sim import Cluster, Command, Fault, Network, Uniform

SERVERS = ("n1", "n2", "n3")
OPERATIONS: tuple[Operation, ...] = (
    CreateCase("c", "s"),
    *(Custom("r", version) for version in range(1, 7)),
    UpdateCaseState("c", CaseState.RUNNING),
)


@attrs.define
class Replicas:
    """The machines of the servers, and what each of them was at each log index."""

    states: dict[str, State] = attrs.field(factory=dict)
    held: dict[int, set[bytes]] = attrs.field(factory=dict)
    answers: dict[object, set[Answer]] = attrs.field(factory=dict)
    read: int = 0

    def follow(self, told: list[tuple[int, str, object]]) -> None:
        """Apply what the servers were told since the last time."""
        for _, server, what in told[self.read :]:
            if isinstance(what, AppliedAt):
                before = initial() if what.index == 1 else self.states[server]
                if what.index != before.applied + 1:
                    raise RuntimeError(f"{server} has applied {before.applied} entries and is told {what}")
                after, answer = apply(before, what.value)
                # Every third entry the server goes on from its snapshot.
                data = snapshot(after)
                self.states[server] = after if what.index % 3 else restore(data)
                self.held.setdefault(what.index, set()).add(data)
                self.answers.setdefault(what.value, set()).add(answer)
        self.read = len(told)


def played(seed: int) -> Replicas:
    """The replicas after the client has an answer to all it asked for."""
    servers = RaftHost(attrs.evolve(PLAIN, founders=SERVERS))
    network = Network(delay=Uniform(1, 20), loss=0.05, duplication=0.05)
    cluster: Cluster[Server, Any, Command] = Cluster(servers, SERVERS, seed=seed, network=network)
    replicas = Replicas()

    def ask(command: Register | Request) -> Answer:
        for _ in range(200):
            for server in SERVERS:
                if cluster.states[server].role == "Leader":
                    cluster.request(server, raft.ClientRequest(command))
                    cluster.request(server, raft.ClientRequest(command))
            cluster.advance(100)
            replicas.follow(cluster.notifications)
            if answers := replicas.answers.get(command):
                return min(answers, key=str)
        raise RuntimeError(f"seed {seed}: {command} has no answer after {cluster.world.now_ms} ms")

    registered = ask(Register())
    assert isinstance(registered, Registered)
    for sequence, operation in enumerate(OPERATIONS, start=1):
        crashed = SERVERS[sequence % 3]
        cluster.inflict(Fault.of("crash", node=crashed))
        request = Request(registered.client, sequence, operation)
        assert ask(request) == Applied()
        cluster.inflict(Fault.of("restart", node=crashed))
    cluster.simulation.stabilise()
    cluster.advance(3_000)
    replicas.follow(cluster.notifications)
    return replicas


def differences(replicas: Replicas) -> list[int]:
    """The log indices at which two servers held something else."""
    return [index for index, data in replicas.held.items() if len(data) > 1]


def answered(replicas: Replicas) -> set[Answer]:
    """The answers of requests, by any copy of them; late copies get none."""
    return {
        answer
        for command, answers in replicas.answers.items()
        for answer in answers
        if isinstance(command, Request)
        and not (isinstance(answer, Refused) and answer.reason is Reason.ALREADY_ANSWERED)
    }


@pytest.mark.parametrize("seed", range(4))
def test_every_server_holds_the_same_bytes_at_the_same_index(seed: int) -> None:
    replicas = played(seed)
    assert differences(replicas) == []
    assert len({snapshot(state) for state in replicas.states.values()}) == 1
    assert set(SERVERS) == set(replicas.states)


@pytest.mark.parametrize("seed", range(4))
def test_requests_that_were_sent_many_times_are_carried_out_once(seed: int) -> None:
    """Each version of the record is written on top of the one before: a second time would be refused."""
    replicas = played(seed)
    asked = [command for command in replicas.answers if isinstance(command, Request)]
    assert len(asked) == len(OPERATIONS)
    assert len(replicas.held) > 2 * len(asked)  # copies were in the log; else this test says nothing
    assert answered(replicas) == {Applied()}


def test_a_machine_that_differs_from_server_to_server_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = itertools.count()

    def written(content: Content, operation: Custom) -> tuple[Content, Applied]:
        record = Record(operation.version, str(next(calls)))
        return attrs.evolve(content, records=content.records.put(operation.name, record)), Applied()

    monkeypatch.setattr(core, "_custom", written)
    assert differences(played(0))


def test_a_machine_that_carries_out_copies_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "is_repeated", lambda *_: False)
    monkeypatch.setattr(rules, "is_next", lambda sequence, answered: sequence >= answered)
    with pytest.raises(AssertionError, match="Refused"):
        assert answered(played(0)) == {Applied()}
