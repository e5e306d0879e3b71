"""Validation of run logs: decides whether the spec has a behaviour that fits a log.

A log (`tlacheck/runlog.py`) shows part of the state, and not every step. The validator follows it
event by event with all states of the spec that fit so far, the *candidates*. It answers for the whole
log: a log is accepted only when it is consumed to its end line, and rejected only when no candidate
is left.

**Events.** An event with an action is one step of that action whose arguments and values agree. An
event without one is an observation: it fits at once or after one step of any action. An event that
holds only a note is no step.

States that differ only in the variable `event` count as one: it labels a step, and no action may read it.

**Hidden steps** are steps of actions that the log never shows, such as the loss of a message. The user
names the actions, and how many such steps may occur in a row. There are two ways to place them:

* `Hidden.WHERE_NEEDED`: before an event that no candidate fits without them, as few as are needed.
  That is fast, and an acceptance is a fact, for there is the behaviour. But a candidate may be missed
  whose hidden step is needed only later (a message is duplicated before it is received, and again
  received ten events on), so that nothing follows when no candidate is left.
* `Hidden.ANYWHERE`: before each event, but for steps that can as well be taken after it. A hidden step
  can be postponed past an event if the spec has the two steps in the other order too, to the same state.
  Every behaviour becomes one whose hidden steps are postponed as far as they can be, and still fits. So
  a rejection is a fact: there is no behaviour that has, thus postponed, at most `hidden_max` hidden
  steps in a row.

`validate` goes through the log in the first way; if that ends before the log does, it goes through it
again in the second, and only that may reject.

**Cost.** A question to the oracle for each candidate and event: linear in the length of the log while
the candidates stay few. More than `candidates_max` of them, and the verdict is unknown: none is ever
left out silently. Memory holds the candidates of the last `kept_max` events.

| verdict         | means                                                                        |
|-----------------|------------------------------------------------------------------------------|
| `bounded(N)`    | accepted: the spec has a behaviour that fits all N events                      |
| `violated`      | rejected: no behaviour fits; `Validation.rejection` says at which event and why |
| `unknown`       | the log is not ended, or says nothing, or there were too many candidates        |
"""

import contextlib
import difflib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

import attrs
from immutabledict import immutabledict

from tlacheck import __version__, runlog
from tlacheck.conform._candidates import Candidate, HiddenStep, Layer, cut, hidden_steps, steps_of, way_to
from tlacheck.conform._demand import Demand
from tlacheck.conform._follow import Follow, Hidden, TooManyError
from tlacheck.conform.rejection import Rejection, reject
from tlacheck.conform.replay import conformance
from tlacheck.errors import ConfigError, TraceError
from tlacheck.runlog import Event, Header, Run
from tlacheck.tlc.oracle import OracleState, SpecOracle
from tlacheck.trace import Origin, Trace, Violation
from tlacheck.values import to_tla
from tlacheck.verdict import Verdict

__all__ = ["CANDIDATES_MAX", "HIDDEN_MAX", "KEPT_MAX", "Hidden", "Log", "Validation", "Validator", "validate"]

#: The default limit of hidden steps in a row.
HIDDEN_MAX: Final = 2
#: The default limit of states that fit at once.
CANDIDATES_MAX: Final = 1_000
#: The default number of last events whose states are kept.
KEPT_MAX: Final = 1_000


@attrs.frozen(kw_only=True)
class Validation:
    """The result of validating a log.

    Attributes:
        verdict: bounded (accepted), violated (rejected) or unknown.
        events: how many events were looked at, the one that fits nowhere included.
        candidates: how many states fit at the end; of a rejected log, before the event that fits nowhere.
        candidates_peak: how many fitted at once, at most.
        hidden: how many hidden steps the behaviour takes that takes the fewest.
        hidden_steps: those of them that are kept.
        hidden_where: where hidden steps were taken.
        rejection: why a log was rejected; None if it was not. Also where the verdict is unknown because
            hidden steps might be taken elsewhere.
        trace: a behaviour that fits, as far back as it is kept; of a rejected log the longest prefix that
            fits, and the event at fault as its last step. None if nobody asked for it.
        begins_after: the number of the event after which `trace` begins; 0 for the log's begin.
    """

    verdict: Verdict
    events: int
    candidates: int
    candidates_peak: int
    hidden: int
    hidden_steps: tuple[HiddenStep, ...]
    hidden_where: Hidden
    rejection: Rejection | None = None
    trace: Trace | None = None
    begins_after: int = 0

    @property
    def reason(self) -> str:
        """State in one sentence what was established, and on what grounds."""
        if not self.verdict.is_established:
            return self.verdict.reason or ""
        if not self.hidden:
            return f"the spec has a behaviour that fits all {self.events:,} events"
        shown = ", ".join(map(str, self.hidden_steps[-3:]))
        more = f"the last of them {shown}" if self.hidden > len(self.hidden_steps[-3:]) else shown
        return (
            f"the spec has a behaviour that fits all {self.events:,} events, with {self.hidden:,} hidden "
            f"step(s): {more}"
        )


class Validator:
    """Follows one log, event by event, live or not.

    Args:
        oracle: the spec. It is asked from the thread that feeds.
        header: what is known before the first event.
        hidden: actions whose steps the log does not show.
        hidden_max: how many hidden steps there may be in a row.
        hidden_where: where they are taken.
        candidates_max: how many states may fit at once; with more the verdict is unknown.
        kept_max: of how many of the last events the states are kept, for the trace.
        command: the command that repeats this, for the trace.

    Attributes:
        events: how many events were fed and looked at.
        candidates_peak: how many states fitted at once, at most.

    Raises:
        ConfigError: the spec has no such action, or a number is too small.
        TraceError: the header names a variable or a value that the spec has not got.
        SpecError: TLC cannot evaluate the initial predicate.
    """

    def __init__(
        self,
        oracle: SpecOracle,
        header: Header | None = None,
        *,
        hidden: Iterable[str] = (),
        hidden_max: int = HIDDEN_MAX,
        hidden_where: Hidden = Hidden.WHERE_NEEDED,
        candidates_max: int = CANDIDATES_MAX,
        kept_max: int = KEPT_MAX,
        command: str = "",
    ) -> None:
        self._oracle = oracle
        self._header = header or Header(origin=Origin(source=""))
        self._follow = Follow(
            oracle=oracle,
            hidden=tuple(dict.fromkeys(hidden)),
            hidden_max=hidden_max,
            where=hidden_where,
            candidates_max=candidates_max,
        )
        self._kept_max = kept_max
        self._command = command
        self._check()
        self.events = 0
        self.candidates_peak = 0
        self._constraining = 0
        self._layer: Layer = {}
        self._layers: deque[Layer] = deque()
        self._begins_after = 0
        self._rejected: tuple[Rejection, Candidate] | None = None
        self._gave_up = ""
        self._begin()

    @property
    def candidates(self) -> int:
        """The number of states that fit the log so far; if rejected, before the event that fits nowhere."""
        return len(self._layer)

    @property
    def hidden_where(self) -> Hidden:
        """The places of hidden steps: `validate` goes through a log a second time to take them anywhere."""
        return self._follow.where

    @property
    def is_open(self) -> bool:
        """True if another event can change the result."""
        return not self._rejected and not self._gave_up

    def feed(self, event: Event) -> bool:
        """Follow the log one event further.

        Returns:
            Whether the next event is wanted: not after the log was rejected or there were too many
                candidates.

        Raises:
            TraceError: the event names an action, a variable or a value that the spec has not got.
            SpecError: TLC cannot evaluate an action.
        """
        if not self.is_open:
            return False
        self.events += 1
        if not event.constrains:
            return True
        self._constraining += 1
        self._check_action(event)
        demand = Demand(self._oracle, event, self.events)
        try:
            found = self._follow.layer(self._layer, demand)
        except TooManyError as error:
            self._gave_up = str(error)
            return False
        if not found:
            self._rejected = reject(self._oracle, demand, tuple(self._layer.values()))
            return False
        self._layer = found
        self.candidates_peak = max(self.candidates_peak, len(found))
        self._keep()
        return True

    def validation(
        self, *, ended: bool = True, allow_prefix: bool = False, witness: bool = False
    ) -> Validation:
        """Return the result so far.

        Args:
            ended: whether the log is ended: all its events were fed, and the end line was read.
            allow_prefix: whether a log that is not ended may be accepted, as a prefix.
            witness: whether to give the trace of an accepted log too; its states take time to read.
        """
        nearest = self._rejected[1] if self._rejected else None
        best = nearest or min(self._layer.values(), key=lambda each: each.hidden, default=None)
        way = way_to(best) if best else ()
        rejection = self._rejected[0] if self._rejected else None
        return Validation(
            verdict=self._verdict(ended=ended, allow_prefix=allow_prefix),
            events=self.events,
            candidates=len(self._layer),
            candidates_peak=self.candidates_peak,
            hidden=best.hidden if best else 0,
            hidden_steps=hidden_steps(way),
            hidden_where=self._follow.where,
            rejection=rejection,
            trace=self._trace(way, rejection) if way and (rejection or witness) else None,
            begins_after=self._begins_after,
        )

    # --- begin, end, and pruning

    def _keep(self) -> None:
        """Keep the new candidates, and drop those too far back."""
        self._layers.append(self._layer)
        if len(self._layers) > self._kept_max + 1:
            self._layers.popleft()
            self._begins_after = self.events - self._kept_max
            cut(self._layers[0])

    def _check(self) -> None:
        for what, number in (
            ("hidden_max", self._follow.hidden_max),
            ("candidates_max", self._follow.candidates_max),
            ("kept_max", self._kept_max),
        ):
            if number < 1:
                raise ConfigError(f"{what} is {number}; it should be 1 or more")
        for name in self._follow.hidden:
            self._check_name(name, "the hidden action")

    def _check_action(self, event: Event) -> None:
        if event.action:
            try:
                self._check_name(event.action, "the action")
            except ConfigError as error:
                raise TraceError(f"event {self.events}: {error}") from None

    def _check_name(self, name: str, what: str) -> None:
        known = self._oracle.step_names
        if known is not None and name not in known:
            close = difflib.get_close_matches(name, known, n=2)
            hint = f". Do you mean {' or '.join(close)}?" if close else ""
            raise ConfigError(
                f"{what} {name} is none of {self._oracle.spec.module}, which has {', '.join(known)}{hint}"
            )

    def _begin(self) -> None:
        initial = self._header.initial
        view = self._oracle.view(initial) if initial else ()
        states = self._oracle.initial_states()
        fitting = [state for state in states if all(state.key[index] == key for index, key in view)]
        if not fitting:
            raise TraceError(
                (
                    f"the header of the log gives initial values that {self._oracle.spec.module} never "
                    "begins with: "
                )
                + "; ".join(
                    f"{name} is {to_tla(value)}, not {' or '.join(_each(states, name))}"
                    for name, value in initial.items()
                )
            )
        self._layer = {state.place: Candidate(state) for state in fitting}
        self.candidates_peak = len(fitting)
        self._layers.append(self._layer)

    def _verdict(self, *, ended: bool, allow_prefix: bool) -> Verdict:
        if self._gave_up:
            return Verdict.unknown(self._gave_up)
        if self._rejected:
            rejection, _ = self._rejected
            where = f"event {rejection.number:,} fits nowhere"
            if self._follow.hidden and self._follow.where is Hidden.WHERE_NEEDED:
                return Verdict.unknown(
                    f"{where} if hidden steps are taken only where they are needed; validate the whole "
                    "log, from "
                    "a file, to know whether they help elsewhere"
                )
            return Verdict.violated(conformance(str(self._oracle.spec.path)), where)
        if not self._constraining:
            return Verdict.unknown("no event of the log says anything of the spec")
        if not ended and not allow_prefix:
            return Verdict.unknown(
                f"all {self.events:,} events fit so far, and the log is not ended: it lacks its last line, "
                f'{{"end": {self.events}}}. Was it cut short, or does its system still run? A prefix is '
                "accepted "
                "if you ask for it"
            )
        return Verdict.bounded(self.events)

    def _trace(self, way: tuple[Candidate, ...], rejection: Rejection | None) -> Trace:
        oracle, origin = self._oracle, self._header.origin
        steps = steps_of(way)
        violation = None
        if rejection is not None:
            steps = (*steps, rejection.step)
            violation = Violation(
                property=conformance(str(oracle.spec.path)),
                step=len(steps),
                explanation=rejection.lines,
                expected=rejection.expected,
            )
        return Trace(
            initial=way[0].state.values,
            steps=steps,
            origin=Origin(
                source="validate",
                spec=str(oracle.spec.path),
                config=str(oracle.spec.config),
                engine=oracle.engine.label,
                seed=origin.seed,
                command=self._command or origin.command,
                versions=immutabledict({"tlacheck": __version__}),
            ),
            violation=violation,
        )


def _each(states: Sequence[OracleState], name: str) -> list[str]:
    return sorted({to_tla(state.value(name)) for state in states})[:5]


# --- whole logs


class Log(Protocol):
    """A log being read: `tlacheck.runlog.Reader`, and a `Run` as well."""

    @property
    def header(self) -> Header:
        """The header of the log."""

    @property
    def ended(self) -> bool:
        """True if the end line was read."""

    def __iter__(self) -> Iterator[Event]:
        """The events."""


def validate(
    run: Run | Path | str | Callable[[], contextlib.AbstractContextManager[Log]],
    oracle: SpecOracle,
    *,
    hidden: Iterable[str] = (),
    hidden_max: int = HIDDEN_MAX,
    candidates_max: int = CANDIDATES_MAX,
    kept_max: int = KEPT_MAX,
    allow_prefix: bool = False,
    witness: bool = False,
    again: bool = True,
    command: str = "",
    watch: Callable[[Validator], None] | None = None,
) -> Validation:
    """Validate a whole log: in one pass, and in a second one where hidden steps might help elsewhere.

    Args:
        run: the log: a run, a file that holds one (it is read event by event), or what opens it anew.
        oracle: the spec.
        hidden: actions whose steps the log does not show.
        hidden_max: how many hidden steps there may be in a row.
        candidates_max: how many states may fit at once; with more the verdict is unknown.
        kept_max: of how many of the last events the states are kept, for the trace.
        allow_prefix: whether a log without its end line may be accepted, as a prefix.
        witness: whether to give the trace of an accepted log too; its states take time to read.
        again: whether the log can be gone through a second time; if not, it cannot be rejected while actions
            are hidden.
        command: the command that repeats this, for the trace.
        watch: told the validator after each event.

    Raises:
        ConfigError: the spec has no such hidden action, or a number is too small.
        TraceError: the log cannot be read, or names what the spec has not got.
        SpecError: TLC cannot evaluate the spec.
    """
    hidden = tuple(hidden)

    def follow(where: Hidden) -> Validation:
        with _opened(run) as log:
            validator = Validator(
                oracle,
                log.header,
                hidden=hidden,
                hidden_max=hidden_max,
                hidden_where=where,
                candidates_max=candidates_max,
                kept_max=kept_max,
                command=command,
            )
            for event in log:
                wanted = validator.feed(event)
                if watch is not None:
                    watch(validator)
                if not wanted:
                    break
            return validator.validation(ended=log.ended, allow_prefix=allow_prefix, witness=witness)

    first = follow(Hidden.WHERE_NEEDED)
    if not hidden or first.rejection is None or not again:
        return first
    second = follow(Hidden.ANYWHERE)
    if second.rejection is None and not second.verdict.is_established and first.rejection is not None:
        return attrs.evolve(second, rejection=first.rejection, trace=first.trace)
    return second


@contextlib.contextmanager
def _opened(
    run: Run | Path | str | Callable[[], contextlib.AbstractContextManager[Log]],
) -> Iterator[Log]:
    if isinstance(run, Run):
        yield run
    elif isinstance(run, Path | str):
        with runlog.reading(run) as reader:
            yield reader
    else:
        with run() as log:
            yield log
