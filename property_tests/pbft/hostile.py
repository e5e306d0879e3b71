"""Hostile-message tests: a replica takes genuine messages, refuses the rest, and its memory stays bounded.

One replica in the middle of a run (`midway`) is told tens of thousands of messages (`forgeries`): replayed,
mutated in every field at every depth, forged, of other views and beyond its window, huge, deeply nested, and
objects that are none. It starts again from each situation many times. Judged is, by rules of their own that
use neither its checks of shapes nor those of signatures:

| rule      | what it says                                                                                 |
|-----------|----------------------------------------------------------------------------------------------|
| total     | no input raises                                                                              |
| refusal   | what is refused has no other effect, and changes nothing                                     |
| authentic | of what is taken each part, however deep, was signed by whom it names                        |
| durable   | what must last is persisted first, and never goes back                                       |
| certified | prepared, executed and stable is only what a quorum vouched for, counted here once more      |
| bounded   | what is kept of others stays within the bounds that `impl.pbft.Node` states                  |
| once      | the replica says one thing only for each purpose                                             |
| agreement | it executes nothing else than the others did, with one Byzantine replica that says anything  |
| memory    | the memory that is in use after each round stays the same, and so does what it keeps at most |

A kind of refusal that never came up was not tried, and a replica that got nowhere had nothing to lose: such a
run establishes nothing.
"""

import gc
import random
import tracemalloc
from collections import Counter, defaultdict
from typing import Any, Final, get_args

from immutabledict import immutabledict

from impl import pbft
from impl.common.encoding import kind_of
from property_tests.pbft.forgeries import Forger
from property_tests.pbft.midway import Midway, situations
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["Broken", "Flood", "hostile"]

#: How many messages a replica is told at most in one situation before it starts again in the next.
_BLOCK: Final = 500
#: One fills caches, and two are compared.
_ROUNDS_MIN: Final = 3
# : How often its host does what hosts do: a tick of the clients' limit, a batch of what waits, saying it all
# again.
_HOST_EVERY: Final = 50
# : By how much the memory in use may differ between rounds, and what a replica keeps at most between halves
# of a run.
_SLACK_BYTES: Final = 256 << 10

#: How many of the four replicas any two sets of which share a correct one.
_QUORUM: Final = 3

#: What must have come about in the midst of it all.
_PROGRESS: Final = ("Executed", "EnteredView", "Transferred")

_MESSAGES: Final = frozenset(get_args(pbft.Message))


class Broken(AssertionError):
    """One of the rules above does not hold."""


class Flood:
    """Delivers hostile messages to replicas, and judges their steps.

    Args:
        seed: decides the messages.

    Attributes:
        refused: how many messages were refused, by kind.
        taken: how many messages were taken, by type.
        effects: how often the replica asked for what, by type.
        kept_bytes: by round, how much memory a replica held at most beyond that with which it began.
        in_use_bytes: by round, the memory in use when it was over.
    """

    def __init__(self, *, seed: int) -> None:
        self.refused: Counter[pbft.Why] = Counter()
        self.taken: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self.kept_bytes: list[int] = []
        self.in_use_bytes: list[int] = []
        self._seed = seed

    @property
    def messages(self) -> int:
        """The number of messages delivered."""
        return self.refused.total() + self.taken.total()

    def play_round(self, *, block: int = _BLOCK) -> None:
        """Tell so many messages in each situation.

        Raises:
            Broken: a rule does not hold.
        """
        number = len(self.kept_bytes)
        kept = 0
        for place, midway in enumerate(situations()):
            before = tracemalloc.get_traced_memory()[0]
            node = self._play_block(midway, random.Random(f"{self._seed} {number} {place}"), block)  # noqa: S311 - reproducible on purpose
            kept = max(kept, tracemalloc.get_traced_memory()[0] - before)
            del node
        gc.collect()
        self.kept_bytes.append(kept)
        self.in_use_bytes.append(tracemalloc.get_traced_memory()[0])

    def judge_memory(self) -> None:
        """Compare the rounds, the first left out: it fills caches.

        Raises:
            Broken: memory grows.
        """
        used, kept = self.in_use_bytes[1:], self.kept_bytes[1:]
        if len(used) > 1 and used[-1] > used[0] + _SLACK_BYTES:
            raise Broken(f"memory: {used[0]:,} bytes were in use after a round, and {used[-1]:,} at the end")
        half = len(kept) // 2
        if half and max(kept[half:]) > 2 * max(kept[:half]) + _SLACK_BYTES:
            raise Broken(
                f"memory: a replica kept {max(kept[:half]):,} bytes at most, and {max(kept[half:]):,} later"
            )

    def _play_block(self, midway: Midway, draw: random.Random, block: int) -> pbft.Node:
        judge, node = _Judge(midway), midway.victim
        forger = Forger(midway, draw)
        for number in range(1, block + 1):
            message = forger.next_for(node)
            try:
                node = self._tell(judge, node, message)
            except Broken as broken:
                where = f"{midway.name}, at message {number} of a block, a {kind_of(message)}"
                raise Broken(f"{broken} ({where})") from broken
            if number % _HOST_EVERY == 0:
                node = self._hosted(judge, node)
        return node

    def _tell(self, judge: "_Judge", node: pbft.Node, message: Any) -> pbft.Node:
        """One message."""
        after, effects = judge.step(node, pbft.Receive(message))
        match effects:
            case (pbft.Refused(why=why),):
                self.refused[why] += 1
            case _:
                judge.taken(message)
                self.taken[type(message).__name__] += 1
        self.effects.update(type(effect).__name__ for effect in effects)
        return after

    def _hosted(self, judge: "_Judge", node: pbft.Node) -> pbft.Node:
        """Give the replica the inputs that its host sends now and then."""
        batch = tuple(node.waiting.values())[: node.config.batch_max]
        inputs: list[pbft.Input] = [pbft.Tick(), pbft.Retransmit()]
        if batch and node.is_primary:
            inputs.append(pbft.Propose(batch))
        for inp in inputs:
            node, effects = judge.step(node, inp)
            self.effects.update(type(effect).__name__ for effect in effects)
        return node


class _Judge:
    """Judges one replica, from one situation on."""

    def __init__(self, midway: Midway) -> None:
        self._midway = midway
        self._said: dict[object, pbft.Message] = {}
        self._commits: defaultdict[tuple[int, str], set[tuple[int, str]]] = defaultdict(set)
        for votes in midway.victim.votes.values():
            for vote in votes.commits.values():
                self._count(vote)

    def _count(self, vote: pbft.Commit) -> None:
        self._commits[vote.seq, vote.digest].add((vote.view, vote.source))

    def step(self, node: pbft.Node, inp: pbft.Input) -> tuple[pbft.Node, tuple[pbft.Effect, ...]]:
        """One step of the replica."""
        try:
            after, effects = pbft.step(node, inp)
        except Exception as error:
            raise Broken(f"total: {type(inp).__name__} raises {type(error).__name__}: {error}") from error
        if any(isinstance(effect, pbft.Refused) for effect in effects):
            if after is not node or len(effects) != 1:
                raise Broken("refusal: an input is refused, and has other effects or changes the replica")
            return after, effects
        if isinstance(inp, pbft.Receive) and isinstance(inp.message, pbft.Commit):
            self._count(inp.message)
        self._judge_durable(node.durable, after.durable, effects)
        self._judge_certificates(node.durable, after.durable)
        self._judge_bounds(after)
        for effect in effects:
            match effect:
                case pbft.Executed(seq=seq, batch=batch):
                    if self._midway.decided.get(seq, batch) != batch:
                        raise Broken(f"agreement: at {seq} another batch is executed than by the others")
                    voters = self._commits[seq, pbft.digest(batch)]
                    views = Counter(view for view, _ in voters)
                    if max(views.values(), default=0) < _QUORUM and seq > node.durable.executed:
                        raise Broken(f"certified: {seq} is executed with the commits {sorted(voters)}")
                case pbft.Send(message=message):
                    if isinstance(message, pbft.Commit):
                        self._count(message)
                    self._judge_once(message)
                case pbft.Diverged(seq=seq):
                    raise Broken(f"agreement: the state at {seq} is another one than the others'")
                case _:
                    pass
        return after, effects

    def taken(self, message: Any) -> None:
        """A message that was taken."""
        if type(message) not in _MESSAGES:
            raise Broken(f"authentic: a {type(message)!r} is taken for a message")
        if not self._midway.is_authentic(message):
            raise Broken(f"authentic: a {type(message).__name__} is taken that is not signed throughout")

    def _judge_durable(
        self, before: pbft.Durable, after: pbft.Durable, effects: tuple[pbft.Effect, ...]
    ) -> None:
        written = [place for place, effect in enumerate(effects) if isinstance(effect, pbft.Persist)]
        if written != ([0] if after is not before else []):
            raise Broken(
                "durable: what changed is not persisted first, or something is though nothing changed"
            )
        if (
            after.view < before.view
            or after.executed < before.executed
            or after.stable.seq < before.stable.seq
            or (after.view == before.view and after.changing and not before.changing)
        ):
            raise Broken("durable: a view, a number or a checkpoint goes back")
        for seq, batch in after.committed.items():
            if before.committed.get(seq, batch) != batch:
                raise Broken(f"durable: what is committed at {seq} is another batch than before")

    def _judge_certificates(self, before: pbft.Durable, after: pbft.Durable) -> None:
        for seq, certificate in after.prepared.items():
            if before.prepared.get(seq) is not certificate:
                proposal = certificate.pre_prepare
                about = (proposal.view, seq, pbft.digest(proposal.batch))
                voters = {m.source for m in certificate.prepares if (m.view, m.seq, m.digest) == about}
                if len({*voters, proposal.source}) < _QUORUM or not self._midway.is_authentic(certificate):
                    raise Broken(f"certified: {seq} is prepared by {sorted(voters)} and {proposal.source}")
        stable = after.stable
        if stable is not before.stable:
            voters = {m.source for m in stable.proof if (m.seq, m.digest) == (stable.seq, stable.digest)}
            if len(voters) < _QUORUM or not self._midway.is_authentic(stable):
                raise Broken(f"certified: the checkpoint at {stable.seq} is stable by {sorted(voters)}")

    def _judge_bounds(self, node: pbft.Node) -> None:
        durable, config = node.durable, node.config
        low, names = durable.stable.seq, set(config.replicas)
        for held in (node.votes, durable.accepted, durable.prepared, durable.committed):
            if any(not low < seq <= low + config.window for seq in held):
                raise Broken(f"bounded: something is kept outside of the window behind {low}")
        for seq, votes in node.votes.items():
            for by_source in (votes.pre_prepares, votes.prepares, votes.commits):
                for source, vote in by_source.items():
                    if (
                        source not in names
                        or (vote.source, vote.seq) != (source, seq)
                        or vote.view < durable.view
                    ):
                        raise Broken(f"bounded: a vote is kept at {seq} that is of no use there")
        for source, several in node.checkpoints.items():
            if source not in names or len(several) > config.checkpoints_max:
                raise Broken(f"bounded: {len(several)} checkpoints of {source!r} are kept")
            if any(each.seq <= low or each.seq % config.interval for each in several):
                raise Broken(f"bounded: a checkpoint of {source!r} is kept that is of no use")
        if not names.issuperset(node.view_changes) or any(
            each.view < durable.view for each in node.view_changes.values()
        ):
            raise Broken("bounded: a view change is kept that is of no use")
        if len(durable.snapshots) > config.checkpoints_max:
            raise Broken(f"bounded: {len(durable.snapshots)} snapshots are kept")
        if len(node.waiting) > config.waiting_max:
            raise Broken(f"bounded: {len(node.waiting)} clients wait")
        limit = config.rate_limit
        for spent in (node.spent.requests, node.spent.answers):
            if limit and (len(spent) > limit.clients_max or max(spent.values(), default=0) > limit.burst):
                raise Broken("bounded: a client has spent more than it may")

    def _judge_once(self, message: pbft.Message) -> None:
        match message:
            case pbft.PrePrepare() | pbft.Prepare() | pbft.Commit():
                about: object = (type(message), message.view, message.seq)
            case pbft.Checkpoint():
                about = (type(message), message.seq)
            case pbft.ViewChange() | pbft.NewView():
                about = (type(message), message.view)
            case _:
                return
        if message.source == self._midway.victim.name and self._said.setdefault(about, message) != message:
            raise Broken(f"once: the replica says two things by a {type(message).__name__}")


def hostile(context: Context, *, messages: int = 50_000) -> Outcome:
    """Tell a replica so many hostile messages or a few more, in each situation in turn."""
    flood = Flood(seed=context.seed)
    situations()
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    try:
        places = len(situations())
        rounds = max(_ROUNDS_MIN, -(-messages // (_BLOCK * places)))
        block = -(-messages // (rounds * places))
        for _ in range(rounds):
            flood.play_round(block=block)
            context.progress(f"{flood.messages:,} of {messages:,} messages")
        flood.judge_memory()
    except Broken as broken:
        return Outcome(
            verdict=Verdict.violated(str(broken).partition(":")[0], str(broken)), figures=_figures(flood)
        )
    finally:
        if not was_tracing:
            tracemalloc.stop()
    missing = [f"no refusal as {why.name}" for why in pbft.Why if not flood.refused[why]]
    missing += [f"no {name}" for name in _PROGRESS if not flood.effects[name]]
    if missing:
        reason = f"there was {', '.join(missing)}: tell more messages"
        return Outcome(verdict=Verdict.unknown(reason), figures=_figures(flood))
    return Outcome(verdict=Verdict.sampled(flood.messages, context.seed), figures=_figures(flood))


def _figures(flood: Flood) -> "immutabledict[str, int]":
    figures = {"messages": flood.messages, "taken": flood.taken.total(), "kinds_taken": len(flood.taken)}
    figures |= {f"refused_{why.name.lower()}": flood.refused[why] for why in pbft.Why}
    figures |= {name.lower(): flood.effects[name] for name in ("Send", *_PROGRESS)}
    figures |= {"kept_kib_max": max(flood.kept_bytes, default=0) >> 10}
    if flood.in_use_bytes:
        figures["growth_kib"] = (
            flood.in_use_bytes[-1] - flood.in_use_bytes[min(1, len(flood.in_use_bytes) - 1)]
        ) >> 10
    return immutabledict(figures)
