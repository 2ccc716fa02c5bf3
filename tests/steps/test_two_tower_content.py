"""Items that are more than their ids, and users who are somewhere at some time."""

import io
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from tests.benchmarks.context import UNTOLD, WITH, WITHOUT, measure
from tests.steps.retrieval_data import clubs

from kaon import open_store, run, step, workflow
from kaon.artifacts import kind_for
from kaon.steps.datasets.catalogue import Catalogue, catalogue
from kaon.steps.interactions import Interactions, interactions
from kaon.steps.train_two_tower import train_two_tower
from kaon.steps.two_tower import TwoTower, untrained
from kaon.steps.two_tower.content import content_tower

SMALL = {"dim": 8, "batch_size": 64, "uniform_negatives": 16, "learning_rate": 0.02}


def films(*rows: tuple[str, list[str], str]) -> Catalogue:
    """Return a catalogue: films(("7", ["Drama"], "A plot."), …)."""
    ids, genres, texts = zip(*rows, strict=True)
    return catalogue(pd.DataFrame({"item_id": ids, "genres": genres, "text": texts}))


def club_films() -> Catalogue:
    """Return what the items of `clubs` are: a club is a genre, and each has an item that nobody met."""
    rows = [(f"item{club}{item:02d}", [("Drama", "War")[club]], "A film.") for club in (0, 1) for item in range(9)]
    return films(*rows)


@cache
def knowing() -> TwoTower:
    """Return a tower that was trained with content."""
    return train_two_tower(clubs(200, "ca"), club_films(), epochs=12, **SMALL).tower


@cache
def of_two_moments() -> Interactions:
    """Return a market whose users meet the first half of the items in the morning, the second at night."""
    chance = np.random.default_rng(0)
    rows = [(f"u{user:03}", item) for user in range(200) for item in chance.choice(20, 6, replace=False)]
    frame = pd.DataFrame(rows, columns=["user_id", "item"])
    hour = np.where(frame["item"] < 10, "morning", "night")
    return interactions(
        frame.assign(item_id=frame["item"].map("i{:02}".format), market="ca", rating=1.0, hour=hour, weekday="monday")
    )


def test_a_new_item_is_near_those_with_its_content():
    drama, war = knowing().content_vectors(films(("new 1", ["Drama"], ""), ("new 2", ["War"], "")))
    fan_of_drama, fan_of_war = knowing().user_vectors([["item000", "item001"], ["item100", "item101"]], ["ca", "ca"])

    assert fan_of_drama @ drama > fan_of_drama @ war
    assert fan_of_war @ war > fan_of_war @ drama


def test_an_item_with_neither_known_genre_nor_known_word_has_the_vector_zero():
    vectors = knowing().content_vectors(films(("new", ["Western"], "Unheard words"), ("empty", [], "")))

    assert not vectors.any()


def test_new_items_stand_in_the_order_of_their_catalogue():
    both = films(("a", ["War"], "a film"), ("b", ["Drama"], "film"))

    assert np.allclose(knowing().content_vectors(both)[1], knowing().content_vectors(both.iloc[1:])[0], atol=1e-6)


def test_a_tower_without_content_says_that_new_items_need_a_catalogue():
    with pytest.raises(ValueError, match="train it with a catalogue that has genres, people, titles or texts"):
        untrained(["a"], ["ca"], 4, 0).content_vectors(films(("b", ["Drama"], "")))


def test_an_empty_catalogue_changes_nothing():
    settings = {**SMALL, "epochs": 1}
    nothing = catalogue(pd.DataFrame({"item_id": []}))

    with_nothing, plain = (train_two_tower(clubs(40, "ca"), *told, **settings).tower for told in ([nothing], []))

    assert with_nothing.config == plain.config
    assert np.array_equal(with_nothing.item_vectors(), plain.item_vectors())


def test_an_item_that_the_catalogue_does_not_mention_has_its_id_alone():
    tower = untrained(["a", "b", "c"], ["ca"], 4, 0, content=films(("a", ["War"], "x"), ("b", ["War"], "y")))
    tower.content.tokens.weight.data[:] = 1.0

    content = tower.item_vectors() - tower.items.weight.numpy(force=True)

    assert content[0].any()
    assert not content[2].any()


def test_a_column_weighs_the_same_however_many_tokens_an_item_has_there():
    items = films(("a", ["War"], ""), ("b", ["War", "Drama", "Crime"], ""), ("c", ["Drama", "Crime"], "war war"))
    tower = content_tower(items["item_id"].tolist(), items, 4, minimum_items=1)

    of_items = [tower.bags.of(torch.tensor([row])).weights for row in range(3)]

    assert [float((weights**2).sum()) for weights in of_items] == pytest.approx([1.0, 1.0, 2.0])


def test_rare_tokens_of_the_catalogue_are_left_out():
    items = films(("a", ["War"], "one"), ("b", ["War"], "other"))

    assert content_tower(items["item_id"].tolist(), items, 4, minimum_items=2).vocabulary == ("genres:war",)
    assert "text:one" in content_tower(items["item_id"].tolist(), items, 4, minimum_items=1).vocabulary


def test_a_stored_tower_knows_content_and_contexts_as_before():
    told = films(("i00", ["War"], ""), ("i01", ["War"], ""))
    tower = train_two_tower(of_two_moments(), told, epochs=1, **SMALL).tower
    kind, stored = kind_for(TwoTower), io.BytesIO()
    kind.dump(tower, stored)

    back = kind.load(io.BytesIO(stored.getvalue()), TwoTower)

    new, moment = films(("new", ["War"], "")), {"hour": ["night"]}
    assert back.config == tower.config
    assert np.array_equal(back.item_vectors(), tower.item_vectors())
    assert np.array_equal(back.content_vectors(new), tower.content_vectors(new))
    assert np.array_equal(back.user_vectors([["i00"]], ["ca"], moment), tower.user_vectors([["i00"]], ["ca"], moment))


def test_a_narrowed_tower_keeps_the_content_of_what_it_kept():
    narrow = knowing().narrowed(["item103", "item000"], ["ca"])
    new = films(("new", ["War"], "a film"))

    assert np.allclose(narrow.item_vectors(), knowing().item_vectors()[knowing().item_rows(["item103", "item000"])])
    assert np.array_equal(narrow.content_vectors(new), knowing().content_vectors(new))


class Told(NamedTuple):
    train: Interactions
    catalogue: Catalogue


@step
def tell() -> Told:
    """Return a market and what its items are."""
    return Told(clubs(40, "ca"), club_films())


def test_a_catalogue_upstream_reaches_the_tower():
    settings = {f"train_two_tower.{name}": value for name, value in {**SMALL, "epochs": 1}.items()}

    result = run(workflow("told", tell >> train_two_tower), settings, store=open_store("memory://"))

    assert result["tower"].content.vocabulary == ("genres:drama", "genres:war", "text:a", "text:film")
    assert result["tower_curve"]["best"].tolist() == [True]


def test_the_context_of_the_moment_decides_what_is_recommended():
    tower = train_two_tower(of_two_moments(), epochs=12, **SMALL).tower
    histories, markets = [["i00", "i10"]] * 3, ["ca"] * 3

    morning, night, unknown = tower.user_vectors(histories, markets, {"hour": ["morning", "night", "noon"]})

    gain = tower.item_vectors() @ (morning - night)
    assert gain[:10].min() > gain[10:].max()
    assert np.allclose(unknown, tower.user_vectors(histories[:1], ["ca"])[0], atol=1e-6)


def test_the_columns_of_the_context_are_a_setting():
    towers = [
        train_two_tower(of_two_moments(), epochs=1, context=columns, **SMALL).tower for columns in ((), ("hour",))
    ]

    assert [tower.contexts for tower in towers] == [{}, {"hour": ("morning", "night")}]


def test_the_benchmark_of_the_context_sees_what_it_adds():
    found = measure(of_two_moments())

    assert found[WITH].mean() > 1.2 * max(found[UNTOLD].mean(), found[WITHOUT].mean())
