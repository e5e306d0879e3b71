"""A liar among nodes that sign: whatever it can make of what it has, in its own name and in those of others.

| behaviour      | sends                                                                                     |
|----------------|-------------------------------------------------------------------------------------------|
| silent         | nothing                                                                                   |
| replaying      | what it sent long ago                                                                     |
| accusing       | that it suspects everybody, at the level at which it knows them, or one that nobody has   |
| burying        | that everybody is forgotten                                                               |
| forging        | what others own with one part changed, under their old signature: values, versions, less  |
|                | records, another generation                                                               |
| counterfeiting | whole states in others' names, signed by itself                                           |
| outdated       | states of others that it had long ago                                                     |
| babbling       | messages of the wrong shape                                                               |
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from impl import gossip
from impl.common import SymbolicKeys
from impl.gossip.ownership import signed
from impl.gossip.records import Entry
from tlacheck.sim import ByzantineAction, ByzantineContext, Replay, Send, Silent
from tlacheck.sim.byzantine import ActiveBehaviour, Behaviour

__all__ = ["Liars"]

_LIES: Final = 0.5
_REMEMBERED: Final = 40
_HUGE: Final = (1 << 62) - 1


@attrs.frozen
class _Lying:
    """Goes on as an honest node would, but says something else besides."""

    liars: "Liars"
    says: Callable[["Liars", ByzantineContext], Iterator[gossip.Message]]

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one node."""

        def act(context: ByzantineContext) -> ByzantineAction:
            self.liars.remember(context.before)
            lies: list[Send] = []
            if context.random.random() < _LIES:
                lies = [
                    Send(context.random.choice(self.liars.others), lie)
                    for lie in self.says(self.liars, context)
                ]
            return ByzantineAction(context.honest.state, (*context.honest.sent, *lies))

        return act


class Liars:
    """The liars of one run.

    Args:
        others: the names of those who do not lie.
    """

    def __init__(self, others: Sequence[str]) -> None:
        self.others = tuple(others)
        self._had: dict[str, list[gossip.Copy]] = {name: [] for name in others}
        self._version = 0

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Their behaviours by name."""
        return {
            "silent": Silent(),
            "replaying": Replay(chance=0.3),
            "accusing": _Lying(self, Liars._accusing),
            "burying": _Lying(self, Liars._burying),
            "forging": _Lying(self, Liars._forging),
            "counterfeiting": _Lying(self, Liars._counterfeiting),
            "outdated": _Lying(self, Liars._outdated),
            "babbling": _Lying(self, Liars._babbling),
        }

    def remember(self, node: gossip.Node) -> None:
        """Remember what it has of others."""
        for name, had in self._had.items():
            copy = node.holdings.get(name)
            if copy.generation and copy not in had and len(had) < _REMEMBERED:
                had.append(copy)

    # --- what they say

    def _accusing(self, context: ByzantineContext) -> Iterator[gossip.Message]:
        node: gossip.Node = context.before
        self._version += 1
        records = {}
        for name in self.others:
            level = node.holdings.level(name)
            if context.random.random() < 0.2:
                level = gossip.Level(max(1, level.generation), _HUGE)
            if level.generation:
                records[gossip.name_key(name)] = gossip.Record(1, level)
        for key, record in records.items():
            lie = gossip.Copy(_HUGE // 2 + self._version, 0, 1, {key: record})
            yield _whole(node.name, signed(node.name, lie, SymbolicKeys(node.name)))

    def _burying(self, context: ByzantineContext) -> Iterator[gossip.Message]:
        node: gossip.Node = context.before
        for name in self.others:
            generation = node.holdings.get(name).generation + context.random.choice((0, 0, 1, _HUGE // 4))
            entry = Entry(generation, is_gone=True)
            everything = tuple(range(node.config.buckets))
            yield gossip.Reply(everything, ((name, entry),), ())
            yield gossip.Syn(everything, ((name, entry),))

    def _forging(self, context: ByzantineContext) -> Iterator[gossip.Message]:
        for name, copy in self._some(context.random):
            yield _whole(name, _altered(copy, context.random))

    def _counterfeiting(self, context: ByzantineContext) -> Iterator[gossip.Message]:
        own = SymbolicKeys(context.node)
        for name, copy in self._some(context.random):
            yield _whole(name, signed(name, attrs.evolve(copy, version=copy.version + 1), own))

    def _outdated(self, context: ByzantineContext) -> Iterator[gossip.Message]:
        for name, copy in self._some(context.random):
            whole = _whole(name, copy)
            begin = context.random.randint(0, copy.version)
            ((_, delta),) = whole.deltas
            yield whole
            yield gossip.Ack(((name, delta._replace(begin=begin, records=tuple(copy.above(begin)))),))

    def _babbling(self, context: ByzantineContext) -> Iterator[gossip.Message]:
        rng, huge = context.random, 1 << 200
        made: list[Any] = [
            gossip.Hello(huge),
            gossip.Buckets((0,) * rng.randint(0, 9)),
            gossip.Syn((3, 1), ()),
            gossip.Syn((0,), (("n1", Entry(-1)),)),
            gossip.Ack((("n1", gossip.Delta(1, 0, 1, 0, ((("k1"), gossip.Record(2, 1)),))),)),
            gossip.Ack((("n1", object),)),  # type: ignore[arg-type]  # a liar does not care
            gossip.Heartbeat(huge),
            None,
            object,
        ]
        yield rng.choice(made)

    def _some(self, rng: random.Random) -> Iterator[tuple[str, gossip.Copy]]:
        name = rng.choice(self.others)
        if self._had[name]:
            yield name, rng.choice(self._had[name])


def _whole(owner: str, copy: gossip.Copy) -> gossip.Ack:
    """All of a copy in one message."""
    records = tuple(copy.above(0))
    delta = gossip.Delta(copy.generation, 0, copy.version, copy.collected, records, copy.signature)
    return gossip.Ack(((owner, delta),))


def _altered(copy: gossip.Copy, rng: random.Random) -> gossip.Copy:
    """A copy with one part changed."""
    records = dict(copy.records)
    if records and rng.random() < 0.5:
        key = rng.choice(sorted(records))
        if rng.random() < 0.5:
            del records[key]
        else:
            records[key] = gossip.Record(records[key].version, gossip.DELETED)
        return attrs.evolve(copy, records=records)
    name = rng.choice(("generation", "collected", "version"))
    return attrs.evolve(copy, **{name: getattr(copy, name) + 1})
