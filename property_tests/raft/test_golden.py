"""A wrong implementation leaves the recorded traces of the spec, and follows those of a weakened one.

`property_tests/test_replays.py` replays them all on the right implementation.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import attrs
import pytest

from impl import raft
from property_tests.raft.adapter import RaftSystem
from tlacheck import itf
from tlacheck.conform.replay import replay
from tlacheck.trace import Trace
from tlacheck.values import Value

_GOLDEN = Path(__file__).resolve().parents[2] / "traces" / "golden" / "raft"


def _witness(name: str) -> Trace:
    return itf.read(_GOLDEN / "witness" / f"witness_{name}.itf.json")


@pytest.mark.parametrize(
    ("variable", "wrong"),
    [("currentTerm", 99), ("role", "Leader"), ("commitIndex", 7), ("votedFor", "nobody")],
)
def test_a_witness_with_one_field_changed_is_left_at_that_step(variable: str, wrong: Value) -> None:
    """Each variable is really compared, after each step, and not only at the end."""
    trace = _witness("commit")
    for number, step in enumerate(trace.steps, start=1):
        server = min(step.state[variable])
        changed = attrs.evolve(step, state=step.state.set(variable, step.state[variable].set(server, wrong)))
        if changed == step:
            continue
        steps = (*trace.steps[: number - 1], changed, *trace.steps[number:])
        run = replay(attrs.evolve(trace, steps=steps), RaftSystem())
        assert run.violation is not None
        assert run.violation.step == len(run) == number
        assert run.violation.explanation[1].startswith(f"{variable}[{server}]: the spec has ")


def test_a_witness_with_a_message_more_is_left_where_it_is_received() -> None:
    """The spec delivers a message that was never sent; the system cannot: a finding, not a crash."""
    trace = _witness("commit")
    doubled = next(
        index for index, step in enumerate(trace.steps) if step.action == "HandleRequestVoteRequest"
    )
    steps = (*trace.steps[: doubled + 1], trace.steps[doubled], *trace.steps[doubled + 1 :])
    run = replay(attrs.evolve(trace, steps=steps), RaftSystem())
    assert run.violation is not None
    assert run.violation.step == doubled + 2
    assert "the system cannot: " in run.violation.explanation[0]
    assert "is not in flight" in run.violation.explanation[0]


class Broken(RaftSystem):
    """A cluster whose servers run a `step` that is wrong."""

    def __init__(self, wrong: Callable[[raft.Node, raft.Node], raft.Node]) -> None:
        super().__init__()
        self._wrong = wrong

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        before = dict(self.nodes)
        super().perform(action, arguments)
        self.nodes = {name: self._wrong(before[name], node) for name, node in self.nodes.items()}


class Forgetful(RaftSystem):
    """A cluster whose disks keep logs alone: terms and votes are lost."""

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        super().perform(action, arguments)
        self._disks = {
            name: attrs.evolve(disk, current_term=0, voted_for=None) for name, disk in self._disks.items()
        }


def _forgets_votes(before: raft.Node, after: raft.Node) -> raft.Node:
    del before
    return attrs.evolve(after, durable=attrs.evolve(after.durable, voted_for=None))


def _never_truncates(before: raft.Node, after: raft.Node) -> raft.Node:
    if (
        len(after.durable.log) >= len(before.durable.log)
        and after.durable.log[: len(before.durable.log)] != before.durable.log
    ):
        return attrs.evolve(after, durable=attrs.evolve(after.durable, log=before.durable.log))
    return after


def _commits_at_once(before: raft.Node, after: raft.Node) -> raft.Node:
    del before
    return attrs.evolve(after, commit_index=after.durable.last_index)


@pytest.mark.parametrize(
    ("witness", "system", "action", "part"),
    [
        pytest.param(
            "leader_restarts", Forgetful, "Restart", "currentTerm[", id="persists no term and no vote"
        ),
        pytest.param("leader", partial(Broken, _forgets_votes), "Timeout", "votedFor[", id="forgets votes"),
        pytest.param(
            "conflict_removed",
            partial(Broken, _never_truncates),
            "HandleAppendEntriesRequest",
            "log[",
            id="keeps conflicting entries",
        ),
        pytest.param(
            "commit",
            partial(Broken, _commits_at_once),
            "HandleRequestVoteResponse",
            "commitIndex[",
            id="commits at once",
        ),
    ],
)
def test_wrong_servers_are_left_at_the_first_step_that_shows_it(
    witness: str, system: Callable[[], RaftSystem], action: str, part: str
) -> None:
    run = replay(_witness(witness), system())
    assert run.violation is not None
    assert run.steps[-1].action == action
    assert any(line.startswith(part) for line in run.violation.explanation)


def test_an_implementation_with_the_weakness_follows_the_weakened_trace() -> None:
    """`mutant_forgotten_vote` is left by right code, and followed by code that forgets votes in a crash."""
    trace = itf.read(_GOLDEN / "weakened" / "mutant_forgotten_vote.itf.json")

    class ForgetsVotes(RaftSystem):
        def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
            if action == "Restart":
                name = arguments["node"].name
                self._disks[name] = attrs.evolve(self._disks[name], voted_for=None)
            super().perform(action, arguments)

    assert replay(trace, RaftSystem()).violation is not None
    assert replay(trace, ForgetsVotes()).violation is None
