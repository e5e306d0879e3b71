"""One step of a Raft server. Pure; each handler names the rule of the paper or thesis that it carries out."""

from typing import assert_never

from impl.common import Refused, StepResult
from impl.raft import elections, inputs, leading, membership, messages, reads, replication, snapshots
from impl.raft.effects import (
    Apply,
    Effect,
    Persist,
    ReadFailed,
    Restore,
    SteppedDown,
    Write,
)
from impl.raft.handled import Handled
from impl.raft.inputs import Input
from impl.raft.messages import Message
from impl.raft.state import Config, Durable, Leader, MisroutedInput, Node

__all__ = ["first_start", "recover", "step"]


def first_start(config: Config) -> Node:
    """A server that starts for the first time, with nothing but the founders' configuration.

    Its host persists `durable` before the server takes a step; later starts use `recover`.
    """
    return Node(config, Durable(snapshot=config.first_snapshot))


def recover(config: Config, durable: Durable) -> Node:
    """The server after a crash: its state on disk, and nothing else.

    The host's state machine begins anew with `durable.snapshot.state`; what follows is applied again
    as it is committed again. With clocks, the server stays with a leader for as long as it may have
    promised, for it does not know when it last heard one (thesis, 6.4.1).
    """
    return Node(
        config,
        durable,
        synced=durable.last_index if config.async_disk else 0,
        commit_index=durable.snapshot.index,
        heard=config.election_ticks if config.is_timed else 0,
    )


def step(node: Node, inp: Input) -> StepResult[Node, Effect]:
    """One step of a server.

    An input that does not fit the server (a late timer, a message of an old term, a part of the protocol that
    is off) changes nothing: network and clock are not to be trusted. `Refused` answers a waiting requester.

    Args:
        node: the server before the step.
        inp: what happened.

    Returns:
        The server after the step, and what the host must do, in order: `Persist` first, then
        messages, then news for the state machine, clients and operators.

    Raises:
        MisroutedInput: if the input is for another server. That is the host's mistake.
    """
    match inp:
        case inputs.Receive(message=message):
            handled = _receive(node, message)
        case inputs.AppendEntries(peer=peer):
            handled = replication.append_entries(node, peer)
        case inputs.ClientRequest():
            handled = leading.client_request(node, inp)
        case inputs.Tick():
            handled = reads.tick(node)
        case inputs.DiskSynced(index=index):
            handled = leading.disk_synced(node, index)
        case inputs.Timeout():
            handled = elections.timeout(node)
        case inputs.ReadIndex():
            handled = reads.read_index(node, inp)
        case inputs.LeaseRead():
            handled = reads.lease_read(node, inp)
        case inputs.RenewLease():
            handled = reads.renew_lease(node)
        case inputs.CheckQuorum():
            handled = leading.check_quorum(node)
        case inputs.Compact():
            handled = snapshots.compact(node, inp)
        case inputs.ChangeMembership():
            handled = membership.change_membership(node, inp)
        case inputs.TransferLeadership():
            handled = membership.transfer_leadership(node, inp)
        case inputs.AbortTransfer():
            handled = membership.abort_transfer(node)
        case _:
            assert_never(inp)
    return StepResult(handled.node, _effects(node, inp, handled))


def _receive(node: Node, message: Message) -> Handled:
    """Handle a message from any server.

    A requester need not be known yet; the sender of an answer is checked by its handler.
    """
    if message.dest != node.config.node:
        raise MisroutedInput(f"{node.config.node!r} was handed a message for {message.dest!r}: {message}")
    if message.source == node.config.node:
        return Handled(node)
    match message:
        case messages.AppendEntriesRequest():
            return replication.handle_append_entries_request(node, message)
        case messages.AppendEntriesResponse():
            return replication.handle_append_entries_response(node, message)
        case messages.RequestVoteRequest():
            return elections.handle_request_vote_request(node, message)
        case messages.RequestVoteResponse():
            return elections.handle_request_vote_response(node, message)
        case messages.PreVoteRequest():
            return elections.handle_pre_vote_request(node, message)
        case messages.PreVoteResponse():
            return elections.handle_pre_vote_response(node, message)
        case messages.InstallSnapshotRequest():
            return snapshots.handle_install_snapshot_request(node, message)
        case messages.TimeoutNow():
            return elections.handle_timeout_now(node, message)
        case _:
            assert_never(message)


def _effects(before: Node, inp: Input, handled: Handled) -> tuple[Effect, ...]:
    """The effects of a step, durable ones before those that rely on them."""
    after = handled.node
    if after is before:
        return (*handled.effects, *handled.answers)
    effects: list[Effect] = []
    if after.durable is not before.durable:
        is_safe = after.durable_index == after.durable.last_index
        effects.append(Persist(after.durable) if is_safe else Write(after.durable))
    effects.extend(handled.effects)
    if isinstance(before.role, Leader) and not isinstance(after.role, Leader):
        effects.append(SteppedDown(before.durable.current_term))
    if after.commit_index > before.commit_index:
        effects.extend(_applied(before.commit_index, after))
    effects.extend(handled.answers)
    if isinstance(before.role, Leader) and not isinstance(after.role, Leader):
        effects.extend(_failed(before.role, inp, handled))
    return tuple(effects)


def _applied(applied: int, after: Node) -> list[Effect]:
    """The effects by which the state machine takes over what is committed behind index `applied`."""
    effects: list[Effect] = []
    durable = after.durable
    if durable.snapshot.index > applied:
        applied = durable.snapshot.index
        effects.append(Restore(applied, durable.snapshot.state))
    behind = durable.log[applied - durable.snapshot.index : after.commit_index - durable.snapshot.index]
    effects.extend(Apply(index, entry.value) for index, entry in enumerate(behind, start=applied + 1))
    return effects


def _failed(leader: Leader, inp: Input, handled: Handled) -> list[Effect]:
    """The reads that a leader owed when it stepped down, one asked for in that very step among them."""
    asked = [pending.read for pending in leader.pending]
    if isinstance(inp, inputs.ReadIndex):
        asked.append(inp.read)
    answered = {answer.read for answer in handled.answers if not isinstance(answer, Refused)}
    return [ReadFailed(read) for read in asked if read not in answered]
