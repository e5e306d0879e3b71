"""Signatures of the hybrid's messages over all fields but the signature.

The bytes are the canonical ones of `impl.common.encoding`.

Raft's messages hold values without canonical bytes (sets, any hashable); they are encoded here field by
field.
"""

from typing import TypeVar

import attrs

from impl import raft
from impl.common.encoding import Value, encode
from impl.common.identities import NodeId
from impl.common.keys import Keys
from impl.hybrid.log_prefix import log_entry_of, log_entry_value
from impl.hybrid.messages import Abort, Answer, Envelope, Score, SwitchbackVote, Vote

__all__ = ["Signed", "is_signed", "raft_value", "signed"]

#: The messages that their source signs.
Signed = TypeVar("Signed", Vote, Answer, SwitchbackVote, Envelope, Score, Abort)


def signed(message: Signed, keys: Keys) -> Signed:
    """The message with the signature of the owner of these keys."""
    return attrs.evolve(message, signature=keys.sign(_content(message)))


def is_signed(message: Vote | Answer | SwitchbackVote | Envelope | Score | Abort, keys: Keys) -> bool:
    """Return whether its source signed this message; its fields must have the right types."""
    source: NodeId = message.source
    return keys.verify(source, _content(message), message.signature)


def _content(message: Vote | Answer | SwitchbackVote | Envelope | Score | Abort) -> bytes:
    if isinstance(message, Envelope):
        return encode(("Envelope", message.epoch, message.source, raft_value(message.message)))
    return encode(message, without="signature")


def raft_value(message: raft.Message) -> Value:
    """The canonical value of a message of Raft: its kind, and its fields with their names."""
    fields: list[Value] = []
    for field in attrs.fields(type(message)):
        value = getattr(message, field.name)
        match value:
            case raft.ConflictHint():
                fields.append((field.name, value.term, value.index))
            case tuple():
                fields.append(
                    (field.name, *((entry.term, log_entry_value(log_entry_of(entry))) for entry in value))
                )
            case _:
                fields.append((field.name, value))
    return (type(message).__name__, *fields)
