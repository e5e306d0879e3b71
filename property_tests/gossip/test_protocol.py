"""Gossip under faults and a liar, every step of which the spec judges: `protocol.py`."""

from pathlib import Path
from typing import Any

import attrs
import pytest

from impl.gossip import exchange, members, rules
from tlacheck.harness import SoakPlan, soak

GOSSIP = "property_tests.gossip.protocol:GOSSIP"


@pytest.mark.parametrize(("nodes", "seeds"), [(3, 2), (4, 3)])
def test_clusters_follow_the_spec_and_converge(tmp_path: Path, nodes: int, seeds: int) -> None:
    found = soak(SoakPlan(target=GOSSIP, steps=200, nodes=nodes, out=tmp_path), range(seeds))
    assert [run.explanation for run in found.failed] == []
    assert sum(run.actions for run in found.runs) > 100


#: Where the rule is, its name, what is put in its place, how many nodes there are, and what notices.
Broken = tuple[Any, str, Any, int, str]


def _noticed(monkeypatch: pytest.MonkeyPatch, plan: SoakPlan, broken: Broken, seeds: int) -> None:
    module, rule, other, nodes, name = broken
    monkeypatch.setattr(module, rule, other)
    found = soak(attrs.evolve(plan, nodes=nodes), range(seeds), until_failed=True)
    assert [run.property for run in found.failed] == [name]
    assert found.failed[0].trace is not None


@pytest.mark.parametrize(
    "broken",
    [
        (exchange, "is_signed", lambda *_: True, 4, "conforms to MCGossip"),
        (rules, "is_news", lambda *_: False, 3, "conforms to MCGossip"),
        (rules, "outdone", lambda level: level, 3, "conforms to MCGossip"),
        (members, "with_places", lambda node, _: node, 3, "RingIsRight"),
    ],
)
def test_a_broken_rule_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: Broken) -> None:
    _noticed(monkeypatch, SoakPlan(target=GOSSIP, steps=250, out=tmp_path), broken, 20)


@pytest.mark.sweep
@pytest.mark.parametrize(
    "broken",
    [
        (exchange, "is_signed", lambda *_: True, 4, "OwnerLeads"),  # `Signed` asks the same rule
        (rules, "may_take_generation", lambda delta, _: delta.generation > 0, 3, "ForgottenStays"),
        (rules, "next_generation", lambda generation: generation, 3, "OwnerLeads"),
        (rules, "may_lack_tombstone", lambda *_: False, 3, "all have what there was"),
    ],
)
def test_without_the_spec_an_invariant_notices(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: Broken
) -> None:
    _noticed(monkeypatch, SoakPlan(target=GOSSIP, steps=400, judged=False, out=tmp_path), broken, 60)
