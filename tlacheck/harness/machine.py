"""The Hypothesis state machine of a protocol: time, the workload and the faults as rules.

Each kind of fault is drawn by a rule of its own, so that Hypothesis can leave whole kinds out of an example, and an
example that fails is shrunk to the rules that matter. At its end all faults end, and progress must come about.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tlacheck.conform.lockstep import Diverged
from tlacheck.harness.examples import Tally
from tlacheck.harness.protocol import Protocol, Size
from tlacheck.harness.run import Run, spec_of
from tlacheck.harness.workload import Schedule, ask, betray, conclude, fault_of
from tlacheck.tlc.oracle import SpecOracle

__all__ = ["ProtocolMachine", "machine_of"]

_SEEDS = st.integers(0, 2**16 - 1)

_T = TypeVar("_T")


class ProtocolMachine(RuleBasedStateMachine):
    """One simulated cluster, every step of which is judged. `machine_of` makes one for a protocol.

    Attributes:
        protocol: the declaration.
        size: of the cluster.
        oracle: judges each step; made when the first example begins.
        tally: counts the examples and keeps the shortest that fails; None if nobody asked for that.
        run: the run of this example; None before it begins.
    """

    protocol: ClassVar[Protocol]
    size: ClassVar[Size]
    oracle: ClassVar[SpecOracle | None] = None
    tally: Tally | None = None
    run: Run | None = None

    @initialize(seed=_SEEDS)
    def begin(self, seed: int) -> None:
        """Start a cluster."""
        kind = type(self)
        if self.tally is not None:
            self.tally.begin()
        if kind.oracle is None:
            kind.oracle = SpecOracle(spec_of(kind.protocol, kind.size))
        command = "" if self.tally is None else self.tally.command
        self.run = Run(kind.protocol, kind.size, seed=seed, oracle=kind.oracle, command=command)
        rng = random.Random(seed)  # noqa: S311 - Hypothesis draws the seed
        for node in sorted(kind.size.byzantine):
            betray(self.run, node, rng)

    @rule(for_ms=st.integers(1, 200))
    @precondition(lambda self: self.run is not None)
    def advance(self, for_ms: int) -> None:
        """Let time pass."""
        self._kept(lambda run: run.advance(for_ms))

    @rule(place=st.integers(0, 63), seed=_SEEDS)
    @precondition(lambda self: self.run is not None)
    def ask(self, place: int, seed: int) -> None:
        """Let a client ask for something."""
        ops = self.protocol.workload
        rng = random.Random(seed)  # noqa: S311 - Hypothesis draws the seed
        self._kept(lambda run: ask(run, ops[place % len(ops)], rng))

    @rule(place=st.integers(0, 63), seed=_SEEDS, for_ms=st.integers(0, 200))
    @precondition(lambda self: self.run is not None)
    def fail(self, place: int, seed: int, for_ms: int) -> None:
        """Let a fault happen, and some time pass."""
        names = sorted(self.protocol.faults)
        if names:
            rng = random.Random(seed)  # noqa: S311 - as above
            fault = fault_of(names[place % len(names)], self._running, rng)
            if fault is not None:
                self._kept(lambda run: run.inflict(fault))
        self._kept(lambda run: run.advance(for_ms))

    @rule(place=st.integers(0, 63), seed=_SEEDS)
    @precondition(lambda self: self.run is not None and bool(self.size.byzantine))
    def betray(self, place: int, seed: int) -> None:
        """Let a Byzantine node behave otherwise from now on."""
        node = sorted(self.size.byzantine)[place % len(self.size.byzantine)]
        rng = random.Random(seed)  # noqa: S311 - as above
        self._kept(lambda run: betray(run, node, rng))

    def teardown(self) -> None:
        """End the faults, unless the example failed already, and demand progress."""
        if self.run is None:
            return
        try:
            if not self.run.has_failed:
                self._kept(lambda run: conclude(run, self.protocol, Schedule(run, self.protocol, seed=0)))
        finally:
            if self.tally is not None:
                self.tally.end(self.run.steps, Counter(self.run.goals))

    def _kept(self, happen: Callable[[Run], _T]) -> _T:
        """Let something happen; if the run fails, keep it first."""
        run = self._running
        try:
            return happen(run)
        except Diverged as failure:
            if self.tally is not None:
                self.tally.keep(failure.trace, log=run.cluster.simulation.log_text)
            raise

    @property
    def _running(self) -> Run:
        if self.run is None:
            raise RuntimeError("a rule ran before the cluster was started")
        return self.run


def machine_of(
    protocol: Protocol, *, nodes: int | None = None, byzantine: int | None = None
) -> type[ProtocolMachine]:
    """The state machine of a protocol; its `TestCase` is what pytest collects.

    >>> TestLock = machine_of(LOCK).TestCase

    Args:
        protocol: the declaration.
        nodes: the size of the cluster; the declaration's first, if None.
        byzantine: how many of them are Byzantine; as the declaration has it, if None.

    Raises:
        ConfigError: the protocol has no such size.
    """
    attributes: dict[str, Any] = {
        "protocol": protocol,
        "size": protocol.size(nodes, byzantine),
        "__doc__": protocol.name,
    }
    return type(f"{protocol.name.title().replace('-', '')}Machine", (ProtocolMachine,), attributes)
