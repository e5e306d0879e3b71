"""The checks of the Raft implementation, as `tlacheck verify` and `tlacheck mutants` call them.

| layer     | what drives the implementation                | what judges it                        |
|-----------|-----------------------------------------------|---------------------------------------|
| replay    | recorded traces of TLC                        | the states of the trace               |
| weakened  | TLC's counterexamples of weakened specs       | that it leaves each of them           |
| runs      | recorded runs with all parts                  | what the spec did and allowed there   |
| oracle    | random walks of the spec                      | the states of the walk                |
| stateful  | Hypothesis: clients, time, faults             | the spec, after each step; `Safety`; progress |
| invariant | Hypothesis: clients, time, faults             | `Safety` and progress, without the spec |
"""

import time
from collections import Counter
from pathlib import Path
from typing import Final

from immutabledict import immutabledict

from property_tests.raft.adapter import RaftSystem
from property_tests.raft.features import FULL, PLAIN, Setting, system_of
from property_tests.raft.machine import oracle_for, run_machine
from property_tests.raft.script import ACTIONS, INTERESTING, endure, last_steps
from tlacheck import itf
from tlacheck.conform.checks import follows, leaves, recorded_in, violated, walks_with
from tlacheck.conform.explore import Plan, explore
from tlacheck.conform.shrink import shrink
from tlacheck.mutants import Layer
from tlacheck.mutants.check import all_caught
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = [
    "LAYERS",
    "all_parts",
    "endurance",
    "guided",
    "invariants",
    "mutants",
    "replay_weakened",
    "replay_witnesses",
    "soaked",
    "stateful",
    "walks",
]

_TRACES: Final = Path(__file__).resolve().parents[2] / "traces" / "golden" / "raft"

#: Walks choose messages more often than faults and new elections, or they would seldom commit anything.
_WEIGHTS: Final = immutabledict(
    HandleRequestVoteRequest=6.0,
    HandleRequestVoteResponse=6.0,
    HandleAppendEntriesRequest=5.0,
    HandleAppendEntriesResponse=5.0,
    AppendEntries=2.5,
    Timeout=0.6,
    Restart=0.3,
    DropMessage=0.3,
    DuplicateMessage=0.5,
)


def replay_witnesses(context: Context) -> Outcome:
    """Replay every recorded witness, and what wrong parameters lead to: the implementation follows them all."""
    return follows(context, recorded_in(_TRACES / "witness", _TRACES / "misconfigured"), system_of)


def replay_weakened(context: Context) -> Outcome:
    """Replay TLC's counterexample of every weakened spec: the implementation must leave each of them."""
    return leaves(context, recorded_in(_TRACES / "weakened"), system_of)


def walks(context: Context, *, walks: int = 60, steps: int = 80, servers: int = 3) -> Outcome:
    """Follow seeded random walks of the spec with the implementation."""
    return walks_with(
        context,
        oracle_for(servers),
        RaftSystem,
        walks=walks,
        steps=steps,
        weights=_WEIGHTS,
        counted=lambda run: {name: len(run.states[-1][name]) for name in ("elected", "committed")},
        needed=("committed",),
    )


def guided(context: Context, *, steps: int = 6000, servers: int = 3) -> Outcome:
    """Walk system and spec side by side, led to what is new in the spec's states and in the code's branches."""
    oracle = oracle_for(servers)
    plan = Plan(
        strategy="guided",
        steps=steps,
        seed=context.seed,
        length=80,
        weights=_WEIGHTS,
        watch=("impl.raft",),
        required=frozenset(_WEIGHTS),
        command=context.command,
    )
    found = explore(
        oracle,
        RaftSystem,
        plan,
        on_progress=lambda steps, states: context.progress(f"{steps:,} steps, {states:,} states"),
    )
    figures = immutabledict(
        walks=found.walks, steps=found.steps, states=found.states, branches=found.branches or 0
    )
    if found.run is not None:
        shrunk = shrink(found.run, oracle, RaftSystem)
        return violated(
            context,
            shrunk.trace,
            f"a walk leaves the spec after {shrunk.steps_before} steps, {shrunk.steps_after} after shrinking",
        )
    return Outcome(verdict=found.verdict, figures=figures)


def stateful(context: Context, *, examples: int = 100) -> Outcome:
    """Hypothesis against spec and `Safety`, then progress after the faults."""
    return _hypothesis(context, examples=examples, judged=True)


def invariants(context: Context, *, examples: int = 100) -> Outcome:
    """Hypothesis against `Safety` and progress alone: a second opinion that does not need the spec."""
    return _hypothesis(context, examples=examples, judged=False)


def all_parts(context: Context, *, examples: int = 40) -> Outcome:
    """The same with all parts of Raft on: Hypothesis against spec and `Safety`, then progress."""
    return _hypothesis(context, examples=examples, judged=True, setting=FULL)


def endurance(context: Context, *, seeds: int = 8, steps: int = 600) -> Outcome:
    """Scripts of clients, operators and faults with all parts on; every action is taken in lockstep with the spec."""
    sometimes: Counter[str] = Counter()
    taken = 0
    for number in range(seeds):
        seed = context.seed + number
        run = endure(seed, steps=steps, setting=FULL, judged=True, rest_every=steps, command=context.command)
        taken += run.steps
        sometimes.update(run.sometimes)
        context.progress(f"{number + 1} of {seeds} seeds, {taken:,} steps")
        if run.trace is not None and run.trace.violation is not None:
            return violated(context, run.trace, f"the run of seed {seed} fails after {run.steps} steps")
    figures = immutabledict(
        seeds=seeds,
        steps=taken,
        **{name.replace(" ", "_"): sometimes[name] for name in (*_SHOWN, *_SHOWN_OF_ALL_PARTS)},
    )
    if missing := [name for name in ACTIONS if not sometimes[name]]:
        reason = f"no run took {', '.join(missing)}. Play more seeds, or longer"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    return Outcome(verdict=Verdict.sampled(seeds, context.seed), figures=figures)


def soaked(context: Context, *, seeds: int = 20, steps: int = 10_000) -> Outcome:
    """A soak (`soak.py`) in this process: `Safety` and progress judge, without the spec."""
    sometimes: Counter[str] = Counter()
    taken = 0
    begin = time.process_time()
    for number in range(seeds):
        seed = context.seed + number
        run = endure(seed, steps=steps)
        taken += run.steps
        sometimes.update(run.sometimes)
        context.progress(f"{number + 1} of {seeds} seeds, {taken:,} steps")
        if run.broken:
            path = context.folder / "counterexample.itf.json"
            last = last_steps(endure(seed, steps=steps, recorded=True, command=context.command).trace)
            if last is not None:
                itf.write(last, path)
            return Outcome(
                verdict=Verdict.violated(run.broken.partition(":")[0], f"the run of seed {seed}"),
                trace=path if last is not None else None,
                message=run.broken,
            )
    rate = int(taken / max(time.process_time() - begin, 0.001))
    figures = immutabledict(
        seeds=seeds,
        steps=taken,
        steps_a_second=rate,
        **{name.replace(" ", "_"): sometimes[name] for name in (*_SHOWN, *_SHOWN_OF_ALL_PARTS)},
    )
    if missing := [name for name in INTERESTING if not sometimes[name]]:
        reason = f"no run met: {'; '.join(missing)}. Soak longer"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    return Outcome(verdict=Verdict.sampled(seeds, context.seed), figures=figures)


def mutants(context: Context, *, which: str = "MUTANTS") -> Outcome:
    """Every wrong implementation is noticed by some layer. `make mutants` also tries the equivalent ones.

    Args:
        context: what `verify` gives.
        which: `MUTANTS`, or `SAMPLE` for some of them.
    """
    return all_caught(context, f"property_tests.raft.mutants:{which}", LAYERS)


def _hypothesis(context: Context, *, examples: int, judged: bool, setting: Setting = PLAIN) -> Outcome:
    started = time.monotonic()

    def watch(tried: int, steps: int) -> None:
        rate = steps / max(time.monotonic() - started, 0.001)
        context.progress(f"{tried} examples, {steps:,} steps, {rate:,.0f}/s")

    run = run_machine(
        seed=context.seed,
        examples=examples,
        folder=context.folder,
        judged=judged,
        setting=setting,
        command=context.command,
        watch=watch,
    )
    figures = immutabledict(
        examples=run.examples,
        steps=run.steps,
        **{name.replace(" ", "_"): run.goals[name] for name in _SHOWN},
    )
    if run.failure is not None:
        verdict = Verdict.violated(run.property, f"after {len(run.failure)} steps")
        return Outcome(verdict=verdict, figures=figures, trace=run.trace, message=run.message)
    missing = run.missing
    if setting.features:  # what Hypothesis seldom meets in so many parts, `endurance` and `soaked` ask for
        missing = tuple(name for name in _REQUIRED_OF_ALL_PARTS if not run.goals[name])
    if missing:
        return Outcome(
            verdict=Verdict.unknown(f"no example met: {'; '.join(missing)}. Try more examples"),
            figures=figures,
        )
    return Outcome(verdict=Verdict.sampled(run.examples, context.seed), figures=figures)


#: The layers that `tlacheck mutants` asks, the quickest first.
LAYERS: Final = (
    Layer("replay", "property_tests.raft.checks:replay_witnesses"),
    Layer("weakened", "property_tests.raft.feature_checks:follows_weakened"),
    Layer("runs", "property_tests.raft.feature_checks:follows_runs"),
    Layer("oracle", "property_tests.raft.checks:walks", {"walks": 200}),
    Layer("stateful", "property_tests.raft.checks:stateful", {"examples": 200}),
    Layer("invariant", "property_tests.raft.checks:invariants", {"examples": 400}),
    Layer("all parts", "property_tests.raft.checks:all_parts", {"examples": 60}),
)


#: What examples with all parts must meet, or they say nothing.
_REQUIRED_OF_ALL_PARTS: Final = (
    "a third leader is elected",
    "an entry is committed",
    "two servers believe that they lead",
    "ChangeMembership",
    "TransferLeadership",
    "ReadIndex",
    "CheckQuorum",
    "DiskSynced",
    "Restart",
)

#: And those of a run with all parts.
_SHOWN_OF_ALL_PARTS: Final = (
    "a snapshot is installed",
    "a change is committed",
    "a joint change is committed",
    "leadership is handed over",
    "a read is answered by a quorum",
    "a read is answered by the lease",
    "the end of a log is lost in a crash",
)


#: The situations whose counts the table shows.
_SHOWN: Final = ("a leader is elected", "an entry is committed")
