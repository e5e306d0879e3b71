"""Simulated PBFT clusters of which each step is held against the spec."""

import functools
from collections.abc import Callable, Mapping
from typing import Final

from impl import pbft
from property_tests.judged import config_of
from property_tests.pbft.cluster import Cluster, Setting
from property_tests.pbft.journal import Journal, runs_spec
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.values import Value

__all__ = ["CONFIGS", "asked", "config_for", "oracle_of", "recorded"]

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
    return config_of("pbft", CONFIGS, setting)


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
