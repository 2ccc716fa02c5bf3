"""On a phone the lists are cards, and nothing is wider than the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

WIDER = """() => [...document.querySelectorAll(".scroll")].filter((one) => one.scrollWidth > one.clientWidth).length"""


@pytest.mark.parametrize("address", ["/runs", "/artifacts", "/sweeps"])
def test_a_list_is_read_on_a_phone_without_scrolling_sideways(site: str, page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}{address}")

    assert page.locator("tbody tr").count() >= 1
    assert page.evaluate(WIDER) == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_name_of_a_row_and_its_action_stay_where_a_leaderboard_is_scrolled(site: str, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/sweeps/4")
    row = page.locator("#sweep-board tbody tr").first
    before = row.locator("th").bounding_box(), row.locator("td").last.bounding_box()
    assert page.evaluate(WIDER) == 1
    page.locator("#sweep-board .scroll").evaluate("one => { one.scrollLeft = 80 }")

    assert (row.locator("th").bounding_box(), row.locator("td").last.bounding_box()) == before
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
