"""Simulated clusters of the hybrid of which each step is held against the spec."""

import functools
from collections.abc import Mapping
from typing import Final

from impl import hybrid
from property_tests.hybrid.cluster import Cluster, Registers, Setting
from property_tests.hybrid.journal import Journal, runs_spec
from property_tests.judged import config_of
from tlacheck.tlc.oracle import SpecOracle

__all__ = ["CONFIGS", "config_for", "oracle_of", "recorded"]

#: The configurations of `specs/hybrid` that runs are held against, by how many replicas there are, and who is Byzantine.
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
    return config_of("hybrid", CONFIGS, setting)


def recorded(
    setting: Setting, *, seed: int, only: frozenset[str] | None = None, command: str = ""
) -> tuple[Cluster, Journal]:
    """A cluster of which each step is held against the spec, and the journal that does so.

    Args:
        setting: which cluster; its traitors must be those of a configuration: `CONFIGS` has them.
        seed: as `Cluster` has it, and so `only`.
        only: which properties end the run if they are broken, besides conformance.
        command: the command that makes the run again, for the trace.

    Raises:
        ConfigError: as `config_for`.
    """
    oracle = oracle_of(config_for(setting))
    journals: list[Journal] = []

    def record(configs: dict[str, hybrid.Config], traitors: frozenset[str]) -> Journal:
        journals.append(Journal(oracle, configs, traitors, done=Registers.done, seed=seed, command=command))
        return journals[0]

    cluster = Cluster(setting, seed=seed, record=record, only=only)
    return cluster, journals[0]
