"""The condition of a replica, for its operator: gauges of its state, and counters of its effects.

As `impl.pbft.metrics`, with the same names for what both have. The core keeps none of this: `health` reads a
replica, the host adds up effects by `counted`, and `exposition` writes both for Prometheus.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from impl.common import exposition as common
from impl.common.identities import NodeId
from impl.hotstuff.effects import (
    Committed,
    Effect,
    Entered,
    Equivocated,
    Joined,
    Persist,
    Refused,
    ResetTimer,
    Send,
    TimedOut,
    Why,
)
from impl.hotstuff.pacemaker import is_waiting
from impl.hotstuff.state import Node
from impl.hotstuff.tree import ancestors, view_of

__all__ = ["NOTHING_COUNTED", "Counters", "Health", "counted", "exposition", "health"]


@attrs.frozen(kw_only=True)
class Health:
    """The condition of a replica at one moment, by its state.

    Attributes:
        node: the replica.
        view: the view that it is in.
        leader: the leader of that view.
        changing: whether it has given up its view, and not entered the next one.
        executed: the view of the last block that it has committed and executed.
        locked: the view of the block that it is locked on.
        certified: the view of the highest certificate that it knows, of a block that it has.
        backlog: how many blocks below that one are not committed.
        kept: how many blocks it keeps.
        waiting: how many clients wait for a request of theirs to be executed.
        multiplier: how long it waits in its view, as a multiple of the timer's duration.
        futile: how many views ended by time-outs since it committed something.
        is_waiting: whether its timer runs: there is something to do.
        behind: how many views it has certainly missed: a quorum has certified a block so far beyond, which it
            has not.
    """

    node: NodeId
    view: int
    leader: NodeId
    changing: bool
    executed: int
    locked: int
    certified: int
    backlog: int
    kept: int
    waiting: int
    multiplier: int
    futile: int
    is_waiting: bool
    behind: int

    @property
    def complaints(self) -> tuple[str, ...]:
        """The warnings for an operator, each a sentence; none if all is well."""
        said = []
        if self.changing:
            said.append(f"view {self.view} of {self.leader} was given up, and a quorum has not ended it")
        if self.futile > 1:
            said.append(
                f"{self.futile} views were left and nothing was executed: is a quorum up, and in reach?"
            )
        if self.behind:
            said.append(
                f"it is at {self.certified}, and others are {self.behind} views further: it asks for blocks"
            )
        return tuple(said)

    @property
    def is_well(self) -> bool:
        """True if it takes part in its view, and has missed nothing."""
        return not self.complaints


def health(node: Node) -> Health:
    """The condition of a replica."""
    durable = node.durable
    path = [name for name, _ in ancestors(durable, durable.high.block)]
    uncommitted = path.index(durable.committed) if durable.committed in path else len(path)
    return Health(
        node=node.name,
        view=node.view,
        leader=node.config.leader(node.view),
        changing=durable.timed >= node.view,
        executed=view_of(durable, durable.committed),
        locked=durable.lock.view,
        certified=durable.high.view,
        backlog=uncommitted,
        kept=len(durable.blocks),
        waiting=len(node.waiting),
        multiplier=node.multiplier,
        futile=node.futile,
        is_waiting=is_waiting(node),
        behind=node.wanted.certificate.view - durable.high.view if node.wanted is not None else 0,
    )


@attrs.frozen(kw_only=True)
class Counters:
    """The sums of a replica's effects since its host began to count.

    Attributes:
        batches: how many blocks were committed and executed, empty ones among them.
        requests: how many requests they held.
        timeouts: how many views it gave up.
        views: how many views were entered by time-outs of the one before.
        equivocations: how often two votes or two blocks of a replica in one view came in.
        writes: how often durable state was written.
        timers: how often the timer of a view was started anew.
        sent: by type, how many messages were sent; one to all counts once for each that it goes to.
        refused: by kind of reason, how many inputs were refused.
    """

    batches: int = 0
    requests: int = 0
    timeouts: int = 0
    views: int = 0
    equivocations: int = 0
    writes: int = 0
    timers: int = 0
    sent: Mapping[str, int] = attrs.field(factory=dict)
    refused: Mapping[Why, int] = attrs.field(factory=dict)


#: As a host begins.
NOTHING_COUNTED: Final = Counters()


def counted(counters: Counters, effects: Iterable[Effect], *, replicas: int) -> Counters:
    """The counts after the effects of a step.

    Args:
        counters: what was counted before.
        effects: those of one step, or of several.
        replicas: how many there are in the cluster; what is sent to all goes to one less.
    """
    one = attrs.asdict(counters, recurse=False)
    sent, refused = dict(counters.sent), dict(counters.refused)
    for effect in effects:
        match effect:
            case Committed(batch=batch):
                one["batches"] += 1
                one["requests"] += len(batch)
            case Send(message=message, to=to):
                kind = type(message).__name__
                sent[kind] = sent.get(kind, 0) + (replicas - 1 if to is None else 1)
            case Refused(why=why):
                refused[why] = refused.get(why, 0) + 1
            case TimedOut() | Joined():
                one["timeouts"] += 1
            case Entered():
                one["views"] += 1
            case Equivocated():
                one["equivocations"] += 1
            case Persist():
                one["writes"] += 1
            case ResetTimer():
                one["timers"] += 1
            case _:  # the other events only tell observers how it came to these
                pass
    return Counters(**{**one, "sent": sent, "refused": refused})


#: Of each number of `Health`, its name, and what it is.
_GAUGES: Final = {
    "view": ("view", "The view that the replica is in."),
    "changing": ("view_changing", "1 while the view was given up and the next one has not begun."),
    "executed": ("executed_view", "The view of the last block that it has committed and executed."),
    "locked": ("locked_view", "The view of the block that it is locked on."),
    "certified": ("certified_view", "The view of the highest certificate that it knows."),
    "backlog": ("backlog", "Certified blocks that are not committed."),
    "kept": ("kept_blocks", "Blocks that it keeps."),
    "waiting": ("waiting_clients", "Clients that wait for a request to be executed."),
    "multiplier": ("multiplier", "How long it waits in its view, in durations of the timer."),
    "futile": ("futile_views", "Views that ended by time-outs since something was committed."),
    "is_waiting": ("timer_running", "1 while there is something to do."),
    "behind": ("behind", "Views that it has certainly missed."),
    "is_well": ("well", "1 if it takes part in its view, and has missed nothing."),
}

#: Of each number of `Counters`, its name, and what it is.
_COUNTERS: Final = {
    "batches": ("batches_executed_total", "Blocks that were committed and executed."),
    "requests": ("requests_executed_total", "Requests in blocks that were executed."),
    "timeouts": ("timeouts_total", "Views that were given up."),
    "views": ("views_entered_total", "Views that were entered by time-outs of the one before."),
    "equivocations": ("equivocations_total", "Pairs of votes or blocks of one replica in one view."),
    "writes": ("writes_total", "Writes of durable state."),
    "timers": ("timer_starts_total", "Starts of the timer of a view."),
}


def exposition(state: Health, counters: Counters) -> str:
    """Both in Prometheus' text format, each sample with the replica's name as `node`."""
    return common.exposition("hotstuff", state.node, (_GAUGES, state), (_COUNTERS, counters), Why)
