"""Yesterday's towers, today's interactions: what an update keeps, learns and costs."""

from datetime import UTC, datetime
from functools import cache

import numpy as np
import pandas as pd
import pytest

from kaon.artifacts import Metrics
from kaon.steps.compare_update import Comparison, compare_update
from kaon.steps.cut_by_time import Cut, NothingToCut, cut_by_time
from kaon.steps.datasets.catalogue import Catalogue, catalogue
from kaon.steps.extended_tower import extended
from kaon.steps.full_ranking import question, ranks_by_tower
from kaon.steps.interactions import Interactions, interactions
from kaon.steps.ranking import ndcg_at
from kaon.steps.retrain_tower import retrain_tower
from kaon.steps.train_two_tower import train_two_tower
from kaon.steps.two_tower import TwoTower, untrained
from kaon.steps.update_tower import update_tower

TRAINING = {"batch_size": 64, "uniform_negatives": 8, "learning_rate": 0.02}
COST = Metrics({"seconds": 1.0})


@cache
def events() -> Interactions:
    """Return 600 users of three clubs; every day some users begin, and the third club opens late, with new items."""
    random = np.random.default_rng(0)
    rows = []
    for user in range(600):
        club = user % 2 if user < 450 else 2
        begun = user / 6
        for item in random.permutation(10)[:7]:
            day = begun + random.exponential(8)
            rows.append((f"user{user:03}", f"item{club}{item:02}", "ca" if user % 3 else "mx", 1.0, day))
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "market", "rating", "time"])
    return interactions(frame.assign(time=pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(frame["time"], "D")))


@cache
def cut() -> Cut:
    return cut_by_time(events(), new=0.2, judged=0.15)


@cache
def yesterdays() -> TwoTower:
    return train_two_tower(cut().yesterday, dim=8, epochs=8, **TRAINING).tower


@cache
def updated() -> tuple[TwoTower, Metrics]:
    return update_tower(cut().yesterday, cut().today, yesterdays(), epochs=3, **TRAINING)


@cache
def retrained() -> tuple[TwoTower, Metrics]:
    return retrain_tower(cut().today, yesterdays(), epochs=8, **TRAINING)


def compared(tower: TwoTower, **settings: float) -> Comparison:
    asked = cut().yesterday, cut().today, cut().judged, yesterdays(), tower, retrained()[0]
    return compare_update(*asked, COST, retrained()[1], **settings)


def test_time_cuts_the_interactions_into_yesterday_today_and_what_comes_after():
    slices = cut()

    assert len(slices.today) + len(slices.judged) == len(events())
    assert slices.yesterday["time"].max() < slices.today["time"].max() < slices.judged["time"].min()
    assert len(slices.yesterday) == pytest.approx(0.8 * len(slices.today), abs=2)


def test_as_of_says_when_today_ends():
    moment = datetime(2026, 2, 1, tzinfo=UTC)

    slices = cut_by_time(events(), as_of=moment)

    assert slices.today["time"].max() < moment <= slices.judged["time"].min()
    assert cut_by_time(events(), as_of=datetime(2026, 2, 1)).today.equals(slices.today)


@pytest.mark.parametrize(
    ("table", "as_of", "message"),
    [
        (events().drop(columns="time"), None, "these interactions have no time, so nobody knows which of them are new"),
        (events(), datetime(1999, 1, 1, tzinfo=UTC), "as_of 1999-01-01 00:00 leaves 0 of 4200 interactions to train"),
        (events(), datetime(2030, 1, 1, tzinfo=UTC), "choose a time between 2026-01-01 and"),
        (
            events().head(2).assign(time=pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True)),
            None,
            "all interactions before 2026-01-02 00:00 are of one moment",
        ),
    ],
)
def test_what_cannot_be_cut_is_refused(table, as_of, message):
    with pytest.raises(NothingToCut, match=message):
        cut_by_time(table, as_of=as_of)


def test_an_extended_tower_scores_what_it_knew_as_before():
    tower = untrained(["b", "d"], ["ca"], 4, seed=1)
    tower.market.weight.data[:] = 1.0

    larger = extended(tower, ["a", "b", "c"], ["ca", "mx"], seed=2)

    assert larger.item_ids.tolist() == ["b", "d", "a", "c"]
    assert larger.markets == ("ca", "mx")
    assert np.array_equal(larger.item_vectors()[:2], tower.item_vectors())
    for market in ("ca", "never seen"):
        assert np.array_equal(larger.user_vectors([["b"]], [market]), tower.user_vectors([["b"]], [market]))


def test_an_update_gives_vectors_to_new_items_and_serves_new_users():
    new_items = sorted(set(cut().today["item_id"]) - set(cut().yesterday["item_id"]))
    newcomers = cut().judged[~cut().judged["user_id"].isin(cut().yesterday["user_id"])]
    asked = question("ca", cut().today, Interactions(newcomers))

    tower, cost = updated()

    assert new_items and (tower.item_rows(new_items) >= 0).all()
    assert cost["items.new"] == len(new_items)
    assert ndcg_at(10, ranks_by_tower(asked, tower)).mean() > ndcg_at(10, ranks_by_tower(asked, yesterdays())).mean()


def test_an_update_trains_on_the_whole_histories_of_those_with_something_new_and_some_others():
    _, alone = update_tower(cut().yesterday, cut().today, yesterdays(), replayed=0.0, **TRAINING)
    _, everyone = update_tower(cut().yesterday, cut().today, yesterdays(), replayed=1.0, **TRAINING)

    before, now = (frame.groupby("user_id").size() for frame in (cut().yesterday, cut().today))
    changed = now[now != before.reindex(now.index, fill_value=0)]
    assert alone["interactions"] == changed.sum() > len(cut().today) - len(cut().yesterday)
    assert everyone["interactions"] == len(cut().today)
    assert alone["interactions"] < updated()[1]["interactions"] < everyone["interactions"]


def test_the_same_seed_gives_the_same_update():
    again, _ = update_tower(cut().yesterday, cut().today, yesterdays(), epochs=3, **TRAINING)

    assert np.array_equal(again.item_vectors(), updated()[0].item_vectors())


def test_an_update_as_good_as_a_retraining_is_kept():
    comparison = compared(updated()[0], maximum_loss=0.1, maximum_forgotten=0.15)

    assert comparison.update_report.decision == "update", comparison.update_report.reason
    assert comparison.next_tower is updated()[0]
    assert comparison.update_report.seconds == {"updated": 1.0, "retrained": retrained()[1]["seconds"]}


def test_an_update_that_forgot_yesterday_gives_way_to_the_retraining():
    broken = untrained(updated()[0].item_ids.tolist(), ["ca", "mx"], 8, seed=3)

    report = compared(broken, maximum_loss=1.0).update_report

    assert report.decision == "retrain"
    assert report.reason.startswith("the update may have forgotten more than 0.01 of yesterday: -")


def test_an_update_that_may_be_worse_gives_way_to_the_retraining():
    comparison = compared(yesterdays(), maximum_loss=0.0)

    assert comparison.next_tower is retrained()[0]
    assert comparison.update_report.reason.startswith("the update may lose more than 0 against the retraining: -")


def test_nobody_to_judge_means_a_retraining():
    asked = cut().yesterday, cut().today, cut().judged.iloc[:0], yesterdays(), updated()[0], retrained()[0]

    report = compare_update(*asked, COST, COST).update_report

    assert (report.decision, report.reason) == ("retrain", "nobody is there to judge the update")


def test_the_table_tells_old_users_from_new_ones():
    table = compared(updated()[0]).update_table

    users = table.groupby("group")["users"].first()
    assert users["users of yesterday"] + users["users since yesterday"] <= users["all users"]
    assert users["what yesterday knew"] == users["users of yesterday"] > 0
    assert table["tower"].tolist() == ["yesterday", "updated", "retrained"] * 4


@cache
def clubs_described() -> Catalogue:
    """Return what the items are: of their club."""
    names = sorted(events()["item_id"].unique())
    return catalogue(pd.DataFrame({"item_id": names, "genres": [[f"club {name[4]}"] for name in names]}))


@cache
def knowing_content() -> TwoTower:
    return train_two_tower(cut().yesterday, clubs_described(), dim=8, epochs=8, minimum_items=1, **TRAINING).tower


def test_a_new_item_begins_as_what_the_tower_knows_of_its_content():
    new = catalogue(pd.DataFrame({"item_id": ["new 0", "new 1"], "genres": [["club 0"], ["club 1"]]}))

    larger = extended(knowing_content(), ["new 0", "new 1", "item000", "unheard"], ["ca"], 0, new)

    places = larger.item_rows(["new 0", "new 1"])
    assert np.allclose(larger.item_vectors()[places], knowing_content().content_vectors(new), atol=1e-6)
    known = larger.item_rows(knowing_content().item_ids)
    assert np.allclose(larger.item_vectors()[known], knowing_content().item_vectors(), atol=1e-6)
    assert larger.item_vectors()[larger.item_rows(["unheard"])].any()
    assert type(larger)(**larger.config).load_state_dict(larger.state_dict())


def test_an_update_and_a_retraining_keep_knowing_content():
    towers = (
        update_tower(cut().yesterday, cut().today, knowing_content(), clubs_described(), **TRAINING).updated_tower,
        retrain_tower(
            cut().today, knowing_content(), clubs_described(), epochs=2, minimum_items=1, **TRAINING
        ).retrained_tower,
    )

    new = catalogue(pd.DataFrame({"item_id": ["new"], "genres": [["club 0"]]}))
    for tower in towers:
        of_content = tower.content_vectors(new)[0]
        scores = of_content @ tower.user_vectors([["item000", "item001"], ["item100", "item101"]], ["ca", "ca"]).T
        assert of_content.any() and scores[0] > scores[1]


def test_an_update_without_a_catalogue_knows_new_items_by_their_ids():
    updated = update_tower(cut().yesterday, cut().today, knowing_content(), **TRAINING).updated_tower

    assert set(cut().today["item_id"]) <= set(updated.item_ids.tolist())
