"""The consensus manager: which protocol an operation is for, and what happens if that one does not work. MANAGER-1, -2.

Theory of operation. A `Manager` is a value: a policy, and an engine for each protocol that runs here. An `Engine`
stands for the core of a protocol, as it is at one moment. To submit an operation is to be told what to hand to which
engine's core as its next input; the host does that, and says by `update` how the engine is afterwards.

**Routes.** A2 (adr-002, Protocol Selection Matrix and Decision) goes by operation, A102 (adr-102, Message Types) by
message. Both are data, `OPERATIONS` and `MESSAGES`; whatever is in neither is for gossip, as A2 has it. What is spelled
nearly like an entry is refused: `Model Update` is not to be gossiped for a capital letter.

| operation (A2)                        | message (A102)                                        | engine | guarantee |
|---------------------------------------|-------------------------------------------------------|--------|-----------|
| model update, security decision       |                                                       | PBFT   | strong, f < n/3 Byzantine |
| leader election, task coordination    | feature activation, dependency check, safe zone update | Raft   | strong, f < n/2 crashed |
| status update, metrics, anything else | Q-table sync, health heartbeat, pattern broadcast     | gossip | eventual |

**Degradation.** An engine that is unwell may be stood in for by one whose guarantee is stronger, if the policy has it;
never by a weaker one, and no policy can say so.

| for    | may stand in, if agreed | never        | without                                                  |
|--------|-------------------------|--------------|----------------------------------------------------------|
| PBFT   | nothing                 | Raft, gossip | refused: critical operations wait until PBFT works again |
| Raft   | PBFT                    | gossip       | refused                                                  |
| gossip | Raft, PBFT              |              | refused                                                  |

That Raft is stood in for is for the cluster to agree on: the policy is the same everywhere, for what PBFT orders meanwhile has
no place in Raft's log. An operation stays where it was handed to; who submits it again elsewhere may have it done twice. An
engine that is elsewhere, a Raft server that follows, is not unwell: the operation is for another server. And one
that is missing is a mistake of whoever set this up, and is not stood in for.
"""

import enum
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Final, Protocol, final, runtime_checkable

import attrs

from impl import pbft, raft

__all__ = [
    "DEFAULT",
    "GUARANTEES",
    "MESSAGES",
    "OPERATIONS",
    "BadEngine",
    "BadOperation",
    "Consistency",
    "Engine",
    "EngineMissing",
    "EngineName",
    "EngineUnavailable",
    "Guarantee",
    "Health",
    "Manager",
    "ManagerError",
    "NotHere",
    "Operation",
    "PbftEngine",
    "Policy",
    "RaftEngine",
    "State",
    "Submission",
    "UnsafePolicy",
    "route",
]


# --- what there is ------------------------------------------------------------------------------


class EngineName(enum.Enum):
    """The protocols."""

    PBFT = "PBFT"
    RAFT = "Raft"
    GOSSIP = "gossip"


class Consistency(enum.Enum):
    """The name that A102 gives it: whether all see the same order, or all see everything in the end."""

    STRONG = "strong"
    EVENTUAL = "eventual"


@attrs.frozen
class Guarantee:
    """The promise of a protocol.

    Attributes:
        strength: greater is stronger; what holds with less holds with more.
        consistency: strong or eventual.
        tolerates: which faults, in words.
    """

    strength: int
    consistency: Consistency
    tolerates: str


#: What each protocol promises: A2's column Fault Tolerance, and A102's column Consistency.
GUARANTEES: Final[Mapping[EngineName, Guarantee]] = {
    EngineName.GOSSIP: Guarantee(0, Consistency.EVENTUAL, "network partitions"),
    EngineName.RAFT: Guarantee(1, Consistency.STRONG, "crashes of f < n/2"),
    EngineName.PBFT: Guarantee(2, Consistency.STRONG, "Byzantine faults of f < n/3"),
}

#: A2, Protocol Selection Matrix, and the uses that its Decision and Use Case Analysis name.
OPERATIONS: Final[Mapping[str, EngineName]] = {
    "model update": EngineName.PBFT,
    "security decision": EngineName.PBFT,
    "leader election": EngineName.RAFT,
    "task coordination": EngineName.RAFT,
    "status update": EngineName.GOSSIP,
    "metrics": EngineName.GOSSIP,
}

#: A102, Message Types.
MESSAGES: Final[Mapping[str, EngineName]] = {
    "feature activation": EngineName.RAFT,
    "dependency check": EngineName.RAFT,
    "safe zone update": EngineName.RAFT,
    "Q-table sync": EngineName.GOSSIP,
    "health heartbeat": EngineName.GOSSIP,
    "pattern broadcast": EngineName.GOSSIP,
}

#: Where whatever is in neither table goes (A2, Integration Architecture: `else`).
DEFAULT: Final = EngineName.GOSSIP


# --- what can be wrong --------------------------------------------------------------------------


class ManagerError(Exception):
    """The error that the manager refuses something. Nothing was handed to any engine."""


class BadOperation(ManagerError, ValueError):
    """The error that this is no operation, or one whose type is nearly, and not quite, one of the tables.

    Usual causes: another spelling of a type, such as `Model Update` for `model update`; data that cannot be
    hashed, such as a list, which no log can hold.
    """


class BadEngine(ManagerError, ValueError):
    """The error that this cannot be registered: no engine, one of a name that is taken, or one that promises something else."""


class UnsafePolicy(ManagerError, ValueError):
    """A policy by which something weaker would stand in for a protocol."""


class EngineMissing(ManagerError, LookupError):
    """The operation is for a protocol that has no engine here.

    Usual cause: the manager was set up without it. Register one, or submit what is for it elsewhere.
    """


class EngineUnavailable(ManagerError, RuntimeError):
    """The protocol that the operation is for does not work just now, and nothing may stand in for it.

    Nothing was submitted: try again later. To let Raft be stood in for by PBFT, agree on a `Policy`.
    """


class NotHere(ManagerError, RuntimeError):
    """The protocol works, and another node takes its operations: submit it there."""


# --- operations and where they go ---------------------------------------------------------------


@attrs.frozen
class Operation:
    """Something that is to be agreed on, or made known.

    Attributes:
        type: what it is, by the tables of this module.
        data: what it says; hashable.

    Raises:
        BadOperation: the type is no text, or is empty, or the data cannot be hashed.
    """

    type: str
    data: Hashable = None

    def __attrs_post_init__(self) -> None:
        _check_type(self.type)
        try:
            frozenset((self.data,))
        except TypeError:
            raise BadOperation(
                f"the data of {self.type!r} is of {type(self.data).__name__}, which cannot be hashed: use a tuple for a "
                "list, a frozenset for a set"
            ) from None


def route(kind: str) -> EngineName:
    """The protocol that operations or messages of this type are for.

    Args:
        kind: the type, as the tables spell it, or any other.

    Returns:
        What the tables say; gossip for what they do not have.

    Raises:
        BadOperation: it is no text, or it is nearly what a table has.
    """
    _check_type(kind)
    if (name := _ROUTES.get(kind)) is not None:
        return name
    if (meant := _BY_SPELLING.get(_spelling(kind))) is not None:
        raise BadOperation(
            f"there is no type {kind!r}; write {meant!r}, which is for {_ROUTES[meant].value}. As it is spelled it would go "
            f"to {DEFAULT.value}"
        )
    return DEFAULT


_ROUTES: Final[Mapping[str, EngineName]] = {**OPERATIONS, **MESSAGES}


def _spelling(kind: str) -> str:
    """A type without what spellings differ in: capitals, blanks and other signs, and the plural of A2's matrix."""
    return "".join(letter for letter in kind.casefold() if letter.isalnum()).removesuffix("s")


_BY_SPELLING: Final[Mapping[str, str]] = {_spelling(kind): kind for kind in _ROUTES}


def _check_type(kind: object) -> None:
    if not isinstance(kind, str) or not kind.strip():
        raise BadOperation(f"{kind!r} is no type of an operation: use a text such as 'model update'")


# --- engines ------------------------------------------------------------------------------------


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
    """A protocol's core as it is at one moment, as the manager sees it."""

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
        """Return whether it takes operations."""
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
    request_for: Callable[[Operation], pbft.Request] = attrs.field(eq=False)

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
        """It is unwell while its replica is between views."""
        durable = self.node.durable
        if durable.changing:
            return Health(State.UNWELL, f"replica {self.node.config.node} waits for view {durable.view}")
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
        """A leader is well. A follower follows one, as far as it knows; a candidate knows that there is none."""
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


# --- the manager --------------------------------------------------------------------------------


def _frozen(
    stands_in: Mapping[EngineName, Iterable[EngineName]],
) -> Mapping[EngineName, tuple[EngineName, ...]]:
    return {name: tuple(others) for name, others in stands_in.items()}


@attrs.frozen
class Policy:
    """The protocols that may stand in for others. All managers of a cluster have the same.

    Attributes:
        stands_in: for a protocol those that may stand in for it while it is unwell, the first that works first;
            none, unless given.

    Raises:
        UnsafePolicy: one that stands in is weaker, or the same, or is no protocol.
    """

    stands_in: Mapping[EngineName, tuple[EngineName, ...]] = attrs.field(factory=dict, converter=_frozen)

    def __attrs_post_init__(self) -> None:
        for name, others in self.stands_in.items():
            for other in others:
                if name not in GUARANTEES or other not in GUARANTEES:
                    raise UnsafePolicy(
                        f"{other!r} for {name!r}: name protocols by EngineName, such as EngineName.RAFT"
                    )
                if not _is_stronger(other, name):
                    raise UnsafePolicy(
                        f"{other.value} cannot stand in for {name.value}: it tolerates {GUARANTEES[other].tolerates}, "
                        f"and what is for {name.value} needs {GUARANTEES[name].tolerates} tolerated; name only stronger ones"
                    )


def _is_stronger(one: EngineName, other: EngineName) -> bool:
    return GUARANTEES[one].strength > GUARANTEES[other].strength


@attrs.frozen
class Submission:
    """The task of the host with an operation.

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
            if _checked(engine) is not name:
                raise BadEngine(f"an engine for {engine.name.value} is under the name {name}: use register")

    def register(self, engine: Engine) -> "Manager":
        """The manager with one more engine.

        Raises:
            BadEngine: it is no engine, one of its name is registered, or it does not promise what the protocol does.
        """
        name = _checked(engine)
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
        name = _checked(engine)
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
            EngineUnavailable: the protocol is unwell, and nothing may stand in for it, or nothing that is well.
        """
        if not isinstance(operation, Operation):
            raise BadOperation(f"{operation!r} is no operation: make an Operation of a type and data")
        meant = route(operation.type)
        chosen = self._engine_for(meant, operation)
        if chosen.name is not meant and not _is_stronger(chosen.name, meant):
            raise UnsafePolicy(f"{operation.type!r} is for {meant.value} and would go to {chosen.name.value}")
        return Submission(chosen.name, chosen.submit(operation), None if chosen.name is meant else meant)

    def _engine_for(self, meant: EngineName, operation: Operation) -> Engine:
        engine = self.engines.get(meant)
        if engine is None:
            there = ", ".join(name.value for name in self.engines) or "none"
            raise EngineMissing(
                f"{operation.type!r} is for {meant.value}, and no engine for it is registered (registered: {there}). "
                f"Register one by Manager.register, or submit it where {meant.value} runs"
            )
        health = engine.health()
        if health.state is State.WELL:
            return engine
        if health.state is State.ELSEWHERE:
            raise NotHere(
                f"{operation.type!r} is for {meant.value}, which another node serves: {health.reason}. Submit it there"
            )
        for name in self.policy.stands_in.get(meant, ()):
            other = self.engines.get(name)
            if other is not None and other.health().state is State.WELL:
                return other
        raise EngineUnavailable(
            f"{operation.type!r} is for {meant.value}, which is unwell ({health.reason}), and {self._why_nobody(meant)}. "
            "Try again later"
        )

    def _why_nobody(self, meant: EngineName) -> str:
        if not any(_is_stronger(name, meant) for name in EngineName):
            return "nothing weaker may stand in for it"
        others = self.policy.stands_in.get(meant, ())
        if not others:
            return "the policy has nothing stand in for it"
        return f"{' and '.join(other.value for other in others)}, which may stand in for it, cannot either"

    def _with(self, name: EngineName, engine: Engine) -> "Manager":
        return attrs.evolve(self, engines={**self.engines, name: engine})


def _checked(engine: Any) -> EngineName:
    """The name of what is an engine, and promises what its protocol does."""
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
