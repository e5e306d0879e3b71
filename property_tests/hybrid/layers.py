"""The layers that `tlacheck mutants` asks of the hybrid, the quickest first.

| layer       | what drives the implementation                     | what judges it                                      |
|-------------|----------------------------------------------------|-----------------------------------------------------|
| replay      | recorded traces of TLC                             | the states of the trace                             |
| weakened    | TLC's counterexamples of weakened specs            | that it leaves each of them                         |
| scenes      | messages that prove nothing, and such that do      | what may change (`scenes.py`)                       |
| near misses | steps that the spec does not allow, in random walks | that nothing changes (`near_misses.py`)            |
| walks       | random walks of the spec                           | the states of the walk                              |
| soak        | simulated clusters with all faults and a traitor   | `Safety`, progress, and that Raft comes back        |
"""

from typing import Final

from immutabledict import immutabledict

from property_tests.hybrid.cluster import Setting
from property_tests.hybrid.scenes import SCENES
from property_tests.hybrid.script import endure
from tlacheck.mutants import Layer
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["LAYERS", "soaked", "told"]

#: The layers that `tlacheck mutants` asks, the quickest first.
LAYERS: Final = (
    Layer("replay", "property_tests.hybrid.checks:replay_witnesses"),
    Layer("weakened", "property_tests.hybrid.checks:replay_weakened"),
    Layer("scenes", "property_tests.hybrid.layers:told"),
    Layer("near misses", "property_tests.hybrid.near_misses:near_misses", {"walks": 15, "each": 1}),
    Layer("walks", "property_tests.hybrid.checks:walks", {"walks": 40}),
    Layer("soak", "property_tests.hybrid.layers:soaked"),
)


def told(context: Context) -> Outcome:
    """Play all scenes: whatever proves nothing changes nothing."""
    for number, (name, scene) in enumerate(SCENES.items()):
        context.progress(f"scene {number} of {len(SCENES)}: {name}")
        try:
            wrong = next(scene(), None)
        except Exception as raised:  # noqa: BLE001 - a step of a replica is total
            wrong = ("Total", f"a step raises {type(raised).__name__}: {raised}")
        if wrong is not None:
            verdict = Verdict.violated(wrong[0], f"the scene of {name}")
            return Outcome(verdict=verdict, figures=immutabledict(scenes=number + 1), message=wrong[1])
    return Outcome(verdict=Verdict.sampled(len(SCENES), 0), figures=immutabledict(scenes=len(SCENES)))


def soaked(context: Context, *, seeds: int = 4, steps: int = 5_000) -> Outcome:
    """Clusters under all faults, with one traitor of four who is up to anything."""
    taken = 0
    for number in range(seeds):
        seed = context.seed + number
        context.progress(f"seed {number} of {seeds}, {taken:,} steps")
        run = endure(seed, steps=steps, setting=Setting.drawn(seed))
        taken += run.steps
        if run.broken:
            verdict = Verdict.violated(run.property, f"the run of seed {seed}")
            return Outcome(verdict=verdict, figures=immutabledict(steps=taken), message=run.broken)
    return Outcome(verdict=Verdict.sampled(seeds, context.seed), figures=immutabledict(steps=taken))
