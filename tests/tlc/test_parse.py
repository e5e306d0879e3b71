"""The outline of a module that `parse` gives, on both engines."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tlacheck.engine import Engine
from tlacheck.errors import ConfigError, EngineError, Location, SpecError
from tlacheck.tlc._source import Source
from tlacheck.tlc.cli.parse import parse_command
from tlacheck.tlc.parse import Level, Module, Parameter, Parser, parse


@pytest.fixture(scope="module")
def parser(engine: Engine) -> Iterator[Parser]:
    """A parser whose worker stays warm."""
    with Parser(engine=engine, memory_mb=512) as warm:
        yield warm


@pytest.fixture(scope="module")
def outline(parser: Parser, specs: Path) -> Module:
    """The module with one of everything."""
    return parser.parse(specs / "Outline.tla")


def _lines(module: Module, level: Level) -> dict[str, int]:
    return {one.signature: one.span.line for one in module.definitions if one.level is level}


def test_the_modules_are_listed_with_their_files(outline: Module, specs: Path) -> None:
    assert (outline.name, outline.path) == ("Outline", specs / "Outline.tla")
    assert outline.extends == ("Naturals", "OutlineBase")
    files = {part.name: part.path for part in outline.parts}
    assert files["OutlineBase"] == specs / "OutlineBase.tla"
    assert files["OutlinePart"] == specs / "OutlinePart.tla"
    assert files["Naturals"] is files["FiniteSets"] is None
    assert outline.parts[-1].name == "Outline"


def test_constants_and_variables_are_listed_in_order(outline: Module, specs: Path) -> None:
    assert [(str(one), one.arity) for one in outline.constants] == [("Limit", 0), ("Cost(_, _)", 2)]
    assert [str(one) for one in outline.variables] == ["base", "count", "bag"]
    assert outline.variables[0].span.start == Location(str(specs / "OutlineBase.tla"), 2, 10)
    assert outline.variables[2].span.start == Location(str(specs / "Outline.tla"), 8, 18)


def test_definitions_have_their_level(outline: Module) -> None:
    assert _lines(outline, Level.CONSTANT) == {
        "Sum(n)": 24, "Hidden": 25, "square": 26, "++(a, b)": 27,
    }  # fmt: skip
    assert _lines(outline, Level.STATE) == {"Init": 12, "vars": 42, "CanStep": 46}
    assert _lines(outline, Level.ACTION) == {
        "FromBase(limit)": 3, "Add(n)": 13, "Put(x, F(_))": 20, "Either(k)": 28, "Idle": 32, "Rest": 33,
        "Next": 34, "Fair": 43,
    }  # fmt: skip
    assert _lines(outline, Level.TEMPORAL) == {"Spec": 44, "Grows": 45}


def test_a_definition_has_parameters_text_and_location(outline: Module, specs: Path) -> None:
    put = outline.definition("Put")
    assert put.parameters == (Parameter("x"), Parameter("F", 1))
    assert put.text == "Put(x, F(_)) ==\n\t/\\ count' = F(x)\t\\* tabs\n\t/\\ UNCHANGED bag"
    assert (put.span.line, put.span.column, put.span.end_line, put.span.end_column) == (20, 1, 22, 24)
    assert (put.module, put.is_local, put.is_recursive) == ("Outline", False, False)
    assert outline.definition("Hidden").is_local
    assert outline.definition("Sum").is_recursive
    base = outline.definition("FromBase")
    assert (base.module, base.span.file) == ("OutlineBase", str(specs / "OutlineBase.tla"))
    with pytest.raises(ConfigError, match=r"Outline\.tla defines no Nothing"):
        outline.definition("Nothing")


def test_a_comment_belongs_to_the_definition_right_below(outline: Module) -> None:
    comments = {one.name: one.comment for one in outline.definitions if one.comment}
    assert comments == {"Init": "Where it begins.\nIn two lines.", "Put": "a box,"}


def test_actions_are_the_disjuncts_of_the_next_state_relation(outline: Module) -> None:
    """Through groups, quantifiers, LET, IF and instances; actions named by fairness alone are not of Next."""
    assert outline.next == ("Next",)
    assert [action.signature for action in outline.actions] == [
        "Add(n in 1..Limit)",
        "Put(x in bag, F(_))",
        "Next",
        "Part!Advance",
        "Idle",
        "FromBase(limit)",
    ]
    assert outline.actions[3].definition.text == "Advance == v' = v + Step"


def test_instances_assumptions_and_theorems_are_listed_verbatim(outline: Module) -> None:
    assert [(one.name, one.module, one.is_local) for one in outline.instances] == [
        ("Inner", "OutlinePart", False),
        ("Part", "OutlinePart", False),
        (None, "FiniteSets", True),
    ]
    assert outline.instances[1].text == "Part == INSTANCE OutlinePart WITH v <- count, Step <- Limit"
    assert [(one.name, one.text) for one in outline.assumptions] == [
        ("LimitIsPositive", "ASSUME LimitIsPositive == Limit > 0"),
        (None, "ASSUME Limit < 100"),
    ]
    assert [(one.name, one.span.line) for one in outline.theorems] == [("Safe", 47), (None, 48)]


def test_standard_definitions_are_omitted_by_default(parser: Parser, specs: Path) -> None:
    module = parser.parse(specs / "DieHard.tla", standard=True)
    nat = module.definition("Nat")
    assert (nat.module, nat.span.file, nat.text) == ("Naturals", "Naturals.tla", "")
    assert module.definition("\\leq").signature == "\\leq(a, b)"
    with pytest.raises(ConfigError):
        parser.parse(specs / "DieHard.tla").definition("Nat")


@pytest.mark.parametrize(
    ("relation", "expected"),
    [
        (None, ("EventNext", "SendEvent(from in Nodes, to in Nodes)", "Deliver")),
        ("Next", ("Next", "Send(from in Nodes, to in Nodes)", "Receive(letter in box)")),
    ],
)
def test_without_a_formula_unused_actions_are_relations(
    parser: Parser, specs: Path, relation: str | None, expected: tuple[str, ...]
) -> None:
    module = parser.parse(specs / "MailEvents.tla", next_relation=relation)
    assert (*module.next, *(action.signature for action in module.actions)) == expected


def test_a_relation_that_is_no_action_is_refused(parser: Parser, specs: Path) -> None:
    for name in ("Init", "Nothing"):
        with pytest.raises(ConfigError, match=f"defines no action {name}"):
            parser.parse(specs / "Mail.tla", next_relation=name)


def test_several_mistakes_are_counted_and_the_first_is_reported(parser: Parser, tmp_path: Path) -> None:
    text = "---- MODULE M ----\nVARIABLE x\nInit == x = y\nNext == x' = z\nF(a) == G(a, b)\n====\n"
    (tmp_path / "M.tla").write_text(text)
    with pytest.raises(SpecError, match=r"unknown operator y.*\(and 2 more errors\)") as caught:
        parser.parse(tmp_path / "M")
    assert str(caught.value.location) == str(tmp_path / "M.tla:3:13")


def test_a_parse_out_of_time_is_refused(specs: Path) -> None:
    with pytest.raises(EngineError, match=r"DieHard\.tla is not parsed: no time left after 0\.001 s"):
        parse(specs / "DieHard.tla", timeout=0.001)


# The command.


def test_the_command_prints_an_outline(specs: Path) -> None:
    done = CliRunner().invoke(parse_command, [str(specs / "Mail.tla"), "--memory", "512"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        f"Mail  {specs / 'Mail.tla'}",
        "  extends    Naturals",
        "  constants  Nodes",
        "  variables  box, got",
        "  actions of Next",
        "    Send(from in Nodes, to in Nodes)  8",
        "    Receive(letter in box)            13",
        "  other actions",
        "    Next  16",
        "  state definitions",
        "    pure   6",
        "    Init   7",
        "    Empty  18",
    ]


def test_the_json_of_the_command_has_every_field(parser: Parser, specs: Path) -> None:
    arguments = [str(specs / "Mail.tla"), "--memory", "512", "--json"]
    told = json.loads(CliRunner().invoke(parse_command, arguments).stdout)
    module = parser.parse(specs / "Mail.tla")
    assert set(told) == {field.name for field in module.__attrs_attrs__}
    assert told["path"] == str(specs / "Mail.tla")
    assert told["actions"][0]["domains"] == ["Nodes", "Nodes"]
    assert told["definitions"][0] == {
        "name": "pure",
        "parameters": [],
        "level": "state",
        "module": "Mail",
        "span": {"file": told["path"], "line": 6, "column": 1, "end_line": 6, "end_column": 20},
        "is_local": False,
        "is_recursive": False,
        "comment": "",
        "text": "pure == <<box, got>>",
    }


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["Nothing.tla"], 2, "there is no such module"),
        (["Mail.tla", "--next", "Empty"], 2, "defines no action Empty"),
        (["Mail.tla", "--timeout", "0.001"], 3, "no time left"),
    ],
)
def test_the_command_reports_why_it_failed(
    specs: Path, arguments: list[str], status: int, words: str
) -> None:
    done = CliRunner().invoke(parse_command, [str(specs / arguments[0]), *arguments[1:], "--json"])
    assert done.exit_code == status
    assert words in json.loads(done.stdout)["error"]
    assert words in done.stderr


# The text by SANY's columns.


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("abc\ndef\n", (2, 1, 2, 3), "def"),
        ("abc\r\ndef\rghi", (3, 2, 3, 3), "hi"),
        ("abc\ndef\n", (1, 2, 2, 1), "bc\nd"),
        ("\tab\tc", (1, 9, 1, 10), "ab"),
        ("\tab\tc", (1, 17, 1, 17), "c"),
        ('"\N{GRINNING FACE}" x', (1, 6, 1, 6), "x"),
        ("é x", (1, 3, 1, 3), "x"),
    ],
)
def test_text_is_found_by_sanys_columns(text: str, place: tuple[int, int, int, int], expected: str) -> None:
    assert Source(text).between(*place) == expected


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_comment_above_is_found_with_either_line_ending(end: str) -> None:
    text = end.join(["a == 1 \\* no", "\\* one", "(* two *)", "b == 2"])
    given = [f"\\* no{end}", f"\\* one{end}", "(* two *)"]
    assert Source(text).comment_above(4, 1, given) == "one\ntwo"
    assert Source(text.replace("(*", f"{end}(*")).comment_above(5, 1, given) == "two"
