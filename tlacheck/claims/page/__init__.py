"""The claims as one HTML page that needs nothing else: no server, no network, no other file.

All text stands in the page, so that it can be read, searched and printed without the script, which only
filters. Claims enter the page as text only, and the page's content security policy allows just the one
script and the one style sheet whose digests it names.
"""

import base64
import functools
import hashlib
import importlib.resources

import attrs
import jinja2
from markupsafe import Markup, escape

from tlacheck.claims._shown import View, code_and_text
from tlacheck.claims.claim import Claims, Settled

__all__ = ["render_page"]


def render_page(claims: Claims, view: View) -> str:
    """The page, the same for the same claims and plan."""
    frame = _frame()
    return frame.template.render(
        claims=claims,
        kinds=tuple(Settled),
        evidence={claim.id: view.evidence(claim) for claim in claims.claims},
        figures={claim.id: view.figure(claim) for claim in claims.claims},
        style=Markup(frame.style),  # noqa: S704 - a file of this package
        script=Markup(frame.script),  # noqa: S704 - a file of this package
        policy=frame.policy,
    )


@attrs.frozen
class _Frame:
    """The parts that all pages share.

    Attributes:
        template: the page.
        style: its style sheet.
        script: its script.
        policy: what a browser may do for it.
    """

    template: jinja2.Template
    style: str
    script: str
    policy: str


@functools.cache
def _frame() -> _Frame:
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.PackageLoader("tlacheck.claims.page", "."),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = _prose
    folder = importlib.resources.files(__name__)
    style, script = (folder.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return _Frame(environment.get_template("page.html.jinja"), style, script, policy)


def _prose(text: str) -> Markup:
    """Return a text with its backquoted code as code."""
    pieces = (
        Markup("<code>{}</code>").format(piece) if is_code else escape(piece)
        for is_code, piece in code_and_text(text)
    )
    return Markup("").join(pieces)


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
