"""Processes that end with the one that started them, in whatever way that one ends."""

import multiprocessing
import os
import threading

__all__ = ["end_with_parent"]


def end_with_parent() -> None:
    """End this process, started by `multiprocessing`, as soon as its parent is gone; also if that was killed.

    Workers of a pool wait for work on a pipe whose other end they hold themselves; they would wait for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
