"""The workflow of many languages, run whole: SQL, Python, Spark, R per region, a stage that goes back, Docker."""

import os

import pytest
from tests.steps.retrieval_data import clubs, together

from kaon.artifacts import open_store
from kaon.dsl.backends import run
from kaon.flows.meson import meson

pytestmark = [pytest.mark.spark, pytest.mark.rscript]

QUICK = {"fit_global.rank": 8, "fit_global.iterations": 2}


@pytest.mark.docker
@pytest.mark.prefect
def test_every_kind_of_step_runs_for_real_on_the_bundled_data(monkeypatch):
    import docker

    monkeypatch.setenv("KAON_BASE_IMAGE", os.environ["KAON_TEST_BASE_IMAGE"])
    settings = {**QUICK, "cut_region.most_items": 300, "judge_models.most_users": 200}
    done = run(meson, {**settings, "publish_regions.name": "kaon-meson-whole"}, backend="prefect")
    table, published = done["region_table"].to_pandas(), done["published"]
    client = docker.from_env()
    tags = client.images.get(published.image).tags
    client.images.remove(published.image, force=True)
    client.close()

    assert done.state == "completed"
    assert set(table["region"]) == {"s1", "s2", "s3", "t1", "t2"}
    assert (table[["global", "regional"]].max(axis=1) > 1.1 * table["popularity"]).all()
    assert published.tag in tags
    assert published.checked == 5 * 5
    log = [m.text for m in open_store().records.messages(done.run_id, limit=5000) if m.kind in ("log", "progress")]
    assert any("items in 8 dimensions" in text for text in log)
    assert any("users, 300 items" in text for text in log)


def test_a_stage_that_is_never_valid_goes_back_and_publishes_nothing(tmp_path):
    together([clubs(60, "ca"), clubs(40, "us")]).to_parquet(tmp_path / "events.parquet")
    settings = {
        **QUICK,
        "read_events.dataset": "files",
        "read_events.folder": tmp_path,
        "select_cohort.minimum_users_per_region": 10,
        "validate.minimum_gain": 1e6,
    }

    ended = run(meson, settings, store=open_store(str(tmp_path / "store")), raises=False)

    assert [failure.cause for failure in ended.failures] == ["'valid' was still false after 3 attempts"]
    steps = open_store(str(tmp_path / "store")).records.step_runs(ended.run_id)
    fitted = sorted(one.attempt for one in steps if one.step == "fit_region" and one.state == "completed")
    assert fitted == [(1,), (1,), (2,), (2,), (3,), (3,)]
    assert not [one for one in steps if one.step == "publish_regions" and one.state == "completed"]
