"""What is said of steps, parameters and settings that would share an address."""

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_two_different_steps_of_one_name(mistake: Mistake) -> None:
    error = mistake(
        """
        def declare(count):
            @step(output=f"model_{count}")
            def train(*, rank: int = 8) -> int: ...
            return train

        flow = workflow("flow", declare(1) >> declare(2))
        """
    )

    assert error == text(
        """
        two different steps are called 'train'

          my_flow.py:6
            6 | flow = workflow("flow", declare(1) >> declare(2))
              |                                       ^^^^^^^^^^

          why: settings are addressed by the step's name, as in train.…
          fix: name one of them: train.named("…")
        """
    )


def test_a_step_named_as_another_one_is(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train >> check.named('train'))
        """
    )

    assert error == text(
        """
        two different steps are called 'train'

          my_flow.py:1
            1 | flow = workflow('flow', load >> train >> check.named('train'))
              |                                          ^^^^^^^^^^^^^^^^^^^^

          why: settings are addressed by the step's name, as in train.…
          fix: name one of them: train.named("…")
        """
    )


def test_a_parameter_declared_twice_with_different_types(mistake: Mistake) -> None:
    error = mistake(
        """
        class Numbers(BaseModel):
            size: int = 1

        class Texts(BaseModel):
            size: str = "small"

        inner = workflow("inner", load, params=Numbers)
        other = workflow("other", find_markets, params=Texts)
        flow = workflow("flow", inner >> other)
        """
    )

    assert error == text(
        """
        the parameter 'size' is declared twice, with different types

          my_flow.py:9
            9 | flow = workflow("flow", inner >> other)
              |                                  ^^^^^

          why: int at my_flow.py:9, str here
          fix: give both the same type, or fix one with .with_(…)
        """
    )


def test_a_parameter_named_as_a_step(mistake: Mistake) -> None:
    error = mistake(
        """
        class Params(BaseModel):
            train: bool = True

        flow = workflow("flow", load >> train, params=Params)
        """
    )

    assert error == text(
        """
        'train' is both a parameter and a step

          my_flow.py:4
            4 | flow = workflow("flow", load >> train, params=Params)
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: train.… addresses the settings of the step
          fix: rename the parameter
        """
    )


def test_a_setting_that_begins_with_an_underscore(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="rows")
        def _count(*, limit: int = 3) -> int: ...

        flow = workflow("flow", _count)
        """
    )

    assert error == text(
        """
        the setting '_count.limit' begins with an underscore

          my_flow.py:4
            4 | flow = workflow("flow", _count)
              |                         ^^^^^^

          why: settings are the fields of a pydantic model, which keeps such names to itself
          fix: give the step another name, .named("…"), or the input a value, .with_(…)
        """
    )
