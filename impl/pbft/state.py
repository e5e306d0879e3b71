"""The state of one replica: its settings, its durable state, and what it heard but has not counted yet."""

from collections.abc import Mapping
from typing import TypeVar

import attrs

from impl.common.encoding import Digest
from impl.common.identities import ClientId, NodeId
from impl.common.requests import Batch, Request
from impl.common.service import State
from impl.pbft.configuration import Config
from impl.pbft.limits import NOTHING_SPENT, Spent
from impl.pbft.messages import (
    Checkpoint,
    CheckpointCertificate,
    Commit,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    ViewChange,
)

__all__ = ["NO_VOTES", "Durable", "Node", "Votes", "beyond"]

Held = TypeVar("Held")


def beyond(held: Mapping[int, Held], seq: int) -> Mapping[int, Held]:
    """The entries for sequence numbers beyond `seq`; the mapping itself if that is all of it."""
    if all(number > seq for number in held):
        return held
    return {number: item for number, item in held.items() if number > seq}


@attrs.frozen(kw_only=True)
class Durable:
    """The state that a crash must not lose: the variables of the spec.

    Mappings are never changed, only replaced.

    Attributes:
        view: the view that it is in, or that it wants.
        leaving: its own view change to `view`, while it has not entered that; else None.
        entered: the new view by which it entered `view`; None in view 0, and while it is changing.
        accepted: by sequence number, the proposals of the primary of its view that it accepted.
        prepared: by sequence number its latest prepared certificate; the paper's P.
        committed: by sequence number, what it knows to be committed.
        executed: the sequence number up to which it has executed.
        state: the state to which that has led.
        stable: its last stable checkpoint with its proof; the number is the low watermark.
        snapshots: by sequence number, the states at its own checkpoints, from the stable one on.
    """

    view: int = 0
    leaving: ViewChange | None = None
    entered: NewView | None = None
    accepted: Mapping[int, PrePrepare] = attrs.field(factory=dict)
    prepared: Mapping[int, PreparedCertificate] = attrs.field(factory=dict)
    committed: Mapping[int, Batch] = attrs.field(factory=dict)
    executed: int = 0
    state: State
    stable: CheckpointCertificate
    snapshots: Mapping[int, State]

    @property
    def changing(self) -> bool:
        """True if it has left the view before and not entered this one."""
        return self.leaving is not None


@attrs.frozen
class Votes:
    """The votes heard for one sequence number in this view or later ones.

    Of each sender only those of its latest view are kept.

    Attributes:
        accepted: the digest of the proposal that this replica accepted in its view; empty if it has none.
        pre_prepares: proposals, also such as came too early to be accepted.
        prepares: the prepares, its own included.
        commits: the commits, its own included.
    """

    accepted: Digest = ""
    pre_prepares: Mapping[NodeId, PrePrepare] = attrs.field(factory=dict)
    prepares: Mapping[NodeId, Prepare] = attrs.field(factory=dict)
    commits: Mapping[NodeId, Commit] = attrs.field(factory=dict)


#: Nothing was heard.
NO_VOTES = Votes()


@attrs.frozen
class Node:
    """One replica.

    All but `config` and `durable` is lost in a crash, and bounded: by the window, by one message of each
    sender for each purpose, by the limits of the configuration. A flood takes up no more.

    Attributes:
        config: who it is; never changes.
        durable: what survives a crash.
        votes: by sequence number within the window, what was heard in the normal case, its own included.
        checkpoints: of each replica the latest checkpoints beyond the stable one, in order of their numbers.
        view_changes: of each replica the view change to the latest view, if that is still to be entered.
        waiting: of each client the latest request that is not executed.
        futile: how many views it has left since it executed something.
        spent: what clients have used up of the rate limit.
    """

    config: Config
    durable: Durable
    votes: Mapping[int, Votes] = attrs.field(factory=dict)
    checkpoints: Mapping[NodeId, tuple[Checkpoint, ...]] = attrs.field(factory=dict)
    view_changes: Mapping[NodeId, ViewChange] = attrs.field(factory=dict)
    waiting: Mapping[ClientId, Request] = attrs.field(factory=dict)
    futile: int = 0
    spent: Spent = NOTHING_SPENT

    @property
    def name(self) -> NodeId:
        """The name of this replica."""
        return self.config.node

    @property
    def is_primary(self) -> bool:
        """True if it is the primary of its view, entered or not."""
        return self.config.primary(self.durable.view) == self.config.node

    @property
    def multiplier(self) -> int:
        """The time to wait for the primary, as a multiple of the timer's duration (paper, 4.5.2)."""
        return min(1 << min(self.futile, 64), self.config.multiplier_max)
