"""What happens to a ranked list before anybody sees it, and who is answered how.

Retrieval, ranker, the rule of seen items, diversity and caps, exploration: `recommend` runs them all. Whoever has no
history is served by a few chosen titles, and else by what is popular.
"""

from .exploration import explored, head_items
from .genres import GenreTable, genre_table
from .mmr import diversified
from .recommend import Answers, Served, ranked_candidates, recommend, reranked, retrieved
from .settings import Reranking
from .visitors import Fallback, Visitor, Visitors, known_users, questions_of, visitors_of

__all__ = [
    "Answers",
    "Fallback",
    "GenreTable",
    "Reranking",
    "Served",
    "Visitor",
    "Visitors",
    "diversified",
    "explored",
    "genre_table",
    "head_items",
    "known_users",
    "questions_of",
    "ranked_candidates",
    "recommend",
    "reranked",
    "retrieved",
    "visitors_of",
]
