"""Mutated-message tests of PBFT: each part of an accepted message is changed; unproved ones are refused.

A run under all faults (`protocol.py`) is watched. Of each kind of message some are chosen that made a
difference, with the replica that took them. Then each part of such a message, however deep it is, is changed
in each way of a short list: a number by one, a name or a digest to another one, an item left out, doubled or
in the place of another, a signature to none. The replica is told the result twice: as it is, by somebody who
has no key at all, and signed again wherever its sender may sign, by a sender who is Byzantine. What it takes
must be

| rule        | what it says                                                                                 |
|-------------|----------------------------------------------------------------------------------------------|
| `Authentic` | whatever in it names somebody else was said by him in this run                               |
| `Proved`    | a view change, a new view or a state proves what it says, counted out (paper, 4.2 to 4.4;    |
|             | TOCS, 5.3)                                                                                   |
| `Certified` | no certificate has votes for another batch, number or view (`timing.certified`)              |
| `Monotonic` | no view, executed number or checkpoint goes back, also by what comes late; no view is        |
|             | entered twice                                                                                |
| `Reported`  | of two contradicting messages of one sender, the second is evidence against him, and never   |
|             | takes the place of the first                                                                 |

The judge has none of the functions of `impl.pbft.proofs`; it looks up what was said instead of looking at
signatures.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import pbft
from property_tests.pbft.host import ReplicaStep, replica_step
from property_tests.pbft.protocol import PBFT
from property_tests.pbft.timing import certified
from tlacheck.harness import Finding, Judge, Run, Schedule, Size
from tlacheck.sim import StepRecord
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["near_misses", "variants"]

#: The names that stand in the place of others.
_NAMES: Final = ("r0", "r1", "r2", "r3")
_ELSEWHERE: Final = "0" * 64
#: So many later checkpoints are tried with a new view.
_AHEAD: Final = 3
#: The kinds of messages without which a run says nothing.
_NEEDED: Final = frozenset({"NewView", "PrePrepare", "StateResponse", "ViewChange"})


# --- what is changed ------------------------------------------------------------------------------


def variants(part: Any, others: tuple[Any, ...] = ()) -> Iterator[Any]:
    """The value with one thing in it changed, once for each thing and way.

    Args:
        part: a message, or any part of one.
        others: values of the same type that may stand in its place.
    """
    yield from (other for other in others if other != part)
    match part:
        case int():
            yield from (part - 1, part + 1, part + 4, part + 100)
        case str() if len(part) == len(_ELSEWHERE):
            yield _ELSEWHERE
        case str() if part in _NAMES:
            yield from (name for name in _NAMES if name != part)
        case bytes():
            yield b""
        case tuple():
            yield from _of_tuple(part)
        case _ if attrs.has(type(part)):
            for field in attrs.fields(type(part)):
                for other in variants(getattr(part, field.name)):
                    yield attrs.evolve(part, **{field.name: other})


def _of_tuple(items: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if items and not attrs.has(type(items[0])):
        return
    if items:
        yield ()
        yield items[::-1]
    for place, item in enumerate(items):
        yield (*items[:place], *items[place + 1 :])
        yield (*items[: place + 1], *items[place:])
        for other in variants(item, items):
            yield (*items[:place], other, *items[place + 1 :])


def _signed_by(byzantine: str, part: Any) -> Any:
    """The same, signed again wherever `byzantine` stands as the sender."""
    if isinstance(part, tuple):
        return tuple(_signed_by(byzantine, item) for item in part)
    if not attrs.has(type(part)):
        return part
    parts = {
        field.name: _signed_by(byzantine, getattr(part, field.name)) for field in attrs.fields(type(part))
    }
    part = attrs.evolve(part, **parts)
    return pbft.signed(part, pbft.SymbolicKeys(byzantine)) if _signer(part) == byzantine else part


def _signer(part: Any) -> str | None:
    if not hasattr(part, "signature"):
        return None
    name: str = part.client if isinstance(part, pbft.Request) else part.source
    return name


def _signed_parts(part: Any) -> Iterator[Any]:
    """The value and all in it that somebody signed."""
    if isinstance(part, tuple):
        for item in part:
            yield from _signed_parts(item)
    elif attrs.has(type(part)):
        if hasattr(part, "signature"):
            yield part
        for field in attrs.fields(type(part)):
            yield from _signed_parts(getattr(part, field.name))


# --- the judge ------------------------------------------------------------------------------------


@attrs.frozen
class _Judge:
    """The signed messages of a run, and the rules that they imply for any other message."""

    config: pbft.Config
    said: frozenset[Any]

    def wrong(self, message: Any, byzantine: str) -> str:
        """The rule that is broken if this is taken from a Byzantine replica; empty if it may be."""
        for part in _signed_parts(message):
            if _signer(part) != byzantine and part not in self.said:
                return "Authentic"
        return "" if self._is_proved(message) else "Proved"

    def _is_proved(self, message: Any) -> bool:
        match message:
            case pbft.ViewChange():
                return self._is_view_change(message)
            case pbft.NewView():
                return self._is_new_view(message)
            case pbft.StateResponse(checkpoint=checkpoint, state=state):
                return self._is_stable(checkpoint) and checkpoint.digest == pbft.digest(state)
            case pbft.PrePrepare(source=source, view=view):
                return source == self._primary(view)
            case pbft.Prepare(source=source, view=view):
                return source != self._primary(view)
            case _:
                return True

    def _primary(self, view: int) -> str:
        return self.config.replicas[view % len(self.config.replicas)]

    def _is_stable(self, checkpoint: pbft.CheckpointCertificate) -> bool:
        if checkpoint.seq == 0:
            return checkpoint.digest == pbft.digest(self.config.first_state)
        voters = {
            vote.source
            for vote in checkpoint.proof
            if (vote.seq, vote.digest) == (checkpoint.seq, checkpoint.digest)
        }
        return len(voters & set(self.config.replicas)) >= self.config.quorum

    def _is_certificate(self, told: pbft.PreparedCertificate) -> bool:
        proposal = told.pre_prepare
        about = proposal.view, proposal.seq, pbft.digest(proposal.batch)
        voters = {vote.source for vote in told.prepares if (vote.view, vote.seq, vote.digest) == about}
        primary = self._primary(proposal.view)
        return proposal.source == primary and len((voters - {primary}) | {primary}) >= self.config.quorum

    def _is_view_change(self, message: pbft.ViewChange) -> bool:
        seqs, low = [told.seq for told in message.certificates], message.checkpoint.seq
        return (
            self._is_stable(message.checkpoint)
            and all(low < seq <= low + self.config.window for seq in seqs)
            and len(set(seqs)) == len(seqs)
            and all(told.view < message.view and self._is_certificate(told) for told in message.certificates)
        )

    def _is_new_view(self, message: pbft.NewView) -> bool:
        changes, follows = message.view_changes, _follows(message.view_changes)
        return (
            message.source == self._primary(message.view)
            and len({change.source for change in changes}) >= self.config.quorum
            and all(change.view == message.view and self._is_view_change(change) for change in changes)
            and [(made.seq, made.batch) for made in message.proposals] == sorted(follows.items())
            and all((made.view, made.source) == (message.view, message.source) for made in message.proposals)
        )


def _follows(changes: tuple[pbft.ViewChange, ...]) -> dict[int, pbft.Batch]:
    """The batches that a new view must propose, by number (paper, 4.4)."""
    low = max((change.checkpoint.seq for change in changes), default=0)
    told: dict[int, pbft.PreparedCertificate] = {}
    for certificate in (certificate for change in changes for certificate in change.certificates):
        known = told.get(certificate.seq)
        if known is None or known.view < certificate.view:
            told[certificate.seq] = certificate
    return {seq: told[seq].batch if seq in told else () for seq in range(low + 1, max(told, default=low) + 1)}


# --- the check ------------------------------------------------------------------------------------


class _Harvest(Judge):
    """The recorded messages of a run, and those that were accepted with the replicas that accepted them."""

    def __init__(self, size: Size) -> None:
        del size
        self.said: set[Any] = set()
        self.situations: list[pbft.Node] = []
        self.taken: defaultdict[str, list[tuple[tuple[int, bool, int], pbft.Node, Any]]] = defaultdict(list)

    def on_restart(self, node: str, state: Any) -> Iterator[Finding]:
        """Remember a replica that comes back."""
        del node
        self.situations.append(state.node)
        return iter(())

    def on_step(self, record: StepRecord) -> Iterator[Finding]:
        """Remember a step of an honest replica."""
        step = replica_step(record)
        for message in step.sent:
            self.said.update(_signed_parts(message))
        if step.after.durable is not step.before.durable:
            self.situations.append(step.after)
        if isinstance(step.input, pbft.Receive):
            message = step.input.message
            if not step.is_refused and _signer(message) != step.name:
                self.said.update(_signed_parts(message))
                writes = any(isinstance(effect, pbft.Persist) for effect in step.effects)
                interest = _proofs_of(message), writes, len(self.situations)
                self.taken[type(message).__name__].append((interest, step.before, message))
        return iter(())

    def later(self, node: pbft.Node, count: int) -> list[pbft.Node]:
        """The same replica after each of its next steps that made a difference."""
        place = next((place for place, one in enumerate(self.situations) if one.durable is node.durable), 0)
        return [one for one in self.situations[place + 1 :] if one.name == node.name][:count]

    def ahead_of(self, node: pbft.Node, message: pbft.NewView) -> Iterator[pbft.Node]:
        """The same replica, had it heard of a later stable checkpoint than that with which a view begins."""
        base = max(change.checkpoint.seq for change in message.view_changes)
        votes: defaultdict[tuple[int, str], list[pbft.Checkpoint]] = defaultdict(list)
        for said in self.said:
            if isinstance(said, pbft.Checkpoint) and said.seq > base:
                votes[said.seq, said.digest].append(said)
        for place in sorted(votes)[:_AHEAD]:
            ahead = node
            for vote in sorted(votes[place], key=lambda vote: vote.source):
                ahead, _ = pbft.step(ahead, pbft.Receive(vote))
            if ahead.durable.stable.seq > base:
                yield ahead

    def chosen(self, kind: str, count: int) -> list[tuple[pbft.Node, Any]]:
        """About `count` messages of a kind, from those that prove most to those that prove least."""
        found = sorted(self.taken[kind], key=lambda one: one[0])
        return [(node, message) for _, node, message in found[:: -max(1, -(-len(found) // count))]]


def _proofs_of(message: Any) -> int:
    """A measure of how much a message proves."""
    match message:
        case pbft.ViewChange():
            return min(len(message.certificates), 2) + 4 * bool(message.checkpoint.seq)
        case pbft.NewView():
            certificates = {told.view for change in message.view_changes for told in change.certificates}
            return min(len(message.proposals), 2) + 4 * min(len(certificates), 2)
        case _:
            return 0


def near_misses(
    context: Context, *, seed: int = 5, steps: int = 2_700, each: int = 3, ways: int = 80
) -> Outcome:
    """Change accepted messages of a run, and deliver the variants.

    Args:
        context: what `verify` gives.
        seed: of the run, beyond that of the context.
        steps: how many steps the run has, or as many more as it takes to meet all that is to be changed.
        each: how many messages of each kind are changed, of those that prove little and of those that prove
            most.
        ways: in how many ways each of them is changed at most.
    """
    protocol = attrs.evolve(PBFT, judges=[_Harvest], goals=())
    size = attrs.evolve(protocol.sizes[0], is_shuffled=False)
    run = Run(protocol, size, seed=context.seed + seed, oracle=None, only=())
    harvest, schedule = run.judge(_Harvest), Schedule(run, protocol, seed=context.seed + seed)
    schedule.begin()
    try:
        while run.steps < steps or (_NEEDED - set(harvest.taken) and run.steps < 10 * steps):
            schedule.happen()
    except Exception as raised:  # noqa: BLE001 - a step of a replica is total
        verdict = Verdict.violated("Total", f"after {run.steps} steps")
        figures = immutabledict(steps=run.steps)
        return Outcome(verdict=verdict, figures=figures, message=f"a step raises {raised!r}")
    config = next(iter(run.view.values())).node.config
    judge = _Judge(config, frozenset(harvest.said))
    draw = random.Random(context.seed)  # noqa: S311 - a reproducible run, no secret
    told = 0
    for node, message, byzantine, tale in _tales(harvest, draw, each, ways):
        if told % 100 == 0:
            context.progress(f"{told:,} messages")
        told += 1
        try:
            wrong = _wrong(judge, node, message, tale, byzantine)
        except Exception as raised:  # noqa: BLE001 - a step of a replica is total
            wrong = f"Total, {type(raised).__name__}"
        if wrong:
            verdict = Verdict.violated(wrong, f"message {told:,}, a {type(tale).__name__}")
            said = f"{node.name}, who was told {message}, and now {tale}"
            return Outcome(verdict=verdict, figures=immutabledict(steps=told), message=said)
    figures = immutabledict(steps=told, kinds=len(harvest.taken))
    if missing := _NEEDED - set(harvest.taken):
        reason = f"the run has no {', '.join(sorted(missing))}: let it be longer"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    return Outcome(verdict=Verdict.sampled(told, context.seed), figures=figures)


def _tales(
    harvest: _Harvest, draw: random.Random, each: int, ways: int
) -> Iterator[tuple[pbft.Node, Any, str, Any]]:
    """Yield replicas, the message each took in the run, the owner of the keys, and the variant to deliver."""
    for kind in sorted(harvest.taken):
        for node, message in harvest.chosen(kind, each):
            changed = [variant for variant in variants(message) if variant != message]
            for variant in (message, *draw.sample(changed, min(ways, len(changed)))):
                for byzantine, tale in _told(message, variant):
                    yield node, message, byzantine, tale
    for kind in sorted(harvest.taken):
        for node, message in harvest.chosen(kind, each):
            for other in _NAMES:
                if other not in {node.name, _signer(message)}:
                    yield node, message, other, _said_by(other, message)
            for after in harvest.later(node, ways):
                yield after, message, "", message
    for node, message in harvest.chosen("ViewChange", each):
        first, sender = pbft.first_start(node.config), message.source
        for view in sorted({told.view for told in message.certificates} - {0}):
            yield first, message, sender, _signed_by(sender, attrs.evolve(message, view=view))
        older = attrs.evolve(message, checkpoint=first.durable.stable)
        if older != message:
            yield first, message, sender, _signed_by(sender, older)

    for node, message in harvest.chosen("NewView", each):
        for ahead in harvest.ahead_of(node, message):
            yield ahead, message, "", message
    wishes = [message for _, _, message in harvest.taken["ViewChange"]]
    for node, message in harvest.chosen("NewView", each):
        changes = message.view_changes
        for place, change in enumerate(changes):
            before, behind = changes[:place], changes[place + 1 :]
            others = [wish for wish in wishes if wish.source == change.source and wish.view != change.view]
            for instead in ((), (changes[place - 1],), *((wish,) for wish in others[-3:])):
                yield node, message, message.source, _begun_otherwise(message, (*before, *instead, *behind))
    for kind in sorted(harvest.taken):
        for node, message in harvest.chosen(kind, each):
            yield node, message, "", attrs.evolve(message, signature=b"")


def _begun_otherwise(message: pbft.NewView, changes: tuple[pbft.ViewChange, ...]) -> Any:
    """The same view, begun with what follows from other view changes."""
    proposals = tuple(
        pbft.PrePrepare(view=message.view, seq=seq, batch=batch, source=message.source)
        for seq, batch in sorted(_follows(changes).items())
    )
    return _signed_by(message.source, attrs.evolve(message, view_changes=changes, proposals=proposals))


def _told(message: Any, variant: Any) -> Iterator[tuple[str, Any]]:
    """A variant of a message, with whose keys it is told: nobody's, and the sender's."""
    yield "", variant
    sender = _signer(message) or ""
    again = _signed_by(sender, variant)
    if _signer(again) == sender and again != message:
        yield sender, again


def _said_by(other: str, message: Any) -> Any:
    """The same as another replica would say it in its own name."""
    if isinstance(message, pbft.Request):
        return _signed_by(other, attrs.evolve(message, client=other))
    if isinstance(message, pbft.NewView):
        proposals = tuple(attrs.evolve(made, source=other) for made in message.proposals)
        message = attrs.evolve(message, proposals=proposals)
    return _signed_by(other, attrs.evolve(message, source=other))


def _wrong(judge: _Judge, node: pbft.Node, message: Any, variant: Any, byzantine: str) -> str:
    """The rule that a replica breaks when it gets a variant instead of a message, or after it.

    The result is empty if it breaks none.
    """
    told = pbft.Receive(variant)
    after, effects = pbft.step(node, told)
    if not _is_refused(effects):
        if wrong := judge.wrong(variant, byzantine):
            return wrong
        step = ReplicaStep(name=node.name, before=node, input=told, after=after, effects=effects)
        for property_, _ in certified(step):
            return property_
        if _reached(after) != tuple(map(max, _reached(node), _reached(after))):
            return "Monotonic"
        if isinstance(variant, pbft.NewView) and _reached(after)[0] == _reached(node)[0]:
            return "Monotonic"
    slot = _slot(message)
    if byzantine and slot is not None and slot == _slot(variant) and variant != message:
        after, _ = pbft.step(node, pbft.Receive(message))
        _, effects = pbft.step(after, pbft.Receive(variant))
        match effects:
            case (pbft.Refused(why=pbft.Why.EQUIVOCATION, conflicting=known),):
                return "" if known == message else "Reported"
            case (pbft.Refused(why=pbft.Why.REPEATED),):
                return "Reported"
            case (pbft.Refused(),):
                return ""
            case _:
                return "Reported"
    return ""


def _reached(node: pbft.Node) -> tuple[int, int, int]:
    """Values that never go back: the view, wanted or entered; executed; stable."""
    durable = node.durable
    return 2 * durable.view + (not durable.changing), durable.executed, durable.stable.seq


def _is_refused(effects: tuple[pbft.Effect, ...]) -> bool:
    return any(isinstance(effect, pbft.Refused) for effect in effects)


def _slot(message: Any) -> tuple[object, ...] | None:
    """The key under which a sender may send one message only."""
    match message:
        case pbft.PrePrepare() | pbft.Prepare() | pbft.Commit():
            return type(message), message.source, message.view, message.seq
        case pbft.Checkpoint():
            return type(message), message.source, message.seq
        case pbft.ViewChange():
            return type(message), message.source, message.view
        case _:
            return None
