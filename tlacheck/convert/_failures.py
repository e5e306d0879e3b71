"""The traces that a failed test carries.

A system that leaves its spec raises an error with the trace of the run. Hypothesis may wrap that error
in a group of several failures, and other code may raise its own errors from it. Hypothesis reports the
smallest failing run that it found, and says in notes how to reproduce it.
"""

import re
from collections.abc import Iterator
from importlib import metadata

import attrs
from immutabledict import immutabledict

from tlacheck.trace import Trace

__all__ = ["traces_of_failure"]

_AGAIN = re.compile(r"@reproduce_failure\(.*\)")


def traces_of_failure(error: BaseException) -> tuple[Trace, ...]:
    """Find the traces that an error, the members of its group and its causes carry.

    A trace whose origin names no command gets the decorator with which Hypothesis reproduces it, if
    Hypothesis printed one (its setting `print_blob`), and Hypothesis' version.

    Returns:
        The traces, the error's own first; none if it carries none.
    """
    return tuple(_traces(error, set(), ()))


def _traces(error: BaseException, seen: set[int], notes: tuple[str, ...]) -> Iterator[Trace]:
    if id(error) in seen:
        return
    seen.add(id(error))
    notes = (*notes, *getattr(error, "__notes__", ()))
    trace = getattr(error, "trace", None)
    if isinstance(trace, Trace):
        yield _with_origin(trace, "\n".join(notes))
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _traces(member, seen, notes)
    for earlier in (error.__cause__, error.__context__):
        if earlier is not None:
            yield from _traces(earlier, seen, notes)


def _with_origin(trace: Trace, notes: str) -> Trace:
    again = _AGAIN.search(notes)
    if again is None:
        return trace
    origin = trace.origin
    return attrs.evolve(
        trace,
        origin=attrs.evolve(
            origin,
            command=origin.command or again[0],
            versions=immutabledict({**origin.versions, "hypothesis": metadata.version("hypothesis")}),
        ),
    )
