"""What is said of loops: what they run over, what they vary."""

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_a_loop_over_a_single_value(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train >> for_each(market='model').do(measure))
        """
    )

    assert error == text(
        """
        for_each runs over 'model: Model', which is neither a list nor a mapping

          my_flow.py:1
            1 | flow = workflow('flow', load >> train >> for_each(market='model').do(measure))
              |                                          ^^^^^^^^^^^^^^^^^^^^^^^^

          why: train provides it at my_flow.py:1
          fix: let train return list[Model], or loop over another name: for_each(market="…")
        """
    )


def test_a_loop_over_a_text(mistake: Mistake) -> None:
    error = mistake(
        """
        @step(output="markets")
        def name_markets() -> str: ...

        flow = workflow("flow", name_markets >> for_each(market="markets").do(measure))
        """
    )

    assert error == text(
        """
        for_each runs over 'markets: str', which is neither a list nor a mapping

          my_flow.py:4
            4 | flow = workflow("flow", name_markets >> for_each(market="markets").do(measure))
              |                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: name_markets provides it at my_flow.py:4
          fix: let name_markets return list[str], or loop over another name: for_each(market="…")
        """
    )


def test_a_loop_over_a_name_that_nobody_provides(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', find_markets >> for_each(market='market').do(measure))
        """
    )

    assert error == text(
        """
        for_each runs over 'market', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow('flow', find_markets >> for_each(market='market').do(measure))
              |                                         ^^^^^^^^^^^^^^^^^^^^^^^^^

          why: lists and mappings in scope: markets
          fix: did you mean 'markets'?
        """
    )


def test_a_loop_over_a_name_where_there_is_nothing_alike(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', for_each(market='markets').do(measure))
        """
    )

    assert error == text(
        """
        for_each runs over 'markets', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow('flow', for_each(market='markets').do(measure))
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: lists and mappings in scope: none
          fix: put a step before it that outputs 'markets' as a list
        """
    )


def test_a_loop_over_something_made_later(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', for_each(market='markets').do(measure) >> find_markets)
        """
    )

    assert error == text(
        """
        for_each runs over 'markets', and nothing upstream provides it

          my_flow.py:1
            1 | flow = workflow('flow', for_each(market='markets').do(measure) >> find_markets)
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: lists and mappings in scope: none
          fix: put a step before it that outputs 'markets' as a list
        """
    )


def test_a_swept_variable_that_nothing_reads(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> sweep(rank=[1, 2], alpha=[0.5, 1]).do(train))
        """
    )

    assert error == text(
        """
        sweep varies 'alpha', and no step inside reads it

          my_flow.py:1
            1 | flow = workflow('flow', load >> sweep(rank=[1, 2], alpha=[0.5, 1]).do(train))
              |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: every item would compute the same; the steps read: rank, ratings, rows
          fix: give a step inside an input 'alpha', or let one read it: .reads(its_input="alpha")
        """
    )


def test_a_loop_variable_that_nothing_reads(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', find_markets >> for_each(market='markets').do(load >> train))
        """
    )

    assert error == text(
        """
        for_each varies 'market', and no step inside reads it

          my_flow.py:1
            1 | flow = workflow('flow', find_markets >> for_each(market='markets').do(load >> train))
              |                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: every item would compute the same; the steps read: rank, ratings, rows
          fix: give a step inside an input 'market', or let one read it: .reads(its_input="market")
        """
    )


def test_a_bootstrap_whose_replicate_nothing_reads(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', bootstrap(3).do(load))
        """
    )

    assert error == text(
        """
        bootstrap varies 'replicate', and no step inside reads it

          my_flow.py:1
            1 | flow = workflow('flow', bootstrap(3).do(load))
              |                         ^^^^^^^^^^^^

          why: every item would compute the same; the steps read: rows
          fix: give a step inside an input 'replicate', or let one read it: .reads(its_input="replicate")
        """
    )


def test_folds_that_nothing_reads(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', cross_validate(3).do(load))
        """
    )

    assert error == text(
        """
        cross_validate varies 'fold', and no step inside reads it

          my_flow.py:1
            1 | flow = workflow('flow', cross_validate(3).do(load))
              |                         ^^^^^^^^^^^^^^^^^

          why: every item would compute the same; the steps read: rows
          fix: give a step inside an input 'fold', or let one read it: .reads(its_input="fold")
        """
    )


def test_a_swept_variable_that_a_given_value_hides(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> sweep(rank=[1, 2]).do(train.with_(rank=3)))
        """
    )

    assert error == text(
        """
        sweep varies 'rank', and no step inside reads it

          my_flow.py:1
            1 | flow = workflow('flow', load >> sweep(rank=[1, 2]).do(train.with_(rank=3)))
              |                                 ^^^^^^^^^^^^^^^^^^

          why: every item would compute the same; the steps read: ratings, rows
          fix: give a step inside an input 'rank', or let one read it: .reads(its_input="rank")
        """
    )
