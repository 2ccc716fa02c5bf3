"""Which interactions train, tune, judge stability, teach the ranker, and test."""

from typing import Annotated, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from kaon.dsl import current_step, step

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
    """Five slices; no interaction is in two of them. Whose markets they are."""

    train: Interactions
    tuning: Interactions
    stability: Interactions
    ranking: Interactions
    test: Interactions
    markets: list[str]
    """Those with something to train on, those with most users first."""
    late_markets: list[str]
    """Those whose first interaction is later than train, and which are in no slice."""


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

    A market that opened after train ended is in no slice, since no model has learnt anything of it: it is named apart.

    Raises UselessSplit if there is nothing to train on, or a slice has too few users whom the models can know.

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
    split = _split(interactions, place)
    _check_train(split)
    _tell_late(split.late_markets)
    mend = TOO_FEW_RETURN if by_time else TOO_FEW_GIVE.format(minimum_history)
    _check_slices(split, [name for name in SLICES if shares[name]], minimum_users, mend)
    return split


def _split(interactions: Interactions, place: npt.NDArray[np.str_]) -> Split:
    """Return the slices by the name of each row's; markets that are not in train are in none."""
    everywhere = _markets(interactions)
    in_train = set(interactions["market"][place == "train"])
    known = interactions["market"].isin(in_train)

    def part(name: str) -> Interactions:
        return Interactions(interactions[(place == name) & known].reset_index(drop=True))

    return Split(
        train=part("train"),
        tuning=part("tuning"),
        stability=part("stability"),
        ranking=part("ranking"),
        test=part("test"),
        markets=[market for market in everywhere if market in in_train],
        late_markets=[market for market in everywhere if market not in in_train],
    )


def _markets(interactions: Interactions) -> list[str]:
    """Return the markets, those with most users first."""
    users = interactions.groupby("market")["user_id"].nunique()
    return sorted(map(str, users.index), key=lambda market: (-users[market], market))


def _check_train(split: Split) -> None:
    """Raise UselessSplit if no market has anything to train on."""
    if split.train.empty:
        late = ", ".join(map(repr, split.late_markets))
        raise UselessSplit(
            f"market {late} has nothing to train on: all that happened is later than the slice `train`; "
            "take more interactions, or split by user: split_interactions.by=user"
        )


def _tell_late(late: list[str]) -> None:
    if late:
        current_step().log(
            f"market {', '.join(map(repr, late))} has nothing to train on: all that happened there is later than the "
            "slice `train`. It is in no slice, so that nothing here says how good the models are there, and is served "
            "by the global model until it is older; to leave it out, set select_users.only_markets"
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
