"""Simulated PBFT clusters of which each step is held against the spec."""

import functools
from collections.abc import Callable, Mapping
from typing import Final

from impl import pbft
from property_tests.pbft.cluster import Cluster, Setting, Violated
from property_tests.pbft.journal import Journal, runs_spec
from property_tests.pbft.safety import Broken
from tlacheck.conform.lockstep import Diverged
from tlacheck.errors import ConfigError
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.trace import Trace
from tlacheck.values import Value

__all__ = ["CONFIGS", "asked", "config_for", "failed", "oracle_of", "recorded"]

#: The configurations of `specs/pbft` that runs are held against, by how many replicas there are, and who is Byzantine.
CONFIGS: Final[Mapping[tuple[int, frozenset[str]], str]] = {
    (4, frozenset({"r0"})): "OracleTraitor",
    (5, frozenset({"r0"})): "OracleTraitorOfFive",
    (7, frozenset({"r0", "r1"})): "OracleTwoTraitors",
}


@functools.cache
def oracle_of(config: str) -> SpecOracle:
    """The oracle of a configuration; loaded once a process."""
    return SpecOracle(runs_spec(config))


def config_for(setting: Setting) -> str:
    """The configuration that speaks of a cluster.

    Raises:
        ConfigError: the spec has no configuration for so many replicas with these traitors.
    """
    config = CONFIGS.get((setting.replicas, setting.traitors))
    if config is None:
        there = "; ".join(f"{replicas} with {', '.join(sorted(names))}" for replicas, names in CONFIGS)
        raise ConfigError(
            f"specs/pbft has no configuration for {setting.replicas} replicas of which "
            f"{', '.join(sorted(setting.traitors)) or 'nobody'} is Byzantine; it has those for {there}"
        )
    return config


def asked(client: str, timestamp: int) -> Value:
    """What stands for a request: who asks, and by which timestamp."""
    return (client, timestamp)


def recorded(
    setting: Setting,
    *,
    seed: int,
    only: frozenset[str] | None = None,
    command: str = "",
    config: str = "",
    name: Callable[[str, int], Value] = asked,
) -> tuple[Cluster, Journal]:
    """A cluster of which each step is held against the spec, and the journal that does so.

    Args:
        setting: which cluster; its traitors must be those of a configuration: `CONFIGS` has them.
        seed: as `Cluster` has it, and so `only`.
        only: which properties end the run if they are broken, besides conformance.
        command: the command that makes the run again, for the trace.
        config: the configuration; that of the setting if empty.
        name: the value that stands for what a client asks for by a timestamp.

    Raises:
        ConfigError: as `config_for`; or the configuration does not fit the setting.
    """
    oracle = oracle_of(config or config_for(setting))
    journals: list[Journal] = []

    def record(configs: dict[str, pbft.Config], traitors: frozenset[str]) -> Journal:
        journals.append(Journal(oracle, configs, traitors, name=name, seed=seed, command=command))
        return journals[0]

    cluster = Cluster(setting, seed=seed, record=record, only=only)
    return cluster, journals[0]


def failed(failure: Violated | Diverged, journal: Journal) -> tuple[Broken, Trace]:
    """What ended a run, and the run up to there, in the spec's words."""
    if isinstance(failure, Violated):
        return failure.broken, journal.broken(failure.property, (failure.explanation,))
    violation = failure.trace.violation
    if violation is None:
        raise failure
    said = "; ".join(violation.explanation)
    return (violation.property, f"at step {violation.step} of the spec: {said}"), failure.trace
