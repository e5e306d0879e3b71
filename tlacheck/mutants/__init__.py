"""Mutants: seeing each check fail before trusting it when it passes.

`mutation.py` makes a wrong module in memory, `trial.py` asks layers of checks what they make of it,
`cli.py` prints the table of `tlacheck mutants`.
"""

from tlacheck.mutants.mutation import Mutant
from tlacheck.mutants.trial import Attempt, Layer, Result, try_mutants

__all__ = ["Attempt", "Layer", "Mutant", "Result", "try_mutants"]
