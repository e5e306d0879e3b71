"""The mutants fit the current code, and the pages on bugs name the checks that caught each."""

import ast
import importlib
import importlib.util
import re
from pathlib import Path
from typing import Final

import attrs
import pytest

from tlacheck.mutants import Mutant
from tlacheck.mutants.mutation import mutated_source
from tlacheck.mutants.trial import load
from tools.bugs import PROTOCOLS, models, page

_DOCS = Path(__file__).parents[1] / "docs"


def _mutants(protocol: str, name: str = "MUTANTS") -> tuple[Mutant, ...]:
    mutants: tuple[Mutant, ...] = tuple(
        getattr(importlib.import_module(f"property_tests.{protocol}.mutants"), name)
    )
    return mutants


#: The protocols whose implementation is made wrong.
_ALL: Final = sorted(path.parent.name for path in Path(__file__).parent.glob("*/mutants.py"))


@attrs.frozen
class Page:
    """The page of bugs of a protocol.

    Attributes:
        protocol: whose.
        catalogue: the public bugs that the project's catalogue has: how their names begin -> their numbers.
        shown: a mutant, what is told of it, and what its row must say.
    """

    protocol: str
    catalogue: dict[str, tuple[int, ...]]
    shown: tuple[str, tuple[str, int], str]

    @property
    def text(self) -> str:
        """The text of the cell."""
        return (_DOCS / f"{self.protocol}-bugs.md").read_text(encoding="utf-8")

    @property
    def rows(self) -> list[list[str]]:
        """The cells of the rows that have a mutant, or the reason why a bug has none."""
        return _rows(self.text)

    @property
    def bugs(self) -> list[list[str]]:
        """Those that are of a bug of the catalogue, and not of a rule of a paper."""
        return [row for row in self.rows if not row[0].startswith("`")]


def _rows(text: str) -> list[list[str]]:
    rows = [
        line.strip("|").split(" | ") for line in text.splitlines() if re.match(r"\| ([A-Z]{2}-\d|`)", line)
    ]
    return [[cell.strip() for cell in row] for row in rows]


PAGES: Final = (
    Page(
        "raft",
        {
            "RC": (1, 3, 4, 7, 9, 10, 11, 12, 14, 15, 17, 18, 20, 21, 22, 24),
            "RE": (1, 2, 3, 4, 7, 9, 10, 12, 13, 14, 15, 17, 18, 20, 22),
            "RM": (1, 2, 3, 6, 7, 8, 10),
            "RR": (1, 2, 4, 7, 8, 10),
            "RS": (1, 2, 4, 6, 7, 9),
        },
        (
            "vote-without-log-check",
            ("weakened", 10),
            (
                "| RE-01 | `mutant_any_log` (LeaderCompleteness, 10 steps) | `vote-without-log-check` | as "
                "reported | weakened | 10 |"
            ),
        ),
    ),
    Page(
        "pbft",
        {
            "PB": (
                *(1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13, 14, 16, 19, 21, 22, 25, 26, 27),
                *(29, 30, 31, 32, 35, 37, 38, 41, 42, 43),
            )
        },
        (
            "one-commit-less",
            ("weakened", 12),
            (
                "| PB-04 | `mutant_one_commit_less` (Agreement, 12 "
                "steps)<br>`unrefined_one_commit_less` (Refines, 12 steps) "
                "| `one-commit-less` | as reported | weakened | 12 |"
            ),
        ),
    ),
    Page(
        "hybrid",
        {"HY": (1, 2, 3, 5, 6, 7, 8, 10, 11, 13, 16, 18)},
        (
            "locked-prefix-not-kept",
            ("replay", 3),
            (
                "| HY-01 | `mutant_hands_over_own` (Kept, 7 steps) | `locked-prefix-not-kept` "
                "| the QC is kept, but not its prefix | replay | 3 |"
            ),
        ),
    ),
)
each_page = pytest.mark.parametrize("told", PAGES, ids=lambda told: told.protocol)


# --- the mutants


@pytest.mark.parametrize(
    "mutant",
    [pytest.param(mutant, id=f"{name}-{mutant.name}") for name in _ALL for mutant in _mutants(name)],
)
def test_a_mutant_fits_the_code_and_is_code_itself(mutant: Mutant) -> None:
    found = importlib.util.find_spec(mutant.module)
    assert found is not None
    assert found.origin is not None
    ast.parse(mutated_source(mutant, Path(found.origin).read_text(encoding="utf-8")))


@pytest.mark.parametrize("protocol", _ALL)
def test_each_mutant_has_a_name_of_its_own_and_an_equivalent_one_a_reason(protocol: str) -> None:
    mutants = _mutants(protocol)
    assert len({mutant.name for mutant in mutants}) == len(mutants)
    assert all(bool(mutant.why) == mutant.equivalent for mutant in mutants)


@pytest.mark.parametrize(
    ("protocol", "modules"),
    [
        ("pbft", {"impl.pbft.rules", "impl.pbft.proofs", "impl.pbft.core"}),
        ("hybrid", {"impl.hybrid.rules", "impl.hybrid.control", "impl.hybrid.switches"}),
        ("raft", {"impl.raft.rules"}),
    ],
)
def test_those_that_verify_tries_are_from_all_over_the_code(protocol: str, modules: set[str]) -> None:
    sample = _mutants(protocol, "SAMPLE")
    assert set(sample) < set(_mutants(protocol))
    assert {mutant.module for mutant in sample} > modules


# --- the pages


def test_each_protocol_that_has_a_page_is_here() -> None:
    assert {told.protocol for told in PAGES} == set(PROTOCOLS)


@each_page
def test_a_page_has_a_row_for_each_mutant_and_each_was_noticed(told: Page) -> None:
    mutants = [mutant for mutant in _mutants(told.protocol) if not mutant.equivalent]
    layers = {layer.name for layer in load(PROTOCOLS[told.protocol].layers)}
    rows = [row for row in told.rows if row[0].startswith("`") or row[2].startswith("`")]
    named = [row[0] if row[0].startswith("`") else row[2] for row in rows]
    assert sorted(named) == sorted(f"`{mutant.name}`" for mutant in mutants)
    assert [row for row in rows if row[-2] not in layers] == []


@each_page
def test_each_bug_of_the_catalogue_has_a_mutant_or_a_reason_why_not(told: Page) -> None:
    catalogue = {f"{kind}-{number:02}" for kind, numbers in told.catalogue.items() for number in numbers}
    assert {row[0] for row in told.bugs} == catalogue
    without = {row[0] for row in told.bugs} - {row[0] for row in told.bugs if row[2].startswith("`")}
    assert without <= set(PROTOCOLS[told.protocol].not_here) <= catalogue


def _without_their_spec(rows: list[list[str]]) -> list[str]:
    """The bugs whose mutant follows a weakened spec to its end, though none is named."""
    return [row[0] for row in rows if row[-2] == "weakened" and row[1] == "-"]


@each_page
def test_a_mutant_that_a_weakened_spec_finds_stands_beside_it(told: Page) -> None:
    """Else the spec lacks the tag of its bug, or has that of another one."""
    assert _without_their_spec(told.bugs) == []


def test_a_weakened_spec_that_is_not_named_is_missed() -> None:
    text = PAGES[0].text.replace("`mutant_changes_at_once` (OneChangeAtATime, 8 steps)", "-")
    assert _without_their_spec(_rows(text)) == ["RC-20"]


@each_page
def test_what_nothing_noticed_is_shown_as_such_and_the_rest_beside_its_weakened_spec(told: Page) -> None:
    name, found, row = told.shown
    mutants = _mutants(told.protocol)
    lines = page(PROTOCOLS[told.protocol], mutants, {name: found}, models(told.protocol)).splitlines()
    assert [line for line in lines if f"`{name}`" in line] == [row]
    unnoticed = sum("| NONE |" in line for line in lines)
    assert unnoticed == sum(not mutant.equivalent for mutant in mutants) - 1
