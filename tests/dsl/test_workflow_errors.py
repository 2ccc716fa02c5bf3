"""What is said of workflows and steps that cannot be declared at all: names, options, cycles, lazily given bodies."""

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_a_problem_in_the_decorator_is_shown_at_it(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(
            output="a model",
            retries=2,
        )
        def fit() -> Model: ...
        """
    )

    assert error == text(
        """
        'a model' cannot name an output

          my_flow.py:1
            1 | @step(
              |  ^^^^^

          fix: use letters, digits and underscores
        """
    )


def test_times_and_retries_cannot_be_negative(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(retries=-1, output="model")
        def fit() -> Model: ...
        """
    )

    assert error == text(
        """
        retries and times of a step cannot be negative

          my_flow.py:1
            1 | @step(retries=-1, output="model")
              |  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          fix: leave them out, or give numbers above zero
        """
    )


def test_a_class_cannot_be_decorated_as_a_step(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="model")
        class Fit: ...
        """
    )

    assert error == text(
        """
        <class 'my_flow.Fit'> cannot be a step

          my_flow.py:1
            1 | @step(output="model")
              |  ^^^^^^^^^^^^^^^^^^^^

          why: a step is a plain function with typed parameters
          fix: write a function that calls it
        """
    )


def test_a_workflow_cannot_have_every_name(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('my flow', load)
        """
    )

    assert error == text(
        """
        'my flow' cannot name a workflow

          my_flow.py:1
            1 | flow = workflow('my flow', load)
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^

          why: the name is the first part of every path, and a name in Prefect and MLflow
          fix: use letters, digits and underscores
        """
    )


def test_parameters_of_a_workflow_are_a_pydantic_model(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load, params={'rank': 8})
        """
    )

    assert error == text(
        """
        params={'rank': 8} is not a pydantic model

          my_flow.py:1
            1 | flow = workflow('flow', load, params={'rank': 8})
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: parameters are typed, documented and checked by one
          fix: class Params(BaseModel): seed: int = 0
        """
    )


def test_a_workflow_that_contains_itself_is_refused(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", lambda: load >> flow)
        flow.plan
        """
    )

    assert error == text(
        """
        the workflow flow contains itself

          my_flow.py:1
            1 | flow = workflow("flow", lambda: load >> flow)
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: its body leads back to it through the workflows nested in it, so it would never end
          fix: take it out of one of them; to run a stage again use repeat(until=…, at_most=…)
        """
    )


def test_a_cycle_through_nested_workflows_is_refused(mistake: Mistake) -> None:
    error = mistake(
        """
        inner = workflow("inner", lambda: load >> outer)
        outer = workflow("outer", lambda: train >> inner)
        outer.plan
        """
    )

    assert error == text(
        """
        the workflow outer contains itself

          my_flow.py:2
            2 | outer = workflow("outer", lambda: train >> inner)
              |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: its body leads back to it through the workflows nested in it, so it would never end
          fix: take it out of one of them; to run a stage again use repeat(until=…, at_most=…)
        """
    )


def test_a_lazily_given_body_is_checked_when_the_plan_is_first_asked_for(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", lambda: load >> evaluate)
        flow.plan
        """
    )

    assert error == text(
        """
        evaluate needs 'model: Model', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow("flow", lambda: load >> evaluate)
              |                                         ^^^^^^^^

          why: in scope: ratings
          fix: put a step before it that outputs 'model', or give it a default
        """
    )


def test_a_lazily_given_body_that_is_no_step_is_shown_at_the_workflow(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", lambda: 7)
        flow.plan
        """
    )

    assert error == text(
        """
        7 is not a step

          my_flow.py:1
            1 | flow = workflow("flow", lambda: 7)
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: a workflow is made of steps, lists of branches and verbs; this is of type int
          fix: pass plain values to a step with .with_(name=value)
        """
    )


def test_a_body_that_is_no_expression_is_shown(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', 7)
        """
    )

    assert error == text(
        """
        7 is not a step

          my_flow.py:1
            1 | flow = workflow('flow', 7)
              |                         ^

          why: a workflow is made of steps, lists of branches and verbs; this is of type int
          fix: pass plain values to a step with .with_(name=value)
        """
    )


def test_a_mistake_in_a_nested_workflow_is_shown_in_it(mistake: Mistake) -> None:
    error = mistake(
        """
        inner = workflow("inner", lambda: load >> evaluate)
        outer = workflow("outer", load.named("first") >> inner)
        """
    )

    assert error == text(
        """
        evaluate needs 'model: Model', and nothing upstream provides it

          my_flow.py:1
            1 | inner = workflow("inner", lambda: load >> evaluate)
              |                                           ^^^^^^^^

          why: in scope: ratings
          fix: put a step before it that outputs 'model', or give it a default
        """
    )
