"""Probes: a module's source with a mark before each statement of a function, which tells that it ran."""

import ast

__all__ = ["REACHED", "probed"]

#: What the probes of this process have seen: (module, line).
REACHED: set[tuple[str, int]] = set()


def probed(module: str, source: str) -> str:
    """The source with a probe before each statement of a function."""
    tree = ast.parse(source)
    _Probes(module).visit(tree)
    first = next(
        (
            place
            for place, each in enumerate(tree.body)
            if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
            and not (isinstance(each, ast.ImportFrom) and each.module == "__future__")
        ),
        len(tree.body),
    )
    name = ast.alias("REACHED", "__reached__")
    tree.body.insert(first, ast.ImportFrom("tlacheck.mutate.probes", [name], 0))
    return ast.unparse(ast.fix_missing_locations(tree))


class _Probes(ast.NodeTransformer):
    """Puts a probe before each statement of a function."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._depth = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Visit what is inside first: probes have no probes."""
        super().generic_visit(node)
        if self._depth and not isinstance(node, ast.ClassDef):
            for name in ("body", "orelse", "finalbody"):
                body = getattr(node, name, None)
                if isinstance(body, list) and body:
                    setattr(node, name, [new for each in body for new in self._with_probe(each)])
        return node

    def _with_probe(self, statement: ast.stmt) -> tuple[ast.stmt, ...]:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return (statement,)
        mark = ast.Tuple([ast.Constant(self._module), ast.Constant(statement.lineno)], ast.Load())
        call = ast.Call(ast.Attribute(ast.Name("__reached__", ast.Load()), "add", ast.Load()), [mark], [])
        return (ast.Expr(call), statement)
