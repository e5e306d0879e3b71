"""The layers that `tlacheck mutants` asks of gossip, the quickest first.

| layer       | what drives the implementation                       | what judges it                 |
|-------------|------------------------------------------------------|--------------------------------|
| replay      | recorded traces of TLC                               | the states of the trace        |
| weakened    | TLC's counterexamples of weakened specs              | that it leaves each of them    |
| near misses | copies, digests, deltas at the bounds of each rule   | worked cases                   |
| strangers   | messages and inputs at the bounds of what is taken   | worked cases                   |
| timing      | heartbeats, silences, pauses; a message with no room | worked cases (`timing.py`)     |
| repeated    | runs of a cluster, and of one with a liar, that the  | each step of the recorded run  |
|             | spec has judged                                      |                                |
| soak        | a workload and faults (`protocol.py`)                | the spec, invariants, progress |
| liar        | the same with a liar                                 | the same                       |
"""

from typing import Final

from tlacheck.mutants import Layer

__all__ = ["LAYERS"]

_REPLAYS: Final = {"of": "property_tests.gossip.replays:REPLAYS"}
_SOAK: Final = {"protocol": "property_tests.gossip.protocol:GOSSIP", "steps": 250}
_REPEATED: Final = "tlacheck.harness.repeated:repeats"

#: The layers that `tlacheck mutants` asks, the quickest first.
LAYERS: Final = (
    Layer("replay", "tlacheck.conform.replays:replay_witnesses", _REPLAYS),
    Layer("weakened", "tlacheck.conform.replays:replay_weakened", _REPLAYS),
    Layer("near misses", "property_tests.gossip.near_misses:near_misses"),
    Layer("strangers", "property_tests.gossip.strangers:strangers"),
    Layer("timing", "property_tests.gossip.timing:timing"),
    Layer("repeated", _REPEATED, {**_SOAK, "nodes": 3, "seeds": 12}),
    Layer("repeated with a liar", _REPEATED, {**_SOAK, "nodes": 4, "seeds": 30}),
    Layer("soak", "tlacheck.harness.checks:soaked", {**_SOAK, "nodes": 3, "seeds": 12}),
    Layer("liar", "tlacheck.harness.checks:soaked", {**_SOAK, "nodes": 4, "seeds": 30}),
)
