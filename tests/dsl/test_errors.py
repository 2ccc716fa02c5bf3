"""How errors of an expression read: every problem at once, in the order of the source, each at its place."""

# ruff: noqa: E501  what an error says is pinned as it is printed

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_several_problems_are_shown_at_once_in_the_order_of_the_source(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow(
            "flow",
            find_markets
            >> for_each(market="markets").do(measure >> fine_tune)
            >> train.with_(rank="many")
            >> sweep(alpha=[1, 2]).do(publish)
            >> print
            >> repeat(until="stable").do(load.rename(rating="stars")),
            report=["quality"],
        )
        """
    )

    assert error == text(
        """
        9 problems in this workflow

        1. the workflow flow reports 'quality', which is not in scope at its end

          my_flow.py:1
            1 | flow = workflow(
              |        ^^^^^^^^^

          why: in scope at the end: length, local_model, markets, model, ratings, sweep_points
          fix: choose one of: 'length', 'local_model', 'markets', 'model', 'ratings', 'sweep_points'

        2. fine_tune needs 'model: Model', and nothing upstream provides it

          my_flow.py:4
            4 |     >> for_each(market="markets").do(measure >> fine_tune)
              |                                                 ^^^^^^^^^

          why: in scope: length, market, markets
          fix: put a step before it that outputs 'model', or give it a default

        3. train needs 'ratings: Ratings', and nothing upstream provides it

          my_flow.py:5
            5 |     >> train.with_(rank="many")
              |        ^^^^^^^^^^^^^^^^^^^^^^^^

          why: in scope: length, local_model, markets
          fix: put a step before it that outputs 'ratings', or give it a default

        4. rank='many' does not fit the input 'rank: int' of train

          my_flow.py:5
            5 |     >> train.with_(rank="many")
              |        ^^^^^^^^^^^^^^^^^^^^^^^^

          why: input should be a valid integer, unable to parse string as an integer
          fix: give a value of type int

        5. sweep varies 'alpha', and no step inside reads it

          my_flow.py:6
            6 |     >> sweep(alpha=[1, 2]).do(publish)
              |        ^^^^^^^^^^^^^^^^^^^

          why: every item would compute the same; the steps read: market, model, ratings, rows
          fix: give a step inside an input 'alpha', or let one read it: .reads(its_input="alpha")

        6. print is used as a step, and it is a plain function

          my_flow.py:7
            7 |     >> print
              |        ^^^^^

          why: a workflow is made of steps: functions that declare what they output
          fix: write a function that calls it, and decorate that with @step(output=…)

        7. repeat needs an upper bound

          my_flow.py:8
            8 |     >> repeat(until="stable").do(load.rename(rating="stars")),
              |        ^^^^^^^^^^^^^^^^^^^^^^

          why: a workflow that may never end cannot be scheduled
          fix: add at_most=3

        8. repeat runs until 'stable', and nothing in its body provides it

          my_flow.py:8
            8 |     >> repeat(until="stable").do(load.rename(rating="stars")),
              |        ^^^^^^^^^^^^^^^^^^^^^^

          why: bools that the body provides: none
          fix: put a step into the body with @step(output="stable") that returns a bool

        9. load has no output 'rating', which .rename(rating=…) speaks of

          my_flow.py:8
            8 |     >> repeat(until="stable").do(load.rename(rating="stars")),
              |                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: its outputs are: ratings
          fix: did you mean 'ratings'?
        """
    )


def test_problems_on_one_line_are_shown_from_left_to_right(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", load >> train.with_(rnk=1) >> choose >> 7)
        """
    )

    assert error == text(
        """
        3 problems in this workflow

        1. train has no input 'rnk', which .with_(rnk=…) speaks of

          my_flow.py:1
            1 | flow = workflow("flow", load >> train.with_(rnk=1) >> choose >> 7)
              |                                 ^^^^^^^^^^^^^^^^^^

          why: its inputs are: ratings, rank
          fix: did you mean 'rank'?

        2. choose needs 'local_model: Mapping[str, Model]', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow("flow", load >> train.with_(rnk=1) >> choose >> 7)
              |                                                       ^^^^^^

          why: in scope: model, ratings
          fix: put a step before it that outputs 'local_model', or give it a default

        3. 7 is not a step

          my_flow.py:1
            1 | flow = workflow("flow", load >> train.with_(rnk=1) >> choose >> 7)
              |                                                                 ^

          why: a workflow is made of steps, lists of branches and verbs; this is of type int
          fix: pass plain values to a step with .with_(name=value)
        """
    )


def test_carets_stand_under_the_first_line_of_an_expression_of_many_lines(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow(
            "flow",
            load
            >> train.with_(
                rank="many",
            )
            >> publish,
        )
        """
    )

    assert error == text(
        """
        rank='many' does not fit the input 'rank: int' of train

          my_flow.py:4
            4 |     >> train.with_(
              |        ^^^^^^^^^^^^

          why: input should be a valid integer, unable to parse string as an integer
          fix: give a value of type int
        """
    )


def test_carets_stand_under_a_loop_and_not_under_its_body(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow(
            "flow",
            sweep(
                rank=[1, 2],
            ).do(
                load,
            ),
        )
        """
    )

    assert error == text(
        """
        sweep varies 'rank', and no step inside reads it

          my_flow.py:3
            3 |     sweep(
              |     ^^^^^^

          why: every item would compute the same; the steps read: rows
          fix: give a step inside an input 'rank', or let one read it: .reads(its_input="rank")
        """
    )


def test_carets_stand_under_the_operand_of_an_operator(mistake: Mistake) -> None:
    error = mistake(
        """
        head = load >> train
        tail = [evaluate, 3 >> check]
        flow = workflow("flow", head >> tail)
        """
    )

    assert error == text(
        """
        3 is not a step

          my_flow.py:2
            2 | tail = [evaluate, 3 >> check]
              |                   ^

          why: a workflow is made of steps, lists of branches and verbs; this is of type int
          fix: pass plain values to a step with .with_(name=value)
        """
    )


def test_a_step_held_in_a_variable_is_shown_where_it_stands_in_the_expression(mistake: Mistake) -> None:
    error = mistake(
        """
        bad = train.with_(rank="many")

        flow = workflow("flow", load >> bad)
        """
    )

    assert error == text(
        """
        rank='many' does not fit the input 'rank: int' of train

          my_flow.py:3
            3 | flow = workflow("flow", load >> bad)
              |                                 ^^^

          why: input should be a valid integer, unable to parse string as an integer
          fix: give a value of type int
        """
    )


def test_an_expression_built_in_a_function_is_shown_there(mistake: Mistake) -> None:
    error = mistake(
        """
        def branch(step_of_branch):
            return load >> step_of_branch

        def build():
            return workflow("flow", branch(evaluate))

        build()
        """
    )

    assert error == text(
        """
        evaluate needs 'model: Model', and nothing upstream provides it

          my_flow.py:2
            2 |     return load >> step_of_branch
              |                    ^^^^^^^^^^^^^^

          why: in scope: ratings
          fix: put a step before it that outputs 'model', or give it a default
        """
    )


def test_an_expression_built_in_a_comprehension_is_shown_there(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", load >> [train.named(f"train_{rank}").with_(rnk=rank).rename(model=f"model_{rank}") for rank in (1, 2)])
        """
    )

    assert error == text(
        """
        2 problems in this workflow

        1. train_1 has no input 'rnk', which .with_(rnk=…) speaks of

          my_flow.py:1
            1 | flow = workflow("flow", load >> [train.named(f"train_{rank}").with_(rnk=rank).rename(model=f"model_{rank}") for rank in (1, 2)])
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: its inputs are: ratings, rank
          fix: did you mean 'rank'?

        2. train_2 has no input 'rnk', which .with_(rnk=…) speaks of

          my_flow.py:1
            1 | flow = workflow("flow", load >> [train.named(f"train_{rank}").with_(rnk=rank).rename(model=f"model_{rank}") for rank in (1, 2)])
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: its inputs are: ratings, rank
          fix: did you mean 'rank'?
        """
    )


def test_operands_passed_with_a_star_are_shown_by_the_whole_expression(mistake: Mistake) -> None:
    error = mistake(
        """
        parts = [load, evaluate]
        flow = workflow("flow", sequence(*parts))
        """
    )

    assert error == text(
        """
        evaluate needs 'model: Model', and nothing upstream provides it

          my_flow.py:2
            2 | flow = workflow("flow", sequence(*parts))
              |                         ^^^^^^^^^^^^^^^^

          why: in scope: ratings
          fix: put a step before it that outputs 'model', or give it a default
        """
    )


def test_carets_are_right_behind_letters_of_several_bytes(mistake: Mistake) -> None:
    error = mistake(
        """
        größe = load.rename(ratings="größe")
        flow = workflow("flow", [größe, "Ωmega", load >> evaluate])
        """
    )

    assert error == text(
        """
        'Ωmega' is not a step

          my_flow.py:2
            2 | flow = workflow("flow", [größe, "Ωmega", load >> evaluate])
              |                                 ^^^^^^^

          why: a workflow is made of steps, lists of branches and verbs; this is of type str
          fix: pass plain values to a step with .with_(name=value)
        """
    )
