"""Claims of documents: the statement checked, the verdict, and the evidence."""

import enum
from pathlib import Path
from typing import TypeAlias

import attrs
from immutabledict import immutabledict

__all__ = [
    "CheckEvidence",
    "Claim",
    "Claims",
    "Document",
    "Evidence",
    "Figure",
    "FileEvidence",
    "MeasuredEvidence",
    "Measurement",
    "Settled",
    "TestEvidence",
    "TraceEvidence",
]


class Settled(enum.Enum):
    """The verdict on a claim."""

    PROVED = "proved"
    EXHAUSTED = "exhausted"
    BOUNDED = "bounded"
    SAMPLED = "sampled"
    MEASURED = "measured"
    ESTIMATED = "estimated"
    REFUTED = "refuted"
    OPEN = "open"

    @property
    def meaning(self) -> str:
        """Explain the verdict to a reader who has never seen a model checker."""
        return _MEANINGS[self]


_MEANINGS = {
    Settled.PROVED: "holds for every size and every length of run: a solver's proof",
    Settled.EXHAUSTED: "holds in every reachable state of a finite model, whose bounds are stated",
    Settled.BOUNDED: "no counterexample up to a stated number of steps",
    Settled.SAMPLED: "no counterexample in so many cases: random runs from a seed, or the cases of tests",
    Settled.MEASURED: "measured, on a stated machine, and kept to",
    Settled.ESTIMATED: "computed from what was measured, on a stated machine; not run as it is claimed",
    Settled.REFUTED: "does not hold: there is a counterexample, told in words, and what is done instead",
    Settled.OPEN: "nothing here settles it yet, and what is missing is said",
}


@attrs.frozen(kw_only=True)
class Document:
    """A document that makes claims.

    Attributes:
        id: its short name.
        title: its title.
        file: its file name; empty if it has none.
        sha256: of the file that the claims were taken from; empty if not recorded.
    """

    id: str
    title: str
    file: str = ""
    sha256: str = ""


@attrs.frozen(kw_only=True)
class Figure:
    """One number of a measurement.

    Attributes:
        value: the number.
        unit: of what; may be empty.
        text: what it is, in words.
    """

    value: float
    unit: str
    text: str

    def __str__(self) -> str:
        return f"{_number(self.value)} {self.unit}".rstrip()


@attrs.frozen(kw_only=True)
class Measurement:
    """A benchmark run and its figures.

    Attributes:
        id: its name.
        what: what is measured.
        command: what repeats it.
        machine: on what it was measured.
        figures: name -> what was found.
    """

    id: str
    what: str
    command: str
    machine: str
    figures: immutabledict[str, Figure]


@attrs.frozen(kw_only=True)
class CheckEvidence:
    """A check of `verify.toml`.

    Attributes:
        check: its name.
        expect: what it must be expected to come to: a kind of verdict, or `witness`.
        violates: the property that it must be expected to violate; None if it does not matter.
        says: what its own message must say; only its runs can tell.
        figures: numbers that its runs must find.
    """

    check: str
    expect: str
    violates: str | None = None
    says: tuple[str, ...] = ()
    figures: immutabledict[str, int | str] = attrs.field(factory=immutabledict[str, int | str])


@attrs.frozen(kw_only=True)
class TraceEvidence:
    """A trace.

    Attributes:
        trace: its file, from the root.
        shows: the property that it shows to be violated, or reached.
    """

    trace: str
    shows: str


@attrs.frozen(kw_only=True)
class TestEvidence:
    """A test.

    Attributes:
        file: its file, from the root.
        name: the test, with `::` between class and method.
    """

    __test__ = False  # pytest takes classes of such names for tests

    file: str
    name: str


@attrs.frozen(kw_only=True)
class FileEvidence:
    """A file, and a text in it.

    Attributes:
        file: from the root.
        contains: what must stand in it, whatever its line breaks; None if the file is all there is to say.
    """

    file: str
    contains: str | None = None


@attrs.frozen(kw_only=True)
class MeasuredEvidence:
    """A figure of a measurement, with the limits that it must keep.

    Attributes:
        measurement: the measurement.
        figure: the name of the figure.
        below: it keeps to the claim if it is less than that; None if there is no such limit.
        above: it keeps to the claim if it is more than that; None if there is no such limit.
    """

    measurement: Measurement
    figure: str
    below: float | None = None
    above: float | None = None

    @property
    def found(self) -> Figure:
        """The figure."""
        return self.measurement.figures[self.figure]

    @property
    def has_limit(self) -> bool:
        """True if the figure has a limit."""
        return self.below is not None or self.above is not None

    @property
    def keeps(self) -> bool:
        """True if the figure is within its limits."""
        value = self.found.value
        return (self.below is None or value < self.below) and (self.above is None or value > self.above)

    @property
    def limit(self) -> str:
        """The limits in words: "below 10 ms"; empty if there are none."""
        unit = f" {self.found.unit}".rstrip()
        words = [
            f"{word} {_number(limit)}{unit}"
            for word, limit in (("above", self.above), ("below", self.below))
            if limit is not None
        ]
        return " and ".join(words)


Evidence: TypeAlias = CheckEvidence | TraceEvidence | TestEvidence | FileEvidence | MeasuredEvidence


@attrs.frozen(kw_only=True)
class Claim:
    """A sentence of a document, and the verdict on it.

    Attributes:
        id: its name.
        document: the document that makes it.
        place: where in the document.
        quote: the document's words; `…` stands for what is left out.
        statement: what exactly was checked, or would have to be.
        engine: what checks such things: TLC, Z3, Hypothesis, simulation, benchmark, test.
        scope: how far that carries: any n and f, the bounds of a model, a machine.
        settled: what has come of it.
        figure: what was counted or measured, in words; may be empty.
        counterexample: for a refuted claim, the story of what goes wrong.
        instead: for a refuted claim, what is done instead.
        missing: for an open claim, what would settle it.
        evidence: what this rests on.
    """

    id: str
    document: Document
    place: str
    quote: str
    statement: str
    engine: tuple[str, ...]
    scope: str
    settled: Settled
    figure: str = ""
    counterexample: str = ""
    instead: str = ""
    missing: str = ""
    evidence: tuple[Evidence, ...] = ()


@attrs.frozen(kw_only=True)
class Claims:
    """All claims of a file.

    Attributes:
        file: the `claims.toml`.
        title: of the page.
        about: what the page says first.
        page: the page in Markdown.
        plan: the `verify.toml`.
        command: how this project calls tlacheck.
        testing: how it runs a test.
        documents: in the order of the page.
        claims: in the order of the file.
    """

    file: Path
    title: str
    about: str
    page: Path
    plan: Path
    command: str
    testing: str
    documents: tuple[Document, ...]
    claims: tuple[Claim, ...]

    @property
    def root(self) -> Path:
        """The folder of the file, to which paths are relative."""
        return self.file.parent

    @property
    def html(self) -> Path:
        """The page in HTML."""
        return self.page.with_suffix(".html")

    def of(self, document: Document) -> tuple[Claim, ...]:
        """Return the claims of a document."""
        return tuple(claim for claim in self.claims if claim.document is document)

    def count(self, settled: Settled, document: Document | None = None) -> int:
        """Count the claims with that verdict, of one document or of all."""
        return sum(
            claim.settled is settled for claim in (self.claims if document is None else self.of(document))
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.10g}"
