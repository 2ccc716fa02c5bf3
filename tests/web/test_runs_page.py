"""The list of runs: filtered, paged, compared."""

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Page, expect
from tests.web.conftest import served

from kaon.artifacts import open_store
from kaon.artifacts.web import create_app

pytestmark = pytest.mark.browser


def shown(page: Page) -> list[str]:
    """Return the runs that the page lists, by number."""
    return [text.rpartition("#")[2] for text in page.locator("table.runs a.strong").all_inner_texts()]


def test_runs_are_listed_newest_first_with_what_is_not_a_default(site: str, page: Page) -> None:
    page.goto(site)

    assert page.url == f"{site}/runs"
    assert shown(page) == ["6", "5", "4", "3", "2", "1"]
    row = page.locator("tr", has_text="learning #2")
    assert row.locator(".tag").all_inner_texts() == ["train.rank\n16", "train.epochs\n8", "team=research"]
    assert row.locator(".metric-name").inner_text() == "metrics.loss"
    assert row.locator("svg.spark path").count() == 1


def test_another_metric_is_chosen_for_the_sparklines(site: str, page: Page) -> None:
    page.goto(site)
    page.get_by_label("Metric", exact=True).select_option("metrics.ndcg")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**metric=metrics.ndcg*")

    row = page.locator("tr", has_text="learning #2")
    assert row.locator(".metric-name").inner_text() == "metrics.ndcg"
    assert row.locator("svg.spark").get_attribute("aria-label") == "metrics.ndcg over the last 2 runs"


def test_the_address_holds_the_filters(site: str, page: Page) -> None:
    page.goto(site)
    page.get_by_label("Workflow").select_option("learning")
    page.get_by_label("Tag").fill("team=research")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**/runs?*")

    assert shown(page) == ["2", "1"]
    page.reload()
    assert shown(page) == ["2", "1"]
    assert page.get_by_label("Tag").input_value() == "team=research"


def test_runs_are_filtered_by_state_and_by_text(site: str, page: Page) -> None:
    page.goto(site)
    page.get_by_role("link", name="Failed").click()
    page.wait_for_url("**state=failed*")
    assert shown(page) == ["3"]

    page.goto(f"{site}/runs?text=market%203")
    assert shown(page) == ["3"]
    page.goto(f"{site}/runs?text=no%20such%20thing")
    expect(page.get_by_text("No run fits these filters")).to_be_visible()


def test_a_number_leads_to_its_run(site: str, page: Page) -> None:
    page.goto(site)
    page.get_by_label("Text").fill("#4")
    page.get_by_label("Text").press("Enter")

    page.wait_for_url("**/runs/4")


def test_runs_are_compared_with_the_keyboard_and_what_differs_comes_first(site: str, page: Page) -> None:
    page.goto(f"{site}/runs?workflow=learning")
    expect(page.get_by_role("button", name="Choose runs to compare")).to_be_disabled()
    page.get_by_label("Choose run 2").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Choose one more to compare")).to_be_disabled()
    page.get_by_label("Choose run 3").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Compare 2 runs").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/compare?*")

    names = page.locator('table.compare tbody tr[data-differs] th[scope="row"]').all_inner_texts()
    assert [name.split()[0] for name in names[:3]] == ["train.rank", "train.epochs", "fit_market.bad_market"]
    assert page.locator("tr", has_text="train.rank").locator("td").all_inner_texts() == ["4", "16"]  # as in the list


def test_one_run_cannot_be_compared(site: str, page: Page) -> None:
    page.goto(f"{site}/runs/compare?run=1")

    expect(page.get_by_text("there is nothing to compare")).to_be_visible()


def test_an_empty_store_says_how_a_run_is_started(page: Page) -> None:
    with served(create_app("memory://")) as address:
        page.goto(address)
        expect(page.get_by_text("Nothing has run yet")).to_be_visible()
        expect(page.get_by_text("kaon run recommendations")).to_be_visible()


def test_pages_of_runs_lead_forth_and_back() -> None:
    app = create_app("memory://")
    store = app.state.site.store
    for number in range(120):
        run = store.records.start_run("many", {"x": number}, "", "local", {"odd": str(number % 2)})
        store.records.end_run(run.lease, "completed")
    client = TestClient(app, base_url="http://127.0.0.1")

    def ids(url: str) -> list[int]:
        return [int(found) for found in re.findall(r'name="run" value="(\d+)"', client.get(url).text)]

    assert ids("/runs")[::49] == [120, 71]
    assert ids("/runs?before=71")[::49] == [70, 21]
    assert ids("/runs?before=21") == list(range(20, 0, -1))
    assert ids("/runs?after=20")[::49] == [70, 21]
    assert ids("/runs?tag=odd%3D1&before=100")[:2] == [98, 96]


@pytest.mark.parametrize("address", ["/runs", "/runs/compare?run=1&run=2&run=3", "/login", "/runs/77", "/nothing"])
def test_pages_are_accessible_in_both_themes(
    site: str, page: Page, audit: Callable[[Page], None], address: str
) -> None:
    page.goto(f"{site}{address}")

    audit(page)


@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_does_not_scroll_sideways(site: str, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    for address in ("/runs", "/runs/3", "/runs/compare?run=1&run=2&run=3"):
        page.goto(f"{site}{address}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


@pytest.mark.parametrize("address", ["/runs?before=99999999999999999999", "/runs/99999999999999999999", "/runs/x"])
def test_a_number_that_no_database_takes_is_refused(address: str) -> None:
    answer = TestClient(create_app("memory://"), base_url="http://127.0.0.1").get(address)

    assert answer.status_code in (404, 422)
    assert "<h1>" in answer.text


def test_a_store_of_many_runs_is_filtered_without_reading_plans(store_folder: object) -> None:
    store = open_store(str(store_folder))
    store.records.index_listing()
    with store.records.database.reading() as connection:
        query = "EXPLAIN QUERY PLAN SELECT id FROM runs WHERE tags LIKE '%x%'"
        plan = " ".join(str(row) for row in connection.exec_driver_sql(query))

    assert "COVERING INDEX runs_listed" in plan
