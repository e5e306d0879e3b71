"""The wrong implementations fit the code that is there, the quick layers notice what they are for, and the page says so."""

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from impl.hybrid import client, core, rules, switches
from impl.hybrid.outcome import Outcome
from property_tests.hybrid import layers
from property_tests.hybrid.layers import LAYERS, soaked, told
from property_tests.hybrid.mutants import MUTANTS, SAMPLE
from property_tests.hybrid.scenes import SCENES
from tlacheck.mutants import Mutant, try_mutants
from tlacheck.mutants.mutation import mutated_source
from tlacheck.verify import Context
from tools.bugs import PROTOCOLS, models, page

_PAGE = Path(__file__).parents[2] / "docs" / "hybrid-bugs.md"

#: The bugs of changes between protocols that the project's catalogue has.
_CATALOGUE = frozenset(f"HY-{number:02}" for number in (1, 2, 3, 5, 6, 7, 8, 10, 11, 13, 16, 18))


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="tests", seed=0, command="", progress=lambda _: None)


# --- the mutants ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_code_and_is_code_itself(mutant: Mutant) -> None:
    found = importlib.util.find_spec(mutant.module)
    assert found is not None
    assert found.origin is not None
    ast.parse(mutated_source(mutant, Path(found.origin).read_text(encoding="utf-8")))


def test_each_mutant_has_a_name_of_its_own_and_an_equivalent_one_a_reason() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert all(bool(mutant.why) == mutant.equivalent for mutant in MUTANTS)
    assert {mutant.module for mutant in SAMPLE} > {
        "impl.hybrid.rules",
        "impl.hybrid.book",
        "impl.hybrid.switches",
    }


@pytest.mark.parametrize(
    ("name", "layer", "property_"),
    [
        ("stop-without-what-is-held", "replay", "conforms to MCHybrid"),
        ("goes-on-after-its-stop", "replay", "conforms to MCHybrid"),
        ("majority-makes-a-seal", "weakened", "SealsAgree"),
        ("epoch-not-signed", "scenes", "Proved"),
        ("quorum-written-otherwise", "", ""),
    ],
)
def test_a_mutant_is_noticed_by_the_quick_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, layer: str, property_: str
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    quick = [each for each in LAYERS if each.name in {"replay", "weakened", "scenes"}]
    (result,) = try_mutants("property_tests.hybrid.mutants:MUTANTS", quick, folder=tmp_path, only=name)
    assert result.is_as_expected, result.attempts
    caught = result.first
    assert (caught.layer, caught.violates) == (layer, property_) if caught else not layer


# --- the page -------------------------------------------------------------------------------------


def _rows(text: str) -> list[list[str]]:
    """The cells of the rows that have a mutant, or the reason why a bug has none."""
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if re.match(r"\| (HY-|`)", line)]
    return [[cell.strip() for cell in row] for row in rows]


def test_the_page_has_a_row_for_each_mutant_and_each_was_noticed() -> None:
    rows = _rows(_PAGE.read_text(encoding="utf-8"))
    named = [cell.strip("`") for row in rows for cell in row if re.fullmatch(r"`[a-z-]+`", cell)]
    assert sorted(named) == sorted(mutant.name for mutant in MUTANTS if not mutant.equivalent)
    asked = {layer.name for layer in LAYERS}
    assert [row for row in rows if "`" in "".join(row[2:3]) and row[-2] not in asked] == []
    assert [row for row in rows if row[0].startswith("`") and row[-2] not in asked] == []


def test_each_bug_of_the_catalogue_has_a_mutant_or_a_reason_why_not() -> None:
    rows = [row for row in _rows(_PAGE.read_text(encoding="utf-8")) if row[0].startswith("HY-")]
    assert {row[0] for row in rows} == _CATALOGUE
    without = {row[0] for row in rows if not row[2].startswith("`")}
    assert without == set(PROTOCOLS["hybrid"].not_here)


def test_a_mutant_that_a_weakened_spec_finds_stands_beside_it() -> None:
    """Else the spec lacks the tag of its bug, or has that of another one."""
    rows = [row for row in _rows(_PAGE.read_text(encoding="utf-8")) if row[0].startswith("HY-")]
    assert [row for row in rows if row[-2] == "weakened" and row[1] == "-"] == []


def test_a_mutant_that_nothing_noticed_is_shown_as_such() -> None:
    lines = page(
        PROTOCOLS["hybrid"], MUTANTS, {"one-stop-joins": ("weakened", 3)}, models("hybrid")
    ).splitlines()
    (row,) = [line for line in lines if "`one-stop-joins`" in line]
    assert row.startswith("| HY-07 | ")
    assert "`mutant_one_joins` (NobodyAlone" in row
    assert row.endswith("| `one-stop-joins` | as reported | weakened | 3 |")
    unnoticed = sum("| NONE |" in line for line in lines)
    assert unnoticed == sum(not mutant.equivalent for mutant in MUTANTS) - 1


# --- the layers -----------------------------------------------------------------------------------


def test_in_each_scene_the_right_implementation_does_nothing_wrong(tmp_path: Path) -> None:
    outcome = told(_context(tmp_path))
    assert str(outcome.verdict).startswith("sampled(")
    assert outcome.figures["scenes"] == len(SCENES)


@pytest.mark.parametrize(
    ("owner", "wrong", "property_"),
    [
        (core, {"is_signed": lambda *_: True}, "Counted|Authentic"),
        (core, {"seal_flaw": lambda *_: ""}, "Proved"),
        (core, {"seal_flaw": lambda *_: "no seal"}, "Counted"),
        (rules, {"seals": lambda *_: True}, "Proved"),
        (switches, {"stop_flaw": lambda *_: ""}, "Proved"),
        (switches, {"urge": lambda node, _: Outcome(node)}, "Repeats|Counted"),
        (client, {"is_signed": lambda *_: True}, "Believed"),
        (client, {"is_signed": lambda *_: False}, "Believed"),
    ],
    ids=[
        "signed",
        "any seal",
        "no seal",
        "one ack",
        "any stop",
        "said once",
        "believes all",
        "believes none",
    ],
)
def test_what_proves_nothing_is_noticed_where_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, wrong: dict[str, Any], property_: str
) -> None:
    for name, value in wrong.items():
        monkeypatch.setattr(owner, name, value)
    outcome = told(_context(tmp_path))
    assert outcome.verdict.violates is not None
    assert re.fullmatch(property_, outcome.verdict.violates), outcome.message


def test_a_step_that_raises_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises() -> Any:
        raise KeyError("nothing there")

    monkeypatch.setattr(layers, "SCENES", {"of nothing": raises})
    outcome = told(_context(tmp_path))
    assert outcome.verdict.violates == "Total"
    assert "KeyError" in outcome.message


def test_a_soak_notices_what_no_quick_layer_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(soaked(_context(tmp_path), seeds=1, steps=1_000).verdict).startswith("sampled(")
    monkeypatch.setattr(core, "_forgets", lambda before, after: before.raft_epoch is not after.raft_epoch)
    outcome = soaked(_context(tmp_path))
    assert outcome.verdict.violates == "DurableStays"
    assert int(outcome.figures["steps"]) > 0
