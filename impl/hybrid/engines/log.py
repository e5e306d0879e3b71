"""The interface between the hybrid and its BFT protocol: an agreed log of commands.

The hybrid relies on three promises, whatever the protocol:

* **An agreed log.** Correct replicas execute the same batches of requests, in the same order, on the same
  service. Each batch has a place; places grow, and no replica goes back (`executed`, `decided`). In
  `specs/hybrid` this is `controlLog`, of which each replica knows a prefix; `PbftDecisions.tla` and
  `HotStuffDecisions.tla` show that both protocols are such a log (`Decisions.tla`).
* **Decisions are proved.** Every message of the engine proves what it says by signatures, so that the hybrid
  hands on what anybody sends (`step`). What convicts a replica goes to the guard (`Refused`, `Convicting`).
* **State transfer.** A replica that was left behind gets the state with its proof by messages of the engine,
  and executes from there on; it then skips the places between.

An engine is a function of its arguments: it keeps nothing.
"""

from collections.abc import Collection, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar

import attrs

from impl import hotstuff, pbft
from impl.common.identities import ClientId, NodeId
from impl.common.keys import Keys
from impl.common.requests import Batch, Request
from impl.common.results import Refused
from impl.common.service import Service, State
from impl.hybrid.inputs import Receive, Retransmit, ViewTimeout

__all__ = [
    "Convicting",
    "Effect",
    "Engine",
    "Input",
    "Refused",
    "Replica",
    "Said",
    "Settings",
    "Timer",
]


@attrs.frozen(kw_only=True)
class Settings:
    """The part of a hybrid replica's configuration that its engine needs; see `impl.hybrid.Config`."""

    node: NodeId
    replicas: tuple[NodeId, ...]
    keys: Keys = attrs.field(eq=False, repr=False)
    f: int
    window: int
    interval: int
    batch_max: int
    multiplier_max: int
    request_bytes_max: int
    waiting_max: int
    service: Service


class Replica(Protocol):
    """The state of the engine at one replica."""

    @property
    def durable(self) -> Any:
        """The part that survives a crash."""
        ...

    @property
    def waiting(self) -> Mapping[ClientId, Request]:
        """By client, the latest request that is not executed."""
        ...

    @property
    def multiplier(self) -> int:
        """The duration of the view timer, as a multiple of its basic duration."""
        ...


#: Inputs of the hybrid that the engine handles; what it receives is its message, or a request.
Input: TypeAlias = Receive | ViewTimeout | Retransmit


# --- effects --------------------------------------------------------------------------------------


@attrs.frozen
class Said:
    """A message to one replica or client, or with None to all others."""

    message: Any
    to: NodeId | ClientId | None = None


@attrs.frozen
class Timer:
    """The view timer restarts with so many times its basic duration; with None it stops."""

    multiplier: int | None


@attrs.frozen
class Convicting:
    """Two messages of one replica, of which a correct one signs at most one."""

    source: NodeId
    messages: tuple[Any, Any]


Effect: TypeAlias = Said | Timer | Refused | Convicting


# --- the engine -----------------------------------------------------------------------------------

R = TypeVar("R", bound=Replica)


class Engine(Protocol[R]):
    """A BFT protocol: pure, as the cores are."""

    @property
    def name(self) -> str:
        """The protocol's name in settings."""
        ...

    @property
    def config(self) -> pbft.Config | hotstuff.Config:
        """The protocol's own configuration; the guard examines evidence by it."""
        ...

    @property
    def messages(self) -> Collection[type[Any]]:
        """The types of the protocol's messages, requests and replies among them."""
        ...

    def request_rejection(self, request: object) -> str:
        """The reason why an object is no request in shape; empty if it is. Never raises."""
        ...

    def first_start(self) -> R:
        """A replica that starts for the first time."""
        ...

    def recover(self, durable: Any) -> R:
        """A replica as it recovers from a crash; it is handed `Retransmit` first."""
        ...

    def step(self, replica: R, inp: Input) -> tuple[R, tuple[Effect, ...]]:
        """One step, with what its primary or leader proposes then.

        Returns:
            The replica after the step, and its effects in order. The hybrid persists the durable state before
            it carries them out.
        """
        ...

    def state(self, durable: Any) -> State:
        """The state after all that is executed, of a durable state."""
        ...

    def executed(self, replica: R) -> int:
        """The place of the last batch that is executed; 0 before the first."""
        ...

    def decided(self, replica: R, place: int) -> tuple[tuple[int, Batch], ...]:
        """The decided batches behind a place with their places, in order and without a gap.

        Empty if the replica no longer has the first of them.
        """
        ...

    def leads(self, replica: R) -> bool:
        """True if the replica is the primary or leader of its view.

        It submits the commands of a switch; the others wait.
        """
        ...

    def is_waiting(self, replica: R) -> bool:
        """True if the view timer runs."""
        ...

    def is_view_abandoned(self, replica: R) -> bool:
        """True if another replica has told that it abandons the view of this one."""
        ...
