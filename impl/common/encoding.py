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
import json
from typing import Any, Final, TypeAlias

import attrs

__all__ = [
    "DEPTH_MAX",
    "DIGESTED",
    "Digest",
    "NotCanonical",
    "Value",
    "complaint_about",
    "digest",
    "encode",
    "kind_of",
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


def complaint_about(value: object, depth: int = DEPTH_MAX) -> str:
    """The reason why an object is no `Value`, for a human; empty if it is one.

    Never raises, whatever the object is: only its type is looked at unless that is one of the few. Not even
    `isinstance` is asked before, for an object may say anything of its class.
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
        return next((said for item in value if (said := complaint_about(item, depth - 1))), "")
    return f"a {kind_of(value)} is none of None, bool, int, str, bytes, tuple"


def encode(value: object, *, without: str = "") -> bytes:
    """The canonical bytes of a value, a message, or a tuple of them.

    Args:
        value: what is to be encoded.
        without: a field of `value` itself to leave out; its signature.

    Raises:
        NotCanonical: if it is neither a value nor made of attrs classes whose fields are.
    """
    return _JSON.encode(_plain(value, without)).encode()


_JSON: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


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
def _fields(kind: type[Any]) -> tuple[tuple[str, bool], ...]:
    """The fields of an attrs class, each with whether it is digested."""
    return tuple((field.name, bool(field.metadata.get("digested"))) for field in attrs.fields(kind))


def _plain(value: object, without: str = "") -> object:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if isinstance(value, bytes) and kind is bytes:
        return {"bytes": value.hex()}
    if isinstance(value, tuple) and kind is tuple:
        return [_plain(item) for item in value]
    if kind is not str and kind is not int and attrs.has(kind):
        return {
            kind.__name__: {
                name: digest(getattr(value, name)) if digested else _plain(getattr(value, name))
                for name, digested in _fields(kind)
                if name != without
            }
        }
    if complaint := complaint_about(value):
        raise NotCanonical(f"{complaint}: replicas could not agree on its bytes")
    return value
