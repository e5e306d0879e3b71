"""Mutants: wrong versions of a module that the checks must catch.

A `Mutant` is an edit of one line (or a few) of a module's source, made in memory while the module is
imported. Nothing is copied and nothing on disk changes. If the code changes so that the edit no longer
fits, that is an error, not a silently unchanged module.
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

import attrs

from tlacheck.errors import ConfigError

__all__ = ["Mutant", "install", "install_source", "mutated_source", "source_file"]


@attrs.frozen(kw_only=True)
class Mutant:
    """One small wrong (or, as a control, equivalent) change.

    Attributes:
        name: what it does, in a few words joined by dashes.
        bug: the public bug or rule that it has the shape of.
        module: the module that is changed, by its import name.
        old: the text to replace; it must occur exactly once.
        new: the text in its place.
        equivalent: whether the change makes no difference, so that it must survive every check.
        why: for an equivalent one, why it makes none.
    """

    name: str
    bug: str
    module: str
    old: str
    new: str
    equivalent: bool = False
    why: str = ""


def mutated_source(mutant: Mutant, source: str) -> str:
    """Return the module's source with the change.

    Raises:
        ConfigError: if the text to replace does not occur exactly once.
    """
    count = source.count(mutant.old)
    if count != 1:
        raise ConfigError(
            f"mutant {mutant.name}: its text occurs {count} times in {mutant.module}, not once. "
            f"Has the code changed? The text is: {mutant.old!r}"
        )
    return source.replace(mutant.old, mutant.new)


def install(mutant: Mutant) -> None:
    """Make every later import of the mutant's module give the changed one; meant for a separate process.

    Raises:
        ConfigError: if the module is imported already, does not exist, or the change does not fit it.
    """
    path = source_file(mutant.module)
    install_source(mutant.module, mutated_source(mutant, path.read_text(encoding="utf-8")))


def install_source(module: str, source: str) -> None:
    """Make every later import of a module give another source; meant for a separate process.

    Args:
        module: its import name.
        source: the source in the place of its file's.

    Raises:
        ConfigError: if the module is imported already, or does not exist.
    """
    if module in sys.modules:
        raise ConfigError(f"{module} is imported already, the change would come too late")
    sys.meta_path.insert(0, _Finder(module, _Loader(source_file(module), source)))


def source_file(module: str) -> Path:
    """The file of a module, found without importing the packages around it.

    Raises:
        ConfigError: there is none on the path.
    """
    relative = Path(*module.split(".")).with_suffix(".py")
    for entry in sys.path:
        if (path := Path(entry or ".") / relative).is_file():
            return path.resolve()
    raise ConfigError(f"there is no module {module} on the path")


class _Loader(SourceLoader):
    """Loads one module from text instead of its file; never from or to a bytecode cache."""

    def __init__(self, path: Path, source: str) -> None:
        self._path = path
        self._source = source

    def get_filename(self, fullname: str) -> str:
        del fullname
        return str(self._path)

    def get_data(self, path: str | bytes) -> bytes:
        if Path(str(path)) != self._path:
            raise OSError(f"no bytecode of a mutant: {path!r}")
        return self._source.encode()


class _Finder(MetaPathFinder):
    """Finds the one module that is changed."""

    def __init__(self, name: str, loader: _Loader) -> None:
        self._name = name
        self._loader = loader

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is None:
            return None
        return importlib.util.spec_from_file_location(fullname, found.origin, loader=self._loader)
