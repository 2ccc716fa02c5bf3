"""The loss of a batch: softmax over its items and some uniform ones, corrected for how they were drawn.

A batch holds pairs of one market, so that its negatives are items that the market's users could have met instead.
Bengio and Senécal 2008 give the correction; Yi et al. 2019 (RecSys) the in-batch form; Yang et al. 2020 (WWW) the mix
with uniform negatives; Volkovs et al. 2017 (DropoutNet, NIPS) the dropout of ids that makes the content suffice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .examples import Examples, Numbers
from .model import TwoTower
from .schedule import Schedule


@dataclass(frozen=True, slots=True)
class Batch:
    """Pairs of one market."""

    market: int
    pairs: Numbers


@dataclass(frozen=True, slots=True)
class Chance:
    """Where random numbers come from; always on the CPU, so that every device draws the same."""

    draws: np.random.Generator
    """Of batches, negatives and histories."""
    noise: torch.Generator
    """Of what is dropped."""

    def kept(self, shape: tuple[int, ...], dropped: float) -> Tensor:
        """Return True where something is kept, False for a share of it that is dropped."""
        return torch.rand(shape, generator=self.noise) >= dropped


def batches(examples: Examples, size: int, draws: np.random.Generator) -> Iterator[Batch]:
    """Yield every example once, in batches of one market and about `size` pairs, the markets mixed."""
    parts = [
        Batch(number, market.pairs[part])
        for number, market in enumerate(examples.markets)
        for part in _parts(draws.permutation(len(market.pairs)), size)
    ]
    return (parts[place] for place in draws.permutation(len(parts)))


def batch_count(examples: Examples, size: int) -> int:
    """Return how many batches an epoch has."""
    return sum(-(-len(market.pairs) // size) for market in examples.markets)


def batch_loss(tower: TwoTower, examples: Examples, batch: Batch, schedule: Schedule, chance: Chance) -> Tensor:
    """Return the mean loss of a batch, on the device of the tower."""
    device = tower.hidden.weight.device
    market = examples.markets[batch.market]
    uniform = chance.draws.choice(market.catalogue, schedule.uniform_negatives)
    own = examples.items[batch.pairs]
    drawn = np.concatenate([own, uniform])
    rows = torch.from_numpy(drawn).to(device)
    expected = len(own) * market.frequency[drawn] + schedule.uniform_negatives / len(market.catalogue)
    ids_kept = chance.kept((len(drawn),), schedule.id_dropout).to(device) if schedule.id_dropout else None
    rows_hit, columns_hit = accidental_hits(*examples.histories_of(examples.users[batch.pairs]), drawn)
    return corrected_softmax(
        _users(tower, examples, batch, schedule, chance),
        tower.items_at(rows, ids_kept),
        torch.from_numpy(np.log(expected).astype("f4")).to(device),
        (rows_hit.to(device), columns_hit.to(device)),
        schedule.temperature,
    )


def corrected_softmax(
    users: Tensor, items: Tensor, drawn: Tensor, hits: tuple[Tensor, Tensor], temperature: float
) -> Tensor:
    """Return the mean cross entropy of each user's own item against the items of the batch.

    users: (batch, dim). items: (batch + uniform, dim), row i < batch is the item of user i.
    drawn: log of how often each item is expected among the items, (batch + uniform,), from train only.
    hits: rows and columns of the pairs where an item is a positive of the user without being the example's own.
    """
    logits = (users / temperature) @ items.T - drawn  # (batch, batch + uniform)
    masked = logits.index_put(hits, logits.new_tensor(-torch.inf))
    return functional.cross_entropy(masked, torch.arange(len(users), device=users.device))


def accidental_hits(flat: Numbers, lengths: Numbers, drawn: Numbers) -> tuple[Tensor, Tensor]:
    """Return rows and columns where an item of the batch is in a user's history, each example's own place excepted.

    flat: the histories end to end; lengths: of each user's history (batch,);
    drawn: the items of the batch (batch + uniform,), the users' own first.
    """
    order = np.argsort(drawn, kind="stable")
    counts = np.bincount(drawn, minlength=int(max(flat.max(initial=0), drawn.max(initial=0))) + 1)
    first = np.cumsum(counts) - counts  # where the places of each item begin in the order
    times = counts[flat]  # how often each item of a history was drawn
    within = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    rows = np.repeat(np.repeat(np.arange(len(lengths)), lengths), times)
    columns = order[np.repeat(first[flat], times) + within]
    others = rows != columns
    return torch.from_numpy(rows[others]), torch.from_numpy(columns[others])


def _users(tower: TwoTower, examples: Examples, batch: Batch, schedule: Schedule, chance: Chance) -> Tensor:
    """Return the vectors of the users (batch, dim), each from the history without the example's own item."""
    device = tower.hidden.weight.device
    if schedule.history_limit:
        flat, lengths = examples.drawn_histories_of(batch.pairs, schedule.history_limit, chance.draws)
    else:
        flat, lengths = examples.histories_of(examples.users[batch.pairs])
    own = torch.from_numpy(examples.items[batch.pairs]).to(device)
    offsets = torch.from_numpy(np.cumsum(lengths) - lengths).to(device)
    others = tower.history_sums(torch.from_numpy(flat).to(device), offsets) - tower.history.weight[own]
    if schedule.dropout:
        others = others * chance.kept(tuple(others.shape), schedule.dropout).to(device) / (1 - schedule.dropout)
    market = torch.full((len(own),), batch.market, device=device)
    context = _context(tower, examples, batch, schedule, chance).to(device)
    return tower.users(others, torch.from_numpy(lengths - 1).to(device), market, context)


def _context(tower: TwoTower, examples: Examples, batch: Batch, schedule: Schedule, chance: Chance) -> Tensor:
    """Return the rows of the examples' contexts (batch, columns), a share of them unknown, as they are in serving."""
    rows = torch.from_numpy(examples.contexts[batch.pairs])
    if not schedule.context_dropout or not tower.contexts:
        return rows
    unknown = tower.context_rows({}, len(rows))
    return torch.where(chance.kept(tuple(rows.shape), schedule.context_dropout), rows, unknown)


def _parts(order: Numbers, size: int) -> list[Numbers]:
    return np.array_split(order, -(-len(order) // size)) if len(order) else []
