"""Validation of messages from any sender: types, bounds, order.

Nothing else may read a message before. Types are compared, not asked, so that no code of a foreign object
runs; collections are measured before they are walked. `impl.gossip.exchange` decides whether a delta may be
applied, and whether its owner signed it.
"""

import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final

from impl.common.encoding import kind_of, rejection_of
from impl.gossip.configuration import NAME_BYTES_MAX, Config
from impl.gossip.messages import Ack, Buckets, Heartbeat, Hello, Reply, Syn
from impl.gossip.records import DELETED, Delta, Entry, Level, Record, is_membership, total_size

__all__ = ["COUNT_END", "KEY_BYTES_MAX", "flaw", "key_flaw", "name_flaw"]

#: Generations, incarnations and versions are below.
COUNT_END: Final = 1 << 62
KEY_BYTES_MAX: Final = 128
_HASH_END: Final = 1 << 128
_SIGNATURE_MAX: Final = 256
#: Bytes of an entry in a digest beside the name.
ENTRY_BYTES: Final = 24


def flaw(message: object, config: Config) -> str:
    """The reason why this is no message for a node so configured; empty if it is one. Never raises."""
    kind = type(message)
    if type(kind) is not type or kind not in _CHECKS:
        return f"a {kind_of(message)} is no message"
    try:
        return _CHECKS[kind](message, config)
    except AttributeError:
        return f"a field of the {kind_of(message)} is missing"


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < COUNT_END


def _is_whole(value: Any, kind: type[Any]) -> bool:
    """Return whether this is a named tuple of this very type. A forged one may lack fields."""
    return type(value) is kind and len(value) == len(kind._fields)


def name_flaw(name: object) -> str:
    """The reason why this is no name of a node; empty if it is one."""
    return _text_flaw(name, NAME_BYTES_MAX, "a name")


def key_flaw(key: object) -> str:
    """The reason why this is no key; empty if it is one."""
    return _text_flaw(key, KEY_BYTES_MAX, "a key")


def _text_flaw(text: Any, most: int, what: str) -> str:
    return "" if _is_text(text, most) else f"{what} is a text of 1 to {most} bytes, in UTF-8"


def _is_text(text: Any, most: int) -> bool:
    return type(text) is str and 0 < len(text) <= most and _has_bytes(text, most)


@functools.lru_cache(maxsize=1 << 15)
def _has_bytes(text: str, most: int) -> bool:
    return not rejection_of(text) and len(text.encode()) <= most


def _hello(hello: Any, _: Config) -> str:
    return "" if _is_hash(hello.root) else "a hash is a number of 128 bits"


def _is_hash(value: object) -> bool:
    return type(value) is int and 0 <= value < _HASH_END


def _hashes(buckets: Any, config: Config) -> str:
    if type(buckets.hashes) is not tuple or len(buckets.hashes) != config.buckets:
        return f"it takes the hashes of {config.buckets} buckets"
    return "" if all(map(_is_hash, buckets.hashes)) else "a hash is a number of 128 bits"


def _heartbeat(heartbeat: Any, _: Config) -> str:
    return "" if _is_count(heartbeat.generation) else "a generation is a number from 0 on"


def _syn(syn: Any, config: Config) -> str:
    return _covered(syn.buckets, config) or _digest(syn.digest, config)


def _reply(reply: Any, config: Config) -> str:
    return _syn(reply, config) or _deltas(reply.deltas, config)


def _ack(ack: Any, config: Config) -> str:
    return _deltas(ack.deltas, config)


def _covered(buckets: Any, config: Config) -> str:
    if type(buckets) is not tuple or len(buckets) > config.buckets:
        return f"it speaks of at most {config.buckets} buckets"
    if not all(type(each) is int and 0 <= each < config.buckets for each in buckets):
        return f"buckets are numbered from 0 to {config.buckets - 1}"
    ascends = all(one < other for one, other in itertools.pairwise(buckets))
    return "" if ascends else "buckets are in ascending order"


def _named(pairs: Any, most: int) -> str:
    """The reason why these are no pairs of a name and a value with distinct names."""
    if type(pairs) is not tuple or len(pairs) > most:
        return f"it is a tuple of at most {most} pairs"
    names = set[str]()
    for pair in pairs:
        if type(pair) is not tuple or len(pair) != 2:
            return "it is a tuple of pairs"
        if not _is_text(pair[0], NAME_BYTES_MAX):
            return name_flaw(pair[0])
        names.add(pair[0])
    return "" if len(names) == len(pairs) else "it has an owner twice"


def _digest(digest: Any, config: Config) -> str:
    if said := _named(digest, config.accepts // ENTRY_BYTES):
        return said
    for owner, entry in digest:
        if not _is_whole(entry, Entry):
            return f"what it says of {owner!r} is no entry"
        generation, collected, version, is_gone = entry
        are_numbers = type(generation) is type(collected) is type(version) is int and type(is_gone) is bool
        if not are_numbers or not (
            0 <= generation < COUNT_END and 0 <= collected < COUNT_END and 0 <= version < COUNT_END
        ):
            return f"what it says of {owner!r} is no number from 0 on"
    return ""


def _deltas(deltas: Any, config: Config) -> str:
    if said := _named(deltas, config.accepts // ENTRY_BYTES):
        return said
    for owner, delta in deltas:
        if said := _delta(delta, config):
            return f"of {owner!r}: {said}"
    return ""


def _delta(delta: Any, config: Config) -> str:
    if not _is_whole(delta, Delta):
        return f"a {kind_of(delta)} is no delta"
    generation, begin, end, collected, records, signature = delta
    are_numbers = type(generation) is type(begin) is type(end) is type(collected) is int
    if not are_numbers or not (0 <= begin <= end < COUNT_END and 1 <= generation < COUNT_END):
        return "generation and versions are no numbers in order"
    if not 0 <= collected < COUNT_END:
        return "a collection version is a number from 0 on"
    if type(signature) is not bytes or len(signature) > _SIGNATURE_MAX:
        return "it has no signature"
    if type(records) is not tuple or len(records) > config.accepts:
        return "its records are no tuple"
    last, keys = begin, set[str]()
    for pair in records:
        if type(pair) is not tuple or len(pair) != 2:
            return "its records are no pairs"
        key, record = pair
        if not _is_text(key, KEY_BYTES_MAX):
            return key_flaw(key)
        if said := _record(key, record):
            return said
        version, value = record
        if not last < version <= end or key in keys:
            return "its records are not in the order of their versions, each key once"
        if value is DELETED and version <= collected:
            return "it has a tombstone that is collected"
        last = version
        keys.add(key)
    return "" if total_size(records) <= config.accepts else f"it is larger than {config.accepts} bytes"


def _record(key: str, record: Any) -> str:
    if not _is_whole(record, Record) or type(record[0]) is not int:
        return f"what it has under {key!r} is no record"
    value = record[1]
    if value is DELETED:
        return ""
    if not is_membership(key):
        return rejection_of(value)
    if not _is_whole(value, Level) or not all(map(_is_count, value)) or not value[0]:
        return f"what it has under {key!r} is no level"
    return ""


_CHECKS: Final[Mapping[type[Any], Callable[[Any, Config], str]]] = {
    Ack: _ack,
    Buckets: _hashes,
    Heartbeat: _heartbeat,
    Hello: _hello,
    Reply: _reply,
    Syn: _syn,
}
