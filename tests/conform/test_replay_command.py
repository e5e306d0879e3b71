"""`tlacheck replay` reports the first difference after writing its run; the status gives the verdict."""

import json
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

from tests.conform.toys import CALLS, Tally, run, state
from tlacheck import itf
from tlacheck.conform.adapter import Adapter, action, variable
from tlacheck.conform.cli.replay import replay_command
from tlacheck.trace import State
from tlacheck.values import Value

SPEC = Path(__file__).parents[1] / "specs" / "Tally.tla"
HERE = "tests.conform.test_replay_command"


class Wraps(Tally):
    """Wrong from a total of 5 on."""

    def raise_by(self, by: int) -> None:
        self.total = (self.total + by) % 5


class Forgets(Tally):
    """An adapter without Reset."""

    def perform(self, action: str, arguments: Any) -> None:
        super().perform("Dance" if action == "Reset" else action, arguments)


class Declared(Adapter):
    """An adapter with half of its declarations."""

    def reset(self, initial: State) -> None: ...

    @action("Raise")
    def up(self, by: Value) -> None: ...

    @variable
    def total(self) -> Value: ...


def _replay(folder: Path, *words: object) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.path", [str(SPEC.parents[2]), *sys.path])
        return CliRunner().invoke(replay_command, list(map(str, words)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two traces and an empty one."""
    folder = tmp_path_factory.mktemp("replay")
    itf.write(run(*CALLS), folder / "calls.itf.json")
    itf.write(run(*[("Raise", {"by": 2})] * 3), folder / "high.itf.json")
    itf.write(attrs.evolve(run(*CALLS), steps=()), folder / "empty.itf.json")
    return folder


def test_a_right_system_exits_with_0(folder: Path) -> None:
    done = _replay(folder, "calls.itf.json", "high.itf.json", "--system", f"{HERE}:Tally")
    assert done.exit_code == 0, done.output
    first, second, third = done.output.splitlines()
    assert first == "2 files: the system follows the spec"
    assert second.startswith("  2 traces, 8 steps, ")
    assert third == "  steps: Raise 6, Knock 1, Reset 1"


def test_a_wrong_system_exits_with_1_after_writing_its_run(folder: Path) -> None:
    words = ["calls.itf.json", "high.itf.json", "--system", f"{HERE}:Wraps"]
    done = _replay(folder, *words)
    assert done.exit_code == 1
    target = ".verify/traces/replay-calls.itf.json"
    assert done.output.splitlines()[-6:] == [
        "  at step 3:",
        "    after Raise, 2 part(s) of the state differ:",
        "    total: the spec has 6, the system has 1",
        "    odd: the spec has FALSE, the system has TRUE",
        f"  run of 3 steps: {target}",
        f"  look at it with: tlacheck inspect {target}",
    ]
    trace = itf.read(folder / target)
    assert trace.states[-1] == state(1)
    assert trace.violation is not None
    assert trace.violation.expected is not None
    assert trace.origin.command == f"tlacheck replay calls.itf.json high.itf.json --system {HERE}:Wraps"


def test_json_reports_the_same(folder: Path) -> None:
    done = _replay(folder, "high.itf.json", "--system", f"{HERE}:Wraps", "--json", "--out", "run.itf.json")
    assert done.exit_code == 1
    data = json.loads(done.stdout)
    assert (data["status"], data["traces"], data["steps"], data["trace"]) == (1, 1, 3, "run.itf.json")
    assert data["violation"]["step"] == 3
    assert (folder / "run.itf.json").is_file()


def test_an_adapter_error_exits_with_2_and_the_run_so_far(folder: Path) -> None:
    done = _replay(folder, "calls.itf.json", "--system", f"{HERE}:Forgets", "--out", "so_far.itf.json")
    assert done.exit_code == 2
    assert "step 4, Reset: the toy has no input for Dance" in done.output
    assert "the run so far, 3 steps: so_far.itf.json" in done.output
    assert len(itf.read(folder / "so_far.itf.json")) == 3


def test_an_adapter_mismatch_is_reported_before_any_step(folder: Path) -> None:
    done = _replay(folder, "calls.itf.json", "--system", f"{HERE}:Declared")
    assert done.exit_code == 2
    assert "Declared does not fit the trace; 3 things do not:" in done.output
    assert "nothing performs the action Knock(who)" in done.output
    assert "nothing shows the variable odd" in done.output


def test_a_replay_of_nothing_exits_with_3(folder: Path) -> None:
    done = _replay(folder, "empty.itf.json", "--system", f"{HERE}:Tally")
    assert done.exit_code == 3
    assert "nothing is established: no step was replayed: the traces have none" in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--system", "a:b"], "say what to replay"),
        (["x.itf.json", "--edges", "Y.tla", "--system", "a:b"], "say what to replay"),
        (["x.itf.json"], "say on what"),
        (["x.itf.json", "--system", "a:b", "--exec", "c"], "say on what"),
        (["x.itf.json", "--system", "a:b", "--config", "c.cfg"], "--config belongs to"),
        (["x.itf.json", "--system", "no_such_module:b"], "there is no module no_such_module"),
        (["x.itf.json", "--system", f"{HERE}:Tally"], "x.itf.json"),
        (["calls.itf.json", "--exec", "no-such-program-here"], "Is the program installed"),
    ],
)
def test_impossible_requests_exit_with_2(folder: Path, words: list[str], message: str) -> None:
    done = _replay(folder, *words)
    assert done.exit_code == 2
    assert message in done.output
    assert "Traceback" not in done.output


def test_every_edge_of_a_model_is_replayed(folder: Path) -> None:
    done = _replay(folder, "--edges", SPEC, "--system", f"{HERE}:Tally")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Tally: the system follows the spec\n  ")
    assert "  159 edges, 35 states, " in done.output


def test_simulated_behaviours_are_replayed(folder: Path) -> None:
    words = ["--simulate", SPEC, "-n", 20, "--depth", 12, "--seed", 1, "--system"]
    done = _replay(folder, *words, f"{HERE}:Wraps")
    assert done.exit_code == 1, done.output
    assert "part(s) of the state differ" in done.output
    trace = itf.read(folder / ".verify" / "traces" / "replay-Tally.itf.json")
    assert trace.origin.seed == 1
    assert " --seed 1 " in f"{trace.origin.command} "
