"""The shipped sweep over settings of ALS, run for real on a small market."""

import pytest
from tests.steps.retrieval_data import clubs

from kaon.artifacts import open_store
from kaon.dsl.backends import run
from kaon.flows.als_sweep import als_sweep

pytestmark = pytest.mark.spark


def test_its_leaderboard_has_a_row_for_each_point_and_the_best_first(tmp_path) -> None:
    clubs(120, "ca").to_parquet(tmp_path / "events.parquet")
    settings = {
        "select_users.dataset": "files",
        "select_users.folder": tmp_path,
        "only_markets": [],
        "split_interactions.tuning": 0.4,
        "split_interactions.ranking": 0.1,
        "train_als.iterations": 2,
        "train_als.blocks": 1,
    }

    table = run(als_sweep, settings, backend="local", store=open_store("memory://"))["leaderboard"].to_pandas()

    assert len(table) == 3 * 2 * 2
    assert set(table["state"]) == {"completed"}
    assert table["als_metrics.ndcg@10"].is_monotonic_decreasing
    assert table["als_metrics.ndcg@10"].iloc[0] > 0.5
