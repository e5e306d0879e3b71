"""A run of the service as a trace that a person can follow: who led, by which clock, and what two clients saw.

A history says that a read is stale; it does not say why. `Film` notes each event of a run, and `trace` keeps
of them what shows: the steps that changed a server as far as the concerned key goes, the faults, and the
calls and answers about that key, from shortly before the write that was missed to the read that missed it.
The states have no spec: `tlacheck inspect` and `tlacheck trace html` show them as they show any trace.

| variable    | of each server                                                    |
|-------------|-------------------------------------------------------------------|
| `role`      | follower, (pre-)candidate, leader; or down                        |
| `term`      | its current term                                                  |
| `committed` | the log index up to which it knows entries to be committed        |
| `holds`     | what its machine holds under the key                              |
| `lease`     | whether it leads and believes that it has a lease                 |
| `clock`     | how its clock runs: "true", or what it gains or loses in a second |

and `time_ms`, `network` (who is cut off), `write` and `read`, the two operations.
"""

from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import raft
from property_tests.raft.service import Server, value_of
from tlacheck.histories import Invoke, Operation, Return
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import ModelValue, Value

__all__ = ["Film"]

#: How long before the call of the write the trace begins, virtual milliseconds.
_BEFORE_MS: Final = 500
#: The variables whose change makes a frame worth showing.
_SHOWN: Final = ("role", "term", "committed", "holds", "lease", "clock", "network", "write", "read")


@attrs.frozen
class _Frame:
    """One event, and what was there after it."""

    at_ms: int
    action: str
    node: str | None
    about: object
    servers: immutabledict[str, Server]
    down: frozenset[str]
    islands: tuple[frozenset[str], ...]
    drifts: immutabledict[str, int]


class Film:
    """All events of a run.

    Attributes:
        drifts: server -> how many parts per million its clock gains; whoever lets it drift says so here.
    """

    def __init__(self) -> None:
        self.drifts: immutabledict[str, int] = immutabledict()
        self._frames: list[_Frame] = []

    def note(
        self, action: str, node: str | None, about: object, *, servers: dict[str, Server], world: Any
    ) -> None:
        """Something happened; `servers` and `world` are as they are after it."""
        self._frames.append(
            _Frame(
                world.now_ms,
                action,
                node,
                about,
                immutabledict(servers),
                frozenset(world.down),
                world.islands,
                self.drifts,
            )
        )

    def trace(self, write: Operation | None, read: Operation, violation: Violation, origin: Origin) -> Trace:
        """What led to a read that is wrong.

        Args:
            write: the latest write that the read missed; None if there is none.
            read: the read.
            violation: what is wrong; its step is set to the last one.
            origin: where the run comes from.
        """
        key = read.call["key"]
        first = write or read
        called_ms = next(
            (
                frame.at_ms
                for frame in self._frames
                if isinstance(frame.about, Invoke) and frame.about.number == first.number
            ),
            0,
        )
        texts = {"write": "not called yet" if write else "none", "read": "not called yet"}
        initial: State | None = None
        before: State | None = None
        steps: list[Step] = []
        for frame in self._frames:
            for name, operation in (("write", write), ("read", read)):
                if operation is not None and isinstance(frame.about, Invoke | Return):
                    texts[name] = _told(frame.about, operation) or texts[name]
            if frame.at_ms < called_ms - _BEFORE_MS:
                continue
            state = _state(frame, key, texts)
            if before is None:
                initial = before = state
                continue
            if any(before[name] != state[name] for name in _SHOWN):
                steps.append(Step(frame.action, _arguments(frame), state))
                before = state
            if isinstance(frame.about, Return) and frame.about.number == read.number:
                break
        if initial is None:
            raise ValueError("nothing was filmed: simulate with film=True")
        return Trace(
            initial=initial,
            steps=tuple(steps),
            origin=origin,
            violation=attrs.evolve(violation, step=len(steps)),
        )


def _told(event: Invoke | Return, operation: Operation) -> str | None:
    """The state of an operation after an event; None if the event is not its own."""
    if event.number != operation.number:
        return None
    if isinstance(event, Invoke):
        return f"#{operation.number} {operation.process} {operation.call}, not answered yet"
    return str(operation)


def _arguments(frame: _Frame) -> immutabledict[str, Value]:
    node = immutabledict() if frame.node is None else immutabledict(node=ModelValue(frame.node))
    match frame.about:
        case Invoke(process=process, call=call):
            return node | {"client": process, "call": str(call)}
        case Return(number=number, fate=fate, answer=answer):
            return node | {"operation": number, "answer": f"{fate.value} {answer}"}
        case None:
            return node
        case about:
            return node | {"about": str(about)}


def _state(frame: _Frame, key: str, texts: dict[str, str]) -> State:
    per_server: dict[str, dict[Value, Value]] = {name: {} for name in _SHOWN[:6]}
    for name, server in frame.servers.items():
        node = server.node
        is_up = name not in frame.down
        row: dict[str, Value] = {
            "role": type(node.role).__name__ if is_up else "down",
            "term": node.durable.current_term,
            "committed": node.commit_index,
            "holds": _text(value_of(server.machine, key)),
            "lease": is_up and _holds_lease(node),
            "clock": _rate(frame.drifts.get(name, 0)),
        }
        for variable, value in row.items():
            per_server[variable][ModelValue(name)] = value
    cut_off = " | ".join(", ".join(sorted(island)) for island in frame.islands)
    return immutabledict(
        time_ms=frame.at_ms,
        **{variable: immutabledict(values) for variable, values in per_server.items()},
        network=f"{cut_off} cut off" if cut_off else "whole",
        **texts,
    )


def _text(value: object) -> str:
    return "null" if value is None else str(value)


def _rate(ppm: int) -> str:
    return f"{ppm / 10_000:+.0f} %" if abs(ppm) >= 100_000 else "true"


def _holds_lease(node: raft.Node) -> bool:
    """Return whether a leader would answer by its lease now (thesis, 6.4.1)."""
    role = node.role
    return (
        isinstance(role, raft.Leader)
        and role.lease.left > 0
        and role.configuration.has_quorum(
            [node.config.node, *(each.peer for each in role.progress if each.acked >= role.lease.round)]
        )
    )
