"""The layer that `tlacheck mutants` asks of the coordination flow: runs under faults (`judge.py`)."""

from typing import Final

from tlacheck.mutants import Layer

__all__ = ["LAYERS"]

LAYERS: Final = (Layer("faults", "property_tests.coordination.judge:flow_under_faults", {"seeds": 40}),)
