"""`tlacheck trace`: showing, comparing and converting traces from the command line."""

import json
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result
from hypothesis import Phase, given, settings
from immutabledict import immutabledict

from tests.report.plays import BROKEN, LASSO, RUN, A, of
from tests.strategies import traces
from tlacheck import itf
from tlacheck.report.difference import parting
from tlacheck.trace import Step, Trace, Violation
from tlacheck.trace_cli import trace_command


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(trace_command, list(map(str, arguments)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "run.itf.json"
    itf.write(RUN, path)
    return path


def save(trace: Trace, path: Path) -> Path:
    itf.write(trace, path)
    return path


# --- the first difference of two traces ---------------------------------------------------------


@given(traces())
@settings(max_examples=20, phases=(Phase.explicit, Phase.generate))
def test_a_trace_does_not_differ_from_itself(trace: Trace) -> None:
    assert parting(trace, trace) is None
    assert parting(trace, itf.from_json(itf.to_json(trace))) is None


def changed(number: int, **more: Any) -> Trace:
    steps = list(RUN.steps)
    steps[number - 1] = attrs.evolve(steps[number - 1], **more)
    return attrs.evolve(RUN, steps=tuple(steps))


@pytest.mark.parametrize(
    ("other", "step", "what", "variables"),
    [
        (attrs.evolve(RUN, initial=immutabledict({**RUN.initial, "total": 7})), 0, "state", ("total",)),
        (changed(2, action="CopyMessage"), 2, "action", ()),
        (changed(1, arguments=immutabledict(node=A, spin=4)), 1, "arguments", ()),
        (
            changed(1, state=immutabledict({**RUN.steps[0].state, "total": True, "new": 1})),
            1,
            "state",
            ("total", "new"),
        ),
        (attrs.evolve(RUN, steps=RUN.steps[:4]), None, "length", ()),
        (attrs.evolve(RUN, loop=2), None, "loop", ()),
        (attrs.evolve(RUN, violation=Violation(property="Fair", step=2)), None, "violation", ()),
    ],
)
def test_the_first_difference_is_found_whatever_it_is(
    other: Trace, step: int | None, what: str, variables: tuple[str, ...]
) -> None:
    """`TRUE` is not `1`, though Python's `==` confuses them."""
    for one, two in ((RUN, other), (other, RUN)):
        found = parting(one, two)
        assert found
        assert (found.step, found.what, set(found.variables)) == (step, what, set(variables))
    if variables:
        assert parting(RUN, other, ignore=variables) is None


def test_metadata_makes_no_difference() -> None:
    origin = attrs.evolve(RUN.origin, seed=99, source="elsewhere")
    turned = [Step(s.action, s.arguments, immutabledict(list(s.state.items())[::-1])) for s in RUN.steps]
    unnamed = Step("", immutabledict(), RUN.steps[0].state)
    other = attrs.evolve(RUN, origin=origin, steps=(unnamed, *turned[1:]))
    assert parting(RUN, other) is None


def test_diff_names_the_first_difference_and_exits_with_1(file: Path, tmp_path: Path) -> None:
    other = save(BROKEN, tmp_path / "broken.itf.json")
    found = run("diff", file, other)
    assert found.exit_code == 1
    assert found.output == (
        "the same up to step 2; they differ at step 3, HandlePing\n"
        "  in turn, total\n"
        f"  turn[b]\n    {file}: 1\n    {other}: 2\n"
        f"  total\n    {file}: 2\n    {other}: 3\n"
    )
    data = json.loads(run("diff", file, other, "--json").output)
    assert (data["step"], data["variables"]) == (3, ["turn", "total"])
    assert data["parts"][0] == {"part": "turn[b]", "first": "1", "second": "2"}


def test_diff_of_the_same_trace_exits_with_0(file: Path, tmp_path: Path) -> None:
    same = run("diff", file, save(RUN, tmp_path / "again.itf.json"))
    assert (same.exit_code, same.output) == (0, "the same: 5 steps\n")
    assert json.loads(run("diff", file, file, "--json").output)["same"] is True


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (attrs.evolve(RUN, steps=RUN.steps[:4]), "the same up to step 4; they differ in their length"),
        (attrs.evolve(RUN, loop=2), "they differ in their loop\n  loop\n    {}: (none)\n    {}: 2"),
        (
            attrs.evolve(RUN, violation=Violation(property="Fair", step=2)),
            "violation\n    {}: (none)\n    {}: Fair at step 2",
        ),
        (of({"x": 1}), "they differ in the initial state: turn, log, total, net, x"),
    ],
)
def test_diff_describes_other_differences_in_words(
    file: Path, tmp_path: Path, other: Trace, words: str
) -> None:
    path = save(other, tmp_path / "other.itf.json")
    found = run("diff", file, path)
    assert found.exit_code == 1
    assert words.format(file, path) in found.output


def test_diff_can_ignore_a_variable(file: Path, tmp_path: Path) -> None:
    steps = [attrs.evolve(step, state=step.state.set("total", 0)) for step in RUN.steps]
    other = save(attrs.evolve(RUN, steps=tuple(steps)), tmp_path / "other.itf.json")
    assert run("diff", file, other).exit_code == 1
    assert run("diff", file, other, "--ignore", "total").exit_code == 0


# --- conversions --------------------------------------------------------------------------------


def test_the_output_name_or_an_option_selects_the_format(file: Path, tmp_path: Path) -> None:
    assert run("convert", file, "-o", tmp_path / "run.ndjson").exit_code == 0
    assert run("convert", tmp_path / "run.ndjson", "-o", tmp_path / "back.json").exit_code == 0
    assert itf.read(tmp_path / "back.json") == RUN
    assert run("convert", file, "--to", "mermaid").output.startswith("sequenceDiagram\n")
    assert itf.from_json(run("convert", file).output) == RUN
    refused = run("convert", file, "-o", tmp_path / "run.pdf")
    assert refused.exit_code == 2
    assert "does not say a format: name one with --to" in refused.stderr


def test_a_lossy_conversion_reports_its_losses(tmp_path: Path) -> None:
    path = save(LASSO, tmp_path / "lasso.itf.json")
    converted = run("convert", path, "--to", "ndjson")
    assert converted.exit_code == 0
    assert converted.stderr == "left out, for ndjson has no place for it: the loop and what it violates\n"


def test_one_of_several_traces_can_be_selected(tmp_path: Path) -> None:
    path = tmp_path / "many.ndjson"
    path.write_text(
        "".join(json.dumps(json.loads(itf.to_json(t))) + "\n" for t in (RUN, LASSO)), encoding="utf-8"
    )
    first = run("convert", path)
    assert itf.from_json(first.stdout) == RUN
    assert first.stderr == f"{path} holds 2 traces; this is the first (--number for another)\n"
    second = run("convert", path, "--number", "2")
    assert (itf.from_json(second.stdout), second.stderr) == (LASSO, "")
    third = run("show", path, "--number", "3")
    assert third.exit_code == 2
    assert "there is no trace 3; the file holds 2" in third.stderr


def test_show_reads_the_output_of_tlc(tmp_path: Path) -> None:
    (tmp_path / "out").write_text(
        "State 1: <Initial predicate>\nx = 0\n\nState 2: <Up line 1, col 1>\nx = 1\n"
    )
    shown = run("show", tmp_path / "out")
    assert shown.exit_code == 0
    assert "step 1  Up\n    x 0 → 1\n" in shown.output


# --- the page -----------------------------------------------------------------------------------


def test_a_page_is_written_beside_the_trace_or_to_a_path(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written = run("html", file)
    assert written.exit_code == 0
    assert written.output.startswith("run.html: 5 steps, ")
    assert (tmp_path / "run.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    data = json.loads(run("html", file, "-o", tmp_path / "deep" / "page.html", "--json").output)
    assert data == {
        "file": str(tmp_path / "deep" / "page.html"),
        "bytes": (tmp_path / "deep" / "page.html").stat().st_size,
        "steps": 5,
    }


@pytest.mark.parametrize("has_browser", [True, False])
def test_a_page_is_opened_on_request(
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_browser: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    asked: list[str] = []

    def open_(url: str) -> bool:
        asked.append(url)
        return has_browser

    monkeypatch.setattr(webbrowser, "open", open_)
    written = run("html", file, "-o", tmp_path / "page.html", "--open")
    assert written.exit_code == 0
    assert asked == [(tmp_path / "page.html").as_uri()]
    assert ("no browser could be started" in written.stderr) == (not has_browser)


# --- bad input ----------------------------------------------------------------------------------

BAD = {
    "other json": b'{"a": 1}',
    "cut": itf.to_json(RUN).encode()[:900],
    "binary": bytes(range(256)),
    "empty": b"",
    "prose": b"nothing of the kind",
    "number": b"[1, 2]",
}


@pytest.mark.parametrize("command", [("show",), ("html",), ("convert",), ("diff",)], ids=str)
@pytest.mark.parametrize("kind", [*BAD, "missing", "folder"])
def test_a_file_without_a_trace_exits_with_2_and_one_line(
    tmp_path: Path, file: Path, command: tuple[str, ...], kind: str
) -> None:
    """No traceback, and the file is named."""
    path = tmp_path / "bad.json"
    if kind in BAD:
        path.write_bytes(BAD[kind])
    elif kind == "folder":
        path.mkdir()
    more = [str(file)] if command == ("diff",) else []
    ended = run(*command, path, *more)
    assert ended.exit_code == 2
    assert ended.exception is None or isinstance(ended.exception, SystemExit)
    assert str(path) in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""


def test_an_unwritable_page_is_reported_and_leaves_nothing(file: Path, tmp_path: Path) -> None:
    ended = run("html", file, "-o", file / "page.html")
    assert ended.exit_code == 2
    assert "cannot be written" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run.itf.json"]


def test_the_group_lists_its_commands_without_loading_them() -> None:
    listed = run("--help")
    assert listed.exit_code == 0
    for name in ("show", "html", "diff", "convert", "minimise"):
        assert f"  {name} " in listed.output
    code = (
        "import sys; from click.testing import CliRunner; from tlacheck.trace_cli import trace_command;"
        "CliRunner().invoke(trace_command, ['--help']);"
        "sys.exit(any(name in sys.modules for name in ('jinja2', 'rich', 'jpype', 'tlacheck.convert')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_control_characters_in_a_trace_are_escaped(tmp_path: Path) -> None:
    one = save(of({"x": "a"}), tmp_path / "one.itf.json")
    other = save(of({"x": "\x1b[31mred"}), tmp_path / "other.itf.json")
    for ended in (
        run("diff", one, other),
        run("convert", other, "--to", "text"),
        run("convert", other, "--to", "mermaid"),
    ):
        assert ended.exit_code in {0, 1}
        assert "\x1b" not in ended.output
