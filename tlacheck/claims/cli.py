"""The command `tlacheck claims`."""

import contextlib
import difflib
import io
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from tlacheck.claims._shown import View
from tlacheck.claims.claim import Claims, Settled
from tlacheck.claims.examine import Complaint, Examined, check_quotes, examine
from tlacheck.claims.markdown import render_markdown
from tlacheck.claims.page import render_page
from tlacheck.claims.read import read_claims
from tlacheck.claims.runs import last_runs
from tlacheck.errors import ConfigError, spelt_out
from tlacheck.files import write_whole
from tlacheck.verify.budget import BUDGETS, includes
from tlacheck.verify.plan import Plan, read_plan

__all__ = ["claims_command", "pages"]

#: The most lines of a difference that are shown.
_DIFFERENCE_SHOWN: Final = 12
#: Exit statuses from this one on mean that a signal ended the run.
_SIGNALLED: Final = 128


@click.command("claims")
@click.argument("file", type=click.Path(path_type=Path), default="claims.toml")
@click.option("--write", is_flag=True, help="Write the page, in Markdown and in HTML.")
@click.option("--run", "running", is_flag=True, help="First run the checks that are evidence.")
@click.option("--fresh", is_flag=True, help="With --run: also run checks with kept results.")
@click.option("--budget", type=click.Choice(BUDGETS), help="With --run: only checks of this budget.")
@click.option(
    "--documents",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where the documents lie: look whether each quote stands there.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON; the rest goes to standard error."
)
@click.pass_context
def claims_command(
    context: click.Context,
    *,
    file: Path,
    write: bool,
    running: bool,
    fresh: bool,
    budget: str | None,
    documents: Path | None,
    as_json: bool,
) -> None:
    """Check that the claims in FILE are backed by the evidence they name, and that their page is up to date.

    Each check named must be expected to reach the claimed verdict, and must have reached it when it
    last ran here, if it did. Each trace, test and file must exist; each measurement must keep to its
    limits. The page must be the one generated from FILE. `python -m pydoc tlacheck.claims` describes
    the format of FILE.

    Exits with 0 if all of this holds, 1 if not, and 2 if FILE is invalid.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode gets question marks
    claims = read_claims(file)
    plan = read_plan(claims.plan)
    if (budget is not None or fresh) and not running:
        option = "--fresh" if budget is None else "--budget"
        raise click.UsageError(f"{option} is for --run: without it nothing is run")
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        if running:
            status = _run(claims, plan, budget or plan.budget, fresh=fresh)
            if status >= _SIGNALLED:
                context.exit(status)
        examined = examine(claims, plan, last_runs(plan.root))
        complaints = [*examined.complaints, *(check_quotes(claims, documents) if documents else ())]
        for complaint in complaints:
            click.echo(spelt_out(f"✗ {complaint}"))
        drifted = _write(claims, plan) if write else _drifted(claims, plan)
        _account(claims, examined, complaints, drifted=drifted, write=write)
    if as_json:
        click.echo(json.dumps(_result(claims, examined, complaints, drifted), ensure_ascii=False, indent=1))
    context.exit(1 if complaints or drifted else 0)


def pages(claims: Claims, plan: Plan) -> dict[Path, str]:
    """Render the pages of the claims: file -> text. Results of local runs are in neither."""
    view = View(claims, {check.name: check for check in plan.checks})
    return {claims.page: render_markdown(claims, view), claims.html: render_page(claims, view)}


def _run(claims: Claims, plan: Plan, budget: str, *, fresh: bool) -> int:
    """Run the checks that are evidence and part of a budget; return the exit status of `tlacheck verify`."""
    from tlacheck.verify.cli import verify_command  # noqa: PLC0415 - it loads TLC, which nothing else here needs

    budgets = {check.name: check.budget for check in plan.checks}
    names = examine(claims, plan, {}).checks
    chosen = [name for name in names if includes(budget, budgets[name])]
    if not chosen:
        click.echo(f"no evidence is a check of budget {budget}")
        return 0
    arguments = ["--file", str(claims.plan), "--budget", budget, *(["--fresh"] if fresh else [])]
    arguments += itertools.chain.from_iterable(("--only", name) for name in chosen)
    status: int | None = verify_command.main(arguments, prog_name="tlacheck verify", standalone_mode=False)
    return status or 0


def _write(claims: Claims, plan: Plan) -> list[Path]:
    for path, text in pages(claims, plan).items():
        write_whole(text, path)
        click.echo(f"wrote {path}")
    return []


def _drifted(claims: Claims, plan: Plan) -> list[Path]:
    """Return the pages that are out of date, after printing where each differs.

    The HTML page is built from the same claims and need not be there.
    """
    drifted = []
    for path, text in pages(claims, plan).items():
        try:
            there = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            if path == claims.html:
                continue
            click.echo(f"✗ there is no file {path}: it was never written")
            drifted.append(path)
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
        if there != text:
            click.echo(f"✗ {path} is not what follows from {claims.file.name} and its evidence:")
            for line in _difference(there, text):
                click.echo(spelt_out(f"    {line}"))
            drifted.append(path)
    return drifted


def _difference(there: str, text: str) -> Iterator[str]:
    """Yield the first lines that differ: `-` is on the page, `+` belongs there."""
    lines = [
        line
        for line in difflib.unified_diff(there.splitlines(), text.splitlines(), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    for line in lines[:_DIFFERENCE_SHOWN]:
        yield line if len(line) <= 160 else f"{line[:160]}…"
    if len(lines) > _DIFFERENCE_SHOWN:
        yield f"… and {len(lines) - _DIFFERENCE_SHOWN} lines more"


def _account(
    claims: Claims, examined: Examined, complaints: Sequence[Complaint], *, drifted: list[Path], write: bool
) -> None:
    """Print what was examined, what to do, and one line for scripts."""
    ran = len(examined.checks) - len(examined.not_run)
    click.echo(
        f"{len(claims.claims)} claims of {len(claims.documents)} documents, {examined.pieces} pieces of "
        "evidence; "
        f"of {len(examined.checks)} checks {len(examined.agreed)} agreed when they last ran here"
        + (f", {ran - len(examined.agreed)} did not" if ran > len(examined.agreed) else "")
        + (f", {len(examined.not_run)} were not run here" if examined.not_run else "")
    )
    if examined.not_run:
        click.echo(f"to run them: {claims.command} claims --run [--budget deep]")
    if drifted:
        click.echo(f"to write the page anew: {claims.command} claims --write")
    counts = " ".join(f"{settled.value}={claims.count(settled)}" for settled in Settled)
    page = "written" if write else "drifted" if drifted else "current"
    click.echo(
        f"claims: total={len(claims.claims)} {counts} checks={len(examined.checks)} "
        f"not_run={len(examined.not_run)} "
        f"wrong={len(complaints)} page={page}"
    )


def _result(
    claims: Claims, examined: Examined, complaints: Sequence[Complaint], drifted: Sequence[Path]
) -> dict[str, Any]:
    """The result as JSON data."""
    return {
        "claims": [
            {
                "id": claim.id,
                "document": claim.document.id,
                "quote": claim.quote,
                "statement": claim.statement,
                "verdict": claim.settled.value,
                "wrong": [complaint.what for complaint in complaints if complaint.claim == claim.id],
            }
            for claim in claims.claims
        ],
        "counts": {settled.value: claims.count(settled) for settled in Settled},
        "wrong": list(map(str, complaints)),
        "checks": list(examined.checks),
        "agreed": list(examined.agreed),
        "not_run": list(examined.not_run),
        "drifted": list(map(str, drifted)),
    }
