"""Steps that the spec does not allow, tried at each state of random walks: the replicas must stay as they are.

Replay shows that the implementation does what the spec allows. That it does nothing else is shown by counterexamples of weakened
specs, and by these: acks that contradict what was acked or is held, seals without a quorum, beliefs of which too few told,
reasons to stop that there are not, closes and opens of too few.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from property_tests.hybrid.adapter import HybridSystem
from property_tests.hybrid.checks import next_step, oracle_for, state_of, system_for
from property_tests.hybrid.projection import NOTHING, entry_epoch
from tlacheck.conform.checks import violated
from tlacheck.conform.comparison import deviations
from tlacheck.conform.system import NotPossible
from tlacheck.tlc.oracle import OracleState, Successor
from tlacheck.trace import Origin, Step, Trace, Violation
from tlacheck.values import ModelValue, Value
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["near_misses", "temptations"]

#: What each walk must try, all walks together.
_TRIED: Final = ("Ack", "Hold", "Believe", "Stop", "Close", "Calm", "Open", "Learn")

Call = tuple[str, immutabledict[str, Value]]


def temptations(state: Any, system: HybridSystem) -> Iterator[Call]:
    """Steps that might be taken in a state, whether or not the spec allows them.

    Left out are those that the implementation may well take: closes and opens made of more than it takes, and beliefs in what was in
    the book when an epoch began.
    """
    nodes = sorted(state["known"], key=str)
    everyone = [ModelValue(name) for name in system.config.replicas]
    operations = [ModelValue(name) for name in ("a", "b")]
    chains = [chain for length in (1, 2) for chain in itertools.permutations(operations, length)]
    votes = sorted({(ack["term"], ack["chain"]) for ack in state["acks"]}, key=repr)
    for node in nodes:
        for term, chain in itertools.product((1, 2, 3), chains):
            yield "Ack", immutabledict(node=node, term=term, chain=chain)
        for term, chain in votes:
            yield "Hold", immutabledict(node=node, term=term, chain=chain)
        for why in ("Threat", "Joined", "Standstill", "Long"):
            yield "Stop", immutabledict(node=node, why=why)
        yield "Calm", immutabledict(node=node)
        yield "Learn", immutabledict(node=node)
    book = state["book"]
    openings = {entry_epoch(book[:length]): book[:length] for length in range(len(book), -1, -1)}
    for epoch, opening in openings.items():
        done = state_of(opening)
        is_bft = bool(opening) and opening[-1]["kind"] == "Close" and opening[-1]["protocol"] == "BFT"
        for term, chain in itertools.product((0,) if is_bft else (1, 2, 3), chains):
            if chain[-1] not in done:
                yield "Believe", immutabledict(epoch=epoch, term=term, state=chain)
    epoch = entry_epoch(book)
    mine = [stop for stop in state["stops"] if stop["epoch"] == epoch]
    seals = [NOTHING, *(immutabledict(term=term, chain=chain) for term, chain in votes)]
    forged = [
        immutabledict(node=ModelValue(name), epoch=epoch, why=why, held=held)
        for name in sorted(system.byzantine)
        for why in ("Threat", "Long")
        for held in seals
    ]
    for count in range(1, system.config.stops_needed + 1):
        for stops in itertools.combinations((*sorted(mine, key=repr), *forged), count):
            yield "Close", immutabledict(stops=frozenset(stops))
    calm = {call["node"] for call in state["calms"] if call["epoch"] == epoch}
    for count in range(1, system.config.quorum + 1):
        for calms in itertools.combinations(everyone, count):
            if all(node in calm or node.name in system.byzantine for node in calms):
                yield "Open", immutabledict(calms=frozenset(calms))


def near_misses(
    context: Context, *, walks: int = 30, steps: int = 40, each: int = 2, replicas: int = 4
) -> Outcome:
    """Walk at random, and at each state try of each kind some steps that the spec does not allow.

    Args:
        context: what `verify` gives.
        walks: how many.
        steps: how long each is.
        each: how many steps of each kind are tried at each state.
        replicas: how large the cluster is.
    """
    tried: Counter[str] = Counter()
    taken = 0
    for number in range(walks):
        context.progress(f"walk {number} of {walks}, {sum(tried.values()):,} steps that must not be")
        draw = random.Random(context.seed + number)  # noqa: S311 - a reproducible walk, no secret
        run = _walked(draw, steps, each, replicas, tried)
        taken += len(run)
        if run.violation is not None:
            return violated(context, run, f"walk {number} takes a step that the spec does not allow")
    figures = immutabledict(walks=walks, steps=taken, tried=sum(tried.values()))
    if missing := [action for action in _TRIED if not tried[action]]:
        return Outcome(
            verdict=Verdict.unknown(f"no walk tried {', '.join(missing)}: walk longer"), figures=figures
        )
    return Outcome(verdict=Verdict.sampled(walks, context.seed), figures=figures)


def _walked(draw: random.Random, steps: int, each: int, replicas: int, tried: Counter[str]) -> Trace:
    """A random walk up to the first step that must not be; that is its last one then."""
    oracle = oracle_for(replicas)
    system = system_for(oracle.spec.config)
    at: OracleState = oracle.initial_states()[0]
    origin = Origin(source="oracle", spec=str(oracle.spec.path), config=str(oracle.spec.config))
    run = Trace(initial=at.values, steps=(), origin=origin)
    system.reset(at.values)
    for _ in range(steps):
        successors = oracle.successors(at)
        if not successors:
            break
        allowed = {(step.action, step.arguments) for step in successors}
        found: dict[str, list[Call]] = {}
        for call in temptations(at.values, system):
            if call not in allowed:
                found.setdefault(call[0], []).append(call)
        for kind in sorted(found):
            for call in draw.sample(found[kind], min(each, len(found[kind]))):
                tried[kind] += 1
                if lines := _taken(system, at, call, successors):
                    step = Step(*call, at.values)
                    violation = Violation(
                        property=f"conforms to {oracle.spec.module}", step=len(run) + 1, explanation=lines
                    )
                    return attrs.evolve(run, steps=(*run.steps, step), violation=violation)
        chosen = next_step(draw, successors)
        system.perform(chosen.action, chosen.arguments)
        at = chosen.state
        run = attrs.evolve(run, steps=(*run.steps, Step(chosen.action, chosen.arguments, at.values)))
    return run


def _taken(
    system: HybridSystem, at: OracleState, call: Call, successors: tuple[Successor, ...]
) -> tuple[str, ...]:
    """What a step changed that must not be; nothing if it is refused, or comes to a step that the spec allows."""
    fork = system.fork()
    try:
        fork.perform(*call)
    except NotPossible:
        return ()
    found = fork.observe()
    lines = deviations(at.values, found)
    if not lines or any(not deviations(step.state.values, found) for step in successors):
        return ()
    return ("a step that the spec does not allow here changes the state:", *lines)
