"""Worked cases of what may come from anybody: messages, names and inputs at the bound of each rule.

Of each bound there is one that is taken, and one that is refused by a hair.
"""

from collections.abc import Iterator
from typing import Any, Final

import attrs

from impl import gossip
from impl.common import InvalidConfig, SymbolicKeys
from impl.gossip import Ack, Buckets, Config, Delta, Entry, Heartbeat, Hello, Level, Record, Reply, Syn
from impl.gossip.records import OWNER_BYTES, size_of, total_size
from impl.gossip.validation import COUNT_END, ENTRY_BYTES, flaw
from tlacheck.verify import Context, Outcome

__all__ = ["strangers"]

_CONFIG: Final = Config(node="n1", room=400, accepts=480, buckets=8)
_HASH_END: Final = 1 << 128
_ENTRY: Final = Entry(1, 0, 1)
_RECORD: Final = ("k", Record(3, "x"))
_DELTA: Final = Delta(1, 2, 5, 1, (_RECORD,), b"signed")
#: The most owners of a message.
_MOST: Final = 480 // ENTRY_BYTES
_NUMBERS: Final[tuple[tuple[Any, bool], ...]] = (
    (0, True),
    (COUNT_END - 1, True),
    (-1, False),
    (COUNT_END, False),
    (True, False),
    ("1", False),
)


class _Hello(Hello):
    """Another type, whatever it says."""


def _short(whole: Any) -> Any:
    """A named tuple without its last field, which only a forger makes."""
    return tuple.__new__(type(whole), whole[:-1])


def _messages() -> Iterator[tuple[str, Any, bool]]:
    """Messages, each with a name, and with True if it is one."""
    for what in (None, object(), Hello, _Hello(0), object.__new__(Hello)):
        yield "no message", what, False
    hashes = ((0, True), (_HASH_END - 1, True), (-1, False), (_HASH_END, False), (True, False))
    for value, is_ok in hashes:
        yield f"the root {value}", Hello(value), is_ok
        yield f"a hash {value}", Buckets((*(0,) * 7, value)), is_ok
    for count in (7, 8, 9):
        yield f"{count} hashes", Buckets((0,) * count), count == 8
    yield "a list of hashes", Buckets([0] * 8), False  # type: ignore[arg-type]  # a stranger does not care
    for number, is_ok in _NUMBERS:
        yield f"a heartbeat of {number!r}", Heartbeat(number), is_ok
    covered: Any
    for covered, is_ok in (
        ((), True), ((0, 7), True), ((0, 8), False), ((-1, 0), False), ((1, 0), False), ((1, 1), False),
        ([0], False), ((True,), False), (("0",), False),
    ):  # fmt: skip
        yield f"buckets {covered}", Syn(covered, ()), is_ok
        yield f"an answer of buckets {covered}", Reply(covered, (), ()), is_ok


def _owners() -> Iterator[tuple[str, Any, bool]]:
    """The same of pairs of an owner and what is said of it, in digests and among deltas."""
    lengths = ((1, True), (64, True), (65, False), (0, False))
    names: list[tuple[Any, bool]] = [("x" * count, is_ok) for count, is_ok in lengths]
    names += [("é" * 32, True), ("é" * 33, False), ("\ud800", False), (1, False), (None, False)]
    for name, is_ok in names:
        yield f"an owner {name!r} in a digest", Syn((), ((name, _ENTRY),)), is_ok
        yield f"an owner {name!r} of a delta", Ack(((name, _DELTA),)), is_ok
    pairs: Any
    for pairs, is_ok in (
        ([("a", _ENTRY)], False), ((["a", _ENTRY],), False), ((("a", _ENTRY, 1),), False), ((("a",),), False),
        ((("a", _ENTRY), ("a", _ENTRY)), False), ((("b", _ENTRY), ("a", _ENTRY)), True), (None, False),
    ):  # fmt: skip
        yield f"the digest {pairs}", Syn((), pairs), is_ok
        yield f"the digest of an answer {pairs}", Reply((), pairs, ()), is_ok
    for count in (_MOST, _MOST + 1):
        digest = tuple((f"n{number}", _ENTRY) for number in range(count))
        yield f"a digest of {count}", Syn((), digest), count == _MOST
        deltas = tuple((f"n{number}", Delta(1, 0, 0, 0, ())) for number in range(count))
        yield f"{count} deltas", Ack(deltas), count == _MOST
    yield "a digest with one entry that is none", Syn((), (("a", _ENTRY), ("b", None))), False  # type: ignore[arg-type]  # as above
    yield "an answer with a delta that is none", Reply((), (), (("a", _DELTA), ("b", None))), False  # type: ignore[arg-type]  # as above


def _entries() -> Iterator[tuple[str, Any, bool]]:
    others = (_ENTRY._replace(is_gone=1), _ENTRY._replace(is_gone=None))  # type: ignore[arg-type]  # as above
    for number, entry in enumerate((tuple(_ENTRY), _short(_ENTRY), *others)):
        yield f"no entry, {number}", entry, False
    for field in ("generation", "collected", "version"):
        for value, is_ok in _NUMBERS:
            yield f"an entry of {field} {value!r}", _ENTRY._replace(**{field: value}), is_ok


def _deltas() -> Iterator[tuple[str, Any, bool]]:
    for number, delta in enumerate((None, tuple(_DELTA), _short(_DELTA))):
        yield f"no delta, {number}", delta, False
    changes: dict[str, tuple[tuple[Any, bool], ...]] = {
        "generation": ((0, False), (1, True), (COUNT_END - 1, True), (COUNT_END, False), (True, False)),
        "begin": ((-1, False), (0, True), (2, True), (3, False), (True, False)),
        "end": ((3, True), (2, False), (COUNT_END - 1, True), (COUNT_END, False)),
        "collected": _NUMBERS,
        "signature": ((b"", True), (b"x" * 256, True), (b"x" * 257, False), (bytearray(1), False)),
    }
    for field, values in changes.items():
        for value, is_ok in values:
            yield f"a delta of {field} {value!r:.20}", _DELTA._replace(**{field: value}), is_ok
    yield "an empty delta", Delta(1, 5, 5, 0, ()), True
    yield "one that ends before it begins", Delta(1, 5, 4, 0, ()), False
    yield "one that ends at a truth value", Delta(1, 0, True, 0, ()), False
    for what, records, is_ok in _records():
        yield f"records: {what}", _DELTA._replace(records=records), is_ok
    for bytes_more in (0, 1):
        room = _CONFIG.accepts - OWNER_BYTES - size_of("k", Record(3, ""))
        record = ("k", Record(3, "x" * (room + bytes_more)))
        size = total_size((record,))
        yield f"records of {size} bytes", _DELTA._replace(records=(record,)), not bytes_more


def _records() -> Iterator[tuple[str, Any, bool]]:
    yield "a list", [_RECORD], False
    yield "a pair as list", (list(_RECORD),), False
    yield "three instead of two", ((*_RECORD, 1),), False
    for key, is_ok in (("x" * 128, True), ("x" * 129, False), ("", False), (1, False), ("\ud800", False)):
        yield f"the key {key!r}", ((key, Record(3, 1)),), is_ok
    for version, is_ok in ((2, False), (3, True), (5, True), (6, False), (True, False), ("3", False)):
        yield f"the version {version!r}", (("k", Record(version, 1)),), is_ok  # type: ignore[arg-type]  # as above
    for number, record in enumerate((None, (3, 1), _short(Record(3, 1)))):
        yield f"no record, {number}", (("k", record),), False
    for versions, keys, is_ok in (
        ((3, 4), "kl", True), ((3, 3), "kl", False), ((4, 3), "kl", False), ((3, 4), "kk", False),
    ):  # fmt: skip
        records = tuple((key, Record(version, 1)) for key, version in zip(keys, versions, strict=True))
        yield f"versions {versions} of {keys}", records, is_ok
    for value, is_ok in (
        (1, True), ((1, ("x",)), True), (None, True), (1.5, False), ([1], False), (object, False),
        (1 << 63, False), (Level(1, 1), False), (gossip.DELETED, True),
    ):  # fmt: skip
        yield f"the value {value!r}", (("k", Record(3, value)),), is_ok  # type: ignore[arg-type]  # as above
    for level, is_ok in (
        (Level(1, 0), True), (Level(0, 0), False), (Level(0, 1), False), (Level(1, -1), False),
        ((1, 0), False),
        (Level(COUNT_END - 1, COUNT_END - 1), True), (Level(COUNT_END, 0), False),
        (Level(1, COUNT_END), False), (Level(True, 0), False), (_short(Level(1, 0)), False), (1, False),
        (gossip.DELETED, True),
    ):  # fmt: skip
        yield (
            f"the level {tuple(level) if isinstance(level, tuple) else level}",
            (("@n2", Record(3, level)),),
            is_ok,
        )


def _collected() -> Iterator[tuple[str, Any, bool]]:
    for collected, is_ok in ((2, True), (3, False), (4, False)):
        records = (("k", Record(3, gossip.DELETED)),)
        delta = _DELTA._replace(collected=collected, records=records)
        yield f"a tombstone of 3, collected to {collected}", delta, is_ok


def _said() -> Iterator[tuple[str, bool]]:
    for what, message, is_ok in (*_messages(), *_owners()):
        yield f"{what} is taken: {is_ok}", (not flaw(message, _CONFIG)) is is_ok
    for what, entry, is_ok in _entries():
        yield f"{what} is taken: {is_ok}", (not flaw(Syn((), (("a", entry),)), _CONFIG)) is is_ok
    for what, delta, is_ok in (*_deltas(), *_collected()):
        for message in (Ack((("a", delta),)), Reply((), (), (("a", delta),))):
            yield f"{what} is taken: {is_ok}", (not flaw(message, _CONFIG)) is is_ok


# --- inputs


def _inputs() -> Iterator[tuple[str, Any, bool]]:
    end = 1 << 62
    now_ns: Any
    for now_ns, is_ok in (
        (0, True),
        (end - 1, True),
        (-1, False),
        (end, False),
        (True, False),
        (None, False),
    ):
        yield f"a round at {now_ns!r}", gossip.Round(now_ns, ()), is_ok
        yield f"a message at {now_ns!r}", gossip.Receive("n2", Hello(0), now_ns), is_ok
    draws: Any
    for draws, is_ok in (((), True), ((0, 9), True), ((0, -1), False), ([0], False), ((True,), False)):
        yield f"a round with draws {draws}", gossip.Round(0, draws), is_ok
    yield "a message of nobody", gossip.Receive("", Hello(0), 0), False
    yield "no message", gossip.Receive("n2", None, 0), False  # type: ignore[arg-type]  # as above
    for inp in (None, gossip.Round, Hello(0)):
        yield f"no input: {inp}", inp, False
    for key, is_ok in (("k" * 128, True), ("k" * 129, False), ("", False), ("@n2", False), (None, False)):
        yield f"a write under {key!r}", gossip.Write(key, 1), is_ok  # type: ignore[arg-type]  # as above
    for value, is_ok in (((1, "x"), True), (1.5, False), ([1], False), (Level(1, 1), False)):
        yield f"a write of {value!r}", gossip.Write("k", value), is_ok  # type: ignore[arg-type]  # as above
    for key, is_ok in (("there", True), ("gone", False), ("never", False), ("@n2", False), ("", False)):
        yield f"a deletion of {key!r}", gossip.Delete(key), is_ok


def _node(**config: Any) -> gossip.Node:
    node = gossip.first_start(gossip.Config(node="n1", **config))
    for inp in (gossip.Write("there", 1), gossip.Write("gone", 1), gossip.Delete("gone")):
        node, _ = gossip.step(node, inp)
    return attrs.evolve(
        node, holdings=node.holdings.put({"n1": gossip.own_copy(node).written("@n2", Level(1, 0))})
    )


def _is_refused(node: gossip.Node, inp: Any) -> bool:
    after, effects = gossip.step(node, inp)
    refused = [each for each in effects if isinstance(each, gossip.Refused)]
    return bool(refused) and after is node and effects == (gossip.Refused(inp, refused[0].reason),)


def _taken() -> Iterator[tuple[str, bool]]:
    node = _node()
    for what, inp, is_ok in _inputs():
        yield f"{what} is taken: {is_ok}", _is_refused(node, inp) is not is_ok
    for keys in (None, SymbolicKeys("n1")):
        for more in (0, 1):
            room = total_size([("k", Record(1, ""))]) + 10
            small = gossip.first_start(gossip.Config(node="n1", room=room, keys=keys))
            write = gossip.Write("k", "x" * (10 + more))
            yield f"a write of {more} bytes too many is refused", _is_refused(small, write) is bool(more)


def _configurations() -> Iterator[tuple[str, bool]]:
    least = (
        "accusers", "interval_ns", "fanout", "watched", "buckets", "room", "suspicion_ns", "grace_ns",
        "tombstone_ns",
    )  # fmt: skip
    changes: list[tuple[dict[str, Any], bool]] = [
        ({name: value}, value == 1) for name in least for value in (0, 1)
    ]
    changes += [({"node": "x" * count}, 0 < count < 65) for count in (0, 1, 64, 65)]
    changes += [({"node": "é" * count}, count == 32) for count in (32, 33)]
    changes += [({"room": 100, "accepts": accepts}, accepts == 100) for accepts in (99, 100)]
    for change, is_ok in changes:
        try:
            Config(**{"node": "n1", **change})
        except InvalidConfig:
            yield f"{change} is refused", not is_ok
        else:
            yield f"{change} is taken", is_ok


def strangers(context: Context) -> Outcome:
    """The worked cases of messages, inputs and configurations."""
    context.progress("worked cases")
    return Outcome.of_cases("Strangers", [*_said(), *_taken(), *_configurations()], context.seed)
