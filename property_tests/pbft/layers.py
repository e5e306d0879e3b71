"""The layers that `tlacheck mutants` asks of PBFT, the quickest first, and the calm cluster among them.

| layer       | what drives the implementation                | what judges it                               |
|-------------|-----------------------------------------------|----------------------------------------------|
| replay      | recorded traces of TLC                        | the states of the trace                      |
| weakened    | TLC's counterexamples of weakened specs       | that it leaves each of them                  |
| scenarios   | stories, and valid and invalid messages       | what each file says (`scenarios/*.txt`)      |
| calm        | a simulated cluster in which nothing is lost  | that nothing is late, and no timer is needed |
| near misses | messages that a replica took, with a part     | what may be taken (`near_misses.py`)         |
|             | changed                                       |                                              |
| soak        | simulated clusters with all faults and a      | `Safety`, `Timing` and progress              |
|             | Byzantine replica                             |                                              |
| oracle      | random walks of the spec                      | the states of the walk                       |
"""

from typing import Final

from tlacheck.mutants import Layer

__all__ = ["LAYERS"]

_REPLAYS: Final = {"of": "property_tests.pbft.replays:REPLAYS"}

#: The layers, the quickest first.
LAYERS: Final = (
    Layer("replay", "tlacheck.conform.replays:replay_witnesses", _REPLAYS),
    Layer("weakened", "tlacheck.conform.replays:replay_weakened", _REPLAYS),
    Layer(
        "scenarios",
        "tlacheck.harness.checks:scenarios",
        {
            "protocol": "property_tests.pbft.protocol:PBFT",
            "folder": "property_tests/pbft/scenarios",
            "judged": False,
        },
    ),
    Layer("calm", "property_tests.pbft.calm:calm"),
    Layer("near misses", "property_tests.pbft.near_misses:near_misses"),
    Layer(
        "soak",
        "tlacheck.harness.checks:soaked",
        {
            "protocol": "property_tests.pbft.protocol:PBFT",
            "judged": False,
            "goals": [],
            "seeds": 8,
            "steps": 2_700,
        },
    ),
    Layer("oracle", "tlacheck.conform.replays:walks", {**_REPLAYS, "walks": 40}),
)
