"""`python -m node`: run a cluster, and ask it.

python -m node up                            three nodes on loopback, in a temporary folder
python -m node propose FOLDER Custom name=colour version=1 data=red
python -m node read FOLDER record/colour
"""

import asyncio
import json
import logging
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import attrs
import click

from node.client import Unknown
from node.cluster import Cluster, Running, init_cluster, loopback, opened
from node.errors import BadFrame, NodeError
from node.process import NodeOptions, end_with_parent, run_node
from node.proposals import OPERATIONS, operation_from
from node.quorum_client import client_of
from node.settings import PROTOCOLS, Settings, read_settings

__all__ = ["main"]

_FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


@click.group()
def commands() -> None:
    """Run a cluster of consensus nodes over TLS, and ask it."""


@commands.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--folder", required=True, type=click.Path(path_type=Path), help="Where keys and data go.")
@click.option(
    "--nodes", type=click.IntRange(1, 99), help="How many, without a FILE; 3, or 4 of a Byzantine protocol."
)
@click.option(
    "--loopback", "is_local", is_flag=True, help="Run the nodes of FILE on free ports of this machine."
)
@click.option("--protocol", type=click.Choice(list(PROTOCOLS)), help="In place of what FILE says.")
def init(file: Path | None, folder: Path, nodes: int | None, protocol: str | None, *, is_local: bool) -> None:
    """Make the keys and certificates of the cluster in FILE, or of one on this machine."""
    cluster = init_cluster(folder, _settings(file, nodes, protocol, is_local=is_local))
    click.echo(f"{folder}: authority, {len(cluster.settings.places)} nodes, client admin")


def _settings(file: Path | None, nodes: int | None, protocol: str | None, *, is_local: bool) -> Settings:
    if file is None:
        wanted = protocol or "raft"
        return loopback(nodes or (3 if wanted == "raft" else 4), protocol=wanted)
    settings = read_settings(file)
    if is_local:
        free = loopback(len(settings.places)).places
        places = zip(settings.places, free, strict=True)
        moved = tuple(attrs.evolve(each, host=own.host, port=own.port) for each, own in places)
        settings = attrs.evolve(settings, places=moved)
    return settings if protocol is None else attrs.evolve(settings, protocol=protocol)


@commands.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Of the cluster; a temporary one if not given."
)
@click.option(
    "--nodes", type=click.IntRange(1, 99), help="How many, without a FILE; 3, or 4 of a Byzantine protocol."
)
@click.option(
    "--loopback", "is_local", is_flag=True, help="Run the nodes of FILE on free ports of this machine."
)
@click.option("--protocol", type=click.Choice(list(PROTOCOLS)), help="In place of what FILE says.")
@click.option("--for", "seconds", default=0.0, help="End after so many seconds; until Ctrl-C otherwise.")
def up(
    file: Path | None,
    folder: Path | None,
    nodes: int | None,
    protocol: str | None,
    seconds: float,
    *,
    is_local: bool,
) -> None:
    """Run all nodes of a cluster on this machine, until Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="cluster-") as temporary:
        place = folder or Path(temporary)
        if (place / "cluster.yaml").exists():
            cluster = opened(place)
        else:
            cluster = init_cluster(place, _settings(file, nodes, protocol, is_local=is_local))
        _run_all(cluster, seconds)


def _run_all(cluster: Cluster, seconds: float) -> None:
    def interrupted(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)
    running: list[Running] = []
    until = time.monotonic() + seconds if seconds else float("inf")
    try:
        running += [Running(cluster, name) for name in cluster.settings.names]
        for node in running:
            told = node.wait_until_up()
            place = cluster.settings.place(node.name)
            click.echo(
                f"{node.name}  {place.host}:{place.port}  admin http://127.0.0.1:{told['admin']}/status"
            )
        click.echo(f"ask it: python -m node status {cluster.folder}")
        while time.monotonic() < until:
            if gone := [node.name for node in running if not node.is_up]:
                click.echo(f"ended by itself: {', '.join(gone)}; see log.txt in its folder", err=True)
                break
            time.sleep(0.2)
    except KeyboardInterrupt:
        click.echo("ending")
    finally:
        for node in running:
            node.signal(signal.SIGTERM)
        for node in running:
            node.end()


@commands.command()
@_FOLDER
@click.argument("name")
@click.option("--peer", "peers", multiple=True, help="n2=HOST:PORT: reach a peer there.")
@click.option("--for", "seconds", default=0.0, help="End after so many seconds.")
@click.option("--no-events", is_flag=True, help="Write no event log: then nobody can judge the run.")
@click.option("--forgetful-disk", is_flag=True, help="Lose at a kill what was not synced, for tests.")
@click.option(
    "--fail-point", default="", help="End there like a killed process, for tests: 'after persist:3'."
)
@click.option("--end-with-parent", "with_parent", is_flag=True, help="End when the caller is gone.")
def run(
    folder: Path,
    name: str,
    peers: tuple[str, ...],
    seconds: float,
    fail_point: str,
    *,
    no_events: bool,
    forgetful_disk: bool,
    with_parent: bool,
) -> None:
    """Run the node NAME of the cluster in FOLDER, in the foreground."""
    if with_parent:
        end_with_parent()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    cluster = opened(folder)
    cluster.settings.place(name)
    options = NodeOptions(
        folder=cluster.node_folder(name),
        peers=dict(_peer(text) for text in peers),
        seconds=seconds,
        writes_events=not no_events,
        forgets=forgetful_disk,
        fail_point=fail_point,
    )
    sys.exit(run_node(cluster.settings, name, options))


def _peer(text: str) -> tuple[str, tuple[str, int]]:
    name, _, address = text.partition("=")
    host, _, port = address.rpartition(":")
    if not name or not host or not port.isdecimal():
        raise NodeError(f"{text!r} is no peer: write n2=127.0.0.1:9001")
    return name, (host, int(port))


# --- clients


@commands.command()
@_FOLDER
def status(folder: Path) -> None:
    """Show role, term and log of each node."""
    cluster = opened(folder)
    rows = [_asked(cluster, name, "status") for name in cluster.settings.names]
    for name, row in zip(cluster.settings.names, rows, strict=True):
        if row is None:
            click.echo(f"{name}  does not answer")
        else:
            click.echo(
                f"{name}  {row['role']:9}  leader {row['leader'] or '?'}  "
                + "  ".join(f"{key} {value}" for key, value in row.items() if type(value) is int)
            )
    if not any(rows):
        raise NodeError(f"no node of {folder} answers: `python -m node up --folder {folder}` runs them")


@commands.command()
@_FOLDER
def metrics(folder: Path) -> None:
    """Show the metrics of each node, by KN's names."""
    cluster = opened(folder)
    for name in cluster.settings.names:
        click.echo(f"{name}  {json.dumps(_asked(cluster, name, 'metrics'))}")


def _asked(cluster: Cluster, name: str, what: str) -> dict[str, Any] | None:
    async def ask() -> dict[str, Any] | None:
        async with client_of(cluster.settings, cluster.client()) as client:
            try:
                return await client.ask(name, what)
            except Unknown:
                return None

    return asyncio.run(ask())


@commands.command()
@_FOLDER
@click.argument("operation")
@click.argument("fields", nargs=-1)
@click.option("--patience", default=10.0, show_default=True, help="Give up after so many seconds.")
def propose(folder: Path, operation: str, fields: tuple[str, ...], patience: float) -> None:
    """Propose an OPERATION, such as: Custom name=colour version=1 data=red."""
    try:
        wanted = operation_from(operation, _fields(operation, fields))
    except BadFrame as error:
        raise NodeError(str(error)) from error
    cluster = opened(folder)

    async def ask() -> dict[str, Any]:
        async with client_of(cluster.settings, cluster.client(), patience_s=patience) as client:
            return await client.propose(wanted)

    answer = asyncio.run(ask())
    click.echo(json.dumps(answer))
    sys.exit(0 if "Applied" in answer else 1)


def _fields(operation: str, fields: tuple[str, ...]) -> dict[str, Any]:
    kind = OPERATIONS.get(operation)
    types = {} if kind is None else {field.name: field.type for field in attrs.fields(kind)}
    found: dict[str, Any] = {}
    for text in fields:
        name, equals, value = text.partition("=")
        if not equals:
            raise NodeError(f"{text!r} is no field: write NAME=VALUE")
        found[name] = int(value) if types.get(name) is int and value.isdecimal() else value
    return found


@commands.command()
@_FOLDER
@click.argument("key")
@click.option("--patience", default=10.0, show_default=True, help="Give up after so many seconds.")
def read(folder: Path, key: str, patience: float) -> None:
    """Read the value of KEY: case/ID, record/NAME, policy/ID or overlay/SPEC; linearizable."""
    cluster = opened(folder)

    async def ask() -> str | int | None:
        async with client_of(cluster.settings, cluster.client(), patience_s=patience) as client:
            return await client.read(key)

    click.echo(json.dumps(asyncio.run(ask())))


def main() -> None:
    """Run the command; a mistake of the caller is one line, and exit status 2."""
    try:
        commands(prog_name="python -m node")
    except (NodeError, Unknown) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
