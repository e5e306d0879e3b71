"""A base class for owners of a process, which end it with `close` or at the end of a `with` block."""

import abc
from types import TracebackType
from typing import Self

__all__ = ["Closing"]


class Closing(abc.ABC):
    """A context manager whose end is `close`."""

    @abc.abstractmethod
    def close(self) -> None:
        """End the owned process."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
