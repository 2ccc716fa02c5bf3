"""Which interactions train, tune, judge stability, teach the ranker, and test."""

from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from kaon.dsl import step

from .interactions import Interactions

Share = Annotated[float, Field(ge=0, lt=1)]
SLICES = ("tuning", "stability", "ranking", "test")

Hashes = npt.NDArray[np.uint64]


class Split(NamedTuple):
    """Five slices; no interaction is in two of them."""

    train: Interactions
    tuning: Interactions
    stability: Interactions
    ranking: Interactions
    test: Interactions


@step
def split_interactions(
    interactions: Interactions,
    *,
    tuning: Share = 0.15,
    stability: Share = 0.15,
    ranking: Share = 0.35,
    test: Share = 0.15,
    minimum_history: Annotated[int, Field(ge=1)] = 3,
    seed: int = 0,
) -> Split:
    """Return five slices of which none leaks into another.

    Without time, a user gives at most one interaction, to one slice: both are chosen by hashes of the ids, so neither
    the order of the rows nor other users change them. With time, everything is cut by time, for all users at once:
    train, then tuning and stability (the same days, different users), then ranking, then test, the latest.

    tuning: share of users (with time: of interactions) on which models are chosen.
    stability: share that judges the models that were chosen.
    ranking: share that is the ranker's positives, which no retrieval model saw.
    test: share that nothing but the last report reads.
    minimum_history: interactions that stay in train for a user who gives one away; without time.
    seed: another seed, other users.
    """
    shares = {"tuning": tuning, "stability": stability, "ranking": ranking, "test": test}
    if sum(shares.values()) >= 1:
        raise ValueError(
            f"the slices of split_interactions take {sum(shares.values()):.2f} of 1 and leave nothing to train on: "
            f"{shares}; lower split_interactions.ranking or another share"
        )
    by_time = "time" in interactions
    place = _by_time(interactions, shares, seed) if by_time else _by_user(interactions, shares, minimum_history, seed)
    parts = (Interactions(interactions[place == name].reset_index(drop=True)) for name in ("train", *SLICES))
    return Split(*parts)


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
