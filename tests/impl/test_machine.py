"""The replicated state machine (SMR-1): deterministic, total, exactly once, and as documented."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from impl.machine import (
    TRANSITIONS,
    Applied,
    ApplyPolicy,
    CaseState,
    Content,
    CreateCase,
    Custom,
    DeployOverlay,
    InvalidLimits,
    Limits,
    Operation,
    Reason,
    Refused,
    Register,
    Registered,
    Request,
    State,
    UpdateCaseState,
    apply,
    initial,
    rules,
)
from impl.raft import NOOP
from tests.impl.machines import SMALL, disagreement, logs, operations, played

ROOT = Path(__file__).resolve().parents[2]
_THOROUGH = settings(max_examples=100, deadline=None)


def after(*asked: Operation, limits: Limits | None = None) -> tuple[State, list[Any]]:
    """The machine after one client's requests, and the answers."""
    requests = [Request(1, number, operation) for number, operation in enumerate(asked, start=1)]
    state, answers = played([Register(), *requests], initial(limits))
    return state, answers[1:]


def reasons(answers: list[Any]) -> list[Any]:
    return [answer.reason if isinstance(answer, Refused) else None for answer in answers]


# --- each operation -----------------------------------------------------------------------------


def test_a_case_is_created_once_and_keeps_its_data() -> None:
    state, answers = after(CreateCase("c", "s", "{}"), CreateCase("c", "other", "[]"))
    assert reasons(answers) == [None, Reason.CASE_EXISTS]
    case = state.content.cases.get("c")
    assert case is not None
    assert (case.spec_id, case.state, case.data) == ("s", CaseState.CREATED, "{}")


def test_a_case_follows_its_transitions_and_stays_in_its_final_state() -> None:
    way = [CaseState.RUNNING, CaseState.SUSPENDED, CaseState.RUNNING, CaseState.COMPLETED]
    state, answers = after(
        CreateCase("c", "s"),
        *(UpdateCaseState("c", each) for each in way),
        UpdateCaseState("c", CaseState.RUNNING),
        UpdateCaseState("no case", CaseState.RUNNING),
    )
    assert reasons(answers) == [None] * 5 + [Reason.ILLEGAL_TRANSITION, Reason.NO_SUCH_CASE]
    case = state.content.cases.get("c")
    assert case is not None
    assert case.state is CaseState.COMPLETED


def test_every_case_state_has_a_row_and_can_be_reached() -> None:
    assert set(CaseState) == set(TRANSITIONS)
    reached = {CaseState.CREATED}
    for _ in CaseState:
        reached |= {end for begin in reached for end in TRANSITIONS[begin]}
    assert set(CaseState) == reached


def test_a_policy_never_goes_back() -> None:
    """A late old version would undo a rule that was tightened since."""
    state, answers = after(ApplyPolicy("p", 2, "new"), ApplyPolicy("p", 1, "old"), ApplyPolicy("p", 2, "x"))
    assert reasons(answers) == [None, Reason.OLD_POLICY, Reason.OLD_POLICY]
    policy = state.content.policies.get("p")
    assert policy is not None
    assert (policy.version, policy.data) == (2, "new")


def test_an_overlay_is_built_on_the_latest_of_its_specification() -> None:
    """Two overlays on one base would each assume that the other does not exist."""
    _, answers = after(
        DeployOverlay("o1", "s"),
        DeployOverlay("o2", "s", "o1"),
        DeployOverlay("o3", "s", "o1"),
        DeployOverlay("o2", "s", "o2"),
        DeployOverlay("o4", "other"),
    )
    assert reasons(answers) == [None, None, Reason.OTHER_BASE, Reason.OVERLAY_EXISTS, None]


def test_the_second_of_two_writers_of_a_version_is_refused() -> None:
    _, answers = after(Custom("r", 1, "a"), Custom("r", 2, "b"), Custom("r", 2, "c"), Custom("r", 4, "d"))
    assert reasons(answers) == [None, None, Reason.OTHER_VERSION, Reason.OTHER_VERSION]


def test_a_refusal_names_the_legal_transitions() -> None:
    _, answers = after(CreateCase("c", "s"), UpdateCaseState("c", CaseState.COMPLETED))
    assert answers[1].explanation == (
        "case 'c' is CREATED and cannot become COMPLETED: it can become RUNNING, CANCELLED"
    )


# --- any log ------------------------------------------------------------------------------------


@given(logs())
@_THOROUGH
def test_the_machine_does_what_its_documentation_says(log: list[Any]) -> None:
    assert disagreement(log) is None


@given(
    logs(),
    st.one_of(operations(), st.builds(Request, st.integers(-1, 30), st.integers(-1, 30), operations())),
)
@_THOROUGH
def test_every_command_in_every_state_has_an_answer(log: list[Any], command: Any) -> None:
    """A machine that stops on an entry stops on every server, and again after every restart."""
    state, _ = played(log, initial(SMALL))
    then, answer = apply(state, command)
    assert isinstance(answer, Applied | Refused)
    assert then.applied == state.applied + 1


@given(logs())
@_THOROUGH
def test_a_refused_command_changes_nothing(log: list[Any]) -> None:
    state = initial(SMALL)
    for command in log:
        then, answer = apply(state, command)
        if isinstance(answer, Refused):
            assert then.content is state.content
        state = then


def test_the_no_op_of_a_leader_counts_and_changes_nothing() -> None:
    state, answer = apply(initial(), NOOP)
    assert isinstance(answer, Refused)
    assert state == State(Limits(), applied=1, content=Content())


@given(logs())
@_THOROUGH
def test_the_same_log_gives_the_same_state_and_answers(log: list[Any]) -> None:
    assert played(log, initial(SMALL)) == played(log, initial(SMALL))


def test_the_hash_seed_makes_no_difference() -> None:
    """Servers are processes with different hash seeds: their states must not depend on them."""
    program = (
        "from impl.machine import *\n"
        "log = [Register()] + [Request(1, k, o) for k, o in enumerate([\n"
        "    *(CreateCase(f'case {n * 7 % 40}', 's') for n in range(40)),\n"
        "    *(Custom(f'r{n}', 1, 'x' * n) for n in range(20)), DeployOverlay('o', 's'),\n"
        "    UpdateCaseState('case 3', CaseState.FAILED)], start=1)]\n"
        "state, answers = initial(), []\n"
        "for command in log:\n"
        "    state, answer = apply(state, command)\n"
        "    answers.append(answer)\n"
        "print(answers, state, snapshot(state).hex())\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(said) == 1


# --- exactly once -------------------------------------------------------------------------------


@given(st.lists(operations(), min_size=1, max_size=6), st.data())
@_THOROUGH
def test_duplicate_and_late_requests_execute_once_in_order(asked: list[Any], data: st.DataObject) -> None:
    """Copies of any request at any time, while the client asks until each is answered."""
    requests = [Request(1, number, operation) for number, operation in enumerate(asked, start=1)]
    copies = st.lists(st.sampled_from(requests), max_size=4)
    log = [each for request in requests for each in (*data.draw(copies), request)] + data.draw(copies)
    assert is_exactly_once(requests, log)


def is_exactly_once(requests: list[Request], log: list[Request]) -> bool:
    """Return whether a log with duplicates acts like one without, and answers duplicates alike."""
    state, answers = played([Register(), *log], initial(SMALL))
    once, expected = played([Register(), *requests], initial(SMALL))
    late = {Reason.ALREADY_ANSWERED, Reason.OUT_OF_ORDER}
    return state.content == once.content and all(
        answer == expected[request.sequence] or (isinstance(answer, Refused) and answer.reason in late)
        for request, answer in zip(log, answers[1:], strict=True)
    )


def test_a_refused_request_is_refused_again() -> None:
    """The reason for a refusal may be gone when the request is repeated; it must not execute then."""
    refused = Request(1, 1, UpdateCaseState("c", CaseState.RUNNING))
    log = [Register(), refused, Register(), Request(3, 1, CreateCase("c", "s")), refused]
    state, answers = played(log, initial())
    assert answers[1] == answers[4]
    case = state.content.cases.get("c")
    assert case is not None
    assert case.state is CaseState.CREATED


def test_an_evicted_session_ends_and_nothing_executes_twice() -> None:
    """The client is told that the outcome is unknown: executing again would be worse."""
    request = Request(1, 1, Custom("r", 1))
    log = [Register(), request, Register(), Register(), request, Request(1, 2, Custom("r", 2))]
    state, answers = played(log, initial(Limits(sessions_max=2)))
    assert answers[1:4] == [Applied(), Registered(3), Registered(4)]
    assert reasons(answers[4:]) == [Reason.NO_SESSION, Reason.NO_SESSION]
    record = state.content.records.get("r")
    assert record is not None
    assert record.version == 1


def test_the_least_recently_used_session_is_evicted() -> None:
    log = [Register(), Register(), Request(1, 1, Custom("r", 1)), Register()]
    state, _ = played(log, initial(Limits(sessions_max=2)))
    assert [client for client, _ in state.sessions.items()] == [1, 4]


@pytest.mark.parametrize("field", ["sessions_max", "text_bytes_max"])
def test_limits_of_zero_are_refused(field: str) -> None:
    with pytest.raises(InvalidLimits, match=f"{field} is 0: .* give 1 to"):
        attrs.evolve(Limits(), **{field: 0})


# --- the checks notice --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "weaker"),
    [
        ("may_move", lambda before, after: before is not after),
        ("supersedes", lambda version, in_force: version >= in_force),
        ("follows", lambda version, written: version > written),
        ("extends", lambda *_: True),
        ("is_repeated", lambda *_: False),
        ("is_next", lambda sequence, answered: sequence > answered),
        ("longest_unused", max),
    ],
)
def test_a_weaker_rule_is_noticed(
    rule: str, weaker: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, rule, weaker)
    found = find(
        logs(),
        lambda log: disagreement(log) is not None,
        settings=settings(max_examples=5_000, deadline=None, phases=[Phase.generate], database=None),
    )
    assert disagreement(found)


def test_a_machine_that_executes_duplicates_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "is_repeated", lambda *_: False)
    monkeypatch.setattr(rules, "is_next", lambda sequence, answered: sequence >= answered)
    twice = [Request(1, 1, CreateCase("c", "s"))]
    assert not is_exactly_once(twice, twice * 2)


def test_a_machine_that_takes_requests_in_any_order_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "is_next", lambda sequence, answered: sequence > answered)
    requests = [Request(1, 1, Custom("a", 1)), Request(1, 2, Custom("b", 1))]
    assert not is_exactly_once(requests, [requests[1], *requests])
