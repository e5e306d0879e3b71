"""The judge of Raft runs, independent of the spec: `Safety`, and the situations that a run must meet."""

from collections.abc import Iterator
from typing import Final

from impl import raft
from property_tests.raft.host import Applied, Machine, Restored, Server
from property_tests.raft.safety import Safety
from property_tests.raft.settings import Setting
from tlacheck.harness import Broken, Finding, Judge, Met, Size
from tlacheck.sim import Notify, Send, StepRecord

__all__ = ["ACTIONS", "SITUATIONS", "RaftJudge"]

#: The actions of the spec that servers take.
ACTIONS: Final = (
    *(
        kind.__name__
        for kind in (
            raft.Timeout,
            raft.ClientRequest,
            raft.AppendEntries,
            raft.Compact,
            raft.ChangeMembership,
            raft.CheckQuorum,
            raft.TransferLeadership,
            raft.AbortTransfer,
            raft.ReadIndex,
            raft.LeaseRead,
            raft.RenewLease,
            raft.Tick,
            raft.DiskSynced,
        )
    ),
    "InstallSnapshot",
    *(f"Handle{kind.__name__}" for kind in raft.Message.__args__),
)

#: The situations that a judge tells of, besides actions.
SITUATIONS: Final = (
    "a leader is elected",
    "a third leader is elected",
    "two servers believe that they lead",
    "an entry is committed",
    "an entry of an earlier term is committed",
    "a conflicting entry is removed",
    "a refusal says where to go on",
    "a value is submitted again",
    "a snapshot is installed",
    "a change is committed",
    "a joint change is committed",
    "a founder leaves and another server votes",
    "a leader that was removed steps down",
    "a leader whom no quorum answers steps down",
    "leadership is handed over",
    "a read is answered by a quorum",
    "a read is answered by the lease",
    "a read fails",
    "a request is refused",
    "the end of a log is lost in a crash",
    "what was not synced survives a crash",
    "a step is lost in a crash",
    "a write is torn",
    "a leader crashes",
)


class RaftJudge(Judge):
    """Passes the steps of servers to `Safety`, and reports the situations met.

    Args:
        setting: with which the cluster was started.
        size: which servers there are.
        leases_are_safe: False if clocks do not keep together, so that reads by lease may show too little.
        machine: the state machine; that of the spec, if None.

    Attributes:
        safety: what is known of the run.
    """

    def __init__(
        self, setting: Setting, size: Size, *, leases_are_safe: bool = True, machine: Machine | None = None
    ) -> None:
        self.safety = Safety(
            {name: raft.first_start(setting.config_for(name)) for name in size.nodes}, machine
        )
        self._leases_are_safe = leases_are_safe
        self._submitted: set[object] = set()

    def on_step(self, record: StepRecord) -> Iterator[Finding]:
        """Judge a step of a server."""
        safety, node, server = self.safety, record.node, record.after
        before, committed = safety.nodes[node], len(safety.committed)
        news = [command.what for command in record.commands if isinstance(command, Notify)]
        refused = [what.input for what in news if isinstance(what, raft.Refused)]
        for inp in server.inputs:
            if any(inp is each for each in refused):
                yield Met("a request is refused")
            else:
                yield from self._took(inp, before)
        yield from self._sent(record)
        for what in news:
            match what:
                case Applied(index=index, value=value):
                    safety.applied(node, index, value)
                case Restored(index=index):
                    safety.restored(node, index)
                case raft.ReadReady(read=read, index=index):
                    safety.answered(node, read, index)
        if server.node is before and not news:
            return
        broken = safety.step(node, server.node)
        if any(isinstance(what, Applied | Restored) for what in news):
            safety.holds(node, server.machine)
        if broken := broken or safety.broken:
            yield Broken(*broken)
        for what in news:
            yield from self._of(what, record.before.node, server)
        yield from _of_step(safety, before, server.node, committed)

    def on_undone(self, record: StepRecord) -> Iterator[Finding]:
        """Judge the messages of a step that a crash undid."""
        yield Met("a step is lost in a crash")
        yield from self._sent(record)
        if self.safety.broken:
            yield Broken(*self.safety.broken)

    def on_restart(self, node: str, state: Server) -> Iterator[Finding]:
        """Judge a server that came back."""
        safety, before = self.safety, self.safety.nodes[node]
        if isinstance(before.role, raft.Leader):
            yield Met("a leader crashes")
        broken = safety.step(node, state.node, restarted=True)
        safety.holds(node, state.machine)
        if broken := broken or safety.broken:
            yield Broken(*broken)
        if state.found_torn:
            yield Met("a write is torn")
        if state.node.durable.last_index < before.durable.last_index:
            yield Met("the end of a log is lost in a crash")
        if before.durable_index < state.node.durable.last_index:
            yield Met("what was not synced survives a crash")

    # --- parts of a step

    def _took(self, inp: raft.Input, before: raft.Node) -> Iterator[Met]:
        match inp:
            case raft.Receive(message=message):
                yield Met(f"Handle{type(message).__name__}")
                return
            case raft.ReadIndex(read=read):
                self.safety.asked(read)
            case raft.LeaseRead(read=read):
                self.safety.asked(read, may_be_stale=not self._leases_are_safe)
            case raft.ClientRequest(value=value):
                if value in self._submitted:
                    yield Met("a value is submitted again")
                self._submitted.add(value)
            case raft.CheckQuorum():
                del before
        if not isinstance(inp, raft.AppendEntries):  # the message says which of two actions it is
            yield Met(type(inp).__name__)

    def _sent(self, record: StepRecord) -> Iterator[Met]:
        for command in record.commands[: record.done]:
            if not isinstance(command, Send):
                continue
            self.safety.sent(command.message)
            match command.message:
                case raft.AppendEntriesRequest():
                    yield Met("AppendEntries")
                case raft.InstallSnapshotRequest():
                    yield Met("InstallSnapshot")
                case raft.AppendEntriesResponse(conflict=conflict) if conflict.index:
                    yield Met("a refusal says where to go on")

    def _of(self, what: object, before: raft.Node, server: Server) -> Iterator[Met]:
        match what:
            case Restored():
                yield Met("a snapshot is installed")
            case raft.SteppedDown():
                if any(isinstance(inp, raft.CheckQuorum) for inp in server.inputs):
                    yield Met("a leader whom no quorum answers steps down")
                elif server.node.durable.current_term == before.durable.current_term:
                    yield Met("a leader that was removed steps down")
                if isinstance(before.role, raft.Leader) and before.role.handed_over:
                    yield Met("leadership is handed over")
            case raft.ReadReady():
                by_lease = any(isinstance(inp, raft.LeaseRead) for inp in server.inputs)
                yield Met("a read is answered by the lease" if by_lease else "a read is answered by a quorum")
            case raft.ReadFailed():
                yield Met("a read fails")


def _of_step(safety: Safety, before: raft.Node, after: raft.Node, committed: int) -> Iterator[Met]:
    """The situations that the states before and after a step tell of."""
    if len(safety.committed) > committed:
        yield Met("an entry is committed")
        entry, term = safety.committed[committed]
        if entry.term < term:
            yield Met("an entry of an earlier term is committed")
        for entry, _ in safety.committed[committed:]:
            if isinstance(entry.value, raft.Configuration):
                yield Met("a joint change is committed" if entry.value.is_joint else "a change is committed")
    old, new = before.durable, after.durable
    if old.snapshot is not new.snapshot:
        voters, first = new.snapshot.configuration.voters, safety.founders
        if voters - first and first - voters:
            yield Met("a founder leaves and another server votes")
    if old.log is not new.log and _is_cut(old, new):
        yield Met("a conflicting entry is removed")
    if isinstance(after.role, raft.Leader) and not isinstance(before.role, raft.Leader):
        yield Met("a leader is elected")
        if len(safety.leaders) >= 3:
            yield Met("a third leader is elected")
        if any(isinstance(node.role, raft.Leader) and node is not after for node in safety.nodes.values()):
            yield Met("two servers believe that they lead")


def _is_cut(old: raft.Durable, new: raft.Durable) -> bool:
    """Return whether entries were removed that no snapshot covers."""
    first = max(old.snapshot.index, new.snapshot.index)
    kept = old.log[first - old.snapshot.index :]
    return new.log[first - new.snapshot.index :][: len(kept)] != kept
