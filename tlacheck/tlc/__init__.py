"""TLC, the model checker of TLA+, as a library.

`check` explores a spec's states in a worker process; a `Checker` keeps that worker warm for many
checks. `SpecOracle` answers in this process, step by step, what a spec allows.
"""

from tlacheck.tlc._protocol import Progress
from tlacheck.tlc.check import Checker, CheckResult, check
from tlacheck.tlc.oracle import OracleState, SpecOracle, Successor
from tlacheck.tlc.spec import Spec

__all__ = ["CheckResult", "Checker", "OracleState", "Progress", "Spec", "SpecOracle", "Successor", "check"]
