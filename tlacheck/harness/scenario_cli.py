"""`tlacheck scenario`: run scenario files of a declared protocol, and rewrite them from the run."""

from pathlib import Path

import click

from tlacheck import itf
from tlacheck.errors import ConfigError
from tlacheck.harness.directives import DIRECTIVES
from tlacheck.harness.scenario import ScenarioResult, run_scenarios, scenario_files
from tlacheck.harness.soak import load_protocol

__all__ = ["scenario_command"]


@click.command("scenario")
@click.argument("target", metavar="MODULE:PROTOCOL")
@click.argument("paths", metavar="FILE…", nargs=-1, type=click.Path(path_type=Path))
@click.option("--rewrite", is_flag=True, help="Rewrite the files from the output of the runs.")
@click.option(
    "--mutant", metavar="NAME", help="A declared mutant in the core's place; the files stay as they are."
)
@click.option("--directives", is_flag=True, help="List the directives that these files may use.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".verify"),
    show_default=True,
    help="Where traces of violations go.",
)
@click.pass_context
def scenario_command(
    context: click.Context,
    target: str,
    paths: tuple[Path, ...],
    *,
    rewrite: bool,
    mutant: str | None,
    directives: bool,
    out: Path,
) -> None:
    """Run scenario files of a protocol, or all *.txt of a folder, and compare their output with the files.

    \b
    0  each file says what happened
    1  a file differs from its run, or something in it failed
    2  a file or the command makes no sense
    """  # noqa: D301 - the backspace is click's mark of a list
    if directives:
        for each in (*DIRECTIVES.values(), *load_protocol(target).scenario_syntax.directives):
            click.echo(f"{each.usage}\n    {each.help}")
        return
    if rewrite and mutant:
        raise ConfigError("a mutant's run is not what a file should say: leave --rewrite or --mutant out")
    files = [file for path in paths for file in (scenario_files(path) if path.is_dir() else [path])]
    if not files:
        raise ConfigError("name the files to run, or a folder of *.txt files")
    results = []
    for result in run_scenarios(target, files, mutant=mutant):
        results.append(result)
        _tell(result, target, out, rewrite=rewrite)
    wrong = [result for result in results if result.failures or (result.difference and not rewrite)]
    steps, actions = (sum(each) for each in zip(*((one.steps, one.actions) for one in results), strict=True))
    click.echo(
        f"{len(results)} scenarios, {steps:,} steps, {actions:,} steps of the spec, {len(wrong)} failed"
    )
    if wrong:
        context.exit(1)


def _tell(result: ScenarioResult, target: str, out: Path, *, rewrite: bool) -> None:
    if rewrite and result.difference:
        result.path.write_text(result.text, encoding="utf-8")
        click.echo(f"rewritten: {result.path}")
    for line in result.failures if rewrite else result.report(target):
        click.echo(line)
    if result.trace is not None:
        out.mkdir(parents=True, exist_ok=True)
        trace = out / f"scenario-{result.path.stem}.itf.json"
        itf.write(result.trace, trace)
        click.echo(f"trace: {trace}")
