"""Strategies that choose the next step of a walk among those that the spec allows.

A walk asks `begin` for its first steps, calls `choose` before each further step, and reports the result
to `took`. All randomness comes from the generator given to `begin`, so a walk is the same for the same
seed, spec and system.

| strategy | decides                                                                                         |
|----------|-------------------------------------------------------------------------------------------------|
| `random` | an action by weight, then one of its instances                                                  |
| `swarm`  | the same, but each walk leaves out some actions and favours others|
| `pct`    | the actor with the highest priority; a few times the highest is put last|
| `guided` | as `random`, but prefers new states and prefixes that led to something new|

Swarm testing: Groce et al., "Swarm testing", 2012. Pct: Burckhardt et al., "A randomized scheduler with
probabilistic guarantees of finding bugs", 2010. Guided: as greybox fuzzers do.

An action with many instances does not crowd out one with few: every strategy chooses among actions first.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.conform.novelty import Novelty, Seen
from tlacheck.errors import ConfigError
from tlacheck.tlc.oracle import OracleState, Successor
from tlacheck.values import ModelValue

__all__ = [
    "STRATEGIES",
    "Guided",
    "Pct",
    "Prefix",
    "Random",
    "Strategy",
    "Swarm",
    "strategy_named",
    "weighted_choice",
]


@attrs.frozen
class Prefix:
    """The beginning of a walk: an initial state of the spec, and steps from there.

    Attributes:
        initial: None leaves the choice to the walk.
        steps: the steps, in order.
    """

    initial: OracleState | None = None
    steps: tuple[Successor, ...] = ()


class Strategy(Protocol):
    """Chooses the steps of one walk after another."""

    def begin(self, rng: random.Random) -> Prefix:
        """Begin a walk; all its randomness comes from `rng`."""

    def choose(self, allowed: Sequence[Successor]) -> Successor:
        """Choose one of the steps that the spec allows; there is at least one."""

    def took(self, step: Successor, novelty: Novelty) -> None:
        """Note that the system took the step as the spec demands; `novelty` says what was new."""


#: Creates a strategy from the weights, the coverage so far, and the length of walks.
Maker: TypeAlias = Callable[[Mapping[str, float], Seen, int], Strategy]


def weighted_choice(
    rng: random.Random, allowed: Sequence[Successor], weights: Mapping[str, float]
) -> Successor:
    """Choose an action by weight (1.0 unless given), then one of its instances."""
    return rng.choice(_instances(rng, allowed, weights))


def _instances(
    rng: random.Random, allowed: Sequence[Successor], weights: Mapping[str, float]
) -> list[Successor]:
    """Choose an action by weight and return its instances; if all weights are 0, any action."""
    actions = sorted({step.action for step in allowed})
    shares = [weights.get(action, 1.0) for action in actions]
    (action,) = rng.choices(actions, shares if any(shares) else None)
    return [step for step in allowed if step.action == action]


class Random:
    """Chooses by weight, without memory."""

    def __init__(self, weights: Mapping[str, float], seen: Seen, length: int) -> None:
        del seen, length
        self._weights = weights
        self._rng = random.Random()  # noqa: S311 - replaced by the walk's own, reproducible one

    def begin(self, rng: random.Random) -> Prefix:
        """Plan nothing."""
        self._rng = rng
        return Prefix()

    def choose(self, allowed: Sequence[Successor]) -> Successor:
        """Choose an action by weight, then an instance."""
        return weighted_choice(self._rng, allowed, self._weights)

    def took(self, step: Successor, novelty: Novelty) -> None:
        """Learn nothing."""


class Swarm:
    """Chooses by weights that are drawn anew for each walk.

    Each action is left out of a walk with probability 1/8; otherwise its weight is multiplied by a
    factor from 1/4 to 4. So walks differ in kind: one has no losses, one has elections all the time. If
    only actions that were left out are enabled, the walk takes one of them.
    """

    _FACTORS: Final = (0.0, 0.25, 0.5, 1.0, 1.0, 1.0, 2.0, 4.0)

    def __init__(self, weights: Mapping[str, float], seen: Seen, length: int) -> None:
        del seen, length
        self._weights = weights
        self._rng = random.Random()  # noqa: S311 - as above
        self._drawn: dict[str, float] = {}

    def begin(self, rng: random.Random) -> Prefix:
        """Forget the last walk's weights."""
        self._rng, self._drawn = rng, {}
        return Prefix()

    def choose(self, allowed: Sequence[Successor]) -> Successor:
        """Choose an action by this walk's weights, then an instance."""
        for action in sorted({step.action for step in allowed} - self._drawn.keys()):
            self._drawn[action] = self._weights.get(action, 1.0) * self._rng.choice(self._FACTORS)
        return weighted_choice(self._rng, allowed, self._drawn)

    def took(self, step: Successor, novelty: Novelty) -> None:
        """Learn nothing."""


#: The actor of a step: the action, and those of its arguments that are model values (nodes,
#: clients, peers).
Actor: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]


class Pct:
    """Runs the actor with the highest priority; at a few random steps, drops it to the lowest for good.

    An actor is an action with those of its arguments that are model values, or that they are sent to.
    Threads, for which the method was made, block; an actor whose action is always enabled (a timeout)
    would go on for ever. So an actor draws a new priority after each of its steps, while one that waits
    keeps what it has: some are delayed for long, none for ever except those that were dropped. The
    paper's bound on the probability of finding a bug does not carry over.

    Args:
        changes: how often in a walk the highest is put last: the depth of the bugs looked for, less one.
    """

    def __init__(self, weights: Mapping[str, float], seen: Seen, length: int, *, changes: int = 3) -> None:
        del seen
        self._weights = weights
        self._length = length
        self._changes = changes
        self._rng = random.Random()  # noqa: S311 - as above
        self._priorities: dict[Actor, float] = {}
        self._points: frozenset[int] = frozenset()
        self._number = 0

    def begin(self, rng: random.Random) -> Prefix:
        """Draw the change points, and forget all priorities."""
        self._rng, self._priorities, self._number = rng, {}, 0
        self._points = frozenset(rng.sample(range(self._length), min(self._changes, self._length)))
        return Prefix()

    def choose(self, allowed: Sequence[Successor]) -> Successor:
        """Choose a step of the actor with the highest priority."""
        steps: dict[Actor, list[Successor]] = {}
        for step in allowed:
            steps.setdefault(_actor(step), []).append(step)
        for actor in sorted(steps.keys() - self._priorities.keys()):
            self._priorities[actor] = self._draw(actor)
        highest = max(sorted(steps), key=self._priorities.__getitem__)
        if self._number in self._points:
            self._priorities[highest] = -1.0 - self._number
            highest = max(sorted(steps), key=self._priorities.__getitem__)
        elif self._priorities[highest] >= 0:
            self._priorities[highest] = self._draw(highest)
        self._number += 1
        return self._rng.choice(steps[highest])

    def took(self, step: Successor, novelty: Novelty) -> None:
        """Learn nothing."""

    def _draw(self, actor: Actor) -> float:
        """Draw a priority: the heavier the action, the higher (Efraimidis and Spirakis, 2006)."""
        weight = self._weights.get(actor[0], 1.0)
        return float(self._rng.random() ** (1.0 / weight)) if weight > 0 else 0.0


def _actor(step: Successor) -> Actor:
    arguments = step.arguments
    return step.action, tuple(
        (name, arguments[name].name) for name in sorted(arguments) if isinstance(arguments[name], ModelValue)
    )


#: Prefixes much shorter than this cost about the same.
_CHEAP_STEPS: Final = 10


@attrs.define
class _Entry:
    """A prefix that led to something new, its novelty, and how often it was used."""

    prefix: Prefix
    worth: float
    begun: int = 0

    @property
    def energy(self) -> float:
        """Return its share among all prefixes. A long one costs as many steps again, for nothing new."""
        return self.worth / (1 + self.begun) / (_CHEAP_STEPS + len(self.prefix.steps))


class Guided:
    """Prefers new states, and returns to prefixes that found something new.

    Each step that showed something new (see `novelty`) is kept with the way to it. A walk begins afresh
    with probability `_FRESH`, else with one of these prefixes; a prefix is likelier the more new things
    it showed, the less often it was used and the shorter it is. Among the instances of an action, those
    that lead to unseen states are preferred.
    """

    _FRESH: Final = 0.3
    _PREFERENCE: Final = 0.8
    _KEPT_MAX: Final = 400

    def __init__(self, weights: Mapping[str, float], seen: Seen, length: int) -> None:
        self._weights = weights
        self._seen = seen
        self._length = length
        self._rng = random.Random()  # noqa: S311 - as above
        self._corpus: list[_Entry] = []
        self._path: list[Successor] = []
        self._planned = 0

    def begin(self, rng: random.Random) -> Prefix:
        """Begin afresh, or with a prefix from the corpus."""
        self._rng, self._path, self._planned = rng, [], 0
        if not self._corpus or rng.random() < self._FRESH:
            return Prefix()
        (entry,) = rng.choices(self._corpus, [entry.energy for entry in self._corpus])
        entry.begun += 1
        self._planned = len(entry.prefix.steps)
        return entry.prefix

    def choose(self, allowed: Sequence[Successor]) -> Successor:
        """Choose an action by weight, then an instance, preferring one that leads to a new state."""
        instances = _instances(self._rng, allowed, self._weights)
        if len(instances) > 1 and self._rng.random() < self._PREFERENCE:
            new = [step for step in instances if not self._seen.has_state(step.state)]
            instances = new or instances
        return self._rng.choice(instances)

    def took(self, step: Successor, novelty: Novelty) -> None:
        """Keep the way to here if it was worth it."""
        self._path.append(step)
        if novelty.worth < 1.0 or len(self._path) <= self._planned or len(self._path) >= self._length:
            return
        self._corpus.append(_Entry(Prefix(novelty.initial, tuple(self._path)), novelty.worth))
        if len(self._corpus) > self._KEPT_MAX:
            self._corpus.remove(min(self._corpus, key=lambda entry: entry.energy))


#: Name -> the factory of the strategy.
STRATEGIES: Final[Mapping[str, Maker]] = immutabledict(random=Random, swarm=Swarm, pct=Pct, guided=Guided)


def strategy_named(name: str) -> Maker:
    """Return the factory of the strategy of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in STRATEGIES:
        raise ConfigError(f"there is no strategy {name!r}; there are {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
