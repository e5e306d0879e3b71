"""The adapter says the same in both vocabularies, and knows every action of the spec."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from immutabledict import immutabledict

from impl import raft
from property_tests.raft.adapter import RaftSystem, message_from_spec, message_to_spec, spec_for
from property_tests.raft.machine import oracle_for
from tlacheck.conform.comparison import deviations, observed
from tlacheck.conform.system import NotPossible
from tlacheck.conform.vocabulary import check, vocabulary_of
from tlacheck.errors import AdapterError
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value, validate

N1, N2 = ModelValue("n1"), ModelValue("n2")

_numbers = st.integers(0, 9)
_servers = st.sampled_from(["n1", "n2", "n3"])
_entries = st.builds(raft.Entry, term=_numbers, value=st.sampled_from(["v1", "v2", raft.NOOP]))
_common = {"term": _numbers, "source": _servers, "dest": _servers}
MESSAGES: st.SearchStrategy[raft.Message] = st.one_of(
    st.builds(raft.RequestVoteRequest, **_common, last_log_index=_numbers, last_log_term=_numbers),
    st.builds(raft.RequestVoteResponse, **_common, vote_granted=st.booleans()),
    st.builds(
        raft.AppendEntriesRequest,
        **_common,
        prev_log_index=_numbers,
        prev_log_term=_numbers,
        entries=st.lists(_entries, max_size=3).map(tuple),
        leader_commit=_numbers,
    ),
    st.builds(raft.AppendEntriesResponse, **_common, success=st.booleans(), match_index=_numbers),
)


@given(message=MESSAGES)
def test_a_message_that_goes_to_the_spec_and_back_is_the_same(message: raft.Message) -> None:
    """A field that got lost on the way would never be compared."""
    record = message_to_spec(message)
    validate(record)
    assert record["type"] == type(message).__name__
    assert message_from_spec(record) == message


@given(one=MESSAGES, other=MESSAGES)
def test_different_messages_are_different_records(one: raft.Message, other: raft.Message) -> None:
    """In a bag of messages two that look alike would be one with two copies."""
    assert (message_to_spec(one) == message_to_spec(other)) == (one == other)


def test_a_message_that_the_code_has_not_is_the_adapters_fault() -> None:
    record = immutabledict(type="TimeoutNow", term=1, source=N1, dest=N2)
    with pytest.raises(AdapterError, match="no message of type 'TimeoutNow': add it to message_from_spec"):
        message_from_spec(record)


def _system() -> tuple[RaftSystem, State]:
    """A cluster of three at its beginning, and that state as the spec has it."""
    system = RaftSystem()
    initial = oracle_for(3).initial_states()[0].values
    system.reset(initial)
    return system, initial


def test_a_new_cluster_is_in_the_specs_initial_state() -> None:
    system, initial = _system()
    assert deviations(initial, observed(system)) == ()


def test_all_variables_are_observed_but_the_record_of_the_last_event() -> None:
    assert set(oracle_for(3).variables) - RaftSystem.variables == {"event"}


def _actions() -> set[str]:
    """The actions that `event` can name, from the text of the spec."""
    text = spec_for(3).path.read_text(encoding="utf-8")
    return set(re.findall(r"event' = \[action \|-> \"(\w+)\"", text))


def test_every_action_of_the_spec_has_an_input() -> None:
    """An action that the adapter does not know is seen here, and not first in a random walk."""
    actions = _actions()
    assert len(actions) == 10
    record = message_to_spec(
        raft.RequestVoteRequest(term=1, source="n1", dest="n2", last_log_index=0, last_log_term=0)
    )
    possible: dict[str, Value] = {"node": N1, "peer": N2, "value": ModelValue("v1"), "message": record}
    for action in actions:
        system, _ = _system()
        signature = RaftSystem.declaration.actions[action]
        assert signature is not None
        arguments = {name: possible[name] for name in signature.required}
        if "Message" in action or action.startswith("Handle"):
            with pytest.raises(NotPossible, match="is not in flight"):
                system.perform(action, arguments)
        else:
            system.perform(action, arguments)


@pytest.mark.parametrize(("module", "config"), [("RaftEvents", "Oracle3"), ("MCRaft", "edges")])
def test_what_the_adapter_declares_is_what_the_specs_have(module: str, config: str) -> None:
    """Actions, arguments and variables are held against the spec by name, before anything runs."""
    folder = spec_for(3).path.parent
    check(
        RaftSystem.declaration, vocabulary_of(Spec.load(folder / f"{module}.tla", folder / f"{config}.cfg"))
    )


def test_the_actions_of_the_oracle_are_those_of_the_text() -> None:
    """Operators are called `<action>Event`, so that the oracle evaluates only what it is asked for."""
    assert {name.removesuffix("Event") for name in oracle_for(3).actions} == _actions()


def test_an_action_that_the_adapter_does_not_know_is_its_fault() -> None:
    system, _ = _system()
    with pytest.raises(
        AdapterError, match=r"no method for the action 'Snapshot': decorate the one that performs it"
    ):
        system.perform("Snapshot", {"node": N1})


def test_a_message_is_in_flight_until_it_is_received_or_dropped() -> None:
    system, _ = _system()
    system.perform("Timeout", {"node": N1})
    first, second = system.network
    assert {first.dest, second.dest} == {"n2", "n3"}
    record = message_to_spec(first)
    system.perform("DuplicateMessage", {"message": record})
    assert system.network[first] == 2
    system.perform("DropMessage", {"message": record})
    system.perform("HandleRequestVoteRequest", {"node": N2, "message": record})
    assert first not in system.network
    with pytest.raises(NotPossible, match="is not in flight"):
        system.perform("DropMessage", {"message": record})


def test_a_restart_gives_back_what_was_persisted_and_nothing_else() -> None:
    """The adapter's disk holds what `Persist` wrote: it does not lend a server the memory that it lost."""
    system, initial = _system()
    system.perform("Timeout", {"node": N1})
    term_and_vote = system.nodes["n1"].durable
    system.perform("Restart", {"node": N1})
    assert system.nodes["n1"] == raft.recover(system.nodes["n1"].config, term_and_vote)
    system.reset(initial)
    assert deviations(initial, observed(system)) == ()


def test_a_run_that_begins_with_messages_in_flight_is_refused() -> None:
    _, initial = _system()
    record = message_to_spec(
        raft.RequestVoteRequest(term=1, source="n1", dest="n2", last_log_index=0, last_log_term=0)
    )
    with pytest.raises(AdapterError, match="begins with an empty network"):
        RaftSystem().reset(initial.set("messages", immutabledict({record: 1})))


@pytest.mark.parametrize("servers", [3, 4, 5])
def test_there_is_a_spec_for_each_size_of_cluster(servers: int) -> None:
    (initial,) = oracle_for(servers).initial_states()
    assert len(initial.values["role"]) == servers
    assert Path(spec_for(servers).config).is_file()
