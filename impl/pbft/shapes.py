"""The shapes of PBFT's messages; nothing else may look at an object from outside before."""

from typing import Any, Final

from impl.common.encoding import encode, rejection_of
from impl.common.requests import Reply, Request
from impl.common.service import Answered, State
from impl.common.shapes import Check, Rejection, Shapes, at_least, digest, name, several, signature, value
from impl.pbft.configuration import Config
from impl.pbft.messages import (
    Checkpoint,
    CheckpointCertificate,
    Commit,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    StateRequest,
    StateResponse,
    ViewChange,
)

__all__ = ["SHAPES", "batch_rejection"]

#: A service may keep operations in its state, two tuples deeper than the depth of values.
_OPERATION_DEPTH: Final = 8

SHAPES: Final = Shapes[Config]("PBFT")


def _operation(config: Config, found: Any) -> Rejection:
    kind = type(found)
    if (kind is str or kind is bytes or kind is tuple) and len(found) > config.request_bytes_max:
        return f"it is longer than {config.request_bytes_max}"
    return rejection_of(found, _OPERATION_DEPTH)


def _is_small(config: Config, request: Any) -> Rejection:
    if (size := len(encode(request))) <= config.request_bytes_max:
        return ""
    return f"the request has {size} bytes, and may have {config.request_bytes_max}: send it in parts"


def _replicas(config: Config) -> int:
    return config.n


def _window(config: Config) -> int:
    return config.window


#: The reason why an object is no batch; empty if it is one. Never raises.
batch_rejection: Final[Check[Config]] = several(SHAPES.one(Request), lambda config: config.batch_max)
_SOURCE: Final[dict[str, Check[Config]]] = {"source": name, "signature": signature}
_VOTE: Final[dict[str, Check[Config]]] = {
    "view": at_least(0),
    "seq": at_least(1),
    "digest": digest,
    **_SOURCE,
}

SHAPES.declare(
    {
        Request: {
            "client": name,
            "timestamp": at_least(1),
            "operation": _operation,
            "signature": signature,
        },
        Reply: {
            "view": at_least(0),
            "client": name,
            "timestamp": at_least(1),
            "result": value,
            **_SOURCE,
        },
        PrePrepare: {"view": at_least(0), "seq": at_least(1), "batch": batch_rejection, **_SOURCE},
        Prepare: _VOTE,
        Commit: _VOTE,
        Checkpoint: {"seq": at_least(1), "digest": digest, **_SOURCE},
        CheckpointCertificate: {
            "seq": at_least(0),
            "digest": digest,
            "proof": several(SHAPES.one(Checkpoint), _replicas),
        },
        StateRequest: {"seq": at_least(1), **_SOURCE},
        Answered: {"client": name, "timestamp": at_least(1), "result": value},
        State: {"value": value, "answered": several(SHAPES.one(Answered))},
        StateResponse: {
            "checkpoint": SHAPES.one(CheckpointCertificate),
            "state": SHAPES.one(State),
            **_SOURCE,
        },
        PreparedCertificate: {
            "pre_prepare": SHAPES.one(PrePrepare),
            "prepares": several(SHAPES.one(Prepare), _replicas),
        },
        ViewChange: {
            "view": at_least(1),
            "checkpoint": SHAPES.one(CheckpointCertificate),
            "certificates": several(SHAPES.one(PreparedCertificate), _window),
            **_SOURCE,
        },
        NewView: {
            "view": at_least(1),
            "view_changes": several(SHAPES.one(ViewChange), _replicas),
            "proposals": several(SHAPES.one(PrePrepare), _window),
            **_SOURCE,
        },
    },
    whole={Request: _is_small},
    messages={
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
    },
)
