"""The implementation takes every step that a small model of the spec allows, as `tlacheck verify` calls it."""

from collections.abc import Callable

from property_tests.raft.adapter import RaftSystem, full_system, spec_for
from tlacheck.conform.checks import takes_every_edge
from tlacheck.tlc.spec import Spec
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
    return takes_every_edge(context, edges_spec(config), make_system, edges_min=edges_min)


def every_full_edge(context: Context) -> Outcome:
    """The same with snapshots and a server that joins."""
    return every_edge(context, config="edges_full.cfg", make_system=full_system, edges_min=40_000)
