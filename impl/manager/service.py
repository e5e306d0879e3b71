"""The manager in operation: engines that start, drain and stop, with health and metrics of each. MANAGER-2.

A `Service` is a value around a `Manager`. It numbers what is submitted, and the host says what became of it
(`finished`). An engine that drains takes nothing more, and is stopped once nothing is open; whoever stops it
before is told what is open: its outcome is unknown, and it may still be decided.

| phase      | takes operations | what is open there                      | leads to   |
|------------|------------------|-----------------------------------------|------------|
| `STOPPED`  | no               | nothing: its outcome is known or unknown | `RUNNING`  |
| `RUNNING`  | yes              | goes on                                 | `DRAINING` |
| `DRAINING` | no               | goes on, and ends the phase             | `STOPPED`  |

While an engine does not run, the policy's stronger ones stand in for it, as if it were unwell.
"""

import enum
from collections.abc import Mapping
from typing import Any, Self, TypeVar

import attrs

from impl.manager.core import Manager, Submission
from impl.manager.engines import Engine, Health, State
from impl.manager.errors import BadEngine, EngineUnavailable, ManagerError, UnknownTicket
from impl.manager.operations import GUARANTEES, EngineName, Guarantee, Operation

__all__ = ["EngineStatus", "Metrics", "Phase", "Result", "Service", "Ticket"]


class Phase(enum.Enum):
    """The phase of an engine's life."""

    STOPPED = "stopped"
    RUNNING = "running"
    DRAINING = "draining"


class Result(enum.Enum):
    """The result of an operation, as its host knows it."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@attrs.frozen
class Ticket:
    """An operation that was handed to an engine.

    Attributes:
        number: counts the operations of this service.
        operation: the operation.
        submission: what to hand to which core.
    """

    number: int
    operation: Operation
    submission: Submission


@attrs.frozen
class Metrics:
    """The operations of an engine, counted.

    Attributes:
        submitted: handed to it.
        stood_in: of these, meant for an engine that it stood in for.
        refused: meant for it, and handed to nobody.
        done: that it carried out.
        failed: that it did not carry out.
        unknown: whose outcome nobody knows.
    """

    submitted: int = 0
    stood_in: int = 0
    refused: int = 0
    done: int = 0
    failed: int = 0
    unknown: int = 0


@attrs.frozen
class EngineStatus:
    """An engine as an operator sees it.

    Attributes:
        phase: of its life.
        health: of its core; unwell if it does not run.
        guarantee: its promise.
        served_by: the engine that takes its operations at present; None if nobody does.
        degradation: what is different from its own service at present; empty if nothing is.
        open: how many operations it has not finished.
        metrics: its counts.
    """

    phase: Phase
    health: Health
    guarantee: Guarantee
    served_by: EngineName | None
    degradation: str
    open: int
    metrics: Metrics


@attrs.frozen
class _Idle:
    """An engine that takes nothing, in the place of one that does not run."""

    engine: Engine
    phase: Phase

    @property
    def name(self) -> EngineName:
        return self.engine.name

    @property
    def consistency(self) -> Any:
        return self.engine.consistency

    def submit(self, operation: Operation) -> Any:
        raise EngineUnavailable(f"{operation.type!r}: the engine for {self.name.value} is {self.phase.value}")

    def health(self) -> Health:
        return Health(State.UNWELL, f"its engine is {self.phase.value}")


@attrs.frozen
class Service:
    """A manager in operation.

    Attributes:
        manager: routes operations; its engines are in their present states.
        phases: of the engines; those that are registered and not here are stopped.
        open: number -> what was submitted and is not finished.
        metrics: of the engines.
        count: how many operations were submitted.
    """

    manager: Manager
    phases: Mapping[EngineName, Phase] = attrs.field(factory=dict)
    open: Mapping[int, Ticket] = attrs.field(factory=dict)
    metrics: Mapping[EngineName, Metrics] = attrs.field(factory=dict)
    count: int = 0

    # --- life

    def start(self, name: EngineName) -> Self:
        """The service with an engine that takes operations from now on.

        Raises:
            BadEngine: it is not registered, or it drains: let it stop first.
        """
        if self.phase(name) is Phase.DRAINING:
            raise BadEngine(f"the engine for {name.value} drains {len(self.open_at(name))}: stop it first")
        return attrs.evolve(self, phases={**self.phases, name: Phase.RUNNING})

    def drain(self, name: EngineName) -> Self:
        """The service with an engine that takes nothing more, and stops once all that is open is finished.

        Raises:
            BadEngine: it is not registered, or does not run.
        """
        if self.phase(name) is not Phase.RUNNING:
            now = self.phase(name).value
            raise BadEngine(f"the engine for {name.value} is {now}: only a running one drains")
        return _stopped_if_empty(attrs.evolve(self, phases={**self.phases, name: Phase.DRAINING}), name)

    def stop(self, name: EngineName) -> tuple[Self, tuple[Ticket, ...]]:
        """The service with an engine stopped now, and what was open there: nobody knows what becomes of it.

        Raises:
            BadEngine: it is not registered.
        """
        self.phase(name)
        left = self.open_at(name)
        after = self
        for ticket in left:
            after = after.finished(ticket.number, Result.UNKNOWN)
        return attrs.evolve(after, phases={**after.phases, name: Phase.STOPPED}), left

    def update(self, engine: Engine) -> Self:
        """The service with an engine as it is now, after a step of its core.

        Raises:
            BadEngine: as `Manager.update`.
        """
        return attrs.evolve(self, manager=self.manager.update(engine))

    # --- operations

    def submit(self, operation: Operation) -> tuple[Self, Ticket | ManagerError]:
        """Route an operation.

        Returns:
            The service after it, and either what to hand to which core, or why nobody takes it: any error of
            `Manager.submit`.
        """
        try:
            submission = self._present().submit(operation)
        except ManagerError as error:
            return self._refused(operation), error
        ticket = Ticket(self.count + 1, operation, submission)
        name = submission.engine
        counted = attrs.evolve(
            self._metrics(name),
            submitted=self._metrics(name).submitted + 1,
            stood_in=self._metrics(name).stood_in + (submission.stands_in_for is not None),
        )
        after = attrs.evolve(
            self,
            open={**self.open, ticket.number: ticket},
            metrics={**self.metrics, name: counted},
            count=ticket.number,
        )
        return after, ticket

    def finished(self, number: int, result: Result) -> Self:
        """The service after an operation was finished.

        Raises:
            UnknownTicket: nothing of that number is open.
        """
        ticket = self.open.get(number)
        if ticket is None:
            raise UnknownTicket(f"operation {number} is not open: it was finished, or never submitted")
        name = ticket.submission.engine
        field = result.value
        counted = attrs.evolve(self._metrics(name), **{field: getattr(self._metrics(name), field) + 1})
        left = {other: each for other, each in self.open.items() if other != number}
        after = attrs.evolve(self, open=left, metrics={**self.metrics, name: counted})
        return _stopped_if_empty(after, name)

    # --- what an operator sees

    def phase(self, name: EngineName) -> Phase:
        """The phase of an engine.

        Raises:
            BadEngine: it is not registered.
        """
        if name not in self.manager.engines:
            raise BadEngine(f"no engine for {name.value} is registered: use Manager.register first")
        return self.phases.get(name, Phase.STOPPED)

    def status(self) -> Mapping[EngineName, EngineStatus]:
        """The status of each registered engine."""
        return {name: self._status(name) for name in self.manager.engines}

    def _status(self, name: EngineName) -> EngineStatus:
        health = self._present().engines[name].health()
        served_by = name if health.state is not State.UNWELL else self._stand_in(name)
        if served_by is None:
            degradation = f"operations are refused: {health.reason}"
        elif served_by is not name:
            degradation = f"{served_by.value} stands in, which is stronger and dearer: {health.reason}"
        else:
            degradation = ""
        return EngineStatus(
            self.phase(name), health, GUARANTEES[name], served_by, degradation,
            len(self.open_at(name)), self._metrics(name),
        )  # fmt: skip

    def _stand_in(self, name: EngineName) -> EngineName | None:
        engines = self._present().engines
        others = self.manager.policy.stands_in.get(name, ())
        there = (other for other in others if other in engines)
        return next((other for other in there if engines[other].health().state is State.WELL), None)

    # --- inside

    def _present(self) -> Manager:
        """The manager, in which what does not run takes nothing."""
        engines = {
            name: engine if self.phase(name) is Phase.RUNNING else _Idle(engine, self.phase(name))
            for name, engine in self.manager.engines.items()
        }
        return attrs.evolve(self.manager, engines=engines)

    def _refused(self, operation: Operation) -> Self:
        try:
            name = self.manager.policy.route(operation.type)
        except (ManagerError, AttributeError):
            return self
        counted = attrs.evolve(self._metrics(name), refused=self._metrics(name).refused + 1)
        return attrs.evolve(self, metrics={**self.metrics, name: counted})

    def _metrics(self, name: EngineName) -> Metrics:
        return self.metrics.get(name, Metrics())

    def open_at(self, name: EngineName) -> tuple[Ticket, ...]:
        """The operations that an engine has not finished."""
        return tuple(ticket for ticket in self.open.values() if ticket.submission.engine is name)


_Service = TypeVar("_Service", bound=Service)


def _stopped_if_empty(service: _Service, name: EngineName) -> _Service:
    """A service in which a draining engine with nothing open is stopped."""
    if service.phases.get(name) is not Phase.DRAINING or service.open_at(name):
        return service
    return attrs.evolve(service, phases={**service.phases, name: Phase.STOPPED})
