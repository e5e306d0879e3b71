"""The variable `event` of specs that are replayed: a record of the last action and its arguments."""

from immutabledict import immutabledict

from tlacheck.values import Value

__all__ = ["EVENT", "event_of"]

#: The variable's name.
EVENT = "event"
#: The field that names the action; the others are its arguments.
_ACTION = "action"


def event_of(value: Value) -> tuple[str, immutabledict[str, Value]] | None:
    """Return the action's name and arguments in a value of `event`; None if it is no such record."""
    if not isinstance(value, immutabledict):
        return None
    name = value.get(_ACTION)
    if not isinstance(name, str):
        return None
    return name, immutabledict((key, item) for key, item in value.items() if key != _ACTION)
