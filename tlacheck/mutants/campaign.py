"""Mutation as the work of a campaign: a case is a mutant, by its name."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from tlacheck.campaign.result import Campaign
from tlacheck.campaign.work import Done, digest_of
from tlacheck.mutants.mutation import Mutant
from tlacheck.mutants.trial import Attempt, Layer, Result, load_mutants, try_one

__all__ = ["MutantWork", "results_of"]


@attrs.frozen(kw_only=True)
class MutantWork:
    """Trials of mutants against layers.

    The digest covers which layer catches a mutant, and by which property; times and lengths of traces may
    differ. Traces stay on the machine that tried a mutant.

    Attributes:
        mutants: `module:name` of the tuple of mutants, or of a protocol that declares them.
        layers: the layers, in the order in which they are asked.
        folder: where traces go.
        seed: given to every layer.
        every_layer: ask all layers.
    """

    mutants: str
    layers: Sequence[Layer]
    folder: Path
    seed: int = 0
    every_layer: bool = False

    @property
    def name(self) -> str:
        """The trials in a few words."""
        return f"mutants {self.mutants}"

    @property
    def needs_fresh_process(self) -> bool:
        """False: each trial has a process of its own anyway."""
        return False

    def configuration(self) -> Mapping[str, Any]:
        """Mutants and layers, but for where traces go."""
        return {
            "kind": "mutants",
            "mutants": self.mutants,
            "layers": [attrs.asdict(layer) for layer in self.layers],
            "seed": self.seed,
            "every_layer": self.every_layer,
        }

    def prepare(self) -> None:
        """Nothing: each trial has a process of its own."""

    def do(self, case: str) -> Done:
        """Try one mutant.

        Raises:
            ConfigError: there are no such mutants.
            StopIteration: there is no mutant of that name.
        """
        mutant = next(each for each in load_mutants(self.mutants) if each.name == case)
        result = try_one(mutant, self.layers, self.folder / case, self.seed, every_layer=self.every_layer)
        attempts = [attrs.asdict(attempt) for attempt in result.attempts]
        caught = [(attempt.layer, attempt.caught, attempt.violates) for attempt in result.attempts]
        return Done(
            digest=digest_of(caught),
            seconds=sum(attempt.seconds for attempt in result.attempts),
            property="" if result.is_as_expected else "noticed as expected",
            explanation=() if result.is_as_expected else tuple(_complaints(mutant, result)),
            data={"attempts": attempts},
        )


def _complaints(mutant: Mutant, result: Result) -> Iterator[str]:
    yield from (f"{each.layer}: {each.error}" for each in result.attempts if each.error)
    if (result.first is None) != mutant.equivalent:
        yield f"{mutant.name} {'was caught, and makes no difference' if mutant.equivalent else 'survives'}"


def results_of(mutants: Sequence[Mutant], campaign: Campaign) -> tuple[Result, ...]:
    """The results of those mutants that a campaign tried, in the order of the mutants."""
    rows = {row.case: row.done.data["attempts"] for row in campaign.rows}
    return tuple(
        Result(mutant, tuple(Attempt(**attempt) for attempt in rows[mutant.name]))
        for mutant in mutants
        if mutant.name in rows
    )
