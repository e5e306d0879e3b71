"""Simulations by TLC on both engines: behaviours, endings and reproduction by seed."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tlacheck import itf
from tlacheck.engine import VERSIONS, Engine, find_jvm, installed_engines
from tlacheck.errors import ConfigError, EngineError, SpecError
from tlacheck.tlc import Spec, SpecOracle
from tlacheck.tlc._convert import parse
from tlacheck.tlc._process import Worker
from tlacheck.tlc.cli.simulate import simulate_command
from tlacheck.tlc.simulate import Simulation, simulate
from tlacheck.trace import EvaluationError, Trace
from tlacheck.values import ModelValue

Simulate = Callable[..., Simulation]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """A warm worker, which accepts either engine."""
    with Worker(1024) as warm:
        yield warm


@pytest.fixture
def draw(worker: Worker, engine: Engine, load: Any) -> Simulate:
    """`draw("Mutex", "MutexWeak", seed=3)`: a simulation of one of the small specs, in the warm worker."""

    def draw(module: str, config: str | None = None, **options: Any) -> Simulation:
        return simulate(load(module, config), engine=engine, worker=worker, **options)

    return draw


def _plain(engine: Engine, spec: Spec, folder: Path, *options: str) -> list[list[dict[str, Any]]]:
    """The states in the files that the plain command writes."""
    for path in (spec.path, spec.config):
        shutil.copy(path, folder)
    java = [str(find_jvm().executable), "-XX:+UseParallelGC", f"-Duser.home={folder}", "-cp", str(engine.jar)]
    done = subprocess.run(
        [*java, "tlc2.TLC", "-deadlock", *options, spec.path.name],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    files = sorted(folder.glob("behaviour_0_*"), key=lambda path: int(path.name.rpartition("_")[2]))
    return [
        [
            {name: parse(value) for name, value in re.findall(r"^/\\ (\w+) = (.*)$", state, re.MULTILINE)}
            for state in re.split(r"^STATE_\d+ ==", path.read_text(), flags=re.MULTILINE)[1:]
        ]
        for path in files
    ]


def _longest(engine: Engine, depth: int) -> int:
    """The number of states that a behaviour of this depth may have: newer TLCs count steps."""
    return depth if engine.version in VERSIONS else depth + 1


def test_the_behaviours_are_those_of_plain_tlc(
    draw: Simulate, engine: Engine, load: Any, tmp_path: Path
) -> None:
    options = ["-simulate", "num=200,file=behaviour", "-depth", "12", "-seed", "7"]
    expected = _plain(engine, load("Labels"), tmp_path, *options)
    assert len(expected) == 200
    simulation = draw("Labels", behaviours=200, depth=12, seed=7, deadlock=False)
    assert [[dict(state) for state in trace.states] for trace in simulation] == expected
    longest = _longest(engine, 12)
    ends = [(len(states), states[-1]["x"]) for states in expected]
    # ... in whichever way they end
    assert {x for length, x in ends if length < longest} == ({9, 100} if longest == 12 else {100})
    assert any(length == longest for length, _ in ends)


def test_a_step_carries_its_action_and_bound_constants(draw: Simulate) -> None:
    simulation = draw("Labels", behaviours=100, depth=12, deadlock=False)
    seen = set()
    for trace in simulation:
        for before, step in zip(trace.states, trace.steps, strict=False):
            seen.add(step.action)
            assert step.action == step.state["did"]
            if step.action == "Jump":
                assert step.arguments == {"n": step.state["x"] - before["x"]}
            else:
                assert step.arguments == {}
    result = simulation.result
    assert seen == {"Up", "Jump", "Back", "Stop"}
    assert {action for action, count in result.actions.items() if count} == seen
    assert result.actions["Never"] == 0
    assert sum(result.actions.values()) == result.states - result.behaviours


def test_every_simulated_step_is_allowed_by_the_oracle(draw: Simulate, engine: Engine, load: Any) -> None:
    oracle = SpecOracle(load("Mail"), engine=engine)
    for trace in draw("Mail", behaviours=5, depth=15, deadlock=False):
        (state,) = oracle.initial_states()
        assert state.values == trace.initial
        for step in trace.steps:
            (after,) = [
                found
                for found in oracle.successors(state, step.action, step.arguments)
                if found.state.values == step.state
            ]
            state = after.state


def test_the_event_gives_action_and_arguments(draw: Simulate) -> None:
    simulation = draw("MailEvents", "MailEventsHalf", seed=7)
    *_, trace = simulation
    a, b = ModelValue("a"), ModelValue("b")
    assert trace.variables == ("box", "got", "event")
    assert trace.steps[0].action == "Send"
    assert trace.steps[0].arguments in ({"from": a, "to": b}, {"from": b, "to": a})
    assert set(simulation.result.actions) == {"Send", "Receive"}


def test_both_engines_simulate_the_same_behaviours(worker: Worker, load: Any) -> None:
    engines = [engine for engine in installed_engines() if engine.version in VERSIONS]
    drawn = []
    for engine in engines:
        options: dict[str, Any] = {"behaviours": 50, "seed": 3, "depth": 20, "deadlock": False}
        simulation = simulate(load("Labels"), engine=engine, worker=worker, **options)
        drawn.append([(trace.initial, trace.steps) for trace in simulation])
    assert all(one == drawn[0] for one in drawn)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_seed_determines_the_behaviours(draw: Simulate, workers: int) -> None:
    def files(seed: int) -> list[str]:
        options = {"behaviours": 40, "seed": seed, "depth": 12, "deadlock": False}
        return [itf.to_json(trace) for trace in draw("Labels", workers=workers, **options)]

    first = files(1)
    assert len(first) == 40
    assert files(1) == first
    assert files(2) != first


def test_the_command_of_a_behaviour_reproduces_it(draw: Simulate) -> None:
    options: dict[str, Any] = {"depth": 12, "deadlock": False, "seed": 5, "workers": 2}
    *_, trace = draw("Labels", behaviours=9, **options)
    found = re.search(r"--num (\d+) --depth 12 --seed 5 --workers 2 --no-deadlock$", trace.origin.command)
    assert found, trace.origin.command
    assert trace.origin.seed == 5
    *_, again = draw("Labels", behaviours=int(found[1]), **options)
    assert again == trace


def test_two_processes_write_the_same_files_to_the_byte(
    one_engine: Engine, specs: Path, tmp_path: Path
) -> None:
    written = []
    for hashing in ("1", "2"):
        folder = tmp_path / hashing
        command = [sys.executable, "-c", "from tlacheck.cli import main; main()", "simulate"]
        command += [str(specs / "MailEvents.tla"), "--config", str(specs / "MailEventsHalf.cfg")]
        command += ["--seed", "4", "--memory", "512", "--out", str(folder)]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONHASHSEED": hashing, "TLACHECK_ENGINE": one_engine.version},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    assert "MailEvents-MailEventsHalf-4-1.itf.json" in written[0]


def test_an_invariant_is_checked_in_every_possible_next_state(draw: Simulate) -> None:
    simulation = draw("DieHard", "DieHardNotFour", behaviours=1000, seed=7)
    *others, last = simulation
    result = simulation.result
    assert result.verdict.violates == "NotFour"
    assert result.trace == last
    assert last.states[-1]["big"] == 4
    assert last.violation is not None
    assert last.violation.step == len(last)
    assert all(trace.violation is None for trace in others)
    assert all(state["big"] != 4 for trace in others for state in trace.states)
    assert result.behaviours == len(others) + 1


@pytest.mark.parametrize(
    ("module", "config", "violates", "steps"),
    [
        ("DieHard", "DieHardNeverLess", "NeverLess", None),
        ("DieHard", "DieHardNonzero", "Nonzero", 0),
        ("DieHard", "DieHardBegins", "Nonzero", 0),  # TLC itself does not look
        ("Countdown", None, "Deadlock", 3),
    ],
)
def test_a_violated_property_is_named_with_its_trace(
    draw: Simulate, module: str, config: str | None, violates: str, steps: int | None
) -> None:
    result = draw(module, config, seed=7).result
    assert result.verdict.violates == violates
    assert result.trace is not None
    assert result.trace.violation is not None
    assert result.trace.violation.property == violates
    assert steps is None or len(result.trace) == steps


def test_a_false_assumption_gives_no_behaviour(draw: Simulate) -> None:
    simulation = draw("Countdown", "CountdownShort")  # TLC 2.15 does not look
    assert list(simulation) == []
    assert (simulation.result.verdict.violates or "").endswith("Countdown.tla:5:8")
    assert simulation.result.trace is None


def test_a_loop_in_a_behaviour_may_violate_a_temporal_property(draw: Simulate) -> None:
    simulation = draw("Mutex", "MutexWeak", seed=7, depth=15)
    *_, last = simulation
    assert simulation.result.verdict.violates == "Served"
    assert last.loop is not None
    assert simulation.result.trace == last
    assert last.origin.source == "tlc-simulation"


def test_an_unviolated_temporal_property_gives_a_warning(draw: Simulate) -> None:
    result = draw("Mutex", "MutexStrong", behaviours=20, depth=15).result
    assert str(result.verdict) == "sampled(20 cases, seed 0)"
    (warning,) = result.warnings
    assert "Served" in warning
    assert "tlacheck check" in warning
    assert draw("Mutex", behaviours=2).result.warnings == ()


def test_depth_counts_states_and_allowed_deadlocks_end_behaviours(draw: Simulate, engine: Engine) -> None:
    lengths = [len(trace.states) for trace in draw("Endless", behaviours=2, depth=1)]
    assert lengths == [_longest(engine, 1)] * 2
    result = draw("Countdown", behaviours=5, deadlock=False).result
    assert str(result.verdict) == "sampled(5 cases, seed 0)"
    assert (result.behaviours, result.states, result.generated) == (5, 20, 16)


@pytest.mark.parametrize("workers", [1, 2])
def test_levels_and_registers_belong_to_the_step(draw: Simulate, engine: Engine, workers: int) -> None:
    states = _longest(engine, 5)
    for trace in list(draw("Registers", behaviours=4, depth=5, workers=workers)):
        assert [state["x"] for state in trace.states] == [0, 5, 10, 9, 8, 7][:states]
        assert [step.action for step in trace.steps] == ["Early", "Early", "Late", "Late", "Late"][
            : states - 1
        ]


@pytest.mark.parametrize(
    ("config", "place", "states"), [("Stumble", "7:23", 4), ("StumbleComparable", "9:", 2)]
)
def test_an_unevaluable_step_is_an_error_with_location_and_trace(
    draw: Simulate, config: str, place: str, states: int
) -> None:
    with pytest.raises(SpecError, match=rf"Stumble\.tla:{place}") as caught:
        list(draw("Stumble", config))
    assert isinstance(caught.value, EvaluationError)
    assert [dict(state) for state in caught.value.trace.states] == [{"x": x} for x in range(states)]


@pytest.mark.parametrize(
    ("definitions", "words"),
    [
        ("Init == x \\in Nat /\\ y = 0\nNext == UNCHANGED <<x, y>>", r"M\.tla:4:9.*not enumerable"),
        ("Init == x = 0 /\\ x = 1 /\\ y = 0\nNext == UNCHANGED <<x, y>>", "no state satisfies the initial"),
        ("Init == x = 0 /\\ y = \nNext == UNCHANGED <<x, y>>", r"M\.tla:4:18: syntax error"),
        ("Init == x = 0\nNext == UNCHANGED <<x, y>>", "the initial predicate gives no value to y"),
        ("Init == x = 0 /\\ y = 0\nGo == x' = 1\nNext == Go", r"M\.tla:5:7: .* gives no value to y"),
    ],
)
def test_a_mistake_in_the_spec_is_one_message(
    worker: Worker, engine: Engine, tmp_path: Path, definitions: str, words: str
) -> None:
    text = f"---- MODULE M ----\nEXTENDS Naturals\nVARIABLES x, y\n{definitions}\n====\n"
    (tmp_path / "M.tla").write_text(text)
    (tmp_path / "M.cfg").write_text("INIT Init\nNEXT Next\n")
    with pytest.raises(SpecError, match=words):
        list(simulate(tmp_path / "M.tla", engine=engine, worker=worker))


def test_an_undeclared_constant_is_an_error(worker: Worker, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "M.tla").write_text("---- MODULE M ----\nVARIABLE x\nInit == x = 0\nNext == x' = x\n====\n")
    (tmp_path / "M.cfg").write_text("INIT Init\nNEXT Next\nCONSTANT Size = 3\n")
    with pytest.raises(SpecError, match=r"M\.cfg.*Size"):
        list(simulate(tmp_path / "M.tla", engine=engine, worker=worker))


def test_a_simulation_abandoned_early_leaves_no_process(load: Any) -> None:
    with simulate(load("Labels"), behaviours=1_000_000, deadlock=False, memory_mb=512) as simulation:
        taken = [trace for trace, _ in zip(simulation, range(3), strict=False)]
        pid = simulation._worker.pid
        assert pid is not None
    assert len(taken) == 3
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(EngineError, match="ended before"):
        _ = simulation.result


def test_a_killed_worker_is_reported_with_the_behaviours_so_far(load: Any) -> None:
    with simulate(load("Endless"), behaviours=1_000_000, memory_mb=512, timeout=60) as simulation:
        behaviours = iter(simulation)
        next(behaviours)
        pid = simulation._worker.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        result = simulation.result
    assert result.verdict.reason == "the TLC worker was ended by signal 9"
    assert result.behaviours >= 1
    assert result.states == 100 * result.behaviours


def test_without_traces_only_a_violation_is_given(draw: Simulate) -> None:
    options: dict[str, Any] = {"behaviours": 60, "depth": 12, "seed": 3, "deadlock": False, "workers": 2}
    whole, quick = draw("Labels", **options), draw("Labels", traces=False, **options)
    assert list(quick) == []
    for part in ("verdict", "behaviours", "states", "generated"):
        assert getattr(quick.result, part) == getattr(whole.result, part), part
    assert quick.result.actions == {}
    weak, quick = (draw("Mutex", "MutexWeak", seed=7, depth=15, traces=each) for each in (True, False))
    (found,) = quick
    last = list(weak)[-1]
    assert (found.states, found.violation) == (last.states, last.violation)
    assert quick.result.verdict == weak.result.verdict
    assert found.origin.command.endswith("--no-traces")


@pytest.mark.parametrize(
    "options", [{"behaviours": 0}, {"depth": 0}, {"seed": -1}, {"workers": 0}, {"depth": 2**31}]
)
def test_invalid_options_are_refused(load: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(options))} is "):
        simulate(load("DieHard"), **options)


@pytest.fixture
def warm_command(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command use the warm worker instead of starting a JVM."""
    warm = functools.partial(simulate, worker=worker)
    monkeypatch.setattr("tlacheck.tlc.cli.simulate.simulate", warm)


def _command(*arguments: str) -> Any:
    return CliRunner().invoke(simulate_command, [*arguments, "--memory", "512"])


@pytest.mark.usefixtures("in_tmp_path", "warm_command")
def test_the_command_lists_actions_never_taken(specs: Path) -> None:
    done = _command(str(specs / "Labels"), "--num", "30", "--depth", "8", "--seed", "2", "--no-deadlock")
    assert done.exit_code == 0, done.output
    assert "Labels: sampled(30 cases, seed 2)" in done.stdout
    assert re.search(r"30 behaviours of \d to 8 states", done.stdout)
    assert re.search(r"steps: (\w+ \d+, )+\w+ \d+", done.stdout)
    assert "never taken: Never" in done.stdout
    assert not Path(".verify").exists()


@pytest.mark.usefixtures("in_tmp_path")
def test_the_command_shows_and_writes_the_behaviours_and_the_violation(specs: Path) -> None:
    done = _command(str(specs / "Countdown.tla"), "--num", "3", "--show", "--out", "here")
    assert done.exit_code == 1, done.output
    assert "   3  Tick  left 1 → 0" in done.stdout
    assert "Deadlock: a state is reached in which no action is enabled" in done.stdout
    assert "tlacheck inspect .verify/traces/Countdown.itf.json" in done.stdout
    (written,) = Path("here").iterdir()
    assert written.name == "Countdown-0-1.itf.json"
    assert itf.read(written) == itf.read(Path(".verify/traces/Countdown.itf.json"))


@pytest.mark.usefixtures("in_tmp_path", "warm_command")
def test_json_has_a_line_per_behaviour_and_a_summary(specs: Path) -> None:
    done = _command(str(specs / "DieHard.tla"), "--num", "2", "--depth", "3", "--show", "--json")
    assert done.exit_code == 0, done.output
    *behaviours, summary = done.stdout.splitlines()
    traces: list[Trace] = [itf.from_json(line) for line in behaviours]
    assert [len(trace) for trace in traces] == [2, 2]
    told = json.loads(summary)
    assert told["verdict"] == {"kind": "sampled", "cases": 2, "seed": 0}
    assert (told["behaviours"], told["lengths"], told["states"]) == (2, {"3": 2}, 6)


@pytest.mark.usefixtures("in_tmp_path", "warm_command")
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["Endless.tla", "--num", "1000000000", "--timeout", "2"], 3, "unknown(no time left after 2 s)"),
        (["Stumble.tla"], 2, "3 steps lead there: tlacheck inspect .verify/traces/Stumble.itf.json"),
        (["Nothing.tla"], 2, "Nothing.tla: there is no such module"),
        (["DieHard.tla", "--num", "0"], 2, "0 is not in the range"),
        (["DieHard.tla", "--no-traces", "--show"], 2, "leave it out with --out and --show"),
        (["DieHard.tla", "--num", "3", "--depth", "4", "--no-traces"], 0, "3 behaviours, 12 states in all"),
    ],
)
def test_the_command_exits_with_the_status_of_its_verdict(
    specs: Path, arguments: list[str], status: int, words: str
) -> None:
    done = _command(str(specs / arguments[0]), *arguments[1:])
    assert done.exit_code == status, done.output
    assert words in done.output
