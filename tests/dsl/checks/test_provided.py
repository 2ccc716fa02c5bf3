"""What is said of inputs that nobody provides, with each kind of suggestion."""

# ruff: noqa: E501  what an error says is pinned as it is printed

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_an_input_that_nobody_provides_is_named_with_its_type_and_place(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> evaluate)
        """
    )

    assert error == text(
        """
        evaluate needs 'model: Model', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow('flow', load >> evaluate)
              |                                 ^^^^^^^^

          why: in scope: ratings
          fix: put a step before it that outputs 'model', or give it a default
        """
    )


def test_a_name_that_is_nearly_right_is_suggested(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="ratios")
        def spread() -> Ratings: ...

        flow = workflow("flow", spread >> train)
        """
    )

    assert error == text(
        """
        train needs 'ratings: Ratings', and nothing upstream provides it

          my_flow.py:4
            4 | flow = workflow("flow", spread >> train)
              |                                   ^^^^^

          why: spread provides 'ratios: Ratings'
          fix: did you mean 'ratios'? train.reads(ratings="ratios")
        """
    )


def test_the_only_output_of_the_type_is_suggested_under_its_own_name(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", load.rename(ratings="events") >> train)
        """
    )

    assert error == text(
        """
        train needs 'ratings: Ratings', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow("flow", load.rename(ratings="events") >> train)
              |                                                          ^^^^^

          why: load provides 'events: Ratings'
          fix: train.reads(ratings="events")
        """
    )


def test_several_outputs_of_the_type_are_listed(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", [load.rename(ratings="old"), load.rename(ratings="events")] >> train)
        """
    )

    assert error == text(
        """
        train needs 'ratings: Ratings', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow("flow", [load.rename(ratings="old"), load.rename(ratings="events")] >> train)
              |                                                                                        ^^^^^

          why: of that type there are: events, old
          fix: choose one: train.reads(ratings="events")
        """
    )


def test_the_item_of_a_list_in_scope_suggests_a_loop(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", find_markets >> measure)
        """
    )

    assert error == text(
        """
        measure needs 'market: str', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow("flow", find_markets >> measure)
              |                                         ^^^^^^^

          why: find_markets provides 'markets: list[str]': one for each item of a loop
          fix: for_each(market="markets").do(measure)
        """
    )


def test_the_join_of_a_loop_suggests_another_loop(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="report")
        def explain(length: int) -> str: ...

        flow = workflow("flow", find_markets >> for_each(market="markets").do(measure) >> explain.reads(length="lengths"))
        """
    )

    assert error == text(
        """
        explain needs 'lengths: int', and nothing upstream provides it

          my_flow.py:4
            4 | flow = workflow("flow", find_markets >> for_each(market="markets").do(measure) >> explain.reads(length="lengths"))
              |                                                                                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: the loop for_each[market] provides 'length: Mapping[str, int]': one for each item of a loop
          fix: for_each(lengths="length").do(explain)
        """
    )


def test_an_input_read_under_another_name_is_reported_under_that_name(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", load >> train.reads(ratings="rating_events_of_this_week"))
        """
    )

    assert error == text(
        """
        train needs 'rating_events_of_this_week: Ratings', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow("flow", load >> train.reads(ratings="rating_events_of_this_week"))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: load provides 'ratings: Ratings'
          fix: train.reads(ratings="ratings")
        """
    )


def test_what_a_later_step_provides_is_not_in_scope(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", train >> load)
        """
    )

    assert error == text(
        """
        train needs 'ratings: Ratings', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow("flow", train >> load)
              |                         ^^^^^

          why: in scope: nothing
          fix: put a step before it that outputs 'ratings', or give it a default
        """
    )


def test_a_parallel_branch_does_not_see_the_other(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", load >> [train, evaluate])
        """
    )

    assert error == text(
        """
        evaluate needs 'model: Model', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow("flow", load >> [train, evaluate])
              |                                         ^^^^^^^^

          why: in scope: ratings
          fix: put a step before it that outputs 'model', or give it a default
        """
    )


def test_a_default_of_a_type_that_no_setting_can_have_is_no_mistake_but_a_required_input_is(mistake: Mistake) -> None:
    error = mistake(
        """
        class Connection: ...

        @step(output="rows")
        def fetch(connection: Connection, cache: Connection = Connection()) -> int: ...

        flow = workflow("flow", fetch)
        """
    )

    assert error == text(
        """
        fetch needs 'connection: Connection', and nothing upstream provides it

          my_flow.py:6
            6 | flow = workflow("flow", fetch)
              |                         ^^^^^

          why: in scope: nothing
          fix: put a step before it that outputs 'connection', or give it a default
        """
    )


def test_a_missing_output_of_something_unreadable_upstream_is_not_reported_twice(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow("flow", 42 >> train >> evaluate)
        """
    )

    assert error == text(
        """
        42 is not a step

          my_flow.py:1
            1 | flow = workflow("flow", 42 >> train >> evaluate)
              |                         ^^

          why: a workflow is made of steps, lists of branches and verbs; this is of type int
          fix: pass plain values to a step with .with_(name=value)
        """
    )
