"""PBFT as an engine of the hybrid. Its host proposes waiting requests once its last batch is executed."""

from collections.abc import Collection, Iterator
from typing import Any, assert_never

import attrs

from impl import pbft
from impl.common.requests import Batch
from impl.common.service import State
from impl.hybrid.engines.log import Effect, Input, Refused, Said, Settings, Timer
from impl.hybrid.inputs import Receive, Retransmit, ViewTimeout
from impl.pbft.shapes import SHAPES

__all__ = ["PbftEngine"]


def _config(engine: "PbftEngine") -> pbft.Config:
    settings = engine.settings
    return pbft.Config(
        settings.node,
        settings.replicas,
        settings.keys,
        settings.f,
        settings.window,
        settings.interval,
        settings.batch_max,
        settings.request_bytes_max,
        settings.waiting_max,
        settings.multiplier_max,
        service=settings.service,
    )


@attrs.frozen
class PbftEngine:
    """PBFT (`impl.pbft`); a place is a sequence number.

    Args:
        settings: of the replica.

    Raises:
        InvalidConfig: as `impl.pbft.Config`.
    """

    settings: Settings
    config: pbft.Config = attrs.field(init=False, default=attrs.Factory(_config, takes_self=True))

    @property
    def name(self) -> str:
        """As `Engine`."""
        return "pbft"

    @property
    def messages(self) -> Collection[type[Any]]:
        """As `Engine`."""
        return SHAPES.messages

    def request_rejection(self, request: object) -> str:
        """As `Engine`."""
        return SHAPES.rejection(self.config, request)

    def first_start(self) -> pbft.Node:
        """As `Engine`."""
        return pbft.first_start(self.config)

    def recover(self, durable: pbft.Durable) -> pbft.Node:
        """As `Engine`."""
        return pbft.recover(self.config, durable)

    def step(self, replica: pbft.Node, inp: Input) -> tuple[pbft.Node, tuple[Effect, ...]]:
        """As `Engine`."""
        replica, done = pbft.step(replica, _input_of(inp))
        effects = list(_effects(inp, done))
        batch = _proposable(replica)
        if batch:
            replica, done = pbft.step(replica, pbft.Propose(batch))
            effects += _effects(inp, done)
        return replica, tuple(effects)

    def state(self, durable: pbft.Durable) -> State:
        """As `Engine`."""
        return durable.state

    def executed(self, replica: pbft.Node) -> int:
        """As `Engine`."""
        return replica.durable.executed

    def decided(self, replica: pbft.Node, place: int) -> tuple[tuple[int, Batch], ...]:
        """As `Engine`."""
        found: list[tuple[int, Batch]] = []
        while (batch := replica.durable.committed.get(place := place + 1)) is not None:
            found.append((place, batch))
        return tuple(found)

    def leads(self, replica: pbft.Node) -> bool:
        """As `Engine`."""
        return replica.is_primary

    def is_waiting(self, replica: pbft.Node) -> bool:
        """As `Engine`."""
        return pbft.is_waiting(replica)

    def is_view_abandoned(self, replica: pbft.Node) -> bool:
        """As `Engine`."""
        return any(name != replica.name for name in replica.view_changes)


def _input_of(inp: Input) -> pbft.Input:
    match inp:
        case Receive(message=message):
            return pbft.Receive(message)
        case ViewTimeout():
            return pbft.Timeout()
        case Retransmit():
            return pbft.Retransmit()
        case _:
            assert_never(inp)


def _effects(inp: Input, done: tuple[pbft.Effect, ...]) -> Iterator[Effect]:
    for effect in done:
        match effect:
            case pbft.Send(message=message, to=to):
                yield Said(message, to)
            case pbft.ResetTimer(multiplier=multiplier):
                yield Timer(multiplier)
            case pbft.StopTimer():
                yield Timer(None)
            case pbft.Refused():
                yield effect
            case pbft.Diverged(seq=seq):
                yield Refused(inp, f"a quorum has another state at {seq}: take this replica out")
            case _:
                pass


def _proposable(replica: pbft.Node) -> Batch:
    """The batch that the primary proposes now: the waiting requests, once its previous batch is executed."""
    durable = replica.durable
    if not replica.waiting or durable.changing or not replica.is_primary:
        return ()
    if max(durable.accepted, default=0) > durable.executed:
        return ()
    return tuple(replica.waiting.values())[: replica.config.batch_max]
