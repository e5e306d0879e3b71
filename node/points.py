"""Fail points: places in the work of a node where a kill leaves the most for others to find.

A node ends like a killed process, without a chance to write anything, when it reaches an armed point for the
given time. They are armed at the start of a node only (`--fail-point`), by who tests it.
"""

import os
import signal
from typing import Final

from node.errors import NodeError

__all__ = ["POINTS", "FailPoint", "armed"]

#: The points, in the order in which a batch meets them. Within a sync the first half is on disk.
POINTS: Final = (
    "before persist",
    "within sync",
    "after persist",
    "before send",
    "after send",
    "before apply",
    "after apply",
    "before answer",
)


class FailPoint:
    """A point at which the process ends.

    Args:
        name: the point; empty for none.
        count: the time at which it ends there, from 1.
    """

    def __init__(self, name: str = "", count: int = 1) -> None:
        self._name = name
        self._left = count

    def reach(self, name: str) -> None:
        """Be at a point. Does not return if the process ends here."""
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def armed(text: str) -> FailPoint:
    """Return the fail point that a text such as `after persist:3` arms; none for an empty one.

    Raises:
        NodeError: there is no such point, or no such time.
    """
    if not text:
        return FailPoint()
    name, _, count = text.partition(":")
    if name not in POINTS or not (count.isdecimal() and int(count) >= 1):
        raise NodeError(
            f"there is no fail point {text!r}: write one of {', '.join(POINTS)}, a colon, and how many times "
            "it is reached before the process ends there, as in 'after persist:3'"
        )
    return FailPoint(name, int(count))
