"""One simulation inside a worker process: from a seed to behaviours.

The behaviours are TLC's own, drawn and checked by its simulator (`_behaviour`), so they are those of
`java tlc2.TLC -simulate -seed SEED`. Only the loop around it is ours, for three reasons. The files that
TLC writes with `-simulate file=` hold neither actions nor the behaviour that violates something. TLC
draws on for a while after a violation, so two runs do not write the same files. And it writes as fast
as it can, whether or not anybody reads.

With several threads, the first draws behaviour 1, the second one 2, and so on in turns. Each hands over
its behaviour when all before it are out: order and ending depend on the seed and on the number of
threads alone, and no thread is more than one behaviour ahead.
"""

import contextlib
import functools
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import jpype

from tlacheck.tlc._behaviour import (
    Drawer,
    Ending,
    Printer,
    elements,
    refused,
    simulated_keys,
    simulation_mode,
)
from tlacheck.tlc._java import call_stack, field_of
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._lasso import temporal_names
from tlacheck.tlc._protocol import (
    STAGED_CONFIG,
    Channel,
    Kind,
    Message,
    Progress,
    Report,
    decode_engine,
    encode_report,
)
from tlacheck.tlc._staging import Stage
from tlacheck.tlc._whole import make_whole
from tlacheck.tlc.spec import decode_spec

__all__ = ["simulate"]

_PROGRESS_SECONDS = 0.5
#: Seconds between two items that tell of behaviours without traces.
_TELL_SECONDS = 0.05
#: The property that TLC's option `-generate` sets. Read when its class is loaded.
_GENERATE = "tlc2.tool.impl.Tool.probabilistic"

#: TLC's numbers of violations outside single behaviours.
_ASSUMPTION, _INITIAL_INVARIANT, _INITIAL_PROPERTY, _TEMPORAL = 2104, 2107, 2108, 2116
_INITIAL_STATE = 2102


def simulate(data: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Do the job `simulate`.

    Args:
        data: `spec` and `engine`, encoded; `behaviours`, `depth`, `seed`, `workers`, `deadlock`, `traces`,
            `generate`.
        channel: takes a head: `printed` and `variables`, the variables in the order of the items and of
            the spec, and `actions`, each a name with the constants bound in it. Then an item a behaviour:
            `states`, each as the variables that are not as in the state before, and `actions`, the index of
            each step's action, empty if the variable `event` says it; with `generated`, the states computed
            so far. It is `ended` if something is wrong with it; then it is the last one. Without `traces`,
            all but that one have no item of their own: `lengths` lists how many states some of them have.

    Returns:
        `report`, an encoded `Report`; `code` and `name` of what is violated, or `refused` if something could
        not be evaluated; and `generated`, the states computed: 0 if there is no initial one.
    """
    with (
        _steps_generated(wanted=data["generate"]),
        tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as folder,
    ):
        spec = decode_spec(data["spec"])
        stage = Stage(spec, decode_engine(data["engine"]), Path(folder))
        started = time.monotonic()
        try:
            stage.classes["tlc2.util.FP64"].Init(0)
            tool = _tool(stage)
        except jpype.JException as error:
            messages = (*stage.messages(), *refused(error, "").messages)
            report = Report(messages=messages, seconds=time.monotonic() - started)
            return {
                "report": encode_report(report),
                "code": None,
                "name": "",
                "refused": True,
                "generated": 0,
            }
        run = _Simulation(stage, tool, data, channel)
        strangers = stage.strangers(tool)
        ending = Ending() if strangers else run.run()
        report = Report(
            messages=(*stage.messages(), *ending.messages),
            variables=stage.variables(tool),
            temporal=temporal_names(tool),
            strangers=strangers,
            seconds=time.monotonic() - started,
        )
    return {
        "report": encode_report(report),
        "code": ending.code,
        "name": ending.name,
        "refused": bool(ending.messages),
        "generated": run.generated,
    }


@contextlib.contextmanager
def _steps_generated(*, wanted: bool) -> Iterator[None]:
    """If `wanted`, let the TLC loaded in the block draw steps without listing them, as by `-generate`."""
    system = jpype.JClass("java.lang.System")
    if wanted:
        system.setProperty(_GENERATE, "true")
    try:
        yield
    finally:
        system.clearProperty(_GENERATE)


def _tool(stage: Stage) -> Any:
    """Read the spec. Newer TLCs have states that know their predecessors, for simulations alone."""
    make = stage.classes["tlc2.tool.impl.FastTool"]
    arguments = (stage.spec_folder, stage.module, STAGED_CONFIG, stage.resolver)
    mode = simulation_mode(stage.classes)
    return make(*arguments) if mode is None else make(*arguments, mode)


class _Simulation:
    """Draws the behaviours of one spec, in threads of TLC's kind, and hands them over in order."""

    def __init__(self, stage: Stage, tool: Any, data: dict[str, Any], channel: Channel) -> None:
        self._classes = stage.classes
        self._tool = tool
        self._channel = channel
        self._printer = Printer(stage, tool)
        self._seed: int = data["seed"]
        self._depth: int = data["depth"]
        self._behaviours: int = data["behaviours"]
        self._workers: int = min(data["workers"], self._behaviours)
        self._traces: bool = data["traces"]
        self._deadlock: bool = data["deadlock"] and stage.deadlock and _checks_deadlock(tool)
        self._announce(stage)
        self._live = None if tool.livenessIsTrue() else self._classes["tlc2.tool.liveness.LiveCheck1"](tool)
        self._computed = jpype.JClass("java.util.concurrent.atomic.LongAdder")()
        self._turn = threading.Condition()
        self._next = 1
        self._ending: Ending | None = None
        self._crash: Exception | None = None

    def _announce(self, stage: Stage) -> None:
        """Give newer TLCs what `TLCGet("config")` tells of a simulation."""
        if simulation_mode(self._classes) is None:
            return
        random = self._classes["tlc2.util.RandomGenerator"](jpype.JLong(self._seed))
        depth, number = jpype.JInt(min(self._depth, 2**31 - 1)), jpype.JLong(self._behaviours)
        seed, threads = jpype.JLong(self._seed), jpype.JInt(self._workers)
        make = self._classes["tlc2.tool.Simulator"]
        options = (None, None, self._deadlock, depth, number, None, random, seed, stage.resolver, threads)
        self._classes["tlc2.TLCGlobals"].simulator = make(self._tool, *options)

    @property
    def generated(self) -> int:
        """Return the number of states that TLC has computed."""
        return int(self._computed.longValue())

    def run(self) -> Ending:
        """Draw until all are drawn or a defect is found."""
        self._channel.item(self._printer.head())
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(done,), name="progress", daemon=True)
        watcher.start()
        first = self._thread(0, self._begin)
        first.start()
        first.join()
        done.set()
        watcher.join()
        if self._crash is not None:
            raise self._crash
        return self._ending or Ending()

    def _begin(self) -> None:
        """In the first thread: check the initial states, start the other threads, draw, wait for them."""
        try:
            initial = _initial_states(self._classes, self._tool)
        except _Ended as end:
            if end.states:
                self._hand_over(1, self._printer.behaviour(end.states, []), end.ending)
            self._ending = end.ending
            return
        self._computed.add(initial.size())
        if initial.isEmpty():
            return
        random = self._classes["tlc2.util.RandomGenerator"](jpype.JLong(self._seed))
        drawers = [
            Drawer(
                self._classes,
                self._tool,
                initial,
                seed=random.nextLong(),
                depth=self._depth,
                deadlock=self._deadlock,
                computed=self._computed,
            )
            for _ in range(self._workers)
        ]
        others = [
            self._thread(number, functools.partial(self._draw, number, drawer))
            for number, drawer in enumerate(drawers[1:], start=1)
        ]
        for other in others:
            _copy_registers(self._classes, other)
            other.start()
        self._draw(0, drawers[0])
        for other in others:
            other.join()

    def _thread(self, number: int, work: Callable[[], None]) -> Any:
        """Create a thread that runs `work`, with its own registers, as `TLCSet` wants."""

        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - raised again by the thread that waits
                with self._turn:
                    self._crash = error
                    self._ending = Ending()
                    self._turn.notify_all()

        runnable = jpype.JProxy("java.lang.Runnable", dict={"run": guarded})
        return self._classes["tlc2.util.IdThread"](runnable, f"simulation {number}", number)

    def _draw(self, number: int, drawer: Drawer) -> None:
        if not self._traces and self._workers == 1 and self._live is None:
            self._draw_unseen(drawer)
            return
        for behaviour in range(number + 1, self._behaviours + 1, self._workers):
            states, ending = drawer.draw(listed=self._traces)
            trace = drawer.trace if self._live is not None or ending is not None else None
            if self._traces or ending is not None:
                actions = [] if self._printer.has_event else drawer.actions(states)
                item = self._printer.behaviour(states, actions)
            else:
                item = {"lengths": [drawer.length]}
            if not self._hand_over(behaviour, item, ending, trace):
                return

    def _draw_unseen(self, drawer: Drawer) -> None:
        """Draw behaviours of which only the lengths are told, some at a time."""
        lengths: list[int] = []
        told = time.monotonic()
        for behaviour in range(1, self._behaviours + 1):
            states, ending = drawer.draw(listed=False)
            if ending is None:
                lengths.append(drawer.length)
                now = time.monotonic()
                if behaviour < self._behaviours and now - told < _TELL_SECONDS:
                    continue
                told = now
            if lengths and not self._hand_over(self._next, {"lengths": lengths}, None):
                return
            lengths = []
            if ending is not None:
                actions = [] if self._printer.has_event else drawer.actions(states)
                self._hand_over(behaviour, self._printer.behaviour(states, actions), ending)
                return

    def _hand_over(self, behaviour: int, item: Any, ending: Ending | None, trace: Any = None) -> bool:
        """Wait for the behaviour's turn and release it; return whether there is to be another one."""
        with self._turn:
            self._turn.wait_for(lambda: self._ending is not None or self._next == behaviour)
            if self._ending is not None:
                return False
            if ending is None and self._live is not None:
                ending = _loop_violates(self._live, self._tool, trace)
            self._channel.item({**item, "generated": self.generated, "ended": ending is not None})
            self._next += len(item.get("lengths", (behaviour,)))
            self._ending = ending
            self._turn.notify_all()
        return ending is None

    def _watch(self, done: threading.Event) -> None:
        started = time.monotonic()
        while not done.wait(_PROGRESS_SECONDS):
            self._channel.progress(
                Progress(
                    generated=self.generated,
                    distinct=0,
                    queue=self._behaviours + 1 - self._next,
                    seconds=time.monotonic() - started,
                )
            )


def _checks_deadlock(tool: Any) -> bool:
    """Return whether the configuration checks for deadlock; in version 2.15 it cannot say."""
    config = tool.getModelConfig()
    return bool(config.getCheckDeadlock()) if hasattr(config, "getCheckDeadlock") else True


def _copy_registers(classes: TlcClasses, thread: Any) -> None:
    """Copy to a thread the registers that the assumptions and the initial predicate set in this one."""
    registers = field_of(classes["tlc2.util.IdThread"], "localValues")
    values = registers.get(jpype.JClass("java.lang.Thread").currentThread())
    if values is not None:
        registers.set(thread, jpype.JClass("java.util.Arrays").copyOf(values, len(values)))


def _loop_violates(live: Any, tool: Any, trace: Any) -> Ending | None:
    """Return the violation by a loop in the behaviour. TLC prints it as a lasso then."""
    try:
        live.checkTrace(tool, _as_taken(live, trace))
    except jpype.JException as error:
        if str(error.getClass().getName()).endswith((".LiveException", ".LiveCounterExampleException")):
            return Ending(code=_TEMPORAL)
        return refused(error, "")
    return None


def _as_taken(live: Any, trace: Any) -> Any:
    """Return the trace as this TLC takes it: newer ones want a function that gives it."""
    (method,) = (each for each in live.getClass().getMethods() if str(each.getName()) == "checkTrace")
    if str(method.getParameterTypes()[1].getName()) != "java.util.function.Supplier":
        return trace
    return jpype.JProxy("java.util.function.Supplier", dict={"get": lambda: trace})


class _Ended(Exception):
    """A defect before the first step: an `Ending`, and the states that show it."""

    def __init__(self, ending: Ending, states: Iterable[Any] = ()) -> None:
        self.ending = ending
        self.states = list(states)
        super().__init__(ending)


def _initial_states(classes: TlcClasses, tool: Any) -> Any:
    """Return the initial states, normalised and checked; none if the initial predicate is false.

    TLC 2.15 simulates under false assumptions, and no version looks there at properties of initial
    states. Both are checked here.

    Raises:
        _Ended: one of them, or an invariant, is violated or cannot be evaluated.
    """

    def evaluate(method: str, *arguments: Any) -> Any:
        try:
            return getattr(tool, method)(*arguments)
        except jpype.JException as error:
            place = call_stack(classes, tool, lambda slow: getattr(slow, method)(*arguments))
            raise _Ended(refused(error, place)) from None

    for node, axiom in zip(tool.getAssumptions(), tool.getAssumptionIsAxiom(), strict=True):
        if not axiom and not evaluate("isValid", node):
            raise _Ended(Ending(code=_ASSUMPTION, name=str(node.getLocation())))
    states = evaluate("getInitStates")
    make_whole(classes, simulated_keys(classes, tool), states)
    invariants = zip(tool.getInvNames(), tool.getInvariants(), strict=True)
    properties = zip(tool.getImpliedInitNames(), tool.getImpliedInits(), strict=True)
    checks = [
        *((_INITIAL_INVARIANT, str(name), predicate) for name, predicate in invariants),
        *((_INITIAL_PROPERTY, str(name), predicate) for name, predicate in properties),
    ]
    for state in elements(states):
        if not state.allAssigned():
            text = f"current state is not a legal state\nWhile working on the initial state:\n{state}"
            raise _Ended(Ending(messages=(Message(_INITIAL_STATE, Kind.ERROR, text),)))
        for code, name, predicate in checks:
            if not evaluate("isValid", predicate, state):
                raise _Ended(Ending(code=code, name=name), [state])
    states.deepNormalize()
    # In behaviours, TLC restarts the stream of `RandomElement` from the beginning.
    classes["tlc2.value.RandomEnumerableValues"].reset()
    return states
