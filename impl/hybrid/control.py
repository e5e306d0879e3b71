"""The control state machine: the service replicated by `impl.pbft`, on which correct replicas agree.

| operation of a request                 | is carried out if                      | else answers           |
|----------------------------------------|----------------------------------------|------------------------|
| `("operate", sequence, what)`          | the protocol is BFT, and the           | `("elsewhere", epoch)` |
|                                        | operation is not done yet              | in a Raft epoch        |
| `("epoch-end", epoch, aborts, prefix)` | that is the Raft epoch, and the prefix | `("void", reason)`     |
|                                        | that of the highest QC of n - f aborts |                        |
| `("nothing",)`                         | never                                  | `("void", reason)`     |
| `("epoch-start", epoch, switchbacks)`  | that is the BFT epoch,                 | `("void", reason)`     |
|                                        | and a quorum voted to switch back      |                        |

An operation that is carried out answers `("done", epoch, result)`; the commands answer `("ended", epoch)` and
`("started", epoch)` with the epoch that has started. The sequence numbers of a client grow. An operation that
was done gets the same answer in whatever epoch the client asks again; one before the client's last gets
`("past", epoch, sequence)`.
"""

import bisect
from collections import Counter
from collections.abc import Iterable
from typing import Any

import attrs

from impl import quorum
from impl.common.encoding import Value
from impl.common.identities import ClientId, NodeId
from impl.common.keys import Keys
from impl.common.requests import Request
from impl.common.service import Service
from impl.hybrid import rules
from impl.hybrid.log_prefix import prefix_digest
from impl.hybrid.messages import Abort, LogEntry, QuorumCertificate, Reason, SwitchbackVote, Vote
from impl.hybrid.signing import is_signed
from impl.threat.levels import BFT, RAFT

__all__ = [
    "ControlState",
    "ControlStateMachine",
    "Session",
    "abort_value",
    "operation_of",
    "qc_value",
    "switchback_value",
]


@attrs.frozen
class Session:
    """The last operation of a client that is done, and its result."""

    client: ClientId
    sequence: int
    result: Value


@attrs.frozen(kw_only=True)
class ControlState:
    """The state of the control state machine.

    Attributes:
        epoch: the current epoch.
        protocol: its protocol.
        value: the state of the service.
        sessions: one for each client with an operation that is done, sorted by client.
        done: the number of operations that are done.
        fruitless: the number of Raft epochs in a row in which nothing was done.
    """

    epoch: int = 0
    protocol: str = RAFT
    value: Value = None
    sessions: tuple[Session, ...] = ()
    done: int = 0
    fruitless: int = 0

    def session(self, client: ClientId) -> Session | None:
        """The last operation of a client that is done; None if there is none."""
        place = bisect.bisect_left(self.sessions, client, key=lambda each: each.client)
        found = self.sessions[place] if place < len(self.sessions) else None
        return found if found is not None and found.client == client else None

    def operated(self, service: Service, request: Request) -> "ControlState":
        """The control state after one more operation.

        An operation is done once, however often it is in a log prefix or in PBFT's log.
        """
        asked = operation_of(request)
        if asked is None:
            return self
        sequence, what = asked
        last = self.session(request.client)
        if last is not None and last.sequence >= sequence:
            return self
        value, result = service.apply(self.value, attrs.evolve(request, timestamp=sequence, operation=what))
        place = bisect.bisect_left(self.sessions, request.client, key=lambda each: each.client)
        session = Session(request.client, sequence, result)
        sessions = (*self.sessions[:place], session, *self.sessions[place + (last is not None) :])
        return attrs.evolve(self, value=value, sessions=sessions, done=self.done + 1)

    def extended(self, service: Service, prefix: Iterable[LogEntry]) -> "ControlState":
        """The control state after the operations of a log prefix, in its order."""
        control = self
        for log_entry in prefix:
            if log_entry is not None:
                control = control.operated(service, log_entry)
        return control

    def to_value(self) -> Value:
        """The canonical value that PBFT keeps."""
        sessions = tuple((each.client, each.sequence, each.result) for each in self.sessions)
        return (self.epoch, self.protocol, self.value, sessions, self.done, self.fruitless)

    @classmethod
    def from_value(cls, value: Any) -> "ControlState":
        """The control state of a value of `to_value`."""
        epoch, protocol, state, sessions, done, fruitless = value
        return cls(
            epoch=epoch,
            protocol=protocol,
            value=state,
            sessions=tuple(Session(*each) for each in sessions),
            done=done,
            fruitless=fruitless,
        )


def operation_of(request: Request) -> tuple[int, Value] | None:
    """The sequence and the operation that a client asks for; None if its request asks for none."""
    asked = request.operation
    if not isinstance(asked, tuple) or len(asked) != 3 or asked[0] != "operate":
        return None
    _, sequence, what = asked
    return (sequence, what) if type(sequence) is int and sequence >= 1 else None


@attrs.frozen
class ControlStateMachine:
    """The service that PBFT replicates: a function of its state and the request alone.

    Attributes:
        replicas: all of them.
        f: how many may be Byzantine.
        keys: the public keys, the same at all replicas.
        service: the service of the clients.
    """

    replicas: tuple[NodeId, ...]
    f: int
    keys: Keys = attrs.field(eq=False, repr=False)
    service: Service

    @property
    def initial(self) -> Value:
        """Raft epoch 0, and nothing done."""
        return ControlState(value=self.service.initial).to_value()

    def apply(self, value: Value, request: Request) -> tuple[Value, Value]:
        """The state after one more request, and the answer."""
        control = ControlState.from_value(value)
        match request.operation:
            case ("operate", *_) if operation_of(request) is not None:
                control, result = self._operate(control, request)
            case ("epoch-end", int() as epoch, tuple() as aborts, tuple() as prefix):
                control, result = self._end_epoch(control, epoch, aborts, prefix)
            case ("epoch-start", int() as epoch, tuple() as switchbacks):
                control, result = self._start_epoch(control, epoch, switchbacks)
            case _:
                result = ("void", "no such operation")
        return control.to_value(), result

    def _operate(self, control: ControlState, request: Request) -> tuple[ControlState, Value]:
        sequence, _ = operation_of(request) or (0, None)
        last = control.session(request.client)
        if (last is None or last.sequence < sequence) and control.protocol == BFT:
            control = control.operated(self.service, request)
            last = control.session(request.client)
        if last is None or last.sequence < sequence:
            return control, ("elsewhere", control.epoch)
        if last.sequence > sequence:
            return control, ("past", control.epoch, last.sequence)
        return control, ("done", control.epoch, last.result)

    def _end_epoch(
        self, control: ControlState, epoch: int, aborts: Any, entries: Any
    ) -> tuple[ControlState, Value]:
        if (epoch, RAFT) != (control.epoch, control.protocol):
            return control, ("void", f"epoch {control.epoch} is {control.protocol}")
        told = [_abort(epoch, each) for each in aborts]
        if not all(each is not None and self._is_abort(each) for each in told):
            return control, ("void", "an abort is invalid")
        read = [each for each in told if each is not None]
        if len({each.source for each in read}) != len(read) or len(read) < len(self.replicas) - self.f:
            return control, ("void", f"{len(read)} aborts: too few, or some twice")
        last = rules.highest_qc(each.locked for each in read)
        prefix = tuple(_log_entry(each) for each in entries)
        if len(prefix) != (last.index if last else 0):
            return control, ("void", "the prefix is not the one of the highest QC")
        if last and prefix_digest(epoch, prefix) != last.digest:
            return control, ("void", "the prefix is not the one of the highest QC")
        after = control.extended(self.service, prefix)
        reasons = Counter(each.reason for each in read)
        is_bft = reasons[Reason.THREAT] + reasons[Reason.STALLED] > self.f
        fruitless = 0 if after.done > control.done or not is_bft else control.fruitless + 1
        after = attrs.evolve(after, epoch=epoch + 1, protocol=BFT if is_bft else RAFT, fruitless=fruitless)
        return after, ("ended", after.epoch)

    def _start_epoch(self, control: ControlState, epoch: int, switchbacks: Any) -> tuple[ControlState, Value]:
        if (epoch, BFT) != (control.epoch, control.protocol):
            return control, ("void", f"epoch {control.epoch} is {control.protocol}")
        told = [_switchback(epoch, each) for each in switchbacks]
        wanting = {
            each.source
            for each in told
            if each and self._is_replica(each.source) and is_signed(each, self.keys)
        }
        if len(wanting) < quorum.byzantine_quorum(len(self.replicas), self.f):
            return control, ("void", f"{len(wanting)} replicas voted for it")
        return attrs.evolve(control, epoch=epoch + 1, protocol=RAFT), ("started", epoch + 1)

    def _is_abort(self, abort: Abort) -> bool:
        is_known = self._is_replica(abort.source) and abort.reason in list(Reason)
        return (
            is_known
            and is_signed(abort, self.keys)
            and (
                abort.locked is None
                or rules.qc_rejection(abort.locked, abort.epoch, self.replicas, self.f, self.keys) == ""
            )
        )

    def _is_replica(self, name: object) -> bool:
        return name in self.replicas


# --- messages as canonical values ----------------------------------------------------------------


def qc_value(qc: QuorumCertificate | None) -> Value:
    """The value of a QC in an epoch-end command."""
    if qc is None:
        return None
    return (qc.term, qc.index, qc.digest, tuple((vote.source, vote.signature) for vote in qc.votes))


def abort_value(abort: Abort) -> Value:
    """The value of an abort in an epoch-end command."""
    return (abort.source, abort.reason, qc_value(abort.locked), abort.signature)


def switchback_value(switchback: SwitchbackVote) -> Value:
    """The value of a switch-back vote in an epoch-start command."""
    return (switchback.source, switchback.signature)


def _qc(epoch: int, value: Any) -> QuorumCertificate | None:
    match value:
        case (int() as term, int() as index, str() as digest, tuple() as votes):
            read = []
            for each in votes:
                match each:
                    case (str() as source, bytes() as signature):
                        read.append(
                            Vote(
                                epoch=epoch,
                                term=term,
                                index=index,
                                digest=digest,
                                source=source,
                                signature=signature,
                            )
                        )
                    case _:
                        return None
            return QuorumCertificate(epoch=epoch, term=term, index=index, digest=digest, votes=tuple(read))
        case _:
            return None


def _abort(epoch: int, value: Any) -> Abort | None:
    match value:
        case (str() as source, str() as reason, locked, bytes() as signature):
            qc = _qc(epoch, locked)
            if locked is not None and qc is None:
                return None
            return Abort(epoch=epoch, reason=reason, locked=qc, source=source, signature=signature)
        case _:
            return None


def _switchback(epoch: int, value: Any) -> SwitchbackVote | None:
    match value:
        case (str() as source, bytes() as signature):
            return SwitchbackVote(epoch=epoch, source=source, signature=signature)
        case _:
            return None


def _log_entry(value: Any) -> LogEntry:
    match value:
        case (str() as client, int() as timestamp, operation, bytes() as signature):
            return Request(client=client, timestamp=timestamp, operation=operation, signature=signature)
        case _:
            return None
