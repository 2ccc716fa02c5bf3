"""The settings of a workflow: one pydantic model of declared parameters and of every step's open defaults."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, PositiveInt
from tests.dsl.flow_file import text
from tests.dsl.toys import Model, Ratings, load, train

from kaon.dsl import SettingsError, Workflow, WorkflowError, step, workflow
from kaon.dsl.settings import addresses, flat, validated


class Engine(Enum):
    """Where it is fitted."""

    SPARK = "spark"
    IMPLICIT = "implicit"


@step(output="model")
def fit(
    ratings: Ratings,
    *,
    rank: PositiveInt = 8,
    engine: Literal["spark", "implicit"] = "implicit",
    place: Engine = Engine.SPARK,
    alpha: Annotated[float, Field(gt=0, le=100)] = 40.0,
    layers: tuple[int, ...] = (),
) -> Model:
    """Return a model.

    rank: the length of the vectors,
        at least one.
    alpha, layers: how it is weighed.

            engine: no description, too far inside
    """
    return Model(rank)


class Params(BaseModel):
    seed: int = Field(default=0, description="Where the random numbers start.", ge=0)
    market: str
    labels: list[str] = Field(default_factory=list)


@step(output="seeded")
def seed_models(seed: int, market: str, labels: list[str]) -> int:
    return seed


FLOW = workflow("flow", load >> fit >> seed_models, params=Params)


def refusal(flow: Workflow, values: Mapping[str, object]) -> str:
    with pytest.raises(SettingsError) as raised:
        validated(flow.settings_model, values)
    return str(raised.value)


def test_declared_parameters_stand_first_and_then_a_group_for_each_step() -> None:
    assert list(FLOW.settings_model.model_fields) == ["seed", "market", "labels", "load", "fit"]


def test_every_setting_has_an_address() -> None:
    assert addresses(FLOW.settings_model) == (
        *("seed", "market", "labels", "load.rows"),
        *("fit.rank", "fit.engine", "fit.place", "fit.alpha", "fit.layers"),
    )


def test_values_are_given_by_address() -> None:
    settings = validated(FLOW.settings_model, {"market": "US", "fit.rank": 3, "fit.alpha": "1.5"})

    assert flat(settings) == {
        "seed": 0,
        "market": "US",
        "labels": [],
        "load.rows": 4,
        "fit.rank": 3,
        "fit.engine": "implicit",
        "fit.place": "spark",
        "fit.alpha": 1.5,
        "fit.layers": [],
    }


def test_values_are_given_nested_as_well() -> None:
    nested = validated(FLOW.settings_model, {"market": "US", "fit": {"rank": 3}, "load": {"rows": 1}})
    addressed = validated(FLOW.settings_model, {"market": "US", "fit.rank": 3, "load.rows": 1})

    assert nested == addressed


def test_both_forms_can_be_mixed() -> None:
    settings = validated(FLOW.settings_model, {"market": "US", "fit": {"rank": 3}, "fit.alpha": 2})

    assert (flat(settings)["fit.rank"], flat(settings)["fit.alpha"]) == (3, 2.0)


def test_a_group_can_be_given_as_the_model_itself() -> None:
    group = validated(FLOW.settings_model, {"market": "US", "fit.rank": 3}).fit  # type: ignore[attr-defined]

    settings = validated(FLOW.settings_model, {"market": "US", "fit": group})

    assert flat(settings)["fit.rank"] == 3


def test_settings_as_json_by_address_read_back() -> None:
    settings = validated(FLOW.settings_model, {"market": "US", "fit.layers": [1, 2]})

    assert validated(FLOW.settings_model, flat(settings)) == settings


def test_an_unknown_address_suggests_the_nearest() -> None:
    assert refusal(FLOW, {"market": "US", "fit.rnk": 3}) == text(
        """
        there is no setting 'fit.rnk'

          why: a setting is an input that nothing upstream provides, with a default; or a declared parameter
          fix: did you mean 'fit.rank'?
        """
    )


def test_an_unknown_address_in_the_nested_form_suggests_the_nearest_as_well() -> None:
    assert "there is no setting 'fit.rnk'" in refusal(FLOW, {"market": "US", "fit": {"rnk": 3}})


def test_an_address_like_no_other_lists_them_all() -> None:
    assert refusal(workflow("flow", load), {"quality": 1}) == text(
        """
        there is no setting 'quality'

          why: a setting is an input that nothing upstream provides, with a default; or a declared parameter
          fix: choose one of: 'load.rows'
        """
    )


def test_a_workflow_without_settings_says_so() -> None:
    flow = workflow("flow", load.with_(rows=1))

    assert refusal(flow, {"load.rows": 1}).endswith("fix: this workflow has no settings")


def test_a_value_that_does_not_fit_is_refused_by_its_address() -> None:
    assert refusal(FLOW, {"market": "US", "fit.rank": "many"}) == text(
        """
        fit.rank='many' does not fit

          why: input should be a valid integer, unable to parse string as an integer
          fix: give fit.rank another value
        """
    )


def test_a_missing_parameter_is_asked_for() -> None:
    assert refusal(FLOW, {}) == text(
        """
        the parameter 'market' has no value

          fix: give it one: market=…
        """
    )


def test_every_problem_is_shown_at_once() -> None:
    assert refusal(FLOW, {"fit.rank": 0, "fit.engin": "spark", "seed": -1}) == text(
        """
        4 problems in this workflow

        1. there is no setting 'fit.engin'

          why: a setting is an input that nothing upstream provides, with a default; or a declared parameter
          fix: did you mean 'fit.engine'?

        2. seed=-1 does not fit

          why: input should be greater than or equal to 0
          fix: give seed another value

        3. the parameter 'market' has no value

          fix: give it one: market=…

        4. fit.rank=0 does not fit

          why: input should be greater than 0
          fix: give fit.rank another value
        """
    )


def test_a_settings_error_is_a_workflow_error() -> None:
    assert issubclass(SettingsError, WorkflowError)


def test_the_schema_has_the_help_of_the_docstrings_and_of_the_parameters() -> None:
    schema = FLOW.settings_model.model_json_schema()

    fit_schema = schema["$defs"]["fit"]["properties"]
    assert schema["properties"]["seed"]["description"] == "Where the random numbers start."
    assert fit_schema["rank"]["description"] == "the length of the vectors, at least one."
    assert fit_schema["alpha"]["description"] == fit_schema["layers"]["description"] == "how it is weighed."
    assert "description" not in fit_schema["engine"]
    assert schema["properties"]["fit"]["description"] == "Settings of the step fit."


def test_the_schema_has_choices_and_bounds() -> None:
    schema = FLOW.settings_model.model_json_schema()

    fit_schema = schema["$defs"]["fit"]["properties"]
    assert fit_schema["engine"]["enum"] == ["spark", "implicit"]
    assert schema["$defs"]["Engine"]["enum"] == ["spark", "implicit"]
    assert fit_schema["alpha"]["exclusiveMinimum"] == 0
    assert fit_schema["alpha"]["maximum"] == 100
    assert schema["properties"]["seed"]["minimum"] == 0
    assert schema["required"] == ["market"]


def test_the_schema_is_part_of_the_plan() -> None:
    assert FLOW.plan.settings == FLOW.settings_model.model_json_schema()


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = validated(FLOW.settings_model, {"market": "US"})

    with pytest.raises(ValueError, match="frozen"):
        settings.seed = 1  # type: ignore[attr-defined]


def test_steps_that_stand_in_two_places_have_one_group() -> None:
    flow = workflow("flow", load >> [train, train.rename(model="other"), train.named("wide").rename(model="wide")])

    assert addresses(flow.settings_model) == ("load.rows", "train.rank", "wide.rank")


def test_a_setting_may_have_a_name_that_pydantic_keeps_for_itself(flow_file: Callable[..., dict[str, Any]]) -> None:
    flow = flow_file(
        """
        @step(output="rows")
        def query(*, model_name: str = "als", schema: str = "public", copy: bool = False, json: int = 1) -> int: ...

        flow = workflow("flow", query)
        """
    )["flow"]

    settings = validated(flow.settings_model, {"query.schema": "private"})

    assert flat(settings) == {
        "query.model_name": "als",
        "query.schema": "private",
        "query.copy": False,
        "query.json": 1,
    }
