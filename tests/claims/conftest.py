"""A toy project with two documents, a claim of each kind, and all kinds of evidence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.lazy import LazyGroup
from tlacheck.trace import Origin, Step, Trace, Violation

CLAIMS = """\
[claims]
title = "What the manuals <claim>"
about = "Two manuals, and `code` in between."
page = "docs/claims.md"
command = ".venv/bin/tlacheck"

[[document]]
id = "GUIDE"
title = "The guide"
file = "guide.md"

[[document]]
id = "NOTES"
title = "The notes | of an operator"

[[measurement]]
id = "latency"
what = "A counter"
command = "python -m benchmarks.latency"
machine = "one core"
figures.worst = { value = 7, unit = "ms", text = "the slowest of 1,000 requests" }
figures.share = { value = 1.5, text = "a ratio" }

[[claim]]
id = "GUIDE-1"
document = "GUIDE"
place = "Counting"
quote = "y never … overtakes x"
statement = "y <= x in every state."
engine = ["TLC", "Z3"]
scope = "x up to 9"
verdict = "exhausted"
evidence = [
  { check = "counter/holds", expect = "exhausted" },
  { check = "counter/broken", expect = "violated", violates = "NeverThree" },
  { check = "counter/reached", expect = "witness" },
  { file = "docs/counting.md", contains = "it counts up to nine" },
]

[[claim]]
id = "GUIDE-2"
document = "GUIDE"
place = "Counting"
quote = "never three"
statement = "x is never 3."
engine = ["TLC"]
scope = "x up to 9"
verdict = "refuted"
counterexample = "It counts: one, two, three."
instead = "It counts on."
evidence = [{ trace = "traces/three.itf.json", shows = "NeverThree" }]

[[claim]]
id = "GUIDE-3"
document = "GUIDE"
place = "Speed"
quote = "within 10 ms"
statement = "Each request takes less than 10 ms."
engine = ["benchmark"]
scope = "1,000 requests"
verdict = "measured"
evidence = [{ measurement = "latency", figure = "worst", below = 10 }]

[[claim]]
id = "NOTES-1"
document = "NOTES"
place = "Arithmetic"
quote = "for every n"
statement = "It holds for every n."
engine = ["Z3"]
scope = "every n"
verdict = "proved"
figure = "12 *claims*"
evidence = [
  { check = "counter/proof", expect = "proved", figures = { claims = 12 }, says = "of twelve claims" },
]

[[claim]]
id = "NOTES-2"
document = "NOTES"
place = "Tests"
quote = "tested"
statement = "It is tested."
engine = ["test"]
scope = "one case"
verdict = "sampled"
evidence = [{ test = "tests/test_counter.py::TestCounter::test_it_counts" }]

[[claim]]
id = "NOTES-3"
document = "NOTES"
place = "Plans"
quote = "soon"
statement = "It will be there soon."
engine = []
scope = "nothing yet"
verdict = "open"
missing = "It is not built yet."
"""

PLAN = """\
[[models]]
manifest = "counter/manifest.toml"

[[check]]
name = "counter/proof"
layer = "Z3"
call = "checks:proof"
expect = "proved"
budget = "smoke"
timeout = 60
"""

MANIFEST = "".join(
    f'[[model]]\nspec = "Counter.tla"\nconfig = "{name}.cfg"\nwhat = "{what}"\nexpect = "{expect}"\n'
    + (f'violates = "{violates}"\n' if violates else "distinct = 55\n")
    + "\n"
    for name, what, expect, violates in (
        ("holds", "y never overtakes x", "exhausted", ""),
        ("broken", "the bound is too tight", "violated", "NeverThree"),
        ("reached", "two is reached", "witness", "NeverTwo"),
    )
)

CHECKS = """\
from tlacheck.verdict import Verdict
from tlacheck.verify import Outcome


def proof(context):
    return Outcome(verdict=Verdict.proved(), figures={"claims": 12}, message="a table of\\ntwelve claims")
"""

TEST = """\
class TestCounter:
    def test_it_counts(self):
        assert True
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, as current folder; its page is not written yet."""
    for name, text in {
        "claims.toml": CLAIMS,
        "verify.toml": PLAN,
        "counter/manifest.toml": MANIFEST,
        "checks.py": CHECKS,
        "tests/test_counter.py": TEST,
        "benchmarks/latency.py": "",
        "docs/counting.md": "it counts\nup to nine",
        "counter/Counter.tla": "",
        **{f"counter/{name}.cfg": "" for name in ("holds", "broken", "reached")},
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    itf.write(
        Trace(
            initial=immutabledict(x=2),
            steps=(Step("Up", immutabledict(), immutabledict(x=3)),),
            origin=Origin(source="tlc"),
            violation=Violation(property="NeverThree", step=1),
        ),
        tmp_path / "traces" / "three.itf.json",
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def claims(project: Path) -> Callable[..., Result]:
    """`claims("--write")` runs the command as a user does, in the project."""
    assert Path.cwd() == project

    @click.group(cls=LazyGroup, table={"claims": ("tlacheck.claims.cli:claims_command", "")})
    def main() -> None:
        pass

    def call(*arguments: str) -> Result:
        result = CliRunner().invoke(main, ["claims", *arguments], prog_name="tlacheck")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def change(project: Path) -> Callable[..., None]:
    """`change(old, new)` edits `claims.toml`; `file` another one."""

    def edit(old: str, new: str, file: str = "claims.toml") -> None:
        path = project / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


@pytest.fixture
def ran(project: Path) -> Callable[..., None]:
    """`ran(status="violated")` writes a run of `counter/proof` as `tlacheck verify` does, each newer."""
    numbers = iter(range(1, 100))

    def leave(name: str = "counter/proof", **fields: Any) -> None:
        check = {
            "name": name,
            "status": "ok",
            "verdict": {"kind": "proved"},
            "figures": {"claims": 12},
            "message": "a table of\ntwelve claims",
            **fields,
        }
        folder = project / ".verify" / f"20260101-0000{next(numbers):02}"
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text(json.dumps({"checks": [check]}), encoding="utf-8")

    return leave
