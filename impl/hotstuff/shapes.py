"""The shapes of HotStuff's messages; nothing else may look at an object from outside before."""

from typing import Any, Final

from impl.common.encoding import encode, kind_of, rejection_of
from impl.common.requests import Reply, Request
from impl.common.service import Answered, State
from impl.common.shapes import Check, Rejection, Shapes, at_least, digest, name, several, signature, value
from impl.hotstuff.configuration import Config
from impl.hotstuff.messages import (
    Block,
    Blocks,
    Certificate,
    Fetch,
    Proposal,
    Snapshot,
    Timeout,
    TimeoutCertificate,
    Vote,
)

__all__ = ["SHAPES", "batch_rejection"]

SHAPES: Final = Shapes[Config]("HotStuff")


def _bitmap(config: Config, found: Any) -> Rejection:
    if type(found) is not bytes:
        return f"a {kind_of(found)} is no bytes"
    is_whole = len(found) in (0, config.bitmap_bytes)
    return "" if is_whole else f"it has {len(found)} bytes for {config.n} replicas"


def _operation(config: Config, found: Any) -> Rejection:
    if rejection := rejection_of(found):
        return rejection
    size, limit = len(encode(found)), config.request_bytes_max
    return "" if size <= limit else f"it has {size} bytes, and {limit} are allowed"


def _some(check: Check[Config], exactly: int = 0) -> Check[Config]:
    """A tuple that is not empty, or has so many items."""

    def checked(config: Config, found: Any) -> Rejection:
        if rejection := check(config, found):
            return rejection
        if exactly:
            return "" if len(found) == exactly else f"it has {len(found)} items, not {exactly}"
        return "" if found else "it is empty"

    return checked


#: The reason why an object is no batch; empty if it is one. Never raises.
batch_rejection: Final[Check[Config]] = several(SHAPES.one(Request), lambda config: config.batch_max)
_certificate: Final = SHAPES.one(Certificate)

SHAPES.declare(
    {
        Request: {"client": name, "timestamp": at_least(1), "operation": _operation, "signature": signature},
        Reply: {},
        Answered: {"client": name, "timestamp": at_least(1), "result": value},
        State: {"value": value, "answered": several(SHAPES.one(Answered))},
        Certificate: {
            "view": at_least(0),
            "block": digest,
            "signers": _bitmap,
            "signatures": several(signature, lambda config: config.n),
        },
        TimeoutCertificate: {
            "view": at_least(1),
            "signers": _bitmap,
            "high_views": _some(several(at_least(0), lambda config: config.n)),
            "signatures": several(signature, lambda config: config.n),
        },
        Block: {
            "view": at_least(1),
            "parent": digest,
            "batch": batch_rejection,
            "justify": _certificate,
            "proposer": name,
            "signature": signature,
        },
        Proposal: {"block": SHAPES.one(Block), "entry": SHAPES.one(TimeoutCertificate, optional=True)},
        Vote: {"view": at_least(1), "block": digest, "source": name, "signature": signature},
        Timeout: {
            "view": at_least(1),
            "high": _certificate,
            "vote": SHAPES.one(Vote, optional=True),
            "source": name,
            "signature": signature,
        },
        Fetch: {"block": digest, "above": at_least(0), "source": name, "signature": signature},
        Blocks: {"blocks": _some(several(SHAPES.one(Block), lambda config: config.fetch_max))},
        Snapshot: {
            "head": _some(several(SHAPES.one(Block), lambda _: 3), exactly=3),
            "certificate": _certificate,
            "state": SHAPES.one(State),
            "source": name,
            "signature": signature,
        },
    },
    messages={
        Certificate,
        Request,
        Reply,
        Proposal,
        Vote,
        Timeout,
        TimeoutCertificate,
        Fetch,
        Blocks,
        Snapshot,
    },
)
