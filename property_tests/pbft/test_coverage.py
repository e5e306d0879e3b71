"""The action-coverage check looks at every action of the spec, and reports one that is never taken."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from property_tests.pbft.adapter import spec_for
from property_tests.pbft.coverage import views_of_a_byzantine_primary
from tlacheck.conform.actions import never_taken
from tlacheck.tlc import Checker
from tlacheck.verdict import Kind
from tlacheck.verify import Context

_MODULE = spec_for(4).path.parent / "MCPbft.tla"


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
    every, never = never_taken(checker, _MODULE, ["witness_state_transfer.cfg"])
    assert {"Timeout", "JoinViewChange", "NewView", "EnterNewView"} <= never
    assert {"Propose", "AcceptPrePrepare", "CollectCheckpoints", "TransferState"} <= every - never


def test_the_actions_looked_at_are_all_events_of_the_spec(checker: Checker) -> None:
    """The names are read from the modules, at the places that TLC gives."""
    every, _ = never_taken(checker, _MODULE, ["witness_executed.cfg"])
    assert every == _events()


@pytest.mark.parametrize(
    ("config", "kind"),
    [("witness_byzantine_new_view.cfg", Kind.EXHAUSTED), ("witness_view_change.cfg", Kind.VIOLATED)],
)
def test_a_view_of_a_byzantine_primary_is_entered(config: str, kind: Kind, tmp_path: Path) -> None:
    """Else correct primaries begin views, and the check says so."""
    context = Context(folder=tmp_path, budget="tests", seed=0, command="", progress=lambda _: None)
    assert views_of_a_byzantine_primary(context, config=config).verdict.kind is kind
