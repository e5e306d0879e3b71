"""`tlacheck validate` reports a verdict for each log and exits with the worst."""

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

from tests.conform.logs import HIDDEN, A, event, log
from tlacheck import itf, runlog
from tlacheck.conform.cli.validate import validate_command
from tlacheck.runlog import Run

SENT = event("Send", arguments={"node": A}, state={})
CLEARED = event("Clear", arguments={"node": A})
GOOD, BAD = log(SENT, SENT), log(SENT, CLEARED)


@pytest.fixture
def call(specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Call the command in an empty folder: `call("a.ndjson", "--json", **{"a.ndjson": run})`."""
    monkeypatch.chdir(tmp_path)

    def _call(*arguments: str, stdin: str = "", **logs: Run) -> Result:
        for name, run in logs.items():
            runlog.write(run, tmp_path / f"{name}.run.ndjson")
        words = [*arguments, "--spec", str(specs / "Wire.tla")]
        return CliRunner().invoke(validate_command, words, input=stdin, catch_exceptions=False)

    return _call


def _text(run: Run) -> str:
    file = io.StringIO()
    with runlog.Writer(file, run.header) as writer:
        for each in run.events:
            writer.event(each)
    return file.getvalue()


def test_the_worst_verdict_decides_the_status(call: Callable[..., Result], tmp_path: Path) -> None:
    done = call("good.run.ndjson", "bad.run.ndjson", good=GOOD, bad=BAD)
    assert done.exit_code == 1
    assert (
        "good.run.ndjson: bounded(2 steps): the spec has a behaviour that fits all 2 events\n" in done.output
    )
    assert (
        "bad.run.ndjson: violated(conforms to Wire)\n  event 2 fits nowhere: Clear(node = a)\n" in done.output
    )
    assert "tlacheck inspect .verify/traces/bad.itf.json" in done.output
    trace = itf.read(tmp_path / ".verify/traces/bad.itf.json")
    assert trace.violation is not None
    assert trace.origin.command.startswith("tlacheck validate bad.run.ndjson --spec ")
    assert not (tmp_path / ".verify/traces/good.itf.json").exists()


def test_a_log_that_fits_exits_with_0(call: Callable[..., Result]) -> None:
    assert call("good.run.ndjson", good=GOOD).exit_code == 0


def test_hidden_actions_are_separated_by_commas(call: Callable[..., Result]) -> None:
    done = call("bad.run.ndjson", "--hidden", "Lose, Double", "--out", "fits.itf.json", bad=BAD)
    assert done.exit_code == 0
    assert "with 1 hidden step(s): Lose(letter = [from |-> a, number |-> 1]) before event 2" in done.output
    assert [step.action for step in itf.read("fits.itf.json").steps] == ["Send", "Lose", "Clear"]


def test_the_traces_of_several_logs_are_numbered(call: Callable[..., Result], tmp_path: Path) -> None:
    assert call("good.run.ndjson", "bad.run.ndjson", "--out", "t.itf.json", good=GOOD, bad=BAD).exit_code == 1
    assert itf.read(tmp_path / "t.itf.json").violation is None
    assert itf.read(tmp_path / "t-2.itf.json").violation is not None


def test_a_truncated_log_is_unknown_unless_a_prefix_suffices(call: Callable[..., Result]) -> None:
    cut = attrs.evolve(GOOD, ended=False)
    done = call("cut.run.ndjson", cut=cut)
    assert done.exit_code == 3
    assert "the log is not ended" in done.output
    assert call("cut.run.ndjson", "--prefix", cut=cut).exit_code == 0


def test_too_many_states_exit_with_unknown(call: Callable[..., Result]) -> None:
    unsure = log(event("Send"), event("Send"))
    assert call("u.run.ndjson", "--candidates-max", "2", u=unsure).exit_code == 3
    assert call("u.run.ndjson", u=unsure).exit_code == 0


def test_json_reports_each_log(call: Callable[..., Result]) -> None:
    done = call("good.run.ndjson", "bad.run.ndjson", "--json", good=GOOD, bad=BAD)
    data: dict[str, Any] = json.loads(done.stdout)
    good, bad = data["logs"]
    assert good["verdict"] == {"kind": "bounded", "depth": 2}
    assert (good["trace"], good["rejection"]) == (None, None)
    assert bad["verdict"]["violates"] == "conforms to Wire"
    assert bad["rejection"]["event"] == 2
    assert bad["rejection"]["enabled"] == ["Double", "Lose", "Send", "Take"]
    assert bad["rejection"]["conjunct"] == "wire = [l \\in {} |-> 0]"
    assert bad["trace"] == ".verify/traces/bad.itf.json"


def test_a_log_may_come_from_standard_input(call: Callable[..., Result]) -> None:
    assert call("-", stdin=_text(GOOD)).exit_code == 0
    done = call("-", "--hidden", ",".join(HIDDEN), stdin=_text(log(CLEARED, SENT, SENT, SENT)))
    assert done.exit_code == 1
    assert "standard input: violated" in done.output


def test_a_stream_is_validated_as_it_arrives(call: Callable[..., Result]) -> None:
    """The command stops at the end line, so the system may keep its pipe open."""
    assert call("-", "--follow", stdin=_text(GOOD) + "whatever comes now\n").exit_code == 0
    spoilt = _text(log(SENT, SENT, SENT))
    assert call("-", "--follow", stdin=spoilt).exit_code == 1
    done = call("-", "--follow", "--hidden", "Lose", stdin=spoilt)
    assert done.exit_code == 3
    assert "validate the whole log" in done.output


@pytest.mark.parametrize(("run", "status"), [(GOOD, 0), (BAD, 1)], ids=["good", "bad"])
def test_a_file_is_followed_until_its_end_line(
    call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: Run, status: int
) -> None:
    """Half a line is written whenever the command waits."""
    text, path = _text(run), tmp_path / "live.ndjson"
    path.write_text("", encoding="utf-8")
    pieces = iter([text[start : start + 40] for start in range(0, len(text), 40)])

    def grow(_: float) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(next(pieces))

    monkeypatch.setattr(time, "sleep", grow)
    assert call("live.ndjson", "--follow").exit_code == status


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.ndjson",), "missing.ndjson: cannot be read: No such file or directory"),
        (("good.run.ndjson", "--hidden", "Loose"), "the hidden action Loose is none of Wire"),
        (("good.run.ndjson", "--config", "missing.cfg"), "missing.cfg"),
        (("missing.ndjson", "--follow"), "missing.ndjson: cannot be read"),
    ],
    ids=["no log", "no such action", "no configuration", "no log to follow"],
)
def test_mistakes_are_reported_in_one_line_with_status_2(
    call: Callable[..., Result], arguments: tuple[str, ...], message: str
) -> None:
    done = call(*arguments, good=GOOD)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output
    done = call(*arguments, "--json", good=GOOD)
    assert message in json.loads(done.stdout)["error"]
