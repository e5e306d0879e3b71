"""Soaks of clusters some of whose replicas are traitors: what those of PBFT and of the hybrid share.

Of a protocol they use the modules `cluster` (`Setting`), `script` (`endure`, `INTERESTING`) and `recording` (`config_for`, `oracle_of`), which are
imported only in the processes that play the runs: there the implementation may be a mutant.
"""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

from property_tests import soaking
from property_tests.soak_command import OUT
from property_tests.soaking import Row, Soaked
from tlacheck import itf
from tlacheck.errors import ConfigError
from tlacheck.mutants import Mutant

__all__ = ["Attacked", "cluster_options", "soaked"]

_F = TypeVar("_F", bound=Callable[..., Any])


@attrs.frozen(kw_only=True)
class Attacked:
    """Which clusters are soaked, and how.

    Attributes:
        protocol: the package of `property_tests` that knows them.
        steps: how many steps correct replicas take at least.
        replicas: how many there are.
        traitors: how many of them are Byzantine; when they become primary differs from run to run.
        against_spec: whether each step must be one that the spec allows, besides.
        mutant: what is made wrong in the implementation.
        out: the folder where the traces and the logs of runs that fail go.
    """

    protocol: str
    steps: int
    replicas: int = 4
    traitors: int = 1
    against_spec: bool = True
    mutant: Mutant | None = None
    out: Path = OUT

    def soak(self, seeds: Sequence[int], *, jobs: int = 1, until_broken: bool = False) -> Soaked:
        """Play a run for each seed.

        Args:
            seeds: one for each run.
            jobs: as `soaking.soak` has it, and so `until_broken`.
            until_broken: whether to end with the first run that is broken.

        Raises:
            ConfigError: as `soaking.soak`; or the spec has no configuration for such a cluster.
        """
        if self.against_spec:
            self._module("recording").config_for(self._setting(0))
        return soaking.soak(
            _play,
            seeds,
            steps=self.steps,
            jobs=jobs,
            mutant=self.mutant,
            until_broken=until_broken,
            arguments=(self,),
        )

    def repeat(self, seed: int) -> str:
        """The command that plays a run again."""
        size = f" --replicas {self.replicas} --traitors {self.traitors}"
        return (
            f"python -m property_tests.{self.protocol}.soak --seeds 1 --seed {seed} --steps {self.steps}"
            f"{size if (self.replicas, self.traitors) != (4, 1) else ''}"
            f"{'' if self.against_spec else ' --no-spec'}"
            f"{f' --mutant {self.mutant.name}' if self.mutant else ''}"
        )

    def trace(self, seed: int) -> Path:
        """Where the trace of a run that failed lies, if it was held against the spec."""
        return self.out / f"soak-{self.protocol}-{seed}.itf.json"

    def log(self, seed: int) -> Path:
        """Where the log of a run that failed lies."""
        return self.out / f"soak-{self.protocol}-{seed}.log"

    def kept(self, seed: int) -> tuple[str, ...]:
        """The same in lines for a person."""
        trace = self.trace(seed)
        shown = (f"trace:    {trace}", f"inspect:  make inspect T={trace}") if self.against_spec else ()
        return (*shown, f"log:      {self.log(seed)}")

    def play(self, seed: int) -> Row:
        """One run, in this process. What fails is on disk when it is told."""
        script, place = self._module("script"), self._setting(seed)
        if self.against_spec:
            recording = self._module("recording")
            recording.oracle_of(recording.config_for(place))  # it is loaded once a process, and not timed

        def endured() -> Any:
            run = script.endure(
                seed,
                steps=self.steps,
                setting=place,
                against_spec=self.against_spec,
                command=self.repeat(seed),
            )
            if run.broken:
                self._keep(run)
            return run

        return soaking.played(seed, endured, script.INTERESTING)

    def _keep(self, run: Any) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        self.log(run.seed).write_text(run.log, encoding="utf-8")
        self.trace(run.seed).unlink(missing_ok=True)
        if run.trace is not None:
            itf.write(run.trace, self.trace(run.seed))

    def _setting(self, seed: int) -> Any:
        return self._module("cluster").Setting.drawn(seed, replicas=self.replicas, traitors=self.traitors)

    def _module(self, name: str) -> Any:
        return importlib.import_module(f"property_tests.{self.protocol}.{name}")


def _play(task: tuple[int, int, tuple[Any, ...]]) -> Row:
    """One seed, in a process of its own: only here is the implementation a mutant."""
    seed, _, arguments = task
    attacked: Attacked = arguments[0]
    return attacked.play(seed)


def cluster_options(command: _F) -> _F:
    """How many replicas and traitors, and whether the spec judges as well."""
    for option in (
        click.option(
            "--spec/--no-spec",
            default=True,
            show_default=True,
            help="Hold each step against the spec, besides.",
        ),
        click.option(
            "--traitors",
            type=click.IntRange(min=0),
            default=1,
            show_default=True,
            help="How many of them are Byzantine.",
        ),
        click.option(
            "--replicas", type=click.IntRange(min=4), default=4, show_default=True, help="How many replicas."
        ),
    ):
        command = option(command)
    return command


def soaked(attacked: Attacked, seeds: Sequence[int], *, jobs: int, hint: str = "") -> Soaked:
    """The soak of a command; with a mutant it ends when that is found.

    Args:
        attacked: which clusters.
        seeds: as `Attacked.soak` has it, and so `jobs`.
        jobs: how many processes.
        hint: what else to try if there are too many traitors.

    Raises:
        click.UsageError: there are more traitors than the replicas allow for, or no configuration speaks of them.
    """
    if attacked.traitors > (allowed := (attacked.replicas - 1) // 3):
        raise click.BadParameter(
            f"{attacked.traitors} traitors of {attacked.replicas} replicas are more than the {allowed} that these "
            f"allow for: safety is not promised{hint}",
            param_hint="'--traitors'",
        )
    try:
        return attacked.soak(seeds, jobs=jobs, until_broken=attacked.mutant is not None)
    except ConfigError as error:
        raise click.UsageError(f"{error}. With --no-spec it is judged without the spec") from error
