"""The command `tlacheck replay`: traces of a spec, or all steps of a small model, on a system."""

import contextlib
import itertools
import json
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import click

from tlacheck import itf
from tlacheck.conform.cli._options import (
    TRACES,
    out_option,
    step_limit_option,
    system_of,
    system_options,
)
from tlacheck.conform.edges import EdgeReplay, replay_edges
from tlacheck.conform.loading import load_system
from tlacheck.conform.replay import Interrupted, replay_all
from tlacheck.conform.system import System, closing
from tlacheck.conform.vocabulary import Declaration, Vocabulary, check, vocabulary_of
from tlacheck.convert import read_traces
from tlacheck.errors import TlacheckError
from tlacheck.tlc._protocol import Progress
from tlacheck.tlc.cli._live import live
from tlacheck.tlc.cli._options import (
    ESTABLISHED,
    INCONCLUSIVE,
    UNUSABLE,
    VIOLATED,
    Modules,
    config_option,
    json_option,
    module_options,
    seed_option,
)
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.tlc.simulate import simulate
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace

__all__ = ["replay_command"]

_BEHAVIOURS, _DEPTH = 100, 30


@attrs.frozen(kw_only=True)
class _Request:
    """The traces to replay, and the system."""

    traces: tuple[Path, ...]
    edges: Path | None
    simulated: Path | None
    config: Path | None
    modules: Modules
    behaviours: int
    depth: int
    seed: int
    make_system: Callable[[], System]
    limit_seconds: float
    command: str


@attrs.frozen(kw_only=True)
class _Result:
    """The result of a replay.

    Attributes:
        name: what was replayed.
        counts: figure -> number, in the order in which they are told.
        actions: action -> how often it was taken.
        seconds: how long it took.
        violation: the run that left the spec; None if there is none.
        gap: why nothing is established though nothing is violated; empty if something is.
    """

    name: str
    counts: Mapping[str, int]
    actions: Mapping[str, int]
    seconds: float
    violation: Trace | None
    gap: str = ""

    @property
    def status(self) -> int:
        """The exit status of the command."""
        if self.violation is not None:
            return VIOLATED
        return INCONCLUSIVE if self.gap else ESTABLISHED


@click.command("replay")
@click.argument("traces", nargs=-1, type=click.Path(path_type=Path))
@system_options
@click.option(
    "--edges",
    type=click.Path(path_type=Path),
    metavar="SPEC",
    help="Take every step of this module's state graph.",
)
@click.option(
    "--simulate",
    "simulated",
    type=click.Path(path_type=Path),
    metavar="SPEC",
    help="Follow random behaviours of this module.",
)
@config_option
@module_options
@click.option(
    "-n",
    "--num",
    "behaviours",
    type=click.IntRange(min=1),
    default=_BEHAVIOURS,
    show_default=True,
    metavar="N",
    help="With --simulate: how many behaviours.",
)
@click.option(
    "--depth",
    type=click.IntRange(min=2),
    default=_DEPTH,
    show_default=True,
    metavar="N",
    help="With --simulate: how many states one has at most.",
)
@seed_option
@step_limit_option
@out_option("Where the failing run is written; under .verify/traces unless given.")
@json_option
@click.pass_context
def replay_command(
    context: click.Context,
    *,
    modules: Modules,
    traces: tuple[Path, ...],
    system: str | None,
    executed: str | None,
    edges: Path | None,
    simulated: Path | None,
    config: Path | None,
    behaviours: int,
    depth: int,
    seed: int | None,
    step_limit: float,
    out: Path | None,
    as_json: bool,
) -> None:
    """Drive a system through TRACES, comparing its whole state with the spec's after each step.

    TRACES are files written by `tlacheck` or another tool. Instead, --simulate draws them from a spec,
    and --edges takes every step that a small model allows.

    The first run that leaves the spec is written, then reported. Exits with 0 if the system follows to
    the end, 1 if it does not, 2 if nothing can be said (the adapter is at fault, a file is no trace), 3
    if nothing was replayed.
    """
    if sum((bool(traces), edges is not None, simulated is not None)) != 1:
        raise click.UsageError("say what to replay: TRACES, or --edges SPEC, or --simulate SPEC")
    maker = system_of(system, executed)
    if config is not None and traces:
        raise click.UsageError("--config belongs to --edges or --simulate; TRACES need no spec")
    name = (edges or simulated or traces[0]).name.removesuffix(".itf.json").removesuffix(".tla")
    target = out or TRACES / f"replay-{name}.itf.json"
    try:
        request = _Request(
            traces=traces,
            edges=edges,
            simulated=simulated,
            config=config,
            modules=modules,
            behaviours=behaviours,
            depth=depth,
            seed=seed or 0,
            make_system=load_system(maker, limit_seconds=step_limit),
            limit_seconds=step_limit,
            command=_again(context),
        )
        result = _replay(request)
        if result.violation is not None:
            origin = attrs.evolve(result.violation.origin, command=request.command)
            itf.write(attrs.evolve(result.violation, origin=origin), target)
    except TlacheckError as error:
        so_far = error.trace if isinstance(error, Interrupted) else None
        if so_far is not None:
            with contextlib.suppress(TlacheckError):
                itf.write(so_far, target)
        if as_json:
            click.echo(json.dumps({"error": str(error), "trace": None if so_far is None else str(target)}))
        click.echo(str(error), err=True)
        if so_far is not None:
            click.echo(f"the run so far, {_of(len(so_far), 'step')}: {target}", err=True)
        context.exit(UNUSABLE)
    if as_json:
        click.echo(json.dumps(_to_json(result, target), ensure_ascii=False))
    else:
        for line in _lines(result, target):
            click.echo(line)
    context.exit(result.status)


def _again(context: click.Context) -> str:
    """Return the command that repeats this replay, as it was given."""
    words: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        source = context.get_parameter_source(parameter.name or "")
        if source is not click.core.ParameterSource.COMMANDLINE or value is None:
            continue
        if isinstance(parameter, click.Argument):
            words += map(str, value)
        elif isinstance(parameter, click.Option) and parameter.is_flag:
            words.append(parameter.opts[-1])
        else:
            several = value if parameter.multiple else (value,)
            words += [word for one in several for word in (parameter.opts[-1], str(one))]
    return shlex.join(["tlacheck", "replay", *words])


def _replay(request: _Request) -> _Result:
    started = time.monotonic()
    if request.edges is not None:
        return _replay_edges(request, _spec(request, request.edges), started)
    if request.simulated is not None:
        return _replay_simulated(request, _spec(request, request.simulated), started)
    found = [trace for path in request.traces for trace in read_traces(path)]
    _check(request, Vocabulary.of_traces(found, "the trace" if len(found) == 1 else "the traces"))
    name = str(request.traces[0]) if len(request.traces) == 1 else f"{len(request.traces)} files"
    return _follow(request, name, found, len(found), started)


def _spec(request: _Request, path: Path) -> Spec:
    return Spec.load(path, request.config, **request.modules)


def _check(request: _Request, vocabulary: Vocabulary) -> None:
    """Reject an adapter that does not fit, before anything is performed."""
    with closing(request.make_system) as system:
        declaration = getattr(system, "declaration", None)
        if isinstance(declaration, Declaration):
            check(declaration, vocabulary)


def _follow(request: _Request, name: str, traces: Iterable[Trace], count: int, started: float) -> _Result:
    with _telling(name) as tell:
        found = replay_all(
            traces,
            request.make_system,
            limit_seconds=request.limit_seconds,
            on_trace=lambda number, steps: tell(f"{number:,} of {_of(count, 'trace')}, {_of(steps, 'step')}"),
        )
    return _Result(
        name=name,
        counts={"traces": found.traces, "steps": found.steps},
        actions=found.actions,
        seconds=time.monotonic() - started,
        violation=found.violation,
        gap="" if found.steps else "no step was replayed: the traces have none",
    )


def _replay_simulated(request: _Request, spec: Spec, started: float) -> _Result:
    _check(request, vocabulary_of(spec))
    with simulate(
        spec, behaviours=request.behaviours, depth=request.depth, seed=request.seed, deadlock=False
    ) as simulation:
        result = _follow(request, spec.name, simulation, request.behaviours, started)
        drawn = simulation.result
    if result.violation is None and not result.gap and drawn.verdict.is_unknown:
        return attrs.evolve(
            result, gap=f"TLC drew only {_of(drawn.behaviours, 'behaviour')}: {drawn.verdict}"
        )
    return result


def _replay_edges(request: _Request, spec: Spec, started: float) -> _Result:
    _check(request, vocabulary_of(spec))
    with live(spec.name) as on_progress, stream_graph(spec, on_progress=on_progress) as stream:
        graph = Graph(stream)
    with _telling(spec.name) as tell:
        found = replay_edges(
            graph,
            request.make_system,
            limit_seconds=request.limit_seconds,
            command=request.command,
            on_progress=lambda taken, total: tell(f"{taken:,} of {_of(total, 'edge')}"),
        )
    return _Result(
        name=spec.name,
        counts={"edges": found.edges, "states": found.states, "steps": found.steps},
        actions=found.actions,
        seconds=time.monotonic() - started,
        violation=found.violation,
        gap=_edge_gap(found, graph),
    )


def _edge_gap(found: EdgeReplay, graph: Graph) -> str:
    if not found.is_complete:
        return f"the state graph is partial: {graph.summary.verdict}"
    left = found.edges_total - found.edges
    return f"{_of(left, 'edge')} of {found.edges_total:,} were not taken" if left else ""


@contextlib.contextmanager
def _telling(name: str) -> Iterator[Callable[[str], None]]:
    """Report progress, as all commands do."""
    latest = [""]
    started = time.monotonic()
    with live(name, describe=lambda progress: f"{latest[0]}, {progress.seconds:.0f} s") as show:

        def tell(text: str) -> None:
            latest[0] = text
            show(Progress(generated=0, distinct=0, queue=0, seconds=time.monotonic() - started))

        yield tell


def _lines(result: _Result, target: Path) -> Iterator[str]:
    run = result.violation
    if run is not None and run.violation is not None:
        verdict = f"violated: {run.violation.property}"
    else:
        verdict = f"nothing is established: {result.gap}" if result.gap else "the system follows the spec"
    yield f"{result.name}: {verdict}"
    counts = ", ".join(_of(number, figure.removesuffix("s")) for figure, number in result.counts.items())
    yield f"  {counts}, {result.seconds:.1f} s"
    if result.actions:
        ranked = sorted(result.actions.items(), key=lambda item: (-item[1], item[0]))
        yield f"  steps: {', '.join(f'{action} {count:,}' for action, count in ranked)}"
    if run is not None and run.violation is not None:
        yield f"  at step {run.violation.step}:" if run.violation.step else "  at the start:"
        for line in itertools.chain.from_iterable(text.splitlines() for text in run.violation.explanation):
            yield f"    {line}"
        yield f"  run of {_of(len(run), 'step')}: {target}"
        yield f"  look at it with: tlacheck inspect {target}"


def _to_json(result: _Result, target: Path) -> dict[str, Any]:
    run = result.violation
    violation = None if run is None else run.violation
    return {
        "replayed": result.name,
        "status": result.status,
        **result.counts,
        "actions": dict(result.actions),
        "seconds": round(result.seconds, 3),
        "gap": result.gap,
        "violation": None
        if violation is None
        else {
            "property": violation.property,
            "step": violation.step,
            "explanation": list(violation.explanation),
        },
        "trace": None if run is None else str(target),
    }


def _of(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
