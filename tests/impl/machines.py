"""Logs for the replicated state machine, drawn by Hypothesis, and a naive twin of it.

`logs` draws possible logs: clients that register, that repeat requests too often or too late, that skip
numbers, that were evicted; operations of which about half are legal; and values that no
honest client sends. Names are few, so that they collide.
"""

from typing import Any, Final

import attrs
from hypothesis import strategies as st

from impl.machine import (
    Answer,
    Applied,
    ApplyPolicy,
    CaseState,
    CreateCase,
    Custom,
    DeployOverlay,
    Limits,
    Reason,
    Refused,
    Register,
    Registered,
    Request,
    State,
    UpdateCaseState,
    apply,
    initial,
)

#: Limits that a short log reaches.
SMALL: Final = Limits(sessions_max=2, text_bytes_max=8)

_names = st.sampled_from(["a", "b", "c"])
_data = st.sampled_from(["", "x", "żółw"])
_versions = st.integers(1, 3)
_states = st.sampled_from(CaseState)

#: Invalid field values: empty, too long for `SMALL`, not UTF-8, another type.
_odd: st.SearchStrategy[Any] = st.sampled_from(
    ["", "123456789", "żółwi", "\ud800", b"a", None, True, 0, -1, 1 << 63, 1.0, (), "RUNNING"]
)

_legal = st.one_of(
    st.builds(CreateCase, _names, _names, _data),
    st.builds(UpdateCaseState, _names, _states),
    st.builds(UpdateCaseState, _names, _states),
    st.builds(ApplyPolicy, _names, _versions, _data),
    st.builds(DeployOverlay, _names, st.just("s"), st.sampled_from(["", "a", "b", "c"]), _data),
    st.builds(Custom, _names, _versions, _data),
)


@st.composite
def operations(draw: st.DrawFn) -> Any:
    """An operation; now and then with an invalid field, or an object that is no operation."""
    operation = draw(_legal)
    kind = draw(st.integers(0, 15))
    if kind == 0:
        field = draw(st.sampled_from(attrs.fields(type(operation)))).name
        return attrs.evolve(operation, **{field: draw(_odd)})
    return draw(_odd) if kind == 1 else operation


@st.composite
def logs(draw: st.DrawFn, *, size_max: int = 25) -> list[Any]:
    """The values of a log, from its first entry on."""
    log: list[Any] = [Register()]
    state, _ = apply(initial(SMALL), log[0])
    asked: list[Request] = []
    for _ in range(draw(st.integers(0, size_max))):
        kind = draw(st.integers(0, 19))
        if kind == 0:
            command: Any = draw(_odd)
        elif kind <= 2:
            command = Register()
        elif kind <= 5 and asked:
            command = draw(st.sampled_from(asked))
        else:
            client = draw(st.sampled_from([client for client, _ in state.sessions.items()]))
            session = state.sessions.get(client)
            ahead = draw(st.sampled_from([1] * 12 + [2, 0, -1]))
            sequence: Any = (session.sequence if session else 0) + ahead
            if kind == 6:
                client = draw(st.integers(0, 30))
            elif kind == 7:
                sequence = draw(_odd)
            command = Request(client, sequence, draw(operations()))
            asked.append(command)
        log.append(command)
        state, _ = apply(state, command)
    return log


def played(log: list[Any], state: State) -> tuple[State, list[Answer]]:
    """The machine after a log, and its answers."""
    answers = []
    for command in log:
        state, answer = apply(state, command)
        answers.append(answer)
    return state, answers


# --- the twin -----------------------------------------------------------------------------------


class Twin:
    """The machine as documented, naively: dictionaries changed in place, nothing shared."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.applied = 0
        self.cases: dict[str, tuple[str, CaseState, str]] = {}
        self.policies: dict[str, tuple[int, str]] = {}
        self.overlays: dict[str, tuple[str, str, str]] = {}
        self.records: dict[str, tuple[int, str]] = {}
        #: Clients, the one that was used longest ago first: request number -> answer, of all requests.
        self.sessions: dict[int, dict[int, Reason | None]] = {}

    def apply(self, command: Any) -> Reason | int | None:
        """The id of a new client, the reason of a refusal, or None for an executed operation."""
        self.applied += 1
        if isinstance(command, Register):
            if len(self.sessions) == self.limits.sessions_max:
                del self.sessions[next(iter(self.sessions))]
            self.sessions[self.applied] = {}
            return self.applied
        if not isinstance(command, Request) or not _number(command.client) or not _number(command.sequence):
            return Reason.MALFORMED
        if command.client not in self.sessions:
            return Reason.NO_SESSION
        answers = self.sessions.pop(command.client)
        self.sessions[command.client] = answers
        if command.sequence < len(answers):
            return Reason.ALREADY_ANSWERED
        if command.sequence > len(answers) + 1:
            return Reason.OUT_OF_ORDER
        if command.sequence not in answers:
            answers[command.sequence] = self.operate(command.operation)
        return answers[command.sequence]

    def operate(self, operation: Any) -> Reason | None:
        """The reason why an operation is refused; None if it was executed."""
        name, text = self._name, self._text
        match operation:
            case CreateCase(case, spec, data) if name(case) and name(spec) and text(data):
                if case in self.cases:
                    return Reason.CASE_EXISTS
                self.cases[case] = (spec, CaseState.CREATED, data)
            case UpdateCaseState(case, CaseState() as after) if name(case):
                if case not in self.cases:
                    return Reason.NO_SUCH_CASE
                spec, before, data = self.cases[case]
                if (before.name, after.name) not in _STEPS:
                    return Reason.ILLEGAL_TRANSITION
                self.cases[case] = (spec, after, data)
            case ApplyPolicy(policy, version, data) if name(policy) and _number(version) and text(data):
                if policy in self.policies and self.policies[policy][0] >= version:
                    return Reason.OLD_POLICY
                self.policies[policy] = (version, data)
            case DeployOverlay(overlay, spec, base, data) if all(map(name, (overlay, spec))) and all(
                map(text, (base, data))
            ):
                if overlay in self.overlays:
                    return Reason.OVERLAY_EXISTS
                before_it = [known for known, (its, _, _) in self.overlays.items() if its == spec]
                if base != (before_it[-1] if before_it else ""):
                    return Reason.OTHER_BASE
                self.overlays[overlay] = (spec, base, data)
            case Custom(record, version, data) if name(record) and _number(version) and text(data):
                if version != self.records.get(record, (0, ""))[0] + 1:
                    return Reason.OTHER_VERSION
                self.records[record] = (version, data)
            case _:
                return Reason.MALFORMED
        return None

    def _text(self, value: Any) -> bool:
        if not isinstance(value, str) or any("\ud800" <= char <= "\udfff" for char in value):
            return False
        return len(value.encode()) <= self.limits.text_bytes_max

    def _name(self, value: Any) -> bool:
        return value != "" and self._text(value)


#: The steps of a case, written out once more.
_STEPS: Final = {
    ("CREATED", "RUNNING"),
    ("CREATED", "CANCELLED"),
    ("RUNNING", "SUSPENDED"),
    ("RUNNING", "COMPLETED"),
    ("RUNNING", "FAILED"),
    ("RUNNING", "CANCELLED"),
    ("SUSPENDED", "RUNNING"),
    ("SUSPENDED", "CANCELLED"),
}


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 63


def disagreement(log: list[Any]) -> str | None:
    """The first difference between machine and twin, or None."""
    state, twin = initial(SMALL), Twin(SMALL)
    for index, command in enumerate(log, start=1):
        state, answer = apply(state, command)
        expected = twin.apply(command)
        found = {Registered: "client", Refused: "reason", Applied: ""}[type(answer)]
        if (getattr(answer, found) if found else None) != expected:
            return f"entry {index}, {command}: {answer} instead of {expected}"
        content = state.content
        for kind, ours, its in (
            ("cases", content.cases, twin.cases),
            ("policies", content.policies, twin.policies),
            ("overlays", content.overlays, twin.overlays),
            ("records", content.records, twin.records),
        ):
            if {key: attrs.astuple(value, recurse=False) for key, value in ours.items()} != its:
                return f"entry {index}, {command}: {kind} are {ours} instead of {its}"
        if {client: session.sequence for client, session in state.sessions.items()} != {
            client: len(answers) for client, answers in twin.sessions.items()
        }:
            return f"entry {index}, {command}: sessions are {state.sessions} instead of {twin.sessions}"
    return None
