"""Storms from the command line: see `storms`."""

import click

from property_tests.gossip.storms import ROOM, StormWork
from tlacheck import campaign
from tlacheck.campaign.options import Heartbeat, Place, campaign_options
from tlacheck.campaign.table import campaign_lines, status_of


@click.command()
@click.option("--nodes", type=click.IntRange(min=3), default=593, show_default=True)
@click.option("--storm", type=click.IntRange(min=1), default=45, show_default=True, help="Its length in s.")
@click.option("--seeds", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="The first one.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--judged/--not-judged", default=True, show_default=True, help="Ask the spec of three nodes.")
@click.option(
    "--room", type=click.IntRange(min=128), default=ROOM, show_default=True, help="Bytes of a message."
)
@campaign_options
def main(
    nodes: int, storm: int, *, seeds: int, seed: int, jobs: int, judged: bool, room: int, place: Place
) -> None:
    """Play storms, each of another seed."""
    heartbeat = Heartbeat("storms")
    with place.executor() as executor:
        found = campaign.run(
            StormWork(nodes=nodes, storm_s=storm, judged=judged, room=room),
            range(seed, seed + seeds),
            file=place.file,
            executor=executor,
            jobs=jobs,
            limits=place.limits(),
            on_row=heartbeat.tell,
        )
    for line in campaign_lines(found):
        click.echo(line)
    raise SystemExit(status_of(found))


if __name__ == "__main__":
    main()
