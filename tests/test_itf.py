"""Traces survive being written as ITF JSON, and other tools' traces can be read."""

import json
from pathlib import Path
from typing import Any

import itf_py
import pytest
from hypothesis import given, settings
from immutabledict import immutabledict

from tests.strategies import traces, values
from tlacheck import itf
from tlacheck.errors import TraceError
from tlacheck.trace import Origin, Step, Trace
from tlacheck.values import ModelValue, same


@given(values)
def test_a_value_that_is_written_and_read_is_the_same(value: Any) -> None:
    assert same(itf.value_from_json(json.loads(json.dumps(itf.value_to_json(value)))), value)


@given(traces())
@settings(max_examples=50)
def test_a_trace_that_is_written_and_read_is_the_same(trace: Trace) -> None:
    text = itf.to_json(trace)
    again = itf.from_json(text)
    assert again == trace
    assert again.variables == trace.variables
    assert itf.to_json(again) == text


def _for_itf_py(value: Any) -> Any:
    """Our value as itf-py has it, records apart: it reads those as classes of its own making."""
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
        0,
        -(2**31),
        True,
        "text",
        (1, "a", ()),
        frozenset({1, 2}),
        frozenset({frozenset(), frozenset({"a"})}),
        immutabledict({0: "a", 7: "b"}),
        immutabledict({"not a name": 1}),
        immutabledict({(1, 2): frozenset({3})}),
    ],
)
def test_itf_py_reads_what_is_written_and_writes_what_is_read(value: Any) -> None:
    theirs = itf_py.itf.value_from_json(itf.value_to_json(value))
    assert theirs == _for_itf_py(value)
    assert same(itf.value_from_json(itf_py.itf.value_to_json(theirs)), value)


def test_itf_py_reads_a_record_as_an_object_with_the_same_fields() -> None:
    theirs = itf_py.itf.value_from_json(itf.value_to_json(immutabledict({"term": 3, "log": (1,)})))
    assert (theirs.term, theirs.log) == (3, (1,))


@pytest.mark.parametrize(
    "record",
    [{"#bigint": "1"}, {"#meta": 1}, {"a b": 1}, {"": 1}, {"1": 2}, {"#tup": 1, "x": 2}],
)
def test_a_function_on_odd_strings_is_not_taken_for_something_else(record: dict[str, Any]) -> None:
    value = immutabledict(record)
    assert "#map" in itf.value_to_json(value)
    assert itf.value_from_json(itf.value_to_json(value)) == value


def test_the_text_does_not_depend_on_the_order_in_which_things_were_made() -> None:
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


def test_a_trace_of_apalache_is_read() -> None:
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
    ],
)
def test_what_is_no_trace_is_refused_with_the_part_at_fault(text: str, complaint: str) -> None:
    with pytest.raises(TraceError) as caught:
        itf.from_json(text, Path("run.itf.json"))
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("run.itf.json: ")


def test_a_value_that_tla_does_not_have_cannot_be_written() -> None:
    trace = Trace(initial=immutabledict({"x": 1.5}), steps=(), origin=Origin(source="test"))
    with pytest.raises(TraceError, match=r"state 0, x: 1\.5, a float"):
        itf.to_json(trace)


def test_a_file_is_written_whole_with_its_folder_and_read_again(tmp_path: Path) -> None:
    trace = Trace(initial=immutabledict({"x": ModelValue("é1")}), steps=(), origin=Origin(source="test"))
    path = tmp_path / "deep" / "trace.itf.json"
    itf.write(trace, path)
    itf.write(trace, path)
    assert itf.read(path) == trace
    assert [found.name for found in path.parent.iterdir()] == ["trace.itf.json"]


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be read"):
        itf.read(tmp_path / "none.json")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TraceError, match="UTF-8"):
        itf.read(tmp_path / "binary")
