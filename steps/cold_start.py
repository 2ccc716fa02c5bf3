"""New titles: items that training never saw are ranked among each other, by what their content says.

For every user with a right answer among the held-out items, all held-out items are ranked. Nobody has met one in train,
so what popularity can say of them is the popularity of what they have in common with others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from .datasets.catalogue import Catalogue
from .held_out import held_out
from .interactions import Interactions, histories, markets_of, positions
from .ranking import METRICS, Floats, Interval, Ranks, Rows, Vectors, bootstrap_interval, rank_all
from .two_tower import TwoTower
from .two_tower.content import ContentTower, content_tower

REPORTED = ("ndcg", "recall", "hit_rate")


@dataclass(frozen=True, slots=True, eq=False)
class ColdQuestion:
    """Who is to be served with which new items, and which answers are right."""

    user_ids: npt.NDArray[np.str_]
    """Users with a right answer, sorted, shape (users,)."""
    markets: tuple[str, ...]
    """Market of each user, shape (users,)."""
    histories: tuple[list[str], ...]
    """Items that each user met in train, shape (users,)."""
    items: Catalogue
    """The new items."""
    user: Rows
    """User of each right answer, shape (answers,)."""
    item: Rows
    """Item of each right answer, shape (answers,)."""

    def ranks(self, users: Vectors, items: Vectors) -> Ranks:
        """Return the ranks of the right answers by the inner products of users (users, dim) and items (items, dim)."""
        nothing_seen = sparse.csr_matrix((len(users), len(items)), dtype="i1")
        return rank_all(users, items, nothing_seen, self.user, self.item)

    def by_market(self, scores: Mapping[str, Floats]) -> Ranks:
        """Return the ranks when all users of a market get the same scores (items,)."""
        names = sorted(scores)
        users = np.equal.outer(np.asarray(self.markets), np.asarray(names)).astype("f4")  # (users, markets)
        return self.ranks(users, np.stack([scores[name] for name in names], axis=1).astype("f4"))


def hold_out_items(frame: Interactions, *, share: float, seed: int) -> tuple[Interactions, Interactions]:
    """Return the interactions with most items, and those with a share of the items that the first never mentions."""
    held = held_out(frame["item_id"], share, seed)
    warm, cold = (Interactions(frame[mask].reset_index(drop=True)) for mask in (~held, held))
    return warm, cold


def cold_question(train: Interactions, cold: Interactions, catalogue: Catalogue) -> ColdQuestion:
    """Return the task that interactions with new items set."""
    user_ids = np.unique(cold["user_id"].to_numpy(dtype=np.str_))
    market_of, met = markets_of(Interactions(pd.concat([train, cold]))), histories(train)
    items = Catalogue(catalogue[catalogue["item_id"].isin(cold["item_id"])].reset_index(drop=True))
    return ColdQuestion(
        user_ids,
        tuple(market_of[user] for user in user_ids.tolist()),
        tuple(met.get(user, []) for user in user_ids.tolist()),
        items,
        positions(cold["user_id"], user_ids),
        positions(cold["item_id"], items["item_id"].to_numpy(dtype=np.str_)),
    )


def ranks_by_content(asked: ColdQuestion, tower: TwoTower) -> Ranks:
    """Return the ranks of the right answers by a tower that knows the new items by their content alone."""
    return asked.ranks(tower.user_vectors(asked.histories, asked.markets), tower.content_vectors(asked.items))


def ranks_by_mean_user(asked: ColdQuestion, tower: TwoTower) -> Ranks:
    """Return the ranks when a tower offers everyone what suits the market's mean user: what taste adds is missing."""
    own = tower.user_vectors(asked.histories, asked.markets)
    markets = pd.Series(asked.markets)
    means = pd.DataFrame(own).groupby(markets).transform("mean").to_numpy("f4")  # (users, dim)
    return asked.ranks(means, tower.content_vectors(asked.items))


def ranks_by_chance(asked: ColdQuestion, *, seed: int) -> Ranks:
    """Return the ranks of the right answers in an order of chance, another one for each market."""
    generator = np.random.default_rng(seed)
    return asked.by_market({market: generator.random(len(asked.items)) for market in sorted(set(asked.markets))})


def ranks_by_genre(asked: ColdQuestion, train: Interactions, catalogue: Catalogue) -> Ranks:
    """Return the ranks when a new item is as popular as its genres: users of the market per item, the genres' mean."""
    genres = catalogue[["item_id", "genres"]].explode("genres").dropna()
    own = asked.items[["item_id", "genres"]].explode("genres").dropna()
    scores = {}
    for market in sorted(set(asked.markets)):
        met = train[train["market"] == market]["item_id"].value_counts()
        popularity = genres.assign(met=genres["item_id"].map(met)).dropna().groupby("genres")["met"].mean()
        told = own["genres"].map(popularity).fillna(0.0).groupby(own["item_id"]).mean()
        scores[market] = asked.items["item_id"].map(told).fillna(0.0).to_numpy("f8")
    return asked.by_market(scores)


def ranks_by_tokens(asked: ColdQuestion, train: Interactions, catalogue: Catalogue, *, penalty: float) -> Ranks:
    """Return the ranks by the popularity in the market that a ridge regression foretells from all tokens of an item.

    The strongest that popularity can do without a look at the user: log(1 + users) of the items of train is regressed
    on genres, people, title and text, in each market.

    penalty: of the squared weights, the mean is not punished.
    """
    known = Catalogue(catalogue[catalogue["item_id"].isin(train["item_id"])].reset_index(drop=True))
    tower = content_tower(known["item_id"].tolist(), known, 1, minimum_items=2)
    tokens, new = _matrix(tower, known), _matrix(tower, asked.items)
    gram = (tokens @ tokens.T).toarray() + penalty * np.eye(len(known))
    scores = {}
    for market in sorted(set(asked.markets)):
        met = train[train["market"] == market]["item_id"].value_counts()
        popularity = np.log1p(known["item_id"].map(met).fillna(0.0).to_numpy("f8"))
        dual = np.linalg.solve(gram, popularity - popularity.mean())  # (known,)
        scores[market] = new @ (tokens.T @ dual)
    return asked.by_market(scores)


def ranks_by_oracle(asked: ColdQuestion) -> Ranks:
    """Return the ranks by how often each new item is a right answer in the market: popularity that nobody can know."""
    markets = np.asarray(asked.markets)[asked.user]
    width = len(asked.items)
    return asked.by_market(
        {
            market: np.bincount(asked.item[markets == market], minlength=width).astype("f8")
            for market in sorted(set(asked.markets))
        }
    )


def intervals(ranks: Ranks, *, k: int = 10, seed: int = 0) -> dict[str, Interval]:
    """Return the mean over users of each metric at k, with its 95 % interval."""
    return {f"{name}@{k}": bootstrap_interval(METRICS[name](k, ranks), seed=seed) for name in REPORTED}


def _matrix(tower: ContentTower, items: Catalogue) -> sparse.csr_matrix:
    bags = tower.bags_of(items)
    parts = bags.weights.numpy().astype("f8"), bags.tokens.numpy(), bags.starts.numpy()
    return sparse.csr_matrix(parts, shape=(len(items), len(tower.vocabulary)))
