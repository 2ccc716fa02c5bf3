"""Pictures of every page, in both widths and themes: python -m tests.web.screenshots FOLDER [HOME]

Without a HOME the pages show the small runs that the tests make, and one that goes on. With one they show its newest
runs: KAON_HOME=… kaon run recommendations && python -m tests.web.screenshots FOLDER …
"""

import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright
from tests.web import flows
from tests.web.conftest import make_runs, served

import kaon
from kaon.artifacts import Store, kaon_home, open_store
from kaon.artifacts.publications import publications
from kaon.artifacts.web import create_app
from kaon.stack import prefect_api

WIDTHS = (1440, 390)
THEMES = ("light", "dark")
WHOLE = re.compile("/runs/[0-9]+$")
"""Runs whose plan is shown whole."""
SETTLES = 1500
"""Milliseconds until pictures are drawn and live parts have come."""


def main(folder: Path, home: Path | None) -> None:
    """Make the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        place = Path(made) / "store" if home is None else home / "store"
        store = open_store(place)
        if home is None:
            make_runs(store)
        if home is not None:
            os.environ["KAON_HOME"] = str(home)
        app = create_app(place, prefect_url=None if home is None else lambda: prefect_api(home))
        with _going_on(store, home is None), served(app) as address, sync_playwright() as playwright:
            path = shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            for name, url in addresses(app, store).items():
                for width in WIDTHS:
                    for theme in THEMES:
                        _picture(browser, f"{address}{url}", folder / f"{name}-{width}-{theme}.png", width, theme)
            browser.close()


def addresses(app: FastAPI, store: Store) -> dict[str, str]:
    """Return the pages by the names of their pictures: the navigation's, then runs, steps, loops and artifacts."""
    found = {entry.url.strip("/").replace("/", "-"): entry.url for entry in app.state.site.navigation}
    runs = store.records.runs(limit=50)
    alike = [run.id for run in runs if run.workflow == runs[-1].workflow]
    found["compare"] = "/runs/compare?" + "&".join(f"run={run}" for run in alike[-3:])
    for swept in store.records.sweeps(1, None):
        found["sweep"] = f"/sweeps/{swept.id}"
    for workflow in store.records.registered_workflows()[:1]:
        found["launch-form"] = f"/launch/{workflow.name}"
    for published in publications(kaon_home())[:1]:
        found["model"] = f"/models/{published.name}"
    for run in (one for one in runs if one.state in ("running", "failed", "held", "completed")):
        if f"run-{run.state}" in found:
            continue
        found[f"run-{run.state}"] = f"/runs/{run.id}"
        facts = app.state.site.plans.of(run.id).facts
        loops = [path for path, box in facts.boxes.items() if box["node"] == "loop"]
        if loops:
            found.setdefault("loop", f"/runs/{run.id}?at={loops[-1]}")
        for step in store.records.step_runs(run.id, states=("completed",), limit=200):
            if store.records.log(run.id, step.id, kinds=("metric",), limit=1):
                found.setdefault("step", f"/runs/{run.id}?at={step.path}&step={step.id}")
    if any(getattr(route, "path", "").startswith("/artifacts/") for route in app.routes):
        for _, _, artifact in store.records.outputs(runs[-1].id)[:8]:
            found.setdefault(f"artifact-{artifact.kind}", f"/artifacts/{artifact.id}")
    return found


def _picture(browser: Browser, url: str, file: Path, width: int, theme: str) -> None:
    height = 900 if width > 600 else 844
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        device_scale_factor=2,
    )
    page.goto(url)
    if width > 600 and WHOLE.search(url) and page.locator("#plan-whole").count():
        page.click("#plan-whole")
    page.wait_for_timeout(SETTLES)
    page.screenshot(path=file, full_page=width < 600)
    page.close()
    print(file)


@contextmanager
def _going_on(store: Store, wanted: bool) -> Iterator[None]:
    """Let a run go on meanwhile."""
    if not wanted:
        yield
        return
    settings: dict[str, object] = {"train.slow": 1.5, "train.epochs": 200, "train.rank": 12}
    thread = threading.Thread(
        target=kaon.run, args=(flows.learning, settings), kwargs={"store": store, "raises": False}
    )
    thread.start()
    time.sleep(12)
    try:
        yield
    finally:
        store.records.want(store.records.runs(limit=1)[0].id, "cancelled")
        thread.join()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]).absolute() if len(sys.argv) == 3 else None)
