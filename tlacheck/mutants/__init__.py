"""Mutation testing: every check is seen to fail before its pass is trusted.

`mutation.py` makes a wrong module in memory, `trial.py` runs layers of checks against it, `cli.py`
prints the table of `tlacheck mutants`.
"""

from tlacheck.mutants.mutation import Mutant
from tlacheck.mutants.trial import Attempt, Layer, Result, try_mutants

__all__ = ["Attempt", "Layer", "Mutant", "Result", "try_mutants"]
