"""The checks of the Raft implementation, as `tlacheck verify` and `tlacheck mutants` call them.

| layer     | what drives the implementation                | what judges it                        |
|-----------|-----------------------------------------------|---------------------------------------|
| replay    | recorded traces of TLC                        | the states of the trace               |
| oracle    | random walks of the spec                      | the states of the walk                |
| stateful  | Hypothesis: clients, time, faults             | the spec, after each step; `Safety`; progress |
| invariant | Hypothesis: clients, time, faults             | `Safety` and progress, without the spec |
"""

import time
from collections import Counter
from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict

from property_tests.raft.adapter import RaftSystem
from property_tests.raft.machine import oracle_for, run_machine
from tlacheck import itf
from tlacheck.conform.explore import Plan, explore
from tlacheck.conform.replay import replay
from tlacheck.conform.shrink import shrink
from tlacheck.conform.walk import walk_and_replay
from tlacheck.errors import TraceError
from tlacheck.mutants import Layer, Result, try_mutants
from tlacheck.trace import Trace
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = [
    "LAYERS",
    "guided",
    "invariants",
    "mutants",
    "replay_weakened",
    "replay_witnesses",
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
    """Replay every recorded witness: the implementation follows each of them, state by state."""
    steps = 0
    paths = _recorded("witness")
    for path in paths:
        context.progress(path.stem)
        run = replay(itf.read(path), RaftSystem())
        steps += len(run)
        if run.violation is not None:
            return _violated(context, run, f"the implementation leaves {path.name}")
    figures = immutabledict(traces=len(paths), steps=steps)
    return Outcome(verdict=Verdict.sampled(len(paths), 0), figures=figures)


def replay_weakened(context: Context) -> Outcome:
    """Replay TLC's counterexample of every weakened spec: the implementation must leave each of them.

    Each of these behaviours uses a rule that was weakened. An implementation that could follow one
    to its end would have the same fault.
    """
    steps = 0
    paths = _recorded("weakened")
    for path in paths:
        context.progress(path.stem)
        run = replay(itf.read(path), RaftSystem())
        steps += len(run)
        if run.violation is None:
            return _violated(
                context,
                attrs.evolve(run, violation=itf.read(path).violation),
                f"the implementation follows {path.name} to its end: it has the fault that was put into the spec",
            )
    figures = immutabledict(traces=len(paths), steps=steps)
    return Outcome(verdict=Verdict.sampled(len(paths), 0), figures=figures)


def walks(context: Context, *, walks: int = 60, steps: int = 80, servers: int = 3) -> Outcome:
    """Follow seeded random walks of the spec with the implementation."""
    oracle = oracle_for(servers)
    actions: Counter[str] = Counter()
    taken = committed = elected = 0
    for number in range(walks):
        context.progress(f"walk {number} of {walks}, {taken:,} steps")
        run = walk_and_replay(oracle, RaftSystem(), seed=context.seed + number, steps=steps, weights=_WEIGHTS)
        if run.violation is not None:
            shrunk = shrink(run, oracle, RaftSystem).trace
            return _violated(
                context,
                shrunk,
                f"walk {number} leaves the spec after {len(run)} steps, {len(shrunk)} after shrinking",
            )
        taken += len(run)
        actions.update(step.action for step in run.steps)
        committed += len(run.states[-1]["committed"])
        elected += len(run.states[-1]["elected"])
    figures = immutabledict(walks=walks, steps=taken, elected=elected, committed=committed)
    missing = sorted(set(_WEIGHTS) - set(actions))
    if missing or not committed:
        return Outcome(
            verdict=Verdict.unknown(
                f"no walk took {', '.join(missing) or 'a step that commits'}: walk longer"
            ),
            figures=figures,
        )
    return Outcome(verdict=Verdict.sampled(walks, context.seed), figures=figures)


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
        return _violated(
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


def mutants(context: Context) -> Outcome:
    """Every wrong implementation is noticed by some layer. `make mutants` also tries the equivalent ones."""
    caught: Counter[str] = Counter()

    def watch(result: Result) -> None:
        caught["survived" if result.first is None else result.first.layer] += 1
        context.progress(f"{caught.total()} tried, {caught['survived']} survived")

    results = try_mutants(
        "property_tests.raft.mutants:MUTANTS",
        LAYERS,
        folder=context.folder,
        seed=context.seed,
        controls=False,
        on_result=watch,
    )
    figures = immutabledict({"mutants": len(results), **{layer.name: caught[layer.name] for layer in LAYERS}})
    unnoticed = [result.mutant.name for result in results if not result.is_as_expected]
    if unnoticed:
        reason = f"not noticed for what they are: {', '.join(unnoticed)}"
        return Outcome(verdict=Verdict.unknown(reason), figures=figures, command="make mutants")
    return Outcome(
        verdict=Verdict.sampled(len(results), context.seed), figures=figures, command="make mutants"
    )


def _hypothesis(context: Context, *, examples: int, judged: bool) -> Outcome:
    started = time.monotonic()

    def watch(tried: int, steps: int) -> None:
        rate = steps / max(time.monotonic() - started, 0.001)
        context.progress(f"{tried} examples, {steps:,} steps, {rate:,.0f}/s")

    path = context.folder / "counterexample.itf.json"
    run = run_machine(
        seed=context.seed,
        examples=examples,
        counterexample=path,
        judged=judged,
        command=context.command,
        watch=watch,
    )
    figures = immutabledict(
        examples=run.examples,
        steps=run.steps,
        **{name.replace(" ", "_"): run.sometimes[name] for name in _SHOWN},
    )
    if run.failure is not None and run.failure.violation is not None:
        verdict = Verdict.violated(run.failure.violation.property, f"after {len(run.failure)} steps")
        return Outcome(verdict=verdict, figures=figures, trace=path, message=run.message)
    if run.missing:
        return Outcome(
            verdict=Verdict.unknown(f"no example met: {'; '.join(run.missing)}. Try more examples"),
            figures=figures,
        )
    return Outcome(verdict=Verdict.sampled(run.examples, context.seed), figures=figures)


#: The layers that `tlacheck mutants` asks, the quickest first.
LAYERS: Final = (
    Layer("replay", "property_tests.raft.checks:replay_witnesses"),
    Layer("oracle", "property_tests.raft.checks:walks", {"walks": 200}),
    Layer("stateful", "property_tests.raft.checks:stateful", {"examples": 200}),
    Layer("invariant", "property_tests.raft.checks:invariants", {"examples": 400}),
)


#: The situations whose counts the table shows.
_SHOWN: Final = ("a leader is elected", "an entry is committed")


def _recorded(kind: str) -> list[Path]:
    paths = sorted((_TRACES / kind).glob("*.itf.json"))
    if not paths:
        raise TraceError("there is no recorded trace here: run tools/record_traces.py", _TRACES / kind)
    return paths


def _violated(context: Context, run: Trace, reason: str) -> Outcome:
    path = context.folder / "counterexample.itf.json"
    itf.write(attrs.evolve(run, origin=attrs.evolve(run.origin, command=context.command)), path)
    violation = run.violation
    name = violation.property if violation else "conforms to its spec"
    message = "\n".join(violation.explanation if violation else ())
    return Outcome(
        verdict=Verdict.violated(name, reason),
        trace=path,
        message=message,
        figures=immutabledict(steps=len(run)),
    )
