"""The stateful test of the hybrid: Hypothesis chooses clients, time, faults and attacks; `Safety` and the spec judge.

Each fault is a rule of its own, so that Hypothesis can leave whole kinds of faults out of a run (swarm testing). One rule raises
the level as far as Hypothesis likes, up to the top, and one waits until it is lower. After the last rule of a run all faults but
the traitors' end, and the cluster must make progress; what clients saw must be linearizable. Each step must be one that the spec
allows, and at the end its invariants hold.
"""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from impl import hybrid
from property_tests.faulty import NUMBERS, FaultyMachine
from property_tests.hybrid.cluster import Cluster, Setting
from property_tests.hybrid.recording import recorded
from property_tests.hybrid.strategies import STRATEGIES

__all__ = ["HybridMachine"]


class HybridMachine(FaultyMachine[Cluster]):
    """One simulated cluster: of four replicas with one traitor, or of seven with two."""

    strategies = STRATEGIES
    interesting = (
        "an operation is believed by a seal",
        "an operation is believed in the book",
        "switch: raft to bft",
        "switch: bft to raft",
        "level: LOW",
        "level: MEDIUM",
        "level: HIGH",
        "level: CRITICAL",
        "level: NONE",
        "stopped: threat",
        "a close takes over a chain",
        "a replica comes back from a crash",
        "all faults end and the cluster makes progress",
    )
    setting = Setting
    recorded = staticmethod(recorded)

    # --- what happens

    @rule(client=st.sampled_from(["c0", "c1", "c2"]), item=NUMBERS, for_ms=st.integers(0, 200))
    def write(self, client: str, item: int, for_ms: int) -> None:
        self.watched("ask", client, ("put", "a", item))
        self.watched("advance", for_ms)

    @rule(client=st.sampled_from(["c0", "c1", "c2"]), for_ms=st.integers(0, 200))
    def read(self, client: str, for_ms: int) -> None:
        self.watched("ask", client, ("get", "a"))
        self.watched("advance", for_ms)

    @rule(times=st.integers(1, 12))
    def raise_the_level(self, times: int) -> None:
        """Nonsense comes to f + 1 correct replicas: each time the level may go up by one."""
        for _ in range(times):
            for name in self.running.correct[: self.running.configs["r0"].f + 1]:
                self.watched("disturb", name, "nonsense")
            self.watched("advance", 20)

    @rule()
    def wait_for_calm(self) -> None:
        """All fades, if traitors let it."""
        setting = self.running.setting
        self.watched("advance", 20 * setting.times.tick_ms)

    @rule(
        numbers=st.sets(NUMBERS, min_size=1),
        timer=st.sampled_from([hybrid.ViewTimeout(), hybrid.ElectionTimeout()]),
        for_ms=st.integers(1, 200),
    )
    def lose_patience(self, numbers: set[int], timer: hybrid.Input, for_ms: int) -> None:
        """Timers fire too early."""
        for name in sorted({self.correct(number) for number in numbers}):
            self.watched("lose_patience", name, timer)
        self.watched("advance", for_ms)
