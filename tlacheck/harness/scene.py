"""The run of a scenario: what its directives act on, and what they print of each step."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import attrs

from tlacheck.conform.lockstep import Diverged
from tlacheck.errors import ConfigError
from tlacheck.harness.protocol import Protocol
from tlacheck.harness.run import Run, oracle_of
from tlacheck.harness.syntax import Directive, Line
from tlacheck.sim import Flight, Notify, Send, SetTimer, StepRecord, StopTimer, Sync, Write
from tlacheck.trace import Trace
from tlacheck.values import to_tla

__all__ = ["DETAILS", "Scene"]

#: How much of each step may be printed.
DETAILS: Final = ("none", "spec", "steps", "effects")
#: Directives that a run allows after a violation has ended it.
_AFTERWARDS: Final = frozenset({"start", "expect", "show", "spec", "messages", "timers", "goals"})


class Scene:
    """The run that the directives of a file act on.

    A protocol's own directives get it as their first argument. They act through `run`, `show` what happened,
    and may keep values between lines in `kept`.

    Args:
        protocol: the declaration.
        judged: False to leave the spec out, whatever `start` says.

    Attributes:
        protocol: the declaration.
        judged: False if the spec is left out.
        kept: values that directives keep, by name; empty at each `start`.
        failures: what must hold and does not.
        steps: how many steps nodes took in all runs that ended.
        actions: how many steps of the spec they stand for.
        trace: the run up to the last violation that no `expect` demanded; None if there is none.
    """

    def __init__(self, protocol: Protocol, *, judged: bool = True) -> None:
        self.protocol = protocol
        self.judged = judged
        self.kept: dict[str, Any] = {}
        self.failures: list[str] = []
        self.steps = self.actions = 0
        self.trace: Trace | None = None
        self._run: Run | None = None
        self._printed: list[str] = []
        self._lost = self._recorded = 0
        self._detail, self._has_time = "effects", False
        self._violated: tuple[Line, str] | None = None
        self._unmet: Trace | None = None

    @property
    def run(self) -> Run:
        """The run.

        Raises:
            ConfigError: no `start` came before.
        """
        if self._run is None:
            raise ConfigError("nothing runs yet: begin with start")
        return self._run

    def text(self, value: Any) -> str:
        """The text of a state, an input, an effect or a message."""
        return self.protocol.scenario_syntax.text(value)

    def node(self, line: Line, name: str) -> str:
        """A name, if it is one of the nodes.

        Raises:
            ConfigError: it is none.
        """
        if name not in self.run.size.nodes:
            raise line.error(f"there is no node {name}; there are {', '.join(self.run.size.nodes)}")
        return name

    def flights(self, line: Line) -> list[Flight[Any]]:
        """The messages in transit that `from`, `to`, `type` and `first` select, in order of sending."""
        source, dest = line.option("from", None, str), line.option("to", None, str)
        kind, first = line.option("type", None, str), line.option("first", None, int)
        found = [
            flight
            for flight in self.run.cluster.world.flights
            if source in (None, flight.source)
            and dest in (None, flight.dest)
            and kind in (None, type(flight.message).__name__)
        ]
        return found[:first]

    def preview(self, line: Line, source: str, dest: str, message: Any) -> Iterator[str]:
        """Print what a node would do with a message now; a core that raises has failed."""
        try:
            inp, after, effects = self.run.cluster.preview(source, dest, message)
        except Exception as error:  # noqa: BLE001 - whatever a core raises is reported
            raised = error.__cause__ or error
            yield self.fail(line, f"the core raises {type(raised).__name__}: {raised}")
            return
        yield f"{dest} would take {self.text(inp)}"
        yield from (f"  {each}" for each in self._effects(effects))
        before = self.run.cluster.states[dest]
        if after == before:
            yield f"  {dest} would be as it is"

    # --- what a line makes

    def made(self, line: Line, position: int, what: str = "message") -> Any:
        """The message or input that a line names at a position, with the options of the line.

        It is made by a function of the declaration; or it is kept as `$NAME`, and has other values in the
        fields that the options name. An option may be `$NAME` too.

        Raises:
            ConfigError: there is no such name, or it has no such options.
        """
        syntax = self.protocol.scenario_syntax
        known = syntax.inputs if what == "input" else syntax.messages
        name = line.word(position)
        options = {key: self._with_kept(line, value) for key, value in line.options.items()}
        if name.startswith("$"):
            kept = self._with_kept(line, name)
            change: Callable[..., Any] = attrs.evolve if attrs.has(type(kept)) else dataclasses.replace
            known = {name: lambda **fields: change(kept, **fields) if fields else kept}
        if name not in known:
            raise line.error(f"there is no {what} {name}; the protocol declares {', '.join(known) or 'none'}")
        try:
            return known[name](**options)
        except TypeError as error:
            raise line.error(f"{name} cannot be made so: {error}") from error

    def _with_kept(self, line: Line, value: Any) -> Any:
        """The value, with what is kept in the place of each `$NAME`, and its field for `$NAME.FIELD`."""
        if isinstance(value, tuple):
            return tuple(self._with_kept(line, each) for each in value)
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        name, _, field = value[1:].partition(".")
        if name not in self.kept:
            raise line.error(f"nothing is kept as {name}; there is {', '.join(self.kept) or 'nothing'}")
        kept = self.kept[name]
        if field and not hasattr(kept, field):
            raise line.error(f"{name} is a {type(kept).__name__}, which has no {field}")
        return getattr(kept, field) if field else kept

    # --- what happens

    def start(self, nodes: int | None, byzantine: int | None, seed: int, *, judged: bool) -> None:
        """Begin a run.

        Raises:
            ConfigError: the protocol declares no such size.
        """
        self.end()
        size = self.protocol.size(nodes, byzantine)
        oracle = oracle_of(self.protocol, size) if judged and self.judged else None
        self._run = Run(self.protocol, size, seed=seed, oracle=oracle, listener=self)
        self.kept.clear()
        self._lost = self._recorded = 0

    def fail(self, line: Line, why: str) -> str:
        """Let the scenario fail at this line, and go on; returns what to print."""
        self.failures.append(f"{line.place}: {line.text}: {why}")
        return why

    def carry_out(self, line: Line, directive: Directive) -> list[str]:
        """Carry out one directive; what it prints.

        Raises:
            ConfigError: it makes no sense here. After a failure that is a part of it, and printed.
        """
        if self._violated is not None and line.name not in _AFTERWARDS:
            self._fail_unmet()
            return ["the run has ended"]
        if line.name != "expect":
            self._fail_unmet()
        self._printed = []
        self._has_time = line.name == "advance"
        try:
            said = list(directive.run(self, line))
        except Diverged as failure:
            said = self._broken(line, failure)
        except ConfigError as error:
            if not self.failures:
                raise error if str(error).startswith(line.place) else line.error(str(error)) from error
            said = [str(error).removeprefix(f"{line.place}: ")]
        if line.name != "messages":
            self._tell_lost()
        return [*self._printed, *said] or ["ok"]

    def end(self) -> None:
        """End the run, if there is one."""
        self._fail_unmet()
        if self._run is not None:
            self.steps += self._run.steps
            self.actions += self._run.recorder.actions.total()
        self._run, self._violated = None, None

    def _broken(self, line: Line, failure: Diverged) -> list[str]:
        violation = failure.trace.violation
        if violation is None:
            raise failure
        self._violated, self._unmet = (line, violation.property), failure.trace
        return [f"violated: {violation.property}", *(f"  {each}" for each in violation.explanation)]

    def _fail_unmet(self) -> None:
        """Fail if nothing demanded the violation of the last directive."""
        if self._unmet is not None and self._violated is not None:
            where, name = self._violated
            self.failures.append(f"{where.place}: {where.text}: violated {name}")
            self._unmet, self.trace = None, self._unmet

    def expect_violated(self, line: Line, name: str) -> Iterator[str]:
        """Demand that the last directive violated this property."""
        found = self._violated[1] if self._violated is not None and self._unmet is not None else "nothing"
        self._unmet = None
        if found != name:
            yield self.fail(line, f"violated was {found}")

    # --- what the run tells (this is an `Observer`)

    def on_lost(self, flight: Flight[Any]) -> None:
        """A lost message is printed when the directive has ended."""

    def on_double(self, flight: Flight[Any]) -> None:
        """A second copy of a message is printed when it arrives."""

    def on_step(self, record: StepRecord) -> None:
        """Print a step."""
        actions = self._actions()
        if self._detail == "none" or (self._detail == "spec" and not actions):
            return
        self._tell_lost()
        came = "takes" if record.sender is None else "receives"
        sender = "" if record.sender is None else f" from {record.sender}"
        at = f"{record.at_ms} ms: " if self._has_time else ""
        self._printed.append(f"{at}{record.node} {came} {self.text(record.input)}{sender}")
        if self._detail == "effects":
            effects = record.commands if record.is_byzantine else record.effects
            self._printed += [f"  {each}" for each in self._effects(effects)]
        if record.done is not None:
            cut = f"crashes after {record.done} of {len(record.commands)} commands"
            self._printed.append(f"  {record.node} {cut}")
        self._printed += actions

    def on_restart(self, node: str, state: Any) -> None:
        """Print a restart."""
        actions = self._actions()
        if self._detail != "none":
            self._printed += [f"{node} restarts as {self.text(state)}", *actions]

    def _actions(self) -> list[str]:
        """The steps of the spec since the last call, a line each."""
        recorder = self.run.recorder
        fresh, self._recorded = recorder.steps_since(self._recorded), recorder.actions.total()
        return [
            f"  spec: {step.action}("
            f"{', '.join(f'{name} = {to_tla(value)}' for name, value in step.arguments.items())})"
            for step in fresh
        ]

    def _tell_lost(self) -> None:
        lost = [entry.what for entry in self.run.cluster.log if entry.kind == "lost"] if self._run else []
        for flight in lost[self._lost :] if self._detail not in ("none", "spec") else ():
            self._printed.append(f"lost: {flight.source} -> {flight.dest}: {self.text(flight.message)}")
        self._lost = len(lost)

    def _effects(self, effects: Iterable[Any]) -> Iterator[str]:
        """The effects, a line each; copies of a message to several nodes share one."""
        sent: dict[str, list[str]] = {}
        rows: list[tuple[str, list[str] | None]] = []
        for effect in effects:
            if not isinstance(effect, Send):
                rows += [(row, None)] if (row := self._effect(effect)) else []
                continue
            text = self.text(effect.message)
            if text not in sent:
                rows.append((text, sent.setdefault(text, [])))
            sent[text].append(effect.dest)
        for text, dests in rows:
            yield text if dests is None else f"Send {text} to {', '.join(dests)}"

    def _effect(self, effect: Any) -> str:
        match effect:
            case Write(key=key, value=value):
                return f"Write {key} = {self.text(value)}"
            case Sync():
                return "Sync"
            case Notify(what=what):
                return f"Notify {self.text(what)}"
            case SetTimer(name=name, after=after):
                return f"SetTimer {name} {after} ms" if isinstance(after, int) else f"SetTimer {name}"
            case StopTimer(name=name):
                return f"StopTimer {name}"
            case _:
                return self.text(effect)

    def set_detail(self, line: Line, detail: str) -> None:
        """Say how much of each step is printed.

        Raises:
            ConfigError: there is no such detail.
        """
        if detail not in DETAILS:
            raise line.error(f"there is no detail {detail}; there are {', '.join(DETAILS)}")
        self._detail = detail
