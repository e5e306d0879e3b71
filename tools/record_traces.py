"""Record the traces in traces/golden that replays follow: TLC's, from the models of a manifest.

    .venv/bin/python tools/record_traces.py specs/raft/manifest.toml traces/golden/raft

A model that expects a witness gives `witness/<name>.itf.json`; a weakened one that must fail by a
finite behaviour gives `weakened/<name>.itf.json`. Behaviours that never end, and models of an
abstraction that the implementation does not follow, have none.
"""

import sys
from pathlib import Path

from tlacheck import itf
from tlacheck.tlc import Checker, Spec
from tlacheck.verify.manifest import Expectation, read_manifest

#: Where a model's trace belongs, by what is expected of it.
_FOLDERS = {Expectation.WITNESS: "witness", Expectation.VIOLATED: "weakened"}


def main(manifest: Path, folder: Path) -> int:
    """Check each model, write its trace, and remove traces of models that are gone."""
    written = set()
    with Checker() as checker:
        for model in read_manifest(manifest):
            if model.expect not in _FOLDERS:
                continue
            result = checker.check(Spec.load(model.spec, model.config), deadlock=model.deadlock)
            trace = result.trace
            if trace is None or trace.violation is None or trace.violation.step is None:
                continue
            path = folder / _FOLDERS[model.expect] / f"{Path(model.config).stem}.itf.json"
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
