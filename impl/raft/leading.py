"""The end of each step of a leader: commit, answer reads, step down when no longer a voter."""

import itertools

import attrs

from impl.raft import rules
from impl.raft.configuration import Configuration
from impl.raft.effects import BecameLeader, ReadReady, ResetElectionTimer, Send
from impl.raft.following import safe_up_to
from impl.raft.handled import DOES_NOT_LEAD, Handled, refusal
from impl.raft.inputs import ClientRequest
from impl.raft.log import NOOP, Entry
from impl.raft.state import Durable, Follower, Leader, Node, Progress

__all__ = [
    "appended",
    "become_leader",
    "check_quorum",
    "client_request",
    "disk_synced",
    "holds_round",
    "lead",
]


def lead(
    node: Node,
    durable: Durable,
    role: Leader,
    effects: tuple[Send | ResetElectionTimer | BecameLeader, ...] = (),
) -> Handled:
    """Commit what a quorum holds, and answer the reads that a quorum confirmed (paper, 5.3; thesis, 6.4).

    A leader that is no voter of a committed configuration steps down (thesis, 4.2.2).

    Args:
        node: the server before the step, but for `synced`, which is that after it.
        durable: its durable state after the step.
        role: what it knows after the step.
        effects: what the step asks for.

    Returns:
        The leader, or the follower that it became, with the reads that are ready as answers.
    """
    me, configuration = node.config.node, role.configuration
    held = {progress.peer: progress.match_index for progress in role.progress}
    held[me] = node.synced if node.config.async_disk else durable.last_index
    commit_index = rules.leader_commit_index(durable, configuration, held, node.commit_index)

    ready: tuple[ReadReady, ...] = ()
    if role.pending:
        # They wait in the order of their rounds, and who answered a round answered all before.
        confirmed = tuple(itertools.takewhile(lambda read: holds_round(node, role, read.round), role.pending))
        if confirmed:
            ready = tuple(ReadReady(read.read, read.index) for read in confirmed)
            role = attrs.evolve(role, pending=role.pending[len(confirmed) :])

    retires = (
        me not in configuration.voters and not configuration.is_joint and role.change_index <= commit_index
    )
    after = Node(node.config, durable, node.synced, commit_index, Follower() if retires else role, node.heard)
    return Handled(after, effects, ready)


def holds_round(node: Node, role: Leader, number: int) -> bool:
    """Return whether a quorum, the leader among it, answered a round or a later one."""
    return role.configuration.has_quorum(
        [node.config.node, *(progress.peer for progress in role.progress if progress.acked >= number)]
    )


def appended(durable: Durable, value: object) -> Durable:
    """The durable state with one more entry of its term."""
    entry = Entry(durable.current_term, value)
    return Durable(durable.current_term, durable.voted_for, (*durable.log, entry), snapshot=durable.snapshot)


def become_leader(node: Node, effects: tuple[Send | ResetElectionTimer | BecameLeader, ...] = ()) -> Handled:
    """Lead the current term: open it with a no-op, and send from there on (paper, 5.2; thesis, 6.4)."""
    configuration, next_index = node.configuration, node.durable.last_index + 1
    peers = sorted(configuration.members - {node.config.node})
    role = Leader(
        progress=tuple(Progress(peer, next_index=next_index) for peer in peers),
        configuration=configuration,
        change_index=node.change_index,
    )
    elected = BecameLeader(node.durable.current_term)
    return lead(node, appended(node.durable, NOOP), role, (*effects, elected))


def client_request(node: Node, request: ClientRequest) -> Handled:
    """Append a client's value to the leader's log (paper, 5.3)."""
    role = node.role
    if not isinstance(role, Leader):
        return refusal(node, request, DOES_NOT_LEAD)
    if role.transferee is not None:
        return refusal(node, request, f"this leader hands over to {role.transferee!r}")
    if isinstance(request.value, Configuration):
        return refusal(node, request, "a configuration is no value of a client: ask by ChangeMembership")
    limits = node.config.size_limits
    if limits is not None and (rejection := limits.rejection(request.value)):
        return refusal(node, request, rejection)
    return lead(node, appended(node.durable, request.value), role)


def check_quorum(node: Node) -> Handled:
    """Step down if no quorum answered since the last check, so that clients need not wait (thesis, 6.2)."""
    role = node.role
    if not node.config.check_quorum or not isinstance(role, Leader):
        return Handled(node)
    active = [progress.peer for progress in role.progress if progress.is_active]
    if not role.configuration.has_quorum([node.config.node, *active]):
        return Handled(attrs.evolve(node, role=Follower()))
    waiting = tuple(attrs.evolve(progress, is_active=False) for progress in role.progress)
    return Handled(attrs.evolve(node, role=attrs.evolve(role, progress=waiting)))


def disk_synced(node: Node, index: int) -> Handled:
    """Know what was written to be on disk; a leader may commit by it (thesis, 10.2.1)."""
    safe = min(index, node.durable.last_index)
    if not node.config.async_disk or safe <= node.synced:
        return Handled(node)
    node = attrs.evolve(node, synced=safe_up_to(node, safe))
    return lead(node, node.durable, node.role) if isinstance(node.role, Leader) else Handled(node)
