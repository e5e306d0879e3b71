"""Reads of the state machine by a key."""

from impl import machine
from node.codec import shown
from node.errors import BadFrame

__all__ = ["checked_key", "value_of"]


def checked_key(key: str) -> str:
    """Return a key that `value_of` knows.

    Raises:
        BadFrame: it is none.
    """
    kind, _, name = key.partition("/")
    if kind not in {"case", "record", "policy", "overlay"} or not name:
        raise BadFrame(f"{shown(key)} is no key: read case/ID, record/NAME, policy/ID or overlay/SPEC")
    return key


def value_of(state: machine.State, key: str) -> str | int | None:
    """Return the value of a key: the kind, a slash, the name.

    `case/ID`: its state. `record/NAME`: its version. `policy/ID`: the version in force. `overlay/SPEC`: the
    latest overlay of a specification. None if there is no such thing.
    """
    kind, _, name = key.partition("/")
    content = state.content
    match kind:
        case "case":
            case = content.cases.get(name)
            return None if case is None else case.state.name
        case "record":
            record = content.records.get(name)
            return None if record is None else record.version
        case "policy":
            policy = content.policies.get(name)
            return None if policy is None else policy.version
        case "overlay":
            return content.latest.get(name)
        case _:
            return None
