"""Proposals: commands of the state machine, as entries of the log hold them.

Raft looks into no value. A `Proposal` is a command of `impl.machine` as text, and has a short name of its
own, by which the spec and people speak of it: equal commands have equal names.
"""

import enum
import functools
import hashlib
import json
from typing import Any, Final

import attrs

from impl import machine
from node.codec import parsed, shown
from node.errors import BadFrame

__all__ = ["OPERATIONS", "Proposal", "command_of", "operation_from", "proposal_of", "shown_answer"]

#: The operations of the machine by their names.
OPERATIONS: Final = {
    kind.__name__: kind
    for kind in (
        machine.CreateCase,
        machine.UpdateCaseState,
        machine.ApplyPolicy,
        machine.DeployOverlay,
        machine.Custom,
    )
}
#: How long the text of a command may be.
_TEXT_MAX: Final = 1 << 16


@attrs.frozen
class Proposal:
    """A command of the machine as a value of the log.

    Attributes:
        text: the command as JSON: `{"client": 3, "sequence": 1, "operation": {"Custom": {...}}}`, or
            `{"register": "any text"}`.
    """

    text: str

    def __str__(self) -> str:
        """A short name: v and 12 hexadecimal digits."""
        return _name(self.text)


@functools.lru_cache(maxsize=1 << 14)
def _name(text: str) -> str:
    return f"v{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def proposal_of(command: machine.Command, *, nonce: str = "") -> Proposal:
    """Return the proposal of a command.

    Args:
        command: what is proposed.
        nonce: tells one `Register` from another.
    """
    match command:
        case machine.Register():
            said: Any = {"register": nonce}
        case machine.Request(client=client, sequence=sequence, operation=operation):
            fields = {
                name: value.name if isinstance(value, enum.Enum) else value
                for name, value in attrs.asdict(operation).items()
            }
            said = {
                "client": client,
                "sequence": sequence,
                "operation": {type(operation).__name__: fields},
            }
    return Proposal(json.dumps(said, sort_keys=True, separators=(",", ":")))


@functools.lru_cache(maxsize=1 << 12)
def command_of(proposal: Proposal) -> machine.Command:
    """Return the command of a proposal.

    Raises:
        BadFrame: it is none.
    """
    if len(proposal.text) > _TEXT_MAX:
        raise BadFrame(f"a command has {len(proposal.text)} characters, and at most {_TEXT_MAX} are taken")
    match parsed(proposal.text.encode()):
        case {"register": str()}:
            return machine.Register()
        case {"client": int(client), "sequence": int(sequence), "operation": dict(said)} if len(said) == 1:
            ((name, fields),) = said.items()
            return machine.Request(client, sequence, operation_from(name, fields))
        case other:
            raise BadFrame(f"{shown(other)} is no command")


def shown_answer(answer: machine.Answer) -> dict[str, Any]:
    """Return an answer of the machine as JSON: its kind, and its fields."""
    fields = attrs.asdict(answer)
    if isinstance(answer, machine.Refused):
        fields["reason"] = answer.reason.name
    return {type(answer).__name__: fields}


def operation_from(name: str, fields: object) -> machine.Operation:
    """Return an operation by its name and fields.

    Raises:
        BadFrame: there is no such operation, or a field is missing, unknown, or of another type.
    """
    kind = OPERATIONS.get(name)
    if kind is None:
        raise BadFrame(f"there is no operation {shown(name)}: there is {', '.join(OPERATIONS)}")
    if not isinstance(fields, dict):
        raise BadFrame(f"the fields of {name} are an object, not {shown(fields)}")
    known = {field.name: field for field in attrs.fields(kind)}
    if strangers := sorted(set(fields) - set(known)):
        raise BadFrame(f"{name} has no field {strangers[0]!r}: it has {', '.join(known)}")
    missing = [each for each, field in known.items() if field.default is attrs.NOTHING and each not in fields]
    if missing:
        raise BadFrame(f"{name} lacks the field {missing[0]!r}")
    return kind(**{each: _field(name, known[each], value) for each, value in fields.items()})


def _field(name: str, field: "attrs.Attribute[Any]", value: object) -> Any:
    if field.type is int:
        if type(value) is int and 0 <= value < 1 << 62:
            return value
        raise BadFrame(f"{name}.{field.name} is a number from 0 to 2^62 - 1, not {shown(value)}")
    if field.type is machine.CaseState:
        states = machine.CaseState.__members__
        if isinstance(value, str) and value in states:
            return states[value]
        raise BadFrame(f"{name}.{field.name} is one of {', '.join(states)}, not {shown(value)}")
    if type(value) is str:
        return value
    raise BadFrame(f"{name}.{field.name} is a text, not {shown(value)}")
