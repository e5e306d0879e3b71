"""The page of the claims in a browser: its filters, and its defence against hostile text."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from playwright.sync_api import Page, sync_playwright

from tools.browser import NoBrowser, find_browser


@pytest.fixture(scope="module")
def window() -> Iterator[Page]:
    """One browser window for all tests; any error in it fails them."""
    try:
        path = find_browser()
    except NoBrowser as complaint:
        pytest.skip(f"{complaint} (or run `python tools/browser.py --install`)")
    said: list[str] = []
    with sync_playwright() as playwright:
        # Chromium's sandbox needs what a container seldom has; the pages are of this test's own making.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 800})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "request", lambda request: said.append(request.url) if request.url.startswith("http") else None
        )
        yield page
        browser.close()
    assert said == []


@pytest.fixture
def page(project: Path, window: Page, claims: Callable[..., Result], change: Callable[..., None]) -> Page:
    change("It counts on.", "</script><script>document.title = 'taken'</script><img src=x onerror=alert(1)>")
    claims("--write")
    window.goto((project / "docs" / "claims.html").as_uri())
    return window


def shown(page: Page) -> list[str]:
    return [each.get_attribute("id") or "" for each in page.locator(".claim:visible").all()]


def test_claims_are_filtered_by_verdict_document_and_words(page: Page) -> None:
    assert len(shown(page)) == 6
    page.click("[data-verdict=refuted].chip")
    assert shown(page) == ["GUIDE-2"]
    page.click("[data-verdict=open].chip")
    assert shown(page) == ["GUIDE-2", "NOTES-3"]
    page.click("[data-document=NOTES].chip")
    assert shown(page) == ["NOTES-3"]
    assert page.inner_text("#found") == "1 of 6 claims"
    assert page.locator("section.document:visible").count() == 1
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    assert shown(page) == ["NOTES-3"]
    page.fill("#query", "nobody says this")
    assert shown(page) == []
    assert page.is_visible("#none")
    page.click("#all")
    assert len(shown(page)) == 6
    page.fill("#query", "ms request")
    assert shown(page) == ["GUIDE-3"]


def test_an_address_naming_a_claim_opens_its_evidence(page: Page) -> None:
    page.goto(page.url.partition("#")[0] + "#GUIDE-2")
    assert page.is_visible("#GUIDE-2 .evidence li")
    link = page.locator("#GUIDE-2 .evidence a")
    assert link.get_attribute("href") == "../traces/three.itf.json"
    assert page.inner_text("#GUIDE-2 .command") == ".venv/bin/tlacheck inspect traces/three.itf.json"


def test_the_text_of_a_claim_is_never_markup(page: Page) -> None:
    assert page.title() == "What the manuals <claim>"
    assert "<img src=x onerror=alert(1)>" in page.inner_text("#GUIDE-2")
    assert page.locator(".claim img").count() == 0


def test_the_page_supports_dark_mode_and_phones(page: Page) -> None:
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    page.evaluate("localStorage.clear()")
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.set_viewport_size({"width": 1000, "height": 800})
