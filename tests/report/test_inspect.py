"""`tlacheck inspect`: a trace on the terminal."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from immutabledict import immutabledict

from tests.report.plays import PING, PONG, A, B, court
from tests.strategies import traces
from tlacheck import itf
from tlacheck.report.lanes import lanes_of
from tlacheck.report.terminal import render, render_step
from tlacheck.trace import Origin, Step, Trace, Violation
from tlacheck.trace_cli.show import inspect_command
from tlacheck.values import ModelValue

#: Two nodes that play ping-pong.
RUN = Trace(
    initial=court((0, 0), (), {}),
    steps=(
        Step("Serve", immutabledict(node=A, spin=3), court((1, 0), (), {PING: 1})),
        Step("DuplicateMessage", immutabledict(message=PING), court((1, 0), (), {PING: 2})),
        Step("HandlePing", immutabledict(node=B, message=PING), court((1, 1), (), {PING: 1, PONG: 1})),
        Step("HandlePong", immutabledict(node=A, message=PONG), court((1, 1), (1,), {PING: 1})),
    ),
    origin=Origin(
        source="lockstep",
        spec="PingPong.tla",
        config="PingPong.cfg",
        engine="TLC 2.18",
        seed=7,
        command="make verify",
    ),
)

#: The same, but b counted twice.
BROKEN = Trace(
    initial=RUN.initial,
    steps=(*RUN.steps[:2], Step("HandlePing", RUN.steps[2].arguments, court((1, 2), (), {PING: 1, PONG: 1}))),
    origin=RUN.origin,
    violation=Violation(
        property="conforms to PingPong",
        step=3,
        explanation=(
            "after HandlePing, 2 part(s) of the state differ:",
            "turn[b]: the spec has 1, the system has 2",
            "total: the spec has 2, the system has 3",
        ),
        expected=RUN.steps[2].state,
    ),
)

JUGS = Trace(
    initial=immutabledict(big=0, small=0),
    steps=(
        Step("FillBig", immutabledict(), immutabledict(big=5, small=0)),
        Step("", immutabledict(), immutabledict(big=2, small=3)),
        Step("Wait", immutabledict(), immutabledict(big=2, small=3)),
    ),
    origin=Origin(source="tlc"),
    loop=1,
)


def text_of(trace: Trace, width: int = 100, **options: Any) -> str:
    return (
        "\n".join(line.plain for line in render(lanes_of(trace), width=width, file="t.itf.json", **options))
        + "\n"
    )


def inspect(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner(env={"NO_COLOR": None, "FORCE_COLOR": None, "COLUMNS": None, **environment}).invoke(
        inspect_command, list(map(str, arguments))
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "run.itf.json"
    itf.write(RUN, path)
    return path


# --- the whole ----------------------------------------------------------------------------------


def test_a_run_is_shown_with_a_column_per_node() -> None:
    assert (
        text_of(RUN)
        == """\
t.itf.json
no violation: a run of 4 steps
spec   PingPong.tla with PingPong.cfg
from   lockstep, seed 7, TLC 2.18
nodes  a, b

initially
    each node  turn=0, log=<<>>
    total      0
    net        (none)

step 1  Serve  a  spin=3
  ▸ a           b ·
    turn 0 → 1
    sent      Ping a→b turn=1
    shared    total 0 → 1

step 2  DuplicateMessage
    copied    Ping a→b turn=1

step 3  HandlePing  b
    a ·       ▸ b
                turn 0 → 1
    received  Ping a→b turn=1
    sent      Pong b→a turn=1
    shared    total 1 → 2

step 4  HandlePong  a
  ▸ a           b ·
    log += 1
    received  Pong b→a turn=1

4 steps, no violation
  repeat  make verify
  more    tlacheck inspect t.itf.json --step 4  # that step and the whole state after it
          tlacheck inspect t.itf.json --full  # the whole state after every step
"""
    )


def test_a_violation_is_marked_with_the_expected_value() -> None:
    assert (
        text_of(BROKEN).partition("\nstep 3")[2]
        == """\
  HandlePing  b
    a ·       ▸ b
                turn 0 → 2
    received  Ping a→b turn=1
    sent      Pong b→a turn=1
    shared    total 1 → 3
  ✗ conforms to PingPong broke here
    after HandlePing, 2 part(s) of the state differ:
             spec has  system has
    turn[b]  1         2
    total    2         3

✗ conforms to PingPong broke at step 3 of 3
  repeat  make verify
  more    tlacheck inspect t.itf.json --step 3  # that step and the whole state after it
          tlacheck inspect t.itf.json --full  # the whole state after every step
"""
    )


def test_a_lasso_shows_its_return_and_the_change_there() -> None:
    assert (
        text_of(JUGS)
        == """\
t.itf.json
no violation: a witness of 3 steps
from   tlc

initially
    big    0
    small  0

step 1  FillBig
    big 0 → 5
  ↺ state 1: the end of the trace returns here

step 2  (the trace does not name the action)
    big 5 → 2
    small 0 → 3

step 3  Wait
    nothing changed

↺ back to state 1, and so forever
    big 2 → 5
    small 3 → 0

3 steps, no violation
  more    tlacheck inspect t.itf.json --step 3  # that step and the whole state after it
          tlacheck inspect t.itf.json --full  # the whole state after every step
"""
    )


def test_a_single_step_is_shown_with_its_whole_state() -> None:
    lines = render_step(lanes_of(RUN), 3, width=100, file="t.itf.json")
    assert (
        "\n".join(line.plain for line in lines).partition("step 3")[2]
        == """\
  HandlePing  b
    a ·       ▸ b
                turn 0 → 1
    received  Ping a→b turn=1
    sent      Pong b→a turn=1
    shared    total 1 → 2

state after step 3
           a     b
    turn   1     1
    log    <<>>  <<>>
    total  2
    net    Ping a→b turn=1
           Pong b→a turn=1

  before  tlacheck inspect t.itf.json --step 2
  after   tlacheck inspect t.itf.json --step 4"""
    )


def test_the_full_view_has_all_variables_and_marks_changes() -> None:
    assert """\
step 4  HandlePong  a
    received  Pong b→a turn=1
            a       b
    turn    1       1
    log    *<<1>>   <<>>
    total   2
    net     Ping a→b turn=1
""" in text_of(RUN, full=True)


def test_a_violation_in_the_initial_state_is_marked_there() -> None:
    trace = Trace(
        initial=JUGS.initial, steps=(), origin=JUGS.origin, violation=Violation(property="NeverEmpty", step=0)
    )
    assert "    small  0\n  ✗ NeverEmpty broke here\n" in text_of(trace)


def test_a_violation_of_the_whole_behaviour_is_marked_at_its_end() -> None:
    trace = Trace(
        initial=JUGS.initial,
        steps=JUGS.steps,
        origin=JUGS.origin,
        loop=1,
        violation=Violation(property="Progress", step=None, explanation=("nothing more\nis poured",)),
    )
    shown = text_of(trace)
    assert "✗ Progress: violated by 3 steps\n" in shown
    assert "  ✗ Progress is broken by the behaviour as a whole\n    nothing more\n    is poured\n" in shown


def test_a_trace_ending_in_stuttering_says_so() -> None:
    trace = Trace(initial=JUGS.initial, steps=JUGS.steps, origin=JUGS.origin, loop=3)
    assert "    nothing changed\n\n↺ stays in state 3 forever\n\n3 steps" in text_of(trace)


# --- widths and strange values ------------------------------------------------------------------


def test_nodes_are_stacked_in_a_narrow_terminal() -> None:
    nodes = [ModelValue(f"node{number}") for number in range(8)]
    before, after = (
        {"place": immutabledict(dict.fromkeys(nodes, place))} for place in ("at home, asleep", "on the way")
    )
    trace = Trace(
        initial=immutabledict(before),
        steps=(Step("Go", immutabledict(), immutabledict(after)),),
        origin=Origin(source="tlc"),
    )
    shown = text_of(trace, width=60)
    assert '    node7  place "at home, asleep" → "on the way"\n' in shown
    assert max(map(len, text_of(trace, width=400).splitlines())) > 300, "columns where there is room"


def test_long_lists_break_between_their_items() -> None:
    log = tuple(immutabledict(term=term, value=A) for term in range(1, 6))
    trace = Trace(
        initial=immutabledict(log=()),
        steps=(Step("Fill", immutabledict(), immutabledict(log=log)),),
        origin=Origin(source="tlc"),
    )
    assert (
        text_of(trace, width=60).partition("Fill\n")[2].partition("\n\n")[0]
        == """\
    log += [term=1, value=a], [term=2, value=a],
      [term=3, value=a], [term=4, value=a],
      [term=5, value=a]"""
    )


STRANGE = Trace(
    initial=immutabledict(
        nothing=frozenset(),
        nested=immutabledict(inner=immutabledict(deep=immutabledict(x=frozenset({frozenset()})))),
        table=immutabledict({A: immutabledict({A: (), B: ()}), B: immutabledict({A: (), B: ()})}),
        rows=((), ((),)),
        words="it's \x1b[31m red",
    ),
    steps=(
        Step(
            "Odd",
            immutabledict(of=immutabledict({(1, 2): "x"})),
            immutabledict(
                nothing=frozenset({()}),
                nested=immutabledict(
                    inner=immutabledict(deep=immutabledict(x=frozenset({frozenset(), frozenset({1})})))
                ),
                table=immutabledict({A: immutabledict({A: (), B: (1,)}), B: immutabledict({A: (), B: ()})}),
                rows=((), ((), ())),
                words="",
            ),
        ),
    ),
    origin=Origin(source="tlc"),
)


def test_unusual_values_are_shown_by_their_changes() -> None:
    assert (
        text_of(STRANGE).partition("step 1")[2].partition("\n\n")[0]
        == """\
  Odd  a  of=(<<1, 2>>: x)
  ▸ a              b ·
    table[b] += 1
    shared    nothing += <<>>
              nested.inner.deep.x += {1}
              rows[2] += <<>>
              words "it's \x1b[31m red" → \"\""""
    )


def test_control_characters_in_a_file_are_escaped(tmp_path: Path) -> None:
    itf.write(STRANGE, tmp_path / "strange.itf.json")
    shown = inspect(tmp_path / "strange.itf.json")
    assert shown.exit_code == 0
    assert r"\x1b[31m red" in shown.output
    assert "\x1b" not in shown.output


@given(trace=traces(), width=st.integers(40, 160), full=st.booleans())
def test_every_trace_is_shown_within_its_width(*, trace: Trace, width: int, full: bool) -> None:
    lanes = lanes_of(trace)
    pages = [
        render(lanes, width=width, file="t", full=full),
        *(render_step(lanes, n, width=width, file="t") for n in range(len(trace) + 1)),
    ]
    for line in (line for page in pages for line in page):
        command = line.plain[:10].strip() in {"repeat", "more", "", "before", "after"}
        assert len(line.plain) <= width or command, line.plain


# --- the command --------------------------------------------------------------------------------


def test_piped_output_is_plain_and_120_wide_by_default(file: Path) -> None:
    long = Trace(initial=immutabledict(log=tuple(range(100))), steps=(), origin=Origin(source="tlc"))
    itf.write(long, file)
    assert "\x1b" not in inspect(file).output
    widths = [
        max(map(len, inspect(file, **env).output.splitlines()[2:-3])) for env in ({}, {"COLUMNS": "70"})
    ]
    assert 110 < widths[0] <= 120
    assert 60 < widths[1] <= 70


def test_colour_follows_the_request(file: Path) -> None:
    assert "\x1b[1;33m" in inspect(file, FORCE_COLOR="1").output
    assert "\x1b[1;33m" not in inspect(file, FORCE_COLOR="1", NO_COLOR="1").output


def test_a_single_step_can_be_selected(file: Path) -> None:
    shown = inspect(file, "--step", "2")
    assert shown.exit_code == 0
    assert "state after step 2" in shown.output
    assert "initially" in inspect(file, "--step", "0").output


def test_json_is_the_lanes_with_the_file(file: Path) -> None:
    data = json.loads(inspect(file, "--json").output)
    assert data["file"] == str(file)
    assert [step["action"] for step in data["steps"]] == [
        "Serve",
        "DuplicateMessage",
        "HandlePing",
        "HandlePong",
    ]
    assert "state" not in data["steps"][0]


def test_json_of_a_step_has_its_state(file: Path) -> None:
    data = json.loads(inspect(file, "--json", "--step", "3").output)
    assert [step["number"] for step in data["steps"]] == [3]
    assert data["steps"][0]["state"]["total"] == "2"
    assert all("state" in step for step in json.loads(inspect(file, "--json", "--full").output)["steps"])


@pytest.mark.parametrize("step", ["5", "-1"])
def test_a_missing_step_is_refused_with_the_range(file: Path, step: str) -> None:
    shown = inspect(file, "--step", step)
    assert shown.exit_code == 2
    assert (
        shown.stderr == f"{file}: there is no step {step}; this trace has steps 0 (the initial state) to 4\n"
    )
    assert shown.stdout == ""


def test_a_file_without_a_trace_is_refused_in_one_line(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("[]")
    for path in (tmp_path / "missing.itf.json", other, tmp_path):
        shown = inspect(path)
        assert shown.exit_code == 2
        assert shown.stderr.startswith(f"{path}: ")
        assert shown.stderr.count("\n") == 1


def test_without_a_file_the_newest_trace_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for age, (trace, path) in enumerate(
        [
            (JUGS, Path(".verify/latest/jugs/t.itf.json")),
            (RUN, Path("traces/counterexamples/old.itf.json")),
            (RUN, Path(".verify/traces/older.itf.json")),
        ]
    ):
        itf.write(trace, path)
        os.utime(path, (1_000_000_000 - age, 1_000_000_000 - age))
    assert ".verify/latest/jugs/t.itf.json" in inspect().output
    os.utime("traces/counterexamples/old.itf.json")
    assert "traces/counterexamples/old.itf.json" in inspect().output


def test_without_any_trace_the_command_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = inspect()
    assert shown.exit_code == 2
    assert "make verify" in shown.stderr
    assert shown.stderr.count("\n") == 1


def test_an_unexpected_violation_is_shown_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = Path("traces/counterexamples/wrong.itf.json")
    expected = Path(".verify/latest/mutant/t.itf.json")
    for path in (kept, expected):
        path.parent.mkdir(parents=True)
        itf.write(JUGS, path)
    os.utime(kept, (1, 1))
    assert str(expected) in inspect().output
    checks = [{"status": "ok", "trace": str(expected)}, {"status": "violated", "trace": str(kept)}]
    Path(".verify/latest/summary.json").write_text(json.dumps({"checks": checks}))
    assert str(kept) in inspect().output
