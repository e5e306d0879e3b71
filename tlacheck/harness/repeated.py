"""Repeated runs: soak tests that the spec has judged once, played again on a mutant without a JVM.

To load the spec takes longer than most mutants need to show themselves. So the right implementation plays the
runs first, once for all mutants, in a process of its own, and the spec judges each step. A run is a function
of its seed: a mutant that takes other steps has a difference that somebody can see, and the first one is
shown. Of each step the record has the node, its input, its state after the step, and its effects.

A mutant that breaks a property of the declaration before it takes another step is caught by that property.

`repeats_accounts` does the same for runs that no declaration describes: a function of a seed tells each step
as text. It is for the function to judge the run that it tells.
"""

import fcntl
import functools
import itertools
import pickle
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from tlacheck.conform.loading import load_named
from tlacheck.errors import TraceError
from tlacheck.harness.run import Run
from tlacheck.harness.soak import SoakPlan, load_protocol, play_run, processes
from tlacheck.sim._text import text_of
from tlacheck.sim.cluster import StepRecord
from tlacheck.sim.world import Flight
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["REPEATS", "record_accounts", "record_runs", "recorded_runs", "repeats", "repeats_accounts"]

#: The property of a run that is played again.
REPEATS: Final = "repeats the judged run"
#: How much is shown of two texts, before and from where they differ.
_SHOWN_BEFORE, _SHOWN = 60, 200
_END: Final = "the end of the run"


class _Account:
    """Texts of the steps of a run, one for each, compared with an earlier account if there is one."""

    def __init__(self, run: Run, texts: list[str], before: tuple[str, ...] | None = None) -> None:
        self._run = run
        self._texts = texts
        self._before = before

    def on_step(self, record: StepRecord) -> None:
        """A node took a step."""
        effects = " ".join(map(text_of, record.carried_out))
        self._add(f"{record.node} takes {text_of(record.input)}: {effects} -> {text_of(record.after)}")

    def on_restart(self, node: str, state: Any) -> None:
        """A node came back."""
        self._add(f"{node} restarts: -> {text_of(state)}")

    def on_lost(self, flight: Flight[Any]) -> None:
        """The loss of a message is not a node's doing."""

    def on_double(self, flight: Flight[Any]) -> None:
        """Nor is its second copy."""

    def _add(self, text: str) -> None:
        self._texts.append(text)
        if self._before is None or self._run.has_failed:
            return
        number = len(self._texts)
        was = self._before[number - 1] if number <= len(self._before) else _END
        if was != text:
            raise self._run.broken(REPEATS, "\n".join(_difference(number, was, text)))


def _difference(number: int, was: str, now: str) -> Iterator[str]:
    """Two texts from shortly before the place where they part."""
    same = next((at for at, (one, other) in enumerate(zip(was, now, strict=False)) if one != other), 0)
    begin = max(same - _SHOWN_BEFORE, 0)
    yield f"step {number} is another one: {now.partition(':')[0]}"
    yield f"  it was … {was[begin : same + _SHOWN]}"
    yield f"  it is  … {now[begin : same + _SHOWN]}"


@attrs.frozen
class _Recorded:
    """The account of the run of one seed, as compressed text."""

    seed: int
    steps: int
    account: bytes

    @property
    def texts(self) -> tuple[str, ...]:
        """A text for each step."""
        return tuple(pickle.loads(zlib.decompress(self.account)))  # noqa: S301 - written by this module


def record_runs(path: Path, plan: SoakPlan, *, seed: int, seeds: int) -> None:
    """Play runs that the spec judges, and write what their nodes did.

    Args:
        path: the file; it appears whole.
        plan: of the runs, which are judged.
        seed: the first.
        seeds: how many.

    Raises:
        TraceError: a run fails, so that the implementation is wrong without any mutant, or a coverage goal of
            the declaration is met by no run.
    """
    runs: list[_Recorded] = []
    missing: set[str] = set()
    for number in range(seed, seed + seeds):
        texts: list[str] = []
        result = play_run(plan, number, functools.partial(_Account, texts=texts)).result
        if result.property:
            why = "; ".join(result.explanation)
            raise TraceError(
                f"the run of seed {number} breaks {result.property} without a mutant: {why}", path
            )
        unmet = {goal for goal, count in result.goals.items() if not count}
        missing = missing & unmet if runs else unmet
        runs.append(_Recorded(number, result.steps, zlib.compress(pickle.dumps(texts))))
    if missing:
        raise TraceError(f"no run meets {', '.join(sorted(missing))}: record more runs, or longer ones", path)
    _write(path, runs)


def _write(path: Path, values: object) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(pickle.dumps(values))
    new.replace(path)


def recorded_runs(folder: Path, plan: SoakPlan, *, seed: int, seeds: int) -> tuple[_Recorded, ...]:
    """The recorded runs; whoever is the first to ask for those in `folder` has them recorded.

    They are recorded in a process of its own, where the implementation is as it is on disk.

    Raises:
        TraceError: as `record_runs`.
    """
    size = "" if plan.nodes is None else f"-{plan.nodes}"
    path = folder / f"runs-{load_protocol(plan.target).name}{size}.pickle"
    runs: tuple[_Recorded, ...] = _once(
        path, functools.partial(record_runs, path, plan, seed=seed, seeds=seeds)
    )
    return runs


def _once(path: Path, record: Callable[[], None]) -> Any:
    """The tuple in a file; whoever is the first to ask has it recorded, in a process of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            with processes(None, 1) as pool:
                pool.submit(record).result()
    return tuple(pickle.loads(path.read_bytes()))  # noqa: S301 - written by this module


def repeats(
    context: Context,
    protocol: str,
    *,
    seeds: int,
    steps: int,
    nodes: int | None = None,
    byzantine: int | None = None,
    folder: Path | None = None,
) -> Outcome:
    """The implementation takes the steps of the recorded runs, one by one: a layer of mutants.

    Args:
        context: given by `verify` and `mutants`.
        protocol: the declaration, `package.module:NAME`.
        seeds: how many runs, from the context's seed on.
        steps: how many steps each takes at least.
        nodes: the size of the cluster; the declaration's first, if None.
        byzantine: how many of them are Byzantine; as the declaration has it, if None.
        folder: where the recorded runs are or will be; by default beside the folders of all mutants.

    Raises:
        TraceError: as `record_runs`.
    """
    plan = SoakPlan(target=protocol, steps=steps, nodes=nodes, byzantine=byzantine, out=context.folder)
    runs = recorded_runs(folder or context.folder.parent.parent, plan, seed=context.seed, seeds=seeds)
    taken = 0
    for number, recorded in enumerate(runs, start=1):
        texts: list[str] = []
        listen = functools.partial(_Account, texts=texts, before=recorded.texts)
        played = play_run(attrs.evolve(plan, judged=False), recorded.seed, listen)
        taken += len(texts)
        violation = played.trace.violation if played.trace is not None else None
        if played.trace is not None and violation is not None:
            return Outcome(
                verdict=Verdict.violated(violation.property, f"in the run of seed {recorded.seed}"),
                figures=immutabledict(runs=number, steps=len(texts)),
                trace=played.run.keep(played.trace, context.folder, "repeated")[0],
                message="\n".join(violation.explanation),
            )
        context.progress(f"{number} of {seeds} runs, {taken:,} steps")
    return Outcome(
        verdict=Verdict.sampled(len(runs), context.seed), figures=immutabledict(runs=len(runs), steps=taken)
    )


# --- runs that no declaration describes


def record_accounts(path: Path, of: str, *, seed: int, seeds: int) -> None:
    """Write the accounts of runs; the file appears whole.

    Args:
        path: the file.
        of: a function of a seed that tells each step of a run as text, `package.module:NAME`.
        seed: the first.
        seeds: how many.
    """
    tell: Callable[[int], Iterable[str]] = load_named(of, "account", "a function of a seed")
    _write(path, [zlib.compress(pickle.dumps(tuple(tell(number)))) for number in range(seed, seed + seeds)])


def repeats_accounts(context: Context, of: str, *, seeds: int, folder: Path | None = None) -> Outcome:
    """The implementation does in each run, step by step, what it did as it was recorded: a layer of mutants.

    Args:
        context: given by `verify` and `mutants`.
        of: a function of a seed that tells each step of a run as text, `package.module:NAME`. It raises if a
            run is wrong.
        seeds: how many runs, from the context's seed on.
        folder: where the accounts are or will be; by default beside the folders of all mutants.
    """
    path = (folder or context.folder.parent.parent) / f"accounts-{of.replace(':', '-')}.pickle"
    record = functools.partial(record_accounts, path, of, seed=context.seed, seeds=seeds)
    tell: Callable[[int], Iterable[str]] = load_named(of, "account", "a function of a seed")
    taken = 0
    for number, account in enumerate(_once(path, record), start=context.seed):
        before: tuple[str, ...] = pickle.loads(zlib.decompress(account))  # noqa: S301 - written by this module
        for step, (was, now) in enumerate(
            itertools.zip_longest(before, tell(number), fillvalue=_END), start=1
        ):
            if was != now:
                verdict = Verdict.violated(REPEATS, f"in the run of seed {number}")
                return Outcome(verdict=verdict, message="\n".join(_difference(step, was, now)))
        taken += len(before)
        context.progress(f"{number}: {taken:,} steps")
    return Outcome(
        verdict=Verdict.sampled(seeds, context.seed), figures=immutabledict(runs=seeds, steps=taken)
    )
