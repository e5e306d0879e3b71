"""The messages between a worker process and its owner, as JSON data.

The worker sends TLC's messages unchanged; `_outcome` interprets them on the owner's side, so the worker
stays small and the interpretation is tested without a JVM.
"""

import abc
import enum
from pathlib import Path
from typing import Any

import attrs

from tlacheck.engine import Engine
from tlacheck.tlc.spec import Spec, decode_spec, encode_spec

__all__ = [
    "STAGED_CONFIG",
    "VIOLATIONS",
    "Channel",
    "Kind",
    "Message",
    "Progress",
    "Report",
    "Request",
    "decode_engine",
    "decode_progress",
    "decode_report",
    "decode_request",
    "encode_engine",
    "encode_report",
    "encode_request",
]

#: The name under which a worker copies the configuration. No user's file has this name.
STAGED_CONFIG = "tlacheck_staged_config"

#: The messages with which TLC begins to report a violation.
VIOLATIONS = frozenset({2104, 2107, 2108, 2110, 2112, 2114, 2116, 2404})


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
    """A request for a run.

    Attributes:
        spec: the spec.
        engine: the TLC to use.
        workers: how many threads explore.
        deadlock: whether a state without successors is an error.
        continue_: whether to go on past a violation.
        depth_first: how many states the behaviours have that are searched depth first; None searches breadth
            first, to the end.
        coverage: whether to count how often each action is taken and each expression evaluated.
        levels: whether to count the states found at each depth.
        dumps: the formats of `-dumpTrace` in which TLC writes a counterexample, each with the file for it.
    """

    spec: Spec
    engine: Engine
    workers: int
    deadlock: bool
    continue_: bool = False
    depth_first: int | None = None
    coverage: bool = False
    levels: bool = False
    dumps: tuple[tuple[str, Path], ...] = ()


@attrs.frozen(kw_only=True)
class Progress:
    """The progress of a run.

    Attributes:
        generated: states computed so far.
        distinct: different ones among them.
        queue: those whose successors are not computed yet.
        seconds: since the run began.
        depth: the number of states on the longest path so far; 0 where nobody counts it.
    """

    generated: int
    distinct: int
    queue: int
    seconds: float
    depth: int = 0


class Channel(abc.ABC):
    """The channel on which a job in a worker reports before its end."""

    @abc.abstractmethod
    def progress(self, progress: Progress) -> None:
        """Report the progress of the job; from any thread, about twice a second."""

    @abc.abstractmethod
    def item(self, item: Any) -> None:
        """Send a part of the result, as JSON data. Blocks while the reader is too far behind."""


@attrs.frozen(kw_only=True)
class Report:
    """The output of a run.

    Attributes:
        messages: the messages, in order, without those that were dropped.
        variables: the spec's variables, in its order; empty if TLC refused the spec.
        temporal: the names of the temporal properties that were checked.
        refuted: those among them that the counterexample of a liveness violation refutes, as far as that can
            be told.
        strangers: constants that the configuration gives a value but no module declares.
        seconds: how long the run took.
        failure: what else ended the run: an exception of TLC that it did not report itself.
        levels: states first found at each depth, if that was asked for.
        printed_dropped: how many lines of the spec's own `Print` are not among the messages.
        violations_dropped: how many violations are not.
    """

    messages: tuple[Message, ...]
    variables: tuple[str, ...] = ()
    temporal: tuple[str, ...] = ()
    refuted: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    seconds: float
    failure: str | None = None
    levels: tuple[int, ...] = ()
    printed_dropped: int = 0
    violations_dropped: int = 0


def encode_engine(engine: Engine) -> dict[str, Any]:
    """The engine as JSON data."""
    return {**attrs.asdict(engine), "jar": str(engine.jar)}


def decode_engine(data: dict[str, Any]) -> Engine:
    """The engine in JSON data."""
    return Engine(**{**data, "jar": Path(data["jar"])})


def encode_request(request: Request) -> dict[str, Any]:
    """The request as JSON data."""
    return {
        **attrs.asdict(request, recurse=False),
        "spec": encode_spec(request.spec),
        "engine": encode_engine(request.engine),
        "dumps": [(format_, str(path.absolute())) for format_, path in request.dumps],
    }


def decode_request(data: dict[str, Any]) -> Request:
    """The request in JSON data."""
    dumps = tuple((format_, Path(path)) for format_, path in data["dumps"])
    decoded = {"spec": decode_spec(data["spec"]), "engine": decode_engine(data["engine"]), "dumps": dumps}
    return Request(**{**data, **decoded})


def encode_report(report: Report) -> dict[str, Any]:
    """The report as JSON data."""
    messages = [attrs.astuple(message) for message in report.messages]
    return {**attrs.asdict(report, recurse=False), "messages": messages}


def decode_report(data: dict[str, Any]) -> Report:
    """The report in JSON data."""
    lists = {name: tuple(data[name]) for name in ("variables", "temporal", "refuted", "strangers", "levels")}
    messages = tuple(Message(code, kind, text) for code, kind, text in data["messages"])
    return Report(**{**data, **lists, "messages": messages})


def decode_progress(data: dict[str, Any]) -> Progress:
    """The progress in JSON data."""
    return Progress(**{field.name: data[field.name] for field in attrs.fields(Progress)})
