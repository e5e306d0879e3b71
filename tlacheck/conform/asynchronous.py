"""Systems with an `async` adapter: `Blocking` runs each call to completion on its own event loop.

The loop runs in another thread during a call and stands still between calls. Background tasks of the
system therefore progress only during steps, in the same order each time, and a call that never ends is
noticed whether it waits or computes.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol, Self, TypeVar

from tlacheck.conform.limits import LIMIT_SECONDS, Limit, call_in_thread
from tlacheck.conform.system import Crashed, Hung
from tlacheck.trace import State
from tlacheck.values import Value

__all__ = ["AsyncSystem", "Blocking"]

_R = TypeVar("_R")


class AsyncSystem(Protocol):
    """A `System` whose methods are coroutines; `AsyncAdapter` is one."""

    variables: frozenset[str]

    async def reset(self, initial: State) -> None:
        """As `System.reset`."""

    async def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """As `System.perform`."""

    async def observe(self) -> State:
        """As `System.observe`."""

    async def close(self) -> None:
        """Release its resources."""


class Blocking:
    """An asynchronous system as a `System`; a context manager that closes it.

    Args:
        make_system: makes the asynchronous system; called while the loop runs.
        limit_seconds: how long a call may take.

    Attributes:
        system: the asynchronous system.
        variables: the spec variables that it shows.
        limit_seconds: as given.

    Raises:
        Hung: making it takes too long.
        ConfigError: the limit is not positive.
    """

    def __init__(
        self, make_system: Callable[[], AsyncSystem], *, limit_seconds: float = LIMIT_SECONDS
    ) -> None:
        Limit(limit_seconds)
        self.limit_seconds = limit_seconds
        self._loop = asyncio.new_event_loop()
        self._is_over = False
        self.system = self._run(_made(make_system))
        self.variables = self.system.variables
        if hasattr(self.system, "declaration"):
            self.declaration = self.system.declaration

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reset(self, initial: State) -> None:
        """Reset the system.

        Raises:
            Hung: it takes too long.
        """
        self._run(self.system.reset(initial))

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Perform the step.

        Raises:
            Hung: it takes too long.
        """
        self._run(self.system.perform(action, arguments))

    def observe(self) -> State:
        """Observe the state.

        Raises:
            Hung: it takes too long.
        """
        return self._run(self.system.observe())

    def close(self) -> None:
        """Close the system, cancel what it left running, and end the loop."""
        if self._is_over:
            return
        try:
            self._run(self.system.close())
            self._run(_cancel_all())
        finally:
            self._is_over = True
            if not self._loop.is_running():
                self._loop.close()

    def _run(self, call: Coroutine[Any, Any, _R]) -> _R:
        if self._is_over:
            call.close()
            raise Crashed("it hung before, or was closed: nothing more can be asked of it")
        task = self._loop.create_task(call)
        try:
            return call_in_thread(self.limit_seconds, lambda: self._through(task))
        except Hung:
            self._is_over = True
            # A task that waits ends by this; one that computes is left behind in its thread.
            self._loop.call_soon_threadsafe(task.cancel)
            raise

    def _through(self, task: asyncio.Task[_R]) -> _R:
        """Run the loop until the task ends; end the loop if nobody waits for the task any more."""
        try:
            return self._loop.run_until_complete(task)
        finally:
            if self._is_over:
                self._loop.run_until_complete(_cancel_all())
                self._loop.close()


async def _made(make_system: Callable[[], AsyncSystem]) -> AsyncSystem:
    return make_system()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
