"""Raft epochs (rules A1, A2, H1).

Replicas vote for log prefixes, a quorum of votes is a QC, and a replica executes what it locks.
"""

from collections.abc import Iterable

import attrs

from impl import raft
from impl.common.identities import NodeId
from impl.common.requests import Request
from impl.hybrid import rules
from impl.hybrid.answers import answer, without_done
from impl.hybrid.control import ControlState, operation_of
from impl.hybrid.effects import Effect, Executed, ResetElectionTimer, Send, StopElectionTimer
from impl.hybrid.log_prefix import digests_of, log_entry_of
from impl.hybrid.messages import Envelope, LogEntry, QuorumCertificate, Vote
from impl.hybrid.results import Result, StepResult
from impl.hybrid.signing import signed
from impl.hybrid.state import Node, RaftEpoch

__all__ = ["heartbeat", "lock", "raft_step", "receive_qc", "receive_vote", "submit"]


# --- Raft ----------------------------------------------------------------------------------------


def raft_step(node: Node, inp: raft.Input) -> Result:
    """A step of Raft, unless this replica aborted the epoch, with the vote for the log after it."""
    if node.serving is None or node.raft is None:
        return StepResult(node)
    known_log = node.raft.durable.log
    server, done = raft.step(node.raft, inp)
    epoch = attrs.evolve(node.serving, raft=server.durable)
    digests = digests_of(epoch.epoch, server.durable.log, known_log, node.digests)
    if server.durable.current_term != node.raft.durable.current_term:
        node = attrs.evolve(node, votes={})
    node = attrs.evolve(node, raft=server, raft_epoch=epoch, digests=digests)
    effects: list[Effect] = []
    stored: list[raft.AppendEntriesResponse] = []
    elected = False
    for effect in done:
        match effect:
            case raft.Send(message=message):
                effects.append(Send(_envelope(node, message), message.dest))
                if isinstance(message, raft.AppendEntriesResponse) and message.success:
                    stored.append(message)
            case raft.ResetElectionTimer() | raft.SteppedDown():
                effects.append(ResetElectionTimer())
            case raft.BecameLeader():
                elected = True
                effects.append(StopElectionTimer())
            case _:  # Raft's own commit index decides nothing here
                pass
    result = StepResult(node, tuple(effects))
    for response in stored:
        result = result.then(_vote, response.match_index, response.dest)
    if elected:
        result = result.then(_take_over)
    elif node.is_leader and server.durable.log is not known_log:
        result = result.then(_vote_for_own_log)
    return result.then(_retry)


def _envelope(node: Node, message: raft.Message) -> Envelope:
    envelope = Envelope(epoch=node.epoch, message=message, source=node.name)
    return signed(envelope, node.config.keys)


def heartbeat(node: Node) -> Result:
    """Send to all, as the leader, the entries that they lack, the own vote, and the locked QC."""
    if not node.is_leader or node.raft is None or node.serving is None:
        return StepResult(node)
    result: Result = StepResult(node)
    for peer in node.config.replicas:
        if peer != node.name:
            result = result.then(raft_step, raft.AppendEntries(peer))
    locked = node.serving.locked
    return result.with_effects(Send(locked)) if locked is not None else result


def submit(node: Node, requests: Iterable[Request]) -> Result:
    """Append requests, as the leader, that are not in the log yet, and send them."""
    result: Result = StepResult(node)
    for request in requests:
        if not _is_in_log(result.state, request) and not _is_full(result.state):
            result = result.then(raft_step, raft.ClientRequest(request))
    return result.then(heartbeat) if result.state is not node else result


def _is_full(node: Node) -> bool:
    """Return whether Raft's log has its greatest length."""
    return node.raft is None or node.raft.durable.last_index >= node.config.log_max


def _is_in_log(node: Node, request: Request) -> bool:
    """Return whether an operation is in Raft's log beyond the locked prefix."""
    if node.raft is None or node.serving is None:
        return False
    start = node.serving.locked.index if node.serving.locked is not None else 0
    behind = (log_entry_of(entry) for entry in node.raft.durable.log[start:])
    return any(log_entry is not None and _same(log_entry, request) for log_entry in behind)


def _same(one: Request, other: Request) -> bool:
    """Return whether two requests are for the same operation."""
    asked, wanted = operation_of(one), operation_of(other)
    return one.client == other.client and asked is not None and wanted is not None and asked[0] == wanted[0]


def _take_over(node: Node) -> Result:
    """A new leader votes for its log, and appends the waiting requests."""
    waiting = [waiting.request for waiting in node.waiting.values()]
    return _vote_for_own_log(node).then(submit, waiting).then(heartbeat)


# --- votes ----------------------------------------------------------------------------------------


def _vote_for_own_log(node: Node) -> Result:
    """Vote for the own log as the leader, and tell all, so that equivocation by a leader shows."""
    if node.raft is None:
        return StepResult(node)
    return _vote(node, node.raft.durable.last_index, None)


def _vote(node: Node, index: int, to: NodeId | None) -> Result:
    """Vote for the prefix up to an index, if the rules allow it and its last entry is of the current term.

    The latter is for progress only: a correct leader may replace a prefix whose last entry is of an earlier
    term (Raft paper, Figure 8), and a replica locked on it would block that leader.
    """
    epoch = node.serving
    if epoch is None or node.raft is None or not 1 <= index <= node.config.log_max:
        return StepResult(node)
    durable = node.raft.durable
    term = durable.current_term
    if index > durable.last_index or durable.term_at(index) != term:
        return StepResult(node)
    if not rules.may_vote(epoch.last_vote, epoch.locked, term, index, node.digests):
        return StepResult(node)
    vote = signed(
        Vote(epoch=epoch.epoch, term=term, index=index, digest=node.digests[index - 1], source=node.name),
        node.config.keys,
    )
    if vote != epoch.last_vote:
        node = attrs.evolve(node, raft_epoch=attrs.evolve(epoch, last_vote=vote))
    return StepResult(node, (Send(vote, to),)).then(receive_vote, vote)


def receive_vote(node: Node, vote: Vote) -> Result:
    """Count a vote, as the leader, for the own log; lock a QC made of a quorum, and send it to all."""
    epoch = node.serving
    if epoch is None or node.raft is None or not node.is_leader:
        return StepResult(node)
    if vote.term != node.raft.durable.current_term or vote.index > len(node.digests):
        return StepResult(node)
    if not rules.extends(node.digests, vote.index, vote.digest):
        return StepResult(node)
    if epoch.locked is not None and (vote.term, vote.index) <= (epoch.locked.term, epoch.locked.index):
        return StepResult(node)
    place = (vote.index, vote.digest)
    given = {**node.votes.get(place, {}), vote.source: vote}
    node = attrs.evolve(node, votes={**node.votes, place: given})
    if not rules.is_quorum(given.values(), node.config.replicas, node.config.f):
        return StepResult(node)
    chosen = tuple(given[source] for source in sorted(given))
    qc = QuorumCertificate(
        epoch=epoch.epoch, term=vote.term, index=vote.index, digest=vote.digest, votes=chosen
    )
    return lock(node, qc).with_effects(Send(qc))


# --- QCs ---------------------------------------------------------------------------------------


def receive_qc(node: Node, qc: QuorumCertificate) -> Result:
    """Lock a valid QC, or keep it until its prefix arrives."""
    epoch = node.serving
    if epoch is None or not rules.may_lock(epoch.last_vote, epoch.locked, qc):
        return StepResult(node)
    if node.pending is None or (qc.term, qc.index) > (node.pending.term, node.pending.index):
        node = attrs.evolve(node, pending=qc)
    return _retry(node)


def _retry(node: Node) -> Result:
    """Lock the pending QC, if its prefix has arrived."""
    qc = node.pending
    if qc is None or node.serving is None:
        return StepResult(node)
    if not rules.may_lock(node.serving.last_vote, node.serving.locked, qc):
        return StepResult(attrs.evolve(node, pending=None))
    return lock(node, qc)


def lock(node: Node, qc: QuorumCertificate) -> Result:
    """Lock a QC (rule H1), execute its prefix, and answer the clients.

    The effects of a replaced prefix are undone.

    Nothing happens if the log does not contain the prefix.
    """
    epoch = node.serving
    if epoch is None or node.raft is None or not rules.may_lock(epoch.last_vote, epoch.locked, qc):
        return StepResult(node)
    if not rules.extends(node.digests, qc.index, qc.digest):
        return StepResult(node)
    prefix = tuple(log_entry_of(entry) for entry in node.raft.durable.log[: qc.index])
    control, fresh = _executed(node, epoch, qc, prefix)
    done = {log_entry.client for log_entry in fresh if log_entry is not None}
    locked = attrs.evolve(epoch, locked=qc, prefix=prefix)
    node = attrs.evolve(
        node,
        raft_epoch=locked,
        speculative=control,
        pending=None,
        votes={place: given for place, given in node.votes.items() if place[0] > qc.index},
        waiting=without_done(node.waiting, control),
    )
    answers = tuple(each for client in sorted(done) for each in answer(node, client))
    return StepResult(node, (Executed(qc.epoch, qc.term, qc.index), *answers))


def _executed(
    node: Node, epoch: RaftEpoch, qc: QuorumCertificate, prefix: tuple[LogEntry, ...]
) -> tuple[ControlState, tuple[LogEntry, ...]]:
    """The control state after a log prefix, and its entries that were not executed before."""
    service = node.config.service
    if epoch.locked is not None and rules.extends(
        node.digests[: qc.index], epoch.locked.index, epoch.locked.digest
    ):
        fresh = prefix[epoch.locked.index :]
        return node.speculative.extended(service, fresh), fresh
    return epoch.base.extended(service, prefix), prefix
