"""Runs of simulated clusters that are held against the spec, step by step.

`watched` plays the moves of `script.py` on four replicas with one traitor, or with two, and lets a `Journal` find the steps
of the spec in it. Each client asks for one thing only, and requests are proposed one by one, so that the spec has a value for
each of them.
"""

import functools
from collections import Counter
from collections.abc import Callable
from typing import Final

import attrs

from impl import pbft
from property_tests.pbft.cluster import Cluster, Setting, Violated
from property_tests.pbft.hosting import Times
from property_tests.pbft.journal import Journal, runs_spec, traitors_of
from property_tests.pbft.script import Script
from tlacheck.conform.lockstep import Diverged
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.trace import Trace

__all__ = [
    "CLIENTS",
    "CONFIGS",
    "ONE_TRAITOR",
    "TWO_TRAITORS",
    "Watched",
    "oracle_of",
    "setting_of",
    "watched",
]

#: Configurations of `specs/pbft`: as many traitors as four replicas allow for, and one more.
ONE_TRAITOR: Final = "OracleTraitor"
TWO_TRAITORS: Final = "OracleTwoTraitors"
CONFIGS: Final = (ONE_TRAITOR, TWO_TRAITORS)

#: How many clients there are: `Requests` of PbftRuns.tla.
CLIENTS: Final = 24


@functools.cache
def oracle_of(config: str) -> SpecOracle:
    """The oracle of a configuration; loaded once a process."""
    return SpecOracle(runs_spec(config))


def setting_of(config: str) -> Setting:
    """The cluster that a configuration speaks of."""
    return Setting(
        traitors=traitors_of(runs_spec(config)),
        window=4,
        interval=2,
        batch_max=2,
        service=pbft.LEDGER,
        times=Times(batch_max=1),
    )


@attrs.frozen(kw_only=True)
class Watched:
    """What a run came to.

    Attributes:
        trace: its steps, as the spec has them; `violation` says what was broken.
        actions: how often each action was taken.
        sometimes: how often each interesting situation was met.
        steps: how many steps correct replicas took.
    """

    trace: Trace
    actions: Counter[str]
    sometimes: Counter[str]
    steps: int


def watched(
    seed: int,
    *,
    steps: int,
    config: str = ONE_TRAITOR,
    make_script: Callable[[Cluster, int], Script] | None = None,
    only: frozenset[str] | None = None,
    command: str = "",
) -> Watched:
    """One run under all faults, each step of it held against the spec; the same for the same seed.

    Args:
        seed: decides all that happens.
        steps: how many steps correct replicas take at least, if the views do not become too many before.
        config: who the traitors are.
        make_script: says what may happen; everything if None.
        only: which properties end the run if they are broken, besides conformance; all if None.
        command: the command that makes this run again, for the trace.
    """
    journals: list[Journal] = []

    def record(configs: dict[str, pbft.Config], traitors: frozenset[str]) -> Journal:
        journals.append(Journal(oracle_of(config), configs, traitors, seed=seed, command=command))
        return journals[0]

    cluster = Cluster(setting_of(config), seed=seed, record=record, only=only)
    script = (make_script or _everything)(cluster, seed)
    journal = journals[0]
    trace: Trace | None = None
    try:
        while cluster.steps < steps and not journal.is_over:
            script.move()
    except Violated as violated:
        try:
            journal.fail(violated.property, (violated.explanation,))
        except Diverged as failure:
            trace = failure.trace
    except Diverged as failure:
        trace = failure.trace
    return Watched(
        trace=trace if trace is not None else journal.trace,
        actions=journal.actions,
        sometimes=cluster.sometimes + cluster.den.used,
        steps=cluster.steps,
    )


def _everything(cluster: Cluster, seed: int) -> Script:
    return Script(cluster, seed, clients=CLIENTS, once=True)
