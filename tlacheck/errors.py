"""The errors a user of tlacheck can meet: one tree, each class a page of its manual.

User mistakes (a spec that does not parse, a configuration that names an unknown constant, a file that
is not a trace) raise one of these and end a command with status 2. A violated property is not an error:
it is a `Verdict`.
"""

from pathlib import Path

import attrs

__all__ = [
    "AdapterError",
    "ConfigError",
    "EngineError",
    "Location",
    "SetupError",
    "SpecError",
    "TlacheckError",
    "TraceError",
    "spelt_out",
]


def spelt_out(text: str) -> str:
    """Escape the control characters of a text: text from a spec must not control the terminal."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()
        for char in text
    )


class TlacheckError(Exception):
    """Anything that kept tlacheck from reaching a verdict. The message says what to do next."""

    def __str__(self) -> str:
        return spelt_out(super().__str__())


class SetupError(TlacheckError):
    """This machine lacks something that tlacheck needs: a JVM, a TLC jar, a package.

    Usual causes: no network on the very first run, or `TLACHECK_JAR` / `JAVA_HOME` pointing at
    something that is not there any more.
    """


class EngineError(TlacheckError):
    """TLC or the JVM ended without saying anything about the spec.

    Usual causes: the memory limit is too small for the model, or the worker was killed.
    """


@attrs.frozen
class Location:
    """A place in a file: the path as the user gave it, line and column counted from 1 (0 is unknown)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


class SpecError(TlacheckError):
    """TLC rejected the spec or its configuration before or while exploring states.

    Usual causes: a syntax error, an undefined name, a constant without a value in the
    configuration, an expression that TLC cannot evaluate. `location` says where. If TLC gave the states
    up to an expression that it could not evaluate, the error is a `tlacheck.trace.EvaluationError`.
    """

    def __init__(self, message: str, location: Location | None = None) -> None:
        self.message = message
        self.location = location
        super().__init__(f"{location}: {message}" if location else message)


class ConfigError(TlacheckError, ValueError):
    """A file of tlacheck's own (manifest, verify.toml) or an argument is invalid."""


class TraceError(TlacheckError, ValueError):
    """A file holds no trace, or a trace that does not fit the request (no such step).

    Usual causes: the file is not ITF JSON, or was cut short while it was written.
    """

    def __init__(self, message: str, path: Path | None = None) -> None:
        self.path = path
        super().__init__(f"{path}: {message}" if path else message)


class AdapterError(TlacheckError):
    """The adapter of a system broke its contract; the system itself was not judged.

    Usual causes: an action without a method, an observation that lacks a variable, a value that
    no TLA+ value corresponds to (a float, None, a list).
    """
