"""The model card: everything that was measured is on it, escaped, and it needs nothing from elsewhere."""

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pandas as pd
import pytest
from tests.steps.small_market import small_world

from kaon.artifacts import Html, Metrics
from kaon.steps.market_models import MARKET_MODELS
from kaon.steps.model_card.charts import Dot, Measured, dots, intervals
from kaon.steps.model_card.measured import MODEL_NAMES
from kaon.steps.ranking import Interval
from kaon.steps.receipt import Receipt
from kaon.steps.reranking import Reranking
from kaon.steps.stability_report import Check, StabilityReport
from kaon.steps.write_model_card import write_model_card

RECEIPT = Receipt(
    name="small",
    version="0123456789ab",
    bundle="/nowhere/small/0123456789ab",
    state="published",
    validated=True,
    reasons=(),
    aliases=("challenger", "champion"),
    registry_version=3,
    metrics={"pipeline.ndcg@10": 0.4321, "lists.ndcg@10": 0.7395},
    files={},
)
WORLD = cache(small_world)
GROUPS = [("all", "all"), ("market", "ca"), ("market", "<uk>"), ("activity", "0–4")]
REPORT = StabilityReport(
    2,
    133,
    Interval(0.4, 0.3, 0.5, 133),
    Interval(0.4, 0.3, 0.5, 133),
    (Check("als.width", 0.2, "at most", 0.08, "width of the interval"), Check("lift.ca", 0.1, "at least", 0, "gain")),
    "no champion",
    "not stable: als.width",
)


def setting_row(setting, value, ndcg):
    numbers = {"ndcg@10": ndcg, "low": 0.3, "high": 0.5, "change": ndcg - 0.4, "change_low": -0.1, "change_high": 0.1}
    return {
        "setting": setting,
        "value": value,
        **numbers,
        "diversity@10": 0.7,
        "novelty@10": 5.0,
        "coverage@10": 0.2,
        "users": 90,
    }


def at(day, frame):
    return frame.assign(time=pd.Timestamp(f"2026-01-{day:02}", tz="UTC"))


def card(receipt=RECEIPT, reliability=None, days=None, features=("market_cosine", "als"), chosen="tower", **settings):
    """days: of train, ranking and test, None for interactions without time."""
    world = WORLD()
    slices = [world.train, world.ranking, world.test]
    train, ranking, test = map(at, days, slices) if days else slices
    table = pd.DataFrame(
        [
            (model, *group, metric, 0.4, 0.3, 0.5, 60)
            for model in ("recommender", "als")
            for group in GROUPS
            for metric in ("ndcg@10", "hit_rate@10")
        ],
        columns=["model", "by", "group", "metric", "value", "low", "high", "users"],
    )
    market = {"market": "<uk>", "users": 80, "chosen": chosen, "reason": "gains 0.02 over global & more"}
    market |= {f"{name}{end}": 0.4 for name in MARKET_MODELS for end in ("", "_low", "_high")}
    return write_model_card(
        receipt,
        world.everything,
        train,
        train.iloc[:0],
        train.iloc[:0],
        ranking,
        test,
        table,
        pd.DataFrame([market]),
        REPORT,
        Metrics({"ndcg@10": 0.7371}),
        pd.DataFrame({"feature": features, "gain": [0.75, 0.25], "splits": [3, 1]}),
        Metrics({"recall@10": 0.9985, "chosen.hnsw": 1.0}),
        pd.DataFrame([setting_row("plain", "", 0.4), setting_row("diversity", "0.3", 0.39)]),
        reliability,
        **settings,
    )


class Balance(HTMLParser):
    """Notes elements that are closed in another order than they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_the_card_is_a_whole_page_that_asks_nothing_of_elsewhere():
    page, check = card(), Balance()
    check.feed(page)

    assert isinstance(page, Html)
    assert page.startswith("<!doctype html>")
    assert (check.open, check.wrong) == ([], [])
    assert not re.search(r"https?:|<script|<link|<img|url\(|@import", page)
    assert "prefers-color-scheme: dark" in page


def test_what_comes_from_data_is_escaped():
    page = card(replace(RECEIPT, validated=False, reasons=("<script>alert(1)</script>",)))

    assert "&lt;uk&gt;" in page
    assert "<uk>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "gains 0.02 over global &amp; more" in page


@pytest.mark.parametrize(
    "told",
    [
        "Version 0123456789ab",
        "0.7395",
        "nDCG@10 of the recommender on test",
        "fine-tuned",
        "Attempt 2, judged on 133 users who chose nothing",
        "als.width = 0.2000, must be at most 0.08",
        "market cosine",
        "75.0 %",
        "an HNSW graph",
        "diversity 0.3",
        "-0.0100 [-0.1000, +0.1000]",
        "rank the market&#x27;s whole catalogue",
        "Slices are drawn by user",
        "Markets with few people say little",
        "challenger, champion",
        "<dt>numpy</dt>",
    ],
)
def test_the_card_says(told):
    assert told in card()


def test_a_market_that_nothing_measured_is_said_to_be_served_by_the_global_model():
    assert "Nothing here says how good it is in" not in card()

    told = "Nothing here says how good it is in fr, de: all that happened there is later"
    assert told in card(late_markets=["fr", "de"])


def test_the_headline_is_the_figure_of_its_section_and_not_that_of_the_gate():
    page = card()

    assert "<span>nDCG@10, whole catalogue</span><b>0.4000</b>" in page
    assert "0.4321" not in page


def test_a_card_that_is_not_validated_says_so_and_why():
    page = card(replace(RECEIPT, validated=False, reasons=("no attempt was stable",)))

    assert "not validated" in page
    assert "no attempt was stable" in page


def test_the_splits_are_told_by_what_was_done():
    by_time, by_user = card(days=(1, 2, 3)), card(days=(2, 2, 2))

    assert "Slices are cut by time" in by_time
    assert "drawn by user" not in by_time
    assert "Slices are cut by time" not in by_user
    assert by_user.count("Slices are drawn by user") == 2


@pytest.mark.parametrize("model", MARKET_MODELS)
def test_any_model_that_can_be_chosen_stands_beside_the_others_under_its_name(model):
    page = card(chosen=model)

    table = page[page.index("Which model serves, and why") : page.index("By activity")]
    assert table.count("<th ") == table.count("<td ") == len(MARKET_MODELS) + 4
    assert table.count(f">{MODEL_NAMES[model]}<") == 2


def test_calibration_is_shown_where_it_was_measured():
    page = card(reliability=pd.DataFrame({"bin": ["0.1–0.2"], "predicted": [0.15], "observed": [0.14]}))

    assert "Calibration" in page
    assert "0.1400" in page
    assert "Calibration" not in card()


def test_the_card_says_how_the_lists_were_made():
    page = card(reranking=Reranking(diversity=0.2, per_genre=3))

    assert "lists are made with diversity 0.2, per genre 3." in page
    assert "Its lists are as the ranker orders them." in card()


def test_labels_of_points_that_lie_together_do_not_cover_each_other():
    crowd = [Dot(0.5, 0.5, "plain", "same") for _ in range(9)]

    picture = dots(crowd, "across", "up", ("plain",))

    assert picture.count("<circle") == 9
    assert 1 <= picture.count('class="name"') <= 4


def test_a_line_of_intervals_has_its_numbers_for_those_who_cannot_see_it():
    assert 'aria-label="als: 0.4000 [0.3000, 0.5000]"' in intervals([Measured("als", 0.4, 0.3, 0.5)])


def test_the_card_says_what_the_ranker_knows_of_the_moment_of_a_request():
    assert "the order is the same at every moment" in card()
    assert "Of the moment of a request it knows device, hour: how much" in card(features=("hour_lift", "device_lift"))
