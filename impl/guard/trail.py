"""The audit trail: what a guard did and why, each entry with the hash of the one before it.

Altering, removing, inserting or swapping entries breaks the chain at that place; cutting off the beginning
breaks it at once. No chain can show that its end was cut off, or that all entries from some point on were
rewritten with new hashes: for that a head must be known elsewhere. Note the head outside of the machine now
and then (`health` has it), and hand it to `verify_chain`: a trail that has only grown since then still
contains it, one that was cut or rewritten does not.
"""

import enum
from collections.abc import Sequence
from typing import Final

import attrs

from impl.common.encoding import Digest, digest, kind_of, rejection_of
from impl.common.identities import NodeId

__all__ = ["DETAIL_MAX", "Break", "BrokenTrail", "Entry", "Event", "genesis", "verify_chain"]

#: How many characters of a reason are kept.
DETAIL_MAX: Final = 500


class Event(enum.Enum):
    """The subject of an entry."""

    SUSPECTED = "suspected"
    PROVED = "proved"
    QUARANTINED = "quarantined"
    RELEASED = "released"
    ALARM = "alarm"


@attrs.frozen(kw_only=True)
class Entry:
    """One line of the trail.

    Attributes:
        number: from 1, without gaps.
        previous: the digest of the entry before; of the first, `genesis` of the guard's replica.
        event: the value of an `Event`.
        subject: the replica that it is about.
        detail: why, for a human.
        evidence: the digest of the evidence; empty for a suspicion.
        score: of the subject, behind this.
    """

    number: int
    previous: Digest
    event: str
    subject: NodeId
    detail: str
    evidence: Digest = ""
    score: int


@attrs.frozen
class Break:
    """The place where a chain is broken.

    Attributes:
        place: the index of the first entry that does not follow; the length if one is missing behind all.
        what: what is wrong there, for a human.
    """

    place: int
    what: str


class BrokenTrail(ValueError):
    """A trail is broken, and a guard cannot go on from it.

    Usual causes: the file was edited, or belongs to another replica, or lost its end in a crash while the
    head was noted elsewhere. Keep it for the investigation, and begin a new one.
    """


def genesis(node: NodeId) -> Digest:
    """The digest that a replica's first entry follows. It keeps trails of different replicas apart."""
    return digest(("audit trail", node))


def verify_chain(entries: Sequence[object], *, node: NodeId, head: Digest | None = None) -> Break | None:
    """The place where a trail is broken first; None if it is whole. Never raises, whatever the entries are.

    Args:
        entries: all of them, from the first on.
        node: whose trail it is to be.
        head: the digest of its last entry at some time, if one was noted elsewhere; `genesis` at the
            beginning.
    """
    previous = genesis(node)
    seen = head in {None, previous}
    for place, entry in enumerate(entries):
        if reason := _rejection_reason(entry):
            return Break(place, reason)
        if not isinstance(entry, Entry):
            return Break(place, "no entry")
        if entry.number != place + 1:
            return Break(place, f"entry {entry.number} stands where {place + 1} belongs")
        if entry.previous != previous:
            return Break(
                place, f"entry {entry.number} does not follow the one before it, or that was altered"
            )
        previous = digest(entry)
        seen = seen or previous == head
    if not seen:
        return Break(
            len(entries), "the head that was noted is not in it: its end was cut off or written anew"
        )
    return None


def _rejection_reason(entry: object) -> str:
    """The reason why an object is no entry."""
    if type(entry) is not Entry:
        return f"a {kind_of(entry)} is no entry"
    for field in attrs.fields(Entry):
        value = getattr(entry, field.name, None)
        if type(value) is not field.type or rejection_of(value):
            return f"{field.name} is not as it should be"
    return ""
