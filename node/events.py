"""The event log: all that a core was given, in order, for others to judge.

One JSON object a line:

| line                                         | says                                        |
|----------------------------------------------|---------------------------------------------|
| `{"start": 2, "node": "n1", "durable": ...}` | the process starts with this durable state  |
| `{"step": 7, "input": {...}, ...}`           | a step of the core                          |
| `{"out": 7}`                                 | the disk holds the steps up to this one     |
| `{"stop": 7}`                                | the process ends as it was told to          |

A step has its time (`at`, nanoseconds), the stamp of its message (`from`) and its `digest`.

Lines are written before the disk is asked to hold the steps, and an `out` line before anything leaves the
node. They are not synced: a kill loses none of them, a failure of the whole machine may. So a log that ends
early ends with steps of which nobody heard.
"""

import json
import os
from pathlib import Path
from typing import Any

from node.engine import Core, Effects
from node.stamps import Stamp

__all__ = ["EventLog", "NoEvents"]


class NoEvents:
    """No event log: for a node that nobody will judge."""

    start = 1

    def started(self, core: Core, durable: Any, *, is_first: bool) -> None:
        """Note nothing."""

    def step(self, core: Core, number: int, inp: Any, stamp: Stamp | None, done: tuple[Any, Effects]) -> None:
        """Note nothing."""

    def flush(self) -> None:
        """Write nothing."""

    def out(self, number: int) -> None:
        """Note nothing."""

    def stopped(self, number: int) -> None:
        """Note nothing."""


class EventLog(NoEvents):
    """The event log of a node, open for more.

    Args:
        path: the file, made if it is not there. A line in part at its end, left by a kill, is ended.
        clock: gives nanoseconds, for people; order does not rest on it.

    Attributes:
        start: the number of this start of the node.
    """

    def __init__(self, path: Path, clock: Any) -> None:
        before = path.read_bytes() if path.exists() else b""
        self.start = 1 + sum(1 for line in before.splitlines() if line.startswith(b'{"start":'))
        self._clock = clock
        self._lines: list[str] = [] if not before or before.endswith(b"\n") else [""]
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def started(self, core: Core, durable: Any, *, is_first: bool) -> None:
        """Note a start with the durable state that was found, or is the first one."""
        said = {
            "start": self.start,
            "node": core.node,
            "protocol": core.protocol,
            "nodes": list(core.nodes),
            "is_first": is_first,
            "durable": core.durable_digest(durable),
        }
        self._lines.append(json.dumps(said))
        self.flush()

    def step(self, core: Core, number: int, inp: Any, stamp: Stamp | None, done: tuple[Any, Effects]) -> None:
        """Note a step; written by the next `flush`."""
        said: dict[str, Any] = {"step": number, "at": self._clock(), "input": core.codec.plain(inp)}
        if stamp is not None:
            said["from"] = core.codec.plain(stamp)
        said["digest"] = core.digest(*done)
        self._lines.append(json.dumps(said, separators=(",", ":")))

    def flush(self) -> None:
        """Write what was noted."""
        if self._lines:
            data = memoryview(("\n".join(self._lines) + "\n").encode())
            self._lines = []
            while data:
                data = data[os.write(self._file, data) :]

    def out(self, number: int) -> None:
        """Note that steps up to this one are safe, before anything of them leaves."""
        self._lines.append(f'{{"out":{number}}}')
        self.flush()

    def stopped(self, number: int) -> None:
        """Note that the process ends as it was told to."""
        self._lines.append(f'{{"stop":{number}}}')
        self.flush()
