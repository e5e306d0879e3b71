"""The oracle answers as the model checker does."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from tlacheck.engine import Engine
from tlacheck.errors import SpecError, TraceError
from tlacheck.tlc import Checker, OracleState, Spec, SpecOracle
from tlacheck.values import ModelValue

A, B = ModelValue("a"), ModelValue("b")


def _reachable(oracle: SpecOracle) -> set[OracleState]:
    found = set(oracle.initial_states())
    frontier = list(found)
    while frontier:
        for step in oracle.successors(frontier.pop()):
            if step.state not in found:
                found.add(step.state)
                frontier.append(step.state)
    return found


@pytest.mark.parametrize("module", ["DieHard", "Mutex", "Mail", "Countdown", "Maze"])
def test_the_oracle_reaches_the_states_that_tlc_counts(
    engine: Engine, checker: Checker, load: Any, module: str
) -> None:
    found = _reachable(SpecOracle(load(module), engine=engine))
    assert len(found) == checker.check(load(module), deadlock=False).distinct
    assert len({state.values for state in found}) == len(found)


def test_actions_and_bound_constants_are_named(engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("Mutex"), engine=engine)
    (state,) = oracle.initial_states()
    steps = oracle.successors(state)
    assert {(step.action, step.arguments["x"].name) for step in steps} == {("Request", "p"), ("Request", "q")}
    assert oracle.successors(state, "Request", {"x": ModelValue("p")}) == steps[:1]
    assert oracle.successors(state, "Enter") == ()
    assert oracle.variables == ("pc",)
    assert set(oracle.actions) == {"Request", "Enter", "Leave"}


def test_the_event_names_action_and_arguments(engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("MailEvents"), engine=engine)
    assert oracle.variables == ("box", "got", "event")
    (state,) = oracle.initial_states()
    (send,) = oracle.successors(state, "Send", {"from": A})
    assert (send.action, dict(send.arguments)) == ("Send", {"from": A, "to": B})
    (receive,) = oracle.successors(send.state, "Receive")
    assert receive.arguments == {"letter": {"from": A, "to": B}}
    assert receive.state.values == {
        "box": frozenset(),
        "got": {A: 0, B: 1},
        "event": {"action": "Receive", "letter": {"from": A, "to": B}},
    }
    assert oracle.successors(state, "Receive") == ()
    assert oracle.successors(state, "Nonsense") == ()


def test_only_actions_that_can_yield_the_event_are_evaluated(engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("MailEvents"), engine=engine)
    yields = {action.name: action.yields for action in oracle._actions}
    assert yields == {"SendEvent": "Send", "Deliver": None}


def test_states_that_differ_in_the_event_alone_are_different(engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("MailEvents"), engine=engine)
    (state,) = oracle.initial_states()
    a, b = oracle.successors(state, "Send", {"from": A})[0], oracle.successors(state, "Send", {"from": B})[0]
    (ab,) = oracle.successors(a.state, "Send", {"from": B})
    (ba,) = oracle.successors(b.state, "Send", {"from": A})
    assert ab.state.values["box"] == ba.state.values["box"]
    assert ab.state != ba.state


def test_violated_invariants_are_named(engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("MailEvents"), engine=engine)
    (state,) = oracle.initial_states()
    assert oracle.violated_invariants(state) == ()
    assert oracle.violated_invariants(oracle.successors(state)[0].state) == ("Empty",)


def test_every_kind_of_value_is_the_one_tlc_reports(engine: Engine, checker: Checker, load: Any) -> None:
    (state,) = SpecOracle(load("Kinds"), engine=engine).initial_states()
    trace = checker.check(load("Kinds")).trace
    assert trace is not None
    assert state.values == trace.initial
    assert tuple(state.values) == trace.variables


def test_values_parsed_from_text_equal_the_java_values(engine: Engine, load: Any) -> None:
    """The slow conversion, part by part, checks the fast one."""
    (state,) = SpecOracle(load("Kinds"), engine=engine).initial_states()
    walked = {str(entry.getKey()): _walk(entry.getValue()) for entry in state.java.getVals().entrySet()}
    assert walked == state.values


def _walk(java: Any) -> Any:
    from tlacheck.values import function

    kind = str(java.getClass().getSimpleName())
    match kind:
        case "IntValue":
            return int(java.val)
        case "BoolValue":
            return bool(java.val)
        case "StringValue":
            return str(java.val)
        case "ModelValue":
            return ModelValue(str(java.val))
        case "TupleValue":
            return tuple(_walk(item) for item in java.elems)
        case "RecordValue":
            return function(
                [(str(name), _walk(value)) for name, value in zip(java.names, java.values, strict=True)]
            )
        case "FcnRcdValue":
            arguments = [_walk(argument) for argument in java.getDomainAsValues()]
            return function(zip(arguments, [_walk(value) for value in java.values], strict=True))
        case "FcnLambdaValue":
            return _walk(java.toFcnRcd())
        case _:
            members = java.toSetEnum()
            members.normalize()
            return frozenset(_walk(members.elems.elementAt(index)) for index in range(members.elems.size()))


def test_a_python_state_round_trips_to_the_same_oracle_state(engine: Engine, load: Any) -> None:
    for module in ("Kinds", "MailEvents", "Mutex", "DieHard"):
        oracle = SpecOracle(load(module), engine=engine)
        for state in _reachable(oracle):
            made = oracle.state(dict(sorted(state.values.items(), reverse=True)))
            assert made == state
            assert hash(made) == hash(state)
            assert made.values == state.values
            assert {step.state for step in oracle.successors(made)} == {
                step.state for step in oracle.successors(state)
            }


def test_a_state_with_any_other_value_differs(one_engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("Kinds"), engine=one_engine)
    (state,) = oracle.initial_states()
    for name, value in state.values.items():
        other = "other" if value != "other" else 0
        assert oracle.state({**state.values, name: other}) != state
    assert oracle.state({**state.values, "interval": frozenset({-1, 0, 1, 2})}) == state
    assert oracle.state({**state.values, "interval": frozenset({-1, 0, 1})}) != state
    assert oracle.state({**state.values, "boolean": 1}) != state


def test_values_equal_in_python_only_are_kept_apart(
    one_engine: Engine, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Python 1 == True, so a cache must not return the TLC value of one for the other."""
    monkeypatch.setattr("tlacheck.tlc._construct._REMEMBERED_MAX", 3)
    oracle = SpecOracle(load("Kinds"), engine=one_engine)
    (state,) = oracle.initial_states()
    for one, other in ((1,), (True,)), (frozenset({1}), frozenset({True})):
        assert one == other
        made = [oracle.state({**state.values, "boolean": value}) for value in (one, other, one, other)]
        assert [str(each.value("boolean")) for each in made] == [str(value) for value in (one, other) * 2]


def test_a_state_is_shown_as_tla(engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("MailEvents"), engine=engine)
    (state,) = oracle.initial_states()
    assert repr(state) == '/\\ box = {}\n/\\ got = (a :> 0 @@ b :> 0)\n/\\ event = [action |-> "Init"]'


def test_invalid_state_values_are_refused(engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("Mutex"), engine=engine)
    with pytest.raises(TraceError, match=r"Mutex has no variable pd; it has pc"):
        oracle.state({"pd": 1})
    with pytest.raises(TraceError, match=r"no model value r; it has p, q"):
        oracle.state({"pc": ModelValue("r")})
    with pytest.raises(TraceError, match=r"2147483648 does not fit"):
        oracle.state({"pc": 2**31})
    with pytest.raises(TraceError, match=r"no value of TLA\+: it is a float"):
        oracle.state({"pc": 0.5})


def test_a_partial_next_state_is_allowed_if_a_step_matches_it(engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("MailEvents"), engine=engine)
    (start,) = oracle.initial_states()
    assert len(oracle.allows(start, {})) == len(oracle.successors(start)) == 2
    letter = immutabledict({"from": A, "to": B})
    (step,) = oracle.allows(start, {"box": frozenset({letter})})
    assert (step.action, step.arguments) == ("Send", letter)
    assert oracle.allows(start, {"box": frozenset({letter})}, "Send", {"from": A}) == (step,)
    assert oracle.allows(start, {"box": frozenset({letter})}, "Send", {"from": B}) == ()
    assert oracle.allows(start, {"box": frozenset()}) == ()
    assert oracle.allows(start, step.state.values) == (step,)
    assert oracle.allows(start, {**step.state.values, "got": immutabledict({A: 1, B: 0})}) == ()
    with pytest.raises(TraceError, match="no variable bag"):
        oracle.allows(start, {"bag": 1})


def test_a_refused_step_is_explained_by_its_false_conjunct(engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("MailEvents"), engine=engine)
    (start,) = oracle.initial_states()
    (send,) = oracle.successors(start, "Send", {"from": A})
    (agreed,) = oracle.explain(start, send.state)
    assert agreed.allowed
    wrong = {**send.state.values, "got": immutabledict({A: 1, B: 0})}
    first, *_ = oracle.explain(start, wrong)
    assert (first.allowed, first.action, first.conjunct) == (False, "SendEvent", "UNCHANGED got")
    assert first.location.file.endswith("Mail.tla")
    assert oracle.allows(start, wrong) == ()


def test_two_oracles_do_not_affect_each_other(engine: Engine, load: Any) -> None:
    one, other = SpecOracle(load("Mutex"), engine=engine), SpecOracle(load("DieHard"), engine=engine)
    first = {step.state for step in one.successors(one.initial_states()[0])}
    assert len(_reachable(other)) == 16
    assert {step.state for step in one.successors(one.initial_states()[0])} == first
    assert len(_reachable(one)) == 8


def test_a_tlc_counterexample_is_allowed_by_the_oracle(engine: Engine, checker: Checker, load: Any) -> None:
    for module, config in (
        ("DieHard", "DieHardNotFour"),
        ("Mutex", "MutexWeak"),
        ("MailEvents", "MailEventsHalf"),
    ):
        trace = checker.check(load(module, config)).trace
        assert trace is not None
        oracle = SpecOracle(load(module, config), engine=engine)
        (at,) = [state for state in oracle.initial_states() if state.values == trace.initial]
        for step in trace.steps:
            (at,) = {s.state for s in oracle.successors(at, step.action) if s.state.values == step.state}
        if trace.loop is not None and trace.loop < len(trace):
            assert trace.states[trace.loop] in [step.state.values for step in oracle.successors(at)]


@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_successors_by_an_action_are_the_steps_of_that_action(mail: SpecOracle, data: st.DataObject) -> None:
    (at,) = mail.initial_states()
    for _ in range(data.draw(st.integers(0, 6))):
        steps = mail.successors(at)
        for action in ("Send", "Receive"):
            assert mail.successors(at, action) == tuple(step for step in steps if step.action == action)
        at = data.draw(st.sampled_from(steps)).state


@pytest.fixture(scope="module")
def mail(specs: Path, engine: Engine) -> SpecOracle:
    return SpecOracle(Spec.load(specs / "MailEvents.tla"), engine=engine)


def _write(folder: Path, body: str, config: str = "INIT Init\nNEXT Next\n") -> Spec:
    (folder / "Broken.tla").write_text(
        f"---- MODULE Broken ----\nEXTENDS Naturals\nVARIABLES x, y\n{body}\n====\n"
    )
    (folder / "Broken.cfg").write_text(config)
    return Spec.load(folder / "Broken.tla")


@pytest.mark.parametrize(
    ("spec", "place", "words"),
    [
        (
            ("Init == x = 0 /\\ y = z\nNext == x' = x", "INIT Init\nNEXT Next\n"),
            "Broken.tla:4:22",
            "operator z",
        ),
        (("Init == x = 0 /\\ y = 0\nNext == x' = x", "INIT Start\nNEXT Next\n"), "Broken.cfg:1:6", "Start"),
        (("Init == x = 0\nNext == x' = x", "INIT Init\nNEXT Next\nCONSTANT K = 1\n"), "Broken.cfg:3:10", "K"),
    ],
)
def test_an_invalid_spec_gives_no_oracle(
    engine: Engine, tmp_path: Path, spec: tuple[str, str], place: str, words: str
) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        SpecOracle(_write(tmp_path, *spec), engine=engine)
    assert str(caught.value.location) == str(tmp_path / place)


def test_an_unevaluable_expression_is_reported_with_its_location(engine: Engine, tmp_path: Path) -> None:
    body = "Init == x = 0 /\\ y = 0\nNext == /\\ y' = y\n        /\\ x' = IF x = \"a\" THEN 1 ELSE 2"
    oracle = SpecOracle(_write(tmp_path, body), engine=engine)
    with pytest.raises(SpecError, match="integer 0 with non-integer") as caught:
        oracle.successors(oracle.initial_states()[0])
    assert str(caught.value.location) == str(tmp_path / "Broken.tla:6:20")


def test_an_unevaluable_invariant_is_reported_with_its_location(engine: Engine, tmp_path: Path) -> None:
    body = "Init == x = 0 /\\ y = 0\nNext == UNCHANGED <<x, y>>\nInv == \\/ x = 1\n       \\/ y + {} = 1"
    oracle = SpecOracle(_write(tmp_path, body, "INIT Init\nNEXT Next\nINVARIANT Inv\n"), engine=engine)
    with pytest.raises(SpecError, match="Naturals!Plus was given a set where it needs an integer") as caught:
        oracle.violated_invariants(oracle.initial_states()[0])
    assert str(caught.value.location) == str(tmp_path / "Broken.tla:7:11")


def test_an_endless_recursion_is_refused_and_the_process_survives(engine: Engine, tmp_path: Path) -> None:
    body = "RECURSIVE F(_)\nF(n) == F(n + 1) + 1\nInit == x = 0 /\\ y = 0\nNext == x' = F(x) /\\ y' = y"
    oracle = SpecOracle(_write(tmp_path, body), engine=engine)
    with pytest.raises(SpecError, match="recursion without end"):
        oracle.successors(oracle.initial_states()[0])
    assert oracle.initial_states()


def test_an_action_that_forgets_a_variable_is_refused(engine: Engine, tmp_path: Path) -> None:
    oracle = SpecOracle(_write(tmp_path, "Init == x = 0 /\\ y = 0\nNext == x' = 1"), engine=engine)
    with pytest.raises(SpecError, match="leaves y without a value"):
        oracle.successors(oracle.initial_states()[0])


def test_an_event_that_contradicts_its_action_is_refused(engine: Engine, tmp_path: Path) -> None:
    spec = _write(tmp_path, "")
    spec.path.write_text(
        "---- MODULE Broken ----\nVARIABLE event\nInit == event = 0\n"
        'TickEvent == event\' = [action |-> "Tock"]\nNext == TickEvent\n====\n'
    )
    oracle = SpecOracle(spec, engine=engine)
    with pytest.raises(SpecError, match="TickEvent records the event Tock"):
        oracle.successors(oracle.initial_states()[0])


# --- an action for given arguments


def test_applying_an_action_gives_the_states_its_steps_lead_to(engine: Engine, load: Any) -> None:
    """For every state and all arguments that the next-state relation chooses."""
    for module, action, arguments in (
        ("MailEvents", "SendEvent", [(A, B), (B, A), (A, A)]),
        ("Turnstile", "PassEvent", [(ModelValue("ann"),), (ModelValue("bob"),)]),
        ("Turnstile", "LeaveEvent", [()]),
        ("Mail", "Send", [(A, B), (B, A), (A, A)]),
        ("DieHard", "Next", [()]),
    ):
        oracle = SpecOracle(load(module), engine=engine)
        taken = 0
        for state in _reachable(oracle):
            steps = {step.state for step in oracle.successors(state)}
            for chosen in arguments:
                found = oracle.apply(action, state, *chosen)
                allowed = {after for after in steps if oracle.holds(action, state, *chosen, after=after)}
                assert set(found) == allowed
                assert len(set(found)) == len(found)
                assert all(
                    after.values == next(one for one in allowed if one == after).values for after in found
                )
                taken += len(found)
        assert taken > 3


def test_applying_an_action_ignores_quantifier_domains(engine: Engine, load: Any) -> None:
    """The next-state relation lets no stranger pass, and yet this is a step of the action."""
    oracle = SpecOracle(load("Turnstile"), engine=engine)
    (state,) = oracle.initial_states()
    (paid,) = oracle.apply("CoinEvent", state)
    assert paid == oracle.successors(state, "Coin")[0].state
    stranger = ("nobody", 7)
    (passed,) = oracle.apply("PassEvent", paid, stranger)
    assert passed.values["passed"] == frozenset({stranger})
    assert stranger not in {step.arguments.get("visitor") for step in oracle.successors(paid)}
    assert oracle.apply("PassEvent", state, stranger) == ()
    assert oracle.apply("PassEvent", passed, stranger) == ()


def test_applying_an_operator_that_is_no_action_is_refused(engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("Turnstile"), engine=engine)
    (state,) = oracle.initial_states()
    for name, arguments in (("Sane", ()), ("Price", (3,)), ("Most", ()), ("coins", ())):
        with pytest.raises(SpecError, match=f"{name} is no action: it has no primed variables"):
            oracle.apply(name, state, *arguments)
    with pytest.raises(SpecError, match="PassEvent takes 1 argument, not 0"):
        oracle.apply("PassEvent", state)
    with pytest.raises(SpecError, match="neither defines nor declares PasEvent; do you mean PassEvent"):
        oracle.apply("PasEvent", state, A)
    with pytest.raises(TraceError, match="no model value eve; it has ann, bob"):
        oracle.apply("PassEvent", state, ModelValue("eve"))


def test_applying_an_incomplete_action_is_refused(engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("MailEvents"), engine=engine)
    (state,) = oracle.initial_states()
    with pytest.raises(SpecError, match="a step of MailEvents leaves event without a value"):
        oracle.apply("Send", state, A, B)
    (sent,) = oracle.apply("SendEvent", state, A, B)
    with pytest.raises(SpecError) as caught:
        oracle.apply("Receive", oracle.state({**sent.values, "box": 3}), A)
    assert caught.value.location is not None


def test_states_from_applying_an_action_are_ordinary_states(engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("Kinds"), engine=engine)
    (state,) = oracle.initial_states()
    (after,) = oracle.apply("Next", state)
    assert after == oracle.successors(state)[0].state
    assert after.values == {**state.values, "step": 1}
    assert oracle.apply("Next", after) == ()
    assert oracle.violated_invariants(after) == oracle.violated_invariants(oracle.state(after.values))
