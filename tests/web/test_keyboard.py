"""The pages by keyboard alone: the focus can be seen, it comes back, and nothing turns for who wants no motion."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.web.conftest import served

from kaon.artifacts import open_store
from kaon.artifacts.web import create_app

pytestmark = pytest.mark.browser

SEEN = """() => {
  const at = document.activeElement;
  if (at === document.body) return null;
  const style = getComputedStyle(at);
  const frames = [...at.querySelectorAll("rect")].map((rect) => getComputedStyle(rect));
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const framed = frames.some((frame) => frame.stroke !== "none" && parseFloat(frame.strokeWidth) >= 2);
  return { what: at.id || at.className || at.outerHTML.slice(0, 80), seen: outlined || framed || at.matches(".skip") };
}"""


def stops(page: Page, most: int = 90) -> list[dict[str, object]]:
    """Go through the page by Tab until the focus leaves it; returns each stop, and whether it can be seen."""
    found: list[dict[str, object]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(SEEN)
        if stop is None:
            break
        found.append(stop)
    return found


@pytest.mark.parametrize(
    "address", ["/runs", "/runs/3?at=learning/train", "/artifacts/1", "/sweeps/4", "/launch/learning", "/schedules"]
)
def test_the_focus_is_seen_wherever_tab_leads_and_the_first_stop_skips_to_the_content(
    site: str, page: Page, address: str
) -> None:
    page.goto(f"{site}{address}")
    page.wait_for_timeout(500)
    found = stops(page)

    assert len(found) > 8
    assert found[0]["what"] == "skip"
    assert [stop["what"] for stop in found if not stop["seen"]] == []


def test_a_step_is_opened_with_enter_and_closed_with_escape_and_the_focus_returns_to_it(site: str, page: Page) -> None:
    page.goto(f"{site}/runs/3")
    step = page.locator('.plan a.node[aria-label^="train:"]')
    step.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-title")).to_be_focused()
    expect(page.locator('#panel .chart[data-state="drawn"] svg')).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#panel-close")).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.locator("#panel-title")).to_have_text("This run")
    expect(step).to_be_focused()
    expect(page).to_have_url(f"{site}/runs/3")


def test_escape_in_a_search_field_leaves_the_panel_open(site: str, page: Page) -> None:
    page.goto(f"{site}/runs/3?at=learning/train")
    page.get_by_label("Search the log").focus()
    page.keyboard.type("epoch")
    page.keyboard.press("Escape")

    expect(page.locator("#panel-title")).to_have_text("train")


def test_nothing_turns_for_who_wants_no_motion(browser: Browser, store_folder: Path) -> None:
    store = open_store(store_folder)
    store.records.start_run("waiting", {}, "", "local", {})
    turning = "document.getAnimations().filter((one) => one.animationName === 'turn').length"
    with served(create_app(store_folder)) as address:
        counts = {}
        for wish in ("no-preference", "reduce"):
            page = browser.new_page(reduced_motion=wish)
            page.goto(f"{address}/runs")
            counts[wish] = page.evaluate(turning)
            page.close()

    assert counts == {"no-preference": 1, "reduce": 0}, "what runs turns, and the filter for it does not"
