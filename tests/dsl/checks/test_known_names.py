"""What is said of names that a step does not have."""

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_a_value_given_to_an_unknown_input(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train.with_(rnk=3))
        """
    )

    assert error == text(
        """
        train has no input 'rnk', which .with_(rnk=…) speaks of

          my_flow.py:1
            1 | flow = workflow('flow', load >> train.with_(rnk=3))
              |                                 ^^^^^^^^^^^^^^^^^^

          why: its inputs are: ratings, rank
          fix: did you mean 'rank'?
        """
    )


def test_an_unknown_input_renamed(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train.reads(rating='ratings'))
        """
    )

    assert error == text(
        """
        train has no input 'rating', which .reads(rating=…) speaks of

          my_flow.py:1
            1 | flow = workflow('flow', load >> train.reads(rating='ratings'))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: its inputs are: ratings, rank
          fix: did you mean 'ratings'?
        """
    )


def test_an_unknown_output_renamed(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train.rename(modle='als'))
        """
    )

    assert error == text(
        """
        train has no output 'modle', which .rename(modle=…) speaks of

          my_flow.py:1
            1 | flow = workflow('flow', load >> train.rename(modle='als'))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^

          why: its outputs are: model
          fix: did you mean 'model'?
        """
    )


def test_an_output_renamed_of_a_step_that_has_none(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train >> publish.rename(model='als'))
        """
    )

    assert error == text(
        """
        publish has no output 'model', which .rename(model=…) speaks of

          my_flow.py:1
            1 | flow = workflow('flow', load >> train >> publish.rename(model='als'))
              |                                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: its outputs are: none
          fix: leave .rename(model=…) out
        """
    )
