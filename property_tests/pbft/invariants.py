"""Judges of PBFT runs, independent of the spec: they check what the papers promise.

`Safety` is told every step of every honest replica, in the order in which they happen, and remembers all that
was ever voted for, prepared, committed and executed. It recomputes what it can: the states that the decided
batches lead to, and what each request was answered.

| property                                            | says                                                 |
|-----------------------------------------------------|------------------------------------------------------|
| `Agreement`                                         | no two correct replicas commit different batches at  |
|                                                     | a sequence number, in any views                      |
| `VotesOnce`                                         | a correct replica votes once for a number in a view, |
|                                                     | also after a crash                                   |
| `CertificatesAgree`                                 | certificates of one view and number are for one      |
|                                                     | batch                                                |
| `CertificateSafety`                                 | what is committed in a view is all that is prepared  |
|                                                     | at its number in later views                         |
| `CheckpointSafety`                                  | a stable checkpoint has the state that the decided   |
|                                                     | batches lead to                                      |
| `ExecutedInOrder`                                   | numbers are executed in order, none is left out; the |
|                                                     | state is that of the decided batches, each request   |
|                                                     | executed once                                        |
| `Validity`                                          | what is executed was asked for by its client         |
| `RepliesAgree`                                      | a request is answered with what the decided batches  |
|                                                     | lead to                                              |
| `LogIsBounded`                                      | no replica keeps more than a window                  |
| `ViewMonotonic`, `StableMonotonic`,                 | nothing of it goes back, also by a crash             |
| `ExecutedMonotonic`                                 |                                                      |
| `DurableStays`                                      | what a replica relies on in what it sends is on its  |
|                                                     | disk                                                 |
| `HonestIsTaken`                                     | what a correct replica signed is never refused as    |
|                                                     | malformed, forged, unproved or contradictory         |

Sources: paper, 4.1 to 4.5; the names are those of `specs/pbft/Pbft.tla` where it has the property.
"""

from collections.abc import Iterator
from typing import Any, Final

from impl import pbft
from property_tests.pbft.host import replica_step
from tlacheck.harness import Broken, Judge, Size
from tlacheck.sim import StepRecord

__all__ = ["Safety"]

#: Reasons for a refusal that say something bad of the sender.
_ACCUSING: Final = frozenset(
    {pbft.Why.MALFORMED, pbft.Why.FORGED, pbft.Why.UNPROVEN, pbft.Why.EQUIVOCATION, pbft.Why.STRANGER}
)


class Safety(Judge):
    """A record of the steps of the honest replicas of one run, with the properties checked on it.

    Args:
        size: of the cluster.
        one: the configuration of any replica.

    Attributes:
        decided: by sequence number, the batch that was committed first, and the view.
    """

    def __init__(self, size: Size, one: pbft.Config) -> None:
        self.decided: dict[int, tuple[pbft.Batch, int]] = {}
        self._service, self._f, self._window = one.service, one.f, one.window
        self._disks: dict[str, pbft.Durable] = {}
        self._votes: dict[tuple[str, str, tuple[int, int]], str] = {}
        self._certificates: dict[tuple[int, int], tuple[str, str]] = {}
        self._certified: dict[int, dict[int, str]] = {}
        self._executed: dict[str, int] = dict.fromkeys(size.honest, 0)
        self._states = [one.first_state]
        self._digests = {0: pbft.digest(one.first_state)}
        self._answers: dict[tuple[str, int], pbft.Value] = {}
        self._asked: set[pbft.Request] = set()
        self._replies: dict[tuple[str, int], dict[str, pbft.Value]] = {}
        self._said: dict[int, pbft.Message] = {}

    # --- clients

    def on_request(self, node: str, inp: Any) -> Iterator[Broken]:
        """A client asks for something."""
        del node
        if isinstance(inp, pbft.Receive) and isinstance(inp.message, pbft.Request):
            self._asked.add(inp.message)
        return iter(())

    def believes(self, request: pbft.Request) -> bool:
        """Return whether f + 1 replicas gave the client of a request the same answer to it."""
        given = list(self._replies.get((request.client, request.timestamp), {}).values())
        return any(given.count(result) > self._f for result in given)

    # --- replicas

    def on_step(self, record: StepRecord) -> Iterator[Broken]:
        """The properties that a step of an honest replica breaks."""
        step = replica_step(record)
        name, after = step.name, step.after
        for effect in step.effects:
            match effect:
                case pbft.Persist(durable=durable):
                    self._disks[name] = durable
                case pbft.Send(message=message):
                    yield from self._sent(name, message)
                case pbft.Executed(seq=seq, batch=batch):
                    yield from self._executes(name, seq, batch, after.durable.view)
                case pbft.Transferred(seq=seq):
                    self._executed[name] = seq
                case pbft.Refused(input=pbft.Receive(message=message), why=why, reason=reason):
                    if why in _ACCUSING and self._said.get(id(message)) is message:
                        yield Broken("HonestIsTaken", f"{name} refuses what {message} says: {reason}")
                case pbft.Diverged(seq=seq):
                    yield Broken("CheckpointSafety", f"{name} has another state at {seq} than a quorum")
        if after.durable is not step.before.durable:
            yield from self._changed(name, step.before.durable, after)
        if self._disks.get(name, after.durable) is not after.durable:
            yield Broken("DurableStays", f"{name} holds what it has not written to its disk")

    def on_restart(self, node: str, state: Any) -> Iterator[Broken]:
        """A crash loses nothing that was on the disk."""
        after: pbft.Node = state.node
        if node in self._disks and after.durable != self._disks[node]:
            yield Broken("DurableStays", f"{node} came back from a crash with something else than it wrote")
        self._disks[node] = after.durable
        self._executed[node] = after.durable.executed

    def _sent(self, name: str, message: pbft.Message) -> Iterator[Broken]:
        """Votes stand; replies are right."""
        kind = type(message).__name__
        match message:
            case pbft.PrePrepare():
                yield from self._proposed(name, message)
            case pbft.Prepare() | pbft.Commit():
                yield from self._voted(name, kind, (message.view, message.seq), message.digest)
            case pbft.Checkpoint():
                yield from self._voted(name, kind, (0, message.seq), message.digest)
            case pbft.ViewChange() | pbft.NewView():
                yield from self._voted(name, kind, (message.view, 0), message.signature.hex())
                for made in message.proposals if isinstance(message, pbft.NewView) else ():
                    yield from self._proposed(name, made)
            case pbft.Reply():
                yield from self._replied(name, message)
        if getattr(message, "source", None) == name:
            self._said[id(message)] = message

    def _proposed(self, name: str, made: pbft.PrePrepare) -> Iterator[Broken]:
        yield from self._voted(name, "PrePrepare", (made.view, made.seq), pbft.digest(made.batch))

    def _voted(self, name: str, kind: str, slot: tuple[int, int], digest: str) -> Iterator[Broken]:
        if self._votes.setdefault((name, kind, slot), digest) != digest:
            yield Broken("VotesOnce", f"{name} signed two of {kind} for number {slot[1]} in view {slot[0]}")

    def _replied(self, name: str, reply: pbft.Reply) -> Iterator[Broken]:
        given = self._replies.setdefault((reply.client, reply.timestamp), {})
        given[name] = reply.result
        right = self._answers.get((reply.client, reply.timestamp))
        if right is not None and reply.result != right:
            yield Broken(
                "RepliesAgree",
                (
                    f"{name} answers request {reply.timestamp} of {reply.client} with {reply.result!r}, not "
                    f"{right!r}"
                ),
            )

    def _executes(self, name: str, seq: int, batch: pbft.Batch, view: int) -> Iterator[Broken]:
        """An executed batch is next in order, was asked for, and is the decided one."""
        before = self._executed[name]
        self._executed[name] = seq
        if seq != before + 1:
            yield Broken("ExecutedInOrder", f"{name} executes number {seq} after {before}")
        for request in batch:
            if request not in self._asked:
                yield Broken(
                    "Validity",
                    f"{name} executes {request.operation!r}, for which {request.client} did not ask",
                )
        yield from self._decides(name, seq, batch, view)

    def _changed(self, name: str, old: pbft.Durable, after: pbft.Node) -> Iterator[Broken]:
        new = after.durable
        for rule, was, now in (
            ("ViewMonotonic", old.view, new.view),
            ("StableMonotonic", old.stable.seq, new.stable.seq),
            ("ExecutedMonotonic", old.executed, new.executed),
        ):
            if now < was:
                yield Broken(rule, f"{name} went back from {was} to {now}")
        low, high = new.stable.seq, new.stable.seq + self._window
        for held in (new.accepted, new.prepared, new.committed):
            if beyond := [seq for seq in held if not low < seq <= high]:
                yield Broken(
                    "LogIsBounded", f"{name} keeps number {beyond[0]}, outside of {low + 1} to {high}"
                )
        if new.prepared is not old.prepared:
            yield from self._prepared(name, old, new)
        if new.committed is not old.committed:
            yield from self._committed(name, old, new)
        yield from self._checkpoints(name, old, new)

    def _prepared(self, name: str, old: pbft.Durable, new: pbft.Durable) -> Iterator[Broken]:
        for seq, certificate in new.prepared.items():
            if old.prepared.get(seq) is certificate:
                continue
            digest, view = pbft.digest(certificate.batch), certificate.view
            first, who = self._certificates.setdefault((view, seq), (digest, name))
            self._certified.setdefault(seq, {})[view] = digest
            if first != digest:
                yield Broken(
                    "CertificatesAgree",
                    (
                        f"{who} and {name} hold certificates of view {view} for different batches at number "
                        f"{seq}"
                    ),
                )
            if seq in self.decided and self.decided[seq][1] <= view:
                batch, then = self.decided[seq]
                if pbft.digest(batch) != digest:
                    yield Broken(
                        "CertificateSafety",
                        (
                            f"{name} prepared another batch at number {seq} in view {view} than was "
                            f"committed in view {then}"
                        ),
                    )

    def _committed(self, name: str, old: pbft.Durable, new: pbft.Durable) -> Iterator[Broken]:
        for seq in sorted(new.committed):
            if seq in old.committed:
                continue
            yield from self._decides(name, seq, new.committed[seq], new.view)

    def _decides(self, name: str, seq: int, batch: pbft.Batch, view: int) -> Iterator[Broken]:
        first, then = self.decided.setdefault(seq, (batch, view))
        if first != batch:
            one, other = (f"{_requests(each)} in view {at}" for each, at in ((first, then), (batch, view)))
            yield Broken("Agreement", f"at number {seq} {one} was committed, and {name} committed {other}")
        digest = pbft.digest(batch)
        if any(at >= view and other != digest for at, other in self._certified.get(seq, {}).items()):
            yield Broken(
                "CertificateSafety",
                (
                    f"{name} committed a batch at number {seq} in view {view}, and another was prepared "
                    "there or later"
                ),
            )
        while (following := self.decided.get(len(self._states))) is not None:
            yield from self._fold(following[0])

    def _fold(self, batch: pbft.Batch) -> Iterator[Broken]:
        """Execute one more batch as all replicas must."""
        state = self._states[-1]
        for request in batch:
            last = state.last_answer(request.client)
            if last is None or last.timestamp < request.timestamp:
                value, result = self._service.apply(state.value, request)
                given = pbft.Answered(client=request.client, timestamp=request.timestamp, result=result)
                state = state.with_answer(value, given)
                self._answers[request.client, request.timestamp] = result
                for name, said in self._replies.get((request.client, request.timestamp), {}).items():
                    if said != result:
                        yield Broken(
                            "RepliesAgree",
                            f"{name} answered {request.client} with {said!r}, not {result!r}",
                        )
        self._states.append(state)

    def _checkpoints(self, name: str, old: pbft.Durable, new: pbft.Durable) -> Iterator[Broken]:
        known = self._states[new.executed] if new.executed < len(self._states) else None
        if new.executed > old.executed and known is not None and new.state != known:
            yield Broken(
                "ExecutedInOrder",
                f"the state of {name} at number {new.executed} is not what the decided batches lead to",
            )
        if new.executed >= len(self._states):
            yield Broken("ExecutedInOrder", f"{name} executed number {new.executed}, which nobody committed")
        if new.stable is not old.stable and new.stable.seq < len(self._states):
            seq = new.stable.seq
            if seq not in self._digests:
                self._digests[seq] = pbft.digest(self._states[seq])
            if new.stable.digest != self._digests[seq]:
                yield Broken(
                    "CheckpointSafety",
                    (
                        f"the stable checkpoint of {name} at {seq} has another state than the decided "
                        "batches lead to"
                    ),
                )


def _requests(batch: pbft.Batch) -> str:
    """A batch in a few words."""
    said = ", ".join(f"{request.client}:{request.timestamp}" for request in batch)
    return said or "the null batch"
