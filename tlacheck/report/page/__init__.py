"""A trace as one self-contained HTML page: no server, no network, no other file.

The page holds the trace as data and a script that shows it: a row for each step, with a line for each
node and an arrow for each message from the step that sent it to the step that took it; and the state
after the step that is looked at, with what the step changed.

Traces are untrusted: a spec may hold any string. Three things keep it harmless. The data stand in a
block that browsers do not run, with every `<`, `>` and `&` escaped; the script puts texts into the page
as texts only, never as HTML; and the page's content security policy allows just the one script and the
one style sheet whose digests it names, and no requests.
"""

import base64
import functools
import hashlib
import importlib.resources
import json
from typing import Any

import attrs
import jinja2
from markupsafe import Markup

from tlacheck import __version__
from tlacheck.report.lanes import Lanes
from tlacheck.report.page._data import page_data

__all__ = ["render_page"]

#: What could end the block that holds the data, or begin another; and line ends of old scripts.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def render_page(lanes: Lanes, *, file: str) -> str:
    """The trace as a page.

    Args:
        lanes: the trace.
        file: the trace's file, as it is to be named on the page and in commands.

    Returns:
        HTML, the same for the same trace and file.
    """
    frame = _frame()
    data = page_data(lanes, file)
    return frame.template.render(
        title=data["title"],
        # These two are ours; the data are escaped.
        style=Markup(frame.style),  # noqa: S704 - a file of this package
        script=Markup(frame.script),  # noqa: S704 - a file of this package
        data=Markup(_harmless_json(data)),  # noqa: S704 - escaped just here
        policy=frame.policy,
        version=__version__,
        file=data["file"],
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
        loader=jinja2.PackageLoader("tlacheck.report.page", "."),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = importlib.resources.files(__name__)
    style, script = (folder.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return _Frame(environment.get_template("page.html.jinja"), style, script, policy)


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _harmless_json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=True, separators=(",", ":")).translate(_ESCAPES)
