"""Evaluation of TLA+ expressions, in the vocabulary of a spec or of the standard modules alone.

Expressions are as untrusted as specs: a worker process evaluates them, with bounded time and memory.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlacheck import itf
from tlacheck.engine import Engine, find_engine
from tlacheck.errors import EngineError, SpecError
from tlacheck.tlc._closing import Closing
from tlacheck.tlc._convert import parse
from tlacheck.tlc._diagnose import diagnose
from tlacheck.tlc._evaluate import FIRST_LINE, MODULE
from tlacheck.tlc._process import MEMORY_MB, NoAnswer, Worker
from tlacheck.tlc._protocol import Message, encode_engine
from tlacheck.tlc.configuration import is_configuration
from tlacheck.tlc.libraries import library_folders, of_environment, trusted
from tlacheck.tlc.spec import Spec, encode_spec
from tlacheck.values import Value

__all__ = ["Evaluator", "evaluate"]

#: A place in the module that holds the expression, as SANY and TLC write it.
_PLACE = re.compile(
    rf"line (\d+), col(?:umn)? (\d+) to line \d+, col(?:umn)? \d+ (?:of module|in) {MODULE}\b", re.IGNORECASE
)


class Evaluator(Closing):
    """Owns a worker process that evaluates one expression after another; a context manager.

    The worker starts with the first expression. One that runs out of time or memory costs the worker;
    the next expression starts another one.
    """

    def __init__(self, *, engine: Engine | None = None, memory_mb: int = MEMORY_MB) -> None:
        """Prepare to evaluate with `engine`, giving the worker's JVM `memory_mb` of heap.

        Raises:
            SetupError: there is no TLC, and none was given.
        """
        self._worker = Worker(memory_mb)
        self._engine = engine or find_engine()

    def close(self) -> None:
        """End the worker. The next expression starts another one."""
        self._worker.close()

    def evaluate(
        self,
        expression: str,
        spec: Spec | Path | str | None = None,
        *,
        config: Path | str | None = None,
        state: Mapping[str, Value] | None = None,
        after: Mapping[str, Value] | None = None,
        timeout: float | None = None,
        libraries: Iterable[Path | str] = (),
        trusted_jars: Iterable[Path | str] = (),
    ) -> Value:
        """Evaluate a TLA+ expression.

        Args:
            expression: the expression, in the vocabulary of `spec`, of Integers, Sequences, FiniteSets, Bags
                and TLC. Where the spec defines a name of one of these modules otherwise, the five are left
                out.
            spec: the module whose constants, variables and operators the expression may use. None for none.
            config: the spec's TLC configuration, which gives its constants their values. None takes the one
                of the spec's own name beside it, or none if there is no such file.
            state: the values of the variables. Only for an expression that does not depend on them may it be
                None.
            after: the values of the primed variables.
            timeout: seconds after which to give up; None waits.
            libraries: folders with more modules; a `Spec` knows its own.
            trusted_jars: jars with more modules; a `Spec` knows its own.

        Raises:
            SpecError: TLC cannot read or evaluate the expression, or the spec.
            EngineError: there was no time, no memory, or the worker died.
            SetupError: there is no JVM.
        """
        loaded = _loaded(spec, config, libraries, trusted_jars)
        expression = expression.replace("\r\n", "\n").replace("\r", "\n")
        try:
            expression.encode()
        except UnicodeEncodeError:
            raise SpecError("the expression is no text in UTF-8") from None
        request = {
            "expression": expression,
            "spec": None if loaded is None else encode_spec(loaded),
            "has_config": loaded is not None and is_configuration(loaded.config),
            "before": _encoded(state),
            "after": _encoded(after),
            "engine": encode_engine(self._engine),
        }
        try:
            report = self._worker.run("evaluate", request, timeout=timeout)
        except NoAnswer as reason:
            raise EngineError(f"the expression has no value yet: {reason}") from None
        if "refusal" in report:
            raise SpecError(report["refusal"])
        if "messages" in report:
            messages = [Message(code, kind, text) for code, kind, text in report["messages"]]
            raise _error(messages, loaded, expression)
        return _value(report["text"])


def evaluate(
    expression: str,
    spec: Spec | Path | str | None = None,
    *,
    config: Path | str | None = None,
    state: Mapping[str, Value] | None = None,
    after: Mapping[str, Value] | None = None,
    engine: Engine | None = None,
    timeout: float | None = None,
    memory_mb: int = MEMORY_MB,
    libraries: Iterable[Path | str] = (),
    trusted_jars: Iterable[Path | str] = (),
) -> Value:
    """Evaluate a TLA+ expression: starts a worker and ends it. See `Evaluator.evaluate`.

    Raises:
        SpecError: TLC cannot read or evaluate the expression, or the spec.
        EngineError: there was no time, no memory, or the worker died.
        SetupError: there is no JVM or no TLC.
    """
    with Evaluator(engine=engine, memory_mb=memory_mb) as evaluator:
        return evaluator.evaluate(
            expression,
            spec,
            config=config,
            state=state,
            after=after,
            timeout=timeout,
            libraries=libraries,
            trusted_jars=trusted_jars,
        )


def _loaded(
    spec: Spec | Path | str | None,
    config: Path | str | None,
    libraries: Iterable[Path | str],
    trusted_jars: Iterable[Path | str],
) -> Spec | None:
    if spec is None:
        if config is not None:
            raise SpecError(f"the configuration {config} is of no spec: say which one")
        return None
    if isinstance(spec, Spec):
        return Spec.of(spec, config)
    beside = Path(spec).with_suffix(".cfg")
    module = Path(spec).with_suffix(".tla")
    if config is None and module.is_file() and not beside.is_file():
        # a library has no constants to assign
        return Spec(module, beside, (*library_folders(libraries), *of_environment()), trusted(trusted_jars))
    return Spec.load(spec, config, libraries=libraries, trusted_jars=trusted_jars)


def _encoded(state: Mapping[str, Value] | None) -> dict[str, Any] | None:
    return None if state is None else {name: itf.value_to_json(value) for name, value in state.items()}


def _value(text: str) -> Value:
    try:
        return parse(text)
    except (SpecError, RecursionError):
        shown = text if len(text) <= 80 else f"{text[:77]}..."
        raise SpecError(
            f"the value is {' '.join(shown.split())}: endless, or too large to be listed"
        ) from None


# --- errors in the expression ----------------------------------------------------------------------


def _error(messages: Sequence[Message], spec: Spec | None, expression: str) -> SpecError:
    """Build the error for the messages, with places in the expression rather than in the generated module."""
    assumed = spec or Spec(Path(f"{MODULE}.tla"), Path(f"{MODULE}.cfg"))
    error = diagnose(assumed, messages)
    place = error.location
    if place is not None and Path(place.file).stem == MODULE and place.line:
        return _at(place.line, place.column, error.message, expression)
    if place is not None and place.line:
        return error
    found = [match for message in messages for match in _PLACE.finditer(message.text)]
    if found:
        return _at(int(found[-1][1]), int(found[-1][2]), error.message, expression)
    if spec is not None and place is not None and place.file != str(spec.path):
        return error
    return SpecError(error.message)


#: The end of a message that tells where the text around a mistake begins, in a line of the module.
_AROUND = re.compile(r" \(in the [\w ]+ that begins at line \d+, column \d+\)\Z")


def _at(line: int, column: int, message: str, expression: str) -> SpecError:
    lines = expression.split("\n")
    number = line - FIRST_LINE + 1
    if number > len(lines):
        return SpecError("the expression is not complete: it ends where TLA+ expects more of it")
    where = f"column {column} of the expression"
    message = _AROUND.sub("", message)
    return SpecError(f"{where if len(lines) == 1 else f'line {number}, {where}'}: {message}")
