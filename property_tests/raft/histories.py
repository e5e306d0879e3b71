"""Linearizability of the histories that clients of the service see under faults (RAFT-4, RAFT-8, SMR-1).

`service.py` runs the replicated state machine on Raft with all its parts on, and `clients.py` asks for cases,
records and overlays, and reads, under all faults of the harness. The history must be linearizable, and the
servers must keep to `Safety`. `SERVICE` and `SERVICE_LEASE` are declarations like others:

    tlacheck soak property_tests.raft.histories:SERVICE --not-judged

Reads are answered by ReadIndex (thesis, 6.4), or by the lease (6.4.1), which needs clocks that keep to what
the spec assumes (`LeasesAreSafe`); the simulator keeps them together. With `skewed_clock` it does not, and a
leader whose clock is slow answers from the past. Two services are wrong with any clock (`Service`): one
answers before anything is committed, one reads from its own machine without asking anybody.

    python -m property_tests.raft.histories --operations 1000 --seed 1
    python -m property_tests.raft.histories --operations 1000 --seed 1 --lease-reads
    python -m property_tests.raft.histories --operations 1000 --seed 2 --lease-reads --skewed-clock

A run whose history is not linearizable is played once more and filmed (`film.py`), so that it can be seen who
led, by which clock, when the read was answered that misses a write.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Final

import attrs
import click
from immutabledict import immutabledict

from impl import machine, raft
from property_tests.raft.clients import SITUATIONS, Clients, EachKeyIsRead, ServiceSchedule, SlowClockSchedule
from property_tests.raft.film import Film
from property_tests.raft.judge import RaftJudge
from property_tests.raft.protocol import FAULTS, OPERATORS, leaders
from property_tests.raft.service import SETTING, Service, ServiceHost
from property_tests.raft.settings import CLOCKS_WITHIN_MS, SPECS, server_names
from tlacheck import __version__, itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.errors import ConfigError
from tlacheck.harness import Pace, Protocol, Run, Size, counted
from tlacheck.harness.workload import schedule_of
from tlacheck.histories import Fate, History, Legality, Operation, Result, write
from tlacheck.histories.timeline import lanes
from tlacheck.report.lanes import lanes_of
from tlacheck.report.page import render_page
from tlacheck.sim import Network, Uniform
from tlacheck.trace import Origin, Violation
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = [
    "INTERESTING",
    "SERVICE",
    "SERVICE_LEASE",
    "Service",
    "Simulated",
    "histories",
    "main",
    "missed_write",
    "service_protocol",
    "simulate",
]

#: The situations that the runs of a check must meet, or they say nothing.
INTERESTING: Final = (
    *SITUATIONS,
    "a leader is elected",
    "a third leader is elected",
    "two servers believe that they lead",
    "a leader crashes",
    "two servers are away at once",
    "a snapshot is installed",
    "a change is committed",
    "leadership is handed over",
    "a read is answered by a quorum",
    *(
        f"fault: {name}"
        for name in ("crash", "crash_during", "restart", "partition", "cut", "pause", "drift")
    ),
    "progress: each key is read",
)
_BY_LEASE: Final = "a read is answered by the lease"
#: The property of a history.
_LINEARIZABLE: Final = "linearizable to kv"


def service_protocol(
    *,
    service: Service = Service.READ_INDEX,
    clients: int = 25,
    servers: int = 5,
    skewed_clock: bool = False,
    many_away: bool = True,
    size_limits: raft.SizeLimits | None = None,
) -> Protocol:
    """Declare the service, with clients, under test.

    Args:
        service: how servers answer.
        clients: how many clients there are.
        servers: how many servers found the cluster.
        skewed_clock: whether clocks break the assumption on which leases rest.
        many_away: whether as many servers are away at once as a quorum spares, and now and then one more;
            else one.
        size_limits: how large commands and requests may be; any size, unless given.

    Raises:
        ConfigError: without a client or a server nobody would see anything.
    """
    for name, value in (("clients", clients), ("servers", servers)):
        if value < 1:
            raise ConfigError(f"{name} is {value}: a run needs at least 1")
    nodes = server_names(servers)
    setting = attrs.evolve(SETTING, founders=nodes, size_limits=size_limits)

    def judge(size: Size) -> RaftJudge:
        return RaftJudge(setting, size, leases_are_safe=not skewed_clock, machine=machine)

    return Protocol(
        name="raft-service",
        core=lambda _: ServiceHost(setting, service),
        spec="RaftEvents.tla",
        folder=SPECS,
        sizes=[Size(nodes)],
        workload=OPERATORS,
        judges=[judge, lambda _: Clients(clients)],
        goals=counted(*INTERESTING, *([_BY_LEASE] if service is Service.LEASE else [])),
        faults=FAULTS,
        schedule=SlowClockSchedule if skewed_clock else ServiceSchedule,
        progress=EachKeyIsRead(),
        pace=Pace(time=50, workload=40, faults=20, time_ms=80),
        network=Network(delay=Uniform(1, 20), loss=0.02, duplication=0.02),
        clocks_within_ms=lambda _: None if skewed_clock else CLOCKS_WITHIN_MS,
        victims=leaders,
        tolerated=(lambda size: (len(size.nodes) - 1) // 2) if many_away else None,
    )


#: The service that reads by ReadIndex, and the one that reads by the lease.
SERVICE: Final = service_protocol()
SERVICE_LEASE: Final = service_protocol(service=Service.LEASE)


@attrs.frozen(kw_only=True)
class Simulated:
    """One run of the service with clients and faults.

    Attributes:
        history: what the clients saw.
        answered_by: operation -> the way in which it was answered.
        result: whether the history is linearizable; None if a property of the servers broke before.
        goals: how often each situation was met.
        steps: how many steps servers took.
        film: all events, if it was filmed.
        broken: the property that broke, and how; None if none did.
    """

    history: History
    answered_by: immutabledict[int, str]
    result: Result | None
    goals: Counter[str]
    steps: int
    film: Film | None = None
    broken: tuple[str, str] | None = None


def simulate(
    seed: int, *, operations: int = 100, command: str = "", film: bool = False, **declared: Any
) -> Simulated:
    """Let clients use the service while faults happen; then let all faults end, and read each key.

    Args:
        seed: decides everything: clients, faults, delays, timeouts.
        operations: how many operations clients call at least, the last reads not counted.
        command: the command that repeats this run.
        film: whether to keep all events, for a trace. The run is the same.
        declared: arguments of `service_protocol`.

    Raises:
        ConfigError: without an operation, a client or a server the run would show nothing.
    """
    if operations < 1:
        raise ConfigError(f"operations is {operations}: a run needs at least 1")
    protocol = service_protocol(**declared)
    recorded = Film() if film else None
    run = Run(protocol, protocol.sizes[0], seed=seed, oracle=None, command=command, listener=recorded)
    if recorded is not None:
        recorded.begin(run)
    clients, broken = run.judge(Clients), None
    schedule = schedule_of(run, protocol, seed=seed)
    try:
        while clients.notes.recorder.calls < operations:
            schedule.happen()
        schedule.conclude()
        run.finish()
    except Diverged as failure:
        violation = failure.trace.violation
        if violation is None:
            raise
        broken = (violation.property, "; ".join(violation.explanation))
    versions = immutabledict({"tlacheck": __version__})
    origin = Origin(source="simulation", seed=seed, command=command, versions=versions)
    return Simulated(
        history=clients.notes.recorder.history(model="kv", origin=origin),
        answered_by=immutabledict(clients.notes.answered_by),
        result=clients.result,
        goals=run.goals,
        steps=run.steps,
        film=recorded,
        broken=broken,
    )


def histories(
    context: Context,
    *,
    runs: int = 3,
    operations: int = 1_000,
    clients: int = 25,
    servers: int = 5,
    service: Service | str = Service.READ_INDEX,
    skewed_clock: bool = False,
) -> Outcome:
    """Check that the histories of the simulated service's clients are linearizable.

    Args:
        context: the run that this is part of.
        runs: how many clusters to simulate.
        operations: how many operations the clients of each call.
        clients: how many clients each has.
        servers: how many servers each has.
        service: how servers answer, or its name.
        skewed_clock: whether clocks break the assumption on which leases rest.

    Raises:
        ConfigError: without a run, an operation, a client or a server: nobody would see anything.
    """
    if runs < 1:
        raise ConfigError(f"runs is {runs}: of no run nothing can be said, give 1 or more")
    kind = Service[service] if isinstance(service, str) else service
    declared: dict[str, Any] = {
        "clients": clients, "servers": servers, "service": kind, "skewed_clock": skewed_clock
    }  # fmt: skip
    met: Counter[str] = Counter()
    counted_in: Counter[str] = Counter()
    for number in range(runs):
        seed = context.seed + number
        run = simulate(seed, operations=operations, command=context.command, **declared)
        if run.broken is not None and run.broken[0] != _LINEARIZABLE:
            name, explanation = run.broken
            return Outcome(
                verdict=Verdict.violated(name, f"in the run of seed {seed}, before a client could notice"),
                message=explanation,
                figures=immutabledict(seed=seed),
            )
        if run.result is None:
            raise RuntimeError(f"the run of seed {seed} has ended, and nobody judged its history")
        if not run.result.verdict().is_established:
            filmed = simulate(seed, operations=operations, command=context.command, film=True, **declared)
            words = _command(seed, operations, clients, servers, service=kind, skewed_clock=skewed_clock)
            return _rejected(context.folder, filmed, run.result, seed, command=words or context.command)
        fates = Counter(operation.fate for operation in run.history.operations)
        met += run.goals
        counted_in["operations"] += run.result.operations
        counted_in["answered"] += fates[Fate.ANSWERED]
        counted_in["unknown"] += fates[Fate.UNKNOWN] + fates[Fate.PENDING]
        counted_in["by_lease"] += sum(way == "lease" for way in run.answered_by.values())
        counted_in["steps"] += run.steps
        counted_in["configurations"] += run.result.configurations
        context.progress(f"{number + 1} of {runs} runs, {counted_in['operations']:,} operations")
    figures = immutabledict(runs=runs, **counted_in)
    goals = [goal.name for goal in service_protocol(**declared).goals]
    if missing := [name for name in goals if not met[name]]:
        reason = f"no run met: {'; '.join(missing)}. Simulate more runs, or longer ones"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    return Outcome(verdict=Verdict.sampled(runs, context.seed), figures=figures)


def missed_write(result: Result) -> Operation | None:
    """The latest write that the wrong answer missed, for a history that is not linearizable.

    It was answered before the operation with the wrong answer was called, and what it wrote is what the
    model would have answered, or has been overwritten since; None if there is no such write.
    """
    if result.frontier is None:
        return None
    wrong = result.frontier.returning
    before = [
        operation
        for operation in result.frontier.operations
        if operation.call.name == "cas"
        and operation.answer is True
        and operation.answered_at is not None
        and operation.answered_at < wrong.invoked_at
    ]
    last = [each for each in before if each.call["new"] in result.frontier.expected]
    return max(last or before, key=lambda each: each.answered_at or 0, default=None)


def _command(
    seed: int, operations: int, clients: int, servers: int, *, service: Service, skewed_clock: bool
) -> str:
    """The command that repeats one run; empty if the service is one that commands do not offer."""
    if service not in (Service.READ_INDEX, Service.LEASE):
        return ""
    return (
        f"python -m property_tests.raft.histories --operations {operations} --clients {clients} "
        f"--servers {servers} --seed {seed}"
        + (" --lease-reads" if service is Service.LEASE else "")
        + (" --skewed-clock" if skewed_clock else "")
    )


def _rejected(folder: Path, run: Simulated, result: Result, seed: int, *, command: str) -> Outcome:
    """The history on disk, and the way to the answer that is wrong as a trace and as a page."""
    path = folder / "history.ndjson"
    write(run.history, path)
    lines = [f"the clients of seed {seed} saw {len(run.history.operations)} operations:", result.reason]
    trace: Path | None = None
    if result.legality is Legality.ILLEGAL and result.frontier is not None and run.film is not None:
        wrong, missed = result.frontier.returning, missed_write(result)
        by = f"answered by {run.answered_by[wrong.number]}"
        explanation = [result.reason, by]
        if missed is not None:
            explanation.append(f"the write that it missed was answered before it was called: {missed}")
        violation = Violation(property=result.property_name, step=None, explanation=tuple(explanation))
        origin = attrs.evolve(run.history.origin, command=command)
        film = run.film.trace(missed, wrong, violation, origin)
        trace = folder / "counterexample.itf.json"
        itf.write(film, trace)
        page = folder / "counterexample.html"
        page.write_text(render_page(lanes_of(film), file=str(trace)), encoding="utf-8")
        lines += explanation[1:]
        lines += [
            f"  {line}" for line in lanes([each for each in (missed, wrong) if each], wrong=(wrong.number,))
        ]
        lines.append(f"page: {page}")
    lines += [f"history: {path}", f"look at it with: tlacheck histories {path}", f"again: {command}"]
    return Outcome(
        command=command,
        verdict=result.verdict(),
        trace=trace,
        message="\n".join(lines),
        figures=immutabledict(operations=result.operations, seed=seed),
    )


# --- the command --------------------------------------------------------------------------------


@click.command()
@click.option(
    "--operations",
    type=click.IntRange(min=1),
    default=1_000,
    show_default=True,
    help="How many clients call.",
)
@click.option(
    "--clients", type=click.IntRange(min=1), default=25, show_default=True, help="How many call them."
)
@click.option(
    "--servers", type=click.IntRange(min=1), default=5, show_default=True, help="How many found it."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The first seed.")
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="So many seeds, from the given one on.",
)
@click.option("--lease-reads", is_flag=True, help="Reads by lease, not by ReadIndex.")
@click.option("--skewed-clock", is_flag=True, help="Clocks break the assumption of leases.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".verify/histories"),
    show_default=True,
    help="Where a history that is wrong goes.",
)
@click.pass_context
def main(
    context: click.Context,
    *,
    operations: int,
    clients: int,
    servers: int,
    seed: int,
    runs: int,
    lease_reads: bool,
    skewed_clock: bool,
    folder: Path,
) -> None:
    """Clients of the replicated state machine on Raft, under faults: is what they see linearizable?

    Leaves with 0 if it is, 1 if it is not, 3 if it is not decided.
    """
    folder.mkdir(parents=True, exist_ok=True)
    service = Service.LEASE if lease_reads else Service.READ_INDEX
    outcome = histories(
        Context(
            folder=folder,
            budget="ci",
            seed=seed,
            command=_command(seed, operations, clients, servers, service=service, skewed_clock=skewed_clock),
            progress=lambda text: click.echo(text, err=True),
        ),
        runs=runs,
        operations=operations,
        clients=clients,
        servers=servers,
        service=service,
        skewed_clock=skewed_clock,
    )
    click.echo(outcome.verdict)
    if outcome.message:
        click.echo(outcome.message)
    click.echo(" ".join(f"{name}={value}" for name, value in outcome.figures.items()))
    if not outcome.verdict.is_established:
        context.exit(1 if outcome.verdict.is_violated else 3)


if __name__ == "__main__":
    main(prog_name="python -m property_tests.raft.histories")
