"""Logs of implementation runs: `run.ndjson`, one JSON object a line, written while the system runs.

A trace holds whole spec states; a log holds what an implementation noticed of itself, event by event,
and any program in any language can write one. `tlacheck validate` says whether the spec has a
behaviour that the log fits.

| line   | holds                                                                                |
|--------|--------------------------------------------------------------------------------------|
| first  | the header: `{"format": "tlacheck run", "version": 1, ...}`, with where the log comes from |
| middle | an event each: `{"event": 1, ...}`, numbered from 1 without gaps                       |
| last   | `{"end": N}` after N events: without it the log was cut short, or its system still runs  |

Every field of an event but its number may be absent, for not known:

| field       | is                                                                              |
|-------------|---------------------------------------------------------------------------------|
| `action`    | the spec action that was taken                                                    |
| `arguments` | argument -> value, as many of them as were logged                                 |
| `node`      | the node at which it happened, a value                                            |
| `state`     | spec variable -> its whole value after the event                                  |
| `local`     | spec variable -> its value at `node` after the event: `{"currentTerm": 2}` says `currentTerm[node] = 2` |
| `time_ms`   | when, on a clock that all nodes share; for people only                            |
| `note`      | what happened around the system, in words; an event of a note alone constrains nothing |

Values are written as in traces (`tlacheck/itf.py`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final, Self

import attrs
from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.errors import TraceError
from tlacheck.trace import Origin, State
from tlacheck.values import Value

__all__ = ["VERSION", "Event", "Header", "Reader", "Run", "Writer", "read", "write"]

#: The version of the format that is written, and the newest that is read.
VERSION: Final = 1
_FORMAT: Final = "tlacheck run"
_NOTHING: Final[immutabledict[str, Value]] = immutabledict()


@attrs.frozen(kw_only=True)
class Event:
    """What a log says of one moment; what is empty or None is not known.

    Attributes:
        number: its place in the log, from 1.
        action: the spec action that was taken; empty if not known.
        arguments: those arguments of the action that are known.
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
        """Whether it says anything of the spec: an event of a note alone does not."""
        return bool(self.action or self.state or self.local)


@attrs.frozen(kw_only=True)
class Header:
    """What is known before the first event.

    Attributes:
        origin: where the log comes from.
        initial: spec variable -> its value before the first event, for those that are known.
    """

    origin: Origin
    initial: State = _NOTHING


@attrs.frozen(kw_only=True)
class Run:
    """A whole log.

    Attributes:
        header: what is known before the first event.
        events: the events, in order.
        ended: whether the log says itself that it is whole.
    """

    header: Header
    events: tuple[Event, ...]
    ended: bool = True


class Reader:
    """A log read line by line, also while it is still written.

    Iterate over it for the events; `header` is there from the start, `ended` when the last line was read.

    Args:
        lines: the lines of the log.
        path: the file that they come from, for messages.

    Raises:
        TraceError: also from the iteration: a line is not what it should be; the message has its number.
    """

    def __init__(self, lines: Iterable[str], path: Path | None = None) -> None:
        self._lines = enumerate(lines, start=1)
        self._path = path
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
                if data["end"] != expected - 1:
                    raise self._error(
                        number, f'"end" is {data["end"]!r}, and {expected - 1} events came before it'
                    )
                self.ended = True
                continue
            if data.get("event") != expected:
                raise self._error(
                    number,
                    f'"event" is {data.get("event")!r}; it should be {expected}, for events are numbered from 1 '
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
                f'its "version" is {version!r}, and this tlacheck reads versions 1 to {VERSION}. Is tlacheck too old?',
            )
        return Header(
            origin=itf.origin_from_json(data),
            initial=self._values(data.get("initial", {}), number, "initial"),
        )

    def _event(self, data: Mapping[str, Any], number: int) -> Event:
        texts = {name: data.get(name, "") for name in ("action", "note")}
        if wrong := [name for name, text in texts.items() if not isinstance(text, str)]:
            raise self._error(number, f'"{wrong[0]}" should be a string')
        time_ms = data.get("time_ms")
        if time_ms is not None and (isinstance(time_ms, bool) or not isinstance(time_ms, int | float)):
            raise self._error(number, '"time_ms" should be a number')
        local = self._values(data.get("local", {}), number, "local")
        if local and data.get("node") is None:
            raise self._error(number, '"local" needs a "node", at which its values are')
        return Event(
            number=data["event"],
            **texts,
            arguments=self._values(data.get("arguments", {}), number, "arguments"),
            node=None if data.get("node") is None else self._value(data["node"], number, "node"),
            state=self._values(data.get("state", {}), number, "state"),
            local=local,
            time_ms=time_ms,
        )

    def _object(self, line: str, number: int) -> dict[str, Any]:
        try:
            data = json.loads(line)
        except json.JSONDecodeError as error:
            raise self._error(
                number, f"not JSON, at column {error.colno}: {error.msg}. Was the file cut short?"
            ) from error
        if not isinstance(data, dict):
            raise self._error(number, "should be a JSON object")
        return data

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
    """Writes a log while its run goes on; each line is flushed, so that a crash loses none.

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
        """Write one event; its number is given here, one after another."""
        self._count += 1
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
    """The log in a file.

    Raises:
        TraceError: there is no such file, or it holds no log; the message names the line at fault.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8") as file:
            reader = Reader(file, path)
            events = tuple(reader)
    except OSError as error:
        raise TraceError(f"cannot be read: {error.strerror or error}", path) from error
    except UnicodeDecodeError as error:
        raise TraceError("is no text file in UTF-8, so no log of a run", path) from error
    return Run(header=reader.header, events=events, ended=reader.ended)


def write(run: Run, path: Path | str) -> None:
    """Write a log to a file.

    Raises:
        TraceError: it holds what is no TLA+ value, or the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            writer = Writer(file, run.header)
            for event in run.events:
                writer.event(event)
            if run.ended:
                writer.end()
    except OSError as error:
        raise TraceError(f"cannot be written: {error.strerror or error}", path) from error


def _values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: itf.value_to_json(value) for name, value in values.items()}
