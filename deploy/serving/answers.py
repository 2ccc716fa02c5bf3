"""What is answered."""

from typing import Literal

from pydantic import BaseModel

Part = Literal["retrieval", "ranking", "reranking"]
Told = Literal["device", "time"]
Basis = Literal["personal", "onboarding", "market popularity", "global popularity"]


class ScoredItem(BaseModel):
    """An item of an answer."""

    item: str
    score: float
    """The ranker's; of a part that failed, what stands in for it. Higher is better, and only within one answer."""


class ListedItem(ScoredItem):
    """An item of a list."""

    explored: bool
    """Whether its place was given away so that something is learnt of items that few have met."""


class Ranked(BaseModel):
    """Candidates, best first."""

    version: str
    """Of the bundle that answered."""
    basis: Basis
    """What is known of who asked: the stored history, items that were named, the market, or nothing."""
    fallback: tuple[Part, ...]
    """Parts that failed, for which popularity in the market stood in; empty when all is well."""
    ignored: tuple[Told, ...]
    """What was told of the moment and has no effect: the bundle does not know it, or popularity answered, which is the
    same at every moment."""
    items: tuple[ScoredItem, ...]


class Recommended(Ranked):
    """A list, best first."""

    items: tuple[ListedItem, ...]


class Similar(BaseModel):
    """Items like one, most like it first."""

    version: str
    item: str
    items: tuple[ScoredItem, ...]
    """The score is the cosine of the item vectors."""


class Wrong(BaseModel):
    """What is wrong with one part of a request."""

    field: str
    """Where it stands, such as `filters.exclude.3`."""
    reason: str


class Refused(BaseModel):
    """Why a request is not answered."""

    detail: tuple[Wrong, ...]


class Ready(BaseModel):
    """Whether requests are answered."""

    ready: bool
    version: str
    """Of the bundle that answers, empty if there is none."""
    reason: str
    """Why not, or why the newest bundle was refused; empty when all is well."""
