import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.steps.retrieval_data import clubs, rows, s3, together

from kaon.artifacts import kind_for
from kaon.steps.full_ranking import question, ranks_by_popularity, ranks_by_tower
from kaon.steps.ranking import ndcg_at
from kaon.steps.train_two_tower import train_two_tower
from kaon.steps.two_tower import TwoTower, untrained
from kaon.steps.two_tower.examples import examples_of
from kaon.steps.two_tower.loss import accidental_hits, corrected_softmax

ITEMS = ["a", "b", "c"]


@pytest.fixture
def tower() -> TwoTower:
    return untrained(ITEMS, ["ca", "mx"], 4, seed=1)


def test_the_tower_ranks_a_market_far_above_popularity():
    split = s3()
    tower = train_two_tower(split.train, epochs=5).tower
    asked = question("s3", split.train, split.tuning)

    ndcg = ndcg_at(10, ranks_by_tower(asked, tower)).mean()

    assert ndcg > 0.40
    assert ndcg > 3 * ndcg_at(10, ranks_by_popularity(asked, split.train)).mean()


def test_the_tower_learns_which_items_belong_together():
    tower = train_two_tower(
        clubs(200, "ca"), dim=8, epochs=20, batch_size=64, uniform_negatives=16, learning_rate=0.02
    ).tower
    first, second = tower.user_vectors([["item000", "item001"], ["item100", "item101"]], ["ca", "ca"])

    club = np.array([name[4] for name in tower.item_ids])
    scores = tower.item_vectors() @ (first - second)
    assert scores[club == "0"].min() > scores[club == "1"].max()


def test_the_same_seed_gives_the_same_weights_and_another_attempt_gives_others():
    frame = together([clubs(30, "ca"), clubs(20, "mx")])
    settings = {"dim": 8, "epochs": 2, "batch_size": 32, "uniform_negatives": 8}

    one, same, other = (
        train_two_tower(table, attempt=attempt, **settings).tower
        for table, attempt in [(frame, 1), (frame.sample(frac=1, random_state=0).reset_index(drop=True), 1), (frame, 2)]
    )

    assert np.array_equal(one.item_vectors(), same.item_vectors())
    assert not np.allclose(one.item_vectors(), other.item_vectors())


def test_a_stored_tower_scores_as_before(tower):
    kind = kind_for(TwoTower)
    stored = io.BytesIO()
    kind.dump(tower, stored)

    back = kind.load(io.BytesIO(stored.getvalue()), TwoTower)

    assert back.config == tower.config
    assert np.array_equal(back.user_vectors([["a"]], ["mx"]), tower.user_vectors([["a"]], ["mx"]))


def test_items_and_markets_that_the_tower_never_saw_are_left_out(tower):
    known = tower.user_vectors([["a", "b"]], ["ca"])

    assert np.array_equal(tower.user_vectors([["a", "unheard", "b"]], ["ca"]), known)
    assert np.isfinite(tower.user_vectors([[], ["unheard"]], ["ca", "nowhere"])).all()


def test_the_order_of_a_history_does_not_matter(tower):
    one, other = tower.user_vectors([["a", "b", "c"], ["c", "a", "b"]], ["ca", "ca"])

    assert np.allclose(one, other, atol=1e-6)


def test_no_users_give_no_vectors(tower):
    assert tower.user_vectors([], []).shape == (0, 4)


def test_a_narrowed_tower_scores_what_it_kept_as_before(tower):
    narrow = tower.narrowed(["c", "a"], ["mx"])

    assert narrow.item_ids.tolist() == ["c", "a"]
    assert np.array_equal(narrow.item_vectors(), tower.item_vectors()[[2, 0]])
    assert np.allclose(narrow.user_vectors([["a", "c"]], ["mx"]), tower.user_vectors([["a", "c"]], ["mx"]))


def test_a_tower_cannot_be_narrowed_to_what_it_does_not_know(tower):
    with pytest.raises(KeyError, match="neither item nor market 'tea'"):
        tower.narrowed(["a", "tea"], ["ca"])


def test_examples_hold_each_users_history_in_one_stretch(tower):
    frame = rows(("bob", "c"), ("ann", "b"), ("ann", "a"), ("ann", "not in the vocabulary"))

    examples = examples_of(frame, tower)
    flat, lengths = examples.histories_of(np.array([1, 0, 1]))

    assert flat.tolist() == [2, 0, 1, 2]
    assert lengths.tolist() == [1, 2, 1]
    assert examples.markets[0].frequency.tolist() == [1 / 3, 1 / 3, 1 / 3]
    assert not len(examples.markets[1].pairs)


histories = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True), min_size=1, max_size=5)


@given(histories, st.lists(st.integers(0, 5), max_size=4))
def test_accidental_hits_are_items_of_the_history_in_other_places(met, uniform):
    drawn = [history[0] for history in met] + uniform

    found = accidental_hits(
        np.array([item for history in met for item in history]),
        np.array([len(history) for history in met]),
        np.array(drawn),
    )

    assert sorted(zip(*(part.tolist() for part in found), strict=True)) == [
        (row, column)
        for row, history in enumerate(met)
        for column, item in enumerate(drawn)
        if item in history and column != row
    ]


def test_the_corrected_softmax_equals_its_formula():
    random = np.random.default_rng(0)
    users, items = random.normal(size=(2, 3)), random.normal(size=(4, 3))
    drawn = np.log(random.random(4))
    hit = (0, 3)

    loss = corrected_softmax(
        torch.tensor(users), torch.tensor(items), torch.tensor(drawn), (torch.tensor([0]), torch.tensor([3])), 0.5
    )

    expected = 0.0
    for row in range(2):
        logits = [users[row] @ items[column] / 0.5 - drawn[column] for column in range(4)]
        others = sum(math.exp(logit) for column, logit in enumerate(logits) if (row, column) != hit)
        expected -= (logits[row] - math.log(others)) / 2
    assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_an_item_does_not_predict_itself():
    """Whoever met one item has an empty history in training, so that nothing trains the histories' table."""
    loners = rows(*((f"user{n}", f"item{n % 3}") for n in range(12)))
    tower = train_two_tower(loners, dim=4, epochs=3, batch_size=4, weight_decay=0.0, dropout=0.0).tower
    start = untrained(tower.item_ids.tolist(), ["ca"], 4, seed=0)

    assert torch.allclose(tower.history.weight, start.history.weight, atol=1e-6)
    assert not torch.allclose(tower.market.weight, start.market.weight, atol=1e-3)
