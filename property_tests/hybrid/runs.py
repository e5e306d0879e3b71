"""Runs of the hybrid in this process, for tests: with one behaviour alone, or another declaration."""

from collections import Counter

import attrs

from property_tests.hybrid.protocol import HYBRID
from tlacheck.conform.lockstep import Diverged
from tlacheck.harness import Protocol, Run, Size
from tlacheck.harness.run import oracle_of
from tlacheck.harness.workload import schedule_of
from tlacheck.trace import Trace

__all__ = ["Played", "played", "with_behaviour"]


@attrs.frozen(kw_only=True)
class Played:
    """A run that has ended.

    Attributes:
        run: the cluster in the end.
        broken: what broke; empty if nothing did.
        why: the reasons, in words.
        trace: the run in the spec, up to what broke; None if nothing did.
    """

    run: Run
    broken: str = ""
    why: str = ""
    trace: Trace | None = None

    @property
    def goals(self) -> Counter[str]:
        """Goal -> how often it was met."""
        return self.run.goals


def with_behaviour(behaviour: str) -> Protocol:
    """The hybrid whose Byzantine replicas have this behaviour outside of attacks; any, if it is empty."""
    declared = HYBRID.byzantine
    if not behaviour or declared is None:
        return HYBRID
    names = declared.behaviours(HYBRID.sizes[0])
    weights = {name: int(name == behaviour) for name in names}
    return attrs.evolve(HYBRID, byzantine=attrs.evolve(declared, weights=weights))


def played(
    seed: int,
    *,
    steps: int,
    size: Size = HYBRID.sizes[0],
    protocol: Protocol = HYBRID,
    judged: bool = False,
    only: frozenset[str] | None = None,
) -> Played:
    """Play a run as a soak test does.

    Args:
        seed: decides all that happens.
        steps: how many steps nodes take at least.
        size: the cluster.
        protocol: the declaration.
        judged: True to ask the spec about each step.
        only: the properties that end the run when they break; all if None.
    """
    oracle = oracle_of(protocol, size) if judged else None
    run = Run(protocol, size, seed=seed, oracle=oracle, only=only)
    try:
        schedule = schedule_of(run, protocol, seed=seed)
        schedule.begin()
        while run.steps < steps:
            schedule.round(min(steps, run.steps + (protocol.rest_every or steps)))
            schedule.conclude()
        run.finish()
    except Diverged as failure:
        violation = failure.trace.violation
        if violation is None:
            raise
        why = "\n".join(violation.explanation)
        return Played(run=run, broken=violation.property, why=why, trace=failure.trace)
    return Played(run=run)
