"""A slice of interactions as a task for the whole recommender: whom to answer, and which items are right."""

from dataclasses import dataclass

import numpy as np
import xgboost

from .evaluation import Audience
from .interactions import Interactions, context_of, markets_of, positions
from .ranking import UNRANKED, Ranks, Rows
from .reranking import Visitor, Visitors, visitors_of
from .sources import Sources


@dataclass(frozen=True, slots=True, eq=False)
class Recommender:
    """What lists are made with before there is a bundle."""

    sources: Sources
    ranker: xgboost.Booster


@dataclass(frozen=True, slots=True, eq=False)
class JudgedSlice:
    """Users of a slice, and what they met in it."""

    visitors: Visitors
    user: Rows
    """Visitor of each right answer, shape (answers,)."""
    item: Rows
    """Row in `sources.item_ids` of each right answer, -1 for one that is not known, shape (answers,)."""

    def ranks(self, lists: Rows) -> Ranks:
        """Return the places of the right answers in lists of items (visitors, k), UNRANKED if not there."""
        at = lists[self.user] == self.item[:, None]  # (answers, k)
        found = at.any(axis=1) & (self.item >= 0)
        return Ranks(self.user, np.where(found, at.argmax(axis=1) + 1, UNRANKED), len(lists))


def judged_slice(sources: Sources, held_out: Interactions, *, users: int, seed: int) -> JudgedSlice:
    """Return at most so many users of a slice, chosen at random; nobody is left out for want of a history.

    Each asks at the moment of the first interaction of the slice, by time if there is one.

    sources: with histories that leave the slice out.
    """
    market_of = markets_of(held_out)
    everyone = np.array(sorted(market_of), dtype=np.str_)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(everyone))[:users])
    told = _first_moments(held_out)
    asking = [Visitor(str(user), market_of[str(user)], context=told.get(str(user), {})) for user in everyone[chosen]]
    user = positions(held_out["user_id"], everyone[chosen])
    item = positions(held_out["item_id"], sources.item_ids)
    return JudgedSlice(visitors_of(sources, asking), user[user >= 0], item[user >= 0])


def _first_moments(held_out: Interactions) -> dict[str, dict[str, str]]:
    """Return the context of each user's first interaction, by the names of its columns; of nobody without a context."""
    by_time = held_out.sort_values("time", kind="stable") if "time" in held_out else held_out
    first = Interactions(by_time.drop_duplicates("user_id"))
    context = context_of(first)
    moments = [dict(zip(context, values, strict=True)) for values in zip(*context.values(), strict=True)]
    return dict(zip(first["user_id"], moments, strict=True)) if context else {}


def audience_of(sources: Sources, visitors: Visitors) -> Audience:
    """Return what the evaluation asks of users and items; items are alike by their ALS vectors."""
    history = np.diff(sources.seen.indptr)
    return Audience(
        sources.markets,
        visitors.market,
        np.where(visitors.user >= 0, history[visitors.user], 0),
        np.stack([local.users > 0 for local in sources.by_market]),
        sources.everywhere.users,
        len(sources.user_ids),
        sources.als.table(-1),
    )
