"""The edits that operators make, on small functions, and the names of mutants."""

import ast
from pathlib import Path

import pytest

from tlacheck.errors import ConfigError
from tlacheck.mutate import mutants_of
from tlacheck.mutate.code import modules_like, mutants_of_source
from tlacheck.mutate.operators import OPERATORS

ROOT = Path(__file__).parents[2]


def _changes(body: str, operator: str) -> list[str]:
    """The changes of an operator in a function with this body."""
    source = "def f(a, b, c, node):\n" + "".join(f"    {line}\n" for line in body.split("\n"))
    return [each.change for each in mutants_of_source("m", source) if each.operator == operator]


@pytest.mark.parametrize(
    ("body", "operator", "changes"),
    [
        ("g(a and (b or c))", "drop-condition", [
            "a and (b or c) -> b or c", "a and (b or c) -> a",
            "b or c -> c", "b or c -> b",
        ]),
        ("g(a == b)", "negate", ["a == b -> a != b"]),
        ("g(a not in b)", "negate", ["a not in b -> a in b"]),
        ("if g(a):\n    return", "negate", ["g(a) -> (not (g(a)))"]),
        ("g(a < b <= c)", "weaken-comparison", [
            "a < b <= c -> a <= b <= c", "a < b <= c -> a < b < c",
        ]),
        ("g(a >= b)", "shift-threshold", ["a >= b -> a >= b - 1"]),
        ("g(a > 2)", "shift-threshold", ["2 -> 3", "2 -> 1"]),
        ("if a:\n    raise ValueError", "never", ["a -> False"]),
        ("return a == b", "always", ["a == b -> True"]),
        ("while a:\n    g(a)", "always", []),
        ("g([x for x in a if x])", "always", ["x -> True"]),
        ("g((a, b))", "drop-item", ["(a, b) -> (b,)", "(a, b) -> (a,)"]),
        ("g({**a, b: c})", "drop-item", ["{**a, b: c} -> {b: c}", "{**a, b: c} -> {**a}"]),
        ("match a, b:\n    case 1, 2:\n        g(c)", "drop-item", []),
        ("return a, (g(b),)", "drop-item", ["(g(b),) -> ()"]),
        ("return a, (g(b), *c)", "swap-items", ["(g(b), *c) -> (*c, g(b))"]),
        ("return attrs.evolve(node, a=1, b=c)", "drop-field", [
            "attrs.evolve(node, a=1, b=c) -> attrs.evolve(node, b=c)",
            "attrs.evolve(node, a=1, b=c) -> attrs.evolve(node, a=1)",
        ]),
        ("said = f'{a} {b}'", "drop-field", ["f'{a} {b}' -> f' {b}'", "f'{a} {b}' -> f'{a} '"]),
        ("g(a - b)", "drop-operand", ["a - b -> a"]),
        ("g(max(a, b), any(c))", "swap-extreme", ["max -> min", "any -> all"]),
        ("a = g(a)\nd = g(a)", "drop-statement", ["a = g(a) -> pass"]),
        ("g(a)\ng(b)", "swap-statements", ["g(a) g(b) -> g(b); g(a)"]),
    ],
)  # fmt: skip
def test_an_operator_makes_all_of_its_edits(body: str, operator: str, changes: list[str]) -> None:
    assert _changes(body, operator) == changes


def test_texts_defaults_and_annotations_are_left_alone() -> None:
    source = (
        'X: tuple[int, str] = 1\n\n\ndef f(a: int | str = 2) -> int | None:\n    """Say 1."""\n    return a\n'
    )
    assert mutants_of_source("m", source) == ()


def test_letters_beyond_ascii_do_not_move_an_edit() -> None:
    (mutant,) = mutants_of_source("m", "def f(a):\n    return g('→ é', a) == 'é'\n")[2:]
    assert mutant.source.splitlines()[1] == "    return g('→ é', a) != 'é'"


def test_an_edit_in_brackets_over_lines_still_parses() -> None:
    source = "def f(a, b):\n    return (\n        (a\n         == 1)\n        and b\n    )\n"
    mutants = mutants_of_source("m", source)
    assert all(ast.parse(each.source) for each in mutants)
    assert "drop-condition" in {each.operator for each in mutants}


def test_a_name_stays_when_another_function_changes() -> None:
    source = "def g(a):\n    return a > 1\n\n\ndef f(a, b):\n    return a < b\n"
    longer = source.replace("    return a > 1\n", "    if a == 2:\n        return False\n    return a > 1\n")
    for name in (each.name for each in mutants_of_source("m", source) if each.function == "f"):
        (before,) = [each for each in mutants_of_source("m", source) if each.name == name]
        (after,) = [each for each in mutants_of_source("m", longer) if each.name == name]
        assert before.change == after.change
        assert before.line + 2 == after.line


def test_a_diff_shows_the_line_before_and_after() -> None:
    mutant = mutants_of_source("m", "def f(a, b):\n    return a < b\n")[2]
    assert mutant.name == "m:f:weaken-comparison:1"
    assert mutant.diff().splitlines()[2:] == ["@@ -2 +2 @@", "-    return a < b", "+    return a <= b"]


def test_mutants_of_a_core_parse_and_have_names_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    mutants = [each for module in modules_like("impl.vote.*") for each in mutants_of(module)]
    assert len({each.name for each in mutants}) == len(mutants) > 200
    assert len({ast.dump(ast.parse(each.source)) for each in mutants}) == len(mutants)
    assert {each.operator for each in mutants} <= set(OPERATORS)


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="there is no module no.such"):
        list(modules_like("no.such"))
