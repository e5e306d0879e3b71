"""Wrong models of `models.raft_log` on three servers: behaviours that end where a property is broken.

A counterexample to induction need not be reached; these behaviours are. Which actions happen, one after the
other, is given, and who takes them and with what is left to Z3. The right model has no violation in the same
schedule, whoever acts.
"""

import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
import z3

from impl.quorum import majority
from models.raft_log import Fault, Sorts, goals, logs
from tlacheck import itf
from tlacheck.smt import (
    Action,
    Clause,
    Expression,
    Result,
    TransitionSystem,
    Variable,
    View,
    bounded,
    enumeration,
)
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["SCENARIOS", "Scenario", "behaviours_found", "cluster", "scheduled"]

_ELECTION: Final = ("Timeout", "GrantVote", "WinElection")
_LEADER: Final = (*_ELECTION, "BecomeLeader")
_REPLICATED: Final = ("StoreEntries", "ConfirmEntries", "Commit")


def cluster(servers: int, terms: int, indices: int, *, fault: Fault | None = None) -> TransitionSystem:
    """The model with so many servers, their majorities, the terms and indices from 0 to these, one value."""
    names = [f"n{number}" for number in range(1, servers + 1)]
    groups = list(itertools.combinations(names, majority(servers)))
    sorts = Sorts(
        server=enumeration("Server", names),
        quorum=enumeration("Quorum", ["+".join(group) for group in groups]),
        term=enumeration("Term", [f"t{number}" for number in range(terms + 1)]),
        index=enumeration("Index", [f"k{number}" for number in range(indices + 1)]),
        value=enumeration("Value", ["v"]),
    )
    members, quorums = sorts.server.elements or (), sorts.quorum.elements or ()
    ranks, places = sorts.term.elements or (), sorts.index.elements or ()

    def concrete(s: View) -> Any:
        return z3.And(
            s.zero == ranks[0],
            s.start == places[0],
            *_ordered(s.le, ranks),
            *_ordered(s.upto, places),
            *(
                s.member(m, q) == z3.BoolVal(name in group)
                for (name, m), (group, q) in itertools.product(
                    zip(names, members, strict=True), zip(groups, quorums, strict=True)
                )
            ),
        )

    return logs(sorts, fault=fault, axioms=[Clause("Concrete", concrete)])


def _ordered(le: Callable[..., Expression], elements: Sequence[Expression]) -> list[Expression]:
    return [
        le(one, other) == z3.BoolVal(before <= after)
        for (before, one), (after, other) in itertools.product(enumerate(elements), repeat=2)
    ]


def scheduled(system: TransitionSystem, schedule: Sequence[str]) -> TransitionSystem:
    """The behaviours of a system whose actions are, in order, those of the schedule.

    Its variable `clock` says how many have happened.
    """
    step = enumeration("Step", [f"s{number}" for number in range(len(schedule) + 1)])
    ticks = step.elements or ()

    def timed(action: Action) -> Action:
        at = [number for number, name in enumerate(schedule) if name == action.name]

        def relation(before: View, after: View, *parameters: Expression) -> Expression:
            due = [z3.And(before.clock == ticks[k], after.clock == ticks[k + 1]) for k in at]
            return z3.And(z3.Or(*due), action.relation(before, after, *parameters))

        # The declaration is checked against the names that a relation takes.
        relation.__signature__ = inspect.signature(action.relation)  # type: ignore[attr-defined]  # a function
        return attrs.evolve(action, changes=(*action.changes, "clock"), relation=relation)

    return attrs.evolve(
        system,
        variables=(*system.variables, Variable("clock", (), step)),
        initial=lambda s: z3.And(system.initial(s), s.clock == ticks[0]),
        actions=[timed(action) for action in system.actions if action.name in schedule],
    )


@attrs.frozen(kw_only=True)
class Scenario:
    """A way in which a wrong model breaks a property.

    Attributes:
        fault: what is wrong with the model.
        breaks: the property that is broken.
        schedule: the actions, in order.
        terms: the greatest term.
        indices: the greatest index.
    """

    fault: Fault
    breaks: str
    schedule: tuple[str, ...]
    terms: int
    indices: int

    def run(self, *, fault: Fault | None, timeout_seconds: float = 100) -> Result:
        """Look for the behaviour in the model with this fault, which may be another one or none."""
        system = cluster(3, self.terms, self.indices, fault=fault)
        sorts = {sort.name: sort for variable in system.variables for sort in variable.arguments}
        named = Sorts(**{name.lower(): sort for name, sort in sorts.items()})
        clauses = {clause.name: clause for clause in (*system.properties, *goals(named))}
        return bounded(
            scheduled(system, self.schedule),
            clauses[self.breaks],
            len(self.schedule),
            timeout_seconds=timeout_seconds,
        )


#: A vote that a restart forgets elects two leaders; a vote for a log that lacks what is committed elects a leader
#: without it; an entry behind another one than the leader's makes logs that match at an index and not below.
SCENARIOS: Final = (
    Scenario(
        fault=Fault.VOTE_NOT_DURABLE,
        breaks="ElectionSafety",
        schedule=(*_ELECTION, "Restart", *_ELECTION),
        terms=1,
        indices=0,
    ),
    Scenario(
        fault=Fault.VOTES_IGNORING_LOGS,
        breaks="LeaderCompleteness",
        schedule=(*_LEADER, "ClientRequest", *_REPLICATED, "MeetTerm", *_LEADER),
        terms=2,
        indices=1,
    ),
    Scenario(
        fault=Fault.SKIPS_THE_CHECK,
        breaks="LogMatching",
        schedule=(*_LEADER, "ClientRequest", *_LEADER, "ClientRequest", "ClientRequest", "StoreEntries"),
        terms=2,
        indices=2,
    ),
)


def behaviours_found(context: Context) -> Outcome:
    """Each scenario is a behaviour of its wrong model, and none of the right one in the same schedule.

    The behaviours are left in the folder of the check.
    """
    lines, surviving, open_ = [], [], []
    for scenario in SCENARIOS:
        context.progress(scenario.fault.value)
        wrong, right = scenario.run(fault=scenario.fault), scenario.run(fault=None)
        lines.append(f"{scenario.fault.value}: {wrong.verdict}; without that: {right.verdict}")
        if wrong.trace is not None:
            itf.write(
                wrong.trace, context.folder / f"{scenario.fault.name.lower().replace('_', '-')}.itf.json"
            )
        if Kind.UNKNOWN in (wrong.verdict.kind, right.verdict.kind):
            open_.append(scenario.fault.value)
        elif not wrong.verdict.is_violated or right.verdict.is_violated:
            surviving.append(scenario.fault.value)
    verdict = Verdict.proved()
    if surviving:
        verdict = Verdict.violated("BehavioursFound", f"not so: {'; '.join(surviving)}")
    elif open_:
        verdict = Verdict.unknown(f"no answer in time: {'; '.join(open_)}")
    figures = {
        "scenarios": len(SCENARIOS),
        "as_expected": len(SCENARIOS) - len(surviving) - len(open_),
    }
    return Outcome(verdict=verdict, figures=figures, message="\n".join(lines))
