"""What is said of names that are bound twice."""

# ruff: noqa: E501  what an error says is pinned as it is printed

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_an_input_both_given_and_renamed(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train.with_(rank=3).reads(rank='ratings'))
        """
    )

    assert error == text(
        """
        the input 'rank' of train is bound twice

          my_flow.py:1
            1 | flow = workflow('flow', load >> train.with_(rank=3).reads(rank='ratings'))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: one input has one value
          fix: keep one of .with_(rank=…) and .reads(rank=…)
        """
    )


def test_an_input_given_twice(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train.with_(rank=3).with_(rank=4))
        """
    )

    assert error == text(
        """
        the input 'rank' of train is bound twice

          my_flow.py:1
            1 | flow = workflow('flow', load >> train.with_(rank=3).with_(rank=4))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: one input has one value
          fix: keep one of .with_(rank=…) and .reads(rank=…)
        """
    )


def test_two_outputs_renamed_to_one_name(mistake: Mistake) -> None:
    error = mistake(
        """
        class Parts(NamedTuple):
            first: int
            second: int

        @step
        def halve() -> Parts: ...

        flow = workflow("flow", halve.rename(first="half", second="half"))
        """
    )

    assert error == text(
        """
        halve would provide 'half' twice

          my_flow.py:8
            8 | flow = workflow("flow", halve.rename(first="half", second="half"))
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: its outputs are: first, second
          fix: rename to distinct names
        """
    )


def test_an_output_renamed_onto_another(mistake: Mistake) -> None:
    error = mistake(
        """
        class Parts(NamedTuple):
            first: int
            second: int

        @step
        def halve() -> Parts: ...

        flow = workflow("flow", halve.rename(first="second"))
        """
    )

    assert error == text(
        """
        halve would provide 'second' twice

          my_flow.py:8
            8 | flow = workflow("flow", halve.rename(first="second"))
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: its outputs are: first, second
          fix: rename to distinct names
        """
    )


def test_an_output_renamed_twice(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load.rename(ratings='a').rename(ratings='b'))
        """
    )

    assert error == text(
        """
        the output 'ratings' of load is renamed twice

          my_flow.py:1
            1 | flow = workflow('flow', load.rename(ratings='a').rename(ratings='b'))
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: one output has one name
          fix: keep one of its .rename(ratings=…)
        """
    )


def test_a_variable_of_two_nested_loops(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", find_markets >> for_each(market="markets").do(for_each(market="markets").do(measure)))
        """
    )

    assert error == text(
        """
        the name 'market' is bound twice: the enclosing loop binds it too

          my_flow.py:1
            1 | flow = workflow("flow", find_markets >> for_each(market="markets").do(for_each(market="markets").do(measure)))
              |                                                                       ^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: it was bound at my_flow.py:1
          fix: give the inner variable another name, and let its steps read it: .reads(market="…")
        """
    )


def test_a_variable_that_the_body_provides_too(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="market")
        def normalise(market: str) -> str: ...

        flow = workflow("flow", for_each(market=["us", "ca"]).do(normalise >> measure))
        """
    )

    assert error == text(
        """
        the name 'market' is bound twice: normalise provides it inside the loop that binds it

          my_flow.py:4
            4 | flow = workflow("flow", for_each(market=["us", "ca"]).do(normalise >> measure))
              |                                                          ^^^^^^^^^

          why: inside for_each[market] it stands for the loop's item
          fix: rename the output: normalise.rename(market="…")
        """
    )


def test_the_number_of_the_attempt_that_the_body_provides_too(mistake: Mistake) -> None:
    error = mistake(
        """
        class Tried(NamedTuple):
            attempt: int
            good: bool

        @step
        def try_it() -> Tried: ...

        flow = workflow("flow", repeat(until="good", at_most=3).do(try_it))
        """
    )

    assert error == text(
        """
        the name 'attempt' is bound twice

          my_flow.py:8
            8 | flow = workflow("flow", repeat(until="good", at_most=3).do(try_it))
              |                                                            ^^^^^^

          why: try_it provides it, and inside repeat it is the number of the attempt
          fix: rename the output: .rename(attempt="…")
        """
    )


def test_a_loop_variable_called_as_the_number_of_the_attempt(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="good")
        def try_it(attempt: int) -> bool: ...

        flow = workflow("flow", repeat(until="good", at_most=3).do(try_it >> for_each(attempt=[1, 2]).do(try_it.rename(good="fine"))))
        """
    )

    assert error == text(
        """
        the name 'attempt' is bound twice: the enclosing loop binds it too

          my_flow.py:4
            4 | flow = workflow("flow", repeat(until="good", at_most=3).do(try_it >> for_each(attempt=[1, 2]).do(try_it.rename(good="fine"))))
              |                                                                      ^^^^^^^^^^^^^^^^^^^^^^^^

          why: it was bound at my_flow.py:4
          fix: give the inner variable another name, and let its steps read it: .reads(attempt="…")
        """
    )
