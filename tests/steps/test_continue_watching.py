"""What may be resumed at a moment, what is known of it, the models that learn from it, and the row they make."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from tests.steps.continue_watching_data import FIRST_DAY, watched

from kaon.steps.continue_watching import CANDIDATE, SESSION, BadSessions, History, Sessions, resumable, sessions
from kaon.steps.continue_watching.candidates import (
    Candidates,
    candidates,
    continued,
    odds_of,
    rank_scores,
    users_of,
    with_continuation,
)
from kaon.steps.continue_watching.judging import auc, interval_over_users, log_losses, mean_over_users, reciprocal_ranks
from kaon.steps.continue_watching.rows import positions, rows
from kaon.steps.evaluate_continuation import evaluate_continuation
from kaon.steps.evaluate_resume_ranker import evaluate_resume_ranker
from kaon.steps.find_resumable import NothingResumed, find_resumable
from kaon.steps.place_row import place_row
from kaon.steps.select_sessions import select_sessions
from kaon.steps.train_continuation import train_continuation
from kaon.steps.train_resume_ranker import train_resume_ranker

OFFER = {"finished": 0.95, "at_most": 8, "days": 60}
EVENINGS = watched(
    "ann dark tv 0 20 3/8 0.5",
    "ann heat tv 1 21 1/1 0.2",
    "ann dark phone 2 12 4/8 0.9",
    "bob heat tv 2 20 1/1 0.97",
    "ann heat tv 3 21 1/1 1.0",
    "ann tea tv 3 23 1/1 0.1",
)


def offered(history: Sessions, moments: pd.DataFrame, **changed: float) -> list[list[str]]:
    """Return the titles that are offered at each moment."""
    found = resumable(History.of(history, finished=0.95), moments, **{**OFFER, **changed})
    return [found.title_id[found.moment == number].tolist() for number in range(len(moments))]


def moment(user: str, day: float, device: str = "tv") -> pd.DataFrame:
    return pd.DataFrame({"user_id": [user], "device": [device], "time": [FIRST_DAY + pd.Timedelta(days=day)]})


@pytest.fixture(scope="module")
def made() -> Sessions:
    return select_sessions(synthetic_events=12_000).sessions


@pytest.fixture(scope="module")
def moments(made):
    return find_resumable(made)


@pytest.fixture(scope="module")
def ranker(moments):
    return train_resume_ranker(moments.ranking_moments, rounds=60)


@pytest.fixture(scope="module")
def continuation(moments, ranker):
    return train_continuation(moments.placing_moments, ranker.resume_ranker, rounds=60)


def test_what_was_left_unfinished_is_offered_with_the_latest_first():
    assert offered(EVENINGS, EVENINGS[EVENINGS["user_id"] == "ann"].reset_index(drop=True)) == [
        [],
        ["dark"],
        ["heat", "dark"],
        ["dark", "heat"],
        ["dark"],
    ]


def test_a_finished_title_and_the_titles_of_others_are_not_offered():
    assert offered(EVENINGS, moment("ann", 9)) == [["tea", "dark"]]
    assert offered(EVENINGS, moment("bob", 9)) == [[]]
    assert offered(EVENINGS, moment("stranger", 9)) == [[]]


def test_what_was_left_long_ago_and_what_is_too_much_is_not_offered():
    assert offered(EVENINGS, moment("ann", 5), days=2) == [["tea"]]
    assert offered(EVENINGS, moment("ann", 5), at_most=1) == [["tea"]]


def test_features_say_what_was_known_at_the_moment():
    found = resumable(History.of(EVENINGS, finished=0.95), moment("ann", 3 + 20.5 / 24, "phone"), **OFFER)

    values = {name: found.features[name].tolist() for name in (*CANDIDATE, *SESSION)}
    assert found.title_id.tolist() == ["dark", "heat"]
    assert values["days_away"] == pytest.approx([1 + 8.5 / 24, 1 + 23.5 / 24])
    assert values["hours_from_habit"] == pytest.approx([8.5, 0.5])
    assert values["same_device"] == [1, 0]
    assert values["fraction"] == pytest.approx([0.9, 0.2])
    assert values["progress"] == pytest.approx([3.9 / 8, 0.2])
    assert values["plays"] == [2, 1]
    assert values["reached_at_first"] == pytest.approx([2.5, 0.2])
    assert values["title_resumed"] == [2 / 4, 1 / 4]
    assert values["hour"] == [20.5]
    assert values["on_phone"] == [1]
    assert values["open_titles"] == [2]
    assert values["sessions"] == [3]
    assert values["resumed_share"] == [2 / 5]


def test_what_comes_after_a_moment_changes_nothing_at_it(made):
    """The features of a session are the same whether the history ends before it or goes on for months."""
    half = made["time"].quantile(0.5)
    early, at = Sessions(made[made["time"] < half].reset_index(drop=True)), made[made["time"] < half][-500:]
    at = at.reset_index(drop=True)

    whole, cut = (resumable(History.of(history, finished=0.95), at, **OFFER) for history in (made, early))

    assert whole.title_id.tolist() == cut.title_id.tolist()
    assert np.array_equal(whole.table((*CANDIDATE, *SESSION)), cut.table((*CANDIDATE, *SESSION)))


def test_a_moment_is_seen_as_its_session_was(made, moments):
    """Serving gives the features that training had, without the title that was played and how far it was watched."""
    some = made.iloc[moments.test_moments["moment"].unique()[:300]].reset_index(drop=True)
    served = candidates(resumable(History.of(made, finished=0.95), some[["user_id", "time", "device"]], **OFFER), some)
    trained = moments.test_moments[moments.test_moments["moment"].isin(moments.test_moments["moment"].unique()[:300])]

    pd.testing.assert_frame_equal(served.drop(columns="moment"), trained.drop(columns="moment").reset_index(drop=True))


def test_periods_follow_each_other(made, moments):
    ends = [made["time"].to_numpy()[part["moment"]] for part in moments]

    assert ends[0].max() < ends[1].min()
    assert ends[1].max() < ends[2].min()


def test_shares_that_leave_nothing_to_rank_are_refused(made):
    with pytest.raises(ValueError, match=r"the shares of find_resumable take 1\.10 of 1 and leave nothing to rank"):
        find_resumable(made, history=0.7)


def test_the_ranker_beats_the_latest_first_with_evidence(moments, ranker):
    metrics = evaluate_resume_ranker(moments.test_moments, ranker.resume_ranker)

    assert metrics["precision@1.gain.low"] > 0
    assert metrics["mrr.gain.low"] > 0
    assert metrics["precision@1"] == pytest.approx(metrics["precision@1.recency"] + metrics["precision@1.gain"])
    assert metrics["precision@1"] < 0.8, "a made-up user cannot be foreseen; something leaks"


def test_the_odds_beat_recency_with_evidence_and_are_calibrated(moments, ranker, continuation):
    judged = evaluate_continuation(
        moments.placing_moments, moments.test_moments, ranker.resume_ranker, continuation.continuation, "made up"
    )

    metrics, table = judged.continuation_metrics, judged.reliability
    assert metrics["auc.gain.low"] > 0
    assert metrics["log_loss.gain.low"] > 0
    assert metrics["calibration_error"] < 0.06
    assert metrics["auc"] < 0.9, "a made-up user cannot be foreseen; something leaks"
    assert table["sessions"].sum() == metrics["sessions"]
    assert table["odds"].is_monotonic_increasing
    assert (table["low"] <= table["happened"]).all() and (table["happened"] <= table["high"]).all()


def test_no_feature_knows_what_was_played(moments, ranker, continuation):
    """Without the past of the titles, shuffled among users, nothing is left to tell."""
    assert "played" not in (*CANDIDATE, *SESSION)
    shuffled = moments.test_moments.copy()
    features = [*CANDIDATE, *SESSION]
    mixed = np.random.default_rng(0).permutation(len(shuffled))
    shuffled[features] = shuffled[features].to_numpy()[mixed]

    odds = odds_of(continuation.continuation, ranker.resume_ranker, shuffled)

    assert auc(odds, continued(shuffled)) < 0.62


def test_the_row_stands_higher_where_the_session_continues(moments, ranker, continuation):
    placed = place_row(moments.test_moments, ranker.resume_ranker, continuation.continuation)

    table, metrics = placed.row_positions, placed.placement_metrics
    assert table["position"].tolist() == [1, 2, 3, 4]
    assert table["sessions"].sum() == pytest.approx(1)
    assert table["continuations"].is_monotonic_decreasing
    assert metrics["position.continuations"] < metrics["position.discoveries"]


@pytest.mark.parametrize("thresholds", [(0.2, 0.4), (1.5, 0.4)])
def test_thresholds_that_do_not_fall_are_refused(thresholds, moments, ranker, continuation):
    with pytest.raises(ValueError, match=r"place_row.thresholds must fall, between 1 and 0, as 0.6, 0.4, 0.2 do"):
        place_row(moments.test_moments, ranker.resume_ranker, continuation.continuation, thresholds=thresholds)


def test_a_served_row_is_what_the_models_say_of_the_moment(made, moments, ranker, continuation):
    numbers = moments.test_moments["moment"].unique()[:50]
    table = moments.test_moments[moments.test_moments["moment"].isin(numbers)].reset_index(drop=True)
    asked = made.iloc[numbers].reset_index(drop=True)
    asked = pd.concat([asked, moment("stranger", 200)], ignore_index=True)
    models = ranker.resume_ranker, continuation.continuation

    served = rows(made, asked, *models, thresholds=(0.6, 0.4), **OFFER)

    odds = odds_of(*reversed(models), table)
    best = table.loc[pd.Series(rank_scores(models[0], table)).groupby(table["moment"]).idxmax(), "title_id"]
    assert [row.title_ids[0] for row in served[:-1]] == best.tolist()
    assert [row.odds for row in served[:-1]] == pytest.approx(odds.tolist())
    assert [row.position for row in served[:-1]] == positions(odds, (0.6, 0.4)).tolist()
    assert dataclasses.astuple(served[-1]) == ("stranger", (), 0.0, 0)


def test_the_same_seed_gives_the_same_models(moments, ranker):
    again = train_resume_ranker(moments.ranking_moments, rounds=60)

    assert again.resume_ranker.save_raw("ubj") == ranker.resume_ranker.save_raw("ubj")
    assert set(again.resume_importance["feature"]) == {*CANDIDATE, *SESSION}
    assert again.resume_importance["gain"].sum() == pytest.approx(1)


def test_sessions_that_resume_nothing_are_nothing_to_learn_from():
    alone = watched(*(f"u{number} t{number} tv {number} 20 1/1 1.0" for number in range(20)))

    with pytest.raises(NothingResumed, match=r"for ranking, placing, test no session .* of 20 users: give more"):
        find_resumable(alone)


def test_a_period_in_which_nothing_was_resumed_is_named_before_anything_is_trained():
    resuming = watched(*(f"ann dark tv {number} 20 {number + 1}/99 0.5" for number in range(20)))
    then = watched(*(f"bob t{number} tv {30 + number} 20 1/1 1.0" for number in range(20)))

    with pytest.raises(NothingResumed, match=r"periods for placing, test no session .* of 40 sessions of 2 users"):
        find_resumable(Sessions(pd.concat([resuming, then], ignore_index=True)), history=0.1, placing=0.1)


def test_auc_says_nothing_where_every_session_continues_and_the_step_says_so(moments, ranker, continuation, caplog):
    test = Candidates(with_continuation(moments.test_moments).reset_index(drop=True))

    with caplog.at_level("INFO"):
        judged = evaluate_continuation(
            moments.placing_moments, test, ranker.resume_ranker, continuation.continuation, "x"
        )

    assert judged.continuation_metrics["continuations"] == 1
    assert "AUC says nothing" in caplog.text


def test_a_tie_is_the_worse_place():
    found = resumable(History.of(EVENINGS, finished=0.95), EVENINGS, **OFFER)
    table = candidates(found, EVENINGS)
    table = table[table.groupby("moment")["played"].transform("any")]

    assert reciprocal_ranks(table, np.zeros(len(table))).tolist() == [1 / 2, 1 / 2]
    assert reciprocal_ranks(table, table["played"].to_numpy("f8")).tolist() == [1, 1]
    assert users_of(table).tolist() == ["ann", "ann"]


def test_auc_is_that_of_every_pair():
    random = np.random.default_rng(0)
    scores, happened = random.integers(0, 6, 80) / 1.0, random.random(80) < 0.4
    yes, no = scores[happened][:, None], scores[~happened]

    assert auc(scores, happened) == pytest.approx((yes > no).mean() + (yes == no).mean() / 2)
    assert auc(scores, np.ones(80, bool)) == 0.5


def test_the_sessions_of_a_user_are_drawn_together():
    """Ten sessions of one user say no more than one does."""
    random = np.random.default_rng(0)
    once = random.normal(size=60)
    users = np.array([f"u{number}" for number in range(60)], dtype=object)

    alone = mean_over_users(once, users, seed=0)
    repeated = mean_over_users(np.repeat(once, 10), np.repeat(users, 10), seed=0)

    assert (repeated.low, repeated.high) == pytest.approx((alone.low, alone.high))
    assert repeated.users == 60
    assert interval_over_users(lambda weights: float(weights.sum()), users, seed=0).mean == 60


def test_losses_are_those_of_what_happened():
    losses = log_losses(np.array([0.5, 0.9]), np.array([True, False]))

    assert losses.tolist() == pytest.approx([np.log(2), np.log(10)])


def test_own_sessions_are_read_by_a_mapping_and_are_films_without_episodes(tmp_path):
    (tmp_path / "a.csv").write_text("profile,title_id,device,time,fraction\n7,9,tv,2026-01-02T20:00:00,0.5\n")
    (tmp_path / "b.csv").write_text("profile,title_id,device,time,fraction\n7,8,tv,2026-01-01T20:00:00,1\n")

    frame = select_sessions(dataset="files", folder=tmp_path, columns={"user_id": "profile"}).sessions

    assert frame[["user_id", "title_id", "episodes"]].values.tolist() == [["7", "8", 1], ["7", "9", 1]]


def test_own_sessions_need_a_folder():
    with pytest.raises(BadSessions, match=r"select_sessions.dataset=files needs select_sessions.folder=FOLDER"):
        select_sessions(dataset="files")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("7,,tv,2026-01-02,0.5,1,1", "a.csv: title_id is empty in line 3: nan"),
        ("7,9,tv,soon,0.5,1,1", "a.csv: time is not a date in line 3: 'soon'; write ISO dates"),
        (
            "7,9,tv,2026-01-02,50,1,1",
            "a.csv: fraction is not between 0 and 1 in line 3: 50.0; write 0.5 where half was watched",
        ),
        ("7,9,tv,2026-01-02,0.5,0,1", "a.csv: episode is not a whole number from 1 on in line 3: 0"),
        ("7,9,tv,2026-01-02,0.5,3,2", "a.csv: episode is above episodes in line 3: '9'"),
    ],
)
def test_own_sessions_say_what_is_wrong_in_which_line(line, message, tmp_path):
    header, right = "user_id,title_id,device,time,fraction,episode,episodes", "7,9,tv,2026-01-02,0.5,1,1"
    (tmp_path / "a.csv").write_text(f"{header}\n{right}\n{line}\n")

    with pytest.raises(BadSessions) as error:
        select_sessions(dataset="files", folder=tmp_path)

    assert message in str(error.value)


def test_sessions_without_a_column_say_what_is_there():
    with pytest.raises(BadSessions, match=r"the table has no column 'title_id', 'device', 'fraction': it has"):
        sessions(pd.DataFrame({"user_id": [1], "time": [2]}))
