"""The pages of published models, in a browser, over a real registry."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Page, expect
from tests.web.conftest import served

import kaon
from kaon.artifacts import open_store
from kaon.artifacts.publications import promote, publications
from kaon.artifacts.web import create_app

pytestmark = pytest.mark.browser


@pytest.fixture
def home(kaon_home: Path) -> Path:
    """A home with three published versions, of which the second and then the third became champion."""
    for number, (version, ndcg) in enumerate((("v1-old", 0.41), ("v2-better", 0.47), ("v3-newest", 0.45)), 1):
        folder = kaon_home / "bundles" / "recommender" / version
        folder.mkdir(parents=True)
        manifest = {
            "run": number,
            "state": "validated" if number > 1 else "not validated",
            "reasons": [] if number > 1 else ["<script>alert(1)</script> was not stable"],
            "created": f"2026-11-2{number}T03:00:00+00:00",
            "metrics": {"test": {"ndcg@10": ndcg, "coverage": 0.8}},
        }
        (folder / "manifest.json").write_text(json.dumps(manifest))
    promote(kaon_home, "recommender", "v2-better")
    promote(kaon_home, "recommender", "v3-newest")
    return kaon_home


@pytest.fixture
def models_site(home: Path) -> Iterator[str]:
    with served(create_app(home / "store")) as address:
        yield address


def test_a_model_is_looked_at_and_rolled_back_after_asking(
    models_site: str, home: Path, page: Page, audit: Callable[[Page], None]
):
    page.goto(f"{models_site}/models")
    page.get_by_role("link", name="recommender").click()
    expect(page.locator(".page-head")).to_contain_text("v3-newest")
    expect(page.get_by_role("row", name="test.ndcg@10")).to_contain_text("0.47")
    expect(page.locator("main")).to_contain_text("<script>alert(1)</script> was not stable")
    audit(page)

    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Roll back to v2-better").click()
    expect(page.locator(".page-head")).to_contain_text("v3-newest")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    page.get_by_role("button", name="Roll back to v2-better").press("Enter")

    expect(page.locator(".page-head")).to_contain_text("v2-better")
    expect(page.locator("main")).to_contain_text("rolled back to v2-better")
    assert asked == ["Roll recommender back to v2-better? It becomes champion and serves."]
    champions = [one.version for one in publications(home) if "champion" in one.aliases]
    assert champions == ["v2-better"]


def test_a_version_is_promoted(models_site: str, home: Path, page: Page):
    page.goto(f"{models_site}/models/recommender")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Promote v1-old").click()

    expect(page.locator(".page-head")).to_contain_text("v1-old")


def test_a_registry_that_does_not_answer_leaves_what_the_bundles_say(home: Path, page: Page):
    with served(create_app(home / "store", mlflow_uri="http://127.0.0.1:9")) as address:
        page.set_default_timeout(60_000)
        page.goto(f"{address}/models/recommender", timeout=60_000)

        expect(page.locator("main")).to_contain_text("MLflow does not answer")
        expect(page.locator("main")).to_contain_text("v3-newest")


def test_nothing_published_says_how_it_comes_to_be(kaon_home: Path, page: Page, audit: Callable[[Page], None]):
    with served(create_app(kaon_home / "store")) as address:
        page.goto(f"{address}/models")

        expect(page.locator("main")).to_contain_text("Nothing is published yet")
        audit(page)


def test_a_version_leads_to_its_receipt_and_never_to_that_of_another_home(home: Path):
    @kaon.step(output="receipt")
    def publish(*, version: str = "") -> dict[str, str]:
        return {"version": version, "state": "published"}

    publishing = kaon.workflow("publishing", publish)
    store = open_store(home / "store")
    for version in ("of another home", "v2-better"):  # runs 1 and 2, which the bundles name as well
        kaon.run(publishing, {"publish.version": version}, store=store)
    page = TestClient(create_app(home / "store"), base_url="http://127.0.0.1").get("/models/recommender").text

    assert page.count(">receipt</a>") == 1
    assert '<a href="/runs/2">run 2</a><a href="/artifacts/2">receipt</a>' in page
