"""The quick layers catch their mutants, and each layer can fail."""

from pathlib import Path
from typing import Any

import attrs
import pytest

from impl import pbft
from impl.pbft import clients, execution, retransmission, rules, timers, validation
from property_tests.pbft import calm as calm_cluster
from property_tests.pbft.calm import calm
from property_tests.pbft.layers import LAYERS
from property_tests.pbft.near_misses import near_misses, variants
from tlacheck.harness.checks import soaked
from tlacheck.mutants import try_mutants
from tlacheck.verify import Context, Outcome


def _context(folder: Path) -> Context:
    return Context(folder=folder, budget="tests", seed=0, command="", progress=lambda _: None)


def _soaked(folder: Path) -> Outcome:
    target = "property_tests.pbft.protocol:PBFT"
    return soaked(_context(folder), target, seeds=3, steps=2_700, judged=False, goals=[])


# --- the mutants ----------------------------------------------------------------------------------


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


# --- the layers -----------------------------------------------------------------------------------


def _never(*_: object) -> Any:
    return ""


@pytest.mark.parametrize(
    ("owner", "wrong", "property_"),
    [
        (execution, {"without_answered": lambda node: node}, "Prompt"),
        (clients, {"answer": lambda *_: pbft.StopTimer()}, "Answers"),
        (timers, {"wants_enough": lambda _: True}, "Backoff"),
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
    outcomes = [calm(_context(tmp_path), seeds=3), _soaked(tmp_path)]
    assert property_ in {outcome.verdict.violates for outcome in outcomes}
    assert all(int(outcome.figures["steps"]) > 0 for outcome in outcomes)


def test_multiplier_is_counted_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pbft.Node, "multiplier", property(lambda _: 1))
    outcome = _soaked(tmp_path)
    assert outcome.verdict.violates == "Backoff"
    assert "times the timeout" in outcome.message


def test_a_step_that_raises_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_: object) -> None:
        raise KeyError("nothing there")

    monkeypatch.setattr(calm_cluster, "_calmly", raises)
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
