"""Accuracy and the other properties of every run, judged from signed messages and the guards' decisions.

| property     | says                                                                                       |
|--------------|--------------------------------------------------------------------------------------------|
| `Accuracy`   | no guard of a correct replica takes a correct one for faulty (PeerReview, accuracy)         |
| `Binding`    | nothing that a correct replica signed convicts it: one message, or any two                  |
| `Quorum`     | at most f are quarantined                                                                   |
| `Scores`     | reputations are in their range                                                              |
| `Agreement`  | correct replicas execute the same batches; unless there are more than f liars               |
| `Trail`      | a guard comes back from a crash with all it had decided, and its trail is whole             |

With more than f liars correct replicas may have different states: evidence of states alone is excused then.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from impl import pbft
from impl.guard import SCORE_MAX, Evidence, Guard, Quarantined, offence, verify_chain
from impl.guard.evidence import is_message
from impl.guard.forensics import parts
from property_tests.guard.host import Arrived, Dropped, Proved, Replica, settings_of
from tlacheck.harness import Broken, Finding, Judge, Met, Size
from tlacheck.sim import Notify, Send, StepRecord

__all__ = ["GuardJudge"]

#: Messages that no signature of a replica binds, and so nobody can be accused by.
_UNBINDING: Final = (pbft.Request, pbft.Reply, pbft.StateRequest)


class GuardJudge(Judge):
    """The judge of one run.

    Args:
        size: which replicas there are, and which of them are liars.
    """

    def __init__(self, size: Size) -> None:
        self._liars = size.byzantine
        self._config = settings_of(size.honest[0], size.nodes)
        self._is_overrun = len(size.byzantine) > self._config.f
        self._said: dict[str, dict[bytes, pbft.Message]] = {name: {} for name in size.honest}
        self._executed: dict[int, pbft.Batch] = {}
        self._guards: dict[str, Guard] = {}

    def on_step(self, record: StepRecord) -> Iterable[Finding]:
        """Judge what a replica signed, executed and decided."""
        replica: Replica = record.after
        self._guards[record.node] = replica.guard
        for command in record.commands:
            match command:
                case Send(message=message) if is_message(message):
                    for part in parts(message):
                        yield from self._signed(record.node, part)
                case Notify(what=what):
                    yield from self._notified(record.node, what)
                case _:
                    pass
        if record.before.guard is not replica.guard:
            yield from self._decided(record.node, replica)
        match record.input:
            case Arrived(message=Evidence(accused=accused)) if type(accused) is str and accused in self._said:
                yield Met("an accusation of a correct replica")

    def on_restart(self, node: str, state: Any) -> Iterable[Finding]:
        """Judge the guard that comes back."""
        yield Met("a replica restarts")
        before = self._guards.get(node)
        if before is not None and (state.guard.proofs, state.guard.head) != (before.proofs, before.head):
            yield Broken("Trail", f"the guard of {node} came back with other proofs")
        if why := verify_chain(state.trail, node=node, head=state.guard.head):
            yield Broken("Trail", f"the trail of {node} is broken: {why}")

    def _notified(self, node: str, what: Any) -> Iterator[Finding]:
        match what:
            case pbft.Executed(seq=seq, batch=batch):
                yield Met("a batch is executed")
                if self._executed.setdefault(seq, batch) != batch and not self._is_overrun:
                    yield Broken(
                        "Agreement", f"{node} executed {batch} at {seq}, others {self._executed[seq]}"
                    )
            case pbft.Refused(why=why):
                yield Met(f"refused: {why.name}")
            case pbft.EnteredView():
                yield Met("a view is entered")
            case pbft.Transferred():
                yield Met("a state is transferred")
            case Proved(offence=name):
                yield Met(f"proved: {name}")
            case Quarantined():
                yield Met("a liar is quarantined")
            case Dropped():
                yield Met("a message of a quarantined replica is dropped")

    def _signed(self, node: str, message: pbft.Message) -> Iterator[Finding]:
        """All pairs of messages of one replica are compared, each once."""
        if isinstance(message, _UNBINDING) or message.source != node:
            return
        if isinstance(message, pbft.PrePrepare) and message.batch == pbft.NULL_BATCH:
            yield Met("a gap is filled by nothing")
        said, mark = self._said[node], pbft.encode(message)
        if mark in said:
            return
        for messages in ((message,), *((earlier, message) for earlier in said.values())):
            if offence(messages, self._config) and not self._is_excused(messages):
                yield Broken("Binding", f"the correct {node} is convicted by {messages}")
        said[mark] = message

    def _decided(self, node: str, replica: Replica) -> Iterator[Finding]:
        guard = replica.guard
        excused = {each.accused for each in guard.proofs if self._is_excused(each.messages)}
        if framed := sorted({*guard.proved, *guard.quarantined} - self._liars - excused):
            yield Broken("Accuracy", f"the guard of {node} takes correct {framed} for faulty")
        if len(guard.quarantined) > guard.config.f:
            yield Broken(
                "Quorum", f"the guard of {node} quarantines {guard.quarantined}, and f is {guard.config.f}"
            )
        if not all(0 <= score <= SCORE_MAX for score in guard.scores.values()):
            yield Broken("Scores", f"the guard of {node} has the scores {guard.scores}")

    def _is_excused(self, messages: Sequence[object]) -> bool:
        """Return whether these offer states.

        States may differ among correct replicas if there are too many liars.
        """
        return self._is_overrun and all(isinstance(each, pbft.StateResponse) for each in messages)
