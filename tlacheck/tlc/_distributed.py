"""The two sides of TLC's distributed mode, as jobs of worker processes: `serve` and `assist`.

The server keeps the states and their fingerprints and hands blocks of states out; assistants compute
successors and check them. TLC's own server program leaves gaps that are filled here, with its own
classes:

* it says that a behaviour is wrong but not what is wrong with it, and begins the behaviour in the
  middle: the last step is computed again here, and the behaviour read from the server's files;
* it ignores assumptions: they are checked here;
* it ignores temporal properties, and checks action properties and action constraints only of the step by
  which a state is found first: specs with any of these are turned down;
* it counts a part of the generated states twice;
* it waits forever if no assistant comes, and ends its process when it is done.
"""

import contextlib
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import attrs
import jpype

from tlacheck.errors import EngineError
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._loopback import bind
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

__all__ = ["assist", "serve"]

_PORT_PROPERTY = "tlc2.tool.distributed.TLCServer.port"
_WATCH_SECONDS = 0.05
_PROGRESS_SECONDS = 0.5
_FAREWELL_MS = 1000

_GENERAL, _NESTED = 1000, 2103
_ASSUMPTION = 2104
#: The messages of a block that did not come back: its assistant is lost, or the block was too large.
_BLOCK_LOST = (7006, 7007)
_SUCCESS, _DEPTH, _STATS = 2193, 2194, 2199
#: The beginning of the server's error about a step -> TLC's message for the same in one process.
_COMPLAINTS = {
    "Error: Invariant ": (2110, "Invariant {} is violated."),
    "Error: deadlock ": (2114, "Deadlock reached."),
    "Error: Successor state ": (
        2109,
        "Successor state is not completely specified by the next-state action.",
    ),
}
#: The same for an initial state.
_COMPLAINTS_AT_FIRST = {
    "Error: Invariant ": (2107, "Invariant {} is violated by the initial state:\n{}"),
    "Error: Implied-init ": (2108, "Property {} is violated by the initial state:\n{}"),
}


def serve(data: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Do the job `serve`: keep the states of one check. Its only item says that assistants may come.

    Args:
        data: `spec` and `engine` as in `_protocol`; `deadlock`; `host` and `port` to listen on; `patience`,
            the seconds without any assistant after which to give up.
        channel: where progress goes.

    Returns:
        `unable`, whether this TLC cannot do it at all; `unsupported`, what of the spec TLC would not check
        in this mode: then it was not tried; `lonely`, whether it gave up because nobody came; and the
        `report`, a `Report`.
    """
    spec, engine, folder = decode_spec(data["spec"]), decode_engine(data["engine"]), Path.cwd()
    started = time.monotonic()
    bind(data["host"], folder)
    # Assistants get the modules from the server, which looks for them only here.
    shared = folder / "shared"
    shared.mkdir()
    for source in (*reversed(spec.libraries), spec.path.parent):
        for module in source.glob("*.tla"):
            if module.is_file():
                shutil.copyfile(module, shared / module.name)
    _set_property("TLA-Library", str(shared))
    _set_property(_PORT_PROPERTY, str(data["port"]))
    stage = Stage(spec, engine, shared)
    settings = stage.classes["tlc2.TLCGlobals"]
    settings.metaDir = f"{folder / 'states'}/"
    settings.chkptDuration = 0
    settings.setNumWorkers(0)
    stage.classes["tlc2.util.FP64"].Init(0)  # without it every fingerprint is 0
    report = Report(messages=(), seconds=0.0)
    unsupported: list[str] = []
    lonely = False
    if not _sends_fingerprints(stage.classes):
        return {"unable": True, "unsupported": [], "lonely": False, "report": encode_report(report)}
    try:
        app = _app(stage, deadlock=data["deadlock"] and stage.deadlock)
        unsupported = _unsupported(app.tool)
        report = attrs.evolve(
            report, variables=stage.variables(app.tool), strangers=stage.strangers(app.tool)
        )
        messages = _false_assumptions(app.tool)
        if not messages and not unsupported and not report.strangers:
            messages, lonely = _explore(stage, app, data, started, channel)
        report = attrs.evolve(report, messages=tuple(messages))
    except jpype.JException as error:
        report = attrs.evolve(report, messages=tuple(stage.messages()), failure=_text_of(error))
    report = attrs.evolve(report, seconds=time.monotonic() - started)
    return {
        "unable": False,
        "unsupported": unsupported,
        "lonely": lonely,
        "report": encode_report(report),
    }


def assist(data: dict[str, Any], channel: Channel) -> NoReturn:  # noqa: ARG001 - what every job is given
    """Do the job `assist`: compute for a server. Does not return: it ends with its process.

    Args:
        data: `engine` as in `_protocol`; `host` and `port` of the server.
        channel: not used: the server knows how far it all is.

    Raises:
        EngineError: there is no way to work for that server.
    """
    bind(data["host"], Path.cwd())
    _set_property(_PORT_PROPERTY, str(data["port"]))
    _set_property("tlc2.tool.distributed.TLCWorker.threadCount", "1")
    classes = TlcClasses(decode_engine(data["engine"]))
    _load_remote_classes_from(classes)
    output = classes["util.ToolIO"]
    output.setMode(1)
    worker = classes["tlc2.tool.distributed.TLCWorker"]
    worker.main(jpype.JString[:]([data["host"]]))
    said = [str(line) for line in output.getAllMessages()]
    if not any(line.startswith("TLC worker with ") for line in said):
        raise EngineError("\n".join(said[-2:]))
    while True:  # the requester ends this process
        time.sleep(_PROGRESS_SECONDS)
        output.reset()  # what the spec prints: nobody reads it here


class _Blocks:
    """Counts the blocks between the server and the selector of the next block for an assistant.

    For each block that comes back, TLC counts one successor too few.
    """

    def __init__(self, stage: Stage, server: Any) -> None:
        self._server, self._stage = server, stage
        self._lock = threading.Lock()
        self._handed_out = 0
        field = _field(server, "blockSelector")
        self._chooser = field.get(server)
        field.set(
            server, jpype.JProxy(stage.classes["tlc2.tool.distributed.selector.IBlockSelector"], inst=self)
        )

    def getBlocks(self, queue: Any, worker: Any) -> Any:  # noqa: N802 - TLC's name
        block = self._chooser.getBlocks(queue, worker)
        if block is not None and len(block):
            with self._lock:
                self._handed_out += 1
        return block

    def setMaxTXSize(self, size: int) -> None:  # noqa: N802 - TLC's name
        self._chooser.setMaxTXSize(size)

    def getAverageBlockCnt(self) -> Any:  # noqa: N802 - TLC's name
        return self._chooser.getAverageBlockCnt()

    def successors(self) -> int:
        """Return the number of successors computed."""
        lost = sum(message.code in _BLOCK_LOST for message in self._stage.messages())
        counted = int(_field(self._server, "workerStatesGenerated").get(self._server).get())
        return counted + max(0, self._handed_out - lost)


def _app(stage: Stage, *, deadlock: bool) -> Any:
    """TLC's view of the spec in distributed mode."""
    make = stage.classes["tlc2.tool.distributed.TLCApp"]
    settings = stage.classes["tlc2.tool.fp.FPSetConfiguration"]()
    app = make(stage.root, STAGED_CONFIG, deadlock, None, settings, stage.resolver)
    asked = getattr(
        app.tool.getModelConfig(), "getCheckDeadlock", None
    )  # a configuration may say it since 2.16
    if asked is not None and deadlock and not asked():
        _field(app, "checkDeadlock").setBoolean(app, False)
    return app


def _explore(
    stage: Stage, app: Any, data: dict[str, Any], started: float, channel: Channel
) -> tuple[list[Message], bool]:
    """Check; return the messages, and whether no worker came or none was left.

    This is TLC's `TLCServer.modelCheck`, which ends its process when it is done.
    """
    _load_remote_classes_from(stage.classes)
    server = stage.classes["tlc2.tool.distributed.TLCServer"](app)
    blocks = _Blocks(stage, server)
    registry = jpype.JClass("java.rmi.registry.LocateRegistry").createRegistry(data["port"])
    registry.rebind(server.SERVER_NAME, server)
    try:
        _call(server, "doInit")
    except jpype.JException as error:
        wrong = _field(server, "errState").get(server)
        if wrong is None:
            return _unevaluated(app, error, lambda: _call(server, "doInit")), False
        return [*_explained_at_first(app, wrong), _counts(server, 1)], False
    initial = int(server.fpSetManager.getStatesSeen())
    if not server.stateQueue.isEmpty():
        registry.rebind(server.SERVER_WORKER_NAME, server)
        channel.item("ready")
        if not _wait(server, blocks, data["patience"], started, channel):
            return [_counts(server, initial + blocks.successors())], True
    said = [message for message in stage.messages() if message.kind in (Kind.ERROR, Kind.BUG, Kind.WARNING)]
    wrong = _field(server, "errState").get(server)
    if wrong is not None:
        # The server reported half of the error; the other half follows.
        return [*_explained(stage, app, wrong), _counts(server, initial + blocks.successors())], False
    if server.stateQueue.isEmpty():
        said.append(Message(_SUCCESS, Kind.INFORMATION, "Model checking completed. No error has been found."))
    level = server.trace.getLevelForReporting()
    depth = Message(_DEPTH, Kind.INFORMATION, f"The depth of the complete state graph search is {level}.")
    return [*said, _counts(server, initial + blocks.successors()), depth], False


def _wait(server: Any, blocks: _Blocks, patience: float, started: float, channel: Channel) -> bool:
    """Wait until all is done or an error is found; return False if no worker came or none is left."""
    threads = _field(server, "threadsToWorkers").get(server)
    met = told = time.monotonic()
    while server.isRunning():
        time.sleep(_WATCH_SECONDS)
        now = time.monotonic()
        if server.getWorkerCount():
            met = now
        elif now - met > patience:
            return False
        if now - told > _PROGRESS_SECONDS:
            told = now
            channel.progress(
                Progress(
                    generated=blocks.successors(),
                    distinct=int(server.fpSetManager.size()),
                    queue=int(server.stateQueue.size()),
                    seconds=now - started,
                )
            )
    for entry in list(threads.entrySet()):
        entry.getKey().join(_FAREWELL_MS)  # it may wait for an answer that nobody needs any more
        with contextlib.suppress(jpype.JException):  # gone already
            entry.getValue().exit()
    return True


def _explained(stage: Stage, app: Any, state: Any) -> list[Message]:
    """Report the error in `state` or in a step from it, with the behaviour that leads there."""
    following = None

    def follow() -> None:
        nonlocal following
        following = None
        for following in app.getNextStates(state):
            app.checkState(state, following)

    try:
        follow()
        what = [
            Message(_GENERAL, Kind.ERROR, "TLC found an error in a step that has none when computed again")
        ]
    except jpype.JException as error:
        following = getattr(error, "state2", following)
        what = _complaint(error, _COMPLAINTS) or _unevaluated(app, error, follow)
    before = len(list(stage.messages()))
    # TLC takes every state received over the network for an initial one, unless it gets a predecessor.
    state.setPredecessor(state)
    stage.classes["tlc2.tool.TLCTrace"](app.getMetadir(), app.getFileName(), app).printTrace(state, following)
    return what + list(stage.messages())[before:]


def _explained_at_first(app: Any, state: Any) -> list[Message]:
    """Report the error in an initial state."""

    def look() -> None:
        app.checkState(None, state)

    try:
        look()
    except jpype.JException as error:
        return _complaint(error, _COMPLAINTS_AT_FIRST, state) or _unevaluated(app, error, look)
    return []


def _complaint(error: Any, known: dict[str, tuple[int, str]], state: object = "") -> list[Message]:
    """Return the violation that the server reports, if it is one."""
    text = _text_of(error)
    for start, (code, sentence) in known.items():
        if text.startswith(start):
            name = text.removeprefix(start).partition(" ")[0]
            return [Message(code, Kind.ERROR, sentence.format(name, state))]
    return []


def _unevaluated(app: Any, error: Any, again: Callable[[], object]) -> list[Message]:
    """Report an expression without a value, and its place: it is evaluated again to find it."""
    app.setCallStack()
    with contextlib.suppress(jpype.JException):
        again()
    stack = str(app.printCallStack())
    return [Message(_GENERAL, Kind.ERROR, _text_of(error)), Message(_NESTED, Kind.ERROR, stack)]


def _counts(server: Any, generated: int) -> Message:
    """Return the counts as one process has them; the server counts some states twice."""
    distinct, left = server.fpSetManager.size(), server.stateQueue.size()
    text = f"{generated} states generated, {distinct} distinct states found, {left} states left on queue."
    return Message(_STATS, Kind.INFORMATION, text)


def _sends_fingerprints(classes: TlcClasses) -> bool:
    """Return whether the server can send its set of fingerprints, as it does whenever a worker comes."""
    sent = jpype.JClass("java.io.Serializable").class_
    return bool(sent.isAssignableFrom(classes["tlc2.tool.fp.MultiFPSet"].class_))


def _unsupported(tool: Any) -> list[str]:
    """List the configuration's parts that TLC would not check, or only for steps to new states."""
    found = {
        "temporal properties": tool.getImpliedTemporalNames(),
        "action properties": tool.getImpliedActNames(),
        "action constraints": tool.getActionConstraints(),
    }
    return [kind for kind, names in found.items() if len(names)]


def _false_assumptions(tool: Any) -> list[Message]:
    pairs = zip(tool.getAssumptions(), tool.getAssumptionIsAxiom(), strict=True)
    return [
        Message(_ASSUMPTION, Kind.ERROR, f"Assumption {assumption} is false.")
        for assumption, is_axiom in pairs
        if not is_axiom and not tool.isValid(assumption)
    ]


def _load_remote_classes_from(classes: TlcClasses) -> None:
    """Let objects received over the network belong to this copy of TLC: RMI asks the thread that exports."""
    jpype.JClass("java.lang.Thread").currentThread().setContextClassLoader(
        classes["tlc2.TLC"].class_.getClassLoader()
    )


def _call(owner: Any, name: str) -> None:
    """Call a non-public method of TLC."""
    method = owner.getClass().getDeclaredMethod(name)
    method.setAccessible(True)
    method.invoke(owner)


def _field(owner: Any, name: str) -> Any:
    """Return a non-public field of TLC."""
    field = owner.getClass().getDeclaredField(name)
    field.setAccessible(True)
    return field


def _text_of(error: Any) -> str:
    cause = error.getCause() if error.getMessage() is None else None  # by reflection it comes wrapped
    shown = cause or error
    return str(shown.getMessage() or shown.getClass().getSimpleName())


def _set_property(name: str, value: str) -> None:
    jpype.JClass("java.lang.System").setProperty(name, value)
