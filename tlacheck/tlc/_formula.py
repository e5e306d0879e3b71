"""Formulas of a loaded spec: nodes of SANY's tree, read and evaluated by the TLC that loaded them.

A formula is a node and a context. The context binds its parameters, each to a value or to an expression
that TLC evaluates lazily.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import jpype
from immutabledict import immutabledict

from tlacheck.errors import Location, SpecError
from tlacheck.tlc._convert import parse
from tlacheck.tlc._diagnose import diagnose
from tlacheck.tlc._java import words_of
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._protocol import Kind, Message
from tlacheck.tlc.spec import Spec
from tlacheck.values import Value, to_tla

__all__ = ["ACTION_LEVEL", "TEMPORAL_LEVEL", "Formula", "Reader"]

#: SANY's level of a formula with primes, and that of one about behaviours.
ACTION_LEVEL, TEMPORAL_LEVEL = 2, 3
#: The location of a token that SANY inserted itself.
_NOWHERE = 2**31 - 1


@attrs.frozen
class Formula:
    """A node of SANY's tree with the bindings of its parameters."""

    node: Any
    context: Any


class Reader:
    """Reads and evaluates the formulas of one loaded spec.

    States are TLC's own, as in `OracleState.java`. Evaluating raises `jpype.JException` where TLC
    cannot; `complaint` says why in words.

    Attributes:
        nothing: the context in which no parameter stands for anything.
    """

    def __init__(self, spec: Spec, tool: Any, classes: TlcClasses) -> None:
        self._spec = spec
        self._tool = tool
        self._clear = classes["tlc2.tool.EvalControl"].Clear
        self._cost = classes["tlc2.tool.coverage.CostModel"].DO_NOT_RECORD
        self._opcode = classes["tlc2.tool.BuiltInOPs"].getOpCode
        self._application = classes["tla2sany.semantic.OpApplNode"]
        self._wrappers = (classes["tla2sany.semantic.LetInNode"], classes["tla2sany.semantic.LabelNode"])
        self._instances = (
            classes["tla2sany.semantic.SubstInNode"],
            classes["tla2sany.semantic.APSubstInNode"],
        )
        self._definition = classes["tla2sany.semantic.OpDefNode"]
        self._lazy = classes["tlc2.value.impl.LazyValue"]
        self._seed = classes["tlc2.util.FP64"].New()
        self._no_state = classes["tlc2.tool.TLCState"].Empty
        self.nothing = classes["tlc2.util.Context"].Empty

    @functools.cached_property
    def variables(self) -> Mapping[str, Any]:
        """The spec's variables, each with the name by which TLC's states know it."""
        nodes = self._tool.getSpecProcessor().getVariablesNodes()
        return immutabledict((str(node.getName()), node.getName()) for node in nodes)

    # --- evaluating -------------------------------------------------------------------------------

    def value(self, formula: Formula, before: Any = None, after: Any = None) -> Any:
        """Evaluate the formula to a Java object; in a state, in a step, or in neither."""
        before, after = (self._no_state if state is None else state for state in (before, after))
        return self._tool.eval(formula.node, formula.context, before, after, self._clear, self._cost)

    def whole(self, value: Any) -> Any:
        """Evaluate the value completely: a state must not keep a lazy one (`_keys` says why)."""
        value.fingerPrint(self._seed)
        return value

    def holds(self, formula: Formula, before: Any, after: Any) -> bool:
        """Return whether the formula is true in a step.

        Raises:
            SpecError: its value is no boolean.
        """
        text = str(self.value(formula, before, after).toString())
        if text not in ("TRUE", "FALSE"):
            raise SpecError(f"its value is {text}, where a boolean belongs")
        return text == "TRUE"

    @staticmethod
    def equal(one: Any, other: Any) -> bool:
        """Return whether two Java values are equal. Values that TLC refuses to compare are not equal."""
        try:
            return bool(one.equals(other))
        except jpype.JException:
            return False

    def choices(self, formula: Formula, before: Any, after: Any) -> Iterator[tuple[Formula, dict[str, Any]]]:
        """The body of a quantifier for each choice of members, with the members by name."""
        node = formula.node
        symbols = [symbol for symbols in node.getBdedQuantSymbolLists() for symbol in symbols]
        contexts = self._tool.contexts(node, formula.context, before, after, self._clear)
        while (context := contexts.nextElement()) is not None:
            members = {str(symbol.getName()): context.lookup(symbol) for symbol in symbols}
            yield Formula(node.getArgs()[0], context), members

    def complaint(self, error: Exception) -> str:
        """Explain in one line why TLC cannot evaluate something."""
        if isinstance(error, SpecError):
            return error.message
        return diagnose(self._spec, (Message(1000, Kind.ERROR, words_of(error)),)).message

    # --- looking into -----------------------------------------------------------------------------

    def operator(self, formula: Formula) -> str:
        """Return the built-in operator that the formula applies, by SANY's name; empty if it applies none."""
        if not isinstance(formula.node, self._application):
            return ""
        symbol = formula.node.getOperator()
        if not self._opcode(symbol.getName()):
            symbol = self._tool.lookup(
                symbol, formula.context, False
            )  # a configuration may replace it by one
            if not isinstance(symbol, self._definition) or not self._opcode(symbol.getName()):
                return ""
        return str(symbol.getName())

    def arguments(self, formula: Formula) -> tuple[Formula, ...]:
        """Return the operands of the formula. The guard of a CASE's OTHER has no node."""
        if not isinstance(formula.node, self._application):
            return ()
        return tuple(Formula(node, formula.context) for node in formula.node.getArgs())

    def bounds(self, formula: Formula) -> tuple[Formula, ...]:
        """The sets over which a quantifier ranges."""
        return tuple(Formula(node, formula.context) for node in formula.node.getBdedQuantBounds())

    def unfolded(self, formula: Formula) -> Formula | None:
        """Unfold the formula: a definition becomes its body, a parameter its expression.

        None if there is none: the operator is built in, or TLC computes it without a formula.
        """
        node, context = formula.node, formula.context
        if isinstance(node, self._wrappers):
            return Formula(node.getBody(), context)
        if isinstance(node, self._instances):
            inner = context
            for pair in node.getSubsts():
                inner = inner.cons(pair.getOp(), self._tool.getVal(pair.getExpr(), context, False))
            return Formula(node.getBody(), inner)
        if not isinstance(node, self._application) or self._opcode(node.getOperator().getName()):
            return None
        found = self._tool.lookup(node.getOperator(), context, False)
        if isinstance(found, self._lazy):
            return Formula(found.expr, found.con)
        if isinstance(found, self._definition) and not self._opcode(found.getName()):
            return Formula(found.getBody(), self._tool.getOpContext(found, node.getArgs(), context, False))
        return None

    def has_primes(self, formula: Formula) -> bool:
        """Return whether the formula depends on the state after the step."""
        node = formula.node
        if node.getLevel() >= ACTION_LEVEL:
            return True
        for parameter in node.getLevelParams():
            found = formula.context.lookup(parameter)
            if isinstance(found, self._lazy) and self.has_primes(Formula(found.expr, found.con)):
                return True
        return False

    def primed(self, formula: Formula) -> str | None:
        """The variable's name, if the formula is a primed variable."""
        return self._known(self._tool.getPrimedVar(formula.node, formula.context, False))

    def variable(self, formula: Formula) -> str | None:
        """The variable's name, if the formula is a variable."""
        if not isinstance(formula.node, self._application) or formula.node.getArgs():
            return None
        inner = self.unfolded(formula)
        return self._known(formula.node.getOperator()) if inner is None else self.variable(inner)

    def variables_in(self, formula: Formula) -> tuple[str, ...]:
        """The variables on which the formula depends, in the order in which they appear."""
        found: dict[str, None] = {}
        seen: set[int] = set()
        todo = [formula]
        while todo:
            current = todo.pop()
            node = current.node
            if node is None:
                continue
            if isinstance(node, self._application):
                if name := self._known(node.getOperator()):
                    found.setdefault(name)
                if node.getUid() in seen:
                    continue
                seen.add(node.getUid())
            if (inner := self.unfolded(current)) is not None:
                todo.append(inner)
            todo += [Formula(child, current.context) for child in reversed(node.getChildren() or ())]
        return tuple(found)

    def _known(self, symbol: Any) -> str | None:
        name = None if symbol is None else str(symbol.getName())
        return name if name in self.variables and symbol.getName().getVarLoc() >= 0 else None

    # --- showing ----------------------------------------------------------------------------------

    def text(self, formula: Formula) -> str:
        """Return the formula as it reads in the spec, on one line, without comments."""
        parts: list[str] = []
        end: tuple[int, int] | None = None
        for token in _tokens(formula.node.getTreeNode()):
            place = token.getLocation()
            start = (int(place.beginLine()), int(place.beginColumn()))
            if start[0] == _NOWHERE:
                continue
            if end is not None and start != (end[0], end[1] + 1):
                parts.append(" ")
            parts.append(str(token.getImage()))
            end = (int(place.endLine()), int(place.endColumn()))
        return "".join(parts)

    def is_own(self, formula: Formula) -> bool:
        """Return whether the formula is in a module of the user, not in a standard module."""
        return self._spec.path.with_name(f"{formula.node.getLocation().source()}.tla").is_file()

    def location(self, formula: Formula) -> Location:
        """Return the place of the formula. The file of a standard module is its bare name."""
        place = formula.node.getLocation()
        path = self._spec.path.with_name(f"{place.source()}.tla")
        file = str(path) if path.is_file() else path.name
        return Location(file, int(place.beginLine()), int(place.beginColumn()))

    @staticmethod
    def python(value: Any) -> Value:
        """The Python value of a Java one.

        Raises:
            SpecError: it is no finite value.
        """
        return parse(str(value.toString()))

    def shown(self, value: Any) -> str:
        """Return a Java value in TLA+ syntax; as TLC prints it, if it is not a finite value."""
        try:
            return to_tla(self.python(value))
        except SpecError:
            return " ".join(str(value.toString()).split())


def _tokens(tree: Any) -> Iterator[Any]:
    heirs = tree.heirs()
    if not heirs:
        yield tree
    for heir in heirs or ():
        yield from _tokens(heir)
