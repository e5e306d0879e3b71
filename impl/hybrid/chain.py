"""Chains: what is sealed in a Raft epoch, from log index 1 on, and the digests that stand for them."""

from collections.abc import Iterable

from impl import raft
from impl.common.encoding import Digest, Value, digest
from impl.hybrid.messages import Link
from impl.pbft.messages import Request

__all__ = ["beginning", "chain_digest", "digests_of", "link_of", "link_value"]


def beginning(epoch: int) -> Digest:
    """The digest of the empty chain of an epoch."""
    return digest(("chain", epoch))


def link_of(entry: raft.Entry) -> Link:
    """The link that a log entry adds to the chain; its term is not part of that."""
    return entry.value if isinstance(entry.value, Request) else None


def link_value(link: Link) -> Value:
    """A link as a canonical value."""
    if link is None:
        return None
    return (link.client, link.timestamp, link.operation, link.signature)


def chain_digest(epoch: int, chain: Iterable[Link]) -> Digest:
    """The digest of a whole chain."""
    last = beginning(epoch)
    for link in chain:
        last = _next(last, link)
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
        last = _next(last, link_of(entry))
        digests.append(last)
    return tuple(digests)


def _next(last: Digest, link: Link) -> Digest:
    return digest((last, link_value(link)))
