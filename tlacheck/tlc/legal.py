"""Confirmation by a separate TLC run that a trace is a behaviour of its spec.

The oracle proposes, judges and helps to shrink; this module confirms its result independently. It
writes a module around the spec that holds the trace as a constant, with an action constraint that lets
TLC take only the steps of the trace: from its state number k to the next one, by its action and
arguments. If TLC reaches the last state, the trace is a behaviour; if not, the depth that it reached
names the first step at fault.

The module takes no name from the spec: its own begin with `Tlacheck`, and its standard modules are in
an instance. The number of a step is TLC's level; it is part of the view, so a behaviour may return to a
state. Invariants, properties, constraints, symmetry and view of the configuration are left out: they
bound or judge a search and do not say what the spec allows.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict

from tlacheck.errors import SpecError, TraceError
from tlacheck.tlc._configuration import _SECTIONS, _tokens
from tlacheck.tlc._event import EVENT
from tlacheck.tlc.check import Checker
from tlacheck.tlc.parse import parse
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace
from tlacheck.values import ModelValue, Value, ordered, to_tla
from tlacheck.verdict import Verdict

__all__ = ["check_behaviour", "demanded"]

_MODULE: Final = "TlacheckBehaviour"
_TRACE: Final = "TlacheckTrace"
#: The sections of a configuration that say what the spec allows.
_KEPT: Final = frozenset({"CONSTANT", "CONSTANTS", "SPECIFICATION", "INIT", "NEXT"})


def demanded(trace: Trace) -> Trace:
    """Return the behaviour that the spec demanded where a system left it, with the spec's last state.

    Returns:
        The trace without its violation; where a step left the spec, the state that the spec demands
        there instead of the one that the system showed.

    Raises:
        TraceError: the spec allows no such step at all, so that it demands no state there.
    """
    violation = trace.violation
    if violation is None or violation.step is None:
        return attrs.evolve(trace, violation=None)
    if violation.expected is None:
        raise TraceError(
            f"at step {violation.step} the spec demands no state: it allows no such step. "
            "Only the steps before it are a behaviour"
        )
    # The system shows some of the spec's variables; a trace has the same ones in all of its states.
    known = immutabledict((name, violation.expected[name]) for name in trace.initial)
    if violation.step == 0:
        return attrs.evolve(trace, initial=known, steps=(), violation=None)
    steps = trace.steps[: violation.step]
    return attrs.evolve(trace, steps=(*steps[:-1], attrs.evolve(steps[-1], state=known)), violation=None)


def check_behaviour(
    trace: Trace,
    spec: Spec,
    *,
    checker: Checker | None = None,
    variables: Sequence[str] | None = None,
    timeout: float | None = 60.0,
) -> Verdict:
    """Check with TLC that `trace` is a behaviour of `spec`, from an initial state and step by step.

    For the run of a system that left its spec, the behaviour checked is the one that the spec demanded
    (`demanded`). Variables that the trace does not show may have any values.

    Args:
        trace: the trace. Where the spec records its steps in `event`, actions and arguments have to agree
            too.
        spec: the spec.
        checker: a warm one, which stays open; None starts one.
        variables: the names of the spec's variables; None asks SANY, which takes a second.
        timeout: seconds after which to give up; None waits.

    Returns:
        Exhausted if it is one; violated, with the first step that fits nowhere, if it is none; unknown if
        there was no time or no memory, or TLC cannot compare the trace's values with the spec's.

    Raises:
        SpecError: TLC refuses the spec itself.
        TraceError: it has variables that the spec has not, or ends where the spec allows no such step.
        SetupError: there is no JVM or no TLC.
    """
    behaviour = demanded(trace)
    names = tuple(each.name for each in parse(spec).variables) if variables is None else tuple(variables)
    if strangers := sorted(set(behaviour.initial) - set(names)):
        raise TraceError(f"{spec.module} has no variable {', '.join(strangers)}; it has {', '.join(names)}")
    with tempfile.TemporaryDirectory(prefix="tlacheck-") as name:
        folder = Path(name)
        around = _write(behaviour, spec, names, folder)
        try:
            if checker is None:
                with Checker() as fresh:
                    result = fresh.check(around, deadlock=False, timeout=timeout)
            else:
                result = checker.check(around, deadlock=False, timeout=timeout)
        except SpecError as error:
            if error.location is not None and Path(error.location.file).stem in {_MODULE, _TRACE}:
                return Verdict.unknown(f"TLC cannot compare the trace with {spec.module}: {error.message}")
            raise
    if result.verdict.is_unknown:
        return result.verdict
    title = f"is a behaviour of {spec.module}"
    if not behaviour.steps:
        if result.verdict.is_violated:
            return Verdict.exhausted()
        return Verdict.violated(title, f"{spec.module} does not begin in its initial state")
    fits = result.depth - 1
    if fits == len(behaviour):
        return Verdict.exhausted()
    step = behaviour.steps[fits]
    begins = " or does not begin in its initial state" if fits == 0 else ""
    return Verdict.violated(title, f"{spec.module} does not take step {fits + 1}, {step.action}{begins}")


def _write(trace: Trace, spec: Spec, names: tuple[str, ...], folder: Path) -> Spec:
    """Write to `folder` the spec around `spec` that allows exactly the steps of `trace`."""
    for path in spec.path.parent.glob("*.tla"):
        shutil.copy(path, folder)
    constants: dict[ModelValue, ModelValue] = {}
    states = ",\n  ".join(to_tla(_named(state, constants)) for state in trace.states)
    calls = ",\n  ".join(
        f"[action |-> {to_tla(step.action)}, arguments |-> {to_tla(_named(step.arguments, constants) or ())}]"
        for step in trace.steps
    )
    declared = f"CONSTANTS {', '.join(each.name for each in constants.values())}\n" if constants else ""
    (folder / f"{_TRACE}.tla").write_text(
        f"---- MODULE {_TRACE} ----\nEXTENDS TLC, Sequences, Integers\n{declared}"
        f'Level == TLCGet("level")\nStates == <<\n  {states}>>\nCalls == <<\n  {calls}>>\n====\n',
        encoding="utf-8",
    )
    root, config = folder / f"{_MODULE}.tla", folder / f"{_MODULE}.cfg"
    root.write_text(_root(trace, spec, names, declared), encoding="utf-8")
    assigned = "".join(f"\n  {constant.name} = {value.name}" for value, constant in constants.items())
    config.write_text(
        "".join(_kept(spec.configuration))
        + (f"\nCONSTANTS{assigned}" if assigned else "")
        + f"\nVIEW {_MODULE}View\n"
        + f"ACTION_CONSTRAINT {_MODULE}Fits\n"
        + ("" if trace.steps else f"INVARIANT {_MODULE}Elsewhere\n"),
        encoding="utf-8",
    )
    return attrs.evolve(spec, path=root, config=config)


def _root(trace: Trace, spec: Spec, names: tuple[str, ...], declared: str) -> str:
    """Return the text of the module around the spec."""
    run = f"{_MODULE}Run"
    at = f"{run}!States[{run}!Level"
    fits = [f"{run}!Level <= {len(trace)}"]  # so that a trace without steps allows none
    fits += [f"{name} = {at}].{name}" for name in trace.initial]
    fits += [f"{name}' = {at} + 1].{name}" for name in trace.initial]
    if EVENT in names:
        call = f"{run}!Calls[{run}!Level]"
        agrees = f"name \\in DOMAIN {EVENT}' /\\ {EVENT}'[name] = {call}.arguments[name]"
        fits.append(f"{EVENT}'.action = {call}.action")
        fits.append(f"\\A name \\in DOMAIN {call}.arguments : {agrees}")
    begins = " /\\ ".join(f"{name} = {run}!States[1].{name}" for name in trace.initial)
    conjuncts = "\n".join(f"  /\\ {each}" for each in fits)
    return (
        f"---- MODULE {_MODULE} ----\nEXTENDS {spec.module}\n{declared}{run} == INSTANCE {_TRACE}\n"
        f"{_MODULE}View == <<{', '.join(names)}, {run}!Level>>\n"
        f"{_MODULE}Fits ==\n{conjuncts}\n{_MODULE}Elsewhere == ~({begins})\n====\n"
    )


def _named(value: Value, constants: dict[ModelValue, ModelValue]) -> Value:
    """Replace each model value by a constant of the generated module."""
    match value:
        case ModelValue():
            return constants.setdefault(value, ModelValue(f"{_MODULE}Value{len(constants) + 1}"))
        case tuple():
            return tuple(_named(item, constants) for item in value)
        case frozenset():
            return frozenset(_named(member, constants) for member in ordered(value))
        case immutabledict():
            return immutabledict(
                (_named(key, constants), _named(value[key], constants)) for key in ordered(value)
            )
        case _:
            return value


def _kept(text: str) -> Iterator[str]:
    """Yield the configuration's lines about constants and behaviours; comments between are left out."""
    kept = False
    for token in _tokens(text):
        if token.text in _SECTIONS:
            kept = token.text in _KEPT
        if kept:
            yield f"{token.text}\n" if token.text in _SECTIONS else f"{token.text} "
