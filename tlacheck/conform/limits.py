"""Time limits for the steps of a system: a hang is reported as such, and the run so far is kept.

In the main thread the limit is a signal, which costs a microsecond a call and interrupts any Python
code, even an endless loop. In other threads, and where there is no such signal (Windows), the call is
made in its own thread; if it hangs it is left behind there, since nothing can end it.
"""

import functools
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, ParamSpec, Self, TypeVar

from tlacheck.conform.system import Hung, System, close
from tlacheck.errors import ConfigError
from tlacheck.trace import State
from tlacheck.values import Value

__all__ = ["LIMIT_SECONDS", "Limit", "Limited", "call_in_thread", "hung"]

#: The default time limit of a step.
LIMIT_SECONDS: Final = 10.0

_P = ParamSpec("_P")
_R = TypeVar("_R")


def hung(seconds: float) -> Hung:
    """Return the error for a system that has not returned after so many seconds."""
    return Hung(
        f"it has not come back after {seconds:g} s (if its steps may take longer, set a higher limit)"
    )


class _TimeUp(BaseException):
    """Ends a call. Not an `Exception`, so that the system does not catch it as one of its own."""


class Limit:
    """Calls functions, each for a limited time: `limit(system.perform, action, arguments)`.

    As a context manager it prepares the signal once for all calls in the block.

    Args:
        seconds: how long a call may take; None for as long as it likes.

    Raises:
        ConfigError: `seconds` is not positive.
    """

    def __init__(self, seconds: float | None = LIMIT_SECONDS) -> None:
        if seconds is not None and not seconds > 0:
            raise ConfigError(f"the limit of a step is {seconds:g} s; it must be more than 0")
        self.seconds = seconds
        self._before: Any = None
        self._is_prepared = False

    def __enter__(self) -> Self:
        if self.seconds is not None and _has_alarm():
            self._before = signal.signal(signal.SIGALRM, _ring)
            self._is_prepared = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_prepared:
            signal.signal(signal.SIGALRM, self._before)
            self._is_prepared = False

    @classmethod
    def of(cls, system: System, seconds: float | None) -> Self:
        """Return the limit for calls of a system: none if it limits its own (it has a `limit_seconds`).

        Raises:
            ConfigError: `seconds` is not positive.
        """
        limit = cls(seconds)
        return cls(None) if hasattr(system, "limit_seconds") else limit

    def __call__(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Call the function and return its result.

        Raises:
            Hung: it takes too long.
        """
        if self.seconds is None:
            return function(*args, **kwargs)
        if self._is_prepared:
            return _call_with_alarm(self.seconds, function, *args, **kwargs)
        if _has_alarm():
            with self:
                return _call_with_alarm(self.seconds, function, *args, **kwargs)
        return call_in_thread(self.seconds, functools.partial(function, *args, **kwargs))


class Limited:
    """A system whose calls are limited in time.

    Args:
        system: the system.
        seconds: how long a call may take.

    Raises:
        ConfigError: `seconds` is not positive.
    """

    def __init__(self, system: System, seconds: float = LIMIT_SECONDS) -> None:
        self.system = system
        self.limit_seconds = seconds
        self.variables = system.variables
        self._limit = Limit.of(system, seconds)

    def reset(self, initial: State) -> None:
        """Reset the system.

        Raises:
            Hung: it takes too long.
        """
        self._limit(self.system.reset, initial)

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Perform the step.

        Raises:
            Hung: it takes too long.
        """
        self._limit(self.system.perform, action, arguments)

    def observe(self) -> State:
        """Observe the state.

        Raises:
            Hung: it takes too long.
        """
        return self._limit(self.system.observe)

    def close(self) -> None:
        """Close the system, if it can be closed."""
        close(self.system)


def _ring(_number: int, _frame: object) -> NoReturn:
    raise _TimeUp


def _has_alarm() -> bool:
    return threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")


def _call_with_alarm(seconds: float, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    started = time.monotonic()
    others, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return function(*args, **kwargs)
    except _TimeUp:
        raise hung(seconds) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if others:  # another alarm rings when it would have, or at once if that has passed
            rest = max(others - (time.monotonic() - started), 1e-6)
            signal.setitimer(signal.ITIMER_REAL, rest, interval)


def call_in_thread(seconds: float, function: Callable[[], _R]) -> _R:
    """Call the function in its own thread and return its result.

    Raises:
        Hung: it takes too long. Its thread is left behind.
    """
    results: list[_R] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that asked
            errors.append(error)

    thread = threading.Thread(target=run, name="tlacheck step", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise hung(seconds)
    return results[0]
