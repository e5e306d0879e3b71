"""The stateful checks of gossip and the barrier notice what their rules are there for."""

from pathlib import Path
from typing import Any

import pytest

from impl.gossip import members as gossip_members
from impl.gossip import rules as gossip_rules
from impl.manager.barrier import rules as barrier_rules
from tlacheck.harness.checks import stateful
from tlacheck.verdict import Kind
from tlacheck.verify import Context, Outcome

_GOSSIP = "property_tests.gossip.protocol:GOSSIP"
_BARRIER = "property_tests.barrier.protocol:BARRIER"


def _checked(folder: Path, protocol: str, examples: int) -> Outcome:
    context = Context(folder=folder, budget="ci", seed=0, command="", progress=lambda _: None)
    return stateful(context, protocol, examples=examples, steps=30, shrinking_seconds=1)


@pytest.mark.sweep
@pytest.mark.parametrize(
    "broken",
    [
        (_GOSSIP, gossip_rules, "outdone", lambda level: level),
        (_GOSSIP, gossip_rules, "is_news", lambda *_: False),
        (_GOSSIP, gossip_members, "with_places", lambda node, _: node),
        (_BARRIER, barrier_rules, "may_take", lambda *_: True),
        (_BARRIER, barrier_rules, "is_enough", lambda barrier: len(barrier.missing) <= 1),
        (_BARRIER, barrier_rules, "is_fresh", lambda *_: True),
    ],
)
def test_hypothesis_finds_a_broken_rule(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: tuple[str, Any, str, Any]
) -> None:
    protocol, module, rule, other = broken
    monkeypatch.setattr(module, rule, other)
    assert _checked(tmp_path, protocol, 12).verdict.kind is Kind.VIOLATED


def test_a_run_too_short_to_meet_its_goals_is_inconclusive(tmp_path: Path) -> None:
    found = _checked(tmp_path, _BARRIER, 1)
    assert found.verdict.kind is Kind.UNKNOWN
    assert "never met" in str(found.verdict.reason)
