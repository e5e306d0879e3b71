"""Mutants of a spec's modules, one for each edit of a definition that a behaviour rests on."""

import difflib
import functools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from tlacheck.mutate.spec.operators import Edit, edits
from tlacheck.tlc._source import Source
from tlacheck.tlc.parse import Definition, Level, Module, Span

__all__ = ["SpecMutant", "beginning", "mutants_of", "reached"]


@attrs.frozen(kw_only=True)
class SpecMutant:
    """A module with one edit.

    Attributes:
        name: `Module:Definition:operator:number`, the number counting the operator's edits within the
            definition. It stays as long as the definition does.
        file: the module's file.
        definition: the name of the definition.
        operator: which made it.
        line: where the edit begins, from 1 on.
        old: the text that is replaced.
        new: the text in its place.
        source: the whole module with the edit.
    """

    name: str
    file: Path
    definition: str
    operator: str
    line: int
    old: str
    new: str
    source: str = attrs.field(repr=False)
    before: str = attrs.field(repr=False)

    @property
    def module(self) -> str:
        """The module's name."""
        return self.file.stem

    @property
    def change(self) -> str:
        """The edit in one line."""
        return f"{' '.join(self.old.split())} -> {' '.join(self.new.split())}"

    def diff(self) -> str:
        """The edit as a unified diff, without context."""
        lines = difflib.unified_diff(
            self.before.splitlines(), self.source.splitlines(), self.file.name, self.name, n=0, lineterm=""
        )
        return "\n".join(line.rstrip() for line in lines)


def reached(module: Module, roots: Iterable[str], replaced: Mapping[str, str]) -> frozenset[str]:
    """The definitions that an expression may evaluate that uses some of them.

    Args:
        module: parsed with expressions.
        roots: the names that it uses.
        replaced: definition or constant -> the definition that a configuration puts in its place.
    """
    bodies = {each.name: each.body for each in module.definitions if each.body is not None}
    found: set[str] = set()
    todo = list(roots)
    while todo:
        name = replaced.get(name := todo.pop(), name)
        if name in found or name not in bodies:
            continue
        found.add(name)
        todo += [used for node in bodies[name].walk() for used in (node.uses, node.operator) if used]
    return frozenset(found)


def mutants_of(module: Module, *, steps: Collection[str], initial: Collection[str]) -> tuple[SpecMutant, ...]:
    """All mutants of some definitions, in the order of modules and lines, each edit once.

    Args:
        module: parsed with expressions.
        steps: the names of the definitions on which steps and fairness rest.
        initial: of those on which initial states rest.
    """
    variables = frozenset(each.name for each in module.variables)
    seen: set[tuple[Span, str]] = set()
    numbers: Counter[tuple[str, str, str]] = Counter()
    found = []
    for definition in module.definitions:
        if definition.name not in steps and definition.name not in initial:
            continue
        source = _source(Path(definition.span.file))
        for edit in edits(
            definition, source.piece, variables=variables, is_initial=definition.name not in steps
        ):
            if edit.text == source.piece(edit.span) or (edit.span, edit.text) in seen:
                continue
            seen.add((edit.span, edit.text))
            numbers[definition.module, definition.name, edit.operator] += 1
            number = numbers[definition.module, definition.name, edit.operator]
            found.append(_mutant(edit, source, number))
    return tuple(found)


class _Text(Source):
    """The text of a module, of which pieces are read and replaced."""

    def piece(self, span: Span) -> str:
        return self.between(span.line, span.column, span.end_line, span.end_column)

    def replaced(self, span: Span, new: str) -> str:
        """The text with another in the place of a piece; what follows stays where it is, if it can."""
        old = self.piece(span)
        *lines, last = old.split("\n")
        if lines:
            # The columns of what follows count from the beginning of its line.
            new += "\n" * len(lines) + " " * len(last)
        return self.with_piece(span.line, span.column, span.end_line, span.end_column, new.ljust(len(old)))


@functools.lru_cache(maxsize=16)
def _source(path: Path) -> _Text:
    return _Text.read(path)


def _mutant(edit: Edit, source: _Text, number: int) -> SpecMutant:
    definition = edit.definition
    file = Path(edit.span.file)
    return SpecMutant(
        name=f"{file.stem}:{definition.name}:{edit.operator}:{number}",
        file=file,
        definition=definition.name,
        operator=edit.operator,
        line=edit.span.line,
        old=source.piece(edit.span),
        new=edit.text,
        source=source.replaced(edit.span, edit.text),
        before=source.text,
    )


def beginning(module: Module, formula: Definition) -> Iterator[str]:
    r"""The names that the initial predicate of a formula `Init /\ [][Next]_v /\ ...` uses."""
    if formula.body is None:
        return
    todo = [formula.body]
    while todo:
        node = todo.pop()
        if node.operator in ("$ConjList", "\\land"):
            todo += node.operands
        elif node.level in (Level.CONSTANT, Level.STATE):
            yield from (each.uses or each.operator for each in node.walk())
        elif node.uses and node.level is Level.TEMPORAL:
            todo += [each.body for each in module.definitions if each.name == node.uses and each.body]
