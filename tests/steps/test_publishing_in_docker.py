"""The small world published as images, for real: what answers, what is refused, what is rolled back."""

import json
import os
import socket
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from io import BytesIO
from uuid import uuid4

import pytest
from tests.steps.published_world import published, ranker

from kaon.artifacts import ArtifactsError
from kaon.artifacts.ports import free_port
from kaon.artifacts.publications import events, promote, publication, publications, rollback, serving, stop
from kaon.artifacts.publications.engine import engine
from kaon.artifacts.publications.served import ServesElsewhere, restore
from kaon.artifacts.tracking import Registry
from kaon.cli import main
from kaon.steps.publishing import NotPublishable

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def lasting_home(tmp_path_factory):
    """A home for all tests here, so that wheels are packed once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def home(lasting_home, kaon_home, monkeypatch):
    monkeypatch.setenv("KAON_HOME", str(lasting_home))
    monkeypatch.setenv("KAON_BASE_IMAGE", os.environ.get("KAON_TEST_BASE_IMAGE", "python:3.11-slim"))
    return lasting_home


@pytest.fixture
def client():
    with engine() as client:
        yield client


@pytest.fixture
def name(client) -> Iterator[str]:
    """A model's name of which nothing is left afterwards."""
    name = f"kaon-test-{uuid4().hex[:8]}"
    yield name
    of_name = {"label": f"kaon.name={name}"}
    for container in client.containers.list(all=True, filters=of_name):
        container.remove(force=True)
    for image in {image.id for image in client.images.list(filters=of_name)}:
        client.images.remove(image, force=True)


@pytest.fixture
def port() -> int:
    return free_port()


def asked(url, path, body=None):
    request = urllib.request.Request(
        url + path, body and json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def champion(name):
    registry = Registry()
    return registry.bundle(name, registry.aliases(name)["champion"]).name


def test_a_published_model_answers_from_a_small_container_without_rights_that_says_what_it_holds(name, port, client):
    receipt = published(name, port=port)
    shipment = receipt.shipment

    ranked = asked(shipment.url, "/rank", {"user": "u0001", "candidates": ["i001", "i002"]})
    assert ranked["version"] == receipt.version
    assert {one["item"] for one in ranked["items"]} == {"i001", "i002"}
    assert asked(shipment.url, "/recommend", {"user": "u0001", "k": 5})["fallback"] == []
    assert (shipment.published_as, shipment.url) == ("image", f"http://127.0.0.1:{port}")
    assert set(shipment.tags) == {f"{name}:{tag}" for tag in (receipt.version, "challenger", "champion")}
    assert [(check.name, check.passed) for check in shipment.checks] == [("ready", True), ("golden requests", True)]
    assert {"prepare", "build", "check", "promote"} <= set(shipment.seconds)

    image = client.images.get(shipment.image)
    base = client.images.get(os.environ["KAON_BASE_IMAGE"])
    assert image.labels["kaon.version"] == receipt.version
    assert json.loads(image.labels["kaon.metrics"])["index.recall@10"] == 1.0
    assert image.labels["kaon.code"].startswith("sha256:")
    assert image.attrs["Config"]["User"] == "65534:65534"
    assert shipment.size - base.attrs["Size"] < 400e6, "neither Spark nor torch is in it"

    container = client.containers.get(shipment.container)
    looked = container.exec_run(
        ["python3", "-c", "import os, importlib.util as u; print(os.getuid(), u.find_spec('torch'))"]
    )
    assert looked.output.split() == [b"65534", b"None"]
    assert container.attrs["HostConfig"]["ReadonlyRootfs"]
    assert container.attrs["HostConfig"]["PortBindings"] == {
        "8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]
    }


def test_the_same_bundle_again_is_already_published_as_the_same_image_and_goes_on_serving(name, port, client):
    first = published(name, port=port)
    container = client.containers.get(first.shipment.container).id

    second = published(name, port=port)

    assert (second.state, second.shipment.existed) == ("already published", True)
    assert second.shipment.image == first.shipment.image
    assert client.containers.get(first.shipment.container).id == container


def test_another_model_takes_the_port_over_and_a_rollback_brings_the_old_one_back(name, port, home, client):
    first, second = published(name, port=port), published(name, port=port, rounds=15)
    assert first.version != second.version
    assert asked(second.shipment.url, "/readyz")["version"] == second.version

    back = rollback(home, name)

    assert (back.publication.version, back.serving.url) == (first.version, f"http://127.0.0.1:{port}")
    assert asked(back.serving.url, "/readyz")["version"] == first.version
    assert champion(name) == first.version
    assert f"{name}:champion" in client.images.get(first.shipment.image).tags
    with pytest.raises(ArtifactsError, match="nothing to roll"):
        rollback(home, name)

    forth = promote(home, name, second.version[:6])

    assert asked(forth.serving.url, "/readyz")["version"] == second.version
    assert champion(name) == second.version
    assert [event.what for event in events(home, name)] == [*["published", "promoted"] * 2, "rolled back", "promoted"]
    assert [one.name for one in client.containers.list(all=True, filters={"label": f"kaon.name={name}"})] == [
        f"kaon-serving-{name}"
    ]


def test_a_skewed_bundle_is_refused_and_the_champion_goes_on_serving(name, port, home, client, monkeypatch):
    well = published(name, port=port)
    container = client.containers.get(well.shipment.container).id
    module = import_module("kaon.steps.publish")
    honest = module.golden_requests
    monkeypatch.setattr(
        module, "golden_requests", lambda parts, *how: honest(replace(parts, ranker=ranker(5)), *how)
    )  # as if the server's code scored otherwise than what was validated

    with pytest.raises(NotPublishable) as refused:
        published(name, port=port, rounds=12)

    told = str(refused.value)
    assert "training-serving skew" in told
    assert "where: POST /r" in told and " offline and " in told and "fix: " in told
    assert asked(well.shipment.url, "/readyz")["version"] == well.version
    assert client.containers.get(well.shipment.container).id == container
    assert champion(name) == well.version
    (skewed,) = [one for one in publications(home) if one.name == name and one.state == "refused"]
    assert skewed.image is None and "training-serving skew" in skewed.reasons[0]
    assert events(home, name)[-1].what == "refused"
    with pytest.raises(ArtifactsError, match="was refused when it was published"):
        promote(home, name, skewed.version)


def test_what_is_not_validated_is_an_image_and_challenger_and_does_not_serve(name, port):
    receipt = published(name, port=port, stable=False)

    assert receipt.shipment.tags == (f"{name}:{receipt.version}", f"{name}:challenger")
    assert (receipt.shipment.url, receipt.aliases) == ("", ("challenger",))
    assert serving(name) is None


def test_a_port_that_another_program_uses_is_left_to_it_and_the_receipt_says_so(name):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        shipment = published(name, port=taken).shipment

    assert shipment.url and not shipment.url.endswith(f":{taken}")
    assert shipment.notes == (
        f"port {taken} is in use by another program: it serves on {shipment.url.rpartition(':')[2]} instead",
    )


def test_a_server_that_ends_is_told_with_the_last_lines_of_its_log(name, port, monkeypatch):
    module = import_module("kaon.steps.publishing.image")
    broken = module.dockerfile() + b'\nCMD ["python3", "-c", "print(\'no such luck\'); raise SystemExit(3)"]\n'
    monkeypatch.setattr(module, "dockerfile", lambda: broken)

    with pytest.raises(NotPublishable, match=r"(?s)does not become ready.*exit code 3.*no such luck"):
        published(name, port=port)

    assert serving(name) is None


def test_a_build_that_fails_is_told_with_what_docker_printed(name, port, monkeypatch):
    module = import_module("kaon.steps.publishing.image")
    monkeypatch.setattr(module, "dockerfile", lambda: b"ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nRUN echo so far && false\n")

    with pytest.raises(NotPublishable, match=r"(?s)the image cannot be built.*returned a non-zero code.*so far"):
        published(name, port=port)


def test_a_replacement_that_was_interrupted_is_undone_and_what_served_serves_again(name, port, home, client):
    receipt = published(name, port=port)
    container = client.containers.get(receipt.shipment.container)
    container.rename(f"{receipt.shipment.container}-previous")  # and then the process was killed
    container.stop(timeout=1)

    restore(client, name)

    assert asked(receipt.shipment.url, "/readyz")["version"] == receipt.version
    assert serving(name).container == receipt.shipment.container


def test_a_champion_that_fails_to_start_leaves_its_place_to_the_one_before(name, port, home, client, monkeypatch):
    first, second = published(name, port=port), published(name, port=port, rounds=15, stable=False)
    served = import_module("kaon.artifacts.publications.served")
    honest = served.create
    monkeypatch.setattr(
        served, "create", lambda *given: honest(*given[:-1], given[-1], {"KAON_BUNDLE": "/nowhere"})
    )  # it passed its checks, and fails when it is to serve

    with pytest.raises(ArtifactsError, match="does not become ready"):
        promote(home, name, second.version)

    assert asked(first.shipment.url, "/readyz")["version"] == first.version
    assert champion(name) == first.version


def test_a_name_that_another_home_serves_is_not_taken_over(name, port, tmp_path, monkeypatch):
    receipt = published(name, port=port)
    monkeypatch.setenv("KAON_HOME", str(tmp_path / "other"))

    with pytest.raises(ServesElsewhere, match=f"(?s)from another home.*docker rm -f kaon-serving-{name}"):
        published(name, port=port)
    shipment = published(name, port=port, publisher="auto").shipment

    assert shipment.published_as == "bundle"
    assert "from another home" in shipment.notes[0]
    assert asked(receipt.shipment.url, "/readyz")["version"] == receipt.version


def test_auto_without_the_base_image_publishes_the_bundle_and_says_how_to_get_an_image(name, port):
    shipment = published(name, port=port, publisher="auto", base_image="127.0.0.1:9/none:1").shipment

    assert shipment.published_as == "bundle"
    assert "the base image '127.0.0.1:9/none:1' is not here and cannot be pulled" in shipment.notes[0]
    assert "KAON_BASE_IMAGE=…" in shipment.notes[0]


def test_the_commands_list_promote_roll_back_and_stop(name, port, home, capsys):
    first, second = published(name, port=port), published(name, port=port, rounds=15)

    def kaon(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["publish", *arguments])
        assert ended.value.code == 0
        return capsys.readouterr().out

    listed = {one["version"]: one for one in json.loads(kaon("list", "--json")) if one["name"] == name}
    assert listed[second.version]["aliases"] == ["challenger", "champion"]
    assert (listed[second.version]["url"], listed[first.version]["url"]) == (second.shipment.url, "")
    assert f"champion, serving {second.shipment.url}" in kaon("list")
    assert kaon("rollback", "--name", name).splitlines() == [
        f"{name} {first.version} is champion",
        f"  serves at  http://127.0.0.1:{port}",
        f"  stop it    kaon publish stop {name}",
    ]
    assert kaon("promote", second.version, "--name", name).startswith(f"{name} {second.version} is champion\n")
    assert kaon("stop", name).startswith(f"{name} {second.version} no longer serves at http://127.0.0.1:{port}\n")
    assert serving(name) is None and kaon("stop", name) == f"nothing serves {name}\n"
    assert publication(home, name, second.version).aliases == ("challenger", "champion")


def test_images_are_only_dropped_by_name_and_never_those_of_champion_challenger_or_the_newest(
    name, home, client, capsys
):
    receipt = published(name, port=free_port())
    base = client.images.get(os.environ["KAON_BASE_IMAGE"])
    marks = client.images.get(receipt.shipment.image).labels
    for number in range(5):
        raw = f"FROM {base.tags[0]}\nLABEL kaon.name={name} kaon.version=old{number}\n".encode()
        client.images.build(fileobj=BytesIO(raw), tag=f"{name}:old{number}")

    with pytest.raises(SystemExit):
        main(["gc", "--json"])
    assert "images" not in json.loads(capsys.readouterr().out)
    with pytest.raises(SystemExit):
        main(["gc", "--images", "--json"])
    gone = [image for image in json.loads(capsys.readouterr().out)["images"] if image["name"] == name]

    assert marks["kaon.version"] not in {image["version"] for image in gone}
    assert len(gone) == 2
    assert client.images.get(receipt.shipment.image).labels == marks
    assert len({image.id for image in client.images.list(filters={"label": f"kaon.name={name}"})}) == 4


def test_a_bundle_gets_its_image_when_it_is_promoted_to_serve(name, port, home, capsys, client):
    receipt = published(name, publisher="bundle")
    assert promote(home, name, receipt.version).serving is None

    with pytest.raises(SystemExit):
        main(["publish", "promote", receipt.version, "--name", name, "--serve", "--port", str(port)])

    assert asked(f"http://127.0.0.1:{port}", "/readyz")["version"] == receipt.version
    assert f"{name}:champion" in client.images.get(serving(name).image).tags
    assert stop(home, name).version == receipt.version
