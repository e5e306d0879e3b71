"""The values of `specs/hybrid` that values of `impl/hybrid` stand for.

A digest stands for its prefix. Which one that is, is learned from the logs of the replicas that signed it.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import hybrid, pbft
from impl.hybrid.log_prefix import log_entry_of
from tlacheck.conform.system import NotPossible
from tlacheck.values import ModelValue, Value

__all__ = ["NOTHING", "PROTOCOLS", "VARIABLES", "Projection", "entry_epoch", "reason_of"]

#: What is before any vote, and before any QC.
NOTHING: Final[Value] = immutabledict(term=0, prefix=())

#: What the spec calls the protocols of epochs.
PROTOCOLS: Final = immutabledict(raft="Raft", bft="BFT")

#: The spec's variables.
VARIABLES: Final = (
    "votes",
    "answers",
    "aborts",
    "switchbacks",
    "controlLog",
    "known",
    "lastVote",
    "locked",
    "aborted",
    "alarm",
    "accepted",
)


def reason_of(reason: str) -> str:
    """The spec's name of a reason to abort."""
    return reason.capitalize()


def entry_epoch(entries: Iterable[Any]) -> int:
    """The epoch after some entries of the control state."""
    return sum(entry["kind"] != "Operation" for entry in entries)


@attrs.frozen
class Projection:
    """Map values of the implementation to values of the spec.

    Attributes:
        operation: the value that stands for what a client asks for, by the client and the sequence.
        term: the spec's term; 0 for one that is before all of them.
        noop: the value that stands for a leader's no-op; None if prefixes of the spec leave it out.
        done: the ledger in a state of the service.
        prefixes: what is behind digests.
    """

    operation: Callable[[str, int], Value]
    term: Callable[[int], int] = int
    noop: Value | None = None
    done: Callable[[Any], Any] = attrs.field(default=lambda value: value)
    prefixes: dict[str, tuple[Value, ...]] = attrs.field(factory=dict)

    def learn(self, node: hybrid.Node) -> None:
        """Learn the prefixes behind the digests of a replica's log."""
        if node.raft is None or not node.digests or node.digests[-1] in self.prefixes:
            return
        log_entries = [log_entry_of(entry) for entry in node.raft.durable.log]
        for index, digest in enumerate(node.digests, start=1):
            if digest not in self.prefixes:
                self.prefixes[digest] = self.prefix(log_entries[:index])

    def log_entry(self, log_entry: Any) -> Value | None:
        """The operation of a request, or of a request as it stands in an epoch-end command."""
        match log_entry:
            case None:
                return self.noop
            case pbft.Request(client=client, operation=("operate", int() as sequence, _)):
                return self.operation(client, sequence)
            case (str() as client, _, ("operate", int() as sequence, _), _):
                return self.operation(client, sequence)
            case _:
                raise NotPossible(f"{log_entry!r} is no request for an operation")

    def prefix(self, log_entries: Iterable[Any]) -> tuple[Value, ...]:
        """The operations of a prefix."""
        shown = (self.log_entry(log_entry) for log_entry in log_entries)
        return tuple(value for value in shown if value is not None)

    def behind(self, digest: str) -> tuple[Value, ...]:
        """The prefix that a digest stands for.

        Raises:
            NotPossible: no replica has had it.
        """
        if digest not in self.prefixes:
            raise NotPossible(f"nobody has the prefix behind the digest {digest[:12]}...")
        return self.prefixes[digest]

    def ledger(self, value: Any) -> tuple[Value, ...]:
        """The operations that a state of the service stands for, in their order."""
        return tuple(self.operation(client, sequence) for client, sequence, _ in self.done(value))

    def place(self, vote: hybrid.Vote | hybrid.QuorumCertificate | None) -> Value:
        """The term and the prefix of a vote or a locked QC."""
        if vote is None or not self.term(vote.term):
            return NOTHING
        return immutabledict(term=self.term(vote.term), prefix=self.behind(vote.digest))

    def vote(self, vote: hybrid.Vote) -> Value:
        """The record of a vote."""
        return immutabledict(
            node=ModelValue(vote.source),
            epoch=vote.epoch,
            term=self.term(vote.term),
            prefix=self.behind(vote.digest),
        )

    def abort(self, abort: hybrid.Abort) -> Value:
        """The record of an abort."""
        return immutabledict(
            node=ModelValue(abort.source),
            epoch=abort.epoch,
            why=reason_of(abort.reason),
            locked=self.place(abort.locked),
        )

    def switchback(self, switchback: hybrid.SwitchbackVote) -> Value:
        """The record of a switch-back vote."""
        return immutabledict(node=ModelValue(switchback.source), epoch=switchback.epoch)

    def answer(self, name: str, epoch: int, term: int, control: hybrid.ControlState) -> Value:
        """The record of a replica's answer under a QC, by the state that it answered from."""
        return immutabledict(
            node=ModelValue(name), epoch=epoch, term=self.term(term), state=self.ledger(control.value)
        )

    def entry(
        self, request: pbft.Request, pages: list[hybrid.ControlState], after: hybrid.ControlState
    ) -> Value | None:
        """The control log entry of a decided request; None if it changes nothing.

        Args:
            request: what was decided.
            pages: the control state after each entry before it.
            after: the control state after it.
        """
        before = pages[-1]
        was, now = self.ledger(before.value), self.ledger(after.value)
        match request.operation:
            case ("operate", int() as sequence, _):
                operation = self.operation(request.client, sequence)
                if after == before:
                    return None
                return immutabledict(
                    kind="Operation", operation=operation if now == _applied(was, (operation,)) else now
                )
            case ("epoch-end", _, _, tuple() as log_entries) if after.epoch != before.epoch:
                prefix = self.prefix(log_entries)
                skipped = tuple(each for each in prefix if each != self.noop)
                return immutabledict(
                    kind="EndEpoch",
                    prefix=prefix if now == _applied(was, skipped) else ("not", now),
                    protocol=PROTOCOLS[after.protocol],
                )
            case ("epoch-start", *_) if after.epoch != before.epoch:
                like = [number for number, page in enumerate(pages) if page.value == after.value]
                return immutabledict(kind="StartEpoch", base=max(like, default=-1))
            case _:
                return None


def _applied(state: tuple[Value, ...], prefix: tuple[Value, ...]) -> tuple[Value, ...]:
    """A state with a prefix done, each operation once."""
    for operation in prefix:
        if operation not in state:
            state = (*state, operation)
    return state
