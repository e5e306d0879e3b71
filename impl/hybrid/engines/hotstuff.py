"""HotStuff as an engine of the hybrid.

Its host hands back to a replica what that sends to itself, within the same step: all of it is persisted
before any of it is sent. Whoever leads proposes as soon as it may.
"""

from collections import deque
from collections.abc import Collection
from typing import Any, assert_never

import attrs

from impl import hotstuff
from impl.common.requests import Batch, Reply
from impl.common.service import State
from impl.hotstuff.shapes import SHAPES
from impl.hotstuff.tree import ancestors, view_of
from impl.hybrid.engines.log import Convicting, Effect, Input, Said, Settings, Timer
from impl.hybrid.inputs import Receive, Retransmit, ViewTimeout

__all__ = ["HotStuffEngine"]


def _config(engine: "HotStuffEngine") -> hotstuff.Config:
    settings = engine.settings
    return hotstuff.Config(
        settings.node,
        settings.replicas,
        settings.keys,
        settings.f,
        batch_max=settings.batch_max,
        request_bytes_max=settings.request_bytes_max,
        waiting_max=settings.waiting_max,
        retained=settings.window,
        multiplier_max=settings.multiplier_max,
        service=settings.service,
    )


@attrs.frozen
class HotStuffEngine:
    """HotStuff (`impl.hotstuff`); a place is the view of a committed block, so places have gaps.

    Args:
        settings: of the replica; `interval` has no meaning, and of committed blocks `window` are kept.

    Raises:
        InvalidConfig: as `impl.hotstuff.Config`.
    """

    settings: Settings
    config: hotstuff.Config = attrs.field(init=False, default=attrs.Factory(_config, takes_self=True))

    @property
    def name(self) -> str:
        """As `Engine`."""
        return "hotstuff"

    @property
    def messages(self) -> Collection[type[Any]]:
        """As `Engine`."""
        return SHAPES.messages

    def request_rejection(self, request: object) -> str:
        """As `Engine`."""
        return SHAPES.rejection(self.config, request)

    def first_start(self) -> hotstuff.Node:
        """As `Engine`."""
        return hotstuff.first_start(self.config)

    def recover(self, durable: hotstuff.Durable) -> hotstuff.Node:
        """As `Engine`."""
        return hotstuff.recover(self.config, durable)

    def step(self, replica: hotstuff.Node, inp: Input) -> tuple[hotstuff.Node, tuple[Effect, ...]]:
        """As `Engine`."""
        inputs: deque[hotstuff.Input] = deque([_input_of(inp)])
        effects: list[Effect] = []
        while inputs:
            replica, done = hotstuff.step(replica, inputs.popleft())
            for effect in done:
                match effect:
                    case hotstuff.Send(message=Reply() as reply, to=to):
                        effects.append(Said(reply, to))
                    case hotstuff.Send(message=message, to=to):
                        if to in (None, replica.name):
                            inputs.append(hotstuff.Receive(message))
                        if to != replica.name:
                            effects.append(Said(message, to))
                    case _:
                        effects += _others(effect)
            if not inputs and (batch := hotstuff.ready(replica)) is not None:
                inputs.append(hotstuff.Propose(batch))
        return replica, tuple(effects)

    def state(self, durable: hotstuff.Durable) -> State:
        """As `Engine`."""
        return durable.state

    def executed(self, replica: hotstuff.Node) -> int:
        """As `Engine`."""
        return view_of(replica.durable, replica.durable.committed)

    def decided(self, replica: hotstuff.Node, place: int) -> tuple[tuple[int, Batch], ...]:
        """As `Engine`."""
        found: list[tuple[int, Batch]] = []
        durable = replica.durable
        below = durable.committed
        for name, block in ancestors(durable, durable.committed):
            if block.view <= place:
                return tuple(reversed(found)) if block.view == place else ()
            found.append((block.view, block.batch))
            below = name
        first = durable.blocks.get(below)
        is_whole = first is None or (place == 0 and first.parent == replica.config.genesis)
        return tuple(reversed(found)) if is_whole else ()

    def leads(self, replica: hotstuff.Node) -> bool:
        """As `Engine`. Every replica leads in turn, with the requests that wait at it."""
        return replica.is_leader

    def is_waiting(self, replica: hotstuff.Node) -> bool:
        """As `Engine`."""
        return hotstuff.is_waiting(replica)

    def is_view_abandoned(self, replica: hotstuff.Node) -> bool:
        """As `Engine`. Never: a time-out is answered by the highest certificate, which helps to catch up."""
        del replica
        return False


def _input_of(inp: Input) -> hotstuff.Input:
    match inp:
        case Receive(message=message):
            return hotstuff.Receive(message)
        case ViewTimeout():
            return hotstuff.TimerFired()
        case Retransmit():
            return hotstuff.Retransmit()
        case _:
            assert_never(inp)


def _others(effect: hotstuff.Effect) -> list[Effect]:
    """The effects that are no messages, as the hybrid takes them."""
    match effect:
        case hotstuff.ResetTimer(multiplier=multiplier):
            return [Timer(multiplier)]
        case hotstuff.StopTimer():
            return [Timer(None)]
        case hotstuff.Refused():
            return [effect]
        case hotstuff.Equivocated(source=source, first=first, second=second):
            return [Convicting(source, (first, second))]
        case _:
            return []
