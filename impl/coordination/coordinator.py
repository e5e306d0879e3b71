"""A coordinator: `step(coordinator, input) -> (coordinator, effects)`.

| input     | comes                                            | leads to                                    |
|-----------|--------------------------------------------------|---------------------------------------------|
| `Asked`   | from a client                                    | `Reply` at once, or `Replicate` if by Raft  |
| `Decided` | from Raft, at each coordinator                   | the coordinator's part, to the aggregator   |
| `Receive` | from a coordinator: a part, or a request for one | `Reply` once all parts are there            |
| `Chase`   | now and then while a query is open               | `Replicate` again, or requests to deputies  |
| `Expire`  | at the time-out of a query                       | `Reply`, with what there is                 |
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from impl.common.identities import NodeId
from impl.coordination.queries import Answer, BadQuery, Outcome, Query, Topology, Way, way_of
from impl.coordination.reading import Reading, View, read
from impl.manager import BadOperation

__all__ = [
    "Asked",
    "Chase",
    "Config",
    "Coordinator",
    "Decided",
    "Effect",
    "Expire",
    "Input",
    "Opened",
    "Ordered",
    "Part",
    "PartRequest",
    "Pending",
    "Receive",
    "Replicate",
    "Reply",
    "Send",
    "start",
    "step",
]

#: A client, and the number of its query.
Key: TypeAlias = tuple[NodeId, int]


# --- values


@attrs.frozen
class Ordered:
    """A query, as Raft's log has it, with the coordinator that collects the parts."""

    query: Query
    aggregator: NodeId


@attrs.frozen
class Part:
    """A coordinator's part of an answer: agent -> what may be said of it, read at a log index or later."""

    key: Key
    category: str
    index: int
    readings: tuple[tuple[NodeId, Reading], ...]


@attrs.frozen
class PartRequest:
    """An aggregator asks a deputy for a category, to be read at a log index or later."""

    query: Query
    category: str
    index: int


@attrs.frozen(kw_only=True)
class Config:
    """A coordinator.

    Attributes:
        node: its name.
        topology: the categories and their coordinators.
        pending_max: how many queries it collects parts for at once; more are refused, and fail at once.
    """

    node: NodeId
    topology: Topology
    pending_max: int = attrs.field(default=1_000, validator=attrs.validators.ge(1))


@attrs.frozen(kw_only=True)
class Pending:
    """A query for which parts are collected.

    Attributes:
        query: the query.
        index: where Raft put it; None before it did.
        parts: category -> its part.
        chases: how often what is missing was chased.
    """

    query: Query
    index: int | None = None
    parts: Mapping[str, Part] = attrs.field(factory=dict)
    chases: int = 0

    @property
    def missing(self) -> tuple[str, ...]:
        """The categories without a part."""
        return tuple(name for name in self.query.categories if name not in self.parts)


@attrs.frozen(kw_only=True)
class Coordinator:
    """A coordinator. A crash loses all of it: clients ask again."""

    config: Config
    pending: Mapping[Key, Pending] = attrs.field(factory=dict)


# --- inputs and effects


@attrs.frozen
class Asked:
    """A client asks. `view` is what the coordinator knows at the moment, here and below."""

    query: Query
    view: View


@attrs.frozen
class Decided:
    """Raft has decided a query, and this coordinator has applied it."""

    index: int
    ordered: Ordered
    view: View


@attrs.frozen
class Receive:
    """A message of a coordinator."""

    source: NodeId
    message: Part | PartRequest
    view: View


@attrs.frozen
class Chase:
    """An open query has waited for a while."""

    key: Key


@attrs.frozen
class Expire:
    """The time of a query is over."""

    key: Key


Input: TypeAlias = Asked | Decided | Receive | Chase | Expire


@attrs.frozen
class Replicate:
    """Have Raft decide this: hand it to the leader. It may be lost, and may be decided twice."""

    ordered: Ordered


@attrs.frozen
class Send:
    """Send a message to a coordinator, perhaps to itself; it may be lost."""

    dest: NodeId
    message: Part | PartRequest


@attrs.frozen
class Opened:
    """A query is open: hand in `Chase` now and then, and `Expire` at its time-out."""

    key: Key


@attrs.frozen
class Reply:
    """Send the answer to the client."""

    client: NodeId
    answer: Answer


Effect: TypeAlias = Replicate | Send | Opened | Reply

_Step: TypeAlias = tuple[Coordinator, tuple[Effect, ...]]


def start(config: Config) -> Coordinator:
    """A coordinator that starts, for the first time or again."""
    return Coordinator(config=config)


def step(coordinator: Coordinator, inp: Input) -> _Step:
    """Take an input.

    Returns:
        The coordinator after it, and what its host must do, in order.
    """
    return _HANDLERS[type(inp)](coordinator, inp)


def _asked(coordinator: Coordinator, inp: Asked) -> _Step:
    query, config = inp.query, coordinator.config
    key = query.client, query.number
    try:
        way = way_of(query, config.topology)
    except (BadQuery, BadOperation) as error:
        return coordinator, (_failed(query, str(error)),)
    if way is Way.GOSSIP:
        readings = _readings(config.topology, query, query.categories[0], inp.view)
        return coordinator, (Reply(query.client, _answer(query, dict(readings), None)),)
    if key in coordinator.pending:
        return coordinator, ()
    if len(coordinator.pending) >= config.pending_max:
        return coordinator, (_failed(query, f"{config.node} has {config.pending_max} queries open"),)
    after = _with(coordinator, Pending(query=query))
    return after, (Opened(key), Replicate(Ordered(query, config.node)))


def _decided(coordinator: Coordinator, inp: Decided) -> _Step:
    config, query = coordinator.config, inp.ordered.query
    mine = [name for name in query.categories if config.topology.deputies(name)[0] == config.node]
    key = query.client, query.number
    parts = [_part(coordinator, query, name, inp.index, inp.view) for name in mine]
    if inp.ordered.aggregator != config.node:
        return coordinator, tuple(Send(inp.ordered.aggregator, part) for part in parts)
    pending = coordinator.pending.get(key)
    if pending is None or pending.index is not None:
        return coordinator, ()
    late = {name: part for name, part in pending.parts.items() if part.index >= inp.index}
    return _collected(coordinator, attrs.evolve(pending, index=inp.index, parts=late), parts)


def _part(coordinator: Coordinator, query: Query, category: str, index: int, view: View) -> Part:
    readings = _readings(coordinator.config.topology, query, category, view)
    return Part((query.client, query.number), category, index, readings)


def _readings(
    topology: Topology, query: Query, category: str, view: View
) -> tuple[tuple[NodeId, Reading], ...]:
    return tuple((agent, read(view, agent, query.key)) for agent in topology.categories[category])


def _collected(coordinator: Coordinator, pending: Pending, parts: list[Part]) -> _Step:
    """Parts are added, of categories that have none yet; the last one ends the query.

    A part that was read before the query's index is of an earlier time at which the same query was open.
    """
    least = pending.index or 0
    wanted = {
        part.category: part for part in parts if part.category in pending.missing and part.index >= least
    }
    after = attrs.evolve(pending, parts={**pending.parts, **wanted})
    if after.missing or after.index is None:
        return _with(coordinator, after), ()
    return _ended(coordinator, after)


def _received(coordinator: Coordinator, inp: Receive) -> _Step:
    match inp.message:
        case Part() as part:
            pending = coordinator.pending.get(part.key)
            return (coordinator, ()) if pending is None else _collected(coordinator, pending, [part])
        case PartRequest(query=query, category=category, index=index):
            applied = inp.view.barrier.applied
            if applied < index:
                return coordinator, ()
            return coordinator, (Send(inp.source, _part(coordinator, query, category, applied, inp.view)),)


def _chase(coordinator: Coordinator, inp: Chase) -> _Step:
    pending, config = coordinator.pending.get(inp.key), coordinator.config
    if pending is None:
        return coordinator, ()
    after = attrs.evolve(pending, chases=pending.chases + 1)
    if after.index is None:
        return _with(coordinator, after), (Replicate(Ordered(after.query, config.node)),)
    effects = list[Effect]()
    for name in after.missing:
        deputies = config.topology.deputies(name)
        deputy = deputies[after.chases % len(deputies)]
        effects.append(Send(deputy, PartRequest(after.query, name, after.index)))
    return _with(coordinator, after), tuple(effects)


def _expire(coordinator: Coordinator, inp: Expire) -> _Step:
    pending = coordinator.pending.get(inp.key)
    return (coordinator, ()) if pending is None else _ended(coordinator, pending)


def _ended(coordinator: Coordinator, pending: Pending) -> _Step:
    query = pending.query
    left = {key: each for key, each in coordinator.pending.items() if key != (query.client, query.number)}
    after = attrs.evolve(coordinator, pending=left)
    if pending.index is None:
        return after, (_failed(query, "Raft has not decided the query in time"),)
    readings = {agent: reading for part in pending.parts.values() for agent, reading in part.readings}
    for name in pending.missing:
        silent = Reading(missing=f"no coordinator answered for {name}")
        readings |= dict.fromkeys(coordinator.config.topology.categories[name], silent)
    return after, (Reply(query.client, _answer(query, readings, pending.index)),)


def _answer(query: Query, readings: Mapping[NodeId, Reading], index: int | None) -> Answer:
    values = {agent: reading.value for agent, reading in readings.items() if not reading.missing}
    missing = {agent: reading.missing for agent, reading in readings.items() if reading.missing}
    if not missing:
        return Answer(query.number, Outcome.COMPLETE, values, index=index)
    if values:
        return Answer(query.number, Outcome.PARTIAL, values, missing, index)
    reason = f"none of {len(missing)} agents can be told of: {next(iter(missing.values()))}"
    return Answer(query.number, Outcome.FAILED, {}, missing, index, reason)


def _failed(query: Query, reason: str) -> Reply:
    return Reply(query.client, Answer(query.number, Outcome.FAILED, reason=reason))


def _with(coordinator: Coordinator, pending: Pending) -> Coordinator:
    key = pending.query.client, pending.query.number
    return attrs.evolve(coordinator, pending={**coordinator.pending, key: pending})


_HANDLERS: Final[Mapping[type, Callable[[Coordinator, Any], _Step]]] = {
    Asked: _asked,
    Decided: _decided,
    Receive: _received,
    Chase: _chase,
    Expire: _expire,
}
