"""Fates of mutants, counted by module, operator and layer.

The score is the share of mutants that a check noticed: by a violation, an exception, or a limit that was
exceeded. Mutants that cannot be imported, are equivalent or are not judged do not count; those that no layer
reaches do.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

import attrs

from tlacheck.mutate.code import CodeMutant
from tlacheck.mutate.process import Answer, Ending

__all__ = ["Fate", "Score", "Trial", "fate_of"]


class Fate(StrEnum):
    """The ways in which the trial of a mutant ends."""

    CAUGHT = "caught"
    RAISED = "raised"
    LIMIT = "limit"
    UNIMPORTABLE = "unimportable"
    INCONCLUSIVE = "inconclusive"
    SURVIVED = "survived"
    NOT_REACHED = "not reached"
    EQUIVALENT = "equivalent"
    NOT_EQUIVALENT = "not equivalent"
    NOT_JUDGED = "not judged"

    @property
    def is_noticed(self) -> bool:
        """True if a check failed."""
        return self in (Fate.CAUGHT, Fate.RAISED, Fate.LIMIT)

    @property
    def counts(self) -> bool:
        """True if the mutant is one that a check should notice."""
        return self not in (Fate.UNIMPORTABLE, Fate.EQUIVALENT, Fate.NOT_JUDGED)


_FATES: Mapping[str, Fate] = {
    Ending.VIOLATED: Fate.CAUGHT,
    Ending.RAISED: Fate.RAISED,
    Ending.LIMIT: Fate.LIMIT,
    Ending.UNIMPORTABLE: Fate.UNIMPORTABLE,
}


@attrs.frozen(kw_only=True)
class Trial:
    """The result of a mutant.

    Attributes:
        mutant: which.
        fate: how it ended.
        layer: the layer that noticed it; empty if none did.
        detail: the property that was violated, or why it ended so; the reason of what was reviewed.
        seconds: of CPU, of all layers that were asked.
    """

    mutant: CodeMutant
    fate: Fate
    layer: str = ""
    detail: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The result as JSON data."""
        mutant = self.mutant
        return {
            "mutant": mutant.name,
            "module": mutant.module,
            "function": mutant.function,
            "operator": mutant.operator,
            "line": mutant.line,
            "change": mutant.change,
            "fate": str(self.fate),
            "layer": self.layer,
            "detail": self.detail,
            "seconds": round(self.seconds, 2),
            "diff": mutant.diff(),
        }


def fate_of(answers: Iterable[Answer], known: Mapping[str, str]) -> tuple[Fate, str, str]:
    """The fate that the answers of layers amount to, the layer that decided it, and its words.

    Args:
        answers: of the layers that were asked.
        known: the layers that are inconclusive on the unchanged code too, which says nothing of a mutant.
    """
    undecided = (Fate.SURVIVED, "", "")
    for answer in answers:
        if answer.ending in _FATES:
            return _FATES[answer.ending], answer.layer, answer.detail
        if answer.ending == Ending.INCONCLUSIVE and answer.layer not in known and not undecided[1]:
            undecided = (Fate.INCONCLUSIVE, answer.layer, answer.detail)
    return undecided


_BAD = (Fate.SURVIVED, Fate.NOT_REACHED, Fate.NOT_EQUIVALENT)


@attrs.frozen(kw_only=True)
class Score:
    """The results of all mutants that were looked at.

    Attributes:
        trials: one a mutant, in the order of the source.
        total: how many mutants there are, sampled or not.
        layers: the names of the layers, in their order.
        seed: of layers and sample.
        inconclusive: the layers that establish nothing on the unchanged code -> why.
    """

    trials: tuple[Trial, ...]
    total: int
    layers: tuple[str, ...]
    seed: int
    inconclusive: Mapping[str, str] = attrs.field(factory=dict)

    def fates(self, which: Callable[[Trial], bool] = lambda trial: True) -> Counter[Fate]:  # noqa: ARG005 - all
        """Fate -> how many mutants had it, of those that a condition holds of."""
        return Counter(trial.fate for trial in self.trials if which(trial))

    @property
    def survivors(self) -> tuple[Trial, ...]:
        """The mutants that no layer noticed or reached, and those that are wrongly listed as equivalent."""
        return tuple(each for each in self.trials if each.fate in _BAD)

    @property
    def inconclusive_ones(self) -> tuple[Trial, ...]:
        """The mutants that only kept a layer from reaching what it must reach."""
        return tuple(each for each in self.trials if each.fate is Fate.INCONCLUSIVE)

    def caught_by(self, layer: str, which: Callable[[Trial], bool] = lambda trial: True) -> int:  # noqa: ARG005 - all
        """The number of mutants that a layer noticed first, of those that a condition holds of."""
        return sum(each.layer == layer and each.fate.is_noticed and which(each) for each in self.trials)

    def to_json(self) -> dict[str, Any]:
        """The whole result as JSON data."""
        return {
            "mutants": self.total,
            "tried": len(self.trials),
            "seed": self.seed,
            "score": share(self.fates()),
            "inconclusive_on_unchanged_code": dict(self.inconclusive),
            "fates": {str(fate): count for fate, count in self.fates().items()},
            "layers": {layer: self.caught_by(layer) for layer in self.layers},
            "modules": self._shares(lambda mutant: mutant.module),
            "operators": self._shares(lambda mutant: mutant.operator),
            "trials": [trial.to_json() for trial in self.trials],
        }

    def _shares(self, key: Callable[[CodeMutant], str]) -> dict[str, Any]:
        return {
            name: {"score": share(fates), **{str(fate): count for fate, count in fates.items()}}
            for name, fates in self.grouped(key).items()
        }

    def grouped(self, key: Callable[[CodeMutant], str]) -> dict[str, Counter[Fate]]:
        """Key -> the fates of its mutants, in the order of the source."""
        found: dict[str, Counter[Fate]] = {}
        for trial in self.trials:
            found.setdefault(key(trial.mutant), Counter())[trial.fate] += 1
        return found


def share(fates: Mapping[Fate, int]) -> float | None:
    """The share of mutants that were noticed, of those that count; None if none counts."""
    counting = sum(count for fate, count in fates.items() if fate.counts)
    return sum(count for fate, count in fates.items() if fate.is_noticed) / counting if counting else None
