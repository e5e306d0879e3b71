"""Event recorder of the service: a readable trace of who led, by which clock, and what two clients saw.

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
from property_tests.raft.clients import Clients
from property_tests.raft.host import Arrived, Asked, Fired, Server
from property_tests.raft.service import Ask, Called, Look, value_of
from tlacheck.harness import Run
from tlacheck.histories import Invoke, Operation, Recorder, Return
from tlacheck.histories.history import Event
from tlacheck.sim import Flight, StepRecord
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import ModelValue, Value

__all__ = ["Film"]

#: How long before the call of the write the trace begins, virtual milliseconds.
_BEFORE_MS: Final = 500
#: The variables whose change makes a frame worth showing.
_SHOWN: Final = ("role", "term", "committed", "holds", "lease", "clock", "network", "write", "read")


@attrs.frozen
class _Frame:
    """One event, and the state after it."""

    at_ms: int
    action: str
    node: str | None
    about: object
    servers: immutabledict[str, Server]
    down: frozenset[str]
    groups: tuple[frozenset[str], ...]
    drifts: immutabledict[str, int]


class Film:
    """All events of a run, to which it listens once it is told of it (`begin`)."""

    def __init__(self) -> None:
        self._drifts: immutabledict[str, int] = immutabledict()
        self._frames: list[_Frame] = []
        self._run: Run | None = None
        self._faults = 0

    def begin(self, run: Run) -> None:
        """Record this run, which has not begun."""
        self._run = run
        run.judge(Clients).notes.recorder = Recorder(self._on_event)

    # --- `tlacheck.sim.Observer`

    def on_step(self, record: StepRecord) -> None:
        """A server took a step."""
        action, about = in_words(record.input)
        self._note(action, record.node, about)

    def on_restart(self, node: str, state: Any) -> None:
        """A server came back."""
        del state
        self._note("Restart", node, None)

    def on_lost(self, flight: Flight[Any]) -> None:
        """No server notices the loss of a message."""

    def on_double(self, flight: Flight[Any]) -> None:
        """No server notices the second copy of a message before it arrives."""

    def _on_event(self, event: Event) -> None:
        self._note("Call" if isinstance(event, Invoke) else "Answer", None, event)

    def _note(self, action: str, node: str | None, about: object) -> None:
        if self._run is None:
            return
        for event in self._run.events[self._faults :]:
            if event.kind == "inflict":
                target = event.what.parameters.get("node")
                if event.what.name == "drift":
                    self._drifts = self._drifts.set(target, event.what["ppm"])
                self._add(self._run, f"Fault_{event.what.name}", target, event.what)
        self._faults = len(self._run.events)
        self._add(self._run, action, node, about)

    def _add(self, run: Run, action: str, node: str | None, about: object) -> None:
        world = run.cluster.world
        servers, down = immutabledict(run.view), frozenset(world.down)
        self._frames.append(
            _Frame(world.now_ms, action, node, about, servers, down, world.groups, self._drifts)
        )

    def trace(self, write: Operation | None, read: Operation, violation: Violation, origin: Origin) -> Trace:
        """The events that led to a wrong read, as a trace.

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
            raise ValueError("nothing was filmed: `begin` comes before the run")
        return Trace(
            initial=initial,
            steps=tuple(steps),
            origin=origin,
            violation=attrs.evolve(violation, step=len(steps)),
        )


def in_words(inp: object) -> tuple[str, str]:
    """An input of a server, with its details."""
    match inp:
        case Arrived(message=message):
            return type(message).__name__, f"from {message.source}, term {message.term}"
        case Fired(timer=timer):
            return "Timer", str(timer)
        case Asked(input=what):
            return "Operate", type(what).__name__
        case Called(request=Ask(command=command)):
            return "Ask", str(command)
        case Called(request=Look(key=key)):
            return "Look", key
        case _:
            return type(inp).__name__, ""


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
    cut_off = " | ".join(", ".join(sorted(group)) for group in frame.groups)
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
