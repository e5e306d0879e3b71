"""Validation of the Raft implementation, as `tlacheck verify` and `tlacheck mutants` call it.

Logs of simulated runs with faults, in which servers say only what they know of themselves
(`property_tests/raft/runs.py`), against the spec: of plain Raft, and of Raft with all its parts. The spec
is the oracle's, which has no bounds.

Neither log shows which messages were lost. Of plain Raft, `DropMessage` is told to the validator as a hidden
action. Of Raft with all its parts it is not: a message that is lost stays in flight for ever, as the spec has
it as well, and since no action asks that a message is *not* in flight, whatever is possible after a loss is
possible without it. A log fits the spec with losses if and only if it fits it without; to reject one of 600
events takes 1 to 3 s of CPU, and took up to 61 s with losses tried everywhere.
"""

from collections import Counter
from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict

from property_tests.raft.judge import ACTIONS
from property_tests.raft.protocol import RAFT, RAFT_FULL
from property_tests.raft.runs import (
    HEADER,
    HEADER_OF_ALL_PARTS,
    HIDDEN,
    OWN,
    OWN_OF_ALL_PARTS,
    Simulated,
    log_of,
    simulate,
)
from tlacheck import itf, runlog
from tlacheck.conform.validate import Validation, validate
from tlacheck.harness import Protocol
from tlacheck.harness.run import oracle_of
from tlacheck.runlog import Run
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["INTERESTING", "INTERESTING_OF_ALL_PARTS", "validation", "validation_all_parts"]

#: What some run must have met, or nothing was learnt.
INTERESTING: Final = ("a leader is elected", "an entry is committed", "fault: restart")
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
    "fault: cut",
    "fault: pause",
    "fault: drift",
    "fault: restart",
    "fault: duplicate",
    *ACTIONS,
)
#: A rejected run is shown with so many steps before the event that fits nowhere.
_SHOWN_STEPS: Final = 100
#: Those whose counts the table shows.
_SHOWN_OF_ALL_PARTS: Final = (
    "a snapshot is installed",
    "a change is committed",
    "leadership is handed over",
    "a read is answered by a quorum",
    "a read is answered by the lease",
    "the end of a log is lost in a crash",
)


def validation(context: Context, *, runs: int = 100, steps: int = 70, servers: int = 3) -> Outcome:
    """The logs of simulated runs with faults fit the spec.

    Args:
        context: the run that this is part of.
        runs: how many runs to simulate.
        steps: how many steps hosts take in each at least.
        servers: how many servers a cluster has.
    """
    wanted = _Wanted(RAFT, servers, HEADER, OWN, HIDDEN, INTERESTING, INTERESTING)
    return _validated(context, wanted, runs=runs, steps=steps)


def validation_all_parts(
    context: Context, *, runs: int = 30, steps: int = 300, protocol: Protocol = RAFT_FULL
) -> Outcome:
    """The logs of simulated runs with all parts of Raft and all faults fit the spec.

    Args:
        context: the run that this is part of.
        runs: how many runs to simulate.
        steps: how many steps hosts take in each at least.
        protocol: the declaration; the oracle has the same constants.
    """
    wanted = _Wanted(
        protocol,
        None,
        HEADER_OF_ALL_PARTS,
        OWN_OF_ALL_PARTS,
        (),
        INTERESTING_OF_ALL_PARTS,
        _SHOWN_OF_ALL_PARTS,
    )
    return _validated(context, wanted, runs=runs, steps=steps)


@attrs.frozen
class _Wanted:
    """The runs to validate, and the fields that are logged of them.

    Attributes:
        protocol: the declaration.
        servers: how many there are; the declaration's first size, if None.
        received: which fields of a received message are written.
        own: which variables a server writes of itself.
        hidden: the actions that the validator may take unseen.
        interesting: what some run must have met.
        shown: of which of that the counts are shown.
    """

    protocol: Protocol
    servers: int | None
    received: tuple[str, ...]
    own: tuple[str, ...]
    hidden: tuple[str, ...]
    interesting: tuple[str, ...]
    shown: tuple[str, ...]


def _validated(context: Context, wanted: _Wanted, *, runs: int, steps: int) -> Outcome:
    """Simulate runs and validate their logs; the goals of a run count if its log fits."""
    goals: Counter[str] = Counter()
    events = peak = unseen = 0
    oracle = oracle_of(wanted.protocol, wanted.protocol.size(wanted.servers))
    for number in range(runs):
        seed = context.seed + number
        simulated = simulate(
            wanted.protocol, seed, steps=steps, servers=wanted.servers, command=context.command
        )
        run = log_of(simulated, received=wanted.received, own=wanted.own)
        found = validate(run, oracle, hidden=wanted.hidden, kept_max=_SHOWN_STEPS, command=context.command)
        events += found.events
        unseen += found.hidden
        peak = max(peak, found.candidates_peak)
        context.progress(f"{number + 1} of {runs} runs, {events:,} events, at most {peak:,} states fit")
        if not found.verdict.is_established:
            return _not_accepted(context, run, found, seed)
        if simulated.broken:
            return _broken(context, simulated, seed)
        goals.update(simulated.goals)
    figures = immutabledict(
        runs=runs,
        events=events,
        states_at_most=peak,
        hidden=unseen,
        **{name.replace(" ", "_"): goals[name] for name in wanted.shown},
    )
    if missing := [name for name in wanted.interesting if not goals[name]]:
        return Outcome(
            verdict=Verdict.unknown(f"no run met: {', '.join(missing)}. Simulate more runs, or longer ones"),
            figures=figures,
        )
    return Outcome(verdict=Verdict.sampled(runs, context.seed), figures=figures)


def _broken(context: Context, simulated: Simulated, seed: int) -> Outcome:
    """A log fits, but a property was broken: the log shows too little, or the spec allows it."""
    reason = f"the run of seed {seed} breaks it, and its log fits the spec all the same"
    return Outcome(verdict=Verdict.violated(simulated.broken, reason), command=context.command)


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
