"""Storms of a few nodes hold, and each property of them is seen to break."""

from typing import Any

import attrs
import pytest
from click.testing import CliRunner

from impl import gossip
from impl.gossip import exchange, rules
from property_tests.gossip.__main__ import main
from property_tests.gossip.storms import GOALS, Storm, StormWork

_SMALL = StormWork(nodes=16, storm_s=30, judged=False)
#: Deltas are cut, and the spec judges three nodes.
_JUDGED = attrs.evolve(_SMALL, judged=True, room=300)


def test_storms_of_a_few_nodes_end_in_agreement() -> None:
    done = [_SMALL.do(str(seed)) for seed in range(2)]
    assert [each.explanation for each in done] == [(), ()]
    for goal in GOALS:
        assert sum(each.goals[goal] for each in done), goal


def test_a_seed_gives_the_same_storm() -> None:
    assert _SMALL.do("3").digest == _SMALL.do("3").digest != _SMALL.do("4").digest


def _goes_back(copy: gossip.Copy, delta: gossip.Delta) -> gossip.Copy:
    return attrs.evolve(_applied(copy, delta), version=delta.end)


def _knows_no_collection(copy: gossip.Copy, delta: gossip.Delta) -> bool:
    return delta.generation == copy.generation and rules.connects(copy, delta)


_applied = rules.applied


@pytest.mark.parametrize(
    ("rule", "other", "name"),
    [
        ("applied", _goes_back, "Grows"),
        ("next_generation", lambda generation: generation, "OwnerHad"),
        ("may_apply", _knows_no_collection, "NoResurrection"),
        ("may_lack_tombstone", lambda *_: False, "Converges"),
        ("outdone", lambda level: level, "Refuted"),
    ],
)
def test_a_broken_rule_is_noticed(monkeypatch: pytest.MonkeyPatch, rule: str, other: Any, name: str) -> None:
    monkeypatch.setattr(rules, rule, other)
    assert any(_SMALL.do(str(seed)).property == name for seed in range(8))


def _says_whole(copy: gossip.Copy, begin: int, cut: int) -> int:
    return max(begin, cut, copy.version)


@pytest.mark.parametrize(
    ("module", "rule", "other"),
    [
        (rules, "applied", _goes_back),
        (rules, "may_apply", _knows_no_collection),
        (exchange, "reach", _says_whole),
        (rules, "outdone", lambda level: level),
    ],
)
def test_the_spec_alone_notices_in_three_nodes(
    monkeypatch: pytest.MonkeyPatch, module: Any, rule: str, other: Any
) -> None:
    monkeypatch.setattr(Storm, "_judge", lambda *_: None)
    monkeypatch.setattr(module, rule, other)
    found = next(done for seed in range(8) if (done := _JUDGED.do(str(seed))).property)
    assert found.property == "conforms to GossipRelay"
    assert "itf.json" in next(iter(found.files))


def test_the_spec_follows_three_nodes_whose_deltas_are_cut() -> None:
    done = _JUDGED.do("0")
    assert done.explanation == ()
    assert done.data["spec_steps"] > 100


def test_the_command_plays_a_campaign() -> None:
    result = CliRunner().invoke(main, ["--nodes", "8", "--storm", "2", "--seeds", "1", "--jobs", "1"])
    assert result.exit_code == 3  # so short a storm meets nothing
    assert "storms of 8 nodes: 1 cases" in result.output
