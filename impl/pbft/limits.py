"""Limits on how often a client may ask: a token bucket for each, filled by ticks of the host's clock.

The limit is the replica's own and governs what it does of its own accord: which requests it queues, and so
proposes or relays to the primary, and which answers it repeats. It is never applied to the proposals of
others, so replicas need not agree on it, and agreement does not depend on it.

A request over the limit is not lost: the client may send it again, and it is accepted after one of the next
ticks. Ticks should come several times within the duration of the view-change timer. Then a request that
backups queue and the primary turned away reaches the primary again, by `Retransmit`, before they lose
patience with it. Nor can a client that sends some requests to the primary and others to the backups turn them
against it: the requests that use up its tokens at the primary are executed, and that is progress.
"""

from collections.abc import Mapping
from typing import Final

import attrs

from impl.common.errors import InvalidConfig
from impl.common.identities import ClientId

__all__ = ["NOTHING_SPENT", "RateLimit", "Spent", "over", "spend", "ticked"]


@attrs.frozen(kw_only=True)
class RateLimit:
    """The limit on how often each client may ask.

    A client may have `burst` requests taken at once, and `per_tick` more with each `Tick`; the same
    again for answers that it had before. In any stretch with t ticks in it that is at most
    `burst + t * per_tick`.

    Attributes:
        per_tick: how many requests of each client a tick allows for.
        burst: how many a client may have saved up, at least `per_tick`.
        clients_max: of how many clients is kept what they have spent; others wait until these have
            been silent. At least as many as ask between two ticks.

    Raises:
        InvalidConfig: if a number is below 1, or `burst` below `per_tick`.
    """

    per_tick: int
    burst: int = attrs.field(default=attrs.Factory(lambda self: self.per_tick, takes_self=True))
    clients_max: int = 1 << 12

    def __attrs_post_init__(self) -> None:
        for name in ("per_tick", "burst", "clients_max"):
            if (limit := getattr(self, name)) < 1:
                raise InvalidConfig(
                    f"{name} is {limit}: use at least 1, or give no rate limit at all to let clients ask as "
                    "they like"
                )
        if self.burst < self.per_tick:
            raise InvalidConfig(
                f"burst is {self.burst} and per_tick {self.per_tick}: "
                "a client that can save up less than a tick brings never gets it. "
                f"Use a burst of {self.per_tick} or more"
            )


@attrs.frozen
class Spent:
    """The tokens that each client has spent and no tick has restored; an absent client has spent none.

    Attributes:
        requests: on requests that were let wait.
        answers: on answers that were given again. A count of its own: relays of what was executed
            meanwhile, by backups or by who replays them, must not use up what the client may ask anew.
    """

    requests: Mapping[ClientId, int] = attrs.field(factory=dict)
    answers: Mapping[ClientId, int] = attrs.field(factory=dict)


#: As a replica starts, also after a crash.
NOTHING_SPENT: Final = Spent()


def over(limit: RateLimit | None, spent: Mapping[ClientId, int], client: ClientId) -> str:
    """The reason, for a human, why a client may not make one more request now; empty if it may."""
    if limit is None:
        return ""
    if (used := spent.get(client, 0)) >= limit.burst:
        return (
            f"client {client!r} had {used} taken, and each tick allows for {limit.per_tick} more: "
            "ask again later"
        )
    if not used and len(spent) >= limit.clients_max:
        return f"{len(spent)} other clients asked before, of as many as are counted: ask again later"
    return ""


def spend(spent: Mapping[ClientId, int], client: ClientId) -> Mapping[ClientId, int]:
    """The tokens spent after one more admitted request."""
    return {**spent, client: spent.get(client, 0) + 1}


def ticked(limit: RateLimit, spent: Spent) -> Spent:
    """The tokens still spent after a tick."""
    return Spent(_less(spent.requests, limit.per_tick), _less(spent.answers, limit.per_tick))


def _less(spent: Mapping[ClientId, int], by: int) -> dict[ClientId, int]:
    return {client: used - by for client, used in spent.items() if used > by}
