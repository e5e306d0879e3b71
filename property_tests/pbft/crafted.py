"""Messages of PBFT that nobody's core made: those of Byzantine replicas in scenarios.

Keys are symbolic, so that any node may stand as the signer of a message, and `nobody` for a signature that is
none.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs

from impl import pbft

__all__ = ["MESSAGES", "NOBODY", "by"]

#: The signer that has no key.
NOBODY: Final = "nobody"

_M = TypeVar("_M", bound=Any)


def by(signer: str, message: _M, signed: Callable[[_M, pbft.SymbolicKeys], _M] = pbft.signed) -> _M:
    """The message, signed by `signer`; by `NOBODY`, it has a signature that is none.

    Args:
        signer: who need not be its source.
        message: to be signed.
        signed: signs it with some keys.
    """
    if signer == NOBODY:
        return attrs.evolve(message, signature=NOBODY.encode())
    return signed(message, pbft.SymbolicKeys(signer))


def request(client: str, *, timestamp: int = 1, operation: pbft.Value = "it", signer: str = "") -> Any:
    """A client's request."""
    return by(signer or client, pbft.Request(client=client, timestamp=timestamp, operation=operation))


def _of(kind: type[Any]) -> Callable[..., Any]:
    """Make messages of a kind: in the name of `source`, signed by `signer`, or by its source."""

    def make(source: str, *, signer: str = "", batch: pbft.Batch | None = None, **fields: Any) -> Any:
        if batch is not None:
            fields |= {"batch": batch} if kind is pbft.PrePrepare else {"digest": pbft.digest(batch)}
        return by(signer or source, kind(source=source, **fields))

    return make


#: The messages of scenarios, by name. Votes name their batch, of which they have the digest.
MESSAGES: Final[Mapping[str, Any]] = {
    "request": request,
    "proposal": _of(pbft.PrePrepare),
    "prepare": _of(pbft.Prepare),
    "commit": _of(pbft.Commit),
    "checkpoint": _of(pbft.Checkpoint),
    "certificate": pbft.PreparedCertificate,
    "stable": pbft.CheckpointCertificate,
    "view_change": _of(pbft.ViewChange),
    "new_view": _of(pbft.NewView),
}
