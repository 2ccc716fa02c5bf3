"""The two towers. A user is the mean of the items in the history, plus the market: a new user needs no retraining."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

Vectors = npt.NDArray[np.float32]

USERS_AT_ONCE = 4096


class TwoTower(nn.Module):
    """Vectors of users and of items whose inner product says how well they fit.

    The score of user u and item i is `user_vectors(...) @ item_vectors().T`; the vectors are not of length 1, and their
    lengths carry popularity, so normalise neither.

    >>> tower = TwoTower(item_ids=["a", "b"], markets=["ca"], dim=4)
    >>> tower.user_vectors([["a"], ["b", "never seen"]], ["ca", "ca"]).shape
    (2, 4)
    """

    def __init__(self, item_ids: Sequence[str], markets: Sequence[str], dim: int = 64) -> None:
        super().__init__()
        self.item_ids: npt.NDArray[np.str_] = np.asarray(item_ids, dtype=np.str_)
        """The vocabulary, in the order of `item_vectors()`."""
        self.markets = tuple(markets)
        self.dim = dim
        self.history = nn.EmbeddingBag(len(item_ids), dim, mode="sum")
        self.items = nn.Embedding(len(item_ids), dim)
        self.market = nn.Embedding(len(self.markets) + 1, dim)  # the last row is for a market that was never seen
        self.hidden = nn.Linear(dim, dim)
        self._rows = pd.Index(self.item_ids.astype(object))
        for table in (self.history, self.items):
            nn.init.normal_(table.weight, std=dim**-0.5)
        nn.init.zeros_(self.market.weight)
        nn.init.zeros_(self.hidden.weight)
        nn.init.zeros_(self.hidden.bias)

    @property
    def config(self) -> Mapping[str, object]:
        """What rebuilds an untrained twin: `TwoTower(**tower.config)`."""
        return {"item_ids": self.item_ids.tolist(), "markets": list(self.markets), "dim": self.dim}

    def users(self, history: Tensor, length: Tensor, market: Tensor) -> Tensor:
        """Return user vectors.

        history: sum of the history's embeddings (users, dim); length: items in each history (users,), 0 for none;
        market: row of each user's market (users,).
        """
        mean = history / length.clamp(min=1).unsqueeze(1)  # (users, dim)
        pooled = mean + self.market(market)
        turned: Tensor = pooled + torch.tanh(self.hidden(pooled))
        return turned  # (users, dim)

    def history_sums(self, flat: Tensor, offsets: Tensor) -> Tensor:
        """Return the sum of each history's embeddings (users, dim); history i is flat[offsets[i]:offsets[i + 1]]."""
        sums: Tensor = self.history(flat, offsets)
        return sums

    def user_vectors(self, histories: Sequence[Sequence[str]], markets: Sequence[str]) -> Vectors:
        """Return float32 vectors (users, dim); items and markets that the tower never saw are left out.

        An empty history gives what is known of the market alone.
        """
        known = [self.item_rows(history) for history in histories]
        known = [rows[rows >= 0] for rows in known]
        market = self.market_rows(markets)
        vectors = np.empty((len(histories), self.dim), dtype="f4")
        with torch.inference_mode():
            for start in range(0, len(histories), USERS_AT_ONCE):
                part = slice(start, start + USERS_AT_ONCE)
                length = torch.tensor([len(rows) for rows in known[part]])
                flat = torch.from_numpy(np.concatenate([*known[part], np.empty(0, dtype=np.int64)]))
                sums = self.history_sums(flat, functional.pad(length.cumsum(0)[:-1], (1, 0)))
                vectors[part] = self.users(sums, length, market[part]).numpy()
        return vectors

    def item_vectors(self) -> Vectors:
        """Return float32 vectors (items, dim), in the order of `item_ids`."""
        vectors: Vectors = self.items.weight.detach().numpy().copy()
        return vectors

    def narrowed(self, item_ids: Sequence[str], markets: Sequence[str]) -> "TwoTower":
        """Return a tower with some of the items and markets of this one, and their weights.

        Raises KeyError for an item or a market that this tower does not know.
        """
        rows = self.item_rows(item_ids)
        unknown = [name for name, row in zip(item_ids, rows, strict=True) if row < 0]
        unknown += [market for market in markets if market not in self.markets]
        if unknown:
            raise KeyError(f"the tower knows neither item nor market {unknown[0]!r}: it was trained without")
        places = torch.cat([self.market_rows(markets), torch.tensor([len(self.markets)])])
        tower = TwoTower(item_ids, markets, self.dim)
        state = self.state_dict()
        tables = {"history.weight": torch.from_numpy(rows), "items.weight": torch.from_numpy(rows)}
        tables["market.weight"] = places
        tower.load_state_dict(
            {name: weight[tables[name]] if name in tables else weight for name, weight in state.items()}
        )
        return tower

    def item_rows(self, item_ids: Sequence[str] | npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
        """Return where each item stands in `item_ids`, -1 for one that is not in the vocabulary."""
        return self._rows.get_indexer(pd.Index(np.asarray(item_ids, dtype=object))).astype(np.int64)

    def market_rows(self, markets: Sequence[str]) -> Tensor:
        """Return the row of each market (users,); a market that was never seen has a row of its own, which is zero."""
        row = {market: number for number, market in enumerate(self.markets)}
        return torch.tensor([row.get(market, len(self.markets)) for market in markets], dtype=torch.long)
