"""The command `tlacheck`: a table of subcommands, each loaded when it is used.

So `tlacheck --help` needs neither a JVM nor a solver, and one command does not wait for what another
imports.
"""

import importlib
import signal
from typing import Any, NoReturn

import click

from tlacheck import __version__
from tlacheck.errors import TlacheckError

__all__ = ["main"]

#: What is treated like Ctrl-C. Windows has no SIGHUP.
_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

#: Command -> where it is, and what it does.
_COMMANDS = {
    "check": ("tlacheck.tlc.cli.check:check_command", "Check one TLA+ module with TLC."),
    "simulate": ("tlacheck.tlc.cli.simulate:simulate_command", "Show random behaviours of a TLA+ module."),
    "graph": ("tlacheck.tlc.cli.graph:graph_command", "List the states and steps of a TLA+ module."),
    "parse": ("tlacheck.tlc.cli.parse:parse_command", "Show what a TLA+ module declares and defines."),
    "eval": ("tlacheck.tlc.cli.evaluate:eval_command", "Evaluate an expression of a TLA+ module."),
    "sweep": (
        "tlacheck.tlc.cli.sweep:sweep_command",
        "Check a TLA+ module with many values of its constants.",
    ),
    "tlc": (
        "tlacheck.tlc.cli.passthrough:tlc_command",
        "Run TLC itself, with its own options and exit status.",
    ),
    "verify": ("tlacheck.verify.cli:verify_command", "Do all checks that verify.toml names."),
    "inspect": ("tlacheck.report.cli:inspect_command", "Show a trace, by default the latest."),
    "scaffold": (
        "tlacheck.conform.cli.scaffold:scaffold_command",
        "Write an adapter to fill in, for a TLA+ module.",
    ),
    "replay": (
        "tlacheck.conform.cli.replay:replay_command",
        "Make a system follow traces, or every edge of a model.",
    ),
    "explore": (
        "tlacheck.conform.cli.explore:explore_command",
        "Walk a system along its spec; find where they part.",
    ),
    "validate": (
        "tlacheck.conform.cli.validate:validate_command",
        "Say whether a log of a run fits a TLA+ module.",
    ),
    "histories": (
        "tlacheck.histories.cli:histories_command",
        "Say whether histories of clients are linearizable.",
    ),
    "trace": ("tlacheck.trace_cli:trace_command", "Show, compare, convert and shorten traces."),
    "mutants": (
        "tlacheck.mutants.cli:mutants_command",
        "Break an implementation on purpose; see what notices.",
    ),
    "engine": (
        "tlacheck.engine._cli:engine_command",
        "Show the TLC and the JVM that are used, or fetch a TLC.",
    ),
}


class _LazyGroup(click.Group):
    """A group that imports a command when it is called, and turns a complaint of tlacheck into one message."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            raise TlacheckError(
                f"`tlacheck {cmd_name}` needs the module {error.name}, which is not installed"
            ) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        before = [(number, signal.signal(number, _end)) for number in _ENDING]
        try:
            return super().invoke(ctx)
        except TlacheckError as error:
            click.echo(f"tlacheck: {error}", err=True)
            ctx.exit(2)
        except _Ended as ended:
            ctx.exit(128 + ended.signal)
        except KeyboardInterrupt:
            ctx.exit(128 + signal.SIGINT)
        finally:
            for number, handler in before:
                signal.signal(number, handler)


class _Ended(KeyboardInterrupt):
    """A signal asked this process to end: like Ctrl-C, so that what was started is ended before."""

    def __init__(self, number: int) -> None:
        self.signal = number


def _end(number: int, _: object) -> NoReturn:
    raise _Ended(number)


@click.group(cls=_LazyGroup)
@click.version_option(__version__, prog_name="tlacheck")
def main() -> None:
    """From a protocol's TLA+ specification to an implementation checked against it."""
