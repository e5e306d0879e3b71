"""Validation of the Raft implementation, as `tlacheck verify` and `tlacheck mutants` call it.

Logs of simulated runs with faults, in which servers say only what they know of themselves
(`property_tests/raft/runs.py`), against the spec.
"""

from collections import Counter
from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict

from property_tests.raft.machine import oracle_for
from property_tests.raft.runs import HIDDEN, Simulated, log_of, simulate
from tlacheck import itf, runlog
from tlacheck.conform.validate import Validation, validate
from tlacheck.runlog import Run
from tlacheck.trace import Violation
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["INTERESTING", "validation"]

#: What some run must have met, or nothing was learnt.
INTERESTING: Final = ("a leader is elected", "an entry is committed", "Restart")


def validation(context: Context, *, runs: int = 100, steps: int = 150, servers: int = 3) -> Outcome:
    """The logs of simulated runs with faults fit the spec.

    Args:
        context: the run that this is part of.
        runs: how many runs to simulate.
        steps: how many steps of the spec each takes at least.
        servers: how many servers a cluster has.
    """
    oracle = oracle_for(servers)
    sometimes: Counter[str] = Counter()
    events = peak = hidden = 0
    for number in range(runs):
        seed = context.seed + number
        simulated = simulate(seed, steps=steps, servers=servers, command=context.command)
        sometimes.update(simulated.sometimes)
        run = log_of(simulated.trace)
        found = validate(run, oracle, hidden=HIDDEN, command=context.command)
        events += found.events
        hidden += found.hidden
        peak = max(peak, found.candidates_peak)
        context.progress(f"{number + 1} of {runs} runs, {events:,} events, at most {peak:,} states fit")
        if not found.verdict.is_established:
            return _not_accepted(context, run, found, seed)
        if simulated.broken:
            return _broken(context, simulated, seed)
    figures = immutabledict(
        runs=runs,
        events=events,
        states_at_most=peak,
        hidden=hidden,
        **{name.replace(" ", "_"): sometimes[name] for name in INTERESTING},
    )
    if missing := [name for name in INTERESTING if not sometimes[name]]:
        return Outcome(
            verdict=Verdict.unknown(f"no run met: {', '.join(missing)}. Simulate more runs, or longer ones"),
            figures=figures,
        )
    return Outcome(verdict=Verdict.sampled(runs, context.seed), figures=figures)


def _broken(context: Context, simulated: Simulated, seed: int) -> Outcome:
    """The log of a run fits, and the simulator saw a property broken: the log shows too little, or the spec allows it."""
    path = context.folder / "counterexample.itf.json"
    trace = simulated.trace
    violation = Violation(property=simulated.broken, step=len(trace))
    itf.write(attrs.evolve(trace, violation=violation), path)
    reason = f"the run of seed {seed} breaks it, and its log fits the spec all the same"
    return Outcome(verdict=Verdict.violated(simulated.broken, reason), trace=path)


def _not_accepted(context: Context, run: Run, found: Validation, seed: int) -> Outcome:
    log = context.folder / "rejected.run.ndjson"
    runlog.write(run, log)
    trace: Path | None = None
    if found.trace is not None:
        trace = context.folder / "counterexample.itf.json"
        itf.write(found.trace, trace)
    lines = found.rejection.lines if found.rejection is not None else ()
    figures = immutabledict(events=found.events, seed=seed)
    message = "\n".join((f"the run of seed {seed}, its log in {log}:", *lines))
    return Outcome(verdict=found.verdict, trace=trace, message=message, figures=figures)
