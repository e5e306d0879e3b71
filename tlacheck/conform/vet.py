"""Examination of adapters: `vet` looks for faults that would make every other check wrong.

It walks through the spec at random, several times, and watches the adapter, not the implementation:
states that differ from the spec's are for replay to find. A fault is one of:

| kind          | means                                                                            |
|---------------|----------------------------------------------------------------------------------|
| `names`       | an action, argument or variable of the spec is missing, or one is not the spec's    |
| `variables`   | `observe` returns other variables than it promises                                |
| `values`      | a value stands for no TLA+ value                                                  |
| `raises`      | a method raises an exception                                                      |
| `hangs`       | a method does not come back in time                                               |
| `refuses`     | the system does not start where the spec does                                     |
| `random`      | the same steps lead to another state in another system                            |
| `shared`      | two systems influence each other                                                  |
| `observing`   | observing changes the system, or what was observed changes later                   |
| `reset`       | after a reset something of the steps before is left                               |
| `fork`        | a copy and its original influence each other, or a copy is none                    |

Each kind is reported once, at the first place where it shows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from tlacheck.conform.comparison import deviations, observed
from tlacheck.conform.limits import Limit
from tlacheck.conform.system import Crashed, Forkable, Hung, NotPossible, System, attempt, begin, close
from tlacheck.conform.vocabulary import Declaration, Vocabulary, complaints
from tlacheck.conform.walk import random_walk
from tlacheck.errors import AdapterError
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.trace import State, Step, Trace
from tlacheck.values import Value, to_tla, validate

__all__ = ["Fault", "vet"]

#: Seconds that a call may take while an adapter is examined.
_LIMIT_SECONDS: Final = 2.0
#: The most differing parts that are named.
_NAMED_MAX: Final = 3


@attrs.frozen
class Fault:
    """A fault of an adapter.

    Attributes:
        kind: one word, see the table of the module.
        message: what was seen, where, and what to do.
    """

    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class _Found(Exception):
    """Ends an examination."""

    def __init__(self, kind: str, message: str) -> None:
        self.fault = Fault(kind, message)


def vet(
    make_system: Callable[[], System],
    oracle: SpecOracle,
    *,
    vocabulary: Vocabulary | None = None,
    walks: int = 4,
    steps: int = 20,
    seed: int = 0,
    limit_seconds: float = _LIMIT_SECONDS,
) -> tuple[Fault, ...]:
    """Return the faults of an adapter; none if it seems sound.

    Args:
        make_system: makes a fresh system.
        oracle: the spec, for walks.
        vocabulary: the names that the spec uses, to compare with what the adapter declares. Without it
            they are taken from the walks.
        walks: how many walks to take.
        steps: how long a walk is.
        seed: decides the walks.
        limit_seconds: how long a call may take.

    Raises:
        SpecError: TLC cannot evaluate the spec.
        ConfigError: the limit is not positive.
    """
    traces = [random_walk(oracle, seed=seed + number, steps=steps) for number in range(walks)]
    with Limit(limit_seconds) as limit:
        return tuple(_Examination(make_system, traces, vocabulary, limit).faults())


class _Examination:
    """One adapter, examined from several sides."""

    def __init__(
        self,
        make_system: Callable[[], System],
        traces: Sequence[Trace],
        vocabulary: Vocabulary | None,
        limit: Limit,
    ) -> None:
        self._make_system = make_system
        self._traces = traces
        self._vocabulary = vocabulary or Vocabulary.of_traces(traces, "the spec")
        self._limit = limit
        self._made: list[System] = []

    def faults(self) -> Iterator[Fault]:
        """Yield each kind of fault once. A fault that later examinations would meet again ends them."""
        try:
            yield from self._names()
            for examine in (
                self._alone,
                self._observing,
                self._again,
                self._together,
                self._reset,
                self._fork,
            ):
                try:
                    for trace in self._traces:
                        examine(trace)
                except _Found as found:
                    yield found.fault
                    if found.fault.kind in ("variables", "values", "raises", "hangs", "random", "names"):
                        return  # the other examinations would meet it again
        finally:
            for system in self._made:
                close(system)

    def _names(self) -> Iterator[Fault]:
        try:
            system = self._fresh()
        except _Found as found:
            yield found.fault
            return
        declaration = getattr(system, "declaration", None)
        if isinstance(declaration, Declaration):
            for line in complaints(declaration, self._vocabulary):
                yield Fault("names", line)

    def _alone(self, trace: Trace) -> None:
        """Check that one system on one walk shows states."""
        system = self._fresh()
        for _ in self._states(system, trace):
            pass

    def _observing(self, trace: Trace) -> None:
        """Check that observing twice shows the same, and that the result does not change later."""
        system = self._fresh()
        shown: list[tuple[str, State, str]] = []
        for where, state in self._states(system, trace):
            text = _text(state)
            again = self._observed(system, where)
            if _text(again) != text:
                raise _Found(
                    "observing",
                    f"{where}, observing a second time shows something else: {_difference(state, again)}. "
                    "observe() must not change the system",
                )
            shown.append((where, state, text))
        for where, state, text in shown:
            if _text(state) != text:
                raise _Found(
                    "observing",
                    f"what was observed {where} has changed since: observe() hands out something that "
                    "the system "
                    "goes on changing. Return a new mapping of immutable values each time",
                )

    def _again(self, trace: Trace) -> None:
        """Check that a second system does the same."""
        once = self._states(self._fresh(), trace)
        twice = self._states(self._fresh(), trace)
        # One after the other; another examination runs them side by side.
        first = [(where, state) for where, state in once]
        second = [state for _, state in twice]
        for (where, state), other in zip(first, second, strict=False):
            if deviations(state, other):
                raise _Found(
                    "random",
                    f"{where}, a second system that took the same steps shows something else: "
                    f"{_difference(state, other)}. Take chance, time and hashing out of the system, or "
                    "seed them in reset()",
                )

    def _together(self, trace: Trace) -> None:
        """Check that two systems side by side, one a step ahead, show what each shows alone."""
        alone = list(self._states(self._fresh(), trace))
        ahead, behind = self._fresh(), self._fresh()
        leading = self._states(ahead, trace)
        following = self._states(behind, trace)
        next(leading, None)
        for where, expected in alone:
            next(leading, None)
            _, state = next(following, (where, expected))
            if deviations(expected, state):
                raise _Found(
                    "shared",
                    f"{where}, a system shows something else while another one takes steps: "
                    f"{_difference(expected, state)}. Two systems share something that changes: a class "
                    "attribute, "
                    "a module's variable, a default argument, a file",
                )

    def _reset(self, trace: Trace) -> None:
        """Check that the system is as new after a reset."""
        system = self._fresh()
        first = list(self._states(system, trace))
        for (where, expected), (_, state) in zip(first, self._states(system, trace), strict=False):
            if deviations(expected, state):
                raise _Found(
                    "reset",
                    f"{where} after a reset, the system shows something else than the first time: "
                    f"{_difference(expected, state)}. reset() leaves something of the steps before",
                )

    def _fork(self, trace: Trace) -> None:
        """Check that a copy goes on as its original would, without affecting it."""
        system = self._fresh()
        if not isinstance(system, Forkable):
            return
        for number, (where, state) in enumerate(self._states(system, trace)):
            if number == len(trace):
                return
            copy = self._limit(system.fork)
            self._made.append(copy)
            if deviations(state, self._observed(copy, where)):
                raise _Found("fork", f"{where}, a copy made by fork() shows another state than its original")
            self._perform(copy, trace.steps[number], where)
            if deviations(state, self._observed(system, where)):
                raise _Found(
                    "fork",
                    (
                        f"{where}, a step of a copy made by fork() changes its original: they share "
                        "something that changes"
                    ),
                )

    # --- the parts of examinations

    def _fresh(self) -> System:
        try:
            system = self._limit(self._make_system)
        except Hung as hang:
            raise _Found("hangs", f"making a system does not end: {hang}") from None
        except AdapterError as error:
            raise _Found("raises", f"a system cannot be made: {error}") from None
        self._made.append(system)
        return system

    def _states(self, system: System, trace: Trace) -> Iterator[tuple[str, State]]:
        """Yield the state shown at the start and after each step, with a name for the place."""
        where = "at the start"
        try:
            self._limit(begin, system, trace.initial)
        except Hung as hang:
            raise _Found("hangs", f"reset() does not end: {hang}") from None
        except Crashed as crash:
            raise _Found("raises", f"{where}, reset(): {crash}") from None
        except (NotPossible, AdapterError) as refusal:
            raise _Found("refuses", f"reset() does not start where the spec does: {refusal}") from None
        yield where, self._observed(system, where)
        for number, step in enumerate(trace.steps, start=1):
            where = f"after step {number}, {_call(step)}"
            try:
                self._perform(system, step, where)
            except NotPossible:
                return  # the system differs from its spec, which is not the adapter's fault
            yield where, self._observed(system, where)

    def _perform(self, system: System, step: Step, where: str) -> None:
        try:
            self._limit(attempt, system, step.action, step.arguments)
        except Hung as hang:
            raise _Found("hangs", f"{where}: {hang}") from None
        except Crashed as crash:
            raise _Found("raises", f"{where}: {crash}") from None
        except AdapterError as error:
            raise _Found("names", f"{where}: {error}") from None

    def _observed(self, system: System, where: str) -> State:
        try:
            state = self._limit(observed, system)
        except Hung as hang:
            raise _Found("hangs", f"{where}, observe() does not end: {hang}") from None
        except NotPossible as crash:
            raise _Found("raises", f"{where}, observing: {crash}") from None
        except AdapterError as error:
            kind = "raises" if " raised " in str(error) else "variables"
            raise _Found(kind, f"{where}: {error}") from None
        for name, value in state.items():
            try:
                validate(value, name)
            except AdapterError as error:
                raise _Found("values", f"{where}: {error}") from None
        return state


def _call(step: Step) -> str:
    return (
        f"{step.action}({', '.join(f'{name} = {to_tla(value)}' for name, value in step.arguments.items())})"
    )


def _text(state: Mapping[str, Value]) -> str:
    """Return the state as text, which later changes cannot affect."""
    return "\n".join(f"{name} = {to_tla(state[name])}" for name in sorted(state))


def _difference(expected: State, found: State) -> str:
    lines = deviations(expected, found)
    named = [
        line.replace("the spec has", "first").replace("the system has", "then") for line in lines[:_NAMED_MAX]
    ]
    more = f", and {len(lines) - _NAMED_MAX} more" if len(lines) > _NAMED_MAX else ""
    return "; ".join(named) + more
