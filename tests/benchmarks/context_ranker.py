"""Whether the moment of a request helps the ranker: on Frappe with context crosses, told it and not, and without them.

python tests/benchmarks/context_ranker.py [FOLDER]

FOLDER has frappe.csv; ../shared/data/frappe without one. For each of five splits by user, ALS and the two-tower are
trained once and the ranker twice, with its context crosses and without. The held-out interaction of each user of the
test slice is a list of its own: the positive among 99 unseen items drawn uniformly, as in the WSDM Cup, and what
retrieval finds. Means over users, with 95 % intervals, paired by user.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import xgboost

from kaon.artifacts import FactorModel
from kaon.steps.candidates import Lists, pools_of, positives_of, uniform_lists
from kaon.steps.context_crosses import untold
from kaon.steps.datasets import load
from kaon.steps.held_out_report import MINIMUM_USERS, NEGATIVES, retrieved
from kaon.steps.interactions import CONTEXT, Interactions
from kaon.steps.list_ranker import RANKER, judged
from kaon.steps.market_models import MarketChoices
from kaon.steps.ranking import Floats, bootstrap_interval
from kaon.steps.sources import Sources, build_sources
from kaon.steps.split_interactions import split_interactions
from kaon.steps.train_als import train_als
from kaon.steps.train_ranker import train_ranker
from kaon.steps.train_two_tower import train_two_tower
from kaon.steps.two_tower import TwoTower

SPLITS = 5
WITH, UNTOLD, WITHOUT = "crosses, told the moment", "crosses, not told", "without crosses"
WAYS = (WITH, UNTOLD, WITHOUT)
UNIFORM, FOUND = "a positive among 99 uniform negatives", "what retrieval finds"
TOWER: Mapping[str, object] = {"epochs": 4, "batch_size": 128, "uniform_negatives": 128, "context_dropout": 0.5}


def measure(frame: Interactions, *, seed: int = 0) -> dict[str, dict[str, Floats]]:
    """Return nDCG@10 of each way by the kind of lists, one value a user."""
    split = split_interactions(frame, by="user", ranking=0.5, test=0.3, tuning=0.05, stability=0.05, seed=seed)
    als = train_als(split.train, engine="implicit", seed=seed)
    tower = train_two_tower(split.train, seed=seed, **TOWER).tower
    models = (als, tower, split.markets)
    aware, train = _trained(split.train, split.ranking, *models, seed=seed)
    plain, bare = _trained(_bare(split.train), _bare(split.ranking), *models, seed=seed)
    positives = positives_of(train, split.test)
    pools = pools_of(train, positives, minimum_users=MINIMUM_USERS)
    kinds = {
        UNIFORM: uniform_lists(train, positives, pools, negatives=NEGATIVES, seed=seed),
        FOUND: retrieved(train, positives),
    }
    return {
        kind: {
            WITH: _ndcg(aware, train, lists),
            UNTOLD: _ndcg(aware, train, replace(lists, moment=untold(train.context, len(lists.users)))),
            WITHOUT: _ndcg(plain, bare, replace(lists, moment=untold(bare.context, len(lists.users)))),
        }
        for kind, lists in kinds.items()
    }


def _bare(frame: Interactions) -> Interactions:
    return Interactions(frame.drop(columns=list(CONTEXT), errors="ignore"))


def _trained(
    train: Interactions, ranking: Interactions, als: FactorModel, tower: TwoTower, markets: Sequence[str], *, seed: int
) -> tuple[xgboost.Booster, Sources]:
    """Return a ranker and the sources that it is asked with."""
    choices = MarketChoices({})
    learnt = train_ranker(train, ranking, als, tower, {}, {}, {}, choices, list(markets), seed=seed)
    return learnt.ranker, build_sources(train, als, tower, dict.fromkeys(markets, tower), list(markets))


def _ndcg(ranker: xgboost.Booster, sources: Sources, lists: Lists) -> Floats:
    return judged(ranker, sources, lists)[RANKER]


def main(folder: Path | None = None) -> None:
    """Print nDCG@10 of each way, and what the crosses add."""
    frame = load("frappe", folder)
    found = [measure(frame, seed=seed) for seed in range(SPLITS)]
    for kind in found[0]:
        print(f"{kind}, {[len(one[kind][WITH]) for one in found]} users")
        for name in WAYS:
            print(f"  {name}: nDCG@10 {' '.join(str(bootstrap_interval(one[kind][name])) for one in found)}")
        for name in (WITH, UNTOLD):
            gains = [one[kind][name] - one[kind][WITHOUT] for one in found]
            print(f"  {name}, over {WITHOUT}: {' '.join(str(bootstrap_interval(gain)) for gain in gains)}")
            print(f"    all splits: {bootstrap_interval(np.concatenate(gains))}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
