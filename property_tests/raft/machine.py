"""The stateful test of Raft: Hypothesis chooses clients, time and faults; spec and `Safety` judge.

Each fault is a rule of its own, so that Hypothesis can leave whole kinds of faults out of a run
(swarm testing). After the last rule of a run all faults end, and the cluster must make progress
(`Cluster.heal_and_expect_progress`).
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from impl import raft
from property_tests.raft.adapter import server_names, spec_for
from property_tests.raft.cluster import Cluster
from property_tests.raft.features import PLAIN, Setting, oracle_of
from tlacheck.conform.lockstep import Diverged
from tlacheck.harness.examples import SHRINKING_SECONDS_MAX, ExamplesResult, Tally, run_examples
from tlacheck.sim import Flight
from tlacheck.tlc.oracle import SpecOracle

__all__ = ["INTERESTING", "RaftMachine", "oracle_for", "run_machine"]

#: The situations that a run of many examples must meet, or it says nothing.
INTERESTING = (
    "a leader is elected",
    "a third leader is elected",
    "an entry is committed",
    "an entry of an earlier term is committed",
    "a conflicting entry is removed",
    "two servers believe that they lead",
    "a leader crashes",
    "a step is lost in a crash",
    "a link is cut one way",
    "a server is paused",
    "a clock is skewed",
    "a clock drifts",
    "Restart",
    "DropMessage",
    "DuplicateMessage",
)

#: How long a cluster with parts that a setting names runs before the first rule, virtual milliseconds.
BEGIN_MS = 1_000


@functools.cache
def oracle_for(servers: int) -> SpecOracle:
    """The oracle for clusters of so many servers; loaded once a process."""
    return SpecOracle(spec_for(servers))


class RaftMachine(RuleBasedStateMachine):
    """One simulated cluster: of three to five servers with the core alone, or as its setting says."""

    tally: Tally
    judged: bool
    setting: Setting

    cluster: Cluster | None = None
    failed = False
    reads = 0

    @initialize(servers=st.sampled_from([3, 4, 5]), seed=st.integers(0, 2**16 - 1))
    def start(self, servers: int, seed: int) -> None:
        self.tally.begin()
        setting = self.setting
        is_plain = not setting.features
        self.cluster = Cluster(
            oracle_for(servers) if is_plain else oracle_of(setting),
            server_names(servers) if is_plain else setting.names,
            seed=seed,
            judged=self.judged,
            command=self.tally.command,
            setting=setting,
        )
        if setting.features:  # with all that there is to happen, what comes before the first leader is not it
            self._watched("advance", BEGIN_MS)

    # --- what happens

    @rule(for_ms=st.integers(1, 400))
    def advance(self, for_ms: int) -> None:
        self._watched("advance", for_ms)

    @rule(value=st.sampled_from(["v1", "v2", "v3"]))
    def client_request(self, value: str) -> None:
        self._watched("client_request", value)

    @rule(by_lease=st.booleans(), number=st.none() | st.integers(0, 5))
    @precondition(lambda self: self._has("Reads"))
    def read(self, number: int | None, *, by_lease: bool) -> None:
        """A client asks for a read, of the last leader or of a server that may believe that it leads."""
        if self.reads < self._running.setting.reads:
            name = f"r{self.reads + 1}"
            request = raft.LeaseRead(name) if by_lease else raft.ReadIndex(name)
            self.reads += self._asked(request, None if number is None else self._one(number))

    @rule(number=st.integers(0, 5))
    @precondition(lambda self: self._has("Membership"))
    def move_on(self, number: int) -> None:
        """A stranger learns, a learner votes, a voter leaves; two voters are left."""
        configuration, server = self._configuration(), self._one(number)
        if configuration is None or configuration.is_joint:
            return
        voters, learners = configuration.voters, configuration.learners
        if server in learners:
            new = raft.Configuration(voters | {server}, learners=learners - {server})
        elif server not in voters:
            new = raft.Configuration(voters, learners=learners | {server})
        elif len(voters) > 2:
            new = raft.Configuration(voters - {server}, learners=learners)
        else:
            return
        self._asked(raft.ChangeMembership(new))

    @rule(numbers=st.sets(st.integers(0, 3), min_size=2))
    @precondition(lambda self: self._has("Membership"))
    def change_hands(self, numbers: set[int]) -> None:
        """All voters are changed at once, by way of a joint configuration."""
        configuration, voters = self._configuration(), frozenset(self._named(numbers))
        if configuration is not None and not configuration.is_joint:
            learners = configuration.learners - voters
            self._asked(raft.ChangeMembership(raft.Configuration(voters, configuration.voters, learners)))

    @rule(number=st.integers(1, 5))
    @precondition(lambda self: self._has("Transfer"))
    def hand_over(self, number: int) -> None:
        self._asked(raft.TransferLeadership(self._one(number)))

    @rule(position=st.integers(0, 30))
    @precondition(lambda self: self._flights())
    def drop(self, position: int) -> None:
        self._watched("drop", self._flight(position))

    @rule(position=st.integers(0, 30))
    @precondition(lambda self: self._flights())
    def duplicate(self, position: int) -> None:
        self._watched("duplicate", self._flight(position))

    @rule(position=st.integers(0, 30))
    @precondition(lambda self: self._flights())
    def reorder(self, position: int) -> None:
        self._watched("inflict", "reorder", position=position)

    @rule(position=st.integers(0, 30), by_ms=st.integers(10, 2_000))
    @precondition(lambda self: self._flights())
    def delay(self, position: int, by_ms: int) -> None:
        self._watched("inflict", "delay", position=position, by_ms=by_ms)

    @rule(island=st.sets(st.integers(0, 4), min_size=1, max_size=2))
    def partition(self, island: set[int]) -> None:
        self._watched("inflict", "partition", island=self._named(island))

    @rule(
        island=st.sets(st.integers(0, 4), min_size=1, max_size=2),
        is_outward=st.booleans(),
        for_ms=st.integers(1, 400),
    )
    def cut(self, island: set[int], for_ms: int, *, is_outward: bool) -> None:
        """One way only: the island is heard and hears nothing, or hears and is not heard."""
        inside = self._named(island)
        outside = [server for server in self._running.servers if server not in inside]
        sources, dests = (inside, outside) if is_outward else (outside, inside)
        self._watched("inflict", "cut", sources=sources, dests=dests)
        self._watched("advance", for_ms)

    @rule()
    @precondition(lambda self: self.cluster is not None and self._is_torn_apart())
    def heal(self) -> None:
        self._watched("inflict", "heal")

    @rule(number=st.integers(0, 4))
    def crash(self, number: int) -> None:
        self._watched("crash", *self._named({number}))

    @rule(
        number=st.integers(0, 5),
        done=st.sampled_from([0, 0, 1, 3]),
        torn=st.booleans(),
        for_ms=st.integers(1, 400),
    )
    def crash_during(self, number: int, done: int, for_ms: int, *, torn: bool) -> None:
        """A server crashes in its next step: before, within or after its write to the disk."""
        self._watched("inflict", "crash_during", node=self._one(number), done=done, torn=torn)
        self._watched("advance", for_ms)

    @rule(number=st.integers(0, 5), for_ms=st.integers(1, 800))
    def pause(self, number: int, for_ms: int) -> None:
        """A server takes no step for a while; a leader that pauses does not know that it is replaced."""
        server = self._one(number)
        self._watched("inflict", "pause", node=server)
        self._watched("advance", for_ms)
        self._watched("inflict", "resume", node=server)

    @rule(number=st.integers(0, 5), by_ms=st.integers(-500, 500), ppm=st.integers(-500_000, 1_000_000))
    def disturb_clock(self, number: int, by_ms: int, ppm: int) -> None:
        """A clock is set, and runs at another rate from then on."""
        server = self._one(number)
        self._watched("inflict", "skew", node=server, by_ms=by_ms)
        self._watched("inflict", "drift", node=server, ppm=ppm)

    @rule()
    @precondition(lambda self: self.cluster is not None and self.cluster.leader is not None)
    def crash_leader(self) -> None:
        self._watched("crash", self._running.leader)

    @rule()
    @precondition(lambda self: self.cluster is not None and self.cluster.leader is not None)
    def isolate_leader(self) -> None:
        leader = self._running.leader
        self._watched("inflict", "partition", island=[leader] if leader else [])

    @rule(number=st.integers(0, 4))
    @precondition(lambda self: self.cluster is not None and self.cluster.world.down)
    def restart(self, number: int) -> None:
        down = sorted(self._running.world.down)
        self._watched("restart", down[number % len(down)])

    def teardown(self) -> None:
        """The end of the run: faults end, and the cluster must make progress."""
        if self.cluster is None:
            return
        try:
            if not self.failed:
                self._watched("heal_and_expect_progress")
        finally:
            self.tally.end(self.cluster.steps, self.cluster.sometimes)

    # --- how

    @property
    def _running(self) -> Cluster:
        if self.cluster is None:
            raise RuntimeError("a rule ran before the cluster was started")
        return self.cluster

    def _one(self, number: int) -> str:
        """The server of this number, counted round; 0 is who leads, if anybody does."""
        leader = self._running.leader
        return (
            leader
            if leader is not None and not number
            else self._running.servers[number % len(self._running.servers)]
        )

    def _named(self, numbers: set[int]) -> list[str]:
        servers = self._running.servers
        return sorted({servers[number % len(servers)] for number in numbers})

    def _has(self, feature: str) -> bool:
        return self.cluster is not None and self.cluster.setting.has(feature)

    def _configuration(self) -> raft.Configuration | None:
        leader = self._running.leader
        return self._running.system.nodes[leader].configuration if leader is not None else None

    def _asked(self, request: raft.Input, node: str | None = None) -> bool:
        taken: bool = self._watched("ask", request, node)
        return taken

    def _is_torn_apart(self) -> bool:
        world = self._running.world
        return bool(world.islands or world.cuts)

    def _flights(self) -> bool:
        return self.cluster is not None and bool(self.cluster.world.flights)

    def _flight(self, position: int) -> Flight[raft.Message]:
        flights = self._running.world.flights
        return flights[position % len(flights)]

    def _watched(self, call: str, *arguments: Any, **named: Any) -> Any:
        """Call the cluster; if the run fails, put its trace on disk before anything else."""
        try:
            return getattr(self._running, call)(*arguments, **named)
        except Diverged as failure:
            self.failed = True
            self.tally.keep(failure.trace)
            raise


def run_machine(
    *,
    seed: int,
    examples: int,
    folder: Path,
    steps: int = 40,
    judged: bool = True,
    setting: Setting = PLAIN,
    command: str = "",
    shrinking_seconds: float = SHRINKING_SECONDS_MAX,
    watch: Callable[[int, int], None] | None = None,
) -> ExamplesResult:
    """Let Hypothesis look for a failing run, and shrink it.

    Args:
        seed: as `run_examples` has it, and so `examples` and `steps`.
        examples: how many to try.
        folder: as `Tally` has it, and so `command`, `shrinking_seconds` and `watch`.
        steps: how many rules an example may take.
        judged: whether each step is checked against the spec, or `Safety` and progress alone judge.
        setting: which parts of Raft are on; `PLAIN` stands for clusters of three to five servers.
        command: the command that repeats this, for messages and the trace.
        shrinking_seconds: how long a failing run is made shorter.
        watch: told after each example how many examples and steps there were so far.
    """
    machine = type("RaftMachine", (RaftMachine,), {"judged": judged, "setting": setting})
    tally = Tally(folder=folder, command=command, shrinking_seconds=shrinking_seconds, watch=watch)
    return run_examples(machine, tally, seed=seed, examples=examples, steps=steps, goals=INTERESTING)
