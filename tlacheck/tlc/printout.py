"""Parsing of counterexamples that TLC printed to a terminal, a log or the Toolbox.

Three spellings are read: TLC's usual output (`State 2: <Next line 3, ...>`), the one with numbered
messages (`-tool`), and the files that TLC's simulator writes (`STATE_2 ==`). With `-difftrace` TLC
prints only the changes of a state; the rest is taken from the state before.

The text determines each value without types or configuration: strings are quoted, model values are not.
It lacks the arguments of actions, unless the spec has a variable `event`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict

from tlacheck.errors import SpecError, TraceError
from tlacheck.tlc._convert import Converter
from tlacheck.tlc._event import EVENT, event_of
from tlacheck.trace import Origin, State, Step, Trace, Violation

__all__ = ["is_printout", "traces_of_printout"]

#: The beginning of a state, in each of the spellings.
_STATE: Final = re.compile(
    r"^(?:State (?P<number>\d+):(?: "
    r"(?:<(?P<action>.*)>|(?P<stuttering>Stuttering)))?|STATE_(?P<file>\d+) ==)\s*$"
)
_BACK: Final = re.compile(r"^Back to state:? (\d+)")
#: The text before a state in a simulator's file.
_COMMENT: Final = re.compile(r"^\\\* <?(\w[\w!]*)")
_ACTION: Final = re.compile(r"(\w[\w!]*)(?:\(.*\))? (?:line|of module) ")
_CONJUNCT: Final = re.compile(r"^/\\ (\w+) = ", re.MULTILINE)
_SINGLE: Final = re.compile(r"^(\w+) = ", re.MULTILINE)

_MESSAGE: Final = re.compile(
    r"^@!@!@STARTMSG (\d+):(\d) @!@!@\n(.*?)\n?^@!@!@ENDMSG \1 @!@!@$", re.MULTILINE | re.DOTALL
)
_MESSAGE_STATES: Final = {"2217": "State ", "2216": "State ", "2218": "State ", "2122": "Back to state "}

#: TLC's words for a violation, and whether it is of a step, which has a number.
_VIOLATIONS: Final = (
    (re.compile(r"^Error: Invariant (\S+) is violated"), True),
    (re.compile(r"^Error: Action property (.+?) is violated"), True),
    (re.compile(r"^Error: Property (\S+) is violated by the initial state"), True),
    (re.compile(r"^Error: (Deadlock) reached"), True),
    (re.compile(r"^Error: Temporal propert(?:y|ies) (?:(?!were)(\S+) )?(?:was|were|is) violated"), False),
)
_TEMPORAL: Final = "temporal property"
_VERSION: Final = re.compile(r"^(TLC2? Version \S+)", re.MULTILINE)
_SEED: Final = re.compile(r" and seed (-?\d+)")
#: The root module is the last one that is parsed to the end.
_MODULE: Final = re.compile(r"^Semantic processing of module (\w+)", re.MULTILINE)
_IN_INITIAL: Final = "violated by the initial state"


def is_printout(text: str) -> bool:
    """Return whether a text looks like output of TLC."""
    head = text[:4000]
    return "@!@!@STARTMSG" in head or bool(_VERSION.search(head)) or any(map(_STATE.match, text.splitlines()))


def traces_of_printout(text: str, path: Path | None = None) -> tuple[Trace, ...]:
    """Return all counterexamples in TLC's output, in order; with `-continue` there may be several.

    Args:
        text: what TLC printed, or the part of it from `State 1:` on.
        path: the file it comes from, for messages.

    Raises:
        TraceError: there is no counterexample in it, states are missing, or one holds what is no value.
    """
    plain = _MESSAGE.sub(_plain, text.replace("\r\n", "\n"))
    origin = _origin(plain)
    try:
        traces = tuple(behaviour.trace(origin) for behaviour in _behaviours(plain.splitlines()))
    except (SpecError, TraceError) as error:
        raise TraceError(str(error), path) from error
    if not traces:
        raise TraceError(
            "TLC printed no counterexample here: there is no line `State 1:`. Did the run find no violation?",
            path,
        )
    return traces


def _plain(message: re.Match[str]) -> str:
    """Return a numbered message as TLC prints it without `-tool`."""
    code, severity, body = message.groups()
    begin = _MESSAGE_STATES.get(code)
    if begin:
        return begin + body
    return f"Error: {body}" if severity == "1" else body


def _origin(text: str) -> Origin:
    version, seed, modules = _VERSION.search(text), _SEED.search(text), _MODULE.findall(text)
    return Origin(
        source="tlc",
        spec=f"{modules[-1]}.tla" if modules else "",
        engine=version[1] if version else "",
        seed=int(seed[1]) if seed else None,
    )


@attrs.define
class _Behaviour:
    """One counterexample being read: its states as texts."""

    violated: str | None
    is_step: bool
    actions: list[str] = attrs.field(factory=list)
    bodies: list[list[str]] = attrs.field(factory=list)
    loop: int | None = None

    def trace(self, origin: Origin) -> Trace:
        convert = Converter()
        states: list[State] = []
        for number, body in enumerate(self.bodies, start=1):
            before = states[-1] if states else State()
            found = _state("\n".join(body), number, convert)
            states.append(State({**before, **found}))  # what -difftrace leaves out is as before
        violation = None
        if self.violated is not None:
            violation = Violation(property=self.violated, step=len(states) - 1 if self.is_step else None)
        return Trace(
            initial=states[0],
            steps=tuple(
                _step(action, state) for action, state in zip(self.actions[1:], states[1:], strict=True)
            ),
            origin=origin,
            loop=self.loop,
            violation=violation,
        )


def _behaviours(lines: list[str]) -> Iterator[_Behaviour]:
    violated: tuple[str | None, bool] = (None, True)
    current: _Behaviour | None = None
    is_body = False
    comment = ""
    for line in lines:
        if found := _violated(line):
            violated = found
        if line.startswith("Error: ") and _IN_INITIAL in line:
            # The one state follows without a head.
            if current:
                yield current
            current, is_body = _Behaviour(*violated, actions=[""], bodies=[[]]), True
        elif match := _STATE.match(line):
            number = int(match["number"] or match["file"])
            if number == 1:
                if current:
                    yield current
                current = _Behaviour(*violated)
            if current is None or number != len(current.bodies) + 1:
                expected = len(current.bodies) + 1 if current else 1
                raise TraceError(
                    f"state {number} stands where state {expected} should: is a part of TLC's output missing?"
                )
            is_body = match["stuttering"] is None
            if is_body:
                action = _ACTION.match(match["action"] or "")
                current.actions.append(action[1] if action else comment)
                current.bodies.append([])
            else:
                current.loop = len(current.bodies) - 1
            comment = ""
        elif current and (back := _BACK.match(line)):
            current.loop = int(back[1]) - 1
            is_body = False
        elif action := _COMMENT.match(line):
            comment = "" if action[1] in {"Initial", "Init"} else action[1]
        elif not line.strip():
            is_body = is_body and current is not None and not current.bodies[-1]
        elif is_body and current:
            current.bodies[-1].append(line)
    if current:
        yield current


def _violated(line: str) -> tuple[str, bool] | None:
    for pattern, is_step in _VIOLATIONS:
        if match := pattern.match(line):
            return match[1] or _TEMPORAL, is_step
    return None


def _state(text: str, number: int, convert: Converter) -> State:
    """Parse the variables that a state prints; a single one goes without the conjunction."""
    parts = _CONJUNCT.split(text)
    if len(parts) == 1:
        parts = _SINGLE.split(text, maxsplit=1)
    if len(parts) < 3:
        raise TraceError(f"state {number} has no variables: is a part of TLC's output missing?")
    try:
        return State(
            (name, convert(value.strip())) for name, value in zip(parts[1::2], parts[2::2], strict=True)
        )
    except SpecError as error:
        raise TraceError(f"state {number}: {error}") from error


def _step(action: str, state: State) -> Step:
    event = event_of(state.get(EVENT))
    name, arguments = event if event is not None else (action, immutabledict[str, object]())
    return Step(action=name, arguments=arguments, state=state)
