"""How lists are made from ranked candidates."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Reranking(BaseModel):
    """The settings of `recommend`; the defaults leave the ranker's order as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_source: Count = 40
    """Candidates from each source of retrieval."""
    pool: Count = 100
    """Best candidates that the list is chosen from."""
    diversity: Share = 0.0
    """Weight of being unlike what stands above, against relevance: 1 - lambda of maximal marginal relevance."""
    alike_by: Literal["als", "tower"] = "als"
    """Whose item vectors say what is alike, by their cosine."""
    per_genre: Annotated[int, Field(ge=0)] = 0
    """Most items of one genre in a list, as far as others are left; 0 for no cap."""
    exploration: Share = 0.0
    """Share of the places that items outside the head get, on average over users: part of a place is one for some."""
    head: Share = 0.5
    """The head: the most popular items of a market that together hold this share of its interactions."""
    prior: Annotated[float, Field(ge=0)] = 0.0
    """Interactions that the market's popularity is worth: with n of one's own its weight is prior / (prior + n)."""
    seed: int = 0
    """Of exploration; the same seed, user and candidates give the same list."""
