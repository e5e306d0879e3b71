"""The judgement of a campaign's folder: logs by the spec, history, ends; and the judge itself.

| part         | holds if                                                                               |
|--------------|----------------------------------------------------------------------------------------|
| `nodes`      | each ended only when it was killed or told to, and the cluster served again in the end |
| `logs`       | each step of each node is one of the spec (`judge`)                                    |
| `history`    | what clients saw is linearizable                                                       |
| `judge`      | the same logs are refused with a step dropped, two swapped, one changed (`altered`)    |
| `situations` | a node was killed and came back, leaders changed, clients were answered                |
"""

import json
import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from property_tests.chaos.altered import ALTERATIONS, altered
from property_tests.chaos.campaign import ANSWERS
from property_tests.chaos.judge import Judged, cores_in, judge_logs, logs_in
from tlacheck.errors import ConfigError
from tlacheck.histories import Result, check, key_value, read
from tlacheck.verdict import Verdict

__all__ = ["Checked", "check_folder"]

#: Situations without which a run says nothing: what is counted -> how often at least.
_WANTED: Final = {"killed": 1, "came back": 1, **ANSWERS, "leaders": 2}


@attrs.frozen
class Checked:
    """The judgement of a folder.

    Attributes:
        verdict: of the run.
        lines: of the report, one for each part.
        figures: what was counted.
        judged: the judgement of the logs.
    """

    verdict: Verdict
    lines: tuple[str, ...]
    figures: immutabledict[str, Any]
    judged: Judged


def check_folder(folder: Path) -> Checked:
    """Judge a folder that a campaign left.

    Raises:
        ConfigError: it is none.
    """
    path = folder / "run.json"
    if not path.exists():
        raise ConfigError(
            f"{folder} holds no run: `python -m property_tests.chaos run --folder {folder}` makes one"
        )
    said = json.loads(path.read_text(encoding="utf-8"))
    met: dict[str, int] = said["met"]
    seed: int = said["plan"]["seed"]
    broken: list[tuple[str, str]] = [("Runs", why) for why in said["broken"]]
    judged = judge_logs(folder)
    if not judged.holds:
        broken.append((judged.rule, judged.why))
    history = check(read(folder / "history.ndjson"), key_value())
    verdict = history.verdict()
    if not verdict.is_established:
        broken.append(("Linearizable", history.reason))
    accepted = _accepted(folder, seed) if judged.holds else []
    broken += [("Judge", f"the logs with a step {how} were accepted") for how in accepted]
    met = {**met, "leaders": judged.leaders}
    missing = [
        f"{name} {met.get(name, 0)} of {least}" for name, least in _WANTED.items() if met.get(name, 0) < least
    ]
    lines = _lines(said["broken"], judged, history, accepted=accepted, missing=missing, met=met)
    figures = immutabledict(
        steps=judged.steps,
        undone=judged.undone,
        lost=judged.lost,
        restarts=judged.restarts,
        operations=history.operations,
        recovery_s=said["recovery_s"],
    )
    if broken:
        return Checked(Verdict.violated(*broken[0]), lines, figures, judged)
    if missing:
        return Checked(
            Verdict.unknown(f"the run met too little: {', '.join(missing)}"), lines, figures, judged
        )
    return Checked(Verdict.sampled(1, seed), lines, figures, judged)


def _lines(
    broken: Sequence[str],
    judged: Judged,
    history: Result,
    *,
    accepted: Sequence[str],
    missing: Sequence[str],
    met: Mapping[str, int],
) -> tuple[str, ...]:
    counted = ", ".join(f"{name} {count}" for name, count in sorted(met.items()))
    accepted_steps = f"{judged.steps:,} steps are those of the spec, of {len(judged.actions)} actions"
    asked = "altered logs are refused" if judged.holds else "not asked, for the logs are wrong as they are"
    return (
        f"nodes       {'; '.join(broken) or 'ended only when they were killed, or told to'}",
        f"logs        {judged.why or accepted_steps}",
        f"history     {history.reason or f'{history.operations:,} operations are linearizable'}",
        f"judge       {'altered logs are accepted: ' + ', '.join(accepted) if accepted else asked}",
        f"situations  {'too few: ' + ', '.join(missing) if missing else counted}",
    )


def _accepted(folder: Path, seed: int) -> list[str]:
    """The alterations of the logs that the judge does not notice."""
    cores = cores_in(folder)
    logs = logs_in(folder, cores)
    found = []
    for how in ALTERATIONS:
        rng = random.Random(f"{seed} {how}")  # noqa: S311 - a reproducible choice, no secret
        other = altered(logs, how, rng, cores)
        with tempfile.TemporaryDirectory(prefix="altered-") as scratch:
            if other is None or judge_logs(folder, other, scratch=Path(scratch)).holds:
                found.append(how)
    return found
