"""The greatest sizes of entries: a client's value alone, and all that one request carries.

The papers leave it open; a real network and a real disk do not. The core knows no serialisation, so its host
supplies the size of a value as it will be written and sent. A value that is too large is refused before it is
in any log: from then on every server would have to carry it. An entry already in a log is always sent, if
need be alone: an earlier setting may have let it in, and a follower without it would never catch up.

Only the values of clients are measured. No-ops and configurations are the protocol's own and small, and a
snapshot is sent whole.
"""

from collections.abc import Callable, Hashable

import attrs

from impl.common.errors import InvalidConfig
from impl.raft.configuration import Configuration
from impl.raft.log import Entry, NoOp

__all__ = ["SizeLimits"]


@attrs.frozen(kw_only=True)
class SizeLimits:
    """The sizes that a leader keeps to.

    Attributes:
        size_of: a client's value -> how many bytes it takes. A function of the value alone that knows every
            value which the host hands in: `len` if those are bytes.
        entry_bytes_max: how large a client's value may be, at least 1.
        request_bytes_max: how large the values of one AppendEntries request may be together, at least
            `entry_bytes_max`.

    Raises:
        InvalidConfig: if no value could be submitted, or one that may be submitted would fit into no request.
    """

    size_of: Callable[[Hashable], int]
    entry_bytes_max: int = 1 << 20
    request_bytes_max: int = 1 << 22

    def __attrs_post_init__(self) -> None:
        if self.entry_bytes_max < 1:
            raise InvalidConfig(f"entry_bytes_max is {self.entry_bytes_max}: a value has at least 1 byte")
        if self.request_bytes_max < self.entry_bytes_max:
            raise InvalidConfig(
                f"request_bytes_max is {self.request_bytes_max} and entry_bytes_max {self.entry_bytes_max}: "
                "a value that a client may submit must fit into a request"
            )

    def rejection(self, value: Hashable) -> str:
        """The reason, for a human, why a client's value is rejected; empty if it is accepted."""
        size = self.size_of(value)
        if size <= self.entry_bytes_max:
            return ""
        return (
            f"the value has {size} bytes, and an entry at most {self.entry_bytes_max}: "
            "no server of this cluster takes it, submit it in parts"
        )

    def fitting(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """The first of the entries, as many as one request may carry; at least one, if there are any."""
        left = self.request_bytes_max
        for count, entry in enumerate(entries):
            left -= 0 if isinstance(entry.value, NoOp | Configuration) else self.size_of(entry.value)
            if left < 0:
                return entries[: max(count, 1)]
        return entries
