"""What clients of the service see, under faults, and whether one thing at a time explains it (RAFT-4, RAFT-8, SMR-1).

`service.py` runs the replicated state machine on Raft with all its parts on, `clients.py` asks for cases,
records and overlays, and reads, and `service_runs.py` disturbs all that. The history must be linearizable.

Reads are answered by ReadIndex (thesis, 6.4), or by the lease (6.4.1), which needs clocks that keep to what the
spec assumes (`LeasesAreSafe`). With `skewed_clock` they do not keep to it, and a leader whose clock
is slow answers from the past. Two services are wrong with any clock (`Service`): one answers before anything is
committed, one reads from its own machine without asking anybody.

    python -m property_tests.raft.histories --operations 1000 --seed 1
    python -m property_tests.raft.histories --operations 1000 --seed 1 --lease-reads
    python -m property_tests.raft.histories --operations 1000 --seed 3 --lease-reads --skewed-clock

Of a history that is not linearizable the run is made once more and filmed (`film.py`), so that it can be
seen who led, by which clock, when the read was answered that misses a write.
"""

from collections import Counter
from pathlib import Path
from typing import Final

import attrs
import click
from immutabledict import immutabledict

from property_tests.raft.service import Service
from property_tests.raft.service_runs import PARTED_MS_MAX, PROMISE_MS, Simulated, simulate
from tlacheck import itf
from tlacheck.errors import ConfigError
from tlacheck.histories import Fate, Legality, Operation, Result, check, key_value, write
from tlacheck.histories.timeline import lanes
from tlacheck.report.lanes import lanes_of
from tlacheck.report.page import render_page
from tlacheck.trace import Violation
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["INTERESTING", "Service", "Simulated", "histories", "main", "missed_write", "simulate"]

#: The situations that the runs of a check must meet, or they say nothing.
INTERESTING: Final = (
    "operations overlap",
    "a second leader is elected",
    "two servers believe that they lead",
    "a server crashes",
    "a server comes back with a snapshot",
    "a server is sent a snapshot",
    "the network falls apart",
    "a server is paused",
    "a change of membership is committed",
    "the leadership is handed over",
    "a request is in the log twice",
    "a request of unknown fate was carried out",
    "a request of unknown fate was lost",
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
    """What clients see of the simulated service is linearizable.

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
    met: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    for number in range(runs):
        seed = context.seed + number
        run = simulate(
            seed,
            operations=operations,
            clients=clients,
            servers=servers,
            service=kind,
            skewed_clock=skewed_clock,
            command=context.command,
        )
        if run.broken is not None:
            name, explanation = run.broken
            return Outcome(
                verdict=Verdict.violated(name, f"in the run of seed {seed}, before a client could notice"),
                message=explanation,
                figures=immutabledict(seed=seed),
            )
        result = check(run.history, key_value())
        if not result.verdict().is_established:
            filmed = simulate(
                seed,
                operations=operations,
                clients=clients,
                servers=servers,
                service=kind,
                skewed_clock=skewed_clock,
                command=context.command,
                film=True,
            )
            words = _command(seed, operations, clients, servers, service=kind, skewed_clock=skewed_clock)
            return _rejected(context.folder, filmed, result, seed, command=words or context.command)
        fates = Counter(operation.fate for operation in run.history.operations)
        met += run.sometimes
        counted["operations"] += result.operations
        counted["answered"] += fates[Fate.ANSWERED]
        counted["unknown"] += fates[Fate.UNKNOWN] + fates[Fate.PENDING]
        counted["by_lease"] += run.sometimes["answered by lease"]
        counted["leaders"] += run.sometimes["leaders"]
        counted["events"] += run.events
        counted["configurations"] += result.configurations
        counted["clocks_parted_ms"] = max(counted["clocks_parted_ms"], run.parted_ms)
        context.progress(f"{number + 1} of {runs} runs, {counted['operations']:,} operations")
    figures = immutabledict(runs=runs, **counted)
    wanted = (*INTERESTING, "answered by lease") if kind is Service.LEASE else INTERESTING
    if missing := [name for name in wanted if not met[name]]:
        reason = f"no run met: {'; '.join(missing)}. Simulate more runs, or longer ones"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    return Outcome(verdict=Verdict.sampled(runs, context.seed), figures=figures)


def missed_write(result: Result) -> Operation | None:
    """Of a history that is not linearizable: the latest write that the wrong answer missed.

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
        clocks = f"two clocks parted by up to {run.parted_ms} ms within {PROMISE_MS} ms; leases bear {PARTED_MS_MAX} ms"
        explanation = [result.reason, by, clocks] if "lease" in by else [result.reason, by]
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
