"""The harness, on the lock service of `examples/lock`: what it passes, and what it must not pass."""

import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
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
from tlacheck.harness.run import spec_of
from tlacheck.harness.soak import load_protocol, play
from tlacheck.sim import Fault
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.verdict import Kind
from tlacheck.verify import Context

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LOCK = "lock.protocol:LOCK"

pytestmark = pytest.mark.usefixtures("lock_example")

#: Declarations that differ from the lock service in one part, as a module that soaks can import.
VARIANTS = '''
import attrs
from lock import core
from lock.protocol import LOCK
from tlacheck.harness import Byzantine, Eventually, Invariant, sometimes, spec_step
from tlacheck.sim import Send, Silent, Tamper


class Deaf(core.Lock):
    """After the first grant the server answers nobody."""

    def step(self, state, inp):
        if isinstance(state, core.Server) and state.token:
            return state, []
        return super().step(state, inp)


UNMET = attrs.evolve(
    LOCK, goals=[sometimes("two hundred grants", lambda before, after: after["s"].token == 200)]
)
STUCK = attrs.evolve(LOCK, core=lambda size: Deaf(), goals=[])
SLOW = attrs.evolve(
    LOCK, progress=Eventually("a thousand grants", lambda begin, now: now["s"].token > 1_000, 100)
)
NARROW = attrs.evolve(
    LOCK, invariants=[Invariant("NoGrant", lambda view: view["s"].token and "the lock was granted" or None)]
)


class Raising(core.Lock):
    """The server cannot be asked twice."""

    def step(self, state, inp):
        if isinstance(state, core.Server) and state.token:
            raise KeyError("c9")
        return super().step(state, inp)


RAISING = attrs.evolve(LOCK, core=lambda size: Raising(), goals=[])
UNNAMED = attrs.evolve(LOCK, steps=lambda record: [spec_step("Grunt")] if record.commands else [])
FEW = attrs.evolve(LOCK, mutants=LOCK.mutants[:1])
def traitor(**behaviours):
    """The lock service with a client that the spec does not know to be Byzantine: to be run without it."""
    (size,) = LOCK.sizes
    return attrs.evolve(
        LOCK,
        sizes=[attrs.evolve(size, byzantine=["c3"])],
        byzantine=Byzantine(lambda size: behaviours),
        observe=lambda view: {},
        goals=[],
        progress=None,
    )


SILENT = traitor(silent=Silent())
FORGING = traitor(forge=Tamper(lambda message, random: core.Release("c1", random.randint(1, 9))))
'''


def _soak(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["soak", *arguments])


@pytest.fixture(scope="module")
def oracle() -> SpecOracle:
    sys.path.insert(0, str(EXAMPLES))
    try:
        protocol = load_protocol(LOCK)
    finally:
        sys.path.remove(str(EXAMPLES))
    return SpecOracle(spec_of(protocol, protocol.size(None)))


def _run(oracle: SpecOracle | None, target: str = LOCK, **options: Any) -> Run:
    protocol = load_protocol(target)
    return Run(protocol, protocol.size(None), seed=1, oracle=oracle, **options)


# --- what holds


def test_a_right_core_passes_and_meets_its_goals() -> None:
    found = _soak(LOCK, "--seeds", "2", "--steps", "150")
    assert found.exit_code == 0, found.output
    assert "the lock is released" in found.output


def test_a_seed_gives_the_same_run_in_every_process() -> None:
    plan = SoakPlan(target=LOCK, steps=80)
    alone, shared = soak(plan, [1, 2]), soak(plan, [1, 2], jobs=2)
    for one, other in zip(alone.runs, shared.runs, strict=True):
        assert (one.seed, one.steps, one.goals, one.faults) == (
            other.seed,
            other.steps,
            other.goals,
            other.faults,
        )


def test_an_executor_of_ones_own_plays_the_runs_and_stays_open() -> None:
    plan = SoakPlan(target=LOCK, steps=40, judged=False)
    with ThreadPoolExecutor(1) as executor:
        found = soak(plan, [1, 2], executor=executor)
        assert executor.submit(int, "3").result(timeout=60) == 3
    alone = soak(plan, [1, 2])
    assert [(run.seed, run.steps) for run in found.runs] == [(run.seed, run.steps) for run in alone.runs]


def test_a_mutant_is_refused_an_executor_that_it_would_change() -> None:
    plan = SoakPlan(target=LOCK, steps=40, mutant="seen-not-persisted")
    with ThreadPoolExecutor(1) as executor, pytest.raises(ConfigError, match="changes the whole process"):
        soak(plan, [1], executor=executor)


@pytest.mark.parametrize("name", ["stale-grant-taken", "seen-not-persisted"])
def test_a_mutant_is_caught_with_a_trace(name: str, tmp_path: Path) -> None:
    found = soak(SoakPlan(target=LOCK, steps=200, mutant=name, out=tmp_path), range(20), until_failed=True)
    assert found.failed
    (run,) = found.failed
    assert run.trace is not None
    violation = itf.read(run.trace).violation
    assert violation is not None
    assert violation.property == run.property == "conforms to Lock"


def test_the_printed_command_repeats_the_failure() -> None:
    first = _soak(LOCK, "--seeds", "20", "--steps", "200", "--mutant", "any-release-frees")
    assert first.exit_code == 1
    (command,) = [line for line in first.output.splitlines() if line.startswith("repeat:")]
    again = _soak(*command.removeprefix("repeat:").split()[2:])
    assert again.exit_code == 1
    assert first.output.partition("seed ")[2] == again.output.partition("seed ")[2]


# --- crashes at every place of a step


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_crash_anywhere_in_a_step_of_a_right_core_is_the_specs(oracle: SpecOracle, done: int) -> None:
    run = _run(oracle)
    core = importlib.import_module("lock.core")
    run.inflict(Fault.of("crash_during", node="s", done=done, torn=False))
    assert run.request("c1", core.Acquire("c1"))
    run.advance(100)
    assert "s" in run.cluster.world.down
    run.inflict(Fault.of("restart", node="s"))
    assert run.view["s"].token == (1 if done >= 2 else 0)
    assert run.request("c2", core.Acquire("c2"))
    run.advance(100)


def test_a_crash_while_writing_waits_for_a_step_that_writes(oracle: SpecOracle) -> None:
    run = _run(oracle)
    core = importlib.import_module("lock.core")
    run.inflict(Fault.of("crash_writing", node="c1", done=0, torn=False))
    assert run.request("c1", core.Acquire("c1"))  # it sends, and writes nothing
    assert run.cluster.world.down == set()
    run.advance(100)
    assert run.cluster.world.down == {"c1"}
    assert run.view["s"].token == 1
    assert run.view["c1"].held == 0


def test_a_message_that_left_before_the_sync_is_noticed(oracle: SpecOracle) -> None:
    run = _run(oracle)
    core = importlib.import_module("lock.core")
    honest = run.cluster._core.step

    def hasty(state: Any, inp: Any) -> Any:
        after, commands = honest(state, inp)
        return after, list(commands)[::-1]

    run.cluster._core.step = hasty  # type: ignore[method-assign]  # the planted bug
    run.inflict(Fault.of("crash_during", node="s", done=1, torn=False))
    run.request("c1", core.Acquire("c1"))
    with pytest.raises(Diverged, match="the spec allows no Take"):
        run.advance(200)
    assert run.has_failed


# --- what must not pass


def test_a_goal_that_is_never_met_is_inconclusive() -> None:
    found = _soak("variants:UNMET", "--seeds", "1", "--steps", "40")
    assert found.exit_code == 3
    assert "never met: two hundred grants" in found.output


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("variants:STUCK", "the lock is granted again"),
        ("variants:SLOW", "a thousand grants"),
        ("variants:NARROW", "NoGrant"),
        ("variants:UNNAMED", "the spec has no action Grunt"),
        ("variants:RAISING", "Total"),
        ("variants:RAISING", "the core raised KeyError: 'c9' on "),
    ],
)
def test_what_does_not_hold_is_told_by_its_name(target: str, words: str) -> None:
    found = _soak(target, "--seeds", "1", "--steps", "40", "--faults", "none")
    assert found.exit_code == 1, found.output
    assert words in found.output
    assert "repeat:" in found.output


def test_without_the_spec_invariants_are_still_judged() -> None:
    found = _soak("variants:NARROW", "--seeds", "1", "--steps", "40", "--not-judged")
    assert found.exit_code == 1
    assert "NoGrant" in found.output


def test_the_machine_passes_a_right_core_and_fails_a_wrong_one(oracle: SpecOracle) -> None:
    limits = settings(
        max_examples=8, stateful_step_count=15, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    right = machine_of(load_protocol(LOCK))
    right.oracle = oracle
    run_state_machine_as_test(right, settings=limits)
    wrong = machine_of(load_protocol("variants:SLOW"))
    wrong.oracle = oracle
    with pytest.raises(Diverged, match="a thousand grants"):
        run_state_machine_as_test(wrong, settings=limits)


# --- Byzantine nodes


def test_a_silent_node_breaks_nothing_of_the_others() -> None:
    result = play(SoakPlan(target="variants:SILENT", steps=100, judged=False), 1)
    assert (result.property, result.actions) == ("", 0)
    assert result.faults["make_byzantine"]


def test_a_forging_node_breaks_a_protocol_that_trusts_its_peers() -> None:
    plan = SoakPlan(target="variants:FORGING", steps=600, byzantine=1, judged=False)
    found = soak(plan, range(20), until_failed=True)
    assert [run.property for run in found.failed] == ["MutualExclusion"]


# --- bad input


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "names no protocol"),
        (["lock.protocol:LOK"], "did you mean LOCK"),
        (["lock.protocol:observe"], "no tlacheck.harness.Protocol"),
        ([LOCK, "--faults", "fire"], "no fault fire"),
        ([LOCK, "--mutant", "none"], "no mutant 'none'"),
        ([LOCK, "--nodes", "7"], "no size of 7 nodes; it declares 4 (0 Byzantine)"),
        ([LOCK, "--byzantine", "1"], "no size of nodes of which 1 are Byzantine"),
        ([LOCK, "--steps", "0"], "--steps"),
    ],
)
def test_bad_input_is_one_message_and_status_two(arguments: list[str], words: str) -> None:
    found = _soak(*arguments, "--seeds", "1")
    assert found.exit_code == 2, found.output
    assert words in found.output
    assert "Traceback" not in found.output


def test_a_protocol_without_operations_is_refused() -> None:
    attrs = importlib.import_module("attrs")
    with pytest.raises(ConfigError, match="0 operations"):
        attrs.evolve(load_protocol(LOCK), workload=[])


# --- checks of verify


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="smoke", seed=0, command="verify", progress=lambda _: None)


def test_the_soak_check_is_sampled_violated_or_unknown(context: Context) -> None:
    kinds = {
        target: checks.soaked(context, target, seeds=1, steps=60).verdict.kind
        for target in (LOCK, "variants:NARROW", "variants:UNMET")
    }
    assert list(kinds.values()) == [Kind.SAMPLED, Kind.VIOLATED, Kind.UNKNOWN]


def test_the_stateful_check_is_sampled_violated_or_unknown(context: Context) -> None:
    assert checks.stateful(context, LOCK, examples=10, steps=30).verdict.kind is Kind.SAMPLED
    assert checks.stateful(context, "variants:UNMET", examples=1, steps=5).verdict.kind is Kind.UNKNOWN
    found = checks.stateful(context, "variants:SLOW", examples=5, steps=10, shrinking_seconds=1)
    assert found.verdict.kind is Kind.VIOLATED
    assert found.trace is not None
    assert "a thousand grants" in found.message
    assert f"inspect: make inspect T={found.trace}" in found.message


def test_the_stateful_check_keeps_the_trace_of_the_shortest_failure(context: Context) -> None:
    found = checks.stateful(context, "variants:RAISING", examples=5, steps=10, shrinking_seconds=2)
    assert found.trace is not None
    violation = itf.read(found.trace).violation
    assert violation is not None
    assert violation.property == "Total"
    assert len(itf.read(found.trace)) <= 4


def test_the_mutants_check_tells_who_survives(context: Context) -> None:
    found = checks.mutants_caught(context, "variants:FEW", seeds=1, steps=1)
    assert found.verdict.kind is Kind.UNKNOWN
    assert "grant-before-sync" in str(found.verdict)
