"""The manager: policy, routing, stand-ins, and the life of its engines."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from impl.manager.engines import Engine, State, checked_name
from impl.manager.errors import (
    BadEngine,
    BadOperation,
    EngineMissing,
    EngineUnavailable,
    NotHere,
    UnsafePolicy,
)
from impl.manager.operations import GUARANTEES, EngineName, Operation, is_stronger, route

__all__ = ["Manager", "Policy", "Submission"]


def _frozen(
    stands_in: Mapping[EngineName, Iterable[EngineName]],
) -> Mapping[EngineName, tuple[EngineName, ...]]:
    return {name: tuple(others) for name, others in stands_in.items()}


@attrs.frozen
class Policy:
    """The protocols that may stand in for others. All managers of a cluster have the same.

    Attributes:
        stands_in: for a protocol those that may stand in for it while it is unwell, the first that works
            first; none, unless given.
        bft: the protocol for what the tables give to PBFT: PBFT itself, or HotStuff.

    Raises:
        UnsafePolicy: one that stands in is weaker, or the same, or is no protocol; or `bft` is weaker than
            PBFT.
    """

    stands_in: Mapping[EngineName, tuple[EngineName, ...]] = attrs.field(factory=dict, converter=_frozen)
    bft: EngineName = EngineName.PBFT

    def __attrs_post_init__(self) -> None:
        if self.bft not in GUARANTEES or is_stronger(EngineName.PBFT, self.bft):
            raise UnsafePolicy(f"{self.bft!r} is weaker than PBFT, or no protocol: use EngineName.HOTSTUFF")
        for name, others in self.stands_in.items():
            for other in others:
                if name not in GUARANTEES or other not in GUARANTEES:
                    raise UnsafePolicy(
                        f"{other!r} for {name!r}: name protocols by EngineName, such as EngineName.RAFT"
                    )
                if not is_stronger(other, name):
                    raise UnsafePolicy(
                        f"{other.value} cannot stand in for {name.value}: "
                        f"it tolerates {GUARANTEES[other].tolerates}, "
                        f"and what is for {name.value} needs {GUARANTEES[name].tolerates} tolerated; "
                        "name only stronger ones"
                    )

    def route(self, kind: str) -> EngineName:
        """The protocol that operations of this type are for, in this cluster.

        Raises:
            BadOperation: as `impl.manager.route`.
        """
        name = route(kind)
        return self.bft if name is EngineName.PBFT else name


@attrs.frozen
class Submission:
    """The host's instruction for an operation.

    Attributes:
        engine: hand the input to the core of this protocol.
        input: what to hand it.
        stands_in_for: the protocol that the operation is for, if another one stands in for it.
    """

    engine: EngineName
    input: Any
    stands_in_for: EngineName | None = None


@attrs.frozen
class Manager:
    """Routes operations to engines. A value: `register` and `update` give another manager.

    Attributes:
        policy: who may stand in for whom; nobody, unless given.
        engines: the engines, by name.

    Raises:
        BadEngine: as `register`.
    """

    policy: Policy = attrs.field(factory=Policy)
    engines: Mapping[EngineName, Engine] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        for name, engine in self.engines.items():
            if checked_name(engine) is not name:
                raise BadEngine(f"an engine for {engine.name.value} is under the name {name}: use register")

    def register(self, engine: Engine) -> "Manager":
        """The manager with one more engine.

        Raises:
            BadEngine: it is no engine, one of its name is registered, or it does not promise what the
                protocol does.
        """
        name = checked_name(engine)
        if name in self.engines:
            raise BadEngine(
                f"an engine for {name.value} is registered already: use update to say how it is now"
            )
        return self._with(name, engine)

    def update(self, engine: Engine) -> "Manager":
        """The manager with an engine as it is now, after a step of its core.

        Raises:
            BadEngine: as for `register`, but that one of its name must be registered.
        """
        name = checked_name(engine)
        if name not in self.engines:
            raise BadEngine(f"no engine for {name.value} is registered: use register the first time")
        return self._with(name, engine)

    def submit(self, operation: Operation) -> Submission:
        """Route an operation: to which protocol it goes, and as what.

        Args:
            operation: what is to be agreed on, or made known.

        Returns:
            The engine that it is for, or one that may stand in for it, and the input for its core.

        Raises:
            BadOperation: it is no operation, or its type is nearly what a table has.
            EngineMissing: no engine is registered for the protocol that it is for.
            NotHere: another node takes it.
            EngineUnavailable: the protocol is unwell, and nothing may stand in for it, or nothing that is
                well.
        """
        if not isinstance(operation, Operation):
            raise BadOperation(f"{operation!r} is no operation: make an Operation of a type and data")
        meant = self.policy.route(operation.type)
        chosen = self._engine_for(meant, operation)
        if chosen.name is not meant and not is_stronger(chosen.name, meant):
            raise UnsafePolicy(f"{operation.type!r} is for {meant.value} and would go to {chosen.name.value}")
        return Submission(chosen.name, chosen.submit(operation), None if chosen.name is meant else meant)

    def _engine_for(self, meant: EngineName, operation: Operation) -> Engine:
        engine = self.engines.get(meant)
        if engine is None:
            there = ", ".join(name.value for name in self.engines) or "none"
            raise EngineMissing(
                f"{operation.type!r} is for {meant.value}, and no engine for it is registered (registered: "
                f"{there}). Register one by Manager.register, or submit it where {meant.value} runs"
            )
        health = engine.health()
        if health.state is State.WELL:
            return engine
        if health.state is State.ELSEWHERE:
            raise NotHere(
                f"{operation.type!r} is for {meant.value}, which another node serves: {health.reason}. "
                "Submit it there"
            )
        for name in self.policy.stands_in.get(meant, ()):
            other = self.engines.get(name)
            if other is not None and other.health().state is State.WELL:
                return other
        raise EngineUnavailable(
            f"{operation.type!r} is for {meant.value}, which is unwell ({health.reason}), "
            f"and {self._why_nobody(meant)}. Try again later"
        )

    def _why_nobody(self, meant: EngineName) -> str:
        if not any(is_stronger(name, meant) for name in EngineName):
            return "nothing weaker may stand in for it"
        others = self.policy.stands_in.get(meant, ())
        if not others:
            return "the policy has nothing stand in for it"
        return f"{' and '.join(other.value for other in others)}, which may stand in for it, cannot either"

    def _with(self, name: EngineName, engine: Engine) -> "Manager":
        return attrs.evolve(self, engines={**self.engines, name: engine})
