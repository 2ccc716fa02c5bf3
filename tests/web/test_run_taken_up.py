"""A run is taken up from its page: by Prefect, and by whoever executes what it is asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.web.conftest import served
from tests.web.launched import Launched, launching

from kaon.artifacts.web import create_app

pytestmark = [pytest.mark.prefect, pytest.mark.browser]

SLOW = 90_000


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    with launching(tmp_path_factory.mktemp("launched")) as made:
        yield made


@pytest.fixture
def site(launched: Launched, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("KAON_HOME", str(launched.project.home))
    with served(create_app(launched.project.home / "store", prefect_url=launched.prefect)) as address:
        yield address


def test_what_failed_is_mended_and_tried_again(site: str, page: Page, launched: Launched) -> None:
    failed = launched.project.kaon("run", "small.py", "--backend", "local", "--no-mlflow", "fit.rank=32")
    assert failed.returncode == 1, failed.stderr
    run = launched.store.records.runs(limit=1)[0].id
    page.goto(f"{site}/runs/{run}")
    expect(page.locator("#run-head")).to_contain_text("rank 32 does not fit into memory")

    Path(launched.project.folder / "mended").touch()
    page.get_by_role("button", name="Retry what failed").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/{run}?waits=*")

    expect(page.get_by_text("Prefect was asked to go on with this run")).to_be_visible()
    expect(page.locator("#run-head .state.pill")).to_have_text("completed", timeout=SLOW)
    assert launched.store.records.run(run).generation == 2
    page.goto(f"{site}/runs/{run}?at=small/fit")
    expect(page.get_by_role("heading", name="Done anew")).to_be_visible()


def test_a_held_run_is_approved_and_goes_on(site: str, page: Page, launched: Launched) -> None:
    held = launched.project.kaon(
        *("run", "small.py", "--backend", "local", "--no-mlflow", "fit.rank=7", "--hold-before", "tell")
    )
    assert held.returncode == 3, held.stderr
    run = launched.store.records.runs(limit=1)[0].id
    page.goto(f"{site}/runs/{run}")
    page.get_by_role("button", name="Approve").click()

    expect(page.locator("#run-head .state.pill")).to_have_text("completed", timeout=SLOW)
    (hold,) = launched.store.records.holds(run)
    assert hold.approved and hold.by
