"""`SpecMachine`: a Hypothesis state machine made from a spec and a system.

Each action of the spec, faults included, is a rule; the oracle says which are enabled and with which
arguments, and judges each step. So Hypothesis chooses among the behaviours of the spec, leaves whole
kinds of actions out of some runs (swarm testing), and shrinks a failing run to one that is still a
behaviour. Add your own rules and invariants beside them:

    class TallyMachine(SpecMachine):
        spec = Spec.load("Tally.tla")
        required = frozenset({"Raise", "Reset"})

        def make_system(self) -> System:
            return Tally()

        @rule(by=st.integers(1, 3))
        def raise_twice(self, by: int) -> None:
            self.perform("Raise", by=by)
            self.perform("Raise", by=by)

        @invariant()
        def is_small(self) -> None:
            assert self.state["total"] < 10

    TestTally = TallyMachine.TestCase

The spec is loaded when the machine first runs, not when its module is imported. The rule of an action
has the action's name; a method of that name in the class replaces it. `perform` takes any step, even
one that the rules would not choose; the spec judges it as well.

A failing run is written to `<traces>/<class>.itf.json` before it is reported. Hypothesis ends with the
shortest failing run, and so does the file. A run of many examples that never took an action of
`required` proves nothing and fails as `Vacuous`.
"""

import functools
import unittest
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Self, TypeVar

import attrs
import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.conform.lockstep import Diverged, Lockstep
from tlacheck.conform.system import NotPossible, System
from tlacheck.errors import ConfigError
from tlacheck.tlc.oracle import OracleState, SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State, Trace
from tlacheck.values import Value, to_tla

__all__ = ["SpecMachine", "Tally", "Vacuous", "run", "spec_machine"]

#: Names that Hypothesis' state machine uses itself; the rule of an action with such a name ends in
#: `_`.
_TAKEN: Final = frozenset(
    {
        *dir(RuleBasedStateMachine),
        "rules",
        "invariants",
        "bundles",
        "names_counters",
        "names_list",
        "names_to_values",
    }
)


_T = TypeVar("_T")


#: The rule that is left when the spec allows no step.
_OVER: Final = "nothing_is_enabled"


class Vacuous(AssertionError):
    """No example took some of the required actions, so a pass says nothing about them.

    Usual causes: too few examples or steps; an action that the bounds of the configuration exclude.

    Attributes:
        missing: the actions that no example took.
    """

    def __init__(self, machine: str, missing: tuple[str, ...], tally: "Tally") -> None:
        self.missing = missing
        super().__init__(
            f"{machine}: {tally.examples} examples of {tally.steps:,} steps in all never took "
            f"{', '.join(missing)}; try more examples or more steps"
        )


@attrs.define
class Tally:
    """Counts over the examples of one Hypothesis run.

    Attributes:
        examples: how many there were, those of shrinking included.
        steps: the number of spec steps in all of them.
        actions: how often each action was taken.
        failure: the last failing run, which is the shortest once Hypothesis is done.
        path: the file that it was written to.
    """

    examples: int = 0
    steps: int = 0
    actions: Counter[str] = attrs.field(factory=Counter)
    failure: Trace | None = None
    path: Path | None = None


@attrs.frozen(repr=False)
class _Call:
    """The arguments of an action, as Hypothesis prints them."""

    arguments: immutabledict[str, Value]

    def __repr__(self) -> str:
        return f"[{', '.join(f'{name} |-> {to_tla(value)}' for name, value in self.arguments.items())}]"


@functools.cache
def _oracle(spec: Spec) -> SpecOracle:
    """Return the oracle of a spec, loaded once per process."""
    return SpecOracle(spec)


class _TestCase:
    """The unittest `TestCase` of a machine, as Hypothesis' machines have one; created once per class."""

    def __get__(self, _: object, machine: type["SpecMachine"]) -> type[unittest.TestCase]:
        return _test_case(machine)


class SpecMachine(RuleBasedStateMachine):
    """One run of a system in lockstep with its spec; Hypothesis chooses the steps.

    Attributes:
        spec: the spec; it must have an initial state that the system can start in.
        required: the actions that some example must take.
        traces: the folder for the traces of failing runs.
        command: the command that repeats a failing run, for its trace and message.
        tally: what the examples came to so far.
    """

    spec: ClassVar[Spec]
    required: ClassVar[frozenset[str]] = frozenset()
    traces: ClassVar[Path] = Path(".tlacheck")
    command: ClassVar[str] = ""
    tally: ClassVar[Tally] = Tally()

    TestCase = _TestCase()  # type: ignore[assignment]  # Hypothesis types its own descriptor as a class

    def __new__(cls) -> Self:
        """Create a machine; its class gets its rules now, because they need a JVM."""
        if "_actions" not in vars(cls):
            cls._actions = _add_rules(cls)
        return super().__new__(cls)

    _actions: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        super().__init__()
        self.tally.examples += 1
        self._enabled_in: OracleState | None = None
        self._enabled: Mapping[str, list[_Call]] = {}
        self.system = self.make_system()
        self.lockstep = self._watched(
            lambda: Lockstep(self.system, self.oracle(), command=self.command, seed=None)
        )

    # --- defined by subclasses

    def make_system(self) -> System:
        """Create a fresh system. Each machine defines it."""
        raise ConfigError(f"{type(self).__name__} defines no make_system(): return a fresh system from it")

    @classmethod
    def oracle(cls) -> SpecOracle:
        """Return the oracle that judges; by default that of `spec`, shared within the process."""
        if not hasattr(cls, "spec"):
            raise ConfigError(f"{cls.__name__} has no `spec`: set it to Spec.load(MODULE, CONFIG)")
        return _oracle(cls.spec)

    # --- used by subclasses

    @property
    def state(self) -> State:
        """The state that the system shows now."""
        return self.lockstep.state

    def perform(self, action: str, **arguments: Value) -> State:
        """Take one step on both sides, enabled or not.

        Returns:
            What the system shows after it.

        Raises:
            Diverged: if the spec has no such step from here, the system cannot take it, or it leads
                elsewhere.
        """
        return self._watched(lambda: self._take(action, immutabledict(arguments)))

    def fail(self, prop: str, *explanation: str) -> None:
        """End the run because a property of your own is violated.

        Raises:
            Diverged: always.
        """
        self._watched(lambda: self.lockstep.fail(prop, explanation))

    # --- implementation

    def _take(self, action: str, arguments: immutabledict[str, Value]) -> State:
        try:
            after = self.lockstep.perform(action, arguments)
        except NotPossible as refusal:
            if self.oracle().successors(self.lockstep.spec_state, action, arguments):
                self.lockstep.fail(
                    f"conforms to {self.oracle().spec.path.stem}",
                    (f"the spec takes {action}, the system cannot: {refusal}",),
                )
            raise
        self.tally.steps += 1
        self.tally.actions[action] += 1
        return after

    def _calls(self, action: str) -> list[_Call]:
        """List the arguments with which the spec allows an action now."""
        if self._enabled_in is not self.lockstep.spec_state:
            self._enabled_in = self.lockstep.spec_state
            calls: dict[str, dict[_Call, None]] = {}
            for step in self.oracle().successors(self._enabled_in):
                calls.setdefault(step.action, {})[_Call(step.arguments)] = None
            self._enabled = {name: list(found) for name, found in calls.items()}
        return self._enabled.get(action, [])

    def _is_over(self) -> bool:
        """Return whether the spec allows no step at all."""
        self._calls("")
        return not self._enabled

    def _watched(self, what: Callable[[], _T]) -> _T:
        """Call the function; if the run fails, write its trace first."""
        try:
            return what()
        except Diverged as failure:
            path = self.traces / f"{type(self).__name__}.itf.json"
            itf.write(failure.trace, path)
            self.tally.failure, self.tally.path = failure.trace, path
            failure.path = path
            failure.add_note(f"trace:   {path}\ninspect: tlacheck trace show {path}")
            if self.command:
                failure.add_note(f"repeat:  {self.command}")
            raise


def _add_rules(machine: type[SpecMachine]) -> tuple[str, ...]:
    """Add a rule for each action unless the machine has a method of that name; return the actions' names."""
    oracle = machine.oracle()
    actions = oracle.step_names
    if actions is None:
        raise ConfigError(
            f"the steps of {oracle.spec.path.name} bear names that nobody knows before they are taken: "
            "call each action of its next-state relation <Name>Event, if it records `event`"
        )
    if strangers := sorted(machine.required - set(actions)):
        raise ConfigError(
            f"{machine.__name__}.required names {', '.join(strangers)}; the actions of "
            f"{oracle.spec.path.name} "
            f"are {', '.join(actions)}"
        )
    for action in actions:
        name = f"{action}_" if action in _TAKEN else action
        if not hasattr(machine, name):
            setattr(machine, name, _rule(action, name))
    setattr(machine, _OVER, _nothing_is_enabled())
    return actions


def _rule(action: str, name: str) -> Callable[..., None]:
    def take(self: SpecMachine, arguments: _Call) -> None:
        self._watched(lambda: self._take(action, arguments.arguments))

    take.__name__ = take.__qualname__ = name
    take.__doc__ = f"The action {action} of the spec, with arguments for which it is enabled."
    enabled = st.runner().flatmap(lambda self: st.sampled_from(self._calls(action)))
    made: Callable[..., None] = rule(arguments=enabled)(take)
    allowed: Callable[..., None] = precondition(lambda self: bool(self._calls(action)))(made)
    return allowed


def _nothing_is_enabled() -> Callable[..., None]:
    """Create the rule for the end of a behaviour: Hypothesis demands that some rule is enabled."""

    def nothing_is_enabled(_: SpecMachine) -> None:
        """Do nothing: the behaviour is over."""

    made: Callable[..., None] = precondition(lambda self: self._is_over())(rule()(nothing_is_enabled))
    return made


def spec_machine(
    spec: Spec,
    make_system: Callable[[], System],
    *,
    required: frozenset[str] = frozenset(),
    name: str | None = None,
) -> type[SpecMachine]:
    """Create a machine without rules of your own.

    Args:
        spec: the spec.
        make_system: makes a fresh system.
        required: the actions that some example must take.
        name: the name of the class; by default that of the spec with `Machine` behind it.
    """
    return type(
        name or f"{spec.module}Machine",
        (SpecMachine,),
        {"spec": spec, "required": required, "make_system": lambda _: make_system()},
    )


def run(machine: type[SpecMachine], *, seed: int | None = None, limits: settings | None = None) -> Tally:
    """Run a machine as `machine.TestCase` does.

    Args:
        machine: the machine.
        seed: Hypothesis' seed; the same seed gives the same examples in a process that has imported the same
            modules (Hypothesis draws constants from their source).
        limits: Hypothesis' settings; by default those of `machine.TestCase`. Their deadline and health checks
            do not count: how long a step takes says something of TLC, and nothing of the system.

    Returns:
        What the examples came to.

    Raises:
        Diverged: the shortest failing run that Hypothesis found.
        Vacuous: no example took some action of `machine.required`.
        ConfigError: the machine lacks something.
    """
    machine.tally = tally = Tally()
    given = limits or vars(_test_case(machine))["settings"]
    run_state_machine_as_test(
        machine if seed is None else hypothesis.seed(seed)(machine),
        settings=settings(given, deadline=None, suppress_health_check=list(HealthCheck)),
    )
    if missing := tuple(sorted(name for name in machine.required if not tally.actions[name])):
        raise Vacuous(machine.__name__, missing, tally)
    return tally


@functools.cache
def _test_case(machine: type[SpecMachine]) -> type[unittest.TestCase]:
    def test_run(self: Any) -> None:
        run(machine, limits=self.settings)

    return type(
        f"{machine.__name__}TestCase",
        (unittest.TestCase,),
        {
            "runTest": test_run,
            "settings": settings(deadline=None, suppress_health_check=list(HealthCheck)),
            "__module__": machine.__module__,
            "__doc__": machine.__doc__,
        },
    )
