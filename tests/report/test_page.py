"""The page of a trace in a browser: its content, its controls, and its defence against hostile traces."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest
from hypothesis import given, settings
from immutabledict import immutabledict
from playwright.sync_api import Page, expect, sync_playwright

from tests.report.plays import BROKEN, LASSO, RUN, A, B, long_game, of
from tests.strategies import traces
from tlacheck import itf
from tlacheck.report.lanes import bag_of, lanes_of
from tlacheck.report.page import render_page
from tlacheck.trace import Origin, Trace, Violation
from tlacheck.values import ModelValue
from tools.browser import NoBrowser, find_browser

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "traces" / "golden" / "raft" / "weakened"

#: A page may take so long to do what a key or a click asks for, on a busy machine.
_PATIENCE_MS = 10_000


@attrs.define
class Watched:
    """Unrequested actions of a page: errors and network requests."""

    complaints: list[str] = attrs.field(factory=list)
    requests: list[str] = attrs.field(factory=list)


@pytest.fixture(scope="module")
def watched() -> Watched:
    return Watched()


@pytest.fixture(scope="module")
def window(watched: Watched) -> Iterator[Page]:
    """One browser window for all tests, since starting one takes longer than most tests."""
    try:
        path = find_browser()
    except NoBrowser as complaint:
        pytest.skip(f"{complaint} (or run `python tools/browser.py --install`)")
    with sync_playwright() as playwright:
        # Chromium's sandbox needs what a container seldom has; the pages are of this test's own making.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.on("console", lambda message: watched.complaints.append(message.text))
        page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        page.on("request", lambda request: watched.requests.append(request.url))
        yield page
        browser.close()


Show = Callable[..., Page]


@pytest.fixture
def show(window: Page, tmp_path: Path, watched: Watched) -> Iterator[Show]:
    """`show(trace, "#step=2")` opens the page of a trace; any error or network request fails the test."""
    file = tmp_path / "page.html"

    def show(
        trace: Trace,
        address: str = "",
        *,
        name: str = "game.itf.json",
        scheme: Literal["light", "dark"] = "light",
        width: int = 1200,
    ) -> Page:
        file.write_text(render_page(lanes_of(trace), file=name), encoding="utf-8")
        window.set_viewport_size({"width": width, "height": 700})
        window.emulate_media(color_scheme=scheme, media="screen")
        window.goto(file.as_uri() + address)
        return window

    yield show
    window.evaluate("localStorage.clear()")
    window.goto("about:blank")
    complaints, requests = watched.complaints[:], {url.partition("#")[0] for url in watched.requests}
    watched.complaints.clear()
    watched.requests.clear()
    assert complaints == []
    assert requests <= {file.as_uri(), "data:,", "about:blank"}


def position(page: Page) -> str:
    return page.inner_text("#position")


def chosen(page: Page) -> str:
    rows = page.locator("#rows [aria-selected=true]")
    assert rows.count() == 1
    return rows.inner_text()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


# --- content ------------------------------------------------------------------------------------


def test_the_page_opens_at_the_violation_and_shows_it_on_top(show: Show) -> None:
    page = show(BROKEN)
    verdict = page.inner_text("#verdict")
    assert "conforms to PingPong is violated at step 3 of 3" in verdict
    assert "after HandlePing, 2 part(s) of the state differ" in verdict
    assert position(page) == "step 3 of 3"
    assert page.title() == "✗ conforms to PingPong - game.itf.json"
    assert page.inner_text("#state .wrong tbody").split() == ["turn[b]", "1", "2", "total", "2", "3"]
    assert "conforms to PingPong" in page.inner_text("#state .badge.bad")


def test_a_step_shows_old_and_new_values(show: Show) -> None:
    page = show(RUN, "#step=3")
    changed = page.locator("#state td.changed")
    assert [changed.nth(index).inner_text().split() for index in range(changed.count())] == [
        ["0", "1"],
        ["1", "2"],
    ]
    assert page.locator("#state td.changed del").all_inner_texts() == ["0", "1"]
    press(page, "End")
    assert page.locator("#state td.changed").all_inner_texts() == ["<<1>>\n+= 1"]


def test_every_state_on_the_page_is_the_traces(show: Show) -> None:
    """The page stores only differences; one wrong difference would falsify all later states."""
    trace = itf.read(GOLDEN / "mutant_forgotten_vote_elects.itf.json")
    lanes = lanes_of(trace)
    value, message = lanes.wording.value, lanes.wording.message
    page = show(trace, "#step=0")
    before: set[str] = set()
    for state in trace.states:
        shown = page.evaluate(
            """() => [
              [...document.querySelectorAll("#state tbody td:not(.wrong td)")].map(
                (td) => td.querySelector(".value:not(del):not(.part)").textContent),
              [...document.querySelectorAll("#state h3.variable + ul li:not(.gone) .value")].map(
                (e) => e.textContent),
              [...document.querySelectorAll("#state li.gone .value")].map((e) => e.textContent),
            ]"""
        )
        cells = [value(state[name][node]) for name in lanes.per_node for node in lanes.nodes]
        assert shown[0] == [*cells, *(value(state[name]) for name in lanes.shared)]
        flying = {message(each) for name in lanes.networks for each in bag_of(state[name])}
        assert (shown[1], shown[2]) == (sorted(flying), sorted(before - flying))
        before = flying
        press(page, "j")


def test_a_message_is_an_arrow_between_its_steps(show: Show) -> None:
    page = show(RUN, "#step=0")
    pieces = page.evaluate(
        """() => [...document.querySelectorAll("#rows [data-row]")].map((row) =>
             [...row.querySelectorAll("line.flight title")].map((t) => t.textContent.split("\\n")[0]))"""
    )
    ping, pong = "a→b Ping a→b turn=1", "b→a Pong b→a turn=1"
    # Sent at 1 and taken at 3; its copy made at 2 and lost at 4; the answer sent at 3 and taken at 5.
    assert [sorted(row) for row in pieces] == [
        [],
        [ping],
        [ping, ping],
        [ping, ping, pong],
        [ping, pong],
        [pong],
    ]
    assert page.locator("#rows .tip").count() == 2
    ends = page.locator("#rows svg:has(> .tip)").evaluate_all(
        """tips => tips.map((tip) => {
             const row = tip.closest("[data-row]");
             const dot = row.querySelector("circle.dot");
             return [row.dataset.row, tip.getAttribute("x") === dot.getAttribute("cx")];
           })"""
    )
    assert ends == [["3", True], ["5", True]], "at the node that took it"
    assert page.locator("#row-4 .cross").count() == 1, "a lost message ends in a cross"
    assert page.locator("#row-2 .ring").count() == 1, "a copy begins in a ring"


def test_a_message_leads_to_its_other_end(show: Show) -> None:
    page = show(RUN, "#step=3")
    page.click("#state li:has(.how.received) .link")
    assert position(page) == "step 1 of 5"
    page.click("#state li:has(.how.sent) .link")
    assert position(page) == "step 3 of 5"


def test_a_long_delayed_message_does_not_hide_the_others(show: Show) -> None:
    """Hundreds of lines across the page would hide every short one."""
    start = {"turn": immutabledict({A: 0, B: 0}), "net": frozenset[Any]()}
    ball = immutabledict({"type": "Ball", "from": A, "to": B})
    flying = {**start, "net": frozenset({ball})}
    actions = (("Serve", {"node": A}), *(("Wait", {"node": A}),) * 40, ("Take", {"node": B, "m": ball}))
    page = show(of(start, *(flying,) * 41, start, actions=actions), "#step=10")
    assert page.locator("#rows .flight").count() == 2, (
        "its begin, in the row where it was sent and in the next"
    )
    press(page, "Home", "j")
    assert page.locator("#rows .flight.hot").count() > 20, "and all of it when its step is chosen"


def test_faults_are_labelled_and_reachable_by_key(show: Show) -> None:
    page = show(RUN, "#step=0")
    assert page.locator("#rows .fault[data-row]").evaluate_all("rows => rows.map(r => r.dataset.row)") == [
        "2",
        "4",
    ]
    press(page, "f")
    assert position(page) == "step 2 of 5"
    assert "fault" in page.inner_text("#state .badge")
    press(page, "f", "f")
    assert position(page) == "step 2 of 5", "round the end"
    press(page, "F")
    assert position(page) == "step 4 of 5"


def test_a_lasso_shows_its_loop(show: Show) -> None:
    page = show(LASSO)
    assert "is violated by the behaviour as a whole" in page.inner_text("#verdict")
    assert "then back to state 1, and so forever" in page.inner_text("#verdict")
    rows = page.locator("#rows [data-row]")
    assert rows.count() == 5
    assert "back to state 1, and so forever" in rows.last.inner_text()
    assert "↺" in page.inner_text("#row-1")
    drawn = page.locator("#rows .loop-line").evaluate_all(
        "lines => lines.map(l => l.closest('[data-row]').dataset.row)"
    )
    assert set(drawn) == {"1", "2", "3", "4"}
    rows.last.click()
    assert position(page) == "step 1 of 3"


def test_a_trace_without_steps_nodes_or_origin_is_shown(show: Show) -> None:
    page = show(Trace(initial=immutabledict(x=1), steps=(), origin=Origin(source="")))
    assert "No violation: 0 steps" in page.inner_text("#verdict")
    assert page.inner_text("#state tbody").split() == ["x", "1"]
    press(page, "End", "Home", "j", "k", "v", "f", "n")
    assert position(page) == "step 0 of 0"


# --- controls -----------------------------------------------------------------------------------


def test_keys_move_through_the_steps_and_update_the_address(show: Show) -> None:
    page = show(RUN)
    went = []
    for key in (
        "ArrowRight",
        "j",
        "ArrowDown",
        "k",
        "ArrowLeft",
        "End",
        "ArrowRight",
        "PageUp",
        "PageDown",
        "Home",
    ):
        press(page, key)
        went.append(int(page.evaluate("location.hash").removeprefix("#step=")))
    assert went == [1, 2, 3, 2, 1, 5, 5, 0, 5, 0]
    assert page.is_disabled("#previous")
    page.click("#next")
    assert "Serve" in chosen(page)
    assert "step 1 of 5" in (page.get_attribute("#slider", "aria-valuetext") or "").replace(":", "")


def test_the_slider_handles_its_own_keys_once(show: Show) -> None:
    page = show(RUN)
    page.focus("#slider")
    press(page, "ArrowRight", "ArrowRight")
    assert position(page) == "step 2 of 5"
    press(page, "ArrowUp")
    assert position(page) == "step 3 of 5", "up is more on a slider, and back in a list"
    press(page, "End")
    assert position(page) == "step 5 of 5"


@pytest.mark.parametrize(
    ("address", "expected"),
    [("#step=2", 2), ("#step=99", 3), ("#step=-1", 3), ("#step=two", 3), ("#other", 3), ("", 3)],
)
def test_an_address_selects_a_step(show: Show, address: str, expected: int) -> None:
    """An invalid address leads to the violation, like no address."""
    assert position(show(BROKEN, address)) == f"step {expected} of 3"


def test_an_address_that_changes_moves_the_page(show: Show) -> None:
    page = show(RUN, "#step=1")
    page.evaluate("location.hash = '#step=4'")
    expect(page.locator("#position")).to_have_text("step 4 of 5")
    assert "DropMessage" in chosen(page)


def test_search_steps_through_actions_nodes_and_values(show: Show) -> None:
    page = show(RUN, "#step=0")
    press(page, "/")
    page.keyboard.type("handle")
    assert page.inner_text("#found") == "2 matches"
    press(page, "Enter")
    assert (position(page), page.inner_text("#found")) == ("step 3 of 5", "1 of 2")
    press(page, "Enter", "Enter")
    assert position(page) == "step 3 of 5", "round the end"
    press(page, "Shift+Enter")
    assert position(page) == "step 5 of 5"
    assert page.locator("#rows .hit").count() == 2
    for query, steps in {
        "turn=1": ["1", "2", "3", "4", "5"],  # each has a message with it
        "node:b": ["3"],
        "action:ping": ["3"],
        "value:handle": [],
        "sent PONG": ["3"],
        "SPIN=3": ["1"],
        "total 1 → 2": ["3"],
        "<<>>": ["0"],  # of the initial state, all values
    }.items():
        page.fill("#query", query)
        assert page.locator("#rows .hit").evaluate_all("rows => rows.map(row => row.dataset.row)") == steps, (
            query
        )
    press(page, "Escape")
    assert page.input_value("#query") == ""
    press(page, "Home")
    assert position(page) == "step 0 of 5", "the keys are the page's again"


def test_keys_in_the_search_box_are_no_shortcuts(show: Show) -> None:
    page = show(RUN, "#step=2")
    press(page, "/")
    page.keyboard.type("jkfvt?n")
    assert page.input_value("#query") == "jkfvt?n"
    assert position(page) == "step 2 of 5"


def test_a_click_on_a_row_shows_its_step(show: Show) -> None:
    page = show(RUN)
    page.click("#row-4")
    assert position(page) == "step 4 of 5"


def test_the_list_of_keys_opens_and_closes(show: Show) -> None:
    page = show(RUN)
    press(page, "?")
    assert page.is_visible("#help")
    press(page, "j")
    assert position(page) == "step 0 of 5", "behind a dialog nothing moves"
    press(page, "Escape")
    assert page.is_hidden("#help")


# --- light, dark, narrow, on paper, aloud -------------------------------------------------------


def brightness(page: Page) -> float:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return (red + green + blue) / 3


def test_a_dark_preference_applies_and_the_switch_persists(show: Show) -> None:
    page = show(RUN, scheme="dark")
    assert brightness(page) < 60
    assert page.get_attribute("#theme", "aria-pressed") == "true"
    page.click("#theme")
    assert brightness(page) > 200
    for _ in range(10):  # Chromium writes to its storage a little later
        page.wait_for_timeout(100)
        page.reload()
        if brightness(page) > 200:
            break
    assert brightness(page) > 200
    press(page, "t")
    assert brightness(page) < 60


def test_a_light_preference_applies(show: Show) -> None:
    assert brightness(show(RUN, scheme="light")) > 200


def test_a_printed_page_has_all_rows_and_no_controls(show: Show) -> None:
    page = show(long_game(200), scheme="dark")
    assert page.locator("#rows [data-row]").count() < 100
    page.emulate_media(media="print")
    expect(page.locator("#rows [data-row]")).to_have_count(201)
    assert page.is_hidden("#controls")
    assert brightness(page) > 200
    # The rows stand below each other, and the state after them all.
    last = page.locator("#row-200").bounding_box()
    state = page.locator("#state").bounding_box()
    assert last
    assert state
    assert state["y"] >= last["y"] + last["height"] - 1
    page.emulate_media(media="screen")
    expect(page.locator("#row-200")).to_have_count(0)


def test_a_narrow_window_scrolls_only_within_its_parts(show: Show) -> None:
    page = show(BROKEN, width=380)
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    for part in ("#verdict", "#slider", "#query", "#row-3", "#state h2"):
        assert page.is_visible(part), part


def test_drawn_elements_have_a_text_alternative(show: Show) -> None:
    """A screen reader has no arrows and no colours."""
    page = show(BROKEN)
    assert (
        page.get_attribute("#row-2", "aria-label")
        == "step 2 of 3: DuplicateMessage (fault). copied Ping a→b turn=1"
    )
    said = page.get_attribute("#row-3", "aria-label") or ""
    assert said.startswith("step 3 of 3: HandlePing at b (violates conforms to PingPong). b: turn 0 → 2")
    assert page.get_attribute("#rows", "aria-activedescendant") == "row-3"
    expect(page.locator("#said")).to_contain_text("step 3 of 3")
    nameless = page.locator("button, input").evaluate_all(
        """all => all.filter(e => !(e.getAttribute('aria-label') || e.textContent.trim()))
                     .map(e => e.outerHTML)"""
    )
    assert nameless == []


# --- hostile traces -----------------------------------------------------------------------------

HOSTILE = (
    "</script><script>window.pwned = 1</script>",
    "<!--<script>",
    "<img src=x onerror='window.pwned = 1'>",
    "{{ 7 * 7 }}{% raw %}",
    "\u2028window.pwned = 1//",
    "'\"><svg onload=window.pwned=1>",
    "javascript:window.pwned=1",
    "\ud800\x00\x1b[31m\u202eback to front",
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_value_of_a_trace_is_never_markup(show: Show, text: str) -> None:
    """The author of a spec may be untrusted by the reader of the page."""
    node = ModelValue(text)
    message = immutabledict({"type": text, "from": node, "to": A, "body": text})
    turn = immutabledict({node: text, A: 0})
    trace = of(
        {text: text, "turn": turn, "set": frozenset({text}), "net": frozenset[Any]()},
        {
            text: text + "!",
            "turn": immutabledict({node: 1, A: text}),
            "set": frozenset({text}),
            "net": frozenset({message}),
        },
        actions=((text, {"node": node, text: text}),),
        loop=0,
        violation=Violation(
            property=text, step=1, explanation=(text, text), expected=immutabledict({text: "", "turn": turn})
        ),
    )
    trace = attrs.evolve(
        trace,
        origin=Origin(
            source=text, spec=text, config=text, command=text, versions=immutabledict({text: text})
        ),
    )
    page = show(trace, name=text)
    press(page, "k", "j", "/")
    page.keyboard.type("x")
    assert page.evaluate("window.pwned") is None
    assert page.locator("script").count() == 2
    assert page.locator("img, iframe, object, a, #state svg").count() == 0
    shown = text.replace("\ud800", "\\ud800").replace("\x00", "\\x00").replace("\x1b", "\\x1b")
    shown = shown.replace("\u2028", "\\u2028").replace("\u202e", "\\u202e")
    assert page.locator("#verdict strong").text_content() == shown


def test_the_page_cannot_reach_the_network(show: Show, watched: Watched) -> None:
    page = show(RUN)
    outcome = page.evaluate(
        """async () => {
          const found = [];
          try { await fetch("https://example.invalid/"); found.push("sent"); }
          catch { found.push("refused"); }
          const script = document.createElement("script");
          script.textContent = "window.pwned = 1";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend", "<p onclick='window.pwned = 1' id='trap'></p>");
          document.getElementById("trap").click();
          return [...found, window.pwned ?? "refused"];
        }"""
    )
    assert outcome == ["refused", "refused"]
    assert len(watched.complaints) >= 3, "the browser says that the policy forbids it"
    watched.complaints.clear()
    assert not [url for url in watched.requests if "example" in url]


# --- long traces --------------------------------------------------------------------------------


def test_a_thousand_steps_give_a_small_virtualised_page(show: Show) -> None:
    page = show(long_game(1000))
    assert len(page.content()) < 600_000
    assert page.evaluate("document.querySelectorAll('*').length") < 2500
    press(page, "End")
    assert "1000" in chosen(page)
    assert page.is_visible("#row-1000")
    page.evaluate("document.getElementById('timeline').scrollTop = 500 * 30")
    page.wait_for_selector("#row-505")
    assert page.locator("#rows [data-row]").count() < 80
    press(page, "/")
    page.keyboard.type("round=498 value:sent")
    press(page, "Enter")
    assert position(page) == "step 499 of 1000"
    assert page.is_visible("#row-499")


def test_moving_back_and_forth_shows_the_same_states(show: Show) -> None:
    page = show(long_game(150), "#step=131")
    there = page.inner_text("#state")
    press(page, "Home", "End", "PageUp", "PageUp", "j")
    assert position(page) == "step 131 of 150"
    assert page.inner_text("#state") == there


# --- without a browser --------------------------------------------------------------------------


def test_the_same_trace_gives_the_same_page() -> None:
    assert render_page(lanes_of(RUN), file="a") == render_page(lanes_of(RUN), file="a")


@given(traces())
@settings(max_examples=12)
def test_a_traces_data_cannot_end_its_script_block(trace: Trace) -> None:
    page = render_page(lanes_of(trace), file="t")
    data = page.partition('id="trace">')[2].partition("</script>")[0]
    assert data.startswith("{")
    assert data.endswith("}")
    assert not set("<>&") & set(data)
