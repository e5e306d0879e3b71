"""Proofs by many messages together: for a host that compares what it holds, and for whoever asks who did it.

Core and guard see one message at a time. A replica notices by itself what contradicts what it kept; that a view change
conceals a commit, or that two certificates carry votes of the same replica for different batches, shows only when
messages are laid side by side. A host does so when a view change arrives (`held_by` its replica), and hands what it
finds to its guard as `Reported`. After a disagreement, which takes more than f faulty replicas, the same search in what
two of the correct ones hold says who it was (Sheng et al., "BFT Protocol Forensics", CCS 2021).
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from impl.common.encoding import encode
from impl.common.identities import NodeId
from impl.common.keys import is_signed_by
from impl.guard.evidence import Evidence, conceals, evidence_of, is_message, place
from impl.pbft import Commit, Config, Message, Node, ViewChange
from impl.pbft.shapes import shape_complaint

__all__ = ["held_by", "parts", "search"]


def parts(value: Any) -> Iterator[Message]:
    """All messages in a value, however deep: each is signed by itself, and may be shown by itself."""
    if is_message(value):
        yield value
    if type(value) is tuple or type(value) is dict:
        for item in value.values() if type(value) is dict else value:
            yield from parts(item)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from parts(getattr(value, field.name))


def held_by(node: Node) -> tuple[Message, ...]:
    """The messages that a replica has of others and itself, on disk and in memory."""
    return tuple(parts((node.durable, node.votes, node.checkpoints, node.view_changes)))


def search(config: Config, messages: Iterable[Message]) -> tuple[Evidence, ...]:
    """Evidence against each replica that these messages and their parts convict, in the order of the replicas.

    Never raises, whatever objects the messages are.
    """
    said: dict[NodeId, dict[bytes, Message]] = {}
    for message in messages:
        if shape_complaint(config, message):
            continue
        for part in parts(message):
            source = getattr(part, "source", None)
            if source in config.replicas and is_signed_by(source, part, config.keys):
                said.setdefault(source, {})[encode(part)] = part
    found = (_convicting(config, tuple(said.get(name, {}).values())) for name in config.replicas)
    return tuple(each for each in found if each is not None)


def _convicting(config: Config, said: tuple[Message, ...]) -> Evidence | None:
    """The first that convicts one replica, of all that it signed."""
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
