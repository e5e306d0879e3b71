"""Inputs, messages, directives and texts of the hybrid in scenario files: signatures are not shown."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from impl import guard, hybrid, pbft, raft
from impl.hybrid.control import ControlState
from property_tests.hybrid.crafted import MESSAGES
from property_tests.hybrid.host import Ask, Hosted, ToOthers
from property_tests.pbft.scenario_syntax import message_text
from tlacheck.harness import Directive, Line, ScenarioSyntax, Scene
from tlacheck.sim import text_of

__all__ = ["SYNTAX"]

#: So many characters of a digest are shown.
_SHOWN: Final = 6


def _log_text(log: Iterable[Any]) -> str:
    return f"[{', '.join('no-op' if each is None else _entry_text(each) for each in log)}]"


def _entry_text(request: pbft.Request) -> str:
    operation: Any = request.operation
    return f"{request.client}-{operation[1] if len(operation) == 3 else operation[0]}"


def _sources(messages: Iterable[Any]) -> str:
    return ", ".join(each.source for each in messages)


def _statement_text(value: Any) -> str | None:
    """The text of a message between replicas."""
    match value:
        case hybrid.Vote(source=source, epoch=epoch, term=term, index=index, digest=digest):
            return f"Vote({source}, epoch {epoch}, term {term}, {index}: {digest[:_SHOWN]})"
        case hybrid.QuorumCertificate(epoch=epoch, term=term, index=index, digest=digest, votes=votes):
            return f"QC(epoch {epoch}, term {term}, {index}: {digest[:_SHOWN]}, by {_sources(votes)})"
        case hybrid.Abort(source=source, epoch=epoch, reason=reason, locked=locked):
            return f"Abort({source}, epoch {epoch}, {reason}, locked {_statement_text(locked) or 'nothing'})"
        case hybrid.AbortHistory(abort=abort, prefix=prefix):
            return f"{_statement_text(abort)} with {_log_text(prefix)}"
        case hybrid.SwitchbackVote(source=source, epoch=epoch):
            return f"SwitchbackVote({source}, epoch {epoch})"
        case hybrid.Equivocation(one=one, other=other):
            return f"Equivocation({_statement_text(one)}, {_statement_text(other)})"
        case guard.Evidence(accused=accused, messages=messages):
            return f"Evidence({accused}, {', '.join(map(_text, messages))})"
        case hybrid.Score(source=source, number=number, score=score):
            return f"Score({source}, number {number}, {score})"
        case hybrid.Envelope(source=source, epoch=epoch, message=message):
            return f"{source} in epoch {epoch}: {_raft_text(message)}"
        case hybrid.Answer():
            place = f"epoch {value.epoch}, term {value.term}"
            asked = f"{value.client}-{value.sequence}"
            return f"Answer({value.source}, {place}, to {asked}, {text_of(value.result)})"
        case _:
            return None


def _raft_text(message: Any) -> str:
    if not isinstance(message, raft.AppendEntriesRequest):
        fields = attrs.asdict(message, recurse=False, filter=lambda field, _: field.name in _RAFT_FIELDS)
        return f"{type(message).__name__}({', '.join(f'{name} {value}' for name, value in fields.items())})"
    log = _log_text(each.value if isinstance(each.value, pbft.Request) else None for each in message.entries)
    return f"AppendEntriesRequest(term {message.term}, after {message.prev_log_index}: {log})"


_RAFT_FIELDS: Final = frozenset({"term", "vote_granted", "success", "match_index", "last_log_index"})


def _state_text(value: Any) -> str | None:
    """The text of a state of a node."""
    match value:
        case Hosted(node=node):
            state = hybrid.health(node)
            aborted = "" if state.takes_part else ", aborted"
            return (
                f"{state.protocol} epoch {state.epoch}{aborted}, level {state.level}, locked {state.locked}, "
                f"done {node.committed.done}, aborts {_names(node.aborts)}, switch-back votes "
                f"{_names(node.switchbacks)}"
            )
        case hybrid.Client(sequence=sequence, is_done=is_done):
            return f"operation {sequence} {'accepted' if is_done else 'waits'}"
        case _:
            return None


def _by(told: Any) -> str:
    return ", ".join(each[0] for each in told)


def _names(of: Iterable[str]) -> str:
    return ", ".join(sorted(of)) or "of none"


def _effect_text(value: Any) -> str | None:
    """The text of an input or an effect."""
    match value:
        case hybrid.Receive(message=message):
            return _text(message)
        case pbft.Request(
            client=client, timestamp=timestamp, operation=(str() as kind, int() as epoch, told, *_)
        ) if kind != "operate":
            return f"Request({client}-{timestamp}, {kind} {epoch} by {_by(told)})"
        case hybrid.Send(message=message, to=to):
            return f"Send {_text(message)} to {to}"
        case ToOthers(message=message):
            return f"Send {_text(message)} to all"
        case hybrid.Refused(reason=reason):
            return f"Refused: {reason}"
        case hybrid.Persist():
            return "Persist"
        case hybrid.Audit():
            return ""
        case _:
            return None


def _text(value: Any) -> str:
    for find in (_effect_text, _statement_text, _state_text, message_text, text_of):
        if (found := find(value)) is not None:
            return found
    raise TypeError(f"no text for a {type(value).__name__}")  # text_of has one for all


def _apply(scene: Scene, line: Line) -> Iterator[str]:
    """The answer of the control state machine, and how the control state differs afterwards."""
    node = scene.run.cluster.states[scene.node(line, line.word(0))].node
    request = scene.made(line, 1)
    value, result = node.config.bft.config.service.apply(node.committed.to_value(), request)
    before, after = node.committed, ControlState.from_value(value)
    changed = [
        f"{field.name} {getattr(after, field.name)}"
        for field in attrs.fields(ControlState)
        if field.name in ("epoch", "protocol", "done", "fruitless")
        and getattr(after, field.name) != getattr(before, field.name)
    ]
    yield f"{text_of(result)}: {', '.join(changed) or ('nothing changes' if after == before else 'sessions')}"


SYNTAX: Final = ScenarioSyntax(
    inputs={
        "ask": Ask,
        "election": hybrid.ElectionTimeout,
        "view_timeout": hybrid.ViewTimeout,
    },
    messages=MESSAGES,
    directives=[
        Directive(
            "apply NODE MESSAGE [KEY=VALUE]",
            "Print what the control state machine of a replica would answer to a request now.",
            _apply,
        )
    ],
    text=_text,
)
