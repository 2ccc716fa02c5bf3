"""What is said of expressions that are no workflow: values, functions, verbs without a body."""

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_a_plain_function_used_as_a_step(mistake: Mistake) -> None:
    error = mistake(
        """
        def clean(ratings: Ratings) -> Ratings: ...

        flow = workflow("flow", load >> clean >> train)
        """
    )

    assert error == text(
        """
        clean is used as a step, and it is a plain function

          my_flow.py:3
            3 | flow = workflow("flow", load >> clean >> train)
              |                                 ^^^^^

          why: a workflow is made of steps: functions that declare what they output
          fix: decorate it with @step(output=…): def clean(…)
        """
    )


def test_a_class_used_as_a_step(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> Model)
        """
    )

    assert error == text(
        """
        Model is used as a step, and it is a plain class

          my_flow.py:1
            1 | flow = workflow('flow', load >> Model)
              |                                 ^^^^^

          why: a workflow is made of steps: functions that declare what they output
          fix: write a function that calls it, and decorate that with @step(output=…)
        """
    )


def test_a_builtin_function_used_as_a_step(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> print)
        """
    )

    assert error == text(
        """
        print is used as a step, and it is a plain function

          my_flow.py:1
            1 | flow = workflow('flow', load >> print)
              |                                 ^^^^^

          why: a workflow is made of steps: functions that declare what they output
          fix: write a function that calls it, and decorate that with @step(output=…)
        """
    )


def test_a_lambda_used_as_a_step(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> (lambda ratings: ratings))
        """
    )

    assert error == text(
        """
        <lambda> is used as a step, and it is a plain function

          my_flow.py:1
            1 | flow = workflow('flow', load >> (lambda ratings: ratings))
              |                                  ^^^^^^^^^^^^^^^^^^^^^^^

          why: a workflow is made of steps: functions that declare what they output
          fix: write a function that calls it, and decorate that with @step(output=…)
        """
    )


def test_a_plain_value_used_as_a_step(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> 'train')
        """
    )

    assert error == text(
        """
        'train' is not a step

          my_flow.py:1
            1 | flow = workflow('flow', load >> 'train')
              |                                 ^^^^^^^

          why: a workflow is made of steps, lists of branches and verbs; this is of type str
          fix: pass plain values to a step with .with_(name=value)
        """
    )


def test_nothing_used_as_a_step(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> publish(Model(1)))
        """
    )

    assert error == text(
        """
        None is not a step

          my_flow.py:1
            1 | flow = workflow('flow', load >> publish(Model(1)))
              |                                 ^^^^^^^^^^^^^^^^^

          why: a workflow is made of steps, lists of branches and verbs; this is of type NoneType
          fix: pass plain values to a step with .with_(name=value)
        """
    )


def test_a_loop_without_do(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', find_markets >> for_each(market='markets') >> measure)
        """
    )

    assert error == text(
        """
        for_each(market) has no body

          my_flow.py:1
            1 | flow = workflow('flow', find_markets >> for_each(market='markets') >> measure)
              |                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: a loop or a decision says what it runs with .do(…)
          fix: add .do(first_step >> second_step)
        """
    )


def test_a_repeat_without_do(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', repeat(until='stable', at_most=3) >> load)
        """
    )

    assert error == text(
        """
        repeat(until='stable') has no body

          my_flow.py:1
            1 | flow = workflow('flow', repeat(until='stable', at_most=3) >> load)
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: a loop or a decision says what it runs with .do(…)
          fix: add .do(first_step >> second_step)
        """
    )


def test_a_decision_without_do(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', [when('stable'), load])
        """
    )

    assert error == text(
        """
        when('stable') has no body

          my_flow.py:1
            1 | flow = workflow('flow', [when('stable'), load])
              |                          ^^^^^^^^^^^^^^

          why: a loop or a decision says what it runs with .do(…)
          fix: add .do(first_step >> second_step)
        """
    )
