"""Evaluation of temporal properties on a lasso.

TLC checks all temporal properties as one formula and does not say which of them a counterexample
refutes. This module finds its states again and evaluates each property along them, by TLC's own
evaluation of states and steps: `truths` gives a formula's truth at each position of the lasso.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jpype

from tlacheck.tlc._keys import Keys
from tlacheck.tlc._whole import whole_tool

__all__ = ["refuted", "temporal_names", "truths"]

#: The name that older TLCs give to the formula of a property.
_UNNAMED = "UnnamedAction"


def refuted(classes: Any, tool: Any, states: Sequence[str], loop: int) -> tuple[str, ...]:
    """Return the temporal properties that a behaviour violates, in the configuration's order.

    Args:
        classes: TLC's classes.
        tool: TLC's evaluator of the spec.
        states: the states, as TLC printed them.
        loop: the index of the state that follows the last one.

    Returns:
        The names; none if the states are not found again (the configuration has them printed by an
        `ALIAS`), or TLC cannot evaluate a property on its own.
    """
    try:
        keys = Keys(classes, len(tool.getSpecProcessor().getVariablesNodes()))
        whole, _ = whole_tool(classes, tool, keys)
        found = _found_again(whole, states)
        if not found:
            return ()
        convert = _converter(classes)
        names = []
        for action, name in zip(tool.getImpliedTemporals(), _names(tool), strict=True):
            formula = convert.invoke(None, [tool, action.pred, action.con])
            if not _truths_of(formula, tool, found, loop)[0]:
                names.append(name)
        return tuple(dict.fromkeys(names))  # a property with several conjuncts occurs several times
    except (jpype.JException, AttributeError):  # the latter: another TLC has other methods
        return ()


def temporal_names(tool: Any) -> tuple[str, ...]:
    """Return the names of the temporal properties, in the configuration's order."""
    return tuple(dict.fromkeys(_names(tool)))  # a property with several conjuncts occurs several times


def _names(tool: Any) -> list[str]:
    """The name of each conjunct's property. Newer TLCs give places for names, and name the formulas."""
    formulas = [str(action.getName()) for action in tool.getImpliedTemporals()]
    told = map(str, tool.getImpliedTemporalNames())
    return [name if formula == _UNNAMED else formula for formula, name in zip(formulas, told, strict=True)]


def _found_again(tool: Any, texts: Sequence[str]) -> list[Any]:
    """Find the states with these texts, each a successor of the one before; empty if there are none."""
    states: list[Any] = []
    for text in texts:
        state = _with_text(text, _successors(tool, states[-1]) if states else [tool.getInitStates()])
        if state is None:
            return []
        states.append(state)
    return states


def _successors(tool: Any, state: Any) -> list[Any]:
    return [tool.getNextStates(action, state) for action in tool.getActions()]


def _with_text(text: str, groups: Sequence[Any]) -> Any:
    for group in groups:
        for index in range(group.size()):
            state = group.elementAt(index)
            if str(state.toString()).strip() == text.strip():
                return state
    return None


def _converter(classes: Any) -> Any:
    """Return TLC's converter from the syntax of a temporal formula to a tree of its operators."""
    for method in classes["tlc2.tool.liveness.Liveness"].class_.getDeclaredMethods():
        if str(method.getName()) == "astToLive" and len(method.getParameterTypes()) == 3:
            method.setAccessible(True)
            return method
    raise AttributeError("astToLive")


def _truths_of(formula: Any, tool: Any, states: Sequence[Any], loop: int) -> list[bool]:
    kind = str(formula.getClass().getSimpleName())
    length = len(states)
    if kind in ("LNConj", "LNDisj"):
        parts = [
            _truths_of(formula.getBody(index), tool, states, loop) for index in range(formula.getCount())
        ]
    elif kind in ("LNNeg", "LNAll", "LNEven"):
        parts = [_truths_of(formula.getBody(), tool, states, loop)]
    else:  # about a state or a step
        after = [*range(1, length), loop]
        return [
            bool(formula.eval(tool, state, states[follower]))
            for state, follower in zip(states, after, strict=True)
        ]
    return truths(kind, parts, loop)


def truths(kind: str, parts: Sequence[Sequence[bool]], loop: int) -> list[bool]:
    """Compute the truth of a formula at each position of a lasso.

    Args:
        kind: TLC's name of the operator: LNConj, LNDisj, LNNeg, LNAll (always) or LNEven (eventually).
        parts: for each operand, its truth at each position.
        loop: the position that follows the last one.
    """
    length = len(parts[0])
    together: Callable[[Sequence[bool]], bool] = all if kind in ("LNConj", "LNAll") else any
    if kind in ("LNConj", "LNDisj"):
        return [together([part[index] for part in parts]) for index in range(length)]
    (body,) = parts
    if kind == "LNNeg":
        return [not value for value in body]
    return [together(body[min(index, loop) :]) for index in range(length)]
