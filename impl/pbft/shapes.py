"""The shape that an object from outside must have to be a message: types, sizes, ranges, all the way down.

Nothing else may look at a message before. Types are compared, not asked: an object that claims to be a
string or a number may do anything when it is used. Collections are measured before they are walked.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from impl.common.encoding import complaint_about, encode, kind_of
from impl.pbft.configuration import Config
from impl.pbft.messages import (
    Answered,
    Checkpoint,
    CheckpointCertificate,
    Commit,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    Reply,
    Request,
    State,
    StateRequest,
    StateResponse,
    ViewChange,
)

__all__ = ["MESSAGES", "batch_complaint", "shape_complaint"]

#: What may be wrong with a value, for a human; empty if nothing is.
Complaint: TypeAlias = str
Check: TypeAlias = Callable[[Config, Any], Complaint]

#: Views, sequence numbers and timestamps are below; so that there is always a next one.
_NUMBER_END: Final = 1 << 62
_NAME_MAX: Final = 256
_SIGNATURE_MAX: Final = 256
_DIGEST_DIGITS: Final = frozenset("0123456789abcdef")


def shape_complaint(config: Config, message: object) -> Complaint:
    """The reason that keeps an object from being a message, and which field it is; empty if it is one. Never raises."""
    kind = type(message)
    if type(kind) is not type or kind not in MESSAGES:
        return f"a {kind_of(message)} is no message of PBFT"
    return _fields_complaint(config, message)


def batch_complaint(config: Config, batch: object) -> Complaint:
    """The reason that keeps an object from being a batch; empty if it is one. Never raises."""
    return _batch(config, batch)


def _fields_complaint(config: Config, message: Any) -> Complaint:
    for name, check in _SHAPES[type(message)].items():
        try:
            value = getattr(message, name)
        except AttributeError:
            return f"{name} is missing"
        if complaint := check(config, value):
            return f"{name}: {complaint}"
    if type(message) is Request:
        size = len(encode(message))
        if size > config.request_bytes_max:
            return f"the request has {size} bytes, and may have {config.request_bytes_max}: send it in parts"
    return ""


def _name(_: Config, value: Any) -> Complaint:
    if type(value) is not str:
        return f"a {kind_of(value)} is no name"
    return (
        complaint_about(value) if len(value) <= _NAME_MAX else f"a name has more than {_NAME_MAX} characters"
    )


def _at_least(least: int) -> Check:
    def check(_: Config, value: Any) -> Complaint:
        if type(value) is not int:
            return f"a {kind_of(value)} is no integer"
        return "" if least <= value < _NUMBER_END else f"the number is not from {least} to 2^62 - 1"

    return check


def _digest(_: Config, value: Any) -> Complaint:
    if type(value) is not str or len(value) != 64 or not _DIGEST_DIGITS.issuperset(value):
        return "a digest is 64 hexadecimal digits"
    return ""


def _signature(_: Config, value: Any) -> Complaint:
    if type(value) is not bytes or len(value) > _SIGNATURE_MAX:
        return f"a signature is at most {_SIGNATURE_MAX} bytes"
    return ""


def _operation(config: Config, value: Any) -> Complaint:
    kind = type(value)
    if (kind is str or kind is bytes or kind is tuple) and len(value) > config.request_bytes_max:
        return f"it is longer than {config.request_bytes_max}"
    return complaint_about(value, _OPERATION_DEPTH)


#: A service may keep operations in its state, two tuples deeper.
_OPERATION_DEPTH: Final = 8


def _value(_: Config, value: Any) -> Complaint:
    return complaint_about(value)


def _one(kind: type[Any]) -> Check:
    def check(config: Config, value: Any) -> Complaint:
        if type(value) is not kind:
            return f"a {kind_of(value)} is no {kind.__name__}"
        return _fields_complaint(config, value)

    return check


def _several(kind: type[Any], length_max: Callable[[Config], int]) -> Check:
    item = _one(kind)

    def check(config: Config, value: Any) -> Complaint:
        if type(value) is not tuple:
            return f"a {kind_of(value)} is no tuple"
        if len(value) > length_max(config):
            return f"{len(value)} items are more than {length_max(config)}"
        return next((said for each in value if (said := item(config, each))), "")

    return check


def _answered(config: Config, value: Any) -> Complaint:
    if type(value) is not tuple:
        return f"a {kind_of(value)} is no tuple"
    item = _one(Answered)
    return next((said for each in value if (said := item(config, each))), "")


def _replicas(config: Config) -> int:
    return config.n


def _window(config: Config) -> int:
    return config.window


_batch: Final = _several(Request, lambda config: config.batch_max)
_SOURCE: Final[dict[str, Check]] = {"source": _name, "signature": _signature}
_VOTE: Final[dict[str, Check]] = {"view": _at_least(0), "seq": _at_least(1), "digest": _digest, **_SOURCE}

_SHAPES: Final[dict[type[Any], dict[str, Check]]] = {
    Request: {
        "client": _name,
        "timestamp": _at_least(1),
        "operation": _operation,
        "signature": _signature,
    },
    Reply: {
        "view": _at_least(0),
        "client": _name,
        "timestamp": _at_least(1),
        "result": _value,
        **_SOURCE,
    },
    PrePrepare: {"view": _at_least(0), "seq": _at_least(1), "batch": _batch, **_SOURCE},
    Prepare: _VOTE,
    Commit: _VOTE,
    Checkpoint: {"seq": _at_least(1), "digest": _digest, **_SOURCE},
    CheckpointCertificate: {
        "seq": _at_least(0),
        "digest": _digest,
        "proof": _several(Checkpoint, _replicas),
    },
    StateRequest: {"seq": _at_least(1), **_SOURCE},
    Answered: {"client": _name, "timestamp": _at_least(1), "result": _value},
    State: {"value": _value, "answered": _answered},
    StateResponse: {"checkpoint": _one(CheckpointCertificate), "state": _one(State), **_SOURCE},
    PreparedCertificate: {"pre_prepare": _one(PrePrepare), "prepares": _several(Prepare, _replicas)},
    ViewChange: {
        "view": _at_least(1),
        "checkpoint": _one(CheckpointCertificate),
        "certificates": _several(PreparedCertificate, _window),
        **_SOURCE,
    },
    NewView: {
        "view": _at_least(1),
        "view_changes": _several(ViewChange, _replicas),
        "proposals": _several(PrePrepare, _window),
        **_SOURCE,
    },
}

#: The types of messages; the other shapes are parts of some.
MESSAGES: Final = frozenset(
    {
        Request,
        Reply,
        PrePrepare,
        Prepare,
        Commit,
        Checkpoint,
        StateRequest,
        StateResponse,
        ViewChange,
        NewView,
    }
)
