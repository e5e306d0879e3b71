"""The constants of a configuration, as adapters read them."""

from pathlib import Path

import pytest

from tlacheck.errors import ConfigError
from tlacheck.tlc.configuration import Constants

_TEXT = """SPECIFICATION Spec
CONSTANTS
    Node = {n1, n2}  \\* two
    Parts = {"Reads", "Leases"}
    Nobody = {}
    Limit = 3
    Rotation <- FourReplicas
CONSTANT Flag = TRUE
"""


@pytest.fixture
def constants(tmp_path: Path) -> Constants:
    path = tmp_path / "a.cfg"
    path.write_text(_TEXT, encoding="utf-8")
    return Constants.of(path)


def test_numbers_names_and_choices_are_read(constants: Constants) -> None:
    assert constants.number("Limit") == 3
    assert constants.names("Node") == ("n1", "n2")
    assert constants.names("Parts") == ("Reads", "Leases")
    assert constants.names("Nobody") == ()
    assert constants.choice("Rotation", {"FourReplicas": 4}) == 4
    assert constants.text("Flag") == "TRUE"


def test_a_default_stands_for_a_constant_without_a_value_only(constants: Constants) -> None:
    assert constants.number("Limit", 9) == 3
    assert constants.number("Window", 9) == 9
    assert constants.names("Byzantine", ("n9",)) == ("n9",)


def test_a_derived_configuration_has_the_constants_of_its_base(tmp_path: Path) -> None:
    (tmp_path / "a.cfg").write_text(_TEXT, encoding="utf-8")
    row = '[[model]]\nspec = "A.tla"\nconfig = "b.cfg"\nbase = "a.cfg"\nconstants = { Limit = "5" }\n'
    (tmp_path / "manifest.toml").write_text(row, encoding="utf-8")
    derived = Constants.of(tmp_path / "b.cfg")
    assert (derived.number("Limit"), derived.names("Node")) == (5, ("n1", "n2"))


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda found: found.text("Missing"), "gives Missing no value; it has Flag, Limit, Nobody, Node"),
        (lambda found: found.number("Node"), r"Node is \{n1, n2\}, and must be a number here"),
        (lambda found: found.names("Limit"), "Limit is 3, and must be a set of names here"),
        (
            lambda found: found.choice("Rotation", {"Five": 5}),
            "Rotation is FourReplicas, and must be one of Five",
        ),
        (lambda found: Constants.of(found.path.with_name("c.cfg")), "there is no configuration"),
    ],
)
def test_anything_else_is_told(constants: Constants, ask: object, words: str) -> None:
    assert callable(ask)
    with pytest.raises(ConfigError, match=words):
        ask(constants)
