"""Axioms shared by the models: total orders, and quorums that intersect.

Nothing is counted and no next element is computed, which keeps queries decidable. That majorities
intersect is arithmetic, and proved in `models.quorum`.
"""

from collections.abc import Callable

import z3

from tlacheck.smt import Clause, Expression, Sort, View, exists, forall

__all__ = ["quorums_meet", "total_order"]


def total_order(name: str, sort: Sort, least: str) -> tuple[Clause, ...]:
    """The relation `name` is a total order of a sort, with the constant `least` below all."""

    def le(s: View, t: Expression, u: Expression) -> Expression:
        return getattr(s, name)(t, u)

    def clause(what: str, count: int, body: Callable[[View], Callable[..., Expression]]) -> Clause:
        return Clause(f"{name}{what}", lambda s: forall([sort] * count, body(s)))

    return (
        clause("Reflexive", 1, lambda s: lambda t: le(s, t, t)),
        clause(
            "Transitive",
            3,
            lambda s: lambda t, u, v: z3.Implies(z3.And(le(s, t, u), le(s, u, v)), le(s, t, v)),
        ),
        clause(
            "Antisymmetric", 2, lambda s: lambda t, u: z3.Implies(z3.And(le(s, t, u), le(s, u, t)), t == u)
        ),
        clause("Total", 2, lambda s: lambda t, u: z3.Or(le(s, t, u), le(s, u, t))),
        clause("Least", 1, lambda s: lambda t: le(s, getattr(s, least), t)),
    )


def quorums_meet(server: Sort, quorum: Sort) -> Clause:
    """Any two quorums share a server; `member(m, q)` says that the server m is in the quorum q."""
    return Clause(
        "QuorumsMeet",
        lambda s: forall(
            [quorum, quorum],
            lambda q, r: exists([server], lambda m: z3.And(s.member(m, q), s.member(m, r))),
        ),
    )
