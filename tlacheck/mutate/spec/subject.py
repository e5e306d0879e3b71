"""The models that are asked, and the mutants of all definitions that their behaviours use."""

import fnmatch
import functools
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
from immutabledict import immutabledict

from tlacheck.errors import ConfigError
from tlacheck.mutate.spec.mutants import SpecMutant, beginning, mutants_of, reached
from tlacheck.tlc._configuration import assigned, named_in
from tlacheck.tlc.configuration import MANIFEST
from tlacheck.tlc.parse import Module, Parser
from tlacheck.tlc.spec import Spec
from tlacheck.verify.budget import includes
from tlacheck.verify.manifest import Expectation, read_manifest

__all__ = ["Asked", "Subject", "subject_of"]

#: The budget whose models are asked.
_BUDGET = "ci"


@attrs.frozen(kw_only=True)
class Asked:
    """A model that is asked about mutants.

    Attributes:
        name: its name.
        spec: module and configuration.
        deadlock: whether a state without successors is a violation.
        witness: the property whose violation shows a situation; empty if all properties hold.
        properties: the properties that it checks.
        counts: the numbers of generated and of distinct states, and the depth, if they are pinned.
        timeout: seconds that it may take as it is.
    """

    name: str
    spec: Spec
    deadlock: bool
    witness: str
    properties: tuple[str, ...]
    counts: Mapping[str, int] = attrs.field(converter=immutabledict)
    timeout: float

    def copied(self, mutant: SpecMutant | None, folder: Path) -> Spec:
        """The spec with a mutant in the place of its module, in a folder of its own."""
        for file in self.spec.path.parent.glob("*.tla"):
            shutil.copyfile(file, folder / file.name)
        if mutant is not None:
            (folder / mutant.file.name).write_text(mutant.source, encoding="utf-8")
        config = folder / f"{self.spec.config.stem}.cfg"
        config.write_text(self.spec.configuration, encoding="utf-8")
        return attrs.evolve(self.spec, path=folder / self.spec.path.name, config=config)


@attrs.frozen(kw_only=True)
class Subject:
    """The models and the mutants.

    Attributes:
        models: those that are asked.
        mutants: all of them, in the order of modules and lines.
        concerned: the definitions that each model's behaviours use.
        bounding: the names of modules that only bound a model of others: roots that extend one of these.
    """

    models: tuple[Asked, ...]
    mutants: tuple[SpecMutant, ...]
    concerned: Mapping[str, frozenset[str]]
    bounding: frozenset[str]

    def asked_about(self, mutant: SpecMutant) -> tuple[Asked, ...]:
        """The models that a mutant may change."""
        return tuple(each for each in self.models if mutant.definition in self.concerned[each.name])

    def mutant(self, name: str) -> SpecMutant:
        """The mutant of that name.

        Raises:
            ConfigError: there is none.
        """
        found = next((each for each in self.mutants if each.name == name), None)
        if found is None:
            raise ConfigError(f"there is no mutant {name}: has the spec changed?")
        return found


@functools.lru_cache(maxsize=2)
def subject_of(of: Path, config: str, layers: tuple[str, ...]) -> Subject:
    """Read models and modules.

    Args:
        of: a manifest, its folder, or the file of a module.
        config: of a module, the configuration; empty for the one of its name.
        layers: patterns for the names of models; all of the budget ci, if there are none.

    Raises:
        ConfigError: there is no model that can be asked.
        SpecError: a module or configuration is not there, or SANY refuses it.
    """
    models = _models(of, config)
    if layers:
        models = tuple(each for each in models if any(fnmatch.fnmatchcase(each.name, one) for one in layers))
    if not models:
        raise ConfigError(f"{of} has no model that can be asked: one whose properties hold, or a witness")
    modules = _parsed(models)
    steps: set[str] = set()
    initial: set[str] = set()
    concerned = {}
    for model in models:
        begin, go_on = _behaviour(model, modules[model.spec.path])
        steps |= go_on
        initial |= begin
        concerned[model.name] = begin | go_on
    found = {
        mutant.name: mutant
        for module in modules.values()
        for mutant in mutants_of(module, steps=steps, initial=initial)
    }
    bounding = (
        each.name for each in modules.values() if sum(part.path is not None for part in each.parts) > 1
    )
    return Subject(
        models=models,
        mutants=tuple(found.values()),
        concerned=concerned,
        bounding=frozenset(bounding),
    )


def _models(of: Path, config: str) -> tuple[Asked, ...]:
    manifest = of / MANIFEST if of.is_dir() else of
    if manifest.suffix != ".toml":
        spec = Spec.load(of, config or None)
        return (_asked(spec, spec.name, deadlock=True, witness="", counts={}, timeout=300.0),)
    return tuple(
        _asked(
            Spec.load(each.spec, each.config),
            each.name,
            deadlock=each.deadlock,
            witness=(each.violates or "") if each.expect is Expectation.WITNESS else "",
            counts=each.pins,
            timeout=each.timeout,
        )
        for each in read_manifest(manifest)
        if each.expect is not Expectation.VIOLATED and includes(_BUDGET, each.budget)
    )


def _asked(
    spec: Spec, name: str, *, deadlock: bool, witness: str, counts: Mapping[str, int], timeout: float
) -> Asked:
    text = spec.configuration
    return Asked(
        name=name,
        spec=spec,
        deadlock=deadlock,
        witness=witness,
        properties=(*named_in(text, "INVARIANT"), *named_in(text, "PROPERTY")),
        counts=counts,
        timeout=timeout,
    )


def _parsed(models: Sequence[Asked]) -> dict[Path, Module]:
    with Parser() as parser:
        roots = dict.fromkeys(each.spec.path for each in models)
        specs = {each.spec.path: each.spec for each in models}
        return {root: parser.parse(specs[root], expressions=True) for root in roots}


def _behaviour(model: Asked, module: Module) -> tuple[frozenset[str], frozenset[str]]:
    """The definitions on which a model's initial states rest, and those on which steps and fairness do."""
    text = model.spec.configuration
    replaced = {
        name: value.removeprefix("<-").split("]")[-1].strip()
        for name, value in assigned(text)
        if value.startswith("<-")
    }
    begin, go_on = list(named_in(text, "INIT")), list(named_in(text, "NEXT"))
    for name in named_in(text, "SPECIFICATION"):
        formula = next(each for each in module.definitions if each.name == name)
        begin += beginning(module, formula)
        go_on.append(name)
    initial = reached(module, begin, replaced)
    everything = reached(module, [*begin, *go_on], replaced)
    formulas = {each.name for each in module.definitions if each.level.value == "temporal"}
    steps = reached(module, _parts(module, go_on, set(begin)), replaced) | (everything & formulas)
    return initial, steps


def _parts(module: Module, names: Sequence[str], begin: set[str]) -> list[str]:
    """The names that formulas use, without those that behaviours begin with."""
    bodies = {each.name: each.body for each in module.definitions if each.body is not None}
    found: list[str] = []
    todo = list(names)
    while todo:
        name = todo.pop()
        body = bodies.get(name)
        if body is None or body.level.value != "temporal":
            found.append(name)
            continue
        todo += [
            used
            for node in body.walk()
            for used in (node.uses, node.operator)
            if used in bodies and used != name and used not in begin
        ]
    return found
