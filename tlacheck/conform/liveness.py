"""Liveness of code, judged on one run of a system.

A safety property is broken by a state. A liveness property (`eventually`, `leads_to`) is broken by a
run that goes on for ever without its goal, and no run of code goes on for ever. A run is therefore
judged under an explicit condition and within an explicit bound:

* The *condition* is that faults have ended (`since_ms`). Before that, nothing is demanded: no
  protocol is live while the network may do anything.
* The *bound* expresses the fairness of the environment in numbers: within so many virtual milliseconds,
  or steps, timers fire and messages arrive. The test chooses it, with a reason.

A run without its goal is classified, because these are different bugs:

| the run     | shows                                                                                 |
|-------------|---------------------------------------------------------------------------------------|
| repeats     | a state comes back: the trace is a lasso, `Trace.loop` says where it goes on          |
| is stuck    | the state no longer changes; if actions are known, which are enabled, or that none is |
| goes on     | it neither repeats nor stops by the bound: it may just be slow                        |

`Fairness`, if given, says which actions of the spec are weakly fair, and which are enabled in a state.
A loop is a counterexample only if it is fair: each of those actions is taken in it, or is disabled
somewhere in it. A fair loop is a counterexample even before the bound has passed; an unfair one is none
even after it, because then the scheduler failed.

| verdict    | means                                                                              |
|------------|------------------------------------------------------------------------------------|
| sampled    | in this run, every goal came in time                                               |
| violated   | some goal did not; `Judgement.trace` has the loop or the stuck state               |
| unknown    | the run ended before the bound, or was unfair, or nothing was ever due: not a pass |
"""

import bisect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.errors import ConfigError, TraceError
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import to_tla
from tlacheck.verdict import Verdict

__all__ = [
    "Bound",
    "Eventually",
    "Fairness",
    "Judgement",
    "LeadsTo",
    "LivenessProperty",
    "TimedRun",
    "eventually",
    "judge",
    "leads_to",
]

Predicate: TypeAlias = Callable[[State], bool]


@attrs.frozen
class Eventually:
    """The goal is reached once faults have ended."""

    name: str
    goal: Predicate


@attrs.frozen
class LeadsTo:
    """Whenever the cause holds, the goal holds then or later."""

    name: str
    cause: Predicate
    goal: Predicate


LivenessProperty: TypeAlias = Eventually | LeadsTo


def eventually(name: str, goal: Predicate) -> Eventually:
    """Return the property that a state with `goal` is reached."""
    return Eventually(name, goal)


def leads_to(name: str, cause: Predicate, goal: Predicate) -> LeadsTo:
    """Return the property that each state with `cause` is, or is followed by, a state with `goal`."""
    return LeadsTo(name, cause, goal)


@attrs.frozen(kw_only=True)
class Bound:
    """The time allowed for the goal, from when it is due or faults have ended, whichever is later.

    Attributes:
        ms: virtual milliseconds; None if time does not count.
        steps: steps; None if they do not count. With both, the one that ends first counts.

    Raises:
        ConfigError: if neither is given, or one is negative.
    """

    ms: int | None = None
    steps: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.ms is None and self.steps is None:
            raise ConfigError(
                "a bound has ms, steps or both: without one, no run can break a liveness property"
            )
        if min(self.ms or 0, self.steps or 0) < 0:
            raise ConfigError(f"a bound of {self} has passed before it begins: give 0 or more")

    def is_passed(self, *, ms: int, steps: int) -> bool:
        """Return whether this much time and this many steps exceed the bound."""
        return (self.ms is not None and ms > self.ms) or (self.steps is not None and steps > self.steps)

    def __str__(self) -> str:
        parts = (self.ms is not None and f"{self.ms} ms", self.steps is not None and f"{self.steps} steps")
        return " and ".join(part for part in parts if part)


def _names(actions: Iterable[str]) -> frozenset[str]:
    return frozenset(actions)


@attrs.frozen
class Fairness:
    """The actions that may not be postponed for ever.

    Attributes:
        weak: the actions that are weakly fair in the spec: enabled all along, one is taken.
        enabled: the actions that are enabled in a state.
    """

    weak: frozenset[str] = attrs.field(converter=_names)
    enabled: Callable[[State], Iterable[str]]


@attrs.frozen(kw_only=True)
class TimedRun:
    """A run with its clock.

    Attributes:
        trace: its states and steps.
        times_ms: when each state was entered, in virtual milliseconds; the initial one included.
        ends_ms: until when the run was watched; at least the last of these times.
        is_over: nothing will happen any more, however long one waits.

    Raises:
        TraceError: if there is not one time a state, or time goes back.
    """

    trace: Trace
    times_ms: tuple[int, ...]
    ends_ms: int
    is_over: bool = False

    @classmethod
    def of_states(
        cls,
        timed: Iterable[tuple[int, State]],
        *,
        ends_ms: int | None = None,
        is_over: bool = False,
        origin: Origin | None = None,
    ) -> "TimedRun":
        """Build a run through these states, each with the time when it was entered; its steps are unknown.

        Raises:
            TraceError: if there is no state, or time goes back.
        """
        rows = list(timed)
        if not rows:
            raise TraceError("a run without a state says nothing: give its first state at least")
        steps = tuple(Step("", immutabledict(), state) for _, state in rows[1:])
        trace = Trace(initial=rows[0][1], steps=steps, origin=origin or Origin(source="run"))
        return cls.of_trace(trace, [time for time, _ in rows], ends_ms=ends_ms, is_over=is_over)

    @classmethod
    def of_trace(
        cls,
        trace: Trace,
        times_ms: Sequence[int] | None = None,
        *,
        ends_ms: int | None = None,
        is_over: bool = False,
    ) -> "TimedRun":
        """Build the run of a trace. Without times a step takes 1 ms, so ms and steps are the same.

        Raises:
            TraceError: if there is not one time a state, or time goes back.
        """
        times = tuple(range(len(trace) + 1)) if times_ms is None else tuple(times_ms)
        end = times[-1] if ends_ms is None and times else ends_ms or 0
        return cls(trace=trace, times_ms=times, ends_ms=end, is_over=is_over)

    def __attrs_post_init__(self) -> None:
        states = len(self.trace) + 1
        if len(self.times_ms) != states:
            raise TraceError(f"a run of {states} states has {len(self.times_ms)} times: give one a state")
        for number, (one, next_) in enumerate(
            zip(self.times_ms, (*self.times_ms[1:], self.ends_ms), strict=True)
        ):
            if next_ < one:
                raise TraceError(f"time goes back after state {number}, from {one} to {next_} ms")


@attrs.frozen(kw_only=True)
class Judgement:
    """The verdict of a run on a property.

    Attributes:
        property: its name.
        verdict: sampled, violated or unknown.
        trace: the run; where it is violated, with the violation, cut behind the loop if there is one.
        answered: how often the goal came when it was due.
        slowest_ms: the longest time that this took; None if the goal never came.
    """

    property: str
    verdict: Verdict
    trace: Trace
    answered: int
    slowest_ms: int | None


def judge(
    prop: LivenessProperty,
    run: TimedRun,
    *,
    bound: Bound,
    since_ms: int = 0,
    fairness: Fairness | None = None,
    view: Callable[[State], Any] | None = None,
) -> Judgement:
    """Decide whether the goal was reached in time.

    Args:
        prop: what must come.
        run: what happened.
        bound: how long it may take.
        since_ms: when faults ended; what became due earlier is due then.
        fairness: what the spec does not allow to be put off for ever; without it any loop counts
            once the bound has passed, and none before.
        view: what counts of a state when states are compared for a loop; by default all of it. A
            counter that only grows (a term, a clock) hides every loop.

    Returns:
        The judgement. It costs two calls of the predicates a state at most.
    """
    found = _scan(prop, run, bound, since_ms)
    if found.open is None:
        if not found.answered:
            reason = (
                f"{prop.name}: its cause never held in {len(run.trace) + 1} states, so that nothing was due"
            )
            return _judgement(prop, run, found, Verdict.unknown(reason))
        return _judgement(prop, run, found, Verdict.sampled(1, run.trace.origin.seed or 0))
    return _Unanswered(prop, run, bound, since_ms, fairness, view or _whole, found, found.open).judgement()


@attrs.frozen(kw_only=True)
class _Scan:
    """The progress of a scan over a run, goal by goal.

    Attributes:
        open: the state since which the goal is due and has not come in time; None if it has.
        last: the last state that was looked at.
        is_passed: whether the bound has passed since then.
        answered: how often the goal came.
        slowest_ms: the longest time that took.
    """

    open: int | None
    last: int
    is_passed: bool
    answered: int
    slowest_ms: int | None


def _whole(state: State) -> Any:
    return state


def _scan(prop: LivenessProperty, run: TimedRun, bound: Bound, since_ms: int) -> _Scan:
    states, times = run.trace.states, run.times_ms
    first = max(0, bisect.bisect_right(times, since_ms) - 1)
    cause = prop.cause if isinstance(prop, LeadsTo) else None
    is_due = cause is None
    if cause is not None:
        for state in states[:first]:
            is_due = not prop.goal(state) and (is_due or cause(state))
    due: int | None = first if is_due else None
    answered, slowest = 0, None
    for number in range(first, len(states)):
        state = states[number]
        if due is None and cause is not None and cause(state):
            due = number
        if due is None:
            continue
        taken_ms = times[number] - max(times[due], since_ms)
        if bound.is_passed(ms=taken_ms, steps=number - due):
            return _Scan(open=due, last=number, is_passed=True, answered=answered, slowest_ms=slowest)
        if prop.goal(state):
            answered, slowest, due = answered + 1, max(slowest or 0, taken_ms), None
            if cause is None:
                break
    last = len(states) - 1
    waited_ms = 0 if due is None else run.ends_ms - max(times[due], since_ms)
    is_passed = due is not None and bound.is_passed(ms=waited_ms, steps=last - due)
    return _Scan(open=due, last=last, is_passed=is_passed, answered=answered, slowest_ms=slowest)


def _judgement(
    prop: LivenessProperty, run: TimedRun, found: _Scan, verdict: Verdict, trace: Trace | None = None
) -> Judgement:
    return Judgement(
        property=prop.name,
        verdict=verdict,
        trace=trace or run.trace,
        answered=found.answered,
        slowest_ms=found.slowest_ms,
    )


@attrs.frozen
class _Loop:
    """States `begin` to `end` of a run form a loop: `begin` and `end` look the same.

    Attributes:
        starved: the weakly fair actions that are enabled all along it and never taken.
        times: how often its state was met.
    """

    begin: int
    end: int
    starved: tuple[str, ...]
    times: int


@attrs.frozen
class _Unanswered:
    """A run whose goal has been due since state `open` and was not reached."""

    prop: LivenessProperty
    run: TimedRun
    bound: Bound
    since_ms: int
    fairness: Fairness | None
    view: Callable[[State], Any]
    found: _Scan
    open: int

    def judgement(self) -> Judgement:
        """Classify the run."""
        run, found = self.run, self.found
        is_final = found.last == len(run.trace) and (run.is_over or self._is_dead())
        loop = None if is_final else self._loop()
        is_fair_loop = loop is not None and self.fairness is not None and not loop.starved
        if loop is not None and loop.starved:
            reason = (
                f"{self.prop.name}: from state {loop.begin} on the run repeats, but unfairly: "
                f"{', '.join(loop.starved)} could be taken all along and never is; let it happen in the run"
            )
            return _judgement(self.prop, run, found, Verdict.unknown(reason))
        if not (found.is_passed or is_final or is_fair_loop):
            waited = run.ends_ms - self._begin_ms
            reason = (
                f"{self.prop.name}: the run ends after {waited} ms and {found.last - self.open} steps "
                "without "
                f"it, within the bound of {self.bound}: run longer"
            )
            return _judgement(self.prop, run, found, Verdict.unknown(reason))
        return self._violated(loop, self._story(loop, is_final=is_final))

    def _is_dead(self) -> bool:
        """Return whether nothing is enabled in the last state, as far as that is known."""
        return self.fairness is not None and not set(self.fairness.enabled(self.run.trace.states[-1]))

    @property
    def _begin_ms(self) -> int:
        return max(self.run.times_ms[self.open], self.since_ms)

    def _violated(self, loop: _Loop | None, lines: tuple[str, ...]) -> Judgement:
        run = self.run
        end = self.found.last if loop is None else loop.end
        trace = attrs.evolve(
            run.trace,
            steps=run.trace.steps[:end],
            # The last state looks like state `begin`, so it is followed by the state after `begin`.
            loop=None if loop is None else loop.begin + 1,
            violation=Violation(property=self.prop.name, step=None, explanation=lines),
        )
        return _judgement(self.prop, run, self.found, Verdict.violated(self.prop.name, lines[0]), trace)

    def _story(self, loop: _Loop | None, *, is_final: bool) -> tuple[str, ...]:
        run, last = self.run, self.found.last
        after = ", when faults had ended" if self._begin_ms == self.since_ms and self.since_ms else ""
        waited = f"{(run.ends_ms if last == len(run.trace) else run.times_ms[last]) - self._begin_ms} ms"
        head = (
            f"due since state {self.open} ({self._begin_ms} ms{after}), it has not come by state {last}, "
            f"{waited} on"
        )
        if is_final and not self.found.is_passed:
            head += "; nothing will happen any more"
        else:
            head += f"; the bound is {self.bound}"
        if loop is not None:
            states = f"state {loop.begin} comes back as state {loop.end}"
            tail = f"the run repeats: {states}; it was there {loop.times} times since then"
            if self.fairness is not None:
                tail += ", and the loop is fair"
            return head, tail
        still = self._still_since()
        if still is not None:
            return head, self._stuck(still)
        distinct = len({self.view(state) for state in run.trace.states[self.open : last + 1]})
        return (
            head,
            (
                f"the run goes on through {distinct} different states: it may be only slow, if a longer "
                "bound is met"
            ),
        )

    def _stuck(self, since: int) -> str:
        state = self.run.trace.states[self.found.last]
        line = f"the run is stuck: state {since} ({self.run.times_ms[since]} ms) is the last change"
        if self.fairness is not None:
            enabled = sorted(set(self.fairness.enabled(state)))
            return f"{line}; enabled there: {', '.join(enabled) or 'nothing'}"
        shown = ", ".join(f"{name} = {to_tla(value)}" for name, value in list(state.items())[:_SHOWN_MAX])
        return f"{line}: {shown}"

    def _still_since(self) -> int | None:
        """Return the last change if the run has stood still since for longer than before it; else None."""
        states, last = self.run.trace.states, self.found.last
        at = self.view(states[last])
        since = last
        while since > self.open and self.view(states[since - 1]) == at:
            since -= 1
        end_ms = self.run.ends_ms if last == len(self.run.trace) else self.run.times_ms[last]
        begin_ms = max(self.run.times_ms[since], self._begin_ms)
        stood, moved = end_ms - begin_ms, begin_ms - self._begin_ms
        is_final = last == len(self.run.trace) and (self.run.is_over or self._is_dead())
        return since if is_final or (stood, last - since) > (moved, 0) else None

    def _loop(self) -> _Loop | None:
        """Return the shortest loop that the run ends with, preferring a fair one; None if it does not repeat.

        A state that merely stays is no loop: then the run is stuck.
        """
        states, last = self.run.trace.states, self.found.last
        views = [self.view(state) for state in states[self.open : last + 1]]
        places: dict[Any, list[int]] = {}
        for number, seen in enumerate(views, start=self.open):
            places.setdefault(seen, []).append(number)
        if self._still_since() is not None:
            return None
        for end in range(last, self.open, -1):
            at = views[end - self.open]
            loops = [
                number
                for number in places[at]
                if number < end and any(seen != at for seen in views[number - self.open : end - self.open])
            ]
            if loops:
                # A longer loop takes every step of a shorter one: if the longest is unfair, all are.
                nearest = _Loop(loops[-1], end, self._starved(loops[-1], end), len(places[at]))
                if not nearest.starved:
                    return nearest
                return _Loop(loops[0], end, self._starved(loops[0], end), len(places[at]))
        return None

    def _starved(self, begin: int, end: int) -> tuple[str, ...]:
        if self.fairness is None:
            return ()
        taken = {step.action for step in self.run.trace.steps[begin:end]}
        waiting = set(self.fairness.weak) - taken
        for state in self.run.trace.states[begin:end]:
            if not waiting:
                break
            waiting &= set(self.fairness.enabled(state))
        return tuple(sorted(waiting))


#: The most variables of a stuck state that are reported.
_SHOWN_MAX = 6
