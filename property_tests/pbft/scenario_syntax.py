"""Inputs, messages and texts of PBFT in scenario files: messages are shown without their signatures."""

from collections.abc import Iterable
from typing import Any

from impl import pbft
from property_tests.pbft.crafted import MESSAGES, request
from property_tests.pbft.host import Hosted
from tlacheck.harness import ScenarioSyntax
from tlacheck.sim import text_of

__all__ = ["SYNTAX", "batch_text", "message_text"]

#: So many characters of a digest are shown.
_SHOWN = 6


def batch_text(batch: Iterable[pbft.Request]) -> str:
    """The requests of a batch, each by its client and timestamp."""
    return f"[{', '.join(f'{each.client}-{each.timestamp}' for each in batch)}]"


def message_text(value: Any) -> str | None:
    """The text of a message of PBFT; None if it is none."""
    match value:
        case pbft.Request(client=client, timestamp=timestamp, operation=operation):
            return f"Request({client}-{timestamp}, {text_of(operation)})"
        case pbft.Reply(source=source, client=client, timestamp=timestamp, result=result):
            return f"Reply({source}, to {client}-{timestamp}, {text_of(result)})"
        case pbft.PrePrepare(source=source, view=view, seq=seq, batch=batch):
            return f"PrePrepare({source}, view {view}, {seq}: {batch_text(batch)})"
        case pbft.Prepare() | pbft.Commit():
            place = f"view {value.view}, {value.seq}"
            return f"{type(value).__name__}({value.source}, {place}: {_short(value.digest)})"
        case pbft.Checkpoint(source=source, seq=seq, digest=digest):
            return f"Checkpoint({source}, {seq}: {_short(digest)})"
        case pbft.CheckpointCertificate(seq=seq, proof=proof):
            return f"stable {seq} by {_sources(proof)}" if seq else "stable 0"
        case pbft.PreparedCertificate(pre_prepare=made, prepares=prepares):
            return f"{_prepared(made)} by {_sources(prepares)}"
        case pbft.StateRequest(source=source, seq=seq):
            return f"StateRequest({source}, {seq})"
        case pbft.StateResponse(source=source, checkpoint=checkpoint):
            return f"StateResponse({source}, {message_text(checkpoint)})"
        case pbft.ViewChange(source=source, view=view, checkpoint=checkpoint, certificates=certificates):
            told = [message_text(checkpoint), *map(message_text, certificates)]
            return f"ViewChange({source}, view {view}, {', '.join(map(str, told))})"
        case pbft.NewView(source=source, view=view, view_changes=changes, proposals=proposals):
            said = ", ".join(f"{each.seq}: {batch_text(each.batch)}" for each in proposals) or "nothing"
            return f"NewView({source}, view {view}, by {_sources(changes)}, proposes {said})"
        case _:
            return None


def _prepared(made: pbft.PrePrepare) -> str:
    return f"prepared in view {made.view} {made.seq}: {batch_text(made.batch)}"


def _short(digest: str) -> str:
    return digest[:_SHOWN]


def _sources(messages: Iterable[Any]) -> str:
    return ", ".join(sorted(each.source for each in messages))


def _text(value: Any) -> str:
    match value:
        case pbft.Receive(message=message):
            return _text(message)
        case pbft.Send(message=message, to=to):
            return f"Send {_text(message)} to {to or 'all'}"
        case pbft.Executed(seq=seq, batch=batch):
            return f"Executed {seq}: {batch_text(batch)}"
        case pbft.Refused(why=why, reason=reason):
            return f"Refused as {why.name}: {reason}"
        case pbft.Persist():
            return "Persist"
        case Hosted(node=node):
            return _node_text(node)
        case _:
            found = message_text(value)
            return text_of(value) if found is None else found


def _node_text(node: pbft.Node) -> str:
    durable = node.durable
    changing = ", changing" if durable.changing else ""
    prepared = ", ".join(f"{seq}: {batch_text(each.batch)}" for seq, each in sorted(durable.prepared.items()))
    return (
        f"view {durable.view}{changing}, executed {durable.executed}, stable {durable.stable.seq}, "
        f"prepared {prepared or 'nothing'}"
    )


SYNTAX = ScenarioSyntax(
    inputs={
        "request": lambda **fields: pbft.Receive(request(**fields)),
        "propose": pbft.Propose,
        "timeout": pbft.Timeout,
        "retransmit": pbft.Retransmit,
    },
    messages=MESSAGES,
    text=_text,
)
