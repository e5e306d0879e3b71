"""Barriers under faults, every step of which the spec judges: `protocol.py`."""

from pathlib import Path
from typing import Any

import pytest

from impl.manager import barrier
from impl.manager.barrier import rules
from property_tests.barrier.host import Order, Raft
from property_tests.barrier.invariants import BarrierJudge
from property_tests.barrier.protocol import BARRIER as DECLARED
from tlacheck.harness import Broken as Finding
from tlacheck.harness import SoakPlan, soak
from tlacheck.sim import Command, Notify, StepRecord

BARRIER = "property_tests.barrier.protocol:BARRIER"


def test_clusters_follow_the_spec_and_reconcile(tmp_path: Path) -> None:
    found = soak(SoakPlan(target=BARRIER, steps=200, out=tmp_path), range(3))
    assert [run.explanation for run in found.failed] == []
    assert sum(run.actions for run in found.runs) > 100


#: The rule, what is put in its place, and the property that notices.
Broken = tuple[str, Any, str]


def _noticed(monkeypatch: pytest.MonkeyPatch, plan: SoakPlan, broken: Broken, seeds: int) -> None:
    rule, other, name = broken
    monkeypatch.setattr(rules, rule, other)
    found = soak(plan, range(seeds), until_failed=True)
    assert [run.property for run in found.failed] == [name]
    assert found.failed[0].trace is not None


def test_a_broken_rule_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plan = SoakPlan(target=BARRIER, steps=300, out=tmp_path)
    _noticed(monkeypatch, plan, ("is_ready", lambda _: True, "conforms to MCBarrier"), 20)


@pytest.mark.sweep
@pytest.mark.parametrize(
    "broken",
    [
        ("has_applied", lambda *_: True, "NoActionBeforeDecision"),
        ("is_fresh", lambda *_: True, "NoActionOnOldGossip"),
        ("is_enough", lambda *_: True, "PassedImpliesApplied"),
        ("may_take", lambda *_: True, "NoStaleDecision"),
        ("may_take", lambda node, made: not rules.is_later(node.copy_of(made.owner), made), "SameDecisions"),
        ("renews", lambda *_: False, "all may act on all"),
    ],
)
def test_without_the_spec_the_judge_notices(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: Broken
) -> None:
    rule, other, name = broken
    monkeypatch.setattr(rules, rule, other)
    found = soak(
        SoakPlan(target=BARRIER, steps=400, judged=False, only=(name,), out=tmp_path),
        range(500),
        until_failed=True,
    )
    assert [run.property for run in found.failed] == [name]


def test_the_judge_sees_an_act_on_gossip_from_before_a_passed_barrier() -> None:
    """A node comes back, and acts at once on what is older: in soaks another property breaks before."""
    judge = BarrierJudge(DECLARED.sizes[0])
    node = barrier.first_start(barrier.Config(node="a1"))
    c1 = barrier.first_start(barrier.Config(node="c1", is_coordinator=True))

    def seen(name: str, inp: Any, before: Any, after: Any, *commands: Command) -> list[Any]:
        record = StepRecord(
            at_ms=0, node=name, input=inp, sender=None, before=before, after=after, commands=commands
        )
        return [*judge.on_step(record)]

    seen("raft", Order(barrier.Fence()), Raft(), Raft().deciding(barrier.Fence()))
    c1, _ = barrier.step(c1, barrier.Committed(1, barrier.Fence()))
    applied, _ = barrier.step(node, barrier.Receive("c1", barrier.Update(1, 1, ())))
    seen("a1", None, node, applied)
    opened, _ = barrier.step(c1, barrier.Open(("a1",)))
    passed, (ended,) = barrier.step(opened, barrier.Receive("a1", barrier.Ack(1, 1)))
    assert not any(isinstance(found, Finding) for found in seen("c1", None, opened, passed, Notify(ended)))

    back = barrier.restart(node.config, 1)
    judge.on_restart("a1", back)
    acted = Notify(barrier.Acted("c1", barrier.Record(1)))
    found = [each.property for each in seen("a1", None, back, back, acted) if isinstance(each, Finding)]
    assert found == ["BehindBarrier"]
