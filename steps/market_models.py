"""What is known of a market's models, and which of them was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from kaon.artifacts import FactorModel

from .model_vectors import Blend, Model
from .ranking import Interval

if TYPE_CHECKING:
    from .two_tower import TwoTower

MarketModel = Literal["tower", "local_tower", "fine_tuned_tower", "als", "local_als", "blend", "tower_blend"]
"""Towers trained on all markets; on this one alone, from its popularity; on all, and then on this one. ALS of all
markets; of this one alone. The scores of this one's ALS and, weighing less, of the ALS and the towers of all, added; of
this one's own towers and, weighing little, of the towers and the ALS of all."""

MARKET_MODELS: tuple[MarketModel, ...] = get_args(MarketModel)
BLENDS: tuple[MarketModel, ...] = ("blend", "tower_blend")


@dataclass(frozen=True, slots=True)
class MarketScores:
    """nDCG@10 of models for every judged user of one market."""

    market: str
    ndcg: Mapping[MarketModel, tuple[float, ...]]
    """One value a user, the users in the order of their ids for every model."""

    @property
    def users(self) -> int:
        """How many users were judged."""
        return len(next(iter(self.ndcg.values()), ()))


@dataclass(frozen=True, slots=True)
class Choice:
    """The model of one market, and why it."""

    model: MarketModel
    reason: str
    users: int
    ndcg: Mapping[MarketModel, Interval]
    """nDCG@10 on the tuning slice with its interval over users."""
    gain: Mapping[MarketModel, Interval]
    """What each model adds to the global model's nDCG@10, user by user; intervals of unusual ones are wider."""


@dataclass(frozen=True, slots=True)
class MarketChoices:
    """The choice of every market."""

    choices: Mapping[str, Choice]
    global_model: MarketModel = "tower"
    """What serves where a market has no reason for another: one of the two that know every market."""
    usual_challenger: MarketModel | None = None
    """What a market takes that has evidence for it, unless it has evidence that another is better still."""

    def model_for(self, market: str) -> MarketModel:
        """Return which model serves a market; the global one where nothing was measured."""
        choice = self.choices.get(market)
        return choice.model if choice else self.global_model

    def models(
        self,
        markets: list[str],
        *,
        tower: "TwoTower",
        local_tower: Mapping[str, "TwoTower"],
        fine_tuned_tower: Mapping[str, "TwoTower"],
        als: FactorModel,
        local_als: Mapping[str, FactorModel],
    ) -> dict[str, Model]:
        """Return the model that serves each market, out of those of all markets and each market's own."""

        def chosen(market: str) -> Model:
            match self.model_for(market):
                case "tower":
                    return tower
                case "local_tower":
                    return local_tower[market]
                case "fine_tuned_tower":
                    return fine_tuned_tower[market]
                case "als":
                    return als
                case "local_als":
                    return local_als[market]
                case "blend":
                    return Blend((local_als[market], als, tower))
                case "tower_blend":
                    return Blend((local_tower[market], tower, als))

        return {market: chosen(market) for market in markets}
