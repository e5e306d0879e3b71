"""Modules in library folders and trusted jars."""

import json
import os
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from tlacheck import itf
from tlacheck.cli import main
from tlacheck.errors import SpecError
from tlacheck.tlc import (
    Node,
    Spec,
    SpecOracle,
    check,
    check_behaviour,
    evaluate,
    parse,
    simulate,
    stream_graph,
)

USES = """---- MODULE Uses ----
EXTENDS Naturals, Halves
VARIABLE n
Init == n = 40
Next == n > 1 /\\ n' = Half(n)
Positive == n > 0
====
"""
HALVES = """---- MODULE Halves ----
EXTENDS Naturals
Half(k) == k \\div 2
====
"""
CONFIG = "INIT Init\nNEXT Next\nINVARIANT Positive\n"


@pytest.fixture
def uses(tmp_path: Path) -> Path:
    """A spec whose module Halves lies in the folder `library`."""
    (tmp_path / "spec").mkdir()
    (tmp_path / "library").mkdir()
    (tmp_path / "spec" / "Uses.tla").write_text(USES)
    (tmp_path / "spec" / "Uses.cfg").write_text(CONFIG)
    (tmp_path / "library" / "Halves.tla").write_text(HALVES)
    return tmp_path / "spec" / "Uses.tla"


@pytest.fixture
def spec(uses: Path) -> Spec:
    return Spec.load(uses, libraries=[uses.parents[1] / "library"])


@pytest.fixture
def jar(uses: Path, tmp_path: Path) -> Path:
    path = tmp_path / "halves.jar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(uses.parents[1] / "library" / "Halves.tla", "Halves.tla")
    return path


def test_a_missing_module_is_told_with_the_folders_and_the_options(uses: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"Halves is not found.*spec has no Halves\.tla; --library .*--trusted-jar"
    ):
        check(uses)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SpecError, match=r"neither \S*spec nor \S*empty has a Halves\.tla"):
        check(Spec.load(uses, libraries=[tmp_path / "empty"]))


def test_every_way_of_using_a_spec_finds_its_library(spec: Spec, uses: Path) -> None:
    assert check(spec, deadlock=False).distinct == 6
    with stream_graph(spec) as parts:
        assert sum(isinstance(part, Node) for part in parts) == 6
    (behaviour,) = simulate(spec, behaviours=1, deadlock=False)
    assert behaviour.states[-1]["n"] == 1
    oracle = SpecOracle(spec)
    assert [step.state.values["n"] for step in oracle.successors(oracle.initial_states()[0])] == [20]
    assert evaluate("Half(9)", spec) == 4
    assert evaluate("Half(9)", uses, libraries=spec.libraries) == 4
    assert parse(uses, libraries=spec.libraries).definition("Half").span.file == str(
        spec.libraries[0] / "Halves.tla"
    )
    assert check_behaviour(behaviour, spec).is_established


def test_a_module_beside_the_spec_comes_before_that_of_a_library(spec: Spec) -> None:
    spec.path.with_name("Halves.tla").write_text(HALVES.replace("k \\div 2", "k - 1"))
    assert check(spec, deadlock=False).distinct == 40


def test_a_module_of_a_trusted_jar_is_found(uses: Path, jar: Path) -> None:
    assert check(Spec.load(uses, trusted_jars=[jar]), deadlock=False).distinct == 6


def test_a_jar_as_a_library_is_refused_with_the_reason(uses: Path, jar: Path) -> None:
    with pytest.raises(SpecError, match=r"a jar, whose Java code would run.*--trusted-jar"):
        Spec.load(uses, libraries=[jar])


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--library", "nowhere"], "no such folder of modules"),
        (["--trusted-jar", "nowhere.jar"], "no such jar"),
        (["--trusted-jar", "Uses.tla"], "no zip archive"),
    ],
)
def test_a_library_that_is_none_is_told_in_one_line(
    uses: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], why: str
) -> None:
    monkeypatch.chdir(uses.parent)
    done = CliRunner().invoke(main, ["check", "Uses.tla", *options])
    assert done.exit_code == 2
    assert why in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_commands_take_libraries_and_repeat_them(uses: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(uses.parents[1])
    run = ["spec/Uses.tla", "--library", "library"]
    checked = CliRunner().invoke(main, ["check", *run, "--no-deadlock", "--json"])
    assert json.loads(checked.stdout)["distinct"] == 6
    drawn = CliRunner().invoke(main, ["simulate", *run, "--num", "1", "--no-deadlock", "--json"])
    assert drawn.exit_code == 0, drawn.output
    broken = uses.with_name("Broken.cfg")
    broken.write_text(CONFIG.replace("Positive", "Large"))
    uses.write_text(USES.replace("====", "Large == n > 5\n===="))
    found = CliRunner().invoke(main, ["check", *run, "--config", "Broken.cfg", "--no-deadlock", "--json"])
    assert found.exit_code == 1, found.output
    trace = itf.read(Path(json.loads(found.stdout)["trace"]))
    assert "--library library" in trace.origin.command
    told = CliRunner().invoke(main, ["eval", "Half(9)", "--spec", *run])
    assert told.stdout == "4\n"


def test_the_folders_of_tla_library_are_searched_too(uses: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = os.pathsep.join(["", str(uses.parent / "none"), str(uses.parents[1] / "library")])
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", f"-Xshare:auto -DTLA-Library={folders}")
    assert Spec.load(uses).libraries == (uses.parents[1] / "library",)
    assert check(uses, deadlock=False).distinct == 6
