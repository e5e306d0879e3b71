"""The job `graph` in a worker process: all states and steps of a spec, breadth first.

The search is TLC's own, in its order, over its own objects: the same successors, fingerprints (so the
same VIEW and SYMMETRY), constraints and on-disk queue; only the steps are kept, where TLC counts them.
The nodes are therefore TLC's distinct states. Properties are not checked.

The job's items are the `variables` and `actions` first, then a part of the graph each: new nodes, as
printed values, and the steps of the next nodes in turn. The report is what TLC said, as with a check.
"""

import contextlib
import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jpype

from tlacheck.tlc._event import EVENT
from tlacheck.tlc._graph_steps import StepTable
from tlacheck.tlc._java import bound_constants, call_stack, complaint, words_of
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
from tlacheck.tlc.spec import decode_spec

__all__ = ["graph"]

#: The approximate number of steps in a part: enough to make calls into Java cheap, few enough for
#: any memory.
_PART = 500
_PROGRESS_SECONDS = 0.5
#: The mark of a state that lies too deep to be listed.
_NOT_LISTED = -1

#: Numbers of TLC's messages.
_OTHER, _NESTED, _INCOMPLETE = 1000, 2103, 2109


class _Refusal(Exception):
    """TLC cannot go on with this spec, for these reasons."""

    def __init__(self, *messages: Message) -> None:
        super().__init__()
        self.messages = messages


def graph(data: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Do the job `graph`.

    Args:
        data: `spec`, `engine`, and `depth`: how many levels of states to list, null for all.
        channel: takes the parts.

    Returns:
        `report`, a `Report`, and `cut`: whether states were left out because of `depth`.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        stage = Stage(decode_spec(data["spec"]), decode_engine(data["engine"]), folder)
        strangers: tuple[str, ...] = ()
        messages: tuple[Message, ...] = ()
        failure: str | None = None
        cut = False
        tool: Any = None
        try:
            tool = _tool(stage)
            strangers = stage.strangers(tool)
            if not strangers:
                search = _Search(stage, tool, folder, channel, data["depth"])
                cut = _in_thread_of_tlc(stage, search.run)
        except _Refusal as refusal:
            messages = refusal.messages
        except jpype.JException as error:
            messages = tuple(stage.messages())
            failure = words_of(error)
        report = Report(
            messages=messages,
            variables=() if tool is None else stage.variables(tool),
            strangers=strangers,
            seconds=time.monotonic() - started,
            failure=failure,
        )
    return {"report": encode_report(report), "cut": cut}


def _tool(stage: Stage) -> Any:
    """The spec, as TLC evaluates it."""
    stage.classes["tlc2.util.FP64"].Init(0)
    make = stage.classes["tlc2.tool.impl.FastTool"]
    module = Path(stage.root).name
    return make(stage.spec_folder, module, STAGED_CONFIG, stage.resolver)


def _in_thread_of_tlc(stage: Stage, work: Callable[[], bool]) -> bool:
    """Return the result of `work`, run in a TLC thread, with the registers of `TLCSet` and a deep stack."""
    outcome: list[bool] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that waits
            errors.append(error)

    runnable = jpype.JProxy("java.lang.Runnable", dict={"run": run})
    thread = stage.classes["tlc2.util.IdThread"](runnable, "graph", 0)
    thread.start()
    thread.join()
    for error in errors:
        raise error
    return outcome[0]


class _Search:
    """One search, breadth first."""

    def __init__(self, stage: Stage, tool: Any, folder: Path, channel: Channel, depth: int | None) -> None:
        self._stage = stage
        self._tool = tool
        self._channel = channel
        self._depth = depth
        self._started = self._told = time.monotonic()
        self._nodes: dict[int, int] = {}  # fingerprint -> number
        self._explored = self._generated = self._terminal = 0
        self._cut = False
        printed = [str(node.getName()) for node in tool.getSpecProcessor().getVariablesNodes()]
        event = printed.index(EVENT) if EVENT in printed else None
        disk = folder / "queue"
        disk.mkdir()
        self._queue = stage.classes["tlc2.tool.queue.DiskStateQueue"](str(disk))
        self._steps = StepTable(stage.classes, tool, self._queue, event)
        self._set_current = stage.classes["tlc2.util.IdThread"].setCurrentState
        variables = stage.variables(tool)
        channel.item(
            {
                "variables": variables,
                "order": [printed.index(name) for name in variables],
                "event": event,
                "actions": [self._label(action) for action in tool.getActions()],
                "symmetry": bool(tool.hasSymmetry()),
                "view": tool.getViewSpec() is not None,
            }
        )

    def run(self) -> bool:
        """List everything; return whether states were left out because they lie too deep."""
        try:
            self._check_assumptions()
            self._begin()
            depth = 1
            waiting = len(self._nodes)
            while waiting:
                waiting = self._level(depth, waiting)
                depth += 1
            return self._cut
        finally:
            self._queue.finishAll()

    def _check_assumptions(self) -> None:
        axioms = self._tool.getAssumptionIsAxiom()
        for assumption, is_axiom in zip(self._tool.getAssumptions(), axioms, strict=True):
            if not (is_axiom or self._is_true(assumption)):
                what = f"Assumption {assumption.getLocation()} is false, so no behaviour is one of the spec"
                raise _Refusal(Message(_OTHER, Kind.ERROR, what))

    def _is_true(self, assumption: Any) -> bool:
        with self._explained(lambda slow: slow.isValid(assumption)):
            return bool(self._tool.isValid(assumption))

    def _begin(self) -> None:
        state = self._stage.classes["tlc2.tool.TLCState"]
        level = state.class_.getDeclaredField("level")
        level.setAccessible(True)
        before = state.Empty.createEmpty()
        level.setInt(before, 0)  # TLC's checker takes this for the level while it looks for initial states
        self._set_current(before)
        with self._explained(lambda slow: slow.getInitStates()):
            self._steps.begin()
            self._generated = len(self._steps)
            self._refuse_unfinished()
            self._steps.drop_outside(initial=True)
            self._send(level=1)

    def _level(self, depth: int, waiting: int) -> int:
        """Take all steps from the queued states of one level; return how many are queued then."""
        known = len(self._nodes)
        branching = 1.0
        while waiting:
            sources = self._queue.sDequeue(min(waiting, max(1, int(_PART / branching))))
            waiting -= len(sources)
            self._set_current(sources[0])
            with self._explained(functools.partial(self._take_slowly, sources)):
                self._steps.take(sources)
                taken = len(self._steps)
                self._refuse_unfinished()
                self._explored += len(sources)
                self._generated += taken
                self._terminal += len(sources) - len(set(self._steps.sources()))
                self._steps.drop_outside(initial=False)
                self._send(level=depth + 1)
            branching = max(1.0, taken / len(sources))
            self._tell(waiting + len(self._nodes) - known)
        return len(self._nodes) - known

    def _send(self, *, level: int) -> None:
        """Send the steps taken, and the new states of `level` among their targets."""
        nodes, targets, fresh = self._nodes, [], []
        first = len(nodes)
        is_closed = self._depth is not None and level > self._depth
        for place, fingerprint in enumerate(self._steps.fingerprints()):
            number = nodes.get(fingerprint)
            if number is None:
                if is_closed:
                    self._cut = True
                    number = _NOT_LISTED
                else:
                    number = nodes[fingerprint] = len(nodes)
                    fresh.append(place)
            targets.append(number)
        is_initial = level == 1
        events = "" if is_initial else self._steps.events()
        self._channel.item(
            {
                "level": level,
                "new": len(fresh),
                "states": self._steps.settle(fresh, first=first, initial=is_initial) if fresh else "",
                "sources": [] if is_initial else self._steps.sources(),
                "targets": [] if is_initial else targets,
                "actions": [] if is_initial else self._steps.actions(),
                "events": events,
                "explored": self._explored,
                "generated": self._generated,
                "terminal": self._terminal,
            }
        )

    def _tell(self, waiting: int) -> None:
        now = time.monotonic()
        if now - self._told >= _PROGRESS_SECONDS:
            self._told = now
            self._stage.drain(lambda _: None)  # the spec's printed output would fill the memory
            self._channel.progress(
                Progress(
                    generated=self._generated,
                    distinct=len(self._nodes),
                    queue=waiting,
                    seconds=now - self._started,
                )
            )

    def _label(self, action: Any) -> list[Any]:
        """Return the name of a TLC action, and the printed constants that quantifiers around it bind."""
        return [str(action.getName()), bound_constants(self._stage.classes, action.con)]

    def _refuse_unfinished(self) -> None:
        """Reject states in which a variable has no value, as TLC does."""
        step = self._steps.unfinished()
        if step is None:
            return
        _, action, state = step
        names = ", ".join(sorted(str(node.getName()) for node in state.getUnassigned()))
        if action is None:
            text = f"the initial predicate gives no value to {names}"
            raise _Refusal(Message(_OTHER, Kind.ERROR, text))
        text = f"by action {action.getName()} at {action.getLocation()}, not assigned: {names}"
        raise _Refusal(Message(_INCOMPLETE, Kind.ERROR, text))

    def _take_slowly(self, sources: Any, slow: Any) -> None:
        """Take the steps again, with a tool that records its position."""
        for state in sources:
            found = self._stage.classes["tlc2.tool.StateVec"](0)
            slow.getNextStates(found, state)
            for index in range(found.size()):
                after = found.elementAt(index)
                slow.isInModel(after)
                slow.isInActions(state, after)

    @contextlib.contextmanager
    def _explained(self, again: Callable[[Any], Any]) -> Iterator[None]:
        """Reject the spec if TLC throws something in the block; `again` repeats it with a slower tool."""
        try:
            yield
        except jpype.JException as error:
            place = call_stack(self._stage.classes, self._tool, again)
            raise _Refusal(*complaint(error, place)) from None
