"""State machines made from a spec: every action a rule, the spec the judge, the trace on disk."""

from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.conform import toys
from tlacheck import itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.conform.replay import replay
from tlacheck.errors import ConfigError
from tlacheck.stateful import SpecMachine, Vacuous, run, spec_machine
from tlacheck.tlc import Spec, SpecOracle

_SPECS = Path(__file__).parent / "specs"
_TALLY = Spec.load(_SPECS / "Tally.tla", _SPECS / "Tally.cfg")
_LIMITS = hypothesis.settings(
    max_examples=30, stateful_step_count=12, database=None, deadline=None, print_blob=False
)
#: For tests that only need a failing run, not the shortest.
_FOUND = hypothesis.settings(_LIMITS, phases=[hypothesis.Phase.generate])


def _machine(tmp_path: Path, system: Any = toys.Tally, **members: Any) -> type[SpecMachine]:
    given = {
        "spec": _TALLY,
        "traces": tmp_path,
        "oracle": classmethod(lambda _: toys.oracle()),
        "make_system": lambda _: system(),
    }
    return type("TallyMachine", (SpecMachine,), {**given, **members})


def test_every_action_of_the_spec_is_a_rule_and_a_right_system_passes(tmp_path: Path) -> None:
    machine = _machine(tmp_path, required=frozenset({"Raise", "Reset", "Knock"}))
    tally = run(machine, seed=0, limits=_LIMITS)
    assert tally.examples >= 30
    assert set(tally.actions) == {"Raise", "Reset", "Knock"}
    assert tally.steps == tally.actions.total() > 100
    assert tally.failure is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("system", "says"),
    [
        (toys.Wraps, "total: the spec has 5, the system has 0"),
        (toys.Refuses, "the spec takes Raise, the system cannot: "),
        (toys.Crashes, "IndexError"),
    ],
)
def test_a_wrong_system_is_caught_with_its_shortest_run_on_disk(
    tmp_path: Path, system: Any, says: str
) -> None:
    """Three steps are the fewest that lead beyond 4; Hypothesis shrinks to three or four."""
    machine = _machine(tmp_path, system)
    with pytest.raises(Diverged, match=says) as caught:
        run(machine, seed=0, limits=_LIMITS if system is toys.Refuses else _FOUND)
    path = tmp_path / "TallyMachine.itf.json"
    assert caught.value.path == path
    written = itf.read(path)
    assert written == caught.value.trace
    if system is toys.Refuses:
        assert {step.action for step in written.steps} == {"Raise"}
        assert 3 <= len(written) <= 4
    assert any(f"trace:   {path}" in note for note in caught.value.__notes__)


def test_the_file_of_a_failing_run_is_a_replayable_trace(tmp_path: Path) -> None:
    """Replayed without Hypothesis, the run fails again, and a right system follows it."""
    with pytest.raises(Diverged):
        run(_machine(tmp_path, toys.Wraps), seed=0, limits=_FOUND)
    found = itf.read(tmp_path / "TallyMachine.itf.json")
    assert found.violation is not None
    assert found.violation.expected is not None
    corrected = toys.run(*((step.action, dict(step.arguments)) for step in found.steps))
    assert replay(corrected, toys.Tally()).violation is None
    assert replay(corrected, toys.Wraps()).violation is not None


def test_custom_rules_and_invariants_complement_the_specs(tmp_path: Path) -> None:
    def twice(self: SpecMachine, by: int) -> None:
        if self.state["total"] + 2 * by <= 8:
            self.perform("Raise", by=by)
            self.perform("Raise", by=by)

    def is_small(self: SpecMachine) -> None:
        if self.state["total"] >= 6:
            self.fail("Small", "the total is 6 or more")

    machine = _machine(
        tmp_path, raise_twice=rule(by=st.integers(1, 2))(twice), is_small=invariant()(is_small)
    )
    with pytest.raises(Diverged, match="Small: violated at step 3") as caught:
        run(machine, seed=0, limits=_LIMITS)
    assert caught.value.trace.states[-1]["total"] == 6
    assert caught.value.path is not None


def test_an_illegal_step_of_a_custom_rule_is_noticed(tmp_path: Path) -> None:
    """The spec's rules choose enabled actions only; a custom rule may take any."""

    def too_much(self: SpecMachine) -> None:
        self.perform("Raise", by=7)

    with pytest.raises(Diverged, match="the spec allows no Raise"):
        run(_machine(tmp_path, too_much=rule()(too_much)), seed=0, limits=_LIMITS)


def test_a_method_named_like_an_action_replaces_its_rule(tmp_path: Path) -> None:
    def knock(self: SpecMachine) -> None:
        """Do nothing."""

    machine = _machine(tmp_path, Knock=rule()(knock))
    assert "Knock" not in run(machine, seed=0, limits=_LIMITS).actions


def test_examples_that_never_take_a_required_action_do_not_pass(tmp_path: Path) -> None:
    few = hypothesis.settings(_LIMITS, max_examples=2, stateful_step_count=1)
    with pytest.raises(Vacuous, match="never took Reset; try more examples") as caught:
        run(_machine(tmp_path, required=frozenset({"Reset"})), seed=0, limits=few)
    assert caught.value.missing == ("Reset",)


def test_the_same_seed_takes_the_same_steps(tmp_path: Path) -> None:
    one, other, third = (run(_machine(tmp_path), seed=seed, limits=_LIMITS).actions for seed in (1, 1, 2))
    assert one == other != third


def test_a_terminating_behaviour_is_no_failure(tmp_path: Path) -> None:
    """Hypothesis would fail if no rule were enabled at the end of a behaviour."""

    class Solver:
        variables = frozenset({"big", "small"})

        def reset(self, initial: Any) -> None:
            self.state = dict(initial)

        def perform(self, action: str, arguments: Any) -> None:
            (step,) = oracle.successors(oracle.state(self.state), action, arguments)
            self.state = dict(step.state.values)

        def observe(self) -> Any:
            return type(step_state)(self.state)

    oracle = SpecOracle(Spec.load(_SPECS / "Climb.tla", _SPECS / "Climb.cfg"))
    step_state = oracle.initial_states()[0].values
    Solver.variables = frozenset(step_state)
    members = {"oracle": classmethod(lambda _: oracle), "traces": tmp_path, "make_system": lambda _: Solver()}
    machine = type("ClimbMachine", (SpecMachine,), members)
    tally = run(machine, seed=0, limits=_LIMITS)
    assert tally.steps > 0


def test_the_test_case_runs_and_fails_under_unittest(tmp_path: Path) -> None:
    import unittest

    machine = _machine(tmp_path, toys.Wraps)
    machine.TestCase.settings = _FOUND  # type: ignore[attr-defined]  # as of any machine of Hypothesis
    outcome = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(machine.TestCase).run(outcome)
    assert outcome.testsRun == 1
    assert "Diverged" in outcome.failures[0][1]


def test_an_incomplete_machine_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no `spec`"):
        run(type("Empty", (SpecMachine,), {}), limits=_LIMITS)
    with pytest.raises(ConfigError, match=r"defines no make_system\(\)"):
        run(type("Half", (SpecMachine,), {"oracle": classmethod(lambda _: toys.oracle())}), limits=_LIMITS)
    with pytest.raises(
        ConfigError, match="required names Rise; the actions of Tally.tla are Raise, Reset, Knock"
    ):
        run(_machine(tmp_path, required=frozenset({"Rise"})), limits=_LIMITS)


def test_a_machine_can_be_made_without_a_class(tmp_path: Path) -> None:
    machine = spec_machine(_TALLY, toys.Wraps)
    machine.traces = tmp_path
    assert machine.__name__ == "TallyMachine"
    with pytest.raises(Diverged):
        run(machine, seed=0, limits=_FOUND)
