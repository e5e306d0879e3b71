"""A spec as TLC reads it: a root module and a configuration that makes it finite."""

import contextlib
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import attrs

from tlacheck.errors import Location, SpecError
from tlacheck.tlc._files import refuse_garbled
from tlacheck.tlc.configuration import configuration_text, is_configuration
from tlacheck.tlc.libraries import library_folders, of_environment, trusted

__all__ = ["Spec", "decode_spec", "encode_spec", "here", "module_file"]

#: The most files that a message lists.
_NAMES_MAX = 12


@attrs.frozen
class Spec:
    """A TLA+ root module with a configuration.

    Attributes:
        path: the root module's file; modules that it extends lie beside it, or in a library.
        config: the TLC configuration; it may lie anywhere and have any name. It need not be a file: a
            manifest beside it may derive it (`tlacheck.tlc.configuration`).
        libraries: folders with more modules (`tlacheck.tlc.libraries`).
        trusted_jars: jars with more modules, whose Java code may run.
    """

    path: Path
    config: Path
    libraries: tuple[Path, ...] = ()
    trusted_jars: tuple[Path, ...] = ()

    @classmethod
    def load(
        cls,
        path: Path | str,
        config: Path | str | None = None,
        *,
        libraries: Iterable[Path | str] = (),
        trusted_jars: Iterable[Path | str] = (),
    ) -> Self:
        """Locate the spec in the file `path` and its configuration, and check that both exist.

        Args:
            path: the root module's file, `Raft.tla`; the extension may be left out.
            config: the configuration, relative to the current folder or else to the spec's. None
                takes the one of the spec's own name beside it.
            libraries: folders with more modules, searched in this order. Those of TLC's property
                `TLA-Library`, if `JAVA_TOOL_OPTIONS` sets it, come after them.
            trusted_jars: jars with more modules, whose Java code may run.

        Raises:
            SpecError: a file is missing or no text. The message lists the configurations that are there.
        """
        folders = (*library_folders(libraries), *of_environment())
        jars = trusted(trusted_jars)
        path = module_file(path, folders)
        if config is None:
            chosen = path.with_suffix(".cfg")
        else:
            chosen = Path(config)
            if (
                not is_configuration(chosen)
                and not chosen.is_absolute()
                and is_configuration(path.parent / chosen)
            ):
                chosen = path.parent / chosen
        if not is_configuration(chosen):
            folder = path.parent if config is None or not any(chosen.parent.glob("*.cfg")) else chosen.parent
            message = f"there is no such configuration of {path.name}{_there(folder, '*.cfg', path.stem)}"
            raise SpecError(message, Location(str(chosen)))
        return cls(path, chosen, folders, jars)

    @classmethod
    def of(cls, spec: "Spec | Path | str", config: Path | str | None = None) -> "Spec":
        """Return a spec as it is, or loaded from its file; with another configuration, if one is named.

        Raises:
            SpecError: as `load`.
        """
        if not isinstance(spec, Spec):
            return cls.load(spec, config)
        if config is None:
            return spec
        loaded = cls.load(spec.path, config)
        return attrs.evolve(loaded, libraries=spec.libraries, trusted_jars=spec.trusted_jars)

    @property
    def configuration(self) -> str:
        """The text of the configuration, from its file or derived.

        Raises:
            ConfigError: it is gone, or its row cannot be used.
        """
        return configuration_text(self.config)

    @property
    def module(self) -> str:
        """The name of the root module."""
        return self.path.stem

    @property
    def name(self) -> str:
        """Module and configuration, `Raft-three_nodes`: unique among one spec's configurations."""
        return self.module if self.config.stem == self.module else f"{self.module}-{self.config.stem}"

    @property
    def command(self) -> str:
        """The command that checks this spec, from the current folder."""
        return shlex.join(["tlacheck", "check", *self.words])

    @property
    def words(self) -> tuple[str, ...]:
        """The spec as commands take it: the module, and options for the rest."""
        return (here(self.path), "--config", here(self.config), *self.library_words)

    @property
    def library_words(self) -> tuple[str, ...]:
        """The options that name libraries and trusted jars."""
        return (
            *(word for path in self.libraries for word in ("--library", here(path))),
            *(word for path in self.trusted_jars for word in ("--trusted-jar", here(path))),
        )

    def module_path(self, module: str) -> Path | None:
        """Return the file of a module beside the spec or in a library; None if there is none."""
        folders = (self.path.parent, *self.libraries)
        return next((path for each in folders if (path := each / f"{module}.tla").is_file()), None)


def module_file(path: Path | str, libraries: Iterable[Path] = ()) -> Path:
    """Return the file of a module; the extension may be left out. Modules that it needs may lie in libraries.

    Raises:
        SpecError: it is not there, is no file, or is no text.
    """
    path = Path(path)
    if path.is_dir():
        found = _there(path, "*.tla", path.name)
        raise SpecError(f"this is a folder; name a module{found}", Location(str(path)))
    if path.suffix != ".tla":
        path = path.with_name(f"{path.name}.tla")
    if not path.is_file():
        raise SpecError(
            f"there is no such module{_there(path.parent, '*.tla', path.stem)}", Location(str(path))
        )
    try:
        refuse_garbled(path, tuple(libraries))
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", Location(str(error.filename))) from error
    return path


def encode_spec(spec: Spec) -> dict[str, Any]:
    """Encode the spec, with absolute paths: a worker runs in another folder."""
    return {
        "path": str(spec.path.absolute()),
        "config": str(spec.config.absolute()),
        "libraries": [str(path.absolute()) for path in spec.libraries],
        "trusted_jars": [str(path.absolute()) for path in spec.trusted_jars],
    }


def decode_spec(data: dict[str, Any]) -> Spec:
    """The spec in JSON data."""
    return Spec(
        Path(data["path"]),
        Path(data["config"]),
        libraries=tuple(map(Path, data["libraries"])),
        trusted_jars=tuple(map(Path, data["trusted_jars"])),
    )


def here(path: Path) -> str:
    """Return the path relative to the current folder, if it is inside: a trace for others names no other."""
    with contextlib.suppress(ValueError):
        return path.absolute().relative_to(Path.cwd()).as_posix()
    return path.as_posix()


def _there(folder: Path, pattern: str, stem: str) -> str:
    """List the files that exist instead, those that begin with `stem` first."""
    names = [path.name for path in folder.glob(pattern)] if folder.is_dir() else []
    found = sorted(names, key=lambda name: (not name.startswith(stem), name))
    if len(found) > _NAMES_MAX:
        found = [*found[:_NAMES_MAX], f"{len(found) - _NAMES_MAX} more"]
    return f"; in {folder} there are {', '.join(found)}" if found else f"; in {folder} there is none"
