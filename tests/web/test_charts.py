"""Pictures are drawn in the browser without eval, and their values can be read as a table."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import APIRouter, Request
from fastapi.responses import Response
from jinja2 import ChoiceLoader, DictLoader
from playwright.sync_api import Page
from tests.web.conftest import served

from kaon.artifacts.web import create_app
from kaon.artifacts.web.site import page as rendered

pytestmark = pytest.mark.browser

ROWS = [{"epoch": n, "loss": 1 / n, "run": "</script><script>alert(1)</script>"} for n in range(1, 9)]
SPEC = {
    "data": {"values": ROWS},
    "width": "container",
    "height": 200,
    "mark": {"type": "line", "point": True, "tooltip": True},
    "encoding": {
        "x": {"field": "epoch", "type": "quantitative"},
        "y": {"field": "loss", "type": "quantitative"},
        "color": {"field": "run", "type": "nominal"},
    },
    "transform": [{"calculate": "datum.loss * 2", "as": "twice"}],
}
TEMPLATE = """{% extends "base.html" %}{% from "components.html" import chart %}
{% block main %}<h1>A chart</h1>{{ chart(spec, "Loss", "it falls", rows) }}{% endblock %}"""

router = APIRouter()


@router.get("/chart")
def chart_page(request: Request) -> Response:
    return rendered(request, "chart_page.html", spec=SPEC, rows=ROWS)


@pytest.fixture
def chart(page: Page) -> Iterator[Page]:
    app = create_app("memory://")
    app.include_router(router)
    templates = app.state.site.templates
    templates.loader = ChoiceLoader([templates.loader, DictLoader({"chart_page.html": TEMPLATE})])
    with served(app) as address:
        page.goto(f"{address}/chart")
        page.wait_for_selector(".chart[data-state]")
        yield page


def test_a_chart_is_drawn_under_the_strict_policy(chart: Page) -> None:
    assert chart.locator(".chart").get_attribute("data-state") == "drawn", chart.locator(".chart-picture").inner_text()
    assert chart.locator(".chart svg .mark-line path").count() == 1


def test_a_chart_is_drawn_anew_for_the_other_theme(chart: Page) -> None:
    before = chart.locator(".chart svg .mark-line path").get_attribute("stroke")
    chart.get_by_role("button", name="Switch between light and dark").click()
    chart.wait_for_function(
        "before => document.querySelector('.chart svg .mark-line path')?.getAttribute('stroke') !== before", arg=before
    )

    chart.reload()
    assert chart.locator("html").get_attribute("data-theme") == "dark"  # remembered, and known to the server


def test_a_chart_can_be_read_as_a_table(chart: Page, audit: Callable[[Page], None]) -> None:
    chart.get_by_text("As a table").press("Enter")

    assert chart.get_by_role("cell", name="0.125").is_visible()
    audit(chart)
