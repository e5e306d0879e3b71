"""The cost of a switch is measured on clusters that do switch, there and back."""

import pytest

from impl.hybrid import switches
from property_tests.hybrid.costs import NoSwitch, costs


def test_a_cluster_serves_undisturbed_in_both_protocols_and_after_both_switches() -> None:
    found = costs(4, clients=3)
    assert found.raft.messages < found.bft.messages
    for switch, steady in ((found.there, found.raft), (found.back, found.bft)):
        assert 0 < switch.committed_ms <= switch.duration_ms
        assert switch.duration_ms > steady.latency_ms / 2
    assert found.there.messages["AbortHistory"] >= 3 * 3
    assert found.back.messages["SwitchbackVote"] >= 3 * 3
    assert found.there.messages["PrePrepare"] > 0


def test_a_cluster_that_never_leaves_bft_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switches, "_wants_switchback", lambda _: False)
    with pytest.raises(NoSwitch, match="nobody leaves for raft"):
        costs(4, clients=1)
