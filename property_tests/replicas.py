"""Which replicas a simulated cluster has, and which of them are traitors."""

import random
from typing import Self

import attrs

__all__ = ["Replicas"]


@attrs.frozen(kw_only=True)
class Replicas:
    """The part of a cluster's setting that says so; a protocol adds its own.

    Attributes:
        replicas: how many.
        order: their numbers in the order in which they become primary; ascending if None.
        traitors: the names of those who are Byzantine.
    """

    replicas: int = 4
    order: tuple[int, ...] | None = None
    traitors: frozenset[str] = frozenset({"r0"})

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the replicas, in the order in which they become primary."""
        return tuple(f"r{number}" for number in self.order or range(self.replicas))

    @classmethod
    def drawn(cls, seed: int, *, replicas: int = 4, traitors: int = 1) -> Self:
        """The cluster of a seed: when the traitors become primary is drawn."""
        order = random.Random(seed).sample(range(replicas), replicas)  # noqa: S311 - a reproducible run, no secret
        return cls._with(tuple(order), traitors)

    @classmethod
    def led_by(cls, first: int, *, replicas: int, traitors: int) -> Self:
        """The cluster whose first primary has this number, and from which the others go round."""
        return cls._with(tuple((first + number) % replicas for number in range(replicas)), traitors)

    @classmethod
    def _with(cls, order: tuple[int, ...], traitors: int) -> Self:
        names = frozenset(f"r{number}" for number in range(traitors))
        return cls(replicas=len(order), order=order, traitors=names)
