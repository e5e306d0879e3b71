"""The text of a TLC configuration: parsing, and replacing the values of constants.

TLC's configurations are a language of their own, poorer than TLA+: a value is a number, a string, a
boolean, a model value or a set of such. Anything else must be defined in a module and taken by name,
`Plan <- ShortPlan`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import attrs

from tlacheck.errors import ConfigError

__all__ = [
    "assigned",
    "configure",
    "named_in",
    "replace_sections",
    "split_values",
    "to_assignment",
    "without_deadlock",
]

_TOKEN = re.compile(r'\\\*[^\n]*|\(\*|"(?:[^"\\\n]|\\.)*"|<-|<<|>>|\w[\w!]*|\S')
_COMMENT_EDGE = re.compile(r"\(\*|\*\)")
_CONSTANT_SECTIONS = frozenset({"CONSTANT", "CONSTANTS"})
_SECTIONS = _CONSTANT_SECTIONS | {
    "ACTION_CONSTRAINT",
    "ACTION_CONSTRAINTS",
    "ALIAS",
    "CHECK_DEADLOCK",
    "CONSTRAINT",
    "CONSTRAINTS",
    "INIT",
    "INVARIANT",
    "INVARIANTS",
    "NEXT",
    "POSTCONDITION",
    "PROPERTIES",
    "PROPERTY",
    "SPECIFICATION",
    "SYMMETRY",
    "TYPE",
    "TYPE_CONSTRAINT",
    "VIEW",
}
_RANGE = re.compile(r"(-?\d+)\s*\.\.\s*(-?\d+)")
_BRACKETS = {"{": "}", "[": "]", "(": ")", "<<": ">>"}


@attrs.frozen
class _Token:
    text: str
    begin: int

    @property
    def end(self) -> int:
        return self.begin + len(self.text)


def configure(text: str, assignments: Mapping[str, str]) -> str:
    """Return the configuration `text` with other values for some constants.

    Existing assignments are replaced in place; new ones are appended. No other line moves.

    Args:
        text: a configuration.
        assignments: constant -> what `to_assignment` gives, `= 3` or `<- Other`.
    """
    parts, done = [], 0
    replaced = set()
    for name, begin, end in _assignments(text):
        if name in assignments:
            parts += [text[done:begin], assignments[name], "\n" * text.count("\n", begin, end)]
            done = end
            replaced.add(name)
    missing = [f"  {name} {value}\n" for name, value in assignments.items() if name not in replaced]
    if missing:
        missing.insert(0, "\nCONSTANTS\n")
    return "".join([*parts, text[done:], *missing])


def assigned(text: str) -> tuple[tuple[str, str], ...]:
    """List the constants to which a configuration gives a value, each with what follows its name: `= 3`."""
    return tuple((name, text[begin:end]) for name, begin, end in _assignments(text))


def without_deadlock(text: str) -> tuple[str, bool]:
    """Return the configuration without its section CHECK_DEADLOCK, and whether that allows the check.

    No other line moves.
    """
    checks = True
    for begin, tokens in _parts(text):
        if begin.text == "CHECK_DEADLOCK":
            checks = [token.text for token in tokens] != ["FALSE"]
            end = tokens[-1].end if tokens else begin.end
            blank = "".join("\n" if each == "\n" else " " for each in text[begin.begin : end])
            text = f"{text[: begin.begin]}{blank}{text[end:]}"
    return text, checks


def named_in(text: str, section: str) -> tuple[str, ...]:
    """List the names in a configuration's sections of one kind, `INVARIANT` or `INVARIANTS`."""
    return tuple(
        token.text for begin, tokens in _parts(text) if _kind(begin.text) == section for token in tokens
    )


def replace_sections(text: str, sections: Mapping[str, Sequence[str]]) -> str:
    """Return the configuration `text` with some sections replaced and moved to the end.

    Args:
        text: a configuration.
        sections: section, in the singular -> the names that it lists; without names it is left out.
    """
    parts, done = [], 0
    for begin, tokens in _parts(text):
        if _kind(begin.text) in sections:
            parts.append(text[done : begin.begin])
            done = tokens[-1].end if tokens else begin.end
    kept = "".join([*parts, text[done:]])
    kept = "".join(f"{line}\n" for line in kept.splitlines() if line.strip())
    added = (f"{section} {' '.join(names)}\n" for section, names in sections.items() if names)
    return kept + "".join(added)


def _kind(section: str) -> str:
    """The section's name in the singular."""
    return {"PROPERTIES": "PROPERTY"}.get(section, section.removesuffix("S"))


def _parts(text: str) -> Iterator[tuple[_Token, list[_Token]]]:
    """Yield each section's keyword and its contents."""
    section: _Token | None = None
    tokens: list[_Token] = []
    for token in _tokens(text):
        if token.text in _SECTIONS:
            if section is not None:
                yield section, tokens
            section, tokens = token, []
        else:
            tokens.append(token)
    if section is not None:
        yield section, tokens


def to_assignment(value: str) -> str:
    """Return the assignment that gives a constant this value: `= 3`, `<- Other`.

    Args:
        value: a value as a configuration writes it; or `<- Name` to take a definition instead.

    Raises:
        ConfigError: a configuration cannot say that.
    """
    tokens = list(_tokens(value))
    hint = "define it in the module, under a name, and give `<- name`"
    if tokens and tokens[0].text == "<-":
        if len(tokens) != 2 or not _is_name(tokens[1]):
            raise ConfigError(f"{value!r} takes no definition: after <- comes its name, and nothing else")
        return f"<- {tokens[1].text}"
    if len(tokens) > 1 and tokens[0].text == "-":
        raise ConfigError(f"TLC's configurations know no negative number such as {value}: {hint}")
    if not tokens or _value_end(tokens, 0) != len(tokens):
        wanted = "a number, a string, TRUE or FALSE, a model value or a set of such"
        raise ConfigError(f"{value!r} is no value of a TLC configuration, which is {wanted}: {hint}")
    return f"= {value.strip()}"


def split_values(text: str) -> tuple[str, ...]:
    """Split a list of values: `1..3,8` gives four, `{p1},{p1,p2}` gives two.

    Raises:
        ConfigError: a bracket or a string is not closed, a value is missing, or a range is empty.
    """
    values: list[str] = []
    for item in _items(text):
        if not item:
            raise ConfigError(f"a value is missing in {text!r}: values are separated by one comma each")
        if bounds := _RANGE.fullmatch(item):
            first, last = int(bounds[1]), int(bounds[2])
            if first > last:
                raise ConfigError(f"{item} is empty: a range counts up")
            values += map(str, range(first, last + 1))
        else:
            values.append(item)
    return tuple(values)


def _items(text: str) -> Iterator[str]:
    """Yield the texts between the commas that are outside brackets and strings."""
    begin, open_brackets = 0, []
    for token in _tokens(text):
        if token.text in _BRACKETS:
            open_brackets.append(_BRACKETS[token.text])
        elif token.text in _BRACKETS.values() and (not open_brackets or open_brackets.pop() != token.text):
            raise ConfigError(f"{token.text} closes nothing in {text!r}")
        elif token.text == '"':
            raise ConfigError(f"a string is not closed in {text!r}")
        elif token.text == "," and not open_brackets:
            yield text[begin : token.begin].strip()
            begin = token.end
    if open_brackets:
        raise ConfigError(f"{open_brackets[-1]} is missing in {text!r}")
    yield text[begin:].strip()


def _tokens(text: str) -> Iterator[_Token]:
    """Yield the words and signs, without comments."""
    position = 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        if match[0] == "(*":
            position = _comment_end(text, position)
        elif not match[0].startswith("\\*"):
            yield _Token(match[0], match.start())


def _comment_end(text: str, position: int) -> int:
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(text, position)):
        depth += 1 if edge[0] == "(*" else -1
        position = edge.end()
    return len(text) if depth else position


def _assignments(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each assigned constant, and where the text after its name begins and ends."""
    tokens = list(_tokens(text))
    section, index = "", 0
    while index < len(tokens):
        token = tokens[index]
        index += 1
        if token.text in _SECTIONS:
            section = token.text
        elif section in _CONSTANT_SECTIONS and _is_name(token) and index < len(tokens):
            sign = tokens[index]
            if sign.text not in ("=", "<-"):
                continue
            end = _value_end(tokens, index + 1) if sign.text == "=" else _source_end(tokens, index + 1)
            if end > index + 1:
                yield token.text, sign.begin, tokens[end - 1].end
            index = end


def _is_name(token: _Token) -> bool:
    return bool(re.match(r"\w", token.text)) and not token.text.isdecimal() and token.text not in _SECTIONS


def _source_end(tokens: list[_Token], index: int) -> int:
    """Return the end of the name of a definition: `Other`, or `[Module]Other`."""
    if [token.text for token in tokens[index : index + 3 : 2]] == ["[", "]"]:
        index += 3
    return index + 1 if index < len(tokens) and _is_name(tokens[index]) else index


def _value_end(tokens: list[_Token], index: int) -> int:
    """Return the end of the value that begins at `index`; `index` itself if none begins there."""
    if index >= len(tokens):
        return index
    first = tokens[index].text
    if first != "{":
        is_value = first.isdecimal() or (first[0] == '"' and len(first) > 1) or _is_name(tokens[index])
        return index + 1 if is_value else index
    inner = index + 1
    if inner < len(tokens) and tokens[inner].text == "}":
        return inner + 1
    while (after := _value_end(tokens, inner)) > inner and after < len(tokens):
        if tokens[after].text == "}":
            return after + 1
        if tokens[after].text != ",":
            break
        inner = after + 1
    return index
