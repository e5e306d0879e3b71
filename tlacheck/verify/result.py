"""The result of one check, and of a whole run."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
from immutabledict import immutabledict

from tlacheck.verdict import Verdict
from tlacheck.verify.judge import Status
from tlacheck.verify.manifest import Pins
from tlacheck.verify.outcome import Figures
from tlacheck.verify.plan import Check

__all__ = ["Report", "Result", "Setting", "exit_status"]


@attrs.frozen(kw_only=True)
class Setting:
    """The settings shared by all checks of a run, as its summary records them.

    Attributes:
        root: the repository root.
        folder: where the run leaves its results.
        budget: smoke, ci or deep.
        seed: where randomness begins.
        engine: version and checksum of TLC; "none" if the run needs none and there is none.
        versions: name -> version of what else takes part.
    """

    root: Path
    folder: Path
    budget: str
    seed: int
    engine: str
    versions: immutabledict[str, str]


@attrs.frozen(kw_only=True)
class Result:
    """The result of one check.

    Attributes:
        check: what was checked.
        status: what that means for the run.
        verdict: what it established; None if it could not run.
        figures: what was counted, for tables.
        pins: the numbers that a manifest may pin; empty for a check in Python.
        seconds: how long it took, when it was done.
        trace: the file of its counterexample, seen from the current folder; None if there is none.
        reasons: why it is not ok.
        message: what the check itself says of it.
        command: what repeats it.
        is_kept: True if an earlier run did it, and nothing that it read has changed (`tlacheck.verify.kept`).
    """

    check: Check
    status: Status
    verdict: Verdict | None
    figures: Figures = attrs.field(factory=Figures)
    pins: Pins = attrs.field(factory=Pins)
    seconds: float
    trace: Path | None = None
    reasons: tuple[str, ...] = ()
    message: str = ""
    command: str
    is_kept: bool = False

    def to_json(self) -> dict[str, Any]:
        """The result as JSON data, for `summary.json`."""
        return {
            "name": self.check.name,
            "layer": self.check.layer,
            "verdict": None if self.verdict is None else self.verdict.to_json(),
            "figures": dict(self.figures),
            "pins": dict(self.pins),
            "seconds": round(self.seconds, 3),
            "kept": self.is_kept,
            "status": self.status.value,
            "trace": None if self.trace is None else str(self.trace),
            "message": "\n".join(filter(None, (*self.reasons, self.message))),
            "command": self.command,
        }


@attrs.frozen(kw_only=True)
class Report:
    """The result of a run.

    Attributes:
        setting: what its checks shared.
        planned: how many checks it was to do.
        results: the results, in the order of the plan.
        seconds: how long it took.
        interrupted: the number of the signal that ended it before its time; None if it is complete.
    """

    setting: Setting
    planned: int
    results: tuple[Result, ...]
    seconds: float
    interrupted: int | None = None

    @property
    def kept(self) -> int:
        """The number of results that an earlier run established."""
        return sum(result.is_kept for result in self.results)

    def count(self, status: Status) -> int:
        """Count the checks with this status."""
        return sum(result.status is status for result in self.results)


def exit_status(results: Iterable[Result]) -> int:
    """0 all established, 1 some violated, 2 some could not run, 3 inconclusive or nothing checked."""
    found = {result.status for result in results}
    if Status.VIOLATED in found:
        return 1
    if Status.FAILED in found:
        return 2
    return 0 if found == {Status.OK} else 3
