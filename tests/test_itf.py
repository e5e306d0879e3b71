"""Traces survive a round trip through ITF JSON, and other tools' traces can be read."""

import json
from pathlib import Path
from typing import Any

import attrs
import itf_py
import pytest
from hypothesis import given, settings
from immutabledict import immutabledict

from tests.strategies import traces, values
from tlacheck import itf
from tlacheck.errors import TraceError
from tlacheck.trace import Origin, Step, Trace
from tlacheck.values import ModelValue, function, same


@given(values)
def test_a_value_survives_writing_and_reading(value: Any) -> None:
    assert same(itf.value_from_json(json.loads(json.dumps(itf.value_to_json(value)))), value)


@given(traces())
@settings(max_examples=50)
def test_a_trace_survives_writing_and_reading(trace: Trace) -> None:
    text = itf.to_json(trace)
    again = itf.from_json(text)
    assert again == trace
    assert again.variables == trace.variables
    assert itf.to_json(again) == text


def _for_itf_py(value: Any) -> Any:
    """The value in itf-py's representation, except records, which it reads as generated classes."""
    match value:
        case tuple():
            return tuple(_for_itf_py(item) for item in value)
        case frozenset():
            return frozenset(_for_itf_py(member) for member in value)
        case immutabledict():
            return {_for_itf_py(key): _for_itf_py(item) for key, item in value.items()}
        case _:
            return value


@pytest.mark.parametrize(
    "value",
    [
        0, -(2**31), True, "text", (1, "a", ()), frozenset({1, 2}),
        frozenset({frozenset(), frozenset({"a"})}), immutabledict({0: "a", 7: "b"}),
        immutabledict({"not a name": 1}), immutabledict({(1, 2): frozenset({3})}),
    ],
)  # fmt: skip
def test_values_survive_a_round_trip_through_itf_py(value: Any) -> None:
    theirs = itf_py.itf.value_from_json(itf.value_to_json(value))
    assert theirs == _for_itf_py(value)
    assert same(itf.value_from_json(itf_py.itf.value_to_json(theirs)), value)


def _plain(value: Any) -> Any:
    """The value without types that itf-py lacks: model values become texts, records tuples."""
    match value:
        case ModelValue():
            return value.name
        case tuple():
            return tuple(map(_plain, value))
        case frozenset():
            return frozenset(map(_plain, value))
        case immutabledict() if "#map" not in itf.value_to_json(value):
            return tuple(_plain(value[key]) for key in sorted(value))
        case immutabledict():
            return function((_plain(key), _plain(item)) for key, item in value.items())
        case _:
            return value


def _plain_trace(trace: Trace) -> Trace:
    states = [immutabledict({key: _plain(item) for key, item in state.items()}) for state in trace.states]
    return attrs.evolve(
        trace,
        initial=states[0],
        steps=tuple(
            Step(step.action, immutabledict(), state)
            for step, state in zip(trace.steps, states[1:], strict=True)
        ),
        violation=None,
    )


@given(traces().map(_plain_trace))
@settings(max_examples=40)
def test_a_trace_survives_a_round_trip_through_itf_py(trace: Trace) -> None:
    """Both directions: itf-py reads our file, and we read its file."""
    theirs = itf_py.itf.trace_from_json(json.loads(itf.to_json(trace)))
    assert theirs.vars == list(trace.variables)
    assert theirs.loop == trace.loop
    assert [state.meta.get("action", "") for state in theirs.states[1:]] == [
        step.action for step in trace.steps
    ]
    again = itf.from_json(json.dumps(itf_py.itf.trace_to_json(theirs)))
    assert again.variables == trace.variables
    for one, other in zip(again.states, trace.states, strict=True):
        assert same(one, other)


def test_itf_py_reads_a_record_as_an_object_with_the_same_fields() -> None:
    theirs = itf_py.itf.value_from_json(itf.value_to_json(immutabledict({"term": 3, "log": (1,)})))
    assert (theirs.term, theirs.log) == (3, (1,))


@pytest.mark.parametrize(
    "record", [{"#bigint": "1"}, {"#meta": 1}, {"a b": 1}, {"": 1}, {"1": 2}, {"#tup": 1, "x": 2}]
)
def test_a_function_on_unusual_strings_stays_a_function(record: dict[str, Any]) -> None:
    value = immutabledict(record)
    assert "#map" in itf.value_to_json(value)
    assert itf.value_from_json(itf.value_to_json(value)) == value


def test_the_text_is_independent_of_insertion_order() -> None:
    one = immutabledict(
        {"x": frozenset({ModelValue("b"), ModelValue("a")}), "r": immutabledict({"p": 1, "q": 2})}
    )
    other = immutabledict(
        {"x": frozenset({ModelValue("a"), ModelValue("b")}), "r": immutabledict({"q": 2, "p": 1})}
    )
    origin = Origin(source="test")
    assert itf.to_json(Trace(initial=one, steps=(), origin=origin)) == itf.to_json(
        Trace(initial=other, steps=(), origin=origin)
    )


def test_a_trace_written_by_apalache_is_read() -> None:
    text = """{"#meta": {"format": "ITF", "varTypes": {"x": "Int"}, "description": "by Apalache"},
      "vars": ["x", "names"], "params": [], "loop": 0,
      "states": [{"#meta": {"index": 0}, "x": 1, "names": ["a", "b"]},
                 {"x": {"#bigint": "2"}, "names": {"#tup": []}}]}"""
    trace = itf.from_json(text)
    assert [dict(state) for state in trace.states] == [{"x": 1, "names": ("a", "b")}, {"x": 2, "names": ()}]
    assert trace.steps[0] == Step("", immutabledict(), trace.states[1])
    assert trace.loop == 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"states": [', "cut short"),
        ("[]", '"states"'),
        ('{"states": []}', "one state at least"),
        ('{"states": [3]}', "state 0 is no object"),
        ('{"states": [{"x": 1.5}]}', "state 0, x: 1.5 stands for no TLA+ value"),
        ('{"states": [{"x": null}]}', "no TLA+ value"),
        ('{"states": [{"x": {"#bigint": "many"}}]}', "no TLA+ value"),
        ('{"states": [{"x": {"#map": [[1]]}}]}', "no TLA+ value"),
        ('{"states": [{"x": {"#unserializable": "Nat"}}]}', "no TLA+ value"),
        ('{"vars": ["y"], "states": [{"x": 1}]}', "state 0 lacks y"),
        ('{"vars": "y", "states": [{"x": 1}]}', "list of names"),
        ('{"states": [{"x": 1}], "loop": 1}', '"loop" is 1'),
        ('{"states": [{"x": 1}, {"#meta": {"action": 7}, "x": 1}]}', "state 1"),
        ('{"#meta": {"violation": {}}, "states": [{"x": 1}]}', '"violation"'),
        ("", "is empty"),
        ("\x00\x01", "not JSON, at line 1, column 1"),
        ("[" * 100_000, "nested too deeply"),
        ('{"states": [{"x": ' + '{"#set": [' * 3000 + "]}" * 3000 + "}]}", "nested too deeply"),
        ('{"states": [{"x": NaN}]}', "state 0, x: NaN stands for no TLA+ value"),
        ('{"states": [{"x": 1' + "0" * 5000 + "}]}", "too long"),
        ('{"states": [{"x": {"#bigint": "1' + "0" * 5000 + '"}}]}', "more than 4000 digits"),
        ('{"states": [{"x": {"#bigint": true}}]}', "no TLA+ value"),
        ('{"states": [{"x": {"#set": [true, 1]}}]}', "a set holds both TRUE and 1"),
        ('{"states": [{"x": {"#map": [[1, 2], [true, 2]]}}]}', "are both 1 and TRUE"),
        ('{"states": [{"x": {"#map": [["a", 2], ["a", 3]]}}]}', 'two values for the argument "a": 2 and 3'),
    ],
)
def test_an_invalid_trace_is_refused_with_its_wrong_part(text: str, complaint: str) -> None:
    with pytest.raises(TraceError) as caught:
        itf.from_json(text, Path("run.itf.json"))
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("run.itf.json: ")


def test_a_value_outside_tla_cannot_be_written() -> None:
    trace = Trace(initial=immutabledict({"x": 1.5}), steps=(), origin=Origin(source="test"))
    with pytest.raises(TraceError, match=r"state 0, x: 1\.5, a float"):
        itf.to_json(trace)


def test_a_repeated_member_or_argument_counts_once() -> None:
    assert itf.value_from_json({"#set": [1, {"#bigint": "1"}]}) == frozenset({1})
    assert itf.value_from_json({"#map": [["a", 2], ["a", 2]]}) == immutabledict(a=2)


@pytest.mark.parametrize("number", [2**63, -(2**64) - 1, 10**3999, -(10**3999)])
def test_a_number_of_any_reasonable_size_survives(number: int) -> None:
    assert itf.value_from_json(json.loads(json.dumps(itf.value_to_json(number)))) == number


def test_a_number_too_large_for_readers_is_not_written() -> None:
    with pytest.raises(TraceError, match="more than 4000 digits"):
        itf.value_to_json(10**4000)


@pytest.mark.parametrize(
    "text", ["", "\x00\x1f\x7f", "\u2028\u202e", "\ud800", "a\udfffb", "\U0001f980", '\\ud800"\\', "#bigint"]
)
def test_a_string_of_any_characters_survives_in_a_file(tmp_path: Path, text: str) -> None:
    """A lone surrogate is no UTF-8, and a trace that could not be written would be lost."""
    trace = Trace(initial=immutabledict({"x": text, text: 1}), steps=(), origin=Origin(source=text))
    itf.write(trace, tmp_path / "trace.itf.json")
    assert itf.read(tmp_path / "trace.itf.json") == trace


def test_an_endlessly_nested_value_is_refused() -> None:
    value: Any = ()
    for _ in range(100_000):
        value = (value,)
    with pytest.raises(TraceError, match="nested too deeply"):
        itf.to_json(Trace(initial=immutabledict(x=value), steps=(), origin=Origin(source="test")))
    while value:  # taken apart by hand: Python frees what is nested by recursion
        (value,) = value


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "trace.itf.json").write_bytes(b'\xef\xbb\xbf{"states": [{"x": 1}]}')
    assert itf.read(tmp_path / "trace.itf.json").initial == {"x": 1}


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    trace = Trace(
        initial=immutabledict(x=(1, "a"), y=frozenset({ModelValue("n")})),
        steps=(Step("Go", immutabledict(by="n"), immutabledict(x=(), y=frozenset())),),
        origin=Origin(source="test"),
    )
    text = itf.to_json(trace).rstrip()
    for end in range(len(text)):
        with pytest.raises(TraceError):
            itf.from_json(text[:end], tmp_path)


def test_a_failed_write_leaves_only_the_old_file(tmp_path: Path) -> None:
    trace = Trace(initial=immutabledict(x=1), steps=(), origin=Origin(source="test"))
    (tmp_path / "file").write_text("old")
    with pytest.raises(TraceError, match="cannot be written"):
        itf.write(trace, tmp_path / "file" / "trace.itf.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(TraceError, match="cannot be written"):
        itf.write(trace, tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_file_is_written_with_its_folder_and_read_again(tmp_path: Path) -> None:
    trace = Trace(initial=immutabledict({"x": ModelValue("é1")}), steps=(), origin=Origin(source="test"))
    path = tmp_path / "deep" / "trace.itf.json"
    itf.write(trace, path)
    itf.write(trace, path)
    assert itf.read(path) == trace
    assert [found.name for found in path.parent.iterdir()] == ["trace.itf.json"]


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be read"):
        itf.read(tmp_path / "none.json")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TraceError, match="UTF-8"):
        itf.read(tmp_path / "binary")
