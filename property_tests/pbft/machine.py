"""The stateful test of PBFT: Hypothesis chooses clients, time, faults and what the traitors are up to; `Safety` and the spec judge.

Each fault is a rule of its own, so that Hypothesis can leave whole kinds of faults out of a run (swarm testing). After the
last rule of a run all faults but the traitors' end, and the cluster must make progress. Each step must be one that the spec allows.
"""

from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from property_tests.examples import SHRINKING_SECONDS_MAX, Run, Tally, run_examples
from property_tests.faulty import NUMBERS, FaultyMachine
from property_tests.pbft.cluster import Cluster, Setting
from property_tests.pbft.recording import recorded
from property_tests.pbft.strategies import STRATEGIES

__all__ = ["INTERESTING", "PbftMachine", "run_machine"]

#: The situations that a run of many examples must meet, or it says nothing.
INTERESTING = (
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


class PbftMachine(FaultyMachine[Cluster]):
    """One simulated cluster: of four replicas with one traitor, or of seven with two."""

    @initialize(
        size=st.sampled_from([(4, 1), (4, 1), (5, 1), (7, 2)]),
        first=NUMBERS,
        strategy=st.sampled_from(STRATEGIES),
        seed=st.integers(0, 2**16 - 1),
    )
    def start(self, size: tuple[int, int], first: int, strategy: str, seed: int) -> None:
        self.tally.begin()
        replicas, traitors = size
        order = tuple((first + number) % replicas for number in range(replicas))
        chosen = frozenset(f"r{number}" for number in range(traitors))
        setting = Setting(replicas=replicas, order=order, traitors=chosen)
        self.cluster, self.journal = recorded(setting, seed=seed, command=self.tally.command)
        for traitor in sorted(chosen):
            self.cluster.betray(traitor, strategy)

    # --- what happens

    @rule(client=st.sampled_from(["c0", "c1", "c2"]), for_ms=st.integers(0, 60))
    def ask(self, client: str, for_ms: int) -> None:
        self.watched("ask", client, for_ms)
        self.watched("advance", for_ms)

    @rule(client=st.sampled_from(["c0", "c1"]), number=NUMBERS)
    def ask_one(self, client: str, number: int) -> None:
        self.watched("ask", client, "of one", (self.one(number),))

    @rule(number=NUMBERS, strategy=st.sampled_from(STRATEGIES))
    def betray(self, number: int, strategy: str) -> None:
        traitors = sorted(self.running.den.traitors)
        self.watched("betray", traitors[number % len(traitors)], strategy)

    @rule(strategy=st.sampled_from(STRATEGIES))
    def conspire(self, strategy: str) -> None:
        for traitor in sorted(self.running.den.traitors):
            self.watched("betray", traitor, strategy)

    @rule(numbers=st.sets(NUMBERS, min_size=1), for_ms=st.integers(1, 200))
    def lose_patience(self, numbers: set[int], for_ms: int) -> None:
        """Timers fire too early."""
        for name in sorted({self.correct(number) for number in numbers}):
            self.watched("lose_patience", name)
        self.watched("advance", for_ms)

    # --- what must hold

    def expect(self) -> None:
        """All faults but the traitors' end, and the cluster makes progress."""
        self.watched("heal_and_expect_progress")
        self.judged(self.journal.finish)


def run_machine(
    *,
    seed: int,
    examples: int,
    folder: Path,
    steps: int = 40,
    command: str = "",
    shrinking_seconds: float = SHRINKING_SECONDS_MAX,
) -> Run:
    """Let Hypothesis look for a failing run, and shrink it.

    Args:
        seed: as `run_examples` has it, and so `examples` and `steps`.
        examples: how many to try.
        folder: as `Tally` has it, and so `command` and `shrinking_seconds`.
        steps: how many rules an example may take.
        command: the command that repeats this.
        shrinking_seconds: how long a failing run is made shorter.
    """
    tally = Tally(folder=folder, command=command, shrinking_seconds=shrinking_seconds)
    return run_examples(
        PbftMachine, tally, seed=seed, examples=examples, steps=steps, interesting=INTERESTING
    )
