"""Models with few elements: a model of the quantifier-free expansion is one of the quantified formula."""

import z3

from tlacheck.smt import (
    Action,
    Clause,
    TransitionSystem,
    Variable,
    becomes,
    enumeration,
    exists,
    forall,
    inductive,
    relation,
    uninterpreted,
)
from tlacheck.smt._small import small
from tlacheck.smt.sorts import Expression

NODE = uninterpreted("Node")
COLOUR = uninterpreted("Colour")
marked = z3.Function("marked", NODE.z3, z3.BoolSort())


def is_met(formulas: list[Expression] | None) -> bool:
    assert formulas is not None
    solver = z3.Solver()
    solver.add(*formulas)
    return bool(solver.check() == z3.sat)


def test_a_model_is_found_at_its_smallest_size() -> None:
    one_and_another = [exists([NODE], marked), exists([NODE], lambda n: z3.Not(marked(n)))]
    assert not is_met(small(one_and_another, 1))
    assert is_met(small(one_and_another, 2))


def test_no_model_is_found_where_none_is_finite() -> None:
    """An injective successor function that misses one element has no finite model."""
    after = z3.Function("after", NODE.z3, NODE.z3)
    endless = [
        forall([NODE, NODE], lambda m, n: z3.Implies(after(m) == after(n), m == n)),
        exists([NODE], lambda first: forall([NODE], lambda n: after(n) != first)),
    ]
    assert not any(is_met(small(endless, size)) for size in range(1, 5))


def test_arguments_keep_their_order() -> None:
    painted = z3.Function("painted", NODE.z3, COLOUR.z3, z3.BoolSort())
    everything = forall([NODE, COLOUR], painted)
    nothing = exists([NODE, COLOUR], lambda n, c: z3.Not(painted(n, c)))
    assert is_met(small([everything], 2))
    assert not is_met(small([everything, nothing], 2))


def test_integers_have_no_small_universe() -> None:
    number = z3.Int("number")
    assert small([z3.ForAll([number], number * number >= 0), exists([NODE], marked)], 2) is None
    assert small([number > 0], 2) is None


def test_quantifiers_over_an_enumeration_agree_with_a_sort() -> None:
    lights = enumeration("Light", ["red", "green"])
    lit = z3.Function("lit", lights.z3, z3.BoolSort())
    red, green = lights.elements or ()
    only_red = [lit(red), z3.Not(lit(green))]
    assert is_met([*only_red, exists([lights], lit)])
    assert not is_met([*only_red, forall([lights], lit)])
    assert is_met([*only_red, z3.Not(forall([lights], lit))])


def test_bound_names_do_not_capture_each_other() -> None:
    """The outer `n` keeps its meaning inside a function that binds its own `n`."""
    other = z3.Function("other", NODE.z3, NODE.z3, z3.BoolSort())

    def related_to_all(m: Expression) -> Expression:
        return forall([NODE], lambda n: other(m, n))

    solver = z3.Solver()
    solver.add(forall([NODE], lambda n: other(n, n)), z3.Not(forall([NODE], related_to_all)))
    assert solver.check() == z3.sat


def test_a_counterexample_has_as_many_elements_as_it_needs() -> None:
    """The clause allows two marks; the step that breaks it marks a third."""
    system = TransitionSystem(
        name="Marks",
        variables=[relation("marked", NODE), Variable("last", (), NODE)],
        initial=lambda s: forall([NODE], lambda n: z3.Not(s.marked(n))),
        actions=[
            Action(
                "Mark",
                {"n": NODE},
                ["marked", "last"],
                lambda before, after, n: z3.And(
                    becomes(after, "marked", lambda m: z3.Or(m == n, before.marked(m))),
                    becomes(after, "last", lambda: n),
                ),
            )
        ],
        properties=[
            Clause(
                "AtMostTwo",
                lambda s: forall(
                    [NODE, NODE, NODE],
                    lambda a, b, c: z3.Implies(
                        z3.And(s.marked(a), s.marked(b), s.marked(c)), z3.Or(a == b, b == c, a == c)
                    ),
                ),
            )
        ],
    )
    trace = inductive(system, ["AtMostTwo"]).trace
    assert trace is not None
    before, after = trace.states
    assert (len(before["marked"]), len(after["marked"])) == (2, 3)
    assert after["last"] == trace.steps[0].arguments["n"]
