"""Fates of a spec's mutants, counted by definition, operator and property.

The score is the share of mutants that a property or a witness notices, or that TLC cannot evaluate, of those
that change the states at all.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import attrs

from tlacheck.mutate.spec.mutants import SpecMutant

__all__ = ["SpecFate", "SpecScore", "SpecTrial", "share"]


class SpecFate(StrEnum):
    """The ways in which the trial of a mutant ends."""

    VIOLATED = "violated"
    """A property does not hold."""
    OUT_OF_REACH = "out of reach"
    """A witness no longer occurs."""
    ERROR = "error"
    """TLC cannot evaluate it."""
    LIMIT = "limit"
    """No model was done within its limit: nothing is known."""
    ONLY_COUNTED = "only counted"
    """It has other states, and no property notices."""
    SAME = "same"
    """All models have as many states as before: no difference within these bounds."""
    LISTED = "listed"
    """A person has looked at it and says in `mutate.toml` why nothing notices."""
    MISLISTED = "mislisted"
    """It is listed, and a control shows that it is noticed."""
    REFUSED = "refused"
    """SANY refuses it: it is no spec."""

    @property
    def is_noticed(self) -> bool:
        """True if a property, a witness or TLC noticed it."""
        return self in (SpecFate.VIOLATED, SpecFate.OUT_OF_REACH, SpecFate.ERROR)

    @property
    def counts(self) -> bool:
        """True if the mutant is one that should be noticed."""
        return self not in (SpecFate.SAME, SpecFate.LISTED, SpecFate.MISLISTED, SpecFate.REFUSED)


@attrs.frozen(kw_only=True)
class SpecTrial:
    """The result of a mutant.

    Attributes:
        mutant: which.
        fate: how it ended.
        model: the model that decided it; empty if none did.
        detail: the property, the witness, or TLC's words.
        steps: the length of the counterexample.
        seconds: of all models that were asked.
        left: whether the implementation left the counterexample, as it must; None if it need not, or was not
            asked.
    """

    mutant: SpecMutant
    fate: SpecFate
    model: str = ""
    detail: str = ""
    steps: int = 0
    seconds: float = 0.0
    left: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """The result as JSON data."""
        mutant = self.mutant
        return {
            "mutant": mutant.name,
            "definition": mutant.definition,
            "operator": mutant.operator,
            "line": mutant.line,
            "change": mutant.change,
            "fate": str(self.fate),
            "model": self.model,
            "detail": self.detail,
            "steps": self.steps,
            "seconds": round(self.seconds, 2),
            "left": self.left,
            "diff": mutant.diff(),
        }


@attrs.frozen(kw_only=True)
class SpecScore:
    """The results of all mutants that were looked at.

    Attributes:
        trials: one a mutant, in the order of modules and lines.
        total: how many mutants there are, sampled or not.
        properties: all properties and witnesses of the models that were asked.
        seed: of the sample.
    """

    trials: tuple[SpecTrial, ...]
    total: int
    properties: tuple[str, ...]
    seed: int

    def fates(self) -> Counter[SpecFate]:
        """Fate -> how many mutants had it."""
        return Counter(trial.fate for trial in self.trials)

    @property
    def survivors(self) -> tuple[SpecTrial, ...]:
        """The mutants that have other states and that nothing noticed."""
        return tuple(each for each in self.trials if each.fate is SpecFate.ONLY_COUNTED)

    @property
    def followed(self) -> tuple[SpecTrial, ...]:
        """The mutants whose counterexample the implementation followed to its end."""
        return tuple(each for each in self.trials if each.left is False)

    def first(self) -> dict[str, int]:
        """Property or witness -> how many mutants it noticed first; also those that noticed none."""
        found = Counter(each.detail for each in self.trials if each.fate.is_noticed)
        return {name: found[name] for name in self.properties}

    def grouped(self, key: Callable[[SpecMutant], str]) -> dict[str, Counter[SpecFate]]:
        """Key -> the fates of its mutants, in the order of modules and lines."""
        found: dict[str, Counter[SpecFate]] = {}
        for trial in self.trials:
            found.setdefault(key(trial.mutant), Counter())[trial.fate] += 1
        return found

    def to_json(self) -> dict[str, Any]:
        """The whole result as JSON data."""
        return {
            "mutants": self.total,
            "tried": len(self.trials),
            "seed": self.seed,
            "score": share(self.fates()),
            "fates": {str(fate): count for fate, count in self.fates().items()},
            "properties": self.first(),
            "trials": [trial.to_json() for trial in self.trials],
        }


def share(fates: Mapping[SpecFate, int]) -> float | None:
    """The share of mutants that were noticed, of those that count; None if none counts."""
    counting = sum(count for fate, count in fates.items() if fate.counts)
    return sum(count for fate, count in fates.items() if fate.is_noticed) / counting if counting else None
