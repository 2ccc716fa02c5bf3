"""How well each model that a market could have serves the market's users."""

from kaon.artifacts import FactorModel
from kaon.dsl import current_step, step

from .full_ranking import question, ranks_by_model
from .interactions import Interactions
from .market_models import MarketModel, MarketScores
from .model_vectors import Blend, Model
from .ranking import ndcg_at
from .two_tower import TwoTower

K = 10


@step(output="market_scores")
def evaluate_market(
    train: Interactions,
    tuning: Interactions,
    als: FactorModel,
    tower: TwoTower,
    local_tower: TwoTower,
    fine_tuned_tower: TwoTower,
    local_als: FactorModel,
    market: str,
) -> MarketScores:
    """Return nDCG@10 of a market's models and of blends with those of all, for each user of its tuning slice.

    Full ranking of the market's catalogue; items met in train are removed; a user without a score counts as zero.
    """
    asked = question(market, train, tuning)
    models: dict[MarketModel, Model] = {
        "tower": tower,
        "local_tower": local_tower,
        "fine_tuned_tower": fine_tuned_tower,
        "local_als": local_als,
        "blend": Blend((local_als, als, tower)),
        "tower_blend": Blend((local_tower, tower, als)),
    }
    ndcg = {name: ndcg_at(K, ranks_by_model(asked, one)) for name, one in models.items()}
    current_step().metrics({f"ndcg@{K}.{name}": float(values.mean()) for name, values in ndcg.items() if len(values)})
    return MarketScores(market, {name: tuple(values.round(6).tolist()) for name, values in ndcg.items()})
