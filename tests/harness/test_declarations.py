"""Declarations with more than the lock service has: recorders and judges with a memory, clients, phases."""

import importlib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tlacheck import itf
from tlacheck.cli import main
from tlacheck.conform.lockstep import Diverged
from tlacheck.errors import ConfigError
from tlacheck.harness import Run, SoakPlan, checks, machine_of, soak
from tlacheck.harness.run import oracle_of
from tlacheck.harness.soak import load_protocol, play, play_run
from tlacheck.verdict import Kind
from tlacheck.verify import Context

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

pytestmark = pytest.mark.usefixtures("lock_example")

#: The lock service declared in other ways, right and wrong ones, as a module that soaks can import.
VARIANTS = '''
import attrs
from lock import core
from lock.protocol import CLIENTS, LOCK, observe
from tlacheck.harness import *
from tlacheck.harness import protocol as declared
from tlacheck.conform.system import NotPossible
from tlacheck.sim import Send, Silent, Tamper
from tlacheck.values import ModelValue


class Following:
    """A recorder with a memory: the states of all nodes, and how many grants the server has sent."""

    wrong = False

    def __init__(self, size, spec):
        self.spec, self.view = spec, dict.fromkeys(CLIENTS, core.Client()) | {"s": core.Server()}

    def on_step(self, record):
        self.view[record.node] = record.after
        for step in LOCK.steps(record):
            self.spec.follow(step, fits=self.observe())
        if self.wrong and self.spec.steps == 5:
            raise NotPossible("five steps are enough")
        self.spec.compare({"owner": ModelValue(self.view["s"].owner or "Nil")}, "after a step")

    def on_restart(self, node, state):
        self.view[node] = state
        if node != "s":
            self.spec.follow(spec_step("Restart", c=ModelValue(node)))

    def observe(self):
        return observe(self.view)

    def shown(self, states, *, is_whole):
        return [state.values for state in states]


class Forgetful(Following):
    """It leaves releases out, which its comparison of the owner alone notices late, and the end at last."""

    def on_step(self, record):
        if not isinstance(record.input, core.Release):
            super().on_step(record)
        else:
            self.view[record.node] = record.after


class Blind(Following):
    """It compares nothing before the end."""

    def on_step(self, record):
        if not isinstance(record.input, core.Release):
            self.view[record.node] = record.after
            for step in LOCK.steps(record):
                self.spec.take(step, fits={"held": observe(self.view)["held"]})
        else:
            self.view[record.node] = record.after


class Impossible(Following):
    wrong = True


OWN = attrs.evolve(LOCK, recorder=Following, trace_max=20)
FORGETFUL = attrs.evolve(OWN, recorder=Forgetful)
BLIND = attrs.evolve(OWN, recorder=Blind)
IMPOSSIBLE = attrs.evolve(OWN, recorder=Impossible)


def given(record):
    """The same steps, taken by operators of the spec; beside them one that may be taken and never is."""
    steps = [step.by(step.action) for step in LOCK.steps(record)]
    return [any_order(spec_step("Free", c=ModelValue("Nil")).by("Free").optional, *steps)] if steps else []


GIVEN = attrs.evolve(LOCK, steps=given)


class Counting(Judge):
    """Counts grants of the server; more than `most` of them are too many."""

    most = 10**9

    def __init__(self, size):
        self.grants, self.asked = 0, 0

    def on_request(self, node, inp):
        self.asked += 1
        return ()

    def on_step(self, record):
        for effect in record.effects:
            if isinstance(effect, Send) and isinstance(effect.message, core.Grant):
                self.grants += 1
                yield Met("the judge saw a grant")
        if self.grants > self.most:
            yield Broken("FewGrants", f"{self.grants} grants")

    def on_end(self):
        if not self.asked:
            yield Broken("Asked", "nobody asked for anything")


class Strict(Counting):
    most = 3


class Ending(Counting):
    def on_end(self):
        yield Broken("NoEnd", "the run ended")


JUDGED = attrs.evolve(
    LOCK,
    judges=[Counting],
    goals=[
        *counted("the judge saw a grant", "fault: crash", "step: Take"),
        *counted("progress: the lock is granted again"),
        sometimes_in_step("a release comes", lambda record: isinstance(record.input, core.Release)),
    ],
)
STRICT = attrs.evolve(JUDGED, judges=[Strict])
ENDING = attrs.evolve(JUDGED, judges=[Ending])
UNSEEN = attrs.evolve(LOCK, goals=counted("nobody says so"))


class Clients:
    """Clients that ask all for the lock, remember that, and ask again."""

    def __init__(self, size):
        self.ops = [Op("all acquire", 3, self.all), Op("release", 2, self.release)]
        self.times = 0

    def all(self, rng, view):
        self.times += 1
        return [(name, core.Acquire(name)) for name in CLIENTS]

    def release(self, rng, view):
        return ("c1", core.Release("c1")) if self.times else None


class Resting(Schedule):
    """Counts its phases."""

    rounds = 0

    def round(self, until):
        Resting.rounds += 1
        super().round(until)


CLIENTED = attrs.evolve(LOCK, workload=lambda size: Clients(size).ops, goals=[])
RESTING = attrs.evolve(LOCK, rest_every=40, schedule=Resting, goals=[])
UNSCHEDULED = attrs.evolve(LOCK, schedule=lambda *arguments, **named: object())
OVER = attrs.evolve(LOCK, is_over=lambda view: view["s"].token > 2, goals=[])
BOUNDED = attrs.evolve(LOCK, progress=[
    Eventually(
        "granted",
        lambda begin, now: now["s"].token > begin["s"].token,
        lambda run: 100 * len(run.size.nodes),
    ),
    Eventually("granted a thousand times", lambda begin, now: now["s"].token > 1_000, lambda run: 100),
])


def byzantine(**declared):
    (size,) = LOCK.sizes
    return attrs.evolve(
        LOCK,
        sizes=[attrs.evolve(size, byzantine=["c2", "c3"], is_shuffled=True)],
        observe=lambda view: {},
        steps=lambda record: (),
        progress=None,
        **declared,
    )


TOGETHER = byzantine(
    byzantine=Byzantine(
        lambda size: {"silent": Silent(), "other": Silent(["s"])}, together=1.0, weights={"silent": 9}
    ),
    goals=counted("behaviour: silent", "behaviour: other", needs_byzantine=True),
)
IDLE = byzantine(
    byzantine=Byzantine(lambda size: {"idle": Tamper(lambda message, random: message)}),
    goals=counted("behaviour: idle", needs_byzantine=True),
)
FORGING = byzantine(
    byzantine=Byzantine(lambda size: {
        "forge": Tamper(lambda message, random: core.Release("c1", random.randint(1, 9)))}),
    goals=[],
    judges=[Strict],
    shorten=lambda trace: attrs.evolve(trace, steps=trace.steps[:0]),
)
HARMLESS = attrs.evolve(FORGING, byzantine=Byzantine(lambda size: {"silent": Silent()}))
NO_CONFIG = attrs.evolve(LOCK, sizes=[attrs.evolve(LOCK.sizes[0], config="")])
'''


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="smoke", seed=0, command="verify", progress=lambda _: None)


def _plan(name: str, **options: Any) -> SoakPlan:
    return SoakPlan(**{"target": f"variants:{name}", "steps": 120, **options})


def _soak(name: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["soak", f"variants:{name}", *options])


# --- recorders


def test_an_own_recorder_follows_the_same_steps_as_a_declared_one() -> None:
    own, declared = (play(_plan(name, steps=150), 3) for name in ("OWN", "GIVEN"))
    assert own.property == declared.property == ""
    assert (own.steps, own.actions) == (declared.steps, declared.actions)
    assert own.actions > 30


@pytest.mark.parametrize("name", ["FORGETFUL", "BLIND"])
def test_an_own_recorder_that_leaves_out_a_step_is_noticed(name: str) -> None:
    found = play(_plan(name), 3)
    assert found.property == "conforms to Lock"
    assert found.trace is not None
    if name == "BLIND":
        assert found.explanation[0] == "at the end of the run, the states differ:"


def test_a_state_that_nothing_stands_for_is_a_divergence() -> None:
    found = play(_plan("IMPOSSIBLE"), 3)
    assert found.property == "conforms to Lock"
    assert "five steps are enough" in found.explanation[0]


@pytest.mark.parametrize("name", ["OWN", "STEPS"])
def test_a_trace_of_a_long_run_has_its_last_steps(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("variants")
    attrs = importlib.import_module("attrs")
    monkeypatch.setattr(module, "STEPS", attrs.evolve(module.LOCK, trace_max=20), raising=False)
    played = play_run(_plan(name, steps=300), 3)
    trace = played.run.recorder.trace("Some", ("reason",))
    assert trace is not None
    assert trace.violation is not None
    assert len(trace) == trace.violation.step == 20
    assert trace.violation.explanation[1] == f"(these are the last 20 of {played.result.actions} steps)"
    oracle = oracle_of(module.LOCK, module.LOCK.sizes[0])
    before = oracle.state(trace.initial)
    for step in trace.steps:
        (after,) = [each.state for each in oracle.successors(before, step.action, step.arguments)
                    if each.state.values == step.state]  # fmt: skip
        before = after


# --- judges and goals


def test_judges_and_steps_meet_goals() -> None:
    found = soak(_plan("JUDGED", steps=200), range(2))
    assert found.missing == ()
    assert found.goals["the judge saw a grant"] > 10
    assert found.goals["step: Take"] > 10


@pytest.mark.parametrize(("name", "broken"), [("STRICT", "FewGrants"), ("ENDING", "NoEnd")])
def test_a_judge_ends_a_run_that_breaks_its_property(name: str, broken: str) -> None:
    found = play(_plan(name), 3)
    assert found.property == broken
    assert found.trace is not None
    assert itf.read(found.trace).violation is not None


def test_only_the_named_properties_end_a_run() -> None:
    played = play_run(_plan("STRICT", only=("Agreement",)), 3)
    assert played.result.property == ""
    assert "FewGrants" in played.run.found
    found = _soak("STRICT", "--seed", "3", "--seeds", "1", "--steps", "120", "--only", "FewGrants")
    assert found.exit_code == 1
    assert "--only FewGrants" in found.output


def test_a_goal_that_nobody_meets_is_inconclusive(context: Context) -> None:
    assert checks.soaked(context, "variants:UNSEEN", seeds=1, steps=40).verdict.kind is Kind.UNKNOWN
    found = checks.soaked(context, "variants:UNSEEN", seeds=1, steps=40, goals=[])
    assert found.verdict.kind is Kind.SAMPLED


# --- workload, phases and progress


def test_clients_speak_to_several_nodes_and_remember() -> None:
    run = play_run(_plan("CLIENTED"), 1).run
    asked = [entry.node for entry in run.cluster.log if entry.kind == "request"]
    assert {"c1", "c2", "c3"} <= set(asked)


def test_faults_end_every_so_many_steps_and_progress_is_demanded_each_time() -> None:
    played = play_run(_plan("RESTING", steps=200), 1)
    rests = sum(event.kind == "stabilise" for event in played.run.events)
    assert rests == importlib.import_module("variants").Resting.rounds >= 4
    assert played.run.goals["progress: the lock is granted again"] == rests


def test_a_run_that_is_over_ends_early() -> None:
    assert play(_plan("OVER", steps=5_000), 1).steps < 500


def test_progress_has_bounds_of_the_run_and_comes_one_after_the_other() -> None:
    found = play(_plan("BOUNDED"), 1)
    assert found.property == "granted a thousand times"
    assert found.goals["progress: granted"] == 1
    assert "not reached within 100 ms" in found.explanation[0]


def test_a_schedule_must_be_one() -> None:
    with pytest.raises(ConfigError, match=r"lock\.schedule makes a object, and no Schedule"):
        play(_plan("UNSCHEDULED"), 1)


# --- Byzantine nodes


def test_behaviours_are_goals_weighted_and_taken_up_together() -> None:
    played = play_run(_plan("TOGETHER", steps=400, judged=False), 1)
    faults = [entry.what for entry in played.run.cluster.log if entry.kind == "fault"]
    drawn = [fault["behaviour"] for fault in faults if fault.name == "make_byzantine"]
    assert len(drawn) > 6
    assert drawn[::2] == drawn[1::2]
    assert drawn.count("silent") > drawn.count("other")
    assert played.run.goals["behaviour: silent"]


def test_a_behaviour_that_makes_no_difference_is_told() -> None:
    found = _soak("IDLE", "--seeds", "1", "--steps", "60", "--not-judged")
    assert found.exit_code == 3
    assert "never met: behaviour: idle" in found.output


def test_the_order_of_nodes_is_drawn_from_the_seed() -> None:
    protocol = load_protocol("variants:TOGETHER")
    orders = {Run(protocol, protocol.size(None), seed=seed, oracle=None).size.nodes for seed in range(6)}
    assert len(orders) > 1
    assert all(set(order) == {"s", "c1", "c2", "c3"} for order in orders)


def test_a_property_that_is_expected_to_break_does_and_leaves_a_trace(context: Context) -> None:
    found = checks.breaks(context, "variants:FORGING", expect="FewGrants", seeds=4, steps=200)
    assert found.verdict.violates == "FewGrants"
    assert found.trace is not None
    violation = itf.read(found.trace).violation
    assert violation is not None
    assert violation.property == "FewGrants"
    told = _soak("FORGING", "--seeds", "2", "--steps", "200", "--expect", "FewGrants")
    assert told.exit_code == 0, told.output
    assert "repeat:   tlacheck soak variants:FORGING" in told.output


def test_a_property_that_hardly_breaks_says_that_the_adversary_is_weak(context: Context) -> None:
    found = checks.breaks(context, "variants:HARMLESS", expect="MutualExclusion", seeds=2, steps=60)
    assert found.verdict.kind is Kind.UNKNOWN
    assert "in 0 of 2 runs only" in str(found.verdict.reason)
    told = _soak("HARMLESS", "--seeds", "2", "--steps", "60", "--expect", "MutualExclusion")
    assert told.exit_code == 3
    assert "the adversary is weak" in told.output


def test_a_size_without_a_configuration_runs_without_the_spec() -> None:
    refused = _soak("NO_CONFIG", "--seeds", "1", "--steps", "40")
    assert refused.exit_code == 2
    assert "no configuration of Lock.tla speaks of 4 nodes" in refused.output
    assert _soak("NO_CONFIG", "--seeds", "2", "--steps", "150", "--not-judged").exit_code == 0


# --- the machine


def test_the_machine_has_a_rule_for_each_operation_and_fault() -> None:
    machine = machine_of(load_protocol("variants:JUDGED"))
    names = set(dir(machine))
    assert {"ask_0_acquire", "ask_1_release", "fault_crash", "fault_partition"} <= names


def test_the_machine_judges_the_end_of_each_example() -> None:
    limits = settings(
        max_examples=2, stateful_step_count=4, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    with pytest.raises(Diverged, match="NoEnd"):
        run_state_machine_as_test(machine_of(load_protocol("variants:ENDING")), settings=limits)


# --- mutants


def test_the_mutants_of_a_declaration_are_tried_by_a_soak_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{EXAMPLES}:{EXAMPLES.parent}")
    found = CliRunner().invoke(main, ["mutants", "--of", "lock.protocol:LOCK", "--only", "seen-not-*"])
    assert found.exit_code == 0, found.output
    assert "caught by soak (conforms to Lock)" in found.output
    none = CliRunner().invoke(main, ["mutants", "--of", "variants:NOTHING"])
    assert none.exit_code != 0
