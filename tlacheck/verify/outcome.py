"""The input and the result of a check written in Python.

>>> def verify(context: Context, *, examples: int) -> Outcome:
...     for number in range(examples):
...         context.progress(f"{number} of {examples}")
...     return Outcome(verdict=Verdict.sampled(examples, context.seed), figures={"examples": examples})
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import attrs
from immutabledict import immutabledict

from tlacheck.verdict import Kind, Verdict

__all__ = ["Context", "Figures", "Outcome"]

#: Name -> number (or short text), in the order in which they are shown: states, steps, examples.
Figures = immutabledict[str, int | float | str]


def _figures(given: Mapping[str, int | float | str]) -> Figures:
    return Figures(given)


@attrs.frozen(kw_only=True)
class Context:
    """The facts about its run that a check may use.

    Attributes:
        folder: where it may leave files; its own, empty, relative to the repository root, which is
            the current folder of a check.
        budget: smoke, ci or deep.
        seed: where its randomness begins.
        command: the exact command that repeats this check.
        progress: tells the one who waits how far it is: a few words, as often as it likes.
    """

    folder: Path
    budget: str
    seed: int
    command: str
    progress: Callable[[str], None]


@attrs.frozen(kw_only=True)
class Outcome:
    """The result of a check.

    Attributes:
        verdict: how far it carries.
        figures: what was counted.
        trace: the counterexample's file; None if there is none.
        message: lines for a person, shown when the verdict is not the expected one.
        command: the command that repeats the check more closely than `Context.command`; empty if none does.
    """

    verdict: Verdict
    figures: Figures = attrs.field(factory=Figures, converter=_figures)
    trace: Path | None = None
    message: str = ""
    command: str = ""

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON data."""
        return {
            "verdict": self.verdict.to_json(),
            "figures": dict(self.figures),
            "trace": None if self.trace is None else str(self.trace),
            "message": self.message,
            "command": self.command,
        }

    @classmethod
    def of_cases(cls, name: str, cases: Iterable[tuple[str, bool]], seed: int) -> Self:
        """Judge worked cases.

        Args:
            name: of the property that a wrong case breaks.
            cases: what each says, and whether it is so.
            seed: of the context.
        """
        said = list(cases)
        wrong = [what for what, is_so in said if not is_so]
        verdict = Verdict.violated(name, wrong[0]) if wrong else Verdict.sampled(len(said), seed)
        figures = {"cases": len(said), "wrong": len(wrong)}
        return cls(verdict=verdict, figures=figures, message="\n".join(wrong))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read the outcome from JSON data that `to_json` made."""
        verdict = Verdict(**{**data["verdict"], "kind": Kind(data["verdict"]["kind"])})
        trace = None if data["trace"] is None else Path(data["trace"])
        return cls(
            verdict=verdict,
            figures=data["figures"],
            trace=trace,
            message=data["message"],
            command=data["command"],
        )
