"""Run logs of simulated clusters, as servers would write them under clients and faults.

A run is one of a soak test (`protocol.py`), seeded, and watched by `Safety` alone: nobody knows the spec.
`log_of` makes of it what its servers could have written:

* each event has its action, the server, and of the server only what it knows of itself: `OWN`, or
  `OWN_OF_ALL_PARTS`. No network, no other server, nothing of what a leader knows of its peers, of its
  rounds and of its lease;
* a tick of a clock, and whatever is not the last thing in a step of a host, has only its action and its
  server;
* of a received message it has a few fields, by default those of `HEADER`;
* of reads it has what clients see, which who simulates the clients writes: when one was asked for, and
  from which log index it was answered (`reads` of the spec, where it changed);
* a lost message leaves no trace: `DropMessage` is hidden. A doubled one is logged by who doubles it,
  the simulator.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import raft
from property_tests.raft.host import Server
from property_tests.raft.protocol import setting_of
from property_tests.raft.recorder import Shown, restart_step, spec_steps
from property_tests.raft.settings import Setting
from property_tests.raft.translation import message_to_spec, server_to_spec
from tlacheck import __version__
from tlacheck.conform.lockstep import Diverged
from tlacheck.harness import Finding, Judge, Protocol, Run, Size, SpecStep, spec_step
from tlacheck.harness.workload import schedule_of
from tlacheck.runlog import Event, Header
from tlacheck.runlog import Run as Log
from tlacheck.sim import StepRecord
from tlacheck.trace import Origin
from tlacheck.values import Value

__all__ = [
    "HEADER",
    "HEADER_OF_ALL_PARTS",
    "HIDDEN",
    "NOTHING",
    "OWN",
    "OWN_OF_ALL_PARTS",
    "Simulated",
    "log_of",
    "simulate",
]

#: What the logs never show.
HIDDEN: Final = ("DropMessage",)
#: What a server knows of itself.
OWN: Final = ("currentTerm", "votedFor", "role", "log", "commitIndex")
#: The same where logs are compacted and disks take their time.
OWN_OF_ALL_PARTS: Final = (*OWN, "snapshot", "synced")
#: The fields of a received message that tell it from others in flight; its entries are not among them.
HEADER: Final = ("source", "term", "prevLogIndex", "matchIndex", "success", "voteGranted")
#: The same where there are more types of message, and rounds; a snapshot's contents are not among them.
HEADER_OF_ALL_PARTS: Final = (*HEADER, "lastLogIndex", "transfer", "round", "snapshot.index")
#: No field of it: then any message in flight may be the one that was received.
NOTHING: Final = ()


#: The actions by which a server changes nothing of `OWN_OF_ALL_PARTS`.
_ONLY_SENDS: Final = ("AppendEntries", "InstallSnapshot")


@attrs.frozen
class Line:
    """One step of the spec, and the server's own variables after it.

    Attributes:
        step: the step.
        node: the server; None if the network did it.
        own: the server's value of each variable; empty if it wrote no more of that step.
        reads: what clients saw of reads, if that changed.
    """

    step: SpecStep
    node: Value | None = None
    own: Mapping[str, Value] = immutabledict()
    reads: Value | None = None


@attrs.frozen(kw_only=True)
class Simulated:
    """A run of a simulated cluster.

    Attributes:
        lines: what happened.
        origin: where the run comes from.
        goals: how often each coverage goal was met.
        broken: the property that the cluster's own judge saw broken, which ended the run; empty if none was.
    """

    lines: tuple[Line, ...]
    origin: Origin
    goals: Counter[str]
    broken: str = ""


class _Writer(Judge):
    """Writes the lines of a run."""

    def __init__(self, setting: Setting, size: Size) -> None:
        self.lines: list[Line] = []
        self._shown = Shown(setting, size)

    def on_step(self, record: StepRecord) -> Iterator[Finding]:
        """A step of a server."""
        before = self._shown.reads
        self._shown.step(record)
        for command in record.commands[len(record.carried_out) :]:
            if hasattr(command, "message"):
                self._shown.take(command.message)
        steps, node = tuple(spec_steps(record)), server_to_spec(record.node)
        own = self._shown.own(record.node, OWN_OF_ALL_PARTS)
        for number, step in enumerate(steps, start=1):
            is_last = number == len(steps)
            knows = step.action != "Tick" and (is_last or step.action in _ONLY_SENDS)
            reads = self._shown.reads if is_last and self._shown.reads is not before else None
            self.lines.append(Line(step, node, own if knows else immutabledict(), reads))
        yield from ()

    def on_undone(self, record: StepRecord) -> Iterator[Finding]:
        """A step that a crash undid writes nothing."""
        for command in record.carried_out:
            if hasattr(command, "message"):
                self._shown.send(command.message)
        if record.message is not None:
            self._shown.take(record.message)
        yield from ()

    def on_restart(self, node: str, state: Server) -> Iterator[Finding]:
        """A server came back."""
        self._shown.put(node, state.node)
        own = self._shown.own(node, OWN_OF_ALL_PARTS)
        self.lines.append(Line(restart_step(node, state), server_to_spec(node), own))
        yield from ()

    def on_lost(self, message: raft.Message) -> Iterator[Finding]:
        """A message that is lost leaves no line."""
        self._shown.take(message)
        yield from ()

    def on_double(self, message: raft.Message) -> Iterator[Finding]:
        """The simulator writes which message it doubles."""
        self._shown.send(message)
        self.lines.append(Line(spec_step("DuplicateMessage", message=message_to_spec(message))))
        yield from ()


def simulate(
    protocol: Protocol, seed: int, *, steps: int, servers: int | None = None, command: str = ""
) -> Simulated:
    """A run with faults, which end at its end; the same for the same seed.

    Args:
        protocol: one of the declarations of Raft.
        seed: decides all that happens.
        steps: how many steps hosts take at least.
        servers: how many there are; the declaration's first size, if None.
        command: the command that makes this run again.
    """
    size = protocol.size(servers)
    writer = _Writer(setting_of(protocol, size), size)
    logged = attrs.evolve(protocol, judges=[*protocol.judges, lambda _: writer])
    run = Run(logged, size, seed=seed, oracle=None, command=command)
    broken = ""
    try:
        schedule = schedule_of(run, logged, seed=seed)
        schedule.begin()
        schedule.round(steps)
        schedule.conclude()
    except Diverged as failure:
        violation = failure.trace.violation
        broken = violation.property if violation else "a property"
    origin = Origin(
        source="simulation",
        spec=f"specs/raft/{protocol.spec}",
        config=f"specs/raft/{size.config}",
        seed=seed,
        command=command,
        versions=immutabledict({"tlacheck": __version__}),
    )
    return Simulated(lines=tuple(writer.lines), origin=origin, goals=run.goals, broken=broken)


def log_of(run: Simulated, *, received: tuple[str, ...] = HEADER, own: tuple[str, ...] = OWN) -> Log:
    """The log that the servers of a run could have written.

    Args:
        run: the run.
        received: which fields of a received message are written; of `snapshot.index` that field of a field.
        own: which variables a server writes of itself.
    """
    events = tuple(
        attrs.evolve(_event(line, received, own), number=number)
        for number, line in enumerate(run.lines, start=1)
    )
    return Log(header=Header(origin=run.origin), events=events)


def _event(line: Line, received: tuple[str, ...], own: tuple[str, ...]) -> Event:
    action, arguments = line.step.action, line.step.arguments
    if line.node is None:  # the network's own doing: the simulator logs what it does
        return Event(number=0, action=action, arguments=immutabledict(arguments))
    if not line.own:
        return Event(number=0, action=action, arguments=immutabledict(node=line.node), node=line.node)
    return Event(
        number=0,
        action=action,
        arguments=immutabledict(_known(arguments, received)),
        node=line.node,
        state=immutabledict() if line.reads is None else immutabledict(reads=line.reads),
        local=immutabledict((name, line.own[name]) for name in own),
    )


def _known(arguments: Mapping[str, Value], received: tuple[str, ...]) -> dict[str, Value]:
    known: dict[str, Any] = {name: value for name, value in arguments.items() if name != "message"}
    message = arguments.get("message", {})
    return known | {f"message.{path}": value for path in received for value in _at(message, path)}


def _at(message: Value, path: str) -> Iterator[Value]:
    """The field of a message at a path, if it has one."""
    for name in path.split("."):
        if not isinstance(message, Mapping) or name not in message:
            return
        message = message[name]
    yield message
