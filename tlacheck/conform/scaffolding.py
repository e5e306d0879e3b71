"""Generation of an adapter to fill in: a method for each action and each variable of a spec.

Until a method is filled in it raises an error that says what is left to do, and replay reports it with
the place in the spec that defines the action or variable. The text passes ruff and mypy as it is.
"""

import keyword
import re
import shlex
import textwrap
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Final

import attrs
import jinja2

from tlacheck.conform.vocabulary import EVENT, Vocabulary, vocabulary_of
from tlacheck.tlc.parse import Definition, Module, Parser
from tlacheck.tlc.spec import Spec, here

__all__ = ["LANGUAGES", "scaffold"]

#: The longest summary of a docstring, and the longest line.
_SUMMARY_MAX, _LINE_MAX = 90, 100
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@attrs.frozen(kw_only=True)
class _Part:
    """An action or a variable, as the templates need it.

    Attributes:
        name: what the spec calls it.
        method: what the adapter calls it.
        arguments: the names of an action's arguments, as the spec gives them.
        where: where the spec says it, `Turnstile.tla:14`.
        comment: what the spec's comment says of it, in one line; empty if there is none.
    """

    name: str
    method: str
    arguments: tuple[str, ...] = ()
    where: str
    comment: str = ""

    @property
    def named(self) -> bool:
        """True if all its arguments can be written as parameters."""
        return all(_is_identifier(argument) for argument in self.arguments)


def scaffold(spec: Spec, *, language: str = "python", parser: Parser | None = None) -> str:
    """Return the text of an adapter for a spec.

    Args:
        spec: the spec; its configuration says which next-state relation counts.
        language: one of LANGUAGES.
        parser: a parser that is warm already; else one is started and ended.

    Raises:
        SpecError: SANY refuses the spec.
        EngineError: the parser died.
        SetupError: there is no JVM or no TLC.
    """
    if parser is None:
        with Parser() as own:
            return scaffold(spec, language=language, parser=own)
    vocabulary = vocabulary_of(spec, parser=parser)
    module = parser.parse(spec)
    actions, variables = _actions(module, vocabulary), _variables(module)
    return LANGUAGES[language](
        spec=here(spec.path),
        options=_options(spec),
        name=_camel(module.name),
        module=module.name,
        about=_oneline(_about(spec)),
        actions=actions,
        variables=variables,
        has_event=EVENT in vocabulary.variables,
    )


def _actions(module: Module, vocabulary: Vocabulary) -> list[_Part]:
    known = {definition.name: definition for definition in module.definitions}
    used: set[str] = {
        "reset",
        "perform",
        "observe",
        "close",
        "fork",
        "variables",
        "declaration",
        "unobserved",
    }
    parts = []
    for name, kinds in vocabulary.actions.items():
        definition = known.get(name) or known.get(f"{name}Event") or _recording(module, name)
        arguments = sorted(frozenset().union(*kinds)) if kinds else []
        parts.append(
            _Part(
                name=name,
                method=_free(_snake(name), used),
                arguments=tuple(arguments),
                where=_where(definition),
                comment=_oneline(_comment(definition, known.get(f"{name}Event"))),
            )
        )
    return parts


def _variables(module: Module) -> list[_Part]:
    used: set[str] = set()
    return [
        _Part(
            name=variable.name,
            method=_free(f"show_{_snake(variable.name)}", used),
            where=f"{PurePosixPath(variable.span.file).name}:{variable.span.line}",
        )
        for variable in module.variables
        if variable.name != EVENT
    ]


def _recording(module: Module, action: str) -> Definition | None:
    """Return the definition that records the action, whatever its name."""
    pattern = re.compile(rf"{EVENT}'\s*=\s*\[\s*action\s*\|->\s*\"{re.escape(action)}\"")
    return next((one for one in module.definitions if pattern.search(one.text)), None)


def _where(definition: Definition | None) -> str:
    if definition is None:
        return "the spec"
    return f"{PurePosixPath(definition.span.file).name}:{definition.span.line}"


def _comment(*definitions: Definition | None) -> str:
    return next((one.comment for one in definitions if one is not None and one.comment), "")


def _about(spec: Spec) -> str:
    """Return the spec's name, for the docstring."""
    return spec.path.name


def _oneline(text: str) -> str:
    """Return the text on one line that is safe in a docstring and in a string of any language."""
    line = " ".join(text.split()).replace("\\", "/").replace('"', "'").replace("`", "'").replace("*/", "* /")
    line = "".join(char for char in line if char.isprintable())
    return line if len(line) <= _SUMMARY_MAX else f"{line[: _SUMMARY_MAX - 3].rstrip()}..."


def _snake(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|\W+", "_", name)
    snake = words.lower().strip("_") or "it"
    return f"{snake}_" if keyword.iskeyword(snake) or not snake.isidentifier() else snake


def _camel(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[\W_]+", name)) or "System"


def _free(name: str, used: set[str]) -> str:
    while name in used:
        name = f"{name}_"
    used.add(name)
    return name


def _is_identifier(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and not keyword.iskeyword(name) and name != "self"


_ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("tlacheck.conform", "templates"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - it writes programs, no pages
)


def _template(name: str) -> Callable[..., str]:
    return lambda **values: _ENVIRONMENT.get_template(name).render(**values)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _docstring(summary: str, more: str) -> str:
    """Return the docstring of a method: on one line if it fits, else with `more` below the summary."""
    indent = " " * 8
    if len(summary) + len(more) + len(indent) + 7 <= _LINE_MAX:
        return f'"""{summary} {more}"""'
    below = textwrap.fill(more, _LINE_MAX, initial_indent=indent, subsequent_indent=indent)
    return f'"""{summary}\n\n{below}\n{indent}"""'


_ENVIRONMENT.filters["listed"] = _listed
_ENVIRONMENT.filters["docstring"] = _docstring

#: Language -> the function that writes an adapter in it.
LANGUAGES: Final[dict[str, Callable[..., str]]] = {
    "python": _template("adapter.py.jinja"),
    "node": _template("adapter.js.jinja"),
}


def _options(spec: Spec) -> list[str]:
    """Return the options that name the configuration and the libraries, each with its value."""
    words = spec.words[1:]
    return [shlex.join(pair) for pair in zip(words[::2], words[1::2], strict=True)]
