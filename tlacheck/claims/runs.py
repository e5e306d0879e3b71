"""The last local result of each check, from `.verify/<time>/summary.json`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from immutabledict import immutabledict

__all__ = ["Ran", "last_runs"]


@attrs.frozen(kw_only=True)
class Ran:
    """The result of a check in a run.

    Attributes:
        folder: the folder of the run.
        status: ok, violated, could not run, inconclusive.
        kind: the kind of its verdict; None if it could not run.
        violates: the property that it found violated; None if none.
        figures: what it counted.
        message: what it said of itself.
    """

    folder: Path
    status: str
    kind: str | None
    violates: str | None
    figures: immutabledict[str, Any]
    message: str


def last_runs(root: Path) -> Mapping[str, Ran]:
    """Return each check's result in the last local run that included it; empty in a fresh clone.

    A summary that cannot be read is skipped: a run may be writing it.
    """
    found: dict[str, Ran] = {}
    for file in sorted(root.glob(".verify/[0-9]*/summary.json"), key=lambda file: file.stat().st_mtime_ns):
        try:
            checks = json.loads(file.read_text(encoding="utf-8"))["checks"]
            found.update({check["name"]: _ran(file.parent, check) for check in checks})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def _ran(folder: Path, check: Mapping[str, Any]) -> Ran:
    verdict = check["verdict"] or {}
    return Ran(
        folder=folder,
        status=check["status"],
        kind=verdict.get("kind"),
        violates=verdict.get("violates"),
        figures=immutabledict(check["figures"]),
        message=check["message"],
    )
