"""Raft epochs: Raft runs, what its log holds is acked, quorums of acks are seals, and what is sealed is executed (rules A1, A2, H1)."""

from collections.abc import Iterable

import attrs

from impl import raft
from impl.common.identities import NodeId
from impl.hybrid import rules
from impl.hybrid.answers import answer, without_done
from impl.hybrid.book import Book, operation_of
from impl.hybrid.chain import digests_of, link_of
from impl.hybrid.effects import Effect, Executed, ResetElectionTimer, Send, StopElectionTimer
from impl.hybrid.messages import Ack, Carried, Link, Seal
from impl.hybrid.outcome import Outcome
from impl.hybrid.signing import signed
from impl.hybrid.state import Node, RaftEpoch
from impl.pbft.messages import Request

__all__ = ["heartbeat", "hold", "raft_step", "receive_ack", "receive_seal", "submit"]


# --- Raft ----------------------------------------------------------------------------------------


def raft_step(node: Node, inp: raft.Input) -> Outcome:
    """A step of Raft, as long as this replica takes part in the epoch, with the ack for what its log holds then."""
    if node.serving is None or node.raft is None:
        return Outcome(node)
    known_log = node.raft.durable.log
    server, done = raft.step(node.raft, inp)
    epoch = attrs.evolve(node.serving, raft=server.durable)
    digests = digests_of(epoch.epoch, server.durable.log, known_log, node.digests)
    if server.durable.current_term != node.raft.durable.current_term:
        node = attrs.evolve(node, acks={})
    node = attrs.evolve(node, raft=server, raft_epoch=epoch, digests=digests)
    effects: list[Effect] = []
    vouched: list[raft.AppendEntriesResponse] = []
    elected = False
    for effect in done:
        match effect:
            case raft.Send(message=message):
                effects.append(Send(_carried(node, message), message.dest))
                if isinstance(message, raft.AppendEntriesResponse) and message.success:
                    vouched.append(message)
            case raft.ResetElectionTimer() | raft.SteppedDown():
                effects.append(ResetElectionTimer())
            case raft.BecameLeader():
                elected = True
                effects.append(StopElectionTimer())
            case _:  # what Raft itself takes for committed decides nothing here
                pass
    outcome = Outcome(node, tuple(effects))
    for response in vouched:
        outcome = outcome.then(_ack, response.match_index, response.dest)
    if elected:
        outcome = outcome.then(_take_over)
    elif node.is_leader and server.durable.log is not known_log:
        outcome = outcome.then(_vouch)
    return outcome.then(_retry)


def _carried(node: Node, message: raft.Message) -> Carried:
    carried = Carried(epoch=node.epoch, message=message, source=node.name)
    return signed(carried, node.config.keys)


def heartbeat(node: Node) -> Outcome:
    """A leader sends to all what they lack, its own ack, and what it holds."""
    if not node.is_leader or node.raft is None or node.serving is None:
        return Outcome(node)
    outcome = Outcome(node)
    for peer in node.config.replicas:
        if peer != node.name:
            outcome = outcome.then(raft_step, raft.AppendEntries(peer))
    held = node.serving.held
    return outcome.saying(Send(held)) if held is not None else outcome


def submit(node: Node, requests: Iterable[Request]) -> Outcome:
    """A leader puts requests into its log that are not there yet, and sends them."""
    outcome = Outcome(node)
    for request in requests:
        if not _is_in_log(outcome.node, request) and not _is_full(outcome.node):
            outcome = outcome.then(raft_step, raft.ClientRequest(request))
    return outcome.then(heartbeat) if outcome.node is not node else outcome


def _is_full(node: Node) -> bool:
    """Return whether Raft's log is as long as others take it."""
    return node.raft is None or node.raft.durable.last_index >= node.config.log_max


def _is_in_log(node: Node, request: Request) -> bool:
    """Return whether an operation is in Raft's log beyond what is held."""
    if node.raft is None or node.serving is None:
        return False
    start = node.serving.held.index if node.serving.held is not None else 0
    behind = (link_of(entry) for entry in node.raft.durable.log[start:])
    return any(link is not None and _same(link, request) for link in behind)


def _same(one: Request, other: Request) -> bool:
    """Return whether two requests are for the same operation."""
    asked, wanted = operation_of(one), operation_of(other)
    return one.client == other.client and asked is not None and wanted is not None and asked[0] == wanted[0]


def _take_over(node: Node) -> Outcome:
    """A new leader vouches for its log, and puts into it what waits here."""
    waiting = [waiting.request for waiting in node.waiting.values()]
    return _vouch(node).then(submit, waiting).then(heartbeat)


# --- acks ----------------------------------------------------------------------------------------


def _vouch(node: Node) -> Outcome:
    """A leader acks its own log, and tells all, so that two logs of one leader show."""
    if node.raft is None:
        return Outcome(node)
    return _ack(node, node.raft.durable.last_index, None)


def _ack(node: Node, index: int, to: NodeId | None) -> Outcome:
    """Ack the chain up to an index, if the rules allow it, and if its last entry is of the present term.

    The latter is for progress only: a chain whose last entry is of an earlier term may be replaced by a correct leader
    (Raft paper, Figure 8), and who holds it would be in its way.
    """
    epoch = node.serving
    if epoch is None or node.raft is None or not 1 <= index <= node.config.log_max:
        return Outcome(node)
    durable = node.raft.durable
    term = durable.current_term
    if index > durable.last_index or durable.term_at(index) != term:
        return Outcome(node)
    if not rules.may_ack(epoch.acked, epoch.held, term, index, node.digests):
        return Outcome(node)
    ack = signed(
        Ack(epoch=epoch.epoch, term=term, index=index, digest=node.digests[index - 1], source=node.name),
        node.config.keys,
    )
    if ack != epoch.acked:
        node = attrs.evolve(node, raft_epoch=attrs.evolve(epoch, acked=ack))
    return Outcome(node, (Send(ack, to),)).then(receive_ack, ack)


def receive_ack(node: Node, ack: Ack) -> Outcome:
    """A leader counts acks for its own chain; a quorum of them is a seal, which it holds and sends to all."""
    epoch = node.serving
    if epoch is None or node.raft is None or not node.is_leader:
        return Outcome(node)
    if ack.term != node.raft.durable.current_term or ack.index > len(node.digests):
        return Outcome(node)
    if not rules.extends(node.digests, ack.index, ack.digest):
        return Outcome(node)
    if epoch.held is not None and (ack.term, ack.index) <= (epoch.held.term, epoch.held.index):
        return Outcome(node)
    place = (ack.index, ack.digest)
    given = {**node.acks.get(place, {}), ack.source: ack}
    node = attrs.evolve(node, acks={**node.acks, place: given})
    if not rules.seals(given.values(), node.config.replicas, node.config.f):
        return Outcome(node)
    chosen = tuple(given[source] for source in sorted(given))
    seal = Seal(epoch=epoch.epoch, term=ack.term, index=ack.index, digest=ack.digest, acks=chosen)
    return hold(node, seal).saying(Send(seal))


# --- seals ---------------------------------------------------------------------------------------


def receive_seal(node: Node, seal: Seal) -> Outcome:
    """A seal that proves itself is held, or kept until its chain is here."""
    epoch = node.serving
    if epoch is None or not rules.may_hold(epoch.acked, epoch.held, seal):
        return Outcome(node)
    if node.pending is None or (seal.term, seal.index) > (node.pending.term, node.pending.index):
        node = attrs.evolve(node, pending=seal)
    return _retry(node)


def _retry(node: Node) -> Outcome:
    """Hold what was kept, if its chain has come."""
    seal = node.pending
    if seal is None or node.serving is None:
        return Outcome(node)
    if not rules.may_hold(node.serving.acked, node.serving.held, seal):
        return Outcome(attrs.evolve(node, pending=None))
    return hold(node, seal)


def hold(node: Node, seal: Seal) -> Outcome:
    """Hold a seal (rule H1), execute its chain, and answer the clients. What another chain did is undone.

    Nothing happens if the log does not hold the chain.
    """
    epoch = node.serving
    if epoch is None or node.raft is None or not rules.may_hold(epoch.acked, epoch.held, seal):
        return Outcome(node)
    if not rules.extends(node.digests, seal.index, seal.digest):
        return Outcome(node)
    chain = tuple(link_of(entry) for entry in node.raft.durable.log[: seal.index])
    book, fresh = _executed(node, epoch, seal, chain)
    done = {link.client for link in fresh if link is not None}
    held = attrs.evolve(epoch, held=seal, chain=chain)
    node = attrs.evolve(
        node,
        raft_epoch=held,
        book=book,
        pending=None,
        acks={place: given for place, given in node.acks.items() if place[0] > seal.index},
        waiting=without_done(node.waiting, book),
    )
    answers = tuple(each for client in sorted(done) for each in answer(node, client))
    return Outcome(node, (Executed(seal.epoch, seal.term, seal.index), *answers))


def _executed(
    node: Node, epoch: RaftEpoch, seal: Seal, chain: tuple[Link, ...]
) -> tuple[Book, tuple[Link, ...]]:
    """The book with a chain done, and the links that were not done before."""
    service = node.config.service
    if epoch.held is not None and rules.extends(
        node.digests[: seal.index], epoch.held.index, epoch.held.digest
    ):
        fresh = chain[epoch.held.index :]
        return node.book.extended(service, fresh), fresh
    return epoch.opening.extended(service, chain), chain
