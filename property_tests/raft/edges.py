"""The implementation takes every step that a small model of the spec allows, as `tlacheck verify` calls it."""

from collections.abc import Callable

import attrs
from immutabledict import immutabledict

from property_tests.raft.adapter import RaftSystem, full_system, spec_for
from tlacheck import itf
from tlacheck.conform.edges import replay_edges
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.tlc.spec import Spec
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["edges_spec", "every_edge", "every_full_edge"]


def edges_spec(config: str = "edges.cfg") -> Spec:
    """The model whose edges are taken: no symmetry, and a view that hides `event` alone."""
    folder = spec_for(3).path.parent
    return Spec.load(folder / "MCRaft.tla", folder / config)


def every_edge(
    context: Context,
    *,
    config: str = "edges.cfg",
    make_system: Callable[[], RaftSystem] = RaftSystem,
    edges_min: int = 50_000,
) -> Outcome:
    """Take every edge of the model's state graph, and compare all variables after each.

    Args:
        context: what `verify` gives.
        config: the model's configuration.
        make_system: makes a fresh system with the model's features.
        edges_min: a graph with fewer edges than this establishes nothing: the model has shrunk.
    """
    context.progress("exploring")
    with stream_graph(edges_spec(config)) as stream:
        graph = Graph(stream)
    found = replay_edges(
        graph,
        make_system,
        command=context.command,
        on_progress=lambda taken, total: context.progress(f"{taken:,} of {total:,} edges"),
    )
    figures = immutabledict(edges=found.edges, states=found.states, steps=found.steps)
    if found.violation is not None and found.violation.violation is not None:
        path = context.folder / "counterexample.itf.json"
        origin = attrs.evolve(found.violation.origin, command=context.command)
        itf.write(attrs.evolve(found.violation, origin=origin), path)
        violation = found.violation.violation
        verdict = Verdict.violated(
            violation.property, f"an edge goes wrong after {len(found.violation)} steps"
        )
        return Outcome(verdict=verdict, trace=path, message="\n".join(violation.explanation), figures=figures)
    if not found.is_complete:
        return Outcome(verdict=graph.summary.verdict, figures=figures)
    if found.edges < edges_min:
        reason = f"the model has {found.edges:,} edges, fewer than {edges_min:,}: widen its bounds"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    return Outcome(verdict=Verdict.exhausted(), figures=figures)


def every_full_edge(context: Context) -> Outcome:
    """The same with snapshots and a server that joins."""
    return every_edge(context, config="edges_full.cfg", make_system=full_system, edges_min=40_000)
