"""Writes docs/raft-bugs.md, docs/pbft-bugs.md or docs/hybrid-bugs.md: bugs, mutants, and what catches them.

    .venv/bin/python tools/bugs.py raft docs/raft-bugs.md

Tries every mutant of `property_tests/<protocol>/mutants.py`, which takes minutes. TLC's results on the
weakened specs are read from `specs/<protocol>/manifest.toml`, where `tlacheck verify` has checked them.
"""

import re
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tlacheck.mutants import Mutant, try_mutants  # noqa: E402 - the project's folder comes first
from tlacheck.mutants.trial import load  # noqa: E402 - as above

__all__ = ["PROTOCOLS", "Protocol", "models", "page"]

#: The layers whose failures are a text and no run of which steps could be counted.
_WITHOUT_STEPS: Final = ("scenarios", "scenarios of all parts", "repeated")
#: A mutant's entry: the layer that caught it, and in how many steps; empty and None if none did.
Found = tuple[str, int | None]


@attrs.frozen(kw_only=True)
class Protocol:
    """The texts about the bugs of one protocol.

    Attributes:
        ids: matches the catalogue's names of its bugs.
        head: how the page begins.
        not_here: bugs of the catalogue that no mutant can have here -> why.
        layers: `module:name` of the layers.
    """

    ids: re.Pattern[str]
    head: str
    not_here: Mapping[str, str]
    layers: str


_RAFT: Final = Protocol(
    ids=re.compile(r"\bR[ECSMR]-\d\d\b"),
    layers="property_tests.raft.layers:LAYERS",
    head="""# Raft: known bugs, and the checks that catch them

Each row is a public bug of a Raft implementation or specification, put into this project's on
purpose. The weakened spec is a configuration in `specs/raft` that TLC must refute; its steps are
those of TLC's shortest counterexample. The mutant is a change of a line or a few
(`property_tests/raft/mutants.py`); `make mutants` tries them all. The layer is the first that
notices it, and the steps are those of the run that it shows, which is shrunk where the oracle or a
stateful test found it, and TLC's own where the mutant follows a counterexample of a weakened spec
to its end.

| layer     | what it does                                                                           |
|-----------|----------------------------------------------------------------------------------------|
| replay    | follows TLC's witnesses: interesting behaviours that the spec allows                   |
| weakened  | follows TLC's counterexamples of weakened specs, which the right implementation leaves |
| scenarios | scenario files, of plain Raft and of all parts, without the spec                       |
| repeated  | repeats runs with all parts that the spec has judged; the first other step is shown    |
| oracle    | follows random walks of the spec                                                       |
| stateful  | Hypothesis: clients, time and faults, judged by the spec                               |
| invariant | the same, judged by invariants and by progress alone                                   |
| all parts | a soak test of all parts of Raft, judged by the spec                                   |

This file is written by `tools/bugs.py`.
""",
    not_here={
        "RE-17": (
            "a step of the core is a function of one state and one input: no second thread can "
            "change the "
            "term within it"
        ),
        "RE-18": "as RE-17: the role and the term of a message are read from one value",
        "RE-22": "a disk that hangs for ever is none of the simulated faults (it is slow, torn, or loses "
        "what was not synced); "
        "the mutant has the part that a core can have",
        "RC-17": "nothing is cached: the end of the log is that of the tuple; a write that fails is a crash",
        "RR-08": "the core names the log index that a read needs, and the host waits for it; the "
        "wrong host is "
        "`Service.LOCAL_READS`, which histories notice (`property_tests/raft/test_service.py`)",
    },
)

_PBFT: Final = Protocol(
    ids=re.compile(r"\bPB-\d\d\b"),
    layers="property_tests.pbft.layers:LAYERS",
    head="""# PBFT: known bugs, and the checks that catch them

Each row is a public bug of a Byzantine protocol's implementation or specification, put into this
project's PBFT on purpose. The weakened spec is a configuration in `specs/pbft` that TLC must
refute; its steps are those of TLC's shortest counterexample. The mutant is a change of a line or a
few (`property_tests/pbft/mutants.py`); `make mutants` tries them all. The layer is the first that
notices it. The steps are those of the run that it shows: TLC's own where the mutant leaves a
witness or follows a counterexample of a weakened spec to its end, shrunk where the oracle found it;
in simulated runs, which are not shrunk, all that correct replicas took up to there, in all runs of
that layer together; and with near misses the messages that were told.

| layer       | what it does                                                                            |
|-------------|-----------------------------------------------------------------------------------------|
| replay      | follows TLC's witnesses: interesting behaviours that the spec allows                    |
| weakened    | follows TLC's counterexamples of weakened specs, which the right implementation leaves  |
| scenarios   | runs text scenarios: stories, in which valid and invalid messages are tried             |
| calm        | a cluster whose messages only overtake each other: all is executed, once                |
| near misses | accepted messages with each part changed: unproved ones must be rejected                |
| soak        | clusters under all faults with a Byzantine node, judged by invariants, timers, progress |
| oracle      | follows random walks of the spec                                                        |

This file is written by `tools/bugs.py`.
""",
    not_here={
        "PB-31": (
            "all operations are ordered: there is no read-only path from which a client would have "
            "to fall "
            "back"
        ),
        "PB-32": (
            "requests are signed, not authenticated by a vector of MACs: who can check one can "
            "check it for "
            "all"
        ),
        "PB-38": "a step of the core handles one input and then the host chooses; the simulated host lets "
        "timers fire when "
        "they are due, whatever has arrived",
        "PB-41": "of Zyzzyva: there is no speculative execution, what a replica executes is committed",
        "PB-42": (
            "of FaB: there is no fast path, and the certificates of any quorum of view changes "
            "suffice for "
            "a new view"
        ),
    },
)

_HYBRID: Final = Protocol(
    ids=re.compile(r"\bHY-\d\d\b"),
    layers="property_tests.hybrid.layers:LAYERS",
    head="""# The hybrid: known bugs, and the checks that catch them

Each row is a bug that changes between protocols have had, put into this project's hybrid on
purpose. The weakened spec is a configuration in `specs/hybrid` that TLC must refute; its steps are
those of TLC's shortest counterexample. The mutant is a change of a line or a few
(`property_tests/hybrid/mutants.py`); `make mutants` tries them all. The layer is the first that
notices it. The steps are those of the run that it shows: TLC's own where the mutant leaves a
witness or follows a counterexample of a weakened spec to its end, shrunk where a walk found it; in
near misses those of the walk up to the step that must not be; in simulated runs all that correct
replicas took up to there. Scenarios have no steps to count: they run to their ends.

| layer       | what it does                                                                           |
|-------------|----------------------------------------------------------------------------------------|
| replay      | follows TLC's witnesses: interesting behaviours that the spec allows                   |
| weakened    | follows TLC's counterexamples of weakened specs, which the right implementation leaves |
| scenarios   | runs text scenarios: stories, in which valid and invalid messages are tried            |
| near misses | tries, at each state of random walks, steps that the spec does not allow               |
| walks       | follows random walks of the spec                                                       |
| soak        | clusters under all faults with a Byzantine node, judged by invariants and progress     |

This file is written by `tools/bugs.py`.
""",
    not_here={
        "HY-16": "of the threat machine, which keeps timing apart from evidence: `timing_max` is less than "
        "what High takes "
        "(`impl/threat`)",
    },
)

PROTOCOLS: Final[Mapping[str, Protocol]] = {"raft": _RAFT, "pbft": _PBFT, "hybrid": _HYBRID}


def page(
    protocol: Protocol,
    mutants: Iterable[Mutant],
    found: Mapping[str, Found],
    models: Iterable[Mapping[str, Any]],
) -> str:
    """Return the page, as Markdown.

    Args:
        protocol: whose bugs they are.
        mutants: the wrong implementations.
        found: mutant's name -> what noticed it.
        models: the models of the manifest.
    """
    specs: dict[str, list[str]] = defaultdict(list)
    for model in models:
        if model["expect"] == "violated":
            steps = f", {model['steps']} steps" if "steps" in model else ""
            for bug in protocol.ids.findall(model["what"]):
                specs[bug].append(f"`{Path(model['config']).stem}` ({model['violates']}{steps})")
    rows: dict[str, list[Mutant]] = defaultdict(list)
    equivalent: list[Mutant] = []
    for mutant in mutants:
        if mutant.equivalent:
            equivalent.append(mutant)
            continue
        ids = protocol.ids.findall(mutant.bug)
        rows[ids[0] if ids else ""].append(mutant)
    lines = [
        protocol.head,
        "| bug | weakened spec | mutant | its shape | layer | steps |",
        "|---|---|---|---|---|---|",
    ]
    for bug in sorted({*rows, *specs, *protocol.not_here} - {""}):
        spec = "<br>".join(specs.get(bug, ())) or "-"
        for mutant in rows.get(bug, ()):
            layer, taken = found.get(mutant.name, ("", None))
            shape = mutant.bug.removeprefix(bug).lstrip(",; ") or "as reported"
            lines.append(
                f"| {bug} | {spec} | `{mutant.name}` | {shape} | {layer or 'NONE'} | {taken or ''} |"
            )
        if bug in protocol.not_here:
            lines.append(f"| {bug} | {spec} | - | {protocol.not_here[bug]} | | |")
        elif bug not in rows:
            lines.append(f"| {bug} | {spec} | - | of the spec alone | | |")
    lines += ["", "## Rules of the papers", "", "| mutant | rule | layer | steps |", "|---|---|---|---|"]
    for mutant in rows.get("", ()):
        layer, taken = found.get(mutant.name, ("", None))
        lines.append(f"| `{mutant.name}` | {mutant.bug} | {layer or 'NONE'} | {taken or ''} |")
    lines += ["", "## Changes that make no difference, and must survive every layer", ""]
    lines += [f"- `{mutant.name}`: {mutant.why}" for mutant in equivalent]
    return "\n".join(lines) + "\n"


def models(name: str) -> list[dict[str, Any]]:
    """The models of a protocol's manifest."""
    manifest = tomllib.loads((ROOT / "specs" / name / "manifest.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = manifest["model"]
    return found


def main(name: str, path: Path, jobs: int = 2) -> int:
    """Try the mutants and write the page; return 1 if a mutant is not caught."""
    protocol, mutants = PROTOCOLS[name], f"property_tests.{name}.mutants:MUTANTS"
    found: dict[str, Found] = {}
    with tempfile.TemporaryDirectory() as folder:
        for result in try_mutants(
            mutants, load(protocol.layers), folder=Path(folder), jobs=jobs, controls=False
        ):
            first = result.first
            steps = first.steps if first and first.layer not in _WITHOUT_STEPS else None
            found[result.mutant.name] = (first.layer if first else "", steps)
    path.write_text(page(protocol, load(mutants), found, models(name)), encoding="utf-8")
    return 0 if all(layer for layer, _ in found.values()) else 1


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in PROTOCOLS:
        sys.exit(f"usage: bugs.py {'|'.join(PROTOCOLS)} PAGE")
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
