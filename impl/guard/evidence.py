"""Evidence that convicts by itself: messages that the accused signed and that no correct replica signs.

`EQUIVOCATION`:

* Two votes (pre-prepare, prepare, commit) for different batches at one number of one view. A correct replica
  accepts one proposal there, on disk before it votes, and does not come back to a view.
* Two checkpoints at one number with different states. A correct replica executes a number once, and the state
  is on disk.
* Two view changes to one view, or two new views of one, that differ. A correct replica has signed one, which
  is on disk, and repeats that.

`CONCEALMENT`: a commit, and a view change to a later view that neither carries a certificate as late nor is
beyond it. A correct replica keeps the certificate of its commit until a later one, or a stable checkpoint,
replaces it.

`USURPATION`: a proposal or a new view of a replica that is not the primary; a prepare of one that is; a null
batch proposed in view 0. Roles follow from the number of the view.

`FALSE_PROOF`: a view change, new view or state whose own parts do not prove it. A correct replica includes
only what it has checked itself.

Both messages of a pair are signed by the accused. So it does not matter who brings them, in which order they
came, or whether they were taken out of other messages. Nothing here depends on what a replica has seen.

**No proof**, though refused: an invalid signature (anybody may have made it); fields of a wrong shape (the
limits of a service decide); a batch whose client did not sign (a client may be known here later than there);
a checkpoint at an odd number (harmless); anything old, early or repeated (the network does that); silence. A
reply is no vote.

**Assumptions.** Signatures are not forged, all replicas have the same settings, and the evidence is judged by
the settings under which it was signed. All rules but one need no more, so that not even all others together
could frame a correct replica. The exception is the rule for the state that a replica offers: it needs at most
f liars and a deterministic service. Otherwise a quorum may have signed another state than a correct replica
has. That replica reports `impl.pbft.Diverged`, and had better not be asked for its state.

**HotStuff.** With the settings of `impl.hotstuff` evidence is two votes or two blocks of one view
(`impl.guard.hotstuff`); all the rest of this page is about PBFT.
"""

import enum
from typing import Any

import attrs

from impl import hotstuff
from impl.common.encoding import digest, encode, kind_of
from impl.common.identities import NodeId
from impl.common.keys import is_signed_by
from impl.guard import hotstuff as of_hotstuff
from impl.hotstuff.shapes import SHAPES as HOTSTUFF_SHAPES
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
from impl.pbft.shapes import SHAPES

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
    "sender_of",
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

    Evidence does not depend on its origin; `verify` judges it.
    """

    accused: NodeId
    messages: tuple[Message | hotstuff.Vote | hotstuff.Block, ...]


def evidence_of(config: Config | hotstuff.Config, *messages: Any) -> Evidence | None:
    """Evidence made of these messages; None unless it convicts their sender. Never raises.

    The same messages make the same evidence in any order.
    """
    accused = _accused(messages[0]) if messages else ""
    found = Evidence(accused=accused, messages=messages)
    return None if verify(found, config) else ordered(found)


def _accused(message: object) -> Any:
    """The replica that a message, or a block by itself, names as its sender; empty if it names none."""
    return of_hotstuff.sender(message) if is_message(message) or type(message) is hotstuff.Block else ""


def ordered(evidence: Evidence) -> Evidence:
    """The same evidence, its messages in the order of their canonical bytes; it was verified before."""
    return attrs.evolve(evidence, messages=tuple(sorted(evidence.messages, key=encode)))


def verify(evidence: object, config: Config | hotstuff.Config) -> str:
    """The reason why an object is no evidence that convicts; empty if it is. Never raises.

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
        if flaw := _message_flaw(message, accused, config):
            return flaw
    return "" if offence(messages, config) else "a correct replica may sign that"


def _message_flaw(message: Any, accused: NodeId, config: Config | hotstuff.Config) -> str:
    """The reason why an object is no message that the accused signed; empty if it is. Never raises."""
    if isinstance(config, hotstuff.Config):
        is_other = of_hotstuff.sender(message) != accused
        return of_hotstuff.message_flaw(config, message) or (
            f"a message is not of {accused!r}" if is_other else ""
        )
    if rejection := SHAPES.rejection(config, message):
        return f"not a message: {rejection}"
    if getattr(message, "source", None) != accused:
        return f"a message is not of {accused!r}"
    if not is_signed_by(accused, message, config.keys):
        return f"a message has not the signature of {accused!r}: anybody may have made it"
    return ""


def is_message(value: object) -> bool:
    """Return whether an object is of a type of messages, whatever its fields hold. Never raises."""
    kind = type(value)
    return type(kind) is type and (kind in SHAPES.messages or kind in HOTSTUFF_SHAPES.messages)


def sender_of(message: object) -> object:
    """The replica that a message names as its sender; None if it names none. Never raises."""
    return of_hotstuff.sender(message) if is_message(message) else None


def offence(messages: tuple[Any, ...], config: Config | hotstuff.Config) -> Offence | None:
    """The fault proved by a replica's signatures on one or two messages.

    None if a correct replica may have signed them.

    Args:
        messages: of the right shapes, signed by one replica: see `verify`.
        config: the settings of the cluster.
    """
    if isinstance(config, hotstuff.Config):
        is_double = len(messages) == 2 and of_hotstuff.contradict(*messages)
        return Offence.EQUIVOCATION if is_double else None
    if len(messages) == 1:
        if is_usurped(messages[0], config):
            return Offence.USURPATION
        return Offence.FALSE_PROOF if proof_flaw(messages[0], config) else None
    one, other = messages
    if contradict(one, other):
        return Offence.EQUIVOCATION
    return Offence.CONCEALMENT if conceals(one, other) or conceals(other, one) else None


def place(message: Message) -> tuple[str, int, int] | None:
    """The place at which a correct replica signs one message only; None if a message has none."""
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

    A commit of an earlier view came before the view change, whatever their order here: no correct replica
    goes back.
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
    """Return whether the message is one that its sender may not send in its view.

    Only new views propose null batches. Their proposals are signed one by one, so a null batch is an offence
    only in view 0, which begins without a new view.
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
    """The reason why a message does not prove what it must; empty if it does or need not."""
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
