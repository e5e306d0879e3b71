"""The text form of scenarios: blocks of directives with their output, and what a protocol adds to it.

A file is a list of blocks, separated by blank lines:

    # A comment.
    start
    request c1 acquire client=c1
    ----
    4 nodes: s, c1, c2, c3
    c1 takes Acquire(client='c1')
      Send Acquire(client='c1') to s
      spec: Acquire(c = c1)

Above `----` stand directives, a line each: a name, words, and options `key=value`. Below it stands what they
print, to the next blank line. A value is a whole number, `true` or `false`, a text (in double quotes if it
has blanks), or a list in parentheses.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.errors import ConfigError
from tlacheck.sim import text_of

__all__ = [
    "Block",
    "Directive",
    "Line",
    "Scalar",
    "ScenarioSyntax",
    "parse_line",
    "read_blocks",
    "write_blocks",
]

#: A word or the value of an option.
Scalar: TypeAlias = int | bool | str | tuple["Scalar", ...]

_RULE: Final = "----"
_PART: Final = re.compile(r'(?:([A-Za-z_][\w.\-]*)=)?(?:"([^"]*)"|\(([^()]*)\)|([^\s"()=]+))(?=\s|$)')


@attrs.frozen
class Line:
    """One directive of a file.

    Attributes:
        place: file and line number, `FILE:LINE`, for messages.
        text: as it is written.
        name: of the directive.
        words: its words, in order.
        options: its options.
    """

    place: str
    text: str
    name: str
    words: tuple[Scalar, ...] = ()
    options: Mapping[str, Scalar] = immutabledict()

    def option(self, name: str, default: Any, kind: type[Any]) -> Any:
        """The value of an option, or its default.

        Raises:
            ConfigError: the value is of another kind.
        """
        return self._checked(name, self.options[name], kind) if name in self.options else default

    def word(self, position: int, kind: type[Any] = str) -> Any:
        """One of the words.

        Raises:
            ConfigError: it is of another kind.
        """
        return self._checked(f"word {position + 1}", self.words[position], kind)

    def error(self, why: str) -> ConfigError:
        """The error that this directive cannot be carried out."""
        return ConfigError(f"{self.place}: {self.text}: {why}")

    def _checked(self, name: str, value: Scalar, kind: type[Any]) -> Any:
        if type(value) is not kind:
            meant = {int: "a whole number", bool: "true or false", str: "a text", tuple: "a list in ()"}[kind]
            raise self.error(f"{name} is {meant}, not {text_of(value)}")
        return value


@attrs.frozen
class Block:
    """Directives and their output.

    Attributes:
        lead: the lines before it: blank ones and comments.
        lines: the text above the rule, as it is written; comments are among it.
        directives: those lines that are directives.
        output: the lines below the rule.
    """

    lead: tuple[str, ...]
    lines: tuple[str, ...]
    directives: tuple[Line, ...]
    output: tuple[str, ...]


@attrs.frozen
class Directive:
    """A kind of line of a scenario.

    Attributes:
        usage: its name and what it takes: `deliver [from=NODE] [first=N]`, `show [NODE…]`. An upper-case word
            is one word, one in brackets need not be there, `…` stands for any number of them, `KEY=VALUE` for
            any option.
        help: one sentence.
        run: from the `Scene` (tlacheck.harness.scenario) and the line to the lines that it prints.
    """

    usage: str
    help: str
    run: Callable[[Any, Line], Iterable[str]]

    @property
    def name(self) -> str:
        """The first word of the usage."""
        return self.usage.partition(" ")[0]

    def check(self, line: Line) -> None:
        """Compare a line with the usage.

        Raises:
            ConfigError: the line has too few or too many words, or an option that the directive has not.
        """
        parts = self.usage.split()[1:]
        options = {part.strip("[]…").partition("=")[0] for part in parts if "=" in part}
        words = [part for part in parts if "=" not in part]
        least = sum(not part.startswith("[") for part in words)
        most = None if any("…" in part for part in words) else len(words)
        strange = [] if "KEY" in options else sorted(set(line.options) - options)
        count = len(line.words)
        if strange or count < least or (most is not None and count > most):
            why = f"no option {', '.join(strange)}" if strange else f"{count} words"
            raise line.error(f"{why}; the usage is: {self.usage}")


@attrs.frozen(kw_only=True)
class ScenarioSyntax:
    """The vocabulary of a protocol in scenarios.

    Attributes:
        inputs: name -> a function of options to an input, for `request NODE NAME key=value…`.
        messages: name -> a function of options to a message, for `send SOURCE DEST NAME key=value…`.
        directives: further directives.
        text: the text of a state, an input, an effect or a message. An effect with an empty text is not
            printed.
    """

    inputs: Mapping[str, Callable[..., Any]] = immutabledict()
    messages: Mapping[str, Callable[..., Any]] = immutabledict()
    directives: Sequence[Directive] = ()
    text: Callable[[Any], str] = text_of


def parse_line(text: str, place: str) -> Line:
    """The directive of one line.

    Raises:
        ConfigError: the line is not written as one.
    """
    name, _, rest = text.strip().partition(" ")
    words: list[Scalar] = []
    options: dict[str, Scalar] = {}
    position, rest = 0, rest.strip()
    while position < len(rest):
        found = _PART.match(rest, position)
        if found is None:
            raise ConfigError(
                f"{place}: {text.strip()}: cannot read {rest[position:]!r}: write words and options "
                "key=value, "
                'texts with blanks in "", lists in ()'
            )
        key, quoted, listed, plain = found.groups()
        value = _value(quoted, listed, plain)
        if key is None:
            words.append(value)
        elif key in options:
            raise ConfigError(f"{place}: {text.strip()}: the option {key} is there twice")
        else:
            options[key] = value
        position = found.end() + len(rest[found.end() :]) - len(rest[found.end() :].lstrip())
    return Line(place, text.strip(), name, tuple(words), immutabledict(options))


def _value(quoted: str | None, listed: str | None, plain: str) -> Scalar:
    if quoted is not None:
        return quoted
    if listed is not None:
        return tuple(_plain(each.strip().strip('"')) for each in listed.split(",") if each.strip())
    return _plain(plain)


def _plain(text: str) -> Scalar:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"-?\d+", text) else text


def read_blocks(text: str, file: Path) -> list[Block]:
    """The blocks of a file; the last one may have no directives, and holds the comments at its end.

    Raises:
        ConfigError: a block has no rule, or a rule no directives.
    """
    blocks = []
    rows = list(enumerate(text.splitlines(), start=1))
    while rows:
        lead = _taken(rows, lambda line: not line.strip() or line.startswith("#"))
        above = _taken(rows, lambda line: bool(line.strip()) and line != _RULE)
        if not above:
            if rows:
                raise ConfigError(f"{file}:{rows[0][0]}: {_RULE} without a directive above it")
            blocks.append(Block(tuple(line for _, line in lead), (), (), ()))
            break
        if not rows or rows[0][1] != _RULE:
            number, line = above[-1]
            raise ConfigError(
                f"{file}:{number}: no line {_RULE} after {line!r}: below it stands what is printed"
            )
        del rows[0]
        below = _taken(rows, lambda line: bool(line.strip()))
        blocks.append(
            Block(
                lead=tuple(line for _, line in lead),
                lines=tuple(line for _, line in above),
                directives=tuple(
                    parse_line(line, f"{file}:{number}") for number, line in above if not line.startswith("#")
                ),
                output=tuple(line for _, line in below),
            )
        )
    return blocks


def _taken(rows: list[tuple[int, str]], fits: Callable[[str], bool]) -> list[tuple[int, str]]:
    """The first rows that fit, which are taken away."""
    count = next((place for place, (_, line) in enumerate(rows) if not fits(line)), len(rows))
    found = rows[:count]
    del rows[:count]
    return found


def write_blocks(blocks: Iterable[Block]) -> str:
    """The text of a file."""

    def lines() -> Iterator[str]:
        for block in blocks:
            yield from block.lead
            if block.lines:
                yield from (*block.lines, _RULE, *block.output)

    return "".join(f"{line}\n" for line in lines())
