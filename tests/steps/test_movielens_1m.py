"""The quality of ALS where it can be compared with what others publish; skipped without the data, which has terms."""

from pathlib import Path

import numpy as np
import pytest
from tests.benchmarks.movielens_1m import als_scores, held_out, popularity_scores, quality

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "movielens-1m"


def published(*events: str) -> str:
    """Return the text of a ratings.dat."""
    return "\n".join(events) + "\n"


def test_everyones_last_interaction_is_held_out_and_is_first_in_its_lists(tmp_path):
    events = [f"u::{item}::5::{1000 + item}" for item in range(3)] + [f"v::{item}::1::{item}" for item in range(2, 120)]
    (tmp_path / "ratings.dat").write_text(published(*reversed(events)))

    world = held_out(tmp_path)

    assert world.item_ids[world.last].tolist() == ["2", "119"]
    assert len(world.train) == len(events) - 2
    first, second = world.draws(2)
    assert first[:, 0].tolist() == world.last.tolist()
    assert not world.met[0, first[0, 1:]].any()
    assert len(set(first[0])) == 100
    assert first[0].tolist() != second[0].tolist()


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"needs MovieLens-1M in {FOLDER}: see make bench in the README")
def test_als_at_rank_64_reaches_what_is_published_on_movielens_1m():
    world = held_out(FOLDER)

    als = quality(world, als_scores(world, "implicit"), draws=3)
    popularity = quality(world, popularity_scores(world), draws=1)

    assert als.hit_rate[0] > 0.71
    assert als.ndcg[0] > 0.43
    assert popularity.hit_rate[0] == pytest.approx(0.453, abs=0.01)
    assert np.isfinite(als.hit_rate[1])
