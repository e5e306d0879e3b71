"""Random walks of the spec, taken by the system in lockstep: the oracle proposes, the system follows."""

import random
from collections.abc import Mapping

from tlacheck.conform.replay import replay
from tlacheck.conform.strategy import weighted_choice
from tlacheck.conform.system import System
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.trace import Origin, Step, Trace

__all__ = ["random_walk", "walk_and_replay"]


def random_walk(
    oracle: SpecOracle, *, seed: int, steps: int, weights: Mapping[str, float] | None = None
) -> Trace:
    """Draw a behaviour of the spec of at most `steps` steps; the same for the same seed and engine.

    Args:
        oracle: the spec.
        seed: decides all choices.
        steps: the length, unless the spec allows no further step before.
        weights: action -> how often it is chosen among those enabled, against 1.0 for others.
    """
    rng = random.Random(seed)  # noqa: S311 - a reproducible walk, no secret
    initial = rng.choice(oracle.initial_states())
    state, taken = initial, []
    for _ in range(steps):
        successors = oracle.successors(state)
        if not successors:
            break
        chosen = weighted_choice(rng, successors, weights or {})
        taken.append(Step(chosen.action, chosen.arguments, chosen.state.values))
        state = chosen.state
    return Trace(
        initial=initial.values,
        steps=tuple(taken),
        origin=Origin(
            source="oracle",
            spec=str(oracle.spec.path),
            config=str(oracle.spec.config),
            engine=oracle.engine.label,
            seed=seed,
        ),
    )


def walk_and_replay(
    oracle: SpecOracle, system: System, *, seed: int, steps: int, weights: Mapping[str, float] | None = None
) -> Trace:
    """Replay a random walk of the spec on the system; return the system's run, with its violation if any."""
    return replay(random_walk(oracle, seed=seed, steps=steps, weights=weights), system)
