"""The quick layers catch their mutants, and each layer can fail."""

import re
from pathlib import Path
from typing import Any

import pytest

from impl.common import StepResult
from impl.hybrid import client, core, rules, switches
from property_tests.hybrid.layers import LAYERS
from tlacheck.harness.checks import scenarios, soaked
from tlacheck.harness.scenario import scenario_files
from tlacheck.mutants import try_mutants
from tlacheck.verify import Context
from tlacheck.verify import Outcome as Checked

(_LAYER,) = (layer for layer in LAYERS if layer.name == "scenarios")
FILES = scenario_files(Path(__file__).parent / "scenarios")


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="tests", seed=0, command="", progress=lambda _: None)


def _played(folder: Path) -> Checked:
    files = str(Path(__file__).parent / "scenarios")
    return scenarios(_context(folder), **{**_LAYER.arguments, "folder": files})


# --- the mutants ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "layer", "property_"),
    [
        ("abort-without-what-is-locked", "replay", "conforms to MCHybrid"),
        ("goes-on-after-its-abort", "replay", "conforms to MCHybrid"),
        ("majority-makes-a-qc", "weakened", "QCsAgree"),
        ("epoch-not-signed", "scenarios", "the scenario abort.txt"),
        ("quorum-written-otherwise", "", ""),
    ],
)
def test_a_mutant_is_noticed_by_the_quick_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, layer: str, property_: str
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    quick = [each for each in LAYERS if each.name in {"replay", "weakened", "scenarios"}]
    (result,) = try_mutants("property_tests.hybrid.mutants:MUTANTS", quick, folder=tmp_path, only=name)
    assert result.is_as_expected, result.attempts
    caught = result.first
    assert (caught.layer, caught.violates) == (layer, property_) if caught else not layer


# --- the layers -----------------------------------------------------------------------------------


def test_the_scenarios_say_what_the_right_implementation_does(tmp_path: Path) -> None:
    outcome = _played(tmp_path)
    assert str(outcome.verdict) == f"sampled({len(FILES)} cases, seed 0)", outcome.message
    assert len(FILES) >= 8


@pytest.mark.parametrize(
    ("owner", "wrong", "files"),
    [
        (core, {"is_signed": lambda *_: True}, "abort"),
        (core, {"qc_rejection": lambda *_: ""}, "certificates"),
        (core, {"qc_rejection": lambda *_: "no QC"}, "certificates|epoch-end"),
        (rules, {"is_quorum": lambda *_: True}, "abort"),
        (switches, {"abort_rejection": lambda *_: ""}, "abort"),
        (switches, {"retransmit": lambda node, _: StepResult(node)}, "abort"),
        (client, {"is_signed": lambda *_: True}, "clients"),
        (client, {"is_signed": lambda *_: False}, "clients"),
    ],
    ids=[
        "signed",
        "any QC",
        "no QC",
        "one vote",
        "any abort",
        "said once",
        "accepts all",
        "accepts none",
    ],
)
def test_what_proves_nothing_is_noticed_where_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, wrong: dict[str, Any], files: str
) -> None:
    for name, value in wrong.items():
        monkeypatch.setattr(owner, name, value)
    outcome = _played(tmp_path)
    assert outcome.verdict.violates is not None
    assert re.fullmatch(rf"the scenario ({files})\.txt", outcome.verdict.violates), outcome.message


def test_a_step_that_raises_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_: object) -> Any:
        raise KeyError("nothing there")

    monkeypatch.setattr(core, "qc_rejection", raises)
    outcome = _played(tmp_path)
    assert outcome.verdict.is_violated
    assert "the core raises KeyError" in outcome.message


def test_a_soak_notices_what_no_quick_layer_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = LAYERS[-1]
    right = soaked(_context(tmp_path), **{**layer.arguments, "seeds": 1, "steps": 1_500})
    assert str(right.verdict).startswith("sampled(")
    monkeypatch.setattr(core, "_forgets", lambda before, after: before.raft_epoch is not after.raft_epoch)
    wrong = soaked(_context(tmp_path), **layer.arguments)
    assert wrong.verdict.violates == "DurableStays"
