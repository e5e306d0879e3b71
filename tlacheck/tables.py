"""Strict reading of TOML: every key is known and of the right type, and errors name the place."""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from tlacheck.errors import ConfigError

__all__ = ["Table", "closest", "load", "mapped", "refuse_duplicates"]

T = TypeVar("T")

_KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}
#: The form of a check's name, which becomes part of commands and file names.
_NAME = re.compile(r"[A-Za-z0-9_.+-]+(/[A-Za-z0-9_.+-]+)*")


class Table:
    """A table of a TOML file, read key by key.

    Args:
        data: the table.
        file: the file it stands in.
        place: which table of it, for messages; empty for the whole file.
    """

    def __init__(self, data: Mapping[str, Any], file: Path, place: str = "") -> None:
        self.file = file
        self._data = data
        self._place = place
        self._known: list[str] = []

    def refuse(self, message: str) -> NoReturn:
        """Raise an error about this table.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(f"{self.file}: {self._place}{': ' if self._place else ''}{message}")

    def required(self, key: str, kind: type[T]) -> T:
        """Return the value of a mandatory key."""
        value = self.optional(key, kind)
        if value is None:
            self.refuse(f'"{key}" is missing: give it {_KINDS[kind]}')
        return value

    def optional(self, key: str, kind: type[T]) -> T | None:
        """Return the value of an optional key."""
        self._known.append(key)
        value = self._data.get(key)
        if value is None:
            return None
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            self.refuse(f'"{key}" is {value!r}, not {_KINDS[kind]}')
        return value

    def count(self, key: str) -> int | None:
        """Return a non-negative number, or None."""
        value = self.optional(key, int)
        if value is not None and value < 0:
            self.refuse(f'"{key}" is {value}; it cannot be negative')
        return value

    def seconds(self, key: str, default: float) -> float:
        """Return a positive duration."""
        value = self.optional(key, float)
        if value is not None and value <= 0:
            self.refuse(f'"{key}" is {value:g}; say how many seconds it may take')
        return default if value is None else value

    def choice(self, key: str, choices: Iterable[str], default: str | None = None) -> str | None:
        """Return one of a few words."""
        value = self.optional(key, str)
        if value is None:
            return default
        if value not in (known := list(choices)):
            self.refuse(f'"{key}" is "{value}"; it may be {", ".join(known)}')
        return value

    def path(self, key: str) -> Path | None:
        """Return an existing file, relative to the folder of this TOML file."""
        value = self.optional(key, str)
        if value is None:
            return None
        path = self.file.parent / value
        if not path.is_file():
            there = (
                sorted(found.name for found in path.parent.glob(f"*{path.suffix}"))
                if path.parent.is_dir()
                else []
            )
            beside = f"; there are {', '.join(there)}" if there else ""
            self.refuse(f'"{key}" names {value}, but there is no file {path}{beside}')
        return path

    def required_path(self, key: str) -> Path:
        """Return an existing file that must be given."""
        return self.path(key) or self.file.parent / self.required(key, str)

    def name(self, value: str) -> str:
        """Return `value` if it is a valid name of a check."""
        if not _NAME.fullmatch(value):
            self.refuse(f'"{value}" cannot be a name: take letters, digits and . _ + - with / between parts')
        return value

    def tables(self, key: str, label: str) -> Iterable["Table"]:
        """Yield the tables of `[[key]]`; messages number them and add the value of their key `label`."""
        for number, data in enumerate(self.optional(key, list) or [], start=1):
            if not isinstance(data, dict):
                self.refuse(f'"{key}" must be written as [[{key}]] tables')
            named = f" ({data[label]})" if isinstance(data.get(label), str) else ""
            yield Table(data, self.file, f"[[{key}]] {number}{named}")

    def done(self) -> None:
        """Reject the keys that were not read."""
        for key in self._data:
            if key not in self._known:
                near = closest(key, self._known)
                hint = f'did you mean "{near}"? ' if near else ""
                self.refuse(f'unknown key "{key}": {hint}The keys here are {", ".join(self._known)}')


def load(file: Path) -> Table:
    """Load a TOML file as a table.

    Raises:
        ConfigError: it is not there, or no TOML.
    """
    try:
        return Table(tomllib.loads(file.read_text(encoding="utf-8")), file)
    except FileNotFoundError:
        raise ConfigError(f"there is no file {file}") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is no TOML: {error}") from error


def mapped(tables: Iterable[Table], read: Callable[[Table], T]) -> tuple[T, ...]:
    """Apply `read` to each table, then reject unknown keys."""
    found: list[T] = []
    for table in tables:
        found.append(read(table))
        table.done()
    return tuple(found)


def refuse_duplicates(names: Iterable[str], file: Path) -> None:
    """Reject two names that are the same, as a name or as a file's.

    Raises:
        ConfigError: two are.
    """
    seen: dict[str, str] = {}
    for name in names:
        flat = name.replace("/", "-").lower()
        if flat in seen:
            clash = (
                "twice"
                if seen[flat] == name
                else f'beside "{seen[flat]}", with which it would share its files'
            )
            raise ConfigError(f'{file}: there is a check "{name}" {clash}: give one of them another name')
        seen[flat] = name


def closest(word: str, words: Iterable[str]) -> str | None:
    """Return the one of `words` that was probably meant."""
    return next(iter(difflib.get_close_matches(word, list(words), n=1)), None)
