"""Limits on how often a client may ask: a token bucket for each, filled by ticks of the host's clock.

The limit is the replica's own, for what it does of its own accord: which requests it lets wait, and so proposes
or hands to the primary, and which answers it gives again. What others propose is never measured against it, so
that no two replicas have to be of one opinion, and agreement does not depend on it.

A request that the limit turns away is not lost: it may be sent again, and is taken after one of the next ticks. Ticks
should come several times within the duration of the view-change timer, so that what backups let wait and the
primary turned away reaches it again, by `Retransmit`, before they lose patience with it. Nor can a client that sends
some requests to the primary and others to the backups make them lose it: what it spends at the primary is for
requests of which the last is executed, and that is progress.
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
                    f"{name} is {limit}: use at least 1, or give no rate limit at all to let clients ask as they like"
                )
        if self.burst < self.per_tick:
            raise InvalidConfig(
                f"burst is {self.burst} and per_tick {self.per_tick}: a client that can save up less than a tick "
                f"brings never gets it. Use a burst of {self.per_tick} or more"
            )


@attrs.frozen
class Spent:
    """The tokens that each client has spent and no tick has brought back; who is not named has spent nothing.

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
    """Why a client may not have one more now, for a human; empty if it may."""
    if limit is None:
        return ""
    if (used := spent.get(client, 0)) >= limit.burst:
        return f"client {client!r} had {used} taken, and each tick allows for {limit.per_tick} more: ask again later"
    if not used and len(spent) >= limit.clients_max:
        return f"{len(spent)} other clients asked before, of as many as are counted: ask again later"
    return ""


def spend(spent: Mapping[ClientId, int], client: ClientId) -> Mapping[ClientId, int]:
    """The tokens spent once a client had one more, which was not over the limit."""
    return {**spent, client: spent.get(client, 0) + 1}


def ticked(limit: RateLimit, spent: Spent) -> Spent:
    """The tokens still spent after a tick."""
    return Spent(_less(spent.requests, limit.per_tick), _less(spent.answers, limit.per_tick))


def _less(spent: Mapping[ClientId, int], by: int) -> dict[ClientId, int]:
    return {client: used - by for client, used in spent.items() if used > by}
