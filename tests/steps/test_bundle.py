import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import xgboost
from tests.steps.small_market import MARKETS, small_world

from kaon.steps.build_index import build_index
from kaon.steps.bundle import BundleError, Parts, load_bundle, write_bundle
from kaon.steps.features import queries
from kaon.steps.interactions import positions
from kaon.steps.list_ranker import ranked_scores
from kaon.steps.train_ranker import train_ranker


@pytest.fixture(scope="module")
def parts():
    world = small_world()
    sources = world.sources()
    trained = train_ranker(
        world.train,
        world.ranking,
        world.als,
        world.tower,
        {},
        {},
        {},
        world.choices,
        MARKETS,
        rounds=20,
        minimum_users=1,
    )
    index = build_index(world.als, compared_users=20).item_index
    models = dict.fromkeys(MARKETS, world.tower)
    return Parts(sources, models, index, positions(world.als.item_ids, sources.item_ids), trained.ranker)


@pytest.fixture
def written(parts, tmp_path):
    return write_bundle(parts, tmp_path / "small", {"name": "small", "run": 7, "metrics": {"ndcg@10": 0.5}})


def test_a_bundle_ranks_as_what_was_trained_does(parts, written):
    users, items = np.arange(50), np.tile(np.arange(60), (50, 1))

    scores = load_bundle(written.path).score(users, items)

    assert np.array_equal(scores, ranked_scores(parts.ranker, parts.sources, queries(parts.sources, users, items)))


def test_a_bundle_finds_what_the_index_found(parts, written):
    bundle = load_bundle(written.path)
    user = parts.sources.als.users[:1]

    found = bundle.index_items[bundle.index.search(user, 5)[1][0]]

    assert np.array_equal(found, np.argsort(-(parts.sources.als.table(0) @ user[0]), kind="stable")[:5])


def test_the_manifest_says_what_it_is_told_and_the_digest_of_every_other_file(written):
    manifest = json.loads((written.path / "manifest.json").read_text())

    files = {str(path.relative_to(written.path)) for path in written.path.rglob("*") if path.is_file()}
    assert set(manifest["files"]) == files - {"manifest.json"}
    assert (manifest["run"], manifest["metrics"]) == (7, {"ndcg@10": 0.5})
    assert manifest["version"] == written.path.name


def test_markets_that_share_a_model_share_its_file(written):
    manifest = json.loads((written.path / "manifest.json").read_text())

    assert manifest["models"] == {"ca": ["models/0.safetensors"], "uk": ["models/0.safetensors"]}


def test_the_same_parts_written_twice_are_one_version(parts, written):
    before = (written.path / "manifest.json").read_bytes()

    again = write_bundle(parts, written.path.parent, {"name": "small", "run": 8})

    assert (again.path, again.existed) == (written.path, True)
    assert (written.path / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("name", ["ranker.ubj", "sources.safetensors", "index.faiss", "models/0.safetensors"])
def test_a_file_that_was_changed_is_refused_by_name(written, name):
    path = written.path / name
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)

    with pytest.raises(BundleError, match=rf"{name} is not what was published: its digest is sha256:.*copy the bundle"):
        load_bundle(written.path)


def test_a_file_that_is_gone_is_named(written):
    (written.path / "ids.json").unlink()

    with pytest.raises(BundleError, match=r"lacks ids\.json, which its manifest names; copy the bundle whole"):
        load_bundle(written.path)


@pytest.mark.parametrize("other", [2, 4])
def test_a_bundle_of_an_older_or_a_newer_format_is_refused(written, other):
    manifest = json.loads((written.path / "manifest.json").read_text())
    (written.path / "manifest.json").write_text(json.dumps(manifest | {"format": other}))

    said = (
        f"is a bundle of format {other}, this Kaon reads format 3; "
        "rank with the Kaon that published it, or publish again with this one"
    )
    with pytest.raises(BundleError, match=said):
        load_bundle(written.path)


def test_a_ranker_of_other_features_is_refused(written):
    manifest = json.loads((written.path / "manifest.json").read_text())
    (written.path / "manifest.json").write_text(json.dumps(manifest | {"features": ["luck"]}))

    with pytest.raises(BundleError, match="learnt from other features than this Kaon computes"):
        load_bundle(written.path)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match=r"is no bundle: it has no manifest.json; `kaon publish list`"):
        load_bundle(tmp_path)


def test_the_newest_version_of_a_folder_is_taken(parts, written):
    newer = written.path.parent / "another"
    os.rename(written.path, newer)
    older = write_bundle(parts, newer.parent, {"name": "small"}).path
    manifest = json.loads((older / "manifest.json").read_text())
    (older / "manifest.json").write_text(json.dumps(manifest | {"created": "2001-01-01T00:00:00+00:00"}))

    assert load_bundle(newer.parent).path == newer


KILLED = """
import os, sys, time
from pathlib import Path
from kaon.steps import bundle
from tests.steps.small_market import MARKETS, small_world
import faiss, xgboost, numpy as np

world = small_world(users=60)
ranker = xgboost.train({}, xgboost.DMatrix(np.zeros((2, 1)), np.zeros(2)), 1)
parts = bundle.Parts(world.sources(), dict.fromkeys(MARKETS, world.tower), faiss.IndexFlatIP(8), np.arange(1), ranker)
write = bundle._write

def slowly(path, raw):
    digest = write(path, raw)
    if path.name == "ranker.ubj":
        print("half", flush=True)
        time.sleep(60)
    return digest

bundle._write = slowly
bundle.write_bundle(parts, Path(sys.argv[1]), {})
"""


def test_a_writer_killed_half_way_leaves_no_bundle_and_the_next_one_clears_up(parts, tmp_path):
    folder = tmp_path / "small"
    writer = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "half\n"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    left = [path.name for path in folder.iterdir()]

    written = write_bundle(parts, folder, {})

    assert left == [f".partial-{writer.pid}"]
    assert [path.name for path in folder.iterdir()] == [written.version]


def test_the_ranker_is_asked_once_for_hundreds_of_candidates_of_one_user(written, monkeypatch):
    bundle = load_bundle(written.path)
    users, items = np.array([3]), np.tile(np.arange(120), 4)[None, :400]
    asked, predict = [], xgboost.Booster.inplace_predict

    def counted(ranker, rows, **options):
        asked.append(len(rows))
        return predict(ranker, rows, **options)

    monkeypatch.setattr(xgboost.Booster, "inplace_predict", counted)
    bundle.score(users, items)

    assert asked == [400]
