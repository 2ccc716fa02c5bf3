"""The two towers. A user is the mean of the items in the history, plus the market and the context of the moment: a new
user needs no retraining. An item is what its id and its content say: a new item needs none either.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..datasets.catalogue import Catalogue
from .content import ContentTower

Vectors = npt.NDArray[np.float32]
Contexts = Mapping[str, Sequence[str]]
"""A value for each user, by the name of the column, such as {"hour": ["20", "7"]}."""

USERS_AT_ONCE = 4096


class TwoTower(nn.Module):
    """Vectors of users and of items whose inner product says how well they fit.

    The score of user u and item i is `user_vectors(...) @ item_vectors().T`; the vectors are not of length 1, and their
    lengths carry popularity, so normalise neither.

    >>> tower = TwoTower(item_ids=["a", "b"], markets=["ca"], dim=4)
    >>> tower.user_vectors([["a"], ["b", "never seen"]], ["ca", "ca"]).shape
    (2, 4)
    """

    def __init__(
        self,
        item_ids: Sequence[str],
        markets: Sequence[str],
        dim: int = 64,
        *,
        contexts: Contexts | None = None,
        vocabulary: Sequence[str] = (),
        entries: int = 0,
    ) -> None:
        """contexts: the values of each column of the context; without, users have none.

        vocabulary, entries: of the items' content, as in ContentTower; without a vocabulary, items are their ids alone.
        """
        super().__init__()
        self.item_ids: npt.NDArray[np.str_] = np.asarray(item_ids, dtype=np.str_)
        """The vocabulary, in the order of `item_vectors()`."""
        self.markets = tuple(markets)
        self.contexts = {name: tuple(values) for name, values in (contexts or {}).items()}
        self.dim = dim
        self.history = nn.EmbeddingBag(len(item_ids), dim, mode="sum")
        self.items = nn.Embedding(len(item_ids), dim)
        self.market = nn.Embedding(len(self.markets) + 1, dim)  # the last row is for a market that was never seen
        self.hidden = nn.Linear(dim, dim)
        self.context = nn.ModuleList(nn.Embedding(len(values) + 1, dim) for values in self.contexts.values())
        self.content = ContentTower(vocabulary, dim, items=len(item_ids), entries=entries) if len(vocabulary) else None
        self._rows = pd.Index(self.item_ids.astype(object))
        for table in (self.history, self.items):
            nn.init.normal_(table.weight, std=dim**-0.5)
        nn.init.zeros_(self.market.weight)
        nn.init.zeros_(self.hidden.weight)
        nn.init.zeros_(self.hidden.bias)
        for weight in self.context.parameters():
            nn.init.zeros_(weight)

    @property
    def config(self) -> Mapping[str, object]:
        """What rebuilds an untrained twin: `TwoTower(**tower.config)`."""
        config: dict[str, object] = {
            "item_ids": self.item_ids.tolist(),
            "markets": list(self.markets),
            "dim": self.dim,
        }
        if self.contexts:
            config["contexts"] = {name: list(values) for name, values in self.contexts.items()}
        if self.content is not None:
            config |= {"vocabulary": list(self.content.vocabulary), "entries": len(self.content.bag_tokens)}
        return config

    def users(self, history: Tensor, length: Tensor, market: Tensor, context: Tensor | None = None) -> Tensor:
        """Return user vectors.

        history: sum of the history's embeddings (users, dim); length: items in each history (users,), 0 for none;
        market: row of each user's market (users,); context: rows of each user's context (users, columns), unknown
        without.
        """
        mean = history / length.clamp(min=1).unsqueeze(1)  # (users, dim)
        pooled = mean + self.market(market)
        rows = self.context_rows({}, len(length)).to(market.device) if context is None else context
        for column, table in enumerate(self.context):
            pooled = pooled + table(rows[:, column])
        turned: Tensor = pooled + torch.tanh(self.hidden(pooled))
        return turned  # (users, dim)

    def history_sums(self, flat: Tensor, offsets: Tensor) -> Tensor:
        """Return the sum of each history's embeddings (users, dim); history i is flat[offsets[i]:offsets[i + 1]]."""
        sums: Tensor = self.history(flat, offsets)
        return sums

    def user_vectors(
        self, histories: Sequence[Sequence[str]], markets: Sequence[str], contexts: Contexts | None = None
    ) -> Vectors:
        """Return float32 vectors (users, dim); items, markets and contexts that the tower never saw are left out.

        An empty history gives what is known of the market and the context alone.

        contexts: of what is to be recommended now; a column that is not there is unknown.
        """
        device = self.hidden.weight.device
        known = [self.item_rows(history) for history in histories]
        known = [rows[rows >= 0] for rows in known]
        market = self.market_rows(markets).to(device)
        context = self.context_rows(contexts or {}, len(histories)).to(device)
        vectors = np.empty((len(histories), self.dim), dtype="f4")
        with torch.inference_mode():
            for start in range(0, len(histories), USERS_AT_ONCE):
                part = slice(start, start + USERS_AT_ONCE)
                length = torch.tensor([len(rows) for rows in known[part]], device=device)
                flat = torch.from_numpy(np.concatenate([*known[part], np.empty(0, dtype=np.int64)])).to(device)
                sums = self.history_sums(flat, functional.pad(length.cumsum(0)[:-1], (1, 0)))
                vectors[part] = self.users(sums, length, market[part], context[part]).cpu().numpy()
        return vectors

    def items_at(self, rows: Tensor, kept: Tensor | None = None) -> Tensor:
        """Return the vectors (rows, dim) of items by their rows.

        kept: 1 where the id counts, 0 where the content has to do without it (rows,); all count without.
        """
        vectors: Tensor = self.items(rows)
        if kept is not None:
            vectors = vectors * kept.unsqueeze(1)
        return vectors if self.content is None else vectors + self.content(self.content.bags.of(rows))

    def item_vectors(self) -> Vectors:
        """Return float32 vectors (items, dim), in the order of `item_ids`."""
        with torch.inference_mode():
            vectors = self.items.weight.detach()
            if self.content is not None:
                vectors = vectors + self.content(self.content.bags)
        return np.array(vectors.cpu().numpy())

    def content_vectors(self, items: Catalogue) -> Vectors:
        """Return float32 vectors (items, dim) of a catalogue's items by their content alone, known to the tower or not.

        An item of which the tower knows no token has the vector zero.
        Raises ValueError if the tower was trained without content.
        """
        if self.content is None:
            raise ValueError(
                "the tower knows items by their ids alone, so new items have no vectors: "
                "train it with a catalogue that has genres, people, titles or texts"
            )
        with torch.inference_mode():
            return np.array(self.content(self.content.bags_of(items)).cpu().numpy())

    def narrowed(self, item_ids: Sequence[str], markets: Sequence[str]) -> "TwoTower":
        """Return a tower with some of the items and markets of this one, and their weights.

        Raises KeyError for an item or a market that this tower does not know.
        """
        rows = self.item_rows(item_ids)
        unknown = [name for name, row in zip(item_ids, rows, strict=True) if row < 0]
        unknown += [market for market in markets if market not in self.markets]
        if unknown:
            raise KeyError(f"the tower knows neither item nor market {unknown[0]!r}: it was trained without")
        places = torch.from_numpy(rows)
        content = None if self.content is None else self.content.narrowed(places)
        tower = TwoTower(
            item_ids,
            markets,
            self.dim,
            contexts=self.contexts,
            vocabulary=() if content is None else content.vocabulary,
            entries=0 if content is None else len(content.bag_tokens),
        )
        tables = {"history.weight": places, "items.weight": places}
        tables["market.weight"] = torch.cat([self.market_rows(markets), torch.tensor([len(self.markets)])])
        state = {name: weight[tables[name]] if name in tables else weight for name, weight in self.state_dict().items()}
        own = {} if content is None else {f"content.{name}": weight for name, weight in content.state_dict().items()}
        tower.load_state_dict({**state, **own})
        return tower

    def item_rows(self, item_ids: Sequence[str] | npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
        """Return where each item stands in `item_ids`, -1 for one that is not in the vocabulary."""
        return self._rows.get_indexer(pd.Index(np.asarray(item_ids, dtype=object))).astype(np.int64)

    def market_rows(self, markets: Sequence[str]) -> Tensor:
        """Return the row of each market (users,); a market that was never seen has a row of its own, which is zero."""
        row = {market: number for number, market in enumerate(self.markets)}
        return torch.tensor([row.get(market, len(self.markets)) for market in markets], dtype=torch.long)

    def context_rows(self, contexts: Contexts, users: int) -> Tensor:
        """Return the rows of the users' contexts (users, columns); the last row of a table is for what is unknown."""
        rows = torch.empty((users, len(self.contexts)), dtype=torch.long)
        for column, (name, values) in enumerate(self.contexts.items()):
            row = {value: number for number, value in enumerate(values)}
            told = contexts.get(name)
            places = [len(values)] * users if told is None else [row.get(value, len(values)) for value in told]
            rows[:, column] = torch.tensor(places, dtype=torch.long)
        return rows
