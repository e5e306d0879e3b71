"""The adapter says the same in both vocabularies, and knows every action of the spec."""

import re
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from immutabledict import immutabledict

from impl import raft
from property_tests.raft.adapter import RaftSystem
from property_tests.raft.settings import PLAIN, oracle_for, spec_for
from property_tests.raft.translation import message_from_spec, message_to_spec
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
_configurations = st.builds(
    raft.Configuration,
    st.frozensets(_servers, min_size=1),
    outgoing=st.frozensets(_servers),
    learners=st.frozensets(st.sampled_from(["n4", "n5"])),
)
_values = st.sampled_from(["v1", "v2", raft.NOOP])
_entries = st.builds(raft.Entry, term=_numbers, value=_values | _configurations)
_snapshots = st.builds(
    raft.Snapshot,
    index=_numbers,
    term=_numbers,
    configuration=_configurations,
    state=st.lists(st.sampled_from(["v1", "v2"]), max_size=3).map(tuple),
)
_common = {"term": _numbers, "source": _servers, "dest": _servers}
_ends = {"last_log_index": _numbers, "last_log_term": _numbers}
MESSAGES: st.SearchStrategy[raft.Message] = st.one_of(
    st.builds(raft.PreVoteRequest, **_common, **_ends),
    st.builds(raft.PreVoteResponse, **_common, vote_granted=st.booleans()),
    st.builds(raft.RequestVoteRequest, **_common, **_ends, transfer=st.booleans()),
    st.builds(raft.RequestVoteResponse, **_common, vote_granted=st.booleans()),
    st.builds(
        raft.AppendEntriesRequest,
        **_common,
        prev_log_index=_numbers,
        prev_log_term=_numbers,
        entries=st.lists(_entries, max_size=3).map(tuple),
        leader_commit=_numbers,
        round=_numbers,
    ),
    st.builds(
        raft.AppendEntriesResponse,
        **_common,
        success=st.booleans(),
        match_index=_numbers,
        conflict=st.builds(raft.ConflictHint, term=_numbers, index=_numbers),
        round=_numbers,
    ),
    st.builds(raft.InstallSnapshotRequest, **_common, snapshot=_snapshots, round=_numbers),
    st.builds(raft.TimeoutNow, **_common),
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
    record = immutabledict(type="Gossip", term=1, source=N1, dest=N2)
    with pytest.raises(AdapterError, match="no message of type 'Gossip': add it to message_from_spec"):
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


def test_a_cluster_of_one_has_no_peers_and_the_spec_an_empty_function() -> None:
    """An empty function is the empty tuple, in whichever variable it is."""
    nobody = immutabledict(voters=frozenset({N1}), outgoing=frozenset(), learners=frozenset())
    _, initial = _system()
    alone = immutabledict({N1: immutabledict(configuration=nobody)})
    system = RaftSystem()
    system.reset(initial.set("currentTerm", immutabledict({N1: 0})).set("snapshot", alone))
    for role in ("Follower", "Leader"):
        shown = system.observe()
        for name, value in shown.items():
            validate(value, name)
        assert shown["role"][N1] == role
        assert shown["lead"][N1]["acked"] == shown["nextIndex"][N1] == ()
        system.perform("Timeout", {"node": N1})


def _actions() -> set[str]:
    """The actions that `event` can name, from the text of the spec."""
    text = spec_for(3).path.read_text(encoding="utf-8")
    return set(re.findall(r"event' = \[action \|-> \"(\w+)\"", text))


def test_every_action_of_the_spec_has_an_input() -> None:
    """An action that the adapter does not know is seen here, and not first in a random walk."""
    actions = _actions()
    assert len(actions) == 25
    record = message_to_spec(
        raft.RequestVoteRequest(term=1, source="n1", dest="n2", last_log_index=0, last_log_term=0)
    )
    configuration = immutabledict(voters=frozenset({N1}), outgoing=frozenset(), learners=frozenset())
    possible: dict[str, Value] = {
        "node": N1,
        "peer": N2,
        "value": ModelValue("v1"),
        "read": ModelValue("r1"),
        "configuration": configuration,
        "lastIndex": 0,
        "message": record,
    }
    for action in actions:
        system, _ = _system()
        signature = RaftSystem.declaration.actions[action]
        assert signature is not None
        arguments = {name: possible[name] for name in signature.required}
        if "Message" in action or action.startswith("Handle"):
            with pytest.raises(NotPossible, match="is not in flight"):
                system.perform(action, arguments)
        elif action == "DiskSynced":
            with pytest.raises(NotPossible, match="n1 is writing nothing"):
                system.perform(action, arguments)
        else:
            system.perform(action, arguments)


@pytest.mark.parametrize(
    ("module", "config"), [("RaftEvents", "Oracle3"), ("MCRaft", "edges"), ("MCRaft", "edges_full")]
)
def test_what_the_adapter_declares_is_what_the_specs_have(module: str, config: str) -> None:
    """Actions, arguments and variables are held against the spec by name, before anything runs."""
    folder = spec_for(3).path.parent
    check(
        RaftSystem.declaration, vocabulary_of(Spec.load(folder / f"{module}.tla", folder / f"{config}.cfg"))
    )


def test_the_actions_of_the_oracle_are_those_of_the_text() -> None:
    """Operators are called `<action>Event`, so that the oracle evaluates only what it is asked for.

    Reads are none in a configuration without reads.
    """
    known = {name.removesuffix("Event") for name in oracle_for(3).actions}
    assert _actions() - known == {"LeaseRead", "ReadIndex"}
    assert known <= _actions()


def test_an_action_that_the_adapter_does_not_know_is_its_fault() -> None:
    system, _ = _system()
    with pytest.raises(
        AdapterError, match=r"no method for the action 'Gossip': decorate the one that performs it"
    ):
        system.perform("Gossip", {"node": N1})


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
    system.perform("Restart", {"node": N1, "lastIndex": 0})
    assert system.nodes["n1"] == raft.recover(system.nodes["n1"].config, term_and_vote)
    system.reset(initial)
    assert deviations(initial, observed(system)) == ()


def _leads_alone(features: frozenset[str]) -> RaftSystem:
    """A cluster of three in which n1 leads term 1, and nobody else heard of its no-op."""
    initial = oracle_for(3).initial_states()[0].values
    system = RaftSystem(attrs.evolve(PLAIN, features=features))
    system.reset(initial)
    system.perform("Timeout", {"node": N1})
    for kind in (raft.RequestVoteRequest, raft.RequestVoteResponse):
        message = next(message for message in system.network if isinstance(message, kind))
        system.perform(f"Handle{kind.__name__}", {"node": N1, "message": message_to_spec(message)})
    assert system.observe()["role"][N1] == "Leader"
    return system


def test_of_what_a_leader_was_writing_a_crash_leaves_any_prefix() -> None:
    """With `AsyncDisk` the adapter loses unsynced writes: a server cannot rely on them."""
    for survived in (0, 1, 2):
        system = _leads_alone(frozenset({"AsyncDisk"}))
        system.perform("ClientRequest", {"node": N1, "value": ModelValue("v1")})
        system.perform("Restart", {"node": N1, "lastIndex": survived})
        shown = system.observe()
        assert (len(shown["log"][N1]), shown["synced"][N1]) == (survived, survived)
        assert (shown["currentTerm"][N1], shown["votedFor"][N1]) == (1, N1)


def test_what_is_synced_outlives_a_crash() -> None:
    system = _leads_alone(frozenset({"AsyncDisk"}))
    system.perform("DiskSynced", {"node": N1, "lastIndex": 1})
    assert system.observe()["synced"][N1] == 1
    for lost_or_never_there in (0, 2):
        with pytest.raises(NotPossible, match="the disk of n1 cannot end at log index"):
            system.fork().perform("Restart", {"node": N1, "lastIndex": lost_or_never_there})
    system.perform("Restart", {"node": N1, "lastIndex": 1})


def test_a_disk_may_have_written_a_part_and_then_no_more() -> None:
    """A loaded disk reports what is safe while there is more to write; a crash leaves that, or more."""
    for survived in (1, 2):
        system = _leads_alone(frozenset({"AsyncDisk"}))
        system.perform("ClientRequest", {"node": N1, "value": ModelValue("v1")})
        with pytest.raises(NotPossible, match="n1 is writing nothing that ends at log index 3"):
            system.fork().perform("DiskSynced", {"node": N1, "lastIndex": 3})
        system.perform("DiskSynced", {"node": N1, "lastIndex": 1})
        assert system.observe()["synced"][N1] == 1
        system.perform("Restart", {"node": N1, "lastIndex": survived})
        assert len(system.observe()["log"][N1]) == survived


def test_without_a_slow_disk_nothing_is_lost() -> None:
    system = _leads_alone(frozenset())
    with pytest.raises(NotPossible, match="the disk of n1 cannot end at log index 0"):
        system.perform("Restart", {"node": N1, "lastIndex": 0})


def test_a_read_is_asked_for_once_and_what_is_refused_was_not_asked_for() -> None:
    """Reads are the environment's: the history of a read that no server took would never match the spec's."""
    system = _leads_alone(frozenset({"Reads"}))
    read = {"node": N1, "read": ModelValue("r1")}
    system.perform("ReadIndex", read)
    assert system.observe()["reads"] == ()
    node = system.nodes["n1"]
    system.nodes["n1"] = attrs.evolve(node, commit_index=1)
    system.perform("ReadIndex", read)
    assert system.observe()["reads"] == {ModelValue("r1"): immutabledict(need=0, answer=-1)}
    with pytest.raises(NotPossible, match="read r1 was asked for already"):
        system.perform("ReadIndex", read)


def test_a_value_that_a_client_submits_again_is_applied_once() -> None:
    """As in the spec's `Apply`, a snapshot holds the content of the state machine."""
    initial = oracle_for(3).initial_states()[0].values
    system = RaftSystem()
    system.reset(initial)
    for value in ("v1", raft.NOOP, "v2", "v1", raft.Configuration(frozenset({"n1"}))):
        system._apply("n1", value)  # noqa: SLF001 - what Apply comes to
    assert system.applied == {"n1": ("v1", "v2"), "n2": (), "n3": ()}


def test_clocks_are_told_by_how_much_they_are_ahead_of_the_slowest() -> None:
    setting = attrs.evolve(PLAIN, features=frozenset({"Leases"}), election_ticks=2, lease_ticks=1)
    system = RaftSystem(setting)
    system.reset(oracle_for(3).initial_states()[0].values)
    for node in (N1, N2, N1, ModelValue("n3")):
        system.perform("Tick", {"node": node})
    assert system.observe()["ahead"] == {N1: 1, N2: 0, ModelValue("n3"): 0}


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
