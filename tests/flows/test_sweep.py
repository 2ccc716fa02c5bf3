"""The shipped workflow swept: what of it runs once, and what for each point; nothing is trained here."""

from kaon.dsl.ir import Points
from kaon.dsl.settings import addresses
from kaon.dsl.sweeps import Objective, swept
from kaon.flows.recommendations import recommendations

RANKS = Points(((32,), (64,)))


def parts(objective: str, *variables: str) -> tuple[list[str], list[str]]:
    wanted = Objective.parse(objective, "maximize") if objective else None
    flow = swept(recommendations, variables, RANKS, objective=wanted)
    calls = [("/sweep[" in call.path, call.step) for call in flow.plan.calls()]
    return [name for inside, name in calls if not inside], [name for inside, name in calls if inside]


def test_a_setting_of_als_is_swept_for_als_alone_over_one_data_set() -> None:
    once, each = parts("als_metrics.ndcg@10", "train_als.rank")

    assert once == ["select_users", "split_interactions"]
    assert each == ["train_als", "evaluate_als"]


def test_a_setting_of_the_ranker_is_swept_after_the_models_were_chosen_once() -> None:
    once, each = parts("ranker_metrics.ndcg@10", "train_ranker.depth")

    assert once[-1] == "check_stability"
    assert "publish" not in once and "build_index" not in once
    assert each == ["train_ranker"]


def test_without_an_objective_all_that_depends_on_the_setting_runs() -> None:
    once, each = parts("", "train_als.rank")

    assert once == ["select_users", "split_interactions", "find_champion"]
    assert "train_als" in each and each[-1] == "write_model_card"


def test_the_seed_of_every_step_is_swept_as_the_parameter_that_it_is() -> None:
    once, each = parts("als_metrics.ndcg@10", "seed")

    assert once == ["select_users"]
    assert each == ["split_interactions", "train_als", "evaluate_als"]


def test_only_the_settings_of_what_runs_are_left() -> None:
    objective = Objective.parse("als_metrics.ndcg@10", "maximize")
    left = addresses(swept(recommendations, ("train_als.rank",), RANKS, objective=objective).settings_model)

    assert "train_als.alpha" in left and "seed" in left
    assert "train_als.rank" not in left and "publish.name" not in left
