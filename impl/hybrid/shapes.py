"""The shape that an object from outside must have to be a message of the hybrid. Nothing else may look at a message before."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from impl import raft
from impl.common.encoding import encode, kind_of
from impl.common.keys import is_signed_by
from impl.hybrid.book import operation_of
from impl.hybrid.configuration import Config
from impl.hybrid.messages import (
    Ack,
    Calm,
    Carried,
    Exposure,
    Score,
    Seal,
    Stop,
    Stopped,
)
from impl.pbft.messages import Request
from impl.pbft.shapes import shape_complaint as pbft_complaint

__all__ = ["MESSAGES", "request_complaint", "shape_complaint"]

Check: TypeAlias = Callable[[Config, Any], str]

#: Epochs, terms and indices are below; so that there is always a next one.
_NUMBER_END: Final = 1 << 62
_TEXT_MAX: Final = 256
_DIGITS: Final = frozenset("0123456789abcdef")


def shape_complaint(config: Config, message: object) -> str:
    """The reason that keeps an object from being a message of the hybrid; empty if it is one. Never raises."""
    kind = type(message)
    if type(kind) is not type or kind not in MESSAGES:
        return f"a {kind_of(message)} is no message of the hybrid"
    return _fields_complaint(config, message)


def request_complaint(config: Config, request: object) -> str:
    """The reason that keeps an object from being a client's request for an operation, signed by it; empty if it is one."""
    if type(request) is not Request:
        return f"a {kind_of(request)} is no request"
    if complaint := pbft_complaint(config.pbft, request):
        return complaint
    if (size := len(encode(request))) > config.request_bytes_max:
        return f"the request has {size} bytes, and may have {config.request_bytes_max}: send it in parts"
    if operation_of(request) is None:
        return 'it does not ask for ("operate", sequence, what)'
    if not is_signed_by(request.client, request, config.keys):
        return f"it has not the signature of {request.client!r}"
    return ""


def _fields_complaint(config: Config, record: Any) -> str:
    for name, check in _SHAPES[type(record)].items():
        if complaint := check(config, getattr(record, name, None)):
            return f"{name}: {complaint}"
    return ""


def _text(_: Config, value: Any) -> str:
    if type(value) is not str or len(value) > _TEXT_MAX:
        return f"a text of at most {_TEXT_MAX} characters"
    return "" if value.isprintable() else "characters that cannot be printed"


def _replica(config: Config, value: Any) -> str:
    return "" if type(value) is str and value in config.replicas else "none of the replicas"


def _at_least(least: int) -> Check:
    def check(_: Config, value: Any) -> str:
        is_number = type(value) is int and least <= value < _NUMBER_END
        return "" if is_number else f"an integer from {least} to 2^62 - 1"

    return check


def _truth(_: Config, value: Any) -> str:
    return "" if type(value) is bool else "True or False"


def _digest(_: Config, value: Any) -> str:
    is_digest = type(value) is str and len(value) == 64 and _DIGITS.issuperset(value)
    return "" if is_digest else "64 hexadecimal digits"


def _signature(_: Config, value: Any) -> str:
    return "" if type(value) is bytes and len(value) <= _TEXT_MAX else f"at most {_TEXT_MAX} bytes"


def _one(kind: type[Any]) -> Check:
    def check(config: Config, value: Any) -> str:
        return _fields_complaint(config, value) if type(value) is kind else f"a {kind.__name__}"

    return check


def _maybe(kind: type[Any]) -> Check:
    item = _one(kind)

    def check(config: Config, value: Any) -> str:
        return "" if value is None else item(config, value)

    return check


def _several(item: Check, length_max: Callable[[Config], int]) -> Check:
    def check(config: Config, value: Any) -> str:
        if type(value) is not tuple or len(value) > length_max(config):
            return f"a tuple of at most {length_max(config)}"
        return next((said for each in value if (said := item(config, each))), "")

    return check


def _link(config: Config, value: Any) -> str:
    return "" if value is None else request_complaint(config, value)


def _entry(config: Config, value: Any) -> str:
    if type(value) is not raft.Entry:
        return "an Entry"
    if said := _at_least(1)(config, value.term):
        return f"term: {said}"
    return "" if type(value.value) is raft.NoOp else request_complaint(config, value.value)


def _raft(config: Config, value: Any) -> str:
    kind = type(value)
    if type(kind) is not type or kind not in _RAFT:
        return f"a {kind_of(value)} is no message of Raft that an epoch knows"
    return _fields_complaint(config, value)


_LINKED: Final[dict[str, Check]] = {"term": _at_least(0), "source": _replica, "dest": _replica}
_RAFT: Final[dict[type[Any], dict[str, Check]]] = {
    raft.RequestVoteRequest: {
        **_LINKED,
        "last_log_index": _at_least(0),
        "last_log_term": _at_least(0),
        "transfer": _truth,
    },
    raft.RequestVoteResponse: {**_LINKED, "vote_granted": _truth},
    raft.AppendEntriesRequest: {
        **_LINKED,
        "prev_log_index": _at_least(0),
        "prev_log_term": _at_least(0),
        "entries": _several(_entry, lambda config: config.raft.entries_max),
        "leader_commit": _at_least(0),
        "round": _at_least(0),
    },
    raft.AppendEntriesResponse: {
        **_LINKED,
        "success": _truth,
        "match_index": _at_least(0),
        "conflict": _one(raft.ConflictHint),
        "round": _at_least(0),
    },
}
_SOURCE: Final[dict[str, Check]] = {"source": _replica, "signature": _signature}
_CHAIN: Final[dict[str, Check]] = {
    "epoch": _at_least(0),
    "term": _at_least(1),
    "index": _at_least(1),
    "digest": _digest,
}
_SHAPES: Final[dict[type[Any], dict[str, Check]]] = {
    **_RAFT,
    raft.ConflictHint: {"term": _at_least(0), "index": _at_least(0)},
    Carried: {"epoch": _at_least(0), "message": _raft, **_SOURCE},
    Ack: {**_CHAIN, **_SOURCE},
    Seal: {**_CHAIN, "acks": _several(_one(Ack), lambda config: config.n)},
    Stop: {"epoch": _at_least(0), "reason": _text, "held": _maybe(Seal), **_SOURCE},
    Stopped: {"stop": _one(Stop), "chain": _several(_link, lambda config: config.log_max)},
    Calm: {"epoch": _at_least(0), **_SOURCE},
    Score: {"number": _at_least(1), "score": _at_least(0), **_SOURCE},
    Exposure: {"one": _one(Ack), "other": _one(Ack)},
}
#: What replicas say to each other beside the messages of PBFT; `Answer` is for clients.
MESSAGES: Final = frozenset({Carried, Ack, Seal, Stopped, Calm, Score, Exposure})
