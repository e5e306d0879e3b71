"""What clients of a Raft cluster see, under faults, and whether a log explains it: linearizability (RAFT-1, 8).

Clients submit commands to servers that believe that they lead, deposed ones among them. A command is
an entry of the log: `append` adds a value and is answered with its index among the values, `prefix`
is a read and is answered with all values before it. A server answers when it has applied the entry
that it appended, in the term in which it did: a leader of a later term answers for nobody else's
entries. A client that waited too long gives up; its command may be committed later, or never.

Two wrong services show that the check can fail (`Service`): one answers before anything is committed,
one reads from its own copy without asking anybody, as a deposed leader may do for long. That is what
ReadIndex is for (thesis, 6.4).

Only what servers show is looked at: role, term, log and commit index. So whatever drives the cluster,
the history is what clients could have seen.
"""

import enum
import random
from collections import Counter
from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict

from impl import raft
from property_tests.raft.adapter import server_names
from property_tests.raft.cluster import ELECTION_TIMEOUT_MS, Cluster
from property_tests.raft.machine import oracle_for
from tlacheck import __version__, itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.histories import Fate, History, Legality, Recorder, Result, check, log, write
from tlacheck.trace import Origin, Trace, Violation
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["INTERESTING", "Service", "Simulated", "histories", "simulate"]

#: The situations that the runs of a check must meet, or they say nothing.
INTERESTING: Final = (
    "operations overlap",
    "a second leader is elected",
    "a command of unknown fate was committed",
    "a command of unknown fate was lost",
    "two servers believe that they lead",
)

#: How often clients look whether they are answered, virtual milliseconds.
_TICK_MS: Final = 10
#: How long a client waits before it gives up, virtual milliseconds: longer than an election may take.
_PATIENCE_MS: Final = 2 * ELECTION_TIMEOUT_MS[1]
#: How long a cluster without faults gets to agree on a leader, and to answer the last reads, virtual milliseconds.
_CALM_MS: Final = 5 * ELECTION_TIMEOUT_MS[1]
_CLIENTS: Final = 4
_APPEND, _READ = "append", "prefix"


class Service(enum.Enum):
    """How servers answer clients; the first one is right."""

    WHEN_APPLIED = "when the entry is applied"
    BEFORE_COMMIT = "as soon as the entry is in the leader's log"
    LOCAL_READS = "reads at once, from the server's own copy"


@attrs.frozen
class _Waiting:
    """A client's open operation, and the entry at the server that it asked."""

    number: int
    kind: str
    server: str
    term: int
    index: int
    since_ms: int


class _Clients:
    """Clients of a cluster, one operation at a time each."""

    def __init__(self, cluster: Cluster, service: Service, rng: random.Random) -> None:
        self.recorder = Recorder()
        self.overlaps = 0
        self.answered_after: dict[int, int] = {}
        self._cluster = cluster
        self._service = service
        self._rng = rng
        self._waiting: dict[str, _Waiting] = {}
        self._names = tuple(f"c{number}" for number in range(1, _CLIENTS + 1))

    @property
    def idle(self) -> tuple[str, ...]:
        """The clients that wait for nothing."""
        return tuple(name for name in self._names if name not in self._waiting)

    def call(self, client: str, kind: str) -> None:
        """A client submits a command to a server that leads, or is turned away by one that does not."""
        cluster = self._cluster
        up = [server for server in cluster.servers if server not in cluster.world.down]
        leading = [server for server in up if _leads(cluster, server)]
        # Operations are numbered in the order of their calls, so that a value is unique.
        number = self.recorder.invoke(client, kind, **self._arguments(kind))
        self.overlaps += bool(self._waiting)
        if not leading:
            self.recorder.fail(number)
            return
        server = self._rng.choice(leading)
        if kind == _READ and self._service is Service.LOCAL_READS:
            node = cluster.system.nodes[server]
            self._tell(number, _values(node, node.commit_index))
            return
        if not cluster.client_request(f"{kind}{number}", server):
            self.recorder.fail(number)
            return
        node = cluster.system.nodes[server]
        waiting = _Waiting(
            number,
            kind,
            server,
            node.durable.current_term,
            len(node.durable.log),
            cluster.world.now_ms,
        )
        if self._service is Service.BEFORE_COMMIT:
            self._answer(waiting)
        else:
            self._waiting[client] = waiting

    def look(self) -> None:
        """Clients take their answers; those who waited too long give up."""
        cluster = self._cluster
        for client, waiting in tuple(self._waiting.items()):
            node = cluster.system.nodes[waiting.server]
            if (
                waiting.server not in cluster.world.down
                and _leads(cluster, waiting.server)
                and node.durable.current_term == waiting.term
                and node.commit_index >= waiting.index
            ):
                del self._waiting[client]
                self._answer(waiting)
            elif cluster.world.now_ms - waiting.since_ms > _PATIENCE_MS:
                del self._waiting[client]
                self.recorder.give_up(waiting.number)

    def _arguments(self, kind: str) -> dict[str, str]:
        return {"value": f"append{self.recorder.calls + 1}"} if kind == _APPEND else {}

    def _answer(self, waiting: _Waiting) -> None:
        values = _values(self._cluster.system.nodes[waiting.server], waiting.index)
        self._tell(waiting.number, len(values) if waiting.kind == _APPEND else values)

    def _tell(self, number: int, answer: object) -> None:
        self.answered_after[number] = self._cluster.steps
        self.recorder.answer(number, answer)


def _leads(cluster: Cluster, server: str) -> bool:
    return isinstance(cluster.system.nodes[server].role, raft.Leader)


def _values(node: raft.Node, index: int) -> tuple[str, ...]:
    """The values that a server's log holds up to an index: without no-ops, and without reads."""
    found = (str(entry.value) for entry in node.durable.log[:index] if entry.value != raft.NOOP)
    return tuple(value for value in found if value.startswith(_APPEND))


@attrs.frozen(kw_only=True)
class Simulated:
    """One run of a cluster with clients and faults.

    Attributes:
        history: what the clients saw.
        trace: the steps of the cluster.
        answered_after: operation -> after how many of those steps it was answered.
        sometimes: how often each interesting situation was met, as far as the run alone shows it.
        broken: the property of the cluster itself that failed, in words; empty if none did.
    """

    history: History
    trace: Trace
    answered_after: immutabledict[int, int]
    sometimes: Counter[str]
    broken: str = ""


def simulate(
    seed: int,
    *,
    rounds: int = 60,
    servers: int = 3,
    service: Service = Service.WHEN_APPLIED,
    command: str = "",
) -> Simulated:
    """Let clients use a cluster while faults happen; then let all faults end, and all clients read.

    Args:
        seed: decides everything: clients, faults, delays, timeouts.
        rounds: how many times clients call and a fault may happen.
        servers: how many servers the cluster has.
        service: how servers answer.
        command: the command that repeats this run, for the trace.
    """
    rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
    cluster = Cluster(oracle_for(servers), server_names(servers), seed=seed, judged=False, command=command)
    clients = _Clients(cluster, service, rng)
    broken, trace = "", None
    try:
        _pass(cluster, clients, 2 * ELECTION_TIMEOUT_MS[1])
        for _ in range(rounds):
            for client in clients.idle:
                if rng.random() < 0.5:
                    clients.call(client, rng.choice((_APPEND, _APPEND, _READ)))
            if rng.random() < 0.4:
                _fault(cluster, rng)
            _pass(cluster, clients, rng.randint(_TICK_MS, 12 * _TICK_MS))
        cluster.world.heal()
        for server in sorted(cluster.world.down):
            cluster.restart(server)
        _pass(cluster, clients, _CALM_MS)
        for client in clients.idle:
            clients.call(client, _READ)
        _pass(cluster, clients, _CALM_MS, until_idle=True)
    except Diverged as failure:
        broken, trace = str(failure), failure.trace
    sometimes = Counter(cluster.sometimes)
    sometimes["operations overlap"] = clients.overlaps
    sometimes["a second leader is elected"] = max(0, sometimes["a leader is elected"] - 1)
    origin = Origin(
        source="simulation",
        seed=seed,
        command=command,
        versions=immutabledict({"tlacheck": __version__}),
    )
    return Simulated(
        history=clients.recorder.history(model="log", origin=origin),
        trace=trace or cluster.lockstep.trace,
        answered_after=immutabledict(clients.answered_after),
        sometimes=sometimes,
        broken=broken,
    )


def _pass(cluster: Cluster, clients: _Clients, for_ms: int, *, until_idle: bool = False) -> None:
    """Let time pass; clients look for answers. It ends early when it is `until_idle` and all have theirs."""
    for _ in range(0, for_ms, _TICK_MS):
        if until_idle and len(clients.idle) == _CLIENTS:
            return
        cluster.advance(_TICK_MS)
        clients.look()


def _fault(cluster: Cluster, rng: random.Random) -> None:
    """One fault, of those that can happen now; a partition and a crash are as likely to end as to begin."""
    world = cluster.world
    flights = tuple(world.flights)
    match rng.choice(("lose", "duplicate", "part", "crash")):
        case "lose" if flights:
            cluster.drop(rng.choice(flights))
        case "duplicate" if flights:
            cluster.duplicate(rng.choice(flights))
        case "part" if world.islands:
            world.heal()
        case "part":
            world.partition({cluster.leader or rng.choice(cluster.servers)})
        case "crash" if world.down:
            cluster.restart(min(world.down))
        case "crash":
            cluster.crash(rng.choice(cluster.servers))


def histories(
    context: Context,
    *,
    runs: int = 20,
    rounds: int = 60,
    servers: int = 3,
    service: Service = Service.WHEN_APPLIED,
) -> Outcome:
    """What clients see of simulated clusters is linearizable to a log.

    Args:
        context: the run that this is part of.
        runs: how many clusters to simulate.
        rounds: how long each run is.
        servers: how many servers each cluster has.
        service: how servers answer; all but the default are wrong on purpose.
    """
    met: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    for number in range(runs):
        seed = context.seed + number
        run = simulate(seed, rounds=rounds, servers=servers, service=service, command=context.command)
        if run.broken:
            return _broken(context, run, seed)
        result = check(run.history, log())
        if not result.verdict().is_established:
            return _rejected(context, run, result, seed)
        fates = Counter(operation.fate for operation in run.history.operations)
        happened = Counter(placed.operation.fate for placed in result.witness)
        met.update({name: run.sometimes[name] for name in INTERESTING})
        # An operation without an answer is in the order only if somebody saw that it happened.
        met["a command of unknown fate was committed"] += happened[Fate.UNKNOWN]
        met["a command of unknown fate was lost"] += _lost(run.history)
        counted["operations"] += result.operations
        counted["answered"] += fates[Fate.ANSWERED]
        counted["unknown"] += fates[Fate.UNKNOWN] + fates[Fate.PENDING]
        counted["leaders"] += run.sometimes["a leader is elected"]
        counted["configurations"] += result.configurations
        context.progress(f"{number + 1} of {runs} runs, {counted['operations']:,} operations")
    figures = immutabledict(runs=runs, **counted)
    if missing := [name for name in INTERESTING if not met[name]]:
        reason = f"no run met: {'; '.join(missing)}. Simulate more runs, or longer ones"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    return Outcome(verdict=Verdict.sampled(runs, context.seed), figures=figures)


def _lost(history: History) -> int:
    """How many appends that were given up on are in no later read: those of the last reads tell."""
    reads = [
        operation.answer
        for operation in history.operations
        if operation.call.name == _READ and operation.fate is Fate.ANSWERED
    ]
    last = set(reads[-1]) if reads else set()
    return sum(
        operation.call.name == _APPEND and operation.is_open and operation.call["value"] not in last
        for operation in history.operations
    )


def _rejected(context: Context, run: Simulated, result: Result, seed: int) -> Outcome:
    """The history on disk, and the steps up to the answer that is wrong."""
    path = context.folder / "history.ndjson"
    write(run.history, path)
    trace: Path | None = None
    if result.legality is Legality.ILLEGAL and result.frontier is not None:
        wrong = run.answered_after[result.frontier.returning.number]
        violation = Violation(
            property=result.property_name, step=wrong, explanation=(result.reason, f"history: {path}")
        )
        cut = attrs.evolve(run.trace, steps=run.trace.steps[:wrong], violation=violation)
        trace = _written(context, cut)
    message = "\n".join(
        (
            f"the clients of seed {seed} saw {len(run.history.operations)} operations:",
            result.reason,
            f"history: {path}",
            f"look at it with: tlacheck histories {path}",
        )
    )
    return Outcome(
        verdict=result.verdict(),
        trace=trace,
        message=message,
        figures=immutabledict(operations=result.operations, seed=seed),
    )


def _broken(context: Context, run: Simulated, seed: int) -> Outcome:
    """The cluster broke a property of its own before any client could notice."""
    name = run.trace.violation.property if run.trace.violation else "Safety"
    return Outcome(
        verdict=Verdict.violated(name, f"in the run of seed {seed}, before a client could notice"),
        trace=_written(context, run.trace),
        message=run.broken,
        figures=immutabledict(seed=seed),
    )


def _written(context: Context, trace: Trace) -> Path:
    path = context.folder / "counterexample.itf.json"
    itf.write(attrs.evolve(trace, origin=attrs.evolve(trace.origin, command=context.command)), path)
    return path
