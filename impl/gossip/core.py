"""One step of a node. Pure and total: what makes no sense is `Refused`, and nothing is raised."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from impl.common.encoding import kind_of, rejection_of
from impl.common.identities import NodeId
from impl.gossip import exchange, members, ownership, ring, rules
from impl.gossip.configuration import Config
from impl.gossip.effects import Changed, Durable, Effect, Persist, Refused, Send, Standing
from impl.gossip.holdings import Holdings
from impl.gossip.inputs import Delete, Input, Receive, Round, Write
from impl.gossip.messages import Ack, Buckets, Heartbeat, Hello, Reply, Syn
from impl.gossip.node import Node, is_held_dead, own_copy
from impl.gossip.records import Copy, Delta, Entry, Record, is_membership, total_size
from impl.gossip.validation import flaw, key_flaw, name_flaw

__all__ = ["first_start", "recover", "restart", "step"]

_TIME_END: Final = 1 << 62


# --- starts


def first_start(config: Config, generation: int = 1) -> Node:
    """A node that owns nothing and knows nobody.

    Args:
        config: who it is.
        generation: above any that it ever had: 1, if its host keeps it on disk; else by a clock.
    """
    return recover(config, Durable(Copy(generation)))


def recover(config: Config, durable: Durable) -> Node:
    """The node as it comes back from a crash with what it wrote last (`Recover`)."""
    holdings = Holdings.empty(config.buckets, durable.forgotten)
    return ownership.owns(Node(config=config, holdings=holdings), durable.own)


def restart(config: Config, durable: Durable) -> Node:
    """The node as it comes back without its keys, in its next generation (`Restart`).

    The host writes `Node.durable` to its disk before it does anything else.
    """
    own = Copy(rules.next_generation(durable.own.generation))
    return recover(config, Durable(own, durable.forgotten))


# --- steps


def step(node: Node, inp: Input) -> tuple[Node, tuple[Effect, ...]]:
    """One step of a node.

    Args:
        node: before the step.
        inp: what it is told; any object at all.

    Returns:
        The node after the step, and what the host must do, in order.
    """
    kind = type(inp)
    if kind is Receive and isinstance(inp, Receive):
        after, effects = _received(node, inp)
    elif kind is Round and isinstance(inp, Round):
        after, effects = _round(node, inp)
    elif kind is Write and isinstance(inp, Write):
        after, effects = _written(node, inp)
    elif kind is Delete and isinstance(inp, Delete):
        after, effects = _deleted(node, inp)
    else:
        return node, (Refused(inp, f"a {kind_of(inp)} is no input of a node"),)
    if _is_durable_same(node, after):
        return after, tuple(effects)
    return after, (Persist(after.durable), *effects)


def _is_durable_same(node: Node, after: Node) -> bool:
    return own_copy(node) == own_copy(after) and node.holdings.forgotten == after.holdings.forgotten


def _written(node: Node, inp: Write) -> tuple[Node, list[Effect]]:
    key: Any = getattr(inp, "key", None)
    value: Any = getattr(inp, "value", None)
    said = key_flaw(key) or rejection_of(value) or ("it is the name of a node" if is_membership(key) else "")
    if said:
        return node, [Refused(inp, said)]
    own = own_copy(node)
    record = Record(own.version + 1, value)
    size = total_size({**own.records, key: record}.items() if node.config.keys else [(key, record)])
    if size > node.config.room:
        return node, [Refused(inp, f"it takes {size} bytes, and a message has room for {node.config.room}")]
    return ownership.written(node, key, value), []


def _deleted(node: Node, inp: Delete) -> tuple[Node, list[Effect]]:
    key: Any = getattr(inp, "key", None)
    if said := key_flaw(key):
        return node, [Refused(inp, said)]
    record = own_copy(node).records.get(key)
    if is_membership(key) or record is None or record.is_tombstone:
        return node, [Refused(inp, f"there is nothing under {key!r}")]
    return ownership.deleted(node, key), []


# --- rounds


def _round(node: Node, inp: Round) -> tuple[Node, list[Effect]]:
    """Let time pass, then send heartbeats, then greetings."""
    now_ns: Any = getattr(inp, "now_ns", None)
    draws: Any = getattr(inp, "draws", None)
    if type(now_ns) is not int or not 0 <= now_ns < _TIME_END:
        return node, [Refused(inp, "a time is a number of ns from 0 on")]
    if type(draws) is not tuple or not all(type(draw) is int and draw >= 0 for draw in draws):
        return node, [Refused(inp, "draws are numbers from 0 on")]
    node, effects = members.moved_on(node, max(now_ns, node.now_ns or 0))
    beat = Heartbeat(own_copy(node).generation)
    effects += [Send(other, beat) for other in ring.after(node)]
    peers = tuple(_peers(node, draws[: node.config.fanout]))
    if peers:
        greeting = Hello(node.holdings.root) if node.config.hash_first else exchange.syn_for(node, _all(node))
        effects += [Send(peer, greeting) for peer in peers]
    return node, effects


def _all(node: Node) -> tuple[int, ...]:
    return tuple(range(node.config.buckets))


def _peers(node: Node, draws: tuple[int, ...]) -> Iterator[NodeId]:
    """The peers to greet: random live ones, and a dead or unknown one in turn.

    A draw of oneself stands for a seed, so that seeds are greeted hardly more often than others.
    """
    alive, greeted = node.ring or (), {node.name}
    seeds, gone = [seed for seed in node.config.seeds if seed != node.name], members.absent(node)
    for draw in draws if alive else ():
        peer = alive[draw % len(alive)]
        if peer == node.name and seeds:
            peer = seeds[node.turn % len(seeds)]
        if peer not in greeted:
            greeted.add(peer)
            yield peer
    if gone and (peer := gone[node.turn % len(gone)]) not in greeted:
        yield peer


# --- messages


def _received(node: Node, inp: Receive) -> tuple[Node, list[Effect]]:
    """Validate a message from any sender, then dispatch it."""
    source: Any = getattr(inp, "source", None)
    message: Any = getattr(inp, "message", None)
    now_ns: Any = getattr(inp, "now_ns", None)
    said = name_flaw(source) or flaw(message, node.config)
    if said or type(now_ns) is not int or not 0 <= now_ns < _TIME_END:
        return node, [Refused(inp, said or "a time is a number of ns from 0 on")]
    match message:
        case Hello(root=root):
            if root == node.holdings.root:
                return node, []
            return node, [Send(source, Buckets(node.holdings.hashes))]
        case Buckets(hashes=hashes):
            own = node.holdings.hashes
            differing = tuple(bucket for bucket in _all(node) if hashes[bucket] != own[bucket])
            return node, [Send(source, exchange.syn_for(node, differing))] if differing else []
        case Heartbeat(generation=generation):
            return members.beat(node, source, generation, now_ns), []
        case Syn():
            return _syn(node, inp, message)
        case Reply():
            return _reply(node, inp, message)
        case _:
            return _merge(node, inp, message.deltas)


def _syn(node: Node, inp: Receive, syn: Syn) -> tuple[Node, list[Effect]]:
    """Answer with the records that the sender lacks, and the own digest (`HandleSyn`)."""
    digest = dict(syn.digest)
    node = _returned(node, digest, inp.now_ns)
    deltas, first = exchange.answer(node, syn.buckets, digest)
    node = attrs.evolve(node, first=first)
    return node, [Send(inp.source, Reply(syn.buckets, node.holdings.digest(syn.buckets), deltas))]


def _reply(node: Node, inp: Receive, reply: Reply) -> tuple[Node, list[Effect]]:
    """Apply the received deltas, and send the records that the sender lacks (`HandleReply`)."""
    digest = dict(reply.digest)
    node, effects = _merge(_returned(node, digest, inp.now_ns), inp, reply.deltas)
    deltas, first = exchange.answer(node, reply.buckets, digest)
    if not deltas:
        return node, effects
    return attrs.evolve(node, first=first), [*effects, Send(inp.source, Ack(deltas))]


def _merge(node: Node, inp: Receive, deltas: tuple[tuple[NodeId, Delta], ...]) -> tuple[Node, list[Effect]]:
    """Apply each delta that may be applied."""
    effects: list[Effect] = []
    copies: dict[NodeId, Copy] = {}
    for owner, delta in deltas:
        copy, said = exchange.merged(node, owner, delta)
        if said:
            effects.append(Refused(inp, said))
        else:
            copies[owner] = copy
    if not copies:
        return node, effects
    after = exchange.with_copies(node, copies)
    revived = [
        Changed(owner, Standing.ALIVE, after.holdings.level(owner))
        for owner in copies
        if is_held_dead(node, owner) and not is_held_dead(after, owner)
    ]
    return after, [*effects, *revived]


def _returned(node: Node, digest: Mapping[NodeId, Entry], now_ns: int) -> Node:
    """Go on in a later generation after reading of its own removal (`Return`); not too often."""
    entry = digest.get(node.name)
    if entry is None or not entry.is_gone or entry.generation != own_copy(node).generation:
        return node
    if node.returned_ns is not None and now_ns - node.returned_ns < node.config.suspicion_ns:
        return node
    return attrs.evolve(ownership.goes_on(node), returned_ns=now_ns)
