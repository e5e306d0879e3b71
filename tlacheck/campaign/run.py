"""Coordination of a campaign: batches go out, rows come in, and what a dead worker had is done by others.

`run` hands out batches as long as there are cases, each of as many cases as take one to two seconds. What
comes back is in the file before anything else happens. A batch that is lost is split: its cases go out
one by one and alone, so that a case that kills its worker is told from those that were only in its
company. Cases that were lost twice are given up and named; the campaign is then inconclusive.
"""

import collections
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from pathlib import Path
from typing import Any, Final

import attrs

from tlacheck.campaign.batch import Batch, Report, do_batch
from tlacheck.campaign.record import CampaignFile, Head, Row
from tlacheck.campaign.result import Campaign
from tlacheck.campaign.version import Version
from tlacheck.campaign.work import Work
from tlacheck.errors import ConfigError, EngineError, TlacheckError
from tlacheck.processes import Processes

__all__ = ["Limits", "run", "run_to_first_failure"]

#: Seconds until the coordinator looks whether it has waited too long.
_TICK_SECONDS: Final = 0.5
#: Seconds until a refused batch goes out again.
_PAUSE_SECONDS: Final = 0.05
#: So often a case may be lost before it is given up.
_LOSSES_MAX: Final = 2


@attrs.frozen(kw_only=True)
class Limits:
    """The limits of a campaign.

    Attributes:
        batch_seconds: how long a batch takes, about.
        batch_cases: how many cases it has at most.
        repeat_every: one case in so many is repeated by another process; 0 repeats none.
        in_flight: how many batches are out at once; by default twice the jobs.
        patience_seconds: the campaign ends if nothing has come back for so long.
        refusals: it ends if so many batches in a row were refused.
    """

    batch_seconds: float = attrs.field(default=1.5, validator=attrs.validators.gt(0))
    batch_cases: int = attrs.field(default=1_000, validator=attrs.validators.ge(1))
    repeat_every: int = attrs.field(default=100, validator=attrs.validators.ge(0))
    in_flight: int | None = None
    patience_seconds: float = attrs.field(default=600.0, validator=attrs.validators.gt(0))
    refusals: int = 200


def run(
    work: Work,
    cases: Iterable[object],
    *,
    file: Path | CampaignFile | None = None,
    executor: Executor | None = None,
    jobs: int = 1,
    limits: Limits | None = None,
    until_failed: bool = False,
    on_row: Callable[[Row, int], None] = lambda row, left: None,  # noqa: ARG005 - the names are the protocol's
) -> Campaign:
    """Do each case once, but for those that the file has already.

    Args:
        work: what to do.
        cases: for which cases; as texts they must differ.
        file: where the rows are, and go; None keeps them in memory.
        executor: who does it; None takes `jobs` fresh processes of this machine. It is left open.
        jobs: how many.
        limits: of batches, repetitions and patience.
        until_failed: end with the first case in which something is broken.
        on_row: told of each row as it comes, and how many cases are left; not of rows that the file had.

    Returns:
        The rows of these cases, those of the file included.

    Raises:
        ConfigError: there are no cases or no processes; the work is defined where no worker can import it;
            the file is another's; all workers are of other versions.
        EngineError: nothing came back for `limits.patience_seconds`, or the executor is broken.
        TlacheckError: the work does not make sense.
    """
    wanted = list(dict.fromkeys(map(str, cases)))
    if not wanted or jobs < 1:
        raise ConfigError(f"{len(wanted)} cases by {jobs} processes: a campaign needs at least 1 of each")
    book = file if isinstance(file, CampaignFile) else CampaignFile(file)
    if (kind := type(work)).__module__ == "__main__":
        raise ConfigError(
            f"{kind.__name__} is defined in the script that is run, from where no worker can import it: "
            "define it in a module"
        )
    version = Version.here()
    head = Head.of(work, version)
    book.begin(head)
    course = _Course(work, head, book, wanted, limits or Limits(), until_failed=until_failed, on_row=on_row)
    workers = _Given(executor) if executor is not None else _Local(work, jobs)
    try:
        course.run(workers, in_flight=course.limits.in_flight or 2 * jobs)
    finally:
        workers.close()
    return course.result()


def run_to_first_failure(
    work: Work, cases: Iterable[object], *, file: Path | None = None, **options: Any
) -> Campaign:
    """Do the cases up to the first in their order in which something is broken, whichever is found first.

    Args:
        work: what to do.
        cases: for which cases.
        file: as for `run`.
        options: the others of `run`.

    Returns:
        The rows up to that case, all of which are there; or all rows.

    Raises:
        TlacheckError: as `run`.
    """
    book, wanted = CampaignFile(file), list(dict.fromkeys(map(str, cases)))
    end = len(wanted)
    while True:
        found = run(work, wanted[:end], file=book, until_failed=True, **options)
        if not found.failed:
            break
        failed = {row.case for row in found.failed}
        end = next(place for place, case in enumerate(wanted) if case in failed)
        if not end:
            break
    rows = book.rows(found.head.key)
    return attrs.evolve(found, rows=tuple(rows[case] for case in wanted[: end + 1] if case in rows))


class _Given:
    """Somebody else's executor."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def again(self) -> None:
        """Refuse to go on.

        Raises:
            EngineError: always.
        """
        raise EngineError("the executor is broken: one of its processes ended. The same command goes on.")

    def close(self) -> None:
        """Leave it open."""


class _Local:
    """Fresh processes of this machine, which end with it; others take their place when one dies."""

    def __init__(self, work: Work, jobs: int) -> None:
        self._work, self._jobs = work, jobs
        self.executor: Executor = self._fresh()

    def _fresh(self) -> Executor:
        return Processes(self._jobs, self._work.prepare)

    def again(self) -> None:
        """Put new processes into the place of the old ones."""
        self.close()
        self.executor = self._fresh()

    def close(self) -> None:
        """End them."""
        self.executor.shutdown(wait=True, cancel_futures=True)


@attrs.frozen
class _Out:
    """A batch that is out."""

    batch: Batch
    is_repeated: bool = False


class _Course:
    """The state of a campaign that runs."""

    def __init__(
        self,
        work: Work,
        head: Head,
        book: CampaignFile,
        wanted: Sequence[str],
        limits: Limits,
        *,
        until_failed: bool,
        on_row: Callable[[Row, int], None],
    ) -> None:
        self.limits = limits
        self._work, self._head, self._book, self._wanted = work, head, book, wanted
        self._until_failed, self._on_row = until_failed, on_row
        known = book.rows(head.key)
        self._todo = collections.deque(case for case in wanted if case not in known)
        self._suspects: collections.deque[str] = collections.deque()
        self._again: collections.deque[_Out] = collections.deque()
        self._out: dict[Future[Report], _Out] = {}
        self._losses: Counter[str] = Counter()
        self._unfinished: dict[str, str] = {}
        self._refused: dict[str, tuple[str, ...]] = {}
        self._refusals = 0
        self._spent, self._ended = 0.0, 0
        self._left = len(self._todo)
        self._is_over = until_failed and any(row.done.property for row in map(known.get, wanted) if row)
        every = limits.repeat_every
        self._sample = frozenset(wanted[::every] if every else ())
        repeated = book.repeated(head.key)
        for case in self._sample.intersection(known).difference(repeated):
            self._repeat(case, known[case].worker)

    def result(self) -> Campaign:
        """Return the rows that there are by now."""
        rows, repeated = self._book.rows(self._head.key), self._book.repeated(self._head.key)
        return Campaign(
            head=self._head,
            rows=tuple(rows[case] for case in self._wanted if case in rows),
            repeated=repeated,
            unfinished=self._unfinished,
            refused=self._refused,
        )

    def run(self, workers: _Given | _Local, in_flight: int) -> None:
        """Do the cases that are left."""
        heard = time.monotonic()
        try:
            while not self._is_over:
                try:
                    self._send(workers.executor, in_flight)
                    if not self._out:
                        return
                    ended, _ = wait(self._out, timeout=_TICK_SECONDS, return_when=FIRST_COMPLETED)
                    for future in ended:
                        self._take(future, self._out.pop(future))
                except BrokenExecutor:
                    for out in self._out.values():
                        self._lose(out, "its process ended")
                    self._out.clear()
                    workers.again()
                    continue
                if ended:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.limits.patience_seconds:
                    raise EngineError(self._impatient())
        finally:
            for future in self._out:
                future.cancel()

    def _impatient(self) -> str:
        left = len(self._todo) + sum(len(out.batch.cases) for out in self._out.values())
        return (
            f"{self._work.name}: no worker answered for {self.limits.patience_seconds:g} s, {left} of "
            f"{len(self._wanted)} cases are left. Are there workers? The same command goes on."
        )

    # --- out

    def _send(self, executor: Executor, in_flight: int) -> None:
        while len(self._out) < in_flight and (out := self._next()) is not None:
            try:
                self._out[executor.submit(do_batch, out.batch)] = out
            except BrokenExecutor:
                self._again.append(out)
                raise

    def _next(self) -> _Out | None:
        """The next batch to go out; None if there is none now. Suspects go alone."""
        if self._suspects:
            return None if self._out else _Out(self._batch((self._suspects.popleft(),)))
        if self._again:
            return self._again.popleft()
        if not self._todo:
            return None
        count = min(self._size(), len(self._todo))
        return _Out(self._batch(tuple(self._todo.popleft() for _ in range(count))))

    def _size(self) -> int:
        """Number of cases that fill a batch: one, until it is known how long they take."""
        if not self._ended:
            return 1
        fitting = self.limits.batch_seconds / max(self._spent / self._ended, 1e-6)
        return max(1, min(int(fitting), self.limits.batch_cases))

    def _batch(self, cases: tuple[str, ...], not_by: str = "") -> Batch:
        return Batch(work=self._work, cases=cases, version=self._head.version, not_by=not_by)

    def _repeat(self, case: str, worker: str) -> None:
        self._again.append(_Out(self._batch((case,), not_by=worker), is_repeated=True))

    # --- in

    def _take(self, future: "Future[Report]", out: _Out) -> None:
        try:
            report = future.result()
        except BrokenExecutor:
            self._lose(out, "its process ended")
            raise
        except TlacheckError:
            raise
        except (Exception, CancelledError) as error:  # noqa: BLE001 - executors have errors of their own
            self._lose(out, f"{type(error).__name__}: {error}".partition("\n")[0])
            return
        if report.differences:
            self._refuse(out, report)
            return
        self._refusals = 0
        if not out.is_repeated:
            self._spent, self._ended = self._spent + report.seconds, self._ended + len(report.done)
        rows = self._book.add(self._head.key, report.worker, report.done, is_repeated=out.is_repeated)
        if out.is_repeated:
            return
        for row in rows:
            if row.case in self._sample:
                self._repeat(row.case, row.worker)
            self._left -= 1
            self._on_row(row, self._left)
            self._is_over |= self._until_failed and bool(row.done.property)

    def _refuse(self, out: _Out, report: Report) -> None:
        """Send a batch out again that a worker of another version did not do."""
        self._refused[report.worker] = report.differences
        self._refusals += 1
        if self._refusals > self.limits.refusals:
            lines = "; ".join(report.differences)
            raise ConfigError(
                f"workers of another version refused {self._refusals} batches in a row: "
                f"{report.worker}: {lines}. "
                "Start them from the same commit and requirements."
            )
        self._again.append(out)
        time.sleep(_PAUSE_SECONDS)

    def _lose(self, out: _Out, why: str) -> None:
        """Let the cases of a lost batch go out again, one by one; give up those that were lost before."""
        for case in out.batch.cases:
            if out.is_repeated:
                self._again.append(out)
                continue
            self._losses[case] += 1
            if self._losses[case] >= _LOSSES_MAX:
                self._unfinished[case] = why
                self._left -= 1
            else:
                self._suspects.append(case)
