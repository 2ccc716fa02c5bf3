"""Whether the moment of a request helps the ranker: on Frappe with context crosses, told it and not, and without them.

python tests/benchmarks/context_ranker.py [FOLDER]

FOLDER has frappe.csv; ../shared/data/frappe without one. For each of five splits by user, ALS and the two-tower are
trained once and the ranker twice, with its context crosses and without. The held-out interaction of each user of the
test slice is a list of its own: the positive among 99 unseen items drawn uniformly, as in the WSDM Cup, and what
retrieval finds. The ranker with crosses is told the moment of that interaction, none, or, as a control, that of
another user's. Means over users, each the mean of the splits in which the user is tested, with 95 % intervals.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost

from kaon.artifacts import FactorModel
from kaon.steps.candidates import pools_of, positives_of, uniform_lists
from kaon.steps.context_crosses import untold
from kaon.steps.datasets import load
from kaon.steps.held_out_report import MINIMUM_USERS, NEGATIVES, retrieved
from kaon.steps.interactions import CONTEXT, Interactions
from kaon.steps.list_ranker import RANKER, judged
from kaon.steps.market_models import MarketChoices
from kaon.steps.ranking import bootstrap_interval
from kaon.steps.sources import Sources, build_sources
from kaon.steps.split_interactions import split_interactions
from kaon.steps.train_als import train_als
from kaon.steps.train_ranker import train_ranker
from kaon.steps.train_two_tower import train_two_tower
from kaon.steps.two_tower import TwoTower

SPLITS = 5
TOLD, UNTOLD, ANOTHERS, WITHOUT = "told the moment", "not told", "told another's moment", "without crosses"
UNIFORM, FOUND = "a positive among 99 uniform negatives", "what retrieval finds"
SHARES: Mapping[str, float] = {"ranking": 0.5, "test": 0.3, "tuning": 0.05, "stability": 0.05}
TOWER: Mapping[str, object] = {"epochs": 4, "batch_size": 128, "uniform_negatives": 128, "context_dropout": 0.5}


def measure(frame: Interactions, *, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Return by the kind of lists the nDCG@10 of each way, a row a user."""
    split = split_interactions(frame, by="user", seed=seed, **SHARES)
    als = train_als(split.train, engine="implicit", seed=seed)
    tower = train_two_tower(split.train, seed=seed, **TOWER).tower
    models = (als, tower, split.markets)
    ranker, sources = _trained(split.train, split.ranking, *models, seed=seed)
    plain, bare = _trained(_bare(split.train), _bare(split.ranking), *models, seed=seed)
    positives = positives_of(sources, split.test)
    pools = pools_of(sources, positives, minimum_users=MINIMUM_USERS)
    kinds = {
        UNIFORM: uniform_lists(sources, positives, pools, negatives=NEGATIVES, seed=seed),
        FOUND: retrieved(sources, positives),
    }
    found = {}
    for kind, lists in kinds.items():
        count = len(lists.users)
        ways = {
            TOLD: (ranker, sources, lists),
            UNTOLD: (ranker, sources, replace(lists, moment=untold(sources.context, count))),
            ANOTHERS: (ranker, sources, replace(lists, moment=np.roll(lists.moment, count // 2, axis=0))),
            WITHOUT: (plain, bare, replace(lists, moment=untold(bare.context, count))),
        }
        ndcg = {way: judged(*asked)[RANKER] for way, asked in ways.items()}
        found[kind] = pd.DataFrame(ndcg, index=sources.user_ids[lists.users])
    return found


def _bare(frame: Interactions) -> Interactions:
    return Interactions(frame.drop(columns=list(CONTEXT), errors="ignore"))


def _trained(
    train: Interactions, ranking: Interactions, als: FactorModel, tower: TwoTower, markets: Sequence[str], *, seed: int
) -> tuple[xgboost.Booster, Sources]:
    """Return a ranker and the sources that it is asked with."""
    learnt = train_ranker(train, ranking, als, tower, {}, {}, {}, MarketChoices({}), list(markets), seed=seed)
    return learnt.ranker, build_sources(train, als, tower, dict.fromkeys(markets, tower), list(markets))


def main(folder: Path | None = None) -> None:
    """Print nDCG@10 of each way, and what the crosses add."""
    frame = load("frappe", folder)
    found = [measure(frame, seed=seed) for seed in range(SPLITS)]
    for kind in found[0]:
        users = pd.concat([one[kind] for one in found]).groupby(level=0).mean()
        print(f"{kind}: {len(users)} users")
        for way in users:
            print(f"  {way}: nDCG@10 {bootstrap_interval(users[way].to_numpy())}")
        for way, other in ((TOLD, WITHOUT), (UNTOLD, WITHOUT), (TOLD, UNTOLD), (TOLD, ANOTHERS)):
            print(f"  {way}, over {other}: {bootstrap_interval((users[way] - users[other]).to_numpy())}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
