"""What may happen to a Raft cluster with all its parts: clients, operators, time and all faults, drawn from a seed.

`endure` plays so many steps of it, and lets all faults end again and again in between: then the cluster
must make progress. It is the run of a soak (`soak.py`), and with the spec as a judge a check of `verify`
and of the tests.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs

from impl import raft
from property_tests.raft.adapter import RaftSystem
from property_tests.raft.cluster import Cluster
from property_tests.raft.features import SOAKED, Setting, oracle_of
from tlacheck.conform.lockstep import Diverged
from tlacheck.trace import Trace

__all__ = ["ACTIONS", "INTERESTING", "SHOWN_STEPS", "Endured", "endure", "last_steps"]

#: How many steps of a failing run are written.
SHOWN_STEPS: Final = 100

#: The actions of the spec.
ACTIONS: Final = tuple(RaftSystem.declaration.actions)

#: The situations that runs must meet, all together, or they say nothing.
INTERESTING: Final = (
    "a leader is elected",
    "a third leader is elected",
    "two servers believe that they lead",
    "an entry is committed",
    "an entry of an earlier term is committed",
    "a conflicting entry is removed",
    "a refusal says where to go on",
    "a value is submitted again",
    "a snapshot is installed",
    "a change is committed",
    "a joint change is committed",
    "a founder leaves and another server votes",
    "a leader that was removed steps down",
    "a leader whom no quorum answers steps down",
    "leadership is handed over",
    "a read is answered by a quorum",
    "a read is answered by the lease",
    "a read fails",
    "a request is refused",
    "the end of a log is lost in a crash",
    "what was not synced survives a crash",
    "a step is lost in a crash",
    "a write is torn",
    "a leader crashes",
    "a link is cut one way",
    "a server is paused",
    "a clock is skewed",
    "a clock drifts",
    "all faults end and the cluster makes progress",
    *ACTIONS,
)

#: What may happen next -> how often.
_MOVES: Final = {
    "time_passes": 70,
    "clients_submit": 22,
    "a_client_reads": 14,
    "a_client_reads_by_the_lease": 14,
    "an_operator_changes_the_membership": 7,
    "an_operator_hands_over": 8,
    "a_message_is_lost": 4,
    "a_message_is_doubled": 5,
    "a_message_is_early": 3,
    "a_message_is_late": 4,
    "the_network_is_bad": 1,
    "the_network_parts": 4,
    "a_link_is_cut": 3,
    "the_network_heals": 8,
    "a_server_crashes": 3,
    "a_server_crashes_in_a_step": 3,
    "a_server_comes_back": 8,
    "a_server_pauses": 2,
    "a_server_resumes": 5,
    "a_clock_goes_wrong": 2,
}


@attrs.frozen(kw_only=True)
class Endured:
    """What a run came to.

    Attributes:
        seed: of the run.
        steps: how many steps of the spec it took, those of clocks included.
        sometimes: how often each interesting situation was met.
        broken: what was broken, in words; empty if nothing was.
        trace: the steps, if they were recorded.
    """

    seed: int
    steps: int
    sometimes: Counter[str]
    broken: str = ""
    trace: Trace | None = None


def endure(
    seed: int,
    *,
    steps: int,
    setting: Setting = SOAKED,
    judged: bool = False,
    recorded: bool = False,
    rest_every: int = 2_500,
    command: str = "",
) -> Endured:
    """One run under all faults; the same for the same seed.

    Args:
        seed: decides all that happens.
        steps: how many steps of the spec it takes at least, those of clocks not counted.
        setting: which parts are on.
        judged: whether the spec judges each step; then the run is recorded.
        recorded: whether there is a trace.
        rest_every: after so many steps, counted like that, all faults end, and the cluster must make progress; so it must
            at the end of the run.
        command: the command that makes this run again, for the trace.
    """
    cluster = Cluster(
        oracle_of(setting),
        setting.names,
        seed=seed,
        judged=judged,
        command=command,
        setting=setting,
        recorded=recorded or judged,
    )
    script = _Script(cluster, random.Random(seed))  # noqa: S311 - a reproducible run, no secret
    broken, trace = "", None
    try:
        while script.steps < steps:
            until = min(steps, script.steps + rest_every)
            while script.steps < until:
                script.move()
            script.rest()
        trace = cluster.lockstep.trace if recorded or judged else None
    except Diverged as failure:
        broken, trace = str(failure), failure.trace
    return Endured(seed=seed, steps=cluster.steps, sometimes=cluster.sometimes, broken=broken, trace=trace)


def last_steps(trace: Trace | None, *, shown: int = SHOWN_STEPS) -> Trace | None:
    """The end of a failing run, which is what one looks at; None if the run does not fail."""
    if trace is None or trace.violation is None or not trace.steps:
        return None
    left_out = max(0, len(trace) - shown)
    violation = trace.violation
    if violation.step is not None:
        violation = attrs.evolve(violation, step=violation.step - left_out)
    return attrs.evolve(
        trace,
        initial=trace.states[left_out],
        steps=trace.steps[left_out:],
        violation=violation,
        loop=None if trace.loop is None or trace.loop < left_out else trace.loop - left_out,
    )


class _Script:
    """What may happen to a cluster; each does nothing where it cannot."""

    def __init__(self, cluster: Cluster, rng: random.Random) -> None:
        self._cluster = cluster
        self._rng = rng
        self._values = [f"v{number}" for number in range(1, cluster.setting.values + 1)]
        self._submitted: set[str] = set()
        self._reads = (f"r{number}" for number in range(1, cluster.setting.reads + 1))
        self._read = next(self._reads, None)
        self._names = tuple(_MOVES)
        self._weights = tuple(itertools.accumulate(_MOVES.values()))

    @property
    def steps(self) -> int:
        """The number of steps so far, those of clocks not counted."""
        return self._cluster.steps - self._cluster.sometimes["Tick"]

    def move(self) -> None:
        """Something happens."""
        (name,) = self._rng.choices(self._names, cum_weights=self._weights)
        move: Callable[[], None] = getattr(self, name)
        move()

    def rest(self) -> None:
        """All faults end, and the cluster makes progress."""
        self._cluster.heal_and_expect_progress()
        self._cluster.sometimes["all faults end and the cluster makes progress"] += 1

    # --- clients and operators

    def time_passes(self) -> None:
        self._cluster.advance(self._rng.randint(1, 120))

    def clients_submit(self) -> None:
        addressee = self._addressee()
        for value in self._rng.sample(self._values, self._rng.choice((1, 1, 2, 5))):
            if self._cluster.client_request(value, addressee):
                self._cluster.sometimes["a value is submitted again"] += value in self._submitted
                self._submitted.add(value)

    def a_client_reads(self) -> None:
        self._ask_for_a_read(raft.ReadIndex)

    def a_client_reads_by_the_lease(self) -> None:
        self._ask_for_a_read(raft.LeaseRead)

    def _ask_for_a_read(self, request: Any) -> None:
        if self._read is not None and self._cluster.ask(request(self._read), self._addressee()):
            self._read = next(self._reads, None)

    def an_operator_changes_the_membership(self) -> None:
        leader = self._cluster.leader
        if leader is None:
            return
        old = self._cluster.system.nodes[leader].configuration
        if old.is_joint:  # its leader knows the way out
            return
        self._cluster.ask(raft.ChangeMembership(self._changed(old)), leader)

    def _changed(self, old: raft.Configuration) -> raft.Configuration:
        """Another configuration; two voters at least are left, so that there is something to agree on."""
        servers, rng = self._cluster.servers, self._rng
        strangers = [server for server in servers if server not in old.members]
        kind = rng.choice(("join", "join", "vote", "vote", "leave", "dismiss", "joint"))
        if kind == "join" and strangers:
            return attrs.evolve(old, learners=old.learners | {rng.choice(strangers)})
        if kind == "vote" and old.learners:
            learner = rng.choice(sorted(old.learners))
            return attrs.evolve(old, voters=old.voters | {learner}, learners=old.learners - {learner})
        if kind == "dismiss" and old.learners:
            return attrs.evolve(old, learners=old.learners - {rng.choice(sorted(old.learners))})
        if kind == "leave" and len(old.voters) > 2:
            leaves = self._victim()
            if leaves in old.voters:
                return attrs.evolve(old, voters=old.voters - {leaves})
        voters = frozenset(rng.sample(servers, rng.randint(2, len(servers))))
        return raft.Configuration(voters, old.voters, old.learners - voters)

    def an_operator_hands_over(self) -> None:
        leader = self._cluster.leader
        if leader is not None:
            voters = self._cluster.system.nodes[leader].configuration.all_voters - {leader}
            unable = voters & self._standing()
            if self._rng.random() < 0.5 and unable:  # it will not take over in time
                voters = unable
            if voters:
                self._cluster.ask(raft.TransferLeadership(self._rng.choice(sorted(voters))), leader)

    def _addressee(self) -> str | None:
        """Whom a client asks: mostly who leads, else any server, which may think that it leads."""
        return None if self._rng.random() < 0.8 else self._rng.choice(self._cluster.servers)

    # --- messages and the network

    def _disturb(self, fault: str, **parameters: int) -> None:
        self._cluster.inflict(fault, position=self._rng.randrange(1_000), **parameters)

    def a_message_is_lost(self) -> None:
        self._disturb("drop")

    def a_message_is_doubled(self) -> None:
        self._disturb("duplicate")

    def a_message_is_early(self) -> None:
        self._disturb("reorder")

    def a_message_is_late(self) -> None:
        self._disturb("delay", by_ms=self._rng.randint(10, 1_500))

    def the_network_is_bad(self) -> None:
        loss, doubles = self._rng.choice(((0, 0), (10, 5), (25, 20)))
        self._cluster.inflict("degrade", loss=loss, duplication=doubles)

    def the_network_parts(self) -> None:
        island = {self._victim(), self._rng.choice(self._cluster.servers)}
        self._cluster.inflict("partition", island=sorted(island))

    def a_link_is_cut(self) -> None:
        island = [self._victim()]
        others = [server for server in self._cluster.servers if server not in island]
        sources, dests = (island, others) if self._rng.random() < 0.5 else (others, island)
        self._cluster.inflict("cut", sources=sources, dests=dests)

    def the_network_heals(self) -> None:
        self._cluster.inflict("heal")

    # --- servers

    def a_server_crashes(self) -> None:
        if len(self._standing()) < 2:
            torn = self._rng.random() < 0.5
            self._cluster.inflict("crash", node=self._victim(), kept=self._rng.randint(0, 3), torn=torn)

    def a_server_crashes_in_a_step(self) -> None:
        if len(self._standing()) < 2:
            torn, done = self._rng.random() < 0.5, self._rng.choice((0, 0, 1, 3))
            self._cluster.inflict("crash_during", node=self._victim(), done=done, torn=torn)

    def a_server_comes_back(self) -> None:
        if down := sorted(self._cluster.world.down):
            self._cluster.inflict("restart", node=self._rng.choice(down))

    def a_server_pauses(self) -> None:
        if len(self._standing()) < 2:
            self._cluster.inflict("pause", node=self._victim())

    def a_server_resumes(self) -> None:
        if paused := sorted(self._cluster.world.paused):
            self._cluster.inflict("resume", node=self._rng.choice(paused))

    def a_clock_goes_wrong(self) -> None:
        server = self._victim()
        self._cluster.inflict("skew", node=server, by_ms=self._rng.randint(-300, 300))
        self._cluster.inflict("drift", node=server, ppm=self._rng.randint(-300_000, 500_000))

    def _standing(self) -> set[str]:
        return self._cluster.world.down | self._cluster.world.paused

    def _victim(self) -> str:
        """A server; half the time the leader, or there would be few elections."""
        leader = self._cluster.leader
        if leader is not None and self._rng.random() < 0.5:
            return leader
        return self._rng.choice(self._cluster.servers)
