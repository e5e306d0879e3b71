"""What TLC's messages mean: the counts, the verdict and the trace of a run.

TLC's messages have numbers, which are the same in all versions; only numbers decide here. Text is
read for what no number says: a property's name, the counts, the states of a trace.
"""

import re
from collections.abc import Sequence

import attrs
from immutabledict import immutabledict

from tlacheck.engine import Engine
from tlacheck.errors import Location, SpecError
from tlacheck.tlc._convert import Converter
from tlacheck.tlc._diagnose import diagnose, location_in, unknown_constants
from tlacheck.tlc._event import EVENT, event_of
from tlacheck.tlc._protocol import Kind, Message, Report
from tlacheck.tlc.spec import Spec, here
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.verdict import Verdict

__all__ = ["Outcome", "interpret"]

#: The name under which a deadlock is reported, as if it were a property.
DEADLOCK = "Deadlock"

_SUCCESS = 2193
_STATS = 2199
_PROGRESS = 2200
_DEPTH = 2194
_STATE, _STUTTERING, _BACK = 2217, 2218, 2122
_BEHAVIOR, _COUNTEREXAMPLE, _INITIAL = 2121, 2264, 2102

#: The message of a violation -> how the text names what is violated.
_VIOLATIONS = {
    2104: re.compile(r"Assumption (?P<place>.*) is false"),
    2107: re.compile(r"Invariant (?P<name>\S+) is violated by the initial state"),
    2108: re.compile(r"Property (?P<name>\S+) is violated by the initial state"),
    2110: re.compile(r"Invariant (?P<name>\S+) is violated"),
    2112: re.compile(r"Action property (?P<name>.+?) is violated"),
    2114: re.compile(r"Deadlock reached"),
    2116: re.compile(r"Temporal properties were violated"),
}
_ASSUMPTION, _DEADLOCK, _TEMPORAL = 2104, 2114, 2116
_IN_INITIAL = (2107, 2108)

#: Errors that say something about this machine, not about the spec.
_EXHAUSTED_MEMORY = (1001, 1002, 1003)
_DISK = (2125, 2127, 2160, 2161, 2174, 2175)

_COUNTS = re.compile(
    r"([\d,]+) states generated.*?, ([\d,]+) distinct states found.*?, ([\d,]+) states left on queue"
)
_NUMBER = re.compile(r"Progress\((\d+)\)|search is (\d+)\.")
_HEADER = re.compile(r"\A(\d+): <?(.*?)>?\n")
_VARIABLE = re.compile(r"^(?:/\\ )?(\w+) = ", re.MULTILINE)
_CONJUNCT = re.compile(r"^/\\ (\w+) = ", re.MULTILINE)
_ACTION = re.compile(r"(\w[\w!]*)(?:\(.*\))? (?:line|of module) ")


@attrs.frozen(kw_only=True)
class Outcome:
    """A run's result: what `CheckResult` has, without what the asking side knows."""

    verdict: Verdict
    generated: int
    distinct: int
    queue: int
    depth: int
    trace: Trace | None
    warnings: tuple[str, ...]


def interpret(report: Report, spec: Spec, engine: Engine, *, deadlock: bool = True) -> Outcome:
    """What the report of a run of `spec` says.

    Raises:
        SpecError: TLC refused the spec, or could not evaluate it. The states up to there are the
            error's `trace`.
    """
    messages = report.messages
    generated, distinct, queue = _counts(messages)
    trace = _trace(report, spec, engine, deadlock=deadlock)
    verdict = _verdict(report, spec, trace)
    if verdict.is_violated and trace is not None:
        broken = None if _find(messages, _TEMPORAL) else len(trace.steps)
        explanation = (verdict.reason,) if verdict.reason else ()
        violation = Violation(property=verdict.violates or "", step=broken, explanation=explanation)
        trace = attrs.evolve(trace, violation=violation)
    return Outcome(
        verdict=verdict,
        generated=generated,
        distinct=distinct,
        queue=queue,
        depth=_depth(messages),
        trace=trace if verdict.is_violated else None,
        warnings=tuple(message.text.strip() for message in messages if message.kind == Kind.WARNING),
    )


def _verdict(report: Report, spec: Spec, trace: Trace | None) -> Verdict:
    messages = report.messages
    for message in messages:
        if message.kind not in (Kind.ERROR, Kind.BUG):
            continue
        if message.code in _EXHAUSTED_MEMORY:
            return Verdict.unknown(
                "out of memory: give the checker more (--memory), or make the model smaller"
            )
        if message.code in _DISK:
            return Verdict.unknown(f"TLC could not use the disk: {message.text.strip()}")
        pattern = _VIOLATIONS.get(message.code or 0)
        match = pattern.search(message.text) if pattern else None
        if match:
            return Verdict.violated(*_violated(message, match, report, spec))
        if message.code not in (_BEHAVIOR, _COUNTEREXAMPLE, _INITIAL):
            raise diagnose(spec, messages, report.failure, trace)
    if report.failure is not None or not _find(messages, _SUCCESS):
        raise diagnose(spec, messages, report.failure, trace)
    if report.strangers:
        raise unknown_constants(spec, report.strangers)
    if not _counts(messages)[1]:
        nothing = f"no state satisfies the initial predicate of {spec.module}, so nothing was checked"
        raise SpecError(nothing, Location(str(spec.path)))
    return Verdict.exhausted()


def _violated(message: Message, match: re.Match[str], report: Report, spec: Spec) -> tuple[str, str]:
    """The name of what is violated, and a line that says how."""
    if message.code == _DEADLOCK:
        return DEADLOCK, "a state is reached in which no action is enabled"
    if message.code == _ASSUMPTION:
        return f"assumption at {_place(match['place'], spec)}", "an assumption about the constants is false"
    if message.code == _TEMPORAL:
        names = report.temporal
        if len(names) > 1:
            # TLC checks the properties as one formula and does not say which of them fails.
            return " or ".join(
                names
            ), f"one of {', '.join(names)} is violated by a behaviour; check them one by one to see which"
        return (names[0] if names else "temporal property"), "a behaviour that repeats forever violates it"
    where = "in an initial state" if message.code in _IN_INITIAL else "in a reachable state"
    if message.code == 2112:
        where = "by a step"
    return match["name"], f"does not hold {where}" if "step" not in where else "is violated by a step"


def _place(text: str, spec: Spec) -> str:
    found = location_in(text, spec)
    return str(found) if found else text


def _find(messages: Sequence[Message], code: int) -> bool:
    return any(message.code == code for message in messages)


def _counts(messages: Sequence[Message]) -> tuple[int, int, int]:
    for message in reversed(messages):
        if message.code in (_STATS, _PROGRESS) and (match := _COUNTS.search(message.text)):
            generated, distinct, queue = (int(number.replace(",", "")) for number in match.groups())
            return generated, distinct, queue
    return 0, 0, 0


def _depth(messages: Sequence[Message]) -> int:
    """How many states the longest shortest path has. TLC says it at the end, and otherwise with the progress."""
    found = [
        int(match[1] or match[2])
        for message in messages
        if message.code in (_DEPTH, _PROGRESS) and (match := _NUMBER.search(message.text))
    ]
    return found[-1] if found else 0


def _trace(report: Report, spec: Spec, engine: Engine, *, deadlock: bool) -> Trace | None:
    convert = Converter()
    states: list[tuple[str, State]] = []
    loop: int | None = None
    for message in report.messages:
        if message.code in _IN_INITIAL:
            head, _, body = message.text.partition("\n")
            states = [("", _state(body, report.variables, convert))] if head else []
        elif message.code == _STATE and (header := _HEADER.match(message.text)):
            if int(header[1]) == 1:
                states.clear()
            body = message.text[header.end() :]
            if " = null" in body:
                break  # the state in which the evaluation failed, half made
            action = _ACTION.match(header[2])
            states.append((action[1] if action else "", _state(body, report.variables, convert)))
        elif message.code == _STUTTERING:
            loop = len(states) - 1
        elif message.code == _BACK:
            loop = int(message.text.partition(":")[0]) - 1
    if not states or not states[0][1]:
        return None
    return Trace(
        initial=states[0][1],
        steps=tuple(_step(action, state) for action, state in states[1:]),
        loop=loop,
        origin=Origin(
            source="tlc",
            spec=here(spec.path),
            config=here(spec.config),
            engine=engine.label,
            command=spec.command if deadlock else f"{spec.command} --no-deadlock",
        ),
    )


def _state(text: str, variables: Sequence[str], convert: Converter) -> State:
    """The state that TLC printed, its variables in the spec's order."""
    parts = _CONJUNCT.split(text)
    if len(parts) == 1:  # a single variable goes without the conjunction
        parts = _VARIABLE.split(text, maxsplit=1)
    found = {name: convert(value.strip()) for name, value in zip(parts[1::2], parts[2::2], strict=True)}
    ordered = [
        *(name for name in variables if name in found),
        *(name for name in found if name not in variables),
    ]
    return State((name, found[name]) for name in ordered)


def _step(action: str, state: State) -> Step:
    event = event_of(state.get(EVENT))
    name, arguments = event if event is not None else (action, immutabledict[str, object]())
    return Step(action=name, arguments=arguments, state=state)
