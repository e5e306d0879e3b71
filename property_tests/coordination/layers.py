"""The layers that `tlacheck mutants` asks of the coordination flow, the quickest first.

| layer    | what drives the implementation          | what judges it                 |
|----------|-----------------------------------------|--------------------------------|
| replay   | recorded traces of TLC                  | the states of the trace        |
| weakened | TLC's counterexamples of weakened specs | that it leaves each of them    |
| repeated | runs under faults that `judge` has seen | each step of the recorded run  |
| faults   | runs under faults                       | `judge.py`                     |
"""

from typing import Final

from tlacheck.mutants import Layer

__all__ = ["LAYERS"]

_REPLAYS: Final = {"of": "property_tests.coordination.replays:REPLAYS"}

LAYERS: Final = (
    Layer("replay", "tlacheck.conform.replays:replay_witnesses", _REPLAYS),
    Layer("weakened", "tlacheck.conform.replays:replay_weakened", _REPLAYS),
    Layer(
        "repeated",
        "tlacheck.harness.repeated:repeats_accounts",
        {"of": "property_tests.coordination.judge:account", "seeds": 8},
    ),
    Layer("faults", "property_tests.coordination.judge:flow_under_faults", {"seeds": 40}),
)
