"""`mutate.toml` beside a protocol or a spec: what is mutated, and which mutants a person has looked at.

```toml
modules = ["queue.core"]

[[equivalent]]
mutant = "queue.core:admit:weaken-comparison:1"
change = "count < len(order) -> count <= len(order)"
why = "len(order) is never reached: each client waits at most once"

[[not_judged]]
mutants = "queue.core:_reason:*"
why = "the words of a refusal are for people; that there is one is judged"
```

An entry that fits no mutant any more, or whose change is another one, is an error: somebody must look again.
"""

import fnmatch
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

import attrs

from tlacheck import tables
from tlacheck.errors import ConfigError
from tlacheck.mutants.mutation import source_file

__all__ = ["NAME", "Equivalent", "NotJudged", "Reviewed", "review_file", "reviewed"]

#: The name of the file.
NAME = "mutate.toml"


class _Mutant(Protocol):
    """A mutant of code or of a spec."""

    @property
    def name(self) -> str: ...

    @property
    def change(self) -> str: ...


@attrs.frozen(kw_only=True)
class Equivalent:
    """A mutant that makes no difference: its name, its change, and why."""

    mutant: str
    change: str
    why: str


@attrs.frozen(kw_only=True)
class NotJudged:
    """Mutants of what no layer is meant to judge: a pattern for their names, and why."""

    mutants: str
    why: str


@attrs.frozen(kw_only=True)
class Reviewed:
    """The contents of `mutate.toml`.

    Attributes:
        file: where it is, or would be.
        modules: what is mutated, by import names; with `.*` at the end all below a package.
        equivalent: the mutants that make no difference.
        not_judged: those of what is not judged.
    """

    file: Path
    modules: tuple[str, ...] = ()
    equivalent: tuple[Equivalent, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()

    def reason(self, mutant: _Mutant) -> Equivalent | NotJudged | None:
        """The entry about a mutant."""
        for entry in self.equivalent:
            if (entry.mutant, entry.change) == (mutant.name, mutant.change):
                return entry
        for pattern in self.not_judged:
            if fnmatch.fnmatchcase(mutant.name, pattern.mutants):
                return pattern
        return None

    def refuse_stale(self, mutants: Sequence[_Mutant], modules: Collection[str]) -> None:
        """Refuse entries that fit no mutant.

        Args:
            mutants: all those of the modules.
            modules: entries about other modules are not looked at.

        Raises:
            ConfigError: an entry fits none, or its change is another one now.
        """
        changes = {each.name: each.change for each in mutants}
        for entry in self.equivalent:
            if entry.mutant.partition(":")[0] in modules and changes.get(entry.mutant) != entry.change:
                now = (
                    f"is {changes[entry.mutant]!r} now"
                    if entry.mutant in changes
                    else "is no mutant any more"
                )
                raise ConfigError(
                    f"{self.file}: {entry.mutant} is listed as equivalent with {entry.change!r}, and {now}. "
                    "Look at it again, then change or remove the entry"
                )
        for pattern in self.not_judged:
            module = pattern.mutants.partition(":")[0]
            if module in modules and not fnmatch.filter(changes, pattern.mutants):
                raise ConfigError(
                    f"{self.file}: {pattern.mutants!r} fits no mutant any more: remove the entry"
                )


def review_file(of: str) -> Path:
    """The place of `mutate.toml`: in the package, or beside the module, that declares the protocol.

    Raises:
        ConfigError: there is no such package or module.
    """
    module, colon, _ = of.partition(":")
    return (source_file(module) if colon else source_file(f"{module}.__init__")).parent / NAME


def reviewed(file: Path) -> Reviewed:
    """Read a `mutate.toml`; if there is none, nothing is reviewed.

    Raises:
        ConfigError: it cannot be read, has unknown keys, or gives no reason.
    """
    if not file.is_file():
        return Reviewed(file=file)
    table = tables.load(file)
    modules = table.optional("modules", list) or []
    if not all(isinstance(each, str) for each in modules):
        table.refuse('"modules" is a list of import names')
    equivalent = tuple(_equivalent(each) for each in table.tables("equivalent", "mutant"))
    not_judged = tuple(_not_judged(each) for each in table.tables("not_judged", "mutants"))
    table.done()
    return Reviewed(file=file, modules=tuple(modules), equivalent=equivalent, not_judged=not_judged)


def _equivalent(table: tables.Table) -> Equivalent:
    found = Equivalent(
        mutant=table.required("mutant", str),
        change=table.required("change", str),
        why=_reason(table),
    )
    table.done()
    return found


def _not_judged(table: tables.Table) -> NotJudged:
    found = NotJudged(mutants=table.required("mutants", str), why=_reason(table))
    table.done()
    if found.mutants.count(":") < 2:
        table.refuse(f'"mutants" is {found.mutants!r}; name a function: module:function:*')
    return found


def _reason(table: tables.Table) -> str:
    why = table.required("why", str)
    if not why.strip():
        table.refuse('"why" is empty: say why no check can tell, so that others can examine it')
    return why
