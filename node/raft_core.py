"""Raft's core as a node runs it: configuration, messages and durable state as bytes, digests.

The durable state of a server is kept as records of the write-ahead log:

| record        | says                                                                    |
|---------------|-------------------------------------------------------------------------|
| `Founded`     | the first configuration; the first record                               |
| `Voted`       | the term, and the vote in it                                            |
| `Appended`    | the log behind `after` is cut off, and these entries follow             |

A change of the durable state is written as what has changed, at most one record of each kind.
"""

import itertools
from collections.abc import Iterable
from typing import Any, ClassVar, Final

import attrs

from impl import raft
from node.codec import Codec
from node.engine import Effects
from node.errors import BadFrame, DamagedLog
from node.proposals import Proposal
from node.stamps import message_codec, short_digest

__all__ = [
    "CODEC",
    "ELECTION_TICKS",
    "Appended",
    "Founded",
    "RaftCore",
    "Record",
    "Voted",
    "config_for",
    "records_between",
    "restored",
]

#: A server counts so many ticks in the shortest election timeout.
ELECTION_TICKS: Final = 10


def config_for(node: str, founders: tuple[str, ...]) -> raft.Config:
    """Return the configuration of a server of a cluster with these founders.

    It has no part on that needs snapshots, changes of membership or leases.
    """
    return raft.Config(
        node,
        founders,
        entries_max=64,
        unacknowledged_max=256,
        pre_vote=True,
        check_quorum=True,
        pipelining=True,
        conflict_term=True,
        election_ticks=ELECTION_TICKS,
        lease_ticks=0,
    )


#: The codec of messages and inputs.
CODEC: Final = message_codec(
    [
        Proposal,
        raft.AppendEntries,
        raft.AppendEntriesRequest,
        raft.AppendEntriesResponse,
        raft.CheckQuorum,
        raft.ClientRequest,
        raft.Configuration,
        raft.ConflictHint,
        raft.Entry,
        raft.InstallSnapshotRequest,
        raft.NoOp,
        raft.PreVoteRequest,
        raft.PreVoteResponse,
        raft.ReadIndex,
        raft.Receive,
        raft.RequestVoteRequest,
        raft.RequestVoteResponse,
        raft.Snapshot,
        raft.Tick,
        raft.Timeout,
        raft.TimeoutNow,
    ]
)


# --- records


@attrs.frozen
class Founded:
    """The snapshot with which the log begins."""

    snapshot: raft.Snapshot


@attrs.frozen
class Voted:
    """The server is in this term now, and voted in it for this server, or for nobody yet."""

    term: int
    voted_for: str | None


@attrs.frozen
class Appended:
    """The log ends at index `after`, and these entries follow."""

    after: int
    entries: tuple[raft.Entry, ...]


Record = Founded | Voted | Appended


#: The codec of the records.
RECORD_CODEC: Final = Codec(
    [Founded, Voted, Appended, raft.Snapshot, raft.Configuration, raft.Entry, raft.NoOp, Proposal]
)


def records_between(before: raft.Durable, after: raft.Durable) -> list[Record]:
    """Return the records by which one durable state becomes the next."""
    records: list[Record] = []
    if (before.current_term, before.voted_for) != (after.current_term, after.voted_for):
        records.append(Voted(after.current_term, after.voted_for))
    if before.log is not after.log:
        same = _common(before.log, after.log)
        if same < max(len(before.log), len(after.log)):
            records.append(Appended(after.snapshot.index + same, after.log[same:]))
    return records


def _common(one: tuple[raft.Entry, ...], other: tuple[raft.Entry, ...]) -> int:
    """The number of entries with which both logs begin: a term at an index says which entry it is (5.3)."""
    shorter = min(len(one), len(other))
    if shorter and one[shorter - 1].term == other[shorter - 1].term:
        return shorter
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0].term == pair[1].term, pairs))


def restored(records: Iterable[Any]) -> raft.Durable | None:
    """Return the durable state after these records; None if there are none.

    Raises:
        DamagedLog: they do not follow one another.
    """
    durable: raft.Durable | None = None
    for number, record in enumerate(records, start=1):
        match record:
            case Founded(snapshot=snapshot) if durable is None:
                durable = raft.Durable(snapshot=snapshot)
            case Voted(term=term, voted_for=voted_for) if durable is not None:
                durable = attrs.evolve(durable, current_term=term, voted_for=voted_for)
            case Appended(after=after, entries=entries) if durable and after <= durable.last_index:
                kept = durable.log[: after - durable.snapshot.index]
                durable = attrs.evolve(durable, log=kept + entries)
            case _:
                raise DamagedLog(
                    f"record {number} of the write-ahead log does not follow those before it: "
                    f"{type(record).__name__}. It was written by another program; keep the folder, and add "
                    "a new node in the place of this one"
                )
    return durable


# --- the core


class RaftCore:
    """The core of a Raft server. It is a `node.engine.Core`.

    Args:
        node: its name.
        nodes: the founders.
    """

    protocol: ClassVar[str] = "raft"

    def __init__(self, node: str, nodes: tuple[str, ...]) -> None:
        self.node = node
        self.nodes = nodes
        self.config = config_for(node, nodes)
        self.codec = CODEC
        self.record_codec = RECORD_CODEC

    def first(self) -> raft.Node:
        """Return the server at its first start."""
        return raft.first_start(self.config)

    def recovered(self, durable: raft.Durable) -> raft.Node:
        """Return the server after a crash that left this durable state."""
        return raft.recover(self.config, durable)

    def step(self, state: raft.Node, inp: raft.Input) -> tuple[raft.Node, Effects]:
        """Return the server after an input, and what it asks for."""
        return raft.step(state, inp)

    def received(self, message: raft.Message) -> raft.Input:
        """Return the input by which a message is taken."""
        return raft.Receive(message)

    def message_in(self, inp: raft.Input) -> raft.Message | None:
        """Return the message that an input takes; None if it takes none."""
        return inp.message if isinstance(inp, raft.Receive) else None

    def is_request(self, inp: raft.Input) -> bool:
        """Return False: all messages of Raft are of servers."""
        del inp
        return False

    def sends(self, effects: Effects) -> list[tuple[str, raft.Message]]:
        """Return the messages among the effects, each with the server that it goes to, in order."""
        return [(each.message.dest, each.message) for each in effects if isinstance(each, raft.Send)]

    def check_message(self, message: object, sender: str) -> None:
        """Check that a message names its sender as its source, and this server as its destination.

        Raises:
            BadFrame: it does not.
        """
        if not isinstance(message, raft.Message):
            raise BadFrame(f"a {type(message).__name__} is no message of Raft")
        if (message.source, message.dest) != (sender, self.node):
            raise BadFrame(
                f"{sender} sends a message from {message.source} to {message.dest}: a node speaks for itself"
            )

    def applied(self, state: raft.Node, effects: Effects) -> list[str]:
        """Return the names of the proposals that are applied."""
        del state
        return [str(each.value) for each in effects if isinstance(each, raft.Apply)]

    def held(self, state: raft.Node) -> list[str]:
        """Return none: a server that starts again applies all from the begin of its log."""
        del state
        return []

    def changes(self, before: raft.Durable | None, after: raft.Durable) -> list[Any]:
        """Return the records by which one durable state, or None, becomes the next."""
        return [Founded(after.snapshot)] if before is None else list(records_between(before, after))

    def restored(self, records: Iterable[Any]) -> raft.Durable | None:
        """Return the durable state after these records; None if there are none.

        Raises:
            DamagedLog: they do not follow one another.
        """
        return restored(records)

    def digest(self, state: raft.Node, effects: Effects) -> str:
        """Return the digest of a step: term, vote, role and log end after it, and what it asked for."""
        durable = state.durable
        said = [
            " ".join(
                str(each)
                for each in (
                    type(state.role).__name__,
                    durable.current_term,
                    durable.voted_for,
                    durable.last_index,
                    durable.last_term,
                    state.commit_index,
                    state.heard,
                )
            )
        ]
        for effect in effects:
            match effect:
                case raft.Send(message=message):
                    said.append(self.codec.encode(message).decode())
                case raft.Apply(index=index, value=value):
                    said.append(f"Apply {index} {value}")
                case raft.Refused(reason=reason):
                    said.append(f"Refused {reason}")
                case raft.ReadReady(read=read, index=index):
                    said.append(f"ReadReady {read} {index}")
                case raft.ReadFailed(read=read):
                    said.append(f"ReadFailed {read}")
                case _:
                    said.append(type(effect).__name__)
        return short_digest("\n".join(said).encode())

    def durable_digest(self, durable: raft.Durable) -> str:
        """Return the digest of a whole durable state."""
        whole = (durable.current_term, str(durable.voted_for), durable.log, durable.snapshot)
        return short_digest(CODEC.encode(whole))
