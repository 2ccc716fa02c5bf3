"""What is said of values written in the expression that do not fit."""

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_a_given_value_of_the_wrong_type(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train.with_(rank='many'))
        """
    )

    assert error == text(
        """
        rank='many' does not fit the input 'rank: int' of train

          my_flow.py:1
            1 | flow = workflow('flow', load >> train.with_(rank='many'))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^

          why: input should be a valid integer, unable to parse string as an integer
          fix: give a value of type int
        """
    )


def test_a_given_value_that_is_no_plain_value(mistake: Mistake) -> None:
    error = mistake(
        """
        class Handle:
            def __repr__(self) -> str:
                return "Handle()"

        flow = workflow("flow", load >> train.with_(rank=Handle()))
        """
    )

    assert error == text(
        """
        rank=Handle() does not fit the input 'rank: int' of train

          my_flow.py:5
            5 | flow = workflow("flow", load >> train.with_(rank=Handle()))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: Handle() is no plain value: Unable to serialize unknown type: <class 'my_flow.Handle'>
          fix: give a value of type int
        """
    )


def test_a_value_for_an_input_that_only_a_step_can_provide(mistake: Mistake) -> None:
    error = mistake(
        """
        class Connection:
            def __repr__(self) -> str:
                return "Connection()"

        @step(output="rows")
        def fetch(connection: Connection) -> int: ...

        flow = workflow("flow", fetch.with_(connection=Connection()))
        """
    )

    assert error == text(
        """
        connection=Connection() does not fit the input 'connection: Connection' of fetch

          my_flow.py:8
            8 | flow = workflow("flow", fetch.with_(connection=Connection()))
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: only plain values can be written in an expression; let a step provide it
          fix: give a value of type Connection
        """
    )


def test_a_swept_value_of_the_wrong_type(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> sweep(rank=[8, 'many']).do(train))
        """
    )

    assert error == text(
        """
        rank='many' does not fit the input 'rank: int' of train

          my_flow.py:1
            1 | flow = workflow('flow', load >> sweep(rank=[8, 'many']).do(train))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^

          why: input should be a valid integer, unable to parse string as an integer
          fix: list values of type int
        """
    )


def test_a_listed_item_of_the_wrong_type(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', for_each(market=['US', 7]).do(measure))
        """
    )

    assert error == text(
        """
        market=7 does not fit the input 'market: str' of measure

          my_flow.py:1
            1 | flow = workflow('flow', for_each(market=['US', 7]).do(measure))
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: input should be a valid string
          fix: list values of type str
        """
    )


def test_a_parameter_of_a_nested_workflow_of_the_wrong_type(mistake: Mistake) -> None:
    error = mistake(
        """
        class Params(BaseModel):
            rank: int = 8

        inner = workflow("inner", load >> train, params=Params)
        outer = workflow("outer", inner.with_(rank="many"))
        """
    )

    assert error == text(
        """
        rank='many' does not fit the parameter 'rank: int' of inner

          my_flow.py:5
            5 | outer = workflow("outer", inner.with_(rank="many"))
              |                           ^^^^^^^^^^^^^^^^^^^^^^^^

          why: input should be a valid integer, unable to parse string as an integer
          fix: give a value of type int
        """
    )


def test_a_parameter_that_a_nested_workflow_does_not_have(mistake: Mistake) -> None:
    error = mistake(
        """
        class Params(BaseModel):
            rank: int = 8

        inner = workflow("inner", load >> train, params=Params)
        outer = workflow("outer", inner.with_(rnk=8))
        """
    )

    assert error == text(
        """
        the workflow inner has no parameter 'rnk'

          my_flow.py:5
            5 | outer = workflow("outer", inner.with_(rnk=8))
              |                           ^^^^^^^^^^^^^^^^^^

          why: its parameters are: rank
          fix: did you mean 'rank'?
        """
    )


def test_a_parameter_of_a_workflow_without_parameters(mistake: Mistake) -> None:
    error = mistake(
        """
        inner = workflow("inner", load >> train)
        outer = workflow("outer", inner.with_(seed=8))
        """
    )

    assert error == text(
        """
        the workflow inner has no parameter 'seed'

          my_flow.py:2
            2 | outer = workflow("outer", inner.with_(seed=8))
              |                           ^^^^^^^^^^^^^^^^^^^

          why: its parameters are: none
          fix: leave .with_(seed=…) out
        """
    )


def test_constraints_of_the_annotation_hold_for_given_values(mistake: Mistake) -> None:
    error = mistake(
        """
        from typing import Annotated
        from pydantic import Field

        @step(output="model")
        def fit(*, rank: Annotated[int, Field(gt=0)] = 8, engine: Literal["spark", "implicit"] = "spark") -> Model: ...

        flow = workflow("flow", fit.with_(rank=-1, engine="sparc"))
        """
    )

    assert error == text(
        """
        2 problems in this workflow

        1. rank=-1 does not fit the input 'rank: int' of fit

          my_flow.py:7
            7 | flow = workflow("flow", fit.with_(rank=-1, engine="sparc"))
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: input should be greater than 0
          fix: give a value of type int

        2. engine='sparc' does not fit the input 'engine: Literal['spark', 'implicit']' of fit

          my_flow.py:7
            7 | flow = workflow("flow", fit.with_(rank=-1, engine="sparc"))
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: input should be 'spark' or 'implicit'
          fix: give a value of type Literal['spark', 'implicit']
        """
    )


def test_constraints_of_the_parameters_hold_for_given_values(mistake: Mistake) -> None:
    error = mistake(
        """
        from pydantic import Field

        class Params(BaseModel):
            rank: int = Field(default=8, gt=0)

        inner = workflow("inner", load >> train, params=Params)
        outer = workflow("outer", inner.with_(rank=-1))
        """
    )

    assert error == text(
        """
        rank=-1 does not fit the parameter 'rank: int' of inner

          my_flow.py:7
            7 | outer = workflow("outer", inner.with_(rank=-1))
              |                           ^^^^^^^^^^^^^^^^^^^^

          why: input should be greater than 0
          fix: give a value of type int
        """
    )
