"""A judge of PBFT runs that knows nothing of the spec: what the papers promise, counted out.

`Safety` is told every step of every correct replica, in the order in which they happen, and remembers all that was
ever voted for, prepared, committed and executed. It recomputes what it can: the states that the decided batches
lead to, and what each request was answered.

| property            | says                                                                                |
|---------------------|-------------------------------------------------------------------------------------|
| `Agreement`         | no two correct replicas commit different batches at a sequence number, in any views  |
| `VotesOnce`         | a correct replica votes once for a number in a view, also after a crash               |
| `CertificatesAgree` | certificates of one view and number are for one batch                                |
| `CertificateSafety` | what is committed in a view is all that is prepared at its number in later views      |
| `CheckpointSafety`  | a stable checkpoint has the state that the decided batches lead to                    |
| `ExecutedInOrder`   | numbers are executed in order, none is left out; the state is that of the decided batches, each request executed once |
| `Validity`          | what is executed was asked for by its client                                         |
| `RepliesAgree`      | a request is answered with what the decided batches lead to                           |
| `LogIsBounded`      | no replica keeps more than a window                                                  |
| `ViewMonotonic`, `StableMonotonic`, `ExecutedMonotonic` | nothing of it goes back, also by a crash            |
| `DurableStays`      | what a replica relies on in what it sends is on its disk                              |
| `HonestIsTaken`     | what a correct replica signed is never refused as malformed, forged, unproved or contradictory |

Sources: paper, 4.1 to 4.5; the names are those of `specs/pbft/Pbft.tla` where it has the property.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from impl import pbft
from property_tests.judged import Broken
from property_tests.pbft.hosting import Taken

__all__ = ["Safety"]

#: Reasons for a refusal that say something bad of the sender.
_ACCUSING: Final = frozenset(
    {pbft.Why.MALFORMED, pbft.Why.FORGED, pbft.Why.UNPROVEN, pbft.Why.EQUIVOCATION, pbft.Why.STRANGER}
)


class Safety:
    """What the correct replicas of one run did so far, and whether any of it was wrong.

    Args:
        configs: by name, the configuration of each correct replica.

    Attributes:
        decided: by sequence number, the batch that was committed first, and the view.
    """

    def __init__(self, configs: Mapping[str, pbft.Config]) -> None:
        self.decided: dict[int, tuple[pbft.Batch, int]] = {}
        self._configs = dict(configs)
        one = next(iter(configs.values()))
        self._service, self._f = one.service, one.f
        self._disks: dict[str, pbft.Durable] = {}
        self._votes: dict[tuple[str, str, tuple[int, int]], str] = {}
        self._certificates: dict[tuple[int, int], tuple[str, str]] = {}
        self._certified: dict[int, dict[int, str]] = {}
        self._executed: dict[str, int] = dict.fromkeys(configs, 0)
        self._states = [one.first_state]
        self._digests = {0: pbft.digest(one.first_state)}
        self._answers: dict[tuple[str, int], pbft.Value] = {}
        self._asked: set[pbft.Request] = set()
        self._replies: dict[tuple[str, int], dict[str, pbft.Value]] = {}
        self._said: dict[int, pbft.Message] = {}

    # --- clients

    def asked(self, request: pbft.Request) -> None:
        """A client asks for something."""
        self._asked.add(request)

    def believes(self, request: pbft.Request) -> bool:
        """Return whether f + 1 replicas gave the client of a request the same answer to it."""
        given = list(self._replies.get((request.client, request.timestamp), {}).values())
        return any(given.count(result) > self._f for result in given)

    # --- replicas

    def step(self, taken: Taken) -> Iterator[Broken]:
        """The properties that a step of a correct replica breaks."""
        name, after = taken.name, taken.after
        if taken.before is None:
            yield from self._came_back(name, after)
        for effect in taken.effects:
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
                        yield "HonestIsTaken", f"{name} refuses what {message} says: {reason}"
                case pbft.Diverged(seq=seq):
                    yield "CheckpointSafety", f"{name} has another state at {seq} than a quorum"
        if taken.before is not None and after.durable is not taken.before.durable:
            yield from self._changed(name, taken.before.durable, after)
        if self._disks.get(name, after.durable) is not after.durable:
            yield "DurableStays", f"{name} holds what it has not written to its disk"

    def _came_back(self, name: str, after: pbft.Node) -> Iterator[Broken]:
        """A crash loses nothing that was on the disk."""
        if name in self._disks and after.durable != self._disks[name]:
            yield "DurableStays", f"{name} came back from a crash with something else than it wrote"
        self._disks[name] = after.durable
        self._executed[name] = after.durable.executed

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
            yield "VotesOnce", f"{name} signed two of {kind} for number {slot[1]} in view {slot[0]}"

    def _replied(self, name: str, reply: pbft.Reply) -> Iterator[Broken]:
        given = self._replies.setdefault((reply.client, reply.timestamp), {})
        given[name] = reply.result
        right = self._answers.get((reply.client, reply.timestamp))
        if right is not None and reply.result != right:
            yield (
                "RepliesAgree",
                f"{name} answers request {reply.timestamp} of {reply.client} with {reply.result!r}, not {right!r}",
            )

    def _executes(self, name: str, seq: int, batch: pbft.Batch, view: int) -> Iterator[Broken]:
        """What is executed is next in order, was asked for, and is what was decided."""
        before = self._executed[name]
        self._executed[name] = seq
        if seq != before + 1:
            yield "ExecutedInOrder", f"{name} executes number {seq} after {before}"
        for request in batch:
            if request not in self._asked:
                yield (
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
                yield rule, f"{name} went back from {was} to {now}"
        low, high = new.stable.seq, new.stable.seq + self._configs[name].window
        for held in (new.accepted, new.prepared, new.committed):
            if beyond := [seq for seq in held if not low < seq <= high]:
                yield "LogIsBounded", f"{name} keeps number {beyond[0]}, outside of {low + 1} to {high}"
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
                yield (
                    "CertificatesAgree",
                    f"{who} and {name} hold certificates of view {view} for different batches at number {seq}",
                )
            if seq in self.decided and self.decided[seq][1] <= view:
                batch, then = self.decided[seq]
                if pbft.digest(batch) != digest:
                    yield (
                        "CertificateSafety",
                        f"{name} prepared another batch at number {seq} in view {view} than was committed in view {then}",
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
            yield "Agreement", f"at number {seq} {one} was committed, and {name} committed {other}"
        digest = pbft.digest(batch)
        if any(at >= view and other != digest for at, other in self._certified.get(seq, {}).items()):
            yield (
                "CertificateSafety",
                f"{name} committed a batch at number {seq} in view {view}, and another was prepared there or later",
            )
        while (following := self.decided.get(len(self._states))) is not None:
            yield from self._fold(following[0])

    def _fold(self, batch: pbft.Batch) -> Iterator[Broken]:
        """What all replicas come to that execute one more batch."""
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
                        yield (
                            "RepliesAgree",
                            f"{name} answered {request.client} with {said!r}, not {result!r}",
                        )
        self._states.append(state)

    def _checkpoints(self, name: str, old: pbft.Durable, new: pbft.Durable) -> Iterator[Broken]:
        known = self._states[new.executed] if new.executed < len(self._states) else None
        if new.executed > old.executed and known is not None and new.state != known:
            yield (
                "ExecutedInOrder",
                f"the state of {name} at number {new.executed} is not what the decided batches lead to",
            )
        if new.executed >= len(self._states):
            yield "ExecutedInOrder", f"{name} executed number {new.executed}, which nobody committed"
        if new.stable is not old.stable and new.stable.seq < len(self._states):
            seq = new.stable.seq
            if seq not in self._digests:
                self._digests[seq] = pbft.digest(self._states[seq])
            if new.stable.digest != self._digests[seq]:
                yield (
                    "CheckpointSafety",
                    f"the stable checkpoint of {name} at {seq} has another state than the decided batches lead to",
                )


def _requests(batch: pbft.Batch) -> str:
    """A batch in a few words."""
    said = ", ".join(f"{request.client}:{request.timestamp}" for request in batch)
    return said or "the null batch"
