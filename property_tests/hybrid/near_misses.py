"""Forbidden steps, tried at each state of random walks: they must change nothing.

Replay shows that the implementation does what the spec allows. Counterexamples of weakened specs and these
steps show that it does nothing else: votes that conflict with the last vote or the lock, QCs without a
quorum, results with too few answers, aborts without their reason, commands with too few aborts or switch-back
votes.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from property_tests.hybrid.adapter import HybridSystem
from property_tests.hybrid.projection import NOTHING, entry_epoch
from property_tests.hybrid.replays import REPLAYS, system_for
from property_tests.hybrid.weakened import state_of
from tlacheck.conform.checks import violated
from tlacheck.conform.comparison import deviations
from tlacheck.conform.replays import oracle_of
from tlacheck.conform.strategy import weighted_choice
from tlacheck.conform.system import NotPossible
from tlacheck.tlc.oracle import OracleState, Successor
from tlacheck.trace import Origin, Step, Trace, Violation
from tlacheck.values import ModelValue, Value
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["near_misses", "temptations"]

_REPLAYS: Final = "property_tests.hybrid.replays:REPLAYS"
#: What each walk must try, all walks together.
_TRIED: Final = ("Vote", "Lock", "Accept", "Abort", "EndEpoch", "VoteSwitchback", "StartEpoch", "Learn")

Call = tuple[str, immutabledict[str, Value]]


def temptations(state: Any, system: HybridSystem) -> Iterator[Call]:
    """Steps that might be taken in a state, whether or not the spec allows them.

    Left out are those that the implementation may take: commands with more proof than it needs, and results
    that were committed when an epoch started.
    """
    nodes = sorted(state["known"], key=str)
    everyone = [ModelValue(name) for name in system.config.replicas]
    operations = [ModelValue(name) for name in ("a", "b")]
    prefixes = [prefix for length in (1, 2) for prefix in itertools.permutations(operations, length)]
    voted = sorted({(vote["term"], vote["prefix"]) for vote in state["votes"]}, key=repr)
    for node in nodes:
        for term, prefix in itertools.product((1, 2, 3), prefixes):
            yield "Vote", immutabledict(node=node, term=term, prefix=prefix)
        for term, prefix in voted:
            yield "Lock", immutabledict(node=node, term=term, prefix=prefix)
        for why in ("Threat", "Joined", "Stalled", "Long"):
            yield "Abort", immutabledict(node=node, why=why)
        yield "VoteSwitchback", immutabledict(node=node)
        yield "Learn", immutabledict(node=node)
    control = state["controlLog"]
    bases = {entry_epoch(control[:length]): control[:length] for length in range(len(control), -1, -1)}
    for epoch, base in bases.items():
        done = state_of(base)
        is_bft = bool(base) and base[-1]["kind"] == "EndEpoch" and base[-1]["protocol"] == "BFT"
        for term, prefix in itertools.product((0,) if is_bft else (1, 2, 3), prefixes):
            if prefix[-1] not in done:
                yield "Accept", immutabledict(epoch=epoch, term=term, state=prefix)
    epoch = entry_epoch(control)
    mine = [abort for abort in state["aborts"] if abort["epoch"] == epoch]
    qcs = [NOTHING, *(immutabledict(term=term, prefix=prefix) for term, prefix in voted)]
    forged = [
        immutabledict(node=ModelValue(name), epoch=epoch, why=why, locked=locked)
        for name in sorted(system.byzantine)
        for why in ("Threat", "Long")
        for locked in qcs
    ]
    for count in range(1, system.config.aborts_needed + 1):
        for aborts in itertools.combinations((*sorted(mine, key=repr), *forged), count):
            yield "EndEpoch", immutabledict(aborts=frozenset(aborts))
    switchback = {call["node"] for call in state["switchbacks"] if call["epoch"] == epoch}
    for count in range(1, system.config.quorum + 1):
        for switchbacks in itertools.combinations(everyone, count):
            if all(node in switchback or node.name in system.byzantine for node in switchbacks):
                yield "StartEpoch", immutabledict(switchbacks=frozenset(switchbacks))


def near_misses(context: Context, *, walks: int = 30, steps: int = 40, each: int = 2) -> Outcome:
    """Walk at random, and at each state try of each kind some steps that the spec does not allow.

    Args:
        context: what `verify` gives.
        walks: how many.
        steps: how long each is.
        each: how many steps of each kind are tried at each state.
    """
    tried: Counter[str] = Counter()
    taken = 0
    for number in range(walks):
        context.progress(f"walk {number} of {walks}, {sum(tried.values()):,} steps that must not be")
        draw = random.Random(context.seed + number)  # noqa: S311 - a reproducible walk, no secret
        run = _walked(draw, steps, each, tried)
        taken += len(run)
        if run.violation is not None:
            return violated(context, run, f"walk {number} takes a step that the spec does not allow")
    figures = immutabledict(walks=walks, steps=taken, tried=sum(tried.values()))
    if missing := [action for action in _TRIED if not tried[action]]:
        return Outcome(
            verdict=Verdict.unknown(f"no walk tried {', '.join(missing)}: walk longer"), figures=figures
        )
    return Outcome(verdict=Verdict.sampled(walks, context.seed), figures=figures)


def _walked(draw: random.Random, steps: int, each: int, tried: Counter[str]) -> Trace:
    """A random walk up to the first step that must not be; that is its last one then."""
    oracle = oracle_of(_REPLAYS)
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
        chosen = weighted_choice(draw, successors, REPLAYS.walks.weights)
        system.perform(chosen.action, chosen.arguments)
        at = chosen.state
        run = attrs.evolve(run, steps=(*run.steps, Step(chosen.action, chosen.arguments, at.values)))
    return run


def _taken(
    system: HybridSystem, at: OracleState, call: Call, successors: tuple[Successor, ...]
) -> tuple[str, ...]:
    """The changes of a forbidden step; none if it is rejected, or amounts to an allowed one."""
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
