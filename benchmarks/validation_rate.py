"""Events of run logs validated a second, from 300 to 30,000 events; and whether the time is linear.

The log is a walk of Raft with three servers, written in two ways:

* `all arguments`: each event has its action, all arguments, and what its server knows of itself;
* `header`: as `raft/validation` logs it: of a received message a few fields, and lost messages not at all.

The baseline, on the same log, is the usual method (Cirstea, Kuppe, Loillier and Merz, "Validating
Traces of Distributed Programs Against TLA+ Specifications", 2024): a module is generated that holds the
log as a constant and constrains each action of the spec by its next line, and TLC checks it. It gets
the log with all arguments, that is one candidate an event; without its own start, which is measured
with a log of one event. It ends at BASELINE_MAX events.

Then the cost of logging less: runs of a simulated cluster with faults that log, of received messages,
everything, a few fields, sender and term, or nothing.

All times are CPU times, of this process and of the baseline's; memory is this process', at its greatest.
"""

import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from immutabledict import immutabledict

from benchmarks._machine import ROOT, begin, java, leave, sized
from property_tests.raft.protocol import RAFT
from property_tests.raft.runs import HEADER, HIDDEN, NOTHING, OWN, log_of, simulate
from property_tests.raft.settings import spec_for
from tlacheck.conform.validate import validate
from tlacheck.engine import Engine
from tlacheck.runlog import Event, Header, Run
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.trace import Origin
from tlacheck.values import Value, to_tla

SIZES = sized((300, 1_000, 3_000, 10_000, 30_000), (10, 20))
BASELINE_MAX = sized(3_000, 20)
ROUNDS = sized(3, 1)
RUNS, RUN_STEPS, STATES_MAX = sized((12, 200, 500), (1, 20, 500))
RECEIVED = {"a few fields": HEADER, "sender and term": ("source", "term"), "nothing": NOTHING}
#: Terms, logs and the network of an endless walk would grow without end, and each step with them.
TERM_MAX, LOG_MAX, WIRE_MAX = 6, 4, 6


def main() -> None:
    """Measure and print."""
    engine = begin("Events validated a second, Raft with three servers, CPU time")
    oracle = SpecOracle(spec_for(3), engine=engine)
    whole = behaviour(oracle, max(SIZES), seed=1)
    rates: dict[tuple[str, int], float] = {}
    for name, make, hidden in (("all arguments", in_full, ()), ("header", by_header, HIDDEN)):
        for size in SIZES:
            run = log([each for each in map(make, whole[:size]) if each is not None])
            rate, peak = best(run, oracle, hidden)
            rates[name, size] = rate
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{name:<14} {len(run.events):>7,} events {rate:>9,.0f} events/s   "
                f"at most {peak:,} states fit   {memory:,.0f} MB",
                flush=True,
            )
    baselines = []
    start = min(baseline(engine, whole[:1]) for _ in range(ROUNDS))
    for size in (each for each in SIZES if each <= BASELINE_MAX):
        spent = min(baseline(engine, whole[:size]) for _ in range(1 if size > SIZES[0] else ROUNDS))
        baselines.append(size / max(spent - start, 0.001))
        print(
            f"{'TLC, generated':<14} {size:>7,} events {baselines[-1]:>9,.0f} events/s   "
            f"{size / spent:,.0f} with its start",
            flush=True,
        )
    log_less(oracle)
    first, last = rates["all arguments", SIZES[0]], rates["all arguments", SIZES[-1]]
    print(
        f"validation_rate: events_per_second={last:.0f} "
        f"header_events_per_second={rates['header', SIZES[-1]]:.0f} "
        f"rate_30000_to_300={last / first:.2f} tlc_generated_events_per_second={baselines[-1]:.0f} "
        f"ratio_to_tlc={rates['all arguments', BASELINE_MAX] / baselines[-1]:.2f}"
    )
    leave()


# --- logs

Step = tuple[str, immutabledict[str, Value], immutabledict[str, Value]]


def behaviour(oracle: SpecOracle, size: int, *, seed: int) -> list[Step]:
    """Draw a walk of the spec within bounds: action, arguments, and its server's own knowledge afterwards."""
    rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
    state = oracle.initial_states()[0]
    steps: list[Step] = []
    while len(steps) < size:
        allowed = [step for step in oracle.successors(state) if _is_small(step.state.values)]
        actions = sorted({step.action for step in allowed})
        action = rng.choices(actions, [0.2 if each in {"Timeout", "Restart"} else 1.0 for each in actions])[0]
        step = rng.choice([step for step in allowed if step.action == action])
        state = step.state
        node = step.arguments.get("node")
        own = {} if node is None else {name: state.values[name][node] for name in OWN}
        steps.append((action, step.arguments, immutabledict(own)))
    return steps


def _is_small(values: immutabledict[str, Value]) -> bool:
    return (
        max(values["currentTerm"].values()) <= TERM_MAX
        and max(map(len, values["log"].values())) <= LOG_MAX
        and sum(values["messages"].values() if values["messages"] else (0,)) <= WIRE_MAX
    )


def in_full(step: Step) -> Event:
    """The event with all arguments."""
    action, arguments, own = step
    return Event(number=0, action=action, arguments=arguments, node=arguments.get("node"), local=own)


def by_header(step: Step) -> Event | None:
    """Return the event as `raft/validation` logs it; None for one that it does not log."""
    action, arguments, own = step
    node = arguments.get("node")
    if action in HIDDEN:
        return None
    if node is None:
        return in_full(step)
    message = arguments.get("message", {})
    known = {name: value for name, value in arguments.items() if name != "message"}
    known |= {f"message.{name}": message[name] for name in HEADER if name in message}
    return Event(number=0, action=action, arguments=immutabledict(known), node=node, local=own)


def log(events: Sequence[Event]) -> Run:
    """The log of these events."""
    return Run(header=Header(origin=Origin(source="benchmark")), events=tuple(events))


def best(run: Run, oracle: SpecOracle, hidden: Sequence[str]) -> tuple[float, int]:
    """Return the best rate of some rounds, and the most states that fitted at once."""
    rates, peak = [], 0
    for _ in range(ROUNDS if len(run.events) <= 3_000 else 1):
        started = time.process_time()
        found = validate(run, oracle, hidden=hidden)
        rates.append(found.events / (time.process_time() - started))
        peak = found.candidates_peak
        if not found.verdict.is_established:
            raise SystemExit(f"a behaviour of the spec is not accepted: {found.verdict}")
    return max(rates), peak


def log_less(oracle: SpecOracle) -> None:
    """Print how many runs are decided, and with how many states at once, as less is logged."""
    runs = [simulate(RAFT, seed, steps=RUN_STEPS) for seed in range(RUNS)]
    for name, received in RECEIVED.items():
        started = time.process_time()
        found = [
            validate(log_of(run, received=received), oracle, hidden=HIDDEN, candidates_max=STATES_MAX)
            for run in runs
        ]
        rate = sum(each.events for each in found) / (time.process_time() - started)
        decided = [each for each in found if each.verdict.is_established]
        peak = max((each.candidates_peak for each in decided), default=0)
        print(
            f"received: {name:<16} {len(decided):>3} of {RUNS} runs decided, at most {peak:,} states fit, "
            f"{rate:,.0f} events/s",
            flush=True,
        )


# --- the baseline

_ACTIONS = {
    "Timeout": "TimeoutEvent(now.node)",
    "ClientRequest": "ClientRequestEvent(now.node, now.value)",
    "AppendEntries": "AppendEntriesEvent(now.node, now.peer)",
    "Restart": "RestartEvent(now.node)",
    "DropMessage": "DropMessageEvent",
    "DuplicateMessage": "DuplicateMessageEvent",
    **{
        f"Handle{kind}": f"Handle{kind}Event"
        for kind in (
            "RequestVoteRequest",
            "RequestVoteResponse",
            "AppendEntriesRequest",
            "AppendEntriesResponse",
        )
    },
}


def module(steps: Sequence[Step]) -> str:
    """Return the module that follows these steps, a line of the log a step."""
    lines = ",\n  ".join(
        to_tla(immutabledict({**arguments, "action": action, "own": own or 0}))
        for action, arguments, own in steps
    )
    own = " /\\ ".join(f"{name}'[now.node] = now.own.{name}" for name in OWN)
    cases = "\n".join(
        f'     \\/ now.action = "{action}" /\\ {call}'
        + (" /\\ event'.message = now.message" if "Handle" in action or "Message" in action else "")
        + ("" if "Message" in action else f" /\\ {own}")
        for action, call in _ACTIONS.items()
    )
    return f"""---- MODULE Followed ----
EXTENDS RaftEvents, TLC
CONSTANTS n1, n2, n3, v1, v2, v3
VARIABLE line
Log == <<
  {lines}
>>
FollowedInit == EventInit /\\ line = 1
FollowedNext ==
  /\\ line <= Len(Log)
  /\\ line' = line + 1
  /\\ LET now == Log[line] IN
{cases}
View == <<vars, line>>
====
"""


CONFIG = """INIT FollowedInit
NEXT FollowedNext
VIEW View
CHECK_DEADLOCK FALSE
CONSTANTS
  n1 = n1
  n2 = n2
  n3 = n3
  v1 = v1
  v2 = v2
  v3 = v3
  Server = {n1, n2, n3}
  Value = {v1, v2, v3}
  Nil = Nil
  NoOp = NoOp
  MaxEntries = 2
  Founders = {n1, n2, n3}
  Read = {}
  Features = {}
  MaxUnacknowledged = 1
  ElectionTicks = 1
  LeaseTicks = 0
  MaxSkew = 1
"""


def baseline(engine: Engine, steps: Sequence[Step]) -> float:
    """Return the CPU seconds that TLC takes for the log, its start included."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in (ROOT / "specs" / "raft").glob("Raft*.tla"):
            (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        (folder / "Followed.tla").write_text(module(steps), encoding="utf-8")
        (folder / "Followed.cfg").write_text(CONFIG, encoding="utf-8")
        command = [str(java()), "-XX:+UseSerialGC", "-Xss64m", "-cp", str(engine.jar), "tlc2.TLC"]
        command += ["-workers", "1", "-config", "Followed.cfg", "Followed.tla"]
        before = os.times()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        after = os.times()
    depth = re.search(r"depth of the complete state graph search is (\d+)", done.stdout)
    if done.returncode or depth is None or int(depth[1]) != len(steps) + 1:
        sys.stdout.write(done.stdout[-3000:])
        raise SystemExit(f"TLC does not accept the log of {len(steps)} events")
    return (after.children_user - before.children_user) + (after.children_system - before.children_system)


if __name__ == "__main__":
    main()
