"""One market's own towers: trained on it alone, and the global one trained further on it."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, NamedTuple

import pandas as pd
from pydantic import Field

from kaon.dsl import Resources, current_step, step

from .full_ranking import question, ranks_by_tower
from .interactions import Interactions, in_market
from .popular_tower import popular_tower
from .ranking import ndcg_at
from .two_tower import Schedule, TwoTower, train_tower

K = 10

Positive = Annotated[int, Field(gt=0)]
Rounds = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]

Judge = Callable[[TwoTower], float]


class MarketTowers(NamedTuple):
    """Both know the market's items only."""

    local_tower: TwoTower
    fine_tuned_tower: TwoTower


@step(resources=Resources(cpus=1, memory="1GiB"))
def fine_tune(
    train: Interactions,
    tuning: Interactions,
    tower: TwoTower,
    market: str,
    *,
    local_rounds: Rounds = 4,
    local_learning_rate: Rate = 3e-3,
    rounds: Rounds = 2,
    learning_rate: Rate = 1e-3,
    batch_size: Positive = 512,
    temperature: Rate = 0.2,
    uniform_negatives: Positive = 256,
    weight_decay: Annotated[float, Field(ge=0)] = 0.01,
    dropout: Share = 0.1,
    judged_users: Positive = 1_000,
    seed: int = 0,
    attempt: int = 1,
) -> MarketTowers:
    """Return two towers of one market: one that starts from its popularity, one that starts from the global tower.

    Each is trained in rounds of 1, 2, 4, … epochs for as long as a round makes it better on the tuning slice: where the
    past says little of what comes, popularity or the global tower stay as they are. The learning rate starts anew with
    every round (SGDR, Loshchilov and Hutter 2017).

    local_rounds, local_learning_rate: of the tower that starts from popularity.
    rounds, learning_rate: of the tower that starts from the global one; fewer and lower, or it forgets.
    batch_size, temperature, uniform_negatives, weight_decay, dropout: of both, as in train_two_tower.
    judged_users: users of the tuning slice who judge a round, at most.
    seed: attempt n uses seed + n - 1.
    """
    mine = in_market(train, market)
    items = sorted(mine["item_id"].unique())
    number = seed + attempt - 1
    schedule = Schedule(
        epochs=1,
        batch_size=batch_size,
        learning_rate=learning_rate,
        temperature=temperature,
        uniform_negatives=uniform_negatives,
        weight_decay=weight_decay,
        dropout=dropout,
        seed=number,
    )
    judge = _judge(train, in_market(tuning, market), market, judged_users)
    local_start = popular_tower(mine, market, tower.dim, temperature, number)
    local_schedule = replace(schedule, learning_rate=local_learning_rate)
    local = _trained("local", local_start, mine, local_schedule, local_rounds, judge)
    current_step().progress(0.7, f"{market}: local tower trained")
    warm = _trained("fine_tuned", tower.narrowed(items, [market]), mine, schedule, rounds, judge)
    return MarketTowers(local, warm)


def _judge(train: Interactions, tuning: Interactions, market: str, users: int) -> Judge:
    """Return what gives a tower's mean nDCG@10 on some users of the tuning slice; 0 without any."""
    some = pd.unique(tuning["user_id"])[:users]
    asked = question(market, train, Interactions(tuning[tuning["user_id"].isin(some)]))
    return lambda tower: float(ndcg_at(K, ranks_by_tower(asked, tower)).mean()) if len(some) else 0.0


def _trained(name: str, start: TwoTower, mine: Interactions, schedule: Schedule, rounds: int, judge: Judge) -> TwoTower:
    """Return the tower after the rounds that made it better."""
    reporting = current_step()
    best, score = start, judge(start)
    reporting.metrics({f"{name}_ndcg@{K}": score}, at=0)
    for epochs in (2**number for number in range(rounds)):
        done = 2 * epochs - 1
        longer = replace(schedule, epochs=epochs, seed=schedule.seed + done)
        trained = train_tower(copy.deepcopy(best).requires_grad_(), mine, longer, lambda epoch, loss: None)
        judged = judge(trained)
        reporting.metrics({f"{name}_ndcg@{K}": judged}, at=done)
        if judged <= score:
            break
        best, score = trained, judged
    return best
