"""The adversary of simulated PBFT clusters: behaviours by name, each within what signatures do not forbid.

All Byzantine replicas of a run share an `Adversary`: they know each other's keys and no others. A behaviour
is shown what an honest replica would send, and sends something else.

| behaviour                  | a Byzantine replica                               | in the spec               |
|----------------------------|---------------------------------------------------|---------------------------|
| `silence`                  | says nothing                                      | no step                   |
| `selective sending`        | says nothing to half of the others                | no step                   |
| `delay`                    | says everything too late                          | delay                     |
| `split proposals`          | proposes something else to half of the others,    | `Said`                    |
|                            | and votes for both                                |                           |
| `split prepares`           | prepares something else towards half of the       | `Said`                    |
|                            | others                                            |                           |
| `split commits`            | commits something else towards half of the others | `Said`                    |
| `split checkpoints`        | tells half of the others of another state         | `Said`                    |
| `two copies`               | is two replicas under one name, each of which     | `Said`                    |
|                            | knows one half                                    |                           |
| `conflicting view changes` | tells half of the others that it has prepared     | `ViewChangesOf`           |
|                            | nothing                                           |                           |
| `stale certificates`       | tells of its first certificates and checkpoint,   | `ViewChangesOf`           |
|                            | not of its last                                   |                           |
| `hasty view changes`       | wants the next view, again and again              | `ViewChangesOf`           |
| `forged certificates`      | proves what it tells in view changes with votes   | none: not provable        |
|                            | of its own alone                                  |                           |
| `wrong new views`          | begins views with something else than follows     | none: not provable        |
| `tampered batches`         | changes clients' requests in its proposals        | none: clients signed them |
| `forged votes`             | votes in the names of others                      | none: not signed          |
| `wrong states`             | sends another state than was asked for            | none: not provable        |
| `replay`                   | says again what it or others said, in other views | `Said`                    |
|                            | and before other checkpoints                      |                           |
| `mutation`                 | changes one field of each message by a little,    | `Said`, or none           |
|                            | and signs half of them anew                       |                           |

What the right column calls `Said`, `ViewChangesOf` and `NewViewsOf` are the definitions of
`specs/pbft/Pbft.tla` by which whatever a Byzantine replica might say counts as said. A run under any of them
is a behaviour of the spec, and is judged by it (`recorder.py`). What signatures forbid must be refused, and
is no step.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from impl import pbft
from impl.pbft import rules
from tlacheck.sim import (
    ActiveBehaviour,
    Behaviour,
    ByzantineAction,
    ByzantineContext,
    Replay,
    Send,
    Silent,
    TwoCopies,
)

__all__ = ["BEHAVIOURS", "Adversary", "mutated"]

#: How many steps of its own a Byzantine replica that delays holds a message back.
_LATE_STEPS: Final = 40
#: How likely a Byzantine replica that adds messages does so in a step.
_SOMETIMES: Final = 0.2

_ELSEWHERE: Final = "0" * 64


class Adversary:
    """The Byzantine replicas of a run, which cooperate.

    Args:
        configs: by name, the configurations of all replicas; the keys of the Byzantine ones are used.
        byzantine: their names.
    """

    def __init__(self, configs: Mapping[str, pbft.Config], byzantine: Iterable[str]) -> None:
        self.byzantine = frozenset(byzantine)
        self.honest = tuple(name for name in configs if name not in self.byzantine)
        #: The honest ones who are told something else.
        self.deceived = frozenset(self.honest[len(self.honest) // 2 :])
        #: By view and number: the digest of what was proposed, and of what was proposed to the deceived.
        self.alternatives: dict[tuple[int, int], tuple[pbft.PrePrepare, pbft.PrePrepare]] = {}
        # : Of each Byzantine replica its first certificates by number, and the checkpoints that were its
        # stable ones.
        self.memories: dict[
            str, tuple[dict[int, pbft.PreparedCertificate], list[pbft.CheckpointCertificate]]
        ] = {}
        self._configs = dict(configs)

    def signed(self, message: Any) -> Any:
        """The message with its sender's signature, if that is Byzantine and it can be signed.

        Any other message is left as it is.
        """
        if getattr(message, "source", None) not in self.byzantine:
            return message
        try:
            return pbft.signed(message, self._configs[message.source].keys)
        except pbft.NotCanonical:  # what has no canonical bytes has no signature
            return message

    def behaviours(self) -> dict[str, Behaviour]:
        """All behaviours by name."""
        library: dict[str, Behaviour] = {
            "silence": Silent(),
            "selective sending": Silent(self.deceived),
            "delay": _Late(_LATE_STEPS),
            "two copies": TwoCopies(self.deceived),
            "replay": Replay(_SOMETIMES, remembered=300),
        }
        return library | {name: _Scheming(self, scheme) for name, scheme in _SCHEMES.items()}

    def alternative(self, made: pbft.PrePrepare) -> pbft.PrePrepare:
        """Another proposal under the same number: the requests in another order, or one of them twice."""
        key = made.view, made.seq
        if key not in self.alternatives:
            batch = made.batch[::-1] if len(made.batch) > 1 else made.batch * 2
            self.alternatives[key] = made, self.signed(attrs.evolve(made, batch=batch))
        return self.alternatives[key][1]


#: What is sent instead of what an honest replica sends.
_Scheme: TypeAlias = Callable[[Adversary, ByzantineContext], tuple[Send, ...]]


@attrs.frozen
class _Scheming:
    """The behaviour that sends the messages of a scheme."""

    adversary: "Adversary"
    scheme: _Scheme

    def begin(self) -> ActiveBehaviour:
        """The behaviour of one Byzantine replica, from now on."""

        def act(context: ByzantineContext) -> ByzantineAction:
            return ByzantineAction(context.honest.state, self.scheme(self.adversary, context))

        return act


@attrs.frozen
class _Late:
    """The behaviour that sends everything a number of its own steps late."""

    steps: int

    def begin(self) -> ActiveBehaviour:
        """The behaviour of one Byzantine replica, from now on."""
        held: list[tuple[Send, ...]] = []

        def act(context: ByzantineContext) -> ByzantineAction:
            held.append(context.honest.sent)
            sent = held.pop(0) if len(held) > self.steps else ()
            return ByzantineAction(context.honest.state, sent)

        return act


# --- instead of what an honest replica sends ------------------------------------------------------


def _each(
    context: ByzantineContext, instead: Callable[[Send], Any], *, towards: frozenset[str] | None = None
) -> tuple[Send, ...]:
    return tuple(
        Send(send.dest, instead(send)) if towards is None or send.dest in towards else send
        for send in context.honest.sent
    )


def _split_proposals(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """Send the deceived another proposal, and the votes that go with it."""

    def instead(send: Send) -> Any:
        match send.message:
            case pbft.PrePrepare(batch=batch) as made if batch:
                return adversary.alternative(made)
            case pbft.Prepare() | pbft.Commit() as vote if (vote.view, vote.seq) in adversary.alternatives:
                main, other = adversary.alternatives[vote.view, vote.seq]
                if vote.digest == pbft.digest(main.batch):
                    return adversary.signed(attrs.evolve(vote, digest=pbft.digest(other.batch)))
        return send.message

    return _each(context, instead, towards=adversary.deceived)


def _split(kind: type[Any]) -> _Scheme:
    """Send the deceived votes of one kind for a batch that nobody proposed."""

    def scheme(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
        def instead(send: Send) -> Any:
            if isinstance(send.message, kind):
                return adversary.signed(attrs.evolve(send.message, digest=_ELSEWHERE))
            return send.message

        return _each(context, instead, towards=adversary.deceived)

    return scheme


def _conflicting_view_changes(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        if isinstance(send.message, pbft.ViewChange):
            return adversary.signed(attrs.evolve(send.message, certificates=()))
        return send.message

    return _each(context, instead, towards=adversary.deceived)


def _stale_certificates(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """Send the first certificate of each number instead of the last, and an earlier stable checkpoint."""
    durable: pbft.Durable = context.honest.state.node.durable
    first, stable = adversary.memories.setdefault(context.node, ({}, [durable.stable]))
    for seq, certificate in durable.prepared.items():
        first.setdefault(seq, certificate)
    if stable[-1] != durable.stable:
        stable.append(durable.stable)

    def instead(send: Send) -> Any:
        if not isinstance(send.message, pbft.ViewChange):
            return send.message
        old, view = context.random.choice(stable[-3:]), send.message.view
        kept = tuple(
            first[seq]
            for seq in sorted(first)
            if old.seq < seq <= old.seq + context.before.node.config.window and first[seq].view < view
        )
        return adversary.signed(attrs.evolve(send.message, certificates=kept, checkpoint=old))

    return _each(context, instead)


def _hasty_view_changes(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """The next view, whether or not its primary is slow."""
    if context.random.random() > _SOMETIMES:
        return context.honest.sent
    node: pbft.Node = context.honest.state.node
    wanted = adversary.signed(
        pbft.ViewChange(
            view=node.durable.view + context.random.choice((1, 1, 2)),
            checkpoint=node.durable.stable,
            certificates=tuple(node.durable.prepared[seq] for seq in sorted(node.durable.prepared)),
            source=context.node,
        )
    )
    return (*context.honest.sent, *(Send(name, wanted) for name in adversary.honest))


def _forged_certificates(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """Send view changes, asked for or not, that claim unprepared batches or unstable checkpoints.

    As the primary it begins views with them, and proposes what then follows.
    """
    interval = context.before.node.config.interval
    high = max(context.honest.state.node.durable.prepared, default=0)
    is_of_batches = context.random.random() < 0.5

    def forged(told: pbft.ViewChange) -> Any:
        stable, source = told.checkpoint, told.source
        if is_of_batches:
            numbers = range(stable.seq + 1, max(high, stable.seq + 1) + 1)
            certificates = tuple(_prepared_by(adversary, source, told.view - 1, seq) for seq in numbers)
            return adversary.signed(attrs.evolve(told, certificates=certificates))
        vote = adversary.signed(pbft.Checkpoint(seq=stable.seq + interval, digest=_ELSEWHERE, source=source))
        checkpoint = pbft.CheckpointCertificate(seq=vote.seq, digest=vote.digest, proof=(vote,))
        return adversary.signed(attrs.evolve(told, certificates=(), checkpoint=checkpoint))

    def instead(message: Any) -> Any:
        match message:
            case pbft.ViewChange():
                return forged(message)
            case pbft.NewView(view=view, source=source, view_changes=changes):
                changes = tuple(
                    forged(each) if each.source in adversary.byzantine else each for each in changes
                )
                proposals = tuple(
                    adversary.signed(pbft.PrePrepare(view=view, seq=seq, batch=batch, source=source))
                    for seq, batch in rules.reproposals(changes)
                )
                return adversary.signed(attrs.evolve(message, view_changes=changes, proposals=proposals))
        return message

    return tuple(Send(send.dest, instead(send.message)) for send in _hasty_view_changes(adversary, context))


def _prepared_by(adversary: Adversary, source: str, view: int, seq: int) -> pbft.PreparedCertificate:
    """That nothing was prepared under a number, by the word of a Byzantine replica."""
    made = adversary.signed(pbft.PrePrepare(view=view, seq=seq, batch=pbft.NULL_BATCH, source=source))
    vote = adversary.signed(pbft.Prepare(view=view, seq=seq, digest=pbft.digest(made.batch), source=source))
    return pbft.PreparedCertificate(pre_prepare=made, prepares=(vote,))


def _wrong_new_views(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """Send a new view that omits prepared batches, or proposes other ones."""

    def instead(send: Send) -> Any:
        message = send.message
        if not isinstance(message, pbft.NewView):
            return message
        changed = tuple(
            adversary.signed(attrs.evolve(made, batch=made.batch[::-1] if len(made.batch) > 1 else ()))
            for made in message.proposals
        )
        proposals = context.random.choice(((), changed, message.proposals[:-1]))
        return adversary.signed(attrs.evolve(message, proposals=proposals))

    return _each(context, instead)


def _tampered_batches(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        if isinstance(send.message, pbft.PrePrepare) and send.message.batch:
            first, *rest = send.message.batch
            batch = (attrs.evolve(first, operation="tampered"), *rest)
            return adversary.signed(attrs.evolve(send.message, batch=batch))
        return send.message

    return _each(context, instead)


def _forged_votes(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """Each vote once more in the name of somebody else, with its own signature."""
    forged = [
        Send(send.dest, attrs.evolve(send.message, source=context.random.choice(adversary.honest)))
        for send in context.honest.sent
        if isinstance(send.message, pbft.Prepare | pbft.Commit | pbft.Checkpoint)
    ]
    return (*context.honest.sent, *forged)


def _wrong_states(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        if isinstance(send.message, pbft.StateResponse):
            return adversary.signed(attrs.evolve(send.message, state=pbft.State(("wrong",))))
        return send.message

    return _each(context, instead)


def _mutation(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        changed = mutated(send.message, context.random)
        return adversary.signed(changed) if context.random.random() < 0.5 else changed

    return _each(context, instead)


def mutated(message: Any, rng: random.Random) -> Any:
    """The message with one field, perhaps of a part of it, changed by a little."""
    fields = [field.name for field in attrs.fields(type(message))]
    name = rng.choice(fields)
    return attrs.evolve(message, **{name: _changed(getattr(message, name), rng)})


def _changed(value: Any, rng: random.Random) -> Any:
    match value:
        case bool() | None:
            return not value
        case int():
            return value + rng.choice((-1, 1, 1, 1 << 70))
        case str():
            return rng.choice(("", value[:-1], value + "0", _ELSEWHERE))
        case bytes():
            return rng.choice((b"", value[:-1], bytes(len(value))))
        case tuple() if value:
            place = rng.randrange(len(value))
            rest = value[:place], value[place + 1 :]
            kept = rng.choice(((), (value[place],) * 2, (_changed(value[place], rng),)))
            return (*rest[0], *kept, *rest[1])
        case tuple():
            return (0,)
        case _:
            has_fields = attrs.has(type(value)) and attrs.fields(type(value))
            return mutated(value, rng) if has_fields else None


_SCHEMES: Final[dict[str, _Scheme]] = {
    "split proposals": _split_proposals,
    "split prepares": _split(pbft.Prepare),
    "split commits": _split(pbft.Commit),
    "split checkpoints": _split(pbft.Checkpoint),
    "conflicting view changes": _conflicting_view_changes,
    "stale certificates": _stale_certificates,
    "hasty view changes": _hasty_view_changes,
    "forged certificates": _forged_certificates,
    "wrong new views": _wrong_new_views,
    "tampered batches": _tampered_batches,
    "forged votes": _forged_votes,
    "wrong states": _wrong_states,
    "mutation": _mutation,
}

#: The names of all behaviours.
BEHAVIOURS: Final = ("silence", "selective sending", "delay", "two copies", "replay", *_SCHEMES)
