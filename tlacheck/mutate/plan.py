"""The whole in one call: which mutants there are, which are tried, and what becomes of them."""

import fnmatch
import json
import random
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import attrs

from tlacheck.campaign.record import Row
from tlacheck.campaign.run import Limits, run
from tlacheck.campaign.version import Version
from tlacheck.campaign.work import digest_of
from tlacheck.errors import ConfigError, EngineError
from tlacheck.files import write_whole
from tlacheck.mutants.trial import Layer, declared, load
from tlacheck.mutate.code import CodeMutant, modules_like, mutants_of
from tlacheck.mutate.reached import Baseline, measured
from tlacheck.mutate.reviewed import Equivalent, Reviewed, review_file, reviewed
from tlacheck.mutate.score import Fate, Score, Trial
from tlacheck.mutate.work import MutateWork, trials_of

__all__ = ["Plan", "mutate"]

#: Nothing may come back for so many times the CPU time that a mutant may take.
_PATIENCE = 11.0


def _ignored(row: Row, left: int) -> None:
    """Ignore progress."""
    del row, left


@attrs.frozen(kw_only=True)
class Plan:
    """A choice of modules, mutants and layers.

    Attributes:
        of: a package that has `layers:LAYERS`, or `MODULE:PROTOCOL`.
        modules: import names, with `.*` for all below a package; those of `mutate.toml` if there are none.
        only: a pattern for the names of mutants.
        again: these names only, if it is not None.
        sample: how many mutants are tried, drawn by the seed; all, if None.
        seed: of the sample and of every layer.
        only_layers: the names of the layers that are asked; all, if there are none.
        controls: True to try equivalent mutants too: one that is caught is none.
    """

    of: str
    modules: tuple[str, ...] = ()
    only: str = "*"
    again: Collection[str] | None = None
    sample: int | None = None
    seed: int = 0
    only_layers: tuple[str, ...] = ()
    controls: bool = False

    def review(self) -> Reviewed:
        """The `mutate.toml` of what is under test."""
        return reviewed(review_file(self.of))

    def layers(self) -> Sequence[Layer]:
        """The layers of what is under test, or those of them that are asked.

        Raises:
            ConfigError: there are none, or none of a name that is asked.
        """
        layers: Sequence[Layer] = declared(self.of)[1] if ":" in self.of else load(f"{self.of}.layers:LAYERS")
        names = [layer.name for layer in layers]
        if unknown := [name for name in self.only_layers if name not in names]:
            raise ConfigError(f"there is no layer {unknown[0]!r}; there are {', '.join(names)}")
        return [layer for layer in layers if not self.only_layers or layer.name in self.only_layers]

    def mutants(self, review: Reviewed) -> tuple[CodeMutant, ...]:
        """All mutants of the modules.

        Raises:
            ConfigError: no module is named, one does not exist, or `mutate.toml` has a stale entry.
        """
        patterns = self.modules or review.modules
        if not patterns:
            raise ConfigError(
                f"which modules are to be mutated? Say --module NAME, or modules = [...] in {review.file}"
            )
        modules = tuple(dict.fromkeys(each for pattern in patterns for each in modules_like(pattern)))
        mutants = tuple(mutant for module in modules for mutant in mutants_of(module))
        review.refuse_stale(mutants, modules)
        return mutants

    def chosen(self, mutants: Sequence[CodeMutant]) -> tuple[CodeMutant, ...]:
        """The mutants that are looked at, in the order of the source.

        Raises:
            ConfigError: there are none.
        """
        found = [each for each in mutants if fnmatch.fnmatchcase(each.name, self.only)]
        if self.again is not None:
            found = [each for each in found if each.name in self.again]
        if not found:
            raise ConfigError(f"none of {len(mutants)} mutants is chosen; tlacheck mutate --list shows them")
        if self.sample is not None and self.sample < len(found):
            places = random.Random(self.seed).sample(range(len(found)), self.sample)  # noqa: S311 - a seeded draw
            found = [found[place] for place in sorted(places)]
        return tuple(found)


def mutate(
    plan: Plan,
    *,
    folder: Path,
    jobs: int = 1,
    file: Path | None = None,
    executor: Executor | None = None,
    on_row: Callable[[Row, int], None] = _ignored,
    on_note: Callable[[str], None] = lambda note: None,  # noqa: ARG005 - nobody listens
) -> Score:
    """Make mutants of modules, ask the layers that reach each, and count what becomes of them.

    Args:
        plan: what is mutated.
        folder: where traces go, and what the processes print.
        jobs: how many mutants are tried at once.
        file: of the campaign, which goes on where it ended; None keeps results in memory.
        executor: who tries them, instead of processes of this machine.
        on_row: told of each mutant that was tried, and how many are left.
        on_note: told what happens before the first is.

    Raises:
        ConfigError: the plan makes no sense, `mutate.toml` is stale, or a layer fails on the unchanged code.
        EngineError: some mutants could not be tried.
    """
    review, layers = plan.review(), plan.layers()
    mutants = plan.mutants(review)
    chosen = plan.chosen(mutants)
    settled = {each.name: trial for each in chosen if (trial := _settled(each, review, plan)) is not None}
    open_ones = [each for each in chosen if each.name not in settled]
    inconclusive: dict[str, str] = {}
    if open_ones:
        modules = tuple(dict.fromkeys(each.module for each in mutants))
        on_note(f"{len(mutants)} mutants, {len(open_ones)} to try; the unchanged code first, by each layer")
        baseline = _baseline(modules, layers, folder=folder, seed=plan.seed, file=file)
        inconclusive = dict(baseline.inconclusive)
        for layer in layers:
            on_note(f"{layer.name}: {baseline.seconds[layer.name]:.1f} s of CPU on the unchanged code")
        reached = [each for each in open_ones if baseline.reach(each, layers)]
        settled |= {
            each.name: Trial(mutant=each, fate=Fate.NOT_REACHED)
            for each in open_ones
            if not baseline.reach(each, layers)
        }
        if reached:
            work = MutateWork(of=plan.of, layers=layers, baseline=baseline, folder=folder, seed=plan.seed)
            limits = Limits(
                patience_seconds=600 + 10 * sum(baseline.limit(layer.name) for layer in layers),
                repeat_every=0,
            )
            names = [each.name for each in reached]
            found = run(work, names, file=file, executor=executor, jobs=jobs, limits=limits, on_row=on_row)
            if found.unfinished:
                raise EngineError(f"{len(found.unfinished)} of {len(names)} mutants could not be tried")
            settled |= {name: _as_listed(trial, review) for name, trial in trials_of(reached, found).items()}
    return Score(
        trials=tuple(settled[each.name] for each in chosen),
        total=len(mutants),
        layers=tuple(layer.name for layer in layers),
        seed=plan.seed,
        inconclusive=inconclusive,
    )


def _settled(mutant: CodeMutant, review: Reviewed, plan: Plan) -> Trial | None:
    """The result of a mutant that need not be tried, because somebody has looked at it."""
    entry = review.reason(mutant)
    if entry is None or (isinstance(entry, Equivalent) and plan.controls):
        return None
    fate = Fate.EQUIVALENT if isinstance(entry, Equivalent) else Fate.NOT_JUDGED
    return Trial(mutant=mutant, fate=fate, detail=entry.why)


def _as_listed(trial: Trial, review: Reviewed) -> Trial:
    """The result of a mutant that may be listed as equivalent, and was tried all the same."""
    entry = review.reason(trial.mutant)
    if not isinstance(entry, Equivalent):
        return trial
    fate = Fate.NOT_EQUIVALENT if trial.fate.is_noticed else Fate.EQUIVALENT
    return attrs.evolve(trial, fate=fate)


def _baseline(
    modules: Sequence[str], layers: Sequence[Layer], *, folder: Path, seed: int, file: Path | None
) -> Baseline:
    """Measure the unchanged code; a campaign that goes on with the same code and layers has done so."""
    if file is None:
        return measured(modules, layers, folder=folder, seed=seed)
    asked = {"layers": [attrs.asdict(each) for each in layers], "modules": list(modules), "seed": seed}
    key = digest_of({**asked, "version": Version.here().to_json()})
    path = file.with_name(f"{file.stem}.unchanged.json")
    if path.is_file() and (data := json.loads(path.read_text(encoding="utf-8")))["key"] == key:
        return _from_json(data)
    baseline = measured(modules, layers, folder=folder, seed=seed)
    reached = {
        layer: {module: sorted(lines) for module, lines in of_modules.items()}
        for layer, of_modules in baseline.reached.items()
    }
    data = {"key": key, **attrs.asdict(baseline, recurse=False), "reached": reached}
    write_whole(json.dumps(data), path)
    return baseline


def _from_json(data: dict[str, Any]) -> Baseline:
    reached = {
        layer: {module: frozenset(lines) for module, lines in modules.items()}
        for layer, modules in data["reached"].items()
    }
    return Baseline(seconds=data["seconds"], inconclusive=data["inconclusive"], reached=reached)
