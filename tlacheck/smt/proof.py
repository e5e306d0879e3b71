"""A proof for any size as checks of `tlacheck verify`, with checks that the proof is meaningful.

A proof may succeed because its model does little, or rest on clauses that nobody needs. A `Proof`
therefore provides four checks:

* `holds`: the properties of the model are an inductive invariant, and the consequences follow from it.
* `holds_by_cvc5`: the same, by another solver.
* `clauses_needed`: without any one of its clauses it is not inductive.
* `mutants_fail`: no wrong model is proved, one for each mistake of a list.

    PROOF = Proof(
        claim="Locks, any number of processes",
        model=lambda fault: lock(looks_first=fault is not Fault.TAKES_BLINDLY),
        faults=Fault,
        goals=["Exclusive"],
        command="python -m locks",
    )
    exclusive, clauses_needed, mutants_fail = PROOF.holds, PROOF.clauses_needed, PROOF.mutants_fail

`verify.toml` calls these by name; `tell` prints all of it for a reader.
"""

import enum
import re
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

import attrs

from tlacheck.smt import cvc5
from tlacheck.smt._checks import judged, kept
from tlacheck.smt._solver import TIMEOUT_SECONDS, Ask, ask
from tlacheck.smt._unroll import one_action
from tlacheck.smt.induction import implied, inductive
from tlacheck.smt.necessity import Necessity, Need, each_dropped
from tlacheck.smt.result import Result
from tlacheck.smt.system import Action, Clause, TransitionSystem
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["Proof"]

#: Z3's suffix of a variable's name, with another number each time.
_NUMBERED: Final = re.compile(r"![0-9]+")

FaultT = TypeVar("FaultT", bound=enum.Enum)


def _silent(_: str) -> None:
    pass


def _names(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


def _clauses(given: Iterable[Clause]) -> tuple[Clause, ...]:
    return tuple(given)


@attrs.frozen(kw_only=True)
class Proof(Generic[FaultT]):
    """An inductive invariant of a model, and wrong versions of that model.

    Attributes:
        claim: of what it is, for a reader: "Raft elections, any number of servers and terms".
        model: from a fault, or None for the right one, to the model; its properties are the invariant.
        faults: the mistakes; the value of each says what a wrong model does.
        goals: the properties that are to be proved; the others are there for these.
        consequences: what is to follow from the invariant in each state that satisfies it.
        timeout_seconds: how long Z3 may take for each question.
        command: what says all of it by hand.
    """

    claim: str
    model: Callable[[FaultT | None], TransitionSystem] = attrs.field(eq=False, repr=False)
    faults: type[FaultT]
    goals: tuple[str, ...] = attrs.field(converter=_names)
    consequences: tuple[Clause, ...] = attrs.field(default=(), converter=_clauses)
    timeout_seconds: float = TIMEOUT_SECONDS
    command: str = ""

    def attempt(
        self,
        fault: FaultT | None = None,
        *,
        solver: Ask = ask,
        on_progress: Callable[[str], None] = _silent,
    ) -> Result:
        """Try the whole invariant; for a wrong model, stop at the first obligation that fails.

        A wrong model's changed actions come first: something fails there.
        """
        system = self.model(fault)
        if fault is not None:
            system = _changed_first(system, self.model(None))
        return inductive(
            system,
            system.properties,
            timeout_seconds=self.timeout_seconds,
            solver=solver,
            stop_early=fault is not None,
            on_progress=on_progress,
        )

    def followed(self, *, solver: Ask = ask) -> tuple[Result, ...]:
        """Check whether each consequence follows from the invariant: a result for each."""
        system = self.model(None)
        return tuple(
            implied(system, system.properties, one, timeout_seconds=self.timeout_seconds, solver=solver)
            for one in self.consequences
        )

    def needs(self, *, on_progress: Callable[[str], None] = _silent) -> tuple[Necessity, ...]:
        """Drop each clause but the goals in turn."""
        system = self.model(None)
        return each_dropped(
            system,
            system.properties,
            goals=self.goals,
            timeout_seconds=self.timeout_seconds,
            on_progress=on_progress,
        )

    def holds(self, context: Context) -> Outcome:
        """Check that each action keeps each clause of the invariant, and that the consequences follow.

        A counterexample to induction is left in the folder of the check.
        """
        return self._held(context, ask)

    def holds_by_cvc5(self, context: Context) -> Outcome:
        """Check the same as `holds` by cvc5; it leaves no counterexample."""
        return self._held(context, cvc5.ask)

    def _held(self, context: Context, solver: Ask) -> Outcome:
        result, follow = (
            self.attempt(solver=solver, on_progress=context.progress),
            self.followed(solver=solver),
        )
        missing = [one for one in follow if one.verdict.kind is not Kind.PROVED]
        verdict = result.verdict
        if verdict.kind is Kind.PROVED and missing:
            names = ", ".join(one.clauses[0].name for one in missing)
            verdict = Verdict.unknown(f"the invariant holds, and {names} does not follow from it")
        traces = [one.trace for one in (result, *missing) if one.trace is not None]
        figures = {"clauses": len(result.clauses), "obligations": len(result.obligations)}
        if follow:
            figures["consequences"] = len(follow) - len(missing)
        return Outcome(
            verdict=verdict,
            figures=figures,
            trace=kept(context, "not-inductive", traces[0] if traces else None),
            message="\n".join(
                [
                    *(f"{one.name}: {one.verdict}" for one in result.failing),
                    *(f"{one.clauses[0].name}: {one.verdict}" for one in missing),
                ]
            ),
            command=self.command,
        )

    def clauses_needed(self, context: Context) -> Outcome:
        """Check that every clause is needed: without it there is a counterexample to induction.

        The counterexamples are left in the folder of the check. A redundant clause is a
        violation: remove it.
        """
        found = self.needs(on_progress=context.progress)
        for one in found:
            if one.witness is not None:
                kept(context, f"without-{one.clause.name}", one.witness.trace)
        redundant = [one.clause.name for one in found if one.need is Need.REDUNDANT]
        unanswered = [one.clause.name for one in found if one.need is Need.UNKNOWN]
        return Outcome(
            verdict=judged(
                "ClausesAreNeeded",
                wrong=redundant,
                complaint="the proof does without",
                unanswered=unanswered,
            ),
            figures={
                "needed": len(found) - len(redundant) - len(unanswered),
                "redundant": len(redundant),
                "unknown": len(unanswered),
            },
            message="\n".join(map(_in_words, found)),
            command=self.command,
        )

    def mutants_fail(self, context: Context) -> Outcome:
        """Check that each wrong model has a step that breaks the invariant, in an unchanged proof.

        The steps are left in the folder of the check.
        """
        lines, proved, unanswered = [], [], []
        for fault in self.faults:
            context.progress(fault.value)
            result = self.attempt(fault)
            lines.append(f"{fault.value}: {result.verdict}")
            if result.verdict.kind is Kind.PROVED:
                proved.append(fault.value)
            elif kept(context, fault.name.lower(), result.trace) is None:
                unanswered.append(fault.value)
        return Outcome(
            verdict=judged(
                "MutantsFail", wrong=proved, complaint="proved all the same:", unanswered=unanswered
            ),
            figures={
                "wrong_models": len(self.faults),
                "failed": len(self.faults) - len(proved) - len(unanswered),
            },
            message="\n".join(lines),
            command=self.command,
        )

    def tell(self, say: Callable[[str], object]) -> bool:
        """Print the result of the proof, what it needs its clauses for, and how the wrong models fail.

        Args:
            say: takes each line as soon as it is known.

        Returns:
            Whether all is as it should be.
        """
        result = self.attempt()
        say(f"{self.claim}: {result.verdict}")
        is_fine = result.verdict.kind is Kind.PROVED
        for one in self.followed():
            follows = one.verdict.kind is Kind.PROVED
            is_fine &= follows
            say(f"{one.clauses[0].name} {'follows' if follows else f'does not follow: {one.verdict}'}")
        for necessity in self.needs():
            is_fine &= necessity.need is Need.NEEDED
            say(_in_words(necessity))
        for fault in self.faults:
            failed = self.attempt(fault)
            is_fine &= failed.trace is not None
            say(f"{fault.value}: {failed.verdict}")
        return is_fine


def _in_words(one: Necessity) -> str:
    witness = f": without it, {one.witness.name} fails" if one.witness is not None else ""
    return f"{one.clause.name} is {one.need.value}{witness}"


def _changed_first(system: TransitionSystem, other: TransitionSystem) -> TransitionSystem:
    """Return the system with those actions first that differ from their namesakes in another one."""
    known = {action.name: _formula(other, action) for action in other.actions}
    changed = [each for each in system.actions if known.get(each.name) != _formula(system, each)]
    return attrs.evolve(system, actions=(*changed, *(each for each in system.actions if each not in changed)))


def _formula(system: TransitionSystem, action: Action) -> str:
    """Return an action's step as Z3 writes it, its variables numbered from the first on."""
    before = system.view("0")
    step, _ = one_action(action, before, system.view_after(action, before, "1"), "0")
    numbers: dict[str, str] = {}
    return _NUMBERED.sub(lambda name: numbers.setdefault(name[0], f"!{len(numbers)}"), step.sexpr())
