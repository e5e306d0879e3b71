"""States of the specs here, read late and compared with what they are when they are read at once.

TLC's values are lazy. Whatever was done between the context at which TLC made a state and the context at
which somebody reads it, the state must be the same. `audit` walks a spec at random, keeps all successors of
all states unread, and reads them at the end, each against the state of a second oracle that reads at once.
`python -m property_tests.late_reading` does so for every spec that an oracle answers from.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs
import click

from property_tests.barrier import replays as barrier
from property_tests.gossip import replays as gossip
from property_tests.hotstuff import replays as hotstuff
from property_tests.hybrid import adapter as hybrid
from property_tests.pbft import adapter as pbft
from property_tests.raft import settings as raft
from property_tests.threat import adapter as threat
from property_tests.vote import adapter as vote
from tlacheck.errors import TlacheckError
from tlacheck.tlc import OracleState, Spec, SpecOracle
from tlacheck.trace import State

__all__ = ["SPECS", "Late", "audit", "compare", "walk"]

#: The specs that oracles answer from, by protocol.
SPECS: Mapping[str, Callable[[], Spec]] = {
    "barrier": lambda: barrier.REPLAYS.walks.spec(barrier.REPLAYS.specs),
    "gossip": lambda: gossip.REPLAYS.walks.spec(gossip.REPLAYS.specs),
    "hotstuff": lambda: hotstuff.REPLAYS.walks.spec(hotstuff.REPLAYS.specs),
    "hybrid": lambda: hybrid.spec_for(4),
    "pbft": lambda: pbft.spec_for(4),
    "raft": lambda: raft.spec_for(3),
    "threat": lambda: threat.spec_for(4),
    "vote": lambda: vote.spec_for(4),
}

#: How many steps a walk takes at most.
_STEPS = 80


@attrs.frozen(kw_only=True)
class Late:
    """Result of an audit.

    Attributes:
        states: how many states were compared.
        wrong: in how many of them each variable had another value when it was read late.
        errors: how often each error was raised by late reading.
    """

    states: int
    wrong: Counter[str]
    errors: Counter[str]

    @property
    def is_clean(self) -> bool:
        """True if no value differed and no error was raised."""
        return not self.wrong and not self.errors


def walk(
    oracle: SpecOracle, seed: int, steps: int, *, at_once: bool = False
) -> Iterator[Sequence[OracleState]]:
    """The successors of each state on a random walk, the one that the walk goes on from first.

    Actions are drawn before steps, so that an action with few steps is taken as often as one with many.

    Args:
        oracle: of the spec.
        seed: decides the walk. Two oracles of one spec take the same walk.
        steps: how long the walk is; it ends earlier in a state without successors.
        at_once: whether each state is read as soon as it is there.
    """
    rng = random.Random(seed)  # noqa: S311 - a reproducible walk, no secret
    current = oracle.initial_states()[0]
    yield [current]
    for _ in range(steps):
        allowed = oracle.successors(current)
        if at_once:
            for each in allowed:
                _ = each.state.values
        if not allowed:
            return
        action = rng.choice(sorted({each.action for each in allowed}))
        current = rng.choice([each.state for each in allowed if each.action == action])
        yield [current, *(each.state for each in allowed if each.state is not current)]


def compare(early: Sequence[State], read: Sequence[Callable[[], State]]) -> Late:
    """Compare states that were read at once with what each of `read` gives now."""
    wrong, errors = Counter[str](), Counter[str]()
    for expected, late in zip(early, read, strict=True):
        try:
            found = late()
        except TlacheckError as error:
            errors[str(error)] += 1
        else:
            wrong.update(name for name, value in expected.items() if found[name] != value)
    return Late(states=len(early), wrong=wrong, errors=errors)


def audit(spec: Spec, *, states: int, steps: int = _STEPS, seed: int = 0) -> Late:
    """Compare late with early reading in at least so many states of random walks of so many steps."""
    kept, told = SpecOracle(spec), SpecOracle(spec)
    late: list[OracleState] = []
    early: list[State] = []
    while len(late) < states:
        late += [state for group in walk(kept, seed, steps) for state in group]
        early += [state.values for group in walk(told, seed, steps, at_once=True) for state in group]
        seed += 1
    return compare(early, [lambda state=state: state.values for state in late])  # type: ignore[misc]  # bound at once


@click.command()
@click.option("--states", type=click.IntRange(min=1), default=10_000, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.argument("protocols", nargs=-1, type=click.Choice(sorted(SPECS)))
@click.pass_context
def main(context: click.Context, protocols: tuple[str, ...], states: int, seed: int) -> None:
    """Compare late with early reading in at least so many states of each protocol's spec."""
    clean = True
    for protocol in protocols or sorted(SPECS):
        found = audit(SPECS[protocol](), states=states, seed=seed)
        clean &= found.is_clean
        click.echo(
            f"{protocol:8} {found.states:>8,} states: {found.wrong.total()} values wrong, "
            f"{found.errors.total()} errors"
        )
        for words, count in (found.wrong + found.errors).most_common(5):
            click.echo(f"  {count:>6} {words}")
    context.exit(0 if clean else 1)


if __name__ == "__main__":
    main()
