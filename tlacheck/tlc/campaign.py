"""Sweeps as the work of a campaign: a case is a point, by the name of its configuration."""

import atexit
import functools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.campaign.result import Campaign
from tlacheck.campaign.work import Done, digest_of
from tlacheck.errors import EngineError, SpecError
from tlacheck.tlc._outcome import Counterexample
from tlacheck.tlc.check import Checker, CheckResult
from tlacheck.tlc.pool import Checked
from tlacheck.tlc.spec import Spec, here
from tlacheck.trace import Trace
from tlacheck.verdict import Kind, Verdict

__all__ = ["SweepWork", "checked"]

#: The fields of a result that JSON has as they are.
_PLAIN = (
    "generated",
    "distinct",
    "queue",
    "depth",
    "seconds",
    "engine",
    "violations_dropped",
    "printed_dropped",
)
_LISTS = ("warnings", "levels", "printed")


@attrs.frozen(kw_only=True)
class SweepWork:
    """Checks of one spec with many configurations.

    Attributes:
        spec: the spec; on another machine it is found under the same path, from the project's folder.
        configurations: case -> the text of its configuration.
        options: those of `Checker.check` that are JSON data.
        memory_mb: the heap of a worker's JVM.
    """

    spec: Spec
    configurations: Mapping[str, str] = attrs.field(converter=immutabledict)
    options: Mapping[str, Any] = attrs.field(factory=immutabledict, converter=immutabledict)
    memory_mb: int = 1024

    @property
    def name(self) -> str:
        """The sweep in a few words."""
        return f"sweep {self.spec.name}"

    @property
    def needs_fresh_process(self) -> bool:
        """False: TLC has a process of its own."""
        return False

    def configuration(self) -> Mapping[str, Any]:
        """Spec and options; each case has its configuration in its name's stead."""
        return {
            "kind": "sweep",
            "spec": [self.spec.name, digest_of(self.spec.path.read_text(encoding="utf-8", errors="replace"))],
            "configurations": digest_of(dict(self.configurations)),
            "options": dict(self.options),
        }

    def prepare(self) -> None:
        """Nothing: the worker of TLC starts with the first point."""

    def do(self, case: str) -> Done:
        """Check one point. If TLC refuses it, the reason is the result.

        Raises:
            ConfigError: the options do not fit the spec.
            SetupError: there is no JVM or no TLC.
        """
        with tempfile.TemporaryDirectory(prefix="tlacheck-sweep-") as folder:
            config = Path(folder, f"{case}.cfg")
            config.write_text(self.configurations[case], encoding="utf-8")
            try:
                found = _checker(self.memory_mb).check(attrs.evolve(self.spec, config=config), **self.options)
            except (SpecError, EngineError) as error:
                why = str(error).replace(folder, "")
                return Done(digest=digest_of(why), seconds=0.0, data={"error": why})
        data = _to_json(found)
        fails = found.verdict.is_violated and found.trace is not None
        return Done(
            digest=digest_of({**data, "seconds": 0, "violations": [each[:2] for each in data["violations"]]}),
            seconds=found.seconds,
            steps=found.generated,
            property=(found.verdict.violates or "") if fails else "",
            actions=tuple(step.action for step in found.trace.steps) if fails and found.trace else (),
            data=data,
        )


@functools.cache
def _checker(memory_mb: int) -> Checker:
    """The warm worker of TLC that belongs to this process."""
    checker = Checker(memory_mb=memory_mb)
    atexit.register(checker.close)
    return checker


def _to_json(found: CheckResult) -> dict[str, Any]:
    return {
        **{name: getattr(found, name) for name in _PLAIN},
        **{name: list(getattr(found, name)) for name in _LISTS},
        "verdict": found.verdict.to_json(),
        "violations": [
            [each.property, each.reason, None if each.trace is None else itf.to_json(each.trace)]
            for each in found.violations
        ],
    }


def _from_json(data: Mapping[str, Any], spec: Spec) -> CheckResult:
    """The result; its traces name the configuration that is here."""
    verdict = Verdict(**{**data["verdict"], "kind": Kind(data["verdict"]["kind"])})
    violations = tuple(
        Counterexample(
            property=name, reason=reason, trace=None if trace is None else _named(itf.from_json(trace), spec)
        )
        for name, reason, trace in data["violations"]
    )
    plain: dict[str, Any] = {name: data[name] for name in _PLAIN}
    plain |= {name: tuple(data[name]) for name in _LISTS}
    return CheckResult(
        spec=spec,
        verdict=verdict,
        trace=violations[0].trace if violations else None,
        violations=violations,
        **plain,
    )


def _named(trace: Trace, spec: Spec) -> Trace:
    return attrs.evolve(trace, origin=attrs.evolve(trace.origin, config=here(spec.config)))


def checked(specs: Sequence[Spec], campaign: Campaign) -> Iterator[Checked]:
    """The outcomes of a campaign's cases, each for the spec whose configuration it is named after."""
    places = {spec.config.stem: place for place, spec in enumerate(specs)}
    for row in campaign.rows:
        place, data = places[row.case], row.done.data
        if "error" in data:
            yield Checked(index=place, spec=specs[place], error=SpecError(data["error"]))
        else:
            yield Checked(index=place, spec=specs[place], result=_from_json(data, specs[place]))
