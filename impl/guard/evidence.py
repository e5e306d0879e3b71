"""Evidence that convicts by itself: messages which the accused signed, and which no correct replica signs.

| offence        | messages                                  | a correct replica never signs them, because                    |
|----------------|-------------------------------------------|----------------------------------------------------------------|
| `EQUIVOCATION` | two votes (pre-prepare, prepare, commit) for other batches at one number of one view | it accepts one proposal there, on disk before it votes, and does not come back to a view |
|                | two checkpoints at one number, of other states | it executes a number once, and the state is on disk            |
|                | two view changes to one view, or two new views of one, that differ | it has signed one, which is on disk, and says that again |
| `CONCEALMENT`  | a commit, and a view change to a later view that neither tells of a certificate as late nor is beyond it | who commits keeps the certificate until a later one, or a stable checkpoint, replaces it |
| `USURPATION`   | a proposal or a new view of who is not the primary; a prepare of who is; nothing proposed in view 0 | roles follow from the number of the view |
| `FALSE_PROOF`  | a view change, new view or state whose own parts do not prove it | it puts in what it checked itself            |

Both messages of a pair are signed by the accused, so that it does not matter who brings them, nor in which order they
came, nor whether they were taken out of other messages. Nothing here depends on what a replica has seen.

**No proof**, though refused: a signature that does not hold (anybody made it); fields of a wrong shape (the limits of a
service decide); a batch whose client did not sign (a client may be known here later than there); a checkpoint at an odd
number (harmless); whatever is old, early, repeated (the network does that); silence. A reply is no vote.

**On what it rests.** Signatures are not forged, all replicas have the same settings, and the evidence is judged by the
settings under which it was signed. All rules but one need no more, so that not even all others together could frame a
correct replica. That one is for the state which a replica offers: it needs at most f liars, and a service that is
deterministic. Otherwise a quorum may have signed for another state than a correct replica has, which says so by
`impl.pbft.Diverged`, and had better not be asked for its state.
"""

import enum

import attrs

from impl.common.encoding import digest, encode, kind_of
from impl.common.identities import NodeId
from impl.common.keys import is_signed_by
from impl.pbft import (
    NULL_BATCH,
    Checkpoint,
    Commit,
    Config,
    Message,
    NewView,
    Prepare,
    PrePrepare,
    StateResponse,
    ViewChange,
    first_start,
    rules,
)
from impl.pbft.proofs import checkpoint_flaw, new_view_flaw, view_change_flaw
from impl.pbft.shapes import MESSAGES, shape_complaint

__all__ = [
    "Evidence",
    "Offence",
    "conceals",
    "contradict",
    "evidence_of",
    "is_message",
    "is_usurped",
    "offence",
    "ordered",
    "place",
    "proof_flaw",
    "verify",
]


class Offence(enum.Enum):
    """The fault that evidence proves."""

    EQUIVOCATION = "it signed two things where a correct replica signs one"
    CONCEALMENT = "its view change conceals what it gave a commit for"
    USURPATION = "it signed what is another's to sign"
    FALSE_PROOF = "what it signed does not prove what it says"


@attrs.frozen(kw_only=True)
class Evidence:
    """A replica and what it signed: one message, or two that do not go together.

    Nothing is said of where it comes from; `verify` says what it is worth.
    """

    accused: NodeId
    messages: tuple[Message, ...]


def evidence_of(config: Config, *messages: Message) -> Evidence | None:
    """Evidence made of these messages; None unless it convicts their sender. Never raises.

    The same messages make the same evidence, in whatever order they are given.
    """
    accused = getattr(messages[0], "source", "") if messages and is_message(messages[0]) else ""
    found = Evidence(accused=accused, messages=messages)
    return None if verify(found, config) else ordered(found)


def ordered(evidence: Evidence) -> Evidence:
    """The same evidence, its messages in the order of their canonical bytes; it was verified before."""
    return attrs.evolve(evidence, messages=tuple(sorted(evidence.messages, key=encode)))


def verify(evidence: object, config: Config) -> str:
    """The reason that keeps an object from being evidence that convicts; empty if nothing does. Never raises.

    Args:
        evidence: of whomever.
        config: the settings of the cluster; whose they are makes no difference, the public keys do.
    """
    if type(evidence) is not Evidence:
        return f"a {kind_of(evidence)} is no evidence"
    accused, messages = getattr(evidence, "accused", None), getattr(evidence, "messages", None)
    if type(accused) is not str or accused not in config.replicas:
        return "the accused is none of the replicas"
    if type(messages) is not tuple or not 1 <= len(messages) <= 2:
        return "evidence is one message or two"
    for message in messages:
        if complaint := shape_complaint(config, message):
            return f"not a message: {complaint}"
        if getattr(message, "source", None) != accused:
            return f"a message is not of {accused!r}"
        if not is_signed_by(accused, message, config.keys):
            return f"a message has not the signature of {accused!r}: anybody may have made it"
    return "" if offence(messages, config) else "a correct replica may sign that"


def is_message(value: object) -> bool:
    """Return whether an object is of a type of messages, whatever its fields hold. Never raises."""
    kind = type(value)
    return type(kind) is type and kind in MESSAGES


def offence(messages: tuple[Message, ...], config: Config) -> Offence | None:
    """The fault that is proved by a replica's signatures on these messages, one or two; None if a correct one may.

    Args:
        messages: of the right shapes, signed by one replica: see `verify`.
        config: the settings of the cluster.
    """
    if len(messages) == 1:
        if is_usurped(messages[0], config):
            return Offence.USURPATION
        return Offence.FALSE_PROOF if proof_flaw(messages[0], config) else None
    one, other = messages
    if contradict(one, other):
        return Offence.EQUIVOCATION
    return Offence.CONCEALMENT if conceals(one, other) or conceals(other, one) else None


def place(message: Message) -> tuple[str, int, int] | None:
    """The place at which a correct replica says one thing only; None for what binds nobody."""
    match message:
        case PrePrepare() | Prepare() | Commit():
            return ("vote", message.view, message.seq)
        case Checkpoint():
            return ("checkpoint", 0, message.seq)
        case ViewChange():
            return ("view change", message.view, 0)
        case NewView():
            return ("new view", message.view, 0)
        case _:
            return None


def _said(message: Message) -> str:
    """The content of a message at its place: two messages that say the same do not contradict each other."""
    match message:
        case PrePrepare():
            return digest(message.batch)
        case Prepare() | Commit() | Checkpoint():
            return message.digest
        case _:
            return encode(message, without="signature").decode()


def contradict(one: Message, other: Message) -> bool:
    """Return whether a correct replica signs at most one of both."""
    there = place(one)
    return there is not None and there == place(other) and _said(one) != _said(other)


def conceals(commit: Message, change: Message) -> bool:
    """Return whether a view change leaves out what the same replica gave a commit for (paper, 4.4: its P).

    A commit of an earlier view came before the view change, in whatever order they are shown: nobody goes back.
    """
    if not isinstance(commit, Commit) or not isinstance(change, ViewChange):
        return False
    if change.view <= commit.view or change.checkpoint.seq >= commit.seq:
        return False
    return not any(
        each.seq == commit.seq
        and (each.view > commit.view or (each.view == commit.view and digest(each.batch) == commit.digest))
        for each in change.certificates
    )


def is_usurped(message: Message, config: Config) -> bool:
    """Return whether its sender may not say such a thing in such a view.

    That nothing is proposed is a matter of new views; their proposals are signed one by one, and so only in view 0,
    which begins without one, is it an offence.
    """
    match message:
        case PrePrepare():
            is_empty = message.view == 0 and message.batch == NULL_BATCH
            return is_empty or not rules.may_propose(config, message.source, message.view)
        case NewView():
            return not rules.may_propose(config, message.source, message.view)
        case Prepare():
            return message.source not in rules.preparers(config, message.view)
        case _:
            return False


def proof_flaw(message: Message, config: Config) -> str:
    """The reason that keeps a message that must prove something from doing so; empty for all others."""
    match message:
        case ViewChange():
            return view_change_flaw(config, message)
        case NewView():
            return new_view_flaw(first_start(config), message)  # a replica that has heard nothing yet
        case StateResponse():
            flaw = checkpoint_flaw(config, message.checkpoint)
            is_other = digest(message.state) != message.checkpoint.digest
            return flaw or ("the state is not the one of the checkpoint" if is_other else "")
        case _:
            return ""
