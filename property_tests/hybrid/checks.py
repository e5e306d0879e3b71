"""The checks of the hybrid's implementation against its spec, as `tlacheck verify` calls them.

| check      | what drives the implementation            | what judges it              |
|------------|-------------------------------------------|-----------------------------|
| replay     | recorded traces of TLC                    | the states of the trace     |
| weakened   | TLC's counterexamples of weakened specs   | that it leaves each of them |
| every edge | the state graph of a small model          | the states of the graph     |
| walks      | random walks of the spec without bounds   | the states of the walk      |
| mutants    | wrong implementations, against `LAYERS`   | that some layer notices     |

Some weakened rules show in no step of a counterexample: a seal could be held that is none, a client could believe what no
quorum told it. Such a trace is followed by one of these steps more, and the implementation must leave all of them (`tempted`).
"""

import functools
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl.quorum import byzantine_quorum
from property_tests.hybrid.adapter import HybridSystem, spec_for
from property_tests.hybrid.layers import LAYERS
from property_tests.hybrid.projection import entry_epoch
from tlacheck import itf
from tlacheck.conform.checks import follows, recorded_in, takes_every_edge, violated, walks_with
from tlacheck.conform.replay import replay
from tlacheck.conform.strategy import weighted_choice
from tlacheck.errors import TraceError
from tlacheck.mutants.check import all_caught
from tlacheck.tlc.configuration import configuration_text
from tlacheck.tlc.oracle import SpecOracle, Successor
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Step, Trace
from tlacheck.values import Value
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = [
    "LAYERS",
    "edges_spec",
    "every_edge",
    "leaves_all",
    "mutants",
    "next_step",
    "oracle_for",
    "replay_weakened",
    "replay_witnesses",
    "state_of",
    "system_for",
    "system_of",
    "tempted",
    "walks",
]

_ROOT: Final = Path(__file__).resolve().parents[2]
_TRACES: Final = _ROOT / "traces" / "golden" / "hybrid"

#: Walks choose what brings an epoch on more often than what ends it.
_WEIGHTS: Final = immutabledict(
    Ack=1.0,
    Hold=6.0,
    Believe=3.0,
    Stop=0.3,
    Close=3.0,
    Decide=0.6,
    Calm=3.0,
    Open=4.0,
    Learn=3.0,
    Raise=0.1,
    Lower=1.0,
    Dwell=2.0,
    Restart=0.1,
)


# --- systems --------------------------------------------------------------------------------------


def system_for(config: Path) -> HybridSystem:
    """A cluster with the constants of a configuration of `specs/hybrid`.

    Raises:
        TraceError: the configuration does not say which replicas there are.
    """
    text = configuration_text(config)

    def names(constant: str) -> tuple[str, ...]:
        found = re.search(rf"^ *{constant} = \{{([^}}]*)\}}", text, re.MULTILINE)
        return tuple(re.findall(r"\w+", found[1])) if found else ()

    replicas, faulty = names("Replica"), re.search(r"^ *MaxFaulty = (\d+)", text, re.MULTILINE)
    if not replicas or not faulty:
        raise TraceError("the configuration does not say which replicas there are", config)
    return HybridSystem(replicas, byzantine=frozenset(names("Byzantine")), f=int(faulty[1]))


def system_of(trace: Trace) -> HybridSystem:
    """A cluster with the constants of the configuration that a recorded trace comes from.

    Raises:
        TraceError: as `system_for`.
    """
    return system_for(_ROOT / trace.origin.config)


def edges_spec() -> Spec:
    """The model whose edges are taken: no symmetry, and a view that hides `event` alone."""
    folder = spec_for(4).path.parent
    return Spec.load(folder / "MCHybrid.tla", folder / "edges.cfg")


@functools.cache
def oracle_for(replicas: int) -> SpecOracle:
    """The oracle for clusters of so many replicas; loaded once a process."""
    return SpecOracle(spec_for(replicas))


def next_step(draw: random.Random, successors: tuple[Successor, ...]) -> Successor:
    """Where a walk goes on."""
    return weighted_choice(draw, successors, _WEIGHTS)


# --- what a weakened spec leads to ----------------------------------------------------------------

#: Rules whose weakening may show in no step of a counterexample, but in what could follow.
_SILENT: Final = frozenset({"BelieveQuorum", "SameTerm", "SealQuorum", "CountsIn", "MayApply", "RaftGroup"})


def tempted(trace: Trace, system: HybridSystem) -> Iterator[Trace]:
    """The trace with one more step that no spec but a weakened one allows: somebody believes, or holds, what no quorum said."""
    last: Any = trace.steps[-1].state if trace.steps else trace.initial
    quorum, traitors = byzantine_quorum(system.config.n, system.config.f), len(system.byzantine)
    opening = {entry_epoch(known): state_of(known) for known in _prefixes(last["book"])}

    def is_told(said: Iterable[Any]) -> bool:
        return len({each["node"] for each in said}) + traitors >= quorum

    for epoch, term, state in _each_once(
        (answer["epoch"], answer["term"], answer["state"][:length])
        for answer in last["answers"]
        for length in range(1, len(answer["state"]) + 1)
    ):
        tellers = [
            answer
            for answer in last["answers"]
            if (answer["epoch"], answer["term"], answer["state"][: len(state)]) == (epoch, term, state)
        ]
        if len(state) > len(opening[epoch]) and not is_told(tellers):
            yield _believing(trace, last, epoch, term, state)
    for node, term, chain in _each_once(
        (node, ack["term"], ack["chain"]) for node in last["known"] for ack in last["acks"]
    ):
        known = last["known"][node]
        own = [
            ack
            for ack in last["acks"]
            if (ack["epoch"], ack["term"], ack["chain"]) == (entry_epoch(known), term, chain)
        ]
        if not is_told(own) and not last["stopped"][node] and last["acked"][node]["term"] <= term:
            yield _holding(trace, last, node, term, chain)
    if (all_done := state_of(last["book"], applies_again=True)) != state_of(last["book"]):
        yield _doing_again(trace, last, all_done)


def _each_once(found: Iterable[tuple[Any, int, Any]]) -> list[tuple[Any, int, Any]]:
    return sorted(set(found), key=repr)


def _prefixes(book: tuple[Value, ...]) -> list[tuple[Value, ...]]:
    """The beginnings of a book, those first that are the beginnings of an epoch last of all: the shortest of each wins."""
    return [book[:length] for length in range(len(book), -1, -1)]


def state_of(book: Iterable[Any], *, applies_again: bool = False) -> tuple[Value, ...]:
    """The operations done after some entries of the book."""
    done: tuple[Value, ...] = ()
    for entry in book:
        chain = {"Operation": (entry.get("operation"),), "Close": entry.get("chain")}.get(entry["kind"], ())
        for operation in chain:
            if applies_again or operation not in done:
                done = (*done, operation)
    return done


def _then(trace: Trace, *steps: Step) -> Trace:
    violation = trace.violation
    if violation is not None:
        violation = attrs.evolve(violation, step=len(trace) + len(steps))
    return attrs.evolve(trace, steps=(*trace.steps, *steps), violation=violation)


def _believing(trace: Trace, last: Any, epoch: int, term: int, state: tuple[Value, ...]) -> Trace:
    arguments = immutabledict(epoch=epoch, term=term, state=state)
    after = immutabledict({**last, "believed": last["believed"] | {arguments}})
    return _then(trace, Step("Believe", arguments, after))


def _holding(trace: Trace, last: Any, node: Value, term: int, chain: tuple[Value, ...]) -> Trace:
    known = last["known"][node]
    state = state_of((*known, immutabledict(kind="Close", chain=chain)))
    answer = immutabledict(node=node, epoch=entry_epoch(known), term=term, state=state)
    held = immutabledict({**last["held"], node: immutabledict(term=term, chain=chain)})
    after = immutabledict({**last, "held": held, "answers": last["answers"] | {answer}})
    return _then(trace, Step("Hold", immutabledict(node=node, term=term, chain=chain), after))


def _doing_again(trace: Trace, last: Any, state: tuple[Value, ...]) -> Trace:
    """All learn of the whole book, and the client of the operation that is there twice believes that it was done twice."""
    steps = []
    nothing = immutabledict(term=0, chain=())
    for node in last["known"]:
        for entry in last["book"][len(last["known"][node]) :]:
            changed: dict[str, Any] = {"known": (*last["known"][node], entry)}
            if entry["kind"] != "Operation":
                changed |= {"acked": nothing, "held": nothing, "stopped": False}
            parts = {name: immutabledict({**last[name], node: value}) for name, value in changed.items()}
            last = immutabledict({**last, **parts})
            steps.append(Step("Learn", immutabledict(node=node), last))
    return _believing(_then(trace, *steps), last, entry_epoch(last["book"]), 0, state)


def leaves_all(trace: Trace) -> Trace | None:
    """Replay a counterexample of a weakened spec, and what it leads to if the weakened rule shows only then.

    Returns:
        What the implementation followed to its end, which it must not; None if it left all of it.

    Raises:
        TraceError: the rule shows nowhere.
    """
    text = configuration_text(_ROOT / trace.origin.config)
    run = replay(trace, system_of(trace))
    if run.violation is not None:
        return None
    if not _SILENT & set(re.findall(r"^ *(\w+) <- ", text, re.MULTILINE)):
        return run
    led_to = list(tempted(trace, system_of(trace)))
    if not led_to:
        raise TraceError(
            "what is weakened in it shows in no step that could follow", _ROOT / trace.origin.config
        )
    for each in led_to:
        if (run := replay(each, system_of(trace))).violation is None:
            return run
    return None


# --- checks ---------------------------------------------------------------------------------------


def replay_witnesses(context: Context) -> Outcome:
    """Replay every recorded witness, and what too many traitors lead to: the implementation follows them all."""
    return follows(context, recorded_in(_TRACES / "witness", _TRACES / "misconfigured"), system_of)


def replay_weakened(context: Context) -> Outcome:
    """Replay TLC's counterexample of every weakened spec: the implementation must leave each of them."""
    paths = recorded_in(_TRACES / "weakened")
    steps = 0
    for path in paths:
        context.progress(path.stem)
        trace = itf.read(path)
        steps += len(trace)
        if (run := leaves_all(trace)) is not None:
            followed = attrs.evolve(run, violation=trace.violation)
            reason = f"the implementation follows {path.name} to its end: it has the fault that was put into the spec"
            return violated(context, followed, reason)
    return Outcome(
        verdict=Verdict.sampled(len(paths), 0), figures=immutabledict(traces=len(paths), steps=steps)
    )


def every_edge(context: Context) -> Outcome:
    """Take every edge of a model with a Byzantine replica, and a Raft epoch that is closed."""
    spec = edges_spec()
    return takes_every_edge(context, spec, functools.partial(system_for, spec.config), edges_min=4_000)


def walks(context: Context, *, walks: int = 40, steps: int = 60, replicas: int = 4) -> Outcome:
    """Follow seeded random walks of the spec without bounds."""
    oracle = oracle_for(replicas)

    def counted(run: Trace) -> dict[str, int]:
        last: Any = run.states[-1]
        switches = sum(entry["kind"] != "Operation" for entry in last["book"])
        return {"switches": switches, "believed": len(last["believed"])}

    return walks_with(
        context,
        oracle,
        functools.partial(system_for, oracle.spec.config),
        walks=walks,
        steps=steps,
        weights=_WEIGHTS,
        counted=counted,
    )


def mutants(context: Context, *, which: str = "MUTANTS") -> Outcome:
    """Every wrong implementation is noticed by some layer. `make mutants` also tries the equivalent ones.

    Args:
        context: what `verify` gives.
        which: `MUTANTS`, or `SAMPLE` for some of them.
    """
    return all_caught(context, f"property_tests.hybrid.mutants:{which}", LAYERS)
