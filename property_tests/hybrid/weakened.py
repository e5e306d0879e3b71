"""Counterexamples of weakened specs, from which the implementation must diverge.

Some weakened rules show in no step of a counterexample: the replica could lock an invalid QC next, or a
client accept what no quorum answered. Such a trace is continued by each such step, and the implementation
must leave all of them (`tempted`).
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl.quorum import byzantine_quorum
from property_tests.hybrid.adapter import HybridSystem
from property_tests.hybrid.projection import entry_epoch
from tlacheck.errors import TraceError
from tlacheck.tlc.configuration import configuration_text
from tlacheck.trace import Step, Trace
from tlacheck.values import Value

__all__ = ["led_to", "state_of", "tempted"]

#: Rules whose weakening may show in no step of a counterexample, but in what could follow.
_SILENT: Final = frozenset({"AcceptQuorum", "SameTerm", "VoteQuorum", "CountsIn", "MayApply", "RaftGroup"})


def tempted(trace: Trace, system: HybridSystem) -> Iterator[Trace]:
    """The trace with one more step that only a weakened spec allows.

    A client accepts, or a replica locks, something that no quorum supports.
    """
    last: Any = trace.steps[-1].state if trace.steps else trace.initial
    quorum, byzantine = byzantine_quorum(system.config.n, system.config.f), len(system.byzantine)
    base = {entry_epoch(known): state_of(known) for known in _prefixes(last["controlLog"])}

    def is_told(said: Iterable[Any]) -> bool:
        return len({each["node"] for each in said}) + byzantine >= quorum

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
        if len(state) > len(base[epoch]) and not is_told(tellers):
            yield _accepting(trace, last, epoch, term, state)
    for node, term, prefix in _each_once(
        (node, vote["term"], vote["prefix"]) for node in last["known"] for vote in last["votes"]
    ):
        known = last["known"][node]
        own = [
            vote
            for vote in last["votes"]
            if (vote["epoch"], vote["term"], vote["prefix"]) == (entry_epoch(known), term, prefix)
        ]
        if not is_told(own) and not last["aborted"][node] and last["lastVote"][node]["term"] <= term:
            yield _locking(trace, last, node, term, prefix)
    if (all_done := state_of(last["controlLog"], applies_again=True)) != state_of(last["controlLog"]):
        yield _doing_again(trace, last, all_done)


def _each_once(found: Iterable[tuple[Any, int, Any]]) -> list[tuple[Any, int, Any]]:
    return sorted(set(found), key=repr)


def _prefixes(control: tuple[Value, ...]) -> list[tuple[Value, ...]]:
    """The prefixes of a control state, longest first."""
    return [control[:length] for length in range(len(control), -1, -1)]


def state_of(control: Iterable[Any], *, applies_again: bool = False) -> tuple[Value, ...]:
    """The operations done after some entries of the control state."""
    done: tuple[Value, ...] = ()
    for entry in control:
        prefix = {"Operation": (entry.get("operation"),), "EndEpoch": entry.get("prefix")}.get(
            entry["kind"], ()
        )
        for operation in prefix:
            if applies_again or operation not in done:
                done = (*done, operation)
    return done


def _then(trace: Trace, *steps: Step) -> Trace:
    violation = trace.violation
    if violation is not None:
        violation = attrs.evolve(violation, step=len(trace) + len(steps))
    return attrs.evolve(trace, steps=(*trace.steps, *steps), violation=violation)


def _accepting(trace: Trace, last: Any, epoch: int, term: int, state: tuple[Value, ...]) -> Trace:
    arguments = immutabledict(epoch=epoch, term=term, state=state)
    after = immutabledict({**last, "accepted": last["accepted"] | {arguments}})
    return _then(trace, Step("Accept", arguments, after))


def _locking(trace: Trace, last: Any, node: Value, term: int, prefix: tuple[Value, ...]) -> Trace:
    known = last["known"][node]
    state = state_of((*known, immutabledict(kind="EndEpoch", prefix=prefix)))
    answer = immutabledict(node=node, epoch=entry_epoch(known), term=term, state=state)
    locked = immutabledict({**last["locked"], node: immutabledict(term=term, prefix=prefix)})
    after = immutabledict({**last, "locked": locked, "answers": last["answers"] | {answer}})
    return _then(trace, Step("Lock", immutabledict(node=node, term=term, prefix=prefix), after))


def _doing_again(trace: Trace, last: Any, state: tuple[Value, ...]) -> Trace:
    """Let all learn the whole control log.

    The client of the operation that is there twice accepts that it was done twice.
    """
    steps = []
    nothing = immutabledict(term=0, prefix=())
    for node in last["known"]:
        for entry in last["controlLog"][len(last["known"][node]) :]:
            changed: dict[str, Any] = {"known": (*last["known"][node], entry)}
            if entry["kind"] != "Operation":
                changed |= {"lastVote": nothing, "locked": nothing, "aborted": False}
            parts = {name: immutabledict({**last[name], node: value}) for name, value in changed.items()}
            last = immutabledict({**last, **parts})
            steps.append(Step("Learn", immutabledict(node=node), last))
    return _accepting(_then(trace, *steps), last, entry_epoch(last["controlLog"]), 0, state)


def led_to(trace: Trace, config: Path, system: HybridSystem) -> list[Trace]:
    """The traces in which a counterexample's weakened rule shows; none if it shows in a step of its own.

    Raises:
        TraceError: the rule shows nowhere.
    """
    if not _SILENT & set(re.findall(r"^ *(\w+) <- ", configuration_text(config), re.MULTILINE)):
        return []
    found = list(tempted(trace, system))
    if not found:
        raise TraceError("what is weakened in it shows in no step that could follow", config)
    return found
