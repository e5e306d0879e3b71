"""The claims as a Markdown page: a table for each document, then each claim with its evidence."""

import re
from collections.abc import Iterator

from tlacheck.claims._shown import Shown, View, code_and_text
from tlacheck.claims.claim import Claim, Claims, Settled

__all__ = ["render_markdown"]

_SPECIAL = re.compile(r"([\\*_\[\]|<>#~])")


def render_markdown(claims: Claims, view: View) -> str:
    """The page, the same for the same claims and plan."""
    return "\n".join(_lines(claims, view)) + "\n"


def _lines(claims: Claims, view: View) -> Iterator[str]:
    yield f"# {_text(claims.title)}"
    yield ""
    if claims.about:
        yield from (*(_text(line) for line in claims.about.strip().splitlines()), "")
    yield f"`{claims.command} claims --write` writes this page from `{claims.file.name}`, and beside it"
    yield f"`{claims.html.name}`, the same page with filters for a browser. `{claims.command} claims`"
    yield "fails if the page differs from the evidence."
    yield ""
    yield from _counts(claims)
    refuted = [claim for claim in claims.claims if claim.settled is Settled.REFUTED]
    if refuted:
        yield from ("", "## Refuted", "")
        yield "What is wrong, why, and what is done instead. The evidence is further down."
        for claim in refuted:
            yield from ("", f"**{_link(claim)}**: “{_text(claim.quote)}” ({_text(claim.document.title)})", "")
            yield f"- *What goes wrong.* {_text(_joined(claim.counterexample))}"
            yield f"- *Instead.* {_text(_joined(claim.instead))}"
    for document in claims.documents:
        named = f" (`{document.file}`)" if document.file else ""
        yield from ("", f"## {document.id}: {_text(document.title)}{named}", "")
        yield "| claim | in the document's words | verdict | figure |"
        yield "|---|---|---|---|"
        for claim in claims.of(document):
            cells = (_link(claim), _text(claim.quote), _badge(claim), _text(view.figure(claim)))
            yield f"| {' | '.join(_joined(cell) for cell in cells)} |"
        for claim in claims.of(document):
            yield from ("", f"### {claim.id}", "")
            yield from _claim(claim, view)


def _counts(claims: Claims) -> Iterator[str]:
    documents = claims.documents
    yield f"| verdict | means | {' | '.join(each.id for each in documents)} | all |"
    yield f"|---|---|{'---:|' * (len(documents) + 1)}"
    for settled in Settled:
        counts = [claims.count(settled, each) for each in documents]
        numbers = " | ".join(map(str, (*counts, sum(counts))))
        yield f"| {settled.value} | {settled.meaning} | {numbers} |"
    totals = " | ".join(str(len(claims.of(each))) for each in documents)
    yield f"| all | | {totals} | {len(claims.claims)} |"


def _claim(claim: Claim, view: View) -> Iterator[str]:
    yield f"> {_text(_joined(claim.quote))}"
    yield ">"
    yield f"> {_text(claim.place)}"
    yield ""
    yield f"- {_badge(claim)}, by {', '.join(claim.engine) or 'nothing yet'}; scope: {_text(claim.scope)}."
    yield f"- *Statement.* {_text(_joined(claim.statement))}"
    for name, text in (
        ("Figure", view.figure(claim)),
        ("Missing", claim.missing),
    ):
        if text:
            yield f"- *{name}.* {_text(_joined(text))}"
    if claim.settled is Settled.REFUTED:
        yield "- *What goes wrong, and what is done instead:* see [above](#refuted)."
    for shown in view.evidence(claim):
        yield f"- {_evidence(shown)}"


def _evidence(shown: Shown) -> str:
    name = _text(shown.name) if shown.kind == "measured" else f"`{shown.name}`"
    linked = f"[{name}]({shown.href})" if shown.href else name
    says = f": {_text(shown.says)}" if shown.says else ""
    command = f" (`{shown.command}`)" if shown.command else ""
    return f"{_text(shown.kind)} {linked}{says}{command}"


def _link(claim: Claim) -> str:
    return f"[{claim.id}](#{re.sub(r'[^a-z0-9_-]', '', claim.id.lower())})"


def _badge(claim: Claim) -> str:
    return f"**{claim.settled.value}**"


def _text(text: str) -> str:
    """Escape a text so that only code in backquotes means anything to Markdown."""
    return "".join(
        f"`{piece}`" if is_code else _SPECIAL.sub(r"\\\1", piece) for is_code, piece in code_and_text(text)
    )


def _joined(text: str) -> str:
    return " ".join(text.split())
