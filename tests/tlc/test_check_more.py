"""Options and results of a check beyond its verdict, on both engines, for specs with known outcomes."""

import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tlacheck import itf
from tlacheck.engine import Engine
from tlacheck.errors import ConfigError, EngineError
from tlacheck.tlc import Checker, CheckResult, Progress
from tlacheck.tlc._lasso import truths
from tlacheck.tlc._levels import RECORD, levels_of
from tlacheck.tlc._protocol import Kind, Message
from tlacheck.tlc._transcript import PRINTED_LINES_MAX, VIOLATIONS_MAX, Transcript
from tlacheck.tlc.cli._live import live
from tlacheck.tlc.cli._result import result_lines
from tlacheck.tlc.cli.check import check_command


def _counts(result: CheckResult) -> tuple[int, int, int]:
    return result.generated, result.distinct, result.depth


# --- constraints, views, symmetry ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "config", "counts"),
    [
        ("Grid", "Grid", (25, 16, 7)),
        ("Grid", "GridNear", (13, 6, 3)),  # CONSTRAINT: 1 + 2 + 3 states, 2 successors each
        ("Grid", "GridRight", (8, 4, 4)),  # ACTION_CONSTRAINT: one row, each state but the last with one up
        ("Grid", "GridColumn", (8, 4, 4)),  # VIEW: one state of each column
        ("Guests", "Guests", (13, 8, 4)),  # 1 + 3 * 2 ** 2
        ("Guests", "GuestsAlike", (7, 4, 4)),  # SYMMETRY: 1 + 3 + 2 + 1
    ],
)
def test_constraints_views_and_symmetry_reduce_the_counts(
    checker: Checker, load: Any, module: str, config: str, counts: tuple[int, ...]
) -> None:
    result = checker.check(load(module, config), deadlock=False)
    assert str(result.verdict) == "exhausted"
    assert _counts(result) == counts
    assert result.warnings == ()


def test_symmetry_with_liveness_gives_a_warning(checker: Checker, load: Any) -> None:
    result = checker.check(load("Guests", "GuestsAlikeCome"), deadlock=False)
    (warning,) = result.warnings
    assert "symmetry" in warning
    assert "liveness" in warning


def test_invariants_are_checked_in_states_outside_the_constraint_too(checker: Checker, load: Any) -> None:
    result = checker.check(load("Climb", "ClimbLow"), deadlock=False)
    assert result.verdict.violates == "Low"
    assert result.distinct == 4  # the state that violates it is not among them


# --- all violations -----------------------------------------------------------------------------


def test_without_continue_there_is_one_violation(checker: Checker, load: Any) -> None:
    result = checker.check(load("Climb", "ClimbMany"), deadlock=False)
    (violation,) = result.violations
    assert violation.property == result.verdict.violates == "Tiny"
    assert violation.trace == result.trace


def test_with_continue_all_violations_are_found_each_with_its_trace(checker: Checker, load: Any) -> None:
    result = checker.check(load("Climb", "ClimbMany"), continue_=True)
    assert result.verdict.violates == "Tiny"
    # State 3 violates Tiny as well: of several invariants TLC names the first. The deadlock ends the search.
    assert [
        (found.property, [state["n"] for state in found.trace.states])
        for found in result.violations
        if found.trace is not None
    ] == [
        ("Tiny", [0, 1, 2]),
        ("Grow", [0, 1, 0]),
        ("Small", [0, 1, 2, 3]),
        ("Grow", [0, 1, 2, 1]),
        ("Small", [0, 1, 2, 3, 4]),
        ("Small", [0, 1, 2, 3, 4, 5]),
        ("Deadlock", [0, 1, 2, 3, 4, 5]),
    ]
    assert _counts(result) == (8, 6, 6)
    assert result.trace == result.violations[0].trace
    assert result.violations_dropped == 0
    assert result.trace is not None
    assert result.trace.origin.command.endswith(" --continue")


def test_endless_violations_are_kept_up_to_a_limit_and_counted() -> None:
    transcript = Transcript()
    for number in range(VIOLATIONS_MAX + 20):
        transcript.take(Message(2110, Kind.ERROR, f"Invariant Inv{number} is violated."))
        transcript.take(Message(2121, Kind.ERROR, "The behavior up to this point is:"))
        transcript.take(Message(2217, Kind.STATE, "1: <Initial predicate>\nn = 1\n"))
    transcript.take(Message(2114, Kind.ERROR, "Deadlock reached."))
    transcript.take(Message(2217, Kind.STATE, "1: <Initial predicate>\nn = 2\n"))
    transcript.take(Message(2199, Kind.INFORMATION, "the figures"))
    codes = [message.code for message in transcript.messages]
    assert codes.count(2110) == codes.count(2121) == VIOLATIONS_MAX
    assert codes[-3:] == [2114, 2217, 2199]
    assert transcript.violations_dropped == 20


# --- temporal properties ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "config", "violated"),
    [
        ("Lamp", "Lamp", ["StaysLit", "StaysDark"]),
        ("Lamp", "LampStays", ["ThenStays", "NeverOutAgain"]),
        ("DieHard", "DieHardTwo", ["Solved"]),  # it stays in the initial state, where the big jug is empty
    ],
)
def test_the_temporal_properties_that_a_lasso_violates_are_named(
    checker: Checker, load: Any, module: str, config: str, violated: list[str]
) -> None:
    result = checker.check(load(module, config))
    assert [found.property for found in result.violations] == violated
    assert result.verdict.violates == violated[0]
    for found in result.violations:
        assert found.trace is not None
        assert found.trace.violation is not None
        assert found.trace.violation.property == found.property
        assert found.trace.violation.step is None


_LASSO = st.integers(1, 6).flatmap(
    lambda length: st.tuples(
        st.lists(st.booleans(), min_size=length, max_size=length),
        st.lists(st.booleans(), min_size=length, max_size=length),
        st.integers(0, length - 1),
    )
)


@given(_LASSO)
def test_truth_along_a_lasso_is_that_along_its_behaviour(lasso: tuple[list[bool], list[bool], int]) -> None:
    left, right, loop = lasso
    length = len(left)

    def future(position: int) -> set[int]:
        seen = set()
        while position not in seen:
            seen.add(position)
            position = position + 1 if position + 1 < length else loop
        return seen

    everywhere = range(length)
    assert truths("LNAll", [left], loop) == [all(left[j] for j in future(i)) for i in everywhere]
    assert truths("LNEven", [left], loop) == [any(left[j] for j in future(i)) for i in everywhere]
    assert truths("LNNeg", [left], loop) == [not value for value in left]
    assert truths("LNConj", [left, right], loop) == [left[i] and right[i] for i in everywhere]
    assert truths("LNDisj", [left, right], loop) == [left[i] or right[i] for i in everywhere]


# --- depth first --------------------------------------------------------------------------------


def test_a_depth_first_search_is_bounded_by_its_depth(checker: Checker, load: Any) -> None:
    spec = load("DieHard", "DieHardNotFour")
    short = checker.check(spec, depth_first=6)
    assert str(short.verdict) == "bounded(5 steps)"
    assert (short.distinct, short.depth) == (12, 6)  # 1 2 3 2 2 2
    long = checker.check(spec, depth_first=7)
    assert long.verdict.violates == "NotFour"
    assert long.trace is not None
    assert long.trace.states[0] == {"big": 0, "small": 0}
    assert long.trace.states[-1]["big"] == 4
    assert len(long.trace) == 6
    assert long.trace.origin.command.endswith(" --dfid 7")


def test_a_depth_first_search_that_reaches_the_end_is_exhaustive(checker: Checker, load: Any) -> None:
    result = checker.check(load("DieHard"), depth_first=50)
    assert str(result.verdict) == "exhausted"
    assert (result.distinct, result.depth) == (16, 8)


def test_a_depth_first_search_finds_each_violation_once(checker: Checker, load: Any) -> None:
    assert checker.check(load("Countdown"), depth_first=9).verdict.violates == "Deadlock"
    result = checker.check(load("Climb", "ClimbMany"), deadlock=False, continue_=True, depth_first=9)
    found = [(each.property, each.trace) for each in result.violations]
    assert {name for name, _ in found} == {"Tiny", "Small", "Grow"}
    assert len(found) == len({(name, trace.states) for name, trace in found if trace is not None})


def test_options_unsupported_by_depth_first_search_are_refused(checker: Checker, load: Any) -> None:
    with pytest.raises(ConfigError, match="temporal properties"):
        checker.check(load("Lamp"), depth_first=5)  # TLC 2.15 would say that they hold
    for options in ({"workers": 2}, {"coverage": True}, {"levels": True}):
        with pytest.raises(ConfigError, match=next(iter(options))):
            checker.check(load("Grid"), depth_first=5, **options)
    with pytest.raises(ConfigError, match="depth_first is 1;"):
        checker.check(load("Grid"), depth_first=1)


# --- states per level ---------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_the_states_of_each_level_are_counted(checker: Checker, load: Any, workers: int) -> None:
    result = checker.check(load("Grid"), deadlock=False, levels=True, workers=workers)
    assert sum(result.levels) == result.distinct == 16
    if workers == 1:
        assert result.levels == (1, 2, 3, 4, 3, 2, 1)


def test_levels_count_explored_states_only(checker: Checker, load: Any) -> None:
    assert checker.check(load("Grid", "GridNear"), deadlock=False, levels=True).levels == (1, 2, 3)
    assert checker.check(load("Climb", "ClimbMany"), levels=True).levels == (1, 1, 1)
    assert checker.check(load("Grid"), deadlock=False).levels == ()


def _trace_file(path: Path, predecessors: list[tuple[int, int]]) -> Path:
    """A trace file of TLC: for each state, its predecessor's (index, file); (-1, 0) if it is initial."""
    records = (
        RECORD.pack(1 if index < 0 else index * RECORD.size, file)[:5] + bytes(8)
        for index, file in predecessors
    )
    path.write_bytes(b"".join(records))
    return path


def test_levels_follow_predecessors_across_trace_files(tmp_path: Path) -> None:
    # a0 -> b0 -> a1 -> a2 -> b1, and a0 -> b2
    first = _trace_file(tmp_path / "0", [(-1, 0), (0, 1), (1, 0)])
    second = _trace_file(tmp_path / "1", [(0, 0), (2, 0), (0, 0)])
    assert levels_of([first, second]) == (1, 2, 1, 1, 1)


@pytest.mark.parametrize("wrong", [[(0, 1)], [(-1, 0), (1, 0)], [(-1, 0), (0, 7)]])
def test_inconsistent_trace_files_are_refused(tmp_path: Path, wrong: list[tuple[int, int]]) -> None:
    files = [_trace_file(tmp_path / "0", wrong), _trace_file(tmp_path / "1", [])]
    with pytest.raises(EngineError, match="levels? are unknown|level are unknown"):
        levels_of(files)


# --- printed values -----------------------------------------------------------------------------


def test_printed_values_are_part_of_the_result(checker: Checker, load: Any) -> None:
    result = checker.check(load("Parrot"), deadlock=False)
    assert result.printed == ('<<"turn", 0>>', '<<"turn", 1>>', '<<"turn", 2>>')
    assert result.printed_dropped == 0
    assert checker.check(load("Grid"), deadlock=False).printed == ()


def test_a_spec_cannot_forge_a_tlc_message_by_printing(checker: Checker, load: Any) -> None:
    result = checker.check(load("Parrot", "ParrotLying"), deadlock=False)
    assert str(result.verdict) == "exhausted"
    assert any("Invariant Truth is violated" in text for text in result.printed)


def test_printed_values_are_kept_up_to_a_limit(checker: Checker, load: Any) -> None:
    result = checker.check(load("Parrot", "ParrotLoud"), deadlock=False)
    assert str(result.verdict) == "exhausted"
    assert len(result.printed) == PRINTED_LINES_MAX
    # one scream and 1200 turns
    assert PRINTED_LINES_MAX + result.printed_dropped == 1201
    (scream,) = (text for text in result.printed if "aaa" in text)
    assert len(scream) < 11_000
    assert scream.endswith("(6,386 more characters)")  # of 16,384 and two quotes


def test_parser_messages_are_no_printed_values() -> None:
    transcript = Transcript()
    for number in range(PRINTED_LINES_MAX + 5):
        transcript.take(Message(None, Kind.INFORMATION, f"Parsing module M{number}"))
    transcript.take(Message(2219, Kind.INFORMATION, "SANY finished."))
    for _ in range(PRINTED_LINES_MAX + 5):
        transcript.take(Message(None, Kind.INFORMATION, "hello"))
    assert len(transcript.messages) == 2 * PRINTED_LINES_MAX + 6
    assert transcript.printed_dropped == 5


# --- cancelled, out of time ---------------------------------------------------------------------


def test_a_check_cancelled_by_another_thread_reports_its_progress(one_engine: Engine, load: Any) -> None:
    with Checker(engine=one_engine, memory_mb=512) as checker:
        threads: list[threading.Thread] = []

        def cancel(progress: Progress) -> None:
            if progress.depth > 1 and not threads:
                threads.append(threading.Thread(target=checker.cancel))
                threads[0].start()

        result = checker.check(load("Endless"), timeout=60, on_progress=cancel)
        assert str(result.verdict) == "unknown(cancelled)"
        assert result.generated >= result.distinct > 1
        assert result.queue > 0
        assert result.depth > 1
        for thread in threads:
            thread.join()
        assert checker.check(load("Grid"), deadlock=False).verdict.is_established


# --- the progress line --------------------------------------------------------------------------

_FAR = Progress(generated=12_000, distinct=3_000, queue=40, seconds=4.0, depth=9)
_LINE = "12,000 states generated, 3,000 distinct, 40 to go, depth 9, 3,000 states/s, 4 s"


def _console(**options: Any) -> tuple[Console, io.StringIO]:
    output = io.StringIO()
    return Console(file=output, width=120, highlight=False, markup=False, **options), output


def test_on_a_terminal_the_progress_line_is_redrawn() -> None:
    console, output = _console(force_terminal=True)
    with live("Toy [n3]", console=console) as tell:
        tell(_FAR)
    assert f"Toy [n3]: {_LINE}" in output.getvalue()
    assert "\n…" not in output.getvalue()


def test_no_color_disables_terminal_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    colour = "\x1b[32m"  # rich draws the spinner green
    console, output = _console(force_terminal=True)
    with live("Toy", console=console) as tell:
        tell(_FAR)
    assert colour in output.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    console, output = _console(force_terminal=True)
    with live("Toy", console=console) as tell:
        tell(_FAR)
    assert colour not in output.getvalue()


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_without_a_terminal_progress_is_printed_every_half_minute(
    monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setenv("TERM", term)
    console, output = _console(force_terminal=term == "dumb")
    time = [0.0]
    with live("Toy", console=console, clock=lambda: time[0]) as tell:
        for time[0] in (10.0, 29.0, 30.0, 31.0, 59.0, 61.0):
            tell(_FAR)
    assert output.getvalue().splitlines() == [f"… Toy: {_LINE}"] * 2


# --- the command --------------------------------------------------------------------------------


@pytest.fixture
def run(specs: Path, in_tmp_path: None, warm_check_command: None) -> Any:  # noqa: ARG001 - they set the scene
    """`run("Grid", "--levels")`: the command on one of the specs, in an empty folder."""

    def invoke(module: str, *arguments: str) -> Result:
        return CliRunner().invoke(
            check_command, [str(specs / f"{module}.tla"), "--memory", "512", *arguments]
        )

    return invoke


def test_the_command_shows_a_lasso_and_writes_it_with_its_loop(run: Any, tmp_path: Path) -> None:
    done = run("Lamp", "--config", "LampStays.cfg")
    assert done.exit_code == 1, done.output
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "state 0          lit=FALSE" in lines
    assert "state 1  Switch  lit FALSE → TRUE" in lines
    assert "↺ back to state 0, and so forever" in lines
    assert itf.read(tmp_path / ".verify" / "traces" / "Lamp-LampStays.itf.json").loop == 0


def test_the_command_lists_all_violations_and_writes_a_file_for_each(run: Any, tmp_path: Path) -> None:
    done = run("Climb", "--config", "ClimbMany.cfg", "--continue", "--trace", "out/all.itf.json")
    assert done.exit_code == 1, done.output
    assert "Climb-ClimbMany: violated(Tiny)" in done.stdout
    assert "7 violations:" in done.stdout
    assert (
        "Deadlock a state is reached in which no action is enabled, 5 steps: out/all-7.itf.json"
        in done.stdout
    )
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files == ["all-2.itf.json", *(f"all-{n}.itf.json" for n in range(3, 8)), "all.itf.json"]
    second = itf.read(tmp_path / "out" / "all-2.itf.json")
    assert second.violation is not None
    assert second.violation.property == "Grow"


def test_the_json_of_the_command_is_complete(run: Any) -> None:
    done = run("Climb", "--config", "ClimbMany.cfg", "--continue", "--levels", "--coverage", "--json")
    data = json.loads(done.stdout)
    assert [found["property"] for found in data["violations"]][:2] == ["Tiny", "Grow"]
    assert data["violations"][1]["trace"].endswith("Climb-ClimbMany-2.itf.json")
    assert data["levels"] == [1, 1, 1, 1, 1, 1]
    assert [part["name"] for part in data["coverage"]["never_taken"]] == ["Leap"]


def test_the_command_refuses_incompatible_options(run: Any) -> None:
    done = run("Grid", "--dfid", "9", "--coverage")
    assert done.exit_code == 2
    assert "coverage and depth_first do not go together" in done.stderr


def _shown(result: CheckResult) -> list[str]:
    return list(result_lines(result, Path("t.itf.json")))


def test_a_behaviour_that_stops_is_shown_as_stuttering(checker: Checker, load: Any) -> None:
    lines = _shown(checker.check(load("DieHard", "DieHardTwo")))
    assert "    ↺ stuttering: state 0 forever" in lines
    assert "    state 0  big=0, small=0" in lines


def test_the_process_whose_variable_changed_is_shown(checker: Checker, load: Any) -> None:
    lines = _shown(checker.check(load("Mutex", "MutexUnfair")))
    assert any("p: pc idle → waiting" in line or "q: pc idle → waiting" in line for line in lines)


def test_levels_and_printed_values_are_shown(one_checker: Checker, load: Any) -> None:
    grid = _shown(one_checker.check(load("Grid"), deadlock=False, levels=True))
    assert "  states per level: 1 2 3 4 3 2 1" in grid
    assert '  printed: <<"turn", 2>>' in _shown(one_checker.check(load("Parrot"), deadlock=False))
    loud = _shown(one_checker.check(load("Parrot", "ParrotLoud"), deadlock=False))
    assert loud[-1] == "  printed: 1,181 more; --json has the first 1,000"
    assert max(map(len, loud)) <= 110
