"""Strict reading of `claims.toml`: errors in the file name their place."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from immutabledict import immutabledict

from tlacheck.claims.claim import (
    CheckEvidence,
    Claim,
    Claims,
    Document,
    Evidence,
    Figure,
    FileEvidence,
    MeasuredEvidence,
    Measurement,
    Settled,
    TestEvidence,
    TraceEvidence,
)
from tlacheck.errors import ConfigError
from tlacheck.tables import Table, closest, load
from tlacheck.verdict import Kind

__all__ = ["read_claims"]


class _Named(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T")
N = TypeVar("N", bound=_Named)

#: The values of `engine`.
_ENGINES: Final = ("TLC", "Z3", "Hypothesis", "simulation", "benchmark", "test")
#: The expectations that a check of `verify.toml`, or a model of a manifest, may have.
_EXPECTATIONS: Final = (*(kind.value for kind in Kind if kind is not Kind.UNKNOWN), "witness")
#: The key that tells the kind of evidence in a table.
_KINDS: Final = ("check", "trace", "test", "file", "measurement")


def read_claims(file: Path) -> Claims:
    """Read the claims in a `claims.toml`.

    Raises:
        ConfigError: it does not say something usable; the message names the entry and the key.
    """
    table = load(file)
    head = Table(table.optional("claims", dict) or {}, file, "[claims]")
    title = head.required("title", str)
    about = head.optional("about", str) or ""
    page = file.parent / head.required("page", str)
    if page.suffix != ".md":
        head.refuse(
            f'"page" is "{page.name}": name a file that ends in .md; the page in HTML is written beside it'
        )
    plan = file.parent / (head.optional("plan", str) or "verify.toml")
    command = head.optional("command", str) or "tlacheck"
    testing = head.optional("testing", str) or "python -m pytest"
    head.done()
    documents = _by_id(table, "document", map(_document, _entries(table, "document")))
    measurements = _by_id(table, "measurement", map(_measurement, _entries(table, "measurement")))
    claims = _by_id(
        table, "claim", (_claim(entry, documents, measurements) for entry in _entries(table, "claim"))
    )
    table.done()
    for document in documents.values():
        if not any(claim.document is document for claim in claims.values()):
            raise ConfigError(f"{file}: document {document.id} has no claim: add one, or leave it out")
    return Claims(
        file=file,
        title=title,
        about=about,
        page=page,
        plan=plan,
        command=command,
        testing=testing,
        documents=tuple(documents.values()),
        claims=tuple(claims.values()),
    )


def _document(table: "_Entry") -> Document:
    document = Document(
        id=table.name(table.required("id", str)),
        title=table.required("title", str),
        file=table.optional("file", str) or "",
        sha256=table.optional("sha256", str) or "",
    )
    table.done()
    return document


def _measurement(table: "_Entry") -> Measurement:
    figures = table.required("figures", dict)
    if not figures:
        table.refuse('"figures" is empty: a measurement that found nothing measures nothing')
    measurement = Measurement(
        id=table.name(table.required("id", str)),
        what=table.required("what", str),
        command=table.required("command", str),
        machine=table.required("machine", str),
        figures=immutabledict({name: _figure(table, name, figures[name]) for name in figures}),
    )
    table.done()
    return measurement


def _figure(table: "_Entry", name: str, data: Any) -> Figure:
    inner = _inner(table, data, f'figure "{name}"')
    figure = Figure(
        value=inner.required("value", float),
        unit=inner.optional("unit", str) or "",
        text=inner.required("text", str),
    )
    inner.done()
    if not math.isfinite(figure.value):
        inner.refuse(f'"value" is {figure.value}; nothing that was measured is')
    return figure


def _claim(
    table: "_Entry", documents: Mapping[str, Document], measurements: Mapping[str, Measurement]
) -> Claim:
    settled = Settled(
        table.choice("verdict", (each.value for each in Settled)) or table.required("verdict", str)
    )
    engine = table.required("engine", list)
    for each in engine:
        if each not in _ENGINES:
            table.refuse(f'"engine" has {each!r}; it may be {", ".join(_ENGINES)}')
    claim = Claim(
        id=table.name(table.required("id", str)),
        document=_known(table, "document", table.required("document", str), documents),
        place=table.required("place", str),
        quote=table.required("quote", str).strip(),
        statement=table.required("statement", str).strip(),
        engine=tuple(engine),
        scope=table.required("scope", str),
        settled=settled,
        figure=table.optional("figure", str) or "",
        counterexample=(table.optional("counterexample", str) or "").strip(),
        instead=(table.optional("instead", str) or "").strip(),
        missing=(table.optional("missing", str) or "").strip(),
        evidence=tuple(
            _evidence(_inner(table, data, f"evidence {number}"), measurements)
            for number, data in enumerate(table.optional("evidence", list) or [], start=1)
        ),
    )
    table.done()
    _refuse_misplaced(table, claim)
    return claim


def _refuse_misplaced(table: Table, claim: Claim) -> None:
    """Reject keys that a verdict requires and lacks, or that make no sense beside it."""
    told = {
        "counterexample": (claim.counterexample, Settled.REFUTED, "what goes wrong, step by step"),
        "instead": (claim.instead, Settled.REFUTED, "what is done instead"),
        "missing": (claim.missing, Settled.OPEN, "what would settle it"),
    }
    for key, (text, settled, what) in told.items():
        if claim.settled is settled and not text:
            table.refuse(f'a claim that is {settled.value} needs "{key}": {what}')
        if claim.settled is not settled and text:
            table.refuse(
                f'"{key}" is for a claim that is {settled.value}, and this one is {claim.settled.value}'
            )


def _evidence(table: "_Entry", measurements: Mapping[str, Measurement]) -> Evidence:
    kinds = [kind for kind in _KINDS if kind in table.data]
    if len(kinds) != 1:
        found = f"has {' and '.join(kinds)}" if kinds else "has none of them"
        table.refuse(f"evidence is one of {', '.join(_KINDS)}, and this {found}")
    evidence = _of_kind(kinds[0], table, measurements)
    table.done()
    return evidence


def _of_kind(kind: str, table: "_Entry", measurements: Mapping[str, Measurement]) -> Evidence:
    match kind:
        case "check":
            return CheckEvidence(
                check=table.required("check", str),
                expect=table.choice("expect", _EXPECTATIONS) or table.required("expect", str),
                violates=table.optional("violates", str),
                says=_texts(table, "says"),
                figures=_figures(table),
            )
        case "trace":
            return TraceEvidence(trace=_path(table, "trace"), shows=table.required("shows", str))
        case "test":
            file, _, name = table.required("test", str).partition("::")
            if not name:
                table.refuse(f'"test" is "{file}"; write it as path/to/test_file.py::test_name')
            return TestEvidence(file=_inside(table, "test", file), name=name)
        case "file":
            return FileEvidence(file=_path(table, "file"), contains=table.optional("contains", str))
        case _:
            measurement = _known(table, "measurement", table.required("measurement", str), measurements)
            figure = table.required("figure", str)
            if figure not in measurement.figures:
                table.refuse(
                    f'"figure" is "{figure}", which {measurement.id} did not '
                    f"find{_hint(figure, measurement.figures)}"
                )
            return MeasuredEvidence(
                measurement=measurement,
                figure=figure,
                below=_limit(table, "below"),
                above=_limit(table, "above"),
            )


def _limit(table: Table, key: str) -> float | None:
    limit = table.optional(key, float)
    if limit is not None and not math.isfinite(limit):
        table.refuse(f'"{key}" is {limit}, which is no limit')
    return limit


def _figures(table: Table) -> immutabledict[str, int | str]:
    figures = table.optional("figures", dict) or {}
    for name, value in figures.items():
        if type(value) not in (int, str):
            table.refuse(
                f'"figures.{name}" is {value!r}; a figure that runs must reproduce is a whole number or '
                "a text"
            )
    return immutabledict(figures)


def _path(table: Table, key: str) -> str:
    return _inside(table, key, table.required(key, str))


def _inside(table: Table, key: str, path: str) -> str:
    """Return `path` if it stays within the project: the page links to it."""
    if Path(path).is_absolute() or ".." in Path(path).parts:
        table.refuse(f'"{key}" is {path}; name a file of this project, from the folder of claims.toml')
    return path


def _texts(table: "_Entry", key: str) -> tuple[str, ...]:
    if isinstance(table.data.get(key), str):
        return (table.required(key, str),)
    texts = table.optional(key, list) or []
    if not all(isinstance(text, str) for text in texts):
        table.refuse(f'"{key}" is {texts!r}, not a text or a list of texts')
    return tuple(texts)


class _Entry(Table):
    """A table that knows its place, so that errors can name it."""

    def __init__(self, data: Mapping[str, Any], file: Path, place: str) -> None:
        super().__init__(data, file, place)
        self.data = data
        self.place = place


def _inner(table: _Entry, data: Any, place: str) -> _Entry:
    if not isinstance(data, dict):
        table.refuse(f"{place} is {data!r}, not a table: write it as {{ key = value }}")
    return _Entry(data, table.file, f"{table.place}, {place}")


def _entries(table: Table, key: str) -> Iterator[_Entry]:
    for number, data in enumerate(table.optional(key, list) or [], start=1):
        if not isinstance(data, dict):
            table.refuse(f'"{key}" must be written as [[{key}]] tables')
        named = f" ({data['id']})" if isinstance(data.get("id"), str) else ""
        yield _Entry(data, table.file, f"[[{key}]] {number}{named}")


def _by_id(table: Table, key: str, entries: Iterator[N]) -> dict[str, N]:
    found: dict[str, N] = {}
    lowered: dict[str, str] = {}
    for entry in entries:
        other = lowered.setdefault(entry.id.lower(), entry.id)
        if entry.id in found or other != entry.id:
            beside = "twice" if other == entry.id else f'beside "{other}"'
            table.refuse(f'there is a {key} "{entry.id}" {beside}: give one of them another id')
        found[entry.id] = entry
    return found


def _known(table: Table, key: str, name: str, known: Mapping[str, T]) -> T:
    if name not in known:
        table.refuse(f'"{key}" is "{name}", but there is no [[{key}]] of that id{_hint(name, known)}')
    return known[name]


def _hint(name: str, known: Mapping[str, Any]) -> str:
    near = closest(name, known)
    if near:
        return f': did you mean "{near}"?'
    return f": there are {', '.join(known)}" if known else ": there are none"
