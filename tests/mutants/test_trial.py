"""Mutants run in separate processes, and the table that `tlacheck mutants` prints."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner
from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.errors import ConfigError
from tlacheck.mutants import Attempt, Layer, Mutant, Result, try_mutants
from tlacheck.mutants.cli import mutants_command
from tlacheck.mutants.trial import load

LAYERS = (Layer("doubles", "toy.checks:doubles"), Layer("halves", "toy.checks:halves", immutabledict(upto=9)))


def _try(
    toy: Path,
    monkeypatch: pytest.MonkeyPatch,
    mutants: str = "MUTANTS",
    *,
    only: str = "*",
    every_layer: bool = False,
    layers: tuple[Layer, ...] = LAYERS,
) -> dict[str, Result]:
    """Each mutant's result, by name."""
    monkeypatch.syspath_prepend(toy.parent)
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    results = try_mutants(
        f"toy.mutants:{mutants}",
        layers,
        folder=toy.parent / "traces",
        seed=5,
        jobs=2,
        only=only,
        every_layer=every_layer,
    )
    return {result.mutant.name: result for result in results}


def test_the_first_failing_layer_catches_a_mutant(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = _try(toy, monkeypatch)
    assert list(results) == ["doubles-once", "half-rounds-up", "adds-instead"]
    once, up, equivalent = results.values()
    assert [(a.layer, a.caught, a.violates) for a in once.attempts] == [("doubles", True, "DoubleIsTwice")]
    assert [(a.layer, a.caught, a.violates) for a in up.attempts] == [
        ("doubles", False, ""),
        ("halves", True, "HalfIsHalf"),
    ]
    assert up.first == up.attempts[1]
    assert up.first.steps == 2
    assert [a.caught for a in equivalent.attempts] == [False, False]
    assert equivalent.first is None
    assert all(result.is_as_expected for result in results.values())


def test_all_layers_can_be_run_on_a_caught_mutant(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (result,) = _try(toy, monkeypatch, only="doubles-*", every_layer=True).values()
    assert [(a.layer, a.caught) for a in result.attempts] == [("doubles", True), ("halves", True)]
    assert result.first == result.attempts[0]


def test_traces_are_kept_by_mutant_and_layer(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _try(toy, monkeypatch, only="half-*")
    trace = itf.read(toy.parent / "traces" / "half-rounds-up" / "halves" / "counterexample.itf.json")
    assert trace.origin.seed == 5


def test_the_output_of_checks_goes_to_a_file(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _try(toy, monkeypatch, only="doubles-*")
    output = toy.parent / "traces" / "doubles-once" / "output.txt"
    assert output.read_text() == "what a check prints is not an answer\n"


def test_mutants_leave_nothing_in_the_package(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in toy.glob("*.py")}
    _try(toy, monkeypatch, every_layer=True)
    assert {path: path.read_bytes() for path in toy.glob("*.py")} == before


def test_an_unnoticed_mutant_is_not_as_expected(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (result,) = _try(toy, monkeypatch, "UNNOTICED", only="half-of-large").values()
    assert (result.first, result.is_as_expected) == (None, False)


def test_a_caught_equivalent_mutant_is_not_as_expected(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either a check is wrong or the change is not equivalent."""
    (result,) = _try(toy, monkeypatch, "NOT_EQUIVALENT").values()
    assert result.first is not None
    assert not result.is_as_expected


def test_a_layer_that_raises_has_not_caught_the_mutant(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that raises may raise without a bug in its subject, too."""
    (result,) = _try(toy, monkeypatch, "RAISES").values()
    assert [(a.caught, a.error) for a in result.attempts] == [(False, "ValueError: no double")] * 2
    assert (result.first, result.is_as_expected) == (None, False)


def test_a_dying_process_is_reported_with_its_layer(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (result,) = _try(toy, monkeypatch, "DIES").values()
    answered, died = result.attempts
    assert (answered.layer, answered.error) == ("doubles", "")
    assert (died.layer, died.caught) == ("halves", False)
    assert (
        died.error == f"its process ended with status 7; see {toy.parent / 'traces' / 'dies' / 'output.txt'}"
    )
    assert not result.is_as_expected


def test_a_mutant_that_no_longer_fits_is_reported_with_the_reason(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (result,) = _try(toy, monkeypatch, "UNFIT").values()
    (attempt,) = result.attempts
    assert "its process ended with status 1" in attempt.error
    assert "its text occurs 0 times" in (toy.parent / "traces" / "unfit" / "output.txt").read_text()


def test_an_unknown_layer_is_an_error(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (result,) = _try(
        toy, monkeypatch, only="doubles-*", layers=(Layer("none", "toy.checks:nothing"),)
    ).values()
    assert "names nothing that can be imported" in result.attempts[0].error


def test_an_unknown_mutant_is_refused_with_the_known_ones(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ConfigError, match="no mutant is called 'nix'; there are doubles-once, half-rounds-up"
    ):
        _try(toy, monkeypatch, only="nix")


@pytest.mark.parametrize("target", ["toy.nothing:X", "tlacheck.verdict:Nothing", "tlacheck.verdict", ":"])
def test_an_unloadable_package_is_named(target: str) -> None:
    with pytest.raises(ConfigError, match=f"'{target}' names nothing that can be imported"):
        load(target)


def test_an_error_makes_even_a_caught_mutant_not_as_expected() -> None:
    mutant = Mutant(name="m", bug="", module="x", old="a", new="b")
    caught = Attempt(layer="a", caught=True, violates="P", seconds=0.0, steps=None, error="")
    failed = Attempt(layer="b", caught=False, violates="", seconds=0.0, steps=None, error="it fell over")
    assert Result(mutant, (caught,)).is_as_expected
    assert not Result(mutant, (caught, failed)).is_as_expected


# --- the command --------------------------------------------------------------------------------


def _command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    """Status and output of `tlacheck mutants`; its imports are undone."""
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    monkeypatch.setattr(sys, "path", sys.path.copy())
    done = CliRunner().invoke(mutants_command, ["--of", "toy", *arguments])
    return done.exit_code, done.output


def _use(toy: Path, mutants: str) -> None:
    """Set the package's mutants."""
    with (toy / "mutants.py").open("a", encoding="utf-8") as file:
        file.write(f"\nMUTANTS = {mutants}\n")


@pytest.mark.usefixtures("toy")
def test_the_table_names_the_catching_layer_and_the_status_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = _command(monkeypatch)
    assert status == 0, output
    assert "doubles-once: caught by doubles (DoubleIsTwice)" in output
    assert "adds-instead (equivalent)" in output
    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line}
    assert rows["half-rounds-up"][:2] == ["halves", "HalfIsHalf"]
    assert rows["half-rounds-up"][-1] == "2"
    assert "None" not in output
    last = output.splitlines()[-1]
    assert last.startswith("mutants: caught=2/2 equivalent_survived=1/1 seed=0 seconds=")


def test_a_campaign_tries_each_mutant_once_and_tells_the_same(toy: Path) -> None:
    command = [sys.executable, "-c", "from tlacheck.cli import main; main()", "mutants", "--of", "toy"]
    first, again = (
        subprocess.run(
            [*command, "--campaign", "c.jsonl"],
            cwd=toy.parent,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        for _ in range(2)
    )
    assert first.returncode == again.returncode == 0, first.stdout + first.stderr
    assert "doubles-once: caught by doubles (DoubleIsTwice)" in again.stdout
    assert (toy.parent / "c.jsonl").read_text(encoding="utf-8").count('"kind": "case"') == 3


def test_an_executor_of_ones_own_tries_the_mutants(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(toy.parent)
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    with ThreadPoolExecutor(1) as executor:
        results = try_mutants("toy.mutants:MUTANTS", LAYERS, folder=toy.parent / "traces", executor=executor)
    assert all(result.is_as_expected for result in results)


@pytest.mark.usefixtures("toy")
def test_the_full_table_has_each_layers_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = _command(monkeypatch, "--every-layer", "--only", "half-*")
    assert status == 0, output
    (row,) = [line for line in output.splitlines() if line.startswith("half-rounds-up")]
    assert row.endswith("2 in 0s")
    assert "- in 0s" in row


@pytest.mark.parametrize(
    ("mutants", "words"),
    [
        ("UNNOTICED", "SURVIVES every layer"),
        ("NOT_EQUIVALENT", "NOT AS EXPECTED"),
        ("RAISES", "raises, doubles: ValueError: no double"),
        ("DIES", "dies, halves: its process ended with status 7"),
    ],
)
def test_an_unexpected_result_exits_with_1(
    toy: Path, monkeypatch: pytest.MonkeyPatch, mutants: str, words: str
) -> None:
    _use(toy, mutants)
    status, output = _command(monkeypatch, "--jobs", "1")
    assert status == 1, output
    assert words in output.replace("\n", " ")


@pytest.mark.usefixtures("toy")
def test_mutants_can_be_listed_without_running_them(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = _command(monkeypatch, "--list")
    assert (status, output.splitlines()) == (
        0,
        ["doubles-once  [T-1]", "half-rounds-up  [T-2]", "adds-instead  [none]"],
    )
    assert not Path(".verify").exists()
