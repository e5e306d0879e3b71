"""The implementation follows what the spec does, leaves what only a weakened spec does, and survives liars."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase

from impl.vote import rules
from property_tests.vote.checks import oracle_for, system_for, system_of
from property_tests.vote.machine import run_machine, stateful
from property_tests.vote.world import Broken
from tlacheck import itf
from tlacheck.conform.replay import replay
from tlacheck.conform.vet import vet
from tlacheck.verdict import Kind
from tlacheck.verify import Context

_GOLDEN = Path(__file__).resolve().parents[2] / "traces" / "golden" / "vote"
FOLLOWED = sorted((*_GOLDEN.glob("witness/*.itf.json"), *_GOLDEN.glob("misconfigured/*.itf.json")))
WEAKENED = sorted(_GOLDEN.glob("weakened/*.itf.json"))


def _name(path: Path) -> str:
    return path.name.removesuffix(".itf.json")


@pytest.mark.parametrize("path", FOLLOWED, ids=_name)
def test_the_implementation_follows_the_spec_to_the_end(path: Path) -> None:
    trace = itf.read(path)
    run = replay(trace, system_of(trace))
    assert run.violation is None
    assert len(run) == len(trace) > 0


@pytest.mark.parametrize("path", WEAKENED, ids=_name)
def test_the_implementation_leaves_what_only_a_weakened_spec_allows(path: Path) -> None:
    """Code that follows one of these has the fault that was put into the spec; the document's rule is one."""
    trace = itf.read(path)
    assert replay(trace, system_of(trace)).violation is not None


def test_there_are_traces_to_replay() -> None:
    assert len(FOLLOWED) >= 10
    assert len(WEAKENED) >= 20


def test_the_adapter_is_sound() -> None:
    oracle = oracle_for(4)
    assert vet(lambda: system_for(oracle.spec.config), oracle, walks=2, steps=15) == ()


def test_liars_bring_about_nothing_wrong_and_in_the_end_there_is_a_verdict(tmp_path: Path) -> None:
    context = Context(folder=tmp_path, budget="ci", seed=0, command="", progress=lambda _: None)
    outcome = stateful(context, examples=150)
    assert outcome.message == ""
    assert outcome.verdict.kind is Kind.SAMPLED, outcome.verdict


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("quorum_size", lambda ballot: ballot.f + 1),
        ("heard_enough", lambda ballot, voters: voters >= ballot.n),
        ("may_vote", lambda _: True),
    ],
)
def test_a_broken_rule_is_noticed(monkeypatch: pytest.MonkeyPatch, rule: str, broken: Any) -> None:
    monkeypatch.setattr(rules, rule, broken)
    with pytest.raises(Broken):
        run_machine(seed=0, examples=150, phases=(Phase.generate,))
