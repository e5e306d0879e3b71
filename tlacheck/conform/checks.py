"""Conformance as checks of `tlacheck verify`: what a project's `verify.toml` calls, for any protocol.

    def replay_witnesses(context: Context) -> Outcome:
        return follows(context, sorted(TRACES.glob("witness/*.itf.json")), system_of)

Each returns an `Outcome` with its figures, leaves the counterexample in the check's folder, and establishes
nothing where there was nothing to do.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from tlacheck import itf
from tlacheck.conform.edges import replay_edges
from tlacheck.conform.replay import replay
from tlacheck.conform.system import System
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome
from tlacheck.verify.outcome import Figures

__all__ = ["follows", "leaves", "takes_every_edge", "violated"]


def follows(context: Context, traces: Sequence[Path], system_of: Callable[[Trace], System]) -> Outcome:
    """The system follows every one of these recorded behaviours to its end.

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


def leaves(context: Context, traces: Sequence[Path], system_of: Callable[[Trace], System]) -> Outcome:
    """The system leaves every one of these behaviours, which only a weakened spec has.

    Each of them uses a rule that was weakened. An implementation that could follow one to its end would
    have the same fault. Arguments and errors are those of `follows`.
    """
    steps = 0
    for path in traces:
        context.progress(path.stem)
        trace = itf.read(path)
        run = replay(trace, system_of(trace))
        steps += len(run)
        if run.violation is None:
            followed = attrs.evolve(run, violation=trace.violation)
            reason = f"the implementation follows {path.name} to its end: it has the fault that was put into the spec"
            return violated(context, followed, reason)
    return _replayed(len(traces), steps)


def _replayed(traces: int, steps: int) -> Outcome:
    figures = Figures(traces=traces, steps=steps)
    if not steps:
        return Outcome(verdict=Verdict.unknown("there is no trace to replay: record some"), figures=figures)
    return Outcome(verdict=Verdict.sampled(traces, 0), figures=figures)


def takes_every_edge(
    context: Context, spec: Spec, make_system: Callable[[], System], *, edges_min: int
) -> Outcome:
    """Take every edge of a model's state graph, and compare all variables after each.

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
    """A run that fails, as a check's outcome: the trace is on disk, with the command that repeats the check.

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
