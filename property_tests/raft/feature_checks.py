"""The layers of `tlacheck mutants` that need no JVM: what the spec did is recorded, and taken again by the mutant.

`follows_weakened`: TLC's counterexample of each weakened spec. The right implementation leaves each of them;
one that follows it to its end has the fault that was put into the spec, and has it in as few steps.

`follows_runs`: runs with all parts on that the spec has judged.

To start the spec takes longer than most mutants need to show themselves. So the right implementation is
run first, once for all mutants and in a process of its own, as a cluster with all parts on and under all
faults, and the spec judges each of its steps. What is recorded are behaviours of the spec. They find a
mutant in four ways:

| a mutant                  | is noticed where                                                           |
|---------------------------|----------------------------------------------------------------------------|
| does something else       | a step of a run leads it to another state than the spec's                   |
| does what it must not     | at a *stop* of a run, it takes a step that the spec does not allow there     |
| believes what is late     | a message of an earlier term arrives once more, as an election begins       |
| has a host that forgets   | a server crashes while it writes, and comes back with what its journal holds |

A stop is a state where much is in the balance (`_STOPS`). Of it is recorded which timers may fire and
which requests of clients and operators may be taken. Of a late message is recorded to what the spec is
led by it.
"""

import fcntl
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import raft
from property_tests.raft.adapter import RaftSystem, message_from_spec
from property_tests.raft.features import FULL, oracle_of, system_of
from property_tests.raft.journal import JournaledSystem
from property_tests.raft.script import ACTIONS, endure
from tlacheck import itf
from tlacheck.conform.comparison import deviations, observed
from tlacheck.conform.replay import conformance, replay
from tlacheck.conform.system import NotPossible, attempt
from tlacheck.errors import TraceError
from tlacheck.trace import State, Step, Trace, Violation
from tlacheck.values import ModelValue, Value, function, to_tla
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = [
    "NOT_OF_A_SERVER",
    "Late",
    "Recorded",
    "all_parts_system",
    "follows_runs",
    "follows_weakened",
    "record_runs",
    "recorded_runs",
]

#: After which actions a run stops, and how often at most.
_STOPS: Final = immutabledict(
    HandleRequestVoteResponse=4,
    ChangeMembership=3,
    TransferLeadership=3,
    AbortTransfer=5,
    RenewLease=2,
    ClientRequest=2,
    Restart=2,
    Compact=1,
)
#: How often a run tries a kind of late message on a server of each role, at most.
_LATE_MAX: Final = 2
#: The constants of `FULL`.
_CONSTANTS: Final[immutabledict[str, Any]] = immutabledict(
    features=FULL.features,
    entries_max=FULL.entries_max,
    unacknowledged_max=FULL.unacknowledged_max,
    election_ticks=FULL.election_ticks,
    lease_ticks=FULL.lease_ticks,
)
#: What a server asks of its host when it does not do what it was asked for.
_NOTHING: Final = (raft.Refused, raft.ResetElectionTimer)
#: Weakened specs that the right implementation follows, because the fault is not a server's -> whose it is.
NOT_OF_A_SERVER: Final = immutabledict(mutant_applies_again="the host's: its state machine keeps no sessions")
_TRACES: Final = Path(__file__).resolve().parents[2] / "traces" / "golden" / "raft" / "weakened"
_RECORDED: Final = "runs.pickle"
_LOCK: Final = "runs.lock"

_NOBODY: Final[frozenset[Value]] = frozenset()

_Call = tuple[str, immutabledict[str, Value]]


@attrs.frozen
class Late:
    """A message of an earlier term that arrives once more.

    Attributes:
        message: the message; a second copy of it was on its way all the time.
        changes: the variables that the spec changes as it takes the message, `messages` always among them.
    """

    message: Value
    changes: State


@attrs.frozen(kw_only=True)
class Recorded:
    """One run, what the spec allows at its stops, and what it makes of late messages.

    Attributes:
        trace: the run.
        allowed: the number of a state -> the requests and timers that the spec allows there.
        late: the number of a state -> late messages that may arrive there.
    """

    trace: Trace
    allowed: immutabledict[int, frozenset[_Call]]
    late: immutabledict[int, tuple[Late, ...]]


def all_parts_system(on_effect: Callable[[str, raft.Effect], None] | None = None) -> RaftSystem:
    """A cluster with all parts on, and the constants of `FULL`."""
    return RaftSystem(on_effect=on_effect, **_CONSTANTS)


class _Torn(JournaledSystem):
    """The same with journals. Each server that restarts has crashed while it wrote, and that write is torn."""

    def __init__(self) -> None:
        super().__init__(on_effect=lambda *_: None, **_CONSTANTS)

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Take a step; before a restart comes the crash."""
        if action == "Restart":
            self._crash(arguments["node"].name, arguments["lastIndex"])
        super().perform(action, arguments)

    def _crash(self, name: str, last_index: int) -> None:
        """Keep what was written up to a log index, and tear the write behind that, or one that just begins."""
        journal, newest = self.journals[name], self.nodes[name].durable
        ends = [self._disks[name].last_index]
        ends += [write.value.durable.last_index for write in journal.disk.pending]
        if ends[-1] == last_index:
            journal.begin(attrs.evolve(newest, current_term=newest.current_term + 1, voted_for=None))
        journal.disk.crash(kept=ends.index(last_index) if last_index in ends else 0, torn=True)


# --- TLC's counterexamples of weakened specs -----------------------------------------------------


def follows_weakened(context: Context, *, folder: Path = _TRACES) -> Outcome:
    """Follow TLC's counterexamples, but those of `NOT_OF_A_SERVER`: none may be followed to its end.

    Raises:
        TraceError: if there are none.
    """
    traces = steps = 0
    for path in sorted(folder.glob("*.itf.json")):
        name = path.name.removesuffix(".itf.json")
        if name in NOT_OF_A_SERVER:
            continue
        trace = itf.read(path)
        run = replay(trace, system_of(trace))
        traces, steps = traces + 1, steps + len(run)
        context.progress(f"{traces} traces")
        if run.violation is None and trace.violation is not None:
            written = context.folder / "counterexample.itf.json"
            itf.write(trace, written)
            reason = f"the implementation follows {path.name} to its end"
            return Outcome(verdict=Verdict.violated(trace.violation.property, reason), trace=written)
    if not traces:
        raise TraceError("there is no recorded trace here: run tools/record_traces.py", folder)
    return Outcome(verdict=Verdict.sampled(traces, 0), figures=immutabledict(traces=traces, steps=steps))


# --- recording ----------------------------------------------------------------------------------


def record_runs(
    path: Path, *, seed: int, seeds: int, steps: int, required: Collection[str] = ACTIONS
) -> None:
    """Run a cluster from some seeds, judged by the spec, and write what it did.

    Raises:
        TraceError: if a run fails, so that the implementation is wrong already, or the runs together do not take every
            action that is required.
    """
    runs: list[Recorded] = []
    missing = set(required)
    for number in range(seed, seed + seeds):
        run = endure(number, steps=steps, setting=FULL, judged=True, rest_every=steps)
        if run.trace is None or run.broken:
            raise TraceError(f"the run of seed {number} fails without any mutant: {run.broken}", path)
        missing -= {name for name in required if run.sometimes[name]}
        runs.append(Recorded(trace=run.trace, allowed=_allowed(run.trace), late=_late(run.trace)))
    if missing:
        raise TraceError(f"no run takes {', '.join(sorted(missing))}: record more runs, or longer ones", path)
    new = path.with_suffix(".new")
    new.write_bytes(pickle.dumps(runs))
    new.replace(path)


def _allowed(trace: Trace) -> immutabledict[int, frozenset[_Call]]:
    """What the spec allows at the stops of a run."""
    oracle = oracle_of(FULL)
    stops: Counter[str] = Counter()
    allowed = {}
    for number, step in enumerate(trace.steps, start=1):
        if stops[step.action] >= _STOPS.get(step.action, 0):
            continue
        if step.action == "HandleRequestVoteResponse" and "Leader" not in step.state["role"].values():
            continue
        stops[step.action] += 1
        successors = oracle.successors(oracle.state(step.state))
        calls = {(successor.action, successor.arguments) for successor in successors}
        allowed[number] = frozenset(calls.intersection(_requests(step.state)))
    return immutabledict(allowed)


def _late(trace: Trace) -> immutabledict[int, tuple[Late, ...]]:
    """What the spec makes of messages of earlier terms that arrive once more, each time a timer fires."""
    seen: dict[tuple[Value, ...], dict[Value, None]] = {}
    tries: Counter[tuple[Value, ...]] = Counter()
    late: dict[int, tuple[Late, ...]] = {}
    for number, step in enumerate(trace.steps, start=1):
        state = step.state
        for message in dict(state["messages"]):
            told = message.get("voteGranted", message.get("success"))
            seen.setdefault((message["dest"], message["type"], told), {})[message] = None
        if step.action != "Timeout":
            continue
        found = []
        for (dest, *kind), messages in seen.items():
            old = [message for message in messages if message["term"] < state["currentTerm"][dest]]
            key = (state["role"][dest], *kind)
            if old and tries[key] < _LATE_MAX:
                tries[key] += 1
                found.append(_judged(state, old[-1]))
        late[number] = tuple(found)
    return immutabledict(late)


def _judged(state: State, message: Value) -> Late:
    """What the spec makes of a message that arrives once more."""
    oracle = oracle_of(FULL)
    before = oracle.state(state.set("messages", _with_copy(state, message)))
    (successor,) = oracle.successors(before, *_arrival(message))
    after = successor.state.values
    changes = {name: after[name] for name in state if name == "messages" or after[name] != state[name]}
    return Late(message, immutabledict(changes))


def _arrival(message: Value) -> _Call:
    """The step that takes a message."""
    return f"Handle{message['type']}", immutabledict(node=message["dest"], message=message)


def _with_copy(state: State, message: Value) -> Value:
    """The messages of a state, and one copy more of `message`."""
    messages = dict(state["messages"])
    return function({**messages, message: messages.get(message, 0) + 1})


def _requests(state: State) -> Iterator[_Call]:
    """Timers that could fire, and what clients and operators could ask for, enabled or not."""
    servers = frozenset(state["role"])
    read = ModelValue("r20")
    for node, role in state["role"].items():
        yield "Timeout", immutabledict(node=node)
        if role != "Leader":
            continue
        yield "ClientRequest", immutabledict(node=node, value=ModelValue("v1"))
        yield "RenewLease", immutabledict(node=node)
        if read not in state["reads"]:
            yield "ReadIndex", immutabledict(node=node, read=read)
            yield "LeaseRead", immutabledict(node=node, read=read)
        changes = [item["value"] for item in state["log"][node] if not isinstance(item["value"], ModelValue)]
        old = changes[-1] if changes else state["snapshot"][node]["configuration"]
        for other in sorted(servers, key=str):
            if other != node:
                yield "TransferLeadership", immutabledict(node=node, peer=other)
            for voters in (old["voters"] | {other}, old["voters"] - {other}, servers - {other}):
                for outgoing in (_NOBODY, old["voters"]):
                    for learners in dict.fromkeys(
                        (
                            old["learners"],
                            old["learners"] - voters,
                            servers - voters - outgoing,
                            frozenset(),
                        )
                    ):
                        new = immutabledict(voters=voters, outgoing=outgoing, learners=learners)
                        if voters and not learners & (voters | outgoing):
                            yield "ChangeMembership", immutabledict(node=node, configuration=new)


def recorded_runs(folder: Path, *, seed: int, seeds: int, steps: int) -> tuple[Recorded, ...]:
    """The recorded runs; whoever is the first to ask for those in `folder` has them recorded.

    They are recorded in a process of its own, where the implementation is as it is on disk.

    Raises:
        TraceError: if they could not be recorded; the process said why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _RECORDED
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            code = (
                "from pathlib import Path; from property_tests.raft.feature_checks import record_runs; "
                f"record_runs(Path({str(path)!r}), seed={seed}, seeds={seeds}, steps={steps})"
            )
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise TraceError(f"the runs could not be recorded: {done.stderr.strip()[-500:]}", path)
    runs: tuple[Recorded, ...] = tuple(pickle.loads(path.read_bytes()))  # noqa: S301 - written by this module
    return runs


# --- following ----------------------------------------------------------------------------------


def follows_runs(
    context: Context, *, seeds: int = 16, steps: int = 500, folder: Path | None = None
) -> Outcome:
    """Take the recorded runs again, step by step, and try what the spec does not allow, and what comes late.

    Args:
        context: what `verify` and `mutants` give.
        seeds: how many runs there are.
        steps: how long each of them is at least, ticks not counted.
        folder: where the recorded runs are or will be; by default beside the folders of all mutants.
    """
    runs = recorded_runs(folder or context.folder.parent.parent, seed=context.seed, seeds=seeds, steps=steps)
    taken = tried = 0
    for number, run in enumerate(runs):
        context.progress(f"run {number} of {seeds}, {taken:,} steps")
        found = replay(run.trace, _Torn())
        if found.violation is None:
            found, count = _trespass(run)
            tried += count
        if found.violation is not None:
            path = context.folder / "counterexample.itf.json"
            itf.write(found, path)
            verdict = Verdict.violated(found.violation.property, f"after {len(found)} steps of run {number}")
            return Outcome(verdict=verdict, trace=path, message="\n".join(found.violation.explanation))
        taken += len(found)
    figures = immutabledict(runs=len(runs), steps=taken, tried=tried)
    return Outcome(verdict=Verdict.sampled(len(runs), context.seed), figures=figures)


def _trespass(run: Recorded) -> tuple[Trace, int]:
    """The run up to the first step that the system takes and the spec does not; how many were tried."""
    trace, tried = run.trace, 0
    effects: list[raft.Effect] = []
    system = all_parts_system(lambda _, effect: effects.append(effect))
    system.reset(trace.initial)
    for number, step in enumerate(trace.steps, start=1):
        attempt(system, step.action, step.arguments)
        for late in run.late.get(number, ()):
            tried += 1
            if (belated := _belated(trace, number, system, late)) is not None:
                return belated, tried
        if number not in run.allowed:
            continue
        for action, arguments in _requests(step.state):
            if (action, arguments) in run.allowed[number]:
                continue
            tried += 1
            effects.clear()
            fork = system.fork()
            try:
                attempt(fork, action, arguments)
            except NotPossible:
                continue
            if fork.nodes == system.nodes and all(isinstance(effect, _NOTHING) for effect in effects):
                continue
            after = observed(fork)
            if not deviations(step.state, after):
                continue
            call = f"{action}({', '.join(f'{name} = {to_tla(value)}' for name, value in arguments.items())})"
            violation = Violation(
                property=conformance(trace.origin.spec),
                step=number + 1,
                explanation=(f"the spec allows no {call} here.", *deviations(step.state, after)),
            )
            steps = (*trace.steps[:number], Step(action, arguments, after))
            return attrs.evolve(trace, steps=steps, violation=violation), tried
    return trace, tried


def _belated(trace: Trace, number: int, system: RaftSystem, late: Late) -> Trace | None:
    """The run with a message that arrives late, if it leads the system elsewhere than the spec; else None."""
    action, arguments = _arrival(late.message)
    fork = system.fork()
    fork.network[message_from_spec(late.message)] += 1
    expected = immutabledict({**trace.states[number], **late.changes})
    attempt(fork, action, arguments)
    after = observed(fork)
    lines = deviations(expected, after)
    if not lines:
        return None
    doubled = next(at for at, state in enumerate(trace.states) if late.message in dict(state["messages"]))
    copies = [state.set("messages", _with_copy(state, late.message)) for state in trace.states]
    twice = Step("DuplicateMessage", immutabledict(message=late.message), copies[doubled])
    behind = [
        attrs.evolve(step, state=state)
        for step, state in zip(trace.steps[doubled:number], copies[doubled + 1 : number + 1], strict=True)
    ]
    violation = Violation(
        property=conformance(trace.origin.spec),
        step=number + 2,
        explanation=(f"after {action} of a late message, {len(lines)} part(s) of the state differ:", *lines),
        expected=expected,
    )
    steps = (*trace.steps[:doubled], twice, *behind, Step(action, arguments, after))
    return attrs.evolve(trace, steps=steps, violation=violation)
