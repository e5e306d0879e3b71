"""The only import of Z3, an optional package; without it, one sentence says how to install it."""

from tlacheck.errors import SetupError

try:
    import z3
except ModuleNotFoundError as error:
    raise SetupError("tlacheck.smt needs Z3: pip install 'tlacheck[smt]'") from error

__all__ = ["z3"]
