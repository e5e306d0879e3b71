"""The command `tlacheck eval`: one TLA+ expression, one value."""

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import click
from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.errors import ConfigError, EngineError, SpecError, TlacheckError, TraceError
from tlacheck.tlc.cli._options import (
    ESTABLISHED,
    INCONCLUSIVE,
    UNUSABLE,
    Modules,
    config_option,
    json_option,
    limits,
    module_options,
)
from tlacheck.tlc.evaluate import Evaluator
from tlacheck.trace import State
from tlacheck.values import Value, to_tla

__all__ = ["eval_command"]


@click.command("eval")
@click.argument("expression", metavar="EXPRESSION")
@click.option(
    "--spec",
    type=click.Path(path_type=Path),
    metavar="SPEC",
    help="A TLA+ module whose names the expression may use.",
)
@config_option
@module_options
@click.option("--state", metavar="STATE", help="The values of the variables: a TLA+ record, or a trace file.")
@click.option(
    "--step",
    type=click.IntRange(min=0),
    metavar="N",
    help="State number in the trace file; 0, the initial state, by default.",
)
@limits
@json_option
@click.pass_context
def eval_command(
    context: click.Context,
    *,
    modules: Modules,
    expression: str,
    spec: Path | None,
    config: Path | None,
    state: str | None,
    step: int | None,
    timeout: float | None,
    memory: int,
    as_json: bool,
) -> None:
    r"""Evaluate EXPRESSION, in TLA+; with - it is read from standard input.

    Without --spec it may use the standard modules: tlacheck eval '{x \in 1..9 : x % 2 = 1}'. With a
    trace file for --state, x' is the value of x in the state after state N.

    Exits with 0 if there is a value, 2 if the expression cannot be evaluated, 3 if there was no time or
    no memory.
    """
    status = ESTABLISHED
    try:
        text = sys.stdin.read() if expression == "-" else expression
        with Evaluator(memory_mb=memory) as evaluator:
            evaluate = functools.partial(
                evaluator.evaluate, spec=spec, config=config, timeout=timeout, **modules
            )
            before, after = _states(state, step, evaluate)
            value = evaluate(text, state=before, after=after)
        shown = (
            json.dumps({"value": itf.value_to_json(value)}, ensure_ascii=False) if as_json else to_tla(value)
        )
        click.echo(shown)
    except TlacheckError as error:
        status = INCONCLUSIVE if isinstance(error, EngineError) else UNUSABLE
        if as_json:
            click.echo(json.dumps({"error": str(error)}, ensure_ascii=False))
        click.echo(str(error), err=True)
    context.exit(status)


def _states(
    text: str | None, step: int | None, evaluate: Callable[[str], Value]
) -> tuple[State | None, State | None]:
    """Return the state that `--state` and `--step` name, and the one after it if there is one."""
    if text is None or text.lstrip().startswith("["):
        if step is not None:
            raise ConfigError("--step is for a trace file: give one with --state")
        return (None if text is None else _record(text, evaluate)), None
    path = Path(text)
    states = itf.read(path).states
    number = step or 0
    if number >= len(states):
        raise TraceError(f"there is no state {number}: the trace has the states 0 to {len(states) - 1}", path)
    return states[number], states[number + 1] if number + 1 < len(states) else None


def _record(text: str, evaluate: Callable[[str], Value]) -> State:
    try:
        value = evaluate(text)
    except SpecError as error:
        raise ConfigError(f"--state: {error}") from None
    if not isinstance(value, immutabledict) or not all(isinstance(name, str) for name in value):
        raise ConfigError(
            f"--state is {to_tla(value)}; it should be a record of variables, [x |-> 1, y |-> 2]"
        )
    return State(value)
