"""A store of made runs, the application on a server of its own, and a browser that looks at it.

store     small real runs by `kaon.run`, made once: learning (two completed, one failed), searching, deciding
site      the address of a server over a copy of that store
page      Chromium, which fails the test on an error of a script or a breach of the page's policy
audit     checks a page for accessibility, in both themes
"""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.web import flows

import kaon
from kaon.artifacts import Store, open_store
from kaon.artifacts.web import create_app
from kaon.artifacts.web.serving import Server

SERIOUS = ("serious", "critical")
PATIENCE = 60_000
"""Milliseconds after which a page, or what is expected of it, is held to hang."""
expect.set_options(timeout=PATIENCE)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port of the loopback; yields its address."""
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        server = Server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 60
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.started
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(60)


def make_runs(store: Store) -> None:
    """Run small workflows: `learning` completes twice and fails once, `searching` loses two points, one run is held."""
    for settings in ({}, {"train.rank": 16, "train.epochs": 8}):
        kaon.run(flows.learning, settings, store=store, tags={"team": "research"})
    failing = {"train.rank": 4, "fit_market.bad_market": "market 3"}
    kaon.run(flows.learning, failing, store=store, raises=False)
    kaon.run(flows.searching, {"score.fails_above": 4.5}, store=store, raises=False)
    kaon.run(flows.deciding, store=store)
    kaon.run(flows.deciding, {"is_good.bar": 0.9}, store=store, hold_before=["keep_quiet"], raises=False)


@pytest.fixture(scope="session")
def made_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store with runs; tests look at copies of it."""
    folder = tmp_path_factory.mktemp("made_runs")
    store = open_store(folder)
    make_runs(store)
    store.records.database.close()
    return folder


@pytest.fixture
def store_folder(made_runs: Path, tmp_path: Path) -> Path:
    """A copy of the store of made runs, for one test."""
    return Path(shutil.copytree(made_runs, tmp_path / "kaon_home" / "store"))


@pytest.fixture
def site(store_folder: Path) -> Iterator[str]:
    """The address of a server over the made runs."""
    with served(create_app(store_folder)) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, as it is on the PATH."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a new visitor; what goes wrong in its scripts, or against its policy, fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    context.close()

    assert not wrong, wrong


@pytest.fixture
def audit() -> Callable[[Page], None]:
    """What fails the test where axe-core finds something serious on a page, in the light or the dark theme."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()

    def check(page: Page) -> None:
        for theme in ("light", "dark"):
            page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
            page.wait_for_timeout(200)  # colours change slowly
            found = axe.run(page).response["violations"]
            serious = [
                f"{theme}: {one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
                for one in found
                if one["impact"] in SERIOUS
            ]
            assert not serious, "\n".join(serious)

    return check
