"""What happened to publications is kept in order, and one publication of a name waits for another."""

import os
import subprocess
import sys

import pytest

from kaon.artifacts.publications import NotPromoted, events, promote, publications, rollback, serving
from kaon.artifacts.publications.engine import NoEngine, engine, refused
from kaon.artifacts.publications.history import BrokenHistory, add_event, champions
from kaon.artifacts.publications.lock import PublicationBusy, publishing_alone

HOLD = """
import sys
from pathlib import Path
from kaon.artifacts.publications.lock import publishing_alone
with publishing_alone(Path(sys.argv[1]), "model"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holding(folder):
    """Return a process that publishes until its standard input is closed."""
    pipe = subprocess.PIPE
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdin=pipe, stdout=pipe, text=True)
    assert other.stdout.readline() == "held\n"
    return other


@pytest.fixture
def no_engine(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


@pytest.fixture
def bundles(kaon_home):
    """Two published bundles of one name, as far as a list looks at them."""
    for number, version in enumerate(("aaa111", "aab222")):
        folder = kaon_home / "bundles" / "model" / version
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(
            f'{{"created": "2026-11-2{number}", "run": {number}, "state": "validated"}}'
        )
    return kaon_home


def test_events_come_back_in_their_order_with_what_was_said_of_them(tmp_path):
    add_event(tmp_path, "model", "published", "a", image="sha256:1", details={"digest": "sha256:2"})
    add_event(tmp_path, "model", "promoted", "a", image="sha256:1", url="http://127.0.0.1:8000")

    first, second = events(tmp_path, "model")

    assert (first.what, first.image, first.details) == ("published", "sha256:1", {"digest": "sha256:2"})
    assert (second.what, second.url) == ("promoted", "http://127.0.0.1:8000")
    assert events(tmp_path, "other") == ()


def test_a_line_that_cannot_be_read_is_named(tmp_path):
    add_event(tmp_path, "model", "promoted", "a")
    with (tmp_path / "publications" / "model.jsonl").open("a") as file:
        file.write("{half a li\n")

    with pytest.raises(BrokenHistory, match=r"model\.jsonl:2"):
        events(tmp_path, "model")


def test_two_rollbacks_lead_two_champions_back(tmp_path):
    for what, version in (("promoted", "a"), ("promoted", "b"), ("promoted", "c"), ("rolled back", "b")):
        add_event(tmp_path, "model", what, version)
    assert champions(events(tmp_path, "model")) == ("a", "b")

    add_event(tmp_path, "model", "rolled back", "a")

    assert champions(events(tmp_path, "model")) == ("a",)


def test_a_second_publication_waits_for_the_first_and_says_so(tmp_path):
    other = holding(tmp_path)
    said = []

    def waits():
        said.append("waiting")
        other.stdin.close()  # only now the other one ends

    with publishing_alone(tmp_path, "model", waits=waits):
        said.append("published")

    assert said == ["waiting", "published"]
    assert other.wait(60) == 0


def test_a_publication_that_was_killed_holds_nobody_up(tmp_path):
    other = holding(tmp_path)
    with pytest.raises(PublicationBusy, match="still at work"), publishing_alone(tmp_path, "model", patience=0.2):
        raise AssertionError("the other one holds it")

    os.kill(other.pid, 9)
    other.wait(60)

    with publishing_alone(tmp_path, "model", patience=60):
        pass


def test_bundles_are_promoted_and_rolled_back_where_no_docker_engine_answers(bundles, no_engine):
    assert {one.version: one.aliases for one in publications(bundles)} == {"aaa111": (), "aab222": ()}

    promote(bundles, "model", "aaa111")
    made = promote(bundles, "model", "aab")

    assert made.publication.aliases == ("champion",)
    assert made.serving is None and "as a bundle" in made.notes[0]
    assert rollback(bundles, "model").publication.version == "aaa111"
    assert serving("model") is None


@pytest.mark.parametrize("content", ["{", "[]", b"\xff"])
def test_a_bundle_whose_manifest_cannot_be_read_is_listed_as_refused_beside_the_others(bundles, no_engine, content):
    path = bundles / "bundles" / "model" / "aab222" / "manifest.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    whole, broken = sorted(publications(bundles), key=lambda one: one.version)

    assert (whole.version, whole.state) == ("aaa111", "validated")
    assert (broken.version, broken.state) == ("aab222", "refused")
    assert broken.reasons[0].startswith("its manifest.json cannot be read: ")
    with pytest.raises(NotPromoted, match="publish it again"):
        promote(bundles, "model", "aab222")


def test_what_cannot_be_promoted_is_refused_with_what_there_is(bundles, no_engine):
    with pytest.raises(NotPromoted, match="published are aab222, aaa111"):
        promote(bundles, "model", "zzz")
    with pytest.raises(NotPromoted, match="no one published version 'aa'"):
        promote(bundles, "model", "aa")
    with pytest.raises(NotPromoted, match="nothing of that name is published"):
        promote(bundles, "other", "aaa111")
    with pytest.raises(NotPromoted, match=r"(?s)has no champion.*kaon publish promote VERSION --name model"):
        rollback(bundles, "model")


def test_an_image_is_not_promoted_where_no_docker_engine_answers(bundles, no_engine):
    add_event(bundles, "model", "published", "aaa111", image="sha256:1")

    with pytest.raises(NoEngine, match=r"publish\.publisher=bundle"):
        promote(bundles, "model", "aaa111")

    assert champions(events(bundles, "model")) == ()
    assert next(one for one in publications(bundles) if one.version == "aaa111").image == "sha256:1"


def test_an_engine_without_space_is_told_with_how_to_free_some(no_engine):
    error = refused("write /var/lib/docker/tmp/x: no space left on device")

    assert error.problem == "Docker has no space left" and "kaon gc --images" in error.fix
    with pytest.raises(NoEngine, match="no Docker engine answers"), engine():
        raise AssertionError("none answers")
