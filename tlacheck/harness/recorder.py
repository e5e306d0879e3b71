"""The recorder: what the core did, as steps of the spec, each judged by the oracle.

The core's step comes first; the declaration says which steps of the spec it stands for; the spec says whether these
are allowed and lead to what is observed. Variables that are not observed may have any value that the spec allows, so
several states of the spec may fit: the recorder follows all of them.

A step that a crash cuts short counts as taken if all its `Sync`s were carried out or, in a step without any, if
something left the node. If writes were carried out and a `Sync` was not, nobody knows yet what the disk holds: the
recorder follows both cases until the node restarts.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from tlacheck.conform.comparison import deviations
from tlacheck.conform.lockstep import Diverged
from tlacheck.conform.replay import conformance
from tlacheck.errors import ConfigError
from tlacheck.harness.protocol import Protocol, Size, SpecStep, View
from tlacheck.sim.byzantine import Send
from tlacheck.sim.cluster import StepRecord, Sync, Tell
from tlacheck.sim.disk import Write
from tlacheck.tlc.oracle import OracleState, SpecOracle
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import Value, to_tla

__all__ = ["Recorder", "Violated"]

#: So many states of the spec are followed at once.
_CASES_MAX: Final = 64


class Violated(Diverged):
    """A property of the view does not hold: an invariant, or progress."""


@attrs.frozen
class _Path:
    """The steps of the spec up to one of its states, the last one first."""

    state: OracleState
    step: SpecStep | None = None
    before: "_Path | None" = None

    def trace(self, origin: Origin, violation: Violation | None) -> Trace:
        """The steps in order."""
        links: list[_Path] = []
        link: _Path | None = self
        while link is not None:
            links.append(link)
            link = link.before
        first, *rest = reversed(links)
        steps = tuple(
            Step(each.step[0], immutabledict(each.step[1]), each.state.values) for each in rest if each.step
        )
        return Trace(initial=first.state.values, steps=steps, origin=origin, violation=violation)


@attrs.frozen
class _Case:
    """One account of the run: the view, and a way of the spec that fits it."""

    view: immutabledict[str, Any]
    path: _Path


class Recorder:
    """Follows one run of a cluster. It is the cluster's `Observer`.

    Args:
        protocol: the declaration.
        size: which nodes there are.
        oracle: of the spec; None to record the view alone.
        states: the states in which the nodes start.
        origin: where the trace comes from.

    Attributes:
        actions: how many steps of the spec were taken.

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
        self.actions = 0
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

    def trace(self, violation: Violation | None = None) -> Trace | None:
        """The run so far, as the spec has it; None if the spec is not asked."""
        path = self._cases[0].path
        return None if self._oracle is None else path.trace(self._origin, violation)

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

    def _byzantine(
        self, record: StepRecord
    ) -> list[tuple[_Case, immutabledict[str, Any], tuple[SpecStep, ...]]]:
        declared = self._protocol.byzantine
        steps = () if declared is None else tuple(declared.steps(record))
        return [(case, case.view, steps) for case in self._cases]

    def _after(
        self, record: StepRecord
    ) -> Iterator[tuple[_Case, immutabledict[str, Any], tuple[SpecStep, ...]]]:
        steps = tuple(self._protocol.steps(record))
        for case in self._cases:
            taken = case, case.view.set(record.node, record.after), steps
            if record.done is None:
                yield taken
                continue
            done, left = record.commands[: record.done], record.commands[record.done :]
            if any(isinstance(command, Sync) for command in left):
                yield case, case.view, ()
                if any(isinstance(command, Write) for command in done) or (
                    left and isinstance(left[0], Write)
                ):
                    yield taken
            elif any(isinstance(command, Sync | Send | Tell) for command in done):
                yield taken
            else:
                yield case, case.view, ()

    # --- what the spec says

    def _follow(
        self, ways: list[tuple[_Case, immutabledict[str, Any], tuple[SpecStep, ...]]], what: str
    ) -> None:
        if self._oracle is None:
            self._cases = [_Case(view, case.path) for case, view, _ in ways[:1]]
            return
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
        self.actions += max((len(steps) for _, _, steps in ways), default=0)
        if not found:
            path, lines = min(wrong, key=lambda each: len(each[1]))
            self._refuse([path], (f"{what}:", *lines))
        if len(found) > _CASES_MAX:
            raise ConfigError(
                f"more than {_CASES_MAX} states of {self._protocol.spec} fit the run: observe more variables, or "
                "give the steps more of their arguments"
            )
        self._cases = list(found.values())

    def _led(
        self, path: _Path, steps: Iterable[SpecStep], wrong: list[tuple[_Path, tuple[str, ...]]]
    ) -> list[_Path]:
        """The states to which the steps lead, one after the other."""
        paths = [path]
        for action, arguments in steps:
            after = [
                _Path(each.state, (each.action, each.arguments), one)
                for one in paths
                for each in self._successors(one.state, action, arguments)
            ]
            if not after:
                wrong.append((paths[0], (self._why_not(paths[0].state, action, arguments),)))
            paths = after
        return paths

    def _successors(
        self, state: OracleState, action: str | None = None, arguments: Mapping[str, Value] = immutabledict()
    ) -> Any:
        if self._oracle is None:
            raise RuntimeError("nothing is judged")
        return self._oracle.successors(state, action, arguments)

    def _why_not(self, state: OracleState, action: str, arguments: Mapping[str, Value]) -> str:
        call = ", ".join(f"{name} = {to_tla(value)}" for name, value in arguments.items())
        names = self._oracle.actions if self._oracle is not None else ()
        if (
            action not in names and f"{action}Event" not in names
        ):  # which records `action` in a variable `event`
            return f"the spec has no action {action}"
        enabled = sorted({each.action for each in self._successors(state)})
        return f"the spec allows no {action}({call}) here; enabled are {', '.join(enabled) or 'no actions'}"

    def _refuse(self, paths: list[_Path], lines: tuple[str, ...]) -> None:
        trace = paths[0].trace(self._origin, None)
        violation = Violation(
            property=conformance(self._protocol.spec), step=len(trace.steps), explanation=lines
        )
        raise Diverged(attrs.evolve(trace, violation=violation))


def _hashable(view: Mapping[str, Any]) -> bool:
    try:
        hash(view)
    except TypeError:
        return False
    return True
