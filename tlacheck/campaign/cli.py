"""`tlacheck campaign show`: the table and the page of a campaign's file."""

import json
import sys
from pathlib import Path

import click

from tlacheck.campaign.page import render_page
from tlacheck.campaign.record import CampaignFile, Row
from tlacheck.campaign.result import Campaign
from tlacheck.campaign.table import campaign_lines, campaign_to_json, status_of
from tlacheck.errors import ConfigError

__all__ = ["campaign_command"]


@click.group("campaign")
def campaign_command() -> None:
    """Look at campaigns: what soak tests, explorations, mutants and sweeps recorded with --campaign."""


@campaign_command.command("show")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--key", default="", metavar="KEY", help="Which of the file's campaigns; the last unless told.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with a plot here."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON data.")
@click.pass_context
def show_command(context: click.Context, file: Path, *, key: str, html: Path | None, as_json: bool) -> None:
    """Show a campaign: goals with the cases that met them, and failures by property and shrunk actions.

    \b
    0  nothing was broken, and each coverage goal was met
    1  something was broken
    2  the file is no campaign
    3  a goal was never met, or a repetition gave another digest
    """  # noqa: D301 - the backspace is click's mark of a list
    if not file.is_file():
        raise ConfigError(f"{file}: there is no such file: `tlacheck soak ... --campaign {file}` writes one")
    book = CampaignFile(file)
    campaign = _chosen(book, file, key)
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(render_page(campaign), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(campaign_to_json(campaign), ensure_ascii=False))
    else:
        for line in campaign_lines(campaign):
            click.echo(line)
        for other in book.heads.values():
            if other.key != campaign.head.key:
                click.echo(f"also there: {other.name}, --key {other.key}, {len(book.rows(other.key))} cases")
        if book.torn:
            click.echo(f"{book.torn} lines were torn and do not count")
        if html is not None:
            click.echo(f"page: {html}")
    context.exit(status_of(campaign))


def _chosen(book: CampaignFile, file: Path, key: str) -> Campaign:
    keys = list(book.heads)
    fitting = [each for each in keys if each.startswith(key)] if key else keys[-1:]
    if len(fitting) != 1:
        raise ConfigError(f"{file} has {len(fitting)} campaigns {key!r}: it has {', '.join(keys) or 'none'}")
    (found,) = fitting
    rows = book.rows(found)
    ordered = sorted(rows.values(), key=_place)
    return Campaign(head=book.heads[found], rows=tuple(ordered), repeated=book.repeated(found))


def _place(row: Row) -> tuple[int, str]:
    """The place of a case: numbers by their size, then names."""
    return (int(row.case), "") if row.case.isdigit() else (sys.maxsize, row.case)
