"""Trials of code mutants as the work of a campaign: a case is a mutant, by its name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from tlacheck.campaign.result import Campaign
from tlacheck.campaign.work import Done, digest_of
from tlacheck.errors import ConfigError
from tlacheck.mutants.trial import Layer
from tlacheck.mutate.code import CodeMutant, mutants_of
from tlacheck.mutate.process import ask
from tlacheck.mutate.reached import Baseline
from tlacheck.mutate.score import Fate, Trial, fate_of

__all__ = ["MutateWork", "trials_of"]


@attrs.frozen(kw_only=True)
class MutateWork:
    """Trials of code mutants.

    The digest covers the fate and the layer that decided it.

    Attributes:
        of: the package or the protocol under test.
        layers: the layers, in the order in which they are asked.
        baseline: the unchanged code under these layers.
        folder: where traces go.
        seed: given to every layer.
    """

    of: str
    layers: Sequence[Layer]
    baseline: Baseline
    folder: Path
    seed: int

    @property
    def name(self) -> str:
        """The trials in a few words."""
        return f"mutate {self.of}"

    @property
    def needs_fresh_process(self) -> bool:
        """False: each mutant has a process of its own anyway."""
        return False

    def configuration(self) -> Mapping[str, Any]:
        """The layers, and of what the mutants are."""
        layers = [attrs.asdict(layer) for layer in self.layers]
        return {"kind": "mutate", "of": self.of, "layers": layers, "seed": self.seed}

    def prepare(self) -> None:
        """Nothing: each mutant has a process of its own."""

    def do(self, case: str) -> Done:
        """Try one mutant.

        Raises:
            ConfigError: there is no mutant of that name.
        """
        mutant = next((each for each in mutants_of(case.partition(":")[0]) if each.name == case), None)
        if mutant is None:
            raise ConfigError(f"there is no mutant {case}: has the code changed?")
        layers = self.baseline.reach(mutant, self.layers)
        answers = ask(
            {mutant.module: mutant.source},
            layers,
            {layer.name: self.baseline.limit(layer.name) for layer in layers},
            folder=self.folder / case.replace(":", "-").replace("<", "").replace(">", ""),
            seed=self.seed,
        )
        fate, layer, detail = fate_of(answers, self.baseline.inconclusive)
        is_seen = fate.is_noticed or not fate.counts
        return Done(
            digest=digest_of([fate, layer]),
            seconds=sum(answer.seconds for answer in answers),
            property="" if is_seen else "noticed",
            explanation=() if is_seen else (mutant.diff(),),
            data={"fate": str(fate), "layer": layer, "detail": detail},
        )


def trials_of(mutants: Sequence[CodeMutant], campaign: Campaign) -> dict[str, Trial]:
    """Name -> the result, of those mutants that a campaign has tried."""
    rows = {row.case: row.done for row in campaign.rows}
    return {
        mutant.name: Trial(
            mutant=mutant,
            fate=Fate(done.data["fate"]),
            layer=done.data["layer"],
            detail=done.data["detail"],
            seconds=done.seconds,
        )
        for mutant in mutants
        if (done := rows.get(mutant.name)) is not None
    }
