"""Proofs and scenarios as checks of `tlacheck verify`, on a lock: their verdicts and failures."""

import enum
import sys
from pathlib import Path

import attrs
import pytest
import z3

from tlacheck import itf
from tlacheck.errors import SetupError
from tlacheck.smt import (
    NOT_REACHED,
    Action,
    Clause,
    Expression,
    Proof,
    Scenario,
    Sort,
    TransitionSystem,
    Variable,
    View,
    becomes,
    enumeration,
    exists,
    forall,
    implied,
    relation,
    scenarios_found,
    uninterpreted,
)
from tlacheck.verdict import Verdict
from tlacheck.verify import Context

PROCESS = uninterpreted("Process")


class Fault(enum.Enum):
    """The fault of a wrong lock."""

    TAKES_BLINDLY = "a process takes the lock without looking"
    GIVES_BLINDLY = "a process gives back what it does not hold"


def lock(fault: Fault | None, sort: Sort = PROCESS) -> TransitionSystem:
    """A lock with a flag that says whether it is free."""

    def take(s: View, n: View, *, i: Expression) -> Expression:
        may = z3.BoolVal(True) if fault is Fault.TAKES_BLINDLY else s.free
        return z3.And(may, z3.Not(n.free), becomes(n, "held", lambda j: z3.Or(j == i, s.held(j))))

    def give(s: View, n: View, *, i: Expression) -> Expression:
        may = z3.BoolVal(True) if fault is Fault.GIVES_BLINDLY else s.held(i)
        return z3.And(may, n.free, becomes(n, "held", lambda j: z3.And(j != i, s.held(j))))

    return TransitionSystem(
        name="Lock",
        variables=[Variable("free"), relation("held", sort)],
        initial=lambda s: z3.And(s.free, forall([sort], lambda i: z3.Not(s.held(i)))),
        actions=[
            Action("Take", {"i": sort}, ["free", "held"], take),
            Action("Give", {"i": sort}, ["free", "held"], give),
        ],
        properties=[
            Clause(
                "Exclusive",
                lambda s: forall([sort, sort], lambda i, j: z3.Implies(z3.And(s.held(i), s.held(j)), i == j)),
            ),
            Clause("FreeIsFree", lambda s: z3.Implies(s.free, forall([sort], lambda i: z3.Not(s.held(i))))),
        ],
    )


PROOF = Proof(
    claim="Lock, any number of processes",
    model=lock,
    faults=Fault,
    goals=["Exclusive"],
    consequences=[Clause("HeldIsNotFree", lambda s: z3.Implies(exists([PROCESS], s.held), z3.Not(s.free)))],
    command="python -m lock",
)


def of(system: TransitionSystem) -> Proof[Fault]:
    """The same proof for a model with any fault."""
    return attrs.evolve(PROOF, model=lambda _: system)


def with_clause(clause: Clause) -> Proof[Fault]:
    system = lock(None)
    return of(attrs.evolve(system, properties=[*system.properties, clause]))


def stubborn() -> Proof[Fault]:
    """A proof that takes Z3 more than a few milliseconds: factoring a product of two primes."""
    word = Sort(name="Word", z3=z3.BitVecSort(128))

    def prime(s: View) -> Expression:
        small = z3.And(z3.ULT(1, s.a), z3.ULT(1, s.b), z3.ULT(s.a, 2**40), z3.ULT(s.b, 2**40))
        return z3.Not(z3.And(small, s.a * s.b == 999_999_000_001 * 999_998_999_957))

    system = TransitionSystem(
        name="Factors",
        variables=[Variable("a", (), word), Variable("b", (), word)],
        initial=lambda s: z3.And(s.a == 0, s.b == 0),
        actions=[
            Action("Pick", {"a": word, "b": word}, ["a", "b"], lambda _, n, a, b: z3.And(n.a == a, n.b == b))
        ],
        properties=[Clause("Prime", prime), Clause("Any", lambda s: s.a == s.a)],
    )
    return attrs.evolve(of(system), goals=["Prime"], consequences=[], timeout_seconds=0.05)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="ci", seed=0, command="", progress=lambda _: None)


def files(context: Context) -> list[str]:
    return sorted(path.name.removesuffix(".itf.json") for path in context.folder.iterdir())


# a proof


def test_a_proof_counts_its_obligations_and_consequences(context: Context) -> None:
    outcome = PROOF.holds(context)
    assert outcome.verdict == Verdict.proved()
    assert dict(outcome.figures) == {"clauses": 2, "obligations": 6, "consequences": 1}
    assert (outcome.trace, outcome.message, outcome.command) == (None, "", "python -m lock")


def test_an_action_that_breaks_a_clause_is_named_with_a_trace_file(context: Context) -> None:
    outcome = of(lock(Fault.TAKES_BLINDLY)).holds(context)
    assert outcome.verdict.is_unknown
    assert "Exclusive after Take" in outcome.message
    assert outcome.trace is not None
    assert [step.action for step in itf.read(outcome.trace).steps] == ["Take"]


def test_a_false_consequence_fails_the_proof(context: Context) -> None:
    somebody = Clause("Somebody", lambda s: z3.Implies(z3.Not(s.free), exists([PROCESS], s.held)))
    outcome = attrs.evolve(PROOF, consequences=[*PROOF.consequences, somebody]).holds(context)
    assert outcome.verdict == Verdict.unknown("the invariant holds, and Somebody does not follow from it")
    assert outcome.figures["consequences"] == 1
    assert outcome.trace is not None
    state = itf.read(outcome.trace).initial
    assert dict(state) == {"free": False, "held": frozenset()}


def test_a_false_consequence_comes_with_a_possible_state() -> None:
    assert implied(lock(None), ["FreeIsFree"], PROOF.consequences[0]).verdict == Verdict.proved()
    found = implied(lock(None), ["Exclusive"], PROOF.consequences[0])
    assert found.verdict.is_unknown
    assert found.trace is not None
    assert found.trace.violation is not None
    assert found.trace.violation.explanation == (NOT_REACHED,)


def test_nothing_follows_from_a_contradictory_invariant() -> None:
    never = Clause("Never", lambda s: z3.And(s.free, z3.Not(s.free)))
    assert "so anything follows" in str(implied(lock(None), [never], "Exclusive").verdict)


def test_a_proof_that_runs_out_of_time_is_unknown(context: Context) -> None:
    assert "Z3 gave no answer within 0.05 s" in str(stubborn().holds(context).verdict)


# by cvc5


def test_cvc5_proves_the_same(context: Context) -> None:
    outcome = PROOF.holds_by_cvc5(context)
    assert outcome.verdict == Verdict.proved()
    assert dict(outcome.figures) == {"clauses": 2, "obligations": 6, "consequences": 1}


@pytest.mark.parametrize("fault", Fault)
def test_cvc5_proves_no_wrong_model(context: Context, fault: Fault) -> None:
    outcome = of(lock(fault)).holds_by_cvc5(context)
    assert "cvc5 has a counterexample" in str(outcome.verdict)
    assert (outcome.trace, files(context)) == (None, [])


def test_cvc5_proves_nothing_of_a_system_that_cannot_begin(context: Context) -> None:
    system = attrs.evolve(lock(None), initial=lambda s: z3.And(s.free, z3.Not(s.free)))
    assert "so any clause would hold" in str(of(system).holds_by_cvc5(context).verdict)


def test_cvc5_without_an_answer_in_time_proves_nothing(context: Context) -> None:
    assert "cvc5 gave no answer within 0.05 s" in str(stubborn().holds_by_cvc5(context).verdict)


def test_without_cvc5_one_sentence_says_how_to_install_it(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cvc5", None)
    with pytest.raises(SetupError, match=r"pip install 'tlacheck\[cvc5\]'"):
        PROOF.holds_by_cvc5(context)


# its clauses


def test_a_clause_is_needed_if_the_rest_fails_without_it(context: Context) -> None:
    outcome = PROOF.clauses_needed(context)
    assert outcome.verdict == Verdict.proved()
    assert dict(outcome.figures) == {"needed": 1, "redundant": 0, "unknown": 0}
    assert outcome.message == "FreeIsFree is needed: without it, Exclusive after Take fails"
    assert files(context) == ["without-FreeIsFree"]


def test_a_redundant_clause_is_a_violation(context: Context) -> None:
    outcome = with_clause(Clause("Idle", lambda s: s.free == s.free)).clauses_needed(context)
    assert outcome.verdict == Verdict.violated("ClausesAreNeeded", "the proof does without Idle")
    assert dict(outcome.figures) == {"needed": 1, "redundant": 1, "unknown": 0}


def test_a_need_that_runs_out_of_time_is_unknown(context: Context) -> None:
    outcome = stubborn().clauses_needed(context)
    assert outcome.verdict == Verdict.unknown("no answer in time: Any")
    assert dict(outcome.figures) == {"needed": 0, "redundant": 0, "unknown": 1}


# wrong models


def test_each_wrong_model_fails_with_a_trace_file(context: Context) -> None:
    outcome = PROOF.mutants_fail(context)
    assert outcome.verdict == Verdict.proved()
    assert dict(outcome.figures) == {"wrong_models": 2, "failed": 2}
    assert files(context) == ["gives-blindly", "takes-blindly"]


def test_a_wrong_model_that_is_proved_is_a_violation(context: Context) -> None:
    outcome = of(lock(None)).mutants_fail(context)
    assert outcome.verdict.violates == "MutantsFail"
    assert f"proved all the same: {Fault.TAKES_BLINDLY.value}" in str(outcome.verdict.reason)
    assert dict(outcome.figures) == {"wrong_models": 2, "failed": 0}


def test_a_wrong_model_that_runs_out_of_time_is_unknown(context: Context) -> None:
    outcome = stubborn().mutants_fail(context)
    assert outcome.verdict.is_unknown
    assert dict(outcome.figures) == {"wrong_models": 2, "failed": 0}


def test_results_are_printed_line_by_line_with_a_summary() -> None:
    lines: list[str] = []
    assert PROOF.tell(lines.append)
    assert lines == [
        "Lock, any number of processes: proved",
        "HeldIsNotFree follows",
        "FreeIsFree is needed: without it, Exclusive after Take fails",
        f"{Fault.TAKES_BLINDLY.value}: unknown(Exclusive after Take: the action may break it)",
        f"{Fault.GIVES_BLINDLY.value}: unknown(FreeIsFree after Give: the action may break it)",
    ]


@pytest.mark.parametrize(
    "proof",
    [
        of(lock(None)),
        with_clause(Clause("Idle", lambda s: s.free == s.free)),
        attrs.evolve(PROOF, consequences=[Clause("Taken", lambda s: z3.Not(s.free))]),
    ],
    ids=["a wrong model is proved", "a clause is redundant", "a consequence does not follow"],
)
def test_failures_are_reported(proof: Proof[Fault]) -> None:
    assert not proof.tell(lambda _: None)


# scenarios


def pair(fault: Fault | None) -> TransitionSystem:
    return lock(fault, enumeration("Process", ["p1", "p2"]))


TWICE = Scenario(fault=Fault.TAKES_BLINDLY, breaks="Exclusive", schedule=["Take", "Take"], model=pair)


def test_a_scenario_occurs_in_a_wrong_model_only(context: Context) -> None:
    outcome = scenarios_found(context, [TWICE])
    assert outcome.verdict == Verdict.proved()
    assert dict(outcome.figures) == {"scenarios": 1, "as_expected": 1}
    assert files(context) == ["takes-blindly"]


@pytest.mark.parametrize(
    "scenario",
    [attrs.evolve(TWICE, schedule=["Take"]), attrs.evolve(TWICE, model=lambda _: pair(Fault.TAKES_BLINDLY))],
    ids=["the wrong model does not do it", "the right model does it too"],
)
def test_a_scenario_with_another_outcome_is_a_violation(context: Context, scenario: Scenario[Fault]) -> None:
    outcome = scenarios_found(context, [TWICE, scenario])
    assert outcome.verdict == Verdict.violated("BehavioursFound", f"not so: {Fault.TAKES_BLINDLY.value}")
    assert outcome.figures["as_expected"] == 1


def test_a_scenario_that_runs_out_of_time_is_unknown(context: Context) -> None:
    slow = Scenario(
        fault=Fault.TAKES_BLINDLY,
        breaks="Prime",
        schedule=["Pick"],
        model=stubborn().model,
        timeout_seconds=0.05,
    )
    assert scenarios_found(context, [slow]).verdict.is_unknown
