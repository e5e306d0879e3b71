"""One step of a node."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from impl.common.results import Refused
from impl.manager.barrier import rules
from impl.manager.barrier.effects import (
    Acted,
    Effect,
    Ended,
    Opened,
    Propose,
    Result,
    Send,
    Spread,
    ToCoordinator,
)
from impl.manager.barrier.inputs import (
    ActOn,
    Committed,
    Compare,
    Expire,
    Heard,
    Input,
    Open,
    Receive,
    Tick,
    Write,
)
from impl.manager.barrier.messages import Ack, Ask, Fetch, Probe, Update, Welcome, rejection
from impl.manager.barrier.node import Barrier, Config, Node
from impl.manager.barrier.records import Decision, Fence, Known, Record

__all__ = ["first_start", "restart", "step"]

_Step = tuple[Node, tuple[Effect, ...]]


def first_start(config: Config) -> Node:
    """A node that never ran before, in its first generation."""
    return _born(config, 1)


def restart(config: Config, generation: int) -> Node:
    """A node that comes back: it has forgotten all but the generation in which it ran last.

    Raises:
        ValueError: the generation is below 1.
    """
    if generation < 1:
        raise ValueError(f"{config.node} ran in generation {generation}; generations begin at 1")
    return _born(config, generation + 1)


def _born(config: Config, generation: int) -> Node:
    return Node(config=config, generation=generation, copies={config.node: Record(generation)})


def step(node: Node, inp: Input) -> _Step:
    """Take an input.

    Args:
        node: the node before.
        inp: anything; what is no input is refused.

    Returns:
        The node after it, and what its host must do, in order.
    """
    handler = _HANDLERS.get(type(inp))
    return (
        _refused(node, inp, f"a {type(inp).__name__} is no input") if handler is None else handler(node, inp)
    )


def _refused(node: Node, inp: object, reason: str) -> _Step:
    return node, (Refused(inp, reason),)


# --- owners and gossip


def _rewritten(node: Node, value: Any) -> Node:
    """The node's own record is written anew, and rests on all that it has applied."""
    own = Record(node.generation, node.own.version + 1, node.applied, value)
    return attrs.evolve(node, copies={**node.copies, node.name: own})


def _write(node: Node, inp: Write) -> _Step:
    after = _rewritten(node, inp.value)
    return after, (Spread(after.own),)


def _heard(node: Node, inp: Heard) -> _Step:
    if inp.owner == node.name or not rules.is_later(inp.record, node.copy_of(inp.owner)):
        return node, ()
    after = attrs.evolve(node, copies={**node.copies, inp.owner: inp.record})
    return after, () if rules.has_applied(node, inp.record) else (ToCoordinator(Fetch(node.applied)),)


def _act_on(node: Node, inp: ActOn) -> _Step:
    record = node.copy_of(inp.owner)
    if inp.owner == node.name or not rules.may_act(node, record):
        return _refused(node, inp, _why_not(node, inp.owner, record))
    return attrs.evolve(node, acted=(inp.owner, record)), (Acted(inp.owner, record),)


def _why_not(node: Node, owner: str, record: Record) -> str:
    if not record.generation:
        return f"nothing is known of {owner}"
    if node.floor is None:
        return f"{node.name} does not know yet how long the log is, and has applied it up to {node.applied}"
    if not rules.is_ready(node):
        return f"{node.name} has applied the log up to {node.applied}, and must do so up to {node.floor}"
    if not rules.has_applied(node, record):
        return f"the record of {owner} rests on decision {record.index}, and {node.applied} are applied"
    return f"the record of {owner} rests on decision {record.index}, before the fence at {node.fence}"


# --- decisions


def _compare(node: Node, inp: Compare) -> _Step:
    if not node.config.is_coordinator:
        return _refused(node, inp, f"{node.name} is no coordinator")
    owners = sorted(node.copies) if inp.owners is None else inp.owners
    drawn = [
        owner for owner in owners if rules.may_act(node, node.copy_of(owner)) and rules.differs(node, owner)
    ]
    return node, tuple(Propose(_drawn(owner, node.copy_of(owner))) for owner in drawn)


def _drawn(owner: str, record: Record) -> Decision:
    return Decision(owner, record.generation, record.version, record.value)


def _committed(node: Node, inp: Committed) -> _Step:
    if inp.index <= node.applied:
        return node, ()
    if inp.index > node.applied + 1:
        return node, (ToCoordinator(Fetch(node.applied)),)
    known = node.known
    if isinstance(inp.entry, Decision) and rules.may_take(node, inp.entry):
        entry = inp.entry
        known = {**known, entry.owner: Known(entry.generation, entry.version, entry.value)}
    fence = inp.index if isinstance(inp.entry, Fence) else node.fence
    return _applied(node, inp.index, fence, known)


def _applied(node: Node, index: int, fence: int, known: Mapping[str, Known]) -> _Step:
    after = attrs.evolve(node, applied=index, fence=fence, known=known)
    if not rules.renews(node, fence):
        return after, ()
    after = _rewritten(after, node.own.value)
    return after, (Spread(after.own),)


def _updated(node: Node, _: str, update: Update) -> _Step:
    if update.index <= node.applied:
        return node, ()
    return _applied(node, update.index, update.fence, dict(update.known))


def _fetched(node: Node, source: str, fetch: Fetch) -> _Step:
    if fetch.index >= node.applied:
        return node, ()
    return node, (Send(source, Update(node.applied, node.fence, tuple(sorted(node.known.items())))),)


# --- lives


def _welcomed(node: Node, _: str, welcome: Welcome) -> _Step:
    if not rules.is_welcome(node, welcome):
        return node, ()
    after = attrs.evolve(node, floor=welcome.index)
    return after, () if rules.is_ready(after) else (ToCoordinator(Fetch(node.applied)),)


def _tick(node: Node, _: Tick) -> _Step:
    effects: list[Effect] = []
    if node.floor is None:
        effects.append(ToCoordinator(Ask(node.generation)))
    behind = not all(rules.has_applied(node, record) for record in node.copies.values())
    if behind or (node.floor is not None and not rules.is_ready(node)):
        effects.append(ToCoordinator(Fetch(node.applied)))
    if node.barrier is not None and rules.may_count(node.barrier):
        effects += [Send(name, Probe(node.barrier.index)) for name in node.barrier.missing]
    return node, tuple(effects)


# --- barriers


def _open(node: Node, inp: Open) -> _Step:
    if not node.config.is_coordinator:
        return _refused(node, inp, f"{node.name} is no coordinator")
    if not node.fence:
        return _refused(node, inp, "no fence is applied yet: have Raft decide one first")
    if not inp.concerned:
        return _refused(node, inp, "a barrier waits for somebody: name those concerned")
    last = node.barrier
    if last is not None and rules.may_count(last):
        return _refused(node, inp, f"barrier {last.number} is open, and waits for {', '.join(last.missing)}")
    expected = {name: max(1, node.copy_of(name).generation) for name in inp.concerned}
    number = 1 if last is None else last.number + 1
    after = attrs.evolve(node, barrier=Barrier(number=number, index=node.fence, expected=expected))
    return after, (Opened(number), *(Send(name, Probe(node.fence)) for name in sorted(expected)))


def _probed(node: Node, source: str, probe: Probe) -> _Step:
    ack = Send(source, Ack(node.generation, node.applied))
    return node, (ack,) if probe.index <= node.applied else (ack, ToCoordinator(Fetch(node.applied)))


def _acked(node: Node, source: str, ack: Ack) -> _Step:
    barrier = node.barrier
    if barrier is None or not rules.may_count(barrier) or source not in barrier.missing:
        return node, ()
    if not rules.is_of_this_life(barrier, source, ack) or not rules.is_enough(barrier, ack):
        return node, ()
    counted = attrs.evolve(barrier, acked=barrier.acked | {source})
    if not rules.has_all(counted):
        return attrs.evolve(node, barrier=counted), ()
    return _ended(node, counted, Result.PASSED)


def _ended(node: Node, barrier: Barrier, result: Result) -> _Step:
    after = attrs.evolve(node, barrier=attrs.evolve(barrier, result=result))
    return after, (Ended(barrier.number, barrier.index, result, barrier.missing),)


def _expire(node: Node, inp: Expire) -> _Step:
    barrier = node.barrier
    if barrier is None or barrier.number != inp.number or not rules.may_count(barrier):
        return node, ()
    return _ended(node, barrier, Result.UNKNOWN)


# --- messages


def _receive(node: Node, inp: Receive) -> _Step:
    if reason := rejection(inp.message):
        return _refused(node, inp, reason)
    handler = _MESSAGES.get(type(inp.message))
    if handler is None:
        return _refused(node, inp, "Raft answers who asks how long the log is")
    return handler(node, inp.source, inp.message)


_MESSAGES: Final[Mapping[type, Callable[[Node, str, Any], _Step]]] = {
    Welcome: _welcomed,
    Fetch: _fetched,
    Update: _updated,
    Probe: _probed,
    Ack: _acked,
}
_HANDLERS: Final[Mapping[type, Callable[[Node, Any], _Step]]] = {
    Write: _write,
    Heard: _heard,
    ActOn: _act_on,
    Compare: _compare,
    Committed: _committed,
    Open: _open,
    Expire: _expire,
    Tick: _tick,
    Receive: _receive,
}
