"""Metrics of a replica of the hybrid, with KN's names where it has some."""

import attrs

from impl import guard
from impl.hybrid.state import Node
from impl.threat import cluster_score, level

__all__ = ["Health", "current_protocol", "exposition", "health", "threat_level"]


@attrs.frozen(kw_only=True)
class Health:
    """A summary for metrics and operators.

    Attributes:
        epoch: the epoch that it is in.
        protocol: of the epoch.
        takes_part: whether it takes part in the epoch: not after its abort.
        level: the threat level.
        score: the cluster score behind it.
        done: the number of operations that are done, speculative ones included.
        committed: the number of committed operations.
        locked: the index of its locked QC in the current Raft epoch.
        waiting: the number of waiting clients.
        longest_wait: the longest wait of one of them, in ticks.
        aborts: the number of replicas that aborted the epoch.
        proved: the replicas proved faulty.
    """

    epoch: int
    protocol: str
    takes_part: bool
    level: str
    score: int
    done: int
    committed: int
    locked: int
    waiting: int
    longest_wait: int
    aborts: int
    proved: tuple[str, ...]


def current_protocol(node: Node) -> str:
    """The protocol of the epoch that a replica is in, `raft` or `bft` (THREAT-6)."""
    return node.committed.protocol


def threat_level(node: Node) -> str:
    """The threat level of a replica, `NONE` to `CRITICAL` (THREAT-6)."""
    return level(node.threat).name


def health(node: Node) -> Health:
    """The metrics of a replica."""
    epoch = node.raft_epoch
    proved = sorted({*guard.health(node.guard).proved, *node.threat.durable.proved})
    return Health(
        epoch=node.epoch,
        protocol=current_protocol(node),
        takes_part=node.is_bft or node.serving is not None,
        level=threat_level(node),
        score=cluster_score(node.threat),
        done=node.speculative.done,
        committed=node.committed.done,
        locked=epoch.locked.index if epoch is not None and epoch.locked is not None else 0,
        waiting=len(node.waiting),
        longest_wait=max((each.ticks for each in node.waiting.values()), default=0),
        aborts=len(node.aborts),
        proved=tuple(proved),
    )


def exposition(state: Health) -> str:
    """The same in the text format that Prometheus reads, one gauge a line."""
    gauges = ("epoch", "score", "done", "committed", "locked", "waiting", "longest_wait", "aborts")
    lines = [f"hybrid_{name} {getattr(state, name)}" for name in gauges]
    lines.append(f'hybrid_protocol{{name="{state.protocol}"}} 1')
    lines.append(f'hybrid_threat_level{{name="{state.level}"}} 1')
    lines.append(f"hybrid_byzantine_failures {len(state.proved)}")
    return "".join(f"{line}\n" for line in lines)
