"""Random behaviours of a spec, drawn by TLC's simulator in a worker process.

`simulate` gives a `Simulation`: an iterator over `Trace`s, as they are drawn, with a result at the end.
Nothing is kept, so a hundred thousand behaviours need the memory of one.

    with simulate("Raft.tla", behaviours=1000, depth=50, seed=7) as simulation:
        for behaviour in simulation:
            ...
    print(simulation.result.verdict)

One seed and number of workers give the same behaviours in the same order, in every process. They are those of
`java tlc2.TLC -simulate -depth DEPTH -seed SEED`, in versions 2.15 and 2.18 the same ones. What that means is
TLC's: it draws an action of those that are enabled, then one of its steps. Every step that the action could
have taken is checked, so a violation may lie one step off the behaviour that was drawn. Invariants are
checked also in states that a constraint excludes; a behaviour ends in the first such state.
"""

import shlex
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from immutabledict import immutabledict

from tlacheck.engine import Engine, find_engine
from tlacheck.errors import ConfigError, EngineError, Location, SpecError
from tlacheck.tlc._closing import Closing
from tlacheck.tlc._convert import Converter
from tlacheck.tlc._diagnose import diagnose, location_in, unknown_constants
from tlacheck.tlc._event import EVENT, event_of
from tlacheck.tlc._newer import require_option
from tlacheck.tlc._outcome import interpret, unchecked_translations, warnings_of
from tlacheck.tlc._process import MEMORY_MB, NoAnswer, Worker
from tlacheck.tlc._protocol import Progress, Report, decode_report, encode_engine
from tlacheck.tlc.spec import Spec, encode_spec, here
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import Value
from tlacheck.verdict import Verdict

__all__ = ["Simulation", "SimulationResult", "simulate"]

#: TLC's number of a violation -> its description.
_WORDS = {
    2104: "an assumption about the constants is false",
    2107: "does not hold in an initial state",
    2108: "does not hold in an initial state",
    2110: "does not hold in a reachable state",
    2112: "is violated by a step",
    2114: "a state is reached in which no action is enabled",
}
_ASSUMPTION, _DEADLOCK, _TEMPORAL = 2104, 2114, 2116


@attrs.frozen(kw_only=True)
class SimulationResult:
    """The result of a simulation.

    Attributes:
        spec: what was simulated.
        verdict: sampled, violated or unknown.
        behaviours: how many were drawn, the one that violates something included.
        states: how many states they have, with repetitions.
        generated: how many states TLC computed for them: in each state, all that one action leads to.
        actions: action -> how many steps took it; 0 for those that the spec has but no step took. Empty
            without traces.
        seed: where the choices began.
        seconds: how long the simulation took.
        engine: version and checksum of the TLC that drew them.
        trace: for a violation, the behaviour that shows it; None for a false assumption, which has none.
        warnings: what a reader of the verdict should know.
    """

    spec: Spec
    verdict: Verdict
    behaviours: int
    states: int
    generated: int
    actions: Mapping[str, int]
    seed: int
    seconds: float
    engine: str
    trace: Trace | None
    warnings: tuple[str, ...]


@attrs.frozen(kw_only=True)
class _Options:
    behaviours: int
    depth: int
    seed: int
    workers: int
    deadlock: bool
    traces: bool
    generate: bool

    def __attrs_post_init__(self) -> None:
        for name, least, most in (
            ("behaviours", 1, 2**31 - 1),
            ("depth", 1, 2**31 - 1),
            ("seed", 0, 2**63 - 1),
            ("workers", 1, 1024),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise ConfigError(f"{name} is {value}; it may be {least} to {most}")

    def engine(self, named: Engine | None) -> Engine:
        """Return the named engine or else the usual one.

        Raises:
            ConfigError: that one lacks an option.
        """
        engine = named or find_engine()
        if self.generate and (why := require_option(engine, "-generate")):
            raise ConfigError(f"--generate draws steps by TLC's -generate: {why}")
        return engine


class Simulation(Closing):
    """The behaviours of one simulation, once, in the order in which they are drawn; a context manager.

    The last behaviour of a violated spec is the one that shows it, with its `violation`.
    """

    def __init__(
        self,
        spec: Spec,
        options: _Options,
        *,
        engine: Engine,
        worker: Worker,
        owns_worker: bool,
        timeout: float | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._spec = spec
        self._options = options
        self._engine = engine
        self._worker = worker
        self._owns_worker = owns_worker
        self._timeout = timeout
        self._on_progress = on_progress
        self._started = time.monotonic()
        self._behaviours = self._states = self._generated = 0
        self._actions: Counter[str] = Counter()
        self._result: SimulationResult | None = None
        self._traces = self._run()

    def __iter__(self) -> Iterator[Trace]:
        """Yield the behaviours that were not yielded yet.

        Raises:
            SpecError: TLC refuses the spec or cannot evaluate it. The states up to there are the
                error's `trace`.
            SetupError: there is no JVM.
        """
        return self._traces

    @property
    def result(self) -> SimulationResult:
        """The result of the simulation. Remaining behaviours are drawn and dropped first.

        Raises:
            EngineError: the simulation was closed, or failed, before its end.
            SpecError, SetupError: as when they are given.
        """
        for _ in self._traces:
            pass
        if self._result is None:
            raise EngineError("the simulation was ended before it had a result")
        return self._result

    def cancel(self) -> None:
        """End it, from any thread: the verdict is unknown then."""
        self._worker.cancel()

    def close(self) -> None:
        """Stop drawing, and end the worker process unless it was given."""
        self._traces.close()
        if self._owns_worker:
            self._worker.close()

    def _run(self) -> Generator[Trace, None, None]:
        request = {
            **attrs.asdict(self._options),
            "spec": encode_spec(self._spec),
            "engine": encode_engine(self._engine),
        }
        items = self._worker.stream("simulate", request, timeout=self._timeout, on_progress=self._on_progress)
        reader: _Reader | None = None
        ended: Trace | None = None
        try:
            while True:
                try:
                    item = next(items)
                except StopIteration as end:
                    answer = end.value
                    break
                if reader is None:
                    reader = _Reader(item)
                    if self._options.traces:
                        self._actions.update(dict.fromkeys(reader.action_names, 0))
                    continue
                self._generated = item["generated"]
                if "lengths" in item:
                    self._behaviours += len(item["lengths"])
                    self._states += sum(item["lengths"])
                    continue
                self._behaviours += 1
                trace = reader.read(item, self._origin(self._behaviours))
                self._states += len(trace) + 1
                if self._options.traces:
                    self._actions.update(step.action for step in trace.steps)
                if item["ended"]:
                    ended = trace
                else:
                    yield trace
        except NoAnswer as reason:
            self._result = self._conclude(Verdict.unknown(str(reason)), None)
            return
        finally:
            items.close()
        report = decode_report(answer["report"])
        self._generated = answer["generated"]
        verdict, ended = self._judge(report, answer, ended)
        self._result = self._conclude(verdict, ended, report)
        if ended is not None:
            yield ended

    def _judge(
        self, report: Report, answer: Mapping[str, Any], ended: Trace | None
    ) -> tuple[Verdict, Trace | None]:
        """Return the verdict and the trace of a violation; `ended` is the last behaviour so far.

        Raises:
            SpecError: the spec is refused, or an evaluation failed after `ended`.
        """
        spec, code = self._spec, answer["code"]
        if answer["refused"]:
            raise diagnose(spec, report.messages, None, ended)
        if report.strangers:
            raise unknown_constants(spec, report.strangers)
        if code == _TEMPORAL:  # TLC finds the loop among the states of the behaviour, and prints it
            outcome = interpret(report, spec, self._engine, deadlock=self._options.deadlock)
            lasso = outcome.trace and attrs.evolve(outcome.trace, origin=self._origin(self._behaviours))
            return outcome.verdict, lasso
        if code is not None:
            name, why = answer["name"], _WORDS[code]
            if code == _DEADLOCK:
                name = "Deadlock"
            elif code == _ASSUMPTION:
                name = f"assumption at {location_in(name, spec) or name}"
            if ended is not None:
                violation = Violation(property=name, step=len(ended), explanation=(why,))
                ended = attrs.evolve(ended, violation=violation)
            return Verdict.violated(name, why), ended
        if not self._generated:
            nothing = f"no state satisfies the initial predicate of {spec.module}, so there is no behaviour"
            raise SpecError(nothing, Location(str(spec.path)))
        return Verdict.sampled(self._behaviours, self._options.seed), None

    def _conclude(
        self, verdict: Verdict, trace: Trace | None, report: Report | None = None
    ) -> SimulationResult:
        warnings: list[str] = []
        if report is not None:
            warnings += [*warnings_of(report.messages), *unchecked_translations(self._spec, self._engine)]
            if report.temporal and not verdict.is_violated:
                warnings.append(
                    f"of the temporal properties ({', '.join(report.temporal)}) only violations by a "
                    "loop within one "
                    "behaviour are found: that there was none says little, `tlacheck check` decides them"
                )
        return SimulationResult(
            spec=self._spec,
            verdict=verdict,
            behaviours=self._behaviours,
            states=self._states,
            generated=self._generated,
            actions=immutabledict(self._actions),
            seed=self._options.seed,
            seconds=report.seconds if report is not None else time.monotonic() - self._started,
            engine=self._engine.label,
            trace=trace,
            warnings=tuple(warnings),
        )

    def _origin(self, number: int) -> Origin:
        """Return the origin of behaviour `number`: it is the last one of its command."""
        options = self._options
        command = shlex.join(["tlacheck", "simulate", *self._spec.words])
        command += f" --num {number} --depth {options.depth} --seed {options.seed}"
        if options.workers != 1:
            command += f" --workers {options.workers}"
        if not options.traces:
            command += " --no-traces"
        if options.generate:
            command += " --generate"
        return Origin(
            source="tlc-simulation",
            spec=here(self._spec.path),
            config=here(self._spec.config),
            engine=self._engine.label,
            seed=options.seed,
            command=command if options.deadlock else f"{command} --no-deadlock",
        )


class _Reader:
    """Converter of the worker's items into traces."""

    def __init__(self, head: Mapping[str, Any]) -> None:
        printed = head["printed"]
        self._count = len(printed)
        self._slots = [(name, printed.index(name)) for name in head["variables"]]
        self._has_event = EVENT in printed
        self._convert = Converter()
        self._actions = [
            (name, immutabledict((parameter, self._convert(text)) for parameter, text in bound))
            for name, bound in head["actions"]
        ]

    @property
    def action_names(self) -> Iterable[str]:
        """Return the names of the spec's actions, as steps carry them.

        For a spec with an `event` variable, the names follow the convention: `SendEvent` records
        `Send`.
        """
        names = [name for name, _ in self._actions]
        if not self._has_event:
            return names
        return [name.removesuffix("Event") for name in names if name.endswith("Event") and name != "Event"]

    def read(self, item: Mapping[str, Any], origin: Origin) -> Trace:
        """Build the behaviour that the item describes."""
        values: list[Value] = [None] * self._count
        states: list[State] = []
        for changes in item["states"]:
            for slot, text in changes:
                values[slot] = self._convert(text)
            state = State((name, values[slot]) for name, slot in self._slots) if changes else states[-1]
            states.append(state)
        return Trace(
            initial=states[0],
            steps=tuple(
                Step(*self._label(item["actions"], number, state), state)
                for number, state in enumerate(states[1:])
            ),
            origin=origin,
        )

    def _label(
        self, actions: Sequence[int], number: int, state: State
    ) -> tuple[str, immutabledict[str, Value]]:
        """Return the action's name and arguments; an empty name if unknown."""
        if self._has_event:
            return event_of(state[EVENT]) or ("", immutabledict())
        index = actions[number]
        return self._actions[index] if index >= 0 else ("", immutabledict())


def simulate(
    spec: Spec | Path | str,
    config: Path | str | None = None,
    *,
    behaviours: int = 100,
    depth: int = 100,
    seed: int = 0,
    workers: int = 1,
    deadlock: bool = True,
    traces: bool = True,
    generate: bool = False,
    engine: Engine | None = None,
    memory_mb: int = MEMORY_MB,
    timeout: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    worker: Worker | None = None,
) -> Simulation:
    """Draw random behaviours of a spec and check the configuration's properties in them.

    Drawing begins when the first behaviour is asked for, and is never more than some hundreds ahead.
    Temporal properties are judged too, on each behaviour that comes back to a state of its own.

    A spec with a variable `event` says itself which action a step is, and its arguments. For any other
    the name is that of the operator that TLC drew, and the arguments are the constants that quantifiers
    around it bind; it is found by evaluating actions again, which a spec that uses `TLCSet` notices.
    `RandomElement` draws the same whatever the seed, as in TLC.

    Args:
        spec: the spec or its file.
        config: the configuration, as for `Spec.load`.
        behaviours: how many to draw.
        depth: how many states one has at most, the initial one included. It is shorter if it ends in a
            deadlock or leaves the constraints.
        seed: where the choices begin.
        workers: how many threads draw; another number gives other behaviours.
        deadlock: whether a state without successors violates the spec; else it ends the behaviour.
        traces: False to get no behaviours and no counts of actions, but for one that violates something.
        generate: True to draw steps without listing all that are possible, by TLC's `-generate`.
        engine: the TLC to use.
        memory_mb: the heap of the worker's JVM.
        timeout: seconds after which to give up, also when behaviours are taken slowly; None waits.
        on_progress: called about twice a second while behaviours are awaited; `queue` is how many are to
            go, and nobody counts `distinct` states.
        worker: a worker that is warm already, and stays so; then `memory_mb` is what it has.

    Raises:
        SpecError: there is no such file. The rest is said when behaviours are asked for.
        SetupError: there is no TLC.
        ConfigError: an option is out of range, or this TLC does not know it.
    """
    loaded = Spec.of(spec, config)
    options = _Options(
        behaviours=behaviours,
        depth=depth,
        seed=seed,
        workers=workers,
        deadlock=deadlock,
        traces=traces,
        generate=generate,
    )
    return Simulation(
        loaded,
        options,
        engine=options.engine(engine),
        worker=worker or Worker(memory_mb),
        owns_worker=worker is None,
        timeout=timeout,
        on_progress=on_progress,
    )
