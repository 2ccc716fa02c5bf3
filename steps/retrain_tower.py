"""Today's towers from nothing: what an update of yesterday's is compared with."""

import time
from typing import Annotated, NamedTuple

from pydantic import Field

from kaon.artifacts import Metrics
from kaon.dsl import Resources, current_step, step

from .datasets.catalogue import Catalogue
from .interactions import Interactions
from .two_tower import Schedule, TwoTower, train_tower, untrained

Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0)]


class Retraining(NamedTuple):
    """The towers of today, and what they took."""

    retrained_tower: TwoTower
    retrain_cost: Metrics


@step(resources=Resources(cpus=1, memory="2GiB"))
def retrain_tower(
    today: Interactions,
    tower: TwoTower,
    catalogue: Catalogue | None = None,
    *,
    epochs: Positive = 4,
    learning_rate: Rate = 3e-3,
    batch_size: Positive = 512,
    temperature: Rate = 0.2,
    uniform_negatives: Positive = 256,
    weight_decay: Annotated[float, Field(ge=0)] = 0.01,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    id_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3,
    minimum_items: Positive = 2,
    seed: int = 0,
) -> Retraining:
    """Return towers trained on all of today's interactions from random weights.

    tower: of yesterday; only the length of its vectors counts, and by which columns it knows the context.
    catalogue: what the items are, as in train_two_tower.
    epochs and what follows: as in train_two_tower, which trained yesterday's; give both the same.
    """
    begun = time.perf_counter()
    start = untrained(
        sorted(today["item_id"].unique()),
        sorted(today["market"].unique()),
        tower.dim,
        seed,
        contexts={name: sorted(today[name].unique()) for name in tower.contexts},
        content=catalogue,
        minimum_items=minimum_items,
    )
    schedule = Schedule(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        temperature=temperature,
        uniform_negatives=uniform_negatives,
        weight_decay=weight_decay,
        dropout=dropout,
        seed=seed,
        id_dropout=0.0 if start.content is None else id_dropout,
    )
    reporting = current_step()

    def report(epoch: int, loss: float) -> None:
        reporting.progress(epoch / epochs, f"epoch {epoch} of {epochs}")
        reporting.metrics({"loss": loss}, at=epoch)

    retrained = train_tower(start, today, schedule, report)
    cost = {
        "seconds": time.perf_counter() - begun,
        "interactions": float(len(today)),
        "epochs": float(epochs),
    }
    return Retraining(retrained, Metrics(cost))
