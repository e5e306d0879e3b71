"""A second solver for proofs, cvc5, which shares no code with Z3: `Proof.holds_by_cvc5`.

Z3 only writes the formulas down. Optional: `pip install 'tlacheck[cvc5]'`.
"""

from collections.abc import Sequence
from typing import Any

from tlacheck.errors import SetupError
from tlacheck.smt._solver import Answer, Sat, checked_timeout
from tlacheck.smt._z3 import z3
from tlacheck.smt.sorts import Expression

__all__ = ["ask"]


def ask(formulas: Sequence[Expression], timeout_seconds: float, *, hoping: Sat = Sat.NO) -> Answer:
    """Check whether formulas can be satisfied together.

    Args:
        formulas: what is to be met.
        timeout_seconds: how long cvc5 may take for it.
        hoping: the answer that is likely. A counterexample, which is not hoped for, is told in words only:
            Z3 shows it.

    Raises:
        SetupError: cvc5 is not installed.
    """
    try:
        import cvc5  # noqa: PLC0415 - optional, and only used here
    except ModuleNotFoundError as error:
        raise SetupError("a second opinion needs cvc5: pip install 'tlacheck[cvc5]'") from error
    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("tlimit-per", str(checked_timeout(timeout_seconds)))
    solver.setOption("finite-model-find", "true")  # so that it also finds the states that exist
    _read(cvc5, solver, formulas)
    found = solver.checkSat()
    if found.isUnsat():
        return Answer(Sat.NO)
    if not found.isSat():
        return Answer(Sat.UNKNOWN, reason=f"cvc5 gave no answer within {timeout_seconds:g} s: {found}")
    if hoping is Sat.YES:
        return Answer(Sat.YES)
    return Answer(Sat.UNKNOWN, reason="cvc5 has a counterexample; ask Z3 for it")


def _read(cvc5: Any, solver: Any, formulas: Sequence[Expression]) -> None:
    """Assert formulas in cvc5, in the language that both solvers have in common."""
    written = z3.Solver()
    written.add(*formulas)
    parser = cvc5.InputParser(solver)
    text = "(set-logic ALL)\n" + written.sexpr()
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "formulas")
    while not (command := parser.nextCommand()).isNull():
        command.invoke(solver, parser.getSymbolManager())
