"""Worked cases beyond the spec: the detector, the rounds of a node, the order of owners in an answer."""

from collections.abc import Iterator
from typing import Any, Final

import attrs

from impl import gossip
from impl.common import SymbolicKeys
from impl.gossip import exchange, members, ring
from impl.gossip.ownership import signed
from impl.gossip.records import OWNER_BYTES, size_of
from tlacheck.verify import Context, Outcome

__all__ = ["timing"]

_S: Final = 1_000_000_000
_MS: Final = 1_000_000
_DETECTOR: Final = gossip.Detector()


def _regular(beats: int, *, every_ns: int = _S) -> gossip.Intervals:
    heard = gossip.Intervals.begin(0, _DETECTOR)
    for beat in range(1, beats + 1):
        heard = heard.heard(beat * every_ns, _DETECTOR)
    return heard


def _suspected_after(heard: gossip.Intervals, after_ns: int) -> bool:
    return gossip.suspects(heard, heard.last_ns + after_ns, _DETECTOR)


def _detector() -> Iterator[tuple[str, bool]]:
    first = gossip.Intervals.begin(0, _DETECTOR)
    # mean 1 s, deviation 0.25 s, pause 3 s: 1 + 3 + 5.612 * 0.25 = 5.403 s
    yield "nobody heard yet is not suspected at 5.40 s", not _suspected_after(first, 5_402 * _MS)
    yield "nobody heard yet is suspected at 5.41 s", _suspected_after(first, 5_404 * _MS)
    regular = _regular(1_500)
    # all intervals equal, the two assumed ones left the window: 1 + 3 + 5.612 * 0.1 = 4.5612 s
    yield "a regular one is not suspected at 4.561 s", not _suspected_after(regular, 4_561 * _MS)
    yield "a regular one is suspected at 4.562 s", _suspected_after(regular, 4_562 * _MS)
    yield "the window is kept", len(regular.samples) == 1_000
    sums = sum(regular.samples), sum(each * each for each in regular.samples)
    yield "the sums are those of the window", (regular.total, regular.squares) == sums
    late = regular.heard(regular.last_ns + 50 * _S, _DETECTOR)
    yield "a silence that was suspected is no sample", late.samples == regular.samples
    yield "and who speaks again is not suspected", not _suspected_after(late, 4 * _S)
    back = regular.heard(0, _DETECTOR)
    yield "a clock that goes back does not", back.last_ns == regular.last_ns and back.samples[-1] == 0
    yield (
        "a shifted one is judged from there",
        not gossip.suspects(regular.shifted(60 * _S), regular.last_ns + 63 * _S, _DETECTOR),
    )


def _node(name: str = "n1", **config: Any) -> gossip.Node:
    return gossip.first_start(gossip.Config(node=name, seeds=("n2",), **config))


def _knowing(node: gossip.Node, other: str) -> gossip.Node:
    return exchange.with_copies(node, {other: gossip.Copy(1)})


def _round(node: gossip.Node, at_ns: int) -> tuple[gossip.Node, tuple[gossip.Effect, ...]]:
    return gossip.step(node, gossip.Round(at_ns, ()))


def _standings(effects: tuple[gossip.Effect, ...]) -> list[gossip.Standing]:
    return [effect.standing for effect in effects if isinstance(effect, gossip.Changed)]


def _rounds() -> Iterator[tuple[str, bool]]:
    node, _ = _round(_knowing(_node(), "n2"), 0)
    quiet = node
    for second in range(1, 6):
        quiet, effects = _round(quiet, second * _S)
    yield "a neighbour is not suspected at 5 s", not _standings(effects)
    suspecting, effects = _round(quiet, 6 * _S)
    yield "a silent neighbour is suspected at 6 s", _standings(effects) == [gossip.Standing.SUSPECTED]
    kinds = [type(effect) for effect in effects]
    yield (
        "a suspicion is written before anything is sent",
        kinds.index(gossip.Persist) < kinds.index(gossip.Send),
    )
    paused, effects = _round(node, 60 * _S)
    yield "after one's own pause nobody is", not _standings(effects)
    paused, effects = _round(paused, 61 * _S)
    yield "nor in the round after it", not _standings(effects)
    buried, seen = suspecting, list[tuple[int, gossip.Standing]]()
    for second in range(7, 20):
        buried, effects = _round(buried, second * _S)
        seen += [(second, each) for each in _standings(effects)]
    yield f"who does not refute is buried 5 s later, not before: {seen}", seen == [(11, gossip.Standing.DEAD)]
    yield "the dead is greeted in turn", "n2" in members.absent(buried)
    told = exchange.with_copies(
        buried, {"n2": gossip.Copy(1, 0, 1, {"@n2": gossip.Record(1, gossip.Level(1, 1))})}
    )
    yield "who refutes is alive", gossip.standing(told, "n2") is gossip.Standing.ALIVE
    after, _ = _round(told, 21 * _S)
    held = gossip.own_copy(after).records["@n2"]
    yield "and the accusation is taken back", held.is_tombstone


def _tombstones() -> Iterator[tuple[str, bool]]:
    node = _node(tombstone_ns=10 * _S)
    for inp in (gossip.Write("a", 1), gossip.Write("b", 1), gossip.Delete("a")):
        node, _ = gossip.step(node, inp)
    node, _ = _round(node, 0)
    node, _ = gossip.step(node, gossip.Delete("b"))
    for at_ns in (4 * _S, 8 * _S, 10 * _S - 1):
        node, _ = _round(node, at_ns)
    yield "a tombstone of less than 10 s is kept", gossip.own_copy(node).collected == 0
    node, _ = _round(node, 10 * _S)
    yield "one of 10 s is collected, a younger one is not", gossip.own_copy(node).collected == 3
    node, _ = _round(node, 14 * _S)
    yield "which is collected in its time", gossip.own_copy(node).collected == 4


def _turns() -> Iterator[tuple[str, bool]]:
    """Each owner has the first place in turn, in messages with room for one."""
    node = _node(room=100)
    for name in ("n2", "n3", "n4", "n5"):
        copy = gossip.Copy(1, 0, 9 if name == "n5" else 1, {"k": gossip.Record(1, "x")})
        node = exchange.with_copies(node, {name: copy})
    everything = tuple(range(node.config.buckets))
    served = set()
    for _ in range(5):
        deltas, first = exchange.answer(node, everything, {})
        served |= {owner for owner, _ in deltas}
        node = attrs.evolve(node, first=first)
    yield f"nobody starves: {sorted(served)}", served >= {"n2", "n3", "n4", "n5"}


def _whole() -> Iterator[tuple[str, bool]]:
    """Signed states are sent as a whole or not at all; own ones are taken from nobody."""
    node = _node(room=480, keys=SymbolicKeys("n1"))
    for name in ("n2", "n3"):
        own = gossip.Copy(1).written("k", "x" * 90).written("l", "x" * 90)
        node = exchange.with_copies(node, {name: signed(name, own, SymbolicKeys(name))})
    deltas, _ = exchange.answer(node, tuple(range(node.config.buckets)), {})
    yield "a signed state is not cut", [len(delta.records) for _, delta in deltas] == [0, 2]
    large = gossip.Copy(1).written("k", "x" * 900)
    grown = exchange.with_copies(_node(room=480, keys=SymbolicKeys("n1")), {"n2": large})
    grown = attrs.evolve(grown, first="n1")
    deltas, _ = exchange.answer(grown, tuple(range(grown.config.buckets)), {})
    yield "one that has grown beyond the room is sent in the first place", len(deltas[0][1].records) == 1
    other = gossip.Ack((("n1", gossip.Delta(2, 0, 9, 0, ())),))
    after, effects = gossip.step(_node(), gossip.Receive("n2", other, 0))
    yield "nobody else writes what is one's own", gossip.own_copy(after) == gossip.Copy(1)
    yield "and who tries is refused", [type(effect) for effect in effects] == [gossip.Refused]


def _room() -> Iterator[tuple[str, bool]]:
    """Messages are filled to the last byte, and not beyond it."""
    copy, known = gossip.Copy(1, 1, 2, {"k": gossip.Record(2, "x")}), gossip.Entry(1, 0, 2)
    size = OWNER_BYTES + size_of("k", copy.records["k"])
    for entry, room, count in (
        (known, OWNER_BYTES, 0),
        (known, OWNER_BYTES - 1, None),
        (gossip.Entry(), size, 1),
        (gossip.Entry(), size - 1, None),
    ):
        delta = exchange.delta_for(copy, entry, room, is_whole=False)
        found = None if delta is None else len(delta.records)
        yield f"in {room} bytes there are {found} records of an owner", found == count


def _known() -> Iterator[tuple[str, bool]]:
    """The owners that a node knows, among many."""
    node = _node()
    yield "who was alone has no neighbours", ring.after(node) == ()
    names = [f"n{number}" for number in range(2, 200)]
    for name in (*names, *names[:9]):
        node = exchange.with_copies(node, {name: gossip.Copy(1)})
    node = attrs.evolve(node, holdings=node.holdings.forget("n5", 1))
    known = sorted(node.holdings.known())
    yield "each owner is known once, and no forgotten one", known == sorted({"n1", *names} - {"n5"})
    found = [gossip.standing(node, name).value for name in ("n4", "n5", "n900")]
    yield f"standings: {found}", found == ["alive", "forgotten", "unknown"]


def timing(context: Context) -> Outcome:
    """The worked cases of detector, rounds, tombstones and turns."""
    context.progress("worked cases")
    cases = [*_detector(), *_rounds(), *_tombstones(), *_turns(), *_whole(), *_room(), *_known()]
    return Outcome.of_cases("Timing", cases, context.seed)
