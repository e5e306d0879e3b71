"""What makes a run of a Raft cluster worth looking at: situations that a step may meet, by name."""

from collections.abc import Iterator, Sequence

from impl import raft
from property_tests.raft.safety import Safety

__all__ = ["situations"]


def situations(
    safety: Safety,
    action: str,
    before: raft.Node,
    after: raft.Node,
    *,
    news: Sequence[raft.Effect],
    committed: int,
) -> Iterator[str]:
    """The situations that one step of one server met, each as often as it did.

    Args:
        safety: what is known after the step.
        action: the spec's name of the step.
        before: the server before the step.
        after: the server after it.
        news: what the step asked of the host, but for messages, writes and timers.
        committed: how many entries were committed before the step.
    """
    for effect in news:
        yield from _of_effect(action, before, after, effect)
    if len(safety.committed) > committed:
        yield "an entry is committed"
        entry, term = safety.committed[committed]
        if entry.term < term:
            yield "an entry of an earlier term is committed"
        for entry, _ in safety.committed[committed:]:
            if isinstance(entry.value, raft.Configuration):
                yield "a joint change is committed" if entry.value.is_joint else "a change is committed"
    old, new = before.durable, after.durable
    if old.snapshot is not new.snapshot:
        voters, first = new.snapshot.configuration.voters, safety.founders
        if voters - first and first - voters:
            yield "a founder leaves and another server votes"
    if action == "Restart":
        if new.last_index < old.last_index:
            yield "the end of a log is lost in a crash"
        if before.durable_index < new.last_index:
            yield "what was not synced survives a crash"
    elif old.log is not new.log and _is_cut(old, new):
        yield "a conflicting entry is removed"
    if isinstance(after.role, raft.Leader) and not isinstance(before.role, raft.Leader):
        yield "a leader is elected"
        if len(safety.leaders) >= 3:
            yield "a third leader is elected"
        if any(isinstance(node.role, raft.Leader) and node is not after for node in safety.nodes.values()):
            yield "two servers believe that they lead"


def _of_effect(action: str, before: raft.Node, after: raft.Node, effect: raft.Effect) -> Iterator[str]:
    match effect:
        case raft.Restore():
            yield "a snapshot is installed"
        case raft.SteppedDown():
            if action == "CheckQuorum":
                yield "a leader whom no quorum answers steps down"
            elif after.durable.current_term == before.durable.current_term:
                yield "a leader that was removed steps down"
            if isinstance(before.role, raft.Leader) and before.role.handed_over:
                yield "leadership is handed over"
        case raft.ReadReady():
            yield (
                "a read is answered by the lease"
                if action == "LeaseRead"
                else "a read is answered by a quorum"
            )
        case raft.ReadFailed():
            yield "a read fails"
        case _:
            return


def _is_cut(old: raft.Durable, new: raft.Durable) -> bool:
    """Return whether entries were removed that no snapshot covers."""
    first = max(old.snapshot.index, new.snapshot.index)
    kept = old.log[first - old.snapshot.index :]
    return new.log[first - new.snapshot.index :][: len(kept)] != kept
