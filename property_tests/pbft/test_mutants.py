"""The wrong implementations fit the code that is there, the quick layers notice what they are for, and the page says so."""

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from impl import pbft
from impl.pbft import clients, execution, retransmission, rules, timers, validation
from property_tests.pbft import layers
from property_tests.pbft.layers import LAYERS, calm, soaked
from property_tests.pbft.mutants import MUTANTS, SAMPLE
from property_tests.pbft.near_misses import near_misses, variants
from tlacheck.mutants import Mutant, try_mutants
from tlacheck.mutants.mutation import mutated_source
from tlacheck.verify import Context
from tools.bugs import PROTOCOLS, models, page

_PAGE = Path(__file__).parents[2] / "docs" / "pbft-bugs.md"

#: The public bugs of PBFT and its kin that the project's catalogue has.
_CATALOGUE = frozenset(
    f"PB-{number:02}"
    for number in (
        *(1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13, 14, 16, 19, 21, 22, 25, 26, 27),
        *(29, 30, 31, 32, 35, 37, 38, 41, 42, 43),
    )
)


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
    assert {mutant.module for mutant in SAMPLE} > {"impl.pbft.rules", "impl.pbft.proofs", "impl.pbft.core"}


@pytest.mark.parametrize(
    ("name", "layer", "property_"),
    [
        ("one-prepare-less", "replay", "conforms to MCPbft"),
        ("one-commit-less", "weakened", "Agreement"),
        ("request-kept-from-the-primary", "calm", "Prompt"),
        ("quorum-written-otherwise", "", ""),
    ],
)
def test_a_mutant_is_noticed_by_the_quick_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, layer: str, property_: str
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    quick = [each for each in LAYERS if each.name in {"replay", "weakened", "calm"}]
    (result,) = try_mutants("property_tests.pbft.mutants:MUTANTS", quick, folder=tmp_path, only=name)
    assert result.is_as_expected, result.attempts
    caught = result.first
    assert (caught.layer, caught.violates) == (layer, property_) if caught else not layer


# --- the page -------------------------------------------------------------------------------------


def _rows(text: str) -> list[list[str]]:
    """The cells of the rows that have a mutant, or the reason why a bug has none."""
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if re.match(r"\| (PB-|`)", line)]
    return [[cell.strip() for cell in row] for row in rows]


def test_the_page_has_a_row_for_each_mutant_and_each_was_noticed() -> None:
    rows = _rows(_PAGE.read_text(encoding="utf-8"))
    named = [cell.strip("`") for row in rows for cell in row if re.fullmatch(r"`[a-z-]+`", cell)]
    assert sorted(named) == sorted(mutant.name for mutant in MUTANTS if not mutant.equivalent)
    layers = {layer.name for layer in LAYERS}
    assert [row for row in rows if "`" in "".join(row[2:3]) and row[-2] not in layers] == []
    assert [row for row in rows if row[0].startswith("`") and row[-2] not in layers] == []


def test_each_bug_of_the_catalogue_has_a_mutant_or_a_reason_why_not() -> None:
    rows = [row for row in _rows(_PAGE.read_text(encoding="utf-8")) if row[0].startswith("PB-")]
    assert {row[0] for row in rows} == _CATALOGUE
    without = {row[0] for row in rows if not row[2].startswith("`")}
    assert without == set(PROTOCOLS["pbft"].not_here)


def test_a_mutant_that_a_weakened_spec_finds_stands_beside_it() -> None:
    """Else the spec lacks the tag of its bug, or has that of another one."""
    rows = [row for row in _rows(_PAGE.read_text(encoding="utf-8")) if row[0].startswith("PB-")]
    assert [row for row in rows if row[-2] == "weakened" and row[1] == "-"] == []


def test_a_mutant_that_nothing_noticed_is_shown_as_such() -> None:
    lines = page(
        PROTOCOLS["pbft"], MUTANTS, {"one-commit-less": ("weakened", 12)}, models("pbft")
    ).splitlines()
    (row,) = [line for line in lines if "`one-commit-less`" in line]
    assert row == (
        "| PB-04 | `mutant_one_commit_less` (Agreement, 12 steps)<br>`unrefined_one_commit_less` (Refines, 12 steps) "
        "| `one-commit-less` | as reported | weakened | 12 |"
    )
    unnoticed = sum("| NONE |" in line for line in lines)
    assert unnoticed == sum(not mutant.equivalent for mutant in MUTANTS) - 1


# --- the layers -----------------------------------------------------------------------------------


def _never(*_: object) -> Any:
    return ""


@pytest.mark.parametrize(
    ("owner", "wrong", "property_"),
    [
        (execution, {"without_answered": lambda node: node}, "Prompt"),
        (clients, {"answer": lambda *_: pbft.StopTimer()}, "Answers"),
        (timers, {"wants_enough": lambda _: True}, "Patience"),
        (rules, {"view_to_join": lambda *_: None}, "Joins"),
        (retransmission, {"_own_checkpoints": lambda _: []}, "Repeats"),
        (rules, {"commit_quorum_size": lambda _: 2}, "Certified"),
    ],
    ids=["waits for ever", "no answer", "an early timer", "joins nobody", "says once", "two commits"],
)
def test_a_replica_that_is_late_or_hasty_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, wrong: dict[str, Any], property_: str
) -> None:
    for name, value in wrong.items():
        monkeypatch.setattr(owner, name, value)
    outcomes = [layer(_context(tmp_path), seeds=3) for layer in (calm, soaked)]
    assert property_ in {outcome.verdict.violates for outcome in outcomes}
    assert all(int(outcome.figures["steps"]) > 0 for outcome in outcomes)


def test_patience_is_counted_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pbft.Node, "patience", property(lambda _: 1))
    outcome = soaked(_context(tmp_path), seeds=3)
    assert outcome.verdict.violates == "Patience"
    assert "times the timeout" in outcome.message


def test_a_step_that_raises_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_: object) -> None:
        raise KeyError("nothing there")

    monkeypatch.setattr(layers, "_calmly", raises)
    outcome = calm(_context(tmp_path), seeds=1)
    assert outcome.verdict.violates == "Total"
    assert "KeyError" in outcome.message


def test_the_right_implementation_takes_no_near_miss(tmp_path: Path) -> None:
    outcome = near_misses(_context(tmp_path), ways=30)
    assert str(outcome.verdict).startswith("sampled(")
    assert int(outcome.figures["steps"]) > 300


@pytest.mark.parametrize(
    ("name", "property_"),
    [
        ("is_signed_by", "Authentic"),
        ("view_change_flaw", "Authentic"),
        ("new_view_flaw", "Authentic"),
        ("_contradiction", "Reported"),
    ],
)
def test_what_is_not_looked_at_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, property_: str
) -> None:
    value = {"is_signed_by": lambda *_: True, "_contradiction": lambda *_: None}.get(name, _never)
    monkeypatch.setattr(validation, name, value)
    outcome = near_misses(_context(tmp_path))
    assert outcome.verdict.violates in {property_, "Proved"}


def test_a_run_without_what_is_to_be_changed_says_nothing(tmp_path: Path) -> None:
    outcome = near_misses(_context(tmp_path), steps=1, each=1, ways=1)
    assert str(outcome.verdict).startswith("unknown")


def test_each_part_of_a_message_is_changed_and_nothing_else() -> None:
    vote = pbft.Prepare(view=1, seq=2, digest="a" * 64, source="r1", signature=b"x")
    found = list(variants(vote))
    assert vote not in found
    for other in found:
        differs = [
            field.name
            for field in attrs.fields(pbft.Prepare)
            if getattr(vote, field.name) != getattr(other, field.name)
        ]
        assert len(differs) == 1
    told = pbft.PreparedCertificate(
        pre_prepare=pbft.PrePrepare(view=1, seq=2, batch=(), source="r1"),
        prepares=(vote, attrs.evolve(vote, source="r2")),
    )
    sizes = {len(each.prepares) for each in variants(told)}
    assert sizes == {0, 1, 2, 3}
