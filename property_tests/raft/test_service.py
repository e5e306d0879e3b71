"""The service has the operations of `kv`; each is carried out once, and its effect survives."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest
from immutabledict import immutabledict

from impl import machine, raft
from impl.machine import rules
from property_tests.raft.clients import operation_of
from property_tests.raft.histories import Service, histories, simulate
from property_tests.raft.host import TICK_MS
from property_tests.raft.service import (
    SETTING,
    Answered,
    Ask,
    Look,
    ServiceHost,
    Serving,
    TurnedAway,
    size_of,
    value_of,
)
from property_tests.raft.settings import CLOCKS_WITHIN_MS, Setting
from tlacheck.histories import Call, Fate, key_value
from tlacheck.sim import Cluster, Command
from tlacheck.verify import Context

_VALUES = {
    "case-1": (None, "CREATED", "RUNNING", "COMPLETED"),
    "record-1": (None, 1, 2, 3, 4, 5, 6),
    "spec-1": (None, "overlay-1", "overlay-2", "overlay-3", "overlay-4"),
}


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="smoke", seed=1, command="the command", progress=lambda _: None)


def _led(host: ServiceHost) -> tuple[Cluster[Serving, Any, Command], str]:
    """Three servers in a fault-free network after an election, and their leader."""
    names = host.setting.founders
    cluster: Cluster[Serving, Any, Command] = Cluster(host, names, seed=1)
    cluster.advance(600)
    (leader,) = [name for name in names if cluster.states[name].role == "Leader"]
    return cluster, leader


def _three(**parts: Any) -> Setting:
    """The usual settings, for three servers."""
    return attrs.evolve(SETTING, founders=("n1", "n2", "n3"), **parts)


def _differences(seed: int) -> list[str]:
    """Differences between the answers of the machine and the model `kv`, on random changes of three keys."""
    rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
    state, _ = machine.apply(machine.initial(), machine.Register())
    step = key_value().step
    held: dict[str, Any] = dict.fromkeys(_VALUES)
    found = []
    for sequence in range(1, 60):
        key = rng.choice(list(_VALUES))
        old, new = rng.choice(list(pairwise(_VALUES[key])))
        if key == "spec-1":
            old, new = held[key] if rng.random() < 0.5 else old, f"overlay-{sequence}"  # never named twice
        request = machine.Request(1, sequence, operation_of(key, old, new))
        state, answer = machine.apply(state, request)
        ((expected, held[key]),) = step(held[key], Call("cas", immutabledict(key=key, old=old, new=new)))
        if (answer == machine.Applied()) is not expected or value_of(state, key) != held[key]:
            found.append(f"{request}: {answer}, and kv answers {expected}")
    return found


@pytest.mark.parametrize("seed", range(20))
def test_each_operation_of_the_machine_is_the_one_of_kv_that_histories_note(seed: int) -> None:
    """Else the verdict on a history would be one on something else."""
    assert _differences(seed) == []


def test_a_machine_that_is_not_kv_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "follows", lambda version, written: version > written)
    assert any(_differences(seed) for seed in range(20))


def test_a_server_that_does_not_lead_turns_clients_away() -> None:
    cluster, leader = _led(ServiceHost(_three()))
    (other, *_) = [name for name in cluster.states if name != leader]
    cluster.request(other, Ask("a", machine.Register()))
    cluster.request(other, Look("b", "case-1"))
    turned = [what.token for _, _, what in cluster.notifications if isinstance(what, TurnedAway)]
    assert turned == ["a", "b"]


@pytest.mark.parametrize(("service", "way"), [(Service.READ_INDEX, "ReadIndex"), (Service.LEASE, "lease")])
def test_a_read_says_by_which_way_it_was_answered(service: Service, way: str) -> None:
    """By ReadIndex it takes a round trip, by the lease none (thesis, 6.4 and 6.4.1)."""
    cluster, leader = _led(ServiceHost(_three(), service))
    for wait_ms in range(0, 400, 20):
        before = len(cluster.notifications)
        cluster.request(leader, Look(wait_ms, "case-1"))
        at_once = [what for _, _, what in cluster.notifications[before:] if isinstance(what, Answered)]
        cluster.advance(20)
        if way == "lease" and at_once:
            assert at_once == [Answered(wait_ms, None, "lease")]
            return
        assert not at_once
    assert way == "ReadIndex"
    cluster.advance(100)
    ways = {what.by for _, _, what in cluster.notifications if isinstance(what, Answered)}
    assert ways == {"ReadIndex"}


def test_the_settings_leave_the_spec_its_skew_of_two_ticks() -> None:
    """`LeasesAreSafe` of specs/raft/Raft.tla with MaxSkew = 2; two clocks part by no more."""
    config = SETTING.config_for("n1")
    assert config.lease_ticks + 2 * 2 <= config.election_ticks
    assert 2 * CLOCKS_WITHIN_MS <= 2 * TICK_MS


def test_a_crash_leaves_what_was_answered() -> None:
    cluster, leader = _led(ServiceHost(_three()))
    cluster.request(leader, Ask("a", machine.Register()))
    cluster.advance(100)
    assert [what.answer for _, _, what in cluster.notifications if isinstance(what, Answered)] == [
        machine.Registered(2)
    ]
    run = simulate(1, operations=800)
    assert run.broken is None
    assert run.goals["fault: restart"]
    assert run.goals["a snapshot is installed"]


# --- limits on sizes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "size"),
    [
        (machine.Register(), 0),
        (machine.Request(1, 2, machine.Custom("name", 1, "é")), 8 + 8 + 4 + 8 + 2),
        (machine.Request(1, 2, machine.UpdateCaseState("case-1", machine.CaseState.RUNNING)), 8 + 8 + 6 + 8),
    ],
)
def test_a_command_has_the_size_of_its_texts_and_numbers(command: machine.Command, size: int) -> None:
    assert size_of(command) == size


class _Weighed(ServiceHost):
    """The service, which notes how many bytes of commands each request brought."""

    weights: list[int]

    def on_message(self, source: str, message: Any, clock_ms: int) -> Any:
        if isinstance(message, raft.AppendEntriesRequest):
            self.weights.append(sum(size_of(entry.value) for entry in message.entries))
        return super().on_message(source, message, clock_ms)


def _write(limits: raft.SizeLimits) -> tuple[dict[object, object], list[TurnedAway], list[int]]:
    """Submit a large command and six small ones at once; return answers, rejections, request sizes."""
    host = _Weighed(_three(size_limits=limits))
    host.weights = []
    cluster, leader = _led(host)

    def ask(token: str, command: machine.Command) -> None:
        cluster.request(leader, Ask(token, command))

    ask("open", machine.Register())
    cluster.advance(100)
    (opened,) = [what for _, _, what in cluster.notifications if isinstance(what, Answered)]
    assert isinstance(opened.answer, machine.Registered)
    session = opened.answer.client
    ask("large", machine.Request(session, 1, machine.Custom("record-1", 1, "x" * 1_000)))
    for sequence in range(1, 7):
        operation = machine.Custom("record-1", sequence, "x" * 50)
        ask(f"small {sequence}", machine.Request(session, sequence, operation))
    cluster.advance(300)
    assert {value_of(state.machine, "record-1") for state in cluster.states.values()} == {6}
    turned = [what for _, _, what in cluster.notifications if isinstance(what, TurnedAway)]
    return (
        {what.token: what.answer for _, _, what in cluster.notifications if isinstance(what, Answered)},
        turned,
        host.weights,
    )


def test_a_command_that_is_too_large_is_turned_away_and_all_others_are_carried_out() -> None:
    """The leader stays leader, and sends what it may send."""
    limits = raft.SizeLimits(size_of=size_of, entry_bytes_max=100, request_bytes_max=170)
    answered, turned, weights = _write(limits)
    assert [what.token for what in turned] == ["large"]
    assert "has 1032 bytes, and an entry at most 100" in turned[0].reason
    assert [answered[f"small {sequence}"] for sequence in range(1, 7)] == [machine.Applied()] * 6
    assert max(weights) == 2 * (8 + 8 + 8 + 8 + 50)


def test_clients_are_served_under_all_faults_when_a_request_carries_one_command() -> None:
    """A server that was away still catches up, command by command."""
    limits = raft.SizeLimits(size_of=size_of, entry_bytes_max=60, request_bytes_max=64)
    run = simulate(3, operations=300, size_limits=limits)
    assert run.broken is None
    assert run.goals["fault: crash"]
    assert run.result is not None
    assert run.result.verdict().is_established, run.result.reason
    assert sum(each.fate is Fate.ANSWERED for each in run.history.operations) > 200


def test_requests_that_carry_too_much_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raft.SizeLimits, "fitting", lambda _, entries: entries)
    _, _, weights = _write(raft.SizeLimits(size_of=size_of, entry_bytes_max=100, request_bytes_max=170))
    assert max(weights) == 6 * (8 + 8 + 8 + 8 + 50)


# --- machines that are wrong ----------------------------------------------------------------------


def test_clients_notice_a_machine_that_carries_out_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly once (thesis, 6.3): the second time it is told no, though it was done."""
    monkeypatch.setattr(rules, "is_repeated", lambda *_: False)
    monkeypatch.setattr(rules, "is_next", lambda sequence, answered: sequence >= answered)
    outcome = histories(_context(tmp_path), runs=12, operations=600, clients=25)
    assert outcome.verdict.violates == "linearizable to kv"


def test_a_snapshot_that_loses_a_record_is_noticed_where_it_is_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = machine.restore

    def without_records(data: bytes) -> machine.State:
        state = whole(data)
        content = state.content
        lost = machine.Content(content.cases, content.policies, content.overlays, content.latest)
        return machine.State(state.limits, state.applied, lost, state.sessions)

    monkeypatch.setattr(machine, "restore", without_records)
    outcome = histories(_context(tmp_path), runs=6, operations=600, clients=25)
    assert outcome.verdict.violates == "StateMachineSafety"
