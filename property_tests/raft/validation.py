"""Validation of the Raft implementation, as `tlacheck verify` and `tlacheck mutants` call it.

Logs of simulated runs with faults, in which servers say only what they know of themselves
(`property_tests/raft/runs.py`), against the spec: of plain Raft, and of Raft with all its parts. The spec
is the oracle's, which has no bounds.

Neither log shows which messages were lost. Of plain Raft, `DropMessage` is told to the validator as a hidden
action. Of Raft with all its parts it is not: a message that is lost stays in flight for ever, as the spec
has it as well, and since no action asks that a message is *not* in flight, whatever is possible after a
loss is possible without it. A log fits the spec with losses if and only if it fits it without; to reject one of
600 events takes 1 to 3 s of CPU, and took up to 61 s with losses tried everywhere.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict

from property_tests.raft.features import FULL, Setting, oracle_of
from property_tests.raft.machine import oracle_for
from property_tests.raft.runs import (
    HEADER_OF_ALL_PARTS,
    HIDDEN,
    OWN_OF_ALL_PARTS,
    Simulated,
    log_of,
    simulate,
    simulate_all_parts,
)
from property_tests.raft.script import ACTIONS, SHOWN_STEPS
from tlacheck import itf, runlog
from tlacheck.conform.validate import Validation, validate
from tlacheck.runlog import Run
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.trace import Violation
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["INTERESTING", "INTERESTING_OF_ALL_PARTS", "validation", "validation_all_parts"]

#: What some run must have met, or nothing was learnt.
INTERESTING: Final = ("a leader is elected", "an entry is committed", "Restart")
#: The same of runs with all parts: what each part is for, and every action. Rarer things are for soaks.
INTERESTING_OF_ALL_PARTS: Final = (
    "a third leader is elected",
    "two servers believe that they lead",
    "an entry is committed",
    "a snapshot is installed",
    "a change is committed",
    "a joint change is committed",
    "a leader whom no quorum answers steps down",
    "leadership is handed over",
    "a read is answered by a quorum",
    "a read is answered by the lease",
    "a read fails",
    "a refusal says where to go on",
    "the end of a log is lost in a crash",
    "a leader crashes",
    "a link is cut one way",
    "a server is paused",
    "a clock drifts",
    "all faults end and the cluster makes progress",
    *ACTIONS,
)
#: Those whose counts the table shows.
_SHOWN_OF_ALL_PARTS: Final = (
    "a snapshot is installed",
    "a change is committed",
    "leadership is handed over",
    "a read is answered by a quorum",
    "a read is answered by the lease",
    "the end of a log is lost in a crash",
)


def validation(context: Context, *, runs: int = 100, steps: int = 150, servers: int = 3) -> Outcome:
    """The logs of simulated runs with faults fit the spec.

    Args:
        context: the run that this is part of.
        runs: how many runs to simulate.
        steps: how many steps of the spec each takes at least.
        servers: how many servers a cluster has.
    """

    def played(seed: int) -> tuple[Simulated, Run]:
        simulated = simulate(seed, steps=steps, servers=servers, command=context.command)
        return simulated, log_of(simulated.trace)

    return _validated(
        context, runs, played, oracle_for(servers), hidden=HIDDEN, interesting=INTERESTING, shown=INTERESTING
    )


def validation_all_parts(
    context: Context, *, runs: int = 30, steps: int = 300, setting: Setting = FULL
) -> Outcome:
    """The logs of simulated runs with all parts of Raft and all faults fit the spec.

    Args:
        context: the run that this is part of.
        runs: how many runs to simulate.
        steps: how many steps of the spec each takes at least, ticks of clocks not counted.
        setting: which parts are on; the oracle has the same constants.
    """

    def played(seed: int) -> tuple[Simulated, Run]:
        simulated = simulate_all_parts(seed, steps=steps, setting=setting, command=context.command)
        return simulated, log_of(simulated.trace, received=HEADER_OF_ALL_PARTS, own=OWN_OF_ALL_PARTS)

    return _validated(
        context,
        runs,
        played,
        oracle_of(setting),
        hidden=(),
        interesting=INTERESTING_OF_ALL_PARTS,
        shown=_SHOWN_OF_ALL_PARTS,
    )


def _validated(
    context: Context,
    runs: int,
    played: Callable[[int], tuple[Simulated, Run]],
    oracle: SpecOracle,
    *,
    hidden: Sequence[str],
    interesting: Sequence[str],
    shown: Sequence[str],
) -> Outcome:
    """Play runs and validate their logs; what they met counts if the logs fit.

    Args:
        context: the run that this is part of.
        runs: how many runs.
        played: a run and its log, of a seed.
        oracle: the spec with the constants of the runs.
        hidden: the actions that the validator may take unseen.
        interesting: what some run must have met.
        shown: of which of that the counts are shown.
    """
    sometimes: Counter[str] = Counter()
    events = peak = unseen = 0
    for number in range(runs):
        seed = context.seed + number
        simulated, run = played(seed)
        found = validate(run, oracle, hidden=hidden, kept_max=SHOWN_STEPS, command=context.command)
        events += found.events
        unseen += found.hidden
        peak = max(peak, found.candidates_peak)
        context.progress(f"{number + 1} of {runs} runs, {events:,} events, at most {peak:,} states fit")
        if not found.verdict.is_established:
            return _not_accepted(context, run, found, seed)
        if simulated.broken:
            return _broken(context, simulated, seed)
        sometimes.update(simulated.sometimes)
    figures = immutabledict(
        runs=runs,
        events=events,
        states_at_most=peak,
        hidden=unseen,
        **{name.replace(" ", "_"): sometimes[name] for name in shown},
    )
    if missing := [name for name in interesting if not sometimes[name]]:
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
