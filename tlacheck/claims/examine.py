"""Examination of claims: every piece of evidence must exist and support its claim."""

import ast
import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from tlacheck import itf
from tlacheck.claims.claim import (
    CheckEvidence,
    Claim,
    Claims,
    Document,
    Evidence,
    FileEvidence,
    MeasuredEvidence,
    Settled,
    TestEvidence,
    TraceEvidence,
)
from tlacheck.claims.runs import Ran
from tlacheck.errors import ConfigError, TlacheckError
from tlacheck.verify.manifest import Expectation, Model
from tlacheck.verify.plan import Check, Plan

__all__ = ["Complaint", "Examined", "check_quotes", "examine", "expectation_of"]

#: The expectations of checks that support each verdict.
_NEEDS: Final = {
    Settled.PROVED: ("proved",),
    Settled.EXHAUSTED: ("exhausted",),
    Settled.BOUNDED: ("bounded",),
    Settled.SAMPLED: ("sampled",),
}
#: The expectations that refute a claim, besides a measurement.
_SHOWING: Final = (CheckEvidence, TraceEvidence, TestEvidence)


@attrs.frozen
class Complaint:
    """A defect of a claim."""

    claim: str
    what: str

    def __str__(self) -> str:
        return f"{self.claim}: {self.what}"


@attrs.frozen(kw_only=True)
class Examined:
    """The result of the examination.

    Attributes:
        complaints: what is not so, claim by claim.
        pieces: how many pieces of evidence there are.
        checks: the checks that are evidence, by name.
        agreed: those of them whose last run here agrees.
        not_run: those of them that never ran here.
    """

    complaints: tuple[Complaint, ...]
    pieces: int
    checks: tuple[str, ...]
    agreed: tuple[str, ...]
    not_run: tuple[str, ...]


def examine(claims: Claims, plan: Plan, runs: Mapping[str, Ran]) -> Examined:
    """Look at each piece of evidence of each claim.

    Args:
        claims: what is claimed.
        plan: the checks of the project.
        runs: what checks came to when they last ran here; none for what only the files say.
    """
    known = {check.name: check for check in plan.checks}
    complaints: list[Complaint] = []
    for claim in claims.claims:
        found = [*_unsupported(claim)]
        for evidence in claim.evidence:
            found += _wrong(evidence, claims.root, known, runs)
        complaints += [Complaint(claim.id, what) for what in dict.fromkeys(found)]
    names = dict.fromkeys(
        evidence.check
        for claim in claims.claims
        for evidence in claim.evidence
        if isinstance(evidence, CheckEvidence) and evidence.check in known
    )
    return Examined(
        complaints=tuple(complaints),
        pieces=sum(len(claim.evidence) for claim in claims.claims),
        checks=tuple(names),
        agreed=tuple(name for name in names if name in runs and runs[name].status == "ok"),
        not_run=tuple(name for name in names if name not in runs),
    )


def expectation_of(check: Check) -> tuple[str | None, str | None]:
    """Return what a check is expected to reach, in the words of its file, and what it must violate."""
    if isinstance(check, Model):
        return check.expect.value, check.violates
    return None if check.expect is None else check.expect.value, None


def _unsupported(claim: Claim) -> Iterator[str]:
    """Yield the reasons why a verdict lacks the kind of evidence that it needs."""
    expected = {evidence.expect for evidence in claim.evidence if isinstance(evidence, CheckEvidence)}
    limits = [each for each in claim.evidence if isinstance(each, MeasuredEvidence) and each.has_limit]
    match claim.settled:
        case Settled.OPEN:
            return
        case Settled.REFUTED:
            shown = any(isinstance(each, _SHOWING) for each in claim.evidence)
            if not shown and not limits:
                yield "it is said to be refuted, but no check, trace, test or measured limit shows it"
            for each in limits:
                if each.keeps:
                    yield (
                        f"it is said to be refuted, but {each.measurement.id} keeps to it: "
                        f"{each.found} is "
                        f"{each.limit}"
                    )
        case Settled.MEASURED | Settled.ESTIMATED:
            if not limits:
                yield (
                    f"it is said to be {claim.settled.value}, but no measurement has a limit to keep to: "
                    'add "below" or "above"'
                )
            for each in limits:
                if not each.keeps:
                    yield (
                        f"{each.measurement.id} found {each.found} ({each.figure}), which is not {each.limit}"
                    )
        case settled:
            tested = settled is Settled.SAMPLED and any(
                isinstance(each, TestEvidence) for each in claim.evidence
            )
            if not tested and not expected & set(_NEEDS[settled]):
                there = f"; its checks are {', '.join(sorted(expected))}" if expected else "; it has no check"
                yield f"it is said to be {settled.value}, but none of its evidence is{there}"


def _wrong(
    evidence: Evidence, root: Path, known: Mapping[str, Check], runs: Mapping[str, Ran]
) -> Iterable[str]:
    match evidence:
        case CheckEvidence():
            return _check_wrong(evidence, known, runs)
        case TraceEvidence():
            return _trace_wrong(evidence, root)
        case TestEvidence():
            return _test_wrong(evidence, root)
        case FileEvidence():
            return _file_wrong(evidence, root)
        case MeasuredEvidence():
            return _measurement_wrong(evidence, root)


def _check_wrong(
    evidence: CheckEvidence, known: Mapping[str, Check], runs: Mapping[str, Ran]
) -> Iterator[str]:
    name = evidence.check
    if name not in known:
        near = next(iter(difflib.get_close_matches(name, known, n=1)), None)
        hint = f'did you mean "{near}"?' if near else "`tlacheck verify --list --budget deep` names them all"
        yield f'no check is called "{name}": {hint}'
        return
    expect, violates = expectation_of(known[name])
    if expect != evidence.expect:
        yield f"{name} is said to be {evidence.expect}, but what it must come to is {expect or 'not said'}"
    if evidence.violates is not None and violates != evidence.violates:
        yield (
            f"{name} is said to violate {evidence.violates}, but what it must violate is "
            f"{violates or 'not said'}"
        )
    if name in runs:
        yield from _run_wrong(evidence, runs[name])


def _run_wrong(evidence: CheckEvidence, ran: Ran) -> Iterator[str]:
    name, where = evidence.check, f"in its last run here ({ran.folder.name})"
    kind = "violated" if evidence.expect == Expectation.WITNESS.value else evidence.expect
    if ran.status != "ok":
        first = ran.message.partition("\n")[0]
        yield f"{name} was {ran.status} {where}{f': {first}' if first else ''}"
        return
    if ran.kind != kind:
        yield f"{name} is said to be {evidence.expect} and was {ran.kind} {where}"
    if evidence.violates is not None and ran.violates not in (None, evidence.violates):
        yield f"{name} is said to violate {evidence.violates} and violated {ran.violates} {where}"
    for figure, number in evidence.figures.items():
        if ran.figures.get(figure) != number:
            yield f"{name} is said to have {figure} = {number!r} and had {ran.figures.get(figure)!r} {where}"
    said = _plain(ran.message)
    for text in evidence.says:
        if _plain(text) not in said:
            yield f'{name} is said to tell "{text}" and did not {where}'


def _trace_wrong(evidence: TraceEvidence, root: Path) -> Iterator[str]:
    try:
        trace = itf.read(root / evidence.trace)
    except TlacheckError as error:
        yield f"the trace {evidence.trace} cannot be used: {_without(root, str(error))}"
        return
    shown = None if trace.violation is None else trace.violation.property
    if shown != evidence.shows:
        yield (
            f"the trace {evidence.trace} is said to show {evidence.shows} and shows {shown or 'no violation'}"
        )


def _test_wrong(evidence: TestEvidence, root: Path) -> Iterator[str]:
    try:
        tree = ast.parse((root / evidence.file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        yield f"the test {evidence.file} cannot be read: {_why(error)}"
        return
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.append(node.name)
        if isinstance(node, ast.ClassDef):
            names += [
                f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)
            ]
    if evidence.name not in names:
        near = next(iter(difflib.get_close_matches(evidence.name, names, n=1)), None)
        yield f"{evidence.file} has no {evidence.name}" + (f": did you mean {near}?" if near else "")


def _file_wrong(evidence: FileEvidence, root: Path) -> Iterator[str]:
    try:
        text = (root / evidence.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        yield f"{evidence.file} cannot be read: {_why(error)}"
        return
    if evidence.contains is not None and _plain(evidence.contains) not in _plain(text):
        yield f'"{evidence.contains}" does not stand in {evidence.file}'


def _measurement_wrong(evidence: MeasuredEvidence, root: Path) -> Iterator[str]:
    """Yield an error if a command names a module of this project that does not exist."""
    words = evidence.measurement.command.split()
    if "-m" not in words[:-1]:
        return
    module = words[words.index("-m") + 1]
    path = Path(*module.split("."))
    if not (root / path.parts[0]).is_dir():
        return  # a module from elsewhere
    if not (root / path.with_suffix(".py")).is_file() and not (root / path / "__main__.py").is_file():
        yield (
            f"{evidence.measurement.id} is repeated by `{evidence.measurement.command}`, but there is no "
            f"{path}.py"
        )


def check_quotes(claims: Claims, folder: Path) -> tuple[Complaint, ...]:
    """Check that each quote stands in its document.

    Args:
        claims: what is claimed.
        folder: where the documents lie, under the file names that `claims.toml` gives them.

    Raises:
        ConfigError: a document cannot be read.
    """
    complaints: list[Complaint] = []
    for document in claims.documents:
        if not document.file:
            continue
        data = _read(document, folder)
        if document.sha256 and hashlib.sha256(data).hexdigest() != document.sha256:
            complaints.append(
                Complaint(document.id, f"{document.file} is not the one that the claims were taken from")
            )
        text = _plain(data.decode("utf-8", "replace"))
        for claim in claims.of(document):
            complaints += [
                Complaint(claim.id, f'"{part.strip()}" does not stand in {document.file}')
                for part in claim.quote.split("…")
                if _plain(part) not in text
            ]
    return tuple(complaints)


def _read(document: Document, folder: Path) -> bytes:
    try:
        return (folder / document.file).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"document {document.id} cannot be read: {folder / document.file}: {error.strerror}"
        ) from error


def _plain(text: str) -> str:
    """Normalise a text's line breaks, blanks and emphasis."""
    return " ".join(text.replace("**", "").split())


def _why(error: Exception) -> str:
    """Return why a file cannot be read, without its name."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _without(root: Path, message: str) -> str:
    """Remove the project's own folder from a message."""
    return message if root == Path() else message.replace(f"{root}/", "")
