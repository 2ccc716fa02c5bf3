"""What is said of verbs that are written with too little, or with values that are none."""

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_a_repeat_without_bound(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> repeat(until='stable').do(train >> check))
        """
    )

    assert error == text(
        """
        repeat needs an upper bound

          my_flow.py:1
            1 | flow = workflow('flow', load >> repeat(until='stable').do(train >> check))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^

          why: a workflow that may never end cannot be scheduled
          fix: add at_most=3
        """
    )


def test_a_repeat_bounded_by_zero(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> repeat(until='stable', at_most=0).do(train >> check))
        """
    )

    assert error == text(
        """
        repeat cannot be bounded by 0

          my_flow.py:1
            1 | flow = workflow('flow', load >> repeat(until='stable', at_most=0).do(train >> check))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: a workflow that may never end cannot be scheduled
          fix: add at_most=3
        """
    )


def test_a_loop_of_two_variables(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', for_each(market='markets', rank=[1, 2]).do(measure))
        """
    )

    assert error == text(
        """
        for_each binds one variable, not 2

          my_flow.py:1
            1 | flow = workflow('flow', for_each(market='markets', rank=[1, 2]).do(measure))
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          fix: write for_each(market="markets"), and nest loops or use sweep(…) for combinations
        """
    )


def test_a_loop_of_no_variable(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', for_each().do(load))
        """
    )

    assert error == text(
        """
        for_each binds one variable, not 0

          my_flow.py:1
            1 | flow = workflow('flow', for_each().do(load))
              |                         ^^^^^^^^^^

          fix: write for_each(market="markets"), and nest loops or use sweep(…) for combinations
        """
    )


def test_a_sweep_of_nothing(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', sweep().do(load))
        """
    )

    assert error == text(
        """
        sweep has nothing to vary

          my_flow.py:1
            1 | flow = workflow('flow', sweep().do(load))
              |                         ^^^^^^^

          fix: write sweep(rank=[32, 64])
        """
    )


def test_a_sweep_over_a_text(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> sweep(rank='12').do(train))
        """
    )

    assert error == text(
        """
        the values of 'rank' are not a list

          my_flow.py:1
            1 | flow = workflow('flow', load >> sweep(rank='12').do(train))
              |                                 ^^^^^^^^^^^^^^^^

          why: rank='12' is of type str
          fix: write rank=['12']
        """
    )


def test_a_sweep_over_a_number(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> sweep(rank=12).do(train))
        """
    )

    assert error == text(
        """
        the values of 'rank' are not a list

          my_flow.py:1
            1 | flow = workflow('flow', load >> sweep(rank=12).do(train))
              |                                 ^^^^^^^^^^^^^^

          why: rank=12 is of type int
          fix: write rank=[12]
        """
    )


def test_a_loop_over_an_empty_list(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', for_each(market=[]).do(measure))
        """
    )

    assert error == text(
        """
        there are no values for 'market'

          my_flow.py:1
            1 | flow = workflow('flow', for_each(market=[]).do(measure))
              |                         ^^^^^^^^^^^^^^^^^^^

          why: an empty loop runs nothing
          fix: list values: market=[…]
        """
    )


def test_a_loop_over_equal_items(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', for_each(market=['US', 'CA', 'US']).do(measure))
        """
    )

    assert error == text(
        """
        'US' stands twice in the values of 'market'

          my_flow.py:1
            1 | flow = workflow('flow', for_each(market=['US', 'CA', 'US']).do(measure))
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: the items of a loop are its keys
          fix: remove one of them
        """
    )


def test_a_bootstrap_of_nothing(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="drawn")
        def draw(replicate: int) -> int: ...

        flow = workflow("flow", bootstrap(0).do(draw))
        """
    )

    assert error == text(
        """
        bootstrap(0) has too little to loop over

          my_flow.py:4
            4 | flow = workflow("flow", bootstrap(0).do(draw))
              |                         ^^^^^^^^^^^^

          fix: write bootstrap(5)
        """
    )


def test_a_cross_validation_of_one_fold(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="drawn")
        def draw(fold: int, folds: int) -> int: ...

        flow = workflow("flow", cross_validate(1).do(draw))
        """
    )

    assert error == text(
        """
        cross_validate(1) has too little to loop over

          my_flow.py:4
            4 | flow = workflow("flow", cross_validate(1).do(draw))
              |                         ^^^^^^^^^^^^^^^^^

          fix: write cross_validate(5)
        """
    )


def test_a_loop_that_lets_no_item_run(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', for_each(market=['US']).do(measure, at_once=0))
        """
    )

    assert error == text(
        """
        at_once=0 lets no item run

          my_flow.py:1
            1 | flow = workflow('flow', for_each(market=['US']).do(measure, at_once=0))
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          fix: write at_once=1 for one at a time
        """
    )


def test_no_branches(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> [] >> train)
        """
    )

    assert error == text(
        """
        parallel has no branches

          my_flow.py:1
            1 | flow = workflow('flow', load >> [] >> train)
              |                                 ^^

          why: there is nothing to run
          fix: put steps in the list
        """
    )


def test_a_workflow_of_nothing(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', sequence())
        """
    )

    assert error == text(
        """
        sequence has no parts

          my_flow.py:1
            1 | flow = workflow('flow', sequence())
              |                         ^^^^^^^^^^

          why: there is nothing to run
          fix: put steps into it
        """
    )


def test_a_name_with_signs_in_it(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load.named('load-all') >> train)
        """
    )

    assert error == text(
        """
        'load-all' cannot name a step

          my_flow.py:1
            1 | flow = workflow('flow', load.named('load-all') >> train)
              |                         ^^^^^^^^^^^^^^^^^^^^^^

          why: settings are addressed by the step's name, as in train_als.rank
          fix: use letters, digits and underscores: .named('load_all')
        """
    )


def test_a_body_that_is_no_step_inside_a_verb(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train >> check >> when('stable').do(7).otherwise(8))
        """
    )

    assert error == text(
        """
        2 problems in this workflow

        1. 7 is not a step

          my_flow.py:1
            1 | flow = workflow('flow', load >> train >> check >> when('stable').do(7).otherwise(8))
              |                                                                     ^

          why: a workflow is made of steps, lists of branches and verbs; this is of type int
          fix: pass plain values to a step with .with_(name=value)

        2. 8 is not a step

          my_flow.py:1
            1 | flow = workflow('flow', load >> train >> check >> when('stable').do(7).otherwise(8))
              |                                                                                  ^

          why: a workflow is made of steps, lists of branches and verbs; this is of type int
          fix: pass plain values to a step with .with_(name=value)
        """
    )
