"""What is said of types that do not fit."""

# ruff: noqa: E501  what an error says is pinned as it is printed

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_an_output_of_another_type_is_refused(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="model")
        def guess() -> str: ...

        flow = workflow("flow", load >> guess >> evaluate)
        """
    )

    assert error == text(
        """
        evaluate needs 'model: Model', and gets 'model: str'

          my_flow.py:4
            4 | flow = workflow("flow", load >> guess >> evaluate)
              |                                          ^^^^^^^^

          why: guess provides 'model' at my_flow.py:4
          fix: change one of the two types, or put a step between them that converts
        """
    )


def test_another_output_of_the_type_is_suggested(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", load >> train >> find_markets.rename(markets="model") >> load.named("again")
            >> train.named("better").rename(model="better_model") >> publish)
        """
    )

    assert error == text(
        """
        publish needs 'model: Model', and gets 'model: list[str]'

          my_flow.py:2
            2 |     >> train.named("better").rename(model="better_model") >> publish)
              |                                                              ^^^^^^^

          why: find_markets provides 'model' at my_flow.py:1
          fix: publish.reads(model="better_model")
        """
    )


def test_the_join_of_a_loop_explains_itself(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", load >> train >> find_markets >> for_each(market="markets").do(fine_tune)
            >> publish.reads(model="local_model"))
        """
    )

    assert error == text(
        """
        publish needs 'model: Model', and gets 'local_model: Mapping[str, Model]'

          my_flow.py:2
            2 |     >> publish.reads(model="local_model"))
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: the loop for_each[market] provides 'local_model' at my_flow.py:1
          fix: annotate it as Mapping[str, Model], or move publish inside the loop
        """
    )


def test_a_plain_value_where_a_newtype_is_asked_for_is_refused(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="ratings")
        def raw() -> list[int]: ...

        flow = workflow("flow", raw >> train)
        """
    )

    assert error == text(
        """
        train needs 'ratings: Ratings', and gets 'ratings: list[int]'

          my_flow.py:4
            4 | flow = workflow("flow", raw >> train)
              |                                ^^^^^

          why: raw provides 'ratings' at my_flow.py:4
          fix: change one of the two types, or put a step between them that converts
        """
    )


def test_what_only_one_case_of_a_decision_provides_may_be_none(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", load >> train >> check >> when("stable").do(train.named("better").rename(model="better_model"))
            >> publish.reads(model="better_model"))
        """
    )

    assert error == text(
        """
        publish needs 'model: Model', and gets 'better_model: Model | None'

          my_flow.py:2
            2 |     >> publish.reads(model="better_model"))
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: better provides 'better_model' at my_flow.py:1
          fix: annotate it as Model | None, and say what happens if it is None
        """
    )
