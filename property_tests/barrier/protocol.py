"""The barrier under test: two coordinators, two agents, and what stands for Raft.

`specs/barrier` judges each of their steps, and a judge (`invariants.py`) that knows no spec.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from impl.manager import barrier
from property_tests.barrier.adapter import entry_to_spec, node_to_spec, record_to_spec
from property_tests.barrier.host import AGENTS, COORDINATORS, NAMES, RAFT, Hosts, Order
from property_tests.barrier.invariants import BarrierJudge
from property_tests.barrier.layers import LAYERS
from property_tests.barrier.mutants import MUTANTS
from tlacheck.harness import (
    Eventually,
    Op,
    Pace,
    Protocol,
    Run,
    Size,
    SpecStep,
    View,
    counted,
    sometimes,
    spec_step,
)
from tlacheck.sim import Fault, Network, Notify, Send, StepRecord, Uniform
from tlacheck.values import ModelValue, Value

__all__ = ["BARRIER"]

_PARTS: Final = ("gen", "floor", "applied", "known", "copy", "acted", "barrier")


# --- what the spec sees


def observe(view: View) -> dict[str, Value]:
    """The variables of `specs/barrier`, but for what was ever sent."""
    each = {name: node_to_spec(view[name], NAMES) for name in view if name != RAFT}
    shown: dict[str, Value] = {
        part: immutabledict((ModelValue(name), own[part]) for name, own in each.items() if part in own)
        for part in _PARTS
    }
    if RAFT in view:
        shown["log"] = tuple(map(entry_to_spec, view[RAFT].log))
    return shown


def steps(record: StepRecord) -> Iterator[SpecStep]:
    """The steps of the spec that a step of a node is."""
    before, after, inp = record.before, record.after, record.input
    node = ModelValue(record.node)
    match inp:
        case Order(entry=entry):
            yield spec_step("Commit", decision=entry_to_spec(entry))
        case barrier.Receive(source=source, message=barrier.Ask(generation=generation)):
            yield spec_step("Welcome", node=ModelValue(source), generation=generation)
        case barrier.Write():
            yield spec_step("Write", node=node)
        case barrier.Heard(owner=owner, record=heard) if after is not before:
            yield spec_step("Hear", node=node, record=record_to_spec(heard, owner))
        case barrier.ActOn(owner=owner) if _has_acted(record):
            yield spec_step("Act", node=node, owner=ModelValue(owner))
        case barrier.Compare():
            for owner in _proposed(record):
                yield spec_step("Propose", node=node, owner=ModelValue(owner))
        case barrier.Open() if after is not before:
            yield spec_step("Open", node=node)
        case barrier.Expire() if after is not before:
            yield spec_step("TimeOut", node=node)
        case barrier.Receive() | barrier.Committed() if record.node != RAFT:
            yield from _received(record, node)


def _has_acted(record: StepRecord) -> bool:
    return any(isinstance(each, Notify) for each in record.commands)


def _proposed(record: StepRecord) -> Iterator[str]:
    for each in record.commands:
        if isinstance(each, Send) and isinstance(each.message, Order):
            entry = each.message.entry
            if isinstance(entry, barrier.Decision):
                yield entry.owner


def _received(record: StepRecord, node: ModelValue) -> Iterator[SpecStep]:
    before, after, inp = record.before, record.after, record.input
    message = inp.message if isinstance(inp, barrier.Receive) else None
    if after.applied != before.applied:
        yield spec_step("Apply", node=node, index=after.applied)
    match message:
        case barrier.Probe():
            yield spec_step("Ack", node=node)
        case barrier.Welcome(generation=generation, index=index) if after is not before:
            told = immutabledict(node=node, gen=generation, index=index)
            yield spec_step("Join", node=node, welcome=told)
        case barrier.Ack(generation=generation, index=index) if after is not before:
            said = immutabledict(node=ModelValue(inp.source), gen=generation, index=index)
            yield spec_step("Count", node=node, ack=said)


def restart(node: str) -> SpecStep | None:
    """The step that the return of a node is."""
    return None if node == RAFT else spec_step("Restart", node=ModelValue(node))


# --- what happens


def _writes(rng: random.Random, _: View) -> tuple[str, Any] | None:
    return (rng.choice(NAMES), barrier.Write(rng.randrange(100))) if rng.random() < 0.6 else None


def _acts(rng: random.Random, _: View) -> tuple[str, Any]:
    node, owner = rng.sample(NAMES, 2)
    return node, barrier.ActOn(owner)


def _compares(rng: random.Random, _: View) -> tuple[str, Any]:
    return rng.choice(COORDINATORS), barrier.Compare()


def _fences(rng: random.Random, view: View) -> tuple[str, Any] | None:
    return (RAFT, Order(barrier.Fence())) if RAFT in view and rng.random() < 0.3 else None


def _late(rng: random.Random, view: View) -> tuple[str, Any] | None:
    """A proposal arrives again, long after it was decided."""
    log = view[RAFT].log if RAFT in view else ()
    drawn = [entry for entry in log if isinstance(entry, barrier.Decision)]
    return (RAFT, Order(rng.choice(drawn))) if drawn else None


def _outdoes(run: Run, rng: random.Random) -> None:
    """A coordinator decides twice on what an agent wrote, and its first proposal arrives again."""
    coordinator, owner = rng.choice(COORDINATORS), rng.choice(AGENTS)
    for _ in range(2):
        run.request(owner, barrier.Write(rng.randrange(100)))
        run.request(coordinator, barrier.Heard(owner, run.view[owner].own))
        run.request(coordinator, barrier.Compare())
        run.advance(60)
    decided = [entry for entry in run.view[RAFT].log if isinstance(entry, barrier.Decision)]
    read = {(each.generation, each.version): each for each in decided if each.owner == owner}
    if len(read) > 1:
        run.request(RAFT, Order(read[min(read)]))


def _fenced(run: Run, rng: random.Random) -> None:
    """A barrier at a new fence; half of the time an agent is down meanwhile, so that it cannot pass."""
    coordinator, agent = rng.choice(COORDINATORS), rng.choice(AGENTS)
    run.request(RAFT, Order(barrier.Fence()))
    run.advance(60)
    if is_down := rng.random() < 0.5:
        run.inflict(Fault.of("crash", node=agent))
    run.request(coordinator, barrier.Open(tuple(name for name in NAMES if name != coordinator)))
    run.advance(320)
    if is_down:
        run.inflict(Fault.of("restart", node=agent))
    run.request(coordinator, barrier.ActOn(rng.choice(AGENTS)))


def _opens(rng: random.Random, _: View) -> tuple[str, Any]:
    node = rng.choice(COORDINATORS)
    return node, barrier.Open(tuple(name for name in NAMES if name != node))


def _settled(_: View, now: View) -> bool:
    """All may act on all, and the log knows all that has been written."""
    nodes = [now[name] for name in NAMES if name in now]
    return len(nodes) == len(NAMES) and all(
        barrier.rules.may_act(node, other.own) and node.copy_of(other.name) == other.own
        for node in nodes
        for other in nodes
        if node is not other
    )


def _reconciled(begin: View, now: View) -> bool:
    """Coordinators know by the log each owner as it was when faults ended, or later."""
    return all(
        not barrier.rules.is_later(begin[owner].own, now[name].known_of(owner))
        for name in COORDINATORS
        for owner in NAMES
        if owner in begin and name in now
    )


def _behind(before: View, after: View) -> bool:
    del before
    return any(
        copy.index > node.applied
        for name, node in after.items()
        if name != RAFT
        for copy in node.copies.values()
    )


BARRIER = Protocol(
    name="barrier",
    core=lambda _: Hosts(),
    spec="MCBarrier.tla",
    folder=Path(__file__).resolve().parents[2] / "specs" / "barrier",
    sizes=[Size((RAFT, *NAMES), "Oracle4.cfg")],
    observe=observe,
    steps=steps,
    restart=restart,
    workload=[
        Op("the state of a node changes", 3, _writes),
        Op("a node acts", 6, _acts),
        Op("a coordinator compares", 4, _compares),
        Op("a fence is decided", 2, _fences),
        Op("a proposal arrives again", 1, _late),
        Op("a barrier is opened", 5, _opens),
    ],
    machine_rules={
        "a proposal that is outdone arrives again": _outdoes,
        "a barrier is opened at a new fence": _fenced,
    },
    judges=[BarrierJudge],
    goals=[
        sometimes("behind what it has heard", _behind),
        *counted(
            "acts on what rests on a decision",
            "a barrier passes",
            "a barrier ends as unknown",
            "a stale decision is refused",
            "step: Join",
            "step: Restart",
        ),
    ],
    progress=[
        Eventually("the log knows what was written", _reconciled, 5_000),
        Eventually("all may act on all", _settled, 5_000),
    ],
    network=Network(delay=Uniform(1, 20)),
    pace=Pace(time=40, workload=50, faults=10, time_ms=30),  # ticks are many steps
    tear=lambda old, _: old,  # what stands for Raft appends to its log: a torn write leaves what was synced
    mutants=MUTANTS,
    layers=LAYERS,
)
