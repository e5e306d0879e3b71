"""`tlacheck histories`, the command and its drawing."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.histories.toys import op
from tlacheck.histories import Fate, History, Operation, write
from tlacheck.histories.cli import histories_command
from tlacheck.histories.timeline import lanes

STALE = (
    op(1, "c1", "put", (1, 2), key="x", value=1),
    op(2, "c1", "put", (3, 8), key="x", value=2),
    op(3, "c2", "get", (4, 5), 2, key="x"),
    op(4, "c2", "get", (6, 7), 1, key="x"),
    op(5, "c3", "put", (6, None), key="x", value=9),
)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(histories_command, [str(argument) for argument in arguments])


@pytest.fixture
def stale(tmp_path: Path) -> Path:
    write(History(operations=STALE, model="kv"), tmp_path / "history.ndjson")
    return tmp_path / "history.ndjson"


def test_an_illegal_history_is_shown_around_its_conflict(stale: Path) -> None:
    done = _run(stale)
    assert done.exit_code == 1
    assert done.stdout == (
        f"{stale}: illegal, model kv\n"
        "  5 operations of 3 processes (4 answered, 1 pending); 1 part, 4 configurations explored\n"
        "  no order explains #4 c2 get(x) → 1; the model answers 2 or 9\n"
        "\n"
        "longest linearizable prefix: the 5 operations of x that were called before #4 was answered\n"
        "  order 1 of them, 3 having happened:\n"
        "    #1 c1 put(x, 1) → null  then 1\n"
        "    #2 c1 put(x, 2) → null  then 2\n"
        "    #3 c2 get(x) → 2        then 2\n"
        "    the state is then 2, and of what is open\n"
        "    ✗ #4 c2 get(x) → 1: the model answers 2\n"
        "      #5 c3 put(x, 9) (pending): the model answers null\n"
        "  order 2 of them, 4 having happened:\n"
        "    #1 c1 put(x, 1) → null     then 1\n"
        "    #2 c1 put(x, 2) → null     then 2\n"
        "    #3 c2 get(x) → 2           then 2\n"
        "    #5 c3 put(x, 9) (pending)  then 9\n"
        "    the state is then 9, and of what is open\n"
        "    ✗ #4 c2 get(x) → 1: the model answers 9\n"
        "\n"
        "what overlaps there\n"
        "  c1  ├─ #1 put(x, 1) → null ─┤ ├─ #2 put(x, 2) → null ───────────────────┤\n"
        "  c2                              ├─ #3 get(x) → 2 ─┤ ├─ #4 get(x) → 1 ─✗\n"
        "  c3                                                    ├─ #5 put(x, 9) (pending) ╌\n"
    )


def test_a_linearizable_history_exits_with_0(tmp_path: Path) -> None:
    write(History(operations=(*STALE[:3], STALE[4])), tmp_path / "h")
    done = _run(tmp_path / "h", "--model", "kv")
    assert done.exit_code == 0
    assert "ok, model kv" in done.stdout
    assert "1 that were not answered need not have happened" in done.stdout


def test_a_limit_or_an_empty_history_is_inconclusive(stale: Path, tmp_path: Path) -> None:
    done = _run(stale, "--configurations", 1)
    assert done.exit_code == 3
    assert "unknown, model kv" in done.stdout
    assert "1 configurations were explored, and no more are allowed" in done.stdout
    assert "a linearizable prefix: the 1 operations of x" in done.stdout
    assert _run(stale, "--seconds", "1e-9").exit_code == 3
    write(History(operations=(), model="kv"), tmp_path / "empty")
    empty = _run(tmp_path / "empty")
    assert empty.exit_code == 3
    assert "none of 0 operations was answered: nothing was to explain" in empty.stdout


def test_an_unfinished_history_is_checked_as_it_stands(stale: Path) -> None:
    lines = stale.read_text(encoding="utf-8").splitlines(keepends=True)
    stale.write_text("".join(lines[:6]), encoding="utf-8")
    done = _run(stale)
    assert done.exit_code == 0
    assert "the file has no end: its run was cut short, or goes on" in done.stdout


def test_mistakes_exit_with_2_and_one_message(stale: Path, tmp_path: Path) -> None:
    wrong = _run(stale, "--model", "queue")
    assert wrong.exit_code == 2
    assert "the model queue has no 'put'. It has: enqueue(value), dequeue()" in wrong.stderr
    write(History(operations=STALE), tmp_path / "unsaid")
    unsaid = _run(tmp_path / "unsaid")
    assert unsaid.exit_code == 2
    assert (
        "it does not say of which model it is; choose one with --model: register, cas, kv, log, queue"
        in unsaid.stderr
    )
    nothing = _run(tmp_path / "nothing", "--json")
    assert nothing.exit_code == 2
    assert "cannot be read" in json.loads(nothing.stdout)["error"]


def test_json_refers_to_operations_by_number(stale: Path) -> None:
    done = _run(stale, "--json")
    data = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (data["legality"], data["model"], data["ended"]) == ("illegal", "kv", True)
    frontier = data["frontier"]
    assert (frontier["returning"]["number"], frontier["prefix"], frontier["is_longest"]) == (
        4,
        [1, 2, 3, 4, 5],
        True,
    )
    assert [attempt["order"] for attempt in frontier["attempts"]] == [[1, 2, 3], [1, 2, 3, 5]]


def test_control_characters_in_a_file_are_escaped(tmp_path: Path) -> None:
    write(
        History(operations=(op(1, "c\x1b[2J", "read", (1, 2), "\x1b]0;x\x07"),), model="register"),
        tmp_path / "h",
    )
    done = _run(tmp_path / "h")
    assert done.exit_code == 1
    assert "\x1b" not in done.stdout


# --- the drawing --------------------------------------------------------------------------------


def test_a_process_with_an_unknown_outcome_continues_in_a_new_lane() -> None:
    given_up = Operation(
        number=1, process="c1", call=STALE[0].call, fate=Fate.UNKNOWN, invoked_at=1, answered_at=2
    )
    later = op(2, "c1", "get", (3, 4), 1, key="x")
    assert list(lanes((given_up, later))) == ["c1  ├─ #1 put(x, 1) (unknown) ╌", "      ├─ #2 get(x) → 1 ─┤"]


def test_a_wide_drawing_is_cut_on_the_left() -> None:
    drawn = list(lanes(STALE, width=40))
    assert all(len(line) <= 40 for line in drawn)
    assert drawn[0].startswith("c1  …")


def test_bars_overlap_exactly_if_their_operations_do() -> None:
    first, second = lanes((op(1, "a", "read", (1, 3)), op(2, "b", "read", (2, 4))))
    assert second.index("├") < first.index("┤")
    first, second = lanes((op(1, "a", "read", (1, 2)), op(2, "b", "read", (3, 4))))
    assert first.index("┤") < second.index("├")
