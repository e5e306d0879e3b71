"""The quick layers notice the wrong implementations that they are for, and each of them can fail."""

import re
from pathlib import Path
from typing import Any

import pytest

from impl.hybrid import client, core, rules, switches
from impl.hybrid.outcome import Outcome
from property_tests.hybrid import layers
from property_tests.hybrid.layers import LAYERS, soaked, told
from property_tests.hybrid.scenes import SCENES
from tlacheck.mutants import try_mutants
from tlacheck.verify import Context


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="tests", seed=0, command="", progress=lambda _: None)


# --- the mutants ----------------------------------------------------------------------------------


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
