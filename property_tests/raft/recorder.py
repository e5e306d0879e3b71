"""The recorder of Raft: host steps as steps of `specs/raft`; states are compared after each.

Each input of the core is one step of the spec. A crash is none: what the server was is seen no more, and
`Restart` is the step. A message that the network loses or doubles, or that a crash kept from being handled or
sent, is one.

All variables are compared after each step but for `ahead`: how far clocks are apart is not the servers'
doing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from immutabledict import immutabledict

from impl import raft
from impl.raft import rules
from property_tests.raft.host import Applied, Server
from property_tests.raft.settings import Setting
from property_tests.raft.translation import (
    BY_SERVER,
    configuration_to_spec,
    entry_to_spec,
    message_to_spec,
    parts,
    parts_of_role,
    server_to_spec,
)
from tlacheck.harness import Size, SpecRun, SpecStep, spec_step
from tlacheck.sim import Notify, Send, StepRecord
from tlacheck.tlc.oracle import EVENT, OracleState
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value, function

__all__ = ["RaftRecorder", "Shown", "restart_step", "spec_steps"]

#: What the spec writes for a read that was not answered yet.
_UNANSWERED: Final = -1


class Shown:
    """The variables of the spec that servers and network show, with the history of the run.

    Args:
        setting: with which the cluster was started.
        size: which servers there are.

    Attributes:
        reads: read -> how much was committed when it was asked for, and how it was answered.
    """

    def __init__(self, setting: Setting, size: Size) -> None:
        self.reads: immutabledict[Value, Value] = immutabledict()
        self._names = size.nodes
        self._servers = tuple(server_to_spec(name) for name in size.nodes)
        self._copies: Counter[raft.Message] = Counter()
        self._parts: dict[str, tuple[Value, ...]] = {}
        self._elected: frozenset[Value] = frozenset()
        self._committed: tuple[Value, ...] = ()
        for name in size.nodes:
            self.put(name, raft.first_start(setting.config_for(name)))

    def variables(self) -> dict[str, Value]:
        """All variables but `ahead`."""
        columns = zip(*(self._parts[name] for name in self._names), strict=True)
        by_server = {
            name: immutabledict(zip(self._servers, column, strict=True))
            for name, column in zip(BY_SERVER, columns, strict=True)
        }
        history = {"elected": self._elected, "committed": self._committed, "reads": function(self.reads)}
        return by_server | self.network() | history

    def network(self) -> dict[str, Value]:
        """The messages in flight."""
        return {"messages": function({message_to_spec(each): count for each, count in self._copies.items()})}

    def own(self, name: str, variables: Sequence[str]) -> dict[str, Value]:
        """The values that these variables have for one server."""
        return {each: self._parts[name][BY_SERVER.index(each)] for each in variables}

    # --- what happens

    def put(self, name: str, node: raft.Node) -> None:
        """A server is this now."""
        others = tuple(other for other in self._names if other != name)
        self._parts[name] = parts(node) + parts_of_role(node.role, others)

    def send(self, message: raft.Message) -> None:
        """Note one more copy of a message in transit."""
        self._copies[message] += 1

    def take(self, message: raft.Message) -> None:
        """Note one copy less of a message in transit."""
        copies = self._copies.pop(message)
        if copies > 1:
            self._copies[message] = copies - 1

    def step(self, record: StepRecord) -> None:
        """A server took a step, and sent all that it was to send."""
        if record.message is not None:
            self.take(record.message)
        for command in record.commands:
            if isinstance(command, Send):
                self.send(command.message)
        self.put(record.node, record.after.node)
        self._remember(record)

    def _remember(self, record: StepRecord) -> None:
        """Note elections, commits of leaders, and answers to reads."""
        need, refused = len(self._committed), _refused(record)
        for inp in record.after.inputs:
            if isinstance(inp, raft.ReadIndex | raft.LeaseRead) and not _is_among(inp, refused):
                asked = immutabledict(need=need, answer=_UNANSWERED)
                self.reads = self.reads.set(ModelValue(str(inp.read)), asked)
        was, now = record.before.node, record.after.node
        leads = isinstance(was.role, raft.Leader) and was.durable.current_term == now.durable.current_term
        for command in record.commands:
            match command:
                case Notify(what=raft.BecameLeader(term=term)):
                    leads = True
                    self._elected |= {immutabledict(term=term, leader=server_to_spec(record.node))}
                case Notify(what=Applied(index=index)) if leads and index > len(self._committed):
                    item = immutabledict(
                        entry=entry_to_spec(now.durable.entry_at(index)),
                        term=now.durable.current_term,
                        configuration=configuration_to_spec(now.configuration),
                    )
                    self._committed = (*self._committed, item)
                case Notify(what=raft.ReadReady(read=read, index=index)):
                    name = ModelValue(str(read))
                    self.reads = self.reads.set(name, self.reads[name].set("answer", index))


class RaftRecorder:
    """Follows one run of a cluster in the spec. It is a `tlacheck.harness.SpecRecorder`.

    Args:
        setting: with which the cluster was started.
        size: which servers there are.
        run: the run of the spec.
    """

    def __init__(self, setting: Setting, size: Size, run: SpecRun) -> None:
        self._run = run
        self._shown = Shown(setting, size)
        run.compare(self._shown.variables(), "in the beginning")

    def on_step(self, record: StepRecord) -> None:
        """A server took a step; of what it sent, a crash may have lost the end."""
        self._shown.step(record)
        for step in spec_steps(record):
            self._run.follow(step)
        self._run.compare(self._shown.variables(), f"after {record.node} took {record.input!r}")
        for command in record.commands[len(record.carried_out) :]:
            if isinstance(command, Send):
                self.on_lost(command.message)

    def on_undone(self, record: StepRecord) -> None:
        """Note that a crash undid a step: its input is lost, the messages already sent are in transit."""
        for command in record.carried_out:
            if isinstance(command, Send):
                self._shown.send(command.message)
        if record.message is not None:
            self.on_lost(record.message)
        else:
            self._run.compare(self._shown.network(), f"after a crash of {record.node}")

    def on_restart(self, node: str, state: Server) -> None:
        """A server came back, with a log of which the end may be lost."""
        self._shown.put(node, state.node)
        self._run.follow(restart_step(node, state))
        self._run.compare(self._shown.variables(), f"after {node} came back")

    def on_lost(self, message: raft.Message) -> None:
        """The network loses a copy of a message."""
        self._shown.take(message)
        self._run.follow(spec_step("DropMessage", message=message_to_spec(message)).by("DropEvent"))
        self._run.compare(self._shown.network(), "after the loss of a message")

    def on_double(self, message: raft.Message) -> None:
        """The network makes a second copy of a message."""
        self._shown.send(message)
        self._run.follow(spec_step("DuplicateMessage", message=message_to_spec(message)).by("DuplicateEvent"))
        self._run.compare(self._shown.network(), "after the doubling of a message")

    def observe(self) -> Mapping[str, Value]:
        """All variables but `ahead`."""
        return self._shown.variables()

    def shown(self, states: Sequence[OracleState], *, is_whole: bool) -> list[State]:
        """The states as the spec has them, without the record of the step."""
        del is_whole
        return [
            State((name, value) for name, value in state.values.items() if name != EVENT) for state in states
        ]


# --- steps


def _refused(record: StepRecord) -> list[object]:
    return [
        command.what.input
        for command in record.commands
        if isinstance(command, Notify) and isinstance(command.what, raft.Refused)
    ]


def _is_among(inp: raft.Input, others: Sequence[object]) -> bool:
    return any(inp is other for other in others)


def spec_steps(record: StepRecord) -> Iterator[SpecStep]:
    """The steps of the spec for a step of a host: one for each input that the core did not refuse."""
    node, refused = server_to_spec(record.node), _refused(record)
    for inp in record.after.inputs:
        if not _is_among(inp, refused):
            yield _step(node, inp, record.before.node)


def restart_step(node: str, state: Server) -> SpecStep:
    """The step of the spec by which a server comes back, with the log that it has then."""
    last = state.node.durable.last_index
    return spec_step("Restart", node=server_to_spec(node), lastIndex=last).by("RestartAtEvent")


def _step(node: Value, inp: raft.Input, before: raft.Node) -> SpecStep:
    name = type(inp).__name__
    match inp:
        case raft.Receive(message=message):
            arguments: dict[str, Value] = {"node": node, "message": message_to_spec(message)}
            return spec_step(f"Handle{type(message).__name__}", **arguments).by("ReceiveEvent")
        case raft.AppendEntries(peer=peer):
            role = before.role
            progress = role.of(peer) if isinstance(role, raft.Leader) else None
            if progress is not None and rules.needs_snapshot(progress.next_index, before.durable.snapshot):
                name = "InstallSnapshot"
            arguments = {"peer": server_to_spec(peer)}
        case raft.TransferLeadership(peer=peer):
            arguments = {"peer": server_to_spec(peer)}
        case raft.ClientRequest(value=value):
            arguments = {"value": ModelValue(str(value))}
        case raft.ReadIndex(read=read) | raft.LeaseRead(read=read):
            arguments = {"read": ModelValue(str(read))}
        case raft.DiskSynced(index=index):
            return spec_step(name, node=node, lastIndex=index).by("DiskSyncedAtEvent")
        case raft.ChangeMembership(configuration=configuration):
            changed = configuration_to_spec(configuration)
            return spec_step(name, node=node, configuration=changed).by("ChangeEvent")
        case _:
            arguments = {}
    return spec_step(name, node=node, **arguments).by(f"{name}Event")
