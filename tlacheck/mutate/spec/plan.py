"""The whole in one call: which mutants of a spec there are, which are tried, and what becomes of them."""

import fnmatch
import random
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import attrs

from tlacheck.campaign.record import Row
from tlacheck.campaign.run import Limits, run
from tlacheck.errors import ConfigError, EngineError
from tlacheck.mutate.reviewed import NAME, Equivalent, NotJudged, reviewed
from tlacheck.mutate.spec.mutants import SpecMutant
from tlacheck.mutate.spec.operators import FAIRNESS
from tlacheck.mutate.spec.score import SpecFate, SpecScore, SpecTrial
from tlacheck.mutate.spec.subject import Subject, subject_of
from tlacheck.mutate.spec.work import SpecMutateWork, counts_of, trials_of

__all__ = ["SpecPlan", "mutate_spec"]

#: Seconds without an answer after which something is wrong: a mutant asks many models.
_PATIENCE = 3_600.0


def _ignored(row: Row, left: int) -> None:
    """Ignore progress."""
    del row, left


@attrs.frozen(kw_only=True)
class SpecPlan:
    """A choice of models and mutants.

    Attributes:
        of: a manifest, its folder, or the file of a module.
        config: of a module, the configuration; empty for the one of its name.
        layers: patterns for the names of the models that are asked; all of the budget ci, if there are none.
        modules: the names of the modules that are mutated. If there are none, those that say what the
            protocol does, and the fairness in modules that only bound a model of them.
        only: a pattern for the names of mutants.
        sample: how many are tried, drawn by the seed; all, if None.
        seed: of the sample.
        replays: `package.module:NAME`, a declaration of replays: its system must leave the counterexample of
            each mutant whose property is violated. Empty asks no system.
        controls: True to try listed mutants too: one that is noticed should not be listed.
    """

    of: Path
    config: str = ""
    layers: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    only: str = "*"
    sample: int | None = None
    seed: int = 0
    replays: str = ""
    controls: bool = False

    @property
    def subject(self) -> Subject:
        """The models and all mutants.

        Raises:
            ConfigError, SpecError: as `subject_of`.
        """
        return subject_of(self.of, self.config, self.layers)

    def chosen(self) -> tuple[SpecMutant, ...]:
        """The mutants that are looked at.

        Raises:
            ConfigError: there are none.
        """
        mutants = self.subject.mutants
        found = [
            each for each in mutants if self._is_wanted(each) and fnmatch.fnmatchcase(each.name, self.only)
        ]
        if not found:
            raise ConfigError(f"none of {len(mutants)} mutants is chosen; tlacheck mutate --list shows them")
        if self.sample is not None and self.sample < len(found):
            places = random.Random(self.seed).sample(range(len(found)), self.sample)  # noqa: S311 - a seeded draw
            found = [found[place] for place in sorted(places)]
        return tuple(found)

    def listed(self) -> dict[str, Equivalent | NotJudged]:
        """Mutant -> what `mutate.toml` beside the spec says of it.

        Raises:
            ConfigError: an entry fits no mutant of all models, or gives no reason.
        """
        review = reviewed((self.of if self.of.is_dir() else self.of.parent) / NAME)
        mutants = self.subject.mutants
        if self.of.suffix != ".tla" and not self.layers:
            review.refuse_stale(mutants, {each.module for each in mutants})
        found = ((each.name, review.reason(each)) for each in mutants)
        return {name: entry for name, entry in found if entry is not None}

    def _is_wanted(self, mutant: SpecMutant) -> bool:
        if self.modules:
            return mutant.module in self.modules
        return mutant.module not in self.subject.bounding or mutant.operator in FAIRNESS


def mutate_spec(
    plan: SpecPlan,
    *,
    folder: Path,
    jobs: int = 1,
    file: Path | None = None,
    executor: Executor | None = None,
    on_row: Callable[[Row, int], None] = _ignored,
    on_note: Callable[[str], None] = lambda note: None,  # noqa: ARG005 - nobody listens
) -> SpecScore:
    """Make mutants of a spec, ask the models that use what is changed, and count what becomes of them.

    Args:
        plan: what is mutated.
        folder: where counterexamples go.
        jobs: how many mutants are tried at once.
        file: of the campaign, which goes on where it ended; None keeps results in memory.
        executor: who tries them, instead of processes of this machine.
        on_row: told of each mutant that was tried, and how many are left.
        on_note: told what happens before the first is.

    Raises:
        ConfigError: the plan makes no sense.
        SpecError: SANY or TLC refuses the unchanged spec, or it is not ok.
        EngineError: some mutants could not be tried.
    """
    subject, chosen, listed = plan.subject, plan.chosen(), plan.listed()
    names = [each.name for each in chosen if plan.controls or each.name not in listed]
    on_note(f"{len(subject.mutants)} mutants, {len(names)} to try by {len(subject.models)} models")
    work = SpecMutateWork(
        of=plan.of,
        config=plan.config,
        layers=plan.layers,
        counts={model.name: counts_of(model) for model in subject.models},
        replays=plan.replays,
        folder=folder,
    )
    limits = Limits(repeat_every=0, patience_seconds=_PATIENCE)
    trials = {}
    if names:
        found = run(work, names, file=file, executor=executor, jobs=jobs, limits=limits, on_row=on_row)
        if found.unfinished:
            raise EngineError(f"{len(found.unfinished)} of {len(names)} mutants could not be tried")
        trials = trials_of(chosen, found)
    properties = (name for model in subject.models for name in (model.properties or (model.witness,)))
    return SpecScore(
        trials=tuple(_with_review(each, trials.get(each.name), listed.get(each.name)) for each in chosen),
        total=len(subject.mutants),
        properties=tuple(dict.fromkeys(properties)),
        seed=plan.seed,
    )


def _with_review(
    mutant: SpecMutant, trial: SpecTrial | None, entry: Equivalent | NotJudged | None
) -> SpecTrial:
    """The trial of a mutant, or of a listed one why it is listed."""
    if entry is None and trial is not None:
        return trial
    why = "" if entry is None else entry.why
    if trial is None or not trial.fate.is_noticed:
        return SpecTrial(mutant=mutant, fate=SpecFate.LISTED, detail=why)
    return attrs.evolve(trial, fate=SpecFate.MISLISTED)
