"""The option group `--distributed` of `tlacheck check`, and its check."""

import functools
from collections.abc import Callable
from typing import Any

import click

from tlacheck.tlc._protocol import Progress
from tlacheck.tlc.check import CheckResult
from tlacheck.tlc.distributed import LOOPBACK, PATIENCE_SECONDS, check_distributed
from tlacheck.tlc.spec import Spec

__all__ = ["check_with_others", "distributed_options"]


def distributed_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options `--distributed`, `--host`, `--port` and `--patience`."""
    options = (
        click.option(
            "--distributed",
            is_flag=True,
            help="Let other processes and machines help: start a server and --workers workers here, and "
            "print the "
            "command that starts more. Not for temporal and action properties.",
        ),
        click.option(
            "--host",
            default=LOOPBACK,
            show_default=True,
            metavar="ADDRESS",
            help="Where a distributed check listens. Anybody who reaches another address than the "
            "default may "
            "take part, unasked: only in a network that you trust.",
        ),
        click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="By default a free one."),
        click.option(
            "--patience",
            type=click.FloatRange(min=0, min_open=True),
            default=PATIENCE_SECONDS,
            show_default=True,
            metavar="SECONDS",
            help="How long a distributed check waits without any worker.",
        ),
    )
    return functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)


def check_with_others(
    spec: Spec,
    *,
    host: str,
    port: int | None,
    patience: float,
    workers: int,
    memory: int,
    deadlock: bool,
    timeout: float | None,
    on_progress: Callable[[Progress], None] | None = None,
) -> CheckResult:
    """Check with `check_distributed`; the command for more workers goes to standard error."""

    def tell(command: str) -> None:
        where = "on this machine" if host == LOOPBACK else "on any machine with that jar"
        click.echo(f"one more worker, {where}:\n  {command}", err=True)

    return check_distributed(
        spec,
        host=host,
        port=port,
        local_workers=workers,
        memory_mb=memory,
        deadlock=deadlock,
        timeout=timeout,
        patience=patience,
        on_ready=tell,
        on_progress=on_progress,
    )
