"""Launching, sweeping and scheduling in a browser, with a real Prefect server behind it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.web.conftest import served
from tests.web.launched import Launched, launching

from kaon.artifacts.web import create_app

pytestmark = [pytest.mark.prefect, pytest.mark.browser]

SLOW = 90_000


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """A project, its Prefect server, and who executes what is launched."""
    with launching(tmp_path_factory.mktemp("launched")) as made:
        yield made


@pytest.fixture
def site(launched: Launched, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the pages over the project's home."""
    monkeypatch.setenv("KAON_HOME", str(launched.project.home))
    with served(create_app(launched.project.home / "store", prefect_url=launched.prefect)) as address:
        yield address


def at(name: str) -> str:
    """Return the selector of a field by its id, which has dots."""
    return f'[id="{name}"]'


def test_a_sweep_of_twelve_points_is_launched_watched_mended_and_tried_again(
    site: str, page: Page, launched: Launched, audit: Callable[[Page], None]
):
    page.goto(f"{site}/launch")
    page.get_by_role("link", name="small", exact=True).press("Enter")
    expect(page.locator("h1")).to_have_text("small")
    expect(page.locator("#outlook")).to_contain_text("Every step is skipped")

    varies = page.get_by_label("rank: one value, or several to sweep")
    varies.focus()
    varies.select_option("list")
    expect(page.get_by_label("rank: values")).to_be_focused()
    page.keyboard.type("2,4,8,30")
    page.get_by_label("alpha: one value, or several to sweep").select_option("range")
    for text in ("1", "4", "3"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.get_by_label("slow", exact=True).fill("0.4")
    page.get_by_label("Compare points by").fill("score.value")
    expect(page.locator("#outlook .big-number")).to_have_text(re.compile("12\\s*points"))
    expect(page.locator("#outlook")).to_contain_text("12 times")
    expect(page.get_by_role("row", name="load")).to_contain_text("skipped")
    expect(page.get_by_role("row", name="tell")).to_have_count(0)
    audit(page)
    start = page.get_by_role("button", name="Start a sweep of 12 points")
    start.focus()
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile("/sweeps/[0-9]+"), timeout=SLOW)
    expect(page.locator("#sweep-head")).to_contain_text("of 12", timeout=SLOW)
    expect(page.locator("#sweep-head")).to_contain_text("3 failed", timeout=SLOW)
    expect(page.locator("#sweep-head .page-head")).to_contain_text("completed", timeout=SLOW)
    expect(page.locator("#sweep-board tbody tr")).to_have_count(12)
    expect(page.locator("#sweep-board tbody tr").first).to_contain_text("best")
    expect(page.locator('[data-chart][data-state="drawn"]')).to_have_count(3)
    audit(page)

    page.get_by_role("link", name="failed 3").click()
    expect(page.locator("#sweep-board tbody tr")).to_have_count(3)
    page.get_by_role("link", name=re.compile("log of point")).first.click()
    expect(page.locator("main")).to_contain_text("about to fail at rank 30")
    page.go_back()

    (launched.project.folder / "mended").touch()
    page.get_by_role("button", name="Retry what failed").click()
    page.wait_for_url(re.compile("/sweeps/[0-9]+$"), timeout=SLOW)
    expect(page.locator("#sweep-head")).not_to_contain_text("failed", timeout=SLOW)
    expect(page.locator("#sweep-head")).to_contain_text("12 completed", timeout=SLOW)

    page.get_by_role("link", name="Run the best point").click()
    expect(page.locator(at("v-fit.rank"))).to_have_value("30")
    expect(page.locator(at("v-fit.alpha"))).to_have_value("4.0")
    expect(page.get_by_role("row", name="fit")).to_contain_text("skipped")
    page.get_by_role("button", name="Start a run").click()
    page.wait_for_url(re.compile("/runs/[0-9]+"), timeout=SLOW)


def test_bad_values_are_refused_at_their_fields_and_what_was_written_is_kept(
    site: str, page: Page, launched: Launched, audit: Callable[[Page], None]
):
    page.goto(f"{site}/launch/small")
    before = len(launched.store.records.runs())

    page.locator(at("v-fit.rank")).fill("99")
    page.locator(at("v-fit.alpha")).fill("<b>much</b>")
    page.locator(at("v-fit.options/depth")).fill("0")
    expect(page.locator(at("v-fit.rank-wrong"))).to_have_text("must be at most 64")
    expect(page.locator(at("v-fit.rank"))).to_have_attribute("aria-invalid", "true")
    page.locator(at("v-fit.rank")).focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("3 fields cannot be used as they are")
    expect(page.locator(at("v-fit.rank"))).to_be_focused()
    for name, value, said in (
        ("v-fit.rank", "99", "must be at most 64"),
        ("v-fit.alpha", "<b>much</b>", "must be a number, and '<b>much</b>' is none"),
        ("v-fit.options/depth", "0", "must be 1 or more"),
    ):
        expect(page.locator(at(name))).to_have_value(value)
        about = page.locator(at(name)).get_attribute("aria-describedby")
        expect(page.locator(at(str(about)))).to_contain_text(said)
    audit(page)
    page.locator(at("v-fit.rank")).fill("9")
    expect(page.locator(at("v-fit.rank"))).not_to_have_attribute("aria-invalid", "true")
    assert len(launched.store.records.runs()) == before


def test_a_schedule_is_made_paused_resumed_and_removed(
    site: str, page: Page, launched: Launched, audit: Callable[[Page], None]
):
    page.goto(f"{site}/launch/small")
    page.get_by_text("On a schedule").click()
    page.get_by_label("Name", exact=True).fill("nightly")
    page.get_by_label("When", exact=True).fill("at night")
    page.get_by_role("button", name="Schedule it").click()
    expect(page.locator("#schedule-cron-about")).to_contain_text("has five parts")
    page.get_by_label("When", exact=True).fill("0 3 * * *")
    page.get_by_role("button", name="Schedule it").click()

    expect(page.get_by_text("small/nightly is scheduled")).to_be_visible()
    row = page.get_by_role("row", name="nightly")
    expect(row).to_contain_text("0 3 * * * (UTC)")
    page.get_by_role("button", name="Pause small/nightly").press("Enter")
    expect(row).to_contain_text("paused")
    audit(page)
    page.get_by_role("button", name="Resume small/nightly").click()
    expect(row).not_to_contain_text("paused")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove small/nightly").click()
    expect(page.get_by_role("row", name="nightly")).to_have_count(0)


def test_a_change_without_the_token_of_a_form_is_refused(site: str):
    for path in ("/launch/small", "/sweeps/1/retry", f"/schedules/{uuid4()}/pause", "/models/m/rollback"):
        assert httpx.post(f"{site}{path}", data={"do": "start"}).status_code == 403


def test_addresses_that_make_no_sense_are_answered_with_a_page_not_an_error(site: str):
    settings = '{"load.markets": 3, "fit.options": "x", "fit.rank": [1], "gone": {}}'
    addresses = {
        "/launch/nothing": 404,
        "/launch/started/x": 422,
        f"/launch/started/{uuid4()}": 409,
        "/launch/small?run=99999": 404,
        "/launch/small?settings=[1": 200,
        f"/launch/small?settings={settings}": 200,
        "/sweeps/99999": 404,
        "/sweeps/1": 404,
        "/models/nothing": 404,
    }

    found = {address: httpx.get(f"{site}{address}").status_code for address in addresses}

    assert found == addresses


def test_a_prefect_that_does_not_answer_is_told_on_its_pages(launched: Launched, page: Page, tmp_path: Path):
    app = create_app(launched.project.home / "store", prefect_url="http://127.0.0.1:9/api")
    with served(app) as address:
        page.goto(f"{address}/launch/small")
        expect(page.locator(".launch-go")).to_contain_text("the Prefect server does not answer")
        page.get_by_role("button", name="Start a run").click()
        expect(page.locator("h1")).to_have_text("Prefect does not answer")
        page.goto(f"{address}/schedules")
        expect(page.locator("main")).to_contain_text("kaon up starts it again")
