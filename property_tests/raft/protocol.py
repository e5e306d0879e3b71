"""Raft under test: plain, and with all its parts.

From these declarations come soak tests, state machines and checked runs.

| declaration   | parts                 | sizes                           | clocks                           |
|---------------|-----------------------|---------------------------------|----------------------------------|
| `RAFT`        | the core alone        | 3, 4, 5                         | any                              |
| `RAFT_FULL`   | all (`settings.FULL`) | 4; 5 without the spec, so that  | are kept together, so that       |
|               |                       | there are more values and reads | leases are safe                  |
|               |                       | than that has names for         |                                  |
| `RAFT_SKEWED` | all                   | as above                        | any: reads by lease may show too |
|               |                       |                                 | little                           |

Of a cluster with all parts three servers are founders.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import raft
from property_tests.raft.host import ELECTION_TIMEOUT_MS, HEARTBEAT_MS, RaftHost
from property_tests.raft.judge import ACTIONS, SITUATIONS, RaftJudge
from property_tests.raft.recorder import RaftRecorder
from property_tests.raft.scenario_syntax import SYNTAX
from property_tests.raft.settings import CLOCKS_WITHIN_MS, FULL, PLAIN, SPECS, Setting, server_names
from tlacheck.harness import USUAL_FAULTS, Op, Pace, Protocol, Running, Schedule, Size, View, counted
from tlacheck.sim import Fault

__all__ = [
    "FAULTS",
    "LIVENESS_BOUND_MS",
    "OPERATORS",
    "RAFT",
    "RAFT_FULL",
    "RAFT_SKEWED",
    "leader_of",
    "leaders",
    "setting_of",
]

#: How long a healed cluster may take to elect a leader and to commit at all servers, virtual
#: milliseconds: 30 of the longest election timeouts. Split votes repeat with a chance well under
#: one half, so that 30 in a row do not happen; a cluster that is stuck stays stuck.
LIVENESS_BOUND_MS: Final = 30 * ELECTION_TIMEOUT_MS[1]

#: How likely, beside whatever happens, a server crashes while it writes.
_WRITE_CRASHES: Final = 0.02
#: How likely a client asks who leads; else any server, which may believe that it leads.
_KNOWS_THE_LEADER: Final = 0.8

Request = tuple[str, Any]


def leader_of(view: View) -> str | None:
    """The server that believes that it leads, that of the latest term; None if there is none."""
    leading = [name for name, server in view.items() if isinstance(server.node.role, raft.Leader)]
    return max(leading, key=lambda name: view[name].node.durable.current_term, default=None)


def leaders(view: View) -> list[str]:
    """The same as a list."""
    leader = leader_of(view)
    return [] if leader is None else [leader]


# --- clients and operators


class _Clients:
    """The clients of one run, who submit values again and again, and give each read a name of its own.

    Args:
        values: how many values there are: v1, v2, ...
        reads: how many reads there are: r1, r2, ...
    """

    def __init__(self, values: int, reads: int = 0) -> None:
        self._values = [f"v{number}" for number in range(1, values + 1)]
        self._reads = (f"r{number}" for number in range(1, reads + 1))

    def submit(self, rng: random.Random, view: View) -> list[Request] | None:
        """Clients submit values, which may have been submitted before."""
        addressee = _addressee(rng, view)
        values = rng.sample(self._values, min(rng.choice((1, 1, 2, 5)), len(self._values)))
        return None if addressee is None else [(addressee, raft.ClientRequest(value)) for value in values]

    def read(self, rng: random.Random, view: View) -> Request | None:
        """A client reads, by a quorum."""
        return self._read(raft.ReadIndex, rng, view)

    def read_by_lease(self, rng: random.Random, view: View) -> Request | None:
        """A client reads, by the lease."""
        return self._read(raft.LeaseRead, rng, view)

    def _read(self, kind: Callable[[str], raft.Input], rng: random.Random, view: View) -> Request | None:
        addressee = _addressee(rng, view)
        read = None if addressee is None else next(self._reads, None)
        return None if addressee is None or read is None else (addressee, kind(read))


def _addressee(rng: random.Random, view: View) -> str | None:
    return leader_of(view) if rng.random() < _KNOWS_THE_LEADER else rng.choice(list(view))


def _change_membership(rng: random.Random, view: View) -> Request | None:
    """An operator changes the membership; the leader of a joint configuration knows the way out itself."""
    leader = leader_of(view)
    if leader is None or len(view) < 3:
        return None
    old = view[leader].node.configuration
    return None if old.is_joint else (leader, raft.ChangeMembership(_changed(rng, list(view), leader, old)))


def _changed(
    rng: random.Random, servers: Sequence[str], leader: str, old: raft.Configuration
) -> raft.Configuration:
    """Another configuration; two voters at least are left, so that there is something to agree on."""
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
        leaves = leader if rng.random() < 0.5 else rng.choice(servers)
        if leaves in old.voters:
            return attrs.evolve(old, voters=old.voters - {leaves})
    voters = frozenset(rng.sample(servers, rng.randint(2, len(servers))))
    return raft.Configuration(voters, old.voters, old.learners - voters)


def _hand_over(rng: random.Random, view: View) -> Request | None:
    """An operator moves the leadership to another voter."""
    leader = leader_of(view)
    voters = sorted(view[leader].node.configuration.all_voters - {leader}) if leader is not None else []
    return (leader, raft.TransferLeadership(rng.choice(voters))) if leader is not None and voters else None


def _plain(_: Size) -> list[Op]:
    return [Op("clients submit values", 1, _Clients(3).submit)]


def _full(size: Size) -> list[Op]:
    clients = _Clients(6, 20) if size.config else _Clients(40, 1_000_000)
    return [
        Op("clients submit values", 22, clients.submit),
        Op("a client reads", 14, clients.read),
        Op("a client reads by the lease", 14, clients.read_by_lease),
        *OPERATORS,
    ]


#: What operators ask of the leader.
OPERATORS: Final = (
    Op("an operator changes the membership", 7, _change_membership),
    Op("an operator hands over", 8, _hand_over),
)


class RaftSchedule(Schedule):
    """The usual schedule, and crashes of servers while they write, which faults at any step seldom hit."""

    def happen(self) -> None:
        """Let one thing happen.

        Raises:
            Diverged: as `Run.advance`.
        """
        super().happen()
        if self.has_faults and self.random.random() < _WRITE_CRASHES:
            self._crash_while_writing()

    def _crash_while_writing(self) -> None:
        """A server crashes as it begins to write a value that a client submitted, or that its leader sent."""
        world, leader = self.run.cluster.world, leader_of(self.run.view)
        node = leader if self.random.random() < 0.5 else self.random.choice(self.run.size.nodes)
        if leader is None or node is None or world.down | world.paused:
            return
        self.run.request(leader, raft.ClientRequest("v1"))
        self.run.advance(0 if node == leader else self.random.randint(0, 10))
        self.run.inflict(Fault.of("crash_during", node=node, done=0, torn=True))
        self.run.request(leader, raft.ClientRequest("v2"))


# --- progress


@attrs.frozen
class _Progress:
    """A value that is new is committed at all members within the bound.

    Clients submit values meanwhile, once to each new leader: with clients that never cease, no state comes
    back, and a cluster that goes round in a loop looks busy.
    """

    name: str = "a new value is committed at all members"

    def begin(self, run: Running, ask: Callable[[], object]) -> "_Waiting":
        """Begin to wait."""
        del ask
        return _Waiting(run, max(server.node.durable.last_index for server in run.view.values()))


@attrs.define
class _Waiting:
    """The same, begun: `known` is the last log index of any server then."""

    run: Running
    known: int
    asked: set[tuple[str, int]] = attrs.field(factory=set)
    within_ms: int = LIVENESS_BOUND_MS
    every_ms: int = HEARTBEAT_MS

    def meanwhile(self) -> None:
        """Submit a value to a new leader, and more until the log exceeds its former length."""
        leaders = [
            name for name, server in self.run.view.items() if isinstance(server.node.role, raft.Leader)
        ]
        if len(leaders) != 1:
            return
        durable = self.run.view[leaders[0]].node.durable
        turn = leaders[0], durable.current_term
        if turn not in self.asked and self._takes(leaders[0]):
            self.asked.add(turn)
            for _ in range(self.known - durable.last_index):
                self._takes(leaders[0])

    def _takes(self, leader: str) -> bool:
        before: int = self.run.view[leader].node.durable.last_index
        self.run.request(leader, raft.ClientRequest("v1"))
        after: int = self.run.view[leader].node.durable.last_index
        return after > before

    def is_reached(self) -> bool:
        """Return whether all members hold as committed a client's value behind that log index.

        Who belongs to the cluster says the leader of the latest term; nobody does while voters change hands.
        """
        view, leader = self.run.view, leader_of(self.run.view)
        if leader is None or (configuration := view[leader].node.configuration).is_joint:
            return False
        members = configuration.voters | configuration.learners
        lowest = min(view[member].node.commit_index for member in members)
        (judge,) = (judge for judge in self.run.judges if isinstance(judge, RaftJudge))
        committed = [entry.value for entry, _ in judge.safety.committed[self.known : lowest]]
        return any(not isinstance(value, raft.NoOp | raft.Configuration) for value in committed)

    def where(self) -> str:
        """Say how far each server is."""
        return ", ".join(
            f"{name} {type(server.node.role).__name__} in term {server.node.durable.current_term}, "
            f"log {server.node.durable.last_index}, committed {server.node.commit_index}"
            for name, server in self.run.view.items()
        )


# --- the declarations

FAULTS: Final = immutabledict(
    USUAL_FAULTS,
    duplicate=5,
    reorder=3,
    partition=4,
    cut=3,
    heal=8,
    crash=3,
    restart=8,
    pause=2,
    resume=5,
    skew=1,
    drift=1,
)
#: The situations that plain Raft must meet, besides faults.
_PLAIN_SITUATIONS: Final = (
    "a leader is elected",
    "a third leader is elected",
    "an entry is committed",
    "an entry of an earlier term is committed",
    "a conflicting entry is removed",
    "two servers believe that they lead",
    "a leader crashes",
    "a step is lost in a crash",
)
_FAULT_SITUATIONS: Final = tuple(
    f"fault: {name}"
    for name in ("cut", "pause", "skew", "drift", "restart", "drop", "duplicate", "a step cut short")
)


def setting_of(protocol: Protocol, size: Size) -> Setting:
    """The setting with which a declaration starts a cluster of a size."""
    core = protocol.core(size)
    if not isinstance(core, RaftHost):
        raise TypeError(f"{protocol.name} hosts {type(core).__name__}, and no RaftHost")
    return core.setting


def _raft(
    name: str,
    setting: Setting,
    sizes: Sequence[Size],
    workload: Callable[[Size], list[Op]],
    goals: Sequence[str],
    *,
    clocks_within_ms: int | None,
) -> Protocol:
    leases_are_safe = clocks_within_ms is not None

    def founded(size: Size) -> Setting:
        return setting if setting.features else attrs.evolve(setting, founders=size.nodes)

    return Protocol(
        name=name,
        core=lambda size: RaftHost(founded(size)),
        spec="RaftEvents.tla",
        folder=SPECS,
        sizes=sizes,
        recorder=lambda size, run: RaftRecorder(founded(size), size, run),
        workload=workload,
        judges=[lambda size: RaftJudge(founded(size), size, leases_are_safe=leases_are_safe)],
        goals=counted(*goals, *_FAULT_SITUATIONS, f"progress: {_Progress().name}"),
        faults=FAULTS,
        schedule=RaftSchedule,
        pace=Pace(time=70, workload=65, faults=48, time_ms=120),
        rest_every=2_500,
        progress=_Progress(),
        clocks_within_ms=lambda _: clocks_within_ms,
        victims=leaders,
        scenario_syntax=SYNTAX,
    )


RAFT: Final = _raft(
    "raft",
    PLAIN,
    [Size(server_names(servers), f"Oracle{servers}.cfg") for servers in (3, 4, 5)],
    _plain,
    _PLAIN_SITUATIONS,
    clocks_within_ms=None,
)
_FULL_SIZES: Final = [Size(server_names(4), "OracleFull4.cfg"), Size(server_names(5))]
RAFT_FULL: Final = _raft(
    "raft-full", FULL, _FULL_SIZES, _full, (*SITUATIONS, *ACTIONS), clocks_within_ms=CLOCKS_WITHIN_MS
)
RAFT_SKEWED: Final = _raft("raft-skewed", FULL, _FULL_SIZES, _full, (), clocks_within_ms=None)
