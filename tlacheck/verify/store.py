"""The files of a run: `.verify/<time>/`, and `.verify/latest` for the last complete one."""

import contextlib
import json
import os
import platform
import re
import shutil
import time
from pathlib import Path
from typing import Any

from tlacheck.verify.judge import Status
from tlacheck.verify.result import Report, exit_status

__all__ = ["new_folder", "save", "summary"]

#: The most runs kept.
KEPT = 10

_RUN = re.compile(r"\d{8}-\d{6}(-\d+)?")


def new_folder(root: Path) -> Path:
    """Create the folder of a run that begins now."""
    base = root / ".verify" / time.strftime("%Y%m%d-%H%M%S")
    for attempt in range(1, 1000):
        folder = base if attempt == 1 else base.with_name(f"{base.name}-{attempt}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
    raise FileExistsError(base)


def save(report: Report) -> None:
    """Write `summary.json`; if the run is complete, point `latest` at it and remove the oldest runs."""
    setting = report.setting
    text = json.dumps(summary(report), ensure_ascii=False, indent=1) + "\n"
    (setting.folder / "summary.json").write_text(text, encoding="utf-8")
    if report.interrupted is None:
        _point(setting.folder.parent / "latest", setting.folder.name)
    _prune(setting.folder)


def summary(report: Report) -> dict[str, Any]:
    """The report as JSON data."""
    setting = report.setting
    return {
        "versions": {**setting.versions, "engine": setting.engine},
        "platform": {"system": platform.system(), "machine": platform.machine(), "cores": os.cpu_count()},
        "budget": setting.budget,
        "seed": setting.seed,
        "planned": report.planned,
        "counts": {status.value: report.count(status) for status in Status},
        "seconds": round(report.seconds, 3),
        "interrupted": report.interrupted is not None,
        "exit_status": exit_status(report.results)
        if report.interrupted is None
        else 128 + report.interrupted,
        "checks": [result.to_json() for result in report.results],
    }


def _point(link: Path, target: str) -> None:
    """Make the symbolic link point at its neighbour `target`, atomically."""
    scratch = link.with_name(f".{link.name}-{os.getpid()}")
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(target, target_is_directory=True)
    scratch.replace(link)


def _prune(newest: Path) -> None:
    runs = [path for path in newest.parent.iterdir() if _RUN.fullmatch(path.name) and path.is_dir()]
    latest = (newest.parent / "latest").resolve()
    for old in sorted(runs, key=lambda path: path.stat().st_mtime_ns, reverse=True)[KEPT:]:
        if old != newest and old.resolve() != latest:
            shutil.rmtree(old, ignore_errors=True)
