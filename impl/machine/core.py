"""One step of the machine. Pure and total: each command in each state has an answer."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, assert_never

import attrs

from impl.machine import rules
from impl.machine.answers import Answer, Applied, Reason, Refused, Registered
from impl.machine.operations import (
    ApplyPolicy,
    CaseState,
    CreateCase,
    Custom,
    DeployOverlay,
    Operation,
    Register,
    Request,
    UpdateCaseState,
)
from impl.machine.state import Case, Content, Overlay, Policy, Record, Session, State

__all__ = ["apply"]

#: What an operation makes of the content, and its answer. A refusal comes with the content as it was.
_Outcome: TypeAlias = tuple[Content, Applied | Refused]

#: The greatest version and sequence number.
_NUMBER_MAX: Final = (1 << 63) - 1


def apply(state: State, command: object) -> tuple[State, Answer]:
    """Apply the next entry of the log.

    Args:
        state: the machine after the entries before it.
        command: the entry's value: a `Register` or a `Request`. Whatever else it is counts as applied
            and is refused: the no-op of a new leader is, and nobody waits for its answer.

    Returns:
        The machine after it, with `applied` one higher, and the answer for whoever sent it. If that
        is `Refused`, no case, policy, overlay or record has changed.
    """
    state = State(state.limits, state.applied + 1, state.content, state.sessions)
    if isinstance(command, Register):
        return _register(state)
    if isinstance(command, Request):
        return _request(state, command)
    return state, Refused(
        Reason.MALFORMED,
        f"a {type(command).__name__} is no command of this machine: send Register() or Request(...)",
    )


# --- sessions -----------------------------------------------------------------------------------


def _register(state: State) -> tuple[State, Registered]:
    sessions = state.sessions
    if len(sessions) >= state.limits.sessions_max:
        sessions = sessions.remove(
            rules.longest_unused({client: session.used for client, session in sessions.items()})
        )
    client = state.applied
    return attrs.evolve(state, sessions=sessions.put(client, Session(used=client))), Registered(client)


def _request(state: State, request: Request) -> tuple[State, Answer]:
    """Carry a request out if it is new, or answer from the session if it is not."""
    if not (_is_number(request.client) and _is_number(request.sequence)):
        return state, Refused(
            Reason.MALFORMED, "client and sequence are numbers of 1 to 2**63 - 1: send those of the session"
        )
    client, sequence = request.client, request.sequence
    session = state.sessions.get(client)
    if session is None:
        return state, Refused(
            Reason.NO_SESSION,
            f"client {client} has no session at log index {state.applied}: it never registered, "
            f"or was unused for longest of {state.limits.sessions_max}. See what became of the last request, "
            "and register",
        )
    content = state.content
    answer: Answer
    if rules.is_repeated(sequence, session.sequence) and session.answer is not None:
        answer = session.answer
        session = Session(state.applied, session.sequence, session.answer)
    elif rules.is_next(sequence, session.sequence):
        content, answer = _operate(state, request.operation)
        session = Session(state.applied, sequence, answer)
    else:
        answer = _unexpected(client, sequence, session)
        session = Session(state.applied, session.sequence, session.answer)
    sessions = state.sessions.put(client, session)
    return State(state.limits, state.applied, content, sessions), answer


def _unexpected(client: int, sequence: int, session: Session) -> Refused:
    if sequence <= session.sequence:
        return Refused(
            Reason.ALREADY_ANSWERED,
            f"request {sequence} of client {client} is a late copy: request {session.sequence} was answered "
            "since. Nothing is to be done",
        )
    return Refused(
        Reason.OUT_OF_ORDER,
        f"request {sequence} of client {client} comes before request {session.sequence + 1}: send that one "
        "first, then this one again",
    )


# --- operations ---------------------------------------------------------------------------------


def _operate(state: State, operation: Operation) -> _Outcome:
    """Apply an operation to the content."""
    content = state.content
    reason = _rejection_reason(operation, state.limits.text_bytes_max)
    if reason is not None:
        return content, Refused(Reason.MALFORMED, reason)
    match operation:
        case CreateCase():
            return _create_case(content, operation)
        case UpdateCaseState():
            return _update_case_state(content, operation)
        case ApplyPolicy():
            return _apply_policy(content, operation)
        case DeployOverlay():
            return _deploy_overlay(content, operation)
        case Custom():
            return _custom(content, operation)
        case _:
            assert_never(operation)


def _create_case(content: Content, operation: CreateCase) -> _Outcome:
    if operation.case_id in content.cases:
        return content, Refused(
            Reason.CASE_EXISTS, f"there is a case {_shown(operation.case_id)}: take another name"
        )
    case = Case(operation.spec_id, CaseState.CREATED, operation.data)
    return attrs.evolve(content, cases=content.cases.put(operation.case_id, case)), Applied()


def _update_case_state(content: Content, operation: UpdateCaseState) -> _Outcome:
    case = content.cases.get(operation.case_id)
    if case is None:
        return content, Refused(
            Reason.NO_SUCH_CASE, f"there is no case {_shown(operation.case_id)}: create it first"
        )
    if not rules.may_move(case.state, operation.state):
        legal = ", ".join(after.name for after in CaseState if rules.may_move(case.state, after))
        return content, Refused(
            Reason.ILLEGAL_TRANSITION,
            f"case {_shown(operation.case_id)} is {case.state.name} and cannot become "
            f"{operation.state.name}: "
            + (f"it can become {legal}" if legal else "it has ended, create another one"),
        )
    moved = Case(case.spec_id, operation.state, case.data)
    return attrs.evolve(content, cases=content.cases.put(operation.case_id, moved)), Applied()


def _apply_policy(content: Content, operation: ApplyPolicy) -> _Outcome:
    policy = content.policies.get(operation.policy_id)
    in_force = policy.version if policy is not None else 0
    if not rules.supersedes(operation.version, in_force):
        return content, Refused(
            Reason.OLD_POLICY,
            f"policy {_shown(operation.policy_id)} is in force in version {in_force}, and version "
            f"{operation.version} is no later one: give it a version above {in_force}",
        )
    put = content.policies.put(operation.policy_id, Policy(operation.version, operation.data))
    return attrs.evolve(content, policies=put), Applied()


def _deploy_overlay(content: Content, operation: DeployOverlay) -> _Outcome:
    if operation.overlay_id in content.overlays:
        return content, Refused(
            Reason.OVERLAY_EXISTS, f"there is an overlay {_shown(operation.overlay_id)}: take another name"
        )
    latest = content.latest.get(operation.spec_id) or ""
    if not rules.extends(operation.base_id, latest):
        return content, Refused(
            Reason.OTHER_BASE,
            f"overlay {_shown(operation.overlay_id)} is built on {_shown(operation.base_id)}, "
            f"and the latest of specification {_shown(operation.spec_id)} is {_shown(latest)}: "
            "build it on that",
        )
    overlay = Overlay(operation.spec_id, operation.base_id, operation.data)
    return (
        attrs.evolve(
            content,
            overlays=content.overlays.put(operation.overlay_id, overlay),
            latest=content.latest.put(operation.spec_id, operation.overlay_id),
        ),
        Applied(),
    )


def _custom(content: Content, operation: Custom) -> _Outcome:
    record = content.records.get(operation.name)
    written = record.version if record is not None else 0
    if not rules.follows(operation.version, written):
        return content, Refused(
            Reason.OTHER_VERSION,
            f"record {_shown(operation.name)} has version {written}, "
            f"and version {operation.version} does not follow it: "
            f"read it again and write version {written + 1}",
        )
    put = content.records.put(operation.name, Record(operation.version, operation.data))
    return attrs.evolve(content, records=put), Applied()


# --- what fields may be -------------------------------------------------------------------------

#: What the fields of each operation are. A client may have put anything there.
_FIELDS: Final[Mapping[type, Mapping[str, str]]] = {
    CreateCase: {"case_id": "name", "spec_id": "name", "data": "text"},
    UpdateCaseState: {"case_id": "name", "state": "state"},
    ApplyPolicy: {"policy_id": "name", "version": "number", "data": "text"},
    DeployOverlay: {"overlay_id": "name", "spec_id": "name", "base_id": "text", "data": "text"},
    Custom: {"name": "name", "version": "number", "data": "text"},
}

_MEANT: Final = {
    "name": "a text of 1 to {} bytes of UTF-8",
    "text": "a text of at most {} bytes of UTF-8",
    "number": "a number of 1 to 2**63 - 1",
    "state": "a CaseState",
}


def _rejection_reason(operation: object, text_bytes_max: int) -> str | None:
    """The reason why a value is no operation; None if it is one."""
    fields = _FIELDS.get(type(operation))
    if fields is None:
        return (
            f"a {type(operation).__name__} is no operation: "
            f"send one of {', '.join(t.__name__ for t in _FIELDS)}"
        )
    for field, kind in fields.items():
        if not _is_of_kind(getattr(operation, field), kind, text_bytes_max):
            return f"{field} of {type(operation).__name__} must be {_MEANT[kind].format(text_bytes_max)}"
    return None


def _is_of_kind(value: Any, kind: str, text_bytes_max: int) -> bool:
    if kind == "number":
        return _is_number(value)
    if kind == "state":
        return type(value) is CaseState
    if type(value) is not str or (kind == "name" and not value):
        return False
    try:
        return len(value.encode()) <= text_bytes_max
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def _is_number(value: Any) -> bool:
    return type(value) is int and 1 <= value <= _NUMBER_MAX


def _shown(name: str) -> str:
    """A name for an explanation, truncated because answers are kept and names may be long."""
    return repr(name if len(name) <= 40 else f"{name[:37]}...")
