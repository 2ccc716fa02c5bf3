"""What is said of repetitions whose end cannot be told."""

# ruff: noqa: E501  what an error says is pinned as it is printed

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_an_until_that_is_no_bool(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> repeat(until='score', at_most=3).do(train >> evaluate))
        """
    )

    assert error == text(
        """
        repeat runs until 'score', which is of type float

          my_flow.py:1
            1 | flow = workflow('flow', load >> repeat(until='score', at_most=3).do(train >> evaluate))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: evaluate provides it at my_flow.py:1, and only a bool can be waited for
          fix: let evaluate output a bool
        """
    )


def test_an_until_that_nothing_provides(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> repeat(until='stabel', at_most=3).do(train >> check))
        """
    )

    assert error == text(
        """
        repeat runs until 'stabel', and nothing in its body provides it

          my_flow.py:1
            1 | flow = workflow('flow', load >> repeat(until='stabel', at_most=3).do(train >> check))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: bools that the body provides: stable
          fix: did you mean 'stable'?
        """
    )


def test_an_until_that_only_what_is_outside_provides(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train >> check >> repeat(until='stable', at_most=3).do(train.named('again')))
        """
    )

    assert error == text(
        """
        repeat runs until 'stable', which its body does not provide

          my_flow.py:1
            1 | flow = workflow('flow', load >> train >> check >> repeat(until='stable', at_most=3).do(train.named('again')))
              |                                                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: check provides it before the loop, so it would never change
          fix: put a step into the body with @step(output="stable") that returns a bool
        """
    )


def test_an_until_in_a_body_without_any_bool(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> repeat(until='stable', at_most=3).do(train))
        """
    )

    assert error == text(
        """
        repeat runs until 'stable', and nothing in its body provides it

          my_flow.py:1
            1 | flow = workflow('flow', load >> repeat(until='stable', at_most=3).do(train))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: bools that the body provides: none
          fix: put a step into the body with @step(output="stable") that returns a bool
        """
    )


def test_an_until_that_may_be_absent(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", load >> train >> check.rename(stable="worth_it") >> repeat(until="stable", at_most=3).do(
            when("worth_it").do(check.named("again"))))
        """
    )

    assert error == text(
        """
        repeat runs until 'stable', which is of type bool | None

          my_flow.py:1
            1 | flow = workflow("flow", load >> train >> check.rename(stable="worth_it") >> repeat(until="stable", at_most=3).do(
              |                                                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: again provides it at my_flow.py:2, and only a bool can be waited for
          fix: let again output a bool
        """
    )
