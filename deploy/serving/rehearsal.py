"""What a bundle must answer before anybody is served by it: its golden requests, and some of every kind."""

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .answers import Ranked
from .questions import RankQuestion, RecommendQuestion
from .recommender import Recommender
from .stages import Stages

GOLDEN = "golden.json"
ASKED_FROM_OUTSIDE = "KAON_GOLDEN_FROM_OUTSIDE"
"""Set where `publish` asks the golden requests over HTTP, since it tells the worst answer and not the first bad one."""
TOLERANCE = 1e-6
"""Most that a score may differ from what was computed when the bundle was published."""
KNOWN = 20
K = 10


class Unfit(ValueError):
    """A bundle can be read, and does not answer as it should; the message says to what, and how."""


def rehearse(recommender: Recommender) -> int:
    """Let the bundle answer, so that nobody waits for what is computed once, and return how many requests it passed.

    Raises Unfit if a part fails, a list is empty or a score is no number, or if an answer to a golden request differs
    from what was computed offline.
    """
    passed = 0
    for path, body in _own_requests(recommender):
        answer = _answered(recommender, path, body)
        if not answer.items or not all(math.isfinite(one.score) for one in answer.items):
            raise Unfit(f"POST {path} {json.dumps(body)} is answered with no items, or with scores that are no numbers")
        passed += 1
    if recommender.catalogue.ids:
        recommender.similar(recommender.catalogue.ids[0], K, Stages())
    for golden in _golden(recommender.bundle.path):
        _compare(golden, _answered(recommender, golden["path"], golden["request"]))
        passed += 1
    return passed


def _own_requests(recommender: Recommender) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield requests of known users from all over the data, and of visitors with and without a history."""
    sources, catalogue = recommender.bundle.sources, recommender.catalogue
    count = min(KNOWN, len(sources.user_ids))
    popular = [catalogue.ids[row] for row in catalogue.by_popularity[-1][:K].tolist()]
    for row in np.linspace(0, len(sources.user_ids) - 1, count).astype(int):
        yield "/recommend", {"user": str(sources.user_ids[row]), "k": K}
        yield "/rank", {"user": str(sources.user_ids[row]), "candidates": popular}
    for number, market in enumerate(sources.markets):
        if len(catalogue.by_popularity[number]) > 1:
            yield "/recommend", {"market": market, "k": K}
            yield "/recommend", {"market": market, "k": K, "history": popular[:1]}


def _golden(folder: Path) -> list[dict[str, Any]]:
    """Return the golden requests of a bundle, none if it records none or if who started the server asks them."""
    if os.environ.get(ASKED_FROM_OUTSIDE):
        return []
    path = folder / GOLDEN
    golden: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return golden


def _answered(recommender: Recommender, path: str, body: dict[str, Any]) -> Ranked:
    answer = (
        recommender.rank(RankQuestion.model_validate(body), Stages())
        if path == "/rank"
        else recommender.recommend(RecommendQuestion.model_validate(body), Stages())
    )
    if answer.fallback:
        raise Unfit(f"POST {path} {json.dumps(body)}: {answer.fallback[0]} failed; the log says how")
    return answer


def _compare(golden: dict[str, Any], answer: Ranked) -> None:
    served = {one.item: one.score for one in answer.items}
    asked = f"the golden request POST {golden['path']} {json.dumps(golden['request'])}"
    if golden["path"] == "/recommend" and list(served) != golden["items"]:
        raise Unfit(f"{asked} is answered with {', '.join(served)}; offline it was {', '.join(golden['items'])}")
    for item, offline in zip(golden["items"], golden["scores"], strict=False):
        if not abs(served.get(item, math.nan) - offline) <= TOLERANCE:
            raise Unfit(f"{asked}: item {item!r} scores {served.get(item)!r}, and offline it was {offline!r}")
