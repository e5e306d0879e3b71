"""The state of a voter that a crash must not lose."""

import attrs

from impl.vote.statements import Certificate, Choice, Confirm, Retry, Vote

__all__ = ["Durable"]


@attrs.frozen(kw_only=True)
class Durable:
    """The state of one voter on its disk.

    Attributes:
        round: the round that it is in, or that it asks for.
        bound: the choice that it must vote for in its round; None if it is free.
        vote: its vote in this round.
        lock: the certificate that it confirmed last.
        confirm: by which it confirmed that.
        retry: by which it asks for `round`, while it has not entered that.
    """

    round: int = 1
    bound: Choice | None = None
    vote: Vote | None = None
    lock: Certificate | None = None
    confirm: Confirm | None = None
    retry: Retry | None = None

    @property
    def waiting(self) -> bool:
        """True if it has given up the round before, and not entered this one."""
        return self.retry is not None
