"""Z3, or one sentence about how to get it. It is an optional package, and this is the only import of it here."""

from tlacheck.errors import SetupError

try:
    import z3
except ModuleNotFoundError as error:
    raise SetupError("tlacheck.smt needs Z3: pip install 'tlacheck[smt]'") from error

__all__ = ["z3"]
