"""Workers of Dask's scheduler, over TLS: an executor that runs on as many machines as have joined it.

All of distribution is Dask's. What is added: only `tls://`, since whoever reaches a scheduler may run any
code; and only workers of the campaign's version. A plugin gives these a resource that batches ask for, so
workers that join later, or come back, are looked at as well.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Final

import attrs
from distributed import Client, Worker, WorkerPlugin
from distributed.security import Security

from tlacheck.campaign.version import Version
from tlacheck.errors import ConfigError

__all__ = ["Tls", "dask_workers"]

#: Seconds until the scheduler answers, and until there is a first worker.
_CONNECT_SECONDS: Final = 30.0
_WORKERS_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2
#: Dask tries a batch on so many more workers if one dies.
_RETRIES: Final = 3


@attrs.frozen(kw_only=True)
class Tls:
    """The files of TLS, in PEM. Those that are None are as Dask's configuration has them.

    Attributes:
        ca: of the authority that signed all certificates.
        cert: of this client.
        key: of its certificate.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def security(self) -> Security:
        """The same for Dask.

        Raises:
            ConfigError: a file is not there.
        """
        given: dict[str, Any] = {}
        for name, path in (
            ("tls_ca_file", self.ca),
            ("tls_client_cert", self.cert),
            ("tls_client_key", self.key),
        ):
            if path is None:
                continue
            if not path.is_file():
                raise ConfigError(f"{path}: there is no such file: TLS needs it")
            given[name] = str(path)
        return Security(require_encryption=True, **given)


class _Equal(WorkerPlugin):
    """Gives a worker the campaign's resource if it is of the campaign's version."""

    def __init__(self, resource: str, version: Version) -> None:
        self.name = resource
        self._resource, self._version = resource, version

    async def setup(self, worker: Worker) -> None:
        """Look at a worker that is there, or has just joined."""
        if not self._version.differences(Version.here()):
            await worker.set_resources(**{self._resource: 1})


def _differences(version: Version) -> tuple[str, ...]:
    return version.differences(Version.here())


@contextlib.contextmanager
def dask_workers(
    address: str,
    tls: Tls | None = None,
    *,
    wait_seconds: float = _WORKERS_SECONDS,
) -> Iterator[tuple[Executor, Mapping[str, tuple[str, ...]]]]:
    """Connect to a scheduler; yield an executor on its workers of this version, and how the others differ.

    Args:
        address: of the scheduler, `tls://HOST:PORT`.
        tls: the files of TLS.
        wait_seconds: how long to wait for a first worker.

    Raises:
        ConfigError: the address is none of TLS, nobody answers there, or no worker of this version joins.
    """
    if not address.startswith("tls://"):
        raise ConfigError(
            f"{address}: whoever reaches a scheduler may run any code on its workers, so it must speak TLS: "
            "start it with --protocol tls, and give tls://HOST:PORT"
        )
    security = (tls or Tls()).security()
    try:
        client = Client(address, security=security, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, TypeError, ValueError) as error:
        raise ConfigError(f"{address}: no scheduler answers, or its TLS does not fit: {error}") from error
    with client:
        version = Version.here()
        resource = f"tlacheck-{version.sources}-{time.time_ns():x}"
        client.register_plugin(_Equal(resource, version))
        try:
            _wait_for_one(client, address, resource, version, wait_seconds)
            found: dict[str, tuple[str, ...]] = client.run(_differences, version, on_error="ignore")
            executor: Executor = client.get_executor(pure=False, retries=_RETRIES, resources={resource: 1})
            yield executor, {worker: lines for worker, lines in found.items() if lines}
        finally:
            with contextlib.suppress(OSError, ValueError, TimeoutError):
                client.unregister_worker_plugin(resource)


def _wait_for_one(client: Client, address: str, resource: str, version: Version, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        if any(resource in worker["resources"] for worker in workers.values()):
            return
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    found = client.run(_differences, version, on_error="return")
    lines = [
        f"{worker}: {why if isinstance(why, Exception) else '; '.join(why)}" for worker, why in found.items()
    ]
    told = "\n".join(lines) or "no worker has joined it"
    raise ConfigError(f"{address}: no worker of this version within {seconds:g} s:\n{told}")
