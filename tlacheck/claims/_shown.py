"""Evidence as both pages show it: text, link, and the command that repeats it."""

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from tlacheck.claims.claim import (
    CheckEvidence,
    Claim,
    Claims,
    Evidence,
    FileEvidence,
    MeasuredEvidence,
    TestEvidence,
    TraceEvidence,
)
from tlacheck.verify.judge import expected
from tlacheck.verify.manifest import Model
from tlacheck.verify.plan import Check

__all__ = ["Shown", "View", "code_and_text"]

_CODE = re.compile(r"`([^`]+)`")


@attrs.frozen(kw_only=True)
class Shown:
    """A piece of evidence in words.

    Attributes:
        kind: check, trace, test, file, measured.
        name: what it is called.
        href: where it is, from the page; empty if it is nowhere to be found.
        says: what it says; code in backquotes.
        command: what repeats or opens it; empty if nothing does.
    """

    kind: str
    name: str
    href: str
    says: str
    command: str


class View:
    """The words for the evidence of a project.

    Args:
        claims: what is claimed.
        checks: the checks of the project, by name.
    """

    def __init__(self, claims: Claims, checks: Mapping[str, Check]) -> None:
        self._claims = claims
        self._checks = checks

    def evidence(self, claim: Claim) -> list[Shown]:
        """The evidence of a claim."""
        return [self._shown(each) for each in claim.evidence]

    def figure(self, claim: Claim) -> str:
        """Return the claim's own figure, or else its measurements with their limits."""
        if claim.figure:
            return claim.figure
        found: dict[str, list[str]] = {}
        for each in claim.evidence:
            if isinstance(each, MeasuredEvidence) and each.has_limit:
                found.setdefault(_beside(each), []).append(str(each.found))
        return "; ".join(f"{', '.join(figures)}: {limit}" for limit, figures in found.items())

    def _shown(self, evidence: Evidence) -> Shown:
        match evidence:
            case CheckEvidence():
                return self._check(evidence)
            case TraceEvidence(trace=trace, shows=shows):
                words = [self._claims.command, "inspect", trace]
                return Shown(
                    kind="trace",
                    name=Path(trace).name,
                    href=self._href(trace),
                    says=f"shows `{shows}`",
                    command=shlex.join(words),
                )
            case TestEvidence(file=file, name=name):
                return Shown(
                    kind="test",
                    name=name.rpartition("::")[2],
                    href=self._href(file),
                    says="",
                    command=f"{self._claims.testing} {shlex.quote(f'{file}::{name}')}",
                )
            case FileEvidence(file=file, contains=contains):
                return Shown(
                    kind="file",
                    name=file,
                    href=self._href(file),
                    says=f"says “{contains}”" if contains else "",
                    command="",
                )
            case MeasuredEvidence():
                return self._measured(evidence)

    def _check(self, evidence: CheckEvidence) -> Shown:
        check = self._checks.get(evidence.check)
        if check is None:
            return Shown(
                kind="check", name=evidence.check, href="", says="there is no such check", command=""
            )
        says = [expected(check) if isinstance(check, Model) else evidence.expect]
        if isinstance(check, Model):
            says.insert(0, check.what)
            source = check.config if check.config.is_file() else check.manifest
            path = os.path.relpath(source, self._claims.root)
        else:
            path = _file_of(check.call)
        says += [
            f"{number:,} {name.replace('_', ' ')}" if isinstance(number, int) else f"{name} {number}"
            for name, number in evidence.figures.items()
        ]
        says += [f"`{_squeezed(text)}`" for text in evidence.says]
        words = [self._claims.command, "verify", "--only", check.name, "--budget", check.budget]
        return Shown(
            kind=check.layer,
            name=check.name,
            href=self._href(path),
            says="; ".join(says),
            command=shlex.join(words),
        )

    def _measured(self, evidence: MeasuredEvidence) -> Shown:
        measurement, found = evidence.measurement, evidence.found
        limit = f": {_beside(evidence)}" if evidence.has_limit else ""
        return Shown(
            kind="measured",
            name=f"{found}{limit}",
            href="",
            says=f"{found.text}. {measurement.what}; on {measurement.machine}",
            command=measurement.command,
        )

    def _href(self, path: str) -> str:
        """Return the link from the page to a file of the project; empty if there is none."""
        target = self._claims.root / path
        if not target.is_file():
            return ""
        return Path(os.path.relpath(target, self._claims.page.parent)).as_posix()


def code_and_text(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the pieces of a text, each with True if it stands in backquotes."""
    end = 0
    for code in _CODE.finditer(text):
        if code.start() > end:
            yield False, text[end : code.start()]
        yield True, code[1]
        end = code.end()
    if end < len(text):
        yield False, text[end:]


def _beside(evidence: MeasuredEvidence) -> str:
    """Return the limits of a figure, and whether it misses them."""
    return evidence.limit if evidence.keeps else f"not {evidence.limit}"


def _file_of(call: str) -> str:
    """Return the file of a Python check, which is named `package.module:function`."""
    return call.partition(":")[0].replace(".", "/") + ".py"


def _squeezed(text: str) -> str:
    return " ".join(text.split())
