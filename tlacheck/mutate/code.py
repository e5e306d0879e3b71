"""Mutants of a module's source, one for each edit of its syntax tree."""

import ast
import difflib
import functools
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs

from tlacheck.errors import ConfigError
from tlacheck.mutants.mutation import source_file
from tlacheck.mutate.operators import Edit, edits

__all__ = ["CodeMutant", "modules_like", "mutants_of", "mutants_of_source"]


@attrs.frozen(kw_only=True)
class CodeMutant:
    """A module with one edit.

    Attributes:
        name: `module:function:operator:number`, the number counting the operator's edits within the function.
            It stays as long as the function does.
        module: the module's import name.
        function: the qualified name of the function; `<module>` outside of any.
        operator: which made it.
        line: where the edit begins, from 1 on.
        statement: the line of the statement around it; 0 outside of functions.
        old: the text that is replaced.
        new: the text in its place.
        source: the whole module with the edit.
    """

    name: str
    module: str
    function: str
    operator: str
    line: int
    statement: int
    old: str
    new: str
    source: str = attrs.field(repr=False)
    before: str = attrs.field(repr=False)

    @property
    def change(self) -> str:
        """The edit in one line, as `mutate.toml` quotes it."""
        return f"{' '.join(self.old.split())} -> {' '.join(self.new.split())}"

    def diff(self) -> str:
        """The edit as a unified diff, without context."""
        lines = difflib.unified_diff(
            self.before.splitlines(), self.source.splitlines(), self.module, self.name, n=0, lineterm=""
        )
        return "\n".join(lines)


def mutants_of(module: str) -> tuple[CodeMutant, ...]:
    """All mutants of a module, in the order of its source.

    Args:
        module: its import name; it is found on the path and not imported.

    Raises:
        ConfigError: there is no such module, or it is no Python.
    """
    return _of_file(module, source_file(module))


@functools.lru_cache(maxsize=64)
def _of_file(module: str, path: Path) -> tuple[CodeMutant, ...]:
    try:
        return mutants_of_source(module, path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise ConfigError(f"{path}, line {error.lineno}: {error.msg}; nothing can be mutated") from error


def mutants_of_source(module: str, source: str) -> tuple[CodeMutant, ...]:
    """All mutants of a text, each edit once.

    Raises:
        SyntaxError: the text is no Python.
    """
    tree = ast.parse(source)
    seen: set[tuple[int, int, str]] = set()
    numbers: Counter[tuple[str, str]] = Counter()
    found = []
    for edit in edits(tree):
        start, end = _offset(source, edit.start.lineno, edit.start.col_offset), _end(source, edit)
        if (start, end, edit.text) in seen:
            continue
        seen.add((start, end, edit.text))
        numbers[edit.function, edit.operator] += 1
        found.append(
            CodeMutant(
                name=f"{module}:{edit.function}:{edit.operator}:{numbers[edit.function, edit.operator]}",
                module=module,
                function=edit.function,
                operator=edit.operator,
                line=edit.start.lineno,
                statement=edit.statement,
                old=source[start:end],
                new=edit.text,
                source=source[:start] + edit.text + source[end:],
                before=source,
            )
        )
    return tuple(found)


def _end(source: str, edit: Edit) -> int:
    if edit.end.end_lineno is None or edit.end.end_col_offset is None:
        raise ValueError(f"{edit.operator} in {edit.function} has no end")
    return _offset(source, edit.end.end_lineno, edit.end.end_col_offset)


def _offset(source: str, line: int, column: int) -> int:
    """The place of a character; columns of syntax trees count the bytes of UTF-8."""
    starts = _starts(source)
    text = source[starts[line - 1] : starts[line]] if line < len(starts) else source[starts[line - 1] :]
    return starts[line - 1] + len(text.encode()[:column].decode())


@functools.lru_cache(maxsize=4)
def _starts(source: str) -> tuple[int, ...]:
    """The places where lines start. `ast` counts lines by newlines alone."""
    lengths = (len(line) + 1 for line in source.split("\n"))
    return tuple(itertools.accumulate(lengths, initial=0))


def modules_like(pattern: str) -> Iterator[str]:
    """The modules that a name stands for: itself, or with `.*` at its end all below a package.

    Raises:
        ConfigError: there is none.
    """
    if not pattern.endswith(".*"):
        source_file(pattern)
        yield pattern
        return
    package = pattern.removesuffix(".*")
    folder = source_file(f"{package}.__init__").parent
    for path in sorted(folder.rglob("*.py")):
        if path.name != "__init__.py":
            yield ".".join((package, *path.relative_to(folder).with_suffix("").parts))
