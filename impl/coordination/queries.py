"""Queries, their answers, and who is responsible for which category."""

import enum
from collections.abc import Mapping

import attrs

from impl.common.encoding import Value
from impl.common.identities import NodeId
from impl.manager import EngineName, route

__all__ = ["Answer", "BadQuery", "Outcome", "Query", "Topology", "Way", "way_of"]


class BadQuery(ValueError):
    """A query that no coordinator can answer.

    Usual causes: no category, an unknown one, or a type that is for PBFT.
    """


@attrs.frozen
class Query:
    """A question to all agents of some categories.

    Attributes:
        client: who asks.
        number: counts the queries of this client.
        type: as in the tables of `impl.manager`.
        key: of the agents' records.
        categories: whose agents are asked, each once.
    """

    client: NodeId
    number: int
    type: str
    key: str
    categories: tuple[str, ...]


class Way(enum.Enum):
    """The way of a query."""

    GOSSIP = "gossip"
    RAFT = "Raft"


class Outcome(enum.Enum):
    """The outcome of a query."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


@attrs.frozen
class Answer:
    """The answer to a query.

    Attributes:
        number: of the query.
        outcome: complete if each agent answered, failed if none did.
        values: agent -> its value.
        missing: agent -> why it has none.
        index: where in Raft's log all was read; None if it was read from gossip alone.
        reason: why it failed; empty if it did not.
    """

    number: int
    outcome: Outcome
    values: Mapping[NodeId, Value] = attrs.field(factory=dict)
    missing: Mapping[NodeId, str] = attrs.field(factory=dict)
    index: int | None = None
    reason: str = ""


@attrs.frozen
class Topology:
    """The categories, and the coordinators in a fixed order: the first has the first category, and so on.

    Attributes:
        categories: name -> its agents.
        coordinators: at least one; those beyond the number of categories are spare.

    Raises:
        ValueError: there are no coordinators, or no categories, or an agent is in two categories.
    """

    categories: Mapping[str, tuple[NodeId, ...]]
    coordinators: tuple[NodeId, ...]

    def __attrs_post_init__(self) -> None:
        agents = [agent for members in self.categories.values() for agent in members]
        if not self.coordinators or not self.categories:
            raise ValueError("a topology needs a category and a coordinator at least")
        if len(set(agents)) < len(agents):
            raise ValueError("an agent is in two categories, or twice in one")

    def deputies(self, category: str) -> tuple[NodeId, ...]:
        """All coordinators in the order in which they are responsible for a category.

        Raises:
            KeyError: there is no such category.
        """
        places = {name: place for place, name in enumerate(self.categories)}
        first = places[category] % len(self.coordinators)
        return self.coordinators[first:] + self.coordinators[:first]

    def agents(self, query: Query) -> tuple[NodeId, ...]:
        """The agents that a query concerns."""
        return tuple(agent for name in query.categories for agent in self.categories[name])

    def first_asked(self, query: Query) -> tuple[NodeId, ...]:
        """The coordinators that a client asks, in order.

        By gossip the category's own comes first. By Raft any will do: numbers of queries spread the load.
        """
        if way_of(query, self) is Way.GOSSIP:
            return self.deputies(query.categories[0])
        first = query.number % len(self.coordinators)
        return self.coordinators[first:] + self.coordinators[:first]


def way_of(query: Query, topology: Topology) -> Way:
    """The way of a query: A102, Message Types and Coordination Flow.

    Raises:
        BadQuery: it names no category, one twice, or an unknown one; or its type is for PBFT.
        BadOperation: its type is nearly one of the tables of `impl.manager`, or no text.
    """
    names = query.categories
    if not names or len(set(names)) < len(names):
        raise BadQuery(f"query {query.number} names categories {names}: name one at least, and each once")
    if unknown := [name for name in names if name not in topology.categories]:
        raise BadQuery(f"there is no category {unknown[0]!r}: use one of {', '.join(topology.categories)}")
    engine = route(query.type)
    if engine is EngineName.PBFT:
        raise BadQuery(f"{query.type!r} is for PBFT: submit it to a replica, coordinators do not run PBFT")
    return Way.RAFT if engine is EngineName.RAFT or len(names) > 1 else Way.GOSSIP
