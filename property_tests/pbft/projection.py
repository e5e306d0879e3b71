"""Projection of `impl/pbft` values to those of `specs/pbft`.

A digest stands for what it is made of. What is behind one is learned from the replicas themselves: from the
proposals that they accepted, and from the states at their checkpoints.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import attrs
from immutabledict import immutabledict

from impl import pbft
from tlacheck.conform.system import NotPossible
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = ["KEPT", "VARIABLES", "Projection"]

#: What the spec keeps of messages: replies, requests and state transfers are not among them.
KEPT = (pbft.PrePrepare, pbft.Prepare, pbft.Commit, pbft.Checkpoint, pbft.ViewChange, pbft.NewView)

#: What `Projection.variables` shows.
VARIABLES = (
    "messages",
    "view",
    "changing",
    "accepted",
    "prepared",
    "committed",
    "executed",
    "state",
    "stable",
    "decided",
)


@attrs.frozen
class Projection:
    """Map values of the implementation to values of the spec.

    Attributes:
        request: the value that stands for a request.
        executed: the requests that a state of the service stands for, in the order of their execution.
        batches: what is behind the digests of batches, as far as it is known.
        states: what is behind the digests of states.
        shown: what was shown, so that what is equal is the same object again: the oracle knows values by
            that.
    """

    request: Callable[[pbft.Request], Value]
    executed: Callable[[pbft.State], Value]
    batches: dict[pbft.Digest, Value] = attrs.field(factory=dict)
    states: dict[pbft.Digest, Value] = attrs.field(factory=dict)
    shown: dict[Value, Value] = attrs.field(factory=dict)

    def learn(self, durable: pbft.Durable) -> None:
        """Note the batches that a replica accepted, and the states at its checkpoints."""
        for proposal in durable.accepted.values():
            self.learn_batch(proposal.batch)
        for state in durable.snapshots.values():
            self.learn_state(state)

    def learn_batch(self, batch: pbft.Batch) -> None:
        """A batch that was proposed."""
        self.batches[pbft.digest(batch)] = self.batch(batch)

    def learn_state(self, state: pbft.State) -> None:
        """A state that a checkpoint may speak of."""
        self.states[pbft.digest(state)] = self.executed(state)

    def batch(self, batch: pbft.Batch) -> Value:
        """The sequence of values that stands for a batch."""
        return tuple(self.request(request) for request in batch)

    def _same(self, value: Value) -> Value:
        return self.shown.setdefault(value, value)

    def entry(self, seq: int, batch: pbft.Batch) -> Value:
        """A batch under its number."""
        return self._same(immutabledict(seq=seq, batch=self.batch(batch)))

    def certificate(self, certificate: pbft.PreparedCertificate) -> Value:
        """A prepared certificate, without its votes."""
        batch = self.batch(certificate.batch)
        return self._same(immutabledict(seq=certificate.seq, view=certificate.view, batch=batch))

    def checkpoint(self, certificate: pbft.CheckpointCertificate) -> Value:
        """A stable checkpoint, without its proof.

        Raises:
            NotPossible: nobody has the state that it speaks of.
        """
        state = _known(self.states, certificate.digest)
        return self._same(immutabledict(seq=certificate.seq, state=state))

    def record(self, message: Any) -> Value:
        """The record that stands for a message of `KEPT`.

        Raises:
            NotPossible: nobody has what is behind a digest in it.
        """
        common: Mapping[str, Value] = {
            "type": type(message).__name__,
            "source": ModelValue(message.source),
        }
        match message:
            case pbft.PrePrepare():
                batch = self.batch(message.batch)
                return immutabledict(common, view=message.view, seq=message.seq, batch=batch)
            case pbft.Prepare() | pbft.Commit():
                batch = _known(self.batches, message.digest)
                return immutabledict(common, view=message.view, seq=message.seq, batch=batch)
            case pbft.Checkpoint():
                return immutabledict(common, seq=message.seq, state=_known(self.states, message.digest))
            case pbft.ViewChange():
                return immutabledict(
                    common,
                    view=message.view,
                    checkpoint=self.checkpoint(message.checkpoint),
                    certificates=frozenset(self.certificate(each) for each in message.certificates),
                )
            case _:
                base = max((change.checkpoint for change in message.view_changes), key=lambda c: c.seq)
                return immutabledict(
                    common,
                    view=message.view,
                    checkpoint=self.checkpoint(base),
                    proposals=frozenset(self.entry(made.seq, made.batch) for made in message.proposals),
                )

    def variables(
        self, durables: Mapping[str, pbft.Durable], messages: Collection[Value], decided: frozenset[Value]
    ) -> State:
        """The spec state of replicas with these durable states, who sent these messages."""
        shown = {ModelValue(name): self.own(durable) for name, durable in durables.items()}
        own = {
            part: immutabledict({name: values[part] for name, values in shown.items()})
            for part in VARIABLES
            if part not in ("messages", "decided")
        }
        return immutabledict(own, messages=frozenset(messages), decided=decided)

    def own(self, durable: pbft.Durable) -> State:
        """The spec variables of one replica with this durable state."""
        return immutabledict(
            view=durable.view,
            changing=durable.changing,
            accepted=frozenset(self.entry(seq, made.batch) for seq, made in durable.accepted.items()),
            prepared=frozenset(self.certificate(each) for each in durable.prepared.values()),
            committed=frozenset(self.entry(seq, batch) for seq, batch in durable.committed.items()),
            executed=durable.executed,
            state=self.executed(durable.state),
            stable=self.checkpoint(durable.stable),
        )


def _known(known: Mapping[pbft.Digest, Value], digest: pbft.Digest) -> Value:
    if digest not in known:
        raise NotPossible(f"nobody has what is behind the digest {digest[:12]}...")
    return known[digest]
