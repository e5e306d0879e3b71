"""The threat level under random inputs: total, durable, monotonic, and never decided by timing alone."""

from pathlib import Path
from typing import Any

import pytest

from impl import threat
from impl.threat import core, rules
from property_tests.threat.layers import NONSENSE, Judge, pairs, play
from tlacheck.verify import Context


def context(folder: Path) -> Context:
    return Context(folder=folder, budget="tests", seed=0, command="", progress=lambda _: None)


@pytest.mark.parametrize("inp", NONSENSE, ids=lambda inp: type(inp).__name__)
def test_nonsense_is_refused_with_a_reason(inp: Any) -> None:
    before = threat.first_start(threat.Config("r0", ("r0", "r1", "r2", "r3")))
    after, (refused,) = threat.step(before, inp)
    assert after == before
    assert isinstance(refused, threat.Refused)
    assert refused.reason


def test_a_record_without_its_fields_is_refused() -> None:
    before = threat.first_start(threat.Config("r0", ("r0", "r1", "r2", "r3")))
    for kind in (threat.Observed, threat.Statement, threat.Proof):
        empty: Any = object.__new__(kind)
        after, (refused,) = threat.step(before, empty)
        assert (after, type(refused)) == (before, threat.Refused)


def test_random_runs_of_the_real_machine_pass(tmp_path: Path) -> None:
    outcome = pairs(context(tmp_path), seeds=20)
    assert str(outcome.verdict).startswith("sampled(")
    assert int(outcome.figures["inputs"]) == 20 * play(0)


@pytest.mark.parametrize(
    ("part", "wrong", "property_"),
    [
        ((rules, "cluster_score"), lambda _, scores: max(scores), "NobodyAlone"),
        ((rules, "cluster_score"), lambda _, scores: min(scores), "Demanded"),
        (
            (rules, "stays"),
            lambda config, level, score: level == 0 or score >= config.up[level - 1],
            "Hysteresis",
        ),
        ((rules, "timed"), lambda _, timing, weight: timing + weight, "SlowIsNotHostile"),
        ((rules, "is_news"), lambda *_: True, "News"),
        ((core, "Persist"), lambda durable: threat.Refused(durable, ""), "Refused"),
        ((core, "own_score"), lambda _: 1, "States"),
    ],
    ids=["largest", "smallest", "no hysteresis", "timing", "stale", "nothing persisted", "states something"],
)
def test_a_wrong_machine_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: tuple[Any, str], wrong: Any, property_: str
) -> None:
    monkeypatch.setattr(*part, wrong)
    assert property_ == pairs(context(tmp_path), seeds=20).verdict.violates


def test_a_step_that_raises_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_: object) -> int:
        raise KeyError("nothing there")

    monkeypatch.setattr(rules, "faded", raises)
    assert pairs(context(tmp_path), seeds=1).verdict.violates == "Total"


def test_a_crash_that_loses_the_disk_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge(threat.Config("r0", ("r0", "r1", "r2", "r3")))
    judge.take(threat.Proof(threat.ProofKind.EQUIVOCATION, "r3", "digest"))
    judge.crash()
    monkeypatch.setattr(threat, "recover", lambda config, _: threat.first_start(config))
    with pytest.raises(Exception, match="on the disk"):
        judge.crash()
