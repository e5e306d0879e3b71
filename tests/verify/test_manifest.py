"""Reading a manifest, and writing pins into it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tlacheck.errors import ConfigError
from tlacheck.verify.manifest import Expectation, Pins, read_manifest
from tlacheck.verify.record import record

ENTRY = """
[[model]]
spec = "Counter.tla"
config = "holds.cfg"
what = "y never overtakes x"
"""


@pytest.fixture
def manifest(project: Callable[[], Path]) -> Path:
    return project() / "specs" / "counter" / "manifest.toml"


def test_an_entry_has_an_expectation_and_pins(manifest: Path) -> None:
    holds, broken, *_, endless = read_manifest(manifest)
    assert holds.name == "counter/holds"
    assert holds.expect is Expectation.EXHAUSTED
    assert holds.pins == {"generated": 91, "distinct": 55, "depth": 19}
    assert (holds.budget, holds.deadlock, holds.timeout) == ("ci", False, 300)
    assert (broken.expect, broken.violates) == (Expectation.VIOLATED, "NeverThree")
    assert broken.base == manifest.parent / "holds.cfg"
    assert (endless.budget, endless.timeout) == ("deep", 60)


def test_two_models_of_one_configuration_need_a_name(manifest: Path) -> None:
    manifest.write_text(ENTRY + ENTRY)
    with pytest.raises(ConfigError, match='"counter/holds" twice: give one of them another name'):
        read_manifest(manifest)
    manifest.write_text(ENTRY + ENTRY + 'name = "again"\ndeadlock = true\n')
    assert [model.name for model in read_manifest(manifest)] == ["counter/holds", "counter/again"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ENTRY + "distict = 3", '[[model]] 1 (holds.cfg): unknown key "distict": did you mean "distinct"'),
        (ENTRY.replace("holds", "none"), '"config" names none.cfg, but there is no file'),
        (ENTRY.replace("holds", "none"), "there are broken.cfg, endless.cfg, holds.cfg"),
        (ENTRY.replace('what = "y never overtakes x"', ""), '"what" is missing'),
        (ENTRY + "depth = true", '"depth" is True, not a whole number'),
        (ENTRY + "depth = -1", '"depth" is -1; it cannot be negative'),
        (ENTRY + 'expect = "fails"', '"expect" is "fails"; it may be exhausted, violated, witness'),
        (ENTRY + 'expect = "witness"', 'expect = "witness" needs "violates"'),
        (ENTRY + 'violates = "P"', '"violates" and "steps" are for expect = "violated" or "witness"'),
        ("[model]\nspec = 'x'", '"model" is'),
    ],
)
def test_a_mistake_is_reported_with_file_entry_and_key(manifest: Path, text: str, message: str) -> None:
    manifest.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_manifest(manifest)
    assert str(manifest) in str(caught.value)
    assert message in str(caught.value)


def test_recording_changes_only_the_numbers(manifest: Path) -> None:
    before = manifest.read_text()
    models = read_manifest(manifest)
    found = Pins(generated=1234, distinct=55, depth=20)
    changes = record([(models[0], found), (models[2], Pins(generated=3, distinct=3, depth=3, steps=2))])
    assert [str(change) for change in changes][:2] == [
        "counter/holds: generated = 1,234 (was 91)",
        "counter/holds: depth = 20 (was 19)",
    ]
    expected = before.replace("generated = 9_1  #", "generated = 1_234  #").replace(
        "depth = 19", "depth = 20"
    )
    new = 'violates = "NeverTwo"\ngenerated = 3\ndistinct = 3\ndepth = 3\nsteps = 2\n# nothing pinned yet'
    assert manifest.read_text() == expected.replace('violates = "NeverTwo"\n# nothing pinned yet', new)
    again = read_manifest(manifest)
    assert again[0].pins == found
    assert record([(again[0], found)]) == ()


def test_a_manifest_that_changed_meanwhile_is_not_overwritten(manifest: Path) -> None:
    """A check takes minutes; an entry removed meanwhile shifts all later ones."""
    models = read_manifest(manifest)
    first, rest = manifest.read_text().split("[[model]]", 2)[1:]
    shorter = "[[model]]" + rest
    manifest.write_text(shorter)
    with pytest.raises(
        ConfigError, match=r"changed while its models were checked: entry \d+ was .* No pin was written"
    ):
        record([(model, Pins(generated=7, distinct=7, depth=7)) for model in models])
    assert manifest.read_text() == shorter
    assert first


def test_a_new_pin_is_inserted_in_order(manifest: Path) -> None:
    manifest.write_text(ENTRY.rstrip() + "\ndistinct = 5")
    (model,) = read_manifest(manifest)
    record([(model, Pins(generated=9, distinct=5, depth=4))])
    assert manifest.read_text() == ENTRY.rstrip() + "\ngenerated = 9\ndistinct = 5\ndepth = 4\n"


def test_an_unusual_layout_is_not_edited(manifest: Path) -> None:
    text = 'model = [{ spec = "Counter.tla", config = "holds.cfg", what = "inline" }]\n'
    manifest.write_text(text)
    with pytest.raises(ConfigError, match="cannot be edited line by line"):
        record([(read_manifest(manifest)[0], Pins(distinct=5))])
    assert manifest.read_text() == text
