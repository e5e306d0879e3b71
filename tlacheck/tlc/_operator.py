"""Evaluation of a spec's names in a state: definitions applied to values, constants, variables."""

import difflib
from collections.abc import Iterable
from typing import Any

import attrs
import jpype

from tlacheck.errors import SpecError
from tlacheck.tlc._formula import ACTION_LEVEL, TEMPORAL_LEVEL, Formula, Reader
from tlacheck.tlc._loaded import LoadedSpec, LoadedState
from tlacheck.tlc._reason import short
from tlacheck.values import Value, to_tla

__all__ = ["Definition", "action_of", "evaluate_operator", "holds"]


@attrs.frozen
class Definition:
    """A definition of a loaded spec, looked up once: it may be applied at every step of a long run.

    Attributes:
        node: SANY's object, the one by which the configuration replaces it if it does.
        body: its formula.
        parameters: of it.
        level: of its formula.
        reader: evaluates it.
    """

    node: Any
    body: Any
    parameters: tuple[Any, ...]
    level: int
    reader: Reader

    def applied(self, arguments: Iterable[Any]) -> Formula:
        """Its formula, where the parameters stand for these values of TLC."""
        context = self.reader.nothing
        for parameter, argument in zip(self.parameters, arguments, strict=True):
            context = context.cons(parameter, argument)
        return Formula(self.body, context)


def evaluate_operator(
    oracle: LoadedSpec,
    name: str,
    state: LoadedState | None = None,
    *arguments: Value,
    after: LoadedState | None = None,
) -> Value:
    """Evaluate the operator `name` of the spec, applied to `arguments`.

    Args:
        oracle: the spec.
        name: a definition, a constant or a variable of the root module or of one that it extends; a
            definition of an instance is called `Instance!Name`.
        state: the state in which to evaluate it; None for what depends on no variable.
        arguments: values for its parameters.
        after: the state after the step, for an operator with primes.

    Raises:
        SpecError: there is no such operator, it takes other arguments, TLC cannot evaluate it, or what it
            is equal to is no finite value.
        TraceError: an argument is no value that TLC has.
    """
    before, next_ = (None if each is None else each.java for each in (state, after))
    given = [oracle._construct(argument) for argument in arguments]  # noqa: SLF001 - the oracle calls this for itself
    found = _found(oracle, name, len(given))

    def value(tool: Any) -> Any:
        if not isinstance(found, Definition):
            return _undefined(oracle, found, given, before)
        formula, reader = found.applied(given), found.reader
        if tool is not oracle._tool:  # noqa: SLF001 - as above: the one that says where an evaluation failed
            reader = Reader(oracle.spec, tool, oracle._stage.classes)  # noqa: SLF001 - as above
        if found.level >= TEMPORAL_LEVEL:
            raise SpecError(f"{name} is temporal: it has a value in a behaviour, not in a state")
        if before is None and (names := reader.variables_in(formula)):
            raise SpecError(f"{name} depends on {', '.join(names)}: give a state to evaluate it in")
        if next_ is None and reader.has_primes(formula):
            raise SpecError(f"{name} has primed variables: give the state after the step too")
        return reader.value(formula, before, next_)

    result = oracle._evaluate(value)  # noqa: SLF001 - as above
    if result is None:
        raise SpecError(
            f"{name} has a value in a state only, and "
            f"{'this one has none for it' if state else 'there is none'}"
        )
    try:
        return Reader.python(result)
    except SpecError:
        text = short(" ".join(str(result.toString()).split()))
        raise SpecError(f"{name} is {text}: endless, or too large to be listed") from None


def holds(
    oracle: LoadedSpec,
    name: str,
    state: LoadedState | None = None,
    *arguments: Value,
    after: LoadedState | None = None,
) -> bool:
    """Return whether the operator `name` of the spec is true; as `evaluate_operator`.

    Raises:
        SpecError: as there, or it is no boolean.
        TraceError: as there.
    """
    value = evaluate_operator(oracle, name, state, *arguments, after=after)
    if not isinstance(value, bool):
        raise SpecError(f"{name} is {to_tla(value)}: neither TRUE nor FALSE")
    return value


def action_of(oracle: LoadedSpec, name: str, *arguments: Value) -> Any:
    """Return the operator `name` of the spec, applied to `arguments`, as an action of TLC.

    Raises:
        SpecError: there is no such operator, it takes other arguments, or it says nothing of a state after.
        TraceError: an argument is no value that TLC has.
    """
    found = _found(oracle, name, len(arguments))
    if not isinstance(found, Definition) or int(found.node.getLevel()) != ACTION_LEVEL:
        raise SpecError(f"{name} is no action: it has no primed variables to say what comes after a state")
    construct, classes = oracle._construct, oracle._stage.classes  # noqa: SLF001 - the oracle calls this for itself
    formula = found.applied(map(construct, arguments))
    return classes["tlc2.tool.Action"](formula.node, formula.context, found.node)


def _found(oracle: LoadedSpec, name: str, count: int) -> Any:
    """Look up a name applied to so many arguments: a `Definition`, or else the object that TLC takes."""
    known = oracle._definitions  # noqa: SLF001 - as above
    if (definition := known.get((name, count))) is not None:
        return definition
    classes, tool = oracle._stage.classes, oracle._tool  # noqa: SLF001 - as above
    symbol = _symbol(oracle, name)
    _check_arity(symbol, name, count)
    found = tool.lookup(symbol, classes["tlc2.util.Context"].Empty, False)
    if not isinstance(found, classes["tla2sany.semantic.OpDefNode"]):
        return found
    body = found.getBody()
    reader = Reader(oracle.spec, tool, classes)
    known[name, count] = made = Definition(
        found, body, tuple(found.getParams()), int(body.getLevel()), reader
    )
    return made


def _undefined(oracle: LoadedSpec, found: Any, arguments: list[Any], before: Any) -> Any:
    """The value of what is no definition: of a variable, in a state; or of what TLC computes itself."""
    classes = oracle._stage.classes  # noqa: SLF001 - as above
    if isinstance(found, classes["tla2sany.semantic.OpDeclNode"]):
        return None if before is None else before.lookup(found.getName())
    return _applied(found, arguments, classes)


def _symbol(oracle: LoadedSpec, name: str) -> Any:
    module = oracle._tool.getSpecProcessor().getRootModule()  # noqa: SLF001 - as above
    definition = module.getOpDef(name)
    if definition is not None:
        return definition
    declared = {
        str(node.getName()): node for node in (*module.getConstantDecls(), *module.getVariableDecls())
    }
    if name in declared:
        return declared[name]
    known = [*declared, *(str(node.getName()) for node in module.getOpDefs())]
    close = difflib.get_close_matches(name, known, n=3)
    hint = f"; do you mean {' or '.join(close)}?" if close else ""
    raise SpecError(f"{oracle.spec.module} neither defines nor declares {name}{hint}")


def _check_arity(symbol: Any, name: str, count: int) -> None:
    parameters = symbol.getParams() if hasattr(symbol, "getParams") else ()
    if any(parameter.getArity() for parameter in parameters):
        raise SpecError(f"{name} takes an operator as an argument, which is no value")
    wanted = symbol.getArity()
    if wanted != count:
        raise SpecError(f"{name} takes {wanted} argument{'' if wanted == 1 else 's'}, not {count}")


def _applied(found: Any, arguments: list[Any], classes: Any) -> Any:
    """Apply a value given by the configuration or a standard module, if it is an operator."""
    if not arguments:
        return found
    kind = classes["tlc2.value.impl.Value"].class_
    array = jpype.JClass("java.lang.reflect.Array")
    made = array.newInstance(kind, len(arguments))
    for index, argument in enumerate(arguments):
        array.set(made, index, argument)
    return found.apply(made, classes["tlc2.tool.EvalControl"].Clear)
