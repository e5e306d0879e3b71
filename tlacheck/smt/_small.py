"""Formulas over a universe of fixed size: quantifiers become conjunctions and disjunctions.

Z3 refutes formulas with quantifiers well but finds models of them slowly. A satisfiable formula mostly
has a model with two or three elements a sort, which is found at once without quantifiers and is
readable. Finding none proves nothing.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tlacheck.smt._z3 import z3
from tlacheck.smt.sorts import Expression

__all__ = ["small"]

_Universe = Mapping[Any, Sequence[Expression]]


def small(formulas: Sequence[Expression], size: int) -> list[Expression] | None:
    """Return the formulas without quantifiers, over at most `size` elements of each uninterpreted sort.

    Returns:
        Formulas whose models are models of the given ones; None if nothing is of an uninterpreted sort, or
        something is quantified that has no such universe, such as integers.
    """
    declarations = _declarations(formulas)
    # In the order of the formulas: Z3's model may depend on it.
    sorts = dict.fromkeys(
        sort
        for declaration in declarations
        for sort in _sorts_of(declaration)
        if sort.kind() == z3.Z3_UNINTERPRETED_SORT
    )
    if not sorts:
        return None
    universe = {sort: [z3.Const(f"{sort}#{number}", sort) for number in range(size)] for sort in sorts}
    try:
        grounded = [_grounded(formula, universe) for formula in formulas]
        closed = [
            z3.Or(*(declaration(*terms) == element for element in universe[declaration.range()]))
            for declaration in declarations
            if declaration.range() in universe
            for terms in _tuples(
                [declaration.domain(place) for place in range(declaration.arity())], universe
            )
        ]
    except KeyError:
        return None
    return [*grounded, *closed]


def _tuples(sorts: Sequence[Any], universe: _Universe) -> Iterator[tuple[Expression, ...]]:
    return itertools.product(*(universe[sort] for sort in sorts))


def _sorts_of(declaration: Any) -> list[Any]:
    return [declaration.range(), *(declaration.domain(place) for place in range(declaration.arity()))]


def _grounded(formula: Expression, universe: _Universe) -> Expression:
    if not _has_quantifier(formula):
        return formula
    if not z3.is_quantifier(formula):
        return formula.decl()(*(_grounded(child, universe) for child in formula.children()))
    sorts = [formula.var_sort(place) for place in range(formula.num_vars())]
    body = formula.body()
    # The last bound name is variable 0 of the body.
    parts = [
        _grounded(z3.substitute_vars(body, *reversed(terms)), universe) for terms in _tuples(sorts, universe)
    ]
    return z3.And(*parts) if formula.is_forall() else z3.Or(*parts)


def _has_quantifier(formula: Expression) -> bool:
    return any(z3.is_quantifier(part) for part in _parts([formula]))


def _declarations(formulas: Sequence[Expression]) -> list[Any]:
    """Return the constants and functions in the formulas, each once, in order."""
    found = {
        part.decl(): None
        for part in _parts(formulas)
        if z3.is_app(part) and part.decl().kind() == z3.Z3_OP_UNINTERPRETED
    }
    return list(found)


def _parts(formulas: Sequence[Expression]) -> Iterator[Expression]:
    """Yield all terms in these formulas, those below quantifiers included, each once."""
    seen: set[int] = set()
    waiting = list(reversed(formulas))
    while waiting:
        part = waiting.pop()
        if part.get_id() in seen:
            continue
        seen.add(part.get_id())
        yield part
        waiting += [part.body()] if z3.is_quantifier(part) else reversed(part.children())
