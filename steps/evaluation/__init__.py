"""How good a recommender is: accuracy by full ranking, and what accuracy does not show, per market and activity.

Ranks and the accuracy metrics are those of `ranking`; its tie rule (of equal scores the relevant items come last) holds
here as well. A user without a list counts as zero in every mean over users: nobody is dropped.
"""

from .activity import activity_buckets, quantile_edges
from .beyond_accuracy import coverage, intra_list_diversity, novelty
from .evaluation_table import Audience, Outcome, evaluation_table

__all__ = [
    "Audience",
    "Outcome",
    "activity_buckets",
    "coverage",
    "evaluation_table",
    "intra_list_diversity",
    "novelty",
    "quantile_edges",
]
