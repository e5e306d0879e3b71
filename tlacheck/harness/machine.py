"""The Hypothesis state machine of a protocol: time, the workload and the faults as rules.

Each operation and each kind of fault is a rule of its own, so that Hypothesis can leave whole kinds out of an
example, and an example that fails is shrunk to the rules that matter. At its end all faults end, and progress
must come about.
"""

import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tlacheck.conform.lockstep import Diverged
from tlacheck.harness.examples import Tally
from tlacheck.harness.protocol import Protocol
from tlacheck.harness.run import Run, oracle_of
from tlacheck.harness.size import Size
from tlacheck.harness.workload import ask, conclude, fault_of, make_byzantine, schedule_of
from tlacheck.tlc.oracle import SpecOracle

__all__ = ["ProtocolMachine", "machine_of"]

_SEEDS = st.integers(0, 2**16 - 1)

_T = TypeVar("_T")


class ProtocolMachine(RuleBasedStateMachine):
    """One simulated cluster, every step of which is judged. `machine_of` makes one for a protocol.

    Attributes:
        protocol: the declaration.
        sizes: of the clusters; an example has one of them.
        judged: False to leave the spec out.
        oracle: judges each step, whatever the size; None to load that of the size when an example begins.
        tally: counts the examples and keeps the shortest that fails; None if nobody asked for that.
        run: the run of this example; None before it begins.
    """

    protocol: ClassVar[Protocol]
    sizes: ClassVar[tuple[Size, ...]]
    judged: ClassVar[bool] = True
    oracle: ClassVar[SpecOracle | None] = None
    tally: Tally | None = None
    run: Run | None = None

    @initialize(seed=_SEEDS, place=st.integers(0, 63))
    def begin(self, seed: int, place: int) -> None:
        """Start a cluster."""
        kind = type(self)
        if self.tally is not None:
            self.tally.begin()
        size = kind.sizes[place % len(kind.sizes)]
        oracle = kind.oracle or (oracle_of(kind.protocol, size) if kind.judged and size.config else None)
        command = "" if self.tally is None else self.tally.command
        self.run = Run(kind.protocol, size, seed=seed, oracle=oracle, command=command)
        rng = random.Random(seed)  # noqa: S311 - Hypothesis draws the seed
        for node in sorted(size.byzantine):
            make_byzantine(self.run, kind.protocol, node, rng)

    @rule(for_ms=st.integers(1, 200))
    @precondition(lambda self: self.run is not None)
    def advance(self, for_ms: int) -> None:
        """Let time pass."""
        self._kept(lambda run: run.advance(for_ms))

    @rule(place=st.integers(0, 63), seed=_SEEDS)
    @precondition(lambda self: self.run is not None and bool(self.run.size.byzantine))
    def make_byzantine(self, place: int, seed: int) -> None:
        """Let a Byzantine node behave otherwise from now on."""
        byzantine = sorted(self._running.size.byzantine)
        rng = random.Random(seed)  # noqa: S311 - as above
        self._kept(lambda run: make_byzantine(run, self.protocol, byzantine[place % len(byzantine)], rng))

    def teardown(self) -> None:
        """End the faults, unless the example failed already, and demand progress."""
        if self.run is None:
            return
        try:
            if not self.run.has_failed:
                self._kept(self._concluded)
        finally:
            if self.tally is not None:
                self.tally.end(self.run.steps, Counter(self.run.goals))

    def _concluded(self, run: Run) -> None:
        conclude(run, self.protocol, schedule_of(run, self.protocol, seed=0))
        run.finish()

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


def _rule_of(happen: Callable[[ProtocolMachine, random.Random], None]) -> Any:
    """A rule in which this happens and some time passes."""

    def act(self: ProtocolMachine, seed: int, for_ms: int) -> None:
        happen(self, random.Random(seed))  # noqa: S311 - Hypothesis draws the seed
        if for_ms:
            self._kept(lambda run: run.advance(for_ms))

    started = precondition(lambda self: self.run is not None)
    return rule(seed=_SEEDS, for_ms=st.integers(0, 200))(started(act))


def _asking(place: int) -> Any:
    def happen(self: ProtocolMachine, rng: random.Random) -> None:
        self._kept(lambda run: ask(run, run.ops[place], rng))

    return _rule_of(happen)


def _happening(happen_in: Callable[[Run, random.Random], None]) -> Any:
    def happen(self: ProtocolMachine, rng: random.Random) -> None:
        self._kept(lambda run: happen_in(run, rng))

    return _rule_of(happen)


def _failing(name: str) -> Any:
    def happen(self: ProtocolMachine, rng: random.Random) -> None:
        fault = fault_of(name, self._running, rng, self.protocol)
        if fault is not None:
            self._kept(lambda run: run.inflict(fault))

    return _rule_of(happen)


def machine_of(
    protocol: Protocol,
    *,
    nodes: int | None = None,
    byzantine: int | None = None,
    every_size: bool = False,
    judged: bool = True,
) -> type[ProtocolMachine]:
    """The state machine of a protocol; its `TestCase` is what pytest collects.

    >>> TestLock = machine_of(LOCK).TestCase

    Args:
        protocol: the declaration.
        nodes: the size of the cluster; the declaration's first, if None.
        byzantine: how many of them are Byzantine; as the declaration has it, if None.
        every_size: True to let Hypothesis choose among all sizes that the spec speaks of.
        judged: False to leave the spec out.

    Raises:
        ConfigError: the protocol has no such size.
    """
    sizes = [size for size in protocol.sizes if size.config] if every_size else []
    sizes = sizes or [protocol.size(nodes, byzantine)]
    rules = {
        f"ask_{place}_{_identifier(op.name)}": _asking(place)
        for place, op in enumerate(protocol.ops(sizes[0]))
    }
    rules |= {_identifier(name): _happening(each) for name, each in protocol.machine_rules.items()}
    rules |= {f"fault_{name}": _failing(name) for name in protocol.faults}
    attributes: dict[str, Any] = {
        "protocol": protocol,
        "sizes": tuple(sizes),
        "judged": judged,
        "__doc__": protocol.name,
        **rules,
    }
    return type(f"{protocol.name.title().replace('-', '')}Machine", (ProtocolMachine,), attributes)


def _identifier(text: str) -> str:
    return re.sub(r"\W+", "_", text).strip("_")
