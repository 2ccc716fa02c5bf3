"""What the numbers of a card do not say."""

from .facts import CardFacts, records

FEW_USERS = 300


def limits(facts: CardFacts) -> list[str]:
    """Return the caveats that hold for these data and this run, one sentence or two each."""
    told = [
        "All metrics but those of 100 candidates rank the market's whole catalogue. Metrics on sampled candidates are "
        "there to compare with the WSDM Cup only: they disagree with full ranking, even in order.",
        "Among items of equal score the right ones count as last. People and items that a model does not know count as "
        "zero; they are not dropped.",
        "It is known what people met, not what they were shown: an item that nobody offered counts as not wanted, and "
        "what is popular is favoured. Coverage and novelty above say how far.",
        "Diversity is measured by the vectors that re-ranking goes by, which flatters it.",
        "Whoever runs the job often and keeps the best has chosen on the test slice, and the intervals do not know it.",
        "The intervals are over users: what another seed of training would change is not in them.",
    ]
    if not facts.cut_by_time:
        told.insert(
            1,
            "Slices are drawn by user and not by time, so that models learn from what happened after the test as well: "
            "expect less when serving the future.",
        )
    if facts.late_markets:
        told.append(
            f"Nothing here says how good it is in {', '.join(facts.late_markets)}: all that happened there is later "
            "than what the models learnt from. The model of all markets serves there, with what is popular there."
        )
    markets = facts.slices[facts.slices["market"] != "all"]
    small = [f"{row['market']} ({row['users']})" for row in records(markets) if row["users"] < FEW_USERS]
    if small:
        told.append(f"Markets with few people say little: {', '.join(small)}.")
    return told
