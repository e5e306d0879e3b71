"""Run logs hold known values only, and a malformed line is reported by its number."""

import io
import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from tests.strategies import identifiers, texts, values
from tlacheck import runlog
from tlacheck.errors import TraceError
from tlacheck.runlog import Event, Header, Reader, Run, Writer
from tlacheck.trace import Origin
from tlacheck.values import ModelValue

HEADER = '{"format": "tlacheck run", "version": 1, "source": "test"}'

_maps = st.dictionaries(identifiers, values, max_size=3).map(immutabledict)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Logs of up to four events."""
    events = []
    for number in range(1, draw(st.integers(1, 5))):
        action = draw(st.just("") | identifiers)
        node = draw(st.none() | values)
        events.append(
            Event(
                number=number,
                action=action,
                arguments=draw(_maps) if action else immutabledict(),
                node=node,
                state=draw(_maps),
                local=immutabledict() if node is None else draw(_maps),
                time_ms=draw(st.none() | st.floats(0, 1e9) | st.integers(0, 10**9)),
                note=draw(texts),
            )
        )
    origin = Origin(source=draw(texts), seed=draw(st.none() | st.integers(0, 2**64)), command=draw(texts))
    return Run(
        header=Header(origin=origin, initial=draw(_maps)), events=tuple(events), ended=draw(st.booleans())
    )


def _text(run: Run) -> str:
    file = io.StringIO()
    writer = Writer(file, run.header)
    for event in run.events:
        writer.event(event)
    if run.ended:
        writer.end()
    return file.getvalue()


@given(runs())
@settings(max_examples=30)
def test_a_log_survives_writing_and_reading(run: Run) -> None:
    text = _text(run)
    reader = Reader(text.splitlines())
    again = Run(header=reader.header, events=tuple(reader), ended=reader.ended)
    assert again == run
    assert _text(again) == text


def test_a_file_is_read_whole_or_event_by_event(tmp_path: Path) -> None:
    run = Run(
        header=Header(origin=Origin(source="test")),
        events=(Event(number=1, action="Send"), Event(number=2, note="on")),
    )
    path = tmp_path / "folder" / "run.ndjson"
    runlog.write(run, path)
    assert runlog.read(path) == run
    with runlog.reading(path) as reader:
        assert [reader.ended] == [False]
        assert list(reader) == list(run)
        assert [reader.ended] == [True]
    assert [each.name for each in path.parent.iterdir()] == ["run.ndjson"]


def test_a_failed_write_leaves_the_old_log(tmp_path: Path) -> None:
    path = tmp_path / "run.ndjson"
    good = Run(header=Header(origin=Origin(source="test")), events=(Event(number=1, action="Send"),))
    runlog.write(good, path)
    bad = attrs.evolve(good, events=(Event(number=1, state=immutabledict(x=1.5)),))
    with pytest.raises(TraceError, match="no TLA\\+ value"):
        runlog.write(bad, path)
    assert runlog.read(path) == good
    endless = attrs.evolve(good, events=(Event(number=1, time_ms=float("inf")),))
    with pytest.raises(TraceError, match="event 1: JSON has no number like inf"):
        runlog.write(endless, path)
    assert [each.name for each in tmp_path.iterdir()] == ["run.ndjson"]


def test_every_line_is_flushed_before_the_next_event(tmp_path: Path) -> None:
    """A crash of the system must lose no line."""
    path = tmp_path / "run.ndjson"
    with path.open("w", encoding="utf-8") as file:
        writer = Writer(file, Header(origin=Origin(source="test")))
        writer.event(Event(number=0, action="Send"))
        assert len(path.read_text(encoding="utf-8").splitlines()) == 2
        assert not runlog.read(path).ended


def test_a_run_that_ends_with_an_exception_has_no_end_line() -> None:
    def run() -> None:
        with Writer(file, Header(origin=Origin(source="test"))):
            raise RuntimeError("the system fell over")

    file = io.StringIO()
    with pytest.raises(RuntimeError):
        run()
    assert '"end"' not in file.getvalue()


def test_a_constraint_is_more_than_a_note() -> None:
    assert not Event(number=1, note="hello", time_ms=3, node=ModelValue("a")).constrains
    assert Event(number=1, action="Send").constrains
    assert Event(number=1, state=immutabledict(x=1)).constrains


def test_a_custom_field_is_ignored() -> None:
    (event,) = Reader([HEADER, '{"event": 1, "action": "Send", "x-thread": 7}'])
    assert event == Event(number=1, action="Send")


def test_following_a_log_stops_at_its_end_line() -> None:
    lines = iter([HEADER, '{"end": 0}', "more"])
    reader = Reader(lines, live=True)
    assert list(reader) == []
    assert reader.ended
    assert next(lines) == "more"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], 'line 1: no log of a run: its first line should hold "format": "tlacheck run"'),
        (["{}"], "line 1: no log of a run"),
        (["[1]"], "line 1: should be a JSON object"),
        (['{"format": "tlacheck run", "version": 2}'],
            'its "version" is 2, and this tlacheck reads versions 1 to 1'),
        (['{"format": "tlacheck run", "version": true}'], 'its "version" is True'),
        (['{"format": "tlacheck run", "version": 1, "initail": {}}'],
            'line 1: there is no field "initail" here'),
        ([HEADER, '{"event": 1'], "line 2: not JSON, at column 12"),
        ([HEADER, '{"event": 1, "time_ms": NaN}'], "line 2: not JSON: NaN is no number of JSON"),
        ([HEADER, '{"event": 1, "state": {"x": ' + "[" * 100_000], "line 2: "),
        ([HEADER, '{"event": 2}'], 'line 2: "event" is 2; it should be 1'),
        ([HEADER, '{"event": true}'], 'line 2: "event" is True; it should be 1'),
        ([HEADER, '{"event": 1}', '{"event": 3}'], 'line 3: "event" is 3; it should be 2'),
        ([HEADER, '{"event": 1}', '{"event": 1}'], 'line 3: "event" is 1; it should be 2'),
        ([HEADER, '{"event": 1}', '{"end": 2}'], 'line 3: the end line should be {"end": 1}'),
        ([HEADER, '{"event": 1}', '{"end": true}'], 'line 3: the end line should be {"end": 1}'),
        ([HEADER, '{"end": 0}', '{"event": 1}'], 'line 3: there is a line after the one with "end"'),
        ([HEADER, '{"event": 1, "locals": {}}'],
            'line 2: there is no field "locals" here; there are action,'),
        ([HEADER, '{"event": 1, "action": 3}'], 'line 2: "action" should be a string'),
        ([HEADER, '{"event": 1, "time_ms": true}'], 'line 2: "time_ms" should be a number'),
        ([HEADER, '{"event": 1, "local": {"x": 1}}'], 'line 2: "local" needs a "node"'),
        ([HEADER, '{"event": 1, "arguments": {"x": 1}}'], 'line 2: "arguments" need an "action"'),
        ([HEADER, '{"event": 1, "state": [1]}'], 'line 2: "state" should be an object'),
        ([HEADER, '{"event": 1, "state": {"x": 1.5}}'], "line 2: state, x: 1.5 stands for no TLA+ value"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_a_malformed_line_is_reported(lines: list[str], message: str) -> None:
    with pytest.raises(TraceError) as caught:
        list(Reader(lines))
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["no text", "no file"])
def test_a_file_that_is_no_log_is_reported_by_path(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "run.ndjson"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TraceError, match="run.ndjson: (is no text file|cannot be read)"):
        runlog.read(path)


def test_a_line_can_be_written_in_any_language() -> None:
    data: dict[str, Any] = {"event": 1, "action": "Send", "node": {"#model": "a"}, "local": {"sent": 1}}
    (event,) = Reader([HEADER, json.dumps(data), '{"end": 1}'])
    assert event.node == ModelValue("a")
    assert event.local == {"sent": 1}
