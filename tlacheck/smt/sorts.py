"""The sorts of variables, and quantifiers that know whether a sort is finite.

An uninterpreted sort has at least one element, and no other property: a proof about it holds for any
number of elements. An enumeration has exactly the elements that it names. The same formula serves for
both: over an enumeration `forall` and `exists` become conjunctions and disjunctions, so that a small
instance of a model needs no quantifier; over any other sort they are Z3's.
"""

import functools
import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import attrs

from tlacheck.errors import ConfigError
from tlacheck.smt._z3 import z3

__all__ = ["BOOL", "INT", "Expression", "Sort", "enumeration", "exists", "forall", "uninterpreted"]

#: A term or formula of Z3, whose Python package has no types.
Expression: TypeAlias = Any


@attrs.frozen(kw_only=True)
class Sort:
    """The range of a variable, an argument or a bound name.

    Attributes:
        name: its name in messages; elements of an uninterpreted sort are called after it.
        z3: the sort in Z3.
        elements: all its elements, as constants of Z3; None if they are not known or infinitely many.
        is_uninterpreted: whether nothing is known of its elements but that there is one.
    """

    name: str
    z3: Any = attrs.field(repr=False)
    elements: tuple[Expression, ...] | None = attrs.field(default=None, repr=False, eq=False)
    is_uninterpreted: bool = False

    def constant(self, name: str) -> Expression:
        """Return the constant of this sort with this name."""
        return z3.Const(name, self.z3)


#: The truth values.
BOOL: Final = Sort(name="BOOL", z3=z3.BoolSort(), elements=(z3.BoolVal(False), z3.BoolVal(True)))

#: All integers.
INT: Final = Sort(name="INT", z3=z3.IntSort())


@functools.cache
def uninterpreted(name: str) -> Sort:
    """An uninterpreted, non-empty sort of this name."""
    return Sort(name=name, z3=z3.DeclareSort(name), is_uninterpreted=True)


def enumeration(name: str, elements: Sequence[str]) -> Sort:
    """A sort with exactly these elements, which are all different.

    Raises:
        ConfigError: there is no element, or one is named twice.
    """
    names = tuple(elements)
    if not names or len(set(names)) != len(names):
        raise ConfigError(
            f"the sort {name} needs one element or more, each of a name of its own, and is given "
            f"{list(names)}"
        )
    return _enumeration(name, names)


@functools.cache  # Z3 declares a name once
def _enumeration(name: str, names: tuple[str, ...]) -> Sort:
    sort, constants = z3.EnumSort(f"{name}{{{', '.join(names)}}}", list(names))
    return Sort(name=name, z3=sort, elements=tuple(constants))


def forall(sorts: Sequence[Sort], body: Callable[..., Expression]) -> Expression:
    """Return the formula that `body` holds for all elements of these sorts.

    Args:
        sorts: the sort of each argument of `body`.
        body: from one term a sort to a formula.
    """
    return _quantified(sorts, body, z3.ForAll, z3.And)


def exists(sorts: Sequence[Sort], body: Callable[..., Expression]) -> Expression:
    """Return the formula that `body` holds for some elements of these sorts. See `forall`."""
    return _quantified(sorts, body, z3.Exists, z3.Or)


def _quantified(
    sorts: Sequence[Sort],
    body: Callable[..., Expression],
    quantifier: Callable[..., Expression],
    junction: Callable[..., Expression],
) -> Expression:
    names = _names(body, len(sorts))
    # Each quantifier has its own bound names: a body may pass what it binds to another one.
    terms = [
        sort.elements if sort.elements is not None else (z3.FreshConst(sort.z3, name),)
        for name, sort in zip(names, sorts, strict=True)
    ]
    bound = [options[0] for sort, options in zip(sorts, terms, strict=True) if sort.elements is None]
    parts = [body(*choice) for choice in itertools.product(*terms)]
    whole = parts[0] if len(parts) == 1 else junction(*parts)
    return quantifier(bound, whole) if bound else whole


def _names(body: Callable[..., Expression], count: int) -> tuple[str, ...]:
    """Return a body's argument names, which must be this many."""
    if isinstance(body, z3.FuncDeclRef):  # a relation itself, which Python cannot take apart
        return _names(lambda *_: None, count)
    parameters = inspect.signature(body).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return tuple(f"x{number}" for number in range(count))
    if len(parameters) != count:
        raise ConfigError(f"{count} sorts are quantified over a body with {len(parameters)} arguments")
    return tuple(parameter.name for parameter in parameters)
