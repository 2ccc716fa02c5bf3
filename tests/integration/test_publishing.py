"""Publications that meet a registry, an engine that is stopped in the middle, and a disk that is full."""

import json
import os
import shutil
import subprocess
import threading
import time
import urllib.request

import pytest
from tests.integration.own_engine import OwnEngine, can_start, give_image
from tests.steps.published_world import published

from kaon.artifacts import ArtifactsError
from kaon.artifacts.ports import free_port
from kaon.artifacts.publications import EngineError, events, serving, stop
from kaon.artifacts.publications.engine import engine
from kaon.artifacts.tracking import Registry

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(shutil.which("dockerd") is None or not can_start(), reason="only root starts dockerd"),
]
BASE = os.environ.get("KAON_TEST_BASE_IMAGE", "python:3.11-slim")


@pytest.fixture(scope="module")
def lasting_home(tmp_path_factory):
    """A home for all tests here, so that wheels are packed once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def home(lasting_home, kaon_home, monkeypatch):
    monkeypatch.setenv("KAON_HOME", str(lasting_home))
    monkeypatch.setenv("KAON_BASE_IMAGE", BASE)
    return lasting_home


@pytest.fixture
def own_engine(tmp_path_factory, request):
    """An engine that has the base image; its disk is as large as the parameter says."""
    own = OwnEngine(tmp_path_factory.mktemp("engine"), getattr(request, "param", ""))
    try:
        give_image(own.start(), BASE)
        yield own
    finally:
        own.close()


@pytest.fixture
def registry(tmp_path):
    """A registry on loopback."""
    port = free_port()
    (tmp_path / "registry.yml").write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/registry}}}}\n"
        f"http: {{addr: 127.0.0.1:{port}}}\nlog: {{level: error}}\n"
    )
    process = subprocess.Popen(["docker-registry", "serve", str(tmp_path / "registry.yml")])
    address = f"127.0.0.1:{port}"
    for _ in range(600):
        try:
            read(f"http://{address}/v2/")
            break
        except OSError:
            time.sleep(0.1)
    yield address
    process.terminate()
    process.wait(60)


def read(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.loads(answer.read())


@pytest.mark.registry
def test_an_image_is_pushed_to_a_registry_which_gives_it_back_by_the_digest_of_the_receipt(registry, home):
    name = "kaon-test-pushed"
    try:
        receipt = published(name, registry=registry, port=free_port())
        shipment = receipt.shipment

        assert set(read(f"http://{registry}/v2/{name}/tags/list")["tags"]) == {
            receipt.version,
            "challenger",
            "champion",
        }
        assert {f"{registry}/{name}:champion", f"{name}:champion"} <= set(shipment.tags)
        stop(home, name)
        with engine() as client:
            client.images.remove(shipment.image, force=True)
            pulled = client.images.pull(f"{registry}/{name}@{shipment.digest}")
            assert pulled.id == shipment.image
            assert pulled.labels["kaon.version"] == receipt.version
    finally:
        forget(name)


@pytest.mark.registry
def test_a_registry_that_does_not_answer_stops_the_publication_before_anybody_is_served(home):
    name = "kaon-test-unpushed"
    try:
        with pytest.raises(ArtifactsError, match=r"does not take 127\.0\.0\.1:9/"):
            published(name, registry="127.0.0.1:9", port=free_port())

        assert serving(name) is None
        assert "promoted" not in [event.what for event in events(home, name)]
    finally:
        forget(name)


def test_an_engine_that_is_stopped_in_the_middle_fails_clearly_and_a_second_run_completes(
    own_engine, home, monkeypatch
):
    monkeypatch.setenv("DOCKER_HOST", own_engine.url)
    name, port = "kaon-test-stopped", free_port()
    stopping = threading.Thread(target=stop_while_it_builds, args=(own_engine,))
    stopping.start()

    with pytest.raises(EngineError, match=r"(?s)went away in the middle.*do the same again") as failed:
        published(name, port=port)
    stopping.join()

    assert "start Docker again" in str(failed.value)
    assert "champion" not in Registry().aliases(name)
    own_engine.start()

    receipt = published(name, port=port)

    assert read(f"{receipt.shipment.url}/readyz")["version"] == receipt.version
    assert Registry().aliases(name).keys() == {"challenger", "champion"}
    assert stop(home, name).version == receipt.version


@pytest.mark.parametrize("own_engine", ["640m"], indirect=True)
def test_a_disk_that_is_full_in_the_build_is_told_with_how_to_free_some(own_engine, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", own_engine.url)

    with pytest.raises(EngineError, match=r"(?s)Docker has no space left.*docker system df"):
        published("kaon-test-full", port=free_port())


def stop_while_it_builds(own):
    """Stop the engine as soon as it runs a step of a build."""
    import docker

    client = docker.DockerClient(own.url)
    while not any("/wheels" in str(container.attrs["Config"]["Cmd"]) for container in client.containers.list()):
        time.sleep(0.05)
    own.stop()


def forget(name):
    with engine() as client:
        of_name = {"label": f"kaon.name={name}"}
        for container in client.containers.list(all=True, filters=of_name):
            container.remove(force=True)
        for image in {image.id for image in client.images.list(filters=of_name)}:
            client.images.remove(image, force=True)
