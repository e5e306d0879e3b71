"""Exploration: walks that spec and system take together, chosen by a strategy, until one of them fails.

In each step the oracle says what the spec allows, a strategy (`strategy.py`) picks one of these steps, the
system takes it, and all variables that the system shows are compared. The first walk in which they
differ ends the exploration.

The work is cut into **shards** of `SHARD_STEPS` steps. A shard has its own seed, derived from the
exploration's, and is independent of the others: `guided` learns within a shard. The result of an
exploration is the merged result of its shards, in order, up to the first that fails. With a budget in
steps it therefore does not depend on how many processes share the shards. With a budget in seconds it
depends on the machine: how many shards are done, and where the last ones stop.

`explore` does all shards in this process; `WorkerPool` (module `worker_pool`) distributes them.
"""

import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import attrs
from immutabledict import immutabledict

from tlacheck import __version__
from tlacheck.conform.branches import Branches
from tlacheck.conform.comparison import deviations, observed
from tlacheck.conform.failing import take
from tlacheck.conform.novelty import Branch, Seen
from tlacheck.conform.replay import conformance
from tlacheck.conform.strategy import Strategy, strategy_named
from tlacheck.conform.system import System, closing
from tlacheck.errors import ConfigError
from tlacheck.tlc.oracle import OracleState, SpecOracle, Successor
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.verdict import Verdict

__all__ = [
    "SHARD_STEPS",
    "Exploration",
    "Plan",
    "Shard",
    "Sighting",
    "explore",
    "explore_shard",
    "merge",
    "shards",
]

#: The steps of a shard: enough for `guided` to learn from, few enough to share out.
SHARD_STEPS: Final = 5_000
#: Seconds between two reports of progress.
_BEAT_SECONDS: Final = 0.2


@attrs.frozen(kw_only=True)
class Plan:
    """The scope and budget of an exploration. Exactly one of `steps` and `seconds` is given.

    Attributes:
        strategy: its name, see `strategy.STRATEGIES`.
        steps: how many steps the system takes at most, those of prefixes that are taken again included.
        seconds: for how long, start-up not included.
        seed: decides all choices.
        length: how many steps a walk has at most.
        weights: action -> how often it is chosen among those enabled, against 1.0 for others.
        watch: names of modules whose branches are counted, and guide; see `branches`.
        required: actions without which the exploration has established nothing.
        command: the command that explores again, for the origin of a failing run.
        shard_steps: how many steps a shard has; another number gives other walks.
    """

    strategy: str = "guided"
    steps: int | None = None
    seconds: float | None = None
    seed: int = 0
    length: int = 100
    weights: Mapping[str, float] = attrs.field(factory=immutabledict)
    watch: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    command: str = ""
    shard_steps: int = SHARD_STEPS

    def __attrs_post_init__(self) -> None:
        strategy_named(self.strategy)
        if (self.steps is None) == (self.seconds is None):
            raise ConfigError("an exploration has a budget in steps or one in seconds: give one of them")
        for name in ("steps", "seconds", "length", "shard_steps"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigError(f"{name} is {value}; it has to be more than 0")
        for action, weight in self.weights.items():
            if weight < 0:
                raise ConfigError(f"the weight of {action} is {weight}; it has to be 0 or more")


@attrs.frozen
class Shard:
    """One part of an exploration.

    Attributes:
        number: its number, from 0: with the seed it decides all choices.
        steps: its budget.
    """

    number: int
    steps: int


@attrs.frozen(kw_only=True)
class Sighting:
    """The result of one shard.

    Attributes:
        steps: how many steps the system took.
        walks: in how many walks.
        states: the distinct states of the spec, as numbers.
        transitions: the distinct steps of the spec, as numbers.
        branches: the distinct branches of the watched modules.
        actions: action -> how many steps took it.
        run: the run that failed; None if none did.
    """

    steps: int
    walks: int
    states: frozenset[int]
    transitions: frozenset[int]
    branches: frozenset[Branch]
    actions: Mapping[str, int]
    run: Trace | None


@attrs.frozen(kw_only=True)
class Exploration:
    """The result of an exploration.

    Attributes:
        verdict: sampled (a case is a walk), violated, or unknown if a required action was never taken.
        plan: what was asked for.
        steps: how many steps the system took, all walks together.
        walks: how many walks there were.
        states: how many distinct states of the spec they came by.
        transitions: how many distinct steps, that is states, actions with arguments, and states after them.
        actions: action -> how many steps took it.
        branches: how many distinct branches of the watched modules were taken; None if none is watched.
        run: the run that failed, up to and with its last step; its `origin` has seed and command.
        seconds: how long it took.
    """

    verdict: Verdict
    plan: Plan
    steps: int
    walks: int
    states: int
    transitions: int
    actions: Mapping[str, int]
    branches: int | None
    run: Trace | None
    seconds: float


def shards(plan: Plan) -> Iterator[Shard]:
    """Yield the shards of an exploration; endless if its budget is in seconds."""
    if plan.steps is None:
        yield from (Shard(number, plan.shard_steps) for number in itertools.count())
        return
    for number, begin in enumerate(range(0, plan.steps, plan.shard_steps)):
        yield Shard(number, min(plan.shard_steps, plan.steps - begin))


def explore(
    oracle: SpecOracle,
    make_system: Callable[[], System],
    plan: Plan,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> Exploration:
    """Explore in this process.

    Args:
        oracle: the spec.
        make_system: makes a fresh system; called once a shard.
        plan: what to do.
        on_progress: told now and then how many steps and how many distinct states there were so far.

    Raises:
        ConfigError: a module to watch is not there, or a weight or a requirement is of no action that occurs.
        AdapterError: the adapter breaks its contract.
        SpecError: TLC cannot evaluate the spec.
    """
    started = time.monotonic()
    deadline = None if plan.seconds is None else started + plan.seconds
    sightings: list[Sighting] = []
    steps = states = 0

    def note(in_shard: int, seen: int) -> None:
        if on_progress is not None:
            on_progress(steps + in_shard, states + seen)

    for shard in shards(plan):
        with closing(make_system) as system:
            sighting = explore_shard(oracle, system, plan, shard, deadline=deadline, on_progress=note)
        sightings.append(sighting)
        steps, states = steps + sighting.steps, states + len(sighting.states)
        if sighting.run is not None or (deadline is not None and time.monotonic() >= deadline):
            break
    return merge(plan, sightings, seconds=time.monotonic() - started)


def merge(plan: Plan, sightings: Iterable[Sighting], *, seconds: float) -> Exploration:
    """Merge the results of the shards, in order, up to the first that failed."""
    steps = walks = 0
    states: set[int] = set()
    transitions: set[int] = set()
    branches: set[Branch] = set()
    actions: Counter[str] = Counter()
    run: Trace | None = None
    for sighting in sightings:
        steps, walks = steps + sighting.steps, walks + sighting.walks
        states |= sighting.states
        transitions |= sighting.transitions
        branches |= sighting.branches
        actions.update(sighting.actions)
        run = sighting.run
        if run is not None:
            break
    return Exploration(
        verdict=_verdict(plan, run, walks, actions),
        plan=plan,
        steps=steps,
        walks=walks,
        states=len(states),
        transitions=len(transitions),
        actions=immutabledict(sorted(actions.items())),
        branches=len(branches) if plan.watch else None,
        run=run,
        seconds=seconds,
    )


def _verdict(plan: Plan, run: Trace | None, walks: int, actions: Mapping[str, int]) -> Verdict:
    if run is not None and run.violation is not None:
        return Verdict.violated(run.violation.property, f"a walk leaves the spec at its step {len(run)}")
    if not actions:
        return Verdict.unknown("no step was taken: the spec allows none, or there was no time")
    if missing := sorted(plan.required - {action for action, count in actions.items() if count}):
        return Verdict.unknown(f"no walk took {', '.join(missing)}: explore longer, or weigh it higher")
    return Verdict.sampled(walks, plan.seed)


def explore_shard(
    oracle: SpecOracle,
    system: System,
    plan: Plan,
    shard: Shard,
    *,
    deadline: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Sighting:
    """Do one shard: walk after walk, until its budget is spent or one fails.

    Args:
        oracle: the spec.
        system: the system; it is reset for each walk.
        plan: what the shard is a part of.
        shard: the part.
        deadline: when to stop at the latest, on the clock `time.monotonic`.
        on_progress: told now and then the shard's steps and distinct states so far.

    Raises:
        ConfigError, AdapterError, SpecError: as `explore`.
    """
    return _Explorer(
        oracle, system, plan=plan, shard=shard, deadline=deadline, on_progress=on_progress
    ).sighting()


class _Explorer:
    """The state of one shard."""

    def __init__(
        self,
        oracle: SpecOracle,
        system: System,
        *,
        plan: Plan,
        shard: Shard,
        deadline: float | None,
        on_progress: Callable[[int, int], None] | None,
    ) -> None:
        self._oracle = oracle
        self._system = system
        self._plan = plan
        self._shard = shard
        self._deadline = deadline
        self._on_progress = on_progress
        self._told = time.monotonic()
        self._initial_states = oracle.initial_states()
        self._seen = Seen(oracle)
        self._strategy: Strategy = strategy_named(plan.strategy)(plan.weights, self._seen, plan.length)
        self._branches = Branches(plan.watch)
        self._actions: Counter[str] = Counter()
        self._steps = 0

    def sighting(self) -> Sighting:
        """Walk until the budget is spent or a walk fails."""
        walks = 0
        run: Trace | None = None
        while run is None and not self._is_over():
            before = self._steps
            run = self._walk(walks)
            walks += 1
            if self._steps == before and run is None:
                break  # the spec allows no step at all
        return Sighting(
            steps=self._steps,
            walks=walks,
            states=frozenset(self._seen.states),
            transitions=frozenset(self._seen.transitions),
            branches=frozenset(self._seen.branches),
            actions=immutabledict(self._actions),
            run=run,
        )

    def _is_over(self) -> bool:
        now = time.monotonic()
        if self._on_progress is not None and now - self._told >= _BEAT_SECONDS:
            self._told = now
            self._on_progress(self._steps, len(self._seen.states))
        return self._steps >= self._shard.steps or (self._deadline is not None and now >= self._deadline)

    def _walk(self, number: int) -> Trace | None:
        """Take one walk; return the run if it fails."""
        rng = random.Random(f"{self._plan.seed}/{self._shard.number}/{number}")  # noqa: S311 - reproducible, no secret
        prefix = self._strategy.begin(rng)
        at = prefix.initial or rng.choice(self._initial_states)
        self._system.reset(at.values)
        initial = shown = observed(self._system)
        taken: list[Step] = []
        if lines := deviations(at.values, initial):
            explanation = ("initially, the states differ:", *lines)
            return self._failed(
                initial,
                taken,
                Violation(property=self._property, step=0, explanation=explanation, expected=at.values),
            )
        self._seen.begin(at)
        while len(taken) < self._plan.length and not self._is_over():
            if len(taken) < len(prefix.steps):
                chosen = prefix.steps[len(taken)]
            else:
                allowed = self._oracle.successors(at)
                if not allowed:
                    break
                chosen = self._strategy.choose(allowed)
            with self._branches.watching() as branches:
                outcome = take(self._system, shown, chosen, lambda: self._others(at, chosen))  # noqa: B023 - called at once
            self._steps += 1
            self._actions[chosen.action] += 1
            taken.append(Step(chosen.action, chosen.arguments, outcome.found))
            if outcome.failure is not None:
                return self._failed(
                    initial, taken, outcome.failure.violation(self._oracle.spec.module, len(taken))
                )
            if outcome.taken is not chosen and outcome.taken is not None:
                prefix = attrs.evolve(
                    prefix, steps=()
                )  # another outcome: the rest of the prefix does not follow
                chosen = outcome.taken
            self._strategy.took(chosen, self._seen.note(at, chosen, branches))
            at, shown = chosen.state, outcome.found
        return None

    def _others(self, at: OracleState, chosen: Successor) -> tuple[Successor, ...]:
        return self._oracle.successors(at, chosen.action, chosen.arguments)

    @property
    def _property(self) -> str:
        return conformance(self._oracle.spec.module)

    def _failed(self, initial: State, taken: list[Step], violation: Violation) -> Trace:
        spec = self._oracle.spec
        return Trace(
            initial=initial,
            steps=tuple(taken),
            origin=Origin(
                source="explore",
                spec=str(spec.path),
                config=str(spec.config),
                engine=self._oracle.engine.label,
                seed=self._plan.seed,
                command=self._plan.command,
                versions=immutabledict({"tlacheck": __version__, "python": sys.version.partition(" ")[0]}),
            ),
            violation=violation,
        )
