"""The stateful test of PBFT: Hypothesis chooses clients, time, faults and what the traitors are up to; `Safety` and the spec judge.

Each fault is a rule of its own, so that Hypothesis can leave whole kinds of faults out of a run (swarm testing). After the
last rule of a run all faults but the traitors' end, and the cluster must make progress. Each step must be one that the spec allows.
"""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from property_tests.faulty import NUMBERS, FaultyMachine
from property_tests.pbft.cluster import Cluster, Setting
from property_tests.pbft.recording import recorded
from property_tests.pbft.strategies import STRATEGIES

__all__ = ["PbftMachine"]


class PbftMachine(FaultyMachine[Cluster]):
    """One simulated cluster: of four replicas with one traitor, or of seven with two."""

    strategies = STRATEGIES
    interesting = (
        "a batch is executed",
        "a checkpoint is stable",
        "a view is entered",
        "a view change carries a batch over",
        "a timer fires",
        "a replica comes back from a crash",
        "all faults end and the cluster makes progress",
        "refused: FORGED",
        "refused: EQUIVOCATION",
    )
    setting = Setting
    recorded = staticmethod(recorded)

    # --- what happens

    @rule(client=st.sampled_from(["c0", "c1", "c2"]), for_ms=st.integers(0, 60))
    def ask(self, client: str, for_ms: int) -> None:
        self.watched("ask", client, for_ms)
        self.watched("advance", for_ms)

    @rule(client=st.sampled_from(["c0", "c1"]), number=NUMBERS)
    def ask_one(self, client: str, number: int) -> None:
        self.watched("ask", client, "of one", (self.one(number),))

    @rule(numbers=st.sets(NUMBERS, min_size=1), for_ms=st.integers(1, 200))
    def lose_patience(self, numbers: set[int], for_ms: int) -> None:
        """Timers fire too early."""
        for name in sorted({self.correct(number) for number in numbers}):
            self.watched("lose_patience", name)
        self.watched("advance", for_ms)
