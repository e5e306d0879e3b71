"""Proofs across many messages, for a host that compares what it holds, and for investigators.

Core and guard see one message at a time. A replica itself notices a contradiction of what it kept. A view
change that conceals a commit, or two certificates with votes of one replica for different batches, shows only
when messages are compared. A host does so when a view change arrives (`held_by` its replica), and hands what
it finds to its guard as `Reported`. After a disagreement, which takes more than f faulty replicas, the same
search over the messages of two correct replicas finds the culprits (Sheng et al., "BFT Protocol Forensics",
CCS 2021).
"""

import functools
import itertools
from collections.abc import Iterable
from typing import Any, Final

import attrs

from impl.common.encoding import encode
from impl.common.identities import NodeId
from impl.common.keys import is_signed_by
from impl.guard.evidence import Evidence, conceals, evidence_of, is_message, place
from impl.pbft import Commit, Config, Message, Node, ViewChange
from impl.pbft.shapes import SHAPES

__all__ = ["held_by", "parts", "search"]


def parts(value: Any) -> tuple[Message, ...]:
    """All messages in a value, however deep: each is signed by itself, and may be shown by itself."""
    found: list[Message] = []
    _gather(value, found)
    return tuple(found)


def _gather(value: Any, found: list[Message]) -> None:
    kind: Any = type(value)
    if kind in _PLAIN:
        return
    if is_message(value):
        found.append(value)
    if kind is tuple:
        for item in value:
            _gather(item, found)
    elif kind is dict:
        for item in value.values():
            _gather(item, found)
    else:
        for field in _fields(kind):
            _gather(getattr(value, field), found)


#: Types that most fields have, and that hold no messages.
_PLAIN: Final = frozenset({str, int, bytes, bool, type(None)})


@functools.cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(kind)) if attrs.has(kind) else ()


def held_by(node: Node) -> tuple[Message, ...]:
    """The messages that a replica has of others and itself, on disk and in memory."""
    return parts((node.durable, node.votes, node.checkpoints, node.view_changes))


def search(config: Config, messages: Iterable[Message]) -> tuple[Evidence, ...]:
    """Evidence against each replica that these messages and their parts convict, ordered by replica.

    Never raises, whatever objects the messages are.
    """
    said: dict[NodeId, dict[bytes, Message]] = {}
    for message in messages:
        if SHAPES.rejection(config, message):
            continue
        for part in parts(message):
            source = getattr(part, "source", None)
            if source in config.replicas and is_signed_by(source, part, config.keys):
                said.setdefault(source, {})[encode(part)] = part
    found = (_convicting(config, tuple(said.get(name, {}).values())) for name in config.replicas)
    return tuple(each for each in found if each is not None)


def _convicting(config: Config, said: tuple[Message, ...]) -> Evidence | None:
    """The first evidence that convicts one replica, among all that it signed."""
    first: dict[object, Message] = {}
    for message in said:
        if found := evidence_of(config, message):
            return found
        if there := place(message):
            earlier = first.setdefault(there, message)
            if found := evidence_of(config, earlier, message):
                return found
    commits = [each for each in said if isinstance(each, Commit)]
    changes = [each for each in said if isinstance(each, ViewChange)]
    for commit, change in itertools.product(commits, changes):
        if conceals(commit, change):
            return evidence_of(config, commit, change)
    return None
