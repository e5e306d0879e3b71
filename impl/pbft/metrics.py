"""The condition of a replica, for its operator: gauges of its state, and counters of its effects.

The core keeps none of this: `health` reads a replica, the host adds up effects by `counted`, and `exposition`
writes both in the text format of Prometheus, version 0.0.4.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from impl.common import exposition as common
from impl.common.identities import NodeId
from impl.pbft import rules
from impl.pbft.effects import (
    Diverged,
    Effect,
    EnteredView,
    Executed,
    Persist,
    Refused,
    ResetTimer,
    Send,
    StopTimer,
    Transferred,
    Why,
)
from impl.pbft.state import Node
from impl.pbft.timers import is_waiting

__all__ = ["NOTHING_COUNTED", "Counters", "Health", "counted", "exposition", "health"]


# --- how it is ----------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Health:
    """The condition of a replica at one moment, by its state.

    Attributes:
        node: the replica.
        view: the view that it is in, or that it wants.
        primary: the primary of that view.
        changing: whether it has left the view before and not entered this one.
        executed: the sequence number up to which it has executed.
        stable: its last stable checkpoint, the low watermark.
        high: the high watermark: beyond it nothing is accepted.
        backlog: how many sequence numbers are accepted in its view, and not executed.
        waiting: how many clients wait for a request of theirs to be executed.
        multiplier: how long it waits for the primary, as a multiple of the timer's duration.
        futile: how many views it has left since it executed something.
        is_waiting: whether its timer runs: the primary has something to do.
        behind: how many sequence numbers it has certainly missed: some correct replica has made a
            checkpoint so far beyond what this one has executed.
    """

    node: NodeId
    view: int
    primary: NodeId
    changing: bool
    executed: int
    stable: int
    high: int
    backlog: int
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
            said.append(f"view {self.view} has not begun: its primary {self.primary} is to begin it")
        if self.futile > 1:
            said.append(
                f"{self.futile} views were left and nothing was executed: is a quorum up, and in reach?"
            )
        if self.behind:
            said.append(
                f"it is at {self.executed}, and others are {self.behind} further: it asks for their state"
            )
        if self.executed >= self.high:
            said.append(
                f"it has executed up to the end of its window, {self.high}: no checkpoint becomes stable"
            )
        return tuple(said)

    @property
    def is_well(self) -> bool:
        """True if it takes part in its view, and has missed nothing."""
        return not self.complaints


def health(node: Node) -> Health:
    """The condition of a replica."""
    durable, config = node.durable, node.config
    return Health(
        node=node.name,
        view=durable.view,
        primary=config.primary(durable.view),
        changing=durable.changing,
        executed=durable.executed,
        stable=durable.stable.seq,
        high=durable.stable.seq + config.window,
        backlog=sum(seq > durable.executed for seq in durable.accepted),
        waiting=len(node.waiting),
        multiplier=node.multiplier,
        futile=node.futile,
        is_waiting=is_waiting(node),
        behind=max(0, _certainly_reached(node) - durable.executed),
    )


def _certainly_reached(node: Node) -> int:
    """The highest checkpoint that is stable or that f + 1 replicas claim: a correct one has made it."""
    reached = sorted(
        (max(each.seq for each in several) for several in node.checkpoints.values()), reverse=True
    )
    enough = rules.weak_quorum_size(node.config)
    vouched = reached[enough - 1] if len(reached) >= enough else 0
    return max(node.durable.stable.seq, vouched)


# --- what it did --------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Counters:
    """The sums of a replica's effects since its host began to count.

    Attributes:
        batches: how many batches were executed, null batches among them.
        requests: how many requests they held.
        transfers: how often a state was taken over from others.
        views: how many views were entered.
        diverged: how often a quorum turned out to have another state: more than 0 is a fault of this replica.
        writes: how often durable state was written.
        timers: how often the view-change timer was started anew.
        sent: by type, how many messages were sent; one to all counts once for each that it goes to.
        refused: by kind of reason, how many inputs were refused.
    """

    batches: int = 0
    requests: int = 0
    transfers: int = 0
    views: int = 0
    diverged: int = 0
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
            case Executed(batch=batch):
                one["batches"] += 1
                one["requests"] += len(batch)
            case Send(message=message, to=to):
                kind = type(message).__name__
                sent[kind] = sent.get(kind, 0) + (replicas - 1 if to is None else 1)
            case Refused(why=why):
                refused[why] = refused.get(why, 0) + 1
            case Persist():
                one["writes"] += 1
            case Transferred():
                one["transfers"] += 1
            case EnteredView():
                one["views"] += 1
            case Diverged():
                one["diverged"] += 1
            case ResetTimer():
                one["timers"] += 1
            case StopTimer():
                pass
    return Counters(**{**one, "sent": sent, "refused": refused})


# --- for Prometheus -----------------------------------------------------------------------------

#: Of each number of `Health`, its name, and what it is.
_GAUGES: Final = {
    "view": ("view", "The view that the replica is in, or wants."),
    "changing": ("view_changing", "1 while the view has not begun."),
    "executed": ("executed_seq", "The sequence number up to which it has executed."),
    "stable": ("stable_seq", "Its last stable checkpoint, the low watermark."),
    "high": ("high_watermark_seq", "The sequence number beyond which nothing is accepted."),
    "backlog": ("backlog", "Sequence numbers that are accepted and not executed."),
    "waiting": ("waiting_clients", "Clients that wait for a request to be executed."),
    "multiplier": ("multiplier", "How long it waits for the primary, in durations of the timer."),
    "futile": ("futile_views", "Views that were left since something was executed."),
    "is_waiting": ("timer_running", "1 while the primary has something to do."),
    "behind": ("behind", "Sequence numbers that it has certainly missed."),
    "is_well": ("well", "1 if it takes part in its view, and has missed nothing."),
}

#: Of each number of `Counters`, its name, and what it is.
_COUNTERS: Final = {
    "batches": ("batches_executed_total", "Batches that were executed."),
    "requests": ("requests_executed_total", "Requests in batches that were executed."),
    "transfers": ("state_transfers_total", "States that were taken over from others."),
    "views": ("views_entered_total", "Views that were entered."),
    "diverged": ("diverged_total", "Checkpoints at which a quorum had another state."),
    "writes": ("writes_total", "Writes of durable state."),
    "timers": ("timer_starts_total", "Starts of the view-change timer."),
}


def exposition(state: Health, counters: Counters) -> str:
    """Both in Prometheus' text format, each sample with the replica's name as `node`."""
    return common.exposition("pbft", state.node, (_GAUGES, state), (_COUNTERS, counters), Why)
