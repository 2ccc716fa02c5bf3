"""What is said of decisions that nothing decides."""

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_a_condition_that_is_no_bool(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train >> when('model').do(publish))
        """
    )

    assert error == text(
        """
        when decides by 'model', which is of type Model

          my_flow.py:1
            1 | flow = workflow('flow', load >> train >> when('model').do(publish))
              |                                          ^^^^^^^^^^^^^

          why: train provides it at my_flow.py:1, and only a bool decides
          fix: let train output a bool
        """
    )


def test_a_condition_that_nothing_provides(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train >> check >> when('stabel').do(publish))
        """
    )

    assert error == text(
        """
        when decides by 'stabel', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow('flow', load >> train >> check >> when('stabel').do(publish))
              |                                                   ^^^^^^^^^^^^^^

          why: bools in scope: stable
          fix: did you mean 'stable'?
        """
    )


def test_a_condition_where_no_bool_is_in_scope(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train >> when('stable').do(publish))
        """
    )

    assert error == text(
        """
        when decides by 'stable', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow('flow', load >> train >> when('stable').do(publish))
              |                                          ^^^^^^^^^^^^^^

          why: bools in scope: none
          fix: put a step before it with @step(output="stable") that returns a bool
        """
    )
