"""Histories as values and as files: round trips, and refusals with a reason."""

import io
import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from immutabledict import immutabledict

from tests.histories.toys import corpus, op
from tlacheck.histories import (
    Call,
    Fate,
    History,
    HistoryError,
    Reader,
    Recorder,
    Writer,
    check,
    key_value,
    read,
    register,
    write,
)
from tlacheck.histories.history import frozen, in_words, shortened
from tlacheck.trace import Origin

HEADER = '{"format": "tlacheck history", "version": 1, "model": "register"}\n'
CALL = '{"invoke": 1, "process": "c1", "op": "write", "arguments": {"value": 1}}\n'
NEXT = '{"invoke": 2, "process": "c2", "op": "read"}\n'
ANSWER = '{"return": 1, "answer": null}\n'


def _read(*lines: str) -> History:
    reader = Reader(io.StringIO("".join(lines)), Path("h.ndjson"))
    for _ in reader:
        pass
    return reader.history()


# --- as values ----------------------------------------------------------------------------------


def test_a_recorder_keeps_the_order_of_its_calls() -> None:
    recorder = Recorder()
    put = recorder.invoke("c1", "put", key="x", value=[1, {"a": 2}])
    get = recorder.invoke("c2", "get", key="x")
    recorder.answer(get, 1)
    recorder.give_up(put)
    late = recorder.invoke("c1", "get", key="x")
    recorder.fail(late)
    recorder.invoke("c1", "get", key="y")
    history = recorder.history(model="kv")
    assert [str(operation) for operation in history.operations] == [
        "#1 c1 put(x, [1, {a: 2}]) (unknown)",
        "#2 c2 get(x) → 1",
        "#3 c1 get(x) (failed)",
        "#4 c1 get(y) (pending)",
    ]
    assert [(each.invoked_at, each.answered_at) for each in history.operations] == [
        (1, 4),
        (2, 3),
        (5, 6),
        (7, None),
    ]
    assert history.processes == ("c1", "c2")
    assert (recorder.calls, history.model) == (4, "kv")


def test_values_from_json_are_hashable() -> None:
    call = Call("put", immutabledict({"value": [1, {"a": [2]}, {3}]}))
    assert call["value"] == (1, immutabledict({"a": (2,)}), frozenset({3}))
    assert hash(call) == hash(Call("put", call.arguments))
    with pytest.raises(HistoryError, match="cannot be hashed"):
        frozen(bytearray())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true"),
        ((1, "a"), "[1, a]"),
        (immutabledict(a=()), "{a: []}"),
        ("", "''"),
        ("\x1b[2J", r"'\x1b[2J'"),
    ],
)
def test_values_are_shortened_and_escaped(value: Any, words: str) -> None:
    assert in_words(value) == words


def test_a_long_value_is_shown_by_its_ends() -> None:
    assert shortened("a" * 50 + "b" * 50) == "a" * 30 + "…" + "b" * 30


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ((op(1, "a", "read", (1, 2)), op(1, "b", "read", (1, 2))), "two operations have the number 1"),
        ((op(1, "a", "read", (3, 2)),), "ended at 2, before its call at 3"),
        (
            (op(1, "a", "read", (1, 3)), op(2, "a", "read", (2, 4))),
            "while its #1 ended at 3: a process does one thing",
        ),
        (
            (op(1, "a", "read", (1, 2)), op(2, "a", "read", (2, 4))),
            "where clocks are too coarse to tell, number the events",
        ),
        ((op(1, "a", "read", (1, None)), op(2, "a", "read", (2, 4))), "while its #1 is pending"),
    ],
)
def test_an_impossible_history_is_refused(operations: Any, message: str) -> None:
    with pytest.raises(HistoryError, match=message):
        History(operations=operations)


def test_an_operation_is_pending_exactly_if_it_has_no_end() -> None:
    whole = op(1, "a", "read", (1, 2))
    for wrong in ({"fate": Fate.PENDING}, {"answered_at": None}):
        with pytest.raises(HistoryError, match="a pending operation has no such time, every other has one"):
            History(operations=(attrs.evolve(whole, **wrong),))


# --- as files -----------------------------------------------------------------------------------


def test_a_history_round_trips_with_the_same_verdict(tmp_path: Path) -> None:
    for model, history in corpus(4, seed=3):
        write(history, tmp_path / "deep" / "history.ndjson")
        again = read(tmp_path / "deep" / "history.ndjson")
        assert again == history
        assert check(again, model).legality is check(history, model).legality


def test_a_writer_flushes_each_event_and_marks_the_end() -> None:
    file = io.StringIO()
    origin = Origin(source="simulation", seed=0, command="make it")
    with Writer(file, model="register", origin=origin) as writer:
        recorder = Recorder(on_event=writer.event)
        number = recorder.invoke("c1", "write", value=("a", None))
        assert len(file.getvalue().splitlines()) == 2
        recorder.answer(number)
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    assert lines[1:] == [
        {"invoke": 1, "process": "c1", "op": "write", "arguments": {"value": ["a", None]}},
        {"return": 1, "answer": None},
        {"end": 1},
    ]
    history = _read(file.getvalue())
    assert (history.origin, history.ended, history.model) == (origin, True, "register")
    assert history.operations == recorder.history().operations


def test_a_failed_run_leaves_a_history_without_an_end() -> None:
    """A reader must not take it for the whole run."""
    file = io.StringIO()
    with pytest.raises(RuntimeError), Writer(file):
        raise RuntimeError
    assert '"end"' not in file.getvalue()


def test_a_history_is_read_while_it_is_written() -> None:
    """The last line may be incomplete; the lines before it count."""
    history = _read(HEADER, CALL, '{"return": 1, "ans')
    assert not history.ended
    assert [operation.fate for operation in history.operations] == [Fate.PENDING]
    with pytest.raises(HistoryError, match="line 3: not JSON, at column"):
        _read(HEADER, CALL, '{"return": 1, \n')


def test_blank_lines_and_readable_times_change_nothing() -> None:
    timed = (
        CALL.replace('"invoke"', '"time": 5, "invoke"'),
        "\n",
        ANSWER.replace('"return"', '"time": 5, "return"'),
    )
    assert _read(HEADER, *timed).operations == _read(HEADER, CALL, ANSWER).operations


def test_the_order_comes_from_lines_or_times_as_requested() -> None:
    """Two events of the same time are concurrent, and lines of one time may stand in any order."""
    lines = (
        '{"invoke": 1, "process": "c1", "op": "write", "arguments": {"value": 1}, "time": 0}\n',
        '{"return": 1, "time": 5}\n',
        '{"invoke": 2, "process": "c2", "op": "read", "time": 5}\n',
        '{"return": 2, "answer": null, "time": 6.5}\n',
    )
    assert check(_read(HEADER, *lines), register()).verdict().is_violated
    by_times = HEADER.replace("}", ', "order": "times"}')
    assert check(_read(by_times, *lines), register()).verdict().is_established


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["[]\n"], "line 1: should be a JSON object"),
        ([""], 'line 1: no history: its first line should hold "format": "tlacheck history"'),
        ([HEADER.replace("1", "2")],
            'line 1: its "version" is 2, and this tlacheck reads versions 1 to 1. Is tlacheck too old?'),
        ([HEADER.replace('"register"', "3")], '"model" should be the name of a model'),
        ([HEADER.replace("}", ', "order": "size"}')],
            '"order" is \'size\'; it should be "lines" or "times"'),
        ([HEADER, ANSWER], "line 2: #1 returns without having been called: 0 calls came so far"),
        ([HEADER, CALL, ANSWER, ANSWER], "line 4: #1 returns twice: it was answered at 2"),
        ([HEADER, CALL, CALL.replace("1", "2", 1)],
            "line 3: c1 calls #2 while its #1 is open: a process does one thing"),
        ([HEADER, NEXT], "line 2: call number 2 comes where 1 should"),
        ([HEADER, CALL.replace("{", '{"time": 7, ', 1), ANSWER.replace("{", '{"time": 6, ', 1)],
            "line 3: time goes back from 7 to 6"),
        ([HEADER.replace("}", ', "order": "times"}'), CALL], 'line 2: an event has no "time"'),
        ([HEADER, CALL.replace("{", '{"time": true, ', 1)], '"time" should be a number'),
        ([HEADER, "{}\n"], 'line 2: should have either "invoke" or "return"'),
        ([HEADER, '{"invoke": "1"}\n'], "\"invoke\" is '1'; it should be the number of the operation"),
        ([HEADER, '{"invoke": 1, "op": "read"}\n'], 'a call needs a "process" and an "op", both strings'),
        ([HEADER, CALL.replace('{"value": 1}', "[1]")], '"arguments" should be an object'),
        ([HEADER, CALL, '{"return": 1, "fate": "lost"}\n'],
            "\"fate\" is 'lost'; it should be one of answered, failed, unknown"),
        ([HEADER, CALL, '{"return": 1, "fate": "failed", "answer": 1}\n'],
            'an operation that is failed has no "answer"'),
        ([HEADER, CALL, '{"return": 1, "answer": NaN}\n'], "line 3: NaN is no JSON value"),
        ([HEADER, CALL, '{"end": 2}\n'], '"end" is 2, and 1 calls came before it'),
        ([HEADER, CALL, '{"end": 1}\n', ANSWER], 'line 4: there is a line after the one with "end"'),
    ],
)  # fmt: skip
def test_a_wrong_line_is_reported_with_the_expected_form(lines: list[str], message: str) -> None:
    with pytest.raises(HistoryError) as refused:
        _read(*lines)
    assert str(refused.value).startswith("h.ndjson: line ")
    assert message in str(refused.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="cannot be read: No such file"):
        read(tmp_path / "nothing")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(HistoryError, match="no text file in UTF-8"):
        read(tmp_path / "binary")
    with pytest.raises(HistoryError, match="cannot be written"):
        write(History(operations=()), tmp_path / "binary" / "history")
    with pytest.raises(HistoryError, match="is no JSON value, so no file can hold it"):
        write(History(operations=(op(1, "a", "write", (1, 2), value={1}),)), tmp_path / "history")
    nowhere = check(History(operations=(op(1, "a", "get", (1, 2), key=frozenset({1})),)), key_value())
    assert nowhere.verdict().is_established
