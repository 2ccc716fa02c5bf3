"""The pictures of the README: KAON_HOME=HOME python -m tests.web.readme_pictures

HOME has a run of `recommendations` that completed, and a sweep. They become docs/images/run.png and sweep.png.
"""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from tests.web.conftest import served
from tests.web.screenshots import SETTLES

from kaon.artifacts import kaon_home, open_store
from kaon.artifacts.web import create_app

FOLDER = Path(__file__).parents[2] / "docs" / "images"


def main() -> None:
    """Make the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    records = open_store(kaon_home() / "store").records
    run = next(one.id for one in records.runs("recommendations", limit=50) if one.state == "completed")
    sweep = records.sweeps(1, None)[0].id
    with served(create_app(kaon_home() / "store")) as address, sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        picture(browser, f"{address}/runs/{run}", "run", "#plan-whole")
        picture(browser, f"{address}/sweeps/{sweep}", "sweep", "")
        browser.close()


def picture(browser: Browser, url: str, name: str, clicked: str) -> None:
    """Make the picture of one page as wide as a README is."""
    page = browser.new_page(viewport={"width": 1440, "height": 840}, color_scheme="light")
    page.goto(url)
    if clicked:
        page.click(clicked)
    page.wait_for_timeout(SETTLES)
    page.screenshot(path=FOLDER / f"{name}.png")
    page.close()


if __name__ == "__main__":
    main()
