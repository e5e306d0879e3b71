"""Sizes of a cluster, and the view of its nodes."""

import random
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import attrs

from tlacheck.errors import ConfigError

__all__ = ["Size", "View"]

#: Node -> its state, as the recorder has it: of a node that is down, what it will come back from.
View: TypeAlias = Mapping[str, Any]


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


def _distinct_names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(names)


@attrs.frozen
class Size:
    """A size of the cluster.

    Attributes:
        nodes: the names of the nodes, in their order.
        config: the configuration of the spec that speaks of them; empty if none does, and runs are not judged
            by it.
        byzantine: those of them that need not follow the protocol. The configuration says the same of them.
        is_shuffled: True to draw the order of the nodes for each run, as it matters for who is primary when.

    Raises:
        ConfigError: a Byzantine node is no node.
    """

    nodes: tuple[str, ...] = attrs.field(converter=_names)
    config: str = ""
    byzantine: frozenset[str] = attrs.field(default=frozenset(), converter=_distinct_names)
    is_shuffled: bool = False

    def __attrs_post_init__(self) -> None:
        if strangers := sorted(self.byzantine.difference(self.nodes)):
            raise ConfigError(
                f"Byzantine are {', '.join(strangers)}, and there are only {', '.join(self.nodes)}"
            )

    @property
    def honest(self) -> tuple[str, ...]:
        """The nodes that follow the protocol."""
        return tuple(node for node in self.nodes if node not in self.byzantine)

    def drawn(self, seed: int) -> "Size":
        """The size of the run of a seed: in another order, if it is shuffled."""
        if not self.is_shuffled:
            return self
        order = random.Random(seed).sample(self.nodes, len(self.nodes))  # noqa: S311 - a reproducible run, no secret
        return attrs.evolve(self, nodes=order)
