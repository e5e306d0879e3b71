"""What ends a run of a simulated cluster: a judge that finds a property broken, or the spec that does not allow a step."""

from collections import Counter
from collections.abc import Mapping
from typing import Protocol, TypeAlias

from property_tests.replicas import Replicas
from tlacheck.conform.lockstep import Diverged
from tlacheck.errors import ConfigError
from tlacheck.trace import Trace

__all__ = ["Broken", "RunJournal", "Violated", "config_of", "failed"]

#: A property that does not hold, and why, in words.
Broken: TypeAlias = tuple[str, str]


class Violated(AssertionError):
    """A run shows something wrong.

    Attributes:
        property: what does not hold.
        explanation: in words.
        broken: both.
    """

    def __init__(self, broken: Broken) -> None:
        self.broken = broken
        self.property, self.explanation = broken
        super().__init__(f"{self.property}: {self.explanation}")


class RunJournal(Protocol):
    """The run of a cluster as a trace of the spec.

    Attributes:
        actions: how often each action was taken.
    """

    actions: Counter[str]

    def broken(self, prop: str, explanation: tuple[str, ...]) -> Trace:
        """The run so far, after whose last step `prop` does not hold."""

    def finish(self) -> None:
        """The run is over, and the spec says whether it may end so.

        Raises:
            Diverged: it may not.
        """


def failed(failure: Violated | Diverged, journal: RunJournal) -> tuple[Broken, Trace]:
    """What ended a run, and the run up to there, in the spec's words."""
    if isinstance(failure, Violated):
        return failure.broken, journal.broken(failure.property, (failure.explanation,))
    violation = failure.trace.violation
    if violation is None:
        raise failure
    said = "; ".join(violation.explanation)
    return (violation.property, f"at step {violation.step} of the spec: {said}"), failure.trace


def config_of(
    protocol: str,
    configs: Mapping[tuple[int, frozenset[str]], str],
    there: Replicas,
) -> str:
    """The configuration of a spec that speaks of a cluster.

    Args:
        protocol: the folder of `specs`.
        configs: its configurations, by how many replicas there are, and who is Byzantine.
        there: the replicas of the cluster.

    Raises:
        ConfigError: there is none.
    """
    config = configs.get((there.replicas, there.traitors))
    if config is None:
        known = "; ".join(f"{size} with {', '.join(sorted(names))}" for size, names in configs)
        raise ConfigError(
            f"specs/{protocol} has no configuration for {there.replicas} replicas of which "
            f"{', '.join(sorted(there.traitors)) or 'nobody'} is Byzantine; it has those for {known}"
        )
    return config
