"""What is said of a name that two branches provide."""

# ruff: noqa: E501  what an error says is pinned as it is printed

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_two_branches_that_provide_one_name(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", load >> [train, train.named("train_again")] >> publish)
        """
    )

    assert error == text(
        """
        two parallel branches provide 'model'

          my_flow.py:1
            1 | flow = workflow("flow", load >> [train, train.named("train_again")] >> publish)
              |                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: train provides 'model: Model' at my_flow.py:1, and train_again provides 'model: Model' here; after the join the name is ambiguous
          fix: rename one: train_again.rename(model="model_of_train_again")
        """
    )


def test_a_loop_and_a_step_that_provide_one_name(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", [for_each(market=["US", "CA"]).do(measure), measure.with_(market="UK").named("other")])
        """
    )

    assert error == text(
        """
        two parallel branches provide 'length'

          my_flow.py:1
            1 | flow = workflow("flow", [for_each(market=["US", "CA"]).do(measure), measure.with_(market="UK").named("other")])
              |                                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: the loop for_each[market] provides 'length: Mapping[str, int]' at my_flow.py:1, and other provides 'length: int' here; after the join the name is ambiguous
          fix: rename one: other.rename(length="length_of_other")
        """
    )


def test_three_branches_that_provide_one_name(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", parallel(
            load,
            load.named("second"),
            load.named("third"),
        ))
        """
    )

    assert error == text(
        """
        two parallel branches provide 'ratings'

          my_flow.py:3
            3 |     load.named("second"),
              |     ^^^^^^^^^^^^^^^^^^^^

          why: load provides 'ratings: Ratings' at my_flow.py:2, and second provides 'ratings: Ratings' here; after the join the name is ambiguous
          fix: rename one: second.rename(ratings="ratings_of_second")
        """
    )
