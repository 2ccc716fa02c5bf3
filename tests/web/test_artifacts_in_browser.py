"""The pages of artifacts in a real browser: with keys alone, in both themes, on a wide screen and a narrow one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.web import drawing
from tests.web.conftest import served

import kaon
from kaon.artifacts import Store, open_store
from kaon.artifacts.web import create_app

pytestmark = pytest.mark.browser

RANKS = (2, 4, 8, 16, 32)


@pytest.fixture(scope="module")
def five_runs(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with five runs of one workflow, and one that failed."""
    store = open_store(tmp_path_factory.mktemp("five") / "store")
    for rank in RANKS:
        kaon.run(drawing.drawing, {"learn.rank": rank}, store=store)
    kaon.run(drawing.drawing, {"learn.fails": True}, store=store, raises=False)
    return store


@pytest.fixture
def address(five_runs: Store) -> Iterator[str]:
    with served(create_app(Path(five_runs.url))) as address:
        yield address


def newest(store: Store, name: str) -> int:
    """Return the number of the newest artifact of this name."""
    found = store.records.latest(name, "drawing")
    assert found is not None
    return found.id


def drawn(page: Page, charts: int = 1) -> None:
    """Wait until the pictures of a page are drawn."""
    expect(page.locator('.chart[data-state="drawn"]')).to_have_count(charts)


def test_the_history_of_five_runs_is_found_with_keys_alone_and_its_points_lead_to_their_runs(
    page: Page, address: str, audit: Callable[[Page], None]
):
    page.goto(f"{address}/artifacts")
    page.get_by_label("Name").fill("feature_imp")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(len(RANKS))
    page.get_by_role("link", name="feature_importance").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("feature_importance")
    drawn(page)
    page.get_by_role("link", name="History").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("5 of 6 runs of drawing gave it")).to_be_visible()
    drawn(page)
    points = page.locator(".chart svg .mark-symbol.role-mark path")
    expect(points).to_have_count(3 * len(RANKS))
    expect(page.locator(".values tbody tr").first).to_contain_text("run 6")
    audit(page)
    points.first.click()
    expect(page).to_have_url(re.compile(r"/runs/1$"))


def test_the_history_counts_days_too_and_can_be_seen_in_another_way(page: Page, address: str, five_runs: Store):
    page.goto(f"{address}/artifacts/{newest(five_runs, 'feature_importance')}/history")
    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_text("5 of 6 runs")).to_be_visible()
    page.get_by_role("link", name="Rows and columns over runs").click()

    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
    drawn(page, 2)


def test_a_table_is_sorted_and_turned_with_keys_and_the_address_keeps_it(
    page: Page, address: str, five_runs: Store, audit: Callable[[Page], None]
):
    page.goto(f"{address}/artifacts/{newest(five_runs, 'rows')}")
    first = page.locator("#rows tbody tr").first
    expect(first).to_contain_text("u000")
    expect(page.locator(".columns .column")).to_have_count(2)
    audit(page)

    page.get_by_role("link", name="user", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("user")
    expect(page.get_by_role("link", name="user", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(first).to_contain_text("u119")
    page.get_by_role("link", name="After").focus()
    page.keyboard.press("Enter")
    expect(first).to_contain_text("u069")
    page.reload()
    expect(first).to_contain_text("u069")
    expect(page.get_by_text("rows 51–100 of 120")).to_be_visible()


def test_html_of_a_step_runs_no_script_and_reaches_nothing_of_ours(
    page: Page, address: str, five_runs: Store, audit: Callable[[Page], None]
):
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.goto(f"{address}/artifacts/{newest(five_runs, 'card')}")

    expect(page.frame_locator("iframe").get_by_role("heading", name="Card")).to_be_visible()
    assert "broken out" not in page.title() and not asked


@pytest.mark.parametrize("name", ["notes", "quality", "curve", "train_log", "feature_importance", "verdict"])
def test_every_kind_of_page_can_be_read_by_everyone(
    page: Page, address: str, five_runs: Store, audit: Callable[[Page], None], name: str
):
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.goto(f"{address}/artifacts/{newest(five_runs, name)}")
    page.wait_for_load_state("networkidle")
    audit(page)

    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it fits a phone"
    assert not asked


def test_a_tree_unfolds_with_keys(page: Page, address: str, five_runs: Store):
    page.goto(f"{address}/artifacts/{newest(five_runs, 'notes')}")
    part = page.locator("details.node summary").nth(1)
    expect(page.locator(".leaf").first).to_be_visible()
    part.focus()
    page.keyboard.press("Enter")

    expect(page.locator(".leaf").first).to_be_hidden()


def test_two_artifacts_are_compared_from_the_page_of_one(
    page: Page, address: str, five_runs: Store, audit: Callable[[Page], None]
):
    page.goto(f"{address}/artifacts/{newest(five_runs, 'quality')}")
    page.get_by_role("link", name="Compare with run 4").click()

    expect(page.get_by_role("heading", name="Metrics")).to_be_visible()
    expect(page.locator("tbody tr", has_text="trees")).to_contain_text("16")
    audit(page)


def test_the_lineage_is_a_picture_of_links_that_keys_reach(page: Page, address: str, five_runs: Store):
    page.goto(f"{address}/artifacts/{newest(five_runs, 'verdict')}")
    page.get_by_role("link", name=re.compile(r"^quality #\d+ from")).focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("quality")
    expect(page.get_by_role("link", name=re.compile(r"^verdict #\d+"))).to_be_visible()
