"""What is said of functions that are declared steps and do not say enough."""

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_an_input_without_a_type(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="model")
        def fit(
            ratings: Ratings,
            rank=8,
        ) -> Model: ...

        flow = workflow("flow", load >> fit)
        """
    )

    assert error == text(
        """
        the input 'rank' of fit has no type

          my_flow.py:2
            2 | def fit(

          why: inputs are wired by name and type
          fix: annotate it: rank: TheType
        """
    )


def test_inputs_without_names(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="model")
        def fit(*parts: int, **options: int) -> Model: ...

        flow = workflow("flow", fit)
        """
    )

    assert error == text(
        """
        2 problems in this workflow

        1. fit takes *parts, and a step's inputs are wired by their names

          my_flow.py:2
            2 | def fit(*parts: int, **options: int) -> Model: ...

          why: a parameter without a name of its own cannot be looked up
          fix: write out each input with its name and type

        2. fit takes **options, and a step's inputs are wired by their names

          my_flow.py:2
            2 | def fit(*parts: int, **options: int) -> Model: ...

          why: a parameter without a name of its own cannot be looked up
          fix: write out each input with its name and type
        """
    )


def test_a_positional_only_input(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="model")
        def fit(ratings: Ratings, /) -> Model: ...

        flow = workflow("flow", load >> fit)
        """
    )

    assert error == text(
        """
        fit takes ratings, /, and a step's inputs are wired by their names

          my_flow.py:2
            2 | def fit(ratings: Ratings, /) -> Model: ...

          why: a parameter without a name of its own cannot be looked up
          fix: write out each input with its name and type
        """
    )


def test_a_step_that_does_not_say_what_it_returns(mistake: Mistake) -> None:
    error = mistake(
        """
        @step
        def fit(ratings: Ratings): ...

        flow = workflow("flow", load >> fit >> publish)
        """
    )

    assert error == text(
        """
        fit does not say what it returns

          my_flow.py:2
            2 | def fit(ratings: Ratings): ...

          why: outputs are typed
          fix: write -> None if it returns nothing, or -> TheType with @step(output='fit')
        """
    )


def test_a_returned_value_without_a_name(mistake: Mistake) -> None:
    error = mistake(
        """
        @step
        def fit(ratings: Ratings) -> Model: ...

        flow = workflow("flow", load >> fit)
        """
    )

    assert error == text(
        """
        fit returns a value and gives it no name

          my_flow.py:2
            2 | def fit(ratings: Ratings) -> Model: ...

          why: every output is an artifact with a name
          fix: write @step(output='fit')
        """
    )


def test_an_output_that_is_none(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="model")
        def fit(ratings: Ratings) -> None: ...

        flow = workflow("flow", load >> fit)
        """
    )

    assert error == text(
        """
        fit names the output 'model' and returns None

          my_flow.py:2
            2 | def fit(ratings: Ratings) -> None: ...

          fix: give the return type, or leave output out
        """
    )


def test_outputs_named_twice(mistake: Mistake) -> None:
    error = mistake(
        """
        class Parts(NamedTuple):
            first: int
            second: int

        @step(output="parts")
        def halve() -> Parts: ...

        flow = workflow("flow", halve)
        """
    )

    assert error == text(
        """
        halve names its outputs twice

          my_flow.py:6
            6 | def halve() -> Parts: ...

          why: Parts has the outputs first, second
          fix: leave output='parts' out
        """
    )


def test_an_annotation_that_cannot_be_read(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="model")
        def fit(ratings: "Ratins") -> Model: ...

        flow = workflow("flow", load >> fit)
        """
    )

    assert error == text(
        """
        the type annotations of fit cannot be read: name 'Ratins' is not defined

          my_flow.py:2
            2 | def fit(ratings: "Ratins") -> Model: ...

          why: inputs and outputs are wired by name and type
          fix: import the type at the top of the module, outside `if TYPE_CHECKING`
        """
    )
