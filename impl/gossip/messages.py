"""The messages of nodes. Whatever arrives is looked at by `impl.gossip.validation` first.

| message     | says                                          | is answered by                    |
|-------------|-----------------------------------------------|-----------------------------------|
| `Hello`     | the hash of all that I have                   | `Buckets` if yours is another one |
| `Buckets`   | the hashes of its parts                       | `Syn` for those that differ       |
| `Syn`       | my digest, of the owners in some buckets      | `Reply`                           |
| `Reply`     | what you lack of these, and my digest of them | `Ack` if you lack something       |
| `Ack`       | what you lack                                 |                                   |
| `Heartbeat` | I live                                        |                                   |

`Syn`, `Reply` and `Ack` are the three messages of specs/gossip. An owner of these buckets that a digest
leaves out is unknown to its sender.
"""

from typing import TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.gossip.records import Delta, Entry

__all__ = ["Ack", "Buckets", "Heartbeat", "Hello", "Message", "Reply", "Syn"]

#: Owner -> what is said of it, in the order of names.
Digest: TypeAlias = tuple[tuple[NodeId, Entry], ...]
#: Owner -> what is sent of it, each owner once.
Deltas: TypeAlias = tuple[tuple[NodeId, Delta], ...]


@attrs.frozen
class Hello:
    """The sender's root hash."""

    root: int


@attrs.frozen
class Buckets:
    """The sender's hash of each bucket of owners."""

    hashes: tuple[int, ...]


@attrs.frozen
class Syn:
    """A digest of the owners in some buckets; `buckets` in ascending order."""

    buckets: tuple[int, ...]
    digest: Digest


@attrs.frozen
class Reply:
    """The records of them that the receiver lacks, as far as there is room, and the sender's digest."""

    buckets: tuple[int, ...]
    digest: Digest
    deltas: Deltas


@attrs.frozen
class Ack:
    """The records that the receiver lacks."""

    deltas: Deltas


@attrs.frozen
class Heartbeat:
    """The sender is alive, in this generation."""

    generation: int


Message: TypeAlias = Hello | Buckets | Syn | Reply | Ack | Heartbeat
