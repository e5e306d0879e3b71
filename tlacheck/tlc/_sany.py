"""The worker's job `parse`: a module as SANY, TLC's parser, understands it, as JSON data.

SANY's tree is read in place; a place is `[file without .tla, line, column, end line, end column]` as
SANY counts them. `parse` builds the public values from it, in the process that asked.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import jpype

from tlacheck.tlc._expressions import Reader
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._protocol import Channel, Kind, Message, decode_engine
from tlacheck.tlc._staging import Stage
from tlacheck.tlc.spec import decode_spec

__all__ = ["parse"]

_STATE, _ACTION, _TEMPORAL = 1, 2, 3
#: TLC's message when SANY rejects a spec. SANY alone does not number its messages.
_PARSING_FAILED = Message(3002, Kind.ERROR, "Parsing or semantic analysis failed.")


def parse(data: dict[str, Any], _channel: Channel) -> dict[str, Any]:
    """Do the job `parse`: from a file and an engine to the contents of the file.

    The report has `messages`, `failure` (an exception of SANY) and `tree`, None if SANY refused.
    """
    with tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as name:
        nothing = Path(name) / "nothing.cfg"
        nothing.touch()  # a stage wants a configuration; SANY does not read it
        spec = attrs.evolve(decode_spec(data["spec"]), config=nothing)
        stage = Stage(spec, decode_engine(data["engine"]), Path(name))
        specification = stage.classes["tla2sany.modanalyzer.SpecObj"](stage.root, stage.resolver)
        failure: str | None = None
        status = -1
        try:
            status = stage.classes["tla2sany.drivers.SANY"].frontEndMain(
                specification, stage.root, stage.classes["util.ToolIO"].err
            )
        except jpype.JException as error:
            failure = str(error.getMessage() or error.getClass().getSimpleName())
        messages = list(stage.messages())
        refused = status != 0 or specification.getErrorLevel() != 0
        if refused:
            messages.append(_PARSING_FAILED)
        return {
            "messages": [attrs.astuple(message) for message in messages],
            "failure": failure,
            "tree": None
            if refused
            else _Tree(stage.classes, specification).report(data["next"], expressions=data["expressions"]),
        }


class _Tree:
    """SANY's tree of a specification."""

    def __init__(self, classes: TlcClasses, specification: Any) -> None:
        self._root = specification.getRootModule()
        self._modules = [*specification.getExternalModuleTable().getModuleNodes()]
        self._definitions = [*self._root.getOpDefs()]
        self._classes = classes
        self._walk = _Walk(classes)

    def report(self, relation: str | None, *, expressions: bool) -> dict[str, Any]:
        """Return the data of `parse`.

        Args:
            relation: the name of the next-state relation; None looks for one.
            expressions: whether each definition comes with the tree of its expression.
        """
        relations = self._relations(relation)
        read = Reader(self._classes).tree if expressions else None
        return {
            "root": str(self._root.getName()),
            "modules": [
                {
                    "name": str(module.getName()),
                    "file": str(module.getLocation().source()),
                    "extends": self._extended(module),
                }
                for module in self._modules
            ],
            "constants": [_declaration(node) for node in self._root.getConstantDecls()],
            "variables": [_declaration(node) for node in self._root.getVariableDecls()],
            "definitions": [
                _definition(node) | ({} if read is None else {"tree": read(node.getBody())})
                for node in self._definitions
                if not _is_renamed(node)
            ],
            "instances": [_instance(node) for module in self._modules for node in module.getInstances()],
            "assumptions": [_statement(node) for module in self._modules for node in module.getAssumptions()],
            "theorems": [_statement(node) for module in self._modules for node in module.getTheorems()],
            "relations": [
                relation or self._walk.name(body) or str(node.getName()) for body, node in relations
            ],
            "actions": [
                {"definition": _definition(node), "domains": domains}
                for node, domains in self._walk.actions(relations)
            ],
        }

    def _extended(self, module: Any) -> list[str]:
        """Return the modules that the module extends directly, in the order in which SANY reads them."""
        extended = {str(node.getName()) for node in module.getExtendedModuleSet(False)}
        return [str(node.getName()) for node in self._modules if str(node.getName()) in extended]

    def _relations(self, name: str | None) -> list[tuple[Any, Any]]:
        """Return the next-state relations, each with its expression and its definition."""
        if name is not None:
            named = [node for node in self._definitions if str(node.getName()) == name]
            return [(node.getBody(), node) for node in named if node.getLevel() == _ACTION]
        own = [node for node in self._definitions if not _is_renamed(node) and node.getLevel() >= _ACTION]
        # From the root module to those it extends: nearer modules were written with the others in mind.
        layers = [
            [node for node in own if node.getOriginallyDefinedInModuleNode().equals(module)]
            for module in reversed(self._modules)
        ]
        for layer in layers:
            formulas = [node for node in layer if node.getLevel() == _TEMPORAL]
            found = [
                (action, formula) for formula in formulas for action in self._walk.boxed(formula.getBody())
            ]
            if found:
                return found
        used = {used for node in own for used in self._walk.applied(node)}
        for layer in layers:
            roots = [
                (node.getBody(), node)
                for node in layer
                if node.getLevel() == _ACTION and not node.getArity() and int(node.getUid()) not in used
            ]
            if roots:
                return roots
        return []


class _Walk:
    """Traversal of expressions, without recursion: a spec nests deeper than Python's stack."""

    def __init__(self, classes: TlcClasses) -> None:
        self._application = classes["tla2sany.semantic.OpApplNode"]
        self._definition = classes["tla2sany.semantic.OpDefNode"]
        self._parameter = classes["tla2sany.semantic.FormalParamNode"]
        self._let = classes["tla2sany.semantic.LetInNode"]
        self._wrappers = tuple(
            classes[f"tla2sany.semantic.{name}"] for name in ("LetInNode", "LabelNode", "SubstInNode")
        )

    def boxed(self, body: Any) -> Iterator[Any]:
        """Yield the `A` of each conjunct `[][A]_v` of a formula that has an initial predicate too."""
        conjuncts: list[Any] = []
        stack = [body]
        while stack:
            node = self._bare(stack.pop())
            if self._operator(node) in ("\\land", "$ConjList"):
                stack += reversed(node.getArgs())
            else:
                conjuncts.append(node)
        if not any(node.getLevel() <= _STATE for node in conjuncts):
            return  # [][A]_v alone is a property
        for node in conjuncts:
            if self._operator(node) == "[]":
                action = self._bare(node.getArgs()[0])
                if self._operator(action) == "$SquareAct":
                    yield action.getArgs()[0]

    def name(self, body: Any) -> str:
        """Return the definition of the spec that an expression consists of; empty if it is more than that."""
        applied = body.getOperator() if isinstance(body, self._application) else None
        if applied is None or not isinstance(applied, self._definition) or not self._is_action(applied):
            return ""
        return str(applied.getName())

    def applied(self, definition: Any) -> Iterator[int]:
        """Yield the definitions that a definition applies, by SANY's numbers, without itself."""
        stack = [definition.getBody()]
        while stack:
            node = stack.pop()
            if isinstance(node, self._application):
                used = node.getOperator()
                if isinstance(used, self._definition) and not used.equals(definition):
                    yield int(used.getUid())
            stack += [child for child in node.getChildren() or () if child is not None]

    def actions(self, relations: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, list[Any]]]:
        """Yield the definitions in which the disjuncts of next-state relations end, each once, in order.

        Each comes with the places of the sets from which quantifiers take its parameters; None for a
        parameter that they do not simply pass on.
        """
        found: dict[int, tuple[Any, list[Any]]] = {}
        seen: set[int] = set()
        nameless: set[int] = set()  # definitions in LET
        # An expression, the definition that it belongs to, and the origin of bound names and parameters.
        stack: list[tuple[Any, Any, dict[int, Any]]] = []
        stack += reversed([(body, node, {}) for body, node in relations])
        while stack:
            node, owner, domains = stack.pop()
            if isinstance(node, self._let):
                nameless |= {int(let.getUid()) for let in node.getLets()}
            node = self._bare(node)
            match self._operator(node):
                case "$DisjList" | "\\lor" | "$Nop" | "$UnboundedExists":
                    inner = [*node.getArgs()]
                case "$IfThenElse":
                    inner = [*node.getArgs()][1:]
                case "$BoundedExists":
                    inner = [*node.getArgs()]
                    domains = {**domains, **dict(self._bound(node))}
                case _:
                    inner = []
            if inner:
                stack += [(one, owner, domains) for one in reversed(inner)]
                continue
            applied = node.getOperator() if isinstance(node, self._application) else None
            if isinstance(applied, self._definition) and self._is_action(applied):
                number = int(applied.getUid())
                if number not in seen:
                    seen.add(number)
                    passed = self._passed(applied, node, domains)
                    stack.append((applied.getBody(), owner if number in nameless else applied, passed))
            elif owner.getLevel() == _ACTION:
                parameters = [int(parameter.getUid()) for parameter in owner.getParams()]
                found.setdefault(int(owner.getUid()), (owner, [domains.get(uid) for uid in parameters]))
        yield from found.values()

    def _bare(self, node: Any) -> Any:
        """Return the expression within LET, labels and substitutions."""
        while isinstance(node, self._wrappers):
            node = node.getBody()
        return node

    def _operator(self, node: Any) -> str:
        return str(node.getOperator().getName()) if isinstance(node, self._application) else ""

    def _is_action(self, definition: Any) -> bool:
        """Return whether it is a definition of the spec, not of the language, that describes steps."""
        body = definition.getBody()
        return body is not None and definition.getTreeNode() is not None and definition.getLevel() == _ACTION

    def _bound(self, quantifier: Any) -> Iterator[tuple[int, Any]]:
        pairs = zip(
            quantifier.getBdedQuantSymbolLists(),
            quantifier.getBdedQuantBounds(),
            quantifier.isBdedQuantATuple(),
            strict=True,
        )
        for symbols, bound, is_tuple in pairs:
            for symbol in symbols:
                yield int(symbol.getUid()), None if is_tuple else _place(bound)

    def _passed(self, definition: Any, node: Any, domains: dict[int, Any]) -> dict[int, Any]:
        """Return the origin of the definition's parameters in this application."""
        passed: dict[int, Any] = {}
        for parameter, argument in zip(definition.getParams(), node.getArgs(), strict=False):
            symbol = argument.getOperator() if isinstance(argument, self._application) else None
            if isinstance(symbol, self._parameter):
                passed[int(parameter.getUid())] = domains.get(int(symbol.getUid()))
        return passed


def _place(node: Any) -> list[Any]:
    place = node.getLocation()
    return [str(place.source()), *map(int, place.getCoordinates())]


def _is_renamed(definition: Any) -> bool:
    """Return whether it is another module's definition under the name of an instance, `Queue!Send`."""
    return not definition.getName().equals(definition.getSource().getName())


def _declaration(node: Any) -> dict[str, Any]:
    return {"name": str(node.getName()), "arity": int(node.getArity()), "place": _place(node)}


def _parameters(nodes: Any) -> list[tuple[str, int]]:
    return [(str(node.getName()), int(node.getArity())) for node in nodes or ()]


def _definition(node: Any) -> dict[str, Any]:
    written = node.getSource()  # the source of an instance
    return {
        "name": str(node.getName()),
        "parameters": _parameters(node.getParams()),
        "level": int(node.getLevel()),
        "module": str(written.getOriginallyDefinedInModuleNode().getName()),
        "place": _place(written),
        "local": bool(node.isLocal()),
        "recursive": bool(node.getInRecursive()),
        "comments": [str(comment) for comment in written.getPreComments()],
    }


def _instance(node: Any) -> dict[str, Any]:
    name = node.getName()
    return {
        "name": None if name is None else str(name),
        "module": str(node.getModule().getName()),
        "local": bool(node.getLocal()),
        "place": _place(node),
    }


def _statement(node: Any) -> dict[str, Any]:
    named = node.getDef()
    return {"name": None if named is None else str(named.getName()), "place": _place(node)}
