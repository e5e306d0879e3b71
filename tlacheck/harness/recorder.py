"""The recorder: what the core did, as steps of the spec, each judged by the oracle.

The core's step comes first; the declaration says which steps of the spec it stands for; the spec says whether
these are allowed and lead to what is observed. Variables that are not observed may have any value that the
spec allows, so several states of the spec may fit: the recorder follows all of them.

A step that a crash cuts short counts as taken if all its `Sync`s were carried out or, in a step without any,
if something left the node (`is_kept`). If writes were carried out and a `Sync` was not, nobody knows yet what
the disk holds: the recorder follows both cases until the node restarts.

A protocol may bring a recorder of its own (`spec_run.SpecRecorder`), with a memory: `OwnRecorder` tells it
what happens. It follows one case alone: a step whose write was not safe never happened, so `Protocol.tear`
must leave the old value.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.conform.comparison import deviations
from tlacheck.conform.lockstep import Diverged
from tlacheck.conform.replay import conformance
from tlacheck.conform.system import NotPossible
from tlacheck.errors import ConfigError
from tlacheck.harness.protocol import Protocol
from tlacheck.harness.size import Size, View
from tlacheck.harness.spec_run import SpecRun, called
from tlacheck.harness.steps import AnyOrder, SpecStep, SpecSteps
from tlacheck.sim.byzantine import Send
from tlacheck.sim.cluster import Notify, StepRecord, Sync
from tlacheck.sim.disk import Write
from tlacheck.tlc.oracle import OracleState, SpecOracle
from tlacheck.trace import Origin, State, Step, Trace, Violation

__all__ = ["OwnRecorder", "Recorder", "Violated", "is_kept"]

#: So many states of the spec are followed at once.
_CASES_MAX: Final = 64


class Violated(Diverged):
    """A property of the view does not hold: an invariant, or progress."""


def is_kept(record: StepRecord) -> bool | None:
    """Return whether a step stays taken, whatever a crash cut off; None if the disk alone can tell."""
    if record.done is None:
        return True
    done, left = record.commands[: record.done], record.commands[record.done :]
    if any(isinstance(command, Sync) for command in left):
        is_writing = any(isinstance(command, Write) for command in done) or isinstance(left[0], Write)
        return None if is_writing else False
    return any(isinstance(command, Sync | Send | Notify) for command in done)


@attrs.define
class _Path:
    """The steps of the spec up to one of its states, the last one first.

    Attributes:
        state: the last state.
        step: the step that led there; None at the beginning.
        before: the path up to that step; None at the beginning, and where it was cut off.
        count: the number of steps from the beginning of the run.
    """

    state: OracleState
    step: SpecStep | None = None
    before: "_Path | None" = None
    count: int = 0

    def after(self, step: SpecStep, state: OracleState, *, trace_max: int) -> "_Path":
        """The path with one more step. Of a long one the beginning is forgotten."""
        longer = _Path(state, step, self, self.count + 1)
        if longer.count >= 2 * trace_max and longer.count % trace_max == 0:
            link = longer
            for _ in range(trace_max):
                link = link.before or link
            link.before = None
        return longer

    def trace(self, origin: Origin, *, trace_max: int) -> Trace:
        """The last steps in order."""
        links: list[_Path] = []
        link: _Path | None = self
        while link is not None and len(links) <= trace_max:
            links.append(link)
            link = link.before
        first, *rest = reversed(links)
        steps = tuple(
            Step(each.step.action, immutabledict(each.step.arguments), each.state.values)
            for each in rest
            if each.step
        )
        return Trace(initial=first.state.values, steps=steps, origin=origin)


@attrs.frozen
class _Case:
    """One account of the run: the view, and a way of the spec that fits it."""

    view: immutabledict[str, Any]
    path: _Path


#: An account so far, the view after one more step, and what that step is in the spec.
_Way: TypeAlias = tuple[_Case, immutabledict[str, Any], tuple[SpecSteps, ...]]


class Recorder:
    """Follows one run of a cluster, by `Protocol.steps` and `Protocol.observe`.

    It is the cluster's `Observer`.

    Args:
        protocol: the declaration.
        size: which nodes there are.
        oracle: of the spec; None to record the view alone.
        states: the states in which the nodes start.
        origin: where the trace comes from.

    Attributes:
        actions: action -> how many steps of it were taken.

    Raises:
        Diverged: the spec does not begin like this.
    """

    def __init__(
        self,
        protocol: Protocol,
        size: Size,
        oracle: SpecOracle | None,
        states: Mapping[str, Any],
        origin: Origin,
    ) -> None:
        self._protocol = protocol
        self._size = size
        self._oracle = oracle
        self._origin = origin
        self.actions: Counter[str] = Counter()
        view = immutabledict((node, states[node]) for node in size.honest)
        if oracle is None:
            self._cases = [_Case(view, None)]  # type: ignore[arg-type]  # nothing is judged, so there is no path
            return
        found = protocol.observe(view)
        initial = oracle.initial_states()
        fits = [state for state in initial if not deviations(state.values, State(found))]
        self._cases = [_Case(view, _Path(state)) for state in fits]
        if not fits:
            self._refuse(
                [_Path(initial[0])],
                ("the nodes do not start as the spec does:", *deviations(initial[0].values, State(found))),
            )

    @property
    def view(self) -> View:
        """Node -> its state, of those that follow the protocol."""
        return self._cases[0].view

    def trace(self, prop: str = "", explanation: tuple[str, ...] = ()) -> Trace | None:
        """The run so far, as the spec has it; None if the spec is not asked.

        Args:
            prop: the property that does not hold after the last step; empty if nothing is broken.
            explanation: why, in words.
        """
        return None if self._oracle is None else self._trace(self._cases[0].path, prop, explanation)

    def _trace(self, path: _Path, prop: str, explanation: tuple[str, ...]) -> Trace:
        trace = path.trace(self._origin, trace_max=self._protocol.trace_max)
        if path.count > len(trace):
            explanation = (*explanation, f"(these are the last {len(trace)} of {path.count:,} steps)")
        violation = Violation(property=prop, step=len(trace), explanation=explanation) if prop else None
        return attrs.evolve(trace, violation=violation)

    def steps_since(self, count: int) -> tuple[SpecStep, ...]:
        """The steps of the spec after the first `count` of them; no more than a trace shows."""
        found: list[SpecStep] = []
        link: _Path | None = None if self._oracle is None else self._cases[0].path
        while link is not None and link.step is not None and link.count > count:
            found.append(link.step)
            link = link.before
        return tuple(reversed(found))

    def finish(self) -> None:
        """At the end of the run the invariants of the configuration hold in a state that fits.

        Raises:
            Diverged: one does not, in any of them.
        """
        if self._oracle is None:
            return
        broken = [self._oracle.violated_invariants(case.path.state) for case in self._cases]
        if all(broken):
            raise Diverged(
                self._trace(self._cases[0].path, broken[0][0], ("it does not hold at the end of the run",))
            )

    # --- what the cluster tells

    def on_step(self, record: StepRecord) -> None:
        """A node took a step.

        Raises:
            Diverged: the spec does not allow it.
        """
        ways = self._byzantine(record) if record.node in self._size.byzantine else list(self._after(record))
        self._follow(ways, f"{record.node} took {record.input!r}")

    def on_restart(self, node: str, state: Any) -> None:
        """A node came back.

        Raises:
            Diverged: the spec does not allow it to come back like this.
        """
        if node in self._size.byzantine:
            return
        step = self._protocol.restart(node)
        steps = () if step is None else (step,)
        self._follow([(case, case.view.set(node, state), steps) for case in self._cases], f"{node} restarted")

    def _byzantine(self, record: StepRecord) -> list[_Way]:
        declared = self._protocol.byzantine
        steps = () if declared is None else tuple(declared.steps(record))
        return [(case, case.view, steps) for case in self._cases]

    def _after(self, record: StepRecord) -> Iterator[_Way]:
        steps, kept = tuple(self._protocol.steps(record)), is_kept(record)
        for case in self._cases:
            if kept is not True:
                yield case, case.view, ()
            if kept is not False:
                is_same = case.view.get(record.node) == record.after
                yield case, case.view if is_same else case.view.set(record.node, record.after), steps

    def on_lost(self, message: Any) -> None:
        """A copy of a message is lost, which is no step."""

    def on_double(self, message: Any) -> None:
        """A message gets a second copy, which is no step."""

    # --- what the spec says

    def _follow(self, ways: list[_Way], what: str) -> None:
        if self._oracle is None:
            self._cases = [_Case(view, case.path) for case, view, _ in ways[:1]]
            return
        is_undecided = len(ways) != len(self._cases)
        if not is_undecided and all(case.view is view and not steps for case, view, steps in ways):
            return  # nothing that the spec speaks of has changed
        found: dict[tuple[Any, ...], _Case] = {}
        wrong: list[tuple[_Path, tuple[str, ...]]] = []
        for case, view, steps in ways:
            seen = State(self._protocol.observe(view))
            for path in self._led(case.path, steps, wrong):
                if lines := deviations(path.state.values, seen):
                    wrong.append((path, lines))
                else:
                    found.setdefault(
                        (view, path.state.key) if _hashable(view) else (path.state.key,), _Case(view, path)
                    )
        if not found:
            path, lines = min(wrong, key=lambda each: len(each[1]))
            self._refuse([path], (f"{what}:", *lines))
        if len(found) > _CASES_MAX:
            raise ConfigError(
                f"more than {_CASES_MAX} states of {self._protocol.spec} fit the run: observe more "
                "variables, or "
                "give the steps more of their arguments"
            )
        before = self._cases[0].path.count
        self._cases = list(found.values())
        self.actions.update(step.action for step in self.steps_since(before))

    def _led(
        self, path: _Path, steps: Iterable[SpecSteps], wrong: list[tuple[_Path, tuple[str, ...]]]
    ) -> list[_Path]:
        """The states to which the steps lead, one after the other."""
        paths = [path]
        for step in steps:
            if isinstance(step, AnyOrder):
                paths = [led for one in paths for led in self._in_its_order(one, list(step.steps), wrong)]
            else:
                paths = [led for one in paths for led in self._taken(one, step, wrong)]
        return paths

    def _in_its_order(
        self, path: _Path, left: list[SpecStep], wrong: list[tuple[_Path, tuple[str, ...]]]
    ) -> list[_Path]:
        """The states to which the steps lead in the first order in which the spec allows them."""
        for step in left:
            if after := self._allowed(path, step):
                rest = [other for other in left if other is not step]
                return [led for one in after for led in self._in_its_order(one, rest, wrong)]
        needed = [step for step in left if not step.is_optional]
        return self._taken(path, needed[0], wrong) if needed else [path]

    def _taken(self, path: _Path, step: SpecStep, wrong: list[tuple[_Path, tuple[str, ...]]]) -> list[_Path]:
        """The states to which a step leads; if there is none, the reason is added to `wrong`."""
        after = self._allowed(path, step)
        if after or step.is_optional:
            return after or [path]
        wrong.append((path, (self._why_not(path.state, step),)))
        return []

    def _allowed(self, path: _Path, step: SpecStep) -> list[_Path]:
        trace_max = self._protocol.trace_max
        if step.operator:
            found = self._asked.apply(step.operator, path.state, *step.arguments.values())
            return [path.after(step, state, trace_max=trace_max) for state in found]
        return [
            path.after(SpecStep(each.action, each.arguments), each.state, trace_max=trace_max)
            for each in self._asked.successors(path.state, step.action, step.arguments)
        ]

    @property
    def _asked(self) -> SpecOracle:
        if self._oracle is None:
            raise RuntimeError("nothing is judged")
        return self._oracle

    def _why_not(self, state: OracleState, step: SpecStep) -> str:
        if step.operator:
            return f"the spec allows no {called(step)} here"
        if not {step.action, f"{step.action}Event"} & set(self._asked.actions):
            # the latter records the action in a variable `event`
            return f"the spec has no action {step.action}"
        enabled = sorted({each.action for each in self._asked.successors(state)})
        return f"the spec allows no {called(step)} here; enabled are {', '.join(enabled) or 'no actions'}"

    def _refuse(self, paths: list[_Path], lines: tuple[str, ...]) -> None:
        raise Diverged(self._trace(paths[0], conformance(self._protocol.spec), lines))


class OwnRecorder:
    """Follows one run of a cluster by the recorder that the protocol brings. It is the cluster's `Observer`.

    Args:
        protocol: the declaration, which has a recorder.
        size: which nodes there are.
        oracle: of the spec; None to keep the view alone.
        states: the states in which the nodes start.
        origin: where the trace comes from.

    Raises:
        Diverged: the spec does not begin like this.
    """

    def __init__(
        self,
        protocol: Protocol,
        size: Size,
        oracle: SpecOracle | None,
        states: Mapping[str, Any],
        origin: Origin,
    ) -> None:
        self._size = size
        self._view = immutabledict((node, states[node]) for node in size.honest)
        self._spec: SpecRun | None = None
        if oracle is not None and protocol.recorder is not None:
            self._spec = SpecRun(oracle, origin, trace_max=protocol.trace_max)
            self._recorder = protocol.recorder(size, self._spec)
            self._spec.recorder = self._recorder

    @property
    def view(self) -> View:
        """Node -> its state, of those that follow the protocol."""
        return self._view

    @property
    def actions(self) -> Counter[str]:
        """Action -> how many steps of it were taken."""
        return self._spec.actions if self._spec is not None else Counter()

    def trace(self, prop: str = "", explanation: tuple[str, ...] = ()) -> Trace | None:
        """The run so far, as the spec has it; as `Recorder.trace`."""
        return None if self._spec is None else self._spec.trace(prop, explanation)

    def steps_since(self, count: int) -> tuple[SpecStep, ...]:
        """The steps of the spec after the first `count` of them; no more than a trace shows."""
        return () if self._spec is None else self._spec.steps_since(count)

    def on_step(self, record: StepRecord) -> None:
        """A node took a step.

        Raises:
            Diverged: the spec does not allow it.
        """
        if record.node in self._size.byzantine:
            self._told(lambda: self._recorder.on_step(record), record.input)
        elif is_kept(record) is True:
            self._view = self._view.set(record.node, record.after)
            self._told(lambda: self._recorder.on_step(record), record.input)
        else:
            self._tell("on_undone", record, "a crash")

    def on_lost(self, message: Any) -> None:
        """A copy of a message is lost.

        Raises:
            Diverged: the spec does not allow it.
        """
        self._tell("on_lost", message, "a loss")

    def on_double(self, message: Any) -> None:
        """A message gets a second copy.

        Raises:
            Diverged: the spec does not allow it.
        """
        self._tell("on_double", message, "a second copy")

    def _tell(self, hook: str, what: Any, when: str) -> None:
        """Tell a recorder that wants to know."""
        follow = getattr(self._recorder, hook, None) if self._spec is not None else None
        if follow is not None:
            self._told(lambda: follow(what), f"{when} of {what!r}")

    def on_restart(self, node: str, state: Any) -> None:
        """A node came back.

        Raises:
            Diverged: the spec does not allow it to come back like this.
        """
        if node not in self._size.byzantine:
            self._view = self._view.set(node, state)
            self._told(lambda: self._recorder.on_restart(node, state), "its restart")

    def finish(self) -> None:
        """At the end of the run all variables are as observed, and the spec's invariants hold.

        Raises:
            Diverged: they are not, or one does not.
        """
        if self._spec is not None:
            self._spec.finish(self._recorder.observe())

    def _told(self, follow: Callable[[], None], what: object) -> None:
        if self._spec is None:
            return
        try:
            follow()
        except NotPossible as refusal:
            self._spec.fail(f"after {what}: {refusal}")


def _hashable(view: Mapping[str, Any]) -> bool:
    try:
        hash(view)
    except TypeError:
        return False
    return True
