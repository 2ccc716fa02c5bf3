"""The steps of the workflow `meson`, each by itself."""

import json
import math
import os
import sys
from dataclasses import asdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.steps.retrieval_data import clubs, together

from kaon import open_store, run, step, workflow
from kaon.artifacts.publications import Skew
from kaon.steps.interactions import Interactions
from kaon.steps.meson.cut_region import cut_region
from kaon.steps.meson.fit_region import fit_region
from kaon.steps.meson.judge_models import judge_models
from kaon.steps.meson.lists import recommended
from kaon.steps.meson.publish_regions import MARK, publish_regions
from kaon.steps.meson.region_models import from_global, regional
from kaon.steps.meson.select_cohort import select_cohort
from kaon.steps.meson.serve_regions import Refused, answer
from kaon.steps.meson.validate import validate
from kaon.steps.meson.wrangle import NothingLeft, wrangle
from kaon.steps.publishing.errors import NoImageHere

SERVED = {
    "train": pd.DataFrame({"user_id": ["u", "u", "v"], "item_id": ["a", "b", "a"], "region": "ca"}),
    "choices": {"ca": "regional"},
    "global_factors": pa.table({"item_id": ["a", "b"], "vector": [[1.0, 0.0], [0.0, 1.0]]}),
    "neighbours": {"ca": pa.table({"item_id": ["a"], "neighbour": ["b"], "similarity": [0.5]})},
}


def wrangled(users=40):
    cohort = clubs(users, "ca").rename(columns={"market": "region"})[["user_id", "item_id", "region"]]
    return wrangle(cohort, seed=1)


def test_the_query_selects_active_users_of_regions_with_enough_of_them():
    events = together([clubs(12, "ca"), clubs(4, "us"), clubs(12, "uk", each=2)])

    @step(output="events")
    def give() -> Interactions:
        return events

    asked = workflow("w", give >> select_cohort)
    chosen = run(asked, {"select_cohort.minimum_users_per_region": 5}, store=open_store("memory://"))[
        "cohort"
    ].to_pandas()

    assert set(chosen["region"]) == {"ca"}
    assert len(chosen) == 12 * 5
    assert chosen.equals(chosen.sort_values(["region", "user_id", "item_id"], ignore_index=True))


def test_one_item_of_every_user_is_set_aside_and_known_to_others():
    train, held_out, regions = wrangled()

    assert regions == ["ca"]
    assert held_out["user_id"].is_unique
    assert len(held_out) == 40
    assert set(held_out["item_id"]) <= set(train["item_id"])
    assert train.merge(held_out, on=["user_id", "item_id"]).empty
    assert wrangled()[1].equals(held_out)


def test_a_cohort_that_nobody_can_be_judged_by_says_what_to_lower():
    rare = pd.DataFrame({"user_id": ["a", "b"], "item_id": ["x", "y"], "region": "ca"})

    with pytest.raises(NothingLeft, match=r"lower wrangle\.minimum_users_per_item"):
        wrangle(rare)


def test_an_empty_cohort_says_which_rule_of_the_query_to_lower():
    nobody = pd.DataFrame({"user_id": [], "item_id": [], "region": []})

    with pytest.raises(NothingLeft, match=r"lower select_cohort\.minimum_users_per_region"):
        wrangle(nobody)


def test_a_region_without_anyone_to_judge_by_is_told(caplog):
    row = {"region": "ca", "users": 0, "popularity": 0.0, "global": 0.0, "regional": 0.0, "best": "global"}

    with caplog.at_level("INFO"):
        assert validate(pa.Table.from_pylist([row])).valid

    assert "nobody to judge by, and not held to the minimum: ca" in caplog.text


def test_a_region_is_cut_to_its_most_popular_items_and_most_active_users():
    train = pd.DataFrame({"user_id": list("aabbc"), "item_id": list("xyxzx"), "region": ["ca", "ca", "ca", "ca", "ca"]})

    assert cut_region(train, "ca", most_items=2, most_users=1).to_dict("list") == {
        "user_id": ["a", "a"],
        "item_id": ["x", "y"],
    }


@pytest.mark.rscript
def test_r_finds_the_cosine_with_shrinkage():
    train = pd.DataFrame({"user_id": list("aabbccd"), "item_id": list("xyxyxzz")})
    met = pd.crosstab(train["user_id"], train["item_id"]).to_numpy()
    counts = met.sum(0)
    right = (met.T @ met) / (np.sqrt(np.outer(counts, counts)) + 20 / 2)

    found = {
        (row["item_id"], row["neighbour"]): row["similarity"]
        for row in fit_region(region_train=train, attempt=2).to_pylist()
    }

    assert found == {
        ("x", "y"): pytest.approx(right[0, 1]),
        ("x", "z"): pytest.approx(right[0, 2]),
        ("y", "x"): pytest.approx(right[0, 1]),
        ("z", "x"): pytest.approx(right[0, 2]),
    }


def test_without_r_the_step_says_how_to_install_it(monkeypatch, tmp_path):
    @step(output="region_train")
    def give() -> pd.DataFrame:
        return pd.DataFrame({"user_id": ["a"], "item_id": ["x"]})

    @step(output="attempt")
    def first() -> int:
        return 1

    monkeypatch.setenv("PATH", str(tmp_path))
    (failed,) = run(workflow("w", [give, first] >> fit_region), store=open_store("memory://"), raises=False).failures

    assert "the program 'Rscript' cannot be started" in failed.cause
    assert "fix: apt-get install r-base-core" in failed.cause


def test_the_global_model_finds_items_in_the_same_direction():
    factors = pa.table({"item_id": ["a", "b", "c", "far"], "vector": [[1.0, 0.0], [2.0, 0.1], [0.0, 1.0], [1.0, 0.0]]})

    found = from_global(factors, ["b", "a", "c", "unknown"])

    assert found["a"][0][0] == "b"
    assert [item for item, _ in found["c"]] == ["b"]
    assert all("far" not in dict(near) for near in found.values())


def test_lists_leave_out_what_was_met_and_are_filled_up_by_what_is_popular():
    neighbours = regional(pa.table({"item_id": ["a", "a"], "neighbour": ["b", "c"], "similarity": [0.2, 0.7]}))

    assert recommended(["a", "d"], neighbours, ["d", "e", "b", "c"], 3) == [("c", 0.7), ("b", 0.2), ("e", 0.0)]
    assert recommended([], neighbours, ["d", "e"], 5) == [("d", 0.0), ("e", 0.0)]


def test_models_are_judged_by_what_was_set_aside():
    train = pd.DataFrame({"user_id": ["u", "v", "v"], "item_id": ["a", "b", "c"], "region": "ca"})
    held_out = pd.DataFrame({"user_id": ["u"], "item_id": ["c"], "region": ["ca"]})
    factors = pa.table({"item_id": ["a", "b", "c"], "vector": [[1.0, 0.0], [1.0, 0.1], [0.5, 1.0]]})
    own = {"ca": pa.table({"item_id": ["a"], "neighbour": ["c"], "similarity": [0.9]})}

    table, choices = judge_models(train, held_out, factors, own)

    (row,) = table.to_pylist()
    second = round(1 / math.log2(3), 6)
    assert row == {
        "region": "ca",
        "users": 1,
        "popularity": second,
        "global": second,
        "regional": 1.0,
        "best": "regional",
    }
    assert choices == {"ca": "regional"}


def test_a_region_that_gains_too_little_sends_the_stage_back():
    rows = [
        {"region": "ca", "users": 9, "popularity": 0.1, "global": 0.2, "regional": 0.3, "best": "regional"},
        {"region": "us", "users": 9, "popularity": 0.1, "global": 0.105, "regional": 0.1, "best": "global"},
    ]

    assert validate(pa.Table.from_pylist(rows)) == (False, ["us"])
    assert validate(pa.Table.from_pylist(rows), minimum_gain=1.01) == (True, [])


def test_without_docker_a_folder_is_published_and_the_receipt_says_so(monkeypatch, kaon_home):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{kaon_home}/no.sock")
    published = publish_regions(**SERVED)

    assert published.image == ""
    assert published.note.startswith("published as a folder alone, not as an image: no Docker engine answers")
    assert "; for an image, start Docker" in published.note
    assert json.loads((kaon_home / "bundles" / "kaon-meson" / published.version / "models.json").read_text())["ca"]
    with pytest.raises(
        NoImageHere, match=r"(?s)no Docker engine answers.*fix: start Docker.*publish_regions\.publisher=bundle"
    ):
        publish_regions(**SERVED, publisher="docker")
    assert publish_regions(**SERVED, publisher="bundle").version == published.version


@pytest.fixture
def base(monkeypatch):
    """Build upon the image of the tests, and remove what is built."""
    import docker

    monkeypatch.setenv("KAON_BASE_IMAGE", os.environ["KAON_TEST_BASE_IMAGE"])
    yield "kaon-meson-test"
    client = docker.from_env()
    for found in client.images.list("kaon-meson-test"):
        client.images.remove(found.id, force=True)
    client.close()


@pytest.mark.docker
def test_an_image_is_published_once_it_answers_as_was_computed(base):
    import docker

    published = publish_regions(**SERVED, publisher="docker", name=base)

    assert published.checked == 3
    assert published.tag == f"{base}:{published.version}"
    client = docker.from_env()
    assert client.images.get(published.tag).id == published.image
    assert client.images.get(published.tag).labels[MARK] == published.version
    assert not client.containers.list(all=True, filters={"name": f"kaon-check-{base}"})
    client.close()
    assert asdict(publish_regions(**SERVED, publisher="docker", name=base))["version"] == published.version


@pytest.mark.docker
def test_an_image_that_answers_otherwise_is_not_published(base, monkeypatch):
    import docker

    monkeypatch.setattr(sys.modules[publish_regions.__module__], "recommended", lambda *given: [("b", 0.25)])
    with pytest.raises(Skew, match="answers otherwise than what was validated"):
        publish_regions(**SERVED, publisher="docker", name=base)

    client = docker.from_env()
    assert client.images.list(base) == []
    client.close()


def test_the_server_refuses_what_it_cannot_answer():
    models = {"ca": {"model": "global", "neighbours": {}, "popular": ["a"]}}

    assert answer(models, {"region": "ca"}) == {"model": "global", "items": [{"item": "a", "score": 0.0}]}
    with pytest.raises(Refused, match="there is no region 'xx'; choose one of: ca"):
        answer(models, {"region": "xx"})
    with pytest.raises(Refused, match="there is no region"):
        answer(models, {"region": ["ca"]})
    with pytest.raises(Refused, match="k=0 is no number from 1 to 1000"):
        answer(models, {"region": "ca", "k": 0})
    with pytest.raises(Refused, match="items='a' is no list of ids"):
        answer(models, {"region": "ca", "items": "a"})
    with pytest.raises(Refused, match="ask with a JSON object"):
        answer(models, ["ca"])
