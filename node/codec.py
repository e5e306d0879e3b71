"""Records as canonical JSON, and back: messages on the wire, records in the log, inputs in the event log.

| a value                       | as JSON                                  |
|-------------------------------|------------------------------------------|
| None, a truth value, a string | `null`, `true` and `false`, a string     |
| bytes                         | `{"bytes": "` in hexadecimal `"}`        |
| an integer                    | a number, from 0 to 2^62 - 1             |
| a tuple                       | an array                                 |
| a frozen set of names         | `{"set": [names in order]}`              |
| a record (an attrs class)     | `{"its type": {each field by its name}}` |

Reading is strict: what comes from outside may be anything. A record is one of the types that the codec was
made with, it has all its fields and no other, and each has the type that the class says. A field of type
`Hashable` takes any value of this table.
"""

import collections.abc
import functools
import json
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

import attrs

from node.errors import BadFrame

__all__ = ["Codec"]

_INTEGER_END: Final = 1 << 62
_TEXT_MAX: Final = 1 << 20
_SHOWN_MAX: Final = 60

_Read: TypeAlias = Callable[[Any], Any]

_JSON: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Codec:
    """Writes and reads records of some types.

    Args:
        kinds: the types; no two have one name.
    """

    def __init__(self, kinds: Iterable[type[Any]]) -> None:
        self._kinds = {kind.__name__: kind for kind in kinds}
        self._fields: dict[str, dict[str, _Read]] = {}

    def encode(self, value: object) -> bytes:
        """Return the canonical bytes of a value.

        Raises:
            TypeError: it is none that the table of the module has.
        """
        return _JSON.encode(self.plain(value)).encode()

    def decode(self, data: bytes) -> Any:
        """Return the value of which these are the bytes.

        Raises:
            BadFrame: they are of none.
        """
        return self.value(parsed(data))

    def plain(self, value: object) -> Any:
        """Return a value as JSON has it: lists, dictionaries, strings, numbers.

        Raises:
            TypeError: as `encode`.
        """
        kind = type(value)
        if value is None or kind is bool or kind is str or kind is int:
            return value
        if isinstance(value, bytes):
            return {"bytes": value.hex()}
        if isinstance(value, tuple):
            return [self.plain(item) for item in value]
        if isinstance(value, frozenset):
            return {"set": sorted(value)}
        if self._kinds.get(kind.__name__) is kind:
            return {
                kind.__name__: {name: self.plain(getattr(value, name)) for name in _names(kind)},
            }
        raise TypeError(f"a {kind.__name__} is no record of this codec: {shown(value)}")

    def value(self, plain: object) -> Any:
        """Return the value that stands as JSON.

        Raises:
            BadFrame: it is none.
        """
        match plain:
            case None | bool():
                return plain
            case str():
                return _text(plain)
            case int():
                return _integer(plain)
            case list(items):
                return tuple(self.value(item) for item in items)
            case {"bytes": digits, **rest} if not rest:
                return _bytes(digits)
            case {"set": list(names), **rest} if not rest:
                return frozenset(_text(name) for name in names)
            case dict(named) if len(named) == 1:
                ((name, fields),) = named.items()
                return self._record(name, fields)
            case _:
                raise BadFrame(f"{shown(plain)} is no value")

    def _record(self, name: str, fields: object) -> Any:
        kind = self._kinds.get(name)
        if kind is None:
            raise BadFrame(f"there is no record {shown(name)} here")
        readers = self._fields.get(name)
        if readers is None:
            hints = typing.get_type_hints(kind)
            readers = self._fields[name] = {each: self._reader(hints[each]) for each in _names(kind)}
        if not isinstance(fields, dict) or fields.keys() != readers.keys():
            raise BadFrame(f"{name} has the fields {', '.join(readers) or 'none'}, not {shown(fields)}")
        try:
            return kind(**{each: readers[each](fields[each]) for each in readers})
        except ValueError as error:
            raise BadFrame(f"{name}: {error}") from error

    def _reader(self, hint: Any) -> _Read:
        """The function that reads a field of this type."""
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if hint is int:
            return _integer
        if hint is str:
            return _text
        if hint is bool:
            return _truth
        if hint is bytes:
            return self._bytes_only
        if hint is collections.abc.Hashable:
            return self.value
        if origin is tuple and arguments[1:] == (...,):
            return functools.partial(_several, self._reader(arguments[0]))
        if origin is tuple:
            return functools.partial(_each, tuple(self._reader(each) for each in arguments))
        if origin is frozenset:
            return self._names_only
        if origin in (typing.Union, types.UnionType):
            kinds = tuple(typing.get_origin(each) or each for each in arguments)
            return functools.partial(self._one_of, kinds)
        if isinstance(hint, type) and attrs.has(hint):
            return functools.partial(self._one_of, (hint,))
        raise TypeError(f"no reader for {hint}")

    def _names_only(self, plain: object) -> Any:
        found = self.value(plain)
        if not isinstance(found, frozenset):
            raise BadFrame(f"{shown(plain)} is no set of names")
        return found

    def _bytes_only(self, plain: object) -> bytes:
        found = self.value(plain)
        if not isinstance(found, bytes):
            raise BadFrame(f"{shown(plain)} is no bytes")
        return found

    def _one_of(self, kinds: tuple[type[Any], ...], plain: object) -> Any:
        found = self.value(plain)
        if type(found) not in kinds:
            raise BadFrame(f"{shown(plain)} is none of {', '.join(kind.__name__ for kind in kinds)}")
        return found


def parsed(data: bytes) -> Any:
    """Return the JSON value that these bytes are.

    Raises:
        BadFrame: they are none.
    """
    try:
        return json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"{shown(data)} is no JSON") from error


def shown(value: object) -> str:
    """A value for an error message, cut short."""
    text = repr(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."


_NAMES: Final[dict[type[Any], tuple[str, ...]]] = {}


def _names(kind: type[Any]) -> tuple[str, ...]:
    found = _NAMES.get(kind)
    if found is None:
        found = _NAMES[kind] = tuple(field.name for field in attrs.fields(kind))
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _integer(plain: object) -> int:
    if type(plain) is not int or not 0 <= plain < _INTEGER_END:
        raise BadFrame(f"{shown(plain)} is no integer from 0 to 2^62 - 1")
    return plain


def _text(plain: object) -> str:
    if type(plain) is not str or len(plain) > _TEXT_MAX:
        raise BadFrame(f"{shown(plain)} is no text of at most {_TEXT_MAX} characters")
    return plain


def _bytes(digits: object) -> bytes:
    text = _text(digits)
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if found.hex() != text:
        raise BadFrame(f"{shown(digits)} is no bytes in hexadecimal")
    return found


def _truth(plain: object) -> bool:
    if type(plain) is not bool:
        raise BadFrame(f"{shown(plain)} is neither true nor false")
    return plain


def _several(read: _Read, plain: object) -> tuple[Any, ...]:
    if type(plain) is not list:
        raise BadFrame(f"{shown(plain)} is no array")
    return tuple(read(item) for item in plain)


def _each(readers: tuple[_Read, ...], plain: object) -> tuple[Any, ...]:
    if type(plain) is not list or len(plain) != len(readers):
        raise BadFrame(f"{shown(plain)} is no array of {len(readers)}")
    return tuple(read(item) for read, item in zip(readers, plain, strict=True))
