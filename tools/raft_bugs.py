"""Write docs/raft-bugs.md: for each bug of the catalogue its mutants, of spec and implementation, and what notices them.

    .venv/bin/python tools/raft_bugs.py docs/raft-bugs.md

Tries every mutant of `property_tests/raft/mutants.py`, which takes minutes. What TLC makes of the weakened specs is
read from `specs/raft/manifest.toml`, where `tlacheck verify` has checked it.
"""

import re
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tlacheck.mutants import Mutant, try_mutants  # noqa: E402 - the project's folder comes first
from tlacheck.mutants.trial import load  # noqa: E402 - as above

_ID = re.compile(r"\bR[ECSMR]-\d\d\b")

_HEAD = """# Raft: known bugs, and what notices them

Each row is a public bug of a Raft implementation or specification, put into this project's on purpose. The weakened
spec is a configuration in `specs/raft` that TLC must refute; its steps are those of TLC's shortest counterexample. The
mutant is a change of a line or a few (`property_tests/raft/mutants.py`); `make mutants` tries them all. The layer is the
first that notices it, and the steps are those of the run that it shows, which is shrunk where the oracle or a stateful
test found it, and TLC's own where the mutant follows a counterexample of a weakened spec to its end.

| layer     | what it does                                                                             |
|-----------|------------------------------------------------------------------------------------------|
| replay    | follows TLC's witnesses: interesting behaviours that the spec allows                     |
| weakened  | follows TLC's counterexamples of weakened specs, which the right implementation leaves   |
| runs      | takes runs with all parts again that the spec has judged, and tries what must not be: requests, late messages, torn writes |
| oracle    | follows random walks of the spec                                                         |
| stateful  | Hypothesis: clients, time and faults, judged by the spec                                 |
| invariant | the same, judged by invariants and by progress alone                                     |
| all parts | Hypothesis with all parts of Raft on, judged by the spec                                 |

This file is written by `tools/raft_bugs.py`.
"""

#: Bugs of the catalogue that no mutant can have here -> why.
_NOT_HERE = {
    "RE-17": "a step of the core is a function of one state and one input: no second thread can change the term within it",
    "RE-18": "as RE-17: the role and the term of a message are read from one value",
    "RE-22": "a disk that hangs for ever is none of the simulated faults (it is slow, torn, or loses what was not synced); "
    "the mutant has the part that a core can have",
    "RC-17": "nothing is cached: the end of the log is that of the tuple; a write that fails is a crash",
    "RR-08": "the core names the log index that a read needs, and the host waits for it; the wrong host is "
    "`Service.LOCAL_READS`, which histories notice (`property_tests/raft/test_service.py`)",
}

#: What a table says of a mutant: the layer that noticed it, and in how many steps; empty and None if none did.
Found = tuple[str, int | None]


def page(mutants: Iterable[Mutant], found: Mapping[str, Found], models: Iterable[Mapping[str, Any]]) -> str:
    """The page, as Markdown.

    Args:
        mutants: the wrong implementations.
        found: mutant's name -> what noticed it.
        models: the models of the manifest.
    """
    specs: dict[str, list[str]] = defaultdict(list)
    for model in models:
        if model["expect"] == "violated":
            steps = f", {model['steps']} steps" if "steps" in model else ""
            for bug in _ID.findall(model["what"]):
                specs[bug].append(f"`{Path(model['config']).stem}` ({model['violates']}{steps})")
    rows: dict[str, list[Mutant]] = defaultdict(list)
    equivalent: list[Mutant] = []
    for mutant in mutants:
        if mutant.equivalent:
            equivalent.append(mutant)
            continue
        ids = _ID.findall(mutant.bug)
        rows[ids[0] if ids else ""].append(mutant)
    lines = [
        _HEAD,
        "| bug | weakened spec | mutant | its shape | layer | steps |",
        "|---|---|---|---|---|---|",
    ]
    for bug in sorted({*rows, *specs, *_NOT_HERE} - {""}):
        spec = "<br>".join(specs.get(bug, ())) or "-"
        for mutant in rows.get(bug, ()):
            layer, taken = found.get(mutant.name, ("", None))
            shape = mutant.bug.removeprefix(bug).lstrip(",; ") or "as reported"
            lines.append(
                f"| {bug} | {spec} | `{mutant.name}` | {shape} | {layer or 'NONE'} | {taken or ''} |"
            )
        if bug in _NOT_HERE:
            lines.append(f"| {bug} | {spec} | - | {_NOT_HERE[bug]} | | |")
        elif bug not in rows:
            lines.append(f"| {bug} | {spec} | - | of the spec alone | | |")
    lines += ["", "## Rules of the papers", "", "| mutant | rule | layer | steps |", "|---|---|---|---|"]
    for mutant in rows.get("", ()):
        layer, taken = found.get(mutant.name, ("", None))
        lines.append(f"| `{mutant.name}` | {mutant.bug} | {layer or 'NONE'} | {taken or ''} |")
    lines += ["", "## Changes that make no difference, and must survive every layer", ""]
    lines += [f"- `{mutant.name}`: {mutant.why}" for mutant in equivalent]
    return "\n".join(lines) + "\n"


def models() -> list[dict[str, Any]]:
    """The models of Raft's manifest."""
    manifest = tomllib.loads((ROOT / "specs" / "raft" / "manifest.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = manifest["model"]
    return found


def main(path: Path) -> int:
    """Try the mutants and write the page; 1 if a mutant is not noticed."""
    found: dict[str, Found] = {}
    with tempfile.TemporaryDirectory() as folder:
        for result in try_mutants(
            "property_tests.raft.mutants:MUTANTS",
            load("property_tests.raft.checks:LAYERS"),
            folder=Path(folder),
            jobs=2,
            controls=False,
        ):
            first = result.first
            found[result.mutant.name] = (first.layer, first.steps) if first else ("", None)
    path.write_text(page(load("property_tests.raft.mutants:MUTANTS"), found, models()), encoding="utf-8")
    return 0 if all(layer for layer, _ in found.values()) else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: raft_bugs.py PAGE")
    sys.exit(main(Path(sys.argv[1])))
