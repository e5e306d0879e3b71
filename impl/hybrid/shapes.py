"""The shapes of the hybrid's messages; nothing else may look at an object from outside before."""

from typing import Any, Final

from impl import raft
from impl.common.encoding import encode, kind_of
from impl.common.keys import is_signed_by
from impl.common.requests import Request
from impl.common.shapes import Check, Rejection, Shapes, at_least, digest, several, signature, truth
from impl.hybrid.configuration import Config
from impl.hybrid.control import operation_of
from impl.hybrid.messages import (
    Abort,
    AbortHistory,
    Envelope,
    Equivocation,
    QuorumCertificate,
    Score,
    SwitchbackVote,
    Vote,
)

__all__ = ["SHAPES", "request_rejection"]

_TEXT_MAX: Final = 256

#: The messages between replicas beside those of the BFT protocol; `Answer` is for clients.
SHAPES: Final = Shapes[Config]("the hybrid")


def request_rejection(config: Config, request: object) -> str:
    """The reason why an object is no signed client request for an operation; empty if it is one."""
    if type(request) is not Request:
        return f"a {kind_of(request)} is no request"
    if rejection := config.bft.request_rejection(request):
        return rejection
    if (size := len(encode(request))) > config.request_bytes_max:
        return f"the request has {size} bytes, and may have {config.request_bytes_max}: send it in parts"
    if operation_of(request) is None:
        return 'it does not ask for ("operate", sequence, what)'
    if not is_signed_by(request.client, request, config.keys):
        return f"it has not the signature of {request.client!r}"
    return ""


def _text(_: Config, found: Any) -> Rejection:
    if type(found) is not str or len(found) > _TEXT_MAX:
        return f"a text has at most {_TEXT_MAX} characters"
    return "" if found.isprintable() else "the text has characters that cannot be printed"


def _replica(config: Config, found: Any) -> Rejection:
    return "" if type(found) is str and found in config.replicas else "it is none of the replicas"


def _log_entry(config: Config, found: Any) -> Rejection:
    return "" if found is None else request_rejection(config, found)


def _entry(config: Config, found: Any) -> Rejection:
    if type(found) is not raft.Entry:
        return f"a {kind_of(found)} is no Entry"
    if rejection := at_least(1)(config, found.term):
        return f"term: {rejection}"
    return "" if type(found.value) is raft.NoOp else request_rejection(config, found.value)


_LINKED: Final[dict[str, Check[Config]]] = {"term": at_least(0), "source": _replica, "dest": _replica}
_RAFT: Final[dict[type[Any], dict[str, Check[Config]]]] = {
    raft.RequestVoteRequest: {
        **_LINKED,
        "last_log_index": at_least(0),
        "last_log_term": at_least(0),
        "transfer": truth,
    },
    raft.RequestVoteResponse: {**_LINKED, "vote_granted": truth},
    raft.AppendEntriesRequest: {
        **_LINKED,
        "prev_log_index": at_least(0),
        "prev_log_term": at_least(0),
        "entries": several(_entry, lambda config: config.raft.entries_max),
        "leader_commit": at_least(0),
        "round": at_least(0),
    },
    raft.AppendEntriesResponse: {
        **_LINKED,
        "success": truth,
        "match_index": at_least(0),
        "conflict": SHAPES.one(raft.ConflictHint),
        "round": at_least(0),
    },
}
_SOURCE: Final[dict[str, Check[Config]]] = {"source": _replica, "signature": signature}
_PREFIX: Final[dict[str, Check[Config]]] = {
    "epoch": at_least(0),
    "term": at_least(1),
    "index": at_least(1),
    "digest": digest,
}
_raft: Final = SHAPES.among(_RAFT, "message of Raft that an epoch knows")

SHAPES.declare(
    {
        **_RAFT,
        raft.ConflictHint: {"term": at_least(0), "index": at_least(0)},
        Envelope: {"epoch": at_least(0), "message": _raft, **_SOURCE},
        Vote: {**_PREFIX, **_SOURCE},
        QuorumCertificate: {**_PREFIX, "votes": several(SHAPES.one(Vote), lambda config: config.n)},
        Abort: {
            "epoch": at_least(0),
            "reason": _text,
            "locked": SHAPES.one(QuorumCertificate, optional=True),
            **_SOURCE,
        },
        AbortHistory: {
            "abort": SHAPES.one(Abort),
            "prefix": several(_log_entry, lambda config: config.log_max),
        },
        SwitchbackVote: {"epoch": at_least(0), **_SOURCE},
        Score: {"number": at_least(1), "score": at_least(0), **_SOURCE},
        Equivocation: {"one": SHAPES.one(Vote), "other": SHAPES.one(Vote)},
    },
    messages={Envelope, Vote, QuorumCertificate, AbortHistory, SwitchbackVote, Score, Equivocation},
)
