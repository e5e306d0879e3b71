"""Scenarios: behaviours along a schedule that a wrong model has and a right one never does.

A counterexample to induction need not be reachable. These behaviours are reachable, from the initial
state of a small instance, and they are what a paper draws to explain a rule by its absence.

`scenarios_found` makes scenarios one check of `tlacheck verify`.
"""

import enum
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

import attrs

from tlacheck.smt._checks import judged, kept
from tlacheck.smt.result import Result
from tlacheck.smt.scheduled import scheduled
from tlacheck.smt.system import TransitionSystem
from tlacheck.verdict import Kind
from tlacheck.verify import Context, Outcome

__all__ = ["Scenario", "scenarios_found"]

FaultT = TypeVar("FaultT", bound=enum.Enum)


def _names(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


@attrs.frozen(kw_only=True)
class Scenario(Generic[FaultT]):
    """A way in which a wrong model breaks a property.

    Attributes:
        fault: what is wrong; its value says so in words.
        breaks: the property that is broken, by its name in the model.
        schedule: the actions, in order. Who takes them is left open.
        model: from a fault, or None for the right one, to a small instance of the model.
        timeout_seconds: how long Z3 may take for each of the two models.
    """

    fault: FaultT
    breaks: str
    schedule: tuple[str, ...] = attrs.field(converter=_names)
    model: Callable[[FaultT | None], TransitionSystem] = attrs.field(eq=False, repr=False)
    timeout_seconds: float = 100

    def run(self, fault: FaultT | None) -> Result:
        """Look for such a behaviour in the model with this fault, which may be another one or none."""
        return scheduled(self.model(fault), self.breaks, self.schedule, timeout_seconds=self.timeout_seconds)


def scenarios_found(context: Context, scenarios: Sequence[Scenario[FaultT]]) -> Outcome:
    """Check that each scenario is a behaviour of its wrong model, and of the right one in no case.

    The behaviours are left in the folder of the check.
    """
    lines, otherwise, unanswered = [], [], []
    for scenario in scenarios:
        context.progress(scenario.fault.value)
        wrong, right = scenario.run(scenario.fault), scenario.run(None)
        lines.append(f"{scenario.fault.value}: {wrong.verdict}; without that: {right.verdict}")
        kept(context, scenario.fault.name.lower(), wrong.trace)
        if Kind.UNKNOWN in (wrong.verdict.kind, right.verdict.kind):
            unanswered.append(scenario.fault.value)
        elif not wrong.verdict.is_violated or right.verdict.is_violated:
            otherwise.append(scenario.fault.value)
    return Outcome(
        verdict=judged("BehavioursFound", wrong=otherwise, complaint="not so:", unanswered=unanswered),
        figures={
            "scenarios": len(scenarios),
            "as_expected": len(scenarios) - len(otherwise) - len(unanswered),
        },
        message="\n".join(lines),
    )
