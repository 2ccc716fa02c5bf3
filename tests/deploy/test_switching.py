"""Another bundle: it serves once it has shown that it can, and until then, or if it cannot, the old one goes on."""

import json
import threading
import time
from pathlib import Path

import pytest

from kaon.deploy.serving.__main__ import ready_to_serve
from kaon.deploy.serving.metrics import ServerMetrics
from kaon.deploy.serving.rehearsal import Unfit, rehearse
from kaon.deploy.serving.watching import Current, Watcher


class Watched:
    """A watcher with what it changes."""

    def __init__(self, path: Path) -> None:
        self.current = Current()
        self.metrics = ServerMetrics()
        self.loaded: list[Path] = []
        self.watcher = Watcher(path, self.current, self.metrics, self._load)

    def _load(self, folder: Path):
        self.loaded.append(folder)
        return ready_to_serve(folder)

    def look(self) -> str:
        """Return the version that serves after another look."""
        self.watcher.look()
        return self.current.recommender.version if self.current.recommender else ""

    def swaps(self, outcome: str) -> float:
        return self.metrics.registry.get_sample_value("kaon_bundle_swaps_total", {"outcome": outcome}) or 0.0


@pytest.fixture
def link(bundles, tmp_path) -> Path:
    """A link to the first bundle."""
    link = tmp_path / "champion"
    link.symlink_to(bundles[0])
    return link


def switch(link: Path, to: Path) -> None:
    """Let the link lead elsewhere, at once."""
    new = link.with_name("new")
    new.symlink_to(to)
    new.rename(link)


def test_a_link_that_is_switched_is_followed(link, bundles):
    watched = Watched(link)
    first = watched.look()

    switch(link, bundles[1])

    assert (first, watched.look()) == (bundles[0].name, bundles[1].name)
    assert watched.metrics.registry.get_sample_value("kaon_bundle_info", {"version": bundles[1].name}) == 1.0
    assert watched.metrics.registry.get_sample_value("kaon_bundle_info", {"version": bundles[0].name}) is None


def test_the_newest_of_a_folder_of_versions_serves(bundles, tmp_path):
    watched = Watched(tmp_path)
    nothing = watched.look()
    (tmp_path / bundles[0].name).symlink_to(bundles[0])

    found = watched.look()

    assert (nothing, found) == ("", bundles[0].name)
    assert "is no bundle" not in watched.current.refused


def test_a_bundle_is_loaded_once_as_long_as_nothing_changes(link):
    watched = Watched(link)

    for _ in range(3):
        watched.look()

    assert len(watched.loaded) == 1


def test_a_broken_bundle_is_refused_once_and_the_old_one_goes_on(link, bundles, copied):
    watched = Watched(link)
    watched.look()
    (copied / "ranker.ubj").write_bytes(b"broken")

    switch(link, copied)

    assert [watched.look(), watched.look()] == [bundles[0].name] * 2
    assert "ranker.ubj is not what was published" in watched.current.refused
    assert (watched.swaps("swapped"), watched.swaps("refused")) == (1.0, 1.0)


def test_a_bundle_that_was_half_copied_is_tried_again_when_the_rest_is_there(link, copied):
    ranker = (copied / "ranker.ubj").read_bytes()
    (copied / "ranker.ubj").write_bytes(ranker[: len(ranker) // 2])
    watched = Watched(copied)
    before = watched.look()

    (copied / "ranker.ubj").write_bytes(ranker)

    assert (before, watched.look()) == ("", copied_version(copied))
    assert watched.current.refused == ""


def test_a_link_that_leads_nowhere_is_no_reason_to_end(link, bundles, tmp_path):
    watched = Watched(link)
    watched.look()

    switch(link, tmp_path / "gone")

    assert watched.look() == bundles[0].name
    assert "is no bundle" in watched.current.refused


def test_a_bundle_that_answers_otherwise_than_when_it_was_published_is_refused(copied):
    golden = json.loads((copied / "golden.json").read_text())
    golden[0]["scores"][0] += 1e-3
    skewed(copied, golden)

    with pytest.raises(Unfit, match=r"the golden request POST /rank .* scores .*, and offline it was"):
        ready_to_serve(copied)


def test_a_list_in_another_order_than_when_it_was_published_is_refused(copied):
    golden = json.loads((copied / "golden.json").read_text())
    lists = next(one for one in golden if one["path"] == "/recommend")
    lists["items"].reverse()
    skewed(copied, golden)

    with pytest.raises(Unfit, match=r"the golden request POST /recommend .* is answered with .*; offline it was"):
        ready_to_serve(copied)


def test_a_part_that_fails_in_the_rehearsal_refuses_the_bundle(recommender, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("out of order")

    monkeypatch.setattr("kaon.deploy.serving.recommender.ranked_scores", broken)

    with pytest.raises(Unfit, match="ranking failed; the log says how"):
        rehearse(recommender)


def test_the_watcher_looks_after_each_wait_and_ends_when_told(link):
    watched = Watched(link)
    waits = iter([False, False, True])

    watched.watcher.watch(lambda: next(waits))

    assert len(watched.loaded) == 1
    assert next(waits, None) is None


def test_no_request_fails_while_bundles_are_switched_and_each_is_answered_by_one_of_them(live, link, bundles):
    server = live(link)
    server.wait_for_version(bundles[0].name)
    answers: list[tuple[int, str]] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            status, answer = server.ask("POST", "/recommend", {"user": "u0004"})
            answers.append((status, answer["version"] if status == 200 else str(answer)))

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for one in asking:
        one.start()
    for version in (bundles[1], bundles[0], bundles[1]):
        switch(link, version)
        server.wait_for_version(version.name)
    until = time.monotonic() + 60
    while len(answers) <= 100 and time.monotonic() < until:
        time.sleep(0.05)
    ended.set()
    for one in asking:
        one.join()

    assert {status for status, _ in answers} == {200}
    assert {version for _, version in answers} == {bundle.name for bundle in bundles}
    assert len(answers) > 100


def skewed(folder: Path, golden: object) -> None:
    """Write other golden requests into a bundle, with the digest that the manifest then must have."""
    from kaon.artifacts import digest_bytes

    raw = json.dumps(golden).encode()
    (folder / "golden.json").write_bytes(raw)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["golden.json"] = digest_bytes(raw)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def copied_version(folder: Path) -> str:
    return str(json.loads((folder / "manifest.json").read_text())["version"])
