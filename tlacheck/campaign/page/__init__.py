"""The page of a campaign: its table, and a plot of coverage goals over cases; no server, no script."""

import base64
import functools
import hashlib
import importlib.resources
from collections.abc import Sequence
from typing import Final

import attrs
import jinja2
from markupsafe import Markup

from tlacheck.campaign.result import Campaign
from tlacheck.campaign.table import first_met

__all__ = ["Curve", "curves", "render_page"]

#: The plot: its size and its margins, in units of the drawing.
WIDTH: Final = 900
HEIGHT: Final = 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 260, 16, 40
#: The least distance of two labels, and the most points of a curve.
_LABEL_GAP: Final = 16
_POINTS_MAX: Final = 300


@attrs.frozen(kw_only=True)
class Curve:
    """A coverage goal over the cases.

    Attributes:
        name: of the goal.
        counts: after each case, how many cases have met it.
        points: the same as a line of the drawing.
        label_y: the height of its label.
        place: its place among the curves, from 0.
    """

    name: str
    counts: tuple[int, ...]
    points: str
    label_y: float
    place: int


def curves(campaign: Campaign) -> tuple[Curve, ...]:
    """The curves of all goals, the highest first."""
    counts: dict[str, list[int]] = {name: [] for name in campaign.goals}
    for row in campaign.rows:
        for name, before in counts.items():
            before.append((before[-1] if before else 0) + bool(row.done.goals.get(name)))
    ordered = sorted(counts.items(), key=lambda each: (-each[1][-1], each[0]))
    found: list[Curve] = []
    at = float("-inf")
    for place, (name, line) in enumerate(ordered):
        at = max(_y(line[-1], len(line)), at + _LABEL_GAP)
        found.append(
            Curve(name=name, counts=tuple(line), points=_points(line), label_y=round(at, 1), place=place)
        )
    return tuple(found)


def _points(line: Sequence[int]) -> str:
    step = max(1, len(line) // _POINTS_MAX)
    places = [*range(0, len(line), step), len(line) - 1]
    inner = " ".join(f"{_x(place + 1, len(line)):.1f},{_y(line[place], len(line)):.1f}" for place in places)
    return f"{_x(0, len(line)):.1f},{_y(0, len(line)):.1f} {inner}"


def _x(case: int, cases: int) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * case / max(cases, 1)


def _y(count: int, cases: int) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * count / max(cases, 1)


def _ticks(cases: int) -> tuple[tuple[int, float, float], ...]:
    """Round numbers of cases with their places on both axes."""
    numbers = sorted({round(cases * quarter / 4) for quarter in range(5)})
    return tuple((number, round(_x(number, cases), 1), round(_y(number, cases), 1)) for number in numbers)


def render_page(campaign: Campaign) -> str:
    """The page, the same for the same campaign."""
    template, style, policy = _frame()
    cases = len(campaign.rows)
    found = curves(campaign)
    lowest = max((curve.label_y for curve in found), default=0.0)
    broken = [
        (row, round(_x(place, cases), 1))
        for place, row in enumerate(campaign.rows, start=1)
        if row.done.property
    ]
    return template.render(
        campaign=campaign,
        met=first_met(campaign),
        curves=found,
        ticks=_ticks(cases),
        broken=broken,
        width=WIDTH,
        height=max(HEIGHT, round(lowest) + _LABEL_GAP),
        left=_LEFT,
        right=WIDTH - _RIGHT,
        top=_TOP,
        bottom=HEIGHT - _BOTTOM,
        style=Markup(style),  # noqa: S704 - a file of this package
        policy=policy,
    )


@functools.cache
def _frame() -> tuple[jinja2.Template, str, str]:
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.PackageLoader("tlacheck.campaign.page", "."),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = importlib.resources.files(__name__).joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return environment.get_template("page.html.jinja"), style, policy
