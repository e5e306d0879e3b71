"""Conformance checks that a project's `verify.toml` calls, for any protocol.

    def replay_witnesses(context: Context) -> Outcome:
        return follows(context, sorted(TRACES.glob("witness/*.itf.json")), system_of)

Each returns an `Outcome` with its figures, leaves the counterexample in the check's folder, and
establishes nothing if there was nothing to do.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

from tlacheck import itf
from tlacheck.conform.edges import replay_edges
from tlacheck.conform.replay import replay
from tlacheck.conform.shrink import shrink
from tlacheck.conform.system import System
from tlacheck.conform.walk import walk_and_replay
from tlacheck.errors import TraceError
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome
from tlacheck.verify.outcome import Figures

__all__ = [
    "followed_to_the_end",
    "follows",
    "leaves",
    "recorded_in",
    "takes_every_edge",
    "violated",
    "walks_with",
]


def recorded_in(*folders: Path) -> list[Path]:
    """List the recorded traces of some folders, each folder's in order of their names.

    Raises:
        TraceError: a folder has none.
    """
    traces: list[Path] = []
    for folder in folders:
        found = sorted(folder.glob("*.itf.json"))
        if not found:
            raise TraceError("there is no recorded trace here, no file called *.itf.json", folder)
        traces += found
    return traces


def follows(context: Context, traces: Sequence[Path], system_of: Callable[[Trace], System]) -> Outcome:
    """Check that the system follows every one of these recorded behaviours to its end.

    Args:
        context: what `verify` gives.
        traces: the files.
        system_of: makes a fresh system for a trace, with the constants of its configuration.

    Raises:
        TraceError: one cannot be read, or has no step.
    """
    steps = 0
    for path in traces:
        context.progress(path.stem)
        trace = itf.read(path)
        run = replay(trace, system_of(trace))
        steps += len(run)
        if run.violation is not None:
            return violated(context, run, f"the implementation leaves {path.name}")
    return _replayed(len(traces), steps)


def _nothing(trace: Trace) -> Sequence[Trace]:
    """The default of `leaves`: the weakened rule shows in a step of the trace itself."""
    del trace
    return ()


def followed_to_the_end(
    trace: Trace,
    system_of: Callable[[Trace], System],
    led_to: Callable[[Trace], Sequence[Trace]] = _nothing,
) -> Trace | None:
    """The run of a system that follows a behaviour of a weakened spec to its end; None if it leaves it.

    Args:
        trace: the behaviour.
        system_of: makes a fresh system for it.
        led_to: the traces in which the weakened rule shows, if it shows in no step of this one: it and a
            step more. The system must leave each of them instead.
    """
    run = replay(trace, system_of(trace))
    if run.violation is not None:
        return None
    further = led_to(trace)
    runs = (replay(each, system_of(trace)) for each in further) if further else iter((run,))
    return next((each for each in runs if each.violation is None), None)


def leaves(
    context: Context,
    traces: Sequence[Path],
    system_of: Callable[[Trace], System],
    led_to: Callable[[Trace], Sequence[Trace]] = _nothing,
) -> Outcome:
    """Check that the system leaves every one of these behaviours, which only a weakened spec has.

    Each of them uses a weakened rule. An implementation that could follow one to its end would have the
    same fault. Arguments and errors are those of `follows`; `led_to` is that of `followed_to_the_end`.
    """
    steps = 0
    for path in traces:
        context.progress(path.stem)
        trace = itf.read(path)
        steps += len(trace)
        if (run := followed_to_the_end(trace, system_of, led_to)) is not None:
            followed = attrs.evolve(run, violation=trace.violation)
            reason = (
                f"the implementation follows {path.name} to its end: it has the fault that was put "
                "into the "
                "spec"
            )
            return violated(context, followed, reason)
    return _replayed(len(traces), steps)


def _replayed(traces: int, steps: int) -> Outcome:
    figures = Figures(traces=traces, steps=steps)
    if not steps:
        return Outcome(verdict=Verdict.unknown("there is no trace to replay: record some"), figures=figures)
    return Outcome(verdict=Verdict.sampled(traces, 0), figures=figures)


def walks_with(
    context: Context,
    oracle: SpecOracle,
    make_system: Callable[[], System],
    *,
    walks: int,
    steps: int,
    weights: Mapping[str, float],
    counted: Callable[[Trace], Mapping[str, int]],
    needed: Sequence[str] = (),
) -> Outcome:
    """Check that the system follows seeded random walks of the spec; shrink one that it leaves.

    Args:
        context: what `verify` gives; its seed is that of the first walk.
        oracle: the spec.
        make_system: makes a fresh system.
        walks: how many.
        steps: how long each is at most.
        weights: how often each action is chosen, beside the others. Walks that never took one of these
            establish nothing.
        counted: what else to count in a walk, by the names of the figures.
        needed: those of these names without which the walks establish nothing.

    Raises:
        SpecError: TLC cannot evaluate the spec.
        AdapterError: the adapter breaks its contract.
    """
    actions: Counter[str] = Counter()
    figures: Counter[str] = Counter()
    for number in range(walks):
        context.progress(f"walk {number} of {walks}, {actions.total():,} steps")
        run = walk_and_replay(oracle, make_system(), seed=context.seed + number, steps=steps, weights=weights)
        if run.violation is not None:
            shrunk = shrink(run, oracle, make_system).trace
            reason = f"walk {number} leaves the spec after {len(run)} steps, {len(shrunk)} after shrinking"
            return violated(context, shrunk, reason)
        actions.update(step.action for step in run.steps)
        figures.update(counted(run))
    shown = Figures(walks=walks, steps=actions.total(), **figures)
    if missing := sorted(set(weights) - set(actions)):
        return Outcome(
            verdict=Verdict.unknown(f"no walk took {', '.join(missing)}: walk longer"), figures=shown
        )
    if missing := [name for name in needed if not figures[name]]:
        return Outcome(
            verdict=Verdict.unknown(f"no walk has any {', '.join(missing)}: walk longer"), figures=shown
        )
    return Outcome(verdict=Verdict.sampled(walks, context.seed), figures=shown)


def takes_every_edge(
    context: Context, spec: Spec, make_system: Callable[[], System], *, edges_min: int
) -> Outcome:
    """Take every edge of a model's state graph, comparing all variables after each.

    Args:
        context: what `verify` gives.
        spec: the model: no symmetry, and a view that hides `event` alone.
        make_system: makes a fresh system with the model's constants.
        edges_min: a graph with fewer edges than this establishes nothing: the model has shrunk.
    """
    context.progress("exploring")
    with stream_graph(spec) as stream:
        graph = Graph(stream)
    found = replay_edges(
        graph,
        make_system,
        command=context.command,
        on_progress=lambda taken, total: context.progress(f"{taken:,} of {total:,} edges"),
    )
    figures = Figures(edges=found.edges, states=found.states, steps=found.steps)
    if found.violation is not None and found.violation.violation is not None:
        steps = len(found.violation)
        return violated(context, found.violation, f"an edge goes wrong after {steps} steps", figures)
    if not found.is_complete:
        return Outcome(verdict=graph.summary.verdict, figures=figures)
    if found.edges < edges_min:
        reason = f"the model has {found.edges:,} edges, fewer than {edges_min:,}: widen its bounds"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    return Outcome(verdict=Verdict.exhausted(), figures=figures)


def violated(
    context: Context,
    run: Trace,
    reason: str,
    figures: Figures | None = None,
) -> Outcome:
    """Turn a failing run into an outcome: writes the trace, with the command that repeats the check.

    Args:
        context: what `verify` gives.
        run: the run, with its violation.
        reason: what happened, in a few words.
        figures: what was measured meanwhile; else how long the run is.

    Raises:
        ValueError: the run has no violation.
    """
    if run.violation is None:
        raise ValueError("the run has no violation: nothing is wrong with it")
    path = context.folder / "counterexample.itf.json"
    itf.write(attrs.evolve(run, origin=attrs.evolve(run.origin, command=context.command)), path)
    return Outcome(
        verdict=Verdict.violated(run.violation.property, reason),
        trace=path,
        message="\n".join(run.violation.explanation),
        figures=Figures(steps=len(run)) if figures is None else figures,
    )
