"""A small workflow whose artifacts have pictures, tables, pages and text, for the pages that show them."""

from typing import NamedTuple

import altair
import pandas as pd

from kaon import step, workflow
from kaon.artifacts import Html, Metrics, Text


class Learnt(NamedTuple):
    quality: Metrics
    feature_importance: pd.DataFrame
    rows: pd.DataFrame
    curve: altair.Chart
    notes: dict[str, list[str]]
    card: Html
    train_log: Text


@step
def learn(*, rank: int = 8, fails: bool = False) -> Learnt:
    """Learn something, and write all of it down."""
    if fails:
        raise ValueError("it does not converge")
    gains = {"age": 0.1 + rank / 100, "price": 0.5, "<b>hour</b>": 0.2}
    epochs = pd.DataFrame({"epoch": range(1, 9), "loss": [1 / (n + rank) for n in range(1, 9)]})
    return Learnt(
        Metrics({"ndcg@10": 0.5 + rank / 1000, "loss": 1 / rank, "trees": 100 + rank}),
        pd.DataFrame({"feature": list(gains), "gain": list(gains.values())}),
        pd.DataFrame({"user": [f"u{n:03}" for n in range(120)], "score": [(n * 37) % 120 / 7 for n in range(120)]}),
        altair.Chart(epochs, title="Loss").mark_line(point=True).encode(x="epoch:Q", y="loss:Q"),
        {"seen": ["a", "b"], "<script>alert(1)</script>": ["c"]},
        Html("<h1>Card</h1><script>parent.document.title = 'broken out'; alert(1)</script>"),
        Text("\n".join(f"{'ERROR' if n % 9 == 0 else 'INFO'} line {n}" for n in range(200))),
    )


@step(output="verdict")
def judge(quality: Metrics, feature_importance: pd.DataFrame) -> bool:
    """Say whether it is good enough."""
    return quality["ndcg@10"] > 0.5 and len(feature_importance) > 1


drawing = workflow("drawing", learn >> judge, doc="Learn, and draw what was learnt.")
