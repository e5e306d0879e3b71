"""In-place writing of pins into a manifest: comments, order and everything else stay as they are."""

import os
import re
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from tlacheck.errors import ConfigError
from tlacheck.verify.manifest import PINS, Model, Pins, read_manifest

__all__ = ["Change", "record"]

_ENTRY = re.compile(r"\s*\[\[\s*model\s*\]\]")
_HEADER = re.compile(r"\s*\[")
_KEY = re.compile(r"\s*([A-Za-z_]+)\s*=")
_NUMBER = re.compile(r"(?P<before>\s*\w+\s*=\s*)(?P<number>[+\d_]+)(?P<after>.*)", re.DOTALL)
#: The line after which the first pin of an entry goes, the best place first.
_ANCHORS = ("violates", "expect", "what", "config")


@attrs.frozen
class Change:
    """One pin that was written: `before` is None if it is new."""

    model: str
    pin: str
    before: int | None
    after: int

    def __str__(self) -> str:
        was = "not pinned before" if self.before is None else f"was {self.before:,}"
        return f"{self.model}: {self.pin} = {self.after:,} ({was})"


def record(found: Iterable[tuple[Model, Pins]]) -> tuple[Change, ...]:
    """Write the numbers found as the pins of their models.

    Returns:
        What differs from before. A manifest in which nothing differs is not touched.

    Raises:
        ConfigError: a manifest is laid out so that it cannot be edited safely, or its models are others
            than when it was read; it is left alone.
    """
    by_file: dict[Path, list[tuple[Model, Pins]]] = {}
    for model, pins in found:
        by_file.setdefault(model.manifest, []).append((model, pins))
    changes: list[Change] = []
    for file, entries in by_file.items():
        differing = [
            Change(model.name, pin, model.pins.get(pin), pins[pin])
            for model, pins in entries
            for pin in PINS
            if pin in pins and pins[pin] != model.pins.get(pin)
        ]
        if differing:
            _refuse_if_changed(file, [model for model, _ in entries])
            _rewrite(file, {model.position: pins for model, pins in entries})
            changes += differing
    return tuple(changes)


def _refuse_if_changed(file: Path, models: Iterable[Model]) -> None:
    now = {model.position: model for model in read_manifest(file)}
    for model in models:
        found = now.get(model.position)
        if found is None or found.config != model.config:
            raise ConfigError(
                f"{file} was changed while its models were checked: entry {model.position + 1} was "
                f"{model.config.name} and is {found.config.name if found else 'gone'}. No pin was "
                "written; check again"
            )


def _rewrite(file: Path, pins: Mapping[int, Pins]) -> None:
    text = file.read_bytes().decode()
    edited = _edited(text, pins)
    wanted = tomllib.loads(text)
    for position, numbers in pins.items():
        wanted["model"][position].update(numbers)
    try:
        reached = tomllib.loads(edited)
    except tomllib.TOMLDecodeError:
        reached = {}
    if reached != wanted:
        raise ConfigError(
            f"{file} cannot be edited line by line: write each pin on a line of its own under [[model]]"
        )
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".manifest-")
    with os.fdopen(descriptor, "wb") as scratch:
        scratch.write(edited.encode())
    os.chmod(name, file.stat().st_mode)  # noqa: PTH101 - beside the descriptor's name, a string
    Path(name).replace(file)


def _edited(text: str, pins: Mapping[int, Pins]) -> str:
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if _ENTRY.match(line)]
    for position in sorted(pins, reverse=True):  # from the end, so that earlier line numbers stay right
        if position >= len(starts):
            continue  # not written as [[model]]; the comparison afterwards rejects it
        start = starts[position] + 1
        end = next(
            (number for number in range(start, len(lines)) if _HEADER.match(lines[number])), len(lines)
        )
        lines[start:end] = _with_pins(lines[start:end], pins[position])
    return "".join(lines)


def _with_pins(lines: list[str], pins: Pins) -> list[str]:
    lines = list(lines)
    for pin in PINS:
        if pin not in pins:
            continue
        at = _line_of(lines, pin)
        if at is None:
            ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
            place = _place_for(pin, lines)
            if place and not lines[place - 1].endswith("\n"):
                lines[place - 1] += ending
            lines.insert(place, f"{pin} = {pins[pin]}{ending}")
        elif match := _NUMBER.fullmatch(lines[at]):
            number = f"{pins[pin]:_}" if "_" in match["number"] else str(pins[pin])
            lines[at] = f"{match['before']}{number}{match['after']}"
    return lines


def _place_for(pin: str, lines: list[str]) -> int:
    """Return the place for a new pin: among the other pins in order, or after the key it belongs to."""
    index = PINS.index(pin)
    for key in reversed(PINS[:index]):
        if (found := _line_of(lines, key)) is not None:
            return found + 1
    for key in PINS[index + 1 :]:
        if (found := _line_of(lines, key)) is not None:
            return found
    return next((found + 1 for key in _ANCHORS if (found := _line_of(lines, key)) is not None), 0)


def _line_of(lines: list[str], key: str) -> int | None:
    return next(
        (at for at, line in enumerate(lines) if (match := _KEY.match(line)) and match[1] == key), None
    )
