"""The result of a check as lines for a reader and as JSON data for a program."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tlacheck.report.compact import Wording
from tlacheck.report.lanes import LaneStep, lanes_of
from tlacheck.tlc.check import CheckResult, Counterexample
from tlacheck.tlc.coverage import Coverage
from tlacheck.trace import Trace

__all__ = ["counterexample_files", "result_lines", "result_to_json", "steps_of"]

#: Longer behaviours, lists and lines are cut: `tlacheck inspect` and `--json` show all.
_LASSO_MAX = 30
_PRINTED_MAX = 20
_LISTED_MAX = 10
_WIDTH = 110
_SUFFIX = ".itf.json"


def counterexample_files(result: CheckResult, target: Path) -> tuple[Path | None, ...]:
    """Return each violation's trace file: `target`, then with -2, -3; None if it has no trace."""
    suffix = _SUFFIX if target.name.endswith(_SUFFIX) else target.suffix
    stem = target.name.removesuffix(suffix)
    files = [
        target if number == 1 else target.with_name(f"{stem}-{number}{suffix}")
        for number in range(1, len(result.violations) + 1)
    ]
    return tuple(
        file if violation.trace is not None else None
        for file, violation in zip(files, result.violations, strict=True)
    )


def result_lines(result: CheckResult, target: Path) -> Iterator[str]:
    """The result for a person. The traces are in `counterexample_files`."""
    verdict, name = result.verdict, result.spec.name
    files = counterexample_files(result, target)
    yield f"{name}: {verdict}"
    if verdict.is_violated and verdict.reason:
        yield f"  {verdict.violates}: {verdict.reason}"
    counts = f"{result.generated:,} states generated, {result.distinct:,} distinct, depth {result.depth}"
    if result.queue:
        counts += f", {result.queue:,} not explored"
    yield f"  {counts}, {result.seconds:.1f} s, {result.engine}"
    if result.levels:
        yield f"  states per level: {' '.join(map(str, result.levels))}"
    if result.coverage is not None:
        yield from _coverage_lines(result.coverage, is_whole=verdict.is_established)
    for warning in result.warnings:
        yield f"  warning: {' '.join(warning.split())}"
    yield from _printed_lines(result)
    if len(result.violations) > 1:
        yield from _violation_lines(result, files)
    elif result.trace is not None:
        loop = _loop_words(result.trace)
        yield f"  counterexample of {steps_of(result.trace)}{loop}: {target}"
    if result.trace is not None:
        yield from _lasso_lines(result.trace)
        yield f"  look at it with: tlacheck inspect {target}"


def steps_of(trace: Trace) -> str:
    """Return the number of steps of a trace, in words."""
    return _count(len(trace), "step")


def result_to_json(result: CheckResult, target: Path) -> dict[str, Any]:
    """The result as JSON data."""
    files = counterexample_files(result, target)
    return {
        "spec": str(result.spec.path),
        "config": str(result.spec.config),
        "verdict": result.verdict.to_json(),
        "generated": result.generated,
        "distinct": result.distinct,
        "queue": result.queue,
        "depth": result.depth,
        "seconds": round(result.seconds, 3),
        "engine": result.engine,
        "trace": None if result.trace is None else str(target),
        "violations": [
            _violation_to_json(violation, file)
            for violation, file in zip(result.violations, files, strict=True)
        ],
        "violations_dropped": result.violations_dropped,
        "levels": list(result.levels),
        "coverage": None if result.coverage is None else result.coverage.to_json(),
        "warnings": list(result.warnings),
        "printed": list(result.printed),
        "printed_dropped": result.printed_dropped,
    }


def _violation_to_json(violation: Counterexample, file: Path | None) -> dict[str, Any]:
    trace = violation.trace
    return {
        "property": violation.property,
        "reason": violation.reason,
        "trace": None if file is None else str(file),
        "steps": None if trace is None else len(trace),
        "loop": None if trace is None else trace.loop,
    }


def _violation_lines(result: CheckResult, files: Sequence[Path | None]) -> Iterator[str]:
    yield f"  {len(result.violations) + result.violations_dropped:,} violations:"
    for violation, file in zip(result.violations, files, strict=True):
        trace = violation.trace
        how = "" if trace is None else f", {steps_of(trace)}{_loop_words(trace)}: {file}"
        yield f"    {violation.property} {violation.reason}{how}"
    if result.violations_dropped:
        yield f"    and {result.violations_dropped:,} more, of which nothing is kept"


def _loop_words(trace: Trace) -> str:
    if trace.loop is None:
        return ""
    if trace.loop == len(trace):
        return f", then state {trace.loop} forever"
    return f", back to state {trace.loop} and so forever"


def _lasso_lines(trace: Trace) -> Iterator[str]:
    """Format an infinite behaviour, a line a state: the states, and the one it returns to."""
    if trace.loop is None:
        return
    lanes = lanes_of(trace)
    digits = len(str(len(trace)))
    actions = max((len(step.action) + 2 for step in lanes.steps), default=0)
    shown = (*lanes.shared, *lanes.per_node, *lanes.networks)
    initially = ", ".join(f"{name}={lanes.wording.value(trace.initial[name])}" for name in shown)
    yield _cut(f"    state {0:>{digits}}  {'':<{actions}}{initially}")
    # The beginning and the end of the loop are the most telling parts of a long one.
    steps = lanes.steps
    hidden = max(0, len(steps) - _LASSO_MAX)
    first = len(steps) if not hidden else _LASSO_MAX // 2
    for step in steps[:first]:
        yield _step_line(step, lanes.wording, digits, actions)
    if hidden:
        yield f"    … {_count(hidden, 'step')} more"
        for step in steps[first + hidden :]:
            yield _step_line(step, lanes.wording, digits, actions)
    if trace.loop == len(trace):
        yield f"    ↺ stuttering: state {trace.loop} forever"
    else:
        yield f"    ↺ back to state {trace.loop}, and so forever"


def _step_line(step: LaneStep, wording: Wording, digits: int, actions: int) -> str:
    words = [
        f"{wording.value(node)}: {part}"
        for node, changes in step.nodes.items()
        for change in changes
        for part in change.parts
    ]
    words += [str(part) for change in step.shared for part in change.parts]
    words += [f"{message.how} {message.text}" for message in step.messages]
    what = ", ".join(words) or "nothing changes"
    return _cut(f"    state {step.number:>{digits}}  {step.action:<{actions}}{what}")


def _coverage_lines(coverage: Coverage, *, is_whole: bool) -> Iterator[str]:
    yield "  coverage: states that each action gave, and new ones among them"
    width = max((len(part.name) for part in coverage.parts), default=0)
    for part in coverage.parts:
        if part.taken is not None:
            yield f"    {part.name:<{width}}  {part.taken:>10,}  {part.distinct:>10,}  {part.where}"
    suffix = "" if is_whole else " (up to where the search ended)"
    yield from _listed(
        f"never taken{suffix}", [f"{part.name} at {part.where}" for part in coverage.never_taken]
    )
    yield from _listed(
        f"never evaluated{suffix}", [str(expression.location) for expression in coverage.never_evaluated]
    )


def _listed(title: str, items: Sequence[str]) -> Iterator[str]:
    for item in items[:_LISTED_MAX]:
        yield f"  {title}: {item}"
    if len(items) > _LISTED_MAX:
        yield f"  {title}: {len(items) - _LISTED_MAX} more; --json lists them all"


def _printed_lines(result: CheckResult) -> Iterator[str]:
    for text in result.printed[:_PRINTED_MAX]:
        for line in text.splitlines():
            yield _cut(f"  printed: {line}")
    more = max(0, len(result.printed) - _PRINTED_MAX) + result.printed_dropped
    if more:
        yield f"  printed: {more:,} more; --json has the first {len(result.printed):,}"


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
