"""`python -m property_tests.chaos`: campaigns on real processes, and their judgement."""

import json
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import click

from node.errors import NodeError
from node.points import POINTS
from node.settings import BFT
from property_tests.chaos.campaign import FAULTS, Plan, run_campaign
from property_tests.chaos.check import check_folder
from tlacheck.errors import TlacheckError

__all__ = ["main"]

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def commands() -> None:
    """Kill, stop and cut the nodes of a real cluster, and judge what they did."""


@commands.command()
@click.option("--seed", default=0, show_default=True, help="Decides the faults of the first run.")
@click.option(
    "--runs", default=1, show_default=True, type=click.IntRange(1), help="How many runs, one seed each."
)
@click.option("--seconds", default=10.0, show_default=True, help="How long faults go on in each run.")
@click.option(
    "--protocol",
    default="raft",
    show_default=True,
    type=click.Choice(["raft", *BFT]),
    help="What the nodes run.",
)
@click.option("--nodes", type=click.IntRange(3, 7), help="How many nodes; 3, or 4 of a Byzantine protocol.")
@click.option("--clients", default=4, show_default=True, type=click.IntRange(1, 64), help="How many clients.")
@click.option("--fault", "faults", multiple=True, type=click.Choice(list(FAULTS)), help="Only these faults.")
@click.option("--folder", type=_FOLDER, help="Keep the runs here; a temporary folder, kept if a run fails.")
@click.option(
    "--host", hidden=True, help="The script of another host, with its arguments: of one with a bug."
)
@click.option("--point", "points", multiple=True, type=click.Choice(POINTS), help="Only these of `crash at`.")
@click.option("--quiet", is_flag=True, help="Do not tell each fault.")
def run(
    *,
    seed: int,
    runs: int,
    seconds: float,
    protocol: str,
    nodes: int | None,
    clients: int,
    faults: tuple[str, ...],
    folder: Path | None,
    host: str | None,
    points: tuple[str, ...],
    quiet: bool,
) -> None:
    """Run campaigns, and judge each. Exit status 0: established, 1: violated, 3: inconclusive."""
    place = folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    worst = 0
    for number in range(seed, seed + runs):
        plan = Plan(
            seed=number,
            seconds=seconds,
            protocol=protocol,
            nodes=nodes or (3 if protocol == "raft" else 4),
            clients=clients,
            faults=faults,
            points=points or POINTS,
            command=(sys.executable, *(shlex.split(host) if host else ("-m", "node"))),
        )
        found = run_campaign(
            place / f"seed-{number}",
            plan,
            note=(lambda _: None) if quiet else (lambda said: click.echo(f"  {said}")),
        )
        status = _shown(found.folder)
        worst = 1 if status == 1 else worst or status
    if folder is None and worst == 0:
        shutil.rmtree(place)
    _end(worst)


@commands.command()
@click.argument("folder", type=_FOLDER)
def check(folder: Path) -> None:
    """Judge the FOLDER of an earlier run again."""
    _end(_shown(folder))


def _shown(folder: Path) -> int:
    """Print the judgement of a folder; the exit status."""
    checked = check_folder(folder)
    click.echo(f"{folder}: {checked.verdict}")
    for line in checked.lines:
        click.echo(f"  {line}")
    click.echo(f"  figures     {json.dumps(dict(checked.figures))}")
    if checked.judged.trace is not None:
        click.echo(f"  look at it with: tlacheck inspect {checked.judged.trace}")
    if not checked.verdict.is_established:
        click.echo(f"  judge it again: python -m property_tests.chaos check {folder}")
    return 1 if checked.verdict.is_violated else 3 if checked.verdict.is_unknown else 0


def _end(status: int) -> None:
    """End the process at once: threads of the JVM would keep it from ending."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main() -> None:
    """Run the command; a mistake of the caller is one line, and exit status 2."""
    try:
        commands(prog_name="python -m property_tests.chaos")
    except (NodeError, TlacheckError) as error:
        click.echo(f"error: {error}", err=True)
        _end(2)


if __name__ == "__main__":
    main()
