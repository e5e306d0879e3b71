"""The layers that `tlacheck mutants` asks of the barrier, the quickest first.

| layer       | what drives the implementation          | what judges it                  |
|-------------|-----------------------------------------|---------------------------------|
| replay      | recorded traces of TLC                  | the states of the trace         |
| weakened    | TLC's counterexamples of weakened specs | that it leaves each of them     |
| near misses | what is refused or taken by a hair      | worked cases, effects in order  |
| soak        | a workload and faults (`protocol.py`)   | the spec, the judge, progress   |
| oracle      | random walks of the spec                | the states of the walk          |
"""

from typing import Final

from tlacheck.mutants import Layer

__all__ = ["LAYERS"]

_REPLAYS: Final = {"of": "property_tests.barrier.replays:REPLAYS"}

#: The layers that `tlacheck mutants` asks, the quickest first.
LAYERS: Final = (
    Layer("replay", "tlacheck.conform.replays:replay_witnesses", _REPLAYS),
    Layer("weakened", "tlacheck.conform.replays:replay_weakened", _REPLAYS),
    Layer("near misses", "property_tests.barrier.near_misses:near_misses"),
    Layer(
        "soak",
        "tlacheck.harness.checks:soaked",
        {"protocol": "property_tests.barrier.protocol:BARRIER", "seeds": 20, "steps": 200},
    ),
    Layer("oracle", "tlacheck.conform.replays:walks", {**_REPLAYS, "walks": 20}),
)
