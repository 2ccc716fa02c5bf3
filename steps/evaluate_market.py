"""How well each of a market's three towers serves the market's users."""

from kaon.dsl import current_step, step

from .full_ranking import question, ranks_by_tower
from .interactions import Interactions
from .market_models import MarketModel, MarketScores
from .ranking import ndcg_at
from .two_tower import TwoTower

K = 10


@step(output="market_scores")
def evaluate_market(
    train: Interactions,
    tuning: Interactions,
    tower: TwoTower,
    local_tower: TwoTower,
    fine_tuned_tower: TwoTower,
    market: str,
) -> MarketScores:
    """Return nDCG@10 of the global, the local and the fine-tuned tower for each user of a market's tuning slice.

    Full ranking of the market's catalogue; items met in train are removed; a user without a score counts as zero.
    """
    asked = question(market, train, tuning)
    towers: dict[MarketModel, TwoTower] = {"global": tower, "local": local_tower, "fine_tuned": fine_tuned_tower}
    ndcg = {name: ndcg_at(K, ranks_by_tower(asked, one)) for name, one in towers.items()}
    current_step().metrics({f"ndcg@{K}.{name}": float(values.mean()) for name, values in ndcg.items() if len(values)})
    return MarketScores(market, {name: tuple(values.round(6).tolist()) for name, values in ndcg.items()})
