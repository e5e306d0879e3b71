"""Inputs and texts of Raft in scenario files."""

from typing import Any

from impl import raft
from property_tests.raft.host import Applied, Arrived, Asked, Fired, Record, Restored, Server
from tlacheck.harness import ScenarioSyntax
from tlacheck.sim import text_of

__all__ = ["SYNTAX"]


def _text(value: Any) -> str:
    match value:
        case Server():
            return (
                f"{value.role} of term {value.term}, log up to {value.last}, committed {value.committed}, "
                f"holds {', '.join(map(str, value.machine)) or 'nothing'}"
            )
        case Record(number=number, durable=durable):
            vote = f", vote for {durable.voted_for}" if durable.voted_for else ""
            return f"record {number}: term {durable.current_term}{vote}, log up to {durable.last_index}"
        case Arrived(message=message):
            return _text(message)
        case Fired(timer=timer):
            return f"timer {timer}"
        case Asked(input=asked):
            return _text(asked)
        case Applied(index=index, value=applied):
            return f"applied {index}: {_text(applied)}"
        case Restored(index=index):
            return f"restored {index}"
        case raft.NoOp():
            return "no-op"
        case raft.Configuration():
            return str(value)
        case raft.AppendEntriesRequest():
            entries = ", ".join(_text(entry.value) for entry in value.entries)
            return (
                f"AppendEntriesRequest(term {value.term}, after {value.prev_log_index}, [{entries}], "
                f"committed {value.leader_commit})"
            )
        case raft.AppendEntriesResponse():
            said = f"match {value.match_index}" if value.success else "refused"
            return f"AppendEntriesResponse(term {value.term}, {said})"
        case raft.InstallSnapshotRequest():
            return f"InstallSnapshotRequest(term {value.term}, up to {value.snapshot.index})"
        case raft.RequestVoteRequest() | raft.PreVoteRequest():
            return f"{type(value).__name__}(term {value.term}, log up to {value.last_log_index})"
        case raft.RequestVoteResponse() | raft.PreVoteResponse():
            return (
                f"{type(value).__name__}(term {value.term}, {'granted' if value.vote_granted else 'refused'})"
            )
        case _:
            return text_of(value)


def _change(voters: tuple[str, ...], outgoing: tuple[str, ...] = (), learners: tuple[str, ...] = ()) -> Any:
    configuration = raft.Configuration(frozenset(voters), frozenset(outgoing), frozenset(learners))
    return raft.ChangeMembership(configuration)


SYNTAX = ScenarioSyntax(
    inputs={
        "submit": raft.ClientRequest,
        "read": raft.ReadIndex,
        "lease-read": raft.LeaseRead,
        "hand-over": raft.TransferLeadership,
        "change": _change,
    },
    text=_text,
)
