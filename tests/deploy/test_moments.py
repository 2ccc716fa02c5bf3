"""When and on what somebody asks: it counts where the bundle knows it, and is named as ignored where it does not."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save
from tests.steps.told_world import bundle_of_dataset, own_device, told_bundle

from kaon.artifacts import digest_bytes
from kaon.deploy.serving.recommender import load_recommender
from kaon.deploy.serving.rehearsal import Unfit, rehearse
from kaon.steps.bundle import BundleError, load_bundle
from kaon.steps.datasets import load as load_dataset
from kaon.steps.datasets.synthetic import Scale
from kaon.steps.features import NAMES
from kaon.steps.interactions import in_market
from kaon.steps.reranking import Visitor, recommend, visitors_of

PHONE, TV = 0, 2
FRAPPE = Path("../shared/data/frappe")
SATURDAY = "2026-11-28T20:15:00Z"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return told_bundle(tmp_path_factory.mktemp("told"))


@pytest.fixture(scope="module")
def told(published):
    return load_recommender(published)


@pytest.fixture
def client(client_of, told):
    return client_of(told)


def asked(client, path="/recommend", **body):
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def scores(answer):
    return {one["item"]: one["score"] for one in answer["items"]}


def test_the_same_user_is_scored_otherwise_on_another_device_and_nothing_is_ignored(client):
    candidates = [f"i{number:03}" for number in range(60)]

    phone, tv = (
        asked(client, "/rank", user="u0003", device=device, candidates=candidates) for device in ("phone", "tv")
    )

    assert phone["ignored"] == tv["ignored"] == []
    own = own_device(np.arange(60))
    gains = [scores(tv)[item] - scores(phone)[item] for item in candidates]
    assert np.mean(gains, where=own == TV) > 0 > np.mean(gains, where=own == PHONE)


def test_a_list_is_that_of_the_offline_functions_at_the_same_moment(client, told):
    answer = asked(client, user="u0011", device="tv", time=SATURDAY)

    context = {"device": "tv", "hour": "20", "weekday": "saturday"}
    bundle = told.bundle
    expected = recommend(bundle, visitors_of(bundle.sources, [Visitor("u0011", context=context)]))
    assert [one["item"] for one in answer["items"]] == expected.item_ids(bundle.sources)[0]
    assert answer["items"] != asked(client, user="u0011")["items"]


def test_somebody_who_chose_titles_is_answered_by_the_moment_too(client):
    history = ["i004", "i010"]

    answers = [asked(client, market="ca", history=history, device=device) for device in ("phone", "tv")]

    assert answers[0]["items"] != answers[1]["items"]
    assert answers[0]["ignored"] == []


def test_a_device_that_the_data_does_not_know_changes_nothing_and_is_named_as_ignored(client):
    answer = asked(client, user="u0003", device="fridge", time=SATURDAY)

    assert answer == {**asked(client, user="u0003", time=SATURDAY), "ignored": ["device"]}


def test_whom_popularity_answers_gets_the_same_list_at_every_moment_and_is_told_so(client):
    answer = asked(client, market="uk", device="tv", time=SATURDAY)

    assert answer == {**asked(client, market="uk"), "ignored": ["device", "time"]}


def test_popularity_that_stands_in_for_the_ranker_knows_no_moment(client, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("out of order")

    monkeypatch.setattr("kaon.deploy.serving.recommender.ranked_scores", broken)

    assert asked(client, user="u0003", device="tv")["ignored"] == ["device"]


def test_the_model_says_which_part_of_the_moment_it_knows(client):
    assert client.get("/model").json()["context"] == ["device", "hour", "weekday"]


def test_golden_requests_ask_on_every_device_at_hours_and_days_and_at_no_told_moment(published, told):
    golden = [one["request"] for one in json.loads((published / "golden.json").read_text())]

    assert {one.get("device") for one in golden} == {None, "phone", "tablet", "tv"}
    times = {one["time"] for one in golden if "time" in one}
    assert len({time[11:13] for time in times}) > 10
    assert any(set(one) <= {"user", "k"} for one in golden)
    assert rehearse(told) > len(golden)


def test_a_bundle_whose_context_was_counted_otherwise_is_refused(published, tmp_path):
    """Training-serving skew: the digests hold, and the lifts are not those that the ranker was checked with."""
    copied = Path(shutil.copytree(published, tmp_path / "copied"))
    arrays = load((copied / "sources.safetensors").read_bytes())
    arrays["context.device.values"] = arrays["context.device.values"][::-1].copy()
    rewritten(copied, "sources.safetensors", save(arrays))

    with pytest.raises(Unfit, match=r'the golden request POST /rank .*"device": .* scores .*, and offline it was'):
        rehearse(load_recommender(copied))


def test_a_server_that_takes_one_device_for_another_is_refused(published, tmp_path):
    copied = Path(shutil.copytree(published, tmp_path / "copied"))
    ids = json.loads((copied / "ids.json").read_text())
    ids["context"]["device"] = ids["context"]["device"][::-1]
    rewritten(copied, "ids.json", json.dumps(ids).encode())

    with pytest.raises(Unfit, match=r'the golden request POST .*"device": '):
        rehearse(load_recommender(copied))


def test_a_bundle_from_before_the_ranker_knew_the_moment_is_served_without_it(client_of, bundles):
    """Such a bundle has no context among its ids, whatever its data had, and a ranker of the features without it."""
    bundle = load_recommender(bundles[0])

    answer = asked(client_of(bundle), user="u0003", device="tv", time=SATURDAY)

    assert answer["ignored"] == ["device", "time"]
    assert load_bundle(bundles[0]).sources.context == ()


def test_what_learnt_from_the_synthetic_data_knows_devices_hours_and_weekdays(client_of, tmp_path):
    frame = load_dataset("synthetic", scale=Scale(events=12_000))
    recommender = load_recommender(bundle_of_dataset(frame, tmp_path, ranking=0.3))
    client, user = client_of(recommender), str(recommender.bundle.sources.user_ids[3])

    answer = asked(client, user=user, device="tv", time=SATURDAY)

    assert rehearse(recommender) > 40
    assert recommender.bundle.manifest["context"] == ["device", "hour", "weekday"]
    assert recommender.bundle.ranker.num_features() == len(recommender.bundle.manifest["features"]) == len(NAMES) + 3
    assert answer["ignored"] == []


@pytest.mark.skipif(not FRAPPE.is_dir(), reason="the data set frappe is not there")
def test_what_learnt_from_frappe_knows_weekdays_by_the_time_and_no_devices(client_of, tmp_path):
    """Its hours are words such as `morning`, which no clock shows."""
    frame = in_market(load_dataset("frappe", FRAPPE), "United States")
    recommender = load_recommender(bundle_of_dataset(frame, tmp_path, ranking=0.5))
    client, user = client_of(recommender), str(recommender.bundle.sources.user_ids[3])

    answer = asked(client, user=user, device="phone", time=SATURDAY)

    assert rehearse(recommender) > 40
    assert recommender.bundle.manifest["context"] == ["hour", "weekday"]
    assert answer["ignored"] == ["device"]


def test_a_bundle_whose_ranker_learnt_without_the_moment_that_its_sources_know_is_refused(published, tmp_path):
    copied = Path(shutil.copytree(published, tmp_path / "copied"))
    manifest = json.loads((copied / "manifest.json").read_text())
    (copied / "manifest.json").write_text(json.dumps(manifest | {"features": list(NAMES)}))

    with pytest.raises(BundleError, match="learnt from other features than this Kaon computes; publish again"):
        load_bundle(copied)


def rewritten(folder: Path, name: str, raw: bytes) -> None:
    """Write another file into a bundle, with the digest that the manifest then must have."""
    (folder / name).write_bytes(raw)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = digest_bytes(raw)
    (folder / "manifest.json").write_text(json.dumps(manifest))
