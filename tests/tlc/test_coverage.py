"""Coverage of a spec by a check: runs on both engines, and messages as TLC prints them."""

from pathlib import Path
from typing import Any

from tlacheck.tlc import Checker
from tlacheck.tlc._protocol import Kind, Message
from tlacheck.tlc.cli._result import result_lines
from tlacheck.tlc.coverage import Coverage, Role, read_coverage
from tlacheck.tlc.spec import Spec


def test_an_action_counts_its_steps_and_new_states(checker: Checker, load: Any) -> None:
    coverage = checker.check(load("Climb"), deadlock=False, coverage=True).coverage
    assert coverage is not None
    assert [(part.name, part.taken, part.distinct, part.location.line) for part in coverage.parts] == [
        ("Init", 1, 1, 6),
        ("Up", 5, 5, 7),
        ("Fall", 2, 0, 8),  # nothing that was not there
        ("Leap", 0, 0, 9),
    ]
    assert [part.role for part in coverage.parts] == [Role.INIT, *[Role.ACTION] * 3]
    assert coverage.parts[1].location.file.endswith("Climb.tla")


def test_an_action_never_taken_is_listed(checker: Checker, load: Any) -> None:
    coverage = checker.check(load("Climb"), deadlock=False, coverage=True).coverage
    assert coverage is not None
    (dead,) = coverage.never_taken
    assert dead.name == "Leap"
    assert str(dead.where).endswith("Climb.tla:9:1")
    whole = checker.check(load("DieHard"), coverage=True).coverage
    assert whole is not None
    assert whole.never_taken == ()


def test_expressions_count_their_evaluations(checker: Checker, load: Any) -> None:
    coverage = checker.check(load("Climb"), deadlock=False, coverage=True).coverage
    assert coverage is not None
    lines = {line: count for (_, line), count in coverage.lines().items()}
    assert lines[6] == 1
    assert lines[7] == 6  # n < 5, in every state
    assert lines[9] == 6
    up = coverage.parts[1]
    counts = {expression.location.column: expression.count for expression in up.expressions}
    assert counts[7] == 6  # n
    assert counts[43] == 5  # n' = n + 1, where n < 5


def test_a_branch_never_reached_is_listed(checker: Checker, load: Any) -> None:
    coverage = checker.check(load("DieHard"), coverage=True).coverage
    assert coverage is not None
    assert coverage.never_evaluated == ()
    climb = checker.check(load("Climb"), deadlock=False, coverage=True).coverage
    assert climb is not None
    places = [(place.location.line, place.location.column) for place in climb.never_evaluated]
    assert places == [(7, 31)]  # IF n > 50 THEN n' = 0


def test_disjuncts_of_one_action_are_told_apart(checker: Checker, load: Any) -> None:
    coverage = checker.check(load("Endings"), deadlock=False, coverage=True).coverage
    assert coverage is not None
    assert [(part.name, part.where.line, part.taken) for part in coverage.actions] == [
        ("Move", 6, 2),
        ("Move", 7, 0),
    ]
    assert {part.location.line for part in coverage.actions} == {5}
    (dead,) = coverage.never_taken
    assert dead.where.line == 7


def test_invariants_are_covered_too(checker: Checker, load: Any) -> None:
    coverage = checker.check(load("DieHard"), coverage=True).coverage
    assert coverage is not None
    (invariant,) = (part for part in coverage.parts if part.role is Role.INVARIANT)
    assert (invariant.name, invariant.taken) == ("TypeOK", None)
    assert invariant.expressions[0].count == 16


def test_coverage_is_off_by_default(checker: Checker, load: Any) -> None:
    assert checker.check(load("DieHard")).coverage is None


# --- as TLC prints it ---------------------------------------------------------------------------


def _coverage(*texts: tuple[int, str]) -> Coverage | None:
    messages = [Message(code, Kind.INFORMATION, text) for code, text in texts]
    return read_coverage(messages, Spec(Path("none/M.tla"), Path("none/M.cfg")))


_UP = "<Up line 7, col 1 to line 7, col 2 of module M>: "


def test_only_the_last_report_counts() -> None:
    coverage = _coverage(
        (2201, "The coverage statistics at ..."), (2772, _UP + "0:0"), (2202, "End of statistics."),
        (2201, "The coverage statistics at ..."), (2772, _UP + "1,500:1,234,567"),
        (2775, "  ||line 7, col 7 to line 7, col 11 of module M: 1,000:2,000"), (2202, "End of statistics."),
    )  # fmt: skip
    assert coverage is not None
    (part,) = coverage.parts
    assert (part.taken, part.distinct) == (1_234_567, 1500)
    (expression,) = part.expressions
    assert (expression.nesting, expression.count, expression.cost) == (2, 1000, 2000)
    assert expression.end == (7, 11)
    assert str(expression.location) == "M:7:7"  # there is no such file: the bare module


def test_an_expression_reached_by_another_part_counts_as_evaluated() -> None:
    unreached = (2221, "  line 3, col 3 to line 3, col 5 of module M: 0")
    reached = (2221, "  line 3, col 3 to line 3, col 5 of module M: 4")
    other = "<Down line 8, col 1 to line 8, col 4 of module M>: "
    start = (2201, "The coverage statistics at ...")
    alone = _coverage(start, (2772, _UP + "1:1"), unreached)
    both = _coverage(start, (2772, _UP + "1:1"), unreached, (2772, other + "1:1"), reached)
    dead = _coverage(start, (2772, _UP + "0:0"), unreached)
    assert alone is not None
    assert both is not None
    assert dead is not None
    assert len(alone.never_evaluated) == 1
    assert both.never_evaluated == ()
    assert dead.never_evaluated == ()  # the action as a whole is listed


def test_constraints_reported_by_newer_tlcs_have_no_state_counts() -> None:
    coverage = _coverage(
        (2201, "..."), (2778, "<Few line 9, col 1 to line 9, col 3 of module M>: 3:12")
    )  # fmt: skip
    assert coverage is not None
    (part,) = coverage.parts
    assert (part.role, part.taken) == (Role.CONSTRAINT, None)
    assert coverage.never_taken == ()


# --- the report ---------------------------------------------------------------------------------


def test_actions_never_taken_are_named(checker: Checker, load: Any, specs: Path) -> None:
    result = checker.check(load("Climb"), deadlock=False, coverage=True)
    lines = list(result_lines(result, Path("t.itf.json")))
    assert f"  never taken: Leap at {specs / 'Climb.tla'}:9:1" in lines
    assert f"  never evaluated: {specs / 'Climb.tla'}:7:31" in lines


def test_after_an_early_end_never_taken_is_qualified(checker: Checker, load: Any, specs: Path) -> None:
    result = checker.check(load("Climb", "ClimbMany"), coverage=True)
    lines = list(result_lines(result, Path("t.itf.json")))
    assert f"  never taken (up to where the search ended): Leap at {specs / 'Climb.tla'}:9:1" in lines
