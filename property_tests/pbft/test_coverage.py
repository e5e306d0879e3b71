"""The check that every action of the spec is taken looks at every action, and would notice one that is not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from property_tests.pbft import coverage
from property_tests.pbft.adapter import spec_for
from property_tests.pbft.coverage import BYZANTINE_SUCCESSOR, every_action_is_taken, never_taken
from tlacheck.tlc import Checker
from tlacheck.verdict import Kind
from tlacheck.verify import Context


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    """One JVM for the tests here."""
    with Checker() as checker:
        yield checker


def _events() -> frozenset[str]:
    """The names in `EventNext`."""
    text = (spec_for(4).path.parent / "PbftEvents.tla").read_text(encoding="utf-8")
    body = text[text.index("EventNext ==") :].partition("\n\n")[0]
    return frozenset(re.findall(r"\b(\w+)Event\b", body))


def test_a_model_of_one_view_takes_no_action_of_a_view_change(checker: Checker) -> None:
    """Else the check would pass whatever the models are."""
    every, never = never_taken(checker, ["witness_state_transfer.cfg"])
    assert {"Timeout", "JoinViewChange", "NewView", "EnterNewView"} <= never
    assert {"Propose", "AcceptPrePrepare", "CollectCheckpoints", "TransferState"} <= every - never


def test_the_actions_looked_at_are_all_events_of_the_spec(checker: Checker) -> None:
    """The names are read from the modules, at the places that TLC gives."""
    every, _ = never_taken(checker, ["witness_executed.cfg"])
    assert every == _events()


def test_a_view_of_a_byzantine_primary_is_entered(checker: Checker) -> None:
    _, never = never_taken(checker, [BYZANTINE_SUCCESSOR])
    assert "EnterNewView" not in never
    assert "NewView" in never


def test_the_check_names_what_its_models_never_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = Context(folder=tmp_path, budget="tests", seed=0, command="", progress=lambda _: None)
    monkeypatch.setattr(coverage, "MODELS", ("witness_state_transfer.cfg",))
    monkeypatch.setattr(coverage, "BYZANTINE_SUCCESSOR", "witness_view_change.cfg")
    outcome = every_action_is_taken(context)
    assert outcome.verdict.kind is Kind.VIOLATED
    assert "JoinViewChange" in outcome.message
    assert "EnterNewView of a Byzantine primary" in outcome.message
