"""The page of a model card: its sections in order."""

from ..context_crosses import lifted
from ..stability_report import Check
from .charts import bars
from .facts import CardFacts, records
from .limits import limits
from .markup import Markup, joined, number, section, table, tag
from .measured import accuracy_name, activity_section, market_section, metrics_section, reranking_section
from .style import STYLE

IMPORTANT = 15
"""Features that are shown."""


def model_card_page(facts: CardFacts) -> str:
    """Return the model card as a page that needs nothing but itself."""
    receipt = facts.receipt
    body = tag(
        "main",
        _header(facts),
        _tiles(facts),
        _purpose(facts),
        _data(facts),
        metrics_section(facts),
        market_section(facts),
        activity_section(facts),
        reranking_section(facts),
        _ranker(facts),
        _stability(facts),
        _index(facts),
        section("Limits and caveats", tag("ul", *(tag("li", limit) for limit in limits(facts)))),
        _versions(facts),
    )
    title = f"{receipt.name} {receipt.version}: model card"
    head = joined(
        [
            Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
            tag("title", title),
            Markup(f"<style>{STYLE}</style>"),
        ]
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _header(facts: CardFacts) -> Markup:
    receipt = facts.receipt
    state = "validated" if receipt.validated else "not validated"
    told = [f"Version {receipt.version}"]
    told += [f"run {facts.run}"] if facts.run is not None else []
    told += [facts.created] if facts.created else []
    return tag(
        "header",
        tag("span", state, class_="badge" if receipt.validated else "badge warn"),
        tag("h1", f"{receipt.name}: model card"),
        tag("p", " · ".join(told)),
        *([tag("ul", *(tag("li", reason) for reason in receipt.reasons), class_="note")] if receipt.reasons else []),
    )


def _tiles(facts: CardFacts) -> Markup:
    metrics, table = facts.receipt.metrics, facts.evaluation_table
    own = table[table["by"] == "all"].head(1)  # the recommender's first metric, as in the section below
    accuracy = accuracy_name(facts)
    whole = facts.slices[facts.slices["market"] == "all"].iloc[0]
    shown = [
        (f"{accuracy}, whole catalogue", number(float(own["value"].iloc[0]) if len(own) else float("nan"))),
        ("nDCG@10, 100 candidates", number(metrics.get("lists.ndcg@10", float("nan")))),
        ("people in the cohort", number(whole["users"])),
        ("items", number(whole["items"])),
        ("markets", str(len(facts.slices) - 1)),
        ("recall of the index", number(facts.index_report.get("recall@10", float("nan")), 3)),
    ]
    return tag(
        "div", *(tag("div", tag("span", name), tag("b", value), class_="tile") for name, value in shown), class_="tiles"
    )


def _purpose(facts: CardFacts) -> Markup:
    return section(
        "What it is for",
        tag("p", "It puts the items of a market in order for one person, from what this person and others met before."),
        tag(
            "p",
            "Candidates come from implicit-feedback ALS, a two-tower model, the model that did best in the market, "
            "item neighbours and the market's popularity; a gradient-boosted ranker orders them. Seen items are "
            "removed. Someone without a history is answered by a few chosen titles, else by what is popular in the "
            "market, and the answer says which.",
        ),
        tag(
            "p",
            "It is not made to judge people, to set prices, or to rank anything that harms whoever is ranked low; "
            "and it knows nothing of what an item is beyond who met it, where no content was given.",
            class_="soft",
        ),
    )


def _data(facts: CardFacts) -> Markup:
    how = (
        "Slices are cut by time, for everybody at once: train, then tuning and stability, then ranking, then test."
        if facts.cut_by_time
        else "Slices are drawn by user: each gives at most one interaction, to one slice, both chosen by hashes of ids."
    )
    names = [str(name) for name in facts.slices.columns]
    rows = [[row[0], *(number(float(value)) for value in row[1:])] for row in facts.slices.itertuples(index=False)]
    return section(
        "Data, cohort and splits",
        tag(
            "p",
            how,
            " Retrieval models learn from train, the choice per market from tuning, the ranker from ranking; "
            "stability judges them, and nothing but the reports of this card reads test.",
        ),
        table(names, rows),
    )


def _ranker(facts: CardFacts) -> Markup:
    top = facts.feature_importance.head(IMPORTANT)
    metrics = facts.ranker_metrics
    low, high = (metrics.get(f"ndcg@10.{end}", float("nan")) for end in ("low", "high"))
    parts: list[object] = [
        tag(
            "p",
            f"On held-out users of its own slice it has nDCG@10 {number(metrics.get('ndcg@10', float('nan')))} "
            f"[{number(low)}, {number(high)}] among uniform candidates. Bars: shares of the total gain of its splits.",
        ),
        bars([(row["feature"].replace("_", " "), row["gain"]) for row in records(top)]),
        tag("p", _moment(facts)),
    ]
    if facts.reliability is not None and len(facts.reliability):
        names = [str(name) for name in facts.reliability.columns]
        rows = [[_shown(value) for value in row] for row in facts.reliability.itertuples(index=False)]
        parts += [tag("h3", "Calibration"), table(names, rows)]
    return section("What the ranker looks at", *parts)


def _moment(facts: CardFacts) -> str:
    """Return what the ranker knows of when and on what somebody asks."""
    columns = sorted(lifted(map(str, facts.feature_importance["feature"])))
    if not columns:
        return (
            "The data does not say on which device, at which hour or on which weekday items were met, so that the "
            "order is the same at every moment."
        )
    return (
        f"Of the moment of a request it knows {', '.join(columns)}: how much more an item is met there than items are "
        "in general (lift). What is retrieved, and what someone is offered of whom nothing is known, is the same at "
        "every moment."
    )


def _stability(facts: CardFacts) -> Markup:
    report = facts.stability_report
    return section(
        "Stability",
        tag(
            "p", f"Attempt {report.attempt}, judged on {number(report.users)} users who chose nothing: {report.reason}."
        ),
        tag("ul", *(_check(check) for check in report.checks), class_="checks note"),
    )


def _check(check: Check) -> Markup:
    mark = tag("span", "✓ " if check.holds else "✗ ", class_="holds" if check.holds else "fails")
    return tag("li", mark, str(check))


def _index(facts: CardFacts) -> Markup:
    report = facts.index_report
    chosen = "an HNSW graph" if report.get("chosen.hnsw") else "exact search"
    rows = [[name, number(float(value), 3)] for name, value in report.items()]
    return section(
        "Index",
        tag(
            "p",
            f"Vectors are searched by {chosen}, by inner product: by a graph where they are many and it finds enough "
            "of them, else exactly.",
        ),
        table(["measure", "value"], rows),
    )


def _versions(facts: CardFacts) -> Markup:
    receipt = facts.receipt
    told = {
        "bundle": tag("code", receipt.version),
        "folder": tag("code", receipt.bundle),
        "run": str(facts.run) if facts.run is not None else "outside of a run",
        "registry": f"version {receipt.registry_version}" if receipt.registry_version is not None else "not registered",
        "aliases": ", ".join(receipt.aliases) or "none",
        **facts.versions,
    }
    pairs = [part for name, value in told.items() for part in (tag("dt", name), tag("dd", value))]
    return section("Versions", tag("dl", *pairs))


def _shown(value: object) -> str:
    return number(float(value)) if isinstance(value, int | float) else str(value)
