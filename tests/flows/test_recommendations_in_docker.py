"""The whole shipped workflow on two small markets: trained, validated, published, served, and published again."""

import json
import os
import urllib.request

import pytest
from tests.steps.retrieval_data import clubs, together

from kaon.artifacts import digest_bytes, open_store
from kaon.artifacts.ports import free_port
from kaon.artifacts.publications import promote, rollback
from kaon.artifacts.publications.engine import engine
from kaon.cli.published_end import published_lines
from kaon.dsl.backends import run
from kaon.flows.recommendations import recommendations

pytestmark = [pytest.mark.docker, pytest.mark.spark]
NAME = "kaon-test-recommendations"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """What lets it be quick, and lets models of no worth be validated."""
    monkeypatch.setenv("KAON_BASE_IMAGE", os.environ.get("KAON_TEST_BASE_IMAGE", "python:3.11-slim"))
    together([clubs(150, "ca"), clubs(140, "mx")]).to_parquet(tmp_path / "events.parquet")
    yield {
        "select_users.dataset": "files",
        "select_users.folder": tmp_path,
        "train_als.rank": 4,
        "train_two_tower.dim": 4,
        "train_two_tower.epochs": 1,
        "fine_tune.local_rounds": 0,
        "fine_tune.rounds": 0,
        "check_stability.maximum_width": 1.0,
        "train_ranker.minimum_users": 1,
        "train_ranker.rounds": 10,
        "publish.name": NAME,
        "publish.publisher": "docker",
        "publish.minimum_gain": -1.0,
        "publish.port": free_port(),
    }
    with engine() as client:
        of_name = {"label": f"kaon.name={NAME}"}
        for container in client.containers.list(all=True, filters=of_name):
            container.remove(force=True)
        for image in {image.id for image in client.images.list(filters=of_name)}:
            client.images.remove(image, force=True)


def asked(url, path, body=None):
    raw = body and json.dumps(body).encode()
    request = urllib.request.Request(url + path, raw, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def test_it_publishes_in_docker_another_model_takes_over_and_a_rollback_brings_the_first_one_back(settings, kaon_home):
    store = open_store(kaon_home / "store")

    first = run(recommendations, settings, backend="local", store=store)
    receipt = first["receipt"]
    shipment = receipt.shipment
    answer = asked(shipment.url, "/recommend", {"user": "ca-user0001", "k": 3})
    told = list(published_lines(store, first.run_id, recommendations.plan.report))
    second = run(recommendations, {**settings, "train_ranker.rounds": 8}, backend="local", store=store)["receipt"]

    assert (receipt.validated, shipment.published_as) == (True, "image")
    assert (answer["version"], answer["fallback"]) == (receipt.version, [])
    with engine() as client:
        labels = client.images.get(shipment.image).labels
    assert labels["kaon.run"] == str(first.run_id)
    assert labels["kaon.plan"] == digest_bytes(store.records.run(first.run_id).plan.encode())
    assert f"  serves     {shipment.url} (version {receipt.version}, container kaon-serving-{NAME})" in told
    assert f"  stop it    kaon publish stop {NAME}" in told

    assert second.version != receipt.version
    assert asked(shipment.url, "/readyz")["version"] == second.version
    assert rollback(kaon_home, NAME).publication.version == receipt.version
    assert asked(shipment.url, "/readyz")["version"] == receipt.version
    assert promote(kaon_home, NAME, second.version).serving.version == second.version
