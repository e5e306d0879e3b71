"""Messages of the hybrid that nobody's core made: those of Byzantine nodes in scenarios and attacks.

Keys are symbolic, so that any node may stand as the signer of a message, and `nobody` for a signature that is
none.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, TypeVar

import attrs

from impl import hybrid, pbft, raft
from impl.hybrid.control import abort_value, switchback_value
from impl.hybrid.log_prefix import log_entry_value, prefix_digest
from property_tests.pbft.crafted import by

__all__ = [
    "MESSAGES",
    "abort",
    "answer",
    "certificate",
    "end_epoch",
    "entries",
    "request",
    "start_epoch",
    "switchback",
    "vote",
]

#: A log prefix; in scenarios the no-op of a leader is a word.
_Log: TypeAlias = "tuple[hybrid.LogEntry | str, ...]"
_M = TypeVar("_M", hybrid.Vote, hybrid.Answer, hybrid.SwitchbackVote, hybrid.Envelope, hybrid.Abort)


def _signed(message: _M, signer: str) -> _M:
    return by(signer, message, hybrid.signed)


def _entries(log: _Log) -> tuple[hybrid.LogEntry, ...]:
    return tuple(None if isinstance(each, str) else each for each in log)


def request(
    client: str, *, sequence: int = 1, timestamp: int = 1, what: pbft.Value = "it", signer: str = ""
) -> pbft.Request:
    """A client's request for its operation of this number."""
    asked = pbft.Request(client=client, timestamp=timestamp, operation=("operate", sequence, what))
    return by(signer or client, asked)


def vote(source: str, *, log: _Log, term: int = 1, epoch: int = 0, signer: str = "") -> hybrid.Vote:
    """A vote for a log prefix."""
    digest = prefix_digest(epoch, _entries(log))
    made = hybrid.Vote(epoch=epoch, term=term, index=len(log), digest=digest, source=source)
    return _signed(made, signer or source)


def certificate(
    *, log: _Log, votes: tuple[hybrid.Vote, ...], term: int = 1, epoch: int = 0, of: int | None = None
) -> hybrid.QuorumCertificate:
    """A QC of a log prefix with these votes; its digest is that of epoch `of`, if that is given."""
    digest = prefix_digest(epoch if of is None else of, _entries(log))
    return hybrid.QuorumCertificate(epoch=epoch, term=term, index=len(log), digest=digest, votes=votes)


def entries(
    source: str,
    *,
    to: str,
    log: _Log = (),
    term: int = 1,
    epoch: int = 0,
    after: int = 0,
    after_term: int = 0,
    leader: str = "",
    signer: str = "",
) -> hybrid.Envelope:
    """The entries of a leader, behind the entry at index `after`."""
    made = raft.AppendEntriesRequest(
        term=term,
        source=leader or source,
        dest=to,
        prev_log_index=after,
        prev_log_term=after_term,
        entries=tuple(raft.Entry(term, raft.NoOp() if each is None else each) for each in _entries(log)),
        leader_commit=0,
    )
    return _signed(hybrid.Envelope(epoch=epoch, message=made, source=source), signer or source)


def abort(
    source: str,
    *,
    reason: str = "threat",
    locked: hybrid.QuorumCertificate | None = None,
    log: _Log = (),
    epoch: int = 0,
    of: int | None = None,
    signer: str = "",
) -> hybrid.AbortHistory:
    """An abort with the log prefix of its locked QC; its signature is of epoch `of`, if that is given."""
    made = hybrid.Abort(epoch=epoch if of is None else of, reason=reason, locked=locked, source=source)
    made = attrs.evolve(_signed(made, signer or source), epoch=epoch)
    return hybrid.AbortHistory(made, _entries(log))


def switchback(source: str, *, epoch: int = 1, signer: str = "") -> hybrid.SwitchbackVote:
    """A vote to leave a BFT epoch."""
    return _signed(hybrid.SwitchbackVote(epoch=epoch, source=source), signer or source)


def end_epoch(
    source: str,
    *,
    aborts: tuple[hybrid.AbortHistory, ...],
    log: _Log = (),
    epoch: int = 0,
    timestamp: int = 1,
) -> pbft.Request:
    """An epoch-end command with these aborts."""
    told = tuple(abort_value(each.abort) for each in aborts)
    operation = ("epoch-end", epoch, told, tuple(map(log_entry_value, _entries(log))))
    return by(source, pbft.Request(client=source, timestamp=timestamp, operation=operation))


def start_epoch(
    source: str, *, votes: tuple[hybrid.SwitchbackVote, ...], epoch: int = 1, timestamp: int = 1
) -> pbft.Request:
    """An epoch-start command with these switch-back votes."""
    operation = ("epoch-start", epoch, tuple(map(switchback_value, votes)))
    return by(source, pbft.Request(client=source, timestamp=timestamp, operation=operation))


def answer(
    source: str,
    *,
    client: str,
    result: pbft.Value,
    sequence: int = 1,
    epoch: int = 0,
    term: int = 1,
    signer: str = "",
) -> hybrid.Answer:
    """A replica's answer to a client; term 0 says that the result is committed."""
    made = hybrid.Answer(
        epoch=epoch, term=term, client=client, sequence=sequence, result=result, source=source
    )
    return _signed(made, signer or source)


def reply(
    source: str, *, client: str, result: pbft.Value, timestamp: int = 1, signer: str = ""
) -> pbft.Reply:
    """PBFT's reply to a client."""
    made = pbft.Reply(view=0, timestamp=timestamp, result=result, client=client, source=source)
    return by(signer or source, made)


def proposal(source: str, *, seq: int, batch: pbft.Batch, view: int = 0) -> pbft.PrePrepare:
    """The proposal of PBFT's primary."""
    return by(source, pbft.PrePrepare(view=view, seq=seq, batch=batch, source=source))


#: The messages of scenarios, by name.
MESSAGES: Final[Mapping[str, Any]] = {
    "request": request,
    "vote": vote,
    "certificate": certificate,
    "entries": entries,
    "abort": abort,
    "switchback": switchback,
    "end_epoch": end_epoch,
    "start_epoch": start_epoch,
    "answer": answer,
    "reply": reply,
    "proposal": proposal,
    "equivocation": hybrid.Equivocation,
}
