"""The command `tlacheck simulate`: random behaviours of one spec."""

import functools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tlacheck import itf
from tlacheck.errors import ConfigError, TlacheckError
from tlacheck.report.compact import Wording
from tlacheck.tlc._event import EVENT
from tlacheck.tlc._protocol import Progress
from tlacheck.tlc.cli._failing import keeping_trace, report_error
from tlacheck.tlc.cli._live import live
from tlacheck.tlc.cli._options import (
    ESTABLISHED,
    INCONCLUSIVE,
    UNUSABLE,
    VIOLATED,
    Modules,
    config_option,
    deadlock_option,
    json_option,
    limits,
    module_options,
    seed_option,
    spec_argument,
    workers_option,
)
from tlacheck.tlc.cli._result import steps_of
from tlacheck.tlc.simulate import SimulationResult, simulate
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State, Step, Trace

__all__ = ["simulate_command"]

_TRACES = Path(".verify", "traces")
_COUNT_MAX = 2**31 - 1
#: A step whose action is unknown.
_UNNAMED = "?"


@click.command("simulate")
@spec_argument
@config_option
@module_options
@click.option(
    "--num",
    type=click.IntRange(1, _COUNT_MAX),
    default=100,
    show_default=True,
    metavar="N",
    help="How many behaviours to draw.",
)
@click.option(
    "--depth",
    type=click.IntRange(1, _COUNT_MAX),
    default=100,
    show_default=True,
    metavar="N",
    help="How many states a behaviour has at most.",
)
@seed_option
@workers_option
@deadlock_option
@limits
@json_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write behaviour K to FOLDER/SPEC-SEED-K.itf.json.",
)
@click.option(
    "--no-traces",
    is_flag=True,
    help="Draw and check, and show a violation alone: faster, without counts of actions.",
)
@click.option(
    "--generate",
    is_flag=True,
    help="Draw steps without listing all that are possible, by -generate of TLCs newer than 2.18.",
)
@click.option("--show", is_flag=True, help="Print the behaviours, one step a line.")
@click.pass_context
def simulate_command(
    context: click.Context,
    *,
    modules: Modules,
    spec: Path,
    config: Path | None,
    num: int,
    depth: int,
    seed: int | None,
    workers: int,
    no_deadlock: bool,
    timeout: float | None,
    memory: int,
    as_json: bool,
    out: Path | None,
    no_traces: bool,
    generate: bool,
    show: bool,
) -> None:
    """Draw random behaviours of SPEC, a TLA+ module, and check its properties in them.

    One seed and number of workers give the same behaviours every time. With --json, the summary is
    printed as one line of JSON; with --show too, after a line of ITF for each behaviour.

    Exits with 0 if all behaviours were drawn and violate nothing, 1 if one violates something, 2 if
    SPEC cannot be simulated, 3 if not all were drawn (no time, no memory).
    """
    if no_traces and (out is not None or show):
        raise click.UsageError(
            "--no-traces draws behaviours that nobody sees: leave it out with --out and --show"
        )
    target: Path | None = None
    lengths: Counter[int] = Counter()
    try:
        loaded = Spec.load(spec, config, **modules)
        target = _TRACES / f"{loaded.name}.itf.json"
        with (
            keeping_trace(target),
            live(loaded.name, describe=functools.partial(_how_far, num)) as on_progress,
            simulate(
                loaded,
                behaviours=num,
                depth=depth,
                seed=seed or 0,
                workers=workers,
                deadlock=not no_deadlock,
                traces=not no_traces,
                generate=generate,
                memory_mb=memory,
                timeout=timeout,
                on_progress=on_progress,
            ) as simulation,
        ):
            for number, trace in enumerate(simulation, start=1):
                lengths[len(trace) + 1] += 1
                if out is not None:
                    _write(trace, out / f"{loaded.name}-{seed or 0}-{number}.itf.json")
                if show:
                    _show(number, trace, as_json=as_json)
            result = simulation.result
        if result.trace is not None:
            itf.write(result.trace, target)
    except TlacheckError as error:
        report_error(error, target, as_json=as_json)
        context.exit(UNUSABLE)
    _tell(result, lengths, target, out, as_json=as_json)
    context.exit(_status_code(result))


def _how_far(num: int, progress: Progress) -> str:
    drawn = f"{num - progress.queue:,} of {num:,} behaviours" if progress.queue else "loading"
    return f"{drawn}, {progress.generated:,} states computed, {progress.seconds:.0f} s"


def _tell(
    result: SimulationResult, lengths: Counter[int], target: Path, out: Path | None, *, as_json: bool
) -> None:
    if as_json:
        click.echo(json.dumps(_to_json(result, lengths, target), ensure_ascii=False))
        return
    for line in _lines(result, lengths, target, out):
        click.echo(line)


def _write(trace: Trace, path: Path) -> None:
    try:
        itf.write(trace, path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def _show(number: int, trace: Trace, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(json.loads(itf.to_json(trace)), ensure_ascii=False))
        return
    for line in _behaviour_lines(number, trace):
        click.echo(line)


def _behaviour_lines(number: int, trace: Trace) -> Iterator[str]:
    """Format a behaviour, one step a line with its changes."""
    wording = Wording()
    yield f"behaviour {number}, {_states(len(trace) + 1)}"
    first = ", ".join(f"{name} {wording.value(value)}" for name, value in trace.initial.items())
    width = max((len(_label(step, wording)) for step in trace.steps), default=0)
    yield f"  {0:>4}  {first}"
    for index, (before, step) in enumerate(zip(trace.states, trace.steps, strict=False), start=1):
        changes = ", ".join(_changes(before, step.state, wording)) or "nothing changes"
        yield f"  {index:>4}  {_label(step, wording):<{width}}  {changes}"
    if trace.loop is not None:
        yield f"        back to state {trace.loop} and so forever"
    if trace.violation is not None:
        yield f"        {trace.violation.property}: {' '.join(trace.violation.explanation)}"


def _label(step: Step, wording: Wording) -> str:
    arguments = ", ".join(f"{name}={wording.value(value)}" for name, value in step.arguments.items())
    return f"{step.action or _UNNAMED}({arguments})" if arguments else step.action or _UNNAMED


def _changes(before: State, after: State, wording: Wording) -> Iterator[str]:
    for name, value in after.items():
        if name != EVENT:  # it is the step's label
            yield from map(str, wording.changes(name, before[name], value))


def _lines(result: SimulationResult, lengths: Counter[int], target: Path, out: Path | None) -> Iterator[str]:
    verdict, name = result.verdict, result.spec.name
    yield f"{name}: {verdict}"
    if verdict.is_violated and verdict.reason:
        yield f"  {verdict.violates}: {verdict.reason}"
    drawn = f"{result.behaviours:,} behaviour{'' if result.behaviours == 1 else 's'}"
    if lengths:
        shortest, longest = min(lengths), max(lengths)
        drawn += (
            f" of {shortest:,} to {longest:,} states" if shortest < longest else f" of {_states(longest)}"
        )
    counts = f"{result.states:,} states in all, {result.generated:,} computed"
    yield f"  {drawn}, {counts}, {result.seconds:.1f} s, {result.engine}"
    taken = sorted(((count, action) for action, count in result.actions.items() if count), reverse=True)
    if taken:
        yield f"  steps: {', '.join(f'{action or _UNNAMED} {count:,}' for count, action in taken)}"
    never = [action for action, count in result.actions.items() if not count]
    if never and result.behaviours:
        yield f"  never taken: {', '.join(never)}"
    for warning in result.warnings:
        yield f"  warning: {' '.join(warning.split())}"
    if out is not None and lengths:
        yield (
            f"  written to {out}: {name}-{result.seed}-1.itf.json to "
            f"{name}-{result.seed}-{sum(lengths.values())}.itf.json"
        )
    if result.trace is not None:
        loop = "" if result.trace.loop is None else f", back to state {result.trace.loop} and so forever"
        yield f"  counterexample of {steps_of(result.trace)}{loop}: {target}"
        yield f"  look at it with: tlacheck inspect {target}"


def _states(count: int) -> str:
    return f"{count:,} state{'' if count == 1 else 's'}"


def _to_json(result: SimulationResult, lengths: Counter[int], target: Path) -> dict[str, Any]:
    return {
        "spec": str(result.spec.path),
        "config": str(result.spec.config),
        "verdict": result.verdict.to_json(),
        "behaviours": result.behaviours,
        "lengths": {str(length): lengths[length] for length in sorted(lengths)},
        "states": result.states,
        "generated": result.generated,
        "actions": dict(result.actions),
        "seed": result.seed,
        "seconds": round(result.seconds, 3),
        "engine": result.engine,
        "trace": None if result.trace is None else str(target),
        "warnings": list(result.warnings),
    }


def _status_code(result: SimulationResult) -> int:
    if result.verdict.is_established:
        return ESTABLISHED
    return VIOLATED if result.verdict.is_violated else INCONCLUSIVE
