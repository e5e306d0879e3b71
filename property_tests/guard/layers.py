"""The layers that `tlacheck mutants` asks of the guard: its soak test, with as many liars as may be."""

from typing import Final

from tlacheck.mutants import Layer

__all__ = ["LAYERS"]

LAYERS: Final = (
    Layer(
        "soak",
        "tlacheck.harness.checks:soaked",
        {
            "protocol": "property_tests.guard.protocol:GUARD",
            "seeds": 150,
            "steps": 600,
            "judged": False,
        },
    ),
)
