"""The sections of a model card that show what was measured: overall, by market, by activity, after ranking."""

from collections.abc import Iterator, Mapping

import pandas as pd

from ..market_models import MarketModel
from .charts import Dot, Measured, dots, intervals
from .facts import CardFacts, records
from .markup import Markup, number, section, table, tag

GROUPS = ("plain", "diversity", "genre cap", "exploration", "prior")
NAMES = {
    "als": "ALS",
    "tower": "two towers",
    "chosen": "the market's model",
    "market_jaccard": "item neighbours",
    "market_popularity": "popularity",
}
MODEL_NAMES: Mapping[MarketModel, str] = {
    "tower": "global towers",
    "local_tower": "local towers",
    "fine_tuned_tower": "fine-tuned towers",
    "als": "global ALS",
    "local_als": "local ALS",
    "blend": "local ALS with global ALS and towers",
    "tower_blend": "local towers with global towers and ALS",
}
METRIC_NAMES = {"ndcg": "nDCG", "hit_rate": "hit rate", "mrr": "MRR", "map": "MAP"}


def metrics_section(facts: CardFacts) -> Markup:
    """Return all metrics over all users of the test slice, of the recommender and of each source alone."""
    whole = facts.evaluation_table[facts.evaluation_table["by"] == "all"]
    models = list(dict.fromkeys(whole["model"]))
    values = {(row["model"], row["metric"]): row["value"] for row in records(whole)}
    metrics = list(dict.fromkeys(whole["metric"]))
    rows = [[_name(model), *(number(values[model, metric]) for metric in metrics)] for model in models]
    accuracy = metrics[0] if metrics else ""
    users = int(whole["users"].iloc[0]) if len(whole) else 0
    return section(
        "How good it is",
        tag(
            "p",
            f"On {number(users)} people of the test slice, from the market's whole catalogue, seen items removed, with "
            "95 % bootstrap intervals over people. ",
            _made(facts),
        ),
        tag("h3", _metric(accuracy)),
        intervals(list(_measured(whole, accuracy))),
        tag("h3", "All metrics"),
        table(["model", *map(_metric, metrics)], rows),
        tag(
            "p",
            "Novelty is the mean self-information of the offered items in bits; diversity the mean of 1 − cosine "
            "within a list; coverage the share of the catalogue that is in somebody's list.",
            class_="note",
        ),
    )


def market_section(facts: CardFacts) -> Markup:
    """Return the recommender in every market, and which model was chosen there on what evidence."""
    own = _recommender(facts.evaluation_table, "market")
    rows = []
    for row in records(facts.market_table):
        models = [
            f"{number(row[name])} [{number(row[f'{name}_low'], 3)}, {number(row[f'{name}_high'], 3)}]"
            for name in MODEL_NAMES
        ]
        rows.append([row["market"], MODEL_NAMES[row["chosen"]], number(row["users"]), *models, row["reason"]])
    return section(
        "In each market",
        tag("h3", f"{accuracy_name(facts)} of the recommender on test"),
        intervals(own),
        tag("h3", "Which model serves, and why: nDCG@10 on the tuning slice"),
        _evidence(rows),
    )


def activity_section(facts: CardFacts) -> Markup:
    """Return the recommender by how much is known of people."""
    return section(
        "By activity",
        tag("p", "People by how many items they had met before; their number is below each group."),
        intervals(_recommender(facts.evaluation_table, "activity")),
    )


def reranking_section(facts: CardFacts) -> Markup:
    """Return what each setting after ranking costs in nDCG@10, and what it gives."""
    frame = facts.reranking_table
    shown = frame[frame["setting"].isin(GROUPS)]
    points = {
        column: [Dot(row[column], row["ndcg@10"], row["setting"], row["value"]) for row in records(shown)]
        for column in ("diversity@10", "coverage@10")
    }
    rows = [
        [
            _told(row),
            number(row["ndcg@10"]),
            f"{row['change']:+.4f} [{row['change_low']:+.4f}, {row['change_high']:+.4f}]",
            number(row["diversity@10"], 3),
            number(row["novelty@10"], 2),
            number(row["coverage@10"], 3),
        ]
        for row in records(frame)
    ]
    users = number(float(frame["users"].iloc[0])) if len(frame) else "0"
    return section(
        "After ranking: what each setting costs",
        tag(
            "p",
            f"On {users} people of the stability slice; the change in nDCG@10 is paired by person. The rows of chosen "
            "titles and of popularity answer the same people as if they were new.",
        ),
        tag(
            "div",
            dots(points["diversity@10"], "intra-list diversity", "nDCG@10", GROUPS),
            dots(points["coverage@10"], "catalogue coverage", "nDCG@10", GROUPS),
            class_="columns",
        ),
        table(["setting", "nDCG@10", "change", "diversity", "novelty", "coverage"], rows),
    )


def _made(facts: CardFacts) -> str:
    """Return how the recommender's lists were made, where that is not as by default."""
    changed = facts.reranking.model_dump(exclude_defaults=True)
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changed.items())
    return f"The recommender's lists are made with {told}." if told else "Its lists are as the ranker orders them."


def _evidence(rows: list[list[object]]) -> Markup:
    """Return the table of choices; its last column is words."""
    header = ["market", "chosen", "users", *MODEL_NAMES.values(), "reason"]
    words = {0, 1, len(header) - 1}

    def cells(name: str, row: list[object]) -> Iterator[Markup]:
        return (tag(name, value, class_="text" if at in words else "number") for at, value in enumerate(row))

    head = tag("thead", tag("tr", *cells("th", list(header))))
    body = tag("tbody", *(tag("tr", *cells("td", row)) for row in rows))
    return tag("div", tag("table", head, body), class_="scroll")


def _measured(rows: pd.DataFrame, metric: str) -> Iterator[Measured]:
    for place, row in enumerate(records(rows[rows["metric"] == metric])):
        yield Measured(_name(row["model"]), row["value"], row["low"], row["high"], main=place == 0)


def _recommender(frame: pd.DataFrame, by: str) -> list[Measured]:
    """Return the first model's first metric in each group."""
    if frame.empty:
        return []
    own = frame[
        (frame["model"] == frame["model"].iloc[0]) & (frame["metric"] == frame["metric"].iloc[0]) & (frame["by"] == by)
    ]
    return [
        Measured(row["group"], row["value"], row["low"], row["high"], f"{number(row['users'])} people", main=True)
        for row in records(own)
    ]


def accuracy_name(facts: CardFacts) -> str:
    """Return the first metric as people write it."""
    return _metric(str(facts.evaluation_table["metric"].iloc[0])) if len(facts.evaluation_table) else "nDCG@10"


def _told(row: Mapping[str, object]) -> str:
    return f"{row['setting']} {row['value']}".strip()


def _name(model: str) -> str:
    return NAMES.get(model, model)


def _metric(name: str) -> str:
    """Return a metric as people write it: `ndcg@10` as nDCG@10."""
    metric, at, k = name.partition("@")
    return METRIC_NAMES.get(metric, metric) + at + k
