"""The check that forgetting loses nothing: `Forget` of `HotStuffRuns.tla` against all steps, both ways.

From states of random walks it forgets, for each block that all correct replicas have committed, and compares
what the spec allows before and after: the same steps, which lead to the same states but for what is
forgotten. Only that a replica stores a block in conflict with what is committed is no step any more.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from property_tests.hotstuff.adapter import Chains
from property_tests.hotstuff.replays import REPLAYS
from tlacheck.conform.walk import random_walk
from tlacheck.tlc.oracle import OracleState, SpecOracle, Successor
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["forgetting"]

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "hotstuff"
#: Walks commit, so that there is something to forget; every second one with more time-outs.
_WEIGHTS: Final = (
    immutabledict({**REPLAYS.walks.weights, "TimeOut": 0.15, "Join": 0.2}),
    immutabledict({**REPLAYS.walks.weights, "TimeOut": 0.6, "Join": 0.6, "Enter": 3.0}),
)


@attrs.define
class _Compared:
    """Figures of a comparison."""

    states: int = 0
    steps: int = 0
    conflicting: int = 0
    views: int = 0


def forgetting(context: Context, *, walks: int = 12, steps: int = 70, folder: Path = _SPECS) -> Outcome:
    """Compare the steps before and after forgetting, along random walks.

    Args:
        context: given by `verify`.
        walks: how many.
        steps: the length of each.
        folder: where the spec lies.
    """
    oracle = SpecOracle(Spec.load(folder / "HotStuffRuns.tla", folder / "Oracle4.cfg"))
    seen = _Compared()
    for walk in range(context.seed, context.seed + walks):
        run = random_walk(oracle, seed=walk, steps=steps, weights=_WEIGHTS[walk % 2])
        for why in _differences(oracle, run, seen):
            verdict = Verdict.violated("Forget", why)
            return Outcome(verdict=verdict, figures=attrs.asdict(seen), message=f"walk {walk}: {why}")
    if not seen.steps or not seen.conflicting:
        why = f"{seen.steps} steps were compared, and {seen.conflicting} blocks in conflict stored"
        return Outcome(
            verdict=Verdict.unknown(why), figures=attrs.asdict(seen), message=f"{why}: walk longer"
        )
    return Outcome(verdict=Verdict.sampled(seen.states, context.seed), figures=attrs.asdict(seen))


def _differences(oracle: SpecOracle, run: Trace, seen: _Compared) -> Iterator[str]:
    for values in run.states:
        committed: Any = values["committed"]
        shortest = min(committed.values(), key=len)
        views: Any = values["view"]
        for length in range(1, len(shortest) + 1):
            seen.states += 1
            seen.views = max(seen.views, *views.values())
            state = oracle.state({**values, "event": run.initial["event"]})
            yield from _at(oracle, state, shortest[:length], seen)


def _at(oracle: SpecOracle, state: OracleState, base: tuple[Any, ...], seen: _Compared) -> Iterator[str]:
    """The differences between the steps from a state and those after it has forgotten."""
    (after,) = oracle.apply("Forget", state, base)
    before = {}
    for step in oracle.successors(state):
        key = (step.action, _cut(step, base))
        if step.action == "Store" and not Chains.after_cut(_block(step), base):
            seen.conflicting += 1
            if _forgotten(oracle, step.state, base) != _forgotten(oracle, after, base[-1:]):
                yield f"it matters that {step.arguments} is stored, in conflict with {base}"
            continue
        before[key] = _forgotten(oracle, step.state, base)
    now = {
        (step.action, step.arguments): _forgotten(oracle, step.state, base[-1:])
        for step in oracle.successors(after)
        if step.action != "Store" or _block(step)[:1] == base[-1:]
    }
    seen.steps += len(before)
    if before != now:
        lost, new = before.items() - now.items(), now.items() - before.items()
        yield (
            f"behind {base}, forgetting changes {sorted({action for (action, _), _ in lost | new})}: "
            f"{len(lost)} steps are lost, {len(new)} are new"
        )


def _block(step: Successor) -> tuple[Any, ...]:
    block: Any = step.arguments["block"]
    return tuple(block)


def _cut(step: Successor, base: tuple[Any, ...]) -> immutabledict[str, Any]:
    """The arguments of a step as they are after forgetting."""
    if "block" not in step.arguments:
        return step.arguments
    return step.arguments.set("block", Chains.after_cut(_block(step), base) or step.arguments["block"])


def _forgotten(oracle: SpecOracle, state: OracleState, base: tuple[Any, ...]) -> tuple[int, ...]:
    """The state without what can be forgotten by then."""
    (found,) = oracle.apply("Forget", state, base)
    return found.place
