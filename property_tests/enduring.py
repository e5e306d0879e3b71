"""What a run of a simulated cluster came to that was to go on for long, whatever ended it."""

from collections import Counter
from collections.abc import Callable

import attrs

from property_tests.judged import Broken, RunJournal, Violated, failed
from property_tests.moves import FaultyCluster
from tlacheck.conform.lockstep import Diverged
from tlacheck.trace import Trace

__all__ = ["Endured", "endured"]


@attrs.frozen(kw_only=True)
class Endured:
    """What a run came to.

    Attributes:
        seed: of the run.
        steps: how many steps correct replicas took.
        sometimes: how often each interesting situation was met.
        property: what was broken; empty if nothing was.
        broken: the same in words.
        log: of a run that broke something, its last entries, one a line.
        trace: of a run that broke something, and was held against the spec, its steps as the spec has them.
        actions: of a run that was held against the spec, how often each action was taken.
    """

    seed: int
    steps: int
    sometimes: Counter[str]
    property: str = ""
    broken: str = ""
    log: str = ""
    trace: Trace | None = None
    actions: Counter[str] = attrs.field(factory=Counter)


def endured(
    cluster: FaultyCluster, journal: RunJournal | None, play: Callable[[], None], *, seed: int
) -> Endured:
    """Let a run go on until its end, or until something is broken.

    Args:
        cluster: what runs.
        journal: its run as the spec has it; None if it is not held against the spec.
        play: lets all happen, and raises what `failed` knows.
        seed: of the run.
    """
    wrong: Broken | None = None
    trace: Trace | None = None
    try:
        play()
    except (Violated, Diverged) as failure:
        if journal is not None:
            wrong, trace = failed(failure, journal)
        elif isinstance(failure, Violated):
            wrong = failure.broken
        else:
            raise
    return Endured(
        seed=seed,
        steps=cluster.steps,
        sometimes=cluster.sometimes + cluster.den.used,
        property=wrong[0] if wrong else "",
        broken=": ".join(wrong) if wrong else "",
        log=cluster.log_text if wrong else "",
        trace=trace,
        actions=journal.actions if journal is not None else Counter(),
    )
