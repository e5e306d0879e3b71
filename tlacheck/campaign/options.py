"""Options of commands whose work can be a campaign: where its rows go, and who does it."""

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
import click

from tlacheck.campaign.record import Row
from tlacheck.campaign.run import Limits
from tlacheck.errors import ConfigError

__all__ = ["Heartbeat", "Place", "campaign_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_HEARTBEAT_SECONDS: Final = 10.0


@attrs.frozen(kw_only=True)
class Place:
    """Place of a campaign: its file and its workers, as the command line says.

    Attributes:
        file: of the campaign; None if there is none.
        scheduler: the address of Dask's scheduler; empty for processes of this machine.
        tls: certificate authority, certificate and key, as far as they are given.
        patience: seconds until a campaign ends in which nothing comes back.
    """

    file: Path | None
    scheduler: str
    tls: tuple[Path | None, Path | None, Path | None]
    patience: float

    @property
    def is_asked_for(self) -> bool:
        """True if there is a file or a scheduler."""
        return self.file is not None or bool(self.scheduler)

    @contextlib.contextmanager
    def executor(self) -> Iterator[Executor | None]:
        """The scheduler's executor; None for processes of this machine. Workers that differ are told.

        Raises:
            ConfigError: Dask is not installed, or the scheduler cannot be used.
        """
        if not self.scheduler:
            if any(self.tls):
                raise ConfigError("--tls-ca, --tls-cert and --tls-key are for a --scheduler")
            yield None
            return
        try:
            from tlacheck.campaign.scheduler import Tls, dask_workers  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ConfigError("--scheduler needs Dask: pip install 'tlacheck[dask]'") from error
        ca, cert, key = self.tls
        with dask_workers(self.scheduler, Tls(ca=ca, cert=cert, key=key)) as (executor, refused):
            for worker, lines in refused.items():
                click.echo(f"{worker} gets no work, it is of another version: {'; '.join(lines)}", err=True)
            yield executor

    def limits(self) -> Limits:
        """The limits of the campaign. A scheduler gets more batches at once: it may have many workers."""
        return Limits(patience_seconds=self.patience, in_flight=_IN_FLIGHT if self.scheduler else None)


#: So many batches are out at once on a scheduler.
_IN_FLIGHT: Final = 64


def campaign_options(command: _Command) -> _Command:
    """Add `--campaign`, `--scheduler`, its TLS and `--patience`; the command gets a `Place` as `place`."""
    file = click.Path(path_type=Path, dir_okay=False)

    @click.option(
        "--campaign", "file", type=file, metavar="FILE", help="Record each case here, and go on from there."
    )
    @click.option(
        "--scheduler", default="", metavar="tls://HOST:PORT", help="Run on the workers of Dask's scheduler."
    )
    @click.option(
        "--tls-ca", type=file, metavar="PEM", help="Authority that signed the scheduler's certificate."
    )
    @click.option("--tls-cert", type=file, metavar="PEM", help="Certificate of this client.")
    @click.option("--tls-key", type=file, metavar="PEM", help="Key of this client.")
    @click.option(
        "--patience",
        type=click.FloatRange(min=0, min_open=True),
        default=600.0,
        show_default=True,
        metavar="S",
        help="A campaign ends if no worker answers for so long.",
    )
    @functools.wraps(command)
    def bundled(
        *arguments: Any,
        file: Path | None,
        scheduler: str,
        tls_ca: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        patience: float,
        **named: Any,
    ) -> Any:
        place = Place(file=file, scheduler=scheduler, tls=(tls_ca, tls_cert, tls_key), patience=patience)
        return command(*arguments, place=place, **named)

    return bundled  # type: ignore[return-value]  # functools.wraps keeps the command's type


class Heartbeat:
    """Tells now and then, on standard error, how far a campaign is, its rate, and how long it will take.

    Args:
        what: the plural of a case.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._done = self._steps = self._failed = 0
        self._began = self._told = time.monotonic()

    def tell(self, row: Row, left: int) -> None:
        """Take notice of a case, after which so many are left."""
        self.count(row.done.steps, left, is_failed=bool(row.done.property))

    def count(self, steps: int, left: int, *, is_failed: bool) -> None:
        """Count a case of so many steps, after which so many are left."""
        self._done += 1
        self._steps += steps
        self._failed += is_failed
        now = time.monotonic()
        if now - self._told < _HEARTBEAT_SECONDS:
            return
        self._told = now
        rate = self._steps / (now - self._began)
        seconds = left * (now - self._began) / self._done
        click.echo(
            f"{self._done} of {self._done + left} {self._what}, {self._steps:,} steps, {rate:,.0f} steps/s, "
            f"{self._failed} failed, {seconds:.0f} s to go",
            file=sys.stderr,
        )
