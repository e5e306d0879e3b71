"""The command `tlacheck`: a table of subcommands, each loaded when it is used."""

import signal
from typing import Any, NoReturn

import click

from tlacheck import __version__
from tlacheck.lazy import LazyGroup

__all__ = ["main"]

#: Signals treated like Ctrl-C. Windows has no SIGHUP.
_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

#: Command -> its module and name, and its help text.
_COMMANDS = {
    "check": ("tlacheck.tlc.cli.check:check_command", "Check one TLA+ module with TLC."),
    "simulate": ("tlacheck.tlc.cli.simulate:simulate_command", "Show random behaviours of a TLA+ module."),
    "graph": ("tlacheck.tlc.cli.graph:graph_command", "List the states and steps of a TLA+ module."),
    "parse": ("tlacheck.tlc.cli.parse:parse_command", "Show what a TLA+ module declares and defines."),
    "eval": ("tlacheck.tlc.cli.evaluate:eval_command", "Evaluate an expression of a TLA+ module."),
    "config": (
        "tlacheck.tlc.cli.config:config_command",
        "Print a TLC configuration that a manifest derives.",
    ),
    "sweep": (
        "tlacheck.tlc.cli.sweep:sweep_command",
        "Check a TLA+ module with many values of its constants.",
    ),
    "tlc": (
        "tlacheck.tlc.cli.passthrough:tlc_command",
        "Run TLC itself, with its own options and exit status.",
    ),
    "verify": ("tlacheck.verify.cli:verify_command", "Do all checks that verify.toml names."),
    "inspect": ("tlacheck.trace_cli.show:inspect_command", "Show a trace, by default the latest."),
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
    "soak": (
        "tlacheck.harness.cli:soak_command",
        "Run a declared protocol under faults; judge every step.",
    ),
    "validate": (
        "tlacheck.conform.cli.validate:validate_command",
        "Say whether a log of a run fits a TLA+ module.",
    ),
    "histories": (
        "tlacheck.histories.cli:histories_command",
        "Say whether histories of clients are linearizable.",
    ),
    "claims": (
        "tlacheck.claims.cli:claims_command",
        "Look whether claims have their evidence, and their page says so.",
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


class _Main(LazyGroup):
    """The group of all commands. If a signal ends it, it exits with the signal's status."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name."""
        before = [(number, signal.signal(number, _end)) for number in _ENDING]
        try:
            return super().invoke(ctx)
        except _Ended as ended:
            ctx.exit(128 + ended.signal)
        except KeyboardInterrupt:
            ctx.exit(128 + signal.SIGINT)
        finally:
            for number, handler in before:
                signal.signal(number, handler)


class _Ended(KeyboardInterrupt):
    """A signal asked this process to end. Handled like Ctrl-C, so that child processes end first."""

    def __init__(self, number: int) -> None:
        self.signal = number


def _end(number: int, _: object) -> NoReturn:
    raise _Ended(number)


@click.group(cls=_Main, table=_COMMANDS)
@click.version_option(__version__, prog_name="tlacheck")
def main() -> None:
    """From a protocol's TLA+ specification to an implementation checked against it."""
