"""The layers that `tlacheck mutants` asks of the hybrid, the quickest first.

| layer       | what drives the implementation                 | what judges it                            |
|-------------|------------------------------------------------|-------------------------------------------|
| replay      | recorded traces of TLC                         | the states of the trace                   |
| weakened    | TLC's counterexamples of weakened specs        | that it leaves each of them               |
| scenarios   | stories, and valid and invalid messages        | what each file says (`scenarios/*.txt`)   |
| near misses | steps that the spec forbids, in random walks   | that nothing changes (`near_misses.py`)   |
| walks       | random walks of the spec                       | the states of the walk                    |
| soak        | simulated clusters under attack and all faults | `Safety`, progress, and that Raft returns |
"""

from typing import Final

from tlacheck.mutants import Layer

__all__ = ["LAYERS"]

_REPLAYS: Final = {"of": "property_tests.hybrid.replays:REPLAYS"}
_SCENARIOS: Final = {
    "protocol": "property_tests.hybrid.protocol:HYBRID",
    "folder": "property_tests/hybrid/scenarios",
    "judged": False,
}

#: The layers that `tlacheck mutants` asks, the quickest first.
LAYERS: Final = (
    Layer("replay", "tlacheck.conform.replays:replay_witnesses", _REPLAYS),
    Layer("weakened", "tlacheck.conform.replays:replay_weakened", _REPLAYS),
    Layer("scenarios", "tlacheck.harness.checks:scenarios", _SCENARIOS),
    Layer("near misses", "property_tests.hybrid.near_misses:near_misses", {"walks": 15, "each": 1}),
    Layer("walks", "tlacheck.conform.replays:walks", {**_REPLAYS, "walks": 40}),
    Layer(
        "soak",
        "tlacheck.harness.checks:soaked",
        {
            "protocol": "property_tests.hybrid.protocol:HYBRID",
            "seeds": 8,
            "steps": 8_000,
            "judged": False,
            "goals": (),
        },
    ),
)
