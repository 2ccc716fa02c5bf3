"""What the settings after ranking trade: accuracy against variety, and against how much of the catalogue is offered."""

from typing import Any

import altair
import pandas as pd

PANELS = (
    ("diversity@10", "intra-list diversity (mean 1 − cosine)"),
    ("novelty@10", "novelty (bits)"),
    ("coverage@10", "catalogue coverage"),
)
KINDS = ("plain", "diversity", "genre cap", "exploration", "prior")


def reranking_figure(table: pd.DataFrame) -> altair.HConcatChart:
    """Return a panel for each of diversity, novelty and coverage: nDCG@10 of every setting against it.

    table: of `judge_reranking`; the rows of people without a history are another question, and left out.
    """
    shown = table[table["setting"].isin(KINDS)]
    named = shown.assign(told=(shown["setting"] + " " + shown["value"]).str.strip())
    rows = [{str(name): value for name, value in row.items()} for row in named.to_dict("records")]
    panels = [_panel(rows, column, title) for column, title in PANELS]
    users = int(table["users"].iloc[0]) if len(table) else 0
    title = altair.TitleParams("What each setting after ranking costs", subtitle=f"{users} held-out users")
    return altair.hconcat(*panels, title=title)


def _panel(rows: list[dict[str, Any]], column: str, title: str) -> altair.LayerChart:
    points = altair.Chart(altair.InlineData(values=rows)).encode(
        x=altair.X(f"{column}:Q", title=title, scale=altair.Scale(zero=False, padding=16)),
        color=altair.Color("setting:N", sort=list(KINDS), title="setting"),
        tooltip=["told:N", "ndcg@10:Q", f"{column}:Q"],
    )
    scale = altair.Scale(zero=False, padding=10)
    bars = points.mark_rule(opacity=0.35).encode(y=altair.Y("low:Q", title="nDCG@10", scale=scale), y2="high:Q")
    dots = points.mark_circle(size=70).encode(y=altair.Y("ndcg@10:Q", title="nDCG@10", scale=scale))
    names = points.mark_text(align="left", dx=7, fontSize=10).encode(
        y=altair.Y("ndcg@10:Q", title="nDCG@10", scale=scale), text="told:N"
    )
    panel = altair.layer(bars, dots, names).properties(width=300, height=260)
    assert isinstance(panel, altair.LayerChart)
    return panel
