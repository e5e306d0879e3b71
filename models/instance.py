"""Finite instances of the models: a number of servers, their quorums, orders from zero on.

Each is an enumeration, with formulas that fix the relations that the model states by axioms.
"""

import itertools
from collections.abc import Callable

import z3

from tlacheck.smt import Expression, Sort, enumeration

__all__ = ["members", "numbered", "ordered", "quorums", "servers"]


def servers(count: int) -> Sort:
    """The servers n1, n2, and so on."""
    return enumeration("Server", _servers(count))


def quorums(count: int, size: int) -> Sort:
    """All groups of `size` among this many servers, each named after its members: n1+n3."""
    return enumeration("Quorum", ["+".join(group) for group in itertools.combinations(_servers(count), size)])


def numbered(name: str, letter: str, greatest: int) -> Sort:
    """The sort of this name with the elements t0, t1, and so on, if `letter` is t."""
    return enumeration(name, [f"{letter}{number}" for number in range(greatest + 1)])


def members(member: Callable[..., Expression], server: Sort, quorum: Sort) -> Expression:
    """The formula that `member` gives each server its quorums."""
    return z3.And(
        *(
            member(m, q) == z3.BoolVal(str(m) in str(q).split("+"))
            for m, q in itertools.product(server.elements or (), quorum.elements or ())
        )
    )


def ordered(le: Callable[..., Expression], sort: Sort) -> Expression:
    """The formula that `le` orders a sort as its elements are listed."""
    return z3.And(
        *(
            le(one, other) == z3.BoolVal(before <= after)
            for (before, one), (after, other) in itertools.product(enumerate(sort.elements or ()), repeat=2)
        )
    )


def _servers(count: int) -> list[str]:
    return [f"n{number}" for number in range(1, count + 1)]
