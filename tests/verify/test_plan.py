"""Reading `verify.toml` and selecting checks."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tlacheck.errors import ConfigError
from tlacheck.verdict import Kind
from tlacheck.verify.plan import Call, read_plan, select

CHECK = """
[[check]]
name = "toy/proved"
layer = "Z3"
call = "toy.checks:proved"
"""


def _names(plan_file: Path, budget: str, *only: str) -> list[str]:
    return [check.name for check in select(read_plan(plan_file), budget, only)]


def test_models_come_before_calls_with_the_settings_of_their_files(project: Callable[[], Path]) -> None:
    plan = read_plan(project() / "verify.toml")
    assert plan.budget == "ci"
    assert plan.checks[0].name == "counter/holds"
    assert plan.checks[0].layer == "TLC"
    proved = plan.checks[7]
    assert isinstance(proved, Call)
    assert (proved.name, proved.layer, proved.expect, proved.budget) == (
        "toy/proved",
        "Z3",
        Kind.PROVED,
        "smoke",
    )
    assert proved.timeout == 300


def test_a_longer_budget_includes_the_shorter_ones(project: Callable[[], Path]) -> None:
    file = project() / "verify.toml"
    smoke, ci, deep = (set(_names(file, budget)) for budget in ("smoke", "ci", "deep"))
    assert smoke == {"toy/proved"}
    assert smoke < ci < deep
    assert deep - ci == {"counter/endless", "toy/patient"}


def test_a_budgets_arguments_override_the_common_ones(tmp_path: Path) -> None:
    file = tmp_path / "verify.toml"
    file.write_text(CHECK + "[check.with]\nexamples = 1\nsteps = 5\n[check.with.ci]\nexamples = 2\n")
    (check,) = read_plan(file).checks
    assert isinstance(check, Call)
    assert check.arguments["smoke"] == check.arguments["deep"] == {"examples": 1, "steps": 5}
    assert check.arguments["ci"] == {"examples": 2, "steps": 5}


def test_globs_select_checks_and_an_unmatched_one_gets_suggestions(project: Callable[[], Path]) -> None:
    file = project() / "verify.toml"
    assert _names(file, "ci", "toy/p*", "counter/holds") == ["counter/holds", "toy/proved"]
    with pytest.raises(ConfigError, match='no check is called "toy/provd": did you mean "toy/proved"'):
        _names(file, "ci", "toy/provd")
    with pytest.raises(ConfigError, match=r"toy/patient is not part of budget ci: add --budget deep"):
        _names(file, "ci", "toy/patient")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[verify]\nbugdet = 'ci'", 'unknown key "bugdet": did you mean "budget"'),
        ("[verify]\nbudget = 'long'", '"budget" is "long"; it may be smoke, ci, deep'),
        ("[[checks]]\n", 'unknown key "checks": did you mean "check"'),
        ("check = 3", '"check" is 3, not a list'),
        ("verify = ", "is no TOML"),
        (CHECK + "expect = 'unknown'",
            '[[check]] 1 (toy/proved): "expect" is "unknown"; it may be proved, exhausted'),
        (CHECK + "timeout = 0", '"timeout" is 0; say how many seconds'),
        (CHECK + "timeout = '10'", "\"timeout\" is '10', not a number"),
        (CHECK + "with = { ci = 3 }", '"with.ci" is 3, not a table'),
        (CHECK + "with = { since = 2020-01-01 }", "only texts, numbers, true, false and lists"),
        (CHECK.replace(":proved", ".proved"),
            '"call" is "toy.checks.proved"; write it as package.module:function'),
        (CHECK.replace("toy/proved", "toy proved"), '"toy proved" cannot be a name'),
        (CHECK.replace('layer = "Z3"', ""), '"layer" is missing: give it a text'),
        (CHECK + CHECK, 'there is a check "toy/proved" twice'),
        (CHECK + CHECK.replace("toy/proved", "toy-proved"),
            'beside "toy/proved", with which it would share its files'),
        ("[[models]]\nmanifest = 'specs/none.toml'",
            '[[models]] 1 (specs/none.toml): "manifest" names specs/none.toml'),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_location(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "verify.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_plan(file)
    assert str(file) in str(caught.value)
    assert message in str(caught.value)


def test_a_missing_plan_is_a_plain_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no file .*verify\.toml"):
        read_plan(tmp_path / "verify.toml")
