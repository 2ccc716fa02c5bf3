"""Which interactions train, tune, judge stability, teach the ranker, and test."""

import json
from typing import Annotated, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from kaon.dsl import step

from .interactions import Interactions

Share = Annotated[float, Field(ge=0, lt=1)]
SLICES = ("tuning", "stability", "ranking", "test")

TOO_FEW_RETURN = (
    "Take more interactions; or, if few users ever come back, split by user, who then each give away one interaction: "
    "split_interactions.by=user"
)
TOO_FEW_GIVE = (
    "Only users with more than {} interactions give one away: take more users, or lower "
    "split_interactions.minimum_history"
)

Hashes = npt.NDArray[np.uint64]


class Split(NamedTuple):
    """Five slices; no interaction is in two of them."""

    train: Interactions
    tuning: Interactions
    stability: Interactions
    ranking: Interactions
    test: Interactions


class UselessSplit(ValueError):
    """A slice would hold too little for what it is for."""


@step
def split_interactions(
    interactions: Interactions,
    *,
    by: Literal["time", "user"] = "time",
    tuning: Share = 0.15,
    stability: Share = 0.15,
    ranking: Share = 0.35,
    test: Share = 0.15,
    minimum_history: Annotated[int, Field(ge=1)] = 3,
    minimum_users: Annotated[int, Field(ge=0)] = 5,
    seed: int = 0,
) -> Split:
    """Return five slices of which none leaks into another.

    Without time, a user gives at most one interaction, to one slice: both are chosen by hashes of the ids, so neither
    the order of the rows nor other users change them. With time, everything is cut by time, for all users at once:
    train, then tuning and stability (the same days, different users), then ranking, then test, the latest.

    Raises UselessSplit if a market has nothing to train on, or a slice too few users whom the models can know.

    by: time, where the interactions have it, or user, as without time: for data whose users never come back.
    tuning: share of users (with time: of interactions) on which models are chosen.
    stability: share that judges the models that were chosen.
    ranking: share that is the ranker's positives, which no retrieval model saw.
    test: share that nothing but the last report reads.
    minimum_history: interactions that stay in train for a user who gives one away; without time.
    minimum_users: users with a history in train whom every slice with a share must hold.
    seed: another seed, other users.
    """
    shares = {"tuning": tuning, "stability": stability, "ranking": ranking, "test": test}
    if sum(shares.values()) >= 1:
        raise ValueError(
            f"the slices of split_interactions take {sum(shares.values()):.2f} of 1 and leave nothing to train on: "
            f"{shares}; lower split_interactions.ranking or another share"
        )
    by_time = by == "time" and "time" in interactions
    place = _by_time(interactions, shares, seed) if by_time else _by_user(interactions, shares, minimum_history, seed)
    parts = (Interactions(interactions[place == name].reset_index(drop=True)) for name in ("train", *SLICES))
    split = Split(*parts)
    _check_markets(interactions, split)
    mend = TOO_FEW_RETURN if by_time else TOO_FEW_GIVE.format(minimum_history)
    _check_slices(split, [name for name in SLICES if shares[name]], minimum_users, mend)
    return split


def _check_markets(interactions: Interactions, split: Split) -> None:
    """Raise UselessSplit if a market is not in train; by user every market is."""
    late = sorted(set(interactions["market"]) - set(split.train["market"]))
    if late:
        others = sorted(set(split.train["market"]))
        leave_out = (
            f"only_markets of select_users: '{json.dumps(others)}'" if others else "only_markets of select_users"
        )
        raise UselessSplit(
            f"market {', '.join(map(repr, late))} has nothing to train on: all that happened there is later than the "
            f"slice `train`; leave it out ({leave_out}) until it is older, or split by user: split_interactions.by=user"
        )


def _check_slices(split: Split, judging: list[str], minimum_users: int, mend: str) -> None:
    """Raise UselessSplit if a slice that is to judge or teach has too few users with a history in train."""
    known = set(split.train["user_id"])
    users = {name: len(known & set(getattr(split, name)["user_id"])) for name in judging}
    if any(count < minimum_users for count in users.values()):
        told = ", ".join(f"{count} in {name}" for name, count in users.items())
        raise UselessSplit(
            f"of the {len(known)} users with a history in train too few are in a slice: {told}; each slice needs "
            f"{minimum_users} (split_interactions.minimum_users) to judge or teach anything. {mend}"
        )


def _by_user(frame: Interactions, shares: dict[str, float], minimum_history: int, seed: int) -> npt.NDArray[np.str_]:
    users, items = _hashes(frame["user_id"], seed), _hashes(frame["item_id"], seed)
    given = pd.Series(_mixed(users ^ _mixed(items))).groupby(frame["user_id"].to_numpy()).transform("idxmin")
    held = (given.to_numpy() == np.arange(len(frame))) & (_history(frame) > minimum_history)
    bounds = np.cumsum([shares[name] for name in SLICES])
    slot = np.searchsorted(bounds, _unit(_mixed(users)), side="right")
    return np.where(held, np.array([*SLICES, "train"])[slot], "train")


def _by_time(frame: Interactions, shares: dict[str, float], seed: int) -> npt.NDArray[np.str_]:
    """Return the slice of each row; rows of one moment stay together, so a cut never divides a moment."""
    tuned = shares["tuning"] + shares["stability"]
    order = [1 - tuned - shares["ranking"] - shares["test"], tuned, shares["ranking"], shares["test"]]
    cuts = frame["time"].quantile(np.cumsum(order)[:-1], interpolation="higher").to_numpy()
    window = np.searchsorted(cuts, frame["time"].to_numpy(), side="right")
    stable = _unit(_mixed(_hashes(frame["user_id"], seed))) * tuned >= shares["tuning"]
    judged = np.where(stable, "stability", "tuning")
    return np.select([window == 0, window == 1, window == 2], ["train", judged, "ranking"], "test")


def _history(frame: Interactions) -> npt.NDArray[np.int64]:
    return frame.groupby("user_id")["item_id"].transform("size").to_numpy()


def _hashes(ids: pd.Series, seed: int) -> Hashes:
    hashes: Hashes = pd.util.hash_array(ids.to_numpy(), hash_key=f"{seed % 10**16:016d}")
    return hashes


def _mixed(hashes: Hashes) -> Hashes:
    """Return the hashes mixed once more, so that a sum of two is a hash again (the finaliser of splitmix64)."""
    mixed = hashes ^ (hashes >> np.uint64(30))
    mixed = mixed * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    finished: Hashes = mixed ^ (mixed >> np.uint64(31))
    return finished


def _unit(hashes: Hashes) -> npt.NDArray[np.float64]:
    return (hashes >> np.uint64(11)) / float(1 << 53)
