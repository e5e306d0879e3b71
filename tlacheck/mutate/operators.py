"""Operators: the small wrong edits of expressions and statements.

| operator            | does                                                                              |
|---------------------|-----------------------------------------------------------------------------------|
| `drop-condition`    | drops an operand of `and` or `or`                                                 |
| `negate`            | negates an equality, a membership, an ordering, a `not`                           |
| `weaken-comparison` | swaps `<` and `<=`, `>` and `>=`                                                  |
| `shift-threshold`   | shifts the right side of an ordering by one, the other way; a number, both ways   |
| `never`, `always`   | makes a condition False or True: the check, the early return or raise is dropped  |
| `drop-item`         | drops an item of a tuple, list, set, dictionary: what is signed, compared, done   |
| `swap-items`        | swaps two neighbours among effects                                                |
| `drop-field`        | leaves a field unchanged in `evolve`, or out of a text that is made of fields     |
| `drop-operand`      | drops the right operand of `+`, `-`, a vertical bar, an ampersand                 |
| `swap-extreme`      | swaps `min` and `max`, `any` and `all`                                            |
| `drop-statement`    | drops a call, an assignment to what has a value, `continue`, `break`              |
| `swap-statements`   | swaps two neighbours that are calls                                               |

Texts, annotations, decorators and defaults are left alone, and so are messages of exceptions.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import attrs

__all__ = ["OPERATORS", "Edit", "edits"]

OPERATORS: Final = (
    "drop-condition",
    "negate",
    "weaken-comparison",
    "shift-threshold",
    "never",
    "always",
    "drop-item",
    "swap-items",
    "drop-field",
    "drop-operand",
    "swap-extreme",
    "drop-statement",
    "swap-statements",
)

#: The functions that copy a value with some fields changed.
_EVOLVES: Final = frozenset({"evolve", "replace", "_replace"})
_SWAPPED: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_FLIPPED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
_NEGATED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot,
    ast.IsNot: ast.Is, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
}  # fmt: skip
#: Where the other shift goes: `<` and `>=` are made looser or stricter by one less, `<=` and `>` by one more.
_OTHER_WAY: Final[dict[type[ast.cmpop], int]] = {ast.Lt: -1, ast.GtE: -1, ast.LtE: 1, ast.Gt: 1}
#: Effects are few; more items are a table.
_EFFECTS_MAX: Final = 5

_Node: TypeAlias = ast.expr | ast.stmt
_Rewriting: TypeAlias = tuple[str, _Node, str]


@attrs.frozen(kw_only=True)
class Edit:
    """One edit of a module.

    Attributes:
        operator: which made it.
        function: the qualified name of the function; `<module>` outside of any.
        statement: the line of the statement in which it is; 0 outside of functions.
        start: the first node that is replaced.
        end: the last one, which may be the same.
        text: what stands there instead.
    """

    operator: str
    function: str
    statement: int
    start: _Node
    end: _Node
    text: str


def edits(tree: ast.Module) -> Iterator[Edit]:
    """All edits of a module, in the order of the source.

    Args:
        tree: of the module, with positions.
    """
    yield from _Walk().module(tree)


def _text(new: ast.expr, old: ast.expr) -> str:
    text = ast.unparse(new)
    loose = isinstance(new, ast.BoolOp | ast.IfExp | ast.Lambda | ast.BinOp | ast.Compare | ast.UnaryOp)
    return f"({text})" if loose and type(new) is not type(old) else text


class _Walk:
    """The walk over a module, which knows where it is."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._functions = 0
        self._line = 0
        self._bound: set[str] = set()

    def module(self, tree: ast.Module) -> Iterator[Edit]:
        for statement in tree.body:
            yield from self._outside(statement)

    def _edit(self, operator: str, node: _Node, text: str, *, end: _Node | None = None) -> Edit:
        return Edit(
            operator=operator,
            function=".".join(self._names) or "<module>",
            statement=self._line,
            start=node,
            end=end or node,
            text=text,
        )

    # --- statements

    def _outside(self, statement: ast.stmt) -> Iterator[Edit]:
        """Outside of functions only functions count, and what calls and tables of the module have."""
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._function(statement)
            case ast.ClassDef():
                self._names.append(statement.name)
                for each in statement.body:
                    if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                        yield from self._outside(each)
                self._names.pop()
            case ast.Expr(ast.Call() as call):
                yield from self._expression(call)
            case ast.Assign(value=ast.Call() | ast.Dict() | ast.Lambda() as value):
                yield from self._expression(value)
            case ast.AnnAssign(value=ast.Call() | ast.Dict() | ast.Lambda() as value):
                yield from self._expression(value)
            case ast.If():
                for each in (*statement.body, *statement.orelse):
                    yield from self._outside(each)

    def _function(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Edit]:
        outer, line = self._bound, self._line
        arguments = function.args
        given = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        self._bound = {each.arg for each in given} | outer
        self._names.append(function.name)
        self._functions += 1
        body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
        yield from self._body(body)
        self._functions -= 1
        self._names.pop()
        self._bound, self._line = outer, line

    def _body(self, body: list[ast.stmt]) -> Iterator[Edit]:
        for place, statement in enumerate(body):
            self._line = statement.lineno
            yield from self._dropped(statement)
            following = body[place + 1] if place + 1 < len(body) else None
            if _is_call(statement) and following is not None and _is_call(following):
                text = f"{ast.unparse(following)}; {ast.unparse(statement)}"
                yield self._edit("swap-statements", statement, text, end=following)
            yield from self._statement(statement)

    def _dropped(self, statement: ast.stmt) -> Iterator[Edit]:
        match statement:
            case ast.Expr() | ast.AugAssign() | ast.Continue() | ast.Break() | ast.Delete():
                yield self._edit("drop-statement", statement, "pass")
            case ast.Assign(targets=[target]) if self._has_value(target):
                yield self._edit("drop-statement", statement, "pass")

    def _has_value(self, target: ast.expr) -> bool:
        match target:
            case ast.Name(name):
                return name in self._bound
            case ast.Tuple(elements):
                return all(map(self._has_value, elements))
        return isinstance(target, ast.Attribute | ast.Subscript)

    def _statement(self, statement: ast.stmt) -> Iterator[Edit]:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._function(statement)
            case ast.If(test=test):
                yield from self._condition(test)
                yield from self._body(statement.body)
                yield from self._body(statement.orelse)
            case ast.While(test=test):
                yield from self._condition(test, loops=True)
                yield from self._body(statement.body)
            case ast.For():
                self._bind(statement.target)
                yield from self._expression(statement.iter)
                yield from self._body(statement.body)
                yield from self._body(statement.orelse)
            case ast.With():
                for item in statement.items:
                    yield from self._expression(item.context_expr)
                yield from self._body(statement.body)
            case ast.Try():
                yield from self._body(statement.body)
                for handler in statement.handlers:
                    yield from self._body(handler.body)
                yield from self._body(statement.orelse)
                yield from self._body(statement.finalbody)
            case ast.Match():
                yield from self._assigned(None, statement.subject)
                for case in statement.cases:
                    if case.guard is not None:
                        yield from self._condition(case.guard)
                    yield from self._body(case.body)
            case ast.Return(value=value) if value is not None:
                yield from self._returned(value)
            case ast.Assign(value=value):
                yield from self._assigned(statement.targets[0], value)
                self._bind(*statement.targets)
            case ast.AnnAssign(value=value) if value is not None:
                yield from self._expression(value)
                self._bind(statement.target)
            case ast.AugAssign(value=value) | ast.Expr(value=value):
                yield from self._expression(value)

    def _bind(self, *targets: ast.expr) -> None:
        for target in targets:
            self._bound |= {each.id for each in ast.walk(target) if isinstance(each, ast.Name)}

    def _returned(self, value: ast.expr) -> Iterator[Edit]:
        if isinstance(value, ast.Compare | ast.BoolOp) or _is_not(value):
            yield from self._condition(value)
        else:
            yield from self._assigned(None, value)

    def _assigned(self, target: ast.expr | None, value: ast.expr) -> Iterator[Edit]:
        """A tuple that is returned or taken apart keeps its items: only these are changed."""
        is_pair = isinstance(value, ast.Tuple) and (target is None or isinstance(target, ast.Tuple))
        if is_pair and isinstance(value, ast.Tuple) and not any(map(_is_starred, value.elts)):
            for element in value.elts:
                yield from self._expression(element)
        else:
            if isinstance(value, ast.JoinedStr) and isinstance(target, ast.Name):
                yield from self._rewritten(_without_a_part(value))
            yield from self._expression(value)

    # --- expressions

    def _condition(self, test: ast.expr, *, loops: bool = False) -> Iterator[Edit]:
        if not isinstance(test, ast.Constant):
            yield self._edit("never", test, "False")
            if not loops:
                yield self._edit("always", test, "True")
        if not isinstance(test, ast.Compare | ast.BoolOp) and not _is_not(test):
            yield self._edit("negate", test, f"(not ({ast.unparse(test)}))")
        yield from self._expression(test)

    def _rewritten(self, rewritings: Iterator[_Rewriting]) -> Iterator[Edit]:
        for operator, old, text in rewritings:
            yield self._edit(operator, old, text)

    def _expression(self, node: ast.expr) -> Iterator[Edit]:
        for kind, rewrite in _REWRITES.items():
            if isinstance(node, kind):
                yield from self._rewritten(rewrite(node))
        if isinstance(node, ast.JoinedStr):
            return  # its parts have no positions of their own
        for child in self._children(node):
            yield from self._expression(child)

    def _children(self, node: ast.expr) -> Iterator[ast.expr]:
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.comprehension():
                    yield child.iter
                    yield from child.ifs
                case ast.keyword(value=value):
                    yield value
                case ast.expr():
                    yield child


# --- rewritings: (operator, node, text in its place)


def _is_call(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)


def _is_not(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _is_starred(node: ast.expr) -> bool:
    return isinstance(node, ast.Starred)


def _operands(node: ast.BoolOp) -> Iterator[_Rewriting]:
    for place in range(len(node.values)):
        others = [each for other, each in enumerate(node.values) if other != place]
        new = others[0] if len(others) == 1 else ast.BoolOp(node.op, others)
        yield "drop-condition", node, _text(new, node)


def _comparison(node: ast.Compare) -> Iterator[_Rewriting]:
    for place, operator in enumerate(node.ops):
        kind = type(operator)

        def with_operator(new: type[ast.cmpop], place: int = place) -> str:
            return _text(ast.Compare(node.left, _at(node.ops, place, new()), node.comparators), node)

        right = node.comparators[place]
        if kind in _FLIPPED:
            yield "weaken-comparison", node, with_operator(_FLIPPED[kind])
            if not isinstance(right, ast.Tuple | ast.Constant | ast.List | ast.Set):
                shifted = _shifted(right, _OTHER_WAY[kind])
                new = ast.Compare(node.left, node.ops, _at(node.comparators, place, shifted))
                yield "shift-threshold", node, _text(new, node)
        if len(node.ops) == 1:
            yield "negate", node, with_operator(_NEGATED[kind])


def _at(items: list[ast.cmpop] | list[ast.expr], place: int, new: ast.AST) -> list:  # type: ignore[type-arg]  # either
    return [new if each == place else item for each, item in enumerate(items)]


def _shifted(node: ast.expr, by: int) -> ast.expr:
    return ast.BinOp(node, ast.Add() if by > 0 else ast.Sub(), ast.Constant(1))


def _negation(node: ast.UnaryOp) -> Iterator[_Rewriting]:
    if isinstance(node.op, ast.Not):
        yield "negate", node, _text(node.operand, node)


def _constant(node: ast.Constant) -> Iterator[_Rewriting]:
    if type(node.value) is int:
        yield "shift-threshold", node, str(node.value + 1)
        yield "shift-threshold", node, str(node.value - 1) if node.value else "(-1)"
    elif type(node.value) is bool:
        yield "negate", node, str(not node.value)


def _binary(node: ast.BinOp) -> Iterator[_Rewriting]:
    is_number = isinstance(node.right, ast.Constant)
    if isinstance(node.op, ast.Add | ast.Sub | ast.BitOr | ast.BitAnd) and not is_number:
        yield "drop-operand", node, _text(node.left, node)


def _call(node: ast.Call) -> Iterator[_Rewriting]:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if isinstance(node.func, ast.Name) and name in _SWAPPED:
        yield "swap-extreme", node.func, _SWAPPED[name]
    if name in _EVOLVES:
        for keyword in node.keywords:
            others = [each for each in node.keywords if each is not keyword]
            yield "drop-field", node, ast.unparse(ast.Call(node.func, node.args, others))


def _choice(node: ast.IfExp) -> Iterator[_Rewriting]:
    yield "always", node, _chosen(node.body)
    yield "never", node, _chosen(node.orelse)


def _chosen(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"


def _items(node: ast.Tuple | ast.List | ast.Set) -> Iterator[_Rewriting]:
    """Drop an item; the only one if it is an effect. Swap neighbours that are effects."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    items = node.elts
    are_effects = all(isinstance(each, ast.Call | ast.Starred) for each in items)
    if len(items) > 1 or (are_effects and items and not isinstance(node, ast.Set)):
        for place in range(len(items)):
            yield "drop-item", node, _display(node, items[:place] + items[place + 1 :])
    if are_effects and not isinstance(node, ast.Set) and len(items) <= _EFFECTS_MAX:
        for place in range(len(items) - 1):
            swapped = [*items[:place], items[place + 1], items[place], *items[place + 2 :]]
            yield "swap-items", node, _display(node, swapped)


def _display(node: ast.Tuple | ast.List | ast.Set, items: list[ast.expr]) -> str:
    new = copy.copy(node)
    new.elts = items
    return ast.unparse(new)


def _entries(node: ast.Dict) -> Iterator[_Rewriting]:
    for place in range(len(node.keys)):
        keys, values = list(node.keys), list(node.values)
        del keys[place], values[place]
        yield "drop-item", node, ast.unparse(ast.Dict(keys, values))


def _without_a_part(node: ast.JoinedStr) -> Iterator[_Rewriting]:
    parts = [each for each in node.values if isinstance(each, ast.FormattedValue)]
    for part in parts if len(parts) > 1 else ():
        kept = ast.JoinedStr([each for each in node.values if each is not part])
        yield "drop-field", node, ast.unparse(kept)


def _conditions(node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> Iterator[_Rewriting]:
    for generator in node.generators:
        for condition in generator.ifs:
            yield "always", condition, "True"
            yield "never", condition, "False"


_REWRITES: Final[dict[type[ast.expr], Callable[..., Iterator[_Rewriting]]]] = {
    ast.BoolOp: _operands,
    ast.Compare: _comparison,
    ast.UnaryOp: _negation,
    ast.Constant: _constant,
    ast.BinOp: _binary,
    ast.Call: _call,
    ast.IfExp: _choice,
    ast.Tuple: _items,
    ast.List: _items,
    ast.Set: _items,
    ast.Dict: _entries,
    ast.ListComp: _conditions,
    ast.SetComp: _conditions,
    ast.DictComp: _conditions,
    ast.GeneratorExp: _conditions,
}
