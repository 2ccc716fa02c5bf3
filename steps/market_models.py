"""What is known of a market's models, and which of them was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from .ranking import Interval
from .two_tower import TwoTower

MarketModel = Literal["global", "local", "fine_tuned"]
"""Trained on all markets; on this one alone, from its popularity; on all, and then on this one."""

MARKET_MODELS: tuple[MarketModel, ...] = get_args(MarketModel)


@dataclass(frozen=True, slots=True)
class MarketScores:
    """nDCG@10 of every model for every judged user of one market."""

    market: str
    ndcg: Mapping[MarketModel, tuple[float, ...]]
    """One value a user, the users in the same order for every model."""

    @property
    def users(self) -> int:
        """How many users were judged."""
        return len(self.ndcg["global"])


@dataclass(frozen=True, slots=True)
class Choice:
    """The model of one market, and why it."""

    model: MarketModel
    reason: str
    users: int
    ndcg: Mapping[MarketModel, Interval]
    """nDCG@10 on the tuning slice with its interval over users."""
    gain: Mapping[MarketModel, Interval]
    """What each challenger adds to the global model's nDCG@10, user by user."""


@dataclass(frozen=True, slots=True)
class MarketChoices:
    """The choice of every market."""

    choices: Mapping[str, Choice]

    def model_for(self, market: str) -> MarketModel:
        """Return which model serves a market; the global one where nothing was measured."""
        choice = self.choices.get(market)
        return choice.model if choice else "global"

    def tower_for(
        self, market: str, tower: TwoTower, local: Mapping[str, TwoTower], fine_tuned: Mapping[str, TwoTower]
    ) -> TwoTower:
        """Return the tower that serves a market, out of the global one and each market's own."""
        match self.model_for(market):
            case "global":
                return tower
            case "local":
                return local[market]
            case "fine_tuned":
                return fine_tuned[market]
