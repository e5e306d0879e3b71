"""Trials of a spec's mutants as the work of a campaign: a case is a mutant, by its name."""

import atexit
import functools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.campaign.result import Campaign
from tlacheck.campaign.work import Done, digest_of
from tlacheck.conform.checks import followed_to_the_end
from tlacheck.conform.replays import load
from tlacheck.errors import ConfigError, SpecError
from tlacheck.mutate.spec.mutants import SpecMutant
from tlacheck.mutate.spec.score import SpecFate, SpecTrial
from tlacheck.mutate.spec.subject import Asked, Subject, subject_of
from tlacheck.tlc.check import Checker, CheckResult
from tlacheck.tlc.legal import check_behaviour
from tlacheck.tlc.parse import Parser
from tlacheck.tlc.spec import Spec, here
from tlacheck.trace import Trace

__all__ = ["Counts", "SpecMutateWork", "counts_of", "trials_of"]

#: The numbers by which two searches are told apart: states, with repetitions and without, and the depth.
Counts = Mapping[str, int]
_COUNTED: Final = ("generated", "distinct", "depth")
#: A mutant may take so many times as long as the unchanged spec, and so many seconds at least.
_SLOWER: Final = 5.0
_SECONDS_MIN: Final = 20.0
#: Generated states a second of a slow spec, where nobody has measured.
_RATE: Final = 8_000.0


@attrs.frozen(kw_only=True)
class SpecMutateWork:
    """Trials of a spec's mutants.

    The digest covers the fate, the model that decided it and the property.

    Attributes:
        of: a manifest, its folder, or the file of a module.
        config: of a module, the configuration; empty for the one of its name.
        layers: patterns for the names of models.
        counts: model -> the counts of the unchanged spec.
        replays: `package.module:NAME`, a `tlacheck.conform.replays.Replays` whose system must leave the
            counterexamples; empty if there is none.
        folder: where counterexamples go.
    """

    of: Path
    config: str
    layers: tuple[str, ...]
    counts: Mapping[str, Counts] = attrs.field(converter=immutabledict)
    replays: str
    folder: Path

    @property
    def name(self) -> str:
        """The trials in a few words."""
        return f"mutate {self.of}"

    @property
    def needs_fresh_process(self) -> bool:
        """False: TLC has a process of its own."""
        return False

    @property
    def subject(self) -> Subject:
        """The models and the mutants."""
        return subject_of(self.of, self.config, self.layers)

    def configuration(self) -> Mapping[str, Any]:
        """The models that are asked and the texts of all modules."""
        models = self.subject.models
        modules = {file for each in models for file in each.spec.path.parent.glob("*.tla")}
        return {
            "kind": "mutate-spec",
            "of": here(self.of),
            "models": {each.name: digest_of(each.spec.configuration) for each in models},
            "modules": {file.name: digest_of(file.read_text(encoding="utf-8")) for file in sorted(modules)},
            "counts": {name: dict(counts) for name, counts in self.counts.items()},
            "replays": self.replays,
        }

    def prepare(self) -> None:
        """Nothing: modules are parsed with the first mutant."""

    def do(self, case: str) -> Done:
        """Try one mutant.

        Raises:
            ConfigError: there is no mutant of that name.
        """
        mutant = self.subject.mutant(case)
        with tempfile.TemporaryDirectory(prefix="tlacheck-mutate-") as name:
            trial, trace = self._tried(mutant, Path(name))
        if trace is not None:
            file = self.folder / f"{case.replace(':', '-')}.itf.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            itf.write(trace, file)
            trial = attrs.evolve(trial, left=self._left(trace, trial.model))
        is_seen = trial.fate.is_noticed or not trial.fate.counts
        data = attrs.asdict(trial, filter=lambda field, _: field.name != "mutant")
        return Done(
            digest=digest_of([trial.fate, trial.model, trial.detail]),
            seconds=trial.seconds,
            steps=trial.steps,
            property="" if is_seen and trial.left is not False else "noticed",
            explanation=() if is_seen else (mutant.diff(),),
            data=data | {"fate": str(trial.fate)},
        )

    def _tried(self, mutant: SpecMutant, folder: Path) -> tuple[SpecTrial, Trace | None]:
        """Ask one model after another until one notices; the trial, and its counterexample."""
        result = SpecTrial(mutant=mutant, fate=SpecFate.SAME)
        seconds = 0.0
        for model in self._by_size(self.subject.asked_about(mutant)):
            place = folder / model.name.replace("/", "-")
            place.mkdir()
            spec = model.copied(mutant, place)
            try:
                found = _check(model, spec, self._limit(model))
            except SpecError as error:
                fate = SpecFate.ERROR if _is_parsed(spec) else SpecFate.REFUSED
                words = str(error).replace(str(place), "").partition("\n")[0]
                return attrs.evolve(result, fate=fate, model=model.name, detail=words, seconds=seconds), None
            seconds += found.seconds
            fate, detail = self._fate(model, found)
            if fate.is_noticed:
                trace = found.trace if fate is SpecFate.VIOLATED else None
                trial = SpecTrial(
                    mutant=mutant,
                    fate=fate,
                    model=model.name,
                    detail=detail,
                    steps=0 if trace is None else len(trace),
                    seconds=seconds,
                )
                return trial, None if trace is None else _as_of(trace, model.spec)
            if fate is not SpecFate.SAME and result.fate is not SpecFate.ONLY_COUNTED:
                result = attrs.evolve(result, fate=fate, model=model.name, detail=detail)
        return attrs.evolve(result, seconds=seconds), None

    def _by_size(self, models: Sequence[Asked]) -> list[Asked]:
        return sorted(models, key=lambda each: self.counts[each.name]["generated"])

    def _limit(self, model: Asked) -> float:
        expected = self.counts[model.name]["generated"] / _RATE
        return max(_SECONDS_MIN, _SLOWER * expected)

    def _fate(self, model: Asked, found: CheckResult) -> tuple[SpecFate, str]:
        """The fate that one model gives a mutant."""
        verdict = found.verdict
        if verdict.is_violated and verdict.violates != model.witness:
            # Of an assumption TLC says where it stands, which is in a folder of this trial.
            name = verdict.violates or ""
            return SpecFate.VIOLATED, "assumption" if name.startswith("assumption at ") else name
        if verdict.is_established and model.witness:
            return SpecFate.OUT_OF_REACH, model.witness
        if not verdict.is_established and not verdict.is_violated:
            return SpecFate.LIMIT, verdict.reason or ""
        before, now = self.counts[model.name], _counts(found)
        if all(before[name] == now[name] for name in before):
            return SpecFate.SAME, ""
        return SpecFate.ONLY_COUNTED, f"{before['distinct']:,} states before, {now['distinct']:,} now"

    def _left(self, trace: Trace, model: str) -> bool | None:
        """True if the implementation leaves a counterexample; None if it need not, or is not asked.

        It need not where a property uses the rule that was changed: behaviours of the unchanged spec are
        counterexamples then.
        """
        if not self.replays or trace.loop is not None:
            return None
        declared = load(self.replays)
        if followed_to_the_end(trace, declared.system_of, declared.led_to) is None:
            return True
        spec = next(each.spec for each in self.subject.models if each.name == model)
        whole = attrs.evolve(trace, violation=None)
        return None if check_behaviour(whole, spec, checker=_checker()).is_established else False


def counts_of(model: Asked) -> Counts:
    """The counts of the unchanged spec, as the manifest pins them, or else counted now.

    Raises:
        ConfigError: it is not ok.
        SpecError: TLC cannot evaluate it.
    """
    if "generated" in model.counts and "distinct" in model.counts:
        return {name: model.counts[name] for name in _COUNTED if name in model.counts}
    found = _check(model, model.spec, model.timeout)
    expected = model.witness if found.verdict.is_violated else ""
    if found.verdict.is_violated and found.verdict.violates != expected:
        raise ConfigError(f"{model.name} is not ok without any mutant: {found.verdict}")
    return _counts(found)


def trials_of(mutants: Sequence[SpecMutant], campaign: Campaign) -> dict[str, SpecTrial]:
    """Name -> the result, of those mutants that a campaign has tried."""
    rows = {row.case: row.done.data for row in campaign.rows}
    return {
        mutant.name: SpecTrial(mutant=mutant, **{**data, "fate": SpecFate(data["fate"])})
        for mutant in mutants
        if (data := rows.get(mutant.name)) is not None
    }


def _counts(found: CheckResult) -> Counts:
    return {name: getattr(found, name) for name in _COUNTED}


def _check(model: Asked, spec: Spec, seconds: float) -> CheckResult:
    return _checker().check(spec, deadlock=model.deadlock, timeout=seconds)


def _is_parsed(spec: Spec) -> bool:
    """Return whether SANY takes the module, so that it was TLC that refused it."""
    try:
        _parser().parse(spec)
    except SpecError:
        return False
    return True


@functools.cache
def _checker() -> Checker:
    """The warm worker of TLC that belongs to this process."""
    checker = Checker(memory_mb=1024, light=True)
    atexit.register(checker.close)
    return checker


@functools.cache
def _parser() -> Parser:
    parser = Parser()
    atexit.register(parser.close)
    return parser


def _as_of(trace: Trace, spec: Spec) -> Trace:
    """The trace as one of the spec that was mutated, whose configuration it has."""
    origin = attrs.evolve(trace.origin, spec=here(spec.path), config=here(spec.config), command="")
    return attrs.evolve(trace, origin=origin)
