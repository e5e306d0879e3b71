"""Safety properties of a Raft cluster, checked on servers and their effects without the spec.

A second opinion, and deliberately naive: each property is written from the papers ("paper" is Ongaro
and Ousterhout 2014, "thesis" is Ongaro 2014) on the states, effects and messages of the
implementation, so that it holds even where spec and implementation err alike. Majorities are counted
here, logs are compared entry by entry, and what a state machine must hold is found by applying all that
was ever committed.

`Safety` is told each effect as it is carried out, and after each step what the server is then. A step
changes one server, so that only what it changed is looked at again.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import Any, Final

from impl import raft
from property_tests.raft.host import Machine

__all__ = ["Broken", "Safety"]

#: The greatest length of a state or a snapshot in a message, in characters.
_BRIEF_MAX: Final = 600
#: A broken property: its name in the spec if it has one there, and a line that says what is wrong.
Broken = tuple[str, str]


class Safety:
    """Watches one run.

    Args:
        nodes: the servers as they start.
        machine: the state machine; that of the spec, if None: values in the order of the log, each once.

    Attributes:
        nodes: the servers as they were told last.
        committed: all entries that were ever committed, in log order, each with the term of who knew
            it first: a leader, as it counts before it tells.
        leaders: term -> who led it.
        founders: the voters of the first configuration.
        stale: the reads that showed too little, and were allowed to.
    """

    def __init__(self, nodes: Mapping[str, raft.Node], machine: Machine | None = None) -> None:
        self.nodes = dict(nodes)
        self._machine = machine or _Values()
        self.committed: list[tuple[raft.Entry, int]] = []
        self.leaders: dict[int, str] = {}
        # What committed entries amount to: the state machine and the configuration after each of them.
        first = next(iter(self.nodes.values())).durable.snapshot.configuration
        self.founders = first.voters
        self.stale: list[Hashable] = []
        self._machines: list[Any] = [self._machine.initial()]
        self._configurations = [first]
        self._first_applied: dict[int, tuple[str, Hashable]] = {}
        self._applied = {name: node.durable.snapshot.index for name, node in self.nodes.items()}
        self._votes: dict[tuple[str, int], str] = {}
        self._asked: dict[Hashable, int] = {}
        self._excused: set[Hashable] = set()
        self._answered: list[tuple[str, Hashable, int]] = []
        self._breaches: list[Broken] = []

    # --- what servers do

    def applied(self, node: str, index: int, value: Hashable) -> None:
        """A server applied `value` at log index `index`."""
        expected = self._applied[node] + 1
        if index != expected:
            self._break("AppliedInOrder", f"{node} applied log index {index} where {expected} was next")
        self._applied[node] = index
        first, earlier = self._first_applied.setdefault(index, (node, value))
        if earlier != value:
            self._break(
                "StateMachineSafety",
                f"at log index {index} {first} applied {earlier} and {node} applied {value}",
            )

    def restored(self, node: str, index: int) -> None:
        """A server's state machine took over a snapshot of log index `index`."""
        if index < self._applied[node]:
            self._break("AppliedInOrder", f"{node} went back from log index {self._applied[node]} to {index}")
        self._applied[node] = index

    def sent(self, message: raft.Message) -> None:
        """A server sent a message.

        What it says of votes binds the server, also after a crash (paper, 5.2).
        """
        match message:
            case raft.RequestVoteRequest(source=server, term=term):
                candidate = server
            case raft.RequestVoteResponse(source=server, term=term, dest=candidate, vote_granted=True):
                pass
            case _:
                return
        first = self._votes.setdefault((server, term), candidate)
        if first != candidate:
            self._break("VoteStands", f"{server} sent votes for {first} and for {candidate} in term {term}")

    def asked(self, read: Hashable, *, may_be_stale: bool = False) -> None:
        """Note a client's read: it must show all that is committed now, unless it may be stale."""
        self._asked[read] = len(self.committed)
        if may_be_stale:
            self._excused.add(read)

    def answered(self, node: str, read: Hashable, index: int) -> None:
        """A server answers a read from its state machine, which it says is that of log index `index`."""
        self._answered.append((node, read, index))

    def holds(self, node: str, machine: Any) -> None:
        """Check the content of a server's state machine after a step."""
        if isinstance(machine, tuple) and len(set(machine)) < len(machine):
            self._break("AppliedOnce", f"the state machine of {node} holds a value twice: {machine}")
        index = self._applied[node]
        if index < len(self._machines) and machine != self._machines[index]:
            self._break(
                "StateMachineSafety",
                f"after log index {index} the state machine of {node} holds {_brief(machine)}, "
                f"and what was committed amounts to {_brief(self._machines[index])}",
            )

    @property
    def broken(self) -> Broken | None:
        """The first property that was broken by now; None if all hold."""
        return self._breaches[0] if self._breaches else None

    # --- what servers are

    def step(self, name: str, after: raft.Node, *, restarted: bool = False) -> Broken | None:
        """The first property that was broken by now; None if all hold.

        Args:
            name: the server that took a step.
            after: what it is after the step.
            restarted: whether the step was its return from a crash.
        """
        before = self.nodes[name]
        if after is before and not self._answered:
            return self._breaches[0] if self._breaches else None
        self.nodes[name] = after
        if restarted:
            self._applied[name] = after.durable.snapshot.index
            self._breaches.extend(_survives(name, before, after))
        self._breaches.extend(_step(name, before, after, restarted=restarted))
        self._breaches.extend(self._log(name, before, after))
        self._breaches.extend(self._leadership(name, before, after))
        self._breaches.extend(self._commits(name, before, after))
        self._breaches.extend(self._snapshot(name, before, after))
        self._breaches.extend(self._reads())
        return self._breaches[0] if self._breaches else None

    def _break(self, name: str, line: str) -> None:
        self._breaches.append((name, line))

    def _log(self, name: str, before: raft.Node, after: raft.Node) -> Iterator[Broken]:
        """Logs that hold an entry of one term at one index are equal up to there (paper, 5.3)."""
        durable = after.durable
        if not durable.snapshot.index <= after.commit_index <= durable.last_index:
            yield "CommitIndexInLog", f"{name} holds as committed an entry that it has not got"
        if durable.log is before.durable.log:
            return
        open_changes = [
            index
            for index, entry in enumerate(durable.log, start=durable.snapshot.index + 1)
            if isinstance(entry.value, raft.Configuration)
            and index > max(len(self.committed), after.commit_index)
        ]
        if len(open_changes) > 1:
            yield (
                "OneChangeAtATime",
                f"{name} holds changes of membership at log indices {open_changes}, none of them committed",
            )
        for other, node in self.nodes.items():
            if other == name:
                continue
            theirs = node.durable
            first = max(durable.snapshot.index, theirs.snapshot.index) + 1
            for index in range(min(durable.last_index, theirs.last_index), first - 1, -1):
                if durable.term_at(index) == theirs.term_at(index):
                    if _between(durable, first, index) != _between(theirs, first, index):
                        one, two = sorted((name, other))
                        yield (
                            "LogMatching",
                            f"{one} and {two} agree at log index {index} and differ before it",
                        )
                    break

    def _leadership(self, name: str, before: raft.Node, after: raft.Node) -> Iterator[Broken]:
        """One leader per term, elected by a quorum, holds all committed entries (paper, 5.2 and 5.4)."""
        role, durable = after.role, after.durable
        if not isinstance(role, raft.Leader):
            return
        term = durable.current_term
        first = self.leaders.setdefault(term, name)
        if first != name:
            yield "ElectionSafety", f"{first} and {name} both lead term {term}"
        configuration = _configuration(durable, durable.last_index)
        if role.configuration != configuration:
            yield (
                "LeaderConfiguration",
                f"leader {name} goes by {role.configuration}, and its log says {configuration}",
            )
        peers = {known.peer for known in role.progress}
        if peers != configuration.members - {name}:
            yield "LeaderConfiguration", f"leader {name} replicates to {sorted(peers)} under {configuration}"
        if isinstance(before.role, raft.Leader) and before.durable.current_term == term:
            return
        lost = [
            index
            for index, (entry, committer) in enumerate(self.committed, start=1)
            if committer < term and index > durable.snapshot.index and _at(durable, index) != entry
        ]
        if lost:
            yield "LeaderCompleteness", f"{name} leads term {term} without the committed entry {lost[0]}"
        voters = {voter for (voter, at), candidate in self._votes.items() if at == term and candidate == name}
        if not _is_quorum({name, *voters}, configuration):
            yield (
                "ElectedByQuorum",
                f"{name} leads term {term} with the votes of {sorted(voters | {name})} only",
            )

    def _commits(self, name: str, before: raft.Node, after: raft.Node) -> Iterator[Broken]:
        """A committed entry is the same for all, and is on the disks of a quorum (paper, 5.3 and 5.4)."""
        durable = after.durable
        if after.commit_index <= before.commit_index or after.commit_index > durable.last_index:
            return
        for index in range(max(before.commit_index, durable.snapshot.index) + 1, after.commit_index + 1):
            entry = durable.entry_at(index)
            if index <= len(self.committed):
                if self.committed[index - 1][0] != entry:
                    first = self.committed[index - 1][0]
                    yield (
                        "StateMachineSafety",
                        f"at log index {index} {first} was committed, and {name} holds {entry} as committed",
                    )
                continue
            self.committed.append((entry, durable.current_term))
            self._machines.append(self._machine.apply(self._machines[-1], entry.value)[0])
            change = entry.value if isinstance(entry.value, raft.Configuration) else None
            self._configurations.append(change or self._configurations[-1])
            holders = {other for other, node in self.nodes.items() if _is_safe_at(node, index, entry)}
            configurations = {_configuration(durable, durable.last_index), _configuration(durable, index)}
            if not any(_is_quorum(holders, configuration) for configuration in configurations):
                yield (
                    "CommittedIsDurable",
                    f"{name} committed log index {index}, which is on the disks of {sorted(holders)} only",
                )
            for other, node in self.nodes.items():
                if (
                    isinstance(node.role, raft.Leader)
                    and node.durable.current_term > durable.current_term
                    and index > node.durable.snapshot.index
                    and _at(node.durable, index) != entry
                ):
                    yield (
                        "LeaderCompleteness",
                        f"{other} leads term {node.durable.current_term} without the committed entry {index}",
                    )

    def _snapshot(self, name: str, before: raft.Node, after: raft.Node) -> Iterator[Broken]:
        """A snapshot represents exactly the committed entries (paper, 7)."""
        found, index = after.durable.snapshot, after.durable.snapshot.index
        if found is before.durable.snapshot:
            return
        if index < before.durable.snapshot.index:
            yield (
                "SnapshotMonotonic",
                f"the snapshot of {name} went back from {before.durable.snapshot.index} to {index}",
            )
        if index > len(self.committed):
            yield (
                "SnapshotsAreTrue",
                f"the snapshot of {name} covers log index {index}, which is not committed",
            )
        elif index:
            stands_for = (
                self.committed[index - 1][0].term,
                self._machine.snapshot(self._machines[index]),
                self._configurations[index],
            )
            if stands_for != (found.term, found.state, found.configuration):
                yield (
                    "SnapshotsAreTrue",
                    f"the snapshot of {name} at log index {index} is {_brief(found)}, not "
                    + _brief(stands_for),
                )

    def _reads(self) -> Iterator[Broken]:
        """A read shows all that was committed when it was asked for (thesis, 6.4)."""
        for name, read, index in self._answered:
            need = self._asked.get(read, 0)
            if index < need and read in self._excused:
                self.stale.append(read)
            elif index < need:
                yield (
                    "LinearizableReads",
                    (
                        f"{name} answered {read} from log index {index}, and {need} was committed when it "
                        "was asked"
                    ),
                )
            if self._applied[name] < index:
                yield (
                    "LinearizableReads",
                    f"{name} answered {read} from log index {index} with {self._applied[name]} applied",
                )
        self._answered.clear()


# --- one server, before and after a step --------------------------------------------------------


def _step(name: str, before: raft.Node, after: raft.Node, *, restarted: bool) -> Iterator[Broken]:
    old, new = before.durable, after.durable
    led = isinstance(before.role, raft.Leader) and isinstance(after.role, raft.Leader)
    led = led and old.current_term == new.current_term
    if new.current_term < old.current_term:
        yield "TermMonotonic", f"the term of {name} went back from {old.current_term} to {new.current_term}"
    if new.current_term == old.current_term and old.voted_for is not None and new.voted_for != old.voted_for:
        yield (
            "VoteStands",
            f"{name} voted for {old.voted_for} in term {old.current_term} and now for {new.voted_for}",
        )
    first = max(old.snapshot.index, new.snapshot.index) + 1
    if led and _between(new, first, old.last_index) != _between(old, first, old.last_index):
        yield "LeaderAppendOnly", f"leader {name} changed or removed entries of its own log"
    if led and before.commit_index < after.commit_index <= new.last_index:
        earlier = new.term_at(after.commit_index)
        if earlier != new.current_term:
            yield (
                "LeaderCommitsOwnTerm",
                f"leader {name} of term {new.current_term} committed directly an entry of term {earlier}",
            )
    if after.commit_index < before.commit_index and not restarted:
        yield (
            "CommitIndexMonotonic",
            f"the commit index of {name} went back from {before.commit_index} to {after.commit_index}",
        )
    kept = min(before.commit_index, before.durable_index) if restarted else before.commit_index
    if (old.log is not new.log or old.snapshot is not new.snapshot) and _between(
        new, first, kept
    ) != _between(old, first, kept):
        yield "CommittedStays", f"{name} changed or removed an entry up to its commit index {kept}"
    if led and isinstance(before.role, raft.Leader) and isinstance(after.role, raft.Leader):
        known = {one.peer: one.match_index for one in after.role.progress}
        if any(known.get(one.peer, one.match_index) < one.match_index for one in before.role.progress):
            yield "MatchIndexMonotonic", f"leader {name} forgot what a peer holds"


def _survives(name: str, before: raft.Node, after: raft.Node) -> Iterator[Broken]:
    """Synced state survives a crash (paper, Figure 2); of unsynced writes, a prefix may."""
    old, new = before.durable, after.durable
    whole = new.snapshot == old.snapshot and new.log == old.log[: len(new.log)]
    if not whole or new.last_index < before.durable_index:
        yield (
            "DurableStays",
            f"{name} had its log on disk up to {before.durable_index}, and came back with {new.log}",
        )


# --- what the papers say, counted out -----------------------------------------------------------


def _is_quorum(servers: Collection[str], configuration: raft.Configuration) -> bool:
    """More than half of the voters; while voters change hands, more than half of the old ones too."""
    sides = [configuration.voters, configuration.outgoing]
    return all(2 * len([each for each in side if each in servers]) > len(side) for side in sides if side)


def _configuration(durable: raft.Durable, up_to: int) -> raft.Configuration:
    """The last configuration up to a log index (paper, 6)."""
    found = durable.snapshot.configuration
    for entry in durable.log[: up_to - durable.snapshot.index]:
        if isinstance(entry.value, raft.Configuration):
            found = entry.value
    return found


class _Values:
    """The state machine of the spec: a client's value counts once, however often submitted (thesis, 6.3)."""

    def initial(self) -> tuple[Hashable, ...]:
        """No values."""
        return ()

    def apply(self, state: tuple[Hashable, ...], value: Any) -> tuple[tuple[Hashable, ...], None]:
        """The values after an entry."""
        if isinstance(value, raft.NoOp | raft.Configuration) or value in state:
            return state, None
        return (*state, value), None

    def snapshot(self, state: tuple[Hashable, ...]) -> Hashable:
        """The values."""
        return state

    def restore(self, snapshot: Any) -> tuple[Hashable, ...]:
        """The values."""
        return tuple(snapshot)


def _brief(what: object) -> str:
    """A text of some object that fits on a screen."""
    text = str(what)
    return text if len(text) <= _BRIEF_MAX else f"{text[:_BRIEF_MAX]}... ({len(text):,} characters)"


def _between(durable: raft.Durable, first: int, last: int) -> tuple[raft.Entry, ...]:
    return durable.log[first - durable.snapshot.index - 1 : max(0, last - durable.snapshot.index)]


def _at(durable: raft.Durable, index: int) -> raft.Entry | None:
    return durable.entry_at(index) if durable.snapshot.index < index <= durable.last_index else None


def _is_safe_at(node: raft.Node, index: int, entry: raft.Entry) -> bool:
    """Return whether an entry is on a server's disk, or in its snapshot."""
    if index <= node.durable.snapshot.index:
        return True
    return index <= node.durable_index and _at(node.durable, index) == entry
