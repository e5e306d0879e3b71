"""Event logs of nodes, read: their starts, and the steps of each.

The last line of a start may be there in part, if the node was killed while writing it. Everything else
that is not as `node.events` writes it is a `Contradiction`: lines that are missing, stand in another
place or were changed.
"""

import json
from pathlib import Path
from typing import Any

import attrs

from node.engine import Core
from node.errors import BadFrame
from node.stamps import Stamp

__all__ = ["Contradiction", "Logged", "Start", "read_log"]


class Contradiction(Exception):
    """The logs of a run tell what cannot be.

    Attributes:
        rule: what does not hold, in one word.
    """

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(f"{rule}: {why}")
        self.rule = rule


@attrs.frozen
class Logged:
    """A step as a node logged it.

    Attributes:
        number: counts the steps of the start, from 1.
        at: nanoseconds on the node's clock, for people.
        input: what the core was given.
        stamp: of the message, if it was one.
        digest: of what the step did.
    """

    number: int
    at: int
    input: Any
    stamp: Stamp | None
    digest: str


@attrs.define
class Start:
    """One start of a node, to its end.

    Attributes:
        number: counts the starts of the node, from 1.
        node: its name.
        nodes: all nodes of its cluster.
        is_first: whether it found an empty disk.
        durable: the digest of the durable state that it found.
        steps: what it did.
        out: the last step of which the disk held all, as it said; None if it never said so.
    """

    number: int
    node: str
    nodes: tuple[str, ...]
    is_first: bool
    durable: str
    steps: list[Logged] = attrs.field(factory=list)
    out: int | None = None


def read_log(path: Path, core: Core) -> tuple[Start, ...]:
    """Read the event log of one node.

    Args:
        path: the log.
        core: of the node.

    Raises:
        Contradiction: it is not whole.
    """
    starts: list[Start] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    for place, line in enumerate(lines, start=1):
        try:
            said = json.loads(line)
        except ValueError as error:
            is_cut = place == len(lines) or lines[place].startswith('{"start"')
            if is_cut:
                continue
            raise _broken(path, place, "it is no JSON") from error
        try:
            _take(starts, said, core)
        except (KeyError, TypeError, ValueError, BadFrame) as error:
            raise _broken(path, place, str(error)) from error
    if not starts:
        raise Contradiction("WholeLog", f"{path} holds no start of a node")
    return tuple(starts)


def _broken(path: Path, line: int, why: str) -> Contradiction:
    return Contradiction("WholeLog", f"{path.parent.name}/{path.name}:{line}: {why}")


def _take(starts: list[Start], said: dict[str, Any], core: Core) -> None:
    match said:
        case {"start": int(number), "node": str(node)}:
            if number != len(starts) + 1:
                raise ValueError(f"start {number} comes where {len(starts) + 1} should")
            if (node, said["protocol"], tuple(said["nodes"])) != (core.node, core.protocol, core.nodes):
                raise ValueError("the node is not the one that the cluster's file describes")
            starts.append(Start(number, node, core.nodes, said["is_first"], said["durable"]))
        case {"step": int(number)}:
            steps = starts[-1].steps
            if number != len(steps) + 1:
                raise ValueError(f"step {number} comes where {len(steps) + 1} should")
            stamp = core.codec.value(said["from"]) if "from" in said else None
            inp = core.codec.value(said["input"])
            is_message = core.message_in(inp) is not None
            if is_message is not isinstance(stamp, Stamp) and not core.is_request(inp):
                raise ValueError("a message of a node has a stamp, and nothing else has one")
            steps.append(Logged(number, said["at"], inp, stamp, said["digest"]))
        case {"out": int(number)}:
            start = starts[-1]
            if number > len(start.steps) or number < (start.out or 0):
                raise ValueError(f"step {number} is said to be safe, after {start.out} of {len(start.steps)}")
            start.out = number
        case {"stop": int(number)}:
            if number != len(starts[-1].steps):
                raise ValueError(f"the node stops after step {number} of {len(starts[-1].steps)}")
        case _:
            raise ValueError(f"there is no such line: {sorted(said)}")
