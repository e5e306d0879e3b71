"""Gossip under test: three nodes, or three and a liar; `specs/gossip` judges each of their steps."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from immutabledict import immutabledict

from impl import gossip
from impl.gossip.node import is_held_dead
from impl.gossip.records import bucket_of
from property_tests.gossip.adapter import (
    VALUE_BYTES,
    copy_to_spec,
    delta_to_spec,
    message_to_spec,
    state_to_spec,
)
from property_tests.gossip.adversary import Liars
from property_tests.gossip.host import FORGETFUL, LIAR, Hosts
from property_tests.gossip.invariants import INVARIANTS, pairs
from property_tests.gossip.mutants import MUTANTS
from tlacheck.harness import (
    USUAL_FAULTS,
    Byzantine,
    Eventually,
    Op,
    Protocol,
    Run,
    Size,
    SpecStep,
    View,
    sometimes,
    spec_step,
)
from tlacheck.sim import Fault, Network, Send, StepRecord, Uniform
from tlacheck.values import ModelValue, Value

__all__ = ["GOSSIP"]

_NODES = ("n1", "n2", "n3")
_KEYS = ("k1", "k2")
#: How likely nobody wants anything when asked: each write is news for several exchanges.
_QUIET = 0.8


# --- what the spec sees


def observe(view: View) -> dict[str, Value]:
    """The variables of `specs/gossip`, but for messages and history."""

    def each(part: Callable[[gossip.Node, str], Value]) -> Value:
        return immutabledict(
            (ModelValue(name), immutabledict((ModelValue(other), part(node, other)) for other in view))
            for name, node in view.items()
        )

    return {
        "copy": each(lambda node, other: copy_to_spec(node.holdings.get(other))),
        "dead": each(
            lambda node, other: tuple(node.dead[other].level if other in node.dead else gossip.NEVER)
        ),
        "forgotten": each(lambda node, other: node.holdings.forgotten.get(other, 0)),
    }


def steps(record: StepRecord) -> Iterator[SpecStep]:
    """The steps of the spec that make up a step of a node, one for each owner, in the order of the node."""
    match record.input:
        case gossip.Write(key=key) if gossip.own_copy(record.after) != gossip.own_copy(record.before):
            yield spec_step("Write", node=ModelValue(record.node), key=ModelValue(key))
        case gossip.Delete(key=key) if gossip.own_copy(record.after) != gossip.own_copy(record.before):
            yield spec_step("Delete", node=ModelValue(record.node), key=ModelValue(key))
        case gossip.Round():
            yield from _round(record)
            yield from _starts(record)
        case gossip.Receive(message=gossip.Buckets()):
            yield from _starts(record)
        case gossip.Receive(message=gossip.Syn() | gossip.Reply() | gossip.Ack()):
            yield from _from_liar(record) if record.sender == LIAR else _received(record)


def _round(record: StepRecord) -> Iterator[SpecStep]:
    before, after, node = record.before, record.after, ModelValue(record.node)
    own, was = gossip.own_copy(after), gossip.own_copy(before)
    if own.collected > was.collected:
        yield spec_step("Collect", node=node, version=own.collected)
    for key, made in own.above(was.version):
        other = ModelValue(key.removeprefix("@"))
        if other == node:
            yield spec_step("Refute", node=node)
        elif other == ModelValue(LIAR):  # whose suspicion is a key like any other
            yield spec_step("Delete" if made.is_tombstone else "Write", node=node, key=other)
        else:
            yield spec_step("Withdraw" if made.is_tombstone else "Suspect", node=node, accused=other)
    for name in _NODES:
        if after.dead.get(name, (gossip.NEVER,))[0] not in (
            gossip.NEVER,
            before.dead.get(name, (gossip.NEVER,))[0],
        ):
            yield spec_step("Bury", node=node, accused=ModelValue(name))
        if after.holdings.forgotten.get(name) != before.holdings.forgotten.get(name):
            yield spec_step("Forget", node=node, accused=ModelValue(name))


def _covered(record: StepRecord, buckets: tuple[int, ...]) -> list[str]:
    number = record.after.config.buckets
    return [name for name in _NODES if bucket_of(name, number) in buckets]


def _starts(record: StepRecord) -> Iterator[SpecStep]:
    for command in record.commands:
        if isinstance(command, Send) and isinstance(command.message, gossip.Syn) and command.dest != LIAR:
            for owner in _covered(record, command.message.buckets):
                dest, about = ModelValue(command.dest), ModelValue(owner)
                yield spec_step("Start", node=ModelValue(record.node), dest=dest, owner=about)


def _returned(record: StepRecord) -> bool:
    return bool(gossip.own_copy(record.after).generation > gossip.own_copy(record.before).generation)


def _received(record: StepRecord) -> Iterator[SpecStep]:
    message, node, source = record.input.message, record.node, str(record.sender)
    if record.after is record.before and not record.commands:
        changed = isinstance(message, gossip.Reply | gossip.Ack)
        if not changed:
            return
    if _returned(record):
        told = message_to_spec(source, node, node, message)
        yield spec_step("Return", node=ModelValue(node), message=told)
    sent = [each.message for each in record.commands if isinstance(each, Send)]
    deltas = dict(sent[0].deltas) if sent else {}
    if isinstance(message, gossip.Ack):
        owners = [name for name, _ in message.deltas if name in _NODES]
    else:
        owners = _covered(record, message.buckets)
    for owner in owners:
        said = message_to_spec(source, node, owner, message)
        if isinstance(message, gossip.Ack):
            yield spec_step("HandleAck", node=ModelValue(node), message=said)
        else:
            delta = delta_to_spec(deltas.get(owner))
            yield spec_step(
                f"Handle{type(message).__name__}", node=ModelValue(node), message=said, delta=delta
            )


def _from_liar(record: StepRecord) -> Iterator[SpecStep]:
    if _returned(record):
        yield spec_step("Mislead", node=ModelValue(record.node))
    for name in _NODES:
        copy = record.after.holdings.get(name)
        if name != record.node and copy != record.before.holdings.get(name):
            yield spec_step("Hear", node=ModelValue(record.node), state=state_to_spec(name, copy))


def restart(node: str) -> SpecStep:
    """The step that the return of a node is."""
    return spec_step("Restart" if node == FORGETFUL else "Recover", node=ModelValue(node))


# --- what happens


def _writes(rng: random.Random, _: View) -> tuple[str, gossip.Input] | None:
    if rng.random() < _QUIET:
        return None
    return rng.choice(_NODES), gossip.Write(rng.choice(_KEYS), "x" * VALUE_BYTES)


def _deletes(rng: random.Random, view: View) -> tuple[str, gossip.Input] | None:
    name = rng.choice(_NODES)
    live = [
        key
        for key in _KEYS
        if not gossip.own_copy(view[name]).records.get(key, gossip.Record(0, gossip.DELETED)).is_tombstone
    ]
    return (name, gossip.Delete(rng.choice(live))) if live and rng.random() >= _QUIET else None


def _pauses(run: Run, rng: random.Random) -> None:
    """A node is silent until another one suspects it, or holds it for dead; then it goes on."""
    node, ends = rng.choice(_NODES), rng.choice((gossip.Standing.SUSPECTED, gossip.Standing.DEAD))
    run.inflict(Fault.of("pause", node=node))
    for _ in range(30):
        if any(gossip.standing(other, node) is ends for other in run.view.values()):
            break
        run.advance(20)
    run.inflict(Fault.of("resume", node=node))
    run.advance(200)


def _some(is_so: Callable[[gossip.Node, str], bool]) -> Callable[[View, View], bool]:
    """It comes to be so of some node and another one."""

    def is_met(before: View, after: View) -> bool:
        return any(
            is_so(node, other) and not is_so(before[node.name], other)
            for node, other, _, _ in pairs(after)
            if node is not before[node.name]
        )

    return is_met


def _has_returned(before: View, after: View) -> bool:
    return any(
        name != FORGETFUL
        and gossip.own_copy(after[name]).generation > gossip.own_copy(before[name]).generation
        for name in after
    )


def _revived(before: View, after: View) -> bool:
    return any(
        is_held_dead(before[node.name], other)
        and node.holdings.get(other).generation
        and not is_held_dead(node, other)
        for node, other, _, _ in pairs(after)
    )


def _all_have_what_there_was(begin: View, now: View) -> bool:
    """All know at least what everybody owned when the faults ended, and hold nobody for dead."""
    return all(
        (copy.generation, copy.version)
        >= (gossip.own_copy(begin[owner]).generation, gossip.own_copy(begin[owner]).version)
        and not is_held_dead(node, owner)
        for node, owner, copy, _ in pairs(now)
    )


GOSSIP = Protocol(
    name="gossip",
    core=lambda size: Hosts(size.nodes, fears=bool(size.byzantine)),
    spec="MCGossip.tla",
    folder=Path(__file__).resolve().parents[2] / "specs" / "gossip",
    sizes=[Size(_NODES, "Oracle3.cfg"), Size((*_NODES, LIAR), "Oracle4.cfg", byzantine=[LIAR])],
    byzantine=Byzantine(lambda size: Liars(size.honest).behaviours()),
    observe=observe,
    steps=steps,
    restart=restart,
    workload=[Op("a node writes", 3, _writes), Op("a node deletes", 2, _deletes)],
    machine_rules={"a node pauses until it is suspected": _pauses},
    invariants=INVARIANTS,
    faults={**USUAL_FAULTS, "crash_writing": 6},  # most steps write nothing
    goals=[
        sometimes("known by another", _some(lambda node, other: node.holdings.get(other).version > 0)),
        sometimes("collected at another", _some(lambda node, other: node.holdings.get(other).collected > 0)),
        sometimes(
            "suspected",
            _some(lambda node, other: gossip.level_of(gossip.own_copy(node), other) > gossip.NEVER),
        ),
        sometimes("refuted", _some(lambda node, other: node.holdings.level(other).incarnation > 0)),
        sometimes("held for dead", _some(is_held_dead)),
        sometimes("alive again", _revived),
        sometimes("forgotten", _some(lambda node, other: other in node.holdings.forgotten)),
        sometimes("returned", _has_returned),
    ],
    progress=Eventually("all have what there was", _all_have_what_there_was, 30_000),
    network=Network(delay=Uniform(1, 30)),
    mutants=MUTANTS,
    tear=lambda old, _: old,  # a host keeps two copies, and writes them in turn
)
