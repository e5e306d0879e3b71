"""Modules that lie elsewhere than beside a spec: folders of modules, and jars whose Java code is trusted.

TLC looks for a module beside the root module, then in each library folder in order, then among its own
standard modules, then in each trusted jar. A jar such as that of CommunityModules may hold Java classes that
replace TLA+ definitions. They run with the rights of the user, so no jar is ever taken by itself: whoever
names one trusts it.
"""

import os
import re
import shlex
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tlacheck.errors import Location, SpecError

__all__ = ["library_folders", "of_environment", "trusted"]

#: TLC's own way of naming library folders, a Java property.
_PROPERTY = re.compile(r"-DTLA-Library=(.*)", re.DOTALL)


def library_folders(paths: Iterable[Path | str]) -> tuple[Path, ...]:
    """Return the folders, each made absolute.

    Raises:
        SpecError: one is no folder.
    """
    found = tuple(Path(path).absolute() for path in paths)
    for path in found:
        if path.suffix == ".jar":
            raise SpecError(
                "this is a jar, whose Java code would run: if you trust it, name it as a trusted jar "
                "(--trusted-jar)",
                Location(str(path)),
            )
        if not path.is_dir():
            raise SpecError("there is no such folder of modules", Location(str(path)))
    return found


def trusted(paths: Iterable[Path | str]) -> tuple[Path, ...]:
    """Return the jars, each made absolute.

    Raises:
        SpecError: one is no jar.
    """
    found = tuple(Path(path).absolute() for path in paths)
    for path in found:
        if not path.is_file():
            raise SpecError("there is no such jar", Location(str(path)))
        if not zipfile.is_zipfile(path):
            raise SpecError("this is no jar: it is no zip archive", Location(str(path)))
    return found


def of_environment() -> tuple[Path, ...]:
    """Return the folders of TLC's property `TLA-Library`, if `JAVA_TOOL_OPTIONS` sets it.

    What is no folder is left out, as TLC does; so is a jar, which must be named explicitly.
    """
    try:
        options = shlex.split(os.environ.get("JAVA_TOOL_OPTIONS", ""))
    except ValueError:  # an open quotation mark; Java says so itself
        return ()
    found = [match[1] for option in options if (match := _PROPERTY.fullmatch(option))]
    names = found[-1].split(os.pathsep) if found else []
    return tuple(Path(name).absolute() for name in names if name and Path(name).is_dir())
