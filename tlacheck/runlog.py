"""Logs of implementation runs: `run.ndjson`, one JSON object a line, written while the system runs.

A trace holds whole spec states. A log holds what an implementation recorded about itself, event by
event; a program in any language can write one. `tlacheck validate` decides whether the spec has a
behaviour that fits the log.

| line   | holds                                                                                |
|--------|--------------------------------------------------------------------------------------|
| first  | the header: `{"format": "tlacheck run", "version": 1, ...}`, with where the log comes from |
| middle | an event each: `{"event": 1, ...}`, numbered from 1 without gaps                       |
| last   | `{"end": N}` after N events: without it the log was cut short, or its system still runs  |

Every field of an event but its number may be absent, for not known:

| field       | is                                                                                           |
|-------------|----------------------------------------------------------------------------------------------|
| `action`    | the spec action that was taken                                                               |
| `arguments` | argument -> value, as many of them as were logged; `message.term` is a field of one          |
| `node`      | the node at which it happened, a value                                                       |
| `state`     | spec variable -> its whole value after the event                                             |
| `local`     | spec variable -> its value at `node` after it: `{"term": 2}` says `term[node] = 2` |
| `time_ms`   | when, on a clock that all nodes share; for people only                                       |
| `note`      | what happened around the system, in words; an event of a note alone constrains nothing       |

Values are written as in traces (`tlacheck/itf.py`). Fields whose names begin with `x-` belong to the
writer and are not read. Any other unknown field is an error: a misspelt field would constrain nothing
and so fit every behaviour.
"""

import contextlib
import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final, Self

import attrs
from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.errors import TraceError
from tlacheck.trace import Origin, State
from tlacheck.values import Value

__all__ = ["VERSION", "Event", "Header", "Reader", "Run", "Writer", "read", "reading", "write"]

#: The version of the format written, and the newest one read.
VERSION: Final = 1
_FORMAT: Final = "tlacheck run"
_HEADER_FIELDS: Final = frozenset(
    {"format", "version", "initial", *(field.name for field in attrs.fields(Origin))}
)
_EVENT_FIELDS: Final = frozenset(
    {"event", "action", "arguments", "node", "state", "local", "time_ms", "note"}
)
_NOTHING: Final[immutabledict[str, Value]] = immutabledict()


@attrs.frozen(kw_only=True)
class Event:
    """An event of a log: what is known at one moment. An empty or None field is unknown.

    Attributes:
        number: its place in the log, from 1.
        action: the spec action that was taken; empty if not known.
        arguments: those arguments of the action that are known; of `message.term` only that field of the
            argument `message` is.
        node: the node at which it happened.
        state: spec variable -> its whole value after the event, for those that are known.
        local: spec variable -> its value at `node` after the event, for those that are known.
        time_ms: when, in milliseconds of a clock that all nodes share.
        note: what happened around the system, in words.
    """

    number: int
    action: str = ""
    arguments: immutabledict[str, Value] = _NOTHING
    node: Value | None = None
    state: State = _NOTHING
    local: immutabledict[str, Value] = _NOTHING
    time_ms: float | None = None
    note: str = ""

    @property
    def constrains(self) -> bool:
        """True if the event constrains the spec; an event that holds only a note does not."""
        return bool(self.action or self.state or self.local)


@attrs.frozen(kw_only=True)
class Header:
    """The header of a log: its origin and what is known before the first event.

    Attributes:
        origin: where the log comes from.
        initial: spec variable -> its value before the first event, for those that are known.
    """

    origin: Origin
    initial: State = _NOTHING


@attrs.frozen(kw_only=True)
class Run:
    """A complete log.

    Attributes:
        header: what is known before the first event.
        events: the events, in order.
        ended: whether the log says itself that it is whole.
    """

    header: Header
    events: tuple[Event, ...]
    ended: bool = True

    def __iter__(self) -> Iterator[Event]:
        """The events, in order."""
        return iter(self.events)


class Reader:
    """Reads a log line by line, even while it is being written.

    Iterate over it for the events. `header` is set from the start, `ended` once the last line was read.

    Args:
        lines: the lines of the log.
        path: the file that they come from, for messages.
        live: whether the lines come while the log is written: then nothing is awaited after the end line.

    Raises:
        TraceError: also from the iteration: a line is not what it should be; the message has its number.
    """

    def __init__(self, lines: Iterable[str], path: Path | None = None, *, live: bool = False) -> None:
        self._lines = enumerate(lines, start=1)
        self._path = path
        self._live = live
        self.ended = False
        self.header = self._header()

    def __iter__(self) -> Iterator[Event]:
        expected = 1
        for number, line in self._lines:
            if not line.strip():
                continue
            data = self._object(line, number)
            if self.ended:
                raise self._error(number, 'there is a line after the one with "end"')
            if "end" in data:
                if not _is_number(data["end"], expected - 1) or len(data) > 1:
                    raise self._error(
                        number,
                        f'the end line should be {{"end": {expected - 1}}}, for {expected - 1} events '
                        "came before "
                        f"it, and is {_shown(data)}. Was a line lost?",
                    )
                self.ended = True
                if self._live:
                    return
                continue
            if not _is_number(data.get("event"), expected):
                raise self._error(
                    number,
                    f'"event" is {data.get("event")!r}; it should be {expected}, for events are '
                    "numbered from 1 "
                    "without gaps. Was a line lost, or were lines swapped?",
                )
            yield self._event(data, number)
            expected += 1

    def _header(self) -> Header:
        number, line = next(self._lines, (1, ""))
        data = self._object(line, number) if line.strip() else {}
        if data.get("format") != _FORMAT:
            raise self._error(number, f'no log of a run: its first line should hold "format": "{_FORMAT}"')
        version = data.get("version")
        if type(version) is not int or not 1 <= version <= VERSION:
            raise self._error(
                number,
                (
                    f'its "version" is {version!r}, and this tlacheck reads versions 1 to {VERSION}. Is '
                    "tlacheck too old?"
                ),
            )
        self._check_fields(data, _HEADER_FIELDS, number)
        return Header(
            origin=itf.origin_from_json(data),
            initial=self._values(data.get("initial", {}), number, "initial"),
        )

    def _event(self, data: Mapping[str, Any], number: int) -> Event:
        self._check_fields(data, _EVENT_FIELDS, number)
        texts = {name: data.get(name, "") for name in ("action", "note")}
        if wrong := [name for name, text in texts.items() if not isinstance(text, str)]:
            raise self._error(number, f'"{wrong[0]}" should be a string')
        time_ms = data.get("time_ms")
        if time_ms is not None and (isinstance(time_ms, bool) or not isinstance(time_ms, int | float)):
            raise self._error(number, '"time_ms" should be a number')
        local = self._values(data.get("local", {}), number, "local")
        if local and data.get("node") is None:
            raise self._error(number, '"local" needs a "node", at which its values are')
        arguments = self._values(data.get("arguments", {}), number, "arguments")
        if arguments and not texts["action"]:
            raise self._error(number, '"arguments" need an "action", whose arguments they are')
        return Event(
            number=data["event"],
            **texts,
            arguments=arguments,
            node=None if data.get("node") is None else self._value(data["node"], number, "node"),
            state=self._values(data.get("state", {}), number, "state"),
            local=local,
            time_ms=time_ms,
        )

    def _object(self, line: str, number: int) -> dict[str, Any]:
        try:
            data = json.loads(line, parse_constant=_refuse)
        except json.JSONDecodeError as error:
            raise self._error(
                number, f"not JSON, at column {error.colno}: {error.msg}. Was the file cut short?"
            ) from error
        except ValueError as error:  # a number that JSON does not have, or one of thousands of digits
            raise self._error(number, f"not JSON: {error}") from error
        except RecursionError:
            raise self._error(number, "its values are nested too deep to be read") from None
        if not isinstance(data, dict):
            raise self._error(number, "should be a JSON object")
        return data

    def _check_fields(self, data: Mapping[str, Any], known: frozenset[str], number: int) -> None:
        if unknown := [name for name in data if name not in known and not name.startswith("x-")]:
            raise self._error(
                number,
                f'there is no field "{unknown[0]}" here; there are {", ".join(sorted(known))}, and '
                "those of the "
                'writer\'s own, which begin with "x-"',
            )

    def _values(self, data: Any, number: int, name: str) -> immutabledict[str, Value]:
        if not isinstance(data, dict):
            raise self._error(number, f'"{name}" should be an object')
        return immutabledict((key, self._value(item, number, f"{name}, {key}")) for key, item in data.items())

    def _value(self, data: Any, number: int, name: str) -> Value:
        try:
            return itf.value_from_json(data)
        except TraceError as error:
            raise self._error(number, f"{name}: {error}") from None

    def _error(self, number: int, message: str) -> TraceError:
        return TraceError(f"line {number}: {message}", self._path)


class Writer:
    """Writes a log during a run. Each line is flushed, so a crash loses none.

    As a context manager it writes the end line when the block ends without an exception.

    Args:
        file: a text file to write to.
        header: what is known before the first event.
    """

    def __init__(self, file: IO[str], header: Header) -> None:
        self._file = file
        self._count = 0
        data = {"format": _FORMAT, "version": VERSION, **itf.origin_to_json(header.origin)}
        self._line({**data, **({"initial": _values(header.initial)} if header.initial else {})})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.end()

    def event(self, event: Event) -> None:
        """Write one event; its number is given here, one after another.

        Raises:
            TraceError: it holds what is no TLA+ value, or no number of JSON.
        """
        self._count += 1
        if event.time_ms is not None and not math.isfinite(event.time_ms):
            raise TraceError(f"event {self._count}: JSON has no number like {event.time_ms}")
        data: dict[str, Any] = {"event": self._count}
        if event.time_ms is not None:
            data["time_ms"] = event.time_ms
        if event.node is not None:
            data["node"] = itf.value_to_json(event.node)
        data |= {name: text for name in ("action", "note") if (text := getattr(event, name))}
        data |= {
            name: _values(values)
            for name in ("arguments", "state", "local")
            if (values := getattr(event, name))
        }
        self._line(data)

    def end(self) -> None:
        """Write the last line, which says that the log is whole."""
        self._line({"end": self._count})

    def _line(self, data: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(data, ensure_ascii=False) + "\n")
        self._file.flush()


def read(path: Path | str) -> Run:
    """Read a whole log from a file. For a long one, read event by event with `reading`.

    Raises:
        TraceError: there is no such file, or it holds no log; the message names the line at fault.
    """
    with reading(path) as reader:
        events = tuple(reader)
    return Run(header=reader.header, events=events, ended=reader.ended)


@contextlib.contextmanager
def reading(path: Path | str) -> Iterator[Reader]:
    """Open the log in a file and yield its reader.

    Raises:
        TraceError: as `read`; from the iteration over the events too.
    """
    path = Path(path)
    try:
        file = path.open(encoding="utf-8")
    except OSError as error:
        raise TraceError(f"cannot be read: {error.strerror or error}", path) from error
    with file:
        yield Reader(_lines(file, path), path)


def _lines(file: IO[str], path: Path) -> Iterator[str]:
    try:
        yield from file
    except OSError as error:
        raise TraceError(f"cannot be read: {error.strerror or error}", path) from error
    except UnicodeDecodeError as error:
        raise TraceError("is no text file in UTF-8, so no log of a run", path) from error


def write(run: Run, path: Path | str) -> None:
    """Write a log to a file, its events numbered anew; a reader sees the old file or the whole new one.

    Raises:
        TraceError: it holds what is no TLA+ value, or the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            scratch = Path(file.name)
            try:
                _write(run, file)
                file.close()
                scratch.chmod(0o644)  # a temporary file is private to its owner; a log is for all to read
                os.replace(scratch, path)  # noqa: PTH105 - the atomic rename is the point
            finally:
                scratch.unlink(missing_ok=True)
    except OSError as error:
        raise TraceError(f"cannot be written: {error.strerror or error}", path) from error


def _write(run: Run, file: IO[str]) -> None:
    writer = Writer(file, run.header)
    for event in run.events:
        writer.event(event)
    if run.ended:
        writer.end()


def _values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: itf.value_to_json(value) for name, value in values.items()}


def _is_number(data: Any, number: int) -> bool:
    """Return whether JSON data are an integer, not `true` or `1.0`, which Python holds equal to 1."""
    return type(data) is int and data == number


def _shown(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)[:80]


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
