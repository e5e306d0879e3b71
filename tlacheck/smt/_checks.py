"""Shared parts of the checks: the verdict of many answers, and traces in the folder of a check."""

from collections.abc import Sequence
from pathlib import Path

from tlacheck import itf
from tlacheck.trace import Trace
from tlacheck.verdict import Verdict
from tlacheck.verify import Context

__all__ = ["judged", "kept"]


def judged(claim: str, *, wrong: Sequence[str], complaint: str, unanswered: Sequence[str]) -> Verdict:
    """Combine the answers to many questions, all of which were to be the same, into one verdict.

    Args:
        claim: the name of what they were to establish.
        wrong: those that were answered otherwise.
        complaint: what is said before these.
        unanswered: those without an answer.

    Returns:
        Violated if one is wrong; unknown if one is open; proved otherwise.
    """
    if wrong:
        return Verdict.violated(claim, f"{complaint} {'; '.join(wrong)}")
    if unanswered:
        return Verdict.unknown(f"no answer in time: {'; '.join(unanswered)}")
    return Verdict.proved()


def kept(context: Context, name: str, trace: Trace | None) -> Path | None:
    """Write a trace to the folder of a check and return its file; None if there is no trace."""
    if trace is None:
        return None
    path = context.folder / f"{name.replace('_', '-')}.itf.json"
    itf.write(trace, path)
    return path
