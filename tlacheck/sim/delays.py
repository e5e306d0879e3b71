"""Delays of messages, as small values: probability distributions in virtual milliseconds.

A delay is drawn with the random numbers of its world, so that it is a function of the seed. All
delays are whole milliseconds and never negative.
"""

import random
from typing import Protocol

import attrs

from tlacheck.errors import ConfigError

__all__ = ["Delay", "Exponential", "Fixed", "HeavyTailed", "Uniform"]


class Delay(Protocol):
    """A distribution of durations."""

    def draw(self, source: random.Random) -> int:
        """Draw one duration, in milliseconds, 0 or more."""


@attrs.frozen
class Fixed:
    """Always the same.

    Raises:
        ConfigError: if it is negative.
    """

    ms: int

    def __attrs_post_init__(self) -> None:
        _not_negative("a fixed delay", self.ms)

    def draw(self, source: random.Random) -> int:
        """Return the one duration. Draws nothing."""
        del source
        return self.ms


@attrs.frozen
class Uniform:
    """Every duration from the least to the greatest is equally likely.

    Raises:
        ConfigError: if the least is negative, or above the greatest.
    """

    least_ms: int
    greatest_ms: int

    def __attrs_post_init__(self) -> None:
        _not_negative("the least delay", self.least_ms)
        if self.least_ms > self.greatest_ms:
            raise ConfigError(
                f"no delay lies between {self.least_ms} and {self.greatest_ms} ms: swap the two bounds"
            )

    def draw(self, source: random.Random) -> int:
        """Draw a duration between the bounds, both included."""
        return source.randint(self.least_ms, self.greatest_ms)


@attrs.frozen
class Exponential:
    """Mostly short, rarely long: the time to the next of many independent events.

    Attributes:
        mean_ms: the mean of what comes on top of `least_ms`.
        least_ms: what every message takes.

    Raises:
        ConfigError: if the mean is not positive, or the least is negative.
    """

    mean_ms: float
    least_ms: int = 0

    def __attrs_post_init__(self) -> None:
        _not_negative("the least delay", self.least_ms)
        _positive("the mean of an exponential delay", self.mean_ms)

    def draw(self, source: random.Random) -> int:
        """Draw a duration of at least `least_ms`."""
        return self.least_ms + int(source.expovariate(1.0 / self.mean_ms))


@attrs.frozen
class HeavyTailed:
    """Nearly always short, and now and then very long: a Pareto distribution.

    A message in a hundred takes 100 ** (1 / shape) times the least, 10 times for shape 2: enough to
    outlive timeouts that are set from means.

    Attributes:
        least_ms: the least and the most likely duration.
        shape: how fast the tail falls; 1 to 3 is usual. Up to 1 there is no mean.
        greatest_ms: no duration is longer, so that a run ends.

    Raises:
        ConfigError: if the least or the shape is not positive, or the greatest below the least.
    """

    least_ms: int
    shape: float = 1.5
    greatest_ms: int = 60_000

    def __attrs_post_init__(self) -> None:
        _positive("the least of a heavy-tailed delay", self.least_ms)
        _positive("the shape of a heavy-tailed delay", self.shape)
        if self.greatest_ms < self.least_ms:
            raise ConfigError(
                f"no delay lies between {self.least_ms} and {self.greatest_ms} ms: swap the two bounds"
            )

    def draw(self, source: random.Random) -> int:
        """Draw a duration between the bounds."""
        return min(int(self.least_ms * source.paretovariate(self.shape)), self.greatest_ms)


def _not_negative(what: str, ms: int) -> None:
    if ms < 0:
        raise ConfigError(f"{what} is {ms} ms: nothing arrives before it is sent, give 0 or more")


def _positive(what: str, value: float) -> None:
    if value <= 0:
        raise ConfigError(f"{what} is {value:g}: give more than 0")
