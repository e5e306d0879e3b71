"""A sweep over constants: checks a spec with many values of its constants, the smallest first.

A `Point` is one value for each swept constant. The order in which the values of a constant are given is
their order of size. Points are taken by the sum of their positions in it, so that none comes before a
smaller one. Of the points that fail, the first one is **the smallest**; **minimal** are those below
which, value by value, no other fails.

A point fails if TLC finds a counterexample there. A false assumption is not one: the spec is not meant
for these values, and the point is excluded.
"""

import contextlib
import enum
import itertools
import math
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from immutabledict import immutabledict

from tlacheck.errors import ConfigError, Location, SpecError, TlacheckError
from tlacheck.tlc._configuration import configure, to_assignment
from tlacheck.tlc._protocol import Progress
from tlacheck.tlc.check import CheckResult
from tlacheck.tlc.parse import parse
from tlacheck.tlc.pool import Checked, Pool
from tlacheck.tlc.spec import Spec
from tlacheck.values import to_tla

__all__ = ["Point", "PointStatus", "Sweep", "sweep"]

#: A sweep of more points than this is taken for a mistake.
_POINTS_MAX = 10_000
#: The least time for the parser, however little a point is given: it is not a point.
_PARSE_SECONDS = 60.0
#: The longest name of a configuration.
_NAME_MAX = 100
_STRANGE = re.compile(r"[^\w.-]+")


class PointStatus(enum.Enum):
    """The outcome of a point."""

    HOLDS = "holds"
    FAILS = "fails"
    EXCLUDED = "excluded"
    UNKNOWN = "unknown"
    ERROR = "error"


@attrs.frozen(kw_only=True)
class Point:
    """One value for each swept constant, and TLC's result for the spec with them.

    Exactly one of `result` and `error` is set.

    Attributes:
        values: constant -> its value, as the configuration writes it.
        places: for each constant the place of its value among those given, from 0: the point's size.
        spec: the spec with the point's own configuration.
        configuration: the text of that.
        result: what the check established.
        error: why there is no result.
    """

    values: Mapping[str, str]
    places: tuple[int, ...]
    spec: Spec
    configuration: str
    result: CheckResult | None = None
    error: TlacheckError | None = None

    def __str__(self) -> str:
        return ", ".join(f"{name} {to_assignment(value)}" for name, value in self.values.items())

    @property
    def outcome(self) -> PointStatus:
        """The outcome: holds, fails, excluded by an assumption, or unknown."""
        if self.result is None:
            return PointStatus.ERROR
        verdict = self.result.verdict
        if verdict.is_violated:
            # of all violations only a false assumption has no trace
            return PointStatus.EXCLUDED if self.result.trace is None else PointStatus.FAILS
        return PointStatus.HOLDS if verdict.is_established else PointStatus.UNKNOWN

    def is_within(self, other: "Point") -> bool:
        """Return whether no value is larger than the other point's."""
        return all(own <= its for own, its in zip(self.places, other.places, strict=True))


@attrs.frozen(kw_only=True)
class Sweep:
    """The outcome of all points.

    Attributes:
        points: those that were checked, smaller ones first.
        skipped: how many were not checked, since a smaller one failed.
    """

    points: tuple[Point, ...]
    skipped: int

    @property
    def smallest(self) -> Point | None:
        """The smallest point that fails; None if none does."""
        return next((point for point in self.points if point.outcome is PointStatus.FAILS), None)

    @property
    def minimal(self) -> tuple[Point, ...]:
        """The points that fail while none within them does. The smallest is the first."""
        failing = [point for point in self.points if point.outcome is PointStatus.FAILS]
        return tuple(
            point
            for point in failing
            if not any(other.is_within(point) for other in failing if other is not point)
        )


def sweep(
    spec: Spec,
    constants: Mapping[str, Sequence[object]],
    *,
    first_failure: bool = False,
    folder: Path | None = None,
    pool: Pool | None = None,
    on_point: Callable[[Point], object] | None = None,
    on_progress: Callable[[Spec, Progress], object] | None = None,
    checks: Callable[[Sequence[Spec]], Iterator[Checked]] | None = None,
    **options: Any,
) -> Sweep:
    """Check `spec` with every combination of values.

    Args:
        spec: the spec; its configuration says all that is not swept.
        constants: constant -> its values, the smallest first. A `str` is taken as a configuration writes it,
            `{p1, p2}`, or `<- Name` to take a definition; anything else as the TLA+ value that it stands for.
        first_failure: stop at the smallest point that fails. It is the same in every run.
        folder: where the configurations are written, each with a name of its own, and stay. None writes
            them to a private folder that goes; traces and messages then name files that are gone.
        pool: where to check; None starts a pool and ends it.
        on_point: called with each point, in order, as soon as it and all smaller ones are done.
        on_progress: called with spec and progress about twice a second for each check that runs.
        checks: checks the specs of the points, the smallest first, instead of the pool: on other machines, as
            `tlacheck.tlc.campaign` does.
        options: those of `Checker.check`. `timeout` is for each point.

    Raises:
        SpecError: the spec does not parse, or does not declare or define such a constant.
        ConfigError: no values, the same one twice, or one that no configuration can say.
        EngineError: the spec could not be parsed for lack of time or memory.
        SetupError: there is no JVM or no TLC.
    """
    axes = {name: _texts(name, values) for name, values in constants.items()}
    if not axes:
        raise ConfigError("there is nothing to sweep: give a constant and its values")
    size = math.prod(map(len, axes.values()))
    if size > _POINTS_MAX:
        raise ConfigError(
            f"that makes {size:,} configurations; {_POINTS_MAX:,} are the most: give fewer values"
        )
    with contextlib.ExitStack() as stack:
        if pool is None:
            pool = stack.enter_context(Pool())
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tlacheck-sweep-")))
        _look_for(axes, spec, pool, options.get("timeout"))
        points = list(_write(spec, axes, folder))
        done: list[Point] = []
        specs = [point.spec for point in points]
        results: Iterator[Checked]
        if checks is not None:
            results = checks(specs)
        else:
            results = stack.enter_context(
                contextlib.closing(pool.as_completed(specs, on_progress=on_progress, **options))
            )
        for point in _in_order(points, results):
            done.append(point)
            if on_point is not None:
                on_point(point)
            if first_failure and point.outcome is PointStatus.FAILS:
                break
    return Sweep(points=tuple(done), skipped=size - len(done))


def _texts(name: str, values: Sequence[object]) -> tuple[str, ...]:
    """Return the values as a configuration writes them."""
    texts = [" ".join(value.split()) if isinstance(value, str) else to_tla(value) for value in values]
    if not texts:
        raise ConfigError(f"{name} has no values")
    for text in texts:
        try:
            to_assignment(text)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from None
        if texts.count(text) > 1:
            raise ConfigError(f"{name} has the value {text} twice: each stands for one size")
    return tuple(texts)


def _look_for(names: Mapping[str, object], spec: Spec, pool: Pool, timeout: float | None) -> None:
    """Check that the constants exist: TLC itself does not report others."""
    module = parse(
        spec.path,
        engine=pool.engine,
        memory_mb=pool.memory_mb,
        timeout=None if timeout is None else max(timeout, _PARSE_SECONDS),
        standard=True,
    )
    declared = [declaration.name for declaration in module.constants]
    defined = {definition.name for definition in module.definitions}
    for name in names:
        if name not in declared and name not in defined:
            there = f"its constants are {', '.join(declared)}" if declared else "it has no constants"
            raise SpecError(f"{module.name} declares no constant {name}; {there}", Location(str(spec.path)))


def _write(spec: Spec, axes: Mapping[str, tuple[str, ...]], folder: Path) -> Iterator[Point]:
    """Yield all points, smaller ones first, each with its configuration in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    base = spec.configuration
    places = itertools.product(*(range(len(texts)) for texts in axes.values()))
    names: set[str] = set()
    for place in sorted(places, key=lambda place: (sum(place), place)):
        values = {name: texts[index] for (name, texts), index in zip(axes.items(), place, strict=True)}
        text = configure(base, {name: to_assignment(value) for name, value in values.items()})
        path = folder / f"{_name(values, place, names)}.cfg"
        path.write_text(text, encoding="utf-8")
        yield Point(
            values=immutabledict(values),
            places=place,
            spec=attrs.evolve(spec, config=path),
            configuration=text,
        )


def _name(values: Mapping[str, str], place: tuple[int, ...], taken: set[str]) -> str:
    """Return a shell-safe file name: `N=3_Procs=p1_p2`, with the positions if that is ambiguous."""
    name = "_".join(f"{name}={_STRANGE.sub('_', value).strip('_-')}" for name, value in values.items())
    if len(name) > _NAME_MAX or name in taken:
        name = "_".join([name[:_NAME_MAX], *map(str, place)])
    taken.add(name)
    return name


def _in_order(points: Sequence[Point], results: Iterator[Checked]) -> Iterator[Point]:
    """Yield the points with their results in order, each as soon as all before it are there."""
    waiting: dict[int, Checked] = {}
    following = 0
    for checked in results:
        waiting[checked.index] = checked
        while (ready := waiting.pop(following, None)) is not None:
            yield attrs.evolve(points[following], result=ready.result, error=ready.error)
            following += 1
