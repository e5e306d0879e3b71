"""Log prefixes of a Raft epoch, from index 1 on, and the digests that stand for them."""

from collections.abc import Iterable

from impl import raft
from impl.common.encoding import Digest, Value, digest
from impl.common.requests import Request
from impl.hybrid.messages import LogEntry

__all__ = ["beginning", "digests_of", "log_entry_of", "log_entry_value", "prefix_digest"]


def beginning(epoch: int) -> Digest:
    """The digest of the empty prefix of an epoch."""
    return digest(("prefix", epoch))


def log_entry_of(entry: raft.Entry) -> LogEntry:
    """The log entry of an entry of Raft's log: its request without its term; None for a no-op."""
    return entry.value if isinstance(entry.value, Request) else None


def log_entry_value(log_entry: LogEntry) -> Value:
    """A log entry as a canonical value."""
    if log_entry is None:
        return None
    return (log_entry.client, log_entry.timestamp, log_entry.operation, log_entry.signature)


def prefix_digest(epoch: int, prefix: Iterable[LogEntry]) -> Digest:
    """The digest of a prefix."""
    last = beginning(epoch)
    for log_entry in prefix:
        last = _next(last, log_entry)
    return last


def digests_of(
    epoch: int,
    log: tuple[raft.Entry, ...],
    known_log: tuple[raft.Entry, ...],
    known: tuple[Digest, ...],
) -> tuple[Digest, ...]:
    """The digest at each index of a log, given those of the log before.

    Args:
        epoch: of the log.
        log: the log now.
        known_log: the log before.
        known: the digest at each index of that.
    """
    if log is known_log:
        return known
    same = 0
    for one, other in zip(log, known_log, strict=False):
        if one is not other and one != other:
            break
        same += 1
    digests = list(known[:same])
    last = digests[-1] if digests else beginning(epoch)
    for entry in log[same:]:
        last = _next(last, log_entry_of(entry))
        digests.append(last)
    return tuple(digests)


def _next(last: Digest, log_entry: LogEntry) -> Digest:
    return digest((last, log_entry_value(log_entry)))
