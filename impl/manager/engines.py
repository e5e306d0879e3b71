"""The engines: the cores of the protocols at one moment, as the manager sees them."""

import enum
from collections.abc import Callable, Hashable
from typing import Any, Protocol, final, runtime_checkable

import attrs

from impl import gossip, hotstuff, pbft, raft
from impl.common.requests import Request
from impl.manager.errors import BadEngine
from impl.manager.operations import GUARANTEES, Consistency, EngineName, Operation

__all__ = [
    "Engine",
    "GossipEngine",
    "Health",
    "HotStuffEngine",
    "PbftEngine",
    "RaftEngine",
    "State",
    "checked_name",
]


class State(enum.Enum):
    """The health of an engine."""

    WELL = "well"
    ELSEWHERE = "well, and served by another node"
    UNWELL = "unwell"


@attrs.frozen
class Health:
    """The health of an engine, and its reason.

    Attributes:
        state: whether it takes operations.
        reason: why not, in words.
    """

    state: State
    reason: str = ""


@runtime_checkable
class Engine(Protocol):
    """A protocol's core at one moment, as the manager sees it."""

    @property
    def name(self) -> EngineName:
        """Its protocol."""
        ...

    @property
    def consistency(self) -> Consistency:
        """Its promise, as in `GUARANTEES`."""
        ...

    def submit(self, operation: Operation) -> Hashable:
        """The input that the host is to hand to the core."""
        ...

    def health(self) -> Health:
        """The health of the engine: whether it takes operations."""
        ...


def _itself(operation: Operation) -> Hashable:
    return operation


@final
@attrs.frozen
class PbftEngine:
    """A replica of `impl.pbft`.

    Attributes:
        node: the replica.
        request_for: makes of an operation the request that a client signs. What it raises is not caught.
    """

    node: pbft.Node
    request_for: Callable[[Operation], Request] = attrs.field(eq=False)

    @property
    def name(self) -> EngineName:
        """PBFT."""
        return EngineName.PBFT

    @property
    def consistency(self) -> Consistency:
        """Strong."""
        return Consistency.STRONG

    def submit(self, operation: Operation) -> pbft.Receive:
        """The client's request, which a backup passes on to the primary."""
        return pbft.Receive(self.request_for(operation))

    def health(self) -> Health:
        """The health: unwell while its replica is between views."""
        durable = self.node.durable
        if durable.changing:
            return Health(State.UNWELL, f"replica {self.node.config.node} waits for view {durable.view}")
        return Health(State.WELL)


@final
@attrs.frozen
class HotStuffEngine:
    """A replica of `impl.hotstuff`.

    Attributes:
        node: the replica.
        request_for: makes of an operation the request that a client signs. What it raises is not caught.
    """

    node: hotstuff.Node
    request_for: Callable[[Operation], Request] = attrs.field(eq=False)

    @property
    def name(self) -> EngineName:
        """HotStuff."""
        return EngineName.HOTSTUFF

    @property
    def consistency(self) -> Consistency:
        """Strong."""
        return Consistency.STRONG

    def submit(self, operation: Operation) -> hotstuff.Receive:
        """The client's request, which the replica proposes once it leads; the host sends it to the others."""
        return hotstuff.Receive(self.request_for(operation))

    def health(self) -> Health:
        """The health: unwell while its replica has given up its view, and not entered the next one."""
        node = self.node
        if node.durable.timed >= node.view:
            return Health(State.UNWELL, f"replica {node.name} waits for view {node.view + 1}")
        return Health(State.WELL)


@final
@attrs.frozen
class RaftEngine:
    """A server of `impl.raft`.

    Attributes:
        node: the server.
        value_for: makes of an operation the value that is replicated; by default the operation itself.
    """

    node: raft.Node
    value_for: Callable[[Operation], Hashable] = attrs.field(default=_itself, eq=False)

    @property
    def name(self) -> EngineName:
        """Raft."""
        return EngineName.RAFT

    @property
    def consistency(self) -> Consistency:
        """Strong."""
        return Consistency.STRONG

    def submit(self, operation: Operation) -> raft.ClientRequest:
        """The request, which only a leader takes."""
        return raft.ClientRequest(self.value_for(operation))

    def health(self) -> Health:
        """The health: well as a leader, and as a follower that knows a leader; a candidate knows none."""
        node = self.node
        match node.role:
            case raft.Leader(transferee=None):
                return Health(State.WELL)
            case raft.Leader(transferee=peer):
                return Health(State.ELSEWHERE, f"{node.config.node} hands over to {peer}")
            case raft.Follower():
                return Health(State.ELSEWHERE, f"{node.config.node} does not lead")
            case _:
                return Health(State.UNWELL, f"{node.config.node} has heard no leader and stands for election")


def _under_its_type(operation: Operation) -> tuple[str, Any]:
    return operation.type, operation.data


@final
@attrs.frozen
class GossipEngine:
    """A node of `impl.gossip`.

    Attributes:
        node: the node.
        record_for: operation -> the key and the value that the node writes as its own; by default the
            operation's type and data. A value consists of None, truth values, 64-bit integers, strings,
            bytes and tuples; the core refuses others.
    """

    node: gossip.Node
    record_for: Callable[[Operation], tuple[str, Any]] = attrs.field(default=_under_its_type, eq=False)

    @property
    def name(self) -> EngineName:
        """Gossip."""
        return EngineName.GOSSIP

    @property
    def consistency(self) -> Consistency:
        """Eventual."""
        return Consistency.EVENTUAL

    def submit(self, operation: Operation) -> gossip.Write:
        """The node's own write, which spreads from then on."""
        return gossip.Write(*self.record_for(operation))

    def health(self) -> Health:
        """The health: unwell while it knows no other live node, since its writes reach nobody."""
        others = (name for name in self.node.holdings.known() if name != self.node.name)
        reachable = (gossip.Standing.ALIVE, gossip.Standing.SUSPECTED)
        if any(gossip.standing(self.node, name) in reachable for name in others):
            return Health(State.WELL)
        return Health(State.UNWELL, f"{self.node.name} knows nobody who is alive")


def checked_name(engine: Any) -> EngineName:
    """The name of a valid engine, which promises what its protocol does."""
    if not isinstance(engine, Engine) or not isinstance(name := engine.name, EngineName):
        names = ", ".join(str(each) for each in EngineName)
        raise BadEngine(
            f"{engine!r} is no engine: it needs name (one of {names}), consistency, submit and health"
        )
    promised = GUARANTEES[name].consistency
    if engine.consistency is not promised:
        raise BadEngine(
            f"an engine for {name.value} promises {promised.value} consistency, and this one does not"
        )
    return name
