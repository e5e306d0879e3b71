"""The command `tlacheck explore`: walks taken by spec and system together."""

import json
import shlex
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import click
from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.campaign.options import Heartbeat, Place, campaign_options
from tlacheck.campaign.run import run_to_first_failure
from tlacheck.campaign.table import doubts
from tlacheck.conform.campaign import ExploreWork, merged
from tlacheck.conform.cli._options import (
    TRACES,
    failed,
    out_option,
    step_limit_option,
    system_of,
    system_options,
    tries_option,
)
from tlacheck.conform.explore import Exploration, Plan
from tlacheck.conform.limits import LIMIT_SECONDS
from tlacheck.conform.shrink import Shrunk
from tlacheck.conform.strategy import STRATEGIES
from tlacheck.conform.worker_pool import WorkerPool
from tlacheck.errors import ConfigError, EngineError, TlacheckError
from tlacheck.tlc._protocol import Progress
from tlacheck.tlc.cli._live import live
from tlacheck.tlc.cli._options import (
    ESTABLISHED,
    INCONCLUSIVE,
    VIOLATED,
    Modules,
    config_option,
    json_option,
    module_options,
    spec_argument,
)
from tlacheck.tlc.spec import Spec

__all__ = ["explore_command"]

_STEPS: Final = 20_000


@click.command("explore")
@spec_argument
@config_option
@module_options
@system_options
@click.option(
    "--strategy",
    type=click.Choice(sorted(STRATEGIES)),
    default="guided",
    show_default=True,
    help="Strategy that chooses among the steps that the spec allows.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Steps of all walks together; {_STEPS:,} unless given.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Explore for this time instead; the result then depends on the machine.",
)
@click.option(
    "--length",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="Steps of a walk.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Decides all choices.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that share the steps.",
)
@click.option(
    "--weights",
    multiple=True,
    metavar="ACTION=W",
    help="How often an action is chosen, against 1.0 for others; several with commas or several options.",
)
@click.option(
    "--require", multiple=True, metavar="ACTION", help="Without a step of this action nothing is established."
)
@click.option(
    "--cover",
    multiple=True,
    metavar="MODULE",
    help="Count the branches of this module or package; they guide too.",
)
@step_limit_option
@tries_option(least=0, does="Candidates when a failing run is shrunk; 0 leaves it.")
@out_option("Where a failing run goes; under .verify/traces unless given.")
@json_option
@campaign_options
@click.pass_context
def explore_command(
    context: click.Context,
    *,
    modules: Modules,
    spec: Path,
    config: Path | None,
    system: str | None,
    executed: str | None,
    strategy: str,
    steps: int | None,
    seconds: float | None,
    length: int,
    seed: int,
    workers: int,
    weights: tuple[str, ...],
    require: tuple[str, ...],
    cover: tuple[str, ...],
    step_limit: float,
    tries: int,
    out: Path | None,
    as_json: bool,
    place: Place,
) -> None:
    """Let a system take random steps of SPEC, a TLA+ module, and compare the whole state after each.

    The first run that leaves the spec is written, then made as short as possible and written beside it.
    A seed and a number of steps give the same result every time, however many workers there are.

    Exits with 0 if nothing was found, 1 if the system left its spec, 2 if the exploration cannot be
    done, 3 if a required action was never taken.
    """
    name = system_of(system, executed)
    shrunk: Shrunk | None = None
    try:
        if steps is not None and seconds is not None:
            raise ConfigError("--steps and --seconds are two budgets: give one of them")
        loaded = Spec.load(spec, config, **modules)
        plan = Plan(
            strategy=strategy,
            steps=(steps or _STEPS) if seconds is None else None,
            seconds=seconds,
            seed=seed,
            length=length,
            weights=_weights(weights),
            watch=cover,
            required=frozenset(require),
        )
        plan = attrs.evolve(plan, command=_command(loaded, name, plan, workers, step_limit))
        target = out or TRACES / f"{loaded.name}-explore.itf.json"
        with WorkerPool(loaded, name, workers=workers, limit_seconds=step_limit) as pool:
            if place.is_asked_for:
                found = _campaign(loaded, name, plan, place, workers=workers, step_limit=step_limit)
            else:
                found = _explored(pool, plan, loaded.name)
            if found.run is not None:
                itf.write(found.run, target)
                if not as_json:
                    click.echo(f"{loaded.name}: {found.verdict}")
                    click.echo(f"  the run is on disk: {target}")
                shrunk = _shrunk(pool, found, loaded.name, tries)
                if shrunk is not None:
                    itf.write(shrunk.trace, _short(target))
    except TlacheckError as error:
        failed(context, error, as_json=as_json)
    if as_json:
        click.echo(json.dumps(_to_json(found, shrunk, target), ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(found, shrunk, target, loaded.name)))
    context.exit(_status(found))


def _status(found: Exploration) -> int:
    if found.verdict.is_established:
        return ESTABLISHED
    return VIOLATED if found.verdict.is_violated else INCONCLUSIVE


def _weights(texts: tuple[str, ...]) -> Mapping[str, float]:
    weights: dict[str, float] = {}
    for text in (part.strip() for each in texts for part in each.split(",")):
        action, sign, number = text.partition("=")
        try:
            weights[action.strip()] = float(number)
        except ValueError:
            sign = ""
        if not sign or not action.strip():
            raise ConfigError(f"{text!r} is no weight: write ACTION=2.0")
    return immutabledict(weights)


def _command(spec: Spec, system: str, plan: Plan, workers: int, step_limit: float) -> str:
    """Return the command that repeats the exploration."""
    words = ["tlacheck", "explore", *spec.words]
    words += ["--exec", system.removeprefix("exec:")] if system.startswith("exec:") else ["--system", system]
    words += ["--strategy", plan.strategy, "--seed", str(plan.seed), "--length", str(plan.length)]
    words += ["--steps", str(plan.steps)] if plan.steps is not None else ["--seconds", f"{plan.seconds:g}"]
    if plan.steps is None:
        words += ["--workers", str(workers)]
    words += [
        word for action, weight in plan.weights.items() for word in ("--weights", f"{action}={weight:g}")
    ]
    words += [word for module in plan.watch for word in ("--cover", module)]
    words += [word for action in sorted(plan.required) for word in ("--require", action)]
    if step_limit != LIMIT_SECONDS:
        words += ["--step-limit", f"{step_limit:g}"]
    return shlex.join(words)


def _explored(pool: WorkerPool, plan: Plan, name: str) -> Exploration:
    started = time.monotonic()

    def tell(progress: Progress) -> str:
        rate = progress.generated / progress.seconds if progress.seconds else 0.0
        return (
            f"{progress.generated:,} steps, {progress.distinct:,} states, {rate:,.0f} steps/s, "
            f"{progress.seconds:.0f} s"
        )

    with live(name, describe=tell) as beat:
        lock = threading.Lock()

        def note(steps: int, states: int) -> None:
            with lock:
                beat(Progress(generated=steps, distinct=states, queue=0, seconds=time.monotonic() - started))

        return pool.explore(plan, on_progress=note)


def _campaign(
    spec: Spec, system: str, plan: Plan, place: Place, *, workers: int, step_limit: float
) -> Exploration:
    """Explore the shards as a campaign.

    Raises:
        EngineError: some shards could not be done.
        TlacheckError: as `WorkerPool.explore`.
    """
    started = time.monotonic()
    work = ExploreWork(spec=spec, system=system, plan=plan, limit_seconds=step_limit)
    with place.executor() as executor:
        found = run_to_first_failure(
            work,
            work.cases,
            file=place.file,
            executor=executor,
            jobs=workers,
            limits=place.limits(),
            on_row=Heartbeat("shards").tell,
        )
    for line in doubts(found):
        click.echo(line, err=True)
    if found.unfinished:
        raise EngineError(f"{len(found.unfinished)} of {len(work.cases)} shards could not be done")
    return merged(work.plan, found, seconds=time.monotonic() - started)


def _shrunk(pool: WorkerPool, found: Exploration, name: str, tries: int) -> Shrunk | None:
    if found.run is None or not tries:
        return None
    started = time.monotonic()

    def tell(progress: Progress) -> str:
        return f"shrinking, {progress.generated:,} candidates, {progress.distinct:,} steps"

    with live(name, describe=tell) as beat:
        return pool.shrink(
            found.run,
            tries_max=tries,
            on_progress=lambda played, steps: beat(
                Progress(generated=played, distinct=steps, queue=0, seconds=time.monotonic() - started)
            ),
        )


def _short(target: Path) -> Path:
    """Return the file of the shrunk run, beside the original."""
    return target.with_name(f"{target.name.removesuffix('.json').removesuffix('.itf')}-short.itf.json")


def _lines(found: Exploration, shrunk: Shrunk | None, target: Path, name: str) -> Iterator[str]:
    if found.run is None:
        yield f"{name}: {found.verdict}"
    plan = found.plan
    rate = found.steps / found.seconds if found.seconds else 0.0
    yield (
        f"  {plan.strategy}, seed {plan.seed}: {found.steps:,} steps in {found.walks:,} walks, "
        f"{found.states:,} distinct states, "
        f"{found.transitions:,} distinct transitions, {found.seconds:.1f} s, {rate:,.0f} steps/s"
    )
    if found.branches is not None:
        yield f"  {found.branches:,} distinct branches of {', '.join(plan.watch)}"
    taken = sorted(((count, action) for action, count in found.actions.items()), reverse=True)
    yield f"  steps: {', '.join(f'{action} {count:,}' for count, action in taken)}"
    if found.run is None:
        return
    violation = (shrunk.trace if shrunk else found.run).violation
    for line in violation.explanation if violation else ():
        yield f"  {line}"
    if shrunk is not None and shrunk.reproduced:
        yield (
            f"  shrunk from {shrunk.steps_before} to {shrunk.steps_after} steps in {shrunk.tries:,} "
            "tries: "
            f"{_short(target)}"
        )
        yield f"  look at it with: tlacheck inspect {_short(target)}"
    elif shrunk is not None:
        yield "  it did not fail again: does the system do the same twice?"
    yield f"  again with: {plan.command}"


def _to_json(found: Exploration, shrunk: Shrunk | None, target: Path) -> dict[str, Any]:
    plan = found.plan
    return {
        "verdict": found.verdict.to_json(),
        "strategy": plan.strategy,
        "seed": plan.seed,
        "steps": found.steps,
        "walks": found.walks,
        "states": found.states,
        "transitions": found.transitions,
        "branches": found.branches,
        "actions": dict(found.actions),
        "seconds": round(found.seconds, 3),
        "command": plan.command,
        "trace": None if found.run is None else str(target),
        "shrunk": None
        if shrunk is None
        else {
            "trace": str(_short(target)),
            "steps_before": shrunk.steps_before,
            "steps_after": shrunk.steps_after,
            "tries": shrunk.tries,
            "reproduced": shrunk.reproduced,
        },
    }
