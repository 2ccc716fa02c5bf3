"""One run: its plan, what stands beside it, its log, live, and what can be asked of it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update
from tests.web import flows
from tests.web.conftest import served

import kaon
from kaon.artifacts import Store, open_store
from kaon.artifacts.records.tables import runs
from kaon.artifacts.web import create_app
from kaon.artifacts.web.serving import Server
from kaon.dsl import Workflow

pytestmark = pytest.mark.browser

FAILED, SEARCHING, DECIDING, HELD = 3, 4, 5, 6


@contextmanager
def going_on(store: Store, workflow: Workflow, settings: dict[str, object]) -> Iterator[int]:
    """Run a workflow beside the test; yields the number of its run."""
    before = len(store.records.runs())
    thread = threading.Thread(target=kaon.run, args=(workflow, settings), kwargs={"store": store, "raises": False})
    thread.start()
    while len(store.records.runs()) == before:
        time.sleep(0.02)
    run = store.records.runs(limit=1)[0].id
    try:
        yield run
    finally:
        if store.records.run(run).ended is None:
            store.records.want(run, "cancelled")
        thread.join(90)


def csrf_of(client: TestClient, path: str) -> str:
    return client.get(path).text.partition('name="csrf_token" value="')[2].partition('"')[0]


def node(page: Page, name: str) -> str | None:
    """Return the state in which the plan shows a step."""
    return page.locator(f'.plan a.node[aria-label^="{name}:"]').get_attribute("data-state")


def test_the_plan_shows_every_step_with_its_state(site: str, page: Page) -> None:
    page.goto(f"{site}/runs/{FAILED}")

    names = ("load", "train", "count_popular", "fit_market", "report")
    assert [node(page, name) for name in names] == ["skipped", "completed", "skipped", "failed", "cancelled"]
    assert (
        page.locator('.plan .box[data-kind="loop"] a').get_attribute("aria-label") == "for each market: failed, 6 / 6"
    )


def test_a_loop_opens_to_its_items_and_a_failed_one_to_its_log_with_the_keyboard(site: str, page: Page) -> None:
    page.goto(f"{site}/runs/{FAILED}")
    page.locator('.plan .box[data-kind="loop"] a').focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-title")).to_have_text("for_each[market]")
    expect(page.locator("#panel-title")).to_be_focused()
    assert page.locator("table.items tbody tr").count() == 6

    page.get_by_role("link", name="failed 1").focus()
    page.keyboard.press("Enter")
    expect(page.locator("table.items tbody tr")).to_have_count(1)
    page.get_by_role("link", name="market=market 3").focus()
    page.keyboard.press("Enter")

    expect(page.locator("#log-lines")).to_contain_text("fitting market 3")
    expect(page.locator("#panel")).to_contain_text("market 'market 3' has no rows")
    page.reload()
    expect(page.locator("#panel")).to_contain_text("market 'market 3' has no rows")  # the address tells all
    page.go_back()
    expect(page.locator("table.items tbody tr")).to_have_count(1)


def test_a_step_shows_what_it_read_and_made_its_settings_curves_and_code(site: str, page: Page) -> None:
    page.goto(f"{site}/runs/2?at=learning/train")

    panel = page.locator("#panel")
    expect(panel.get_by_role("heading", name="Made")).to_be_visible()
    made = panel.locator("section", has=page.get_by_role("heading", name="Made")).get_by_role("link")
    assert made.all_inner_texts()[0].startswith("model")
    assert all((link.get_attribute("href") or "").startswith("/artifacts/") for link in made.all())
    read = panel.locator("section", has=page.get_by_role("heading", name="Read")).get_by_role("link")
    assert "of run 1" in read.inner_text()
    expect(panel.locator(".chart[data-state=drawn] svg")).to_be_visible()
    expect(panel).to_contain_text("tests.web.flows:train")
    expect(page.locator("#log-lines li")).to_have_count(8)


def test_a_skipped_step_says_why_and_a_decision_which_way_it_went(site: str, page: Page) -> None:
    page.goto(f"{site}/runs/2?at=learning/split")
    expect(page.locator("#panel")).to_contain_text("same code, settings and inputs as run 1")

    page.goto(f"{site}/runs/{DECIDING}")
    assert (node(page, "announce"), node(page, "keep_quiet")) == ("completed", "cancelled")
    page.locator('.plan .box[data-kind="repeat"] a').click()
    expect(page.locator("table.items tbody tr")).to_have_count(2)


def test_a_step_in_a_repetition_that_ran_once_opens_at_once(site: str, page: Page) -> None:
    page.goto(f"{site}/runs/{DECIDING}?at=deciding/is_good")
    expect(page.get_by_role("heading", name="Made")).to_be_visible()

    page.goto(f"{site}/runs/{DECIDING}?at=deciding/repeat/attempt_it")  # which ran twice
    page.get_by_role("link", name="attempt 2").click()
    expect(page.get_by_role("link", name="all of attempt_it")).to_be_visible()


def test_the_log_is_searched_and_downloaded(site: str, page: Page) -> None:
    page.goto(f"{site}/runs/1")
    page.get_by_label("Search the log").fill("epoch 3")
    page.get_by_label("Search the log").press("Enter")

    expect(page.locator("#log-lines li")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_label("Download the log").click()
    text = Path(download.value.path()).read_text()
    assert download.value.suggested_filename == "learning-1.log"
    assert text.count("\n") == 12 and "INFO    train: epoch 3: loss" in text


def test_the_log_of_a_run_says_which_step_said_a_line_and_leads_to_it(site: str, page: Page) -> None:
    page.goto(f"{site}/runs/{FAILED}")
    said_by = page.locator("#log-lines li", has_text="fitting market 3").locator("a")
    expect(said_by).to_have_text("fit_market[market 3]")
    whole = page.request.get(f"{site}/runs/{FAILED}/log.txt").text()
    assert "INFO    fit_market [market=market 3]: fitting market 3\n" in whole
    said_by.focus()
    page.keyboard.press("Enter")

    expect(page.locator("#panel-title")).to_have_text("fit_market market=market 3")
    expect(page.locator("#log-lines a")).to_have_count(0)  # all lines are of this step
    of_step = page.request.get(f"{site}{page.get_by_role('link', name='Download the log').get_attribute('href')}")
    assert "INFO    fitting market 3\n" in of_step.text()


def test_a_run_leads_to_all_that_it_made_or_reused(site: str, page: Page) -> None:
    page.goto(f"{site}/runs/{FAILED}")
    page.get_by_role("link", name="Its artifacts").click()

    expect(page).to_have_url(f"{site}/artifacts?run={FAILED}")
    made = page.locator("table.artifacts tbody tr")
    runs = {row.locator("td[data-label=run]").inner_text() for row in made.all()}
    assert runs == {str(FAILED), "1"}  # what it made, and what it reused


def test_a_run_is_watched_live_in_two_tabs(site: str, page: Page, browser: Browser, store_folder: Path) -> None:
    store = open_store(store_folder)
    with going_on(store, flows.learning, {"train.slow": 1.0, "train.epochs": 8, "train.rank": 7}) as run:
        page.goto(f"{site}/runs/{run}?at=learning/train")
        other = browser.new_page()
        other.goto(f"{site}/runs/{run}")
        expect(page.locator(".plan")).to_have_js_property("isConnected", True)
        page.wait_for_function(
            "document.querySelector('.plan a.node[aria-label^=\"train:\"]').dataset.state == 'running'"
        )
        assert node(page, "report") == "activated" or node(page, "count_popular") in ("pending", "running")
        expect(page.locator("#panel")).to_contain_text("of 8")
        expect(page.locator("#log-lines")).to_contain_text("epoch 3: loss")
        expect(page.locator("#panel .chart[data-state=drawn]")).to_be_visible()
        for tab in (page, other):
            expect(tab.locator("#run-head .state.pill")).to_have_text("completed")
        lines = page.locator("#log-lines li").all_inner_texts()
        assert [line.split()[-3] for line in lines] == [f"{n}:" for n in range(1, 9)]  # each once, in order
        assert node(other, "report") == "completed"
        other.close()


def test_the_stream_resumes_after_the_last_line_that_the_page_had(store_folder: Path) -> None:
    app = create_app(store_folder)
    with served(app) as address:

        def first_event(headers: dict[str, str]) -> tuple[str, str]:
            with httpx.stream("GET", f"{address}/runs/1/events", headers=headers, trust_env=False) as answer:
                got = ""
                for text in answer.iter_text():
                    got += text
                    if "\nid: " in got and got.endswith("\n\n"):
                        break
            return got.partition("\nid: ")[2].partition("\n")[0], got

        last, everything = first_event({})
        middle, rest = first_event({"Last-Event-ID": "9"})

    assert middle == last
    assert everything.count('<li id="m') == 12
    assert '<li id="m10"' in rest and '<li id="m7"' not in rest
    assert 'id="run-head"' in rest and 'id="plan"' in rest  # the other parts come as they are now


def test_a_lost_connection_is_taken_up_again(browser: Browser, store_folder: Path, tmp_path: Path) -> None:
    store = open_store(store_folder)
    page = browser.new_page()

    def serve(port: int) -> tuple[Server, threading.Thread]:
        server = Server(create_app(store_folder), port=port)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        return server, thread

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server, thread = serve(port)
    with going_on(store, flows.learning, {"train.slow": 0.5, "train.epochs": 14, "train.rank": 3}) as run:
        page.goto(f"http://127.0.0.1:{port}/runs/{run}?at=learning/train")
        expect(page.locator("#log-lines")).to_contain_text("epoch 2: loss")
        server.should_exit = True
        thread.join(60)
        time.sleep(1.5)
        server, thread = serve(port)
        expect(page.locator("#run-head .state.pill")).to_have_text("completed")
        lines = page.locator("#log-lines li").all_inner_texts()
    server.should_exit = True
    thread.join(60)
    page.close()

    assert [line.split()[-3] for line in lines] == [f"{n}:" for n in range(1, 15)]


def test_a_run_is_cancelled_from_its_page(site: str, page: Page, store_folder: Path) -> None:
    store = open_store(store_folder)
    with going_on(store, flows.learning, {"train.slow": 0.3, "train.epochs": 60, "train.rank": 6}) as run:
        page.goto(f"{site}/runs/{run}")
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Cancel").click()

        expect(page.locator("#run-head .state.pill")).to_have_text("cancelled")
        assert store.records.run(run).state == "cancelled"


def test_a_held_run_is_rejected_from_its_page(site: str, page: Page, store_folder: Path) -> None:
    page.goto(f"{site}/runs/{HELD}")
    expect(page.get_by_text("This run waits for an answer")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Reject").click()

    expect(page.locator("#run-head .state.pill")).to_have_text("cancelled")
    (hold,) = open_store(store_folder).records.holds(HELD)
    assert hold.approved is False and hold.by


@pytest.mark.parametrize("action", ["retry", "approve"])
def test_without_prefect_nothing_is_changed_and_the_page_says_so(store_folder: Path, action: str) -> None:
    run = HELD if action == "approve" else FAILED
    client = TestClient(create_app(store_folder), base_url="http://127.0.0.1")
    answer = client.post(f"/runs/{run}/{action}", data={"csrf_token": csrf_of(client, f"/runs/{run}")})

    assert answer.status_code == 503
    assert "no Prefect server is known" in answer.text
    assert all(hold.decided is None for hold in open_store(store_folder).records.holds(HELD))


@pytest.mark.parametrize("action", ["cancel", "retry", "approve", "reject"])
def test_nothing_is_asked_of_a_run_without_the_token_of_its_page(store_folder: Path, action: str) -> None:
    client = TestClient(create_app(store_folder), base_url="http://127.0.0.1")
    client.get(f"/runs/{HELD}")

    assert client.post(f"/runs/{HELD}/{action}").status_code == 403
    assert open_store(store_folder).records.run(HELD).state == "held"


def test_a_run_that_has_ended_is_not_cancelled_again(store_folder: Path) -> None:
    client = TestClient(create_app(store_folder), base_url="http://127.0.0.1")
    answer = client.post("/runs/1/cancel", data={"csrf_token": csrf_of(client, "/runs/1")})

    assert answer.status_code == 409
    assert "has ended" in answer.text or "ended" in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "/runs/1?at=nowhere",
        "/runs/1?step=99999",
        "/runs/1?step=60",
        "/runs/404",
        "/runs/404/events",
        "/runs/404/log.txt",
    ],
)
def test_what_there_is_not_is_said_on_a_page(store_folder: Path, address: str) -> None:
    client = TestClient(create_app(store_folder), base_url="http://127.0.0.1")
    answer = client.get(address)

    assert answer.status_code == 404
    assert "Not found" in answer.text


HOSTILE = "</script><img src=x onerror=alert(1)>\"'`{{7*7}}\x1b[31m\u202e"


def test_hostile_names_values_and_logs_are_only_text(page: Page, tmp_path: Path) -> None:
    @kaon.step(output="out")
    def shout(word: str, *, text: str = "") -> str:
        print(HOSTILE)
        kaon.current_step().metrics({HOSTILE: 1.0, "b.c[d]": 2.0}, at=1)
        raise ValueError(HOSTILE)

    workflow = kaon.workflow("hostile", kaon.for_each(word=[HOSTILE]).do(shout))
    store = open_store(tmp_path / "hostile")
    kaon.run(workflow, {"shout.text": HOSTILE}, store=store, tags={HOSTILE: HOSTILE}, raises=False)
    store.records.database.write(lambda connection: connection.execute(update(runs).values(workflow=HOSTILE)))
    page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    step = store.records.step_runs(1)[0]
    with served(create_app(tmp_path / "hostile")) as address:
        for path in (
            "/runs",
            f"/runs?tag={HOSTILE}",
            "/runs/1",
            f"/runs/1?step={step.id}&at={step.path}",
            "/runs/compare?run=1&run=1",
        ):
            page.goto(f"{address}{path}")
            page.wait_for_timeout(200)
            assert page.locator("img").count() == 0
        page.goto(f"{address}/runs/1?step={step.id}")
        expect(page.locator("#log-lines li").first).to_contain_text("{{7*7}}")
        expect(page.locator("#panel .chart").first).to_have_attribute("data-state", "drawn")


@pytest.mark.parametrize(
    "address",
    [
        f"/runs/{FAILED}",
        "/runs/2?at=learning/train",
        f"/runs/{FAILED}?at=learning/for_each%5Bmarket%5D",
        f"/runs/{HELD}",
        f"/runs/{SEARCHING}?at=searching/sweep%5Bx,y%5D",
    ],
)
def test_the_page_is_accessible_in_both_themes(
    site: str, page: Page, audit: Callable[[Page], None], address: str
) -> None:
    page.goto(f"{site}{address}")
    page.wait_for_timeout(500)

    audit(page)


@kaon.step(output="waited")
def wait_a_little(n: int) -> int:
    """Wait, so that there is a rate."""
    time.sleep(1)
    return n


def test_a_loop_that_goes_on_tells_its_counts_its_rate_and_the_time_left(
    site: str, page: Page, store_folder: Path
) -> None:
    waiting = kaon.workflow("waiting", kaon.for_each(n=list(range(60))).do(wait_a_little))
    with going_on(open_store(store_folder), waiting, {}) as run:
        page.goto(f"{site}/runs/{run}?at=waiting/for_each%5Bn%5D")
        panel = page.locator("#panel")
        expect(panel).to_contain_text("of 60")
        expect(panel.locator("dt", has_text="Time left")).to_be_visible(timeout=10_000)
        expect(panel.locator("dt", has_text="Rate")).to_be_visible()
        open_store(store_folder).records.want(run, "cancelled")


def test_a_run_leads_to_where_prefect_and_mlflow_show_it_and_never_elsewhere(store_folder: Path) -> None:
    records = open_store(store_folder).records
    plan = records.run(1).plan
    known = {"prefect.flow_run": "abc", "mlflow.run": "def", "mlflow.uri": "http://127.0.0.1:5000"}
    made = [
        records.start_run("led", {}, plan, "local", {**known, **more}).id
        for more in ({}, {"mlflow.uri": "javascript:x"})
    ]
    client = TestClient(create_app(store_folder, prefect_url="http://127.0.0.1:4200/api"), base_url="http://127.0.0.1")
    first, second = (client.get(f"/runs/{run}").text for run in made)

    assert 'href="http://127.0.0.1:4200/runs/flow-run/abc"' in first
    assert 'href="http://127.0.0.1:5000/#/runs/def"' in first
    assert 'href="javascript' not in second
