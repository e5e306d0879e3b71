"""The layers that `tlacheck mutants` asks of HotStuff, the quickest first.

| layer       | what drives the implementation             | what judges it                    |
|-------------|--------------------------------------------|-----------------------------------|
| replay      | recorded traces of TLC                     | the states of the trace           |
| weakened    | TLC's counterexamples of weakened specs    | that it leaves each of them       |
| near misses | what proves something, with a part changed | what may be taken                 |
| repeated    | runs of a cluster that the spec has judged | each step of the recorded run     |
| oracle      | random walks of the spec                   | the states of the walk            |
| soak        | a workload, faults, Byzantine replicas     | the spec, invariants, progress    |
"""

from typing import Final

from tlacheck.mutants import Layer

__all__ = ["LAYERS"]

_REPLAYS: Final = {"of": "property_tests.hotstuff.replays:REPLAYS"}
_SOAK: Final = {"protocol": "property_tests.hotstuff.protocol:HOTSTUFF"}

#: The layers that `tlacheck mutants` asks, the quickest first.
LAYERS: Final = (
    Layer("replay", "tlacheck.conform.replays:replay_witnesses", _REPLAYS),
    Layer("weakened", "tlacheck.conform.replays:replay_weakened", _REPLAYS),
    Layer("near misses", "property_tests.hotstuff.near_misses:near_misses"),
    Layer("repeated", "tlacheck.harness.repeated:repeats", {**_SOAK, "seeds": 6, "steps": 400}),
    Layer("oracle", "tlacheck.conform.replays:walks", {**_REPLAYS, "walks": 10}),
    Layer("soak", "tlacheck.harness.checks:soaked", {**_SOAK, "seeds": 20, "steps": 200}),
)
