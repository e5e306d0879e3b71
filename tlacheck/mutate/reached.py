"""Statements that the layers reach in the unchanged code: a mutant elsewhere need not be tried.

Each layer runs once on modules with a probe before each statement of a function. Layers are deterministic, so
that one that does not reach a statement of the unchanged code does not reach it in a mutant either.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from tlacheck.errors import ConfigError
from tlacheck.mutants.mutation import source_file
from tlacheck.mutants.trial import Layer
from tlacheck.mutate.code import CodeMutant
from tlacheck.mutate.probes import probed
from tlacheck.mutate.process import Ending, ask

__all__ = ["Baseline", "measured"]

#: The limit of a layer on the unchanged code, in seconds of CPU.
_BASELINE_SECONDS: Final = 900.0
#: A mutant may take so many times as much as the unchanged code, and always so many seconds of CPU.
_FACTOR: Final = 5.0
_SECONDS_MIN: Final = 30.0


@attrs.frozen(kw_only=True)
class Baseline:
    """The unchanged code under each layer.

    Attributes:
        seconds: layer -> its CPU time.
        inconclusive: layer -> why it establishes nothing; only layers that do not.
        reached: layer -> module -> the lines of statements that ran.
    """

    seconds: Mapping[str, float]
    inconclusive: Mapping[str, str]
    reached: Mapping[str, Mapping[str, frozenset[int]]]

    def limit(self, layer: str) -> float:
        """The seconds of CPU that a layer may take for a mutant."""
        return max(_SECONDS_MIN, _FACTOR * self.seconds[layer])

    def reach(self, mutant: CodeMutant, layers: Sequence[Layer]) -> tuple[Layer, ...]:
        """The layers that reach a mutant; all, if it is outside of functions."""
        return tuple(
            layer
            for layer in layers
            if not mutant.statement
            or mutant.statement in self.reached[layer.name].get(mutant.module, frozenset())
        )


def measured(modules: Sequence[str], layers: Sequence[Layer], *, folder: Path, seed: int) -> Baseline:
    """Run each layer once on the unchanged code.

    Args:
        modules: those that get probes.
        layers: the layers, each of which gets a process of its own.
        folder: where their output goes.
        seed: given to each.

    Raises:
        ConfigError: a layer finds something in the unchanged code.
    """
    sources = {module: probed(module, source_file(module).read_text(encoding="utf-8")) for module in modules}
    seconds, inconclusive, reached = {}, {}, {}
    for layer in layers:
        limits = {layer.name: _BASELINE_SECONDS}
        (answer,) = ask(sources, [layer], limits, folder=folder / layer.name, seed=seed, probes=True)
        if answer.ending == Ending.INCONCLUSIVE:
            inconclusive[layer.name] = answer.detail
        elif answer.ending != Ending.PASSED:
            raise ConfigError(
                f"layer {layer.name} ends with {answer.ending!r} on the unchanged code ({answer.detail}): "
                "mend that first, for then it would object to each mutant"
            )
        seconds[layer.name] = answer.seconds
        reached[layer.name] = {module: frozenset(lines) for module, lines in answer.reached.items()}
    return Baseline(seconds=seconds, inconclusive=inconclusive, reached=reached)
