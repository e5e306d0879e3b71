"""What traitors do in simulated PBFT clusters: strategies by name, each within what signatures do not forbid.

All traitors of a run conspire: they share a `Den`, know each other's keys and no others. A strategy is a
`Behaviour` of `tlacheck.sim`: it is shown what an honest replica would send, and sends something else.

| strategy                  | a traitor                                                                  | in the spec |
|---------------------------|-----------------------------------------------------------------------------|-------------|
| `silence`                 | says nothing                                                                | no step     |
| `selective sending`       | says nothing to half of the others                                          | no step     |
| `delay`                   | says everything too late                                                    | delay       |
| `split proposals`         | proposes something else to half of the others, and votes for both           | `Said`      |
| `split prepares`          | prepares something else towards half of the others                          | `Said`      |
| `split commits`           | commits something else towards half of the others                           | `Said`      |
| `split checkpoints`       | tells half of the others of another state                                   | `Said`      |
| `two copies`              | is two replicas under one name, each of which knows one half                | `Said`      |
| `conflicting view changes`| tells half of the others that it has prepared nothing                       | `ViewChangesOf` |
| `stale certificates`      | tells of its first certificates and checkpoint, not of its last             | `ViewChangesOf` |
| `hasty view changes`      | wants the next view, again and again                                        | `ViewChangesOf` |
| `forged certificates`     | proves what it tells in view changes with votes of its own alone            | none: not provable |
| `wrong new views`         | begins views with something else than follows                               | none: not provable |
| `tampered batches`        | changes clients' requests in its proposals                                  | none: clients signed them |
| `forged votes`            | votes in the names of others                                                | none: not signed |
| `wrong states`            | sends another state than was asked for                                      | none: not provable |
| `replay`                  | says again what it or others said, in other views and before other checkpoints | `Said`   |
| `mutation`                | changes one field of each message by a little, and signs half of them anew  | `Said`, or none |

What the right column calls `Said`, `ViewChangesOf` and `NewViewsOf` are the definitions of `specs/pbft/Pbft.tla` by which
whatever a Byzantine replica might say counts as said. A run under any of them is a behaviour of the spec, and is
validated against it (`journal.py`). What signatures forbid must be refused, and is no step.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from impl import pbft
from impl.pbft import rules
from tlacheck.sim import Behaviour, Deed, Mask, Moment, Replay, Send, Silent, TwoCopies

__all__ = ["STRATEGIES", "Den", "behaviours"]

#: How many steps of its own a traitor that delays holds a message back.
_LATE_STEPS: Final = 40
#: How likely a traitor of the strategies that add messages does so in a step.
_SOMETIMES: Final = 0.2

_ELSEWHERE: Final = "0" * 64


class Den:
    """What the traitors of a run share.

    Args:
        configs: by name, the configurations of all replicas; of the traitors' the keys are used.
        traitors: who they are.

    Attributes:
        used: how often each strategy sent something else than an honest replica, by `strategy: NAME`.
    """

    def __init__(self, configs: Mapping[str, pbft.Config], traitors: Iterable[str]) -> None:
        self.used: Counter[str] = Counter()
        self.traitors = frozenset(traitors)
        self.honest = tuple(name for name in configs if name not in self.traitors)
        #: The honest ones who are told something else.
        self.deceived = frozenset(self.honest[len(self.honest) // 2 :])
        #: By view and number: the digest of what was proposed, and of what was proposed to the deceived.
        self.alternatives: dict[tuple[int, int], tuple[pbft.PrePrepare, pbft.PrePrepare]] = {}
        #: Of each traitor its first certificates by number, and the checkpoints that were its stable ones.
        self.memories: dict[
            str, tuple[dict[int, pbft.PreparedCertificate], list[pbft.CheckpointCertificate]]
        ] = {}
        self._configs = dict(configs)

    def signed(self, message: Any) -> Any:
        """The message with its sender's signature, if that is a traitor and it can be signed; else as it is."""
        if getattr(message, "source", None) not in self.traitors:
            return message
        try:
            return pbft.signed(message, self._configs[message.source].keys)
        except pbft.NotCanonical:  # what has no canonical bytes has no signature
            return message

    def alternative(self, made: pbft.PrePrepare) -> pbft.PrePrepare:
        """Another proposal under the same number: the requests in another order, or one of them twice."""
        key = made.view, made.seq
        if key not in self.alternatives:
            batch = made.batch[::-1] if len(made.batch) > 1 else made.batch * 2
            self.alternatives[key] = made, self.signed(attrs.evolve(made, batch=batch))
        return self.alternatives[key][1]


#: What is sent instead of what an honest replica sends.
_Scheme: TypeAlias = Callable[[Den, Moment], tuple[Send, ...]]


@attrs.frozen
class _Strategy:
    """A scheme under its name."""

    name: str
    den: Den
    scheme: _Scheme

    def begin(self) -> Mask:
        """The behaviour of one traitor, from now on."""

        def mask(moment: Moment) -> Deed:
            sent = self.scheme(self.den, moment)
            self.den.used[f"strategy: {self.name}"] += sent != moment.honest.sent
            return Deed(moment.honest.state, sent)

        return mask


@attrs.frozen
class _Counted:
    """A behaviour of the library, and how often it makes a difference."""

    name: str
    den: Den
    behaviour: Behaviour

    def begin(self) -> Mask:
        """The behaviour of one traitor, from now on."""
        inner = self.behaviour.begin()

        def mask(moment: Moment) -> Deed:
            deed = inner(moment)
            self.den.used[f"strategy: {self.name}"] += deed.sent != moment.honest.sent
            return deed

        return mask


@attrs.frozen
class _Late:
    """Sends everything, so many of its own steps later."""

    steps: int

    def begin(self) -> Mask:
        """The behaviour of one traitor, from now on."""
        held: list[tuple[Send, ...]] = []

        def mask(moment: Moment) -> Deed:
            held.append(moment.honest.sent)
            sent = held.pop(0) if len(held) > self.steps else ()
            return Deed(moment.honest.state, sent)

        return mask


def behaviours(den: Den) -> dict[str, Behaviour]:
    """All strategies by name, for the traitors of a den."""
    library: dict[str, Behaviour] = {
        "silence": Silent(),
        "selective sending": Silent(den.deceived),
        "delay": _Late(_LATE_STEPS),
        "two copies": TwoCopies(den.deceived),
        "replay": Replay(_SOMETIMES, remembered=300),
    }
    found: dict[str, Behaviour] = {
        name: _Counted(name, den, behaviour) for name, behaviour in library.items()
    }
    return found | {name: _Strategy(name, den, scheme) for name, scheme in _SCHEMES.items()}


# --- instead of what an honest replica sends ------------------------------------------------------


def _each(
    moment: Moment, instead: Callable[[Send], Any], *, towards: frozenset[str] | None = None
) -> tuple[Send, ...]:
    return tuple(
        Send(send.dest, instead(send)) if towards is None or send.dest in towards else send
        for send in moment.honest.sent
    )


def _split_proposals(den: Den, moment: Moment) -> tuple[Send, ...]:
    """To the deceived another proposal, and the votes that go with it."""

    def instead(send: Send) -> Any:
        match send.message:
            case pbft.PrePrepare(batch=batch) as made if batch:
                return den.alternative(made)
            case pbft.Prepare() | pbft.Commit() as vote if (vote.view, vote.seq) in den.alternatives:
                main, other = den.alternatives[vote.view, vote.seq]
                if vote.digest == pbft.digest(main.batch):
                    return den.signed(attrs.evolve(vote, digest=pbft.digest(other.batch)))
        return send.message

    return _each(moment, instead, towards=den.deceived)


def _split(kind: type[Any]) -> _Scheme:
    """To the deceived votes of one kind for something that nobody proposed."""

    def scheme(den: Den, moment: Moment) -> tuple[Send, ...]:
        def instead(send: Send) -> Any:
            if isinstance(send.message, kind):
                return den.signed(attrs.evolve(send.message, digest=_ELSEWHERE))
            return send.message

        return _each(moment, instead, towards=den.deceived)

    return scheme


def _conflicting_view_changes(den: Den, moment: Moment) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        if isinstance(send.message, pbft.ViewChange):
            return den.signed(attrs.evolve(send.message, certificates=()))
        return send.message

    return _each(moment, instead, towards=den.deceived)


def _stale_certificates(den: Den, moment: Moment) -> tuple[Send, ...]:
    """Of each number the first certificate that the traitor ever had, and a checkpoint that was stable before."""
    durable: pbft.Durable = moment.honest.state.node.durable
    first, stable = den.memories.setdefault(moment.node, ({}, [durable.stable]))
    for seq, certificate in durable.prepared.items():
        first.setdefault(seq, certificate)
    if stable[-1] != durable.stable:
        stable.append(durable.stable)

    def instead(send: Send) -> Any:
        if not isinstance(send.message, pbft.ViewChange):
            return send.message
        old, view = moment.random.choice(stable[-3:]), send.message.view
        kept = tuple(
            first[seq]
            for seq in sorted(first)
            if old.seq < seq <= old.seq + moment.before.node.config.window and first[seq].view < view
        )
        return den.signed(attrs.evolve(send.message, certificates=kept, checkpoint=old))

    return _each(moment, instead)


def _hasty_view_changes(den: Den, moment: Moment) -> tuple[Send, ...]:
    """The next view, whether or not its primary is slow."""
    if moment.random.random() > _SOMETIMES:
        return moment.honest.sent
    node: pbft.Node = moment.honest.state.node
    wanted = den.signed(
        pbft.ViewChange(
            view=node.durable.view + moment.random.choice((1, 1, 2)),
            checkpoint=node.durable.stable,
            certificates=tuple(node.durable.prepared[seq] for seq in sorted(node.durable.prepared)),
            source=moment.node,
        )
    )
    return (*moment.honest.sent, *(Send(name, wanted) for name in den.honest))


def _forged_certificates(den: Den, moment: Moment) -> tuple[Send, ...]:
    """View changes, asked for or not, that say of what was not prepared that it was, or of what is not stable.

    As the primary the traitor begins views with them, and proposes what then follows.
    """
    interval = moment.before.node.config.interval
    high = max(moment.honest.state.node.durable.prepared, default=0)
    is_of_batches = moment.random.random() < 0.5

    def forged(told: pbft.ViewChange) -> Any:
        stable, source = told.checkpoint, told.source
        if is_of_batches:
            numbers = range(stable.seq + 1, max(high, stable.seq + 1) + 1)
            certificates = tuple(_prepared_by(den, source, told.view - 1, seq) for seq in numbers)
            return den.signed(attrs.evolve(told, certificates=certificates))
        vote = den.signed(pbft.Checkpoint(seq=stable.seq + interval, digest=_ELSEWHERE, source=source))
        checkpoint = pbft.CheckpointCertificate(seq=vote.seq, digest=vote.digest, proof=(vote,))
        return den.signed(attrs.evolve(told, certificates=(), checkpoint=checkpoint))

    def instead(message: Any) -> Any:
        match message:
            case pbft.ViewChange():
                return forged(message)
            case pbft.NewView(view=view, source=source, view_changes=changes):
                changes = tuple(forged(each) if each.source in den.traitors else each for each in changes)
                proposals = tuple(
                    den.signed(pbft.PrePrepare(view=view, seq=seq, batch=batch, source=source))
                    for seq, batch in rules.reproposals(changes)
                )
                return den.signed(attrs.evolve(message, view_changes=changes, proposals=proposals))
        return message

    return tuple(Send(send.dest, instead(send.message)) for send in _hasty_view_changes(den, moment))


def _prepared_by(den: Den, traitor: str, view: int, seq: int) -> pbft.PreparedCertificate:
    """That nothing was prepared under a number, by a traitor's word."""
    made = den.signed(pbft.PrePrepare(view=view, seq=seq, batch=pbft.NULL_BATCH, source=traitor))
    vote = den.signed(pbft.Prepare(view=view, seq=seq, digest=pbft.digest(made.batch), source=traitor))
    return pbft.PreparedCertificate(pre_prepare=made, prepares=(vote,))


def _wrong_new_views(den: Den, moment: Moment) -> tuple[Send, ...]:
    """A new view that leaves out what was prepared, or proposes something else."""

    def instead(send: Send) -> Any:
        message = send.message
        if not isinstance(message, pbft.NewView):
            return message
        changed = tuple(
            den.signed(attrs.evolve(made, batch=made.batch[::-1] if len(made.batch) > 1 else ()))
            for made in message.proposals
        )
        proposals = moment.random.choice(((), changed, message.proposals[:-1]))
        return den.signed(attrs.evolve(message, proposals=proposals))

    return _each(moment, instead)


def _tampered_batches(den: Den, moment: Moment) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        if isinstance(send.message, pbft.PrePrepare) and send.message.batch:
            first, *rest = send.message.batch
            batch = (attrs.evolve(first, operation="tampered"), *rest)
            return den.signed(attrs.evolve(send.message, batch=batch))
        return send.message

    return _each(moment, instead)


def _forged_votes(den: Den, moment: Moment) -> tuple[Send, ...]:
    """Each vote once more in the name of somebody else, with the traitor's own signature."""
    forged = [
        Send(send.dest, attrs.evolve(send.message, source=moment.random.choice(den.honest)))
        for send in moment.honest.sent
        if isinstance(send.message, pbft.Prepare | pbft.Commit | pbft.Checkpoint)
    ]
    return (*moment.honest.sent, *forged)


def _wrong_states(den: Den, moment: Moment) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        if isinstance(send.message, pbft.StateResponse):
            return den.signed(attrs.evolve(send.message, state=pbft.State(("wrong",))))
        return send.message

    return _each(moment, instead)


def _mutation(den: Den, moment: Moment) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        changed = mutated(send.message, moment.random)
        return den.signed(changed) if moment.random.random() < 0.5 else changed

    return _each(moment, instead)


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

#: The names of all strategies.
STRATEGIES: Final = ("silence", "selective sending", "delay", "two copies", "replay", *_SCHEMES)
