"""Evaluation of expressions: names, states, errors, limits and the command."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tlacheck import itf
from tlacheck.engine import Engine
from tlacheck.errors import EngineError, SpecError
from tlacheck.tlc import Spec, SpecOracle
from tlacheck.tlc.cli import evaluate as cli
from tlacheck.tlc.cli.evaluate import eval_command
from tlacheck.tlc.evaluate import Evaluator, evaluate
from tlacheck.trace import Origin, State, Step, Trace
from tlacheck.values import Function, ModelValue, Value

A, B = ModelValue("a"), ModelValue("b")
GOT_ONE = {"box": frozenset(), "got": Function({A: 1, B: 0})}


@pytest.fixture(scope="module")
def evaluator(engine: Engine) -> Iterator[Evaluator]:
    """An evaluator whose worker stays warm."""
    with Evaluator(engine=engine, memory_mb=1024) as warm:
        yield warm


# --- values ----------------------------------------------------------------------------------------


def test_expressions_of_the_standard_modules_are_evaluated(evaluator: Evaluator) -> None:
    values: dict[str, Value] = {
        "1 + 1": 2,
        r"{x \in 1..9 : x % 2 = 1}": frozenset({1, 3, 5, 7, 9}),
        r"[x \in 1..3 |-> x * x]": (1, 4, 9),
        '[name |-> "é", at |-> <<TRUE, {}>>]': Function({"name": "é", "at": (True, frozenset())}),
        "Cardinality(SUBSET {1, 2})": 4,
        '("a" :> 1) @@ ("b" :> 2)': Function({"a": 1, "b": 2}),
        "LET RECURSIVE Sum(_) Sum(n) == IF n = 0 THEN 0 ELSE n + Sum(n - 1) IN Sum(100)": 5050,
        '"==== in a string is a string"': "==== in a string is a string",
    }
    assert evaluator.evaluate(f"<<{', '.join(values)}>>") == tuple(values.values())
    assert evaluator.evaluate("/\\ TRUE\n/\\ 1 > 2 \\* so it is false") is False


def test_expressions_may_use_the_names_of_a_spec_in_a_state(evaluator: Evaluator, specs: Path) -> None:
    values: dict[str, Value] = {
        "Nodes": frozenset({A, B}),
        "Nodes \\ {a}": frozenset({B}),
        "Cardinality(Nodes) + got[a]": 3,
        "Empty": True,
        "ENABLED Next": True,
        "ENABLED Receive([from |-> a, to |-> b])": True,
        "pure": (frozenset(), Function({A: 1, B: 0})),
    }
    found = evaluator.evaluate(f"<<{', '.join(values)}>>", specs / "Mail.tla", state=GOT_ONE)
    assert found == tuple(values.values())


def test_primed_variables_have_the_values_of_the_next_state(evaluator: Evaluator, specs: Path) -> None:
    after = {**GOT_ONE, "box": frozenset({Function({"from": A, "to": B})})}
    expression = "<<Send(a, b), Send(b, a), Cardinality(box'), got'[a]>>"
    found = evaluator.evaluate(expression, specs / "Mail.tla", state=GOT_ONE, after=after)
    assert found == (True, False, 1, 1)


def test_a_module_without_a_configuration_can_be_used(evaluator: Evaluator, specs: Path) -> None:
    assert evaluator.evaluate("Twice(Len(<<1>>))", specs / "Library.tla") == 84
    assert evaluator.evaluate("Full", specs / "Library", state={"shelf": 3}) is True
    with pytest.raises(SpecError, match="column 1 of the expression: unknown operator Cardinality"):
        evaluator.evaluate("Cardinality({1})", specs / "Library.tla")


def test_the_oracle_and_the_evaluator_agree_on_every_state(
    evaluator: Evaluator, engine: Engine, specs: Path
) -> None:
    spec = Spec.load(specs / "MailEvents.tla")
    oracle = SpecOracle(spec, engine=engine)
    (state,) = oracle.initial_states()
    for _ in range(2):
        step = oracle.successors(state)[0]
        found = evaluator.evaluate(
            "<<Empty, box, EventNext>>", spec, state=state.values, after=step.state.values
        )
        assert found == (not oracle.violated_invariants(state), state.values["box"], True)
        state = step.state


# --- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("1 + foo(2)", "column 5 of the expression: unknown operator foo"),
        ("[a |-> ]", 'column 8 of the expression: syntax error: unexpected "]" after "|->"'),
        ("1 +", "the expression is not complete"),
        (" ", "the expression is empty"),
        ("1 + (\n  2 \\div 0)", r"line 2, column 3 of the expression: The second argument of \div is 0"),
        ('{1, "a"}', "Attempted to compare"),
        ("LET RECURSIVE f(_) f(n) == f(n + 1) IN f(1)", "nests too deep"),
        ("1..2000000000", "the value is 1..2000000000: endless, or too large to be listed"),
        ("[]TRUE", "the expression is temporal"),
        ("\udcff", "no text in UTF-8"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_at_its_place_in_the_expression(
    evaluator: Evaluator, expression: str, complaint: str
) -> None:
    with pytest.raises(SpecError) as caught:
        evaluator.evaluate(expression)
    assert complaint in str(caught.value)
    assert "Tlacheck" not in str(caught.value)
    assert "tlacheck" not in str(caught.value)


@pytest.mark.parametrize(
    "expression", ["1\n====\n---- MODULE X", "1 ====", "1\nfoo == 2", "1 LOCAL", "1 THEOREM", "1) + (2"]
)
def test_text_beyond_one_expression_is_refused(evaluator: Evaluator, expression: str) -> None:
    with pytest.raises(SpecError):
        evaluator.evaluate(expression)


@pytest.mark.parametrize(
    ("expression", "states", "complaint"),
    [
        ("got[a]", (None, None), "depends on got: give a state"),
        ("got[a]", ({"box": frozenset()}, None), "the state does not say the value"),
        ("got' = 1", (GOT_ONE, None), "primed variables: give the state after the step too"),
        ("1", ({"mail": 1}, None), "gives a value to mail, but Mail has no such variable; it has "),
        ("1", ({"box": ModelValue("c")}, None), "no model value c"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(
    evaluator: Evaluator,
    specs: Path,
    expression: str,
    states: tuple[Mapping[str, Value] | None, Mapping[str, Value] | None],
    complaint: str,
) -> None:
    before, after = states
    with pytest.raises(SpecError, match=complaint):
        evaluator.evaluate(expression, specs / "Mail.tla", state=before, after=after)


def test_a_mistake_in_the_spec_is_reported_at_its_place(evaluator: Evaluator, specs: Path) -> None:
    with pytest.raises(SpecError) as caught:
        evaluator.evaluate("Endless", specs / "Library.tla")
    assert caught.value.location is not None
    assert (Path(caught.value.location.file).name, caught.value.location.line) == ("Library.tla", 7)


# --- limits ----------------------------------------------------------------------------------------


def test_an_evaluator_survives_lack_of_time_and_memory(one_engine: Engine) -> None:
    with Evaluator(engine=one_engine, memory_mb=64) as evaluator:
        with pytest.raises(EngineError, match="no time left after 1 s"):
            evaluator.evaluate(r"\A f \in [1..10 -> 1..10] : f[1] > 0", timeout=1)
        with pytest.raises(EngineError, match="out of memory: the worker had 64 MB"):
            evaluator.evaluate(r"Len([n \in 1..100000000 |-> n])")
        assert evaluator.evaluate("1 + 1") == 2


# --- the command -----------------------------------------------------------------------------------


def _command(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(eval_command, [*arguments, "--memory", "128"], input=stdin)


@pytest.fixture
def _warm(evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command use the warm evaluator."""
    monkeypatch.setattr(cli, "Evaluator", lambda **_: contextlib.nullcontext(evaluator))


def test_the_command_prints_the_value(specs: Path) -> None:
    done = _command("[s |-> {2, 1}, t |-> Twice(2)]", "--spec", str(specs / "Library"))
    assert (done.exit_code, done.stdout) == (0, "[s |-> {1, 2}, t |-> 4]\n")
    assert evaluate("Twice(2)", specs / "Library", memory_mb=64) == 4


@pytest.mark.usefixtures("_warm")
def test_the_command_reads_standard_input_and_prints_json() -> None:
    done = _command("-", "--json", stdin="{1,\n 2}")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"value": {"#set": [{"#bigint": "1"}, {"#bigint": "2"}]}}


@pytest.mark.usefixtures("_warm")
def test_the_command_takes_a_state_as_a_record_or_from_a_trace(specs: Path, tmp_path: Path) -> None:
    mail = ["--spec", str(specs / "Mail")]
    done = _command("got[a] + 1", *mail, "--state", "[got |-> [n \\in Nodes |-> 4]]")
    assert (done.exit_code, done.stdout) == (0, "5\n")
    after = State({**GOT_ONE, "got": Function({A: 1, B: 1})})
    trace = Trace(initial=State(GOT_ONE), steps=(Step("", Function(), after),), origin=Origin(source="test"))
    file = tmp_path / "trace.itf.json"
    itf.write(trace, file)
    done = _command("<<got[b], got'[b]>>", *mail, "--state", str(file))
    assert (done.exit_code, done.stdout) == (0, "<<0, 1>>\n")
    done = _command("got[b]", *mail, "--state", str(file), "--step", "1")
    assert (done.exit_code, done.stdout) == (0, "1\n")
    done = _command("got[b]", *mail, "--state", str(file), "--step", "2")
    assert done.exit_code == 2
    assert "there is no state 2: the trace has the states 0 to 1" in done.stderr


@pytest.mark.usefixtures("_warm")
@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["1", "--step", "1"], 2, "--step is for a trace file"),
        (["1", "--state", "[x |-> "], 2, "--state: the expression is not complete"),
        (["1", "--state", "[x \\in {1} |-> 2]"], 2, "--state is <<2>>; it should be a record of variables"),
        (["1", "--state", "nowhere.itf.json"], 2, "nowhere.itf.json: cannot be read"),
        (["1", "--spec", "Nowhere"], 2, "there is no such module"),
        (["1", "--config", "some.cfg"], 2, "say which one"),
        (["\\A a, b, c, d \\in 1..1000 : a > 0", "--timeout", "1"], 3, "no time left after 1 s"),
    ],
)
def test_the_command_reports_errors_with_their_status(
    arguments: list[str], status: int, complaint: str
) -> None:
    done = _command(*arguments, "--json")
    assert (done.exit_code, complaint in done.stderr) == (status, True), done.stderr
    assert complaint in json.loads(done.stdout)["error"]
