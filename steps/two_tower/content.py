"""What items are, as bags of tokens: genres, people, and the words of titles and texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..datasets.catalogue import Catalogue, catalogue

LISTS = ("genres", "people")
TEXTS = ("title", "text")
WORD = r"[^\W_]+"


@dataclass(frozen=True, slots=True, eq=False)
class Bags:
    """The tokens of some items end to end, each with its weight; item i has tokens[starts[i]:starts[i + 1]]."""

    tokens: Tensor
    """Rows of the vocabulary, shape (entries,)."""
    weights: Tensor
    """Shape (entries,): the rarer, the heavier; of length 1 over the tokens of one column of one item."""
    starts: Tensor
    """Shape (items + 1,)."""

    def of(self, rows: Tensor) -> "Bags":
        """Return the bags of some of the items, in that order."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        starts = functional.pad(lengths.cumsum(0), (1, 0))
        within = torch.arange(int(starts[-1]), device=rows.device) - starts[:-1].repeat_interleave(lengths)
        entries = self.starts[rows].repeat_interleave(lengths) + within
        return Bags(self.tokens[entries], self.weights[entries], starts)


class ContentTower(nn.Module):
    """Vectors of items from their tokens alone, so that an item that nobody met has one.

    An item without a known token has the vector zero.
    """

    bag_tokens: Tensor
    bag_weights: Tensor
    bag_starts: Tensor
    rarity: Tensor

    def __init__(self, vocabulary: Sequence[str], dim: int, *, items: int, entries: int) -> None:
        """vocabulary: sorted; items, entries: how many items there are, and tokens of all of them together."""
        super().__init__()
        self.vocabulary = tuple(vocabulary)
        self.tokens = nn.EmbeddingBag(len(self.vocabulary), dim, mode="sum")
        self.hidden = nn.Linear(dim, dim, bias=False)  # so that no content is the vector zero
        self.register_buffer("rarity", torch.zeros(len(self.vocabulary)))
        self.register_buffer("bag_tokens", torch.zeros(entries, dtype=torch.long))
        self.register_buffer("bag_weights", torch.zeros(entries))
        self.register_buffer("bag_starts", torch.zeros(items + 1, dtype=torch.long))
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    @property
    def bags(self) -> Bags:
        """The bags of the items that the tower was made for, in their order."""
        return Bags(self.bag_tokens, self.bag_weights, self.bag_starts)

    def forward(self, bags: Bags) -> Tensor:
        """Return the vectors (items, dim) of bags."""
        pooled = self.tokens(bags.tokens, bags.starts[:-1], per_sample_weights=bags.weights)
        turned: Tensor = pooled + torch.tanh(self.hidden(pooled))
        return turned  # (items, dim)

    def bags_of(self, items: Catalogue) -> Bags:
        """Return the bags of a catalogue's items, in its order; tokens that are not in the vocabulary are left out."""
        entries = _entries(items)
        place = pd.Index(self.vocabulary, dtype=object).get_indexer(pd.Index(entries["token"]))
        known = entries[place >= 0].assign(place=place[place >= 0])
        rarity = self.rarity.cpu().numpy()[known["place"]]
        squares = pd.Series(rarity.astype("f8") ** 2, index=known.index)
        length = np.sqrt(squares.groupby([known["row"], known["column"]]).transform("sum"))
        starts = np.searchsorted(known["row"].to_numpy(), np.arange(len(items) + 1))
        tensors = known["place"].to_numpy(np.int64), (rarity / length.to_numpy()).astype("f4"), starts
        return Bags(*(torch.from_numpy(values).to(self.rarity.device) for values in tensors))

    def extended(self, items: Catalogue) -> "ContentTower":
        """Return a tower that knows these items too, after its own; tokens that it never saw are left out."""
        new = self.bags_of(items)
        own = self.bags
        starts = torch.cat([own.starts, own.starts[-1] + new.starts[1:]])
        return _filled(self, Bags(torch.cat([own.tokens, new.tokens]), torch.cat([own.weights, new.weights]), starts))

    def narrowed(self, rows: Tensor) -> "ContentTower":
        """Return a tower for some of the items, with the weights of this one."""
        return _filled(self, self.bags.of(rows))


def content_tower(item_ids: Sequence[str], described: Catalogue, dim: int, *, minimum_items: int) -> ContentTower:
    """Return an untrained content tower for items, in their order; one that the catalogue does not have has no token.

    minimum_items: a token of fewer items says nothing of others, and is left out.
    """
    items = described_items(item_ids, described)
    met = _entries(items)["token"].value_counts()
    met = met[met >= minimum_items].sort_index()
    blank = ContentTower(met.index.tolist(), dim, items=len(items), entries=0)
    blank.rarity.copy_(torch.from_numpy(np.log1p(len(items) / met.to_numpy())))
    return _filled(blank, blank.bags_of(items))


def described_items(item_ids: Sequence[str], described: Catalogue) -> Catalogue:
    """Return the catalogue of these items, in their order; one that is not described has empty columns."""
    absent = catalogue(pd.DataFrame({"item_id": sorted({*item_ids} - {*described["item_id"]})}))
    return Catalogue(pd.concat([described, absent]).set_index("item_id").loc[[*item_ids]].reset_index())


def _filled(tower: ContentTower, bags: Bags) -> ContentTower:
    """Return a tower with the weights of another and these bags."""
    fresh = ContentTower(
        tower.vocabulary, tower.hidden.in_features, items=len(bags.starts) - 1, entries=len(bags.tokens)
    )
    own = {"bag_tokens": bags.tokens, "bag_weights": bags.weights, "bag_starts": bags.starts}
    fresh.load_state_dict({**tower.state_dict(), **own})
    return fresh


def _entries(items: Catalogue) -> pd.DataFrame:
    """Return a table with the tokens of a catalogue, each once an item: row of the item, column, token."""
    parts = [pd.DataFrame({"row": [], "column": [], "token": []}, dtype=object)]
    for column in (*LISTS, *TEXTS):
        values = items[column].reset_index(drop=True)
        listed = values.map(list) if column in LISTS else values.str.lower().str.findall(WORD)
        told = listed.explode().dropna()
        token = column + ":" + told.astype(str).str.lower()
        parts.append(pd.DataFrame({"row": told.index, "column": column, "token": token.to_numpy()}))
    return pd.concat(parts).drop_duplicates().sort_values(["row", "token"], ignore_index=True)
