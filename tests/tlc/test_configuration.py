"""Configurations that a manifest derives from others."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tlacheck.cli import main
from tlacheck.errors import ConfigError, SpecError
from tlacheck.tlc import Checker, Spec
from tlacheck.tlc.configuration import configuration_text, derived, is_configuration

MODULE = """---- MODULE Count ----
EXTENDS Integers
CONSTANT Max
VARIABLE n
Init == n = 0
Allowed(m) == m <= Max
AnyAllowed(m) == m <= 9
Next == n' = n + 1 /\\ Allowed(n')
Spec == Init /\\ [][Next]_n
Small == n <= Max
NotTwo == n # 2
Grows == [][n' > n]_n
====
"""
BASE = """\\* Counts to the bound.
SPECIFICATION Spec
CONSTANTS
    Max = 3
INVARIANTS
    Small
PROPERTIES
    Grows
CHECK_DEADLOCK FALSE
"""
HOLDS = '[[model]]\nspec = "Count.tla"\nconfig = "holds.cfg"\nwhat = "It holds"\n'
MUTANT = """
[[model]]
spec = "Count.tla"
config = "mutant.cfg"
what = "any number is allowed"
expect = "violated"
violates = "Small"
base = "holds.cfg"
constants = { Allowed = "<- AnyAllowed" }
"""
WIDER = """
[[model]]
spec = "Count.tla"
config = "wider.cfg"
what = "A wider bound"
base = "holds.cfg"
constants = { Max = "5" }
"""
WITNESS = """
[[model]]
spec = "Count.tla"
config = "witness.cfg"
what = "it counts to two"
expect = "witness"
violates = "NotTwo"
base = "wider.cfg"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Count.tla").write_text(MODULE, encoding="utf-8")
    (tmp_path / "holds.cfg").write_text(BASE, encoding="utf-8")
    (tmp_path / "manifest.toml").write_text(HOLDS + MUTANT + WIDER + WITNESS, encoding="utf-8")
    return tmp_path


def _config(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["config", *map(str, arguments)])


def _row(folder: Path, text: str) -> None:
    (folder / "manifest.toml").write_text(HOLDS + text, encoding="utf-8")


def test_a_weakened_rule_is_one_line_of_the_row(folder: Path) -> None:
    text = configuration_text(folder / "mutant.cfg")
    assert "Max = 3" in text
    assert "Allowed <- AnyAllowed" in text
    assert "CHECK_DEADLOCK FALSE" in text


def test_a_row_that_must_fail_checks_what_it_violates_alone(folder: Path) -> None:
    assert "INVARIANT Small\n" in configuration_text(folder / "mutant.cfg")
    assert "Grows" not in configuration_text(folder / "mutant.cfg")


def test_a_row_that_holds_checks_what_its_base_checks(folder: Path) -> None:
    text = configuration_text(folder / "wider.cfg")
    assert "Max = 5" in text
    assert "Small" in text
    assert "Grows" in text


def test_a_violated_property_of_the_base_stays_a_property(folder: Path) -> None:
    _row(folder, MUTANT.replace('"Small"', '"Grows"'))
    assert "PROPERTY Grows\n" in configuration_text(folder / "mutant.cfg")


def test_a_derived_configuration_may_be_a_base(folder: Path) -> None:
    text = configuration_text(folder / "witness.cfg")
    assert "Max = 5" in text
    assert "INVARIANT NotTwo\n" in text


def test_sections_are_replaced_or_left_out(folder: Path) -> None:
    _row(folder, WIDER + 'invariants = []\nproperties = ["Grows"]\nconstraints = ["Small"]\nview = ""\n')
    text = configuration_text(folder / "wider.cfg")
    assert "INVARIANT" not in text
    assert "CONSTRAINT Small\n" in text
    assert "PROPERTY Grows\n" in text


def test_tlc_checks_a_derived_configuration_by_its_path(one_checker: Checker, folder: Path) -> None:
    found = {
        name: one_checker.check(Spec.load(folder / "Count.tla", folder / f"{name}.cfg"), deadlock=False)
        for name in ("mutant", "wider", "witness")
    }
    assert found["mutant"].verdict.violates == "Small"
    assert found["wider"].verdict.is_established
    assert found["wider"].distinct == 6
    assert found["witness"].verdict.violates == "NotTwo"


def test_a_file_counts_before_a_row(folder: Path) -> None:
    (folder / "mutant.cfg").write_text("INIT Init\n", encoding="utf-8")
    assert configuration_text(folder / "mutant.cfg") == "INIT Init\n"
    assert "mutant.cfg" not in derived(folder / "manifest.toml")


def test_an_edited_manifest_is_read_again(folder: Path) -> None:
    assert "Max = 5" in configuration_text(folder / "wider.cfg")
    _row(folder, WIDER.replace("5", "12345"))
    assert "Max = 12345" in configuration_text(folder / "wider.cfg")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (WIDER.replace("holds.cfg", "hold.cfg"), 'the base of wider.cfg is "hold.cfg"'),
        (WIDER.replace("holds.cfg", "wider.cfg"), "is derived from itself"),
        (WIDER.replace('base = "holds.cfg"\n', ""), 'there are replacements without a "base"'),
        (WIDER.replace('"5"', "5"), "the constant Max is given as a text"),
        (WIDER.replace('"5"', '"5 6"'), "the constant Max: '5 6' is no value"),
        (WIDER + "invariants = [3]\n", '"invariants" is a list of names'),
    ],
)
def test_a_row_that_derives_nothing_is_refused(folder: Path, row: str, message: str) -> None:
    _row(folder, row)
    with pytest.raises(ConfigError, match="manifest.toml") as refused:
        configuration_text(folder / "wider.cfg")
    assert message in str(refused.value)


def test_an_unknown_name_is_told_with_near_ones(folder: Path) -> None:
    assert not is_configuration(folder / "mutan.cfg")
    with pytest.raises(ConfigError, match=r"near to it are mutant\.cfg"):
        configuration_text(folder / "mutan.cfg")
    with pytest.raises(SpecError, match="no such configuration"):
        Spec.load(folder / "Count.tla", folder / "mutan.cfg")


def test_the_command_prints_what_tlc_reads(folder: Path) -> None:
    printed = _config(folder, "mutant")
    assert printed.exit_code == 0
    assert printed.output == configuration_text(folder / "mutant.cfg")
    assert printed.output == _config(folder / "manifest.toml", "mutant.cfg").output


def test_the_command_lists_what_a_manifest_derives(folder: Path) -> None:
    assert _config(folder).output.splitlines() == [
        "mutant.cfg  from holds.cfg",
        "wider.cfg  from holds.cfg",
        "witness.cfg  from wider.cfg",
    ]


def test_the_command_leaves_a_file_for_an_editor_once(folder: Path) -> None:
    text = configuration_text(folder / "mutant.cfg")
    assert _config(folder, "mutant", "--write").exit_code == 0
    assert (folder / "mutant.cfg").read_text(encoding="utf-8") == text
    again = _config(folder, "mutant", "--write")
    assert again.exit_code == 2
    assert "remove it first" in again.output


@pytest.mark.parametrize("arguments", [("nowhere",), (".", "mutan"), (".", "--write")])
def test_the_command_refuses_what_is_not_there(folder: Path, arguments: tuple[str, ...]) -> None:
    first, *rest = arguments
    refused = _config(folder / first, *rest)
    assert refused.exit_code == 2
    assert "Traceback" not in refused.output
