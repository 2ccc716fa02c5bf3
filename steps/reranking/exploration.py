"""Places for items that are not in everybody's list, so that something is learnt of them."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from ..ranking import Floats, Rows

Mask = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]


def head_items(users: npt.NDArray[np.floating], share: float) -> Mask:
    """Return which items are the head: the most popular ones that together hold the share of all interactions.

    users: how many users each item has, shape (items,); of equal ones the first are in the head.

    >>> head_items(np.array([1.0, 6.0, 3.0]), 0.6).tolist()
    [False, True, False]
    """
    order = np.argsort(-users, kind="stable")
    before = np.cumsum(users[order]) - users[order]
    head = np.zeros(len(users), dtype=bool)
    head[order] = before < share * users.sum()
    return head


def explored(
    chosen: Rows,
    candidates: Rows,
    users: Floats,
    open_: Mask,
    *,
    share: float,
    user_ids: npt.NDArray[np.str_],
    seed: int,
) -> tuple[Rows, Mask]:
    """Return lists in which a share of the places holds items of which little is known, and which places these are.

    A user gets `share` of the places but the first, rounded down or up by chance so that the share holds on average.
    The items are drawn without repetition, each with a weight of 1 / sqrt(1 + its users): the fewer users, the less is
    known of how well it does. What they displace are the last items of the list. Every draw is a hash of seed, user and
    item or place: it depends neither on who else is answered nor on the order of the candidates.

    chosen: columns of candidates, best first, -1 beyond the end, shape (lists, k); candidates: items, shape (lists,
    candidates); users: how many users each candidate has, of that shape; open_: candidates that may be explored, of
    that shape; user_ids: shape (lists,).
    """
    lists, k = chosen.shape
    rows = np.arange(lists)[:, None]
    own = _hashes(user_ids, seed)[:, None]  # (lists, 1)
    free = open_.copy()
    free[np.broadcast_to(rows, chosen.shape)[chosen >= 0], chosen[chosen >= 0]] = False
    weight = np.log(1 / np.sqrt(1.0 + users))
    drawn = np.where(free, weight - np.log(-np.log(uniform(own, candidates + k))), -np.inf)  # Gumbel's trick
    order = np.argsort(-drawn, axis=1, kind="stable")[:, :k]
    length = (chosen >= 0).sum(axis=1)
    wanted = np.floor(share * length + uniform(own, np.zeros((lists, 1), np.int64))[:, 0]).astype(np.int64)
    count = np.minimum(np.minimum(wanted, np.maximum(length - 1, 0)), free.sum(axis=1))  # (lists,)
    places = np.arange(1, k + 1)
    lot = np.where((places > 1) & (places <= length[:, None]), uniform(own, np.broadcast_to(places, chosen.shape)), 2.0)
    given: Mask = np.argsort(np.argsort(lot, axis=1, kind="stable"), axis=1) < count[:, None]
    new = np.take_along_axis(order, np.clip(np.cumsum(given, axis=1) - 1, 0, order.shape[1] - 1), axis=1)
    kept = np.take_along_axis(chosen, np.maximum(np.cumsum(~given, axis=1) - 1, 0), axis=1)
    return np.where(given, new, kept), given


def _hashes(user_ids: npt.NDArray[np.str_], seed: int) -> Hashes:
    key = str(seed).encode()[:64]
    drawn = [int.from_bytes(blake2b(str(user).encode(), digest_size=8, key=key).digest()) for user in user_ids]
    return np.array(drawn, dtype=np.uint64)


def uniform(own: Hashes, number: Rows) -> Floats:
    """Return a number between 0 and 1, both excluded, for each pair of hash and number (splitmix64's finaliser)."""
    mixed = own ^ (number.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    unit: Floats = ((mixed >> np.uint64(11)).astype("f8") + 0.5) / float(1 << 53)
    return unit
