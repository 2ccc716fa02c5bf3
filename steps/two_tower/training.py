"""Training of the towers: softmax over the items of the batch and some uniform ones, corrected for how they were drawn.

The batch holds pairs of one market, so that its negatives are items that the market's users could have met instead.
Bengio and Senécal 2008 give the correction; Yi et al. 2019 (RecSys) the in-batch form; Yang et al. 2020 (WWW) the mix
with uniform negatives.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..interactions import Interactions
from .examples import Examples, Numbers, examples_of
from .model import TwoTower

Report = Callable[[int, float], None]
"""Told after each epoch: its number (1, 2, …) and its mean loss."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how to train."""

    epochs: int
    batch_size: int
    learning_rate: float
    """Of AdamW at the start; it falls to zero along a half cosine."""
    temperature: float
    """Divides inner products in training: the lower, the sharper; serving never divides."""
    uniform_negatives: int
    """Items drawn uniformly from the market, for each batch, so that rare items are negatives too."""
    weight_decay: float
    dropout: float
    """Share of the pooled vector's entries that are dropped in training."""
    seed: int


def untrained(item_ids: list[str], markets: list[str], dim: int, seed: int) -> TwoTower:
    """Return a tower with random tables, the same for the same seed."""
    tower = TwoTower(item_ids, markets, dim)
    generator = torch.Generator().manual_seed(seed)
    for table in (tower.history, tower.items):
        nn.init.normal_(table.weight, std=dim**-0.5, generator=generator)
    return tower


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one core: branches that train side by side, and Spark, would fight over them otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@one_thread()
def train_tower(tower: TwoTower, train: Interactions, schedule: Schedule, report: Report) -> TwoTower:
    """Return a trained copy of the tower; the same seed, tower and interactions give the same weights.

    train: items outside the tower's vocabulary are left out.
    """
    trained = copy.deepcopy(tower)
    examples = examples_of(train, trained)
    generator = np.random.default_rng(schedule.seed)
    optimizer = torch.optim.AdamW(
        trained.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
    )
    steps = schedule.epochs * sum(1 for _ in _batches(examples, schedule.batch_size, np.random.default_rng(0)))
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps))
    noise = torch.Generator().manual_seed(schedule.seed)
    for epoch in range(1, schedule.epochs + 1):
        losses = []
        for batch in _batches(examples, schedule.batch_size, generator):
            loss = _loss(trained, examples, batch, schedule, generator, noise)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            falling.step()
            losses.append(loss.item())
        report(epoch, float(np.mean(losses)))
    return trained.requires_grad_(False)


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
    return functional.cross_entropy(masked, torch.arange(len(users)))


def _loss(
    tower: TwoTower,
    examples: Examples,
    batch: "Batch",
    schedule: Schedule,
    generator: np.random.Generator,
    noise: torch.Generator,
) -> Tensor:
    market = examples.markets[batch.market]
    uniform = generator.choice(market.catalogue, schedule.uniform_negatives)
    users, own = examples.users[batch.pairs], examples.items[batch.pairs]
    drawn_items = torch.from_numpy(np.concatenate([own, uniform]))
    flat, lengths = examples.histories_of(users)

    sums = tower.history_sums(torch.from_numpy(flat), torch.from_numpy(np.cumsum(lengths) - lengths))
    others = sums - tower.history.weight[drawn_items[: len(own)]]  # an item must not predict itself
    others = _dropped(others, schedule.dropout, noise)
    places = torch.full((len(own),), batch.market)
    user_vectors = tower.users(others, torch.from_numpy(lengths - 1), places)
    expected = len(own) * market.frequency[drawn_items.numpy()] + schedule.uniform_negatives / len(market.catalogue)
    return corrected_softmax(
        user_vectors,
        tower.items(drawn_items),
        torch.from_numpy(np.log(expected).astype("f4")),
        accidental_hits(flat, lengths, drawn_items.numpy()),
        schedule.temperature,
    )


def _dropped(vectors: Tensor, share: float, noise: torch.Generator) -> Tensor:
    if not share:
        return vectors
    kept = torch.rand(vectors.shape, generator=noise) >= share
    return vectors * kept / (1 - share)


def accidental_hits(flat: Numbers, lengths: Numbers, drawn: Numbers) -> tuple[Tensor, Tensor]:
    """Return rows and columns where an item of the batch is in a user's history, each example's own place excepted.

    flat: the histories end to end; lengths: of each user's history (batch,);
    drawn: the items of the batch (batch + uniform,), the users' own first.
    """
    order = np.argsort(drawn, kind="stable")
    first = np.searchsorted(drawn[order], flat, side="left")
    times = np.searchsorted(drawn[order], flat, side="right") - first  # how often each item of a history was drawn
    within = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    rows = np.repeat(np.repeat(np.arange(len(lengths)), lengths), times)
    columns = order[np.repeat(first, times) + within]
    others = rows != columns
    return torch.from_numpy(rows[others]), torch.from_numpy(columns[others])


@dataclass(frozen=True, slots=True)
class Batch:
    """Pairs of one market."""

    market: int
    pairs: Numbers


def _batches(examples: Examples, size: int, generator: np.random.Generator) -> Iterator[Batch]:
    batches = [
        Batch(number, market.pairs[part])
        for number, market in enumerate(examples.markets)
        for part in _parts(generator.permutation(len(market.pairs)), size)
    ]
    return (batches[place] for place in generator.permutation(len(batches)))


def _parts(order: Numbers, size: int) -> list[Numbers]:
    return np.array_split(order, -(-len(order) // size)) if len(order) else []
