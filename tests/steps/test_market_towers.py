"""The branch of one market: its towers, their scores, the choice, and whether it holds."""

import inspect
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from tests.steps.retrieval_data import clubs, together

from kaon.artifacts import FactorModel, kind_for
from kaon.steps.check_stability import Stability, StabilityReport, check_stability
from kaon.steps.evaluate_market import evaluate_market
from kaon.steps.factorise_market import factorise_market
from kaon.steps.fine_tune import MarketTowers, fine_tune
from kaon.steps.full_ranking import question, ranks_by_factors, ranks_by_model, ranks_by_popularity, ranks_by_tower
from kaon.steps.interactions import interactions
from kaon.steps.market_models import MarketChoices, MarketScores
from kaon.steps.model_vectors import Blend, model_vectors
from kaon.steps.popular_tower import popular_tower
from kaon.steps.ranking import ndcg_at
from kaon.steps.select_models import select_models
from kaon.steps.shrinkage import probable_gain
from kaon.steps.split_interactions import Split, split_interactions
from kaon.steps.train_als import train_als
from kaon.steps.train_two_tower import train_two_tower
from kaon.steps.two_tower import TwoTower, untrained

TRAINING = {"batch_size": 64, "uniform_negatives": 8}


@cache
def split() -> Split:
    return split_interactions(together([clubs(400, "ca"), clubs(300, "mx")]), minimum_history=3)


@cache
def tower() -> TwoTower:
    return train_two_tower(split().train, dim=8, epochs=8, learning_rate=0.02, **TRAINING).tower


@cache
def towers(market: str) -> MarketTowers:
    return fine_tune(split().train, split().tuning, tower(), market, local_learning_rate=0.02, **TRAINING)


@cache
def als() -> FactorModel:
    return train_als(split().train, engine="implicit", rank=8)


@cache
def factors(market: str) -> FactorModel:
    return factorise_market(split().train, market, rank=4, regularization=1.0)


def scores(seed: int = 0, users: int = 400, **gain: float) -> MarketScores:
    random = np.random.default_rng(seed)
    start = random.random(users) * 0.5
    ndcg = {
        model: tuple(
            (start + gain.get(model, 0.0) + random.normal(scale=0.05, size=users) * (model != "tower")).tolist()
        )
        for model in ("tower", "local_tower", "fine_tuned_tower")
    }
    return MarketScores("ca", ndcg)


def with_blend(seed: int = 0, users: int = 400, **gain: float) -> MarketScores:
    """Return scores by which a model gains exactly so much over the tower on average."""
    random = np.random.default_rng(seed)
    start = random.random(users) * 0.5
    noise = {name: random.normal(scale=0.05, size=users) for name in ("local_tower", "blend")}
    own = {name: start + gain.get(name, 0.0) + by - by.mean() for name, by in noise.items()}
    ndcg = {name: tuple(values.tolist()) for name, values in {"tower": start, **own}.items()}
    return MarketScores("ca", ndcg)


def stability(**changes: object) -> Stability:
    given = {
        "stability": split().stability,
        "tuning": split().tuning,
        "train": split().train,
        "als": als(),
        "tower": tower(),
        "local_tower": {market: towers(market).local_tower for market in ("ca", "mx")},
        "fine_tuned_tower": {market: towers(market).fine_tuned_tower for market in ("ca", "mx")},
        "local_als": {market: factors(market) for market in ("ca", "mx")},
        "choices": MarketChoices({}),
        "minimum_users": 20,
        "maximum_width": 0.5,
        "maximum_difference": 0.2,
    }
    return check_stability(**{**given, **changes})


def test_a_markets_towers_know_its_items_only():
    local, warm = towers("mx")

    assert local.item_ids.tolist() == warm.item_ids.tolist()
    assert local.markets == warm.markets == ("mx",)
    assert not np.allclose(local.item_vectors(), warm.item_vectors())


def test_without_rounds_the_towers_are_what_they_start_from():
    start = fine_tune(split().train, split().tuning, tower(), "ca", local_rounds=0, rounds=0, **TRAINING)
    asked = question("ca", split().train, split().tuning)
    popularity = ranks_by_popularity(asked, split().train)

    assert np.array_equal(start.fine_tuned_tower.item_vectors(), tower().item_vectors())
    assert np.array_equal(ranks_by_tower(asked, start.local_tower).rank, popularity.rank)


def test_training_of_a_market_goes_on_only_while_it_gets_better_on_the_tuning_slice():
    strangers = split().tuning.assign(item_id="met by nobody")
    kept = fine_tune(split().train, strangers, tower(), "ca", **TRAINING)
    asked = question("ca", split().train, split().tuning)

    assert np.array_equal(kept.fine_tuned_tower.item_vectors(), tower().item_vectors())
    assert ndcg_at(10, ranks_by_tower(asked, kept.local_tower)).mean() < _ndcg(towers("ca").local_tower)


def test_fine_tuning_leaves_the_global_tower_as_it_was():
    before = tower().item_vectors()
    fine_tune(split().train, split().tuning, tower(), "ca", local_rounds=0, rounds=1, **TRAINING)

    assert np.array_equal(tower().item_vectors(), before)


def _ndcg(of: TwoTower) -> float:
    return float(ndcg_at(10, ranks_by_tower(question("ca", split().train, split().tuning), of)).mean())


def test_a_market_is_scored_user_by_user_for_every_model():
    judged = evaluate_market(split().train, split().tuning, als(), tower(), *towers("ca"), factors("ca"), "ca")

    assert judged.users == split().tuning.query("market == 'ca'")["user_id"].nunique()
    assert {model: len(values) for model, values in judged.ndcg.items()} == dict.fromkeys(judged.ndcg, judged.users)
    assert np.mean(judged.ndcg["tower"]) > 0.2


def test_a_market_without_judged_users_keeps_the_global_model():
    judged = evaluate_market(split().train, split().tuning.iloc[:0], als(), tower(), *towers("ca"), factors("ca"), "ca")

    assert judged.users == 0
    assert select_models({"ca": judged}, {}).choices.model_for("ca") == "tower"


@pytest.mark.parametrize(
    ("gain", "model", "reason"),
    [
        ({"local_tower": 0.05, "fine_tuned_tower": 0.02}, "local_tower", "gains 0.0476 [0.04"),
        ({"local_tower": 0.02, "fine_tuned_tower": 0.05}, "fine_tuned_tower", "gains 0.05"),
        ({"local_tower": -0.05, "fine_tuned_tower": 0.0}, "tower", "no challenger's gain is above 0.003 with evidence"),
    ],
)
def test_a_challenger_replaces_global_only_with_evidence(gain, model, reason):
    choice = select_models({"ca": scores(**gain)}, {}).choices.choices["ca"]

    assert choice.model == model
    assert reason in choice.reason


def test_a_challenger_without_evidence_is_not_chosen_however_good_it_looks():
    sure = np.random.default_rng(0).normal(loc=0.02, scale=0.05, size=400)
    unsure = np.random.default_rng(1).normal(loc=0.03, scale=0.5, size=400)
    unsure += 0.03 - unsure.mean()
    judged = MarketScores("ca", {"tower": (0.0,) * 400, "fine_tuned_tower": tuple(sure), "local_tower": tuple(unsure)})

    choice = select_models({"ca": judged}, {}).choices.choices["ca"]

    assert choice.gain["local_tower"].low < 0 < choice.gain["fine_tuned_tower"].low
    assert choice.model == "fine_tuned_tower"


def test_the_more_challengers_there_are_the_more_evidence_each_needs():
    alone = MarketScores("ca", {name: scores(local_tower=0.00985).ndcg[name] for name in ("tower", "local_tower")})
    among_others = scores(local_tower=0.00985)

    one = select_models({"ca": alone}, {}).choices.choices["ca"]
    one_of_two = select_models({"ca": among_others}, {}).choices.choices["ca"]

    assert (one.model, one_of_two.model) == ("local_tower", "tower")
    assert one_of_two.gain["local_tower"].low < 0.003 < one.gain["local_tower"].low


def test_the_usual_challenger_needs_no_more_evidence_where_there_are_others():
    usual = with_blend(blend=0.00825, local_tower=0.004)
    other = with_blend(blend=0.004, local_tower=0.00825)

    assert select_models({"ca": usual}, {}).choices.model_for("ca") == "blend"
    assert select_models({"ca": other}, {}).choices.model_for("ca") == "tower"


def test_a_market_takes_the_blend_among_challengers_that_it_cannot_tell_apart():
    judged = with_blend(local_tower=0.101, blend=0.1)

    choices = select_models({"ca": judged}, {}).choices

    assert choices.usual_challenger == "blend"
    assert choices.choices["ca"].gain["local_tower"].mean > choices.choices["ca"].gain["blend"].mean
    assert choices.model_for("ca") == "blend"
    assert choices.choices["ca"].reason.endswith("over tower; it is the usual challenger")


def test_a_market_takes_another_challenger_that_is_better_than_the_usual_one_with_evidence():
    elsewhere = {"mx": with_blend(seed=1, local_tower=0.05, blend=0.15), "de": with_blend(seed=2, blend=0.15)}

    choices = select_models({"ca": with_blend(local_tower=0.15, blend=0.1), **elsewhere}, {}).choices

    assert [choices.model_for(market) for market in ("ca", "mx", "de")] == ["local_tower", "blend", "blend"]
    assert choices.choices["ca"].reason.endswith("over blend, which is the usual challenger")


def test_the_usual_challenger_is_what_the_users_of_all_markets_say_is_better_than_the_blend():
    judged = {market: with_blend(seed, local_tower=0.1065, blend=0.1) for seed, market in enumerate(("ca", "de", "mx"))}

    alone = [select_models({market: one}, {}).choices for market, one in judged.items()]
    together = select_models(judged, {}).choices

    assert [choices.usual_challenger for choices in alone] == ["blend"] * 3
    assert together.usual_challenger == "local_tower"


def test_few_users_are_no_evidence():
    choice = select_models({"jp": scores(users=50, local_tower=0.3)}, {}, minimum_users=100).choices.choices["jp"]

    assert (choice.model, choice.reason) == ("tower", "50 judged users are fewer than 100")


def test_a_minimum_gain_must_be_exceeded_by_the_whole_interval():
    judged = {"ca": scores(local_tower=0.05)}

    assert select_models(judged, {}, minimum_gain=0.04).choices.model_for("ca") == "local_tower"
    assert select_models(judged, {}, minimum_gain=0.05).choices.model_for("ca") == "tower"


def test_the_table_has_a_row_a_market_with_every_model_and_its_interval():
    table = select_models({"ca": scores(local_tower=0.05), "mx": scores(seed=1)}, {}).market_table

    assert table["market"].tolist() == ["ca", "mx"]
    assert (table["local_tower_low"] < table["local_tower"]).all() and (
        table["local_tower"] < table["local_tower_high"]
    ).all()
    assert table["chosen"].tolist()[0] == "local_tower"


def test_the_picture_shows_every_interval_and_which_model_was_chosen():
    selection = select_models({"ca": scores(local_tower=0.05), "mx": scores(seed=1)}, {})

    drawn = next(iter(selection.market_figure.to_dict()["datasets"].values()))

    assert [(row["market"], row["model"]) for row in drawn if row["chosen"]] == [("ca", "local_tower"), ("mx", "tower")]
    assert len(drawn) == 6
    assert all(row["low"] < row["mean"] < row["high"] for row in drawn)


def test_the_picture_can_be_stored(tmp_path):
    figure = select_models({"ca": scores()}, {}).market_figure
    kind, file = kind_for(type(figure)), tmp_path / "figure"
    with file.open("wb") as out:
        kind.dump(figure, out)

    with file.open("rb") as stored:
        assert kind.load(stored, dict)["title"]["text"] == "The model of each market"


def test_choices_name_the_model_of_each_market():
    choices = select_models({"ca": scores(local_tower=0.05)}, {}).choices
    own = {"ca": untrained(["a"], ["ca"], 2, 0)}

    models = choices.models(
        ["ca", "never measured"],
        tower=tower(),
        local_tower=own,
        fine_tuned_tower={},
        als=factors("ca"),
        local_als={},
    )

    assert models == {"ca": own["ca"], "never measured": tower()}


def test_the_global_model_is_als_where_it_serves_all_users_better_with_evidence():
    factorised = {"ca": MarketScores("ca", {"als": (0.9,) * 400})}

    choices = select_models({"ca": scores(fine_tuned_tower=0.1)}, factorised).choices

    assert (choices.global_model, choices.model_for("ca"), choices.model_for("mx")) == ("als", "als", "als")
    assert (
        select_models(
            {"ca": scores()}, {"ca": MarketScores("ca", {"als": scores().ndcg["tower"]})}
        ).choices.global_model
        == "tower"
    )


def test_a_small_market_takes_what_the_others_gain_by_unless_they_disagree():
    large = {"ca": scores(local_tower=0.05), "mx": scores(seed=1, local_tower=0.04, fine_tuned_tower=0.03)}
    small = scores(users=50, seed=2)

    follows = select_models({**large, "jp": small}, {}).choices.choices["jp"]
    denying = {"de": scores(seed=3), "jp": scores(users=50, seed=2, local_tower=-0.05)}
    apart = select_models({**large, **denying}, {}).choices.choices["jp"]

    assert follows.model == "local_tower"
    assert follows.reason.startswith("probably gains: 0.04")
    assert follows.reason.endswith("over tower in all large markets together")
    assert apart.model == "tower"


def test_a_large_market_without_evidence_takes_what_the_others_gain_by_unless_its_own_users_deny_it():
    sure = {market: with_blend(seed, blend=0.02) for seed, market in enumerate(("ca", "de"))}
    unsure = with_blend(3, users=200, blend=0.006)
    denying = with_blend(3, users=4_000, blend=-0.02)

    followed = select_models({**sure, "mx": unsure}, {}).choices.choices["mx"]
    denied = select_models({**sure, "mx": denying}, {}).choices.choices["mx"]

    assert (followed.model, denied.model) == ("blend", "tower")
    assert followed.gain["blend"].low < 0.003
    assert followed.reason.startswith("probably gains: 0.0")


def test_what_a_market_says_is_drawn_towards_the_others_by_as_much_as_it_is_noise():
    random = np.random.default_rng(0)
    usual = [random.normal(0.02, 0.1, 2_000) for _ in range(4)]
    few, many = (random.normal(0.0, 0.1, users) for users in (20, 20_000))
    mean = float(np.mean([one.mean() for one in usual]))

    assert probable_gain(np.array([]), usual) == pytest.approx(mean, abs=1e-3)
    assert probable_gain(few - few.mean(), usual) == pytest.approx(mean, abs=5e-3)
    apart = [random.normal(gain, 0.1, 2_000) for gain in (-0.1, 0.0, 0.1)]
    assert probable_gain(many - many.mean() + 0.05, apart) == pytest.approx(0.05, abs=1e-3)


def test_markets_whose_users_all_gain_the_same_say_exactly_that():
    assert probable_gain(np.full(5, 0.3), [np.full(4, 0.1), np.full(4, 0.1)]) == pytest.approx(0.1)


def test_a_tower_starts_from_what_is_popular_of_late_where_that_is_known():
    now = pd.Timestamp("2020-01-01", tz="UTC")
    mine = pd.DataFrame(
        {"user_id": list("abcde"), "item_id": ["old", "old", "old", "new", "new"], "market": "ca", "rating": 1.0}
    )
    long_ago = pd.Timedelta(days=180)
    timed = mine.assign(time=[now - long_ago] * 3 + [now] * 2)

    plain, late = (popular_tower(interactions(one), "ca", 4, 0.2, 0) for one in (mine, timed))

    def first(tower: TwoTower) -> dict[str, float]:
        return dict(zip(tower.item_ids, tower.item_vectors()[:, 0].tolist(), strict=True))

    assert first(plain)["old"] > first(plain)["new"]
    assert first(late)["new"] - first(late)["old"] == pytest.approx(0.2 * np.log(2 / (3 / 4)), rel=1e-5)


def test_a_blend_that_begins_with_a_tower_leaves_little_to_the_others():
    own = towers("ca").local_tower

    assert Blend((own, tower(), als())).spreads == (1.0, 0.1, 0.1)
    assert Blend((factors("ca"), als(), tower())).spreads == (1.0, 0.5, 0.25)


def test_a_markets_own_factors_know_its_items_and_users_only():
    own = factors("mx")

    assert set(own.item_ids) == set(split().train.query("market == 'mx'")["item_id"])
    assert all(user.startswith("mx") for user in own.user_ids)
    assert factorise_market(split().train, "mx", rank=4, regularization=1.0) == own


def test_the_scores_of_a_blend_are_those_of_its_parts_each_less_widely_spread():
    asked = question("ca", split().train, split().tuning)
    history = sparse.csr_matrix(asked.seen, dtype="f4")
    models = (factors("ca"), als(), tower())
    parts = [users @ items.T for users, items in (model_vectors(one, history, asked.catalogue, "ca") for one in models)]

    users, items = model_vectors(Blend(models), history, asked.catalogue, "ca")

    spread = [np.sqrt(scores.var(axis=1).mean()) for scores in parts]
    added = sum(share * spread[0] / own * one for share, own, one in zip((1, 0.5, 0.25), spread, parts, strict=True))
    np.testing.assert_allclose(users @ items.T, added, rtol=1e-3, atol=1e-4)


def test_a_factor_model_scores_by_the_history_as_the_model_that_was_trained():
    als = train_als(split().train, engine="implicit", rank=4)
    asked = question("ca", split().train, split().tuning)

    assert np.array_equal(ranks_by_model(asked, als).rank, ranks_by_factors(asked, als).rank)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (scores(users=3), MarketScores),
        (select_models({"ca": scores()}, {}).choices, MarketChoices),
    ],
)
def test_scores_and_choices_can_be_stored(value, annotation, tmp_path):
    kind, file = kind_for(annotation), tmp_path / "value"
    with file.open("wb") as out:
        kind.dump(value, out)

    with file.open("rb") as stored:
        assert kind.load(stored, annotation) == value


def test_trained_models_are_stable():
    result = stability()

    assert result.stable, result.stability_report.reason
    assert result.stability_report.reason.startswith("stable: all")
    assert {check.name for check in result.stability_report.checks} >= {"als.width", "chosen.difference", "lift.ca"}


def test_a_market_with_too_few_users_to_judge_is_named():
    result = stability(minimum_users=10_000)

    assert result.stability_report.reason.endswith("too few users (10000) to judge by itself: market ca, mx")
    assert not any(check.name.startswith("lift") for check in result.stability_report.checks)


def test_every_check_names_a_setting_of_the_step():
    result = stability(twin_tower=tower())

    names = [check.setting for check in result.stability_report.checks]
    assert {"maximum_width", "maximum_difference", "minimum_lift", "minimum_overlap"} <= set(names)
    assert set(names) <= set(inspect.signature(check_stability).parameters)


def test_a_model_that_learnt_nothing_is_not_stable():
    items = sorted(split().train["item_id"].unique())
    result = stability(tower=untrained(items, ["ca", "mx"], 8, 0))

    assert not result.stable
    assert "gain over popularity in" in result.stability_report.reason


def test_a_model_that_diverged_is_not_stable():
    broken = untrained(tower().item_ids.tolist(), ["ca", "mx"], 8, 0)
    broken.items.weight.data[:] = np.nan

    assert not stability(tower=broken).stable


def test_too_few_users_to_say_anything_are_not_stable():
    result = stability(maximum_width=0.0001)

    assert not result.stable
    assert "als.width" in result.stability_report.reason


def test_a_slice_on_which_the_models_do_worse_than_in_tuning_is_not_stable():
    strangers = split().stability.assign(item_id=split().train["item_id"].iloc[0])

    result = stability(stability=strangers, maximum_difference=0.05)

    assert not result.stable
    assert "als.difference" in result.stability_report.reason


def test_a_chosen_challenger_that_loses_on_new_users_is_not_stable():
    chosen = select_models({"mx": scores(fine_tuned_tower=0.1)}, {}).choices
    worse = {"mx": untrained(towers("mx").local_tower.item_ids.tolist(), ["mx"], 8, 3)}

    result = stability(choices=chosen, fine_tuned_tower=worse, minimum_lift=-1.0)

    assert not result.stable
    assert "regret.mx" in result.stability_report.reason


def test_the_report_can_be_stored_and_says_which_attempt_it_judged(tmp_path):
    report = stability(attempt=2).stability_report
    kind, file = kind_for(StabilityReport), tmp_path / "report"
    with file.open("wb") as out:
        kind.dump(report, out)

    with file.open("rb") as stored:
        back = kind.load(stored, StabilityReport)

    assert back == report
    assert back.attempt == 2


def test_users_that_no_model_knows_make_every_score_zero():
    nobody = FactorModel(np.array(["x"]), np.array(["y"]), np.ones((1, 2), "f4"), np.ones((1, 2), "f4"))

    report = stability(als=nobody).stability_report

    assert report.als.mean == 0.0
