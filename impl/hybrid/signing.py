"""The part of the hybrid's messages that is signed, and the signer: all but the signature, in the canonical bytes of `impl.common.encoding`.

A message of Raft is made of values that have no canonical bytes (sets, any hashable); it is written out here by its fields.
"""

from typing import TypeVar

import attrs

from impl import raft
from impl.common.encoding import Value, encode
from impl.common.identities import NodeId
from impl.common.keys import Keys
from impl.hybrid.chain import link_of, link_value
from impl.hybrid.messages import Ack, Answer, Calm, Carried, Score, Stop

__all__ = ["Signed", "is_signed", "raft_value", "signed"]

#: What its source signs.
Signed = TypeVar("Signed", Ack, Answer, Calm, Carried, Score, Stop)


def signed(message: Signed, keys: Keys) -> Signed:
    """The message with the signature of whose keys these are on all its other fields."""
    return attrs.evolve(message, signature=keys.sign(_content(message)))


def is_signed(message: Ack | Answer | Calm | Carried | Score | Stop, keys: Keys) -> bool:
    """Return whether its source signed this message; its fields must be of the right types."""
    source: NodeId = message.source
    return keys.verify(source, _content(message), message.signature)


def _content(message: Ack | Answer | Calm | Carried | Score | Stop) -> bytes:
    if isinstance(message, Carried):
        return encode(("Carried", message.epoch, message.source, raft_value(message.message)))
    return encode(message, without="signature")


def raft_value(message: raft.Message) -> Value:
    """A message of Raft as a canonical value: its kind, and its fields by their names."""
    fields: list[Value] = []
    for field in attrs.fields(type(message)):
        value = getattr(message, field.name)
        match value:
            case raft.ConflictHint():
                fields.append((field.name, value.term, value.index))
            case tuple():
                fields.append((field.name, *((entry.term, link_value(link_of(entry))) for entry in value)))
            case _:
                fields.append((field.name, value))
    return (type(message).__name__, *fields)
