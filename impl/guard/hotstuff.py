"""Equivocation in HotStuff: two votes, or two blocks, of one replica in one view.

A correct replica votes once in a view, and proposes once in a view that it leads; both are on disk before
they are sent. A block convicts by its proposer's signature alone, whatever else is wrong with it.
"""

from typing import Any, TypeAlias

from impl.common.encoding import kind_of
from impl.hotstuff import Block, Config, Vote
from impl.hotstuff.messages import Certificate, Proposal
from impl.hotstuff.proofs import block_digest, has_signature
from impl.hotstuff.shapes import SHAPES

__all__ = ["PARTS", "Said", "contradict", "message_flaw", "sender"]

#: The types that evidence in JSON has beside those that PBFT has as well.
PARTS: tuple[type[Any], ...] = (Vote, Block, Certificate)

Said: TypeAlias = Vote | Block


def sender(message: object) -> object:
    """The replica that a message names as its sender; None if it names none."""
    block = getattr(message, "block", None) if type(message) is Proposal else message
    return getattr(block, "proposer" if type(block) is Block else "source", None)


def message_flaw(config: Config, message: object) -> str:
    """The reason why an object is no vote or block with its sender's signature. Never raises."""
    kind = type(message)
    if type(kind) is not type or (kind is not Vote and kind is not Block):
        return f"a {kind_of(message)} is no vote and no block"
    if rejection := SHAPES.one(kind)(config, message):
        return f"not a message: {rejection}"
    is_signed = isinstance(message, Vote | Block) and has_signature(config, message)
    return "" if is_signed else "a message has not the signature of its sender: anybody may have made it"


def contradict(one: Said, other: Said) -> bool:
    """Return whether a correct replica signs at most one of both."""
    if isinstance(one, Vote) and isinstance(other, Vote):
        return one.view == other.view and one.block != other.block
    if isinstance(one, Block) and isinstance(other, Block):
        return one.view == other.view and block_digest(one) != block_digest(other)
    return False
