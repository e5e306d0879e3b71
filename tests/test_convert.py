"""Conversion of traces from TLC's output, solvers, logs and failed tests, and into other formats."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
import z3
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from tests.strategies import traces
from tlacheck import itf, runlog
from tlacheck.convert import (
    WRITTEN,
    Members,
    format_of,
    losses,
    read_traces,
    run_from_trace,
    trace_from_run,
    trace_from_z3,
    traces_in,
    traces_of_failure,
    written,
)
from tlacheck.errors import ConfigError, SetupError, TraceError
from tlacheck.tlc import Checker
from tlacheck.tlc.printout import traces_of_printout
from tlacheck.trace import Origin, Step, Trace, Violation
from tlacheck.values import ModelValue, same

P, Q = ModelValue("p"), ModelValue("q")
TRACE = Trace(
    initial=immutabledict(x=0, who=P),
    steps=(
        Step("Add", immutabledict(by=1), immutabledict(x=1, who=P)),
        Step("Pass", immutabledict(to=Q), immutabledict(x=1, who=Q)),
    ),
    origin=Origin(source="test", spec="Adder.tla", seed=4, versions=immutabledict(tlacheck="1")),
)

# --- output of TLC ------------------------------------------------------------------------------

INVARIANT = """TLC2 Version 2.18 of 20 March 2023
Running breadth-first search Model-Checking with fp 43 and seed -88 with 1 worker on 2 cores.
Semantic processing of module Naturals
Semantic processing of module Adder
Error: Invariant Small is violated.
Error: The behavior up to this point is:
State 1: <Initial predicate>
/\\ x = 0
/\\ who = p

State 2: <Add(1) line 8, col 12 to line 8, col 38 of module Adder>
/\\ x = 1
/\\ who = p

66 states generated, 13 distinct states found, 1 states left on queue.
"""


def test_a_violated_invariant_is_read_from_tlcs_output() -> None:
    (trace,) = traces_of_printout(INVARIANT)
    assert trace.states == TRACE.states[:2]
    assert trace.steps[0].action == "Add"
    assert trace.violation == Violation(property="Small", step=1)
    assert (trace.origin.source, trace.origin.spec, trace.origin.seed) == ("tlc", "Adder.tla", -88)


def test_the_head_of_the_output_may_be_missing() -> None:
    (trace,) = traces_of_printout(INVARIANT[INVARIANT.index("State 1") :])
    assert trace.states == TRACE.states[:2]
    assert trace.violation is None


@pytest.mark.parametrize(
    ("ending", "loop"),
    [
        ("State 3: Stuttering\n", 1),
        ("Back to state 1: <Add line 8, col 12 to line 8, col 38 of module Adder>\n", 0),
        ("Back to state: 2 <Add line 8, col 12 to line 8, col 38 of module Adder>\n", 1),
    ],
)
def test_a_lasso_keeps_its_loop(ending: str, loop: int) -> None:
    text = INVARIANT.replace("Invariant Small is violated.", "Temporal properties were violated.")
    (trace,) = traces_of_printout(text.replace("66 states", f"{ending}66 states"))
    assert trace.loop == loop
    assert trace.violation
    assert trace.violation.step is None


def test_numbered_messages_are_the_same_trace() -> None:
    states = INVARIANT[INVARIANT.index("State 1") :].rpartition("\n\n")[0].split("\n\n")
    text = "@!@!@STARTMSG 2110:1 @!@!@\nInvariant Small is violated.\n@!@!@ENDMSG 2110 @!@!@\n" + "".join(
        f"@!@!@STARTMSG 2217:4 @!@!@\n{state.removeprefix('State ')}\n\n@!@!@ENDMSG 2217 @!@!@\n"
        for state in states
    )
    (trace,) = traces_of_printout(text)
    assert trace.states == TRACE.states[:2]
    assert trace.violation == Violation(property="Small", step=1)


def test_differential_states_are_completed() -> None:
    (trace,) = traces_of_printout(
        INVARIANT.replace(
            "State 2: <Add(1) line 8, col 12 to line 8, col 38 of module Adder>\n/\\ x = 1\n/\\ who = p",
            "State 2: <Add(1) line 8, col 12 to line 8, col 38 of module Adder>\n/\\ x = 1",
        )
    )
    assert trace.states == TRACE.states[:2]


def test_a_violated_initial_state_has_no_head_and_no_steps() -> None:
    (trace,) = traces_of_printout(
        "Error: Invariant Small is violated by the initial state:\nx = 7\n\nFinished in 0s\n"
    )
    assert (dict(trace.initial), len(trace)) == ({"x": 7}, 0)
    assert trace.violation == Violation(property="Small", step=0)


def test_several_counterexamples_are_several_traces() -> None:
    other = INVARIANT[INVARIANT.index("Error") :].replace("Small", "Tiny").replace("x = 1", "x = 5")
    found = traces_of_printout(INVARIANT + other)
    assert [trace.violation.property for trace in found if trace.violation] == ["Small", "Tiny"]
    assert [trace.states[1]["x"] for trace in found] == [1, 5]


def test_a_file_of_the_simulator_is_a_trace() -> None:
    (trace,) = traces_of_printout(
        "---------------- MODULE trace_0_0 -----------------\n"
        "\\* Initial predicate\nSTATE_1 ==\n/\\ x = 0\n/\\ who = p\n\n"
        "\\* <Add line 8, col 12 to line 8, col 38 of module Adder>\n"
        "STATE_2 ==\n/\\ x = 1\n/\\ who = p\n\n=====\n"
    )
    assert trace.states == TRACE.states[:2]
    assert trace.steps[0].action == "Add"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("TLC2 Version 2.18\nModel checking completed. No error has been found.\n", "no counterexample here"),
        (INVARIANT.replace("State 2", "State 3"), "state 3 stands where state 2 should"),
        (INVARIANT.replace("/\\ x = 0\n/\\ who = p\n", ""), "state 1 has no variables"),
        (INVARIANT.replace("x = 1", "x = Nat"), "state 2: a state holds Nat"),
        (INVARIANT[: INVARIANT.index("x = 1") - 3], "state 2 has no variables"),
    ],
)
def test_a_missing_part_is_named(text: str, complaint: str) -> None:
    with pytest.raises(TraceError, match="run.out: ") as caught:
        traces_in(text, Path("run.out"))
    assert complaint in str(caught.value)


@pytest.mark.parametrize("options", [[], ["-tool"]], ids=["plain", "tool"])
def test_printed_values_agree_with_the_checkers(
    one_checker: Checker, load: Any, tmp_path: Path, options: list[str]
) -> None:
    """The checker gets values from TLC in another way; both texts must mean the same."""
    spec = load("Kinds")
    expected = one_checker.check(spec, deadlock=False).trace
    assert expected
    command = [sys.executable, "-c", "from tlacheck.cli import main; main()", "tlc", "--", *options]
    done = subprocess.run(
        [*command, "-metadir", str(tmp_path), "-deadlock", "-config", str(spec.config), str(spec.path)],
        cwd=tmp_path,
        env={**os.environ, "JDK_JAVA_OPTIONS": f"-Djava.io.tmpdir={tmp_path}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    (trace,) = traces_in(done.stdout)
    assert all(same(one, other) for one, other in zip(trace.states, expected.states, strict=True))
    assert [step.action for step in trace.steps] == [step.action for step in expected.steps]
    assert trace.violation
    assert expected.violation
    assert (trace.violation.property, trace.violation.step) == (
        expected.violation.property,
        expected.violation.step,
    )


# --- JSON written by TLC ------------------------------------------------------------------------

LOCATION = {"beginLine": 8, "beginColumn": 1, "endLine": 9, "endColumn": 2, "module": "Adder"}
ONE, TWO = {"x": 0, "log": [], "on": {"0": 1, "1": 5}}, {"x": 1, "log": [{"term": 1}], "on": {"p": True}}


def test_states_and_actions_of_a_json_dump_become_a_trace() -> None:
    data = {
        "state": [[2, TWO], [1, ONE]],
        "action": [
            [[1, ONE], {"name": "Add", "location": LOCATION, "parameter": {"by": 1}}, [2, TWO]],
            [[2, TWO], {"name": "Back", "location": LOCATION}, [1, ONE]],
        ],
    }
    for spelling in (data, {"counterexample": data}):
        (trace,) = traces_in(json.dumps(spelling))
        assert dict(trace.initial) == {"x": 0, "log": (), "on": immutabledict({0: 1, 1: 5})}
        assert trace.steps[0] == Step(
            "Add",
            immutabledict(by=1),
            immutabledict(x=1, log=(immutabledict(term=1),), on=immutabledict(p=True)),
        )
        assert trace.loop == 0


def test_a_list_of_states_is_a_trace_without_actions() -> None:
    (trace,) = traces_in(json.dumps([{"x": 0}, {"x": 1, "event": {"action": "Add", "by": 1}}]))
    assert [step.action for step in trace.steps] == ["Add"], "unless its states say so"
    assert trace.steps[0].arguments == {"by": 1}


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"state": []}, "it has none"),
        ({"state": [[1, ONE], [3, TWO]]}, r"it has \[1, 3\]"),
        ({"state": [1, 2]}, "list pairs"),
        ({"state": [[1, {"x": 1.5}]]}, "state 1: 1.5 stands for no TLA\\+ value"),
        ({"state": [[1, ONE]], "action": [[1, 2]]}, "list triples"),
        ({"state": [[1, ONE]], "action": 5}, "should be a list"),
    ],
)
def test_json_that_is_no_counterexample_is_refused(data: Any, complaint: str) -> None:
    with pytest.raises(TraceError, match=f"^dump.json: .*{complaint}"):
        traces_in(json.dumps(data), Path("dump.json"))


# --- logs of runs -------------------------------------------------------------------------------


@given(traces())
@settings(max_examples=20, phases=(Phase.explicit, Phase.generate))
def test_a_trace_survives_conversion_to_a_log_and_back(trace: Trace) -> None:
    """Except for parts that a log cannot hold, which are reported."""
    plain = attrs.evolve(
        trace,
        loop=None,
        violation=None,
        steps=tuple(
            step if step.action else attrs.evolve(step, arguments=immutabledict()) for step in trace.steps
        ),
    )
    assert trace_from_run(run_from_trace(trace)) == plain
    (again,) = traces_in(written(trace, "ndjson", file="t"))
    assert again == plain
    assert bool(losses(trace, "ndjson")) == (trace != plain)


def log(initial: dict[str, Any], *events: dict[str, Any]) -> runlog.Run:
    return runlog.Run(
        header=runlog.Header(origin=Origin(source="test"), initial=immutabledict(initial)),
        events=tuple(runlog.Event(number=number, **event) for number, event in enumerate(events, start=1)),
    )


def test_an_event_with_only_a_note_is_no_step() -> None:
    trace = trace_from_run(log({"x": 0}, {"note": "the disk is slow"}, {"state": immutabledict(x=1)}))
    assert [step.state for step in trace.steps] == [immutabledict(x=1)]


@pytest.mark.parametrize(
    ("run", "complaint"),
    [
        (log({}, {"action": "Go"}), 'no "initial" state'),
        (log({"x": 0, "y": 0}, {"state": immutabledict(x=1)}), "event 1 does not say the whole state: y"),
        (log({"x": 0}, {"action": "Go"}), "event 1 does not say the whole state: x"),
        (log({"x": 0}, {"state": immutabledict(x=1, z=2)}), "event 1 has z"),
    ],
)
def test_a_partial_log_is_refused_as_a_trace(run: runlog.Run, complaint: str) -> None:
    """Unlogged values are unknown; taking them as unchanged would invent states."""
    with pytest.raises(TraceError, match=complaint):
        trace_from_run(run)


# --- solvers ------------------------------------------------------------------------------------


def test_the_unrolling_of_a_bounded_check_becomes_a_trace() -> None:
    """Two jugs of three and five: the unrolling's model in which the big one holds four."""
    big, small = ([z3.Int(f"{jug}_{k}") for k in range(7)] for jug in ("big", "small"))
    acts = ("FillSmall", "FillBig", "EmptySmall", "EmptyBig", "SmallToBig", "BigToSmall")
    taken = [{act: z3.Bool(f"{act}_{k}") for act in acts} for k in range(6)]
    solver = z3.Solver()
    solver.add(big[0] == 0, small[0] == 0, big[6] == 4)
    for k in range(6):
        b, s, b2, s2 = big[k], small[k], big[k + 1], small[k + 1]
        total = b + s
        effects = {
            "FillSmall": (b2 == b, s2 == 3),
            "FillBig": (b2 == 5, s2 == s),
            "EmptySmall": (b2 == b, s2 == 0),
            "EmptyBig": (b2 == 0, s2 == s),
            "SmallToBig": (b2 == z3.If(total > 5, 5, total), s2 == total - b2),
            "BigToSmall": (s2 == z3.If(total > 3, 3, total), b2 == total - s2),
        }
        solver.add(z3.Or(*taken[k].values()))
        solver.add(*(z3.Implies(taken[k][act], z3.And(*effect)) for act, effect in effects.items()))
    assert solver.check() == z3.sat
    trace = trace_from_z3(
        solver.model(),
        [{"big": b, "small": s} for b, s in zip(big, small, strict=True)],
        actions=taken,
        violation=Violation(property="NotFour", step=6),
    )
    assert [step.action for step in trace.steps] == [
        "FillBig",
        "BigToSmall",
        "EmptySmall",
        "BigToSmall",
        "FillBig",
        "BigToSmall",
    ]
    assert dict(trace.states[-1]) == {"big": 4, "small": 3}
    assert trace.origin.source == "z3"
    assert trace.origin.versions["z3"] == z3.get_version_string()
    assert itf.from_json(itf.to_json(trace)) == trace


def model_of(*assertions: Any) -> z3.ModelRef:
    solver = z3.Solver()
    solver.add(*assertions)
    assert solver.check() == z3.sat
    return solver.model()


def test_every_sort_with_a_finite_value_becomes_that_value() -> None:
    role, (follower, leader) = z3.EnumSort("Role", ["Follower", "Leader"])
    entry = z3.Datatype("Entry")
    entry.declare("entry", ("term", z3.IntSort()), ("by", role))
    entry = entry.create()
    message = z3.Datatype("Message")
    message.declare("none")
    message.declare("ping", ("round", z3.IntSort()))
    message = message.create()
    log_of = z3.Array("log", z3.IntSort(), entry)
    state = {
        "flag": z3.Bool("flag"),
        "free": z3.Int("free"),
        "bits": z3.BitVec("bits", 8),
        "whole": z3.Real("whole"),
        "text": z3.String("text"),
        "role": z3.Const("role", role),
        "log": [log_of[1], log_of[2]],
        "got": z3.Const("got", message),
        "last": z3.Const("last", message),
        "terms": {P: z3.Int("t_p"), Q: 7},
        "voters": Members({P: z3.Bool("v_p"), Q: z3.Bool("v_q")}),
        "fixed": ("a", True, ModelValue("Nil"), frozenset({1})),
    }
    model = model_of(
        state["flag"],
        state["bits"] == 200,
        state["whole"] == 3,
        state["text"] == "say",
        state["role"] == leader,
        log_of[1] == entry.entry(4, follower),
        log_of[2] == entry.entry(5, leader),
        state["got"] == message.ping(2),
        state["last"] == message.none,
        state["terms"][P] == -6,
        state["voters"].chosen[P],
        z3.Not(state["voters"].chosen[Q]),
    )
    found = dict(trace_from_z3(model, [state]).initial)
    assert isinstance(found.pop("free"), int), "what the model leaves open gets a value"
    assert found == {
        "flag": True,
        "bits": 200,
        "whole": 3,
        "text": "say",
        "role": ModelValue("Leader"),
        "log": (
            immutabledict(term=4, by=ModelValue("Follower")),
            immutabledict(term=5, by=ModelValue("Leader")),
        ),
        "got": immutabledict(round=2, tag="ping"),
        "last": ModelValue("none"),
        "terms": immutabledict({P: -6, Q: 7}),
        "voters": frozenset({P}),
        "fixed": ("a", True, ModelValue("Nil"), frozenset({1})),
    }


def test_an_action_may_be_a_name_or_an_expression_and_have_arguments() -> None:
    act, (go, stay) = z3.EnumSort("Act", ["Go", "Stay"])
    x, a = z3.Int("x"), z3.Const("a", act)
    states = [{"x": 0}, {"x": x}, {"x": x}]
    model = model_of(x == 2, a == go, go != stay)
    trace = trace_from_z3(model, states, actions=[a, "Wait"], arguments=[{"by": x}, {}], loop=2)
    assert [(step.action, dict(step.arguments)) for step in trace.steps] == [("Go", {"by": 2}), ("Wait", {})]
    assert trace.loop == 2


@pytest.mark.parametrize(
    ("states", "more", "complaint"),
    [
        ([], {}, "one state at least"),
        ([{"x": 0}], {"actions": ["Go"]}, "0 steps between them, and 1 actions"),
        ([{"x": 0}], {"loop": 1}, "states 0 to 0"),
        ([{"f": z3.Array("f", z3.IntSort(), z3.IntSort())}], {}, "state 0, f: .*take it apart"),
        ([{"r": z3.Real("third")}], {}, "state 0, r: 1/3"),
        ([{"x": 1.5}], {}, "state 0, x is 1.5, a float"),
        (
            [{"x": 0}, {"x": 0}],
            {"actions": [{"Go": z3.BoolVal(val=False)}]},
            "none of the actions Go is true",
        ),
    ],
)
def test_values_missing_from_a_model_are_named(states: Any, more: Any, complaint: str) -> None:
    with pytest.raises(TraceError, match=complaint):
        trace_from_z3(model_of(z3.Real("third") * 3 == 1), states, **more)


def test_without_z3_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)
    with pytest.raises(SetupError, match="pip install 'tlacheck\\[smt\\]'"):
        trace_from_z3(None, [{"x": 0}])


def test_z3_is_loaded_only_to_read_a_model() -> None:
    code = "import sys, tlacheck.convert; sys.exit('z3' in sys.modules or 'jpype' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- failed tests -------------------------------------------------------------------------------


class Wrong(Exception):
    """An error with a trace, like `Diverged`."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        super().__init__("wrong")


def test_traces_are_found_in_exception_groups_and_causes() -> None:
    other = attrs.evolve(TRACE, steps=TRACE.steps[:1])
    error = RuntimeError("around it")
    error.__cause__ = ExceptionGroup(
        "two", [Wrong(TRACE), ValueError(), ExceptionGroup("one", [Wrong(other)])]
    )
    assert traces_of_failure(error) == (TRACE, other)
    assert traces_of_failure(ValueError()) == ()


def test_a_trace_found_by_hypothesis_says_how_to_reproduce_it() -> None:
    @given(st.integers())
    @settings(print_blob=True, database=None, max_examples=20)
    def fails(number: int) -> None:
        raise Wrong(attrs.evolve(TRACE, initial=immutabledict(x=number, who=P)))

    with pytest.raises(Wrong) as caught:
        fails()
    (trace,) = traces_of_failure(caught.value)
    assert trace.initial["x"] == 0, "it is the smallest one"
    assert trace.origin.command.startswith("@reproduce_failure(")
    assert trace.origin.versions["hypothesis"]
    assert trace.origin.versions["tlacheck"] == "1"


# --- files and formats --------------------------------------------------------------------------


def test_a_file_is_recognised_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "anything.txt"
    lines = [json.dumps(json.loads(itf.to_json(TRACE)))] * 2
    for text, count in (
        (itf.to_json(TRACE), 1),
        (written(TRACE, "ndjson", file="t"), 1),
        ("\n".join([*lines, json.dumps({"verdict": {}, "states": 7})]) + "\n", 2),
    ):
        path.write_text(text, encoding="utf-8")
        assert read_traces(path) == (TRACE,) * count
    path.write_text(INVARIANT, encoding="utf-8")
    assert read_traces(path)[0].states == TRACE.states[:2]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "it is empty"),
        (b"hello\nworld", "it begins with 'hello'"),
        (b"\x7fELF\x00\x01", "it begins with"),
        (b"\xff\xfe\x00", "no text file in UTF-8"),
        (b"{}", "no ITF trace"),
        (b"[]", "no ITF trace"),
        (b'{"a": 1}', "no ITF trace"),
        (b'{"states": [', "not JSON"),
        (b'{"states": [{"x": 1}]}\n{"states": [{"x": 1]}}', "line 2: not JSON"),
        (b'{"a": 1}\n{"b": 2}', "none of its lines is an ITF trace"),
        (b'{"format": "tlacheck run", "version": 1}\n{"end": 0}', 'no "initial" state'),
        (b'{"format": "tlacheck run", "version": 99}', '"version" is 99'),
    ],
)
def test_a_file_without_a_trace_is_refused_with_its_kind(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(TraceError) as caught:
        read_traces(path)
    assert complaint in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


@given(traces())
@settings(max_examples=12, phases=(Phase.explicit, Phase.generate))
def test_every_trace_can_be_written_in_every_format(trace: Trace) -> None:
    for format_ in WRITTEN:
        text = written(trace, format_, file="t")
        assert text.endswith("\n"), format_
        assert text == written(trace, format_, file="t")


def test_the_name_of_a_file_gives_its_format() -> None:
    for format_, each in WRITTEN.items():
        for suffix in each.suffixes:
            assert format_of(Path("folder") / f"run{suffix}") == format_
    assert format_of("run.json") == "itf"
    with pytest.raises(ConfigError, match="does not say a format: name one with --to"):
        format_of("run.pdf")
    with pytest.raises(ConfigError, match="there are itf, "):
        written(TRACE, "pdf", file="t")
