"""Runs of the coordination flow under faults, and what is demanded of each answer.

| property    | says                                                                            |
|-------------|---------------------------------------------------------------------------------|
| `Answered`  | each query has one answer, within the time that the client waits                |
| `Accounted` | each agent that a query concerns has a value or a reason, and the outcome fits  |
| `Way`       | only what goes by Raft has a log index, and it has one unless it failed         |
| `Written`   | a value is one that the agent wrote                                             |
| `Behind`    | after a barrier has passed, no later question is answered by an older write     |
| `Progress`  | when all are back, or all but one coordinator, each way gives a complete answer |
| `Prompt`    | when all are back, an answer comes before any deputy would be asked             |
"""

import random
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from impl.coordination import Outcome
from impl.manager import barrier
from property_tests.coordination.cluster import CHASE_MS, SILENT_MS, Done, Flow, topology
from tlacheck.verdict import Verdict
from tlacheck.verify import Context
from tlacheck.verify import Outcome as Checked

__all__ = ["BOUND_MS", "Run", "account", "findings", "flow_under_faults"]

#: Three coordinators, each of which may be silent for two seconds; and the delays of messages.
BOUND_MS: Final = 3 * SILENT_MS + 50
_SIZES: Final = (4, 5, 6, 4, 5)
#: A type of query -> True if it is for Raft within a category too (A102, Message Types). The judge never asks
#: `impl.coordination.way_of`: a wrong way would be wrong there.
_IS_FOR_RAFT: Final = {"Q-table sync": False, "dependency check": True}


@attrs.define
class Run:
    """A cluster with a memory of what agents wrote, and of barriers.

    Attributes:
        flow: the cluster.
        written: (agent, value) -> the greatest index at which it was written.
        passed: agent -> when barriers passed for it, with their fences.
        asked: how many queries there are.
    """

    flow: Flow
    written: dict[tuple[str, Any], int] = attrs.field(factory=dict)
    passed: list[tuple[int, int]] = attrs.field(factory=list)
    asked: int = 0

    @classmethod
    def of(cls, seed: int, loss: float = 0.0) -> "Run":
        """A run of five categories."""
        run = cls(Flow(topology(_SIZES), seed=seed, loss=loss))
        run.note()
        return run

    def ask(self, kind: str, categories: tuple[str, ...]) -> None:
        """The client asks."""
        self.asked += 1
        self.flow.ask(kind, categories)

    def advance(self, for_ms: int) -> None:
        """Let time pass, and remember what is written meanwhile."""
        for _ in range(0, for_ms, 20):
            self.flow.advance(20)
            self.note()

    def note(self) -> None:
        """Remember what all agents have written, and which barriers passed."""
        for agent in self.flow.agents:
            index, value = self.flow.own(agent)
            self.written[agent, value] = max(index, self.written.get((agent, value), 0))
        for at_ms, ended in self.flow.ended[len(self.passed) :]:
            index = ended.index if ended.result is barrier.Result.PASSED else 0
            self.passed.append((at_ms, index))

    def fence_at(self, at_ms: int) -> int:
        """The greatest fence of the barriers for all agents that had passed by then."""
        return max((index for when, index in self.passed if when <= at_ms), default=0)


def findings(run: Run) -> Iterator[tuple[str, str]]:
    """The properties that the answers of a run break, and why."""
    numbers = [each.answer.number for each in run.flow.done]
    if sorted(numbers) != list(range(run.asked)):
        yield "Answered", f"of {run.asked} queries these were answered: {sorted(numbers)}"
    for each in run.flow.done:
        if each.took_ms > BOUND_MS:
            yield "Answered", f"query {each.answer.number} took {each.took_ms} ms"
        yield from _of_answer(run, each)


def _of_answer(run: Run, done: Done) -> Iterator[tuple[str, str]]:
    answer, shape = done.answer, run.flow.shape
    agents, told = set(shape.agents(done.query)), set(answer.values) | set(answer.missing)
    outcome = (
        Outcome.COMPLETE
        if set(answer.values) == agents
        else Outcome.PARTIAL
        if answer.values
        else Outcome.FAILED
    )
    is_said = bool(answer.reason) if outcome is Outcome.FAILED else told == agents
    if answer.outcome is not outcome or not is_said or set(answer.values) & set(answer.missing):
        yield (
            "Accounted",
            f"query {answer.number} is {answer.outcome.value}: {len(told)} of {len(agents)} agents",
        )
    by_raft = _IS_FOR_RAFT[done.query.type] or len(done.query.categories) > 1
    if answer.outcome is not Outcome.FAILED and (answer.index is not None) is not by_raft:
        yield "Way", f"query {answer.number} was read at {answer.index}"
    fence = run.fence_at(done.asked_ms)
    for agent, value in answer.values.items():
        index = run.written.get((agent, value))
        if index is None:
            yield "Written", f"{agent} never wrote {value!r}"
        elif index < fence:
            yield "Behind", f"{agent} wrote {value!r} at {index}, before the fence at {fence} that has passed"


def _happens(run: Run, rng: random.Random) -> None:
    """One thing: a question, a write, a fault, a fence, a barrier."""
    flow = run.flow
    down = flow.world.down
    match rng.randrange(10):
        case 0 | 1 | 2 | 3:
            count = rng.choice((1, 1, 2, 5))
            run.ask(rng.choice(sorted(_IS_FOR_RAFT)), tuple(rng.sample(sorted(flow.shape.categories), count)))
        case 4 | 5:
            flow.write(rng.choice(flow.agents), rng.randrange(1 << 30))
        case 6:
            name = rng.choice((*flow.shape.coordinators, *flow.agents[:3]))
            if len(down) < 2 and name not in down:
                flow.crash(name)
        case 7 if down:
            flow.restart(rng.choice(sorted(down)))
        case 8 if (leader := flow.leader()) is not None:
            flow.propose(barrier.Fence())
            run.advance(200)
            flow.open(leader, flow.agents)
        case 9:
            nodes = sorted(flow.gossips)
            flow.world.heal() if flow.world.groups else flow.world.partition(
                rng.sample(nodes, len(nodes) // 3)
            )


def _round(run: Run) -> list[Done]:
    """A query of each way, and their answers."""
    before, everything = len(run.flow.done), tuple(run.flow.shape.categories)
    for names in (everything[:1], everything[1:2]):
        run.ask("Q-table sync", names)
    run.ask("dependency check", everything)
    for _ in range(0, BOUND_MS, 50):
        if len(run.flow.done) == run.asked:
            break
        run.advance(50)
    return run.flow.done[before:]


def _progress(run: Run) -> Iterator[tuple[str, str]]:
    """All are back: each way gives a complete answer, and still does so when a coordinator is down.

    Then the client waits for that one now and then only: of two rounds one has no query that does.
    """
    flow, everything = run.flow, tuple(run.flow.shape.categories)
    own, leader = flow.shape.deputies(everything[0])[0], flow.leader()
    whole = _round(run)
    for late in (each for each in whole if each.took_ms >= CHASE_MS):
        yield "Prompt", f"all are back, and query {late.answer.number} took {late.took_ms} ms"
    flow.crash(own if own != leader else flow.shape.deputies(everything[1])[0])
    first, *others = (_round(run) for _ in range(3))
    if all(any(each.took_ms >= SILENT_MS for each in found) for found in others):
        yield "Remembers", f"a query of each round waits for the one that is down: {others[-1]}"
    for done in (*whole, *first, *(each for found in others for each in found)):
        if done.answer.outcome is not Outcome.COMPLETE:
            said = done.answer.reason or dict(done.answer.missing)
            yield "Progress", f"all are back, and query {done.answer.number} is not complete: {said}"


def under_faults(
    seed: int, tell: Callable[[str], None] = lambda _: None
) -> tuple[Run, list[tuple[str, str]]]:
    """A run with faults, and at its end one without; `tell` as in `Flow`."""
    rng = random.Random(f"flow {seed}")  # noqa: S311 - a reproducible run, no secret
    run = Run.of(seed, loss=rng.choice((0.0, 0.05, 0.2)))
    run.flow.tell = tell
    run.advance(1_500)
    for _ in range(60):
        _happens(run, rng)
        run.advance(rng.randrange(50, 600))
    flow = run.flow
    flow.world.heal()
    flow.world.network = attrs.evolve(flow.world.network, loss=0.0)
    for name in sorted(flow.world.down):
        flow.restart(name)
    run.advance(30_000)
    broken = list(findings(run))
    broken += _progress(run)
    return run, broken


def account(seed: int) -> list[str]:
    """Each step of the coordinators and of the client in a run under faults.

    Raises:
        ValueError: the run breaks a property.
    """
    steps: list[str] = []
    _, broken = under_faults(seed, steps.append)
    if broken:
        raise ValueError(f"the run of seed {seed} breaks {broken[0]}")
    return steps


def flow_under_faults(context: Context, seeds: int = 10) -> Checked:
    """Runs with crashes, partitions, loss, fences and barriers."""
    kinds, queries, passed = dict.fromkeys(Outcome, 0), 0, 0
    for seed in range(context.seed, context.seed + seeds):
        context.progress(f"seed {seed}")
        run, broken = under_faults(seed)
        if broken:
            name, why = broken[0]
            return Checked(verdict=Verdict.violated(name, why), message=f"seed {seed}: {why}")
        queries += len(run.flow.done)
        passed += sum(index > 0 for _, index in run.passed)
        for done in run.flow.done:
            kinds[done.answer.outcome] += 1
    figures = {"queries": queries, "barriers passed": passed}
    figures |= {outcome.value: count for outcome, count in kinds.items()}
    if not all((*kinds.values(), passed)):
        return Checked(verdict=Verdict.unknown(f"never met: {figures}"), figures=figures)
    return Checked(verdict=Verdict.sampled(queries, context.seed), figures=figures)
