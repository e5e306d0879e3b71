"""The clock of one node, relative to the virtual time of its world.

Whole numbers throughout, so that a clock reads the same on every machine: a drift is in parts per
million, a duration is rounded up to the next millisecond.
"""

from typing import Final

import attrs

from tlacheck.errors import ConfigError

__all__ = ["Clock"]

_MILLION: Final = 1_000_000


@attrs.frozen
class Clock:
    """A clock that read `reads_ms` at `since_ms` and gains `drift_ppm` from then on.

    Attributes:
        since_ms: when it was last set, in virtual milliseconds.
        reads_ms: what it read then.
        drift_ppm: how many microseconds it gains in a second; negative if it is slow.
        within_ms: how far it may be from the virtual time; then it goes along with that. Any distance, if
            None.

    Raises:
        ConfigError: if it would stand still or run backwards.
    """

    since_ms: int = 0
    reads_ms: int = 0
    drift_ppm: int = 0
    within_ms: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.drift_ppm <= -_MILLION:
            raise ConfigError(
                f"a drift of {self.drift_ppm} ppm stops the clock: give more than -1,000,000; "
                "a pause of the node stops all it does"
            )

    def reading_ms(self, now_ms: int) -> int:
        """Return its reading at a virtual time."""
        return self._near(
            self.reads_ms + (now_ms - self.since_ms) * (_MILLION + self.drift_ppm) // _MILLION, now_ms
        )

    def when_ms(self, reading_ms: int) -> int:
        """Return the first virtual time at which it reads this much."""
        when_ms = self.since_ms - (self.reads_ms - reading_ms) * _MILLION // (_MILLION + self.drift_ppm)
        return self._near(when_ms, reading_ms)

    def _near(self, ms: int, other_ms: int) -> int:
        """The time nearest to `ms` that is no further from another one than clocks may be."""
        within = self.within_ms
        return ms if within is None else min(max(ms, other_ms - within), other_ms + within)

    def skewed(self, now_ms: int, by_ms: int) -> "Clock":
        """Return this clock, set forward at `now_ms`, or back if `by_ms` is negative."""
        reads_ms = self._near(self.reading_ms(now_ms) + by_ms, now_ms)
        return Clock(now_ms, reads_ms, self.drift_ppm, self.within_ms)

    def drifting(self, now_ms: int, drift_ppm: int) -> "Clock":
        """Return this clock, running at another rate from `now_ms` on."""
        return Clock(now_ms, self.reading_ms(now_ms), drift_ppm, self.within_ms)
