"""Shapes of messages: types, sizes and ranges, all the way down, before anything else reads an object.

An object from outside may be anything: an instance of a class that claims to be a string, a tuple without
end. So types are compared, never asked with `isinstance`, and collections are measured before being walked.
A protocol declares the checks of each field:

    SHAPES = Shapes[Config]("PBFT")
    SHAPES.declare({Vote: {"view": at_least(0), "digest": digest, "signature": signature}}, messages={Vote})
    SHAPES.rejection(config, message)
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Generic, TypeAlias, TypeVar

from impl.common.encoding import kind_of, rejection_of

__all__ = [
    "NUMBER_END",
    "Check",
    "Rejection",
    "Shapes",
    "at_least",
    "digest",
    "name",
    "several",
    "signature",
    "truth",
    "value",
]

_Config = TypeVar("_Config")

#: The reason why an object is not what a field asks for, for a human; empty if it is.
Rejection: TypeAlias = str
Check: TypeAlias = Callable[[_Config, Any], Rejection]

#: Numbers are below, so that there is always a next one.
NUMBER_END: Final = 1 << 62
_NAME_MAX: Final = 256
_SIGNATURE_MAX: Final = 256
_DIGEST_DIGITS: Final = frozenset("0123456789abcdef")


def at_least(least: int) -> Check[Any]:
    """An integer from `least` to 2^62 - 1."""

    def check(_: Any, found: Any) -> Rejection:
        if type(found) is not int:
            return f"a {kind_of(found)} is no integer"
        return "" if least <= found < NUMBER_END else f"the number is not from {least} to 2^62 - 1"

    return check


def truth(_: Any, found: Any) -> Rejection:
    """True or False."""
    return "" if type(found) is bool else f"a {kind_of(found)} is neither True nor False"


def name(_: Any, found: Any) -> Rejection:
    """A name of at most 256 characters."""
    if type(found) is not str:
        return f"a {kind_of(found)} is no name"
    return rejection_of(found) if len(found) <= _NAME_MAX else f"a name has more than {_NAME_MAX} characters"


def digest(_: Any, found: Any) -> Rejection:
    """A digest of 64 hexadecimal digits."""
    is_digest = type(found) is str and len(found) == 64 and _DIGEST_DIGITS.issuperset(found)
    return "" if is_digest else "a digest is 64 hexadecimal digits"


def signature(_: Any, found: Any) -> Rejection:
    """A signature of at most 256 bytes."""
    is_short = type(found) is bytes and len(found) <= _SIGNATURE_MAX
    return "" if is_short else f"a signature is at most {_SIGNATURE_MAX} bytes"


def value(_: Any, found: Any) -> Rejection:
    """A `Value` of any size: it has canonical bytes."""
    return rejection_of(found)


def several(item: Check[_Config], length_max: Callable[[_Config], int] | None = None) -> Check[_Config]:
    """A tuple of such items, at most so many; any number if no limit is given."""

    def check(config: _Config, found: Any) -> Rejection:
        if type(found) is not tuple:
            return f"a {kind_of(found)} is no tuple"
        if length_max is not None and len(found) > length_max(config):
            return f"{len(found)} items are more than {length_max(config)}"
        return next((said for each in found if (said := item(config, each))), "")

    return check


class Shapes(Generic[_Config]):
    """The messages of a protocol, and the checks of each of their fields.

    Args:
        protocol: its name, for people.

    Attributes:
        messages: the types of messages; other declared types are parts of them.
        fields: type -> field -> its check.
    """

    def __init__(self, protocol: str) -> None:
        self.messages: frozenset[type[Any]] = frozenset()
        self._protocol = protocol
        self.fields: dict[type[Any], Mapping[str, Check[_Config]]] = {}
        self._whole: dict[type[Any], Check[_Config]] = {}
        self._message = self.among((), f"message of {protocol}")

    def declare(
        self,
        fields: Mapping[type[Any], Mapping[str, Check[_Config]]],
        *,
        messages: Collection[type[Any]],
        whole: Mapping[type[Any], Check[_Config]] | None = None,
    ) -> None:
        """Set the checks of each type.

        Args:
            fields: type -> field -> its check. They may speak of each other by `one`, whatever their order.
            messages: the types of messages.
            whole: type -> a check of the whole record, once all its fields are as they should be.
        """
        self.fields, self._whole = dict(fields), dict(whole or {})
        self.messages = frozenset(messages)
        self._message = self.among(self.messages, f"message of {self._protocol}")

    def rejection(self, config: _Config, message: object) -> Rejection:
        """Return why an object is no message, with the field at fault; empty if it is one. Never raises."""
        return self._message(config, message)

    def among(self, kinds: Collection[type[Any]], what: str) -> Check[_Config]:
        """A record of one of these types, which `what` names."""

        def check(config: _Config, found: Any) -> Rejection:
            kind = type(found)
            if type(kind) is not type or kind not in kinds:
                return f"a {kind_of(found)} is no {what}"
            return self._fields_rejection(config, found)

        return check

    def one(self, kind: type[Any], *, optional: bool = False) -> Check[_Config]:
        """A record of this type; or None, if it is `optional`."""

        def check(config: _Config, found: Any) -> Rejection:
            if optional and found is None:
                return ""
            if type(found) is not kind:
                return f"a {kind_of(found)} is no {kind.__name__}"
            return self._fields_rejection(config, found)

        return check

    def _fields_rejection(self, config: _Config, record: Any) -> Rejection:
        for field, check in self.fields[type(record)].items():
            try:
                found = getattr(record, field)
            except AttributeError:
                return f"{field} is missing"
            if rejection := check(config, found):
                return f"{field}: {rejection}"
        whole = self._whole.get(type(record))
        return whole(config, record) if whole is not None else ""
