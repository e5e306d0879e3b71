"""One run of a protocol: a simulated cluster, its recorder, and the judges that look at every step."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
from immutabledict import immutabledict

from tlacheck import __version__, itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.harness.protocol import Protocol, Size, View
from tlacheck.harness.recorder import Recorder, Violated
from tlacheck.sim.cluster import Cluster, Core, StepRecord
from tlacheck.sim.faults import Fault
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Origin, State, Trace, Violation

__all__ = ["TOTAL", "Run", "spec_of"]

#: The property that a core answers every input, malformed ones included, and never raises.
TOTAL: Final = "Total"

_T = TypeVar("_T")


def spec_of(protocol: Protocol, size: Size) -> Spec:
    """The spec that speaks of a cluster of this size.

    Raises:
        SpecError: a file is missing.
    """
    return Spec.load(protocol.folder / protocol.spec, protocol.folder / size.config)


class Run:
    """A cluster of one protocol in which every step is judged.

    Args:
        protocol: the declaration.
        size: of the cluster.
        seed: decides delays and losses.
        oracle: judges each step by the spec; None leaves the spec out.
        command: the command that repeats the run.

    Attributes:
        size: of the cluster.
        cluster: the cluster.
        recorder: the run, as the spec has it.
        steps: how many steps nodes took.
        goals: how often each coverage goal was met.
        behaviours: the names of the ways in which its Byzantine nodes may behave.
        has_failed: True once a step was refused or a property broke.

    Raises:
        Diverged: the nodes do not start as the spec does.
    """

    def __init__(
        self,
        protocol: Protocol,
        size: Size,
        *,
        seed: int,
        oracle: SpecOracle | None,
        command: str = "",
    ) -> None:
        self.size = size
        self.steps = 0
        self.has_failed = False
        self.goals: Counter[str] = Counter({goal.name: 0 for goal in protocol.goals})
        declared = protocol.byzantine
        behaviours = declared.behaviours(size) if declared is not None and size.byzantine else {}
        self.behaviours = tuple(sorted(behaviours))
        self._protocol = protocol
        self._origin = Origin(
            source="simulation",
            spec=protocol.spec,
            config=size.config,
            seed=seed,
            command=command,
            versions=immutabledict({"tlacheck": __version__}),
        )
        self.cluster = Cluster(
            _Guarded(protocol.core(size)),
            size.nodes,
            seed=seed,
            network=protocol.network,
            behaviours=behaviours,
            tear=protocol.tear,
            observer=self,
        )
        self.recorder = Recorder(protocol, size, oracle, self.cluster.states, self._origin)

    @property
    def view(self) -> View:
        """Node -> its state, of those that follow the protocol."""
        return self.recorder.view

    # --- what happens

    def advance(self, for_ms: int) -> None:
        """Let so many virtual milliseconds pass.

        Raises:
            Diverged: a step is not the spec's, an invariant breaks, or the core raises.
        """
        self._judged(lambda: self.cluster.advance(for_ms))

    def inflict(self, fault: Fault) -> bool:
        """Let a fault happen. False if it found nothing to do.

        Raises:
            Diverged: as `advance`.
        """
        return self._judged(lambda: self.cluster.inflict(fault))

    def request(self, node: str, inp: object) -> bool:
        """Give a node a client's input. False if the node is down or paused.

        Raises:
            Diverged: as `advance`.
        """
        return self._judged(lambda: self.cluster.request(node, inp))

    def _judged(self, happen: Callable[[], _T]) -> _T:
        try:
            return happen()
        except _StepRaised as failure:
            raise self.broken(TOTAL, str(failure)) from failure.__cause__

    def broken(self, name: str, why: str) -> Violated:
        """The failure that a property does not hold after the last step."""
        trace = self.recorder.trace() or Trace(
            initial=State(self._protocol.observe(self.recorder.view)),
            steps=(),
            origin=self._origin,
        )
        self.has_failed = True
        violation = Violation(property=name, step=len(trace.steps) or None, explanation=(why,))
        return Violated(attrs.evolve(trace, violation=violation))

    def keep(self, trace: Trace, folder: Path, stem: str) -> tuple[Path, Path]:
        """Write a trace and the cluster's log; their files."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = folder / f"{stem}.itf.json", folder / f"{stem}.log"
        itf.write(trace, paths[0])
        paths[1].write_text(self.cluster.simulation.log_text, encoding="utf-8")
        return paths

    # --- what the cluster tells

    def on_step(self, record: StepRecord) -> None:
        """A node took a step."""
        self.steps += 1
        self._judge(lambda: self.recorder.on_step(record))

    def on_restart(self, node: str, state: object) -> None:
        """A node came back."""
        self._judge(lambda: self.recorder.on_restart(node, state))

    def _judge(self, follow: Callable[[], None]) -> None:
        before = self.view
        try:
            follow()
            self._judge_view(before, self.view)
        except Diverged:
            self.has_failed = True
            raise

    def _judge_view(self, before: View, view: View) -> None:
        for goal in self._protocol.goals:
            self.goals[goal.name] += bool(goal.is_met(before, view))
        for invariant in self._protocol.invariants:
            if why := invariant.broken(view):
                raise self.broken(invariant.name, why)


class _StepRaised(Exception):
    """The core raised an exception in a step; its cause is that exception."""


class _Guarded:
    """A core whose exceptions are told from those of the declaration."""

    def __init__(self, core: Core[Any, Any, Any]) -> None:
        self._core = core
        self.start, self.commands = core.start, core.commands
        self.on_message, self.on_timer = core.on_message, core.on_timer

    def step(self, state: Any, inp: Any) -> tuple[Any, Iterable[Any]]:
        """Take one step of the core.

        Raises:
            _StepRaised: the core raised.
        """
        try:
            after, effects = self._core.step(state, inp)
            return after, list(effects)
        except Exception as error:
            raise _StepRaised(f"the core raised {type(error).__name__}: {error} on {inp!r}") from error
