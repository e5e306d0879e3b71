"""The layers that `tlacheck mutants` asks of voting, the quickest first.

| layer    | what drives the implementation          | what judges it                       |
|----------|-----------------------------------------|--------------------------------------|
| replay   | recorded traces of TLC                  | the states of the trace              |
| weakened | TLC's counterexamples of weakened specs | that it leaves each of them          |
| near misses | what proves something, with a part changed | what may be taken |
| soak     | a workload, faults and liars (`protocol.py`) | the spec, invariants, progress   |
| oracle   | random walks of the spec                | the states of the walk               |
"""

from typing import Final

from tlacheck.mutants import Layer

__all__ = ["LAYERS"]

_REPLAYS: Final = {"of": "property_tests.vote.replays:REPLAYS"}

#: The layers that `tlacheck mutants` asks, the quickest first.
LAYERS: Final = (
    Layer("replay", "tlacheck.conform.replays:replay_witnesses", _REPLAYS),
    Layer("weakened", "tlacheck.conform.replays:replay_weakened", _REPLAYS),
    Layer("near misses", "property_tests.vote.near_misses:near_misses"),
    Layer(
        "soak",
        "tlacheck.harness.checks:soaked",
        {"protocol": "property_tests.vote.protocol:VOTE", "seeds": 60, "steps": 150},
    ),
    Layer("oracle", "tlacheck.conform.replays:walks", {**_REPLAYS, "walks": 20}),
)
