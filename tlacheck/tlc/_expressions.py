"""The expressions of definitions as SANY's tree has them, as JSON data.

A tree is a list of nodes, `[operator, level, place, operands, uses]`, the root first: `operands` are places
in this list, `uses` is the name of the definition that is applied, empty if the operator is the language's
own. A list, since a spec nests deeper than Python's stack.
"""

from typing import Any

from tlacheck.tlc._jvm import TlcClasses

__all__ = ["Reader"]

#: The operators of what is no application.
_LET, _NUMBER, _TEXT, _OTHER = "LET", "$Number", "$String", "$Other"


class Reader:
    """Reads trees of expressions."""

    def __init__(self, classes: TlcClasses) -> None:
        names = (
            "OpApplNode",
            "LetInNode",
            "LabelNode",
            "NumeralNode",
            "StringNode",
            "OpDefNode",
            "SubstInNode",
        )
        kinds = {name: classes[f"tla2sany.semantic.{name}"] for name in names}
        self._application, self._let, self._label = (
            kinds["OpApplNode"],
            kinds["LetInNode"],
            kinds["LabelNode"],
        )
        self._number, self._text = kinds["NumeralNode"], kinds["StringNode"]
        self._definition, self._substituted = kinds["OpDefNode"], kinds["SubstInNode"]

    def tree(self, body: Any) -> list[list[Any]]:
        """Return the nodes of an expression, the root first."""
        nodes: list[list[Any]] = []
        todo = [(body, -1)]
        while todo:
            node, parent = todo.pop()
            while isinstance(node, self._label):
                node = node.getBody()
            if parent >= 0:
                nodes[parent][3].append(len(nodes))
            operator, uses, operands = self._parts(node)
            place = node.getLocation()
            level = int(node.getLevel()) if hasattr(node, "getLevel") else 0
            here = [str(place.source()), *map(int, place.getCoordinates())]
            nodes.append([operator, level, here, [], uses])
            todo += [(operand, len(nodes) - 1) for operand in reversed(operands)]
        return nodes

    def _parts(self, node: Any) -> tuple[str, str, list[Any]]:
        """Return the operator of a node, the definition that it applies, and its operands."""
        if isinstance(node, self._application):
            applied = node.getOperator()
            is_own = isinstance(applied, self._definition) and applied.getBody() is not None
            bounds = [*(node.getBdedQuantBounds() or ())]
            operands = [each for each in (*bounds, *node.getArgs()) if each is not None]
            name = str(applied.getName())
            return name, name if is_own else "", operands
        if isinstance(node, self._let):
            return _LET, "", [*(each.getBody() for each in node.getLets()), node.getBody()]
        if isinstance(node, self._number):
            return _NUMBER, "", []
        return (_TEXT if isinstance(node, self._text) else _OTHER), "", []
