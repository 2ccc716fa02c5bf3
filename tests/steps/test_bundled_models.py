"""The models of a bundle's markets, as files and back."""

import numpy as np
import pytest
from tests.steps.small_market import World, small_als, small_world

from kaon.steps.bundled_models import load_model, model_files
from kaon.steps.interactions import in_market
from kaon.steps.model_vectors import Blend, Model, model_vectors


@pytest.fixture(scope="module")
def world() -> World:
    return small_world()


@pytest.mark.parametrize("tower_first", [False, True])
def test_a_blend_is_read_back_with_all_its_parts(world, tmp_path, tower_first):
    own = small_als(in_market(world.train, "uk"), rank=4)
    blend = Blend((world.tower, own, world.als) if tower_first else (own, world.als, world.tower))

    files = written({"uk": blend}, tmp_path)

    back = load_model(tmp_path, files["uk"])
    sources = world.sources()
    mine = np.flatnonzero(sources.market_of_user == 1)
    read, kept = (model_vectors(one, sources.seen[mine], sources.item_ids, "uk") for one in (back, blend))
    np.testing.assert_array_equal(read[0], kept[0])
    np.testing.assert_array_equal(read[1], kept[1])


def test_markets_that_share_a_part_share_its_file(world, tmp_path):
    blends = {market: Blend((small_als(in_market(world.train, market)), world.als)) for market in ("ca", "uk")}

    files = written({**blends, "mx": world.als}, tmp_path)

    assert files["ca"][1] == files["uk"][1] == files["mx"][0]
    assert len(list(tmp_path.rglob("*.*"))) == 3


def written(models: dict[str, Model], folder) -> dict[str, list[str]]:
    files = model_files(models)
    for name, content in files.content.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return dict(files.of_market)
