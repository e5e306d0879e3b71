"""A system in its own process, in any language, that speaks JSON lines.

docs/adapters.md defines the protocol. One request at a time goes to standard input, one answer comes
from standard output, each a JSON object on one line:

| request                                                  | `ok` of the answer holds                      |
|----------------------------------------------------------|-----------------------------------------------|
| `{"id": 1, "request": "hello", "protocol": 1}`           | `{"protocol": 1, "variables": [...], ...}`    |
| `{"id": 2, "request": "reset", "initial": {...}}`        | `{}`                                          |
| `{"id": 3, "request": "perform", "action": "Pass", "arguments": {...}}` | `{}`                           |
| `{"id": 4, "request": "observe"}`                        | `{"coins": ..., ...}`: all its variables      |
| `{"id": 5, "request": "close"}`                          | `{}`; then the process ends                   |

An answer is `{"id": 3, "ok": ...}`, `{"id": 3, "not_possible": "why"}` or `{"id": 3, "error": "why"}`.
Values are written as in traces (tlacheck/itf.py). What the process writes to its standard error is
kept, and its end is part of every message.

If the process ends, refuses a step, reports an error or does not answer in time, that is a finding
about the system; a malformed answer is a fault of its adapter.
"""

import collections
import contextlib
import json
import os
import queue
import shlex
import signal
import subprocess
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, NoReturn, Self

from immutabledict import immutabledict

from tlacheck import __version__, itf
from tlacheck.conform.limits import LIMIT_SECONDS, Limit, hung
from tlacheck.conform.system import Crashed, NotPossible
from tlacheck.conform.vocabulary import Declaration, Signature
from tlacheck.errors import AdapterError, ConfigError, TraceError
from tlacheck.trace import State
from tlacheck.values import Value

__all__ = ["PROTOCOL", "Process"]

#: The version of the protocol.
PROTOCOL: Final = 1
#: The longest line, in bytes.
_LINE_MAX: Final = 1 << 26
#: Lines of standard error that are kept.
_KEPT_LINES: Final = 20
#: Seconds that a process gets to end once it is asked to.
_PARTING_SECONDS: Final = 2.0
#: The most characters of a malformed answer that are shown.
_SHOWN_MAX: Final = 120


class Process:
    """A child process as a `System`; a context manager that ends it.

    Args:
        command: the command and its arguments; a string is split as a shell would, but no shell is run.
        limit_seconds: how long it may take to answer.
        folder: where it is run; the current folder unless given.

    Attributes:
        declaration: what it said that it can do, for `check`.
        variables: the spec variables that it shows.
        limit_seconds: as given.
        pid: the number of the process.

    Raises:
        ConfigError: there is no such command, or the limit is not positive.
        AdapterError: it does not say hello as it should.
    """

    def __init__(
        self,
        command: Sequence[str] | str,
        *,
        limit_seconds: float = LIMIT_SECONDS,
        folder: Path | None = None,
    ) -> None:
        self._words = shlex.split(command) if isinstance(command, str) else list(command)
        if not self._words:
            raise ConfigError("the command of the system is empty: give the program and its arguments")
        self.limit_seconds = limit_seconds
        Limit(limit_seconds)
        try:
            self._child = subprocess.Popen(
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                start_new_session=True,  # so that its own children can be ended with it
            )
        except OSError as error:
            raise ConfigError(
                f"the system cannot be started: {shlex.join(self._words)}: {error.strerror or error}. "
                "Is the program installed, and on the PATH?"
            ) from error
        self.pid = self._child.pid
        self._end = weakref.finalize(self, _kill, self._child)
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._said: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
        self._stdin = _pipe(self._child.stdin)
        self._listeners = [
            _started(_forward, _pipe(self._child.stdout), self._lines),
            _started(_keep, _pipe(self._child.stderr), self._said),
        ]
        self._count = 0
        self._answers = 0
        self._is_over = False
        try:
            self.declaration = self._hello()
        except Crashed as crash:
            self.close()
            raise AdapterError(f"{self._name} did not say hello: {crash}") from None
        except BaseException:
            self.close()
            raise
        self.variables = self.declaration.variables

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reset(self, initial: State) -> None:
        """Ask the process to start afresh.

        Raises:
            Crashed: its process ended, it reported an error, or it did not answer in time.
            NotPossible: it cannot start there.
            AdapterError: what it answered is no answer.
        """
        self._ask("reset", initial=_written(initial))

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Ask the process to take a step.

        Raises:
            Crashed: its process ended, it reported an error, or it did not answer in time.
            NotPossible: it has no such input.
            AdapterError: what it answered is no answer.
        """
        self._ask("perform", action=action, arguments=_written(arguments))

    def observe(self) -> State:
        """Ask the process for its state.

        Raises:
            Crashed: its process ended, it reported an error, or it did not answer in time.
            AdapterError: what it answered is no state.
        """
        answer = self._ask("observe")
        try:
            return immutabledict((name, itf.value_from_json(data)) for name, data in answer.items())
        except TraceError as error:
            raise AdapterError(f"{self._name} shows what is no state: {error}") from None

    def close(self) -> None:
        """End the process, politely at first."""
        if not self._is_over and self._child.poll() is None:
            with contextlib.suppress(NotPossible, AdapterError):
                self._ask("close", limit_seconds=min(_PARTING_SECONDS, self.limit_seconds))
        self._is_over = True
        with contextlib.suppress(OSError):
            self._stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(_PARTING_SECONDS)
        self._end()
        for listener in self._listeners:
            listener.join(_PARTING_SECONDS)

    @property
    def _name(self) -> str:
        return shlex.join(self._words)

    def _hello(self) -> Declaration:
        answer = self._ask("hello", protocol=PROTOCOL, tlacheck=__version__)
        if answer.get("protocol") != PROTOCOL:
            raise AdapterError(
                f"{self._name} speaks version {answer.get('protocol')!r} of the protocol, and this tlacheck "
                f"version {PROTOCOL}: see docs/adapters.md"
            )
        names = {key: answer.get(key, []) for key in ("variables", "unobserved")}
        for key, value in names.items():
            if not _are_names(value):
                raise AdapterError(f'{self._name}: "{key}" should be a list of names, and is {_shown(value)}')
        if not names["variables"]:
            raise AdapterError(f'{self._name}: "variables" is empty: then nothing could be compared')
        actions = answer.get("actions", {})
        if not isinstance(actions, dict) or not all(map(_are_names, actions.values())):
            raise AdapterError(
                f'{self._name}: "actions" should be an object from each action to a list of its '
                "arguments, and is "
                f"{_shown(actions)}"
            )
        if not actions:
            raise AdapterError(f'{self._name}: "actions" is empty: then no step could be taken')
        return Declaration(
            adapter=self._name,
            actions=immutabledict(
                (name, Signature(required=frozenset(arguments))) for name, arguments in actions.items()
            ),
            variables=frozenset(names["variables"]),
            unobserved=frozenset(names["unobserved"]),
        )

    def _ask(self, request: str, *, limit_seconds: float | None = None, **fields: Any) -> dict[str, Any]:
        """Send a request; return the value of `ok` in its answer."""
        if self._is_over:
            raise Crashed(f"its process has ended already{self._last_words()}")
        self._count += 1
        line = json.dumps({"id": self._count, "request": request, **fields}, ensure_ascii=False)
        try:
            self._stdin.write(line.encode() + b"\n")
            self._stdin.flush()
        except OSError:
            self._has_ended(request)
        seconds = limit_seconds or self.limit_seconds
        try:
            answer = self._lines.get(timeout=seconds)
        except queue.Empty:
            self._is_over = True
            self._end()
            raise _with(hung(seconds), f" It was asked to {request}{self._last_words()}") from None
        if not answer:
            self._has_ended(request)
        self._answers += 1
        return self._understood(answer, request)

    def _understood(self, line: bytes, request: str) -> dict[str, Any]:
        try:
            data = json.loads(line)
        except ValueError:
            data = None
        where = f"line {self._answers} of the output of {self._name}"
        if not isinstance(data, dict):
            shown = line[:_SHOWN_MAX].decode(errors="replace").rstrip()
            raise AdapterError(
                f"{where} is no answer: {shown!r}. Standard output is for answers, a JSON object a line; "
                f"write what people should read to standard error{self._last_words()}"
            )
        if data.get("id") != self._count:
            raise AdapterError(
                f"{where} answers the request {data.get('id')!r}; it should answer {self._count}, {request}. "
                "Each request gets one answer, in order"
            )
        kinds = [kind for kind in ("ok", "not_possible", "error") if kind in data]
        if len(kinds) != 1:
            raise AdapterError(
                f'{where} should have one of "ok", "not_possible" and "error", and has '
                f"{' and '.join(kinds) or 'none'}"
            )
        if kinds[0] == "not_possible":
            raise NotPossible(str(data["not_possible"]))
        if kinds[0] == "error":
            raise Crashed(f"it reported an error: {data['error']}{self._last_words()}")
        answer = data["ok"]
        if not isinstance(answer, dict):
            raise AdapterError(f'{where}: "ok" should be an object, and is {_shown(answer)}')
        return answer

    def _has_ended(self, request: str) -> NoReturn:
        self._is_over = True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(_PARTING_SECONDS)
        how = _ending(self._child.poll())
        for listener in self._listeners:
            listener.join(_PARTING_SECONDS)
        self._end()
        raise Crashed(f"its process {how} when it was asked to {request}{self._last_words()}")

    def _last_words(self) -> str:
        if not self._said:
            return ""
        return "; it wrote to standard error:\n  " + "\n  ".join(self._said)


def _ending(status: int | None) -> str:
    if status is None:
        return "closed its standard output"
    if status >= 0:
        return f"ended with status {status}"
    names = {one.value: one.name for one in signal.Signals}
    return f"was killed by {names.get(-status, f'signal {-status}')}"


def _with(crash: Crashed, more: str) -> Crashed:
    return type(crash)(f"{crash}.{more}")


def _written(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: itf.value_to_json(value) for name, value in values.items()}


def _are_names(data: Any) -> bool:
    return isinstance(data, list) and all(isinstance(item, str) for item in data)


def _shown(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)[:_SHOWN_MAX]


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("the process was started without its pipes")
    return stream


def _started(target: Any, *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, name="tlacheck process", daemon=True)
    thread.start()
    return thread


def _forward(stream: IO[bytes], lines: "queue.SimpleQueue[bytes]") -> None:
    """Forward each line, and an empty one at the end."""
    with stream, contextlib.suppress(OSError, ValueError):
        while line := stream.readline(_LINE_MAX):
            lines.put(line)
    lines.put(b"")


def _keep(stream: IO[bytes], said: "collections.deque[str]") -> None:
    """Keep the last lines."""
    with stream, contextlib.suppress(OSError, ValueError):
        while line := stream.readline(_LINE_MAX):
            said.append(line.decode(errors="replace").rstrip())


def _kill(child: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all its descendants."""
    with contextlib.suppress(OSError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_PARTING_SECONDS)
