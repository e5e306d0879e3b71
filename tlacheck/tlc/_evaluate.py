"""The job `evaluate` of a worker process: evaluates an expression, maybe in a state or a step.

The expression becomes the one definition of a new module, which extends the module whose vocabulary it
uses. TLC reads the two with the configuration and evaluates the definition. TLC's errors are returned
unchanged; `tlacheck.tlc.evaluate` interprets them in the process that asked.
"""

import contextlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import jpype

from tlacheck import itf
from tlacheck.errors import TraceError
from tlacheck.tlc._construct import Constructor
from tlacheck.tlc._formula import ACTION_LEVEL, TEMPORAL_LEVEL, Formula, Reader
from tlacheck.tlc._java import words_of
from tlacheck.tlc._protocol import STAGED_CONFIG, Channel, Kind, Message, decode_engine
from tlacheck.tlc._staging import Stage
from tlacheck.tlc.spec import Spec, decode_spec

__all__ = ["FIRST_LINE", "MODULE", "evaluate"]

#: The module that holds the expression. No user's module has this name.
MODULE = "TlacheckExpression"
#: The line of that module in which the expression begins.
FIRST_LINE = 5

_NAME, _BEHAVIOR = "tlacheckValue", "tlacheckBehavior"
#: The vocabulary of an expression besides that of its spec.
_STANDARD_MODULES = ("Integers", "Sequences", "FiniteSets", "Bags", "TLC")
#: How many characters a printed value may have: all of it is to be read by the process that asked.
_TEXT_MAX = 20_000_000
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_MANY = "this is no expression: TLA+ reads more than one definition in it"
#: SANY's words for a name with two meanings.
_CLASH = "conflicts with"
_UNKNOWN = re.compile(r"Unknown operator: `(\w+)'")


class _Refusal(Exception):
    """The expression cannot be evaluated as requested; the text says why."""


class _Complaint(Exception):
    """TLC cannot read or evaluate the expression."""

    def __init__(self, *messages: Message) -> None:
        self.messages = messages
        super().__init__()


@attrs.frozen
class _Vocabulary:
    """The names that an expression may use besides those of its spec.

    Attributes:
        modules: standard modules.
        model_values: model values of the configuration. TLA+ has no names for them: they are declared.
    """

    modules: tuple[str, ...] = _STANDARD_MODULES
    model_values: tuple[str, ...] = ()


class _Again(Exception):
    """The expression needs another vocabulary."""

    def __init__(self, vocabulary: _Vocabulary) -> None:
        self.vocabulary = vocabulary
        super().__init__()


def evaluate(data: dict[str, Any], _channel: Channel) -> dict[str, Any]:
    """Do the job `evaluate`.

    Args:
        data: the `expression`; the paths of a `spec` and its `config`, or None; the states `before` and
            `after`, mappings from variable to value in ITF, or None; the `engine`.

    Returns:
        The printed value as `text`; or else a `refusal` in plain words; or else `messages`, what TLC
        complains about.
    """
    vocabulary = _Vocabulary()
    while True:  # three times at most: the vocabularies differ in three ways
        try:
            return {"text": _value(data, vocabulary)}
        except _Again as again:
            vocabulary = again.vocabulary
        except _Complaint as complaint:
            return {"messages": [attrs.astuple(message) for message in complaint.messages]}
        except (_Refusal, TraceError) as refusal:
            return {"refusal": str(refusal)}


def _value(data: dict[str, Any], vocabulary: _Vocabulary) -> str:
    """Return the printed value of the expression."""
    with tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        root, config = folder / f"{MODULE}.tla", folder / "none.cfg"
        config.write_text(f"INIT {_BEHAVIOR}\nNEXT {_BEHAVIOR}\n", encoding="utf-8")
        spec = decode_spec(data["spec"]) if data["spec"] else Spec(root, config)
        if not data["has_config"]:
            spec = attrs.evolve(spec, config=config)
        extended = (spec.module, *vocabulary.modules) if data["spec"] else vocabulary.modules
        root.write_text(_module(data["expression"], extended, vocabulary.model_values), encoding="utf-8")
        stage = Stage(spec, decode_engine(data["engine"]), folder)
        with (folder / f"{STAGED_CONFIG}.cfg").open("a", encoding="utf-8") as staged:
            staged.writelines(f"\nCONSTANT {value} = {value}" for value in vocabulary.model_values)
        try:
            make = stage.classes["tlc2.tool.impl.FastTool"]
            tool = make(stage.spec_folder, MODULE, STAGED_CONFIG, stage.resolver)
        except jpype.JException as error:
            _check_vocabulary(stage, vocabulary)
            if _BEHAVIOR in words_of(error):  # the text has made something else of it
                raise _Refusal(_MANY) from None
            raise _Complaint(*stage.messages(), Message(1000, Kind.ERROR, words_of(error))) from None
        _check_vocabulary(stage, vocabulary)
        if strangers := stage.strangers(tool):
            raise _Refusal(
                f"the configuration gives a value to {', '.join(strangers)}, but {spec.module} declares "
                "no such constant"
            )
        return _printed(stage, spec, tool, data)


def _module(expression: str, extended: Sequence[str], constants: Sequence[str]) -> str:
    """The module that defines the expression as a value.

    A definition follows it, which serves as the behaviour that TLC asks for even where none is configured.
    """
    if "====" in _STRING.sub("", expression):
        raise _Refusal("==== ends a module, so it is no part of an expression")
    if not expression.strip():
        raise _Refusal("the expression is empty")
    lines = (
        f"---- MODULE {MODULE} ----",
        f"EXTENDS {', '.join(extended)}" if extended else "",
        f"CONSTANTS {', '.join(constants)}" if constants else "",
        f"{_NAME} ==",
        expression,
        f"{_BEHAVIOR} == ENABLED TRUE",
        "====",
        "",
    )
    return "\n".join(lines)


def _check_vocabulary(stage: Stage, vocabulary: _Vocabulary) -> None:
    """Check that no name of the spec has two meanings, and that all model values have names."""
    text = "\n".join(message.text for message in stage.messages() if message.code is None)
    if vocabulary.modules and _CLASH in text:
        raise _Again(attrs.evolve(vocabulary, modules=()))
    known = {str(value) for value in stage.classes["tlc2.value.impl.ModelValue"].mvs or ()}
    if not vocabulary.model_values and (used := known.intersection(_UNKNOWN.findall(text))):
        raise _Again(attrs.evolve(vocabulary, model_values=tuple(sorted(used))))


def _printed(stage: Stage, spec: Spec, tool: Any, data: dict[str, Any]) -> str:
    module = tool.getSpecProcessor().getRootModule()
    definition = module.getOpDef(_NAME)
    units = [
        unit
        for unit in module.getTreeNode().heirs()[2].heirs()
        if unit.getLocation().beginLine() >= FIRST_LINE - 1
    ]
    # Whatever the text was, it must be one expression: nothing comes between the two definitions.
    end_line = FIRST_LINE + data["expression"].count("\n") + 1
    if definition is None or len(units) != 2 or units[1].getLocation().beginLine() != end_line:
        raise _Refusal(_MANY)
    reader = Reader(spec, tool, stage.classes)
    formula = Formula(definition.getBody(), reader.nothing)
    states = [_state(stage, spec, reader, data[name]) for name in ("before", "after")]
    _check_states(reader, formula, data["before"], data["after"])
    try:
        value = reader.value(formula, *states)
        value.deepNormalize()  # refuses a set whose members cannot be compared
        text = value.toString()
    except jpype.JException as error:
        slow = stage.classes["tlc2.tool.impl.CallStackTool"](tool)  # it notes where it fails
        with contextlib.suppress(jpype.JException):
            Reader(spec, slow, stage.classes).value(formula, *states)
        stack = Message(2103, Kind.ERROR, str(slow.toString()))
        # What SANY said goes along: it tells a failure of TLC from one of the parser.
        said = [message for message in stage.messages() if message.code is not None]
        raise _Complaint(*said, Message(1000, Kind.ERROR, words_of(error)), stack) from None
    if text.length() > _TEXT_MAX:
        raise _Refusal(
            f"the value is {text.length():,} characters long; {_TEXT_MAX:,} is the most that is shown"
        )
    return str(text)


def _state(stage: Stage, spec: Spec, reader: Reader, data: dict[str, Any] | None) -> Any:
    """Return TLC's state with the values in `data`; None if there is none."""
    if data is None:
        return None
    if strangers := [name for name in data if name not in reader.variables]:
        known = f"it has {', '.join(reader.variables)}" if reader.variables else "it has none"
        raise _Refusal(
            f"the state gives a value to {', '.join(strangers)}, but {spec.module} has no such "
            f"variable; {known}"
        )
    state, construct = stage.classes["tlc2.tool.TLCState"].Empty.createEmpty(), Constructor(stage.classes)
    for name, value in data.items():
        state.bind(reader.variables[name], construct(itf.value_from_json(value)))
    return state


def _check_states(
    reader: Reader, formula: Formula, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    """Check that there is a state, or a step, to evaluate the formula in."""
    level = formula.node.getLevel()
    if level >= TEMPORAL_LEVEL:
        hint = "check it as a PROPERTY"
        raise _Refusal(f"the expression is temporal: it has a value in a behaviour, not in a state; {hint}")
    names = reader.variables_in(formula)
    if names and before is None:
        raise _Refusal(f"the expression depends on {', '.join(names)}: give a state to evaluate it in")
    if level == ACTION_LEVEL and after is None:
        raise _Refusal("the expression has primed variables: give the state after the step too")
    for state, which in ((before, "state"), (after, "state after the step")):
        if state is not None and (missing := [name for name in names if name not in state]):
            raise _Refusal(
                f"the expression depends on {', '.join(missing)}; the {which} does not say the value"
            )
