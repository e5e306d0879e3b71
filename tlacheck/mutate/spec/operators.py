r"""Operators: the small wrong edits of a spec's definitions.

| operator            | does                                                                   |
|---------------------|------------------------------------------------------------------------|
| `drop-condition`    | a conjunct of a guard becomes TRUE, a disjunct FALSE                   |
| `drop-step`         | a disjunct of the next-state relation or of an action becomes FALSE    |
| `drop-update`       | `x' = e` becomes `x' = x`                                              |
| `drop-field`        | a part of an EXCEPT keeps its value                                    |
| `negate`            | negates an equality, a membership, a `~`                               |
| `weaken-comparison` | swaps `<` and `<=`, `>` and `>=`                                       |
| `shift-threshold`   | shifts a number by one, both ways                                      |
| `swap-quantifier`   | swaps `\A` and `\E` of a state                                         |
| `never`, `always`   | makes the condition of an IF, or what comes before `=>`, FALSE or TRUE |
| `drop-item`         | drops an element of a set that is listed                               |
| `drop-operand`      | drops the right operand of `\cup`, `\cap`, `\`, `\o`, `+`, `-`         |
| `drop-fairness`     | a fairness condition becomes TRUE                                      |
| `weaken-fairness`   | strong fairness becomes weak                                           |

What gives variables their first values is left alone, and so is what says which variables stay: without
either TLC refuses a spec.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

import attrs

from tlacheck.tlc.parse import Definition, Expression, Level, Span

__all__ = ["FAIRNESS", "OPERATORS", "Edit", "edits"]

OPERATORS: Final = (
    "drop-condition",
    "drop-step",
    "drop-update",
    "drop-field",
    "negate",
    "weaken-comparison",
    "shift-threshold",
    "swap-quantifier",
    "never",
    "always",
    "drop-item",
    "drop-operand",
    "drop-fairness",
    "weaken-fairness",
)

#: The operators that change what must happen, not what may.
FAIRNESS: Final = ("drop-fairness", "weaken-fairness")

#: Operator as SANY names it -> how it is written, and what stands there instead.
_NEGATED: Final = {
    "=": (r"=", "#"),
    "/=": (r"/=|#", "="),
    "\\in": (r"\\in\b", "\\notin"),
    "\\notin": (r"\\notin\b", "\\in"),
}
_WEAKENED: Final = {
    "<": (r"<", "<="),
    ">": (r">", ">="),
    "\\leq": (r"=<|<=|\\leq", "<"),
    "\\geq": (r">=|\\geq", ">"),
}
_RIGHT_DROPPED: Final = ("\\cup", "\\union", "\\cap", "\\intersect", "\\", "\\o", "\\circ", "+", "-")
_SWAPPED: Final = {"$BoundedForall": ("\\A", "\\E"), "$BoundedExists": ("\\E", "\\A")}
_STATIC: Final = (Level.CONSTANT, Level.STATE)


@attrs.frozen(kw_only=True)
class Edit:
    """One edit of a definition.

    Attributes:
        operator: which made it.
        definition: in which.
        span: what is replaced.
        text: what stands there instead.
    """

    operator: str
    definition: Definition
    span: Span
    text: str


def edits(
    definition: Definition,
    text_of: Callable[[Span], str],
    *,
    variables: Collection[str],
    is_initial: bool = False,
) -> Iterator[Edit]:
    """All edits of a definition, in the order of the text.

    Args:
        definition: with its expression.
        text_of: gives the text of a piece of its file.
        variables: the names of the spec's variables.
        is_initial: whether it says how behaviours begin, and nothing else.
    """
    if definition.body is None:
        return
    rules = _Rules(text_of, frozenset(variables), is_initial=is_initial)
    for node in definition.body.walk():
        for operator, span, text in rules.of(node):
            yield Edit(operator=operator, definition=definition, span=span, text=text)


_Found = Iterator[tuple[str, Span, str]]


class _Rules:
    """The edits of one expression."""

    def __init__(
        self, text_of: Callable[[Span], str], variables: frozenset[str], *, is_initial: bool
    ) -> None:
        self._text, self._variables, self._is_initial = text_of, variables, is_initial

    def of(self, node: Expression) -> _Found:
        operands = node.operands
        match node.operator:
            case "$ConjList" | "\\land":
                for each in operands:
                    yield from self._conjunct(each)
            case "$DisjList" | "\\lor":
                for each in operands:
                    if each.level in _STATIC:
                        yield "drop-condition", each.span, "FALSE"
                    elif each.level is Level.ACTION:
                        yield "drop-step", each.span, "FALSE"
            case "=" | "/=" | "\\in" | "\\notin" | "<" | ">" | "\\leq" | "\\geq" if node.level in _STATIC:
                yield from self._comparison(node)
            case "\\lnot" if node.level in _STATIC:
                yield "negate", node.span, self._text(operands[0].span)
            case "$BoundedForall" | "$BoundedExists" if node.level in _STATIC:
                old, new = _SWAPPED[node.operator]
                if (text := self._text(node.span)).startswith(old):
                    yield "swap-quantifier", node.span, new + text.removeprefix(old)
            case "$IfThenElse" | "=>" if operands[0].level in _STATIC:
                yield "never", operands[0].span, "FALSE"
                yield "always", operands[0].span, "TRUE"
            case "$Except":
                yield from self._fields(operands[1:])
            case "$SetEnumerate" if len(operands) > 1:
                texts = [self._text(each.span) for each in operands]
                for place in range(len(texts)):
                    yield "drop-item", node.span, f"{{{', '.join(texts[:place] + texts[place + 1 :])}}}"
            case "$Number":
                number = int(self._text(node.span))
                yield "shift-threshold", node.span, str(number + 1)
                if number:
                    yield "shift-threshold", node.span, str(number - 1)
            case "$WF" | "$SF":
                yield "drop-fairness", node.span, "TRUE"
                if node.operator == "$SF":
                    yield "weaken-fairness", node.span, self._text(node.span).replace("SF_", "WF_", 1)
            case name if name in _RIGHT_DROPPED and len(operands) == 2 and not node.uses:
                yield "drop-operand", node.span, self._text(operands[0].span)

    def _conjunct(self, node: Expression) -> _Found:
        if node.level in _STATIC:
            if not (self._is_initial and self._assigned(node, primed=False)):
                yield "drop-condition", node.span, "TRUE"
        elif node.level is Level.ACTION:
            if (name := self._assigned(node, primed=True)) is not None:
                yield "drop-update", node.span, f"{name}' = {name}"
            elif node.operator in _NEGATED or node.operator in _WEAKENED:
                yield "drop-condition", node.span, "TRUE"

    def _assigned(self, node: Expression, *, primed: bool) -> str | None:
        """The variable to which a conjunct gives a value; None if it gives none."""
        if node.operator not in ("=", "\\in"):
            return None
        target = node.operands[0]
        if primed:
            if target.operator != "'":
                return None
            target = target.operands[0]
        return target.operator if target.operator in self._variables else None

    def _comparison(self, node: Expression) -> _Found:
        if self._is_initial and self._assigned(node, primed=False):
            return
        left, right = node.operands
        for operator, table in (("negate", _NEGATED), ("weaken-comparison", _WEAKENED)):
            if node.operator in table:
                pattern, new = table[node.operator]
                between = _between(left.span, right.span)
                text = self._text(between)
                if (found := re.search(pattern, text)) is not None:
                    yield operator, between, text[: found.start()] + new + text[found.end() :]

    def _fields(self, pairs: tuple[Expression, ...]) -> _Found:
        for pair in pairs:
            if len(pair.operands) == 2 and self._text(pair.operands[1].span) != "@":
                yield "drop-field", pair.operands[1].span, "@"


def _between(left: Span, right: Span) -> Span:
    """The piece between two operands."""
    end_line, end_column = right.line, right.column - 1
    return Span(
        file=left.file,
        line=left.end_line,
        column=left.end_column + 1,
        end_line=end_line,
        end_column=end_column,
    )
