"""Loading of the systems named by `MODULE:NAME`, for every command with `--system`.

The module is imported as Python would import it in the current folder. Calling the name without
arguments gives a fresh `System`: it is an adapter's class, or a function. Dots in it go into a class or
an object. `exec:COMMAND` names a system in its own process, in any language.
"""

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from tlacheck.conform.adapter import AsyncAdapter
from tlacheck.conform.asynchronous import Blocking
from tlacheck.conform.limits import LIMIT_SECONDS
from tlacheck.conform.process import Process
from tlacheck.conform.system import System
from tlacheck.errors import ConfigError

__all__ = ["load_named", "load_system"]


#: The prefix of a system that is a process.
_EXEC: Final = "exec:"


def load_system(text: str, *, limit_seconds: float = LIMIT_SECONDS) -> Callable[[], System]:
    """Return a factory of the systems that `text` names; nothing is created yet.

    The current folder is put at the front of `sys.path`, and stays there.

    Args:
        text: `package.module:Name`, importable from the current folder; or `exec:COMMAND`, a process that
            speaks JSON lines.
        limit_seconds: how long such a process may take to answer.

    Returns:
        The class or function of that name: each call gives a fresh system. An `AsyncAdapter` is made
        `Blocking`.

    Raises:
        ConfigError: the text is not written so, there is no such module or name, the module cannot be
            imported, or what it names cannot be called without arguments.
    """
    if text.startswith(_EXEC):
        return functools.partial(Process, text.removeprefix(_EXEC), limit_seconds=limit_seconds)
    found = load_named(text, "system", "an adapter's class, or a function that returns a system")
    if not callable(found):
        raise ConfigError(
            f"{text} is a {type(found).__name__}, which cannot be called: name a class or a function, "
            "so that "
            "each run gets a fresh system"
        )
    if missing := _needed(found):
        raise ConfigError(
            f"{text} cannot be called without arguments, it needs {', '.join(missing)}: name a function that "
            "gives them"
        )
    if isinstance(found, type) and issubclass(found, AsyncAdapter):
        return functools.partial(Blocking, found, limit_seconds=limit_seconds)
    make: Callable[[], System] = found
    return make


def load_named(text: str, kind: str, meant: str) -> Any:
    """Import and return the object named `package.module:Name`, from the current folder.

    Args:
        text: module and name; dots in the name go into a class or an object.
        kind: one word for what is wanted, for messages.
        meant: the same in a few words.

    Raises:
        ConfigError: the text is not written so, or there is no such module or name.
    """
    module, colon, name = text.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        raise ConfigError(f"{text!r} names no {kind}: write it as package.module:Name, where Name is {meant}")
    found: Any = _imported(module, text)
    for part in name.split("."):
        if not hasattr(found, part):
            near = get_close_matches(part, vars(found) if hasattr(found, "__dict__") else (), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"{text}: {module} has no {name}{hint}")
        found = getattr(found, part)
    return found


def _imported(module: str, text: str) -> Any:
    here = str(Path.cwd())
    if not sys.path or sys.path[0] != here:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        if module == missing or module.startswith(f"{missing}."):
            raise ConfigError(
                f"{text}: there is no module {missing} here ({here}): run the command in the folder "
                "from which "
                "it can be imported"
            ) from error
        raise ConfigError(f"{text}: {module} imports {missing}, which is not installed") from error
    except Exception as error:
        raise ConfigError(f"{text}: importing {module} raised {type(error).__name__}: {error}") from error


def _needed(found: Callable[..., object]) -> list[str]:
    """Return the names of the parameters without a default."""
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):  # some builtins have no signature; calling them will tell
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is inspect.Parameter.empty and parameter.kind not in optional
    ]
