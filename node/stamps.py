"""Stamps and digests: what nodes say of their steps, so that a run can be executed again.

A *stamp* names a message: the node that sent it, the number of the node's start, the step of that start, and
the position among the messages of the step. A frame carries its stamp, the receiver logs it: so each
event says which other event came before it, and no clock is needed to order a run.

A *digest* stands for what a step did: everything it sent, answered and applied, and what of the state after
it the core has chosen (`Core.digest`). The core is deterministic: executed again on the same inputs it gives
the same digests.
"""

import hashlib
from collections.abc import Hashable, Iterable
from typing import Any

import attrs

from node.codec import Codec

__all__ = ["Reached", "Stamp", "Stamped", "message_codec", "short_digest"]


@attrs.frozen(order=True)
class Stamp:
    """The name of a message.

    Attributes:
        node: the sender.
        start: which start of the sender this is, from 1.
        step: the number of the step in this start, from 1.
        position: the place of the message in the step, from 0.
    """

    node: str
    start: int
    step: int
    position: int


@attrs.frozen
class Reached:
    """The last step that a node had taken at some moment.

    Attributes:
        node: which node.
        start: which of its starts, from 1.
        step: the number of the step in this start, from 1; 0 before the first.
    """

    node: str
    start: int
    step: int


@attrs.frozen
class Stamped:
    """A message with its stamp, as a link carries it."""

    stamp: Stamp
    message: Hashable


def message_codec(kinds: Iterable[type[Any]]) -> Codec:
    """Return the codec of stamped messages, and of inputs, made of records of these types."""
    return Codec([Stamp, Stamped, *kinds])


def short_digest(data: bytes) -> str:
    """Return the digest of what was said: 16 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()[:16]
