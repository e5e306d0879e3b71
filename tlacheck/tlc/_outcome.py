"""Interpretation of TLC's messages: the counts, the verdict and the trace of a run.

TLC's messages have numbers, which are the same in all versions; only numbers decide here. The text is
parsed for what has no number: a property's name, the counts, the states of a trace.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import attrs
from immutabledict import immutabledict

from tlacheck.engine import Engine
from tlacheck.errors import ConfigError, Location, SpecError
from tlacheck.tlc._convert import Converter
from tlacheck.tlc._diagnose import diagnose, location_in, of_parser, unknown_constants
from tlacheck.tlc._event import EVENT, event_of
from tlacheck.tlc._files import texts
from tlacheck.tlc._protocol import VIOLATIONS, Kind, Message, Report, Request
from tlacheck.tlc.coverage import Coverage, read_coverage
from tlacheck.tlc.spec import Spec, here
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.verdict import Verdict

__all__ = ["Counterexample", "TlcResult", "interpret", "unchecked_translations", "warnings_of"]

#: The name under which a deadlock is reported, as if it were a property.
DEADLOCK = "Deadlock"

_SUCCESS = 2193
_STATS = 2199
_PROGRESS = 2200
_DEPTH = 2194
_STATE, _STUTTERING, _BACK = 2217, 2218, 2122
_BEHAVIOR, _COUNTEREXAMPLE, _INITIAL = 2121, 2264, 2102
_PARSER_DONE = 2219
#: In a depth-first search: the figures at its end, the start of longer behaviours, a state (without
#: its action).
_STATS_IN_DEPTH, _LEVEL_BEGINS, _STATE_IN_DEPTH = 2204, 2205, 2216
_TEMPORAL_BEGINS = 2212

#: The message of a violation -> the pattern that finds the property's name.
_VIOLATIONS = {
    2104: re.compile(r"Assumption (?P<place>.*) is false"),
    2107: re.compile(r"Invariant (?P<name>\S+) is violated by the initial state"),
    2108: re.compile(r"Property (?P<name>\S+) is violated by the initial state"),
    2110: re.compile(r"Invariant (?P<name>\S+) is violated"),
    2112: re.compile(r"Action property (?P<name>.+?) is violated"),
    2114: re.compile(r"Deadlock reached"),
    2116: re.compile(r"Temporal propert(?:y|ies) (?:(?P<names>\S.*?) )?(?:was|were) violated"),
    2404: re.compile(r"Postcondition (?P<name>\S+) at (?P<place>.*) is false"),
}
_ASSUMPTION, _ACTION_PROPERTY, _DEADLOCK, _TEMPORAL, _POSTCONDITION = 2104, 2112, 2114, 2116, 2404
_IN_INITIAL = (2107, 2108)

#: Errors that say something about this machine, not about the spec.
_EXHAUSTED_MEMORY = (1001, 1002, 1003)
_DISK = (2125, 2127, 2160, 2161, 2174, 2175)

_COUNTS = re.compile(
    r"([\d,]+) states generated.*?, ([\d,]+) distinct states found(?:.*?, ([\d,]+) states left on queue)?"
)
_NUMBER = re.compile(r"Progress\((\d+)\)|search is (\d+)\.")
_LEVEL = re.compile(r"Starting level (\d+):")
_HEADER = re.compile(r"\A(\d+):(?: <?(.*?)>?)?\n")
_VARIABLE = re.compile(r"^(?:/\\ )?(\w+) = ", re.MULTILINE)
_CONJUNCT = re.compile(r"^/\\ (\w+) = ", re.MULTILINE)
_ACTION = re.compile(r"(\w[\w!]*)(?:\(.*\))? (?:line|of module) ")


@attrs.frozen(kw_only=True)
class Counterexample:
    """One violation that a check found.

    Attributes:
        property: what is violated, by its name in the spec.
        reason: a line that says how.
        trace: the behaviour; None for a false assumption, which has none.
    """

    property: str
    reason: str
    trace: Trace | None


@attrs.frozen(kw_only=True)
class TlcResult:
    """A run's result: a `CheckResult` without what only the caller knows."""

    verdict: Verdict
    generated: int
    distinct: int
    queue: int
    depth: int
    trace: Trace | None
    warnings: tuple[str, ...]
    violations: tuple[Counterexample, ...]
    violations_dropped: int
    coverage: Coverage | None
    levels: tuple[int, ...]
    printed: tuple[str, ...]
    printed_dropped: int


#: The beginning of a warning by SANY, such as one of a stale PlusCal translation; newer ones list several.
_SANY_WARNS = "!! WARNING:"
_SANY_LISTS = re.compile(r"^Warnings \((\d+)\) during .*:$", re.MULTILINE)
#: The line before a PlusCal translation that can be compared with its algorithm.
_TRANSLATED = re.compile(r"BEGIN TRANSLATION\s*\(chksum")
_PLACE_UNKNOWN = re.compile(r"In module \w+\s+")


def interpret(
    report: Report,
    spec: Spec,
    engine: Engine,
    *,
    deadlock: bool = True,
    continue_: bool = False,
    depth_first: int | None = None,
) -> TlcResult:
    """Interpret the report of a run that was requested with these options.

    Raises:
        SpecError: TLC refused the spec, or could not evaluate it. The states up to there are the
            error's `trace`.
        ConfigError: TLC cannot do what was asked with this spec.
    """
    messages = report.messages
    if report.strangers:
        raise unknown_constants(spec, report.strangers)
    request = Request(
        spec=spec, engine=engine, workers=1, deadlock=deadlock, continue_=continue_, depth_first=depth_first
    )
    if depth_first is not None and _find(messages, _TEMPORAL_BEGINS):
        raise ConfigError(
            f"{spec.config} names temporal properties, which TLC cannot check depth first: "
            "leave depth_first (--dfid) out, or the properties"
        )
    generated, distinct, queue = _counts(messages)
    verdict, violations, complaint = _verdict(report, request)
    warnings = [*warnings_of(messages), *unchecked_translations(spec, engine)]
    if complaint is not None:
        warnings.append(f"the search ended early: {complaint}")
    return TlcResult(
        verdict=verdict,
        generated=generated,
        distinct=distinct,
        queue=queue,
        depth=_depth(messages),
        trace=violations[0].trace if violations else None,
        warnings=tuple(warnings),
        violations=violations,
        violations_dropped=report.violations_dropped,
        coverage=read_coverage(messages, spec),
        levels=report.levels,
        printed=_printed(messages),
        printed_dropped=report.printed_dropped,
    )


def warnings_of(messages: Iterable[Message]) -> Iterator[str]:
    """The warnings of TLC, and those of SANY, which have no number."""
    messages = tuple(messages)
    for message in messages:
        if message.kind == Kind.WARNING:
            yield message.text.strip()
        elif message.code is None:
            for line in message.text.splitlines():
                if line.startswith(_SANY_WARNS):
                    yield line.removeprefix(_SANY_WARNS).strip()
    yield from _listed(of_parser(messages))


def unchecked_translations(spec: Spec, engine: Engine) -> Iterator[str]:
    """Yield the warning that this TLC does not compare the spec's PlusCal with its translation."""
    is_translated = any(_TRANSLATED.search(text) for text in texts(spec.path, spec.libraries))
    if is_translated and not engine.compares_translations:
        yield (
            f"TLC {engine.version} does not tell whether a PlusCal translation is still that of its "
            "algorithm; TLC 2.18 and newer ones do"
        )


def _listed(text: str) -> Iterator[str]:
    """The warnings in a list of SANY's, each a place, an empty line and a sentence."""
    for begin in _SANY_LISTS.finditer(text):
        blocks = re.split(r"\n\s*\n\s*\n", text[begin.end() :].strip())
        for block in blocks[: int(begin[1])]:
            place, _, words = block.strip().partition("\n\n")
            said = " ".join(words.split())
            yield said if _PLACE_UNKNOWN.match(place + "\n") else f"{place}: {said}"


def _verdict(
    report: Report, request: Request
) -> tuple[Verdict, tuple[Counterexample, ...], SpecError | None]:
    """Return the verdict, all violations, and what ended a search that went on past a violation."""
    spec, messages = request.spec, report.messages
    violations: list[Counterexample] = []
    for index, message in enumerate(messages):
        if message.kind not in (Kind.ERROR, Kind.BUG):
            continue
        pattern = _VIOLATIONS.get(message.code or 0)
        match = pattern.search(message.text) if pattern else None
        if match:
            trace = _trace(_about_one(messages[index:]), report, request)
            for found in _counterexamples(message, match, report, request, trace):
                if found not in violations:  # a depth-first search meets it again and again
                    violations.append(found)
            if not request.continue_:
                break
        elif message.code in (_BEHAVIOR, _COUNTEREXAMPLE, _INITIAL):
            continue
        elif violations:
            return _violated(violations), tuple(violations), diagnose(spec, messages[index:], report.failure)
        elif message.code in _EXHAUSTED_MEMORY:
            return (
                Verdict.unknown("out of memory: give the checker more (--memory), or make the model smaller"),
                (),
                None,
            )
        elif message.code in _DISK:
            return Verdict.unknown(f"TLC could not use the disk: {message.text.strip()}"), (), None
        else:
            raise diagnose(spec, messages, report.failure, _trace(messages, report, request))
    if violations:
        return _violated(violations), tuple(violations), None
    is_bounded = request.depth_first is not None and _find(messages, _STATS_IN_DEPTH)
    if report.failure is not None or not (is_bounded or _find(messages, _SUCCESS)):
        raise diagnose(spec, messages, report.failure, _trace(messages, report, request))
    if not _counts(messages)[1]:
        if not report.variables:  # a module of assumptions alone, which hold
            return Verdict.exhausted(), (), None
        nothing = f"no state satisfies the initial predicate of {spec.module}, so nothing was checked"
        raise SpecError(nothing, Location(str(spec.path)))
    if request.depth_first is not None and not _find(messages, _SUCCESS):
        return Verdict.bounded(request.depth_first - 1), (), None
    if left := _counts(messages)[2]:
        # TLC calls it a success all the same.
        stopped = f'the spec ended the search, by TLCSet("exit", TRUE), with {left:,} states not explored'
        return Verdict.unknown(stopped), (), None
    return Verdict.exhausted(), (), None


def _violated(violations: Sequence[Counterexample]) -> Verdict:
    return Verdict.violated(violations[0].property, violations[0].reason)


def _about_one(messages: Sequence[Message]) -> Sequence[Message]:
    """Return, of messages that begin with a violation, those before the next one."""
    for index, message in enumerate(messages[1:], start=1):
        if message.code in VIOLATIONS:
            return messages[:index]
    return messages


def _counterexamples(
    message: Message, match: re.Match[str], report: Report, request: Request, trace: Trace | None
) -> Iterator[Counterexample]:
    for name, reason in _names(message, match, report, request.spec):
        if trace is not None:
            broken = None if message.code == _TEMPORAL else len(trace.steps)
            violation = Violation(property=name, step=broken, explanation=(reason,))
            trace = attrs.evolve(trace, violation=violation)
        yield Counterexample(property=name, reason=reason, trace=trace)


def _names(message: Message, match: re.Match[str], report: Report, spec: Spec) -> Iterator[tuple[str, str]]:
    """Yield the violated properties, each with a line of explanation; several if a lasso refutes several."""
    if message.code == _DEADLOCK:
        yield DEADLOCK, "a state is reached in which no action is enabled"
    elif message.code == _ASSUMPTION:
        yield f"assumption at {_place(match['place'], spec)}", "an assumption about the constants is false"
    elif message.code == _TEMPORAL:
        told = tuple(re.split(r", (?:and )?| and ", match["names"])) if match["names"] else ()
        names = report.refuted or told or report.temporal
        if len(report.temporal) > 1 and not (report.refuted or told):
            # TLC checks the properties as one formula and does not say which of them fails.
            yield (
                " or ".join(names),
                f"one of {', '.join(names)} is violated by a behaviour; check them one by one to see which",
            )
            return
        for name in names or ("temporal property",):
            yield name, "a behaviour that repeats forever violates it"
    elif message.code == _POSTCONDITION:
        yield match["name"], f"is false after the search, at {_place(match['place'], spec)}"
    elif message.code == _ACTION_PROPERTY:
        yield match["name"], "is violated by a step"
    else:
        where = "in an initial state" if message.code in _IN_INITIAL else "in a reachable state"
        yield match["name"], f"does not hold {where}"


def _printed(messages: Sequence[Message]) -> tuple[str, ...]:
    """Return the spec's own output, which comes without a number after the parser is done."""
    parsed = next((index for index, message in enumerate(messages) if message.code == _PARSER_DONE), None)
    if parsed is None:
        return ()
    return tuple(message.text for message in messages[parsed:] if message.code is None)


def _place(text: str, spec: Spec) -> str:
    found = location_in(text, spec)
    return str(found) if found else text


def _find(messages: Sequence[Message], code: int) -> bool:
    return any(message.code == code for message in messages)


def _counts(messages: Sequence[Message]) -> tuple[int, int, int]:
    for message in reversed(messages):
        if message.code in (_STATS, _PROGRESS, _STATS_IN_DEPTH) and (match := _COUNTS.search(message.text)):
            generated, distinct, queue = (int((number or "0").replace(",", "")) for number in match.groups())
            return generated, distinct, queue
    return 0, 0, 0


def _depth(messages: Sequence[Message]) -> int:
    """Return the number of states on the longest shortest path, from the end or the latest progress."""
    levels = [
        int(match[1])
        for message in messages
        if message.code == _LEVEL_BEGINS and (match := _LEVEL.match(message.text))
    ]
    if levels:  # the search in depth knows that it is complete when it finds nothing on one more level
        return levels[-1] - _find(messages, _SUCCESS)
    found = [
        int(match[1] or match[2])
        for message in messages
        if message.code in (_DEPTH, _PROGRESS) and (match := _NUMBER.search(message.text))
    ]
    return found[-1] if found else 0


def _trace(messages: Sequence[Message], report: Report, request: Request) -> Trace | None:
    """Return the last behaviour among the messages."""
    convert = Converter()
    states: list[tuple[str, State]] = []
    loop: int | None = None
    for message in messages:
        if message.code in _IN_INITIAL:
            head, _, body = message.text.partition("\n")
            states = [("", _state(body, report.variables, convert))] if head else []
        elif message.code in (_STATE, _STATE_IN_DEPTH) and (header := _HEADER.match(message.text)):
            if int(header[1]) == 1:
                states.clear()
            body = message.text[header.end() :]
            if " = null" in body:
                break  # the state in which the evaluation failed, half made
            action = _ACTION.match(header[2] or "")
            states.append((action[1] if action else "", _state(body, report.variables, convert)))
        elif message.code == _STUTTERING:
            loop = len(states) - 1
        elif message.code == _BACK:
            loop = int(message.text.partition(":")[0]) - 1
    if not states or not states[0][1]:
        return None
    spec = request.spec
    return Trace(
        initial=states[0][1],
        steps=tuple(_step(action, state) for action, state in states[1:]),
        loop=loop,
        origin=Origin(
            source="tlc",
            spec=here(spec.path),
            config=here(spec.config),
            engine=request.engine.label,
            command=" ".join([spec.command, *_options(request)]),
        ),
    )


def _options(request: Request) -> Iterator[str]:
    """Yield the options of `tlacheck check` without which the result would differ."""
    if not request.deadlock:
        yield "--no-deadlock"
    if request.continue_:
        yield "--continue"
    if request.depth_first is not None:
        yield f"--dfid {request.depth_first}"


def _state(text: str, variables: Sequence[str], convert: Converter) -> State:
    """Return the state that TLC printed, its variables in the spec's order."""
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
