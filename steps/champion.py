"""The published model that a new one has to match: which it is, and what it earns."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import sparse

from .bundle import Bundle, load_bundle
from .bundled_models import load_model
from .full_ranking import Question, ranks_by_model
from .model_vectors import aligned
from .ranking import Floats, ndcg_at
from .vector_source import fold_in

K = 10


@dataclass(frozen=True, slots=True)
class Champion:
    """The bundle that is champion, or why there is none."""

    version: str
    """Empty if there is none."""
    path: str
    """The bundle's folder."""
    found: str
    """By what it is champion, in one sentence."""


@dataclass(frozen=True, slots=True)
class ChampionScores:
    """nDCG@10 of a champion for each user, market by market."""

    als: tuple[Floats, ...]
    chosen: tuple[Floats | None, ...]
    """By the model of each market; None for a market that the champion does not know."""


def champion_scores(champion: Champion, asked: Sequence[Question]) -> ChampionScores:
    """Return what the champion's ALS factors and its markets' models earn by the histories of the questions.

    Raises BundleError if the bundle cannot be read.
    """
    bundle = load_bundle(champion.path)
    return ChampionScores(
        tuple(_by_factors(bundle, one) for one in asked), tuple(_by_chosen(bundle, one) for one in asked)
    )


def _by_factors(bundle: Bundle, asked: Question) -> Floats:
    sources = bundle.sources
    items = aligned(sources.als.items[0], sources.item_ids, asked.catalogue)
    history = sparse.csr_matrix(asked.seen, dtype="f4")
    history.sort_indices()
    config = bundle.manifest["als"]
    assert isinstance(config, dict), "publish writes how ALS was trained"
    alpha, strength = float(str(config["alpha"])), float(str(config["regularization"]))
    by_length = config.get("engine") == "spark"  # Spark multiplies it by the number of interactions
    users = fold_in(history, items, alpha=alpha, regularization=lambda n: strength * n if by_length else strength)
    users[[not met for met in asked.histories]] = float("nan")
    return ndcg_at(K, asked.ranks(users, items))


def _by_chosen(bundle: Bundle, asked: Question) -> Floats | None:
    files = bundle.manifest["models"]
    assert isinstance(files, dict), "write_bundle names the models"
    if asked.market not in files:
        return None
    names = files[asked.market]
    assert isinstance(names, list), "a market has one file or those of a blend"
    return ndcg_at(K, ranks_by_model(asked, load_model(bundle.path, [str(name) for name in names])))
