"""Canonical bytes: one value, one encoding, the same at every replica; and digests of them.

What is signed or digested is encoded as JSON in UTF-8, without spaces, with sorted keys:

| a value                       | as JSON                                              |
|-------------------------------|------------------------------------------------------|
| None, a truth value, a string | `null`, `true` and `false`, a string                 |
| an integer of 64 bits         | a number, never with a fraction or an exponent       |
| bytes                         | `{"bytes": "` in hexadecimal `"}`                    |
| a tuple                       | an array                                             |
| a message, or a part of one   | `{"its type": {each field by its name}}`             |

Two values that differ have different encodings: there are no floats, which are several numbers in one
notation; no lists beside tuples and no mappings; no strings with lone surrogates, which JSON would let
pass for other strings. A field with the metadata `DIGESTED` is written as the digest of its value, so
that a signature on a proposal covers its batch by the digest, as in the paper (4.2).
"""

import functools
import hashlib
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import Any, Final, TypeAlias

import attrs

__all__ = [
    "DEPTH_MAX",
    "DIGESTED",
    "Digest",
    "NotCanonical",
    "Value",
    "digest",
    "encode",
    "kind_of",
    "rejection_of",
]

#: What operations, results and the states of services are made of. Integers have 64 bits.
Value: TypeAlias = bool | int | str | bytes | tuple["Value", ...] | None

#: SHA-256, as 64 hexadecimal digits.
Digest: TypeAlias = str

#: The metadata of a field that is encoded as the digest of its value.
DIGESTED: Final = {"digested": True}

#: How deep tuples may be nested in a value.
DEPTH_MAX: Final = 16

_INTEGER_END: Final = 1 << 63


class NotCanonical(ValueError):
    """A value has no canonical encoding.

    Usual cause: a service whose state or results hold a float, a list or a mapping. Use integers,
    strings, bytes, None, truth values, and tuples of these.
    """


def rejection_of(value: object, depth: int = DEPTH_MAX) -> str:
    """The reason why an object is no `Value`, for a human; empty if it is one.

    Never raises, whatever the object is: unless its type is one of those few, nothing but the type is read.
    Not even `isinstance` is used before, since an object may lie about its class.
    """
    kind = type(value)
    if value is None or kind is bool or kind is bytes:
        return ""
    if kind is int and isinstance(value, int):
        return "" if -_INTEGER_END <= value < _INTEGER_END else "an integer has more than 64 bits"
    if kind is str and isinstance(value, str):
        return "" if _is_text(value) else "a string has a lone surrogate, and so no UTF-8"
    if kind is tuple and isinstance(value, tuple):
        if depth == 0:
            return f"tuples are nested deeper than {DEPTH_MAX}"
        return next((said for item in value if (said := rejection_of(item, depth - 1))), "")
    return f"a {kind_of(value)} is none of None, bool, int, str, bytes, tuple"


def encode(value: object, *, without: str = "") -> bytes:
    """The canonical bytes of a value, a message, or a tuple of them.

    Args:
        value: what is to be encoded.
        without: a field of `value` itself to leave out; its signature.

    Raises:
        NotCanonical: if it is neither a value nor made of attrs classes whose fields are.
    """
    try:
        return _text(value, without).encode()
    except UnicodeEncodeError:
        raise _not_canonical("a string has a lone surrogate, and so no UTF-8") from None


def digest(value: object) -> Digest:
    """The SHA-256 of the canonical bytes.

    Raises:
        NotCanonical: as `encode`.
    """
    return hashlib.sha256(encode(value)).hexdigest()


#: Reads the name of a type without asking its metaclass.
_NAME: Final = type.__dict__["__name__"]


def kind_of(value: object) -> str:
    """The name of an object's type, for a human. Never raises, whatever the object and its type are."""
    return str.__str__(_NAME.__get__(type(value)))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


@functools.cache
def _fields(kind: Any) -> tuple[tuple[str, str, bool], ...] | None:
    """The fields of an attrs class by name, each as name, its JSON and a colon, is it digested; or None."""
    if not attrs.has(kind):
        return None
    fields = sorted(attrs.fields(kind), key=lambda field: str(field.name))
    return tuple((each.name, f'"{each.name}":', bool(each.metadata.get("digested"))) for each in fields)


def _text(value: Any, without: str = "") -> str:
    """The JSON of a value, written in one pass; a lone surrogate in it is still to be found."""
    kind: Any = type(value)
    if write := _WRITERS.get(kind):
        return write(value)
    fields = _fields(kind)
    if fields is None:
        raise _not_canonical(rejection_of(value))
    written = [
        f'{key}"{digest(getattr(value, name))}"' if digested else key + _text(getattr(value, name))
        for name, key, digested in fields
        if name != without
    ]
    return f'{{"{kind.__name__}":{{{",".join(written)}}}}}'


def _integer(value: int) -> str:
    if not -_INTEGER_END <= value < _INTEGER_END:
        raise _not_canonical(rejection_of(value))
    return str(value)


#: How a value of exactly such a type is written.
_WRITERS: Final[Mapping[type[Any], Callable[[Any], str]]] = {
    str: encode_basestring,
    int: _integer,
    tuple: lambda value: f"[{','.join([_text(item) for item in value])}]",
    bytes: lambda value: f'{{"bytes":"{value.hex()}"}}',
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}


def _not_canonical(rejection: str) -> NotCanonical:
    return NotCanonical(f"{rejection}: replicas could not agree on its bytes")
