"""Python's garbage collector, told what a process does that checks things."""

import gc
from typing import Final

__all__ = ["collect_rarely"]

#: After so many more objects, collections of the youngest, and collections of the middle generation.
_THRESHOLDS: Final = (50_000, 20, 20)


def collect_rarely() -> None:
    """Look for garbage less often, and no more at what is imported already.

    Checks keep many states and hardly ever make a cycle: reference counts free them. Left alone, Python looks
    again and again at all that is kept, which is a third of the time of a long run.
    """
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
