"""The formats of traces that are read and written, and what each cannot hold.

A file's content decides its format, not its name: `run.json` may be ITF or TLC's own JSON, `out.txt`
may be TLC's printed output.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any, Final

import attrs

from tlacheck import itf, runlog
from tlacheck.convert._runs import run_from_trace, trace_from_run
from tlacheck.convert._tlc_json import (
    is_tlc_json,
    is_tlc_module,
    trace_from_tlc_json,
    trace_from_tlc_module,
)
from tlacheck.errors import ConfigError, TraceError
from tlacheck.files import read_text
from tlacheck.trace import Trace

__all__ = ["READ", "WRITTEN", "Written", "format_of", "losses", "read_traces", "traces_in", "written"]

#: Formats that are read: name -> description.
READ: Final = {
    "itf": "ITF JSON, as tlacheck, Apalache and Quint write it",
    "itf lines": "an ITF trace a line, as `tlacheck simulate --show --json` prints them",
    "ndjson": "a log of a run whose events have the whole state",
    "tlc": "what TLC prints, with -tool or without, and the files of its simulator",
    "tlc json": "what TLC writes with -dumpTrace json; sets and model values are lost in it",
    "tlc module": "what TLC writes with -dumpTrace tla",
}

_RUN_BEGINS: Final = '"format": "tlacheck run"'
_WIDTH: Final = 120


@attrs.frozen(kw_only=True)
class Written:
    """A format that is written.

    Attributes:
        suffixes: how names of such files end; the first one is usual.
        what: what it is, for a list.
        make: from a trace and the name of its file to the text.
    """

    suffixes: tuple[str, ...]
    what: str
    make: Callable[[Trace, str], str]


def _as_run(trace: Trace, _: str) -> str:
    run = run_from_trace(trace)
    file = io.StringIO()
    with runlog.Writer(file, run.header) as writer:
        for event in run.events:
            writer.event(event)
    return file.getvalue()


def _as_html(trace: Trace, name: str) -> str:
    from tlacheck.report.lanes import lanes_of  # noqa: PLC0415 - reports are loaded when they are asked for
    from tlacheck.report.page import render_page  # noqa: PLC0415 - as above

    return render_page(lanes_of(trace), file=name)


def _as_text(trace: Trace, name: str) -> str:
    from tlacheck.errors import spelt_out  # noqa: PLC0415 - as above
    from tlacheck.report.lanes import lanes_of  # noqa: PLC0415 - as above
    from tlacheck.report.terminal import render  # noqa: PLC0415 - as above

    lines = render(lanes_of(trace), width=_WIDTH, file=name)
    return "".join(f"{spelt_out(line.plain).rstrip()}\n" for line in lines)


def _as_mermaid(trace: Trace, _: str) -> str:
    from tlacheck.report.lanes import lanes_of  # noqa: PLC0415 - as above
    from tlacheck.report.mermaid import render_mermaid  # noqa: PLC0415 - as above

    return render_mermaid(lanes_of(trace))


def _as_json(trace: Trace, name: str) -> str:
    from tlacheck.report.lanes import lanes_of, to_json  # noqa: PLC0415 - as above

    return json.dumps({"file": name, **to_json(lanes_of(trace), full=True)}, indent=1) + "\n"


#: Formats that are written: name -> the format.
WRITTEN: Final = {
    "itf": Written(
        suffixes=(".itf.json",), what="ITF JSON; holds everything", make=lambda trace, _: itf.to_json(trace)
    ),
    "ndjson": Written(suffixes=(".ndjson",), what="the log of a run, an event a step", make=_as_run),
    "html": Written(suffixes=(".html", ".htm"), what="one page for a browser", make=_as_html),
    "text": Written(suffixes=(".txt",), what="what `tlacheck trace show` prints", make=_as_text),
    "mermaid": Written(suffixes=(".mmd", ".mermaid"), what="a sequence diagram of Mermaid", make=_as_mermaid),
    "json": Written(
        suffixes=(".lanes.json",), what="lanes and changes as JSON, values in TLA+", make=_as_json
    ),
}


def format_of(name: str | PurePath) -> str:
    """Return the format for a file to be written, by its name.

    Raises:
        ConfigError: the name says none.
    """
    text = str(name)
    endings = [(suffix, format_) for format_, written_ in WRITTEN.items() for suffix in written_.suffixes]
    for suffix, format_ in sorted(endings, key=lambda ending: -len(ending[0])):
        if text.endswith(suffix):
            return format_
    if text.endswith(".json"):
        return "itf"
    known = ", ".join(suffix for suffix, _ in endings)
    raise ConfigError(
        f"{text} does not say a format: name one with --to, or end the name with one of {known}"
    )


def written(trace: Trace, format_: str, *, file: str) -> str:
    """Return a trace as text in a format.

    Args:
        trace: the trace.
        format_: a name of `WRITTEN`.
        file: the trace's own file, for formats that name it.

    Raises:
        ConfigError: there is no such format.
        TraceError: the trace holds what is no TLA+ value.
    """
    if format_ not in WRITTEN:
        raise ConfigError(f"there is no format {format_!r} to write; there are {', '.join(WRITTEN)}")
    return WRITTEN[format_].make(trace, file)


def losses(trace: Trace, format_: str) -> tuple[str, ...]:
    """Name what the format cannot hold of this trace; empty for formats that are only viewed."""
    if format_ != "ndjson":
        return ()
    told = (
        ("the loop", trace.loop is not None),
        ("what it violates", trace.violation is not None),
        (
            "the arguments of actions without a name",
            any(step.arguments and not step.action for step in trace.steps),
        ),
    )
    return tuple(words for words, is_there in told if is_there)


def read_traces(path: Path | str) -> tuple[Trace, ...]:
    """Read the traces in a file of any format of `READ`; at least one.

    Raises:
        TraceError: there is no such file, or it holds no trace.
    """
    path = Path(path)
    return traces_in(read_text(path, "trace"), path)


def traces_in(text: str, path: Path | None = None) -> tuple[Trace, ...]:
    """Read the traces in a text of any format of `READ`; at least one.

    Args:
        text: what a file holds.
        path: the file, for messages.

    Raises:
        TraceError: it holds no trace.
    """
    begin = text.lstrip()[:1]
    if begin not in {"{", "["}:
        return _printed(text, path)
    first = text.lstrip().partition("\n")[0]
    if _RUN_BEGINS in first:
        return (_run(text, path),)
    if _is_lines(text):
        return tuple(_lines(text, path))
    data = itf.parse_json(text, path)
    if is_tlc_json(data):
        return (_located(trace_from_tlc_json, data, path),)
    return (itf.from_json(text, path),)


def _printed(text: str, path: Path | None) -> tuple[Trace, ...]:
    from tlacheck.tlc.printout import is_printout, traces_of_printout  # noqa: PLC0415 - the engine's package is large

    if is_tlc_module(text):
        return (_located(trace_from_tlc_module, text, path),)
    if is_printout(text):
        return traces_of_printout(text, path)
    shown = repr(text.strip().partition("\n")[0][:60])
    what = f"it begins with {shown}" if text.strip() else "it is empty"
    raise TraceError(f"holds no trace: {what}. What is read: {'; '.join(READ.values())}", path)


def _is_lines(text: str) -> bool:
    """Return whether every line is JSON of its own; the text of one trace is not."""
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and all(line.startswith("{") and line.rstrip().endswith("}") for line in lines)


def _lines(text: str, path: Path | None) -> list[Trace]:
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                data = itf.parse_json(line)
                if isinstance(data, dict) and "states" in data and "verdict" not in data:
                    found.append(itf.from_json(line))
            except TraceError as error:
                raise TraceError(f"line {number}: {error}", path) from None
    if not found:
        raise TraceError("none of its lines is an ITF trace", path)
    return found


def _run(text: str, path: Path | None) -> Trace:
    reader = runlog.Reader(text.splitlines(), path)
    events = tuple(reader)
    run = runlog.Run(header=reader.header, events=events, ended=reader.ended)
    return _located(trace_from_run, run, path)


def _located(make: Callable[[Any], Trace], data: Any, path: Path | None) -> Trace:
    try:
        return make(data)
    except TraceError as error:
        raise TraceError(str(error), path) from None
