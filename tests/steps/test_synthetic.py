import numpy as np
import pandas as pd
import pytest

from kaon.steps.datasets import Scale, load, load_catalogue
from kaon.steps.datasets.synthetic import synthetic_impressions, synthetic_sessions
from kaon.steps.full_ranking import concatenated, questions, ranks_by_factors, ranks_by_popularity
from kaon.steps.interactions import Interactions, interactions
from kaon.steps.ranking import ndcg_at
from kaon.steps.split_interactions import split_interactions
from kaon.steps.train_als import train_als

SCALE = Scale(events=20_000, seed=3)


@pytest.fixture(scope="module")
def events():
    return load("synthetic", scale=SCALE)


@pytest.fixture(scope="module")
def sessions():
    return synthetic_sessions(SCALE)


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue("synthetic", scale=SCALE)


def test_interactions_are_in_their_canonical_form(events):
    canonical = interactions(events)

    pd.testing.assert_frame_equal(canonical, events[list(canonical.columns)])
    assert {"time", "device", "hour", "weekday"} <= set(canonical.columns)


def test_everything_made_up_is_called_synthetic(events, sessions, catalogue):
    for column in (events["user_id"], events["item_id"], events["market"], sessions["title_id"], catalogue["item_id"]):
        assert column.str.startswith("synthetic-").all()
    assert catalogue["title"].str.startswith("Synthetic").all()


def test_the_scale_is_the_number_of_sessions_and_about_half_of_them_begin_a_title(events, sessions):
    assert len(sessions) == SCALE.events
    assert 0.4 * SCALE.events < len(events) < 0.65 * SCALE.events


def test_equal_scales_give_equal_tables_and_another_seed_others(events):
    pd.testing.assert_frame_equal(load("synthetic", scale=SCALE), events)
    assert not load("synthetic", scale=Scale(SCALE.events, seed=4)).equals(events)


def test_every_item_has_a_row_with_genres_in_the_catalogue(events, catalogue):
    assert set(events["item_id"]) <= set(catalogue["item_id"])
    assert catalogue["genres"].map(len).between(1, 3).all()


def test_few_titles_have_most_of_the_users_and_countries_differ_in_taste(events, catalogue):
    counts = events["item_id"].value_counts()
    genres = catalogue.set_index("item_id")["genres"].str[0]
    shares = pd.crosstab(events["market"], events["item_id"].map(genres), normalize="index")

    assert counts.head(len(counts) // 10).sum() > 0.28 * len(events)
    assert shares.std().max() > 0.04


def test_users_have_tastes(events, catalogue):
    """Two titles of one user share a genre more often than titles of two users of one market do."""
    genres = catalogue.set_index("item_id")["genres"].str[0]
    genre = events["item_id"].map(genres).to_numpy()
    same_user = events["user_id"].to_numpy()[1:] == events["user_id"].to_numpy()[:-1]
    shuffled = (
        events.assign(genre=genre)
        .groupby("market")["genre"]
        .transform(lambda some: np.random.default_rng(0).permutation(some.to_numpy()))
        .to_numpy()
    )

    assert (genre[1:] == genre[:-1])[same_user].mean() > 1.3 * (shuffled[1:] == shuffled[:-1])[same_user].mean()


def test_what_users_like_can_be_learnt_from_what_they_begin():
    events = load("synthetic", scale=Scale(events=60_000)).drop(columns="time")
    split = split_interactions(Interactions(events), tuning=0.6, stability=0, ranking=0, test=0)
    als = train_als(split.train, engine="implicit", rank=16, alpha=5.0, regularization=10.0, blocks=1)
    asked = questions(split.train, split.tuning)

    by_als = ndcg_at(10, concatenated([ranks_by_factors(one, als) for one in asked])).mean()
    by_popularity = ndcg_at(10, concatenated([ranks_by_popularity(one, split.train) for one in asked])).mean()

    assert by_als > 1.2 * by_popularity


def test_a_user_watches_one_session_after_the_other_and_never_goes_back_in_a_title(sessions):
    """A title may be begun anew, after it was finished or forgotten."""
    by_user = sessions.groupby("user_id")["time"]
    reached = sessions["episode"] - 1 + sessions["fraction"]
    back = reached.groupby([sessions["user_id"], sessions["title_id"]]).diff() < 0

    assert by_user.is_monotonic_increasing.all()
    assert sessions["fraction"].between(0, 1).all()
    assert (sessions["episode"] <= sessions["episodes"]).all()
    assert back.mean() < 0.01


def test_most_sessions_are_in_the_evening_and_then_on_television(sessions):
    hours = sessions["time"].dt.hour
    on_tv = sessions["device"] == "tv"

    assert hours.between(18, 22).mean() > 0.4
    assert on_tv[hours.between(19, 21)].mean() > on_tv[hours.between(8, 14)].mean()


def test_impressions_are_distinct_titles_of_which_the_first_are_played_most(sessions):
    shown = synthetic_impressions(SCALE)
    played = shown.groupby("place")["played"].mean()

    assert not shown.duplicated(["user_id", "time", "title_id"]).any()
    assert set(zip(shown["user_id"], shown["time"], strict=True)) == set(
        zip(sessions["user_id"], sessions["time"], strict=True)
    )
    assert played[1] > played[6]
