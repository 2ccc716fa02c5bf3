from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kaon.artifacts import TrackingError, open_store
from kaon.artifacts.tracking import MlflowMirror, Registry, tracking_uri


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One MLflow database for all: making one takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'deep' / 'mlflow.db'}"


@pytest.fixture
def client(uri: str) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(uri, uri)


def test_a_run_is_mirrored_with_links_both_ways(uri: str, client: Any, home: Path, capfd: pytest.CaptureFixture[str]):
    store = open_store("memory://")
    run = store.records.start_run("flow", {}, "{}", "local", {"user": "me"})
    mirror = MlflowMirror(uri, home)
    settings = {"train.rank": 8, "long": "x" * 900, "odd@name": None} | {f"s{number}": number for number in range(150)}
    mlflow_run = mirror.start(run, settings, store)
    mirror.metrics({"ndcg@10": 0.5, "loss": 1})
    mirror.metrics({"loss": 0.25}, at=1)
    mirror.end("completed")

    shown = client.get_run(mlflow_run)
    assert store.records.run(run.id).tags == {"user": "me", "mlflow.run": mlflow_run, "mlflow.uri": uri}
    assert shown.data.tags["kaon.run"] == "1" and shown.data.tags["kaon.store"] == "memory://"
    assert shown.data.tags["user"] == "me"
    assert shown.data.params["train.rank"] == "8" and len(shown.data.params["long"]) == 500
    assert len(shown.data.params) == 153
    assert shown.data.metrics == {"ndcg_at_10": 0.5, "loss": 0.25}
    assert [metric.step for metric in client.get_metric_history(mlflow_run, "loss")] == [0, 1]
    assert shown.info.status == "FINISHED" and shown.info.artifact_uri.startswith(home.as_uri())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("state", "status"), [("failed", "FAILED"), ("cancelled", "KILLED")])
def test_the_end_of_a_run_shows_in_mlflow(uri: str, client: Any, home: Path, state: Any, status: str):
    store = open_store("memory://")
    mirror = MlflowMirror(uri, home)
    mlflow_run = mirror.start(store.records.start_run("flow", {}, "{}", "local"), {}, store)
    mirror.end(state)

    assert client.get_run(mlflow_run).info.status == status


def test_bundles_are_versions_of_a_model_and_aliases_move(uri: str, client: Any, home: Path, tmp_path: Path):
    registry = Registry(uri, home)
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps({"name": name}))
    assert registry.aliases("recommender") == {}

    own_run = client.create_run(client.create_experiment("mine", (tmp_path / "files").as_uri())).info.run_id
    assert registry.register_bundle("recommender", tmp_path / "1") == 1
    assert registry.register_bundle("recommender", tmp_path / "2", own_run, {"market": "US"}) == 2
    registry.set_alias("recommender", 1, "champion")
    registry.set_alias("recommender", 1, "challenger")
    registry.set_alias("recommender", 2, "challenger")

    assert registry.aliases("recommender") == {"champion": 1, "challenger": 2}
    assert registry.bundle("recommender", 2) == tmp_path / "2"
    version = client.get_model_version("recommender", "2")
    assert version.run_id == own_run and version.tags["market"] == "US"
    assert [file.path for file in client.list_artifacts(own_run, "bundle")] == ["bundle/manifest.json"]


def test_what_mlflow_refuses_is_said_with_its_place(uri: str, home: Path):
    with pytest.raises(TrackingError, match="MLflow did not take") as caught:
        Registry(uri, home).set_alias("nobody", 7, "champion")
    assert caught.value.where == uri and "nobody" in caught.value.why
    with pytest.raises(TrackingError):
        Registry(uri, home).bundle("nobody", 7)


def test_mlflow_that_does_not_answer_is_said_soon(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match="MLflow did not take"):
        Registry("http://127.0.0.1:9", home).aliases("recommender")


def test_the_environment_comes_before_the_stack_and_the_stack_before_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    assert tracking_uri() == f"sqlite:///{home}/mlflow/mlflow.db"

    home.mkdir()
    for text in ("", "[]", '{"mlflow": {"url": "http://x", "pid": 999999999}}', '{"prefect": {}}', '{"mlflow": 3}'):
        (home / "stack.json").write_text(text)
        assert tracking_uri().startswith("sqlite:///")
    (home / "stack.json").write_text(json.dumps({"mlflow": {"url": "http://127.0.0.1:5000", "pid": os.getpid()}}))
    assert tracking_uri() == "http://127.0.0.1:5000"
    assert tracking_uri(home / "other").startswith("sqlite:///")

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    assert tracking_uri() == "http://elsewhere"
