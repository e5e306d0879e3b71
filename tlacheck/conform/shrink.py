"""Shrinking of a failing run: shorter and simpler, still legal, still failing in the same way.

A candidate is a list of calls: actions with their arguments. It is **played**: the oracle says whether
the spec allows each call, and the system takes it. A call that the spec does not allow at its place is
left out, which also removes everything caused by a dropped step. In a second attempt it is replaced by
the nearest allowed step of the same action and the same nodes (a vote of term 1 instead of term 2); in
further attempts, a single step before one of them makes it possible (a restart instead of a lost
election). Whatever survives is a behaviour of the spec, up to the step at fault.

A candidate is accepted if it fails as the run did, by the rule of `failing.Failure.is_like`, and is
smaller: fewer steps; of as many, fewer kinds of actions; then shorter arguments; then arguments earlier
in the alphabet. The passes are repeated until none of them helps:

| pass      | tries                                                                                          |
|-----------|------------------------------------------------------------------------------------------------|
| actions   | without all steps of one action, so without one kind of fault                                  |
| values    | without all steps that mention one node, client value or other model value                     |
| chunks    | without a half, a quarter, ... one step (delta debugging) |
| pairs     | without any two steps, of a short run                                                          |
| arguments | a step with smaller arguments; two model values exchanged throughout                           |
| search    | all behaviours, shortest first, that use no action more often than the run does, up to a bound |

Delta debugging: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002.

Nothing is random: the same run gives the same result. The passes know no protocol.
"""

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.conform.comparison import deviations, observed
from tlacheck.conform.failing import Failure, Kind, StateProperty, take
from tlacheck.conform.system import NotPossible, System, attempt, closing
from tlacheck.tlc.oracle import OracleState, SpecOracle, Successor
from tlacheck.trace import State, Step, Trace
from tlacheck.values import ModelValue, Value, differences, ordered, same, to_tla

__all__ = ["Shrunk", "shrink"]

#: An action and its arguments.
_Call: TypeAlias = tuple[str, immutabledict[str, Value]]
_Calls: TypeAlias = tuple[_Call, ...]

#: The treatment of a call that the spec does not allow: omitted; replaced; the first, second or
#: third of them bridged.
_LEAVE_OUT: Final = -2
_REPLACE: Final = -1
_BRIDGES: Final = (0, 1, 2)

#: The longest run in which every pair of steps is tried for removal.
_PAIRS_STEPS_MAX: Final = 16
#: The longest run in which chunks may begin anywhere.
_SLIDING_STEPS_MAX: Final = 24


@attrs.frozen(kw_only=True)
class Shrunk:
    """The result of shrinking.

    Attributes:
        trace: the smallest run found; the one that was given if there is no smaller one, or if it did not
            fail again.
        steps_before: the length of the one that was given.
        steps_after: the length of the smallest one.
        tries: how many candidates were played.
        reproduced: whether the run failed again when it was played first. If not, nothing else was tried: the
            system does not do the same twice, or the run was not of this spec.
    """

    trace: Trace
    steps_before: int
    steps_after: int
    tries: int
    reproduced: bool


def shrink(
    failing: Trace,
    oracle: SpecOracle,
    make_system: Callable[[], System],
    *,
    tries_max: int = 3_000,
    search_max: int = 600,
    prop: StateProperty | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Shrunk:
    """Return the smallest run found that fails as `failing` does.

    Args:
        failing: a run of the system that left its spec at its last step, or broke `prop` there.
        oracle: the spec.
        make_system: makes a fresh system. One is used for all candidates, reset before each; the result is
            played on another one, and if it does not fail there, each candidate gets a fresh one.
        tries_max: how many candidates to play; the best so far is returned when they are used up.
        search_max: from how many states the last pass looks for shorter behaviours.
        prop: what must hold of the states that the system shows, while the spec allows all of its steps.
        on_progress: told after each candidate how many there were, and how long the best run is.

    Raises:
        AdapterError: the adapter breaks its contract.
        SpecError: TLC cannot evaluate the spec.
    """
    if failing.violation is None or not failing.steps or tries_max < 1:
        return _given_back(failing, 0, reproduced=False)
    tell = on_progress or (lambda tries, steps: None)  # noqa: ARG005 - nobody listens
    with closing(make_system) as shared:
        work = _Work(failing, oracle, make_system, shared=shared, prop=prop, tries_max=tries_max, tell=tell)
        best = work.shrink(search_max)
    tries = work.tries
    if best is not None and not work.confirm(best):
        work = _Work(failing, oracle, make_system, shared=None, prop=prop, tries_max=tries_max, tell=tell)
        best = work.shrink(search_max)
        tries += work.tries + 1
    if best is None or best.calls == work.calls_given:
        return _given_back(failing, tries, reproduced=best is not None)
    violation = attrs.evolve(
        best.failure.violation(oracle.spec.module, len(best.calls)), property=failing.violation.property
    )
    trace = attrs.evolve(failing, initial=best.initial, steps=best.steps, loop=None, violation=violation)
    return Shrunk(
        trace=trace, steps_before=len(failing), steps_after=len(trace), tries=tries, reproduced=True
    )


def _given_back(failing: Trace, tries: int, *, reproduced: bool) -> Shrunk:
    length = len(failing)
    return Shrunk(trace=failing, steps_before=length, steps_after=length, tries=tries, reproduced=reproduced)


@attrs.frozen(eq=False)
class _Run:
    """A candidate that failed.

    Attributes:
        initial: what the system showed before the first step.
        steps: its steps, the states being the system's; the last one is at fault.
        before: the state of the spec before each step.
        failure: what is wrong with the last step.
    """

    initial: State
    steps: tuple[Step, ...]
    before: tuple[OracleState, ...]
    failure: Failure
    calls: _Calls = attrs.field(init=False)
    measure: tuple[Any, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        calls = tuple((step.action, step.arguments) for step in self.steps)
        texts = [(action, to_tla(arguments)) for action, arguments in calls]
        size = sum(len(text) for _, text in texts)
        object.__setattr__(self, "calls", calls)
        object.__setattr__(self, "measure", (len(calls), len({action for action, _ in calls}), size, texts))


class _Work:
    """The search for a smaller failing run."""

    def __init__(
        self,
        failing: Trace,
        oracle: SpecOracle,
        make_system: Callable[[], System],
        *,
        shared: System | None,
        prop: StateProperty | None,
        tries_max: int,
        tell: Callable[[int, int], None],
    ) -> None:
        self._oracle = oracle
        self._make_system = make_system
        self._shared = shared
        self._prop = prop
        self._tries_max = tries_max
        self._tell = tell
        self._initial = _beginning(failing, oracle)
        self._allowed: dict[tuple[OracleState, str | None], tuple[Successor, ...]] = {}
        self._played: dict[tuple[_Calls, int], _Run | None] = {}
        self._best: _Run | None = None
        self.calls_given: _Calls = tuple((step.action, step.arguments) for step in failing.steps)
        self.tries = 0

    def shrink(self, search_max: int) -> _Run | None:
        """Return the smallest run found; None if the given one does not fail again."""
        with self._lent() as system:
            self._best = self._play(self.calls_given, system, target=None, mode=_LEAVE_OUT)
        self.tries += 1
        while self._best is not None:
            before = self._best
            for improve in (
                self._without_actions,
                self._without_values,
                self._without_chunks,
                self._without_pairs,
                self._with_smaller_arguments,
                self._with_values_exchanged,
            ):
                improve(self._best)
            if self._best is before:
                self._search(self._best, search_max)
            if self._best is before or self._is_over:
                break
        return self._best

    def confirm(self, run: _Run) -> bool:
        """Return whether a fresh system fails in the same way."""
        with closing(self._make_system) as system:
            again = self._play(run.calls, system, target=run.failure, mode=_LEAVE_OUT)
        return again is not None and again.calls == run.calls

    # --- the passes --------------------------------------------------------------------------------

    def _without_actions(self, run: _Run) -> None:
        for action, _ in Counter(action for action, _ in run.calls).most_common():
            self._try(tuple(call for call in self._calls if call[0] != action))

    def _without_values(self, run: _Run) -> None:
        for value in _values_in(run.calls):
            self._try(tuple(call for call in self._calls if value not in _model_values(call[1])))

    def _without_chunks(self, run: _Run) -> None:
        size = max(1, len(run.calls) // 2)
        while size:
            begin = 0
            while begin < len(self._calls):
                if not self._try(self._calls[:begin] + self._calls[begin + size :]):
                    begin += size if len(self._calls) > _SLIDING_STEPS_MAX else 1
            size //= 2

    def _without_pairs(self, run: _Run) -> None:
        if len(run.calls) > _PAIRS_STEPS_MAX and len(self._calls) > _PAIRS_STEPS_MAX:
            return
        again = True
        while again:
            calls = self._calls
            again = any(
                self._try(tuple(call for index, call in enumerate(calls) if index not in pair))
                for pair in itertools.combinations(range(len(calls) - 1), 2)
            )

    def _with_smaller_arguments(self, run: _Run) -> None:
        del run
        for index in itertools.count():
            best = self._best
            if best is None or index >= len(best.calls):
                return
            action, arguments = best.calls[index]
            size = _size(arguments)
            allowed = self._steps(best.before[index], action)
            smaller = sorted((each.arguments for each in allowed if _size(each.arguments) < size), key=_size)
            for other in smaller:
                if self._try((*best.calls[:index], (action, other), *best.calls[index + 1 :])):
                    break

    def _with_values_exchanged(self, run: _Run) -> None:
        known = _model_values(self._initial.values) | set(_values_in(run.calls))
        for one, other in itertools.combinations(sorted(known), 2):
            exchange = {one: other, other: one}
            self._try(tuple((action, _renamed(arguments, exchange)) for action, arguments in self._calls))

    def _search(self, run: _Run, states_max: int) -> None:
        """Look breadth first for a shorter run that uses no action more often than `run` does."""
        last = run.failure.action
        if run.failure.kind is Kind.DISALLOWED:
            return  # its last step is no step of the spec, so no behaviour ends in it
        bag = Counter(action for action, _ in run.calls)
        layer: list[tuple[OracleState, _Calls]] = [(self._initial, ())]
        reached: set[tuple[tuple[int, ...], tuple[str, ...]]] = {(self._initial.key, ())}
        looked = 0
        for _ in range(len(run.calls) - 1):
            following: list[tuple[OracleState, _Calls]] = []
            for at, calls in layer:
                looked += 1
                if looked > states_max or self._is_over:
                    return
                left = bag - Counter(action for action, _ in calls)
                for step in self._steps(at, None):
                    if not left[step.action]:
                        continue
                    longer = (*calls, (step.action, step.arguments))
                    if step.action == last and self._try(longer):
                        return
                    mark = (step.state.key, tuple(sorted(action for action, _ in longer)))
                    if mark not in reached:
                        reached.add(mark)
                        following.append((step.state, longer))
            layer = following

    # --- playing -----------------------------------------------------------------------------------

    @property
    def _calls(self) -> _Calls:
        return self._best.calls if self._best is not None else ()

    @property
    def _is_over(self) -> bool:
        return self.tries >= self._tries_max

    def _try(self, calls: _Calls) -> bool:
        """Play these calls; return whether they give a smaller run, which becomes the best."""
        best = self._best
        if best is None:
            return False
        dropped = len(best.calls) - len(calls)
        modes = (_LEAVE_OUT, _REPLACE, *(_BRIDGES if dropped > 1 else ()))
        for mode in modes:
            if (calls, mode) not in self._played:
                if self._is_over:
                    return False
                self.tries += 1
                with self._lent() as system:
                    found = self._play(calls, system, target=best.failure, mode=mode)
                self._played[calls, mode] = found
                self._tell(self.tries, len(best.calls))
            found = self._played[calls, mode]
            if found is not None and found.measure < best.measure:
                self._best = found
                return True
        return False

    @contextlib.contextmanager
    def _lent(self) -> Iterator[System]:
        """Provide the system for one candidate."""
        if self._shared is not None:
            yield self._shared
            return
        with closing(self._make_system) as fresh:
            yield fresh

    def _play(self, calls: _Calls, system: System, *, target: Failure | None, mode: int) -> _Run | None:
        """Play these calls up to the first failure; return None without a failure or one unlike `target`.

        Without a target, no call may be left out, and any failure counts.
        """
        at = self._initial
        system.reset(at.values)
        initial = shown = observed(system)
        if deviations(at.values, initial):
            return None
        steps: list[Step] = []
        before: list[OracleState] = []
        missed = 0
        for number, (action, arguments) in enumerate(calls, start=1):
            allowed = self._matching(at, action, arguments, mode)
            if not allowed and target is not None and target.kind is not Kind.DISALLOWED:
                bridge = self._bridge(at, action, arguments) if missed == mode else None
                missed += 1
                if bridge is not None:
                    outcome = take(system, shown, bridge)
                    if outcome.failure is not None:
                        return None
                    steps.append(Step(bridge.action, bridge.arguments, outcome.found))
                    before.append(at)
                    at, shown = bridge.state, outcome.found
                    allowed = self._matching(at, action, arguments, mode)
            if not allowed:
                ends = number == len(calls)
                if ends and (target is None or target.kind is Kind.DISALLOWED):
                    return self._disallowed(
                        (action, arguments), system, _Sofar(initial, steps, before, at, shown), target
                    )
                if target is None:
                    return None
                continue
            chosen = allowed[0]
            outcome = take(system, shown, chosen, lambda: allowed)  # noqa: B023 - called at once
            steps.append(Step(action, chosen.arguments, outcome.found))
            before.append(at)
            if outcome.failure is not None:
                if target is not None and not outcome.failure.is_like(target):
                    return None
                return _Run(initial, tuple(steps), tuple(before), outcome.failure)
            if (failure := self._broken(action, outcome.found)) is not None:
                like = target is None or failure.is_like(target)
                return _Run(initial, tuple(steps), tuple(before), failure) if like else None
            at = (outcome.taken or chosen).state
            shown = outcome.found
        return None

    def _broken(self, action: str, found: State) -> Failure | None:
        """Return the failure of the user's property; None if it holds, or there is none."""
        lines = self._prop.wrong(found) if self._prop is not None else ()
        if self._prop is None or not lines:
            return None
        return Failure(
            kind=Kind.BREAKS, action=action, error=self._prop.name, explanation=lines, expected=None
        )

    def _disallowed(
        self, call: _Call, system: System, sofar: "_Sofar", target: Failure | None
    ) -> _Run | None:
        """Return the run ending in a step that the system takes and the spec does not allow, or None."""
        action, arguments = call
        try:
            attempt(system, action, arguments)
        except NotPossible:
            return None
        found = observed(system)
        pairs = ", ".join(f"{name} = {to_tla(value)}" for name, value in arguments.items())
        enabled = sorted({step.action for step in self._steps(sofar.at, None)})
        failure = Failure(
            kind=Kind.DISALLOWED,
            action=action,
            moved=not same(found, sofar.shown),
            explanation=(f"the spec allows no {action}({pairs}) here.", f"enabled are: {', '.join(enabled)}"),
            expected=None,
        )
        if target is not None and not failure.is_like(target):
            return None
        step = Step(action, arguments, found)
        return _Run(sofar.initial, (*sofar.steps, step), (*sofar.before, sofar.at), failure)

    def _matching(
        self, at: OracleState, action: str, arguments: immutabledict[str, Value], mode: int
    ) -> tuple[Successor, ...]:
        """Return the spec's steps of that action with these arguments, or with the nearest ones."""
        allowed = self._steps(at, action)
        exact = tuple(step for step in allowed if same(step.arguments, arguments))
        if exact or mode == _LEAVE_OUT:
            return exact
        alike = [step for step in allowed if _same_nodes(step.arguments, arguments)]
        if not alike:
            return ()
        nearest = min(alike, key=lambda step: _distance(step.arguments, arguments)).arguments
        return tuple(step for step in alike if same(step.arguments, nearest))

    def _bridge(self, at: OracleState, action: str, arguments: immutabledict[str, Value]) -> Successor | None:
        """Return a step after which the spec allows that action for the same nodes; None if there is none."""
        return next(
            (
                step
                for step in self._steps(at, None)
                if any(_same_nodes(each.arguments, arguments) for each in self._steps(step.state, action))
            ),
            None,
        )

    def _steps(self, at: OracleState, action: str | None) -> tuple[Successor, ...]:
        """Return the steps that the spec allows; cached per state and action."""
        if (at, action) not in self._allowed:
            self._allowed[at, action] = self._oracle.successors(at, action)
        return self._allowed[at, action]


@attrs.frozen
class _Sofar:
    """A run up to a step that the spec does not allow."""

    initial: State
    steps: Sequence[Step]
    before: Sequence[OracleState]
    at: OracleState
    shown: State


def _beginning(failing: Trace, oracle: SpecOracle) -> OracleState:
    """Return the initial spec state that looks like the run's; the first one if none does."""
    states = oracle.initial_states()
    return next((each for each in states if not _differ(each.values, failing.initial)), states[0])


def _differ(state: State, shown: State) -> bool:
    return any(name not in state or not same(state[name], value) for name, value in shown.items())


def _same_nodes(left: immutabledict[str, Value], right: immutabledict[str, Value]) -> bool:
    """Return whether both have the same model values as arguments."""
    return left.keys() == right.keys() and all(
        left[name] == right[name]
        for name in left
        if isinstance(left[name], ModelValue) or isinstance(right[name], ModelValue)
    )


def _distance(left: Value, right: Value) -> tuple[int, str]:
    return sum(1 for _ in differences(left, right)), to_tla(left)


def _size(arguments: immutabledict[str, Value]) -> tuple[int, str]:
    text = to_tla(arguments)
    return len(text), text


def _values_in(calls: _Calls) -> list[ModelValue]:
    """Return the model values that occur, the most frequent first."""
    counts = Counter(value for _, arguments in calls for value in sorted(_model_values(arguments)))
    return [value for value, _ in counts.most_common()]


def _model_values(value: Value) -> frozenset[ModelValue]:
    return frozenset(_each_model_value(value))


def _each_model_value(value: Value) -> Iterator[ModelValue]:
    match value:
        case ModelValue():
            yield value
        case tuple() | frozenset():
            for item in value:
                yield from _each_model_value(item)
        case immutabledict():
            for key, item in value.items():
                yield from _each_model_value(key)
                yield from _each_model_value(item)


def _renamed(value: Value, names: dict[ModelValue, ModelValue]) -> Value:
    match value:
        case ModelValue():
            return names.get(value, value)
        case tuple():
            return tuple(_renamed(item, names) for item in value)
        case frozenset():
            return frozenset(_renamed(item, names) for item in ordered(value))
        case immutabledict():
            return immutabledict((_renamed(key, names), _renamed(item, names)) for key, item in value.items())
        case _:
            return value
