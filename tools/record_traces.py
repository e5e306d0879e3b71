"""Record the traces in traces/golden that replays follow: TLC's, from the models of a manifest.

    .venv/bin/python tools/record_traces.py specs/raft/manifest.toml traces/golden/raft

A model that expects a witness gives `witness/<name>.itf.json`; one that must fail by a finite behaviour
gives `weakened/<name>.itf.json` if it replaces a rule of the protocol, which the implementation must
leave, else `misconfigured/<name>.itf.json`: its parameters are wrong, so that the implementation, with
the same, fails as well, or the error is in the modules MC*.tla, and not in the protocol. Infinite
behaviours, and models with another SPECIFICATION than their base, which takes steps that the
implementation does not know, have none.
"""

import re
import sys
from pathlib import Path

from tlacheck import itf
from tlacheck.tlc import Checker, Spec
from tlacheck.tlc.configuration import configuration_text
from tlacheck.verify.manifest import Expectation, Model, read_manifest


def folder_of(model: Model) -> str | None:
    """Return the folder of a model's trace; None for a model without one."""
    if model.expect is Expectation.WITNESS:
        return "witness"
    if model.expect is Expectation.VIOLATED:
        if model.base and _specification(model.config) != _specification(model.base):
            return None
        base = _replaced(model.base) if model.base else frozenset()
        rules = {replaced.split()[0] for replaced in _replaced(model.config) - base}
        return "weakened" if rules - _of_the_model_checker(model.spec) else "misconfigured"
    return None


def _replaced(config: Path) -> frozenset[str]:
    """Return the definitions that a configuration replaces, with their replacements."""
    return frozenset(re.findall(r"^ *(\w+ <- \w+)", configuration_text(config), re.MULTILINE))


def _specification(config: Path) -> list[str]:
    return re.findall(r"^SPECIFICATION +(\w+)", configuration_text(config), re.MULTILINE)


def _of_the_model_checker(spec: Path) -> frozenset[str]:
    """Return the definitions of the modules that only make the spec finite."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(spec.parent.glob("MC*.tla")))
    return frozenset(
        name for text in texts for name in re.findall(r"^(\w+)(?:\(.*?\))? *==", text, re.MULTILINE)
    )


def main(manifest: Path, folder: Path) -> int:
    """Check each model, write its trace, and remove traces of models that are gone."""
    written = set()
    with Checker() as checker:
        for model in read_manifest(manifest):
            belongs = folder_of(model)
            if belongs is None:
                continue
            result = checker.check(Spec.load(model.spec, model.config), deadlock=model.deadlock)
            trace = result.trace
            if trace is None or trace.violation is None or trace.violation.step is None:
                continue
            path = folder / belongs / f"{Path(model.config).stem}.itf.json"
            itf.write(trace, path)
            written.add(path)
            print(f"{path}: {trace.violation.property}, {len(trace)} steps")
    for path in folder.glob("*/*.itf.json"):
        if path not in written:
            path.unlink()
            print(f"{path}: removed")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: record_traces.py MANIFEST FOLDER")
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
