"""Histories as files: `history.ndjson`, one JSON object a line, written while the clients run.

Any program in any language can write one.

| line   | holds                                                                                      |
|--------|--------------------------------------------------------------------------------------------|
| first  | `{"format": "tlacheck history", "version": 1, "model": "kv", "order": "lines"}`               |
| call   | `{"invoke": 1, "process": "c1", "op": "put", "arguments": {"key": "x", "value": 5}}`          |
| answer | `{"return": 1, "answer": null}`                                                             |
| other  | `{"return": 1, "fate": "failed"}` or `"unknown"`; the table of `history` says what they mean   |
| last   | `{"end": 7}` after 7 calls: without it the file was cut short, or its run goes on             |

Calls are numbered from 1 without gaps, in order. With `"order": "lines"`, which is also meant when
nothing is said, the lines stand in the order in which things happened; a `time` may be there for
people. With `"order": "times"` every line has a `time`, a number on a clock that all clients share,
and it is not known which of two events of the same time came first.

An incomplete last line is being written: it is left out. A history without its end is checked as it
stands, because an order that explains a run explains its beginning.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final, NoReturn, Self

from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.histories.history import (
    Assembly,
    Call,
    Event,
    Fate,
    History,
    HistoryError,
    Invoke,
    Order,
    Return,
    events_of,
)
from tlacheck.trace import Origin

__all__ = ["VERSION", "Reader", "Writer", "plain", "read", "write"]

#: The version of the format written, and the newest one read.
VERSION: Final = 1
_FORMAT: Final = "tlacheck history"
_FATES: Final = {fate.value: fate for fate in Fate if fate is not Fate.PENDING}


class Reader:
    """Reads a history line by line, even while it is being written.

    Iterate over it for the events; `model`, `order` and `origin` are there from the start, `ended`
    when the last line was read.

    Args:
        lines: the lines of the file.
        path: the file that they come from, for messages.

    Raises:
        HistoryError: also from the iteration: a line is not what it should be; the message has its number.
    """

    def __init__(self, lines: Iterable[str], path: Path | None = None) -> None:
        self._lines = enumerate(lines, start=1)
        self._path = path
        self.ended = False
        data = self._header()
        self.model: str = data.get("model", "")
        self.order: Order = data.get("order", "lines")
        self.origin = itf.origin_from_json({"source": "history", **data})
        self._assembly = Assembly(self.order)

    def __iter__(self) -> Iterator[Event]:
        for number, line in self._lines:
            if not line.strip():
                continue
            data = self._object(line, number)
            if data is None:
                return
            if self.ended:
                self._refuse(number, 'there is a line after the one with "end"')
            if "end" in data:
                if data["end"] != self._assembly.count:
                    self._refuse(
                        number, f'"end" is {data["end"]!r}, and {self._assembly.count} calls came before it'
                    )
                self.ended = True
                continue
            event = self._event(data, number)
            try:
                self._assembly.add(event)
            except HistoryError as error:
                self._refuse(number, str(error))
            yield event

    def history(self) -> History:
        """The history, as far as it was read.

        Raises:
            HistoryError: in its times a process has two operations at once.
        """
        try:
            return History(
                operations=self._assembly.operations(),
                model=self.model,
                origin=self.origin,
                ended=self.ended,
            )
        except HistoryError as error:
            raise HistoryError(f"{self._path}: {error}" if self._path else str(error)) from error

    def _header(self) -> dict[str, Any]:
        number, line = next(self._lines, (1, ""))
        data = (self._object(line, number) if line.strip() else None) or {}
        if data.get("format") != _FORMAT:
            self._refuse(number, f'no history: its first line should hold "format": "{_FORMAT}"')
        version = data.get("version")
        if type(version) is not int or not 1 <= version <= VERSION:
            self._refuse(
                number,
                (
                    f'its "version" is {version!r}, and this tlacheck reads versions 1 to {VERSION}. Is '
                    "tlacheck too old?"
                ),
            )
        if not isinstance(data.get("model", ""), str):
            self._refuse(number, '"model" should be the name of a model, a string')
        if data.get("order", "lines") not in ("lines", "times"):
            self._refuse(number, f'"order" is {data["order"]!r}; it should be "lines" or "times"')
        return data

    def _event(self, data: Mapping[str, Any], number: int) -> Event:
        time = data.get("time")
        if time is not None and (isinstance(time, bool) or not isinstance(time, int | float)):
            self._refuse(number, '"time" should be a number')
        kinds = [kind for kind in ("invoke", "return") if kind in data]
        if len(kinds) != 1:
            self._refuse(number, 'should have either "invoke" or "return", with the number of the operation')
        operation = data[kinds[0]]
        if type(operation) is not int:
            self._refuse(number, f'"{kinds[0]}" is {operation!r}; it should be the number of the operation')
        if kinds[0] == "invoke":
            process, name, arguments = data.get("process"), data.get("op"), data.get("arguments", {})
            if not isinstance(process, str) or not isinstance(name, str):
                self._refuse(number, 'a call needs a "process" and an "op", both strings')
            if not isinstance(arguments, dict):
                self._refuse(number, '"arguments" should be an object: argument -> value')
            return Invoke(operation, process, Call(name, immutabledict(arguments)), time)
        fate = _FATES.get(str(data.get("fate", Fate.ANSWERED.value)))
        if fate is None:
            self._refuse(number, f'"fate" is {data["fate"]!r}; it should be one of {", ".join(_FATES)}')
        if fate is not Fate.ANSWERED and data.get("answer") is not None:
            self._refuse(number, f'an operation that is {fate.value} has no "answer"')
        return Return(operation, fate, data.get("answer"), time)

    def _object(self, line: str, number: int) -> dict[str, Any] | None:
        """Parse the line's object; None if the line is not complete yet."""

        def refuse(constant: str) -> NoReturn:
            self._refuse(number, f"{constant} is no JSON value, and is not even equal to itself")

        try:
            data = json.loads(line, parse_constant=refuse)
        except json.JSONDecodeError as error:
            if not line.endswith("\n") and number > 1:
                return None
            self._refuse(number, f"not JSON, at column {error.colno}: {error.msg}")
        except RecursionError:
            self._refuse(number, "its values are nested too deeply to be read")
        if not isinstance(data, dict):
            self._refuse(number, "should be a JSON object")
        return data

    def _refuse(self, number: int, message: str) -> NoReturn:
        where = f"{self._path}: line {number}" if self._path else f"line {number}"
        raise HistoryError(f"{where}: {message}")


class Writer:
    """Writes a history while it happens; each line is flushed, so a crash loses none.

    As a context manager it writes the end line when the block ends without an exception.

    Args:
        file: a text file to write to.
        model: the name of the model that the system should follow.
        order: whether the order of the lines counts, or the times in them.
        origin: where the history comes from.
    """

    def __init__(
        self, file: IO[str], *, model: str = "", order: Order = "lines", origin: Origin | None = None
    ) -> None:
        self._file = file
        self._calls = 0
        data = {"format": _FORMAT, "version": VERSION, "model": model, "order": order}
        self._line(data | ({} if origin is None else itf.origin_to_json(origin)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.end()

    def event(self, event: Event) -> None:
        """Write one event."""
        time = {} if event.time is None else {"time": event.time}
        match event:
            case Invoke(number=number, process=process, call=call):
                self._calls += 1
                arguments = plain(call.arguments)
                self._line(
                    {"invoke": number, "process": process, "op": call.name, "arguments": arguments, **time}
                )
            case Return(number=number, fate=Fate.ANSWERED, answer=answer):
                self._line({"return": number, "answer": plain(answer), **time})
            case Return(number=number, fate=fate):
                self._line({"return": number, "fate": fate.value, **time})

    def end(self) -> None:
        """Write the last line, which says that the history is whole."""
        self._line({"end": self._calls})

    def _line(self, data: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n")
        self._file.flush()


def plain(value: Any) -> Any:
    """A value as JSON has it: tuples as lists, mappings as objects.

    Raises:
        HistoryError: JSON has no such value.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case tuple() | list():
            return [plain(item) for item in value]
        case Mapping() if all(isinstance(key, str) for key in value):
            return {key: plain(item) for key, item in value.items()}
        case _:
            raise HistoryError(f"{value!r} is no JSON value, so no file can hold it")


def read(path: Path | str) -> History:
    """The history in a file.

    Raises:
        HistoryError: there is no such file, or it holds no history; the message names the line at fault.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8") as file:
            reader = Reader(file, path)
            for _ in reader:
                pass
    except OSError as error:
        raise HistoryError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise HistoryError(f"{path}: is no text file in UTF-8, so no history") from error
    return reader.history()


def write(history: History, path: Path | str) -> None:
    """Write a history to a file. Operations are numbered anew, in the order of their calls.

    Raises:
        HistoryError: it holds what JSON cannot say, or the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            writer = Writer(file, model=history.model, order="times", origin=history.origin)
            for event in events_of(history.operations):
                writer.event(event)
            if history.ended:
                writer.end()
    except OSError as error:
        raise HistoryError(f"{path}: cannot be written: {error.strerror or error}") from error
