"""`tlacheck.smt` on toys: bounded checks, k-induction, lemmas, proofs and Spacer."""

import itertools
import sys
from typing import Any

import pytest
import z3

from tlacheck import itf
from tlacheck.errors import ConfigError, SetupError
from tlacheck.smt import (
    BOOL,
    INT,
    NOT_REACHED,
    Action,
    Clause,
    Expression,
    Need,
    Sort,
    TransitionSystem,
    Variable,
    View,
    becomes,
    bounded,
    each_dropped,
    enumeration,
    exists,
    forall,
    induction,
    inductive,
    reachable,
    relation,
    scheduled,
    spacer,
    uninterpreted,
)
from tlacheck.smt._unroll import axioms
from tlacheck.values import ModelValue
from tlacheck.verdict import Kind

# x counts from 0 in steps of a parameter of 1 or 2, up to 5.
COUNTER = TransitionSystem(
    name="Counter",
    variables=[Variable("x", (), INT), Variable("y", (), INT)],
    initial=lambda s: z3.And(s.x == 0, s.y == 7),
    actions=[
        Action(
            "Add", {"by": INT}, ["x"], lambda s, n, by: z3.And(by >= 1, by <= 2, n.x == s.x + by, n.x <= 5)
        ),
        Action("Reset", {}, ["x"], lambda _, n: n.x == 0),
    ],
    properties=[
        Clause("AtMostFive", lambda s: s.x <= 5),
        Clause("NeverFour", lambda s: s.x != 4),
        Clause("YStays", lambda s: s.y == 7),
        Clause("NeverSix", lambda s: s.x != 6),
        Clause("NeverSeven", lambda s: s.x != 7),
        Clause("Positive", lambda s: s.x > 0),
    ],
)

# a and b alternate: a is set in states from which b comes next. `Safe` is 2-inductive and not 1-inductive.
CHAIN = TransitionSystem(
    name="Chain",
    variables=[Variable("p", (), INT)],
    initial=lambda s: s.p == 0,
    actions=[
        # 0 -> 0, and out of reach: 10 -> 11 -> 12, 12 being bad, and nothing leads to 10.
        Action(
            "Step", {}, ["p"], lambda s, n: z3.Or(z3.And(s.p == 0, n.p == 0), z3.And(s.p == 11, n.p == 12))
        )
    ],
    properties=[Clause("Safe", lambda s: s.p != 12)],
)

# x and y grow together; that x never passes 2y needs that y is never negative.
LEMMA = TransitionSystem(
    name="Growth",
    variables=[Variable("x", (), INT), Variable("y", (), INT)],
    initial=lambda s: z3.And(s.x == 0, s.y == 1),
    actions=[Action("Grow", {}, ["x", "y"], lambda s, n: z3.And(n.x == s.x + s.y, n.y == s.y + 1))],
    properties=[Clause("XNotNegative", lambda s: s.x >= 0), Clause("YPositive", lambda s: s.y >= 1)],
)


def factors(bits: int) -> TransitionSystem:
    """A question that takes Z3 more than a few milliseconds: factoring a product of two primes."""
    product = 999_999_000_001 * 999_998_999_957 % 2**bits | 1
    wide = Sort(name="Word", z3=z3.BitVecSort(bits))
    return TransitionSystem(
        name="Factors",
        variables=[Variable("a", (), wide), Variable("b", (), wide)],
        initial=lambda s: z3.And(s.a == 0, s.b == 0),
        actions=[
            Action("Pick", {"a": wide, "b": wide}, ["a", "b"], lambda _, n, a, b: z3.And(n.a == a, n.b == b))
        ],
        properties=[
            Clause(
                "Prime",
                lambda s: z3.Not(
                    z3.And(
                        s.a * s.a * s.b + s.b * s.b * s.a == product,
                        z3.UGT(s.a, 2**20),
                        z3.UGT(s.b, 2**20),
                        s.a ^ s.b == product >> 3,
                    )
                ),
            )
        ],
    )


def lock(sort: Sort, *, checks: bool = True) -> TransitionSystem:
    """A lock for any number of processes; without the check two may hold it."""

    def take(s: View, n: View, i: Expression) -> Expression:
        free = forall([sort], lambda j: z3.Not(s.held(j)))
        return z3.And(free if checks else True, becomes(n, "held", lambda j: z3.Or(j == i, s.held(j))))

    return TransitionSystem(
        name="Lock",
        variables=[relation("held", sort), relation("friend", sort, sort, is_rigid=True)],
        initial=lambda s: forall([sort], lambda i: z3.Not(s.held(i))),
        actions=[
            Action("Take", {"i": sort}, ["held"], take),
            Action(
                "Give",
                {"i": sort},
                ["held"],
                lambda s, n, i: z3.And(s.held(i), becomes(n, "held", lambda j: z3.And(j != i, s.held(j)))),
            ),
        ],
        properties=[
            Clause(
                "Exclusive",
                lambda s: forall([sort, sort], lambda i, j: z3.Implies(z3.And(s.held(i), s.held(j)), i == j)),
            ),
            Clause("SomeoneOrNobody", lambda s: z3.Or(*[exists([sort], s.held), True])),
        ],
    )


PROCESS = uninterpreted("Process")


# bounded


def test_a_bounded_check_never_proves() -> None:
    assert str(bounded(COUNTER, "AtMostFive", 6).verdict) == "bounded(6 steps)"


@pytest.mark.parametrize(("depth", "kind"), [(1, Kind.BOUNDED), (2, Kind.VIOLATED), (5, Kind.VIOLATED)])
def test_a_violation_is_found_exactly_at_its_depth(depth: int, kind: Kind) -> None:
    assert bounded(COUNTER, "NeverFour", depth).verdict.kind is kind


def test_the_counterexample_is_a_shortest_named_behaviour() -> None:
    trace = bounded(COUNTER, "NeverFour", 5).trace
    assert trace is not None
    assert [(step.action, dict(step.arguments)) for step in trace.steps] == [("Add", {"by": 2})] * 2
    assert [dict(state) for state in trace.states] == [{"x": x, "y": 7} for x in (0, 2, 4)]
    assert trace.violation is not None
    assert (trace.violation.property, trace.violation.step) == ("NeverFour", 2)
    assert itf.from_json(itf.to_json(trace)) == trace


def test_a_clause_false_initially_is_violated_after_no_step() -> None:
    result = bounded(COUNTER, "Positive", 3)
    assert result.verdict.is_violated
    assert result.trace is not None
    assert len(result.trace) == 0


def test_unassigned_variables_are_unchanged() -> None:
    assert induction(COUNTER, "YStays").verdict.kind is Kind.PROVED
    assert inductive(COUNTER, ["YStays"]).verdict.kind is Kind.PROVED


def test_a_system_without_an_initial_state_is_unknown() -> None:
    empty = TransitionSystem(
        name="Empty",
        variables=COUNTER.variables,
        initial=lambda s: z3.And(s.x > 0, s.x < 0),
        actions=COUNTER.actions,
        properties=COUNTER.properties,
    )
    for result in (
        bounded(empty, "NeverFour", 3),
        induction(empty, "NeverFour"),
        inductive(empty, ["NeverFour"]),
    ):
        assert result.verdict.is_unknown
        assert "no state satisfies" in str(result.verdict)


def test_a_check_that_runs_out_of_time_is_unknown() -> None:
    result = bounded(factors(64), "Prime", 1, timeout_seconds=0.02)
    assert result.verdict.is_unknown
    assert "within 0.02 s" in str(result.verdict)


# induction


def test_a_clause_may_be_2_inductive_only() -> None:
    one, two = induction(CHAIN, "Safe", k=1), induction(CHAIN, "Safe", k=2)
    assert one.verdict.is_unknown
    assert "not 1-inductive" in str(one.verdict)
    assert two.verdict.kind is Kind.PROVED


def test_a_counterexample_to_induction_is_labelled_as_one() -> None:
    trace = induction(CHAIN, "Safe").trace
    assert trace is not None
    assert [state["p"] for state in trace.states] == [11, 12]
    assert trace.violation is not None
    assert trace.violation.explanation == (NOT_REACHED,)


def test_the_base_of_the_induction_is_checked() -> None:
    """`NeverFour` fails after two steps; a larger k must not miss it."""
    assert induction(COUNTER, "NeverFour", k=4).verdict.is_violated


def test_a_clause_may_need_a_lemma() -> None:
    assert induction(LEMMA, "XNotNegative").verdict.is_unknown
    lemma = induction(LEMMA, "YPositive")
    assert induction(LEMMA, "XNotNegative", lemmas=[lemma]).verdict.kind is Kind.PROVED


def test_an_unproved_clause_is_no_lemma() -> None:
    with pytest.raises(ConfigError, match="only what is proved may be assumed"):
        induction(LEMMA, "XNotNegative", lemmas=[bounded(LEMMA, "YPositive", 3)])


def test_a_clause_of_another_system_is_no_lemma() -> None:
    with pytest.raises(ConfigError, match="another system than Growth"):
        induction(LEMMA, "XNotNegative", lemmas=[induction(COUNTER, "YStays")])


# inductive


def test_clauses_are_proved_together_for_any_number_of_processes() -> None:
    result = inductive(lock(PROCESS), ["Exclusive"])
    assert result.verdict.kind is Kind.PROVED
    assert [one.name for one in result.obligations] == [
        "Exclusive initially",
        "Exclusive after Take",
        "Exclusive after Give",
    ]


def test_a_failing_pair_is_named_and_shown() -> None:
    result = inductive(lock(PROCESS, checks=False), ["Exclusive"])
    assert result.verdict.is_unknown
    assert [one.name for one in result.failing] == ["Exclusive after Take"]
    assert result.trace is not None
    (step,) = result.trace.steps
    before, after = (state["held"] for state in result.trace.states)
    assert after == before | {step.arguments["i"]}
    assert len(after) == 2
    assert after <= {ModelValue("Process1"), ModelValue("Process2")}
    assert result.trace.violation is not None
    assert result.trace.violation.explanation == (NOT_REACHED,)


def test_a_clause_false_initially_is_violated() -> None:
    assert inductive(COUNTER, ["AtMostFive", "Positive"]).verdict.violates == "Positive"


def test_an_action_that_is_never_enabled_fails_the_proof() -> None:
    """An unsatisfiable guard or a contradictory invariant would preserve any clause."""
    stuck = TransitionSystem(
        name="Stuck",
        variables=COUNTER.variables,
        initial=COUNTER.initial,
        actions=[Action("Never", {}, ["x"], lambda s, n: z3.And(n.x == 6, s.x != s.x))],
        properties=COUNTER.properties,
    )
    result = inductive(stuck, ["NeverFour"])
    assert "Never can never happen" in str(result.verdict)


def test_redundant_and_needed_clauses_are_distinguished() -> None:
    found = each_dropped(
        LEMMA, [*LEMMA.properties, Clause("True", lambda s: s.x == s.x)], goals=["XNotNegative"]
    )
    assert {one.clause.name: one.need for one in found} == {"YPositive": Need.NEEDED, "True": Need.REDUNDANT}
    witness = found[0].witness
    assert witness is not None
    assert witness.name == "XNotNegative after Grow"


# other engines


@pytest.mark.parametrize("name", ["AtMostFive", "NeverFour", "YStays", "NeverSix", "Positive"])
def test_spacer_agrees_with_bounded_checks(name: str) -> None:
    """Both refute the same clauses, and Spacer proves the true ones, inductive or not."""
    shown = bounded(COUNTER, name, 6).verdict
    assert spacer(COUNTER, name).verdict.kind is (Kind.VIOLATED if shown.is_violated else Kind.PROVED)


def test_spacer_proves_what_is_not_inductive() -> None:
    assert spacer(CHAIN, "Safe").verdict.kind is Kind.PROVED


def test_spacer_out_of_time_is_unknown() -> None:
    """Spacer tries ever new bounds for y where a lemma would suffice."""
    verdict = spacer(LEMMA, "XNotNegative", timeout_seconds=0.3).verdict
    assert verdict.is_unknown
    assert "within 0.3 s" in str(verdict)


def test_spacer_refuses_unsupported_systems() -> None:
    with pytest.raises(ConfigError, match="held of Lock is another"):
        spacer(lock(PROCESS), "Exclusive")


def test_the_same_formulas_list_the_states_of_an_instance() -> None:
    three = enumeration("Process", ["p1", "p2", "p3"])
    # `friend` is rigid and open: 2 ** 9 choices of it, and whoever holds the lock, if anybody does.
    one = enumeration("Single", ["p1"])
    assert {(state["held"], state["friend"]) for state in reachable(lock(one)).states} == {
        (held, friend)
        for held in (frozenset(), frozenset({ModelValue("p1")}))
        for friend in (frozenset(), frozenset({(ModelValue("p1"), ModelValue("p1"))}))
    }
    assert bounded(lock(three, checks=False), "Exclusive", 3).verdict.is_violated
    assert bounded(lock(three), "Exclusive", 3).verdict.kind is Kind.BOUNDED


def test_a_truncated_listing_is_unknown() -> None:
    assert reachable(COUNTER, states_max=2).verdict.is_unknown
    assert len(reachable(COUNTER).states) == 6


# axioms


def ordered(axiom: Clause) -> TransitionSystem:
    """A clock that advances along an ordered sort of ticks."""
    tick = uninterpreted("Tick")
    return TransitionSystem(
        name="Clock",
        variables=[relation("le", tick, tick, is_rigid=True), Variable("now", (), tick)],
        initial=lambda _: z3.BoolVal(True),
        actions=[Action("Go", {"t": tick}, ["now"], lambda s, n, t: z3.And(s.le(s.now, t), n.now == t))],
        properties=[Clause("Reflexive", lambda s: s.le(s.now, s.now))],
        axioms=[axiom],
    )


def test_a_rigid_axiom_is_asserted_once_and_others_at_each_step() -> None:
    tick = uninterpreted("Tick")
    rigid = ordered(Clause("Total", lambda s: forall([tick], lambda t: s.le(t, t))))
    changing = ordered(Clause("Now", lambda s: s.le(s.now, s.now)))
    assert len(axioms(rigid, rigid.view("0"), rigid.view("1"), rigid.view("2"))) == 1
    assert len(axioms(changing, changing.view("0"), changing.view("1"), changing.view("2"))) == 3
    for system in (rigid, changing):
        assert inductive(system, ["Reflexive"]).verdict.kind is Kind.PROVED
        assert induction(system, "Reflexive", k=2).verdict.kind is Kind.PROVED
        assert bounded(system, "Reflexive", 2).verdict.kind is Kind.BOUNDED


def test_without_the_axiom_the_proof_fails() -> None:
    nothing = ordered(Clause("Nothing", lambda s: s.now == s.now))
    assert inductive(nothing, ["Reflexive"]).verdict.violates == "Reflexive"


# schedules


def test_a_schedule_gives_a_behaviour_with_its_arguments() -> None:
    trace = scheduled(COUNTER, "NeverFour", ["Add", "Reset", "Add", "Add"]).trace
    assert trace is not None
    assert [step.action for step in trace.steps] == ["Add", "Reset", "Add", "Add"]
    assert [dict(state) for state in trace.states[2:]] == [{"x": x, "y": 7} for x in (0, 2, 4)]
    assert trace.violation is not None
    assert (trace.violation.property, trace.violation.step) == ("NeverFour", 4)
    assert itf.from_json(itf.to_json(trace)) == trace


def test_another_schedule_does_not_reach_the_violation() -> None:
    assert str(scheduled(COUNTER, "NeverFour", ["Add", "Reset", "Add"]).verdict) == "bounded(3 steps)"
    assert scheduled(COUNTER, "Positive", []).verdict.is_violated


def test_a_schedule_agrees_with_all_behaviours_of_its_length() -> None:
    for name in ("NeverFour", "AtMostFive", "NeverSix"):
        kinds = {
            scheduled(COUNTER, name, schedule).verdict.is_violated
            for schedule in itertools.product(("Add", "Reset"), repeat=3)
        }
        assert (True in kinds) == bounded(COUNTER, name, 3).verdict.is_violated


def test_a_schedule_that_runs_out_of_time_is_unknown() -> None:
    assert scheduled(factors(64), "Prime", ["Pick"], timeout_seconds=0.02).verdict.is_unknown


def test_a_schedule_of_unknown_actions_is_refused() -> None:
    with pytest.raises(ConfigError, match="Counter has no action Take; it has Add, Reset"):
        scheduled(COUNTER, "NeverFour", ["Add", "Take"])


# declarations


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"variables": [Variable("x", (), INT), Variable("x", (), BOOL)]}, "two variables of the name x"),
        ({"actions": [Action("A", {}, ["z"], lambda s, n: s.x == n.x)]}, "changes z"),
        (
            {"actions": [Action("A", {"i": INT}, ["x"], lambda s, n: s.x == n.x)]},
            "unexpected keyword argument 'i'",
        ),
        (
            {"actions": [Action("A", {"by": INT}, ["x"], lambda s, n, to: n.x == s.x + to)]},
            "its parameters by name, which are by",
        ),
        ({"actions": []}, "one action at least"),
    ],
)
def test_a_mistake_in_a_declaration_is_refused(change: dict[str, Any], complaint: str) -> None:
    given: dict[str, Any] = {
        "name": "Toy",
        "variables": COUNTER.variables,
        "initial": COUNTER.initial,
        "actions": COUNTER.actions,
        "properties": (),
    }
    with pytest.raises(ConfigError, match=complaint):
        TransitionSystem(**{**given, **change})


def test_a_rigid_variable_never_changes() -> None:
    with pytest.raises(ConfigError, match="changes r"):
        TransitionSystem(
            name="Toy",
            variables=[Variable("r", (), INT, is_rigid=True)],
            initial=lambda s: s.r == 0,
            actions=[Action("A", {}, ["r"], lambda _, n: n.r == 1)],
            properties=[],
        )


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="has no property Missing; it has AtMostFive"):
        bounded(COUNTER, "Missing", 1)
    with pytest.raises(ConfigError, match="there is no variable z; there are x, y"):
        bounded(COUNTER, Clause("Wrong", lambda s: s.z == 1), 1)


def test_invalid_arguments_are_refused() -> None:
    for wrong in (
        lambda: bounded(COUNTER, "NeverFour", -1),
        lambda: bounded(COUNTER, "NeverFour", 1, timeout_seconds=0),
        lambda: induction(COUNTER, "NeverFour", k=0),
        lambda: inductive(COUNTER, []),
        lambda: enumeration("E", ["a", "a"]),
        lambda: Variable("f", (INT,), BOOL),
        lambda: each_dropped(COUNTER, ["NeverFour"], goals=["Other"]),
        lambda: forall([INT], lambda i, j: i == j),
    ):
        with pytest.raises(ConfigError):
            wrong()


def test_without_z3_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)
    monkeypatch.delitem(sys.modules, "tlacheck.smt._z3")
    with pytest.raises(SetupError, match=r"pip install 'tlacheck\[smt\]'"):
        __import__("tlacheck.smt._z3")
