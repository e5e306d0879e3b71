"""What a worker process and the one that owns it say to each other: a line of JSON each.

The worker sends TLC's messages as they are; `_outcome` makes sense of them on this side, so the
worker stays small and what messages mean is tested without a JVM.
"""

import enum
import json
from pathlib import Path
from typing import Any

import attrs

from tlacheck.engine import Engine
from tlacheck.tlc.spec import Spec

__all__ = [
    "STAGED_CONFIG",
    "Kind",
    "Message",
    "Progress",
    "Report",
    "Request",
    "decode_progress",
    "decode_report",
    "decode_request",
    "encode_report",
    "encode_request",
]

#: The name under which a worker copies the configuration. No user's file is called like it.
STAGED_CONFIG = "tlacheck_staged_config"


class Kind(enum.IntEnum):
    """The class of a TLC message."""

    INFORMATION = 0
    ERROR = 1
    BUG = 2
    WARNING = 3
    STATE = 4


@attrs.frozen
class Message:
    """One message of TLC.

    Attributes:
        code: TLC's number of the message; None for what SANY or the spec's own `Print` wrote.
        kind: its class, a `Kind`.
        text: what it says.
    """

    code: int | None
    kind: int
    text: str


@attrs.frozen(kw_only=True)
class Request:
    """What to run.

    Attributes:
        spec: the spec, with absolute paths.
        engine: the TLC to use.
        workers: how many threads explore.
        deadlock: whether a state without successors is an error.
    """

    spec: Spec
    engine: Engine
    workers: int
    deadlock: bool


@attrs.frozen(kw_only=True)
class Progress:
    """How far a run has come.

    Attributes:
        generated: states computed so far.
        distinct: different ones among them.
        queue: those whose successors are not computed yet.
        seconds: since the run began.
    """

    generated: int
    distinct: int
    queue: int
    seconds: float


@attrs.frozen(kw_only=True)
class Report:
    """What TLC said.

    Attributes:
        messages: all messages, in order.
        variables: the spec's variables, in its order; empty if TLC refused the spec.
        temporal: the names of the temporal properties that were checked.
        strangers: constants that the configuration gives a value but no module declares.
        seconds: how long the run took.
        failure: what else ended the run: an exception of TLC that it did not report itself.
    """

    messages: tuple[Message, ...]
    variables: tuple[str, ...] = ()
    temporal: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    seconds: float
    failure: str | None = None


def encode_request(request: Request) -> str:
    """The request as one line."""
    engine = {**attrs.asdict(request.engine), "jar": str(request.engine.jar)}
    spec, config = str(request.spec.path), str(request.spec.config)
    return json.dumps(
        {
            "spec": spec,
            "config": config,
            "engine": engine,
            "workers": request.workers,
            "deadlock": request.deadlock,
        }
    )


def decode_request(line: str) -> Request:
    """The request in a line."""
    data = json.loads(line)
    engine = Engine(**{**data["engine"], "jar": Path(data["engine"]["jar"])})
    spec = Spec(Path(data["spec"]), Path(data["config"]))
    return Request(spec=spec, engine=engine, workers=data["workers"], deadlock=data["deadlock"])


def encode_report(report: Report) -> dict[str, Any]:
    """The report as JSON data."""
    messages = [attrs.astuple(message) for message in report.messages]
    return {**attrs.asdict(report, recurse=False), "messages": messages}


def decode_report(data: dict[str, Any]) -> Report:
    """The report in JSON data."""
    return Report(
        messages=tuple(Message(code, kind, text) for code, kind, text in data["messages"]),
        variables=tuple(data["variables"]),
        temporal=tuple(data["temporal"]),
        strangers=tuple(data["strangers"]),
        seconds=data["seconds"],
        failure=data["failure"],
    )


def decode_progress(data: dict[str, Any]) -> Progress:
    """The progress in JSON data."""
    return Progress(**{field.name: data[field.name] for field in attrs.fields(Progress)})
