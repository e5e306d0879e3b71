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
    "parse": (
        "tlacheck.tlc.cli.parse:parse_command",
        "List the declarations and definitions of a TLA+ module.",
    ),
    "eval": ("tlacheck.tlc.cli.evaluate:eval_command", "Evaluate an expression of a TLA+ module."),
    "config": (
        "tlacheck.tlc.cli.config:config_command",
        "Print a TLC configuration derived by a manifest.",
    ),
    "sweep": (
        "tlacheck.tlc.cli.sweep:sweep_command",
        "Check a TLA+ module with many values of its constants.",
    ),
    "tlc": (
        "tlacheck.tlc.cli.passthrough:tlc_command",
        "Run TLC itself, with its own options and exit status.",
    ),
    "verify": ("tlacheck.verify.cli:verify_command", "Run the checks in verify.toml."),
    "inspect": ("tlacheck.trace_cli.show:inspect_command", "Show a trace, by default the latest."),
    "scaffold": (
        "tlacheck.conform.cli.scaffold:scaffold_command",
        "Write an adapter to fill in, for a TLA+ module.",
    ),
    "replay": (
        "tlacheck.conform.cli.replay:replay_command",
        "Replay traces, or every edge of a model, on a system.",
    ),
    "explore": (
        "tlacheck.conform.cli.explore:explore_command",
        "Walk system and spec together; find where they diverge.",
    ),
    "soak": (
        "tlacheck.harness.cli:soak_command",
        "Run a declared protocol under faults; judge every step.",
    ),
    "scenario": (
        "tlacheck.harness.scenario_cli:scenario_command",
        "Run scenario files of a declared protocol; rewrite them.",
    ),
    "campaign": (
        "tlacheck.campaign.cli:campaign_command",
        "Show what many runs on one or more machines found.",
    ),
    "validate": (
        "tlacheck.conform.cli.validate:validate_command",
        "Check the log of a run against a TLA+ module.",
    ),
    "histories": (
        "tlacheck.histories.cli:histories_command",
        "Check whether client histories are linearizable.",
    ),
    "claims": (
        "tlacheck.claims.cli:claims_command",
        "Check that every claim is backed by evidence.",
    ),
    "trace": ("tlacheck.trace_cli:trace_command", "Show, compare, convert and shorten traces."),
    "mutants": (
        "tlacheck.mutants.cli:mutants_command",
        "Seed bugs into an implementation; report what catches them.",
    ),
    "mutate": (
        "tlacheck.mutate.cli:mutate_command",
        "Make every small wrong change of modules; report which nothing notices.",
    ),
    "engine": (
        "tlacheck.engine._cli:engine_command",
        "Show which TLC and JVM are used; install or pin a TLC.",
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
