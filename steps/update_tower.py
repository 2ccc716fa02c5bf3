"""Yesterday's towers, trained a little further on what is new."""

import time
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from kaon.artifacts import Metrics
from kaon.dsl import Resources, current_step, step

from .datasets.catalogue import Catalogue
from .extended_tower import NOTHING, extended
from .interactions import Interactions
from .two_tower import Schedule, TwoTower, train_tower

Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Update(NamedTuple):
    """The towers of today, and what they took."""

    updated_tower: TwoTower
    update_cost: Metrics


@step(resources=Resources(cpus=1, memory="2GiB"))
def update_tower(
    yesterday: Interactions,
    today: Interactions,
    tower: TwoTower,
    catalogue: Catalogue | None = None,
    *,
    replayed: Share = 0.2,
    epochs: Positive = 1,
    learning_rate: Rate = 3e-3,
    batch_size: Positive = 512,
    temperature: Rate = 0.2,
    uniform_negatives: Positive = 256,
    weight_decay: Annotated[float, Field(ge=0)] = 0.01,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    id_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3,
    seed: int = 0,
) -> Update:
    """Return yesterday's towers warm-started on today's interactions, with vectors for the items that are new.

    They are trained on the whole histories of the users who have something new, since new events alone would replace a
    taste, and on those of some other users, so that what these taught is not forgotten.

    tower: of yesterday.
    catalogue: what the items are; a tower that knows content takes new items for what they are, before it is trained.
    replayed: share of the users without anything new who are trained on as well.
    epochs: fewer than in training from nothing: most is learnt already.
    learning_rate: of AdamW at the start.
    batch_size, temperature, uniform_negatives, weight_decay, dropout, id_dropout: as in train_two_tower.
    """
    begun = time.perf_counter()
    taught = _taught(yesterday, today, replayed, seed)
    items, markets = sorted(today["item_id"].unique()), sorted(today["market"].unique())
    larger = extended(tower, items, markets, seed, NOTHING if catalogue is None else catalogue)
    schedule = Schedule(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        temperature=temperature,
        uniform_negatives=uniform_negatives,
        weight_decay=weight_decay,
        dropout=dropout,
        seed=seed,
        id_dropout=0.0 if larger.content is None else id_dropout,
    )
    reporting = current_step()

    def report(epoch: int, loss: float) -> None:
        reporting.progress(epoch / epochs, f"epoch {epoch} of {epochs}")
        reporting.metrics({"loss": loss}, at=epoch)

    updated = train_tower(larger, taught, schedule, report)
    cost = {
        "seconds": time.perf_counter() - begun,
        "interactions": float(len(taught)),
        "epochs": float(epochs),
        "items.new": float(len(larger.item_ids) - len(tower.item_ids)),
    }
    return Update(updated, Metrics(cost))


def _taught(yesterday: Interactions, today: Interactions, replayed: float, seed: int) -> Interactions:
    """Return the whole histories of the users with something new, and of a share of the others."""
    before = yesterday.groupby("user_id").size()
    now = today.groupby("user_id").size()
    changed = now != before.reindex(now.index, fill_value=0)
    others = now.index[~changed].to_numpy()
    drawn = np.random.default_rng(seed).permutation(len(others))[: round(replayed * len(others))]
    users = pd.Index(now.index[changed]).union(pd.Index(others[drawn]))
    return Interactions(today[today["user_id"].isin(users)].reset_index(drop=True))
