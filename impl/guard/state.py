"""The state of a guard, and queries on it."""

from collections.abc import Mapping

import attrs

from impl import hotstuff
from impl.common.encoding import Digest
from impl.common.identities import NodeId
from impl.guard.evidence import Evidence, sender_of
from impl.guard.trail import genesis
from impl.pbft import Config

__all__ = ["Guard", "Health", "asking_order", "health", "is_heard"]


@attrs.frozen
class Guard:
    """One guard. It is bounded: a proof for each replica, a score for each, and what operators released.

    Attributes:
        config: of its replica; never changes.
        scores: the reputation of each replica.
        proofs: one for each replica that is proved faulty, in the order in which they came.
        forgiven: the digests of evidence whose replica an operator released.
        credited: the last sequence number for which participants were credited.
        length: how many entries the audit trail has.
        head: the digest of the last of them.
    """

    config: Config | hotstuff.Config
    scores: Mapping[NodeId, int]
    proofs: tuple[Evidence, ...] = ()
    forgiven: frozenset[Digest] = frozenset()
    credited: int = 0
    length: int = 0
    head: Digest = attrs.field(
        default=attrs.Factory(lambda guard: genesis(guard.config.node), takes_self=True)
    )

    @property
    def proved(self) -> tuple[NodeId, ...]:
        """The replicas that are proved faulty, in the order in which the proofs came."""
        return tuple(each.accused for each in self.proofs)

    @property
    def quarantined(self) -> tuple[NodeId, ...]:
        """The replicas that are not heard: the first f that are proved faulty, and never more."""
        return self.proved[: self.config.f]


@attrs.frozen(kw_only=True)
class Health:
    """A summary for metrics and operators.

    Attributes:
        quarantined: who is not heard.
        proved: who is proved faulty.
        is_promised: whether agreement can still be promised: at most f are proved faulty.
        to_spare: how many more may be proved faulty before it cannot.
        scores: of each replica, in the order of the configuration.
        entries: how many the audit trail has.
        head: the digest of the last; note it elsewhere.
    """

    quarantined: tuple[NodeId, ...]
    proved: tuple[NodeId, ...]
    is_promised: bool
    to_spare: int
    scores: tuple[tuple[NodeId, int], ...]
    entries: int
    head: Digest


def health(guard: Guard) -> Health:
    """The cluster as a guard sees it."""
    to_spare = guard.config.f - len(guard.proofs)
    return Health(
        quarantined=guard.quarantined,
        proved=guard.proved,
        is_promised=to_spare >= 0,
        to_spare=max(0, to_spare),
        scores=tuple((name, guard.scores[name]) for name in guard.config.replicas),
        entries=guard.length,
        head=guard.head,
    )


def is_heard(guard: Guard, message: object) -> bool:
    """Return whether the host hands a message to its replica.

    It does unless the message names a quarantined replica as its sender. Never raises.
    """
    source = sender_of(message)
    return type(source) is not str or source not in guard.quarantined


def asking_order(guard: Guard) -> tuple[NodeId, ...]:
    """The other replicas that are heard, best reputation first.

    This is the order in which to ask them for a state.
    """
    others = [
        name for name in guard.config.replicas if name != guard.config.node and name not in guard.quarantined
    ]
    return tuple(sorted(others, key=lambda name: -guard.scores[name]))
