"""Hypothesis state machines whose examples depend on the seed alone, and differ from each other.

Hypothesis draws some numbers and texts from the source of the project's modules, of those that the process
has imported so far. The same seed then gives other examples in a run of one test than in a run of all, and
the command that repeats a failure need not repeat it. Here nothing is drawn from there, so what else was
imported does not matter.

From the eleventh example on, Hypothesis also follows each new example by about five variants of it: of 200
runs of a rule some 35 begin with another number than those before. That finds failures that need equal values
in two places sooner, and what a long run of rules meets later. Here each ten examples are a run of their own,
and some 150 of 200 differ.

Hypothesis has no setting for the first (6.170), so one of its functions is replaced while a machine runs;
`tests/harness/test_seeded.py` says whether it still is the right one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import hypothesis
from hypothesis import settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

__all__ = ["run_seeded"]

#: From this example of a run on, Hypothesis varies new examples.
_NEW_EXAMPLES: Final = 10


def run_seeded(machine: type[RuleBasedStateMachine], *, seed: int, limits: settings) -> None:
    """Run a machine; the same seed and limits give the same examples, if the limits have no database.

    Args:
        machine: the rules.
        seed: Hypothesis' seed.
        limits: Hypothesis' settings.

    Raises:
        Exception: as the machine does.
    """
    with _nothing_drawn_from_the_code():
        for begin in range(0, limits.max_examples, _NEW_EXAMPLES):
            some = settings(limits, max_examples=min(_NEW_EXAMPLES, limits.max_examples - begin))
            run_state_machine_as_test(hypothesis.seed(f"{seed}:{begin}")(machine), settings=some)


@contextmanager
def _nothing_drawn_from_the_code() -> Iterator[None]:
    drawn_from = providers._get_local_constants  # noqa: SLF001 - there is no other way, see above
    none = Constants()
    providers._get_local_constants = lambda: none  # noqa: SLF001 - as above
    providers.CONSTANTS_CACHE.cache.clear()  # what may be drawn is remembered there
    try:
        yield
    finally:
        providers._get_local_constants = drawn_from  # noqa: SLF001 - as above
        providers.CONSTANTS_CACHE.cache.clear()
