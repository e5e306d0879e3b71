"""Configurations of TLC: files, and those that a manifest derives from files.

A model that must fail differs from one that holds by one weakened rule. Its row in `manifest.toml` names the
configuration that it starts from, its `base`, and says what it replaces; the configuration is made from both
and has no file:

    [[model]]
    spec = "MCRaftMutants.tla"
    config = "mutant_any_log.cfg"
    base = "elections.cfg"
    constants = { LogIsUpToDate = "<- AnyLogIsUpToDate" }
    expect = "violated"
    violates = "LeaderCompleteness"

| key                                               | replaces                                              |
|---------------------------------------------------|-------------------------------------------------------|
| `constants`                                       | the values of some constants: `"3"`, `"<- Definition"` |
| `specification`, `view`, `symmetry`               | that section; an empty text leaves it out             |
| `invariants`, `properties`                        | what is checked; an empty list leaves it out          |
| `constraints`, `action_constraints`               | what bounds the states                                |

A row that names a violated property and neither `invariants` nor `properties` checks that property alone. Any
other row checks what its base checks. A base may itself be derived.

Wherever a configuration is named by its path, a derived one can be named so too:
`specs/raft/mutant_any_log.cfg`.
"""

import difflib
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self, TypeVar

import attrs
from immutabledict import immutabledict

from tlacheck.errors import ConfigError
from tlacheck.tables import Table, load
from tlacheck.tlc._configuration import (
    assigned,
    configure,
    named_in,
    replace_sections,
    split_values,
    to_assignment,
)

__all__ = ["MANIFEST", "Constants", "Derivation", "configuration_text", "derived", "is_configuration"]

_T = TypeVar("_T")

#: The file that derives the configurations of its folder.
MANIFEST: Final = "manifest.toml"

#: Keys that name one definition, and those that list several, with TLC's sections.
_ONE: Final = {"specification": "SPECIFICATION", "view": "VIEW", "symmetry": "SYMMETRY"}
_SEVERAL: Final = {
    "invariants": "INVARIANT",
    "properties": "PROPERTY",
    "constraints": "CONSTRAINT",
    "action_constraints": "ACTION_CONSTRAINT",
}
#: The longest chain of derived configurations.
_DEPTH_MAX: Final = 8


@attrs.frozen(kw_only=True)
class Derivation:
    """One row's configuration, as a change of another one.

    Attributes:
        base: the name of the configuration that it starts from.
        constants: constant -> what the configuration writes after its name, `= 3` or `<- Other`.
        sections: TLC's section -> the names in it; none leaves the section out.
        violates: the property that alone is checked; empty if `sections` or the base say what is.
        what: one line for a reader.
    """

    base: str
    constants: Mapping[str, str]
    sections: Mapping[str, Sequence[str]]
    violates: str
    what: str

    @classmethod
    def read(cls, table: Table) -> "Derivation | None":
        """Read the derivation in a row of a manifest; None if the row has no `base`.

        Raises:
            ConfigError: a key has no usable value, or there are replacements without a base.
        """
        base = table.optional("base", str)
        constants = {
            name: _assignment(table, name, value)
            for name, value in (table.optional("constants", dict) or {}).items()
        }
        sections: dict[str, Sequence[str]] = {}
        for key, section in _ONE.items():
            if (name := table.optional(key, str)) is not None:
                sections[section] = (name,) if name else ()
        for key, section in _SEVERAL.items():
            if (names := table.optional(key, list)) is not None:
                if not all(isinstance(name, str) for name in names):
                    table.refuse(f'"{key}" is a list of names')
                sections[section] = tuple(names)
        if base is None:
            if constants or sections:
                table.refuse(
                    'there are replacements without a "base": name the configuration that they change'
                )
            return None
        says = "INVARIANT" in sections or "PROPERTY" in sections
        return cls(
            base=base,
            constants=immutabledict(constants),
            sections=immutabledict(sections),
            violates="" if says else table.optional("violates", str) or "",
            what=table.optional("what", str) or "",
        )

    @property
    def is_empty(self) -> bool:
        """True if the row replaces nothing."""
        return not self.constants and not self.sections

    def of(self, text: str, manifest: Path) -> str:
        """Return the configuration, given the text of its base."""
        sections = dict(self.sections)
        if "SPECIFICATION" in sections:
            sections |= {"INIT": (), "NEXT": ()}
        if self.violates:
            is_property = self.violates in named_in(text, "PROPERTY")
            sections["INVARIANT"] = () if is_property else (self.violates,)
            sections["PROPERTY"] = (self.violates,) if is_property else ()
        changed = configure(text, self.constants) if self.constants else text
        header = (
            f"\\* {self.what}\n\\* Derived from {self.base} by {manifest.name}; `tlacheck config` "
            "prints "
            "it.\n"
        )
        return header + replace_sections(_without_head(changed), sections)


def is_configuration(path: Path) -> bool:
    """Return whether `path` is a file, or the manifest beside it derives a configuration of that name."""
    return path.is_file() or path.name in derived(path.parent / MANIFEST)


def configuration_text(path: Path, _depth: int = 0) -> str:
    """Return the text of the configuration at `path`, read from its file or derived.

    Raises:
        ConfigError: there is neither a file nor a row that derives it, or its base is missing.
    """
    if path.is_file():
        return path.read_text(encoding="utf-8", errors="replace")
    manifest = path.parent / MANIFEST
    rows = derived(manifest)
    if path.name not in rows:
        near = difflib.get_close_matches(
            path.name, [*rows, *(each.name for each in path.parent.glob("*.cfg"))]
        )
        hint = f"; near to it are {', '.join(near)}" if near else ""
        raise ConfigError(
            f"there is no configuration {path}, and no row of {manifest.name} derives one{hint}"
        )
    if _depth >= _DEPTH_MAX:
        raise ConfigError(
            f"{manifest}: {path.name} is derived from itself, or over more than {_DEPTH_MAX} others"
        )
    row = rows[path.name]
    base = path.with_name(row.base)
    if not is_configuration(base):
        raise ConfigError(
            f'{manifest}: the base of {path.name} is "{row.base}", and there is no such configuration'
        )
    return row.of(configuration_text(base, _depth + 1), manifest)


@attrs.frozen
class Constants:
    """The constants of a configuration, for an adapter that needs them.

    Attributes:
        path: the configuration, a file or derived.
        values: constant -> the text after its sign, such as `3`, `{n1, n2}` or the name of a definition.
    """

    path: Path
    values: Mapping[str, str]

    @classmethod
    def of(cls, path: Path) -> Self:
        """Read the constants of a configuration.

        Raises:
            ConfigError: there is no such configuration.
        """
        pairs = assigned(configuration_text(path))
        return cls(path, immutabledict((name, given.lstrip("<-= \t\n")) for name, given in pairs))

    def text(self, name: str) -> str:
        """Return the value of a constant, as it is written.

        Raises:
            ConfigError: the configuration gives it none.
        """
        if name not in self.values:
            known = ", ".join(sorted(self.values)) or "none"
            raise ConfigError(f"{self.path} gives {name} no value; it has {known}")
        return self.values[name]

    def choice(self, name: str, meanings: Mapping[str, _T]) -> _T:
        """Return what the value of a constant means, by a table such as definition -> number of nodes.

        Raises:
            ConfigError: the configuration gives it no value, or one that the table lacks.
        """
        if (text := self.text(name)) not in meanings:
            raise ConfigError(f"{self.path}: {name} is {text}, and must be one of {', '.join(meanings)} here")
        return meanings[text]

    def number(self, name: str, default: int | None = None) -> int:
        """Return the value of a constant that is a number; `default`, if given, for one without a value.

        Raises:
            ConfigError: it is no number.
        """
        if name not in self.values and default is not None:
            return default
        if not (text := self.text(name)).isdecimal():
            raise ConfigError(f"{self.path}: {name} is {text}, and must be a number here")
        return int(text)

    def names(self, name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return the elements of a set of model values or strings; `default`, if given, for no value.

        Raises:
            ConfigError: it is no set.
        """
        if name not in self.values and default is not None:
            return default
        text = self.text(name)
        if not (text.startswith("{") and text.endswith("}")):
            raise ConfigError(f"{self.path}: {name} is {text}, and must be a set of names here")
        inner = text[1:-1].strip()
        return tuple(each.strip('"') for each in split_values(inner)) if inner else ()


def derived(manifest: Path) -> Mapping[str, Derivation]:
    """Return the configurations that a manifest derives, by name: its rows with a `base` and without a file.

    Raises:
        ConfigError: the manifest is no TOML, or a row has no usable value.
    """
    try:
        changed = manifest.stat().st_mtime_ns
    except OSError:
        return {}
    return _derived(manifest, changed)


@functools.lru_cache(maxsize=64)
def _derived(manifest: Path, _changed: int) -> Mapping[str, Derivation]:
    found: dict[str, Derivation] = {}
    for row in load(manifest).tables("model", "config"):
        name = row.optional("config", str)
        derivation = Derivation.read(row)
        if name is not None and derivation is not None and not (manifest.parent / name).is_file():
            found[name] = derivation
    return immutabledict(found)


def _assignment(table: Table, name: str, value: object) -> str:
    if not isinstance(value, str):
        table.refuse(f'the constant {name} is given as a text, as a configuration writes it: "3", "<- Other"')
    try:
        return to_assignment(value)
    except ConfigError as error:
        table.refuse(f"the constant {name}: {error}")


def _without_head(text: str) -> str:
    """Return the text without its leading comments, which are about the base."""
    lines = text.splitlines(keepends=True)
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith("\\*")):
        del lines[0]
    return "".join(lines)
