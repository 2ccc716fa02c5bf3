"""What may be asked: the bodies of requests, checked and bounded."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from .answers import Told

LONGEST_ID = 256
MOST_ITEMS = 1_000
"""Items in a history, a filter or a list of candidates."""
MOST_GENRES = 100
MOST = 100
"""Items in an answer."""


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a time is written as text in ISO 8601, such as 2026-11-28T20:15:00Z")
    return value


def _without_repeats(items: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(items)) < len(items):
        twice = next(item for place, item in enumerate(items) if item in items[:place])
        raise ValueError(f"{twice!r} stands there twice; name every candidate once")
    return items


Id = Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]
Name = Annotated[str, Field(max_length=LONGEST_ID)]
Items = Annotated[tuple[Id, ...], Field(max_length=MOST_ITEMS)]
Time = Annotated[datetime, BeforeValidator(_text)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asking(_Body):
    """Who asks, and what is known of the moment."""

    user: Name = ""
    """Of a known user the stored history counts; one that is not known is no error."""
    history: Items = ()
    """Items that somebody without a stored history met or chose; of a known user they are only left out of lists."""
    market: Name = ""
    """A known user's own market counts where this one is empty or unknown."""
    device: Name = ""
    """In the words of the data; one that the bundle does not know is named in the answer's `ignored`."""
    time: Time | None = None
    """By the clock of who asks: it tells the hour and the weekday, where the data has them and calls them by number and
    by English name. Named in `ignored` where it tells neither."""

    def moment(self) -> tuple[Told, ...]:
        """Return what is told of the moment."""
        told: dict[Told, object] = {"device": self.device, "time": self.time}
        return tuple(name for name, value in told.items() if value)


class Filters(_Body):
    """What may be in a list."""

    exclude: Items = ()
    """Items that are not to be in it."""
    items: Items = ()
    """If there are any, no others are."""
    genres: Annotated[tuple[Id, ...], Field(max_length=MOST_GENRES)] = ()
    """If there are any, each item has one of them. One that no item has is refused; of some data nobody knows any."""


class RecommendQuestion(Asking):
    """For whom to make a list."""

    k: Annotated[int, Field(strict=True, ge=1, le=MOST)] = 10
    """Items wanted; fewer come only where there are not so many."""
    filters: Filters = Filters()


class RankQuestion(Asking):
    """What to rank for whom."""

    candidates: Annotated[
        tuple[Id, ...],
        Field(min_length=1, max_length=MOST_ITEMS, json_schema_extra={"uniqueItems": True}),
        AfterValidator(_without_repeats),
    ]
    """Items, each once; one that the catalogue does not know comes last."""
