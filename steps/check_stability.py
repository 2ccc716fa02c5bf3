"""Whether the models of this attempt are good enough to go on with, judged on users who chose nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from kaon.artifacts import FactorModel
from kaon.dsl import current_step, step

from . import stability_report as must
from .agreement import overlap_at
from .bundle import BundleError
from .champion import Champion, champion_scores
from .full_ranking import Question, questions, ranks_by_factors, ranks_by_model, ranks_by_popularity, ranks_by_tower
from .interactions import Interactions
from .market_models import MarketChoices
from .model_vectors import Model
from .ranking import Floats, Interval, bootstrap_interval, ndcg_at
from .stability_report import Check, StabilityReport
from .two_tower import TwoTower

K = 10

Threshold = Annotated[float, Field(ge=0, le=1)]


class Stability(NamedTuple):
    """`stable` ends the repetition."""

    stable: bool
    stability_report: StabilityReport


@step
def check_stability(
    stability: Interactions,
    tuning: Interactions,
    train: Interactions,
    als: FactorModel,
    tower: TwoTower,
    local_tower: Mapping[str, TwoTower],
    fine_tuned_tower: Mapping[str, TwoTower],
    local_als: Mapping[str, FactorModel],
    choices: MarketChoices,
    twin_tower: TwoTower | None = None,
    champion: Champion | None = None,
    *,
    maximum_width: Threshold = 0.08,
    maximum_difference: Threshold = 0.02,
    maximum_regret: Threshold = 0.01,
    minimum_lift: Annotated[float, Field(ge=-1, le=1)] = 0.0,
    minimum_overlap: Threshold = 0.3,
    maximum_champion_loss: Threshold = 0.01,
    minimum_users: Annotated[int, Field(ge=1)] = 100,
    seed: int = 0,
    attempt: int = 1,
) -> Stability:
    """Return whether what this attempt trained and chose can be trusted, measured on users of a slice of their own.

    All in nDCG@10 by full ranking, this must hold:
    the 95 % interval of ALS and of the chosen models is narrow enough to say anything;
    both are as good here as on the tuning slice, chance aside, so that choosing there did not overfit;
    in every market with enough users the chosen model beats the market's popularity among users with a history, the
    whole interval above it; users without one are served with popularity anyway;
    in every market where a challenger was chosen it is not worse here than the global model;
    towers of another seed, where there are such, are as good, and offer mostly the same first ten items;
    ALS and the chosen models are not worse than those of the champion, where there is one. A champion that was trained
    on these very interactions has an advantage; one that was published from the same split has not.

    twin_tower: the global tower of another seed.
    maximum_width: widest interval of a mean over all users.
    maximum_difference: largest difference of this slice's mean from the tuning slice's, and from the twin's, that
        chance does not explain.
    maximum_regret: most that a chosen challenger may lose against the global model, on average.
    minimum_lift: lower end of the interval of the gain over popularity.
    minimum_overlap: least share of the first ten items that the twin offers as well, on average.
    maximum_champion_loss: most that ALS and the chosen models may each lose against the champion's, on average.
    minimum_users: markets with fewer users in the slice are left out of the checks by market.
    seed: of the bootstrap.
    """

    here, there = questions(train, stability), questions(train, tuning)
    models = choices.models(
        [one.market for one in (*here, *there)],
        tower=tower,
        local_tower=local_tower,
        fine_tuned_tower=fine_tuned_tower,
        als=als,
        local_als=local_als,
    )
    factor_scores, chosen_scores = _by_factors(here, als), _by_chosen(here, models)
    als_interval = bootstrap_interval(_all(factor_scores), seed=seed)
    chosen_interval = bootstrap_interval(_all(chosen_scores), seed=seed)
    als_tuning = bootstrap_interval(_all(_by_factors(there, als)), seed=seed + 1)
    chosen_tuning = bootstrap_interval(_all(_by_chosen(there, models)), seed=seed + 1)
    checks = [
        must.width("als", als_interval, maximum_width),
        must.width("chosen", chosen_interval, maximum_width),
        must.difference("als", als_interval, als_tuning, maximum_difference),
        must.difference("chosen", chosen_interval, chosen_tuning, maximum_difference),
    ]
    everywhere: Model = als if choices.global_model == "als" else tower
    for one, scores in zip(here, chosen_scores, strict=True):
        if len(scores) < minimum_users:
            continue
        checks.append(must.lift(one.market, _lift(one, scores, train, seed), minimum_lift))
        if choices.model_for(one.market) != choices.global_model:
            gain = bootstrap_interval(scores - ndcg_at(K, ranks_by_model(one, everywhere)), seed=seed)
            checks.append(must.regret(one.market, gain, maximum_regret))
    if twin_tower is not None:
        checks += _agreement(here, tower, twin_tower, maximum_difference, minimum_overlap, seed)
    against, held = _against(champion, here, factor_scores, chosen_scores, maximum_champion_loss, seed)
    checks += held
    failed = [str(check) for check in checks if not check.holds]
    reason = f"not stable: {'; '.join(failed)}" if failed else f"stable: all {len(checks)} checks hold"
    if small := [one.market for one, scores in zip(here, chosen_scores, strict=True) if len(scores) < minimum_users]:
        reason += f"; too few users ({minimum_users}) to judge by itself: market {', '.join(small)}"
    current_step().metrics({check.name: check.value for check in checks})
    current_step().log(f"{reason}; {against}")
    report = StabilityReport(
        attempt, chosen_interval.users, als_interval, chosen_interval, tuple(checks), against, reason
    )
    return Stability(not failed, report)


def _by_factors(asked: Sequence[Question], als: FactorModel) -> list[Floats]:
    return [ndcg_at(K, ranks_by_factors(one, als)) for one in asked]


def _by_chosen(asked: Sequence[Question], models: Mapping[str, Model]) -> list[Floats]:
    return [ndcg_at(K, ranks_by_model(one, models[one.market])) for one in asked]


def _by_tower(asked: Question, tower: TwoTower) -> Floats:
    return ndcg_at(K, ranks_by_tower(asked, tower))


def _all(scores: Sequence[Floats]) -> Floats:
    return np.concatenate([*scores, np.empty(0)])


def _lift(asked: Question, scores: Floats, train: Interactions, seed: int) -> Interval:
    """Return what a market's model gains over popularity among the users with a history."""
    known = np.array([bool(met) for met in asked.histories], dtype=bool)
    return bootstrap_interval((scores - ndcg_at(K, ranks_by_popularity(asked, train)))[known], seed=seed)


def _agreement(
    asked: Sequence[Question], tower: TwoTower, twin: TwoTower, maximum_difference: float, minimum: float, seed: int
) -> list[Check]:
    """Return the checks that compare the global tower with the one of another seed."""
    gain = _all([_by_tower(one, tower) - _by_tower(one, twin) for one in asked])
    shared = overlap_at(K, asked, tower, twin)
    return [
        must.disagreement(bootstrap_interval(gain, seed=seed), maximum_difference),
        must.overlap(bootstrap_interval(shared, seed=seed), minimum),
    ]


def _against(
    champion: Champion | None,
    asked: Sequence[Question],
    als: Sequence[Floats],
    chosen: Sequence[Floats],
    maximum_loss: float,
    seed: int,
) -> tuple[str, list[Check]]:
    """Return which champion this was held against, or why none, and the checks that follow."""
    if champion is None or not champion.version:
        return f"no champion to compare with: {champion.found if champion else 'none was looked for'}", []
    try:
        scores = champion_scores(champion, asked)
    except BundleError as error:
        return f"not compared with the champion {champion.version}, which cannot be read: {error}", []

    def gains(mine: Sequence[Floats], its: Sequence[Floats | None]) -> Iterator[Floats]:
        return (own - other for own, other in zip(mine, its, strict=True) if other is not None)

    checks = [
        must.loss(name, champion.version, bootstrap_interval(_all([*gains(mine, its)]), seed=seed), maximum_loss)
        for name, mine, its in (("als", als, scores.als), ("chosen", chosen, scores.chosen))
    ]
    return f"held against the champion {champion.version} ({champion.found})", checks
