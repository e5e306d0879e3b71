"""Byzantine PBFT replicas that also accuse others, with all that they can sign or compose of signed messages.

All liars of a run share what they hear (`Liars.pool`): every message, and its parts. Besides what they say
they follow the protocol, so that the others get further and there is more to deny. A liar that gave itself
away is heard no more, so each behaviour gives itself away in one way at most.

| behaviour       | says                                                                                  |
|-----------------|---------------------------------------------------------------------------------------|
| silent          | nothing                                                                               |
| voting          | votes that it may give: for anything known, to some                                   |
| out of turn     | votes of any kind, whose turn it is or not                                            |
| contradicting   | a commit for one batch, and one for another                                           |
| concealing      | a view change without what it gave commits for                                        |
| leaving         | view changes with certificates of others, or none                                     |
| skipping        | as a primary, proposals that leave a number open, and no others                       |
| false proofs    | view changes, new views and states that prove nothing                                  |
| replaying       | what anybody signed, as it was or with one part changed                               |
| accusing        | evidence of what anybody signed, as it is, altered, or signed anew, against anybody   |
| framing         | a vote of a correct replica beside one that it never gave                             |
| nonsense        | objects that are no messages                                                          |
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from impl import pbft
from impl.common import SymbolicKeys
from impl.guard import Evidence
from impl.guard.forensics import parts
from impl.pbft import digest, rules, signed
from impl.pbft.shapes import SHAPES
from property_tests.guard.host import Arrived, request, settings_of
from tlacheck.harness import Size
from tlacheck.sim import ByzantineAction, ByzantineContext, Send, Silent
from tlacheck.sim.byzantine import ActiveBehaviour, Behaviour

__all__ = ["Liars"]

#: The probability that a liar lies at a step of its own, and how many messages the liars remember.
_LIES: Final = 0.3
_REMEMBERED: Final = 2_000
_JUNK: Final[tuple[Any, ...]] = (None, 0, "", b"x", (), (1,), object(), 0.5, [], {}, "r1", 1 << 70)

Says = Callable[["Liars", ByzantineContext], Iterator[Send]]


@attrs.frozen
class _Lying:
    """Follows the protocol, and says something else besides."""

    liars: "Liars"
    says: Says
    proposes: bool = True

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one node."""

        def act(context: ByzantineContext) -> ByzantineAction:
            self.liars.hear(context)
            lies = self.says(self.liars, context) if context.random.random() < _LIES else ()
            honest = [
                send
                for send in context.honest.sent
                if self.proposes or not isinstance(send.message, pbft.PrePrepare)
            ]
            return ByzantineAction(context.honest.state, (*honest, *lies))

        return act


class Liars:
    """The liars of one run.

    Args:
        size: which replicas there are, and which of them are liars.
    """

    def __init__(self, size: Size) -> None:
        self.honest = size.honest
        self.pool: dict[bytes, pbft.Message] = {}
        self._proposed: dict[str, pbft.Batch] = {}
        self._config = settings_of(size.nodes[0], size.nodes)
        self._base = pbft.CheckpointCertificate(seq=0, digest=digest(self._config.first_state))

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Their behaviours by name."""
        says: dict[str, Says] = {
            "voting": Liars._votes,
            "out of turn": Liars._votes_out_of_turn,
            "contradicting": Liars._contradicts,
            "concealing": Liars._conceals,
            "leaving": Liars._leaves,
            "false proofs": Liars._proves_falsely,
            "replaying": Liars._replays,
            "accusing": Liars._accuses,
            "framing": Liars._frames,
            "nonsense": Liars._talks_nonsense,
        }
        return {
            "silent": Silent(),
            "skipping": _Lying(self, Liars._skips, proposes=False),
            **{name: _Lying(self, each) for name, each in says.items()},
        }

    def hear(self, context: ByzantineContext) -> None:
        """Remember what came in and what goes out, and their parts: anybody may show them."""
        heard = [context.input.message] if isinstance(context.input, Arrived) else []
        for message in (*heard, *(send.message for send in context.honest.sent)):
            if len(self.pool) >= _REMEMBERED or SHAPES.rejection(self._config, message):
                continue
            for part in parts(message):
                if getattr(part, "source", None) in self._config.replicas:
                    self.pool.setdefault(pbft.encode(part), part)
                if isinstance(part, pbft.PrePrepare):
                    self._proposed[pbft.digest(part.batch)] = part.batch

    # --- what they say

    def _votes(self, context: ByzantineContext, *, in_turn: bool = True) -> Iterator[Send]:
        rng, view, seq = context.random, context.random.randint(0, 3), context.random.randint(1, 6)
        batch = rng.choice(self._batches())
        leads = self._config.primary(view) == context.node
        kinds = ("commit", "checkpoint", "pre-prepare" if leads else "prepare")
        vote: pbft.Message
        match rng.choice(kinds if in_turn else ("commit", "pre-prepare", "prepare")):
            case "pre-prepare":
                vote = pbft.PrePrepare(view=view, seq=seq, batch=batch, source=context.node)
            case "prepare":
                vote = pbft.Prepare(view=view, seq=seq, digest=digest(batch), source=context.node)
            case "commit":
                vote = pbft.Commit(view=view, seq=seq, digest=digest(batch), source=context.node)
            case _:
                vote = pbft.Checkpoint(seq=2 * seq, digest=digest(batch), source=context.node)
        yield from self._say(context, vote)

    def _votes_out_of_turn(self, context: ByzantineContext) -> Iterator[Send]:
        yield from self._votes(context, in_turn=False)

    def _contradicts(self, context: ByzantineContext) -> Iterator[Send]:
        proposals = [each for each in self._of(pbft.PrePrepare) if each.source != context.node]
        if proposals:
            real = proposals[-1]
            other = context.random.choice([each for each in self._batches() if each != real.batch])
            for batch in (real.batch, other):
                vote = pbft.Commit(view=real.view, seq=real.seq, digest=digest(batch), source=context.node)
                yield from self._say(context, vote, to=self.honest)

    def _conceals(self, context: ByzantineContext) -> Iterator[Send]:
        committed = [each for each in self._of(pbft.Commit) if each.source == context.node]
        if committed:
            view = 1 + max(each.view for each in committed)
            change = pbft.ViewChange(view=view, checkpoint=self._base, certificates=(), source=context.node)
            yield from self._say(context, change, to=self.honest)

    def _leaves(self, context: ByzantineContext) -> Iterator[Send]:
        rng = context.random
        told = [each for change in self._of(pbft.ViewChange) for each in change.certificates]
        chosen = {each.seq: each for each in rng.sample(told, min(len(told), rng.randint(0, 2)))}
        certificates = tuple(chosen[seq] for seq in sorted(chosen))
        view = rng.randint(1, 4)
        if not self._of(pbft.Commit, context.node):  # or it would conceal them
            change = pbft.ViewChange(
                view=view, checkpoint=self._base, certificates=certificates, source=context.node
            )
            yield from self._say(context, change)

    def _skips(self, context: ByzantineContext) -> Iterator[Send]:
        node = context.before.node
        seq, view = node.durable.executed + 2, node.durable.view
        said = [
            each for each in self._of(pbft.PrePrepare, context.node) if (each.view, each.seq) == (view, seq)
        ]
        if said:
            yield from (Send(name, said[0]) for name in self.honest)
        elif node.is_primary and node.waiting:
            batch = tuple(node.waiting.values())[:1]
            proposal = pbft.PrePrepare(view=view, seq=seq, batch=batch, source=context.node)
            yield from self._say(context, proposal, to=self.honest)

    def _proves_falsely(self, context: ByzantineContext) -> Iterator[Send]:
        rng, view = context.random, context.random.randint(1, 4)
        changes = [each for each in self._of(pbft.ViewChange) if each.view == view]
        made: pbft.Message
        match rng.choice(("view change", "new view", "state")):
            case "view change" if proposed := self._of(pbft.PrePrepare):
                proposal = rng.choice(proposed)
                prepares = [
                    vote
                    for vote in self._of(pbft.Prepare)
                    if (vote.view, vote.seq) == (proposal.view, proposal.seq)
                ]
                false = pbft.PreparedCertificate(
                    pre_prepare=proposal, prepares=tuple(prepares[: rng.randint(0, self._config.quorum - 1)])
                )
                made = pbft.ViewChange(
                    view=view, checkpoint=self._base, certificates=(false,), source=context.node
                )
            case "new view":
                chosen = tuple(changes[: self._config.quorum])
                follows = rules.reproposals(chosen) if chosen and rng.random() < 0.5 else ()
                proposals = tuple(
                    signed(
                        pbft.PrePrepare(view=view, seq=seq, batch=batch, source=context.node),
                        SymbolicKeys(context.node),
                    )
                    for seq, batch in follows
                )
                made = pbft.NewView(view=view, view_changes=chosen, proposals=proposals, source=context.node)
            case _:
                proofs = [each.checkpoint for each in self._of(pbft.ViewChange)] or [self._base]
                made = pbft.StateResponse(
                    checkpoint=rng.choice(proofs), state=pbft.State(("x",)), source=context.node
                )
        yield from self._say(context, made)

    def _replays(self, context: ByzantineContext) -> Iterator[Send]:
        rng = context.random
        if self.pool:
            message: Any = rng.choice(list(self.pool.values()))
            if rng.random() < 0.5:
                message = _altered(message, rng)
            yield from (Send(name, message) for name in self._some(rng))

    def _accuses(self, context: ByzantineContext) -> Iterator[Send]:
        rng, target = context.random, context.random.choice(self._config.replicas)
        said = [each for each in self.pool.values() if getattr(each, "source", None) == target]
        pool = said if said and rng.random() < 0.7 else list(self.pool.values())
        messages: tuple[Any, ...] = tuple(rng.choices(pool, k=rng.randint(0, 3))) if pool else ()
        match rng.choice(("as it is", "altered", "signed anew")):
            case "altered":
                messages = tuple(_altered(each, rng) for each in messages)
            case "signed anew":
                fields = (_altered(each, rng, values=(0, 1, 2, 3)) for each in messages)
                messages = tuple(signed(each, SymbolicKeys(context.node)) for each in fields)
        yield from self._report(context, Evidence(accused=target, messages=messages))

    def _frames(self, context: ByzantineContext) -> Iterator[Send]:
        rng = context.random
        votes = [
            each
            for kind in (pbft.Prepare, pbft.Commit, pbft.Checkpoint)
            for each in self._of(kind)
            if each.source in self.honest
        ]
        if votes:
            real: Any = rng.choice(votes)
            made = attrs.evolve(real, digest=digest(rng.choice(self._batches())))
            forged = signed(made, SymbolicKeys(context.node))
            yield from self._report(context, Evidence(accused=real.source, messages=(real, forged)))
            yield from (Send(name, forged) for name in self._some(rng))
            leaves = pbft.ViewChange(
                view=rng.randint(1, 4), checkpoint=self._base, certificates=(), source=real.source
            )
            yield from (Send(name, signed(leaves, SymbolicKeys(context.node))) for name in self._some(rng))

    def _talks_nonsense(self, context: ByzantineContext) -> Iterator[Send]:
        rng = context.random
        junk: Any = rng.choice(_JUNK)
        yield from self._report(context, Evidence(accused=junk, messages=rng.choice(_JUNK)))
        yield from (Send(name, junk) for name in self._some(rng))

    # --- what of

    def _of(self, kind: type[Any], source: str = "") -> list[Any]:
        """Messages of a kind; only those of a source, if it is given."""
        found: list[Any] = [each for each in self.pool.values() if type(each) is kind]
        return [each for each in found if source in ("", each.source)]

    def _batches(self) -> list[pbft.Batch]:
        """Batches that somebody proposed, and two that nobody did."""
        return [*self._proposed.values(), (request(10_000),), ()]

    def _some(self, rng: random.Random) -> Sequence[str]:
        """All, or one or two."""
        others = list(self.honest)
        return rng.choice((others, rng.sample(others, min(2, len(others))), [rng.choice(others)]))

    def _say(
        self, context: ByzantineContext, message: Any, *, to: Sequence[str] | None = None
    ) -> Iterator[Send]:
        """Sign something in its own name, and send it."""
        said = signed(message, SymbolicKeys(context.node))
        self.pool.setdefault(pbft.encode(said), said)
        yield from (Send(name, said) for name in (to or self._some(context.random)))

    def _report(self, context: ByzantineContext, evidence: Evidence) -> Iterator[Send]:
        yield from (Send(name, evidence) for name in self._some(context.random))


def _altered(message: Any, rng: random.Random, *, values: Sequence[Any] = (*_JUNK, 0, 1, 2, 3)) -> Any:
    """A message with another value in a field, and the signature that it had."""
    fields = [field.name for field in attrs.fields(type(message)) if field.name != "signature"]
    name, value = rng.choice(fields), rng.choice(values)
    old = getattr(message, name)
    alike = type(value) is type(old) or not isinstance(old, int)
    return attrs.evolve(message, **{name: value if alike else old + 1})
