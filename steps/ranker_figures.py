"""The figures of the ranker: what it looks at, and how far its probabilities can be believed."""

import altair
import pandas as pd

SHOWN = 25


def importance_figure(importance: pd.DataFrame) -> altair.Chart:
    """Return bars of the features with the largest share of all gain.

    importance: columns feature, gain (share of all) and splits, the most important first.
    """
    bars: altair.Chart = (
        altair.Chart(_values(importance.head(SHOWN)), title="what the ranker looks at")
        .mark_bar()
        .encode(
            x=altair.X("gain:Q", title="share of the gain", axis=altair.Axis(format="%")),
            y=altair.Y("feature:N", sort=None, title=None),
            tooltip=["feature:N", altair.Tooltip("gain:Q", format=".2%"), "splits:Q"],
        )
    )
    return bars


def reliability_figure(table: pd.DataFrame) -> altair.LayerChart:
    """Return the share of positives over the predicted probability, beside the diagonal that perfect ones lie on.

    table: columns probability, share and candidates, a row per bin.
    """
    across = altair.X("probability:Q", title="predicted probability", scale=altair.Scale(domain=[0, 1]))
    up = altair.Y("share:Q", title="share of positives", scale=altair.Scale(domain=[0, 1]))
    ends = pd.DataFrame({"probability": [0.0, 1.0], "share": [0.0, 1.0]})
    diagonal = altair.Chart(_values(ends)).mark_line(strokeDash=[4, 4], color="grey").encode(x=across, y=up)
    shown = [altair.Tooltip("probability:Q", format=".3f"), altair.Tooltip("share:Q", format=".3f"), "candidates:Q"]
    measured = altair.Chart(_values(table)).mark_line(point=True).encode(x=across, y=up, tooltip=shown)
    return altair.LayerChart(layer=[diagonal, measured], title="how far probabilities can be believed")


def _values(table: pd.DataFrame) -> altair.InlineData:
    rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    return altair.InlineData(values=rows)
